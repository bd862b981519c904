//! What the program passes in.

use std::collections::BTreeMap;

use pulumi_value::Output;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data_validation::ValidationConnection;
use crate::migration::control_schema;

/// Ends a migration whose writer has changed: stops the replication back, gives up what it reads from, and, where that is
/// wished, removes tasks, instance and control schema. From then on there is no way back.
///
/// It waits for the safety period first, without holding up anything: until `dueAt` every `pulumi up` finds that it is
/// not time yet, and settles with `phase: "waiting"`. While it waits a preview always shows an update of `phase`, since
/// only the update looks at the clock; the preview says what it would do at the moment. The first `pulumi up` after `dueAt`
/// carries it out. Nothing happens without one.
///
/// Before anything is touched both databases must say that the target writes and that the source is closed (CUT-351). The
/// source stays closed for ever. Each step can be repeated: an interruption leaves the rest to the next `pulumi up`.
/// Deleting the resource changes nothing. It cannot be imported. Durations are texts such as `24h`. Codes: `docs/errors.md`.
///
/// Needs of `dms` `DescribeReplicationTasks`, `StopReplicationTask`, and where they are removed `DeleteReplicationTask`
/// and `DeleteReplicationInstance`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FinalizationArgs {
    /// The migration's name, as of its `WriterSwitch`.
    pub migration: String,
    /// The former writer.
    pub source: ValidationConnection,
    /// The writer.
    pub target: ValidationConnection,
    /// The tables, by their names on the source: `schema.table` (`database.table` with MySQL).
    #[schemars(length(min = 1))]
    pub tables: Vec<String>,
    /// What schemas of the source are called on the target.
    #[serde(default)]
    pub schemas: BTreeMap<String, String>,
    /// The schema (database with MySQL) for cutover's own tables.
    #[serde(default = "control_schema")]
    pub control_schema: String,
    /// From when the safety period counts: the output `committedAt` of the `WriterSwitch`.
    pub since: Output<String>,
    /// For how long a way back is kept after that.
    #[serde(default = "a_day")]
    pub safety_period: String,
    /// The ARN of the task from source to target.
    pub forward_task_arn: Option<Output<String>>,
    /// The ARN of the task from target to source: the output `backTaskArn` of the `WriterSwitch`.
    pub back_task_arn: Option<Output<String>>,
    /// Whether the tasks are removed. One that the program declares itself is better removed there.
    #[serde(default)]
    pub delete_tasks: bool,
    /// The replication instance that they ran on.
    pub instance_arn: Option<Output<String>>,
    /// Whether it is removed. It must have no other tasks, and the program must not declare it.
    #[serde(default)]
    pub delete_instance: bool,
    /// Whether the control schema and the fence are removed from the target. Those of the source stay.
    #[serde(default)]
    pub remove_control: bool,
    /// Whatever is to make it look again when it changes.
    #[serde(default)]
    pub triggers: BTreeMap<String, Output<String>>,
}

fn a_day() -> String {
    "24h".to_owned()
}
