use cutover_core::shift::journal::{Entry, Mark, RunId};
use cutover_core::{FailureClass, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::testing::{Log, Sent, answering};

const TABLE: &str = "cutover-locks";
const RULE: &str = "arn:rule";

fn tables(answer: impl Fn(&Value) -> (u16, Value) + Send + Sync + 'static) -> (AwsLocks, Log) {
    let (sdk, log) = answering(move |sent| {
        let (status, body) = answer(&sent.json());
        (status, body.to_string().into_bytes())
    });
    (AwsLocks::new(&sdk), log)
}

fn error(code: &str) -> (u16, Value) {
    let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
    (400, json!({ "__type": code, "message": "no" }))
}

fn a_put(expected: Expected) -> LockPut {
    LockPut {
        table: TABLE.to_owned(),
        id: RULE.to_owned(),
        entry: Entry {
            shift: "pay-1".to_owned(),
            run: RunId::new("run-1"),
            seq: 7,
            attempt: 1,
            mark: Mark::Going,
            step: 0,
            at: Timestamp::from_unix_millis(1_767_225_600_000),
            exposed: Timestamp::from_unix_millis(1_767_225_600_000),
            bake: None,
            plan: 1,
            ttl_seconds: None,
        },
        members: vec!["old arn:old".to_owned()],
        expected,
    }
}

#[tokio::test]
async fn an_item_is_read_as_it_is_now() {
    let (locks, log) = tables(|_| {
        let members = json!({ "L": [{ "S": "old arn:old" }, { "N": "1" }] });
        let item = json!({ "journal": { "S": "cutover1 …" }, "members": members });
        (200, json!({ "Item": item }))
    });

    let item = locks.fetch(TABLE, RULE).await.unwrap().unwrap();

    assert_eq!(item.journal, "cutover1 …");
    assert_eq!(item.members, ["old arn:old"]);
    let sent = &log.lock().unwrap()[0];
    assert_eq!(sent.operation, "GetItem");
    let key = json!({ "id": { "S": RULE } });
    let expected = json!({ "TableName": TABLE, "Key": key, "ConsistentRead": true });
    assert_eq!(sent.json(), expected);
}

#[tokio::test]
async fn an_item_without_an_entry_is_not_taken_for_none() {
    let (none, _) = tables(|_| (200, json!({})));
    assert_eq!(none.fetch(TABLE, RULE).await, Ok(None));

    let (odd, _) = tables(|_| (200, json!({ "Item": { "id": { "S": RULE } } })));
    let item = odd.fetch(TABLE, RULE).await.unwrap().unwrap();
    assert_eq!(item.journal, "");
}

#[tokio::test]
async fn what_must_be_there_is_a_condition_of_the_write() {
    let (locks, log) = tables(|_| (200, json!({})));
    let before = "cutover1 before".to_owned();
    for expected in [
        Expected::Anything,
        Expected::Nothing,
        Expected::Journal(before),
    ] {
        let applied = locks.put(&a_put(expected)).await.unwrap();
        assert!(matches!(applied, Applied::Accepted { .. }));
    }

    let log = log.lock().unwrap();
    let sent: Vec<Value> = log.iter().map(Sent::json).collect();
    let item = &sent[0]["Item"];
    assert_eq!(item["seq"], json!({ "N": "7" }));
    assert_eq!(item["at"], json!({ "S": "2026-01-01T00:00:00Z" }));
    assert_eq!(
        item["journal"]["S"],
        a_put(Expected::Anything).entry.encode()
    );
    assert_eq!(sent[0].get("ConditionExpression"), None);
    assert_eq!(sent[1]["ConditionExpression"], "attribute_not_exists(#id)");
    assert_eq!(sent[1]["ExpressionAttributeNames"], json!({ "#id": "id" }));
    assert_eq!(sent[2]["ConditionExpression"], "#journal = :journal");
    let values = json!({ ":journal": { "S": "cutover1 before" } });
    assert_eq!(sent[2]["ExpressionAttributeValues"], values);
}

#[tokio::test]
async fn a_condition_that_does_not_hold_is_a_conflict_and_no_failure() {
    let (locks, _) = tables(|_| error(CONFLICT));

    let put = locks.put(&a_put(Expected::Nothing)).await.unwrap();
    let deleted = locks.delete(TABLE, RULE, "cutover1 mine").await.unwrap();

    assert!(matches!(put, Applied::Conflict { .. }));
    assert!(matches!(deleted, Applied::Conflict { .. }));
}

#[tokio::test]
async fn a_missing_table_is_refused_with_advice_and_throttling_is_told_from_it() {
    let (missing, _) = tables(|_| error(MISSING));
    let failure = missing.fetch(TABLE, RULE).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Refused);
    assert!(failure.message.contains("aws dynamodb create-table"));

    for code in [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
    ] {
        let (slow, _) = tables(move |_| error(code));
        let failure = slow.put(&a_put(Expected::Nothing)).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Throttled, "{code}");
    }
}
