//! The page that says which test proves which part of the contract.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Every function of a Rust file below `folder`.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("Rust is text");
            let names = text
                .lines()
                .filter_map(|line| line.trim_start().split_once("fn ").map(|(_, rest)| rest));
            found.extend(
                names
                    .filter_map(|rest| rest.split(['(', '<']).next())
                    .map(str::to_owned),
            );
        }
    }
}

#[test]
fn the_page_names_only_tests_that_exist_and_every_item_once() {
    let root = Path::new(ROOT);
    let page = fs::read_to_string(root.join("docs/contract.md")).expect("the page is in the tree");
    let mut known = BTreeSet::new();
    for folder in ["proto", "provider", "tests", "tools"] {
        functions(&root.join(folder), &mut known);
    }
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| ")).collect();
    let numbered = rows
        .iter()
        .filter_map(|row| row[2..].split(' ').next()?.parse::<u32>().ok());
    assert_eq!(numbered.collect::<Vec<_>>(), (1..=47).collect::<Vec<_>>());

    let mut named = 0;
    for row in rows {
        let proof = row.rsplit(" | ").next().unwrap_or_default();
        for name in proof.split('`').skip(1).step_by(2) {
            assert!(known.contains(name), "there is no test `{name}`");
            named += 1;
        }
    }
    assert!(named > 60, "only {named} tests are named");
}
