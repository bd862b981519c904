//! What must not stand in a committed file.

/// The largest file that is committed, in bytes: ours. What is larger is most likely there by accident.
const FILE_BYTES_MAX: usize = 1024 * 1024;

/// A text that must not stand in some files.
struct Rule {
    /// What must not stand there at the beginning of a word.
    text: &'static str,
    /// The end of the names of the files that this is about.
    files: &'static str,
    /// What is wrong with it.
    because: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        text: "/root/",
        files: "",
        because: "it is a place on one machine",
    },
    Rule {
        text: "/home/",
        files: "",
        because: "it is a place on one machine",
    },
    Rule {
        text: "/Users/",
        files: "",
        because: "it is a place on one machine",
    },
    Rule {
        text: "/work/",
        files: "",
        because: "it is a place on one machine",
    },
    Rule {
        text: "/tmp/",
        files: ".md",
        because: "it is a place on one machine",
    },
    Rule {
        text: "<<<<<<< ",
        files: "",
        because: "a merge was not finished",
    },
    Rule {
        text: ">>>>>>> ",
        files: "",
        because: "a merge was not finished",
    },
    Rule {
        text: "\"resolved\":",
        files: "package-lock.json",
        because: "it ties the lock file to the registry of one machine; see the .npmrc beside it",
    },
    Rule {
        text: "registry=",
        files: ".npmrc",
        because: "every machine names its own registry",
    },
];

/// This file, which has to name what it looks for.
const SELF: &str = "tools/src/tidy/texts.rs";

/// Finds what is wrong with a file, given by its path relative to the root.
pub(crate) fn problems(file: &str, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    if bytes.len() > FILE_BYTES_MAX {
        found.push(format!(
            "{file}: it has {} bytes, and {FILE_BYTES_MAX} is the limit",
            bytes.len()
        ));
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return found;
    };
    if file == SELF {
        return found;
    }
    for rule in RULES.iter().filter(|rule| file.ends_with(rule.files)) {
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| begins_a_word(line, rule.text));
        found.extend(lines.map(|(index, _)| {
            format!(
                "{file}:{}: `{}` must not stand here: {}",
                index + 1,
                rule.text.trim(),
                rule.because
            )
        }));
    }
    found
}

/// Whether a text stands in a line without being the rest of a longer path or word.
fn begins_a_word(line: &str, text: &str) -> bool {
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "._-~/}*]".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_places_on_one_machine() {
        assert_eq!(
            problems(
                "docs/setup.md",
                b"First line.\nThe cache is in `/root/.cache`.\n"
            ),
            ["docs/setup.md:2: `/root/` must not stand here: it is a place on one machine"]
        );
        assert_eq!(problems("src/a.rs", b"read(\"/home/me/x\")").len(), 1);
        assert_eq!(
            problems("docs/a.md", b"see file:///tmp/state").len(),
            0,
            "an example of a file URL"
        );
        assert_eq!(
            problems("src/a.rs", b"see /tmp/state").len(),
            0,
            "tests may use it"
        );
    }

    #[test]
    fn leaves_longer_paths_alone() {
        assert_eq!(
            problems(
                "README.md",
                b"https://example.com/home/ and ./work/ and $DIR/root/ "
            ),
            [""; 0]
        );
    }

    #[test]
    fn finds_registries_in_lock_files() {
        assert_eq!(
            problems("sdk/package-lock.json", b"  \"resolved\": \"x\"").len(),
            1
        );
        assert_eq!(
            problems("sdk/package.json", b"  \"resolved\": \"x\""),
            [""; 0]
        );
    }

    #[test]
    fn refuses_large_files() {
        assert_eq!(
            problems("a.bin", &vec![0xFF; FILE_BYTES_MAX + 1]),
            ["a.bin: it has 1048577 bytes, and 1048576 is the limit"]
        );
    }
}
