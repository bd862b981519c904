//! The parts of the inputs. What is left out is as with the resource that it is for.

use std::collections::BTreeMap;

use pulumi_value::Output;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data_validation::{
    KeysShown, ValidationChecks, ValidationLimits, ValidationSettling, ValidationStrategy,
};
use crate::replication::ReplicationAssessment;
use crate::writer_switch::{
    OnSwitchDelete, SlotPlugin, SwitchBack, SwitchCheck, SwitchPause, SwitchSetting,
};

/// The replication from source to target, as of a `Replication`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrationReplication {
    /// The ARN of the task, or of the configuration of a replication without server.
    pub task_arn: Output<String>,
    /// Whether the connections to both endpoints are tested before the task is started for the first time. By default they
    /// are.
    pub test_connections: Option<bool>,
    /// DMS's own assessment, run before the task is started for the first time.
    pub assessment: Option<ReplicationAssessment>,
    /// Below which lag the target follows closely. By default `10s`.
    pub max_lag: Option<String>,
    /// In so many samples in a row. By default 3.
    #[schemars(range(min = 1, max = 100))]
    pub lag_samples: Option<u32>,
    /// Over at least this time. By default `1m`.
    pub lag_over: Option<String>,
    /// How long the load may take before a person is called. By default `12h`.
    pub load_limit: Option<String>,
    /// How long catching up may take; longer as long as the lag shrinks. By default `4h`.
    pub catch_up_limit: Option<String>,
    /// How often DMS is asked. By default `30s`.
    pub poll: Option<String>,
    /// How often tables in error are loaded again before a person is called. By default 2.
    #[schemars(range(min = 0, max = 10))]
    pub reloads: Option<u32>,
    /// Whether a task whose place in the source's log is gone is loaded anew, which empties the target's tables.
    pub allow_reload: Option<bool>,
    /// Whatever is to make it look again when it changes.
    #[serde(default)]
    pub triggers: BTreeMap<String, Output<String>>,
}

/// How both databases are compared, before the switch and after it, as of a `DataValidation`. Names are those of the
/// source, and queries for the target those of the migration's target, for both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrationValidation {
    /// Tables that are migrated and not compared.
    #[serde(default)]
    pub exclude_tables: Vec<String>,
    /// Columns that are left out, `schema.table.column` or `table.column`, each with the reason.
    #[serde(default)]
    pub exclude_columns: BTreeMap<String, String>,
    /// The columns that tell rows of a table apart, by the table's name, where it has no primary key.
    #[serde(default)]
    pub keys: BTreeMap<String, Vec<String>>,
    /// What is looked at.
    pub checks: Option<ValidationChecks>,
    /// How hard each server may be worked.
    pub limits: Option<ValidationLimits>,
    /// When rows that differ are settled.
    pub settling: Option<ValidationSettling>,
    /// How rows are hashed.
    pub strategy: Option<ValidationStrategy>,
    /// How keys of rows are shown.
    pub keys_shown: Option<KeysShown>,
    /// How many keys of each kind are shown for a table. By default 100.
    #[schemars(range(min = 0, max = 10_000))]
    pub max_keys: Option<u32>,
    /// Where the report before the switch is written.
    pub report_file: Option<String>,
    /// Where the report after the switch is written.
    pub after_report_file: Option<String>,
    /// Whether a verdict of `inconclusive` passes (CUT-231).
    pub allow_inconclusive: Option<bool>,
    /// Whatever is to make both run again when it changes.
    #[serde(default)]
    pub triggers: BTreeMap<String, Output<String>>,
}

/// How the writer is switched, as of a `WriterSwitch`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrationSwitch {
    /// What the slot on PostgreSQL speaks, from which replication back reads. By default `testDecoding`.
    pub slot_plugin: Option<SlotPlugin>,
    /// How long applications may be refused.
    pub pause: Option<SwitchPause>,
    /// Above which lag nothing is begun. By default `10s`.
    pub max_lag: Option<String>,
    /// Above which age an open transaction keeps the fence away. By default `10s`.
    pub max_transaction_age: Option<String>,
    /// By how much sequences and `AUTO_INCREMENT` of the new writer jump. By default 10000.
    pub identity_gap: Option<u32>,
    /// The comparison within the pause. By default it reads what changed since the validation before the switch, with the
    /// same exclusions and keys.
    pub check: Option<SwitchCheck>,
    /// Where services read which database to write to.
    pub setting: Option<SwitchSetting>,
    /// Whether the replication from source to target is stopped once the writer has changed. By default it is.
    pub stop_drain: Option<bool>,
    /// The replication from target to source. Without it there is no validation after the switch, and no ready way back.
    pub back: Option<SwitchBack>,
    /// Whether the switch may take place. While it is `false` everything that comes before it is done, and nothing else.
    pub approved: Option<Output<bool>>,
    /// What deleting it does after the switch. By default it is refused.
    pub on_delete: Option<OnSwitchDelete>,
    /// Whatever is to make it look again, and go on where it was, when it changes.
    #[serde(default)]
    pub triggers: BTreeMap<String, Output<String>>,
}

/// What happens at the end, as of a `Finalization`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrationFinalize {
    /// For how long a way back is kept after the switch. By default `24h`.
    pub safety_period: Option<String>,
    /// Whether the tasks are removed. One that the program declares itself is better removed there.
    pub delete_tasks: Option<bool>,
    /// The replication instance that they ran on.
    pub instance_arn: Option<Output<String>>,
    /// Whether it is removed.
    pub delete_instance: Option<bool>,
    /// Whether the control schema and the fence are removed from the target. Those of the source stay.
    pub remove_control: Option<bool>,
    /// Whatever is to make it look again when it changes.
    #[serde(default)]
    pub triggers: BTreeMap<String, Output<String>>,
}
