//! Rules of this repository that no other tool knows.

mod edges;
mod links;
mod lints;
mod manifests;
mod rooms;
mod texts;

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::MetadataCommand;

use self::edges::Graph;

/// Checks everything and says what is wrong.
///
/// # Errors
/// When a rule is broken, or the repository cannot be looked at.
pub(crate) fn run() -> Result<()> {
    let metadata = MetadataCommand::new()
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .context("cannot read the dependency graph")?;
    let root = metadata.workspace_root.as_std_path();

    let graph = Graph::new(&metadata);
    let mut found: Vec<String> = graph
        .violations(rooms::ROOMS)
        .iter()
        .map(ToString::to_string)
        .collect();
    for member in &graph.members {
        let path = root.join(&member.folder).join("Cargo.toml");
        let text = read(&path)?;
        found.extend(manifests::problems(&member.folder, &text)?);
    }
    let clippy = read(&root.join("clippy.toml"))?;
    for file in files(root)? {
        let path = root.join(&file);
        // A file that was deleted and not yet committed is still listed.
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        found.extend(texts::problems(&file, &bytes));
        if let (true, Ok(text)) = (is_document(&file), str::from_utf8(&bytes)) {
            let folder = path.parent().unwrap_or(root);
            found.extend(links::dead(&file, text, |target| {
                folder.join(target).exists()
            }));
        }
        if file.starts_with("provider/") && file.ends_with("/clippy.toml") {
            let text = String::from_utf8_lossy(&bytes);
            found.extend(lints::problems(&clippy, &file, &text)?);
        }
    }

    for problem in &found {
        crate::say(&format!("tidy: {problem}"));
    }
    if !found.is_empty() {
        bail!("tidy: {} problems", found.len());
    }
    crate::say(&format!(
        "tidy: {} crates are in order",
        graph.members.len()
    ));
    Ok(())
}

fn is_document(file: &str) -> bool {
    Path::new(file)
        .extension()
        .is_some_and(|extension| extension == "md")
}

/// The files that are committed, or would be by the next `git add`, relative to the root.
fn files(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    ensure!(
        output.status.success(),
        "git: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let names = String::from_utf8(output.stdout).context("a file's name is not UTF-8")?;
    Ok(names
        .split_terminator('\0')
        .map(ToOwned::to_owned)
        .collect())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
