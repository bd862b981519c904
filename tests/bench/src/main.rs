//! Measures the framework beside the same provider written on pulumi-go-provider, in the same run, and the plugin
//! against its budgets. Prints a table and writes `target/bench/results.json`.
//!
//! `make bench` builds what this needs. Figures of two runs compare as ratios only: machines and their moods differ.

mod measure;
mod report;
mod shifts;
mod validation;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::measure::Side;
use crate::report::Report;

#[tokio::main]
async fn main() -> Result<()> {
    // The binaries stand side by side: cargo builds all of them into one folder.
    let folder = std::env::current_exe()?
        .parent()
        .context("an executable lies in a folder")?
        .to_owned();
    let results = folder
        .parent()
        .context("a profile lies in the target folder")?
        .join("bench");
    std::fs::create_dir_all(&results)?;

    let mut report = Report::default();
    // An argument measures one part alone, which needs nothing that was built.
    match std::env::args().nth(1).as_deref() {
        Some("shifts") => {
            shifts::measure(&mut report)?;
            report.print();
            return report.write(&results.join("shifts.json"));
        }
        Some("validation") => {
            validation::measure(&mut report).await?;
            report.print();
            return report.write(&results.join("validation.json"));
        }
        _ => {}
    }
    shifts::measure(&mut report)?;
    validation::measure(&mut report).await?;
    let ours = built(&folder, "pulumi-resource-specimen")?;
    let plugin = built(&folder, "pulumi-resource-cutover")?;
    let peer = build_peer(&results)?;
    let (ours, peer) = (Side::new("ours", &ours), Side::new("peer", &peer));
    measure::sizes(&ours, &peer, &mut report)?;
    measure::starts(&ours, &peer, &mut report).await?;
    measure::memory(&ours, &peer, &mut report).await?;
    measure::calls(&ours, &peer, &mut report).await?;
    measure::constructs(&ours, &peer, &mut report).await?;
    measure::plugin(&Side::new("cutover", &plugin), &mut report).await?;

    report.print();
    report.write(&results.join("results.json"))
}

fn built(folder: &Path, name: &str) -> Result<PathBuf> {
    let binary = folder.join(name);
    ensure!(
        binary.exists(),
        "{} is missing; run `make bench`",
        binary.display()
    );
    Ok(binary)
}

/// Builds the peer, which is written in Go, with the flags of a release.
fn build_peer(results: &Path) -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer");
    let binary = results.join("peer");
    let status = Command::new("go")
        .args([
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-ldflags",
            "-s -w",
            "-o",
        ])
        .arg(&binary)
        .arg(".")
        .current_dir(source)
        .status()
        .context("`go` is needed to build the peer")?;
    ensure!(status.success(), "the peer does not build");
    Ok(binary)
}
