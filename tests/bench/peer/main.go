// Command pulumi-resource-specimen serves the specimen package with pulumi-go-provider.
//
// It exists only to be measured: a provider with the same package, written on cutover's own
// framework, is run against it, so both must offer the same schema and the same behaviour.
package main

import (
	"context"
	"fmt"
	"os"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

const (
	packageName    = "specimen"
	packageVersion = "0.1.0"
)

func main() {
	provider, err := newProvider()
	if err == nil {
		err = provider.Run(context.Background(), packageName, packageVersion)
	}
	if err != nil {
		// Standard output belongs to the port line, so complaints go to standard error.
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func newProvider() (p.Provider, error) {
	return infer.NewProviderBuilder().
		WithDisplayName("Specimen").
		WithNamespace("example").
		WithDescription("A package without side effects, used to compare provider frameworks.").
		// Left to itself the builder would derive an import path from the two names above.
		WithGoImportPath("example.com/specimen/sdk/go/specimen").
		WithConfig(infer.Config(Config{})).
		WithResources(infer.Resource(Note{})).
		WithComponents(infer.ComponentF(NewShelf)).
		WithFunctions(infer.Function(Join{})).
		Build()
}

// Config holds the provider settings. Nothing reads them; they are there so that CheckConfig,
// DiffConfig and Configure have something to carry, one secret included.
type Config struct {
	Region *string `pulumi:"region,optional"`
	Token  *string `pulumi:"token,optional" provider:"secret"`
}

// Annotate describes the settings in the schema.
func (c *Config) Annotate(a infer.Annotator) {
	a.Describe(&c.Region, "The region the specimen pretends to live in.")
	a.Describe(&c.Token, "A credential that is never used.")
}
