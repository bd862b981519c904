//! The catalogue of faults, `docs/faults.md`: people write what happens and what must come of it, the tests say
//! themselves which row they prove.
//!
//! A test proves a row when its doc comment begins with the row's name: `/// F23: the zone is gone`. Several rows are
//! separated by commas.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::{Repository, say};

/// The page, relative to the root.
const PAGE: &str = "docs/faults.md";

/// Where tests are.
const FOLDERS: [&str; 4] = ["provider", "rehearsal", "tests", "tools"];

/// How the proof of a row begins that no test proves; the reason follows.
const OPEN: &str = "open: ";

/// Writes into the page which tests prove what, or checks that it says so.
///
/// # Errors
/// When a row has neither a test nor a reason, or a test names a row that there is not.
pub(crate) fn run(repository: &Repository, check: bool) -> Result<()> {
    let path = repository.root.join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let mut proofs = Proofs::new();
    for folder in FOLDERS {
        let folder = repository.root.join(folder);
        if folder.is_dir() {
            collect(&repository.root, &folder, &mut proofs)?;
        }
    }
    let told = tell(&page, &proofs)?;
    if !check {
        fs::write(&path, told.page).with_context(|| format!("cannot write {PAGE}"))?;
    } else if told.page != page {
        bail!("{PAGE} does not name the tests that there are; run `make gen`");
    }
    say(&format!(
        "faults: {} rows, {} of them open, {} tests",
        told.rows,
        told.open,
        proofs.values().flatten().collect::<BTreeSet<_>>().len()
    ));
    Ok(())
}

/// The tests of each row, with the crate that they are in.
type Proofs = BTreeMap<Row, BTreeSet<Proof>>;

/// A test and its crate's folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Proof {
    folder: String,
    test: String,
}

/// The name of a row: its catalogue's letter and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row(char, u32);

impl Row {
    fn parse(text: &str) -> Option<Self> {
        let letter = text
            .chars()
            .next()
            .filter(|letter| "DF".contains(*letter))?;
        let digits = text.get(1..)?;
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then_some(Self(letter, digits.parse().ok()?))
    }
}

/// The page with its proofs.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    page: String,
    rows: usize,
    open: usize,
}

/// Collects the tests of every Rust file below a folder.
fn collect(root: &Path, folder: &Path, proofs: &mut Proofs) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with("node_modules") {
                collect(root, &path, proofs)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let folder = crate_folder(path.strip_prefix(root)?);
            for (row, test) in marked(&text) {
                let folder = folder.clone();
                proofs
                    .entry(row)
                    .or_default()
                    .insert(Proof { folder, test });
            }
        }
    }
    Ok(())
}

/// The folder of the crate that a file belongs to, for people: the last part before `src` or `tests`.
fn crate_folder(file: &Path) -> String {
    let parts: Vec<_> = file.iter().map(|part| part.to_string_lossy()).collect();
    match parts.as_slice() {
        [first, second, third, ..] if first == "tests" && second == "it" => {
            format!("tests/it/{third}")
        }
        [first, second, ..] => format!("{first}/{second}"),
        _ => file.display().to_string(),
    }
}

/// The tests of a file that name rows.
fn marked(text: &str) -> Vec<(Row, String)> {
    let mut found = Vec::new();
    let mut rows = Vec::new();
    let mut in_doc = false;
    let (mut is_test, mut in_attribute) = (false, false);
    for line in text.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            if !in_doc {
                rows = rows_of(doc);
            }
            in_doc = true;
        } else if in_attribute || line.starts_with("#[") {
            is_test |= line.starts_with("#[") && line.contains("test");
            in_attribute = !line.ends_with(']');
        } else {
            if let Some(name) = function(line)
                && is_test
            {
                found.extend(rows.iter().map(|row| (*row, name.to_owned())));
            }
            (in_doc, is_test) = (false, false);
            rows.clear();
        }
    }
    found
}

