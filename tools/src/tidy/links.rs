//! Links between documents.

/// Finds the links of a document that lead to a file that is not there. `exists` is asked for paths as they are written.
pub(crate) fn dead(file: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains(':') && !exists(path) {
                found.push(format!("{file}:{}: there is no `{path}`", index + 1));
            }
        }
    }
    found
}

/// What stands in the round brackets of `[words](target)`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next())
}

#[cfg(test)]
mod tests {
    #[test]
    fn finds_a_link_to_a_file_that_has_moved() {
        let text = "See [the map](docs/MAP.md#rooms) and\n[the old one](docs/OLD.md).";

        assert_eq!(check(text), ["README.md:2: there is no `docs/OLD.md`"]);
    }

    #[test]
    fn leaves_addresses_anchors_and_code_alone() {
        let text = "[a](https://example.com) [b](#below)\n```ts\nlist[0](now)\n```\n";

        assert_eq!(check(text), [""; 0]);
    }

    fn check(text: &str) -> Vec<String> {
        super::dead("README.md", text, |path| path == "docs/MAP.md")
    }
}
