//! What cannot be asked.

use std::path::PathBuf;

use serde_json::json;

use super::pair::{Pair, Side, VALIDATION, ask, payments, stack_of, stored};

const NOWHERE: [PathBuf; 0] = [];

/// A port of this machine at which nobody listens: it is reserved, and belongs to no service (IANA's registry of ports).
const NOBODY: u16 = 1;

/// D45
#[test]
fn a_wrong_password_is_told_without_the_password() {
    const WRONG: &str = "not-the-word-at-all";
    let pair = Pair::postgres("it_login", &payments());
    let stack = stack_of(&pair.args(json!({})), WRONG);

    let run = stack.up().fails();

    run.says("CUT-213")
        .says("the source")
        .says("check user and password");
    assert_eq!(stack.finds(WRONG), NOWHERE);
    assert!(stack.state().find(VALIDATION).is_none());

    stack.secret("password", &pair.password());
    stack.up().succeeds();
}

#[test]
fn a_preview_needs_no_database_and_an_update_says_which_cannot_be_reached() {
    let pair = Pair::postgres("it_reach", "");
    let mut target = pair.connection(Side::Target);
    target["port"] = json!(NOBODY);
    let stack = pair.stack(json!({ "target": target }));

    let preview = stack.preview().succeeds();
    preview.says("neither database is reached before `pulumi up`");

    let run = stack.up().fails();
    run.says("CUT-210")
        .says("the target")
        .says("check host and port");
}

/// D44
#[test]
fn a_server_that_is_not_trusted_is_told_nothing() {
    let pair = Pair::postgres("it_trust", "");
    let mut source = pair.connection(Side::Source);
    source["tls"] = json!({});
    let stack = pair.stack(json!({ "source": source }));

    stack.up().fails().says("CUT-211").says("`tls.caFile`");
}

#[test]
fn a_table_that_is_missing_and_a_right_that_is_missing_are_told_by_name() {
    let pair = Pair::postgres("it_gone", &payments());
    pair.run(Side::Target, "DROP TABLE audit_log");
    let stack = pair.stack(json!({}));

    stack
        .up()
        .fails()
        .says("CUT-230")
        .says("audit_log: the target does not have this table");
    let findings = stored(&stack)["schemaValidation"]["findings"].to_string();
    assert!(findings.contains("missing_table"), "{findings}");

    ask(&stack, &pair.args(json!({ "tables": ["public.nothing"] })));
    stack
        .up()
        .fails()
        .says("no table of the source is called `public.nothing`");

    let reader = pair.reader();
    pair.run(
        Side::Target,
        &format!("REVOKE SELECT ON customers FROM {reader}"),
    );
    ask(
        &stack,
        &pair.args(json!({ "tables": ["public.customers"] })),
    );
    stack.up().fails().says("CUT-231").says(
        "customers: the user may not read `public.customers` of the target; grant it `SELECT`",
    );
}

#[test]
fn what_cannot_be_carried_out_is_refused_in_the_preview_at_its_place() {
    let pair = Pair::postgres("it_input", "");
    let stack = pair.stack(json!({
        "limits": { "source": { "unitLimit": "soon" } },
        "checks": { "rules": [{ "name": "negative", "condition": "amount < 0" }] },
        "follow": { "mode": "marker" },
    }));

    let run = stack.preview().fails();

    run.says("limits.source.unitLimit")
        .says("`soon` is not a duration")
        .says("checks.rules[0]")
        .says("follow.markerTable")
        .says("CUT-200");
}
