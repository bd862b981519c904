//! Where `make setup` has put the programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::Error;

/// It does not change while a process runs.
static FOUND: OnceLock<Installed> = OnceLock::new();

/// Where everything is, as `tools/databases` says.
#[derive(Debug)]
pub(crate) struct Installed {
    /// The folder of `postgres` and `initdb`.
    pub(crate) postgres: PathBuf,
    /// The same of another major version.
    pub(crate) postgres_other: PathBuf,
    /// MariaDB's program; `share/mysql` is beside its folder.
    pub(crate) mariadb: PathBuf,
    /// What `LD_LIBRARY_PATH` must be for MariaDB; may be empty.
    pub(crate) libraries: String,
}

impl Installed {
    /// Asks `tools/databases`, once.
    pub(crate) fn find() -> Result<&'static Self, Error> {
        if let Some(found) = FOUND.get() {
            return Ok(found);
        }
        let found = Self::ask()?;
        Ok(FOUND.get_or_init(|| found))
    }

    fn ask() -> Result<Self, Error> {
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/databases");
        let said = Command::new(&tool)
            .arg("--path")
            .output()
            .map_err(Error::system(format!("run {}", tool.display())))?;
        if !said.status.success() {
            return Err(Error::Failed {
                program: tool,
                said: String::from_utf8_lossy(&said.stderr).into_owned(),
            });
        }
        let lines = String::from_utf8_lossy(&said.stdout).into_owned();
        let named = |name: &str| {
            let found = lines
                .lines()
                .filter_map(|line| line.split_once('='))
                .find(|(key, _)| *key == name);
            found.map_or_else(String::new, |(_, value)| value.to_owned())
        };
        Ok(Self {
            postgres: named("postgres").into(),
            postgres_other: named("postgres_other").into(),
            mariadb: named("mariadb").into(),
            libraries: named("libraries"),
        })
    }
}

/// Gives the program back if it is there.
pub(crate) fn present(program: PathBuf) -> Result<PathBuf, Error> {
    if program.exists() {
        Ok(program)
    } else {
        Err(Error::NotInstalled { program })
    }
}
