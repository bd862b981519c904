//! A second opinion on the wire: the adapter for fences in tables against moto's `DynamoDB` over HTTP.

mod common;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use common::Moto;
use cutover_aws::AwsLocks;
use cutover_core::shift::journal::{Entry, Mark, RunId};
use cutover_core::shift::locks::{Expected, LockPut};
use cutover_core::{FailureClass, Timestamp};
use cutover_driver::{Applied, Locks as _};

const TABLE: &str = "cutover-locks";
const RULE: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/pay/1/2/3";

/// Makes the table as the documentation tells people to.
async fn make_table(moto: &Moto) {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .region(Region::new("eu-central-1"))
        .endpoint_url(moto.url())
        .build();
    let id = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    Client::from_conf(config)
        .create_table()
        .table_name(TABLE)
        .attribute_definitions(id.build().expect("both are given"))
        .key_schema(key.build().expect("both are given"))
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .expect("moto makes it");
}

fn an_entry(run: &str, seq: u64) -> Entry {
    Entry {
        shift: "pay-1".to_owned(),
        run: RunId::new(run),
        seq,
        attempt: 1,
        mark: Mark::Going,
        step: 0,
        at: Timestamp::from_unix_millis(1_767_225_600_000),
        exposed: Timestamp::from_unix_millis(1_767_225_600_000),
        bake: None,
        plan: 1,
        ttl_seconds: None,
    }
}

fn a_put(entry: &Entry, expected: Expected) -> LockPut {
    LockPut {
        table: TABLE.to_owned(),
        id: RULE.to_owned(),
        entry: entry.clone(),
        members: vec!["old arn:old".to_owned(), "new arn:new".to_owned()],
        expected,
    }
}

fn is_accepted(applied: &Applied) -> bool {
    matches!(applied, Applied::Accepted { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn items_go_over_the_wire_with_their_conditions() {
    let moto = Moto::start();
    make_table(&moto).await;
    let locks = AwsLocks::new(&moto.sdk());
    let (first, second) = (an_entry("run-1", 1), an_entry("run-1", 2));

    assert_eq!(locks.fetch(TABLE, RULE).await.unwrap(), None);
    let fresh = a_put(&first, Expected::Nothing);
    assert!(is_accepted(&locks.put(&fresh).await.unwrap()));
    assert!(!is_accepted(&locks.put(&fresh).await.unwrap()));
    let read = locks.fetch(TABLE, RULE).await.unwrap().unwrap();
    assert_eq!(read.journal, first.encode());
    assert_eq!(read.members, fresh.members);

    let on_first = a_put(&second, Expected::Journal(first.encode()));
    assert!(is_accepted(&locks.put(&on_first).await.unwrap()));
    assert!(!is_accepted(&locks.put(&on_first).await.unwrap()));
    let whatever = a_put(&an_entry("run-2", 9), Expected::Anything);
    assert!(is_accepted(&locks.put(&whatever).await.unwrap()));

    let stale = locks.delete(TABLE, RULE, &second.encode()).await.unwrap();
    assert!(!is_accepted(&stale));
    let text = an_entry("run-2", 9).encode();
    for _ in 0..2 {
        let gone = locks.delete(TABLE, RULE, &text).await.unwrap();
        assert!(is_accepted(&gone), "one that is gone is removed already");
    }
    assert_eq!(locks.fetch(TABLE, RULE).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_write_at_once_one_does() {
    let moto = Moto::start();
    make_table(&moto).await;
    let locks = std::sync::Arc::new(AwsLocks::new(&moto.sdk()));
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let locks = locks.clone();
            let put = a_put(&an_entry(&format!("run-{number}"), 1), Expected::Nothing);
            tokio::spawn(async move { is_accepted(&locks.put(&put).await.unwrap()) })
        })
        .collect();

    let mut accepted = 0;
    for writer in writers {
        accepted += usize::from(writer.await.unwrap());
    }
    assert_eq!(accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_there_is_refused_with_the_command_that_makes_it() {
    let moto = Moto::start();
    let locks = AwsLocks::new(&moto.sdk());

    let failure = locks.fetch(TABLE, RULE).await.unwrap_err();

    assert_eq!(failure.class, FailureClass::Refused);
    assert!(failure.message.contains("aws dynamodb create-table"));
    let put = a_put(&an_entry("run-1", 1), Expected::Nothing);
    let failure = locks.put(&put).await.unwrap_err();
    assert!(failure.message.contains("aws dynamodb create-table"));
}
