//! A validation from its creation to its end.

use std::time::Duration;

use cutover_core::validation::facts::{DbFailureClass, Sought};
use cutover_core::validation::side::Side;
use cutover_sim::bank::{BankFault, BankWhat};
use pulumi_testkit::{Failure, Lifecycle, Stored, until};
use pulumi_value::{PropertyMap, Value};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::given::{
    FUNCTION, Given, PASSWORD, TOKEN, at, given, given_in_real_time, inputs, table, text,
    with_secrets,
};

/// Changes a payment of the target, deletes another, and adds a third.
fn differ(given: &Given) {
    given.bank.with(|state| {
        let payments = table("payments");
        state.put(Side::Target, &payments, 17, Some(vec![1, 1]));
        state.put(Side::Target, &payments, 42, None);
        state.put(Side::Target, &payments, 1_000, Some(vec![7, 1]));
    });
}

fn stored_of(failure: Failure, inputs: &PropertyMap) -> (Stored, String) {
    let found = failure.unfinished();
    let stored = Stored {
        id: found.id,
        inputs: inputs.clone(),
        outputs: found.outputs,
    };
    (stored, found.reasons.join("\n"))
}

async fn fails(given: &Given, change: Json) -> (Stored, String) {
    let inputs = given.checked(&inputs(change)).await;
    let failure = given.validation().create(&inputs).await;
    stored_of(failure.expect_err("it fails"), &inputs)
}

/// Tells whether an output is this number.
fn is(stored: &Stored, path: &str, expected: u32) -> bool {
    at(&stored.outputs, path) == Value::Number(f64::from(expected))
}

#[tokio::test]
async fn two_equal_databases_are_told_so_with_a_report() {
    let given = given().await;

    let stored = given
        .checked_and_created(&inputs(json!({})))
        .await
        .expect("they match");

    let outputs = &stored.outputs;
    assert_eq!(text(outputs, "verdict"), "matched");
    assert_eq!(text(outputs, "proof"), "full");
    assert_eq!(at(outputs, "dataValidation.isValid"), Value::Bool(true));
    assert_eq!(at(outputs, "schemaValidation.isValid"), Value::Bool(true));
    assert!(is(&stored, "dataValidation.tables[0].rowsSource", 300));
    assert!(is(&stored, "orphanedRecords.count", 0));
    let report = text(outputs, "report");
    let parsed: Json = serde_json::from_str(&report).expect("it is JSON");
    assert_eq!(parsed["data_validation"]["is_valid"], true);
    let digest = Sha256::digest(report.as_bytes());
    let digest = digest
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    assert_eq!(text(outputs, "reportDigest"), digest);
    assert!(at(outputs, "proofState").is_secret());
    given.said("matched: 2 tables, 320 rows on the source and 320 on the target");
    given.said("1 of 2 tables");
    assert_eq!(given.bank.complaints(), [] as [String; 0]);
}

#[tokio::test]
async fn a_matched_validation_stands_until_an_input_or_a_trigger_changes() {
    let given = given().await;
    let with = |change| with_secrets(&inputs(change));

    let history = Lifecycle::of(
        &given.harness.client,
        TOKEN,
        "payments",
        with(json!({ "triggers": { "release": "1" } })),
    )
    .updated(with(json!({ "triggers": { "release": "2" } })))
    .updated(with(
        json!({ "triggers": { "release": "2" }, "tables": ["payments"] }),
    ))
    .run()
    .await;

    // Two sides, three runs.
    assert_eq!(given.opened().len(), 6);
    let last = history.last().expect("three states");
    assert!(at(&last.outputs, "dataValidation.tables[1]").is_null());
}

#[tokio::test]
async fn a_mismatch_fails_with_tables_counts_and_keys_and_keeps_the_report() {
    let given = given().await;
    differ(&given);

    let (stored, reasons) = fails(&given, json!({})).await;

    assert!(
        reasons.starts_with("CUT-230: source and target are not the same:"),
        "{reasons}"
    );
    for part in [
        "`payments`: 1 missing, 1 extra, 1 different rows (300 on the source, 300 on the target)",
        "the first keys: ",
        "docs/runbooks/validation-mismatched.md",
    ] {
        assert!(reasons.contains(part), "{part}: {reasons}");
    }
    assert_eq!(text(&stored.outputs, "verdict"), "mismatched");
    assert!(is(&stored, "dataValidation.tables[0].missing", 1));
    let keys = at(&stored.outputs, "dataValidation.tables[0].keys");
    for key in ["17", "42", "1000"] {
        assert!(format!("{keys:?}").contains(key), "{keys:?}");
    }
    assert!(text(&stored.outputs, "report").contains("\"mismatched\""));
}

