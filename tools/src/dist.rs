//! Release archives.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};

use crate::platform::Platform;
use crate::{COMMAND, PLUGIN, Repository, command, say};

/// Builds the plugin and the operator's command for each platform, and puts an archive for each into `target/dist`, with a list of their digests.
///
/// The same sources and compiler give the same bytes, whenever and wherever this runs.
///
/// # Errors
/// When a build fails, or two platforms are one to Pulumi.
pub(crate) fn run(repository: &Repository, targets: &[String]) -> Result<()> {
    let platforms = if targets.is_empty() {
        vec![Platform::host()?]
    } else {
        targets
            .iter()
            .map(|target| Platform::new(target))
            .collect::<Result<_>>()?
    };
    let mut archives = BTreeMap::new();
    for platform in platforms {
        let name = archive_name(&repository.version, &platform);
        if let Some(other) = archives.insert(name, platform.clone()) {
            bail!(
                "to Pulumi {} and {} are one platform; name one of them",
                other.triple,
                platform.triple
            );
        }
    }

    let folder = repository.target.join("dist");
    fs::create_dir_all(&folder)?;
    let licence = fs::read(repository.root.join("LICENSE")).context("cannot read the licence")?;
    let mut digests = String::new();
    for (name, platform) in &archives {
        let binary = build(repository, platform)?;
        let program =
            fs::read(&binary).with_context(|| format!("cannot read {}", binary.display()))?;
        let operators = binary.with_file_name(platform.executable(COMMAND.1));
        let operators =
            fs::read(&operators).with_context(|| format!("cannot read {}", operators.display()))?;
        let archive = pack(&[
            ("LICENSE", 0o644, &licence),
            (&platform.executable(COMMAND.1), 0o755, &operators),
            (&platform.executable(PLUGIN), 0o755, &program),
        ])?;
        fs::write(folder.join(name), &archive)?;
        for byte in Sha256::digest(&archive) {
            write!(digests, "{byte:02x}")?;
        }
        writeln!(digests, "  {name}")?;
        say(&format!("dist: {}", folder.join(name).display()));
    }
    fs::write(folder.join("SHA256SUMS"), digests)?;
    Ok(())
}

/// The name that the Pulumi CLI asks for.
fn archive_name(version: &str, platform: &Platform) -> String {
    format!(
        "{PLUGIN}-v{version}-{}-{}.tar.gz",
        platform.os, platform.arch
    )
}

fn build(repository: &Repository, platform: &Platform) -> Result<PathBuf> {
    // With a target named, even this machine's, the flags below are for the plugin alone and the result has a folder of
    // its own, so that ordinary release builds stay valid.
    command(
        Command::new("cargo")
            .args([
                "build",
                "--release",
                "--locked",
                "--package",
                PLUGIN,
                "--package",
                COMMAND.0,
                "--target",
                &platform.triple,
            ])
            .current_dir(&repository.root)
            .env("CARGO_ENCODED_RUSTFLAGS", without_places(&repository.root)),
    )?;
    Ok(repository
        .target
        .join(&platform.triple)
        .join("release")
        .join(platform.executable(PLUGIN)))
}

/// Compiler flags that keep this machine's folders out of the messages of panics.
fn without_places(root: &Path) -> OsString {
    let mut flags = OsString::new();
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| {
            // Where Cargo looks without it.
            std::env::home_dir().map(|home| home.join(".cargo"))
        });
    // Where several match, the last one counts: the root may be in the same folder as Cargo's.
    for (place, name) in [(cargo_home, "cargo"), (Some(root.to_owned()), "cutover")] {
        if let Some(place) = place {
            if !flags.is_empty() {
                flags.push("\x1f");
            }
            flags.push("--remap-path-prefix=");
            flags.push(place);
            flags.push("=");
            flags.push(name);
        }
    }
    flags
}

/// Packs files with name, mode and content. Nothing in the archive tells when or by whom that was done.
fn pack(files: &[(&str, u32, &[u8])]) -> Result<Vec<u8>> {
    let zip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(zip);
    for &(name, mode, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(u64::try_from(content.len())?);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        archive.append_data(&mut header, name, content)?;
    }
    Ok(archive.into_inner()?.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn names_archives_as_the_pulumi_cli_asks_for_them() {
        let platform = Platform::new("x86_64-unknown-linux-musl").expect("is supported");

        let name = archive_name("0.1.0", &platform);

        assert_eq!(name, "pulumi-resource-cutover-v0.1.0-linux-amd64.tar.gz");
    }

    #[test]
    fn packs_the_same_bytes_each_time_and_nothing_about_this_machine() {
        let files: &[(&str, u32, &[u8])] =
            &[("LICENSE", 0o644, b"free"), ("plugin", 0o755, b"\x7fELF")];

        let packed = pack(files).expect("packs");

        assert_eq!(packed, pack(files).expect("packs"));
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let mut seen = Vec::new();
        for entry in archive.entries().expect("has entries") {
            let mut entry = entry.expect("is readable");
            let header = entry.header().clone();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("is readable");
            assert_eq!(header.mtime().expect("is a number"), 0);
            assert_eq!(header.uid().expect("is a number"), 0);
            seen.push((
                entry.path().expect("has a name").display().to_string(),
                header.mode().expect("is a number"),
                content,
            ));
        }
        let expected: Vec<_> = files
            .iter()
            .map(|(name, mode, content)| ((*name).to_owned(), *mode, content.to_vec()))
            .collect();
        assert_eq!(seen, expected);
    }
}
