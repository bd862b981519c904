//! Putting a plugin where the Pulumi CLI looks for it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::platform::Platform;
use crate::{COMMAND, PLUGIN, Repository, say};

/// Installs a plugin under `PULUMI_HOME`, by default `~/.pulumi`, and the operator's command that was built beside it into
/// the folder of the Pulumi CLI itself, which is on the path of whoever uses it.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn run(repository: &Repository, binary: &Path) -> Result<()> {
    let home = match std::env::var_os("PULUMI_HOME").filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home),
        None => std::env::home_dir()
            .context("there is no home folder; set PULUMI_HOME")?
            .join(".pulumi"),
    };
    let platform = Platform::host()?;
    let name = platform.executable(PLUGIN);
    let installed = install(&home.join("plugins"), &repository.version, &name, binary)?;
    say(&format!("installed: {}", installed.display()));
    let command = platform.executable(COMMAND.1);
    let built = binary.with_file_name(&command);
    if built.is_file() {
        let folder = home.join("bin");
        fs::create_dir_all(&folder)?;
        let installed = replace(&folder, &command, &built)?;
        say(&format!("installed: {}", installed.display()));
    }
    Ok(())
}

/// Does what the Pulumi CLI does with a plugin that it has downloaded: the folder `resource-cutover-v<version>` counts
/// as long as there is no file with `.partial` after its name, and whoever changes it holds a lock on the one with
/// `.lock`.
fn install(plugins: &Path, version: &str, name: &str, binary: &Path) -> Result<PathBuf> {
    let folder = plugins.join(format!("resource-cutover-v{version}"));
    let beside = |ending: &str| plugins.join(format!("resource-cutover-v{version}.{ending}"));
    fs::create_dir_all(plugins).with_context(|| format!("cannot make {}", plugins.display()))?;
    let lock = File::create(beside("lock"))?;
    lock.lock().context("cannot lock the plugin's folder")?;

    File::create(beside("partial"))?;
    fs::create_dir_all(&folder)?;
    let installed = replace(&folder, name, binary)?;
    fs::remove_file(beside("partial"))?;
    Ok(installed)
}

/// Puts a program into a folder. One that runs keeps its old file: it is replaced and not written into.
fn replace(folder: &Path, name: &str, binary: &Path) -> Result<PathBuf> {
    let installed = folder.join(name);
    let unfinished = folder.join(format!("{name}.unfinished"));
    fs::copy(binary, &unfinished).with_context(|| format!("cannot copy {}", binary.display()))?;
    fs::rename(&unfinished, &installed)?;
    Ok(installed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_a_complete_plugin_that_the_cli_finds() {
        let home = tempfile::tempdir().expect("makes a folder");
        let plugins = home.path().join("plugins");

        let installed = install_text(&plugins, "first");

        assert_eq!(
            installed,
            plugins.join("resource-cutover-v0.1.0/pulumi-resource-cutover")
        );
        assert_eq!(fs::read_to_string(&installed).expect("is there"), "first");
        assert!(!plugins.join("resource-cutover-v0.1.0.partial").exists());
    }

    #[test]
    fn replaces_an_older_build_and_finishes_an_interrupted_one() {
        let home = tempfile::tempdir().expect("makes a folder");
        install_text(home.path(), "first");
        let partial = home.path().join("resource-cutover-v0.1.0.partial");
        File::create(&partial).expect("is writable");

        let installed = install_text(home.path(), "second");

        assert_eq!(fs::read_to_string(installed).expect("is there"), "second");
        assert!(!partial.exists());
        assert_eq!(
            fs::read_dir(home.path().join("resource-cutover-v0.1.0"))
                .expect("is there")
                .count(),
            1
        );
    }

    fn install_text(plugins: &Path, text: &str) -> PathBuf {
        let source = tempfile::NamedTempFile::new().expect("makes a file");
        fs::write(source.path(), text).expect("is writable");
        install(plugins, "0.1.0", PLUGIN, source.path()).expect("installs")
    }
}