#[tokio::test]
async fn after_a_mismatch_the_next_run_looks_again_without_any_change() {
    let given = given().await;
    differ(&given);
    let (stored, _) = fails(&given, json!({})).await;

    let difference = given.validation().diff(&stored, &stored.inputs).await;
    let difference = difference.expect("an answer");
    assert_eq!(difference.diffs, ["verdict"]);
    assert_eq!(difference.replaces, [""; 0]);

    // A refresh does not look, and finds what was stored.
    let found = given.validation().read(&stored).await.expect("it is read");
    assert_eq!(found.expect("it is there"), stored);

    given.bank.with(|state| {
        let payments = table("payments");
        for (id, values) in [
            (17, Some(vec![119, 2])),
            (42, Some(vec![294, 0])),
            (1_000, None),
        ] {
            state.put(Side::Target, &payments, id, values);
        }
    });
    let updated = given.validation().update(&stored, &stored.inputs).await;
    let updated = updated.expect("they match now");
    assert_eq!(text(&updated.outputs, "verdict"), "matched");
    let difference = given.validation().diff(&updated, &updated.inputs).await;
    assert!(difference.expect("an answer").is_none());
}

#[tokio::test]
async fn an_update_that_mismatches_keeps_the_new_report() {
    let given = given().await;
    let stored = given.checked_and_created(&inputs(json!({}))).await;
    let stored = stored.expect("they match");
    differ(&given);
    let news = given
        .checked(&inputs(json!({ "triggers": { "again": "1" } })))
        .await;

    let failure = given.validation().update(&stored, &news).await;
    let (stored, reasons) = stored_of(failure.expect_err("it fails"), &news);

    assert!(reasons.contains("CUT-230"), "{reasons}");
    assert_eq!(text(&stored.outputs, "verdict"), "mismatched");
}

#[tokio::test]
async fn keys_are_told_only_as_far_as_the_program_says() {
    let given = given().await;
    differ(&given);

    let (stored, reasons) = fails(&given, json!({ "keysShown": "none" })).await;

    assert!(!reasons.contains("the first keys"), "{reasons}");
    let keys = at(&stored.outputs, "dataValidation.tables[0].keys");
    assert_eq!(keys, Value::List(Vec::new()));
}

#[tokio::test]
async fn a_rule_that_the_source_breaks_as_often_is_told_and_fails_nothing() {
    let given = given().await;
    given.bank.with(|state| {
        let sought = Sought {
            count: 2,
            keys: Vec::new(),
        };
        state.sought.insert("negative".to_owned(), sought);
    });
    let rule = json!({ "name": "negative", "table": "payments", "condition": "amount < 0" });
    let inputs = inputs(json!({ "checks": { "rules": [rule] } }));

    let stored = given.checked_and_created(&inputs).await;

    let stored = stored.expect("the migration is not to blame");
    assert!(is(&stored, "invalidRecords.count", 2));
    let is_valid = at(&stored.outputs, "invalidRecords.isValid");
    assert_eq!(is_valid, Value::Bool(false));
}

#[tokio::test]
async fn an_invariant_that_does_not_hold_fails() {
    let given = given().await;
    // Queries of simulated databases give 1.
    let ledger = json!({ "name": "ledger", "query": "SELECT 0", "expect": "0" });

    let (stored, reasons) = fails(&given, json!({ "checks": { "invariants": [ledger] } })).await;

    assert!(reasons.starts_with("CUT-230"), "{reasons}");
    assert!(reasons.contains("ledger"), "{reasons}");
    assert_eq!(text(&stored.outputs, "verdict"), "mismatched");
}

#[tokio::test]
async fn what_cannot_be_told_fails_unless_that_is_allowed() {
    let given = given().await;
    let malformed = BankWhat::Fails(DbFailureClass::Malformed);
    let fault = BankFault::nth(Side::Source, "value", 1, 1_000, malformed);
    given.bank.fault(fault);
    let checks = json!({ "invariants": [{ "name": "ledger", "query": "SELECT 0" }] });

    let (stored, reasons) = fails(&given, json!({ "checks": checks.clone() })).await;
    assert!(
        reasons.starts_with("CUT-231: it cannot be told"),
        "{reasons}"
    );
    assert_eq!(text(&stored.outputs, "verdict"), "inconclusive");
    let difference = given.validation().diff(&stored, &stored.inputs).await;
    assert_eq!(difference.expect("an answer").diffs, ["verdict"]);

    let allowed = inputs(json!({ "checks": checks, "allowInconclusive": true }));
    let stored = given.checked_and_created(&allowed).await;
    let stored = stored.expect("it is allowed");
    assert_eq!(text(&stored.outputs, "verdict"), "inconclusive");
    let difference = given.validation().diff(&stored, &stored.inputs).await;
    assert!(difference.expect("an answer").is_none());
}

