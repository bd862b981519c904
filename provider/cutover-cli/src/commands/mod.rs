//! One file for each command.

mod drill;
mod explain;
mod rollback;
mod simulate;
mod status;
mod switch;
mod unlock;
mod validate;
mod verify;

use crate::cli::{Command, command};
use crate::console::Console;
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// Runs a command.
pub(crate) async fn run(
    command: &Command,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    match command {
        Command::Status(args) => status::run(args, here, console).await,
        Command::Rollback(args) => rollback::run(args, here, console).await,
        Command::Hold(args) => switch::hold(args, here, console).await,
        Command::Resume(args) => switch::resume(args, here, console).await,
        Command::Approve(args) => switch::approve(args, here, console).await,
        Command::Unlock(args) => unlock::run(args, here, console).await,
        Command::Verify(args) => verify::run(args, here, console).await,
        Command::Drill(args) => drill::run(args, here, console).await,
        Command::Simulate(args) => simulate::run(args, here, console).await,
        Command::Validate(args) => validate::run(args, here, console).await,
        Command::Explain(args) => explain::run(args, console),
        Command::Completions { shell } => {
            completions(*shell, console);
            Ok(Exit::Done)
        }
    }
}

fn completions(shell: clap_complete::Shell, console: &mut Console<'_>) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "cutover", &mut script);
    console.text(&script);
}
