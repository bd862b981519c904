//! What the same comparison takes with other programs. `tools/databases --peers` installs them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use cutover_core::validation::catalog::Engine;
use cutover_core::validation::side::Both;
use cutover_local_db::Server;

/// Times `reladiff` over both sides, with one thread each as ours has one connection, in seconds.
pub(super) fn reladiff(both: &Both<Server>, engine: Engine, database: &str) -> Result<f64> {
    let program = installed("reladiff")?;
    let at = |server: &Server| {
        let scheme = if engine == Engine::Postgres {
            "postgresql"
        } else {
            "mysql"
        };
        // These accounts open nothing but servers of this run.
        format!(
            "{scheme}://{}:{}@{}:{}/{database}",
            server.superuser(),
            server.password(),
            server.host(),
            server.port()
        )
    };
    let mut command = Command::new(program);
    command
        .args([&at(&both.source), "payments", &at(&both.target), "payments"])
        .args(["-k", "id", "-c", "%", "-j", "1", "--stats"]);
    timed(command, &[0, 1])
}

/// How `pt-table-checksum` ends when no server follows. Source: its manual, "EXIT STATUS".
const NO_FOLLOWERS: i32 = 8;

/// Times `pt-table-checksum` over one side, with each of these functions, in seconds.
pub(super) fn pt_table_checksum(
    server: &Server,
    database: &str,
) -> Result<Vec<(&'static str, f64)>> {
    let program = installed("pt_table_checksum")?;
    ["CRC32", "SHA1"]
        .into_iter()
        .map(|function| {
            let mut command = Command::new(&program);
            command
                .args(["--no-check-replication-filters", "--no-check-binlog-format"])
                .args(["--databases", database, "--tables", "payments"])
                .args(["--function", function, "--chunk-time", "0.7"])
                // It is for servers that follow one another; here it checks one alone.
                .args(["--recursion-method", "none"])
                .arg(format!(
                    "h={},P={},u={},p={}",
                    server.host(),
                    server.port(),
                    server.superuser(),
                    server.password()
                ));
            Ok((function, timed(command, &[0, NO_FOLLOWERS])?))
        })
        .collect()
}

/// Runs a program to its end and takes the time.
fn timed(mut command: Command, fine: &[i32]) -> Result<f64> {
    let started = Instant::now();
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let seconds = started.elapsed().as_secs_f64();
    ensure!(
        done.status.code().is_some_and(|code| fine.contains(&code)),
        "{} failed: {}",
        command.get_program().display(),
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(seconds)
}

/// Where `tools/databases` has put a program.
fn installed(name: &str) -> Result<String> {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/databases");
    let said = Command::new(tool).arg("--path").output()?;
    String::from_utf8(said.stdout)?
        .lines()
        .find_map(|line| {
            line.strip_prefix(&format!("{name}="))
                .map(ToOwned::to_owned)
        })
        .filter(|path| Path::new(path).exists())
        .with_context(|| format!("{name} is missing; run `tools/databases --peers`"))
}
