//! The parts of the inputs.

use std::collections::BTreeMap;

use pulumi_value::{Output, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data_validation::{
    KeysShown, ValidationChecks, ValidationLimits, ValidationSettling, ValidationStrategy,
};

/// How long applications may be refused, and how that time is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwitchPause {
    /// From the first lock of an attempt to the first write that the new writer accepts. The fence ends by itself then,
    /// even when the program is gone.
    #[serde(default = "half_a_minute")]
    pub max: String,
    /// How long a fence waits for those who are writing. Others who want to write wait behind it.
    #[serde(default = "two_seconds")]
    pub lock: String,
    /// How often the fence is tried.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 20))]
    pub attempts: u32,
    /// How long applications are left alone between two attempts.
    #[serde(default = "twenty_seconds")]
    pub spacing: String,
    /// How much of the pause must be left for the last two steps, else it is called off.
    #[serde(default = "two_seconds")]
    pub reserve: String,
}

impl Default for SwitchPause {
    fn default() -> Self {
        Self {
            max: half_a_minute(),
            lock: two_seconds(),
            attempts: three(),
            spacing: twenty_seconds(),
            reserve: two_seconds(),
        }
    }
}

/// The comparison within the pause, while nobody writes. With `since` only what changed since an earlier validation is
/// read, so that the pause does not grow with the tables. Any verdict but `matched` calls the switch off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwitchCheck {
    /// Whether there is one; by default there is.
    // Optional, since the SDK would fill in a default, and make the whole check as secret as the proof on the way.
    pub enabled: Option<bool>,
    /// What an earlier run of a `DataValidation` has proven: its output `proofState`.
    pub since: Option<Output<Secret<String>>>,
    /// What is looked at.
    pub checks: Option<ValidationChecks>,
    /// Tables that are fenced and not compared.
    #[serde(default)]
    pub exclude_tables: Vec<String>,
    /// Columns that are left out, `schema.table.column` or `table.column`, each with the reason.
    #[serde(default)]
    pub exclude_columns: BTreeMap<String, String>,
    /// The columns that tell rows of a table apart, by the table's name, where it has no primary key.
    #[serde(default)]
    pub keys: BTreeMap<String, Vec<String>>,
    /// How hard each server may be worked. By default 4 connections to each that read all of the time: nobody else writes.
    pub limits: Option<ValidationLimits>,
    /// When rows that differ are settled.
    pub settling: Option<ValidationSettling>,
    /// How rows are hashed. By default the fastest that is possible.
    pub strategy: Option<ValidationStrategy>,
    /// How keys of rows are shown; by default as they are.
    pub keys_shown: Option<KeysShown>,
}

/// Where services read which database to write to. Either `parameter` or `secretArn`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwitchSetting {
    /// The name of a parameter of Systems Manager.
    pub parameter: Option<Output<String>>,
    /// The ARN or name of a secret of Secrets Manager.
    pub secret_arn: Option<Output<String>>,
    /// What it says while the source is the writer.
    pub source: Output<Secret<String>>,
    /// What it says while the target is the writer.
    pub target: Output<Secret<String>>,
}

/// The replication that everything drains through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwitchDrain {
    /// The ARN of its task, or of the configuration of a replication without server.
    pub task_arn: Output<String>,
    /// Whether it is stopped once the writer has changed. It is kept.
    #[serde(default = "yes")]
    pub stop: bool,
}

/// How the replication back is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwitchBack {
    /// The identifier of its task. The number of the switch is added to it: another switch begins at another place, which
    /// is another task.
    pub identifier: String,
    /// The instance that it runs on.
    pub instance_arn: Output<String>,
    /// An endpoint of type source at the target's database.
    pub source_endpoint_arn: Output<String>,
    /// An endpoint of type target at the source's database.
    pub target_endpoint_arn: Output<String>,
    /// How long to wait until it has caught up, before a person is called (CUT-312). Payments are not affected.
    #[serde(default = "a_quarter")]
    pub limit: String,
    /// Tags of the task, besides those of the provider.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

fn three() -> u32 {
    3
}

fn two_seconds() -> String {
    "2s".to_owned()
}

fn twenty_seconds() -> String {
    "20s".to_owned()
}

fn half_a_minute() -> String {
    "30s".to_owned()
}

fn a_quarter() -> String {
    "15m".to_owned()
}
