//! A second opinion on the wire: the adapter for hosted zones against moto's Route 53 over HTTP.
//!
//! moto is no judge of behaviour: it reports every change as INSYNC at once, and has messages of its own.

mod common;

use aws_credential_types::Credentials;
use aws_sdk_route53::Client;
use aws_sdk_route53::config::{BehaviorVersion, Region};
use common::Moto;
use cutover_aws::AwsHostedZones;
use cutover_core::FailureClass;
use cutover_core::shift::facts::ChangeState;
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::{RecordChange, RecordSet, Verb};
use cutover_core::shift::spec::Alias;
use cutover_driver::{Applied, Batch, HealthCheck, HostedZones as _};

/// A client beside the adapter, for what a shift never does.
fn client(moto: &Moto) -> Client {
    let config = aws_sdk_route53::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .region(Region::new("eu-central-1"))
        .endpoint_url(moto.url())
        .build();
    Client::from_conf(config)
}

async fn make_zone(moto: &Moto) -> String {
    let made = client(moto).create_hosted_zone();
    let made = made.name("example.com").caller_reference("c").send().await;
    let id = made
        .expect("moto makes it")
        .hosted_zone()
        .expect("moto makes it")
        .id()
        .to_owned();
    id.trim_start_matches("/hostedzone/").to_owned()
}

fn member(set_identifier: &str, weight: u16) -> RecordSet {
    RecordSet {
        name: "pay.example.com".to_owned(),
        record_type: "A".to_owned(),
        routing: Routing::Weighted {
            set_identifier: set_identifier.to_owned(),
            weight,
        },
        ttl_seconds: None,
        values: vec![],
        alias: Some(Alias {
            dns_name: format!("{set_identifier}.elb.amazonaws.com"),
            zone_id: "Z215JYRZR1TBD5".to_owned(),
            evaluate_target_health: false,
        }),
        health_check: None,
    }
}

fn journal(sequence: u32) -> RecordSet {
    RecordSet {
        name: "_cutover.pay.example.com".to_owned(),
        record_type: "TXT".to_owned(),
        routing: Routing::Simple,
        ttl_seconds: Some(60),
        values: vec![format!("\"v1 {sequence}\"")],
        alias: None,
        health_check: None,
    }
}

fn batch(zone_id: &str, changes: &[(Verb, RecordSet)]) -> Batch {
    let changes = changes.iter().cloned();
    Batch {
        zone_id: zone_id.to_owned(),
        changes: changes
            .map(|(verb, set)| RecordChange { verb, set })
            .collect(),
        urgent: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_is_read_with_its_servers() {
    let moto = Moto::start();
    let zones = AwsHostedZones::new(&moto.sdk());
    let id = make_zone(&moto).await;

    let zone = zones.fetch_zone(&id).await.unwrap().unwrap();

    assert_eq!((zone.name.as_str(), zone.private), ("example.com", false));
    assert_eq!(zone.name_servers.len(), 4, "{zone:?}");
    assert_eq!(zones.fetch_zone("ZMISSING").await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_batch_writes_is_what_is_read_and_what_the_next_batch_replaces() {
    let moto = Moto::start();
    let zones = AwsHostedZones::new(&moto.sdk());
    let id = make_zone(&moto).await;
    let names = [
        "pay.example.com".to_owned(),
        "_cutover.pay.example.com".to_owned(),
    ];
    let start = [
        (Verb::Create, journal(1)),
        (Verb::Create, member("old", 100)),
        (Verb::Create, member("new", 0)),
    ];
    zones.apply(&batch(&id, &start)).await.unwrap();
    let mut stored = zones.fetch_record_sets(&id, &names).await.unwrap();
    stored.sort_by_key(|set| format!("{:?}", set.routing));
    assert_eq!(stored, [journal(1), member("new", 0), member("old", 100)]);

    let mut step: Vec<_> = stored.into_iter().map(|set| (Verb::Delete, set)).collect();
    step.extend([
        (Verb::Create, journal(2)),
        (Verb::Create, member("old", 90)),
        (Verb::Create, member("new", 10)),
    ]);
    let Applied::Accepted { id: change } = zones.apply(&batch(&id, &step)).await.unwrap() else {
        panic!("nobody else has changed anything")
    };

    assert_eq!(zones.fetch_change(&change).await, Ok(ChangeState::Insync));
    let mut stored = zones.fetch_record_sets(&id, &names).await.unwrap();
    stored.sort_by_key(|set| format!("{:?}", set.routing));
    assert_eq!(stored, [journal(2), member("new", 10), member("old", 90)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_for_a_zone_that_is_gone_is_refused() {
    let moto = Moto::start();
    let zones = AwsHostedZones::new(&moto.sdk());

    let write = batch("ZMISSING", &[(Verb::Upsert, member("old", 100))]);
    let failure = zones.apply(&write).await.unwrap_err();

    assert_eq!(failure.class, FailureClass::Refused);
    assert!(failure.message.contains("NoSuchHostedZone"), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_is_made_and_removed() {
    let moto = Moto::start();
    let zones = AwsHostedZones::new(&moto.sdk());
    let check = HealthCheck {
        reference: "shift-1".to_owned(),
        alarm: "payments".to_owned(),
        region: None,
    };

    let id = zones.ensure_health_check(&check).await.unwrap();
    let made = client(&moto)
        .get_health_check()
        .health_check_id(&id)
        .send()
        .await;
    let made = made.unwrap().health_check().unwrap().clone();
    assert_eq!(made.caller_reference(), "shift-1");
    assert_eq!(
        made.health_check_config().unwrap().r#type().as_str(),
        "CLOUDWATCH_METRIC"
    );

    assert_eq!(zones.delete_health_check(&id).await, Ok(()));
    assert_eq!(zones.delete_health_check(&id).await, Ok(()), "it is gone");
}
