//! Route 53: zones, their record sets and changes; how they are answered stands in `answer.rs`.

mod answer;
mod batch;
mod checks;
mod names;
mod record;
mod values;
mod zones;

use std::collections::{BTreeMap, VecDeque};

use cutover_core::Timestamp;

pub use answer::{DnsAnswer, Endpoint};
pub use checks::{CreateHealthCheck, HealthCheckInfo};
pub(super) use names::{labels, normal, plain};
pub use record::{AliasTarget, Change, ChangeAction, ResourceRecordSet};
pub use zones::{ChangeInfo, HostedZone, ListRecordSets, RecordSetPage};

use names::Key;

/// Everything that Route 53 holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Route53 {
    zones: BTreeMap<String, Kept>,
    changes: BTreeMap<String, Accepted>,
    checks: BTreeMap<String, checks::KeptCheck>,
    endpoints: BTreeMap<String, Vec<(Timestamp, Endpoint)>>,
    recent: VecDeque<Timestamp>,
}

/// The record sets of a zone in the order in which they are listed.
type Records = BTreeMap<Key, ResourceRecordSet>;

/// A zone with its past.
#[derive(Clone, Debug)]
struct Kept {
    zone: HostedZone,
    records: std::sync::Arc<Records>,
    versions: Vec<Version>,
    protected: BTreeMap<Key, String>,
    busy_until: Timestamp,
}

/// The record sets of a zone as a change made them.
#[derive(Clone, Debug)]
struct Version {
    /// When the change was accepted.
    accepted: Timestamp,
    /// From when on the name servers answer by it.
    answered: Timestamp,
    records: std::sync::Arc<Records>,
}

/// A change that was accepted.
#[derive(Clone, Debug)]
struct Accepted {
    submitted_at: Timestamp,
    insync_at: Option<Timestamp>,
}
