//! Databases that are not the same.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::pulumi::text;
use super::pair::{Pair, Side, VALIDATION, payments, stored};

const NOWHERE: [PathBuf; 0] = [];

/// A value that is nowhere else.
const SECRET_AMOUNT: &str = "8765.43";

#[test]
fn one_changed_row_fails_the_update_by_table_key_and_column_until_it_is_mended() {
    let pair = Pair::postgres("it_row", &payments());
    pair.run(
        Side::Target,
        &format!("UPDATE payments SET amount = {SECRET_AMOUNT} WHERE id = 77"),
    );
    let stack = pair.stack(json!({}));

    let run = stack.up().fails();

    run.says("CUT-230")
        .says("`payments`: 1 different rows (500 on the source, 500 on the target)")
        .says("77 in amount");
    let state = stack.state();
    let resource = state.resource(VALIDATION);
    assert!(
        resource["initErrors"].to_string().contains("CUT-230"),
        "{resource:#}"
    );
    let outputs = &resource["outputs"];
    assert_eq!(outputs["verdict"], "mismatched");
    assert_eq!(outputs["dataValidation"]["isValid"], false);
    assert_eq!(outputs["schemaValidation"]["isValid"], true);
    let report: Value = serde_json::from_str(&text(&outputs["report"])).expect("it is JSON");
    let tables = report["data_validation"]["tables"].as_array();
    let payments = tables
        .into_iter()
        .flatten()
        .find(|table| table["table"] == "payments")
        .expect("it is in the report");
    assert_eq!(
        payments["differences"]["rows"][0]["columns"],
        json!(["amount"])
    );
    assert_eq!(
        stack.finds(SECRET_AMOUNT),
        NOWHERE,
        "values are nobody's business"
    );

    // Nothing has changed but time, and it looks again.
    let again = stack.up().fails();
    assert_eq!(again.step(VALIDATION), "update");
    again.says("CUT-230");
    let before = text(&outputs["reportDigest"]);
    assert_ne!(
        text(&stored(&stack)["reportDigest"]),
        before,
        "it has not looked again"
    );

    pair.run(
        Side::Target,
        "UPDATE payments SET amount = 77 * 1.25 WHERE id = 77",
    );
    stack.up().succeeds();
    assert_eq!(stored(&stack)["verdict"], "matched");
    assert!(stack.state().resource(VALIDATION)["initErrors"].is_null());
    stack.preview().changes_nothing();
}

#[test]
fn rows_schemas_and_orphans_that_are_wrong_are_all_told_in_one_failure() {
    let pair = Pair::postgres("it_much", &payments());
    pair.run(
        Side::Target,
        "ALTER TABLE payments DROP CONSTRAINT payments_customer_id_fkey;
         DELETE FROM transactions WHERE payment_id = 9;
         UPDATE payments SET customer_id = 4711 WHERE id = 5;
         CREATE TABLE leftover (id integer PRIMARY KEY);",
    );
    let stack = pair.stack(json!({ "keysShown": "hashed" }));

    let run = stack.up().fails();

    run.says("CUT-230")
        .says("`payments`: 1 different rows")
        .says("`transactions`: 1 missing rows");
    let outputs = stored(&stack);
    assert_eq!(outputs["orphanedRecords"]["count"], 1, "{outputs:#}");
    let findings = outputs["schemaValidation"]["findings"].to_string();
    assert!(findings.contains("foreign_key"), "{findings}");
    // A key that is hashed shows nothing of itself.
    let tables = outputs["dataValidation"]["tables"].as_array();
    let keys: Vec<_> = tables
        .into_iter()
        .flatten()
        .flat_map(|table| table["keys"].as_array().cloned().unwrap_or_default())
        .collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys.iter().all(|key| text(key).len() > 8), "{keys:?}");
}
