//! The rules of the simulated AWS.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod answers;
mod balancers;
mod batches;
mod dms;
mod listings;
mod metrics;
mod ports;
mod rest;
mod scripts;
mod traffic;

use std::time::Duration;

use cutover_core::Timestamp;
use cutover_sim::cloud::{AliasTarget, Change, ChangeAction, ResourceRecordSet};
use cutover_sim::{Cloud, CloudConfig};

/// The zone of all tests.
const ZONE: &str = "Z0ZONE";

/// When all tests begin: a whole hour.
const START: Timestamp = Timestamp::from_unix_millis(1_700_002_800_000);

fn minutes(minutes: u64) -> Timestamp {
    START.after(Duration::from_mins(minutes))
}

fn seconds(seconds: u64) -> Timestamp {
    START.after(Duration::from_secs(seconds))
}

fn cloud() -> Cloud {
    with(CloudConfig {
        route53_requests_per_second: usize::MAX,
        ..CloudConfig::default()
    })
}

fn with(config: CloudConfig) -> Cloud {
    let mut cloud = Cloud::new(config);
    cloud.put_hosted_zone(START, ZONE, "example.com", false);
    cloud
}

/// A weighted member of a name, with an address that its identifier decides.
fn member(name: &str, id: &str, weight: u64) -> ResourceRecordSet {
    let last = if id == "old" {
        "192.0.2.1"
    } else {
        "192.0.2.2"
    };
    ResourceRecordSet {
        set_identifier: Some(id.to_owned()),
        weight: Some(weight),
        ..simple(name, "A", last)
    }
}

fn simple(name: &str, record_type: &str, value: &str) -> ResourceRecordSet {
    ResourceRecordSet {
        name: name.to_owned(),
        record_type: record_type.to_owned(),
        ttl: Some(60),
        values: vec![value.to_owned()],
        ..ResourceRecordSet::default()
    }
}

/// A weighted alias to a load balancer.
fn alias(name: &str, id: &str, weight: u64, target: &str) -> ResourceRecordSet {
    ResourceRecordSet {
        ttl: None,
        values: Vec::new(),
        alias: Some(AliasTarget {
            dns_name: target.to_owned(),
            hosted_zone_id: "Z215JYRZR1TBD5".to_owned(),
            evaluate_target_health: true,
        }),
        ..member(name, id, weight)
    }
}

fn change(action: ChangeAction, set: ResourceRecordSet) -> Change {
    Change { action, set }
}

fn create(set: ResourceRecordSet) -> Change {
    change(ChangeAction::Create, set)
}

fn delete(set: ResourceRecordSet) -> Change {
    change(ChangeAction::Delete, set)
}

fn upsert(set: ResourceRecordSet) -> Change {
    change(ChangeAction::Upsert, set)
}

/// Makes changes that are right.
fn make(cloud: &mut Cloud, now: Timestamp, changes: &[Change]) -> String {
    cloud
        .change_resource_record_sets(now, ZONE, changes)
        .unwrap()
        .id
}