#[tokio::test]
async fn nothing_of_a_password_is_in_state_messages_or_reports() {
    let given = given().await;
    differ(&given);
    let file = given.file("report.json");

    let (stored, reasons) = fails(&given, json!({ "reportFile": file })).await;

    assert!(at(&stored.outputs, "source.password").is_secret());
    let mut open = stored.outputs.clone();
    for side in ["source", "target"] {
        let Some(Value::Map(side)) = open.get_mut(side) else {
            panic!("a connection is echoed")
        };
        side.remove("password");
    }
    open.remove("proofState");
    assert!(!format!("{open:?}").contains(PASSWORD));
    assert!(!reasons.contains(PASSWORD), "{reasons}");
    assert!(!given.has_said(PASSWORD));
    let report = std::fs::read_to_string(&file).expect("it was written");
    assert!(!report.contains(PASSWORD));
    assert_eq!(report, text(&stored.outputs, "report"));
}

#[tokio::test]
async fn a_report_is_a_page_where_its_name_says_so() {
    let given = given().await;
    let file = given.file("report.html");

    let created = given
        .checked_and_created(&inputs(json!({ "reportFile": file })))
        .await;

    created.expect("they match");
    let page = std::fs::read_to_string(&file).expect("it was written");
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
}

#[tokio::test]
async fn a_database_that_is_lost_on_the_way_is_an_error_that_leaves_the_state_alone() {
    let given = given().await;
    let stored = given.checked_and_created(&inputs(json!({}))).await;
    let stored = stored.expect("they match");
    let denied = BankWhat::Fails(DbFailureClass::Denied);
    let fault = BankFault::nth(Side::Target, "catalog", 1, 1_000, denied);
    given.bank.fault(fault);
    let news = given
        .checked(&inputs(json!({ "triggers": { "again": "1" } })))
        .await;

    let failure = given.validation().update(&stored, &news).await;
    let failure = failure.expect_err("it fails");

    assert!(
        failure.message.starts_with("CUT-215: the target failed at"),
        "{failure}"
    );
    assert!(failure.init_failed.is_none(), "{failure:?}");
}

/// Creates, waits until `look` is true, and has the operator interrupt.
async fn interrupted(
    given: &Given,
    inputs: &PropertyMap,
    what: &str,
    look: impl Fn() -> bool,
) -> (Stored, String, Duration) {
    let creating = {
        let (validation, inputs) = (given.validation(), inputs.clone());
        tokio::spawn(async move { validation.create(&inputs).await })
    };
    until(what, || look().then_some(())).await;
    let before = tokio::time::Instant::now();
    given
        .harness
        .client
        .cancel()
        .await
        .expect("the engine says so");
    let failure = creating.await.expect("it ends").expect_err("it is stopped");
    let (stored, reasons) = stored_of(failure, inputs);
    (stored, reasons, before.elapsed())
}

#[tokio::test]
async fn an_interruption_ends_a_connection_that_nobody_answers() {
    let given = given().await;
    given.databases.fall_silent();
    let inputs = given.checked(&inputs(json!({}))).await;

    let (stored, reasons, took) = interrupted(&given, &inputs, "a connection", || {
        given.opened().len() == 2
    })
    .await;

    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(
        reasons.starts_with("CUT-232: the validation was interrupted by the operator"),
        "{reasons}"
    );
    assert_eq!(text(&stored.outputs, "verdict"), "stopped");
    let difference = given.validation().diff(&stored, &stored.inputs).await;
    assert_eq!(difference.expect("an answer").diffs, ["verdict"]);
}

#[tokio::test]
async fn an_interrupted_run_is_gone_on_with_where_there_is_a_report_file() {
    let given = given_in_real_time().await;
    let file = given.file("report.json");
    let inputs = given.checked(&inputs(json!({ "reportFile": file }))).await;
    // The second table never comes to its end.
    let slow = BankWhat::Slow(Duration::from_hours(1));
    for side in Side::BOTH {
        given
            .bank
            .fault(BankFault::nth(side, "layout", 2, 1, slow.clone()));
    }

    let (stored, reasons, took) = interrupted(&given, &inputs, "the first table", || {
        given.has_said("1 of 2 tables")
    })
    .await;

    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(
        reasons.contains("the next run goes on from here"),
        "{reasons}"
    );
    let progress = format!("{file}.progress");
    assert!(std::path::Path::new(&progress).exists());
    let given = given.restarted().await;
    let updated = given.validation().update(&stored, &inputs).await;
    let updated = updated.expect("they match");
    assert_eq!(text(&updated.outputs, "verdict"), "matched");
    given.said("goes on where the run before ended");
    assert!(!std::path::Path::new(&progress).exists());
}

#[tokio::test]
async fn the_function_fails_on_no_verdict() {
    let given = given().await;
    let args = given.checked(&inputs(json!({}))).await;
    let asked = given.harness.client.invoke(FUNCTION, &args, false).await;
    let answer = asked.expect("an answer").answer.expect("outputs");
    assert_eq!(text(&answer, "verdict"), "matched");

    differ(&given);
    let asked = given.harness.client.invoke(FUNCTION, &args, false).await;
    let answer = asked.expect("an answer").answer.expect("outputs");

    assert_eq!(text(&answer, "verdict"), "mismatched");
    // What was asked with a secret is one.
    assert!(answer.values().all(Value::is_secret), "{answer:?}");
}
