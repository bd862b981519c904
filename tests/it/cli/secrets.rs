//! Whatever is secret stays so, in every place that the engine writes to.

use std::path::PathBuf;

use serde_json::Value;

use super::pulumi::{Stack, is_encrypted};

const NOWHERE: [PathBuf; 0] = [];

#[test]
fn secrets_are_written_nowhere_and_can_still_be_read() {
    let stack = Stack::of("secrets");
    stack.secret("seed", "swordfish").config("plain", "herring");

    stack.preview().succeeds();
    stack.up().succeeds();
    stack.preview().changes_nothing();
    stack.refresh().changes_nothing();

    for secret in ["swordfish", DERIVED] {
        assert_eq!(stack.finds(secret), NOWHERE);
    }
    let state = stack.state();
    for (resource, path) in HIDDEN {
        for side in ["inputs", "outputs"] {
            let value = &state.resource(resource)[side];
            assert!(
                leads_through_a_secret(value, path),
                "`{path}` of `{resource}` in its {side}: {value:#}"
            );
        }
    }
    // What is beside a secret stays readable.
    assert_eq!(
        state.resource("note")["outputs"]["labels"]["public"],
        "shown"
    );
    assert_eq!(
        state.resource("note")["outputs"]["lines"][0]["text"],
        "shown"
    );
    // What is declared secret is encrypted even if the program gives it as plain text.
    assert!(is_encrypted(
        &state.resource("bolt")["inputs"]["secretNote"]
    ));
    assert!(is_encrypted(&state.outputs()["key"]));
    assert!(is_encrypted(&state.outputs()["password"]));

    let revealed = stack.revealed_state();
    let read = revealed.resource("note").to_string() + &revealed.resource("locked").to_string();
    for place in [
        "body",
        "password",
        "map",
        "list",
        "token",
        "label",
        "combination",
    ] {
        assert!(
            read.contains(&format!("{DERIVED}-{place}")),
            "`{place}` cannot be read"
        );
    }
    assert!(
        revealed.outputs()["key"]
            .to_string()
            .contains(&format!("bolt-shown/{DERIVED}-component"))
    );
}

/// What the program makes of the secret in its configuration. The engine blots out the original wherever it is printed,
/// but does not know this one.
const DERIVED: &str = "hsifdrows";

/// Where the program puts secrets, and where the provider's outputs repeat them.
const HIDDEN: [(&str, &str); 9] = [
    ("note", "/body"),
    ("note", "/password"),
    ("note", "/labels/private"),
    ("note", "/lines/1/text"),
    ("cabinet-note", "/password"),
    ("locked", "/token"),
    ("locked", "/labels"),
    ("locked", "/lock"),
    ("bolt", "/secretNote"),
];

/// Tells whether something on the way to a value is encrypted, the value included.
fn leads_through_a_secret(value: &Value, path: &str) -> bool {
    let ends = path
        .match_indices('/')
        .map(|(end, _)| end)
        .skip(1)
        .chain([path.len()]);
    ends.filter_map(|end| value.pointer(&path[..end]))
        .any(is_encrypted)
}

#[test]
fn a_secret_of_one_stack_stays_secret_in_the_stack_that_builds_on_it() {
    let dev = Stack::of("promotion");
    dev.secret("password", "swordfish").up().succeeds();
    let prod = dev.sibling("prod");
    prod.config("from", "organization/promotion/dev");

    // What the other stack offers is known already, so the preview shows what will come of it.
    let preview = prod.preview().succeeds();
    assert_eq!(
        preview.outputs("cabinet-note")["title"],
        "bolt-oak-promoted"
    );
    prod.up().succeeds();

    let state = prod.state();
    assert_eq!(state.outputs()["serial"], "bolt-bolt-oak-promoted");
    assert!(is_encrypted(&state.outputs()["key"]));
    assert!(is_encrypted(
        &state.resource("cabinet-note")["inputs"]["password"]
    ));
    assert_eq!(prod.finds("swordfish"), NOWHERE);
    let key = prod.revealed_state().outputs()["key"].to_string();
    assert!(
        key.contains("bolt-bolt-oak-promoted/bolt-oak/swordfish"),
        "{key}"
    );
    prod.preview().changes_nothing();
}
