//! The TypeScript SDK as a package.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{Repository, command, say};

/// What the package has beside the compiled sources. The README and package.json are generated with the sources.
const EXTRA: [(&str, &str); 3] = [
    ("sdk-ts/README.md", "README.md"),
    ("sdk-ts/package.json", "package.json"),
    ("LICENSE", "LICENSE"),
];

/// The documents whose programs users paste.
const DOCUMENTS: [&str; 3] = [
    "README.md",
    "docs/migration-cutover.md",
    "docs/weighted-shift.md",
];

/// Compiles the SDK with the strictest checks and packs it into `target/sdk`, against the pinned `@pulumi/pulumi` and
/// TypeScript of the test programs. Then compiles what the documents show against the package.
///
/// # Errors
/// When the SDK or a program of a document does not compile, or `make setup` was not run.
pub(crate) fn run(repository: &Repository) -> Result<()> {
    let modules = repository.root.join("tests/programs/node_modules");
    let out = repository.target.join("sdk");
    let sources = out.join("sources");
    let package = out.join("package");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    copy_sources(&repository.root.join("sdk-ts"), &sources)?;
    link(&modules, &out.join("node_modules"))?;
    fs::create_dir_all(&package)?;

    // Maps would lead to sources that the package does not have.
    let mut options = [
        "--sourceMap",
        "false",
        "--declarationMap",
        "false",
        "--outDir",
    ]
    .map(OsStr::new)
    .to_vec();
    options.push(package.as_os_str());
    compile(&modules, &sources, &options).context("the SDK does not compile")?;
    for (from, to) in EXTRA {
        fs::copy(repository.root.join(from), package.join(to))
            .with_context(|| format!("cannot copy {from}"))?;
    }
    command(
        Command::new("npm")
            .args(["pack", "--silent", "--pack-destination", "..", "."])
            .current_dir(&package),
    )?;

    let examples = out.join("programs");
    fs::create_dir_all(&examples)?;
    for document in DOCUMENTS {
        let text = fs::read_to_string(repository.root.join(document))
            .with_context(|| format!("cannot read {document}"))?;
        let name = document.replace(['/', '.'], "-");
        for (index, program) in programs(&text).enumerate() {
            fs::write(examples.join(format!("{name}-{index}.ts")), program)?;
        }
    }
    fs::write(examples.join("tsconfig.json"), EXAMPLES)?;
    compile(&modules, &examples, &["--noEmit".as_ref()])
        .context("a program of a document does not compile")?;
    say(&format!("sdk: packed into {}", out.display()));
    Ok(())
}

/// How the programs of documents are compiled: as those of a user who has installed the package.
const EXAMPLES: &str = r#"{
    "compilerOptions": {
        "target": "ES2022",
        "module": "nodenext",
        "moduleResolution": "nodenext",
        "types": ["node"],
        "skipLibCheck": true,
        "paths": { "pulumi-cutover": ["../package/index.d.ts"] }
    }
}
"#;

/// Runs the pinned compiler on a project.
fn compile(modules: &Path, project: &Path, options: &[&OsStr]) -> Result<()> {
    command(
        Command::new("node")
            .arg(modules.join("typescript/bin/tsc"))
            .args(["--strict", "--project"])
            .arg(project)
            .args(options),
    )
}

/// The blocks of TypeScript in a document.
fn programs(document: &str) -> impl Iterator<Item = &str> {
    document
        .split("```ts\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
}

/// Copies a folder without what npm and earlier compilations left in it, and without tests.
fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if ["node_modules", "bin", "tests"]
            .iter()
            .any(|other| name == *other)
        {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_sources(&entry.path(), &to.join(&name))?;
        } else {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}

/// Makes the installed packages visible to the sources' neighbours.
fn link(modules: &Path, name: &Path) -> Result<()> {
    anyhow::ensure!(
        modules.exists(),
        "{} is missing; run `make setup`",
        modules.display()
    );
    #[cfg(unix)]
    std::os::unix::fs::symlink(modules, name)?;
    #[cfg(windows)]
    std::os::windows::fs::symlink_dir(modules, name)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn finds_the_programs_in_a_document() {
        let document = "First\n```ts\na();\n```\n```sh\nls\n```\n```ts\nb();\nc();\n```\nlast";

        let found: Vec<_> = super::programs(document).collect();

        assert_eq!(found, ["a();\n", "b();\nc();\n"]);
    }
}
