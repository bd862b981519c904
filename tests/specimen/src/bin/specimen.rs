//! The specimen plugin.

use std::io;
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let variable = |name: &str| std::env::var(name).ok();
    let arguments = std::env::args_os().skip(1);
    if std::env::var_os("SPECIMEN_DEMANDS_OWNER").is_some() {
        return pulumi_host::serve(pulumi_specimen::demanding(variable), arguments);
    }
    pulumi_host::serve(pulumi_specimen::specimen(variable), arguments)
}
