//! The progress of a run that was stopped, in a file.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use cutover_core::validation::side::Both;
use cutover_core::validation::spec::Spec;
use cutover_driver::{Address, Checkpoint};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::problem::{Exit, Problem};

/// What is in the file.
#[derive(Deserialize)]
struct Kept {
    /// What was asked for, hashed: progress of anything else is of no use.
    asked: String,
    /// How far it was.
    checkpoint: Checkpoint,
}

/// The same, to be written.
#[derive(Serialize)]
struct Keeping<'a> {
    asked: &'a str,
    checkpoint: &'a Checkpoint,
}

/// The file for one wish.
#[derive(Debug)]
pub(super) struct KeptFile {
    path: PathBuf,
    asked: String,
}

impl KeptFile {
    /// Names the file for a wish.
    pub(super) fn new(path: &Path, spec: &Spec, addresses: &Both<Address>) -> Self {
        Self {
            path: path.to_owned(),
            asked: fingerprint(spec, addresses),
        }
    }

    /// Reads how far a run of the same wish was; `None` where none has been stopped.
    ///
    /// # Errors
    /// When the file holds anything else: it would be written over.
    pub(super) fn read(&self) -> Result<Option<Checkpoint>, Problem> {
        let unusable = |what: &str| {
            Problem::new(195, Exit::Usage, what.to_owned())
                .at(format!("`{}`", self.path.display()))
                .next("name another file with `--progress`, or remove this one to begin anew")
        };
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(&format!("the file cannot be read: {error}"))),
        };
        let kept: Kept = serde_json::from_slice(&text)
            .map_err(|_| unusable("the file does not hold the progress of a validation"))?;
        if kept.asked != self.asked {
            return Err(unusable(
                "the file holds the progress of a validation of other databases or with other inputs",
            ));
        }
        Ok(Some(kept.checkpoint))
    }

    /// Writes how far a run is. Nobody else can read it, since it may hold keys of rows. The former file is there until
    /// the new one is complete.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn write(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        let keeping = Keeping {
            asked: &self.asked,
            checkpoint,
        };
        file.write_all(&serde_json::to_vec(&keeping)?)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)
    }

    /// Removes it, as there is nothing left to go on with.
    pub(super) fn remove(&self) {
        // There seldom is one. One that stays is used again for the same wish alone, and then reads less than it might.
        let _ = fs::remove_file(&self.path);
    }

    /// Where it is, as it was typed.
    pub(super) fn place(&self) -> String {
        self.path.display().to_string()
    }
}

/// What tells one wish from another: everything but its seed and its secrets.
fn fingerprint(spec: &Spec, addresses: &Both<Address>) -> String {
    let spec = Spec {
        seed: 0,
        ..spec.clone()
    };
    // Passwords are never printed.
    let digest = Sha256::digest(format!("{spec:?} {addresses:?}").as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
