//! What only PostgreSQL needs to be told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::geteuid;

use crate::installed::{Installed, present};
use crate::process::{Account, command, finish};
use crate::server::{Launch, Prepared};
use crate::sql::{PASSWORD, SUPERUSER};
use crate::template;
use crate::{Error, Options};

/// How a data folder is made. With small segments of the log it is smaller, and copied faster.
const INITDB: &[&str] = &[
    "--auth-host=scram-sha-256",
    "--auth-local=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
    "--wal-segsize=1",
];

/// What is the same for all servers: nothing that waits for a disk, little memory, nothing that depends on the machine. A
/// commit waits until the system has it, and so does not go with the server; a page that it was writing may.
const SETTINGS: &[(&str, &str)] = &[
    ("dynamic_shared_memory_type", "mmap"),
    ("fsync", "off"),
    ("full_page_writes", "on"),
    ("jit", "off"),
    ("listen_addresses", "127.0.0.1"),
    ("log_timezone", "UTC"),
    ("logging_collector", "off"),
    ("shared_buffers", "16MB"),
    ("synchronous_commit", "on"),
    ("TimeZone", "UTC"),
    ("unix_socket_directories", ""),
];

/// What a server that replicates has besides, so that following and confirming take milliseconds instead of seconds.
const REPLICATING: &[(&str, &str)] = &[
    ("wal_level", "logical"),
    ("wal_receiver_status_interval", "1s"),
    ("wal_retrieve_retry_interval", "10ms"),
    ("wal_writer_delay", "10ms"),
];

/// Finds the programs and makes the template, unless it is there.
pub(crate) fn prepare(other_version: bool) -> Result<Prepared, Error> {
    let installed = Installed::find()?;
    let programs = if other_version {
        &installed.postgres_other
    } else {
        &installed.postgres
    };
    present(programs.join("initdb"))?;
    let program = present(programs.join("postgres"))?;
    let account = account()?;
    let programs = within_reach(programs, account)?;
    let version = version(&program)?;

    let template = template::once("postgres", (&version, INITDB, PASSWORD), |folder| {
        let password = folder.join("password");
        let data = folder.join("data");
        fs::create_dir(&data)
            .and_then(|()| template::give(&data, account))
            .and_then(|()| fs::write(&password, PASSWORD))
            .map_err(Error::system(format!("write to {}", folder.display())))?;
        let mut initdb = command(&programs.join("initdb"), account, folder);
        initdb
            .args(INITDB)
            .arg(format!("--username={SUPERUSER}"))
            .arg("--pwfile=password")
            .arg("--pgdata=data");
        finish(initdb)
    })?;
    Ok(Prepared {
        program: programs.join("postgres"),
        template,
        account,
    })
}

/// The command that runs a server.
pub(crate) fn launch(prepared: &Prepared, options: &Options, at: &Launch<'_>) -> Command {
    let mut server = command(&prepared.program, prepared.account, at.folder);
    let mut set = |name: &str, value: &str| {
        server.arg("-c").arg(format!("{name}={value}"));
    };
    for (name, value) in SETTINGS {
        set(name, value);
    }
    set("port", &at.port.to_string());
    if let Some(tls) = &at.tls {
        set("ssl", "on");
        set("ssl_cert_file", &tls.certificate.to_string_lossy());
        set("ssl_key_file", &tls.key.to_string_lossy());
    }
    for (name, value) in REPLICATING.iter().filter(|_| options.replicating) {
        set(name, value);
    }
    for (name, value) in &options.settings {
        set(name, value);
    }
    server.arg("-D").arg(at.data);
    server
}

/// As whom PostgreSQL runs, which refuses to run as root.
fn account() -> Result<Option<Account>, Error> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let id = |flag| {
        let said = Command::new("id")
            .args([flag, "nobody"])
            .output()
            .map_err(Error::system("run id"))?;
        String::from_utf8_lossy(&said.stdout)
            .trim()
            .parse()
            .map_err(|_| Error::Unfit {
                what: "PostgreSQL refuses to run as root, and there is no user `nobody` to run it as",
            })
    };
    Ok(Some(Account {
        user: id("-u")?,
        group: id("-g")?,
    }))
}

/// The folder of the programs, or a copy where the account cannot get at them, as in root's home.
fn within_reach(programs: &Path, account: Option<Account>) -> Result<PathBuf, Error> {
    let mut attempt = command(&programs.join("postgres"), account, Path::new("/"));
    let reached = attempt
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if reached.is_ok_and(|status| status.success()) {
        return Ok(programs.to_owned());
    }
    let whole = programs.parent().unwrap_or(programs);
    let copied = template::once("postgres-programs", whole, |folder| {
        template::copy(whole, &folder.join("whole"), None)
    })?;
    Ok(copied.join("whole").join("bin"))
}

fn version(program: &Path) -> Result<Vec<u8>, Error> {
    let said = command(program, None, Path::new("/"))
        .arg("--version")
        .output()
        .map_err(Error::system(format!("run {}", program.display())))?;
    Ok(said.stdout)
}
