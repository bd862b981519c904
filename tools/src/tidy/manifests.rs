//! What every crate's manifest has in common.

use anyhow::{Context as _, Result};
use toml::{Table, Value};

/// The crate that the engine starts: its version is the release's.
const PLUGIN: &str = "pulumi-resource-cutover";

/// Finds what is wrong with the manifest of the crate in this folder.
///
/// # Errors
/// When the text is not TOML.
pub(crate) fn problems(folder: &str, text: &str) -> Result<Vec<String>> {
    let manifest: Table = text
        .parse()
        .with_context(|| format!("cannot read {folder}/Cargo.toml"))?;
    let name = at(&manifest, &["package", "name"])
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut found = Vec::new();
    let mut problem = |text: String| found.push(format!("{folder}/Cargo.toml: {text}"));

    if !is_inherited(at(&manifest, &["lints"])) {
        problem(
            "it does not have the workspace's lints; add `[lints] workspace = true`".to_owned(),
        );
    }
    if let Some(last) = folder
        .strip_prefix("provider/")
        .filter(|last| *last != name)
    {
        problem(format!(
            "the folder is called `{last}` and the crate `{name}`"
        ));
    }
    if name == PLUGIN && !is_inherited(at(&manifest, &["package", "version"])) {
        problem(
            "the plugin's version is the workspace's; write `version.workspace = true`".to_owned(),
        );
    }
    for (dependency, source) in dependencies(&manifest) {
        if !is_inherited(Some(source)) {
            problem(format!(
                "`{dependency}` names its own source; every version is written once, in the root manifest"
            ));
        }
    }
    Ok(found)
}

/// Every dependency in every table for them, those for single platforms included.
fn dependencies(manifest: &Table) -> impl Iterator<Item = (&String, &Value)> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let platforms = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flatten();
    platforms
        .filter_map(|(_, platform)| platform.as_table())
        .chain([manifest])
        .flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flatten()
}

fn is_inherited(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")?.as_bool()) == Some(true)
}

fn at<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(table.get(*first)?, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    #[test]
    fn accepts_a_manifest_that_inherits() {
        let found = check(
            "provider/pulumi-resource-cutover",
            "package = { name = 'pulumi-resource-cutover', version.workspace = true }
             dependencies = { serde.workspace = true, tokio = { workspace = true, features = ['rt'] } }
             lints.workspace = true",
        );

        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn asks_for_the_shared_lints() {
        let found = check("tools", "package = { name = 'cutover-tools' }");

        assert_eq!(
            found,
            [
                "tools/Cargo.toml: it does not have the workspace's lints; add `[lints] workspace = true`"
            ]
        );
    }

    #[test]
    fn wants_folder_and_crate_to_have_one_name() {
        let found = check(
            "provider/core",
            "package = { name = 'cutover-core' }\nlints.workspace = true",
        );

        assert_eq!(
            found,
            ["provider/core/Cargo.toml: the folder is called `core` and the crate `cutover-core`"]
        );
    }

    #[test]
    fn wants_the_release_version_for_the_plugin() {
        let found = check(
            "provider/pulumi-resource-cutover",
            "package = { name = 'pulumi-resource-cutover', version = '0.0.0' }\nlints.workspace = true",
        );

        assert_eq!(found.len(), 1);
        assert!(
            found[0].ends_with("write `version.workspace = true`"),
            "{found:?}"
        );
    }

    #[test]
    fn wants_versions_in_the_root_manifest_only() {
        let found = check(
            "tools",
            "package = { name = 'cutover-tools' }
             lints.workspace = true
             dependencies = { serde = '1' }
             dev-dependencies = { other = { path = '../other' } }
             target.'cfg(unix)'.dependencies = { libc = '0.2' }",
        );

        for (problem, dependency) in found.iter().zip(["`libc`", "`serde`", "`other`"]) {
            assert!(problem.contains(dependency), "{found:?}");
        }
        assert_eq!(found.len(), 3);
    }

    fn check(folder: &str, text: &str) -> Vec<String> {
        super::problems(folder, text).expect("is TOML")
    }
}
