//! What is watched while a step bakes.

use std::collections::BTreeMap;

use pulumi_value::Output;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::a_minute;

/// A rule that is read during every bake. Rates are fractions: 0.05 is 5 %. A value exactly at its limit is healthy.
/// Wrong or contradictory fields are refused together (CUT-112).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftGate {
    /// Its name, by which reasons and outputs call it; once only in a list.
    pub name: String,
    /// What is measured.
    pub kind: GateMeasure,
    /// The counts of what went wrong; their values of a period are added up. For `ratio` and `availability`.
    pub bad: Option<Vec<GateMetric>>,
    /// The counts of everything there was; added up as well. For `ratio` and `availability`, and for a `value` that
    /// needs `minSamples`.
    pub total: Option<Vec<GateMetric>>,
    /// The measured value, for `value` and `count`.
    pub metric: Option<GateMetric>,
    /// The name of the alarm, for `alarm`. One that is in ALARM at the start is refused (CUT-118).
    pub alarm: Option<Output<String>>,
    /// The highest healthy value. Exactly one of `max` and `min` is given; none for `alarm`.
    pub max: Option<f64>,
    /// The lowest healthy value.
    pub min: Option<f64>,
    /// How long judged periods must breach without a healthy one between them, such as `5m`. With `0s` one is enough.
    #[serde(rename = "for", default = "no_time")]
    pub sustained: String,
    /// Instead of `for`: so many of the last so many judged periods.
    pub datapoints: Option<GateDatapoints>,
    /// The length of a period: `1s`, `5s`, `10s`, `30s` or whole minutes. Below a minute only for metrics of high
    /// resolution.
    #[serde(default = "a_minute")]
    pub period: String,
    /// How many periods one judgement covers; more than one makes a sliding window.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 60))]
    pub window_periods: u32,
    /// How many samples (of `total`) a judgement needs; with fewer the window is widened for up to 10 minutes, and
    /// then nothing is said. By default 100 for `ratio` and `availability`, otherwise 0. An `availability` needs
    /// 1 / (1 - `min`) of them (CUT-109).
    pub min_samples: Option<u32>,
    /// How old a period must be before it counts.
    pub lag: Option<GateLag>,
    /// What a period without data means. Missing is never healthy unless it is said here.
    #[serde(default)]
    pub missing: MissingData,
    /// For `missing: breaching`: from how many periods without data in a row on.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 60))]
    pub missing_periods: u32,
    /// What a breach leads to.
    #[serde(default)]
    pub severity: GateSeverity,
    /// Whose series are judged. By default `new` where the metrics tell new from old, and otherwise `overall`.
    pub side: Option<GateSide>,
    /// How long into a bake the gate keeps silent.
    #[serde(default = "no_time")]
    pub initial_delay: String,
}

fn no_time() -> String {
    "0s".to_owned()
}

fn one() -> u32 {
    1
}

/// What a gate measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GateMeasure {
    /// `bad` by `total`: a fraction from 0 to 1.
    Ratio,
    /// What is left of one after `bad` by `total`: a fraction from 0 to 1.
    Availability,
    /// A value per period, in the metric's own unit: an average or a percentile.
    Value,
    /// A count per period.
    Count,
    /// The state of an alarm.
    Alarm,
}

/// A metric as `CloudWatch` names it, of both sides. Dimensions that are the same on both sides are `dimensions`; those
/// that tell the sides apart are `oldDimensions` and `newDimensions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateMetric {
    /// Its namespace, such as `AWS/ApplicationELB`.
    pub namespace: String,
    /// Its name, such as `RequestCount`.
    pub name: String,
    /// The statistic: `Sum`, `Average`, `p95`. By default `Sum` for counts, and `Average` for values.
    pub stat: Option<String>,
    /// Dimensions of both sides.
    pub dimensions: Option<BTreeMap<String, Output<String>>>,
    /// Dimensions of old, besides.
    pub old_dimensions: Option<BTreeMap<String, Output<String>>>,
    /// Dimensions of new, besides.
    pub new_dimensions: Option<BTreeMap<String, Output<String>>>,
}

/// So many breaching periods of the last so many judged ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateDatapoints {
    /// How many breach; at most `of`.
    #[schemars(range(min = 1))]
    pub breaching: u32,
    /// Of how many.
    #[schemars(range(min = 1))]
    pub of: u32,
}

/// How old a period must be before it counts, measured from its end: load balancers keep adding to a minute for about
/// two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateLag {
    /// As evidence of harm.
    #[serde(default = "a_minute")]
    pub harm: String,
    /// As evidence of health.
    #[serde(default = "two_minutes")]
    pub health: String,
}

fn two_minutes() -> String {
    "2m".to_owned()
}

/// What a period without data means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MissingData {
    /// Nothing is known; a bake with nothing known is extended and then paused.
    #[default]
    Inconclusive,
    /// As bad as a breach, after `missingPeriods` in a row.
    Breaching,
    /// Silence is health.
    Healthy,
    /// Nothing went wrong, where `total` shows that something went on: for counts that are published only when they
    /// are not zero.
    Zero,
}

/// What a breach leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GateSeverity {
    /// Everything goes back to old.
    #[default]
    Critical,
    /// The shift stops where it is.
    Hold,
    /// People are told.
    Warn,
    /// It is measured and shown, without effect.
    DryRun,
}

/// Whose series are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GateSide {
    /// Those of new.
    New,
    /// Those of new; those of old are read as well, so that a fault of both is told apart from one of new.
    Both,
    /// Those of everything together: `dimensions` alone.
    Overall,
}

/// A comparison of new with old, at the same time and under the same load, on the metrics of a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftComparison {
    /// The name of a gate of `gates` whose metrics tell new from old. One of kind `ratio` or `availability` compares
    /// rates, and one of kind `value` compares latency, which needs bakes of 20 minutes (CUT-110).
    pub gate: String,
    /// For rates: by how much new may be worse, as a fraction; 0.005 is half a point. By default 0.005.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub margin: Option<f64>,
    /// For latency: by what factor new may be slower, at least 1. By default 1.25.
    #[schemars(range(min = 1.0))]
    pub factor: Option<f64>,
    /// What a failure leads to. By default `hold`.
    #[serde(default = "hold")]
    pub severity: GateSeverity,
}

fn hold() -> GateSeverity {
    GateSeverity::Hold
}
