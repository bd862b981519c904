// Command descriptors prints the Pulumi plugin protocol, as the official Go SDK carries it, to standard output: a
// serialized google.protobuf.FileDescriptorSet. A test in `proto/` holds our own definitions against it.
package main

import (
	"fmt"
	"os"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// The parts of the protocol that a resource plugin speaks. The same Go package also holds those for language hosts,
// converters and policy packs.
var roots = []protoreflect.FileDescriptor{
	pulumirpc.File_pulumi_alias_proto,
	pulumirpc.File_pulumi_callback_proto,
	pulumirpc.File_pulumi_engine_proto,
	pulumirpc.File_pulumi_errors_proto,
	pulumirpc.File_pulumi_plugin_proto,
	pulumirpc.File_pulumi_provider_proto,
	pulumirpc.File_pulumi_resource_proto,
	pulumirpc.File_pulumi_resource_status_proto,
	pulumirpc.File_pulumi_source_proto,
}

func main() {
	var set descriptorpb.FileDescriptorSet
	seen := map[string]bool{}
	// Imports come before the files that use them, because readers of such a set resolve names in one pass.
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		imports := file.Imports()
		for i := range imports.Len() {
			add(imports.Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	for _, root := range roots {
		add(root)
	}
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(&set)
	if err == nil {
		_, err = os.Stdout.Write(bytes)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "descriptors:", err)
		os.Exit(1)
	}
}
