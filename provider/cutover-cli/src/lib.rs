//! The operator's command: looks at shifts of traffic, and takes them back, with zone, name and credentials only; and
//! compares two databases.
//!
//! It stands beside the plugin and not behind it: nothing here needs the Pulumi program or its state, since those may
//! be what is broken. What it knows it reads from the records, from the journal beside them and from the name servers.
//!
//! | Module | Subject |
//! | --- | --- |
//! | `cli` | what can be typed |
//! | `console` | what is printed, for people and as JSON |
//! | `problem` | what can go wrong, and how the command exits |
//! | `world` | how AWS and databases are reached |
//! | `calls` | calls through a port, again when they may pass |
//! | `group` | the records of a shift, as they are read |
//! | `gates` | the gates of a file |
//! | `commands` | one file for each command |
//!
//! What is decided about a shift is decided in `cutover-core`; what is decided about a command is a plain function here.

mod calls;
mod cli;
mod commands;
mod console;
mod gates;
mod group;
mod problem;
#[cfg(test)]
mod tests;
mod world;

pub use cli::{Cli, command};
pub use console::Console;
pub use problem::{Exit, Problem};
pub use world::{Here, connect};

/// Runs a command and tells how it exits. What went wrong is printed.
pub async fn run(cli: &Cli, here: &Here, console: &mut Console<'_>) -> Exit {
    match commands::run(&cli.command, here, console).await {
        Ok(exit) => exit,
        Err(problem) => {
            console.problem(&problem);
            problem.exit
        }
    }
}
