//! How a shift behaves: conditions, the way back, guards, notifications.

use pulumi_value::Output;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{a_minute, five_minutes};

/// A condition that must hold before a step is entered; it is read twice, and waited for up to `gateTimeout`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EntryGate {
    /// A DMS replication task runs and has caught up.
    DmsTask(DmsTaskGate),
    /// An alarm is in state OK.
    Alarm(AlarmGate),
    /// A parameter of the SSM parameter store has a value.
    Ssm(ParameterGate),
}

/// A DMS replication task that runs and has caught up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DmsTaskGate {
    /// Its ARN.
    pub arn: Output<String>,
    /// The most that it may be behind, source and target together.
    #[serde(default = "five_seconds")]
    pub max_latency: String,
    /// What its data validation must say.
    #[serde(default)]
    pub validation: TaskValidation,
}

fn five_seconds() -> String {
    "5s".to_owned()
}

/// What the data validation of a task must say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TaskValidation {
    /// Anything; it is not looked at.
    #[default]
    Any,
    /// No table has failed, and no record differs.
    Clean,
}

/// An alarm in state OK.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlarmGate {
    /// Its name.
    pub name: Output<String>,
}

/// A parameter that has a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParameterGate {
    /// Its name, such as `/pay/ready`.
    pub name: Output<String>,
    /// The value that it must have.
    pub equals: String,
}

/// When a bake may begin, and how the split is seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftSettle {
    /// How long clients keep an answer beyond its TTL; a bake begins no earlier.
    #[serde(default = "a_minute")]
    pub client_lag: String,
    /// The gap, in percentage points, allowed between the share asked for and the share seen. By default the larger of
    /// five points and four standard deviations.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub tolerance: Option<f64>,
    /// The metrics that count the requests of each side; each needs `oldDimensions` and `newDimensions`. By default the
    /// `total` of the first gate whose metrics tell new from old. Without any the split is not checked.
    pub requests: Option<Vec<super::GateMetric>>,
}

/// Whose healthy targets are counted before each step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftTargets {
    /// ARNs of the target groups of old.
    #[serde(default)]
    pub old: Vec<Output<String>>,
    /// ARNs of the target groups of new. Without a healthy target on new nothing begins (CUT-121).
    #[serde(default)]
    pub new: Vec<Output<String>>,
}

/// How to go back. How rows that new has written come back must be said (CUT-111): `reverseReplication`,
/// `sharedDatabase`, or `commitAfter` of the shift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftRollback {
    /// How long it may take from the decision until traffic is back. A TTL that does not let it be kept is refused
    /// (CUT-106).
    #[serde(default = "five_minutes")]
    pub budget: String,
    /// How long traffic may stay split without measurements.
    #[serde(default = "ten_minutes")]
    pub max_blind: String,
    /// What comes first, traffic or rows.
    #[serde(default)]
    pub data_policy: DataPriority,
    /// The replication from new to old.
    pub reverse_replication: Option<ReverseReplication>,
    /// Whether both sides write to one database, so that no rows have to come back.
    #[serde(default)]
    pub shared_database: bool,
    /// How new is closed to writes; needed for `fenceFirst`.
    pub write_fence: Option<WriteFence>,
    /// What a fault leads to that both sides share at the same time.
    #[serde(default)]
    pub shared_fault: SharedFault,
    /// Whether old must be able to take everything before a step is entered.
    #[serde(default = "yes")]
    pub old_must_be_warm: bool,
}

fn ten_minutes() -> String {
    "10m".to_owned()
}

fn yes() -> bool {
    true
}

/// What comes first when going back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DataPriority {
    /// Traffic; rows follow for up to ten minutes, and those that do not are reported.
    #[default]
    TrafficFirst,
    /// New is closed to writes, within 15 seconds, then traffic.
    FenceFirst,
    /// Rows, for up to a minute, then traffic.
    DrainFirst,
}

/// What a fault of both sides leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SharedFault {
    /// Everything goes back, as for a fault of new alone.
    #[default]
    Rollback,
    /// It stops where it is, as long as new is not worse than old.
    Hold,
}

/// The replication from new to old.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReverseReplication {
    /// The ARN of the DMS replication task.
    pub dms_task: Output<String>,
}

/// How new is closed to writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriteFence {
    /// The name of a parameter of the SSM parameter store that is set to `closed`; the new system must heed it.
    pub ssm_parameter: Output<String>,
}

/// What acts when nobody is at the wheel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ShiftGuard {
    /// The record of new gets a health check that follows an alarm, so that Route 53 itself stops answering with new.
    HealthCheck(HealthCheckGuard),
}

/// A health check that follows an alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheckGuard {
    /// The name of the alarm: of standard resolution, on one metric without math or percentiles.
    pub alarm_name: Output<String>,
    /// The region of the alarm; by default the provider's.
    pub alarm_region: Option<String>,
}

/// Where the fence of a shift is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ShiftLock {
    /// In a table of `DynamoDB`, for a listener rule; with Route 53 it is refused (CUT-155).
    Dynamodb(DynamoDbLock),
}

/// A table of `DynamoDB` that holds fences. Its partition key is a string named `id`; one table serves any number of
/// rules of its account and region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DynamoDbLock {
    /// Its name.
    pub table_name: Output<String>,
}

/// The kill switch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftControl {
    /// The name of a parameter of the SSM parameter store, as a path such as `/pay/switch` (CUT-113). It says `run`,
    /// `hold: <reason>` or `rollback: <reason>`.
    pub ssm_parameter: Output<String>,
    /// How often it is read.
    #[serde(default = "ten_seconds")]
    pub poll: String,
}

fn ten_seconds() -> String {
    "10s".to_owned()
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftNotify {
    /// The ARN of an SNS topic; not a FIFO topic (CUT-113).
    pub topic_arn: Output<String>,
    /// The events that are told, by their names, such as `RollbackStarted`; by default all.
    pub events: Option<Vec<String>>,
    /// Events less grave than this are not told.
    #[serde(default)]
    pub severity_min: NoticeSeverity,
}

/// How grave an event is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NoticeSeverity {
    /// Things go as planned.
    #[default]
    Info,
    /// Somebody should look, or is asked.
    Warn,
    /// Somebody must act, or traffic goes back.
    Critical,
}

/// What is to become of a shift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DesiredShift {
    /// It is carried out.
    #[default]
    Shift,
    /// It stays where it is.
    Hold,
    /// Everything is, or goes back, on old.
    Old,
    /// Everything goes to new at once; needs `allowSkip`.
    New,
}

/// Whether one `pulumi up` walks all steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ShiftMode {
    /// One `pulumi up` walks the whole plan.
    #[default]
    Auto,
    /// Each `pulumi up` walks one step, and leaves the shift paused.
    Staged,
}

/// What an interruption does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnInterrupt {
    /// Everything goes back to old, with one change.
    Rollback,
    /// Weights stay.
    Hold,
}

/// What happens when somebody else changes the router.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DriftResponse {
    /// It stops and calls people.
    #[default]
    Pause,
    /// What is declared is put back.
    Revert,
}

/// What deleting the resource does while a shift is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnDestroy {
    /// It is refused.
    Refuse,
    /// The weights stay as they are, and nobody watches them any more.
    Retain,
    /// Everything goes back to old first.
    Old,
}
