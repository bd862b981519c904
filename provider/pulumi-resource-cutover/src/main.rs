//! The plugin that the Pulumi engine starts: wiring, and nothing else.

mod environment;
mod world;

use std::io;
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    // Standard output belongs to the line with the port.
    tracing_subscriber::fmt()
        .with_env_filter(environment::log_filter())
        .with_writer(io::stderr)
        .init();
    let provider = cutover_resources::provider(environment::variable, world::connect);
    pulumi_host::serve(provider, std::env::args_os().skip(1))
}
