//! Data folders, made once and copied: making one takes longer than all else about a server. They stay in the folder for
//! temporary files, each under a name that changes with what it was made from.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, DirBuilder, Permissions};
use std::hash::{Hash, Hasher as _};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, lchown, symlink,
};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::process::geteuid;
use tempfile::TempDir;

use crate::Error;
use crate::process::Account;

/// One template is made at a time. Other processes may make the same one meanwhile; the first to be ready wins.
static MAKING: Mutex<()> = Mutex::new(());

/// The folder that was filled once for all inputs like these, on this machine.
pub(crate) fn once(
    name: &str,
    inputs: impl Hash,
    fill: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<PathBuf, Error> {
    let mut hasher = DefaultHasher::new();
    inputs.hash(&mut hasher);
    let home = home()?;
    let folder = home.join(format!("{name}-{:016x}", hasher.finish()));

    let _one = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if folder.exists() {
        return Ok(folder);
    }
    let unfinished = open_folder(&home, "unfinished-")?;
    fill(unfinished.path())?;
    match fs::rename(unfinished.path(), &folder) {
        Err(_) if folder.exists() => {} // Another process was faster. What is here goes by itself.
        renamed => {
            renamed.map_err(Error::system(format!("make {}", folder.display())))?;
            let _ = unfinished.keep(); // Nothing is under its old name any more.
        }
    }
    Ok(folder)
}

/// A new folder that anyone may look into, so that an account without rights reaches what it owns in there.
pub(crate) fn open_folder(within: &Path, prefix: &str) -> Result<TempDir, Error> {
    tempfile::Builder::new()
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in(within)
        .map_err(Error::system(format!(
            "make a folder in {}",
            within.display()
        )))
}

/// The folder of all templates, which must be ours: another user's could hold anything.
fn home() -> Result<PathBuf, Error> {
    let user = geteuid().as_raw();
    let home = std::env::temp_dir().join(format!("cutover-local-db-{user}"));
    let made = DirBuilder::new().mode(0o755).create(&home);
    let owner = match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::symlink_metadata(&home).map(|found| (found.is_dir(), found.uid())),
    };
    let owner = owner.map_err(Error::system(format!("make {}", home.display())))?;
    if owner != (true, user) {
        return Err(Error::Unfit {
            what: "the folder for templates of servers belongs to another user",
        });
    }
    Ok(home)
}

/// Copies a folder with all that is in it, and gives the copy to an account.
pub(crate) fn copy(from: &Path, to: &Path, owner: Option<Account>) -> Result<(), Error> {
    copy_all(from, to, owner).map_err(Error::system(format!(
        "copy {} to {}",
        from.display(),
        to.display()
    )))
}

fn copy_all(from: &Path, to: &Path, owner: Option<Account>) -> io::Result<()> {
    let found = fs::symlink_metadata(from)?;
    if found.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy_all(&from.join(&name), &to.join(&name), owner)?;
        }
        // Last, since a folder may not be writable.
        fs::set_permissions(to, found.permissions())?;
    } else if found.is_symlink() {
        symlink(fs::read_link(from)?, to)?;
    } else {
        fs::copy(from, to)?;
    }
    give(to, owner)
}

/// Gives a file or folder to an account.
pub(crate) fn give(path: &Path, owner: Option<Account>) -> io::Result<()> {
    match owner {
        Some(Account { user, group }) => lchown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}
