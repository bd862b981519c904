//! What the program passes in.

use std::collections::BTreeMap;

use pulumi_value::Output;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data_validation::ValidationConnection;
use crate::migration::{ApplyUsers, control_schema};

/// Starts a replication task of AWS DMS, or a replication without server, waits until everything is loaded and the target
/// follows closely, and holds it there. The task itself is declared elsewhere, such as with `aws.dms.ReplicationTask`.
///
/// The task is started as its history asks for: for the first time, or where it stopped. It is never loaded anew without
/// `allowReload`, since that empties the target. Tables in error are loaded again up to `reloads` times. With `markers`
/// the control schema is made in both databases first, so that applications cannot write to the target from then on, and
/// the lag is measured from end to end: a marker is written on the source and looked for on the target.
///
/// Where a person is needed the update fails with what DMS says and what to do (CUT-250), and the next `pulumi up` goes
/// on from there. A refresh looks at the task; one that has stopped, failed or gone makes the next `pulumi up` look after
/// it. Deleting the resource forgets it: the task goes on as it is.
///
/// An update may take as long as `loadLimit` and `catchUpLimit` together and an hour, unless `customTimeouts` says
/// otherwise. An interruption leaves the task running. A replication cannot be imported. Durations are texts such as
/// `30s` or `1h30m`. Codes: `docs/errors.md`.
///
/// Needs of `dms` `DescribeReplicationTasks`, `DescribeReplicationInstances`, `DescribePendingMaintenanceActions`,
/// `DescribeTableStatistics`, `StartReplicationTask`, `StopReplicationTask`, `ReloadTables`, `TestConnection`,
/// `DescribeConnections`, and `cloudwatch:ListMetrics` and `cloudwatch:GetMetricData`; without server
/// `DescribeReplications`, `DescribeReplicationConfigs`, `DescribeReplicationTableStatistics`, `StartReplication`,
/// `StopReplication` and `ReloadReplicationTables`; for an `assessment` `StartReplicationTaskAssessmentRun` and
/// `DescribeReplicationTaskAssessmentRuns`, and `iam:PassRole` for its role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationArgs {
    /// The ARN of the task, or of the configuration of a replication without server.
    pub task_arn: Output<String>,
    /// Whether the connections to both endpoints are tested before the task is started for the first time.
    #[serde(default = "yes")]
    pub test_connections: bool,
    /// DMS's own assessment, run before the task is started for the first time.
    pub assessment: Option<ReplicationAssessment>,
    /// Below which lag the target follows closely.
    #[serde(default = "ten_seconds")]
    pub max_lag: String,
    /// In so many samples in a row.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 100))]
    pub lag_samples: u32,
    /// Over at least this time.
    #[serde(default = "a_minute")]
    pub lag_over: String,
    /// How long the load may take before a person is called.
    #[serde(default = "half_a_day")]
    pub load_limit: String,
    /// How long catching up may take; longer as long as the lag shrinks.
    #[serde(default = "four_hours")]
    pub catch_up_limit: String,
    /// How often DMS is asked.
    #[serde(default = "half_a_minute")]
    pub poll: String,
    /// How often tables in error are loaded again before a person is called.
    #[serde(default = "two")]
    #[schemars(range(min = 0, max = 10))]
    pub reloads: u32,
    /// What is needed for measuring the lag from end to end, and for fencing the target. Without it the lag is what
    /// `CloudWatch` says, and nothing keeps applications from writing to the target.
    pub markers: Option<ReplicationMarkers>,
    /// Whether a task whose place in the source's log is gone is loaded anew. That empties the target's tables.
    #[serde(default)]
    pub allow_reload: bool,
    /// Whether the task is stopped, and kept, as after a rollback.
    #[serde(default)]
    pub stopped: bool,
    /// Whatever is to make it look again when it changes.
    #[serde(default)]
    pub triggers: BTreeMap<String, Output<String>>,
}

/// DMS's own assessment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationAssessment {
    /// The ARN of the role by which DMS writes the result.
    pub role_arn: Output<String>,
    /// The bucket that it goes to.
    pub bucket: Output<String>,
}

/// What is needed for markers, and for fencing the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationMarkers {
    /// The migration's name, which both control schemas bear: lower-case letters, digits and `_`, at most 30.
    pub migration: String,
    /// The schema (database with MySQL) for cutover's own tables. The task must replicate its table `marker_forward`.
    #[serde(default = "control_schema")]
    pub control_schema: String,
    /// The source. The user needs the rights that `docs/migration-cutover.md` lists.
    pub source: ValidationConnection,
    /// The target, alike.
    pub target: ValidationConnection,
    /// The tables that are migrated, and fenced, by their names on the source: `schema.table` (`database.table` with
    /// MySQL).
    #[schemars(length(min = 1))]
    pub tables: Vec<String>,
    /// What schemas of the source are called on the target, as of a `DataValidation`.
    #[serde(default)]
    pub schemas: BTreeMap<String, String>,
    /// Users by whom replication applies, whom the fence lets through.
    pub apply_users: Option<ApplyUsers>,
}

fn yes() -> bool {
    true
}

fn two() -> u32 {
    2
}

fn three() -> u32 {
    3
}

fn ten_seconds() -> String {
    "10s".to_owned()
}

fn half_a_minute() -> String {
    "30s".to_owned()
}

fn a_minute() -> String {
    "1m".to_owned()
}

fn four_hours() -> String {
    "4h".to_owned()
}

fn half_a_day() -> String {
    "12h".to_owned()
}
