//! The operator's command: reads what was typed, and runs it.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Parser as _;
use cutover_cli::{Cli, Console, connect, run};

fn main() -> io::Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut input = io::stdin().lock();
    let has_bars = err.is_terminal();
    let is_terminal = input.is_terminal() && has_bars;
    let mut console =
        Console::new(&mut out, &mut err, &mut input, is_terminal, cli.json).with_bars(has_bars);
    let here = connect(&cli.aws);
    let exit = runtime.block_on(async {
        let stop = here.stop.clone();
        let listening = tokio::spawn(async move {
            if told_to_stop().await {
                stop.cancel();
            }
        });
        let exit = run(&cli, &here, &mut console).await;
        listening.abort();
        exit
    });
    Ok(exit.into())
}

/// Waits for a person's Ctrl-C, or for whoever ends processes in an orderly way. Without signals nobody can be listened
/// to; the process then ends as it would anyway.
async fn told_to_stop() -> bool {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminated) = signal(SignalKind::terminate()) else {
            return tokio::signal::ctrl_c().await.is_ok();
        };
        // Both may be dropped: nothing is in hand while listening.
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.is_ok(),
            told = terminated.recv() => told.is_some(),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.is_ok()
}
