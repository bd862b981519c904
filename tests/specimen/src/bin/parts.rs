//! The parts plugin.

use std::io;
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let variable = |name: &str| std::env::var(name).ok();
    pulumi_host::serve(
        pulumi_specimen::parts(variable),
        std::env::args_os().skip(1),
    )
}
