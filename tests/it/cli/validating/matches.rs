//! Databases that are the same.

use std::path::PathBuf;

use serde_json::json;

use super::super::pulumi::{is_encrypted, text};
use super::pair::{Pair, Side, VALIDATION, ask, payments, stored};

const NOWHERE: [PathBuf; 0] = [];

#[test]
fn two_databases_that_are_the_same_match_and_stand_until_a_trigger_changes() {
    let pair = Pair::postgres("it_same", &payments());
    let stack = pair.stack(json!({ "triggers": { "release": "1" } }));

    let preview = stack.preview().succeeds();
    assert_eq!(preview.step(VALIDATION), "create");
    let source = pair.database(Side::Source);
    preview
        .says(&format!(
            "compares PostgreSQL `{source}` on `127.0.0.1` with"
        ))
        .says("reads all rows of all tables");
    stack.up().succeeds().says("matched: 4 tables");

    let state = stack.state();
    let outputs = state.outputs();
    for (name, expected) in [
        ("verdict", json!("matched")),
        ("proof", json!("full")),
        ("isDataValid", json!(true)),
        ("isSchemaValid", json!(true)),
        ("orphans", json!(0)),
        ("reasons", json!([])),
    ] {
        assert_eq!(outputs[name], expected, "{outputs:#}");
    }
    let tables = outputs["tables"].as_array().expect("they are listed");
    let counted: Vec<_> = tables
        .iter()
        .map(|table| (text(&table["table"]), table["rowsTarget"].as_u64()))
        .collect();
    let expected = [
        ("audit_log", 500),
        ("customers", 100),
        ("payments", 500),
        ("transactions", 500),
    ];
    let expected = expected.map(|(table, rows)| (table.to_owned(), Some(rows)));
    assert_eq!(counted, expected, "{outputs:#}");

    let first = stored(&stack);
    stack.up().changes_nothing();
    stack.refresh().changes_nothing();
    assert_eq!(stored(&stack)["reportDigest"], first["reportDigest"]);

    ask(
        &stack,
        &pair.args(json!({ "triggers": { "release": "2" } })),
    );
    assert_eq!(stack.up().succeeds().step(VALIDATION), "update");
    let second = stored(&stack);
    assert_eq!(second["verdict"], "matched");
    assert_ne!(
        second["reportDigest"], first["reportDigest"],
        "it has not looked again"
    );

    stack.destroy().succeeds();
    assert!(stack.state().find(VALIDATION).is_none());
    assert_eq!(stack.finds(&pair.password()), NOWHERE);
}

#[test]
fn a_password_is_a_secret_in_the_state_and_in_no_output() {
    let pair = Pair::postgres("it_secret", "CREATE TABLE notes (id integer PRIMARY KEY);");
    let stack = pair.stack(json!({}));

    stack.preview().succeeds();
    stack.up().succeeds();

    assert_eq!(stack.finds(&pair.password()), NOWHERE);
    let state = stack.state();
    let resource = state.resource(VALIDATION);
    for side in ["source", "target"] {
        let connection = &resource["inputs"][side];
        let is_hidden = is_encrypted(connection) || is_encrypted(&connection["password"]);
        assert!(is_hidden, "{connection:#}");
    }
    // It may hold keys of rows.
    let proof = &resource["outputs"]["proofState"];
    assert!(is_encrypted(proof), "{proof:#}");
}
