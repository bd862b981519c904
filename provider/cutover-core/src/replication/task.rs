//! What DMS says about a task, or about a replication without server, which is one thing here.

use std::time::Duration;

use crate::Timestamp;

/// A task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskSeen {
    /// Its ARN, or that of the configuration.
    pub arn: String,
    /// Its identifier.
    pub identifier: String,
    /// Its status, as DMS writes it: `running`, `stopped`, `failed`. Unknown ones are in progress, with a limit.
    pub status: String,
    /// Why it stopped, without the prefix `Stop Reason `: `FULL_LOAD_ONLY_FINISHED`.
    pub stop_reason: Option<String>,
    /// The last failure, as DMS says it.
    pub failure: Option<String>,
    /// `full-load`, `cdc` or `full-load-and-cdc`.
    pub migration_type: String,
    /// When the last run began. A new run is recognised by a changed moment.
    pub started_at: Option<Timestamp>,
    /// Whether it has ever run.
    pub has_run: bool,
    /// When the load was finished.
    pub loaded_at: Option<Timestamp>,
    /// Percent of the load, from 0 to 100.
    pub load_percent: u8,
    /// How many tables are in error, by DMS's own count.
    pub tables_errored: u32,
    /// The place at which it began to read changes, as DMS writes it.
    pub cdc_start: Option<String>,
    /// The endpoint that it reads.
    pub source_endpoint_arn: String,
    /// The endpoint that it writes.
    pub target_endpoint_arn: String,
    /// The instance that it runs on; `None` without server.
    pub instance: Option<InstanceSeen>,
}

/// A replication instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceSeen {
    /// Its ARN.
    pub arn: String,
    /// Its status: `available`.
    pub status: String,
    /// Its class: `dms.t3.medium`.
    pub class: String,
    /// Maintenance that is pending, as DMS describes it.
    pub maintenance: Vec<String>,
}

/// A table of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableSeen {
    /// The schema (database with MySQL).
    pub schema: String,
    /// The table.
    pub name: String,
    /// As DMS writes it: `Table completed`, `Table error`.
    pub state: String,
    /// Rows that were loaded.
    pub rows: u64,
    /// Rows that could not be.
    pub error_rows: u64,
    /// Rows inserted, updated and deleted since.
    pub changes: u64,
    /// As DMS writes it: `Not enabled`, `Mismatched records`.
    pub validation: String,
    /// Rows that DMS's own validation found different.
    pub validation_failed: u64,
}

/// A test of a connection from the instance to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionSeen {
    /// `testing`, `successful`, `failed`.
    pub status: String,
    /// Why it failed.
    pub failure: Option<String>,
}

/// What CloudWatch knows about a task; `None` where there are no points of the last minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TaskMetrics {
    /// The age of the last change that was read.
    pub latency_source: Option<Duration>,
    /// The age of the oldest change that is not applied.
    pub latency_target: Option<Duration>,
    /// Percent of the instance's processor.
    pub cpu: Option<f64>,
}

/// How a task is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartKind {
    /// For the first time.
    Start,
    /// Where it stopped.
    Resume,
    /// Anew: targets are emptied.
    Reload,
}

/// A task that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// Its identifier.
    pub identifier: String,
    /// The endpoint that it reads.
    pub source_endpoint_arn: String,
    /// The endpoint that it writes.
    pub target_endpoint_arn: String,
    /// The instance.
    pub instance_arn: String,
    /// The place from which it reads changes; no load.
    pub cdc_start: String,
    /// The slot that keeps the log from there, where the engine has such a thing.
    pub slot: Option<String>,
    /// Table mappings, as DMS wants them.
    pub table_mappings: String,
    /// Task settings, as DMS wants them.
    pub settings: String,
    /// Tags.
    pub tags: Vec<(String, String)>,
}
