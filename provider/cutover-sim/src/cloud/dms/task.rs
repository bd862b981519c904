//! A task and its tables as DMS describes them.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::Timestamp;

/// A replication task, or a replication without server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicationTask {
    /// Its ARN.
    pub arn: String,
    /// Its identifier.
    pub identifier: String,
    /// The ARN of its instance; empty without server.
    pub instance_arn: String,
    /// The identifier of its instance, which is a dimension of its metrics.
    pub instance_identifier: String,
    /// Whether it runs without server.
    pub serverless: bool,
    /// The endpoint that it reads.
    pub source_endpoint_arn: String,
    /// The endpoint that it writes.
    pub target_endpoint_arn: String,
    /// `full-load`, `cdc` or `full-load-and-cdc`.
    pub migration_type: String,
    /// Which tables it has, as JSON.
    pub table_mappings: String,
    /// Its settings, as JSON.
    pub settings: String,
    /// Where it begins to read changes.
    pub cdc_start: Option<String>,
    /// Where it ends to read changes; only kept.
    pub cdc_stop: Option<String>,
    /// Its status as DMS writes it: `running`.
    pub status: String,
    /// Why it stopped, as DMS writes it: `Stop Reason NORMAL`.
    pub stop_reason: Option<String>,
    /// The last failure.
    pub failure: Option<String>,
    /// How it was started last: `resume-processing`.
    pub start_type: Option<String>,
    /// Where it would go on; known when it has stopped or failed.
    pub recovery_checkpoint: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How far it is.
    pub stats: TaskStats,
    /// Its tables.
    pub tables: Vec<TableStatistics>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// How far it is behind, as `CDCLatencyTarget` shows it (which includes the source's); `None`: no metric is there.
    pub lag: Option<Duration>,
}

/// How far a task is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskStats {
    /// Percent of the load, from 0 to 100.
    pub load_percent: u8,
    /// When it was started for the first time, or anew.
    pub fresh_start_at: Option<Timestamp>,
    /// When its last run began.
    pub started_at: Option<Timestamp>,
    /// When its last run ended.
    pub stopped_at: Option<Timestamp>,
    /// When its load began.
    pub load_started_at: Option<Timestamp>,
    /// When its load was finished.
    pub load_finished_at: Option<Timestamp>,
}

/// What DMS says of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableStatistics {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// `Before load`, `Full load`, `Table completed`, `Table error`, `Table is being reloaded`.
    pub state: String,
    /// Rows that were loaded.
    pub rows: u64,
    /// Rows that could not be.
    pub error_rows: u64,
    /// Rows inserted since.
    pub inserts: u64,
    /// Rows updated since.
    pub updates: u64,
    /// Rows deleted since.
    pub deletes: u64,
    /// Whether it was loaded again.
    pub reloaded: bool,
    /// `Validated`, `Mismatched records`, `Suspended records`, `Error`, `Not enabled`.
    pub validation_state: String,
    /// Rows that validation found different.
    pub failed_records: u64,
    /// Rows that validation could not compare.
    pub suspended_records: u64,
}

/// A task to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewReplicationTask {
    /// Its identifier.
    pub identifier: String,
    /// The last part of its ARN; one of chance when not given.
    pub resource: Option<String>,
    /// The endpoint that it reads.
    pub source_endpoint_arn: String,
    /// The endpoint that it writes.
    pub target_endpoint_arn: String,
    /// Its instance; empty without server.
    pub instance_arn: String,
    /// `full-load`, `cdc` or `full-load-and-cdc`.
    pub migration_type: String,
    /// Which tables it has, as JSON.
    pub table_mappings: String,
    /// Its settings, as JSON; AWS's own when not given.
    pub settings: Option<String>,
    /// Where it begins to read changes.
    pub cdc_start: Option<String>,
    /// Where it ends to read changes.
    pub cdc_stop: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// How a task is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartTask {
    /// The task's ARN.
    pub arn: String,
    /// `start-replication`, `resume-processing` or `reload-target`.
    pub start_type: String,
    /// Where it begins to read changes, in place of what the task says.
    pub cdc_start: Option<String>,
    /// Where it ends to read changes.
    pub cdc_stop: Option<String>,
}

impl ReplicationTask {
    /// Tells whether it loads rows that are there.
    pub fn loads(&self) -> bool {
        self.migration_type.starts_with("full-load")
    }

    /// Tells whether it follows changes.
    pub fn follows(&self) -> bool {
        self.migration_type.ends_with("cdc")
    }

    /// Tells whether it has ever run.
    pub fn has_run(&self) -> bool {
        self.stats.started_at.is_some()
    }

    /// Counts the tables in a state.
    pub fn tables_in(&self, states: &[&str]) -> usize {
        let tables = self.tables.iter();
        tables
            .filter(|table| states.contains(&table.state.as_str()))
            .count()
    }
}

impl TableStatistics {
    /// Makes a table of which nothing is known yet.
    pub(super) fn named(schema: &str, table: &str) -> Self {
        Self {
            schema: schema.to_owned(),
            table: table.to_owned(),
            state: "Before load".to_owned(),
            validation_state: "Not enabled".to_owned(),
            ..Self::default()
        }
    }

    /// Tells whether it is this one.
    pub(super) fn is(&self, schema: &str, table: &str) -> bool {
        self.schema == schema && self.table == table
    }
}
