//! What the program gets back.

use cutover_core::Timestamp;
use cutover_core::replication::task::{TableSeen, TaskSeen};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a replication stands, as it was last seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationState {
    /// What it is doing.
    pub phase: ReplicationPhase,
    /// The task's status, as DMS writes it: `running`; `gone` when there is no such task.
    pub status: String,
    /// Why it stopped, as DMS writes it: `FULL_LOAD_ONLY_FINISHED`.
    pub stop_reason: Option<String>,
    /// How much is loaded, in percent.
    pub load_percent: f64,
    /// Its tables, in the order of their names.
    pub tables: Vec<ReplicatedTable>,
    /// The lag at the last sample, in seconds.
    pub lag_seconds: Option<f64>,
    /// When the task's last run began: RFC 3339.
    pub started_at: Option<String>,
    /// When the load was finished: RFC 3339.
    pub loaded_at: Option<String>,
    /// When the target first followed closely: RFC 3339.
    pub caught_up_at: Option<String>,
    /// The ARN of the instance; absent without server.
    pub instance_arn: Option<String>,
    /// The endpoint that is read.
    pub source_endpoint_arn: Option<String>,
    /// The endpoint that is written.
    pub target_endpoint_arn: Option<String>,
    /// The place at which it began to read changes, as DMS writes it.
    pub cdc_start: Option<String>,
    /// Why it is not as it was asked for.
    pub reasons: Vec<String>,
}

/// What a replication is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReplicationPhase {
    /// Connections are tested, and whether the task can begin.
    #[default]
    Testing,
    /// Rows are loaded.
    Loading,
    /// The target catches up with what has changed since.
    CatchingUp,
    /// The target follows closely.
    Replicating,
    /// Everything is loaded, and the task does no more than that.
    Loaded,
    /// The writer has changed: everything has come through it, and it is not started again.
    Drained,
    /// It was stopped, as it was asked for.
    Stopped,
    /// It does not go on by itself.
    Held,
}

impl ReplicationPhase {
    /// Tells whether it is what was asked for, so that nothing is left to do.
    pub(super) const fn is_settled(self, stopped: bool) -> bool {
        match self {
            Self::Replicating | Self::Loaded | Self::Drained => !stopped,
            Self::Stopped => stopped,
            Self::Testing | Self::Loading | Self::CatchingUp | Self::Held => false,
        }
    }
}

/// A table of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicatedTable {
    /// Its schema (database with MySQL).
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its state, as DMS writes it: `Table completed`.
    pub state: String,
    /// Rows that were loaded.
    pub rows: f64,
    /// Rows that could not be.
    pub error_rows: f64,
    /// Rows inserted, updated and deleted since.
    pub changes: f64,
    /// What DMS's own validation says.
    pub validation: String,
}

impl ReplicationState {
    /// Takes over what DMS says about the task; what only a run finds out stays.
    #[must_use]
    pub(super) fn seen(self, task: &TaskSeen, tables: &[TableSeen]) -> Self {
        let mut tables: Vec<_> = tables.iter().map(ReplicatedTable::of).collect();
        tables.sort_by(|one, other| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            status: task.status.clone(),
            stop_reason: task.stop_reason.clone(),
            load_percent: f64::from(task.load_percent),
            tables,
            started_at: task.started_at.map(Timestamp::to_utc),
            loaded_at: task.loaded_at.map(Timestamp::to_utc),
            instance_arn: task.instance.as_ref().map(|instance| instance.arn.clone()),
            source_endpoint_arn: text(&task.source_endpoint_arn),
            target_endpoint_arn: text(&task.target_endpoint_arn),
            cdc_start: task.cdc_start.clone(),
            ..self
        }
    }
}

impl ReplicatedTable {
    fn of(seen: &TableSeen) -> Self {
        Self {
            schema: seen.schema.clone(),
            name: seen.name.clone(),
            state: seen.state.clone(),
            rows: count(seen.rows),
            error_rows: count(seen.error_rows),
            changes: count(seen.changes),
            validation: seen.validation.clone(),
        }
    }
}

/// A count as programs know numbers; exact up to 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "no table has 2^53 rows, and programs know no other numbers"
)]
pub(crate) fn count(count: u64) -> f64 {
    count as f64
}
