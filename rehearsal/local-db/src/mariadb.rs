//! What only MariaDB needs to be told.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::geteuid;

use crate::installed::{Installed, present};
use crate::process::{command, finish};
use crate::server::{Launch, Prepared};
use crate::sql::{PASSWORD, SUPERUSER};
use crate::template;
use crate::{Error, Options};

/// What makes the system's tables, in this order, in a database `mysql`. The texts for HELP are left out.
const SYSTEM: &[&str] = &[
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
    "maria_add_gis_sp_bootstrap.sql",
    "mysql_sys_schema.sql",
];

/// What is the same for all servers: no commit that waits for a disk, little memory, nothing that depends on the machine. A
/// commit waits until the system has it (2), and so does not go with the server; a page that it was writing may.
const SETTINGS: &[(&str, &str)] = &[
    ("bind-address", "127.0.0.1"),
    ("character-set-server", "utf8mb4"),
    ("default-time-zone", "+00:00"),
    ("innodb-buffer-pool-size", "32M"),
    ("innodb-doublewrite", "on"),
    ("innodb-flush-log-at-trx-commit", "2"),
    ("innodb-log-file-size", "8M"),
    ("innodb-use-native-aio", "off"),
    ("skip-name-resolve", "on"),
    // Relative to the data folder, as a path to a socket must be short.
    ("socket", "server.sock"),
    ("sync-binlog", "0"),
];

/// No two servers of a process have the same, since replication takes it for the identity of a server.
static SERVER_ID: AtomicU32 = AtomicU32::new(1);

/// Finds the programs and makes the template, unless it is there.
pub(crate) fn prepare(other_version: bool) -> Result<Prepared, Error> {
    if other_version {
        return Err(Error::Unfit {
            what: "there is one version of MariaDB only",
        });
    }
    let installed = Installed::find()?;
    let program = present(installed.mariadb.clone())?;
    let script = script(&base(&program).join("share/mysql"))?;
    let prepared = |template| Prepared {
        program: program.clone(),
        template,
        account: None,
    };
    let template = template::once("mariadb", (&program, &script), |folder| {
        let data = folder.join("data");
        let input = folder.join("script.sql");
        let file = fs::create_dir(&data)
            .and_then(|()| fs::write(&input, &script))
            .and_then(|()| File::open(&input))
            .map_err(Error::system(format!("write to {}", folder.display())))?;
        let mut bootstrap = server(&prepared(PathBuf::new()), folder, &data)?;
        bootstrap
            .args(["--bootstrap", "--enforce-storage-engine="])
            .stdin(file);
        finish(bootstrap)
    })?;
    Ok(prepared(template))
}

/// The statements that make the system's tables and the superuser, each of the latter on a line of its own, as a server
/// that is only being made reads them.
fn script(share: &Path) -> Result<Vec<u8>, Error> {
    let mut script = b"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n".to_vec();
    for name in SYSTEM {
        let path = present(share.join(name))?;
        let text = fs::read(&path).map_err(Error::system(format!("read {}", path.display())))?;
        script.extend(text);
    }
    let users = [
        "FLUSH PRIVILEGES;".to_owned(),
        "DELETE FROM mysql.global_priv WHERE user IN ('', 'root');".to_owned(),
        "FLUSH PRIVILEGES;".to_owned(),
        format!("CREATE USER '{SUPERUSER}'@'%' IDENTIFIED BY '{PASSWORD}';"),
        format!("GRANT ALL ON *.* TO '{SUPERUSER}'@'%' WITH GRANT OPTION;"),
    ];
    for statement in users {
        writeln!(script, "{statement}").map_err(Error::system("write to memory"))?;
    }
    Ok(script)
}

/// The command that runs a server.
pub(crate) fn launch(
    prepared: &Prepared,
    options: &Options,
    at: &Launch<'_>,
) -> Result<Command, Error> {
    let mut server = server(prepared, at.folder, at.data)?;
    let mut set = |name: &str, value: &str| {
        server.arg(format!("--{name}={value}"));
    };
    set("port", &at.port.to_string());
    set("server-id", &at.serial.to_string());
    match &at.tls {
        Some(tls) => {
            set("ssl-cert", &tls.certificate.to_string_lossy());
            set("ssl-key", &tls.key.to_string_lossy());
        }
        None => set("ssl", "off"),
    }
    if options.replicating {
        set("log-bin", "binlog");
        set("binlog-format", "ROW");
        set("log-slave-updates", "on");
    }
    for (name, value) in &options.settings {
        set(name, value);
    }
    Ok(server)
}

/// The number of the next server.
pub(crate) fn next_serial() -> u32 {
    SERVER_ID.fetch_add(1, Ordering::Relaxed)
}

/// The folder that everything else is in.
fn base(program: &Path) -> &Path {
    program.ancestors().nth(2).unwrap_or(program)
}

fn server(prepared: &Prepared, folder: &Path, data: &Path) -> Result<Command, Error> {
    let base = base(&prepared.program);
    let mut server = command(&prepared.program, prepared.account, folder);
    server
        .env("LD_LIBRARY_PATH", &Installed::find()?.libraries)
        .arg("--no-defaults")
        .arg(format!("--basedir={}", base.display()))
        .arg(format!(
            "--lc-messages-dir={}",
            base.join("share/mysql").display()
        ))
        .arg(format!("--datadir={}", data.display()))
        // A server that starts removes the temporary tables of whoever shares this folder.
        .arg(format!("--tmpdir={}", folder.display()));
    for (name, value) in SETTINGS {
        server.arg(format!("--{name}={value}"));
    }
    if geteuid().is_root() {
        server.arg("--user=root");
    }
    Ok(server)
}
