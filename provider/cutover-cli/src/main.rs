//! The operator's command: reads what was typed, and runs it.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Parser as _;
use cutover_cli::{Cli, Console, connect, run};

fn main() -> io::Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut input = io::stdin().lock();
    let is_terminal = input.is_terminal() && err.is_terminal();
    let mut console = Console::new(&mut out, &mut err, &mut input, is_terminal, cli.json);
    let here = connect(&cli.aws);
    let exit = runtime.block_on(async {
        let stop = here.stop.clone();
        let listening = tokio::spawn(async move {
            // Without signals nobody can be listened to; the process then ends as it would anyway.
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        });
        let exit = run(&cli, &here, &mut console).await;
        listening.abort();
        exit
    });
    Ok(exit.into())
}
