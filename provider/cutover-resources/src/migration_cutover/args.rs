//! What the program passes in.

mod parts;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data_validation::ValidationConnection;
use crate::migration::{ApplyUsers, control_schema};
use crate::weighted_shift::WeightedShiftArgs;
pub use parts::{MigrationFinalize, MigrationReplication, MigrationSwitch, MigrationValidation};

/// Moves a live payment database to another one, together with the traffic, towards a goal that the program raises step by
/// step: `replicating`, `validated`, `switched`, `finalized`; or `rolledBack`.
///
/// It is made of a `Replication`, a `DataValidation` before the switch, a `WriterSwitch`, a `WeightedShift` of the traffic
/// if there is one, a `DataValidation` after the switch, with source and target exchanged, and a `Finalization`. There are
/// only those that the goal needs, and each begins when the one before has done what it was asked for. At every moment one
/// database at most takes writes, whatever clients believe. In which order writer and traffic move is the `placement`.
///
/// `rolledBack` moves the writer back without losing a row, sends traffic back to old, and stops the replication. To come
/// back from there a replication must begin anew where the source was at the rollback: a task for changes only, with the
/// output `position` as its start.
///
/// Lowering the goal below `switched` after the switch is refused (CUT-316). What each child needs and may cost is in its
/// own description; `customTimeouts` are passed on to all of them. Objects that are inputs here must be known in a preview,
/// what they hold may be unknown. Docs: `docs/migration-cutover.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrationCutoverArgs {
    /// The migration's name, which control schemas, slots and locks bear: lower-case letters, digits and `_`, at most 30.
    pub migration: String,
    /// How far it shall go.
    #[schemars(extend("pulumi:plain" = true))]
    pub goal: MigrationGoal,
    /// In which order writer and traffic move.
    #[serde(default)]
    #[schemars(extend("pulumi:plain" = true))]
    pub placement: WriterPlacement,
    /// The database that writes at first. The user needs the rights that `docs/migration-cutover.md` lists.
    pub source: ValidationConnection,
    /// The database that shall write. The same rights.
    pub target: ValidationConnection,
    /// The tables that are migrated, fenced and compared, by their names on the source: `schema.table` (`database.table`
    /// with MySQL).
    #[schemars(length(min = 1))]
    pub tables: Vec<String>,
    /// What schemas of the source (databases with MySQL) are called on the target. Others keep their name, but for the
    /// default schema of one engine, which stands for that of the other.
    #[serde(default)]
    pub schemas: BTreeMap<String, String>,
    /// Users by whom replication applies, whom the fence lets through.
    pub apply_users: Option<ApplyUsers>,
    /// The schema (database with MySQL) for cutover's own tables. The replication must carry its `marker_forward`.
    #[serde(default = "control_schema")]
    pub control_schema: String,
    /// The replication from source to target.
    pub replication: MigrationReplication,
    /// How both databases are compared. By default everything is.
    pub validation: Option<MigrationValidation>,
    /// How the writer is switched.
    pub switch: Option<MigrationSwitch>,
    /// How traffic is shifted. Without it traffic is somebody else's. Its `writePolicy` and, for `rolledBack`, its
    /// `desired` are set by the migration.
    pub shift: Option<WeightedShiftArgs>,
    /// What happens at the end.
    pub finalize: Option<MigrationFinalize>,
}

/// How far a migration shall go.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum MigrationGoal {
    /// The target follows the source closely, and is closed to applications.
    Replicating,
    /// And is proven to be equal.
    Validated,
    /// And is the writer, with traffic on new.
    Switched,
    /// And there is no way back any more.
    Finalized,
    /// The source is the writer, with traffic on old.
    RolledBack,
}

/// In which order writer and traffic move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WriterPlacement {
    /// Old and new share the writer. Traffic moves first, with new writing to the source; once all of it is on new the
    /// writer is switched. Going back costs no data at any share. Needs a path from new to the source.
    #[default]
    SharedWriter,
    /// Old and new share the writer. The writer is switched first, with old writing to the target; then traffic moves. Needs
    /// a path from old to the target.
    SharedWriterFirst,
    /// Old writes to the source only, and new to the target only. The writer is switched, then traffic moves, best in one
    /// step: what reaches old in between is refused.
    DrainAndSwitch,
    /// Both sides write, each for its own customers. Refused (CUT-301): nothing could prevent, and nothing could mend, a row
    /// that was written on both.
    PartitionedWriters,
}