/// The rows that a comment begins with.
fn rows_of(doc: &str) -> Vec<Row> {
    let head = doc.split([':', '.']).next().unwrap_or_default();
    head.split(',')
        .map_while(|word| Row::parse(word.trim()))
        .collect()
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// Puts the proofs into the rows of a page: the last two cells of each.
fn tell(page: &str, proofs: &Proofs) -> Result<Told> {
    let (mut lines, mut seen, mut open) = (Vec::new(), BTreeSet::new(), 0);
    for line in page.lines() {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let Some(row) = cells.first().and_then(|cell| Row::parse(cell)) else {
            lines.push(line.to_owned());
            continue;
        };
        let [name, fault, must, proof, _] = cells.as_slice() else {
            bail!("row {row:?} of {PAGE} has not five cells");
        };
        ensure!(seen.insert(row), "{name} stands in {PAGE} twice");
        let (proof, place) = match proofs.get(&row) {
            Some(tests) => (
                joined(tests.iter().map(|proof| format!("`{}`", proof.test))),
                joined(tests.iter().map(|proof| proof.folder.clone())),
            ),
            None if proof.starts_with(OPEN) => {
                open += 1;
                ((*proof).to_owned(), "-".to_owned())
            }
            None => bail!("no test proves {name}; `{OPEN}` and a reason must stand in its row"),
        };
        lines.push(format!("| {name} | {fault} | {must} | {proof} | {place} |"));
    }
    if let Some((row, tests)) = proofs.iter().find(|(row, _)| !seen.contains(row)) {
        bail!("{tests:?} names {row:?}, which is not in {PAGE}");
    }
    Ok(Told {
        page: lines.join("\n") + "\n",
        rows: seen.len(),
        open,
    })
}

/// Each text once, in order.
fn joined(texts: impl Iterator<Item = String>) -> String {
    texts
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "
        /// F1, F2: throttled.
        #[test]
        fn it_waits() {}

        /// F3
        #[tokio::test(start_paused = true)]
        async fn it_goes_back() {}

        /// F3
        #[test]
        #[expect(
            lint,
            reason = \"long\"
        )]
        fn it_is_exempt() {}

        /// F4: a helper proves nothing.
        fn helper() {}

        /// Follows F5.
        #[test]
        fn it_mentions() {}
    ";

    fn proofs() -> Proofs {
        let mut proofs = Proofs::new();
        for (row, test) in marked(SOURCE) {
            let folder = "provider/core".to_owned();
            proofs
                .entry(row)
                .or_default()
                .insert(Proof { folder, test });
        }
        proofs
    }

    #[test]
    fn only_tests_whose_comment_begins_with_rows_prove_them() {
        let rows: Vec<_> = marked(SOURCE);

        assert_eq!(
            rows,
            [
                (Row('F', 1), "it_waits".to_owned()),
                (Row('F', 2), "it_waits".to_owned()),
                (Row('F', 3), "it_goes_back".to_owned()),
                (Row('F', 3), "it_is_exempt".to_owned()),
            ]
        );
    }

    #[test]
    fn the_page_gets_the_names_of_the_tests_and_keeps_reasons() {
        let page = "# Faults\n| F1 | a | b | - | - |\n| F2 | a | b | `gone` | x |\n| F3 | a | b | - | - |\n\
                    | F4 | a | b | open: needs an account | - |\n";

        let told = tell(page, &proofs()).unwrap();

        assert_eq!((told.rows, told.open), (4, 1));
        assert!(
            told.page
                .contains("| F2 | a | b | `it_waits` | provider/core |"),
            "{}",
            told.page
        );
        assert!(
            told.page
                .contains("| F4 | a | b | open: needs an account | - |"),
            "{}",
            told.page
        );
        assert_eq!(tell(&told.page, &proofs()).unwrap().page, told.page);
    }

    #[test]
    fn a_row_without_a_test_and_a_test_without_a_row_are_found() {
        let without_test = tell("| F9 | a | b | `gone` | x |", &Proofs::new()).unwrap_err();
        let without_row =
            tell("| F1 | a | b | - | - |\n| F2 | a | b | - | - |", &proofs()).unwrap_err();

        assert!(without_test.to_string().contains("F9"), "{without_test}");
        assert!(
            without_row.to_string().contains("it_goes_back"),
            "{without_row}"
        );
    }
}
