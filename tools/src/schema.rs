//! The package schema, from the Rust types.

use std::fs;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::Value;

use crate::{Repository, say};

/// Writes the schema, or compares the committed one with what the types say.
///
/// # Errors
/// When the types cannot be said in a schema, or the committed file is another one.
pub(crate) fn run(repository: &Repository, check: bool) -> Result<()> {
    let schema = cutover_resources::schema().map_err(|error| anyhow!("{error}"))?;
    ensure!(
        schema["version"] == repository.version,
        "the schema's version is {} and the plugin's {}",
        schema["version"],
        repository.version
    );
    let rendered = text(&schema)?;
    let path = repository.schema();
    if !check {
        fs::write(&path, rendered).with_context(|| format!("cannot write {}", path.display()))?;
        return Ok(());
    }
    let committed =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if let Some(difference) = first_difference(&committed, &rendered) {
        bail!("{}:{difference}\nrun `make gen`", path.display());
    }
    say("schema: it is what the types say");
    Ok(())
}

/// The schema as it is committed: indented, with the keys in order, so that a change shows as the lines it is about.
fn text(schema: &Value) -> Result<String> {
    let mut text = serde_json::to_string_pretty(&sorted(schema))?;
    text.push('\n');
    Ok(text)
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object
                .iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect();
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The number of the first line that differs, with both forms of it.
fn first_difference(committed: &str, rendered: &str) -> Option<String> {
    if committed == rendered {
        return None;
    }
    let mut lines = (committed.lines(), rendered.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (lines.0.next(), lines.1.next()) {
            (None, None) => return Some(format!("{number}: the ends of the lines differ")),
            (one, other) if one != other => {
                let show = |line: Option<&str>| {
                    line.map_or("nothing".to_owned(), |line| format!("`{}`", line.trim()))
                };
                return Some(format!(
                    "{number}: it has {} where the types say {}",
                    show(one),
                    show(other)
                ));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sorts_keys_at_every_depth() {
        let schema = json!({ "b": [{ "d": 1, "c": 2 }], "a": null });

        let text = text(&schema).expect("is JSON");

        assert_eq!(
            text,
            "{\n  \"a\": null,\n  \"b\": [\n    {\n      \"c\": 2,\n      \"d\": 1\n    }\n  ]\n}\n"
        );
    }

    #[test]
    fn shows_the_first_line_that_differs() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(
            first_difference("a\n b\n", "a\nc\n").as_deref(),
            Some("2: it has `b` where the types say `c`")
        );
        assert_eq!(
            first_difference("a\n", "a\nb\n").as_deref(),
            Some("2: it has nothing where the types say `b`")
        );
        assert_eq!(
            first_difference("a\r\n", "a\n").as_deref(),
            Some("2: the ends of the lines differ")
        );
    }
}
