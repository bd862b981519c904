//! A provider as a process of its own.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;

use crate::client::Client;
use crate::engine::FakeEngine;
use crate::wait::PATIENCE;

/// A plugin about to be started.
#[derive(Debug)]
pub struct PluginCommand {
    command: Command,
    engine: Option<String>,
}

/// A running plugin. It is killed when it is dropped.
#[derive(Debug)]
pub struct Plugin {
    /// The engine's connection to it.
    pub client: Client,
    child: Child,
    pid: u32,
    stdin: Option<ChildStdin>,
    port: u16,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
}

impl PluginCommand {
    /// Prepares a plugin binary to be started as an engine does: environment without what the test runs in, standard
    /// input that nobody writes to.
    pub fn new(binary: impl AsRef<Path>) -> Self {
        let mut command = Command::new(binary.as_ref());
        command
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Self {
            command,
            engine: None,
        }
    }

    /// Tells it the address of its engine. Without, it waits for engines to attach.
    #[must_use]
    pub fn engine(mut self, engine: &FakeEngine) -> Self {
        self.engine = Some(engine.address().to_owned());
        self
    }

    /// Adds a flag before the address.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it and connects.
    ///
    /// # Panics
    /// When the first line on its standard output is anything but a port.
    pub async fn start(mut self) -> Plugin {
        self.command.args(self.engine.as_ref());
        let mut child = self
            .command
            .spawn()
            .expect("the binary was built with this test");
        let pid = child.id().expect("nobody has waited for it");
        let stdin = child.stdin.take();
        let stderr = collect(child.stderr.take().expect("it is piped")).0;
        let (stdout, mut more) = collect(child.stdout.take().expect("it is piped"));
        let whole = |bytes: &Vec<u8>| bytes.iter().position(|byte| *byte == b'\n');
        let text = |bytes: &Mutex<Vec<u8>>| {
            String::from_utf8_lossy(&bytes.lock().unwrap_or_else(PoisonError::into_inner))
                .into_owned()
        };
        let line = async {
            loop {
                let found = whole(&stdout.lock().unwrap_or_else(PoisonError::into_inner));
                if found.is_some() || more.changed().await.is_err() {
                    return found;
                }
            }
        };
        let end = tokio::time::timeout(PATIENCE, line).await.ok().flatten();
        let Some(end) = end else {
            panic!(
                "no port was announced; standard error says: {}",
                text(&stderr)
            );
        };
        let first = text(&stdout)[..end].to_owned();
        assert!(
            first.bytes().all(|byte| byte.is_ascii_digit()),
            "the first line is not a port: `{first}`"
        );
        let port = first.parse().expect("a port of 16 bits");
        let client = Client::connect(&format!("127.0.0.1:{port}")).await;
        Plugin {
            client,
            child,
            pid,
            stdin,
            port,
            stdout,
            stderr,
        }
    }
}

/// Collects what comes out of a pipe, and tells when more has come; the sender ends with the pipe.
fn collect(
    mut pipe: impl AsyncRead + Unpin + Send + 'static,
) -> (Arc<Mutex<Vec<u8>>>, watch::Receiver<()>) {
    let collected = Arc::new(Mutex::new(Vec::new()));
    let (more, changed) = watch::channel(());
    let sink = Arc::clone(&collected);
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
            sink.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(&buffer[..count]);
            more.send_replace(());
        }
    });
    (collected, changed)
}

impl Plugin {
    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Opens another connection, which can be dropped as if its engine were killed.
    pub async fn another_client(&self) -> Client {
        Client::connect(&self.address()).await
    }

    /// Closes its standard input, as the end of its parent does.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends it a signal, such as `INT` or `TERM`.
    pub async fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.pid.to_string())
            .status()
            .await;
        assert!(
            sent.expect("`kill` is part of every system").success(),
            "the process is gone"
        );
    }

    /// Kills it without warning, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.child
            .kill()
            .await
            .expect("it is a child of this process");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it is still running after `limit`.
    pub async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let Ok(status) = tokio::time::timeout(limit, self.child.wait()).await else {
            panic!(
                "still running after {limit:?}; standard error says: {}",
                self.stderr()
            );
        };
        status.expect("it is a child of this process")
    }

    /// Tells whether it is still running.
    pub fn is_running(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("it is a child of this process")
            .is_none()
    }

    /// Returns the memory that it occupies, in KiB.
    pub fn resident_kib(&self) -> u64 {
        self.status_kib("VmRSS:")
    }

    /// Returns the most memory that it has occupied so far, in KiB.
    pub fn resident_kib_peak(&self) -> u64 {
        self.status_kib("VmHWM:")
    }

    fn status_kib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))
            .expect("the process is running");
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let figure = line.and_then(|rest| rest.split_whitespace().next());
        figure
            .and_then(|figure| figure.parse().ok())
            .expect("Linux tells memory in kB")
    }

    /// Returns what it has written to standard output, the line with the port included.
    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    /// Returns what it has written to standard error.
    pub fn stderr(&self) -> String {
        text(&self.stderr)
    }
}

fn text(bytes: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}
