package main

import (
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const boltType = "parts:index:Bolt"

// Shelf is the component specimen:index:Shelf.
type Shelf struct {
	pulumi.ResourceState

	IDs   pulumi.StringArrayOutput `pulumi:"ids"`
	Count pulumi.IntOutput         `pulumi:"count"`
}

// Annotate describes the component in the schema.
func (s *Shelf) Annotate(a infer.Annotator) {
	a.Describe(&s, "A shelf held up by bolts of another package.")
	a.Describe(&s.IDs, "The ids of the bolts, in order.")
	a.Describe(&s.Count, "How many bolts there are.")
}

// ShelfArgs are the inputs of a shelf. The size is plain because it decides how many children
// are registered, which cannot wait for an output.
type ShelfArgs struct {
	Size   int                   `pulumi:"size"`
	Prefix pulumi.StringPtrInput `pulumi:"prefix,optional"`
}

// Annotate describes the inputs in the schema.
func (s *ShelfArgs) Annotate(a infer.Annotator) {
	a.Describe(&s.Size, "How many bolts to fasten.")
	a.Describe(&s.Prefix, "What the label of every bolt begins with.")
}

// Bolt stands for the resource of the other package, as a generated SDK would define it.
type Bolt struct {
	pulumi.CustomResourceState
}

// NewShelf registers a shelf and its bolts. infer registers the outputs afterwards.
func NewShelf(
	ctx *pulumi.Context, name string, args ShelfArgs, opts ...pulumi.ResourceOption,
) (*Shelf, error) {
	shelf := &Shelf{}
	if err := ctx.RegisterComponentResource(p.GetTypeToken(ctx), name, shelf, opts...); err != nil {
		return nil, err
	}

	ids := make(pulumi.StringArray, 0, max(args.Size, 0))
	for i := range args.Size {
		bolt := &Bolt{}
		err := ctx.RegisterResource(boltType, fmt.Sprintf("%s-bolt-%d", name, i), pulumi.Map{
			"label":      boltLabel(args.Prefix, i),
			"secretNote": pulumi.ToSecret(pulumi.String(fmt.Sprintf("note %d", i))),
		}, bolt, pulumi.Parent(shelf))
		if err != nil {
			return nil, err
		}
		ids = append(ids, bolt.ID().ToStringOutput())
	}

	shelf.IDs = ids.ToStringArrayOutput()
	shelf.Count = pulumi.Int(len(ids)).ToIntOutput()
	return shelf, nil
}

// boltLabel joins prefix and number; a missing prefix counts as the empty string.
func boltLabel(prefix pulumi.StringPtrInput, i int) pulumi.StringInput {
	if prefix == nil {
		return pulumi.String(fmt.Sprintf("-%d", i))
	}
	return pulumi.Sprintf("%s-%d", prefix.ToStringPtrOutput().Elem(), i)
}
