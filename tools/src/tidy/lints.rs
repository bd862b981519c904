//! Clippy's settings, of which the nearest file counts alone.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use toml::Table;

/// Finds the bans of the root's `clippy.toml` that another one lacks, given by its path and text.
///
/// # Errors
/// When one of them is not TOML.
pub(crate) fn problems(root: &str, file: &str, text: &str) -> Result<Vec<String>> {
    let own = banned(text).with_context(|| format!("cannot read {file}"))?;
    let shared = banned(root).context("cannot read clippy.toml")?;
    Ok(shared
        .difference(&own)
        .map(|path| format!("{file}: it replaces the root's and so must ban `{path}` too"))
        .collect())
}

fn banned(text: &str) -> Result<BTreeSet<String>> {
    let settings: Table = text.parse()?;
    let entries = ["disallowed-methods", "disallowed-types"]
        .into_iter()
        .filter_map(|key| settings.get(key)?.as_array())
        .flatten();
    Ok(entries
        .filter_map(|entry| entry.get("path").unwrap_or(entry).as_str())
        .map(ToOwned::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "disallowed-methods = [{ path = 'a::sleep', reason = 'why' }, 'a::now']";

    #[test]
    fn accepts_a_file_that_bans_more() {
        let text = "disallowed-methods = ['a::now', 'a::sleep', 'a::spawn']";

        let found = problems(ROOT, "provider/x/clippy.toml", text).expect("is TOML");

        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn finds_a_ban_that_was_not_repeated() {
        let found = problems(
            ROOT,
            "provider/x/clippy.toml",
            "disallowed-types = ['a::now']",
        );

        assert_eq!(
            found.expect("is TOML"),
            ["provider/x/clippy.toml: it replaces the root's and so must ban `a::sleep` too"]
        );
    }
}
