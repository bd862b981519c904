//! The plugin as a process: how it starts, what it prints, and when it ends.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use pulumi_proto::health::HealthCheckRequest;
use pulumi_proto::health::health_client::HealthClient;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::bug;
use crate::provider::Provider;
use crate::service::Service;

/// How often the engine is asked whether it is still there while something changes: ours; three times this and the
/// answers' timeouts stay below a minute and a half.
const WATCH: Duration = Duration::from_secs(20);

/// How long the engine may take over the answer.
const WATCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How many answers may fail before the engine counts as gone.
const FAILURES_MAX: u32 = 3;

/// How long a process that was told to end lets running changes come to a safe point: the engine kills it five
/// seconds after the signal (Pulumi v3.245, `resource/plugin`).
const SIGNAL_GRACE: Duration = Duration::from_millis(4500);

/// The same for a process whose engine has gone, where nobody waits: ours, enough for any single call to a cloud.
const ORPHAN_GRACE: Duration = Duration::from_mins(1);

/// How long the last answers may take to go out once nothing is running any more: ours; the engine is on the same
/// machine.
const ANSWER_GRACE: Duration = Duration::from_millis(500);

/// How the process was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Launch {
    /// By an engine, at this address.
    Engine(String),
    /// By hand: engines will attach.
    Attach,
    /// To print its version.
    Version,
}

impl Launch {
    /// Reads the arguments that an engine passes. Flags that are not known are skipped: engines add new ones.
    ///
    /// # Errors
    /// When an argument is not text.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_args(arguments);
        let mut address = None;
        while let Some(argument) = parser.next()? {
            match argument {
                lexopt::Arg::Long("version") => return Ok(Self::Version),
                lexopt::Arg::Long("tracing") => drop(parser.value()?),
                lexopt::Arg::Long(_) | lexopt::Arg::Short(_) => drop(parser.optional_value()),
                lexopt::Arg::Value(value) => address = Some(lexopt::ValueExt::string(value)?),
            }
        }
        Ok(address.map_or(Self::Attach, Self::Engine))
    }
}

/// Runs a provider as a plugin until it is told to end or its engine has gone.
///
/// The port line is the very first thing on standard output, and the only one.
///
/// # Errors
/// When no port can be had, the arguments are not text, or the server fails.
pub fn serve<A: Send + Sync + 'static>(
    provider: Provider<A>,
    arguments: impl IntoIterator<Item = OsString>,
) -> io::Result<ExitCode> {
    let launch = Launch::parse(arguments).map_err(io::Error::other)?;
    if launch == Launch::Version {
        writeln!(io::stdout(), "{}", provider.metadata.version)?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(run(provider, launch));
    // A thread may still be waiting for standard input; nothing is lost with it.
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

async fn run<A: Send + Sync + 'static>(provider: Provider<A>, launch: Launch) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    let service = Service::new(provider);
    let engine = match launch {
        Launch::Engine(address) => {
            service
                .attach(&address)
                .map_err(|error| io::Error::other(error.to_string()))?;
            true
        }
        Launch::Attach | Launch::Version => false,
    };

    bug::watch_everything();
    let end = CancellationToken::new();
    // Answers come in several small writes: held back until the one before is acknowledged, a call took 40 ms.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder()
        .add_service(service.clone().into_server())
        .serve_with_incoming_shutdown(incoming, end.cancelled());
    let mut server = std::pin::pin!(server);
    let mut told_to_end = std::pin::pin!(told_to_end()?);
    // The socket listens already, so that whoever reads the port can connect.
    announce(port)?;

    let orphaned = async {
        if engine {
            orphaned(&service).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let grace = tokio::select! {
        result = &mut server => return result.map_err(io::Error::other),
        () = &mut told_to_end => SIGNAL_GRACE,
        () = orphaned => {
            tracing::warn!("the engine has gone");
            ORPHAN_GRACE
        }
    };
    service.cancel();
    end.cancel();
    let settled = async {
        service.settled().await;
        tokio::time::sleep(ANSWER_GRACE).await;
    };
    let ended = async {
        tokio::select! {
            // Every call is answered, and the answers are out.
            _ = &mut server => service.settled().await,
            // Whoever asked does not take the answers.
            () = settled => {}
        }
    };
    if tokio::time::timeout(grace, ended).await.is_err() {
        tracing::warn!("a change was still running at the end");
    }
    Ok(())
}

fn announce(port: u16) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{port}")?;
    out.flush()
}

/// Resolves when the process is asked to end; listens from the moment of the call.
#[cfg(unix)]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Resolves when the process is asked to end.
#[cfg(not(unix))]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without the signal the end of standard input still tells.
            std::future::pending::<()>().await;
        }
    })
}

/// Waits until the engine that started this process has gone.
///
/// The end of standard input hints at it at once, and the health of the engine decides. While something changes the
/// health is asked for even without a hint.
async fn orphaned<A: Send + Sync + 'static>(service: &Service<A>) {
    let mut hint = stdin_closed();
    let mut hinted = false;
    let mut failures = 0;
    loop {
        if hinted {
            tokio::time::sleep(if failures == 0 {
                WATCH
            } else {
                Duration::from_secs(1)
            })
            .await;
        } else {
            tokio::select! {
                _ = &mut hint => hinted = true,
                () = tokio::time::sleep(WATCH) => {
                    if !service.is_changing() {
                        continue;
                    }
                }
            }
        }
        if is_alive(service).await {
            failures = 0;
        } else {
            failures += 1;
            if failures == FAILURES_MAX {
                return;
            }
        }
    }
}

async fn is_alive<A: Send + Sync + 'static>(service: &Service<A>) -> bool {
    let Some(channel) = service.link().channel() else {
        return true;
    };
    let mut client = HealthClient::new(channel);
    let check = client.check(HealthCheckRequest {
        service: String::new(),
    });
    match tokio::time::timeout(WATCH_TIMEOUT, check).await {
        // An engine without the health service is one that answers.
        Ok(Err(status)) => matches!(status.code(), Code::Unimplemented | Code::NotFound),
        Ok(Ok(_)) => true,
        Err(_) => false,
    }
}

/// Resolves when standard input ends. The engine never writes to it.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (closed, hint) = oneshot::channel();
    // A thread of its own, since reading standard input cannot be interrupted.
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while io::stdin().read(&mut buffer).is_ok_and(|count| count > 0) {}
        let _ = closed.send(());
    });
    hint
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Launch {
        Launch::parse(arguments.iter().map(OsString::from)).expect("arguments are text")
    }

    #[test]
    fn finds_the_engine_behind_flags_it_does_not_know() {
        let engine = Launch::Engine("127.0.0.1:4711".to_owned());

        assert_eq!(parse(&["127.0.0.1:4711"]), engine);
        assert_eq!(
            parse(&[
                "--logtostderr",
                "-v=9",
                "--tracing",
                "file:x",
                "--new-flag=1",
                "127.0.0.1:4711"
            ]),
            engine
        );
        assert_eq!(parse(&["-logtostderr", "127.0.0.1:4711"]), engine);
    }

    #[test]
    fn waits_for_engines_to_attach_when_started_by_hand() {
        assert_eq!(parse(&[]), Launch::Attach);
        assert_eq!(parse(&["--logtostderr"]), Launch::Attach);
        assert_eq!(parse(&["--version"]), Launch::Version);
    }
}
