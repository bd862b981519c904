//! Turns the `.proto` files into Rust, without `protoc`.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use prost::Message as _;

/// The files with services or error details; protox finds what they import.
const ROOTS: [&str; 6] = [
    "google/rpc/status.proto",
    "pulumi/engine.proto",
    "pulumi/errors.proto",
    "pulumi/provider.proto",
    "pulumi/resource.proto",
    "pulumi/resource_status.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=google");
    println!("cargo::rerun-if-changed=pulumi");

    let mut descriptors = protox::compile(ROOTS, ["."])?;

    let mut config = tonic_prost_build::Config::new();
    config
        // Ordered maps make the encoding of a message a function of its content.
        .btree_map(["."])
        // The names let a message be packed into `Any`, under the domain that Go readers expect.
        .enable_type_names()
        .type_name_domain(["."], "type.googleapis.com");
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .compile_fds_with_config(descriptors.clone(), config)?;

    // Comments are in the Rust types by now and would only make the embedded set larger.
    for file in &mut descriptors.file {
        file.source_code_info = None;
    }
    let out = PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin");
    fs::write(out, descriptors.encode_to_vec())?;
    Ok(())
}
