//! What the program passes in.

mod parts;

use std::collections::BTreeMap;

use pulumi_value::Output;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data_validation::ValidationConnection;
use crate::migration::{ApplyUsers, control_schema};
pub use parts::{SwitchBack, SwitchCheck, SwitchDrain, SwitchPause, SwitchSetting};

/// Moves the one writer of a payment system from one database to another that follows it, and back without losing a row.
///
/// Both databases carry a fence: triggers that refuse what applications write, and let replication through. The side that
/// writes is closed for a limited time; everything that it has written is awaited on the other side by a marker; both are
/// compared once more; the other side's place in its log is noted, from which replication back misses nothing; then the
/// other side is opened in one transaction, which is the moment at which the writer changes. Before it every failure
/// opens the former writer again, which it also does by itself when the program dies. After it everything goes forward.
///
/// A preview prints the plan, each step with who waits for what at most and with its way back, and reaches neither
/// database. `writer: "source"` after a switch is the rollback: the same steps the other way round, through the
/// replication back.
///
/// An update that did not come to its end says why: something stood in the way (CUT-310), it was called off (CUT-311),
/// the writer has changed and something is left to do (CUT-312), or the databases contradict each other, which a person
/// must resolve (CUT-399). The next `pulumi up` goes on from there. A refresh looks at both databases; one that cannot be
/// reached keeps what was known. Deleting the resource before a switch removes what is ours from both databases; after one
/// it is refused (CUT-316) unless `onDelete` says otherwise or the migration is finalized.
///
/// An update may take an hour unless `customTimeouts` says otherwise. An interruption before the writer has changed calls
/// the switch off. A switch cannot be imported. Durations are texts such as `2s` or `1h30m`. Docs:
/// `docs/migration-cutover.md`; codes: `docs/errors.md`.
///
/// Needs of `dms` what `Replication` needs, and for `back` `CreateReplicationTask`, `DeleteReplicationTask`,
/// `DescribeEndpoints`, `ModifyEndpoint` and `AddTagsToResource`; for `setting` `ssm:GetParameter` and
/// `ssm:PutParameter`, or `secretsmanager:GetSecretValue` and `secretsmanager:PutSecretValue`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriterSwitchArgs {
    /// The migration's name, which both control schemas, slots and locks bear: lower-case letters, digits and `_`, at most
    /// 30. It cannot change once there is a control schema.
    pub migration: String,
    /// The database that writes at first. The user needs the rights that `docs/migration-cutover.md` lists.
    pub source: ValidationConnection,
    /// The database that follows it. The same rights.
    pub target: ValidationConnection,
    /// The tables that are fenced, by their names on the source: `schema.table` (`database.table` with MySQL). All that
    /// applications write to, and all that are replicated.
    #[schemars(length(min = 1))]
    pub tables: Vec<String>,
    /// What schemas of the source (databases with MySQL) are called on the target. Others keep their name, but for the
    /// default schema of one engine, which stands for that of the other.
    #[serde(default)]
    pub schemas: BTreeMap<String, String>,
    /// The schema (database with MySQL) for cutover's own tables.
    #[serde(default = "control_schema")]
    pub control_schema: String,
    /// Users by whom replication applies, whom the fence lets through. One that applies with
    /// `session_replication_role = replica` passes anyway.
    pub apply_users: Option<ApplyUsers>,
    /// What the slot on PostgreSQL speaks, from which replication back reads.
    #[serde(default)]
    pub slot_plugin: SlotPlugin,
    /// Who shall write.
    #[serde(default)]
    pub writer: SwitchWriter,
    /// Whether old and new system both write to whichever database is the writer, so that traffic may go to either. By
    /// default they do when there is a `setting`; else old is taken to write to the source only, and new to the target.
    pub shared_writer: Option<bool>,
    /// How long applications may be refused.
    pub pause: Option<SwitchPause>,
    /// Above which lag nothing is begun: how long a marker may take to arrive just before the fence.
    #[serde(default = "ten_seconds")]
    pub max_lag: String,
    /// Above which age an open transaction keeps the fence away.
    #[serde(default = "ten_seconds")]
    pub max_transaction_age: String,
    /// By how much sequences and `AUTO_INCREMENT` of the new writer jump over everything that either side has given.
    #[serde(default = "ten_thousand")]
    pub identity_gap: u32,
    /// The comparison within the pause, on the way to the target. By default everything is compared that the time allows.
    pub check: Option<SwitchCheck>,
    /// Where services read which database to write to.
    pub setting: Option<SwitchSetting>,
    /// The replication from source to target, which everything drains through.
    pub drain: Option<SwitchDrain>,
    /// The replication from target to source, which is made and started after the switch. Without it a rollback needs one
    /// that somebody else starts from the output `position`.
    pub back: Option<SwitchBack>,
    /// Whether the switch may take place, such as by what a person has agreed to, or by how far a shift of traffic is. While
    /// it is `false` the resource waits before the switch, with everything as it was.
    pub approved: Option<Output<bool>>,
    /// What deleting the resource does after a switch.
    #[serde(default)]
    pub on_delete: OnSwitchDelete,
    /// Whatever is to make it look again, and go on where it was, when it changes.
    #[serde(default)]
    pub triggers: BTreeMap<String, Output<String>>,
}

/// A side that shall write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SwitchWriter {
    /// The source: as before the switch, or back to it.
    Source,
    /// The target.
    #[default]
    Target,
}

/// What a slot speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SlotPlugin {
    /// `test_decoding`, which is always there, and which DMS reads.
    #[default]
    TestDecoding,
    /// `pglogical`, which DMS reads as well.
    Pglogical,
    /// `pgoutput`, which subscriptions of PostgreSQL read.
    Pgoutput,
}

/// What deleting a switch that has taken place does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnSwitchDelete {
    /// It is refused (CUT-316).
    #[default]
    Refuse,
    /// It forgets the switch. Fences, control schemas and replication stay as they are.
    Keep,
}

fn ten_seconds() -> String {
    "10s".to_owned()
}

fn ten_thousand() -> u32 {
    10_000
}
