//! Where the measurements of gates and comparisons come from, and the conditions of steps.

use std::collections::BTreeMap;
use std::time::Duration;

use super::gates::{SeriesId, Side};

/// Where everything that a shift reads besides the router comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    /// The metrics of each series; their values of a period are added up.
    pub series: BTreeMap<SeriesId, Vec<Metric>>,
    /// The alarm of each gate that reads one, by the gate's name.
    pub alarms: BTreeMap<String, String>,
    /// The metrics that count the requests of each side; empty when nothing counts them.
    pub requests: BTreeMap<Side, Vec<Metric>>,
    /// The conditions of steps, by their names.
    pub entry_gates: BTreeMap<String, EntrySource>,
    /// The target groups or load balancers whose healthy targets are counted, by side.
    pub target_groups: BTreeMap<Side, Vec<String>>,
    /// The replication task from new to old, by its ARN.
    pub reverse_task: Option<String>,
    /// The hook that closes new to writes, by the name of a parameter that is set to `closed`.
    pub write_fence_parameter: Option<String>,
}

/// A metric as CloudWatch names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub dimensions: BTreeMap<String, String>,
    /// The statistic: `Sum`, `Average`, `p95`.
    pub stat: String,
}

/// A metric over a period.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Query {
    /// The metric.
    pub metric: Metric,
    /// The length of a period, in seconds.
    pub period_seconds: u32,
}

/// A condition of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntrySource {
    /// A replication task runs, its lag is at most so much, and validation has found nothing when that is asked for.
    DmsTask {
        /// Its ARN.
        arn: String,
        /// The most that it may be behind.
        lag_max: Duration,
        /// Whether validation must be without findings.
        validated: bool,
    },
    /// An alarm is quiet.
    Alarm {
        /// Its name.
        name: String,
    },
    /// A parameter has a value.
    Parameter {
        /// Its name.
        name: String,
        /// The value.
        equals: String,
    },
}

/// A replication task as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its status as DMS writes it: `running`.
    pub status: String,
    /// How far it is behind, source and target together; `None` while nobody knows.
    pub lag: Option<Duration>,
    /// How many tables have failed, or have records that validation found different or could not compare.
    pub tables_in_error: u32,
}
