//! CloudWatch: metrics and alarms.

mod alarms;
mod asked;
mod data;
mod math;
mod stats;

use std::collections::BTreeMap;

use cutover_core::Timestamp;

pub use alarms::{Alarm, AlarmMetric, AlarmState, Comparison};
pub use data::{
    GetMetricData, MetricData, MetricDataQuery, MetricDataResult, MetricStat, StatusCode,
};
pub(super) use stats::Bucket;

/// What names a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricKey {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its dimensions, which must match exactly.
    pub dimensions: BTreeMap<String, String>,
}

/// A datapoint to be put.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricDatum {
    /// The metric's name.
    pub name: String,
    /// The metric's dimensions.
    pub dimensions: BTreeMap<String, String>,
    /// When; the moment of the call when it is not given.
    pub timestamp: Option<Timestamp>,
    /// What.
    pub datum: Datum,
    /// Its unit.
    pub unit: Option<String>,
}

/// What a datapoint says.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// A value.
    Value(f64),
    /// Values, and how often each came.
    Values(Vec<(f64, f64)>),
    /// Values that were summed up.
    Statistics {
        /// How many.
        count: f64,
        /// Their sum.
        sum: f64,
        /// The least.
        minimum: f64,
        /// The greatest.
        maximum: f64,
    },
}

/// Everything that CloudWatch holds.
#[derive(Clone, Debug, Default)]
pub(super) struct CloudWatch {
    metrics: BTreeMap<MetricKey, Vec<Stored>>,
    alarms: BTreeMap<String, alarms::Kept>,
    scripted: Vec<data::Scripted>,
}

/// A datapoint that was put.
#[derive(Clone, Debug)]
struct Stored {
    at: Timestamp,
    visible_from: Timestamp,
    datum: Datum,
}
