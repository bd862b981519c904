//! The question `validateData` within a program.

use serde_json::json;

use super::pair::{Pair, Side, payments, stack_of};

#[test]
fn a_program_that_asks_gets_the_verdict_and_fails_on_none() {
    let pair = Pair::postgres("it_asked", &payments());
    pair.run(Side::Target, "DELETE FROM audit_log WHERE id = 500");
    let mut args = pair.args(json!({ "checks": { "rows": "count" } }));
    for side in ["source", "target"] {
        args[side]["passwordEnv"] = json!("DATABASE_PASSWORD");
    }
    let stack = stack_of(&args, "of no use here").env("DATABASE_PASSWORD", pair.password());
    stack.config("ask", "true");

    stack.up().succeeds();

    let state = stack.state();
    let outputs = state.outputs();
    assert_eq!(outputs["verdict"], "mismatched", "{outputs:#}");
    let tables = outputs["tables"].as_array();
    let differing: Vec<_> = tables
        .into_iter()
        .flatten()
        .filter(|table| table["verdict"] == "mismatched")
        .map(|table| (&table["table"], &table["rowsSource"], &table["rowsTarget"]))
        .collect();
    let expected = (&json!("audit_log"), &json!(500), &json!(499));
    assert_eq!(differing, [expected], "{outputs:#}");
    // Nothing is kept of a question.
    assert_eq!(state.names(), [""; 0]);
}
