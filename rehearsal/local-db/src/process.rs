//! Processes, their guardian, and waiting for a condition.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Error;

/// How long a condition may take: ours, many times what a busy machine needs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How long to leave a condition alone after it was not met: ours.
const PAUSE: Duration = Duration::from_millis(10);

/// How much of a log is shown, in lines: ours.
const TAIL: usize = 20;

/// What the guardian runs. Its input is a line for each process that is started, and an empty one when that has ended.
/// When the input ends, so has whoever could end the last process and remove the folder; or it is content with this.
/// A process that nobody has asked about since it ended counts as ended.
const VIGIL: &str = r#"
process=
while read -r line; do process=$line; done
if [ -n "$process" ]; then
    kill -"$2" "$process"
    for round in $(seq 30); do
        case $(ps -o stat= -p "$process") in '' | Z*) break ;; esac
        sleep 0.1
    done
    kill -KILL "$process"
fi
rm -rf "$1"
"#;

/// Asks again and again until there is an answer; `None` when there was none within [`PATIENCE`].
pub(crate) fn until<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::park_timeout(PAUSE);
    }
}

/// The end of a log, as far as a person wants to read it.
pub(crate) fn tail(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

/// As whom a program runs, where it refuses to run as root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// A command with nothing in its environment that could change what a server does.
pub(crate) fn command(program: &Path, account: Option<Account>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", "C")
        .current_dir(folder)
        .stdin(Stdio::null());
    if let Some(account) = account {
        command.uid(account.user).gid(account.group);
    }
    command
}

/// Runs a program to its end.
pub(crate) fn finish(mut command: Command) -> Result<(), Error> {
    let program = PathBuf::from(command.get_program());
    let said = command
        .output()
        .map_err(Error::system(format!("run {}", program.display())))?;
    if said.status.success() {
        return Ok(());
    }
    let text = [said.stdout, said.stderr].concat();
    Err(Error::Failed {
        program,
        said: String::from_utf8_lossy(&text).trim().to_owned(),
    })
}

/// Ends a server and removes its folder when this process ends, however it does. A signal at a parent's death would not
/// do: it comes when the *thread* that started the server ends, which in tests is at the end of the first one.
#[derive(Debug)]
pub(crate) struct Guardian {
    process: Child,
    input: Option<ChildStdin>,
}

impl Guardian {
    /// Begins to wait. The signal is the one that ends a server at once.
    pub(crate) fn of(folder: &Path, signal: &str) -> Result<Self, Error> {
        let mut process = Command::new("/bin/sh")
            .args(["-c", VIGIL, "guardian"])
            .arg(folder)
            .arg(signal)
            .current_dir("/")
            // A signal to the test's whole group, as from a terminal, is not for the guardian.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::system("start a shell"))?;
        let input = process.stdin.take();
        Ok(Self { process, input })
    }

    fn tell(&mut self, line: &str) -> Result<(), Error> {
        let input = self.input.as_mut().expect("it is taken at the end only");
        writeln!(input, "{line}").map_err(Error::system("tell the guardian of a server"))
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.input.take());
        // Not even a failure would change anything: there is nobody left to remove the folder.
        let _ = self.process.wait();
    }
}

/// A server's process. It must be ended by [`Process::end`] or [`Process::kill`].
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts it, with everything that it says in the log.
    pub(crate) fn start(
        mut command: Command,
        log: &Path,
        guardian: &mut Guardian,
    ) -> Result<Self, Error> {
        let doing = || format!("write {}", log.display());
        let output = File::create(log).map_err(Error::system(doing()))?;
        let errors = output.try_clone().map_err(Error::system(doing()))?;
        let program = PathBuf::from(command.get_program());
        let child = command
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(Error::system(format!("start {}", program.display())))?;
        let process = Self(child);
        match guardian.tell(&process.id().to_string()) {
            Ok(()) => Ok(process),
            Err(error) => {
                process.kill(guardian);
                Err(error)
            }
        }
    }

    /// Its id, as the operating system counts.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Asks it to end and waits until it has; kills it when it does not.
    pub(crate) fn end(mut self, signal: Signal, guardian: &mut Guardian) {
        // A process that has ended and was not waited for keeps its id, so the signal reaches no other.
        if !self.has_ended() {
            let asked = kill_process(Pid::from_child(&self.0), signal).is_ok();
            if asked && until(|| self.has_ended().then_some(())).is_some() {
                // The guardian may be gone, but then there is nothing left for it to do.
                let _ = guardian.tell("");
                return;
            }
        }
        self.kill(guardian);
    }

    /// Ends it without asking: nothing that the server started goes on answering.
    pub(crate) fn kill(mut self, guardian: &mut Guardian) {
        let server = Pid::from_child(&self.0);
        // Held still, it can neither mend itself when its children die nor start others.
        // What fails here does so for processes that have ended already, which is what is wanted.
        let _ = kill_process(server, Signal::STOP);
        let children = children(server);
        for child in &children {
            let _ = kill_process(*child, Signal::KILL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
        // A signal is on its way only; a condition that is never met leaves what the next call of the test will show.
        let _ = until(|| children.iter().all(|child| is_over(*child)).then_some(()));
        let _ = guardian.tell("");
    }
}

/// What a process has started and what still runs of it. `PostgreSQL` gives each connection a process of its own, in a
/// group of its own.
fn children(parent: Pid) -> Vec<Pid> {
    let parent = parent.as_raw_pid();
    let path = format!("/proc/{parent}/task/{parent}/children");
    let listed = std::fs::read_to_string(path).unwrap_or_default();
    listed
        .split_whitespace()
        .filter_map(|id| Pid::from_raw(id.parse().ok()?))
        .collect()
}

/// Whether a process runs no more. One that nobody has asked about since it ended is still listed, as a `Z`.
fn is_over(process: Pid) -> bool {
    let stat = format!("/proc/{}/stat", process.as_raw_pid());
    // The name stands in brackets and may itself contain one.
    std::fs::read_to_string(stat).map_or(true, |line| {
        line.rsplit(')')
            .next()
            .is_some_and(|after| after.trim_start().starts_with('Z'))
    })
}
