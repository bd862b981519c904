//! Platforms, as Rust names them and as Pulumi does.

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// A platform that a plugin is built for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    /// Rust's name of it.
    pub(crate) triple: String,
    /// The operating system in Pulumi's, and Go's, words.
    pub(crate) os: &'static str,
    /// The processor in the same words.
    pub(crate) arch: &'static str,
}

impl Platform {
    /// Translates Rust's name.
    ///
    /// # Errors
    /// When the Pulumi CLI would never ask for such a plugin.
    pub(crate) fn new(triple: &str) -> Result<Self> {
        let arch = match triple.split('-').next() {
            Some("x86_64") => "amd64",
            Some("aarch64") => "arm64",
            _ => bail!("Pulumi has no plugins for the processor of {triple}"),
        };
        let os = match triple {
            _ if triple.contains("-linux-") => "linux",
            _ if triple.ends_with("-apple-darwin") => "darwin",
            _ if triple.contains("-windows-") => "windows",
            _ => bail!("Pulumi has no plugins for the system of {triple}"),
        };
        Ok(Self {
            triple: triple.to_owned(),
            os,
            arch,
        })
    }

    /// The platform of this machine, as the compiler says.
    ///
    /// # Errors
    /// When the compiler cannot be asked.
    pub(crate) fn host() -> Result<Self> {
        let output = Command::new("rustc")
            .arg("-vV")
            .output()
            .context("cannot run rustc")?;
        ensure!(output.status.success(), "rustc: {}", output.status);
        let text = String::from_utf8_lossy(&output.stdout);
        let triple = text.lines().find_map(|line| line.strip_prefix("host: "));
        Self::new(triple.context("rustc does not name its host")?)
    }

    /// What a program's file is called.
    pub(crate) fn executable(&self, name: &str) -> String {
        let ending = if self.os == "windows" { ".exe" } else { "" };
        format!("{name}{ending}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_of_platforms_as_the_pulumi_cli_does() {
        for (triple, expected) in [
            ("x86_64-unknown-linux-gnu", "linux amd64 a"),
            ("aarch64-unknown-linux-musl", "linux arm64 a"),
            ("x86_64-apple-darwin", "darwin amd64 a"),
            ("aarch64-apple-darwin", "darwin arm64 a"),
            ("x86_64-pc-windows-msvc", "windows amd64 a.exe"),
        ] {
            let platform = Platform::new(triple).expect("is supported");

            let found = format!(
                "{} {} {}",
                platform.os,
                platform.arch,
                platform.executable("a")
            );
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn refuses_platforms_that_pulumi_does_not_know() {
        assert!(Platform::new("riscv64gc-unknown-linux-gnu").is_err());
        assert!(Platform::new("x86_64-unknown-freebsd").is_err());
    }
}
