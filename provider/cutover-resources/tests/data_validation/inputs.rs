//! What is refused before anything is reached.

use serde_json::{Value as Json, json};

use crate::given::{TOKEN, at, given, inputs, map};

/// Checks inputs and expects these problems, each with its path and how it begins.
async fn check(inputs: Json, expected: &[(&str, &str)]) {
    let given = given().await;
    let subject = given.harness.resource(TOKEN, "payments");
    let checked = subject.check(&map(&inputs)).await.expect("an answer");

    let found = checked.failures;
    let begins = |((path, reason), (path_expected, begin)): (&(String, String), &(&str, &str))| {
        path == path_expected && reason.starts_with(begin)
    };
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(begins),
        "{found:#?}"
    );
    assert_eq!(given.opened(), [] as [String; 0]);
}

#[tokio::test]
async fn a_whole_description_of_what_is_wished_is_accepted() {
    let change = json!({
        "mode": "final",
        "tables": ["payments", "audit_*"],
        "excludeTables": ["audit_old"],
        "schemas": { "public": "shop" },
        "excludeColumns": { "payments.note": "free text, not migrated" },
        "keys": { "audit_log": ["payment_id", "seq"] },
        "checks": {
            "rows": "sample",
            "sampleEvery": 8,
            "sums": [{ "table": "payments", "groupBy": ["currency"], "sums": ["amount"], "latest": ["created_at"] }],
            "rules": [{ "name": "negative", "table": "payments", "condition": "amount < 0" }],
            "invariants": [{ "name": "ledger", "query": "SELECT 0", "expect": "0" }],
            "references": [{
                "table": "audit_log", "columns": ["payment_id"],
                "referred": "payments", "referredColumns": ["id"],
            }],
            "preset": "payments",
        },
        "follow": { "mode": "delay", "longest": "30s" },
        "limits": { "source": { "connections": 1, "duty": 20, "unitTarget": "200ms", "maxLag": "10s" } },
        "settling": { "maxRounds": 5, "maxWait": "1m" },
        "strategy": "stream",
        "keysShown": "hashed",
    });

    check(inputs(change), &[]).await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let mut inputs = inputs(json!({
        "follow": { "mode": "marker", "longest": "30s" },
        "limits": { "target": { "unitTarget": "soon", "statementTimeout": "5ms" } },
        "settling": { "maxWait": "a while" },
        "since": "what is this",
    }));
    inputs["source"] = json!({ "engine": "postgres", "host": "" });
    inputs["target"]["passwordEnv"] = json!("TARGET_PASSWORD");
    inputs["target"]["port"] = json!(0);

    check(
        inputs,
        &[
            (
                "source.database",
                "CUT-200: is required without `secretArn`",
            ),
            ("source.user", "CUT-200: is required without `secretArn`"),
            (
                "source.password",
                "CUT-200: is required without `passwordEnv`",
            ),
            ("source.host", "CUT-200: is empty"),
            ("target.passwordEnv", "CUT-200: `password` is given too"),
            ("target.port", "CUT-200: is not a port"),
            (
                "follow.longest",
                "CUT-200: has an effect with `mode: \"delay\"` only",
            ),
            ("follow.markerTable", "CUT-200: is required with `marker`"),
            (
                "limits.target.unitTarget",
                "CUT-200: `soon` is not a duration",
            ),
            ("settling.maxWait", "CUT-200: `a while` is not a duration"),
            (
                "",
                "`since` (secret) CUT-200: is not what a validation gave as `proofState`",
            ),
            (
                "limits.target.statementTimeout",
                "CUT-202: must be at least `1s`",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn certificates_are_given_where_one_is_verified_and_once() {
    let mut inputs = inputs(json!({}));
    inputs["source"]["tls"] = json!({ "mode": "require", "caFile": "ca.pem" });
    inputs["target"]["tls"] = json!({ "ca": "nothing of the kind", "caFile": "ca.pem" });

    check(
        inputs,
        &[
            ("source.tls.caFile", "CUT-200: has no effect"),
            ("target.tls.caFile", "CUT-200: `ca` is given too"),
            ("target.tls.ca", "CUT-200: holds no certificate"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_password_that_is_refused_is_not_shown() {
    let given = given().await;
    let mut inputs = inputs(json!({}));
    inputs["source"]["password"] = json!(["open-sesame"]);

    let subject = given.harness.resource(TOKEN, "payments");
    let checked = subject.check(&map(&inputs)).await.expect("an answer");

    // A path would have the CLI print the value.
    let expected = "`source.password` (secret) must be a string, found a list";
    assert_eq!(checked.failures, [(String::new(), expected.to_owned())]);
}

#[tokio::test]
async fn a_password_that_is_passed_plainly_is_kept_as_a_secret() {
    let given = given().await;

    let subject = given.harness.resource(TOKEN, "payments");
    let checked = subject.check(&map(&inputs(json!({})))).await;

    let inputs = checked.expect("an answer").accepted();
    for path in ["source.password", "target.password"] {
        assert!(at(&inputs, path).is_secret(), "{path}");
    }
}
