//! What the program passes in.

mod checks;
mod connection;
mod pace;

use std::collections::BTreeMap;

use pulumi_value::{Output, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use checks::{
    ValidationChecks, ValidationInvariant, ValidationPreset, ValidationReference, ValidationRows,
    ValidationRule, ValidationSums,
};
pub use connection::{ValidationConnection, ValidationEngine, ValidationTls, ValidationTlsMode};
pub use pace::{
    FollowMode, ValidationFollow, ValidationLimits, ValidationSettling, ValidationSideLimits,
};

/// Compares two live databases until they are proven equal, or proven different: PostgreSQL 14 and later, MySQL 8,
/// Aurora and MariaDB 10.11 and later, of one engine or across engines.
///
/// Each side is read once; only what differs is looked into, down to rows and columns. Where the source is written to
/// and the target follows it (`follow`), rows that differ are read again until the target has had everything that the
/// source had, so that a row that is merely late raises no alarm.
///
/// A verdict of `mismatched` fails the update with tables, counts and first keys (CUT-230), and so does `inconclusive`
/// (CUT-231) unless `allowInconclusive` is set. The report is in the outputs either way, and the next `pulumi up` looks
/// again. A verdict of `matched` stands until an input or one of the `triggers` changes: it is a fact about the past,
/// which a refresh does not look at again. Nothing is ever written to either database, but for one row of a marker
/// table if `follow` says so.
///
/// A preview reaches neither database: it says what would be read. An update may take two hours unless `customTimeouts`
/// says otherwise. An interruption ends it within seconds; with a `reportFile` the next run goes on from there.
///
/// Durations are texts such as `700ms`, `30s` or `1h30m`. A validation cannot be imported. It names tables, columns and,
/// if so wished, keys of rows, never a value of a row. Docs: `docs/data-validation.md`; codes: `docs/errors.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataValidationArgs {
    /// The database that rows come from.
    pub source: ValidationConnection,
    /// The database that rows go to.
    pub target: ValidationConnection,
    /// When in a migration this happens.
    #[serde(default)]
    pub mode: ValidationMode,
    /// Tables by their names on the source, `schema.table` (`database.table` with MySQL), with `*` for any rest of a part.
    /// Without a dot: in every schema that is compared, which is each of a PostgreSQL database, and with MySQL the database
    /// that is connected to and those that are named here or in `schemas`. By default all.
    #[serde(default)]
    pub tables: Vec<String>,
    /// Those of them that are left out.
    #[serde(default)]
    pub exclude_tables: Vec<String>,
    /// What schemas of the source (databases with MySQL) are called on the target. Others keep their name, but for the
    /// default schema of one engine, which stands for that of the other.
    #[serde(default)]
    pub schemas: BTreeMap<String, String>,
    /// Columns that are left out, `schema.table.column` or `table.column`, each with the reason, which the report repeats.
    #[serde(default)]
    pub exclude_columns: BTreeMap<String, String>,
    /// The columns that tell rows of a table apart, by the table's name, where it has no primary key.
    #[serde(default)]
    pub keys: BTreeMap<String, Vec<String>>,
    /// What is looked at.
    pub checks: Option<ValidationChecks>,
    /// How the target follows the source. By default it does not: both stand still, or every difference counts.
    pub follow: Option<ValidationFollow>,
    /// How hard each server may be worked.
    pub limits: Option<ValidationLimits>,
    /// When rows that differ are settled.
    pub settling: Option<ValidationSettling>,
    /// How rows are hashed. By default the strategies that are possible are timed on each table, and the fastest is used.
    pub strategy: Option<ValidationStrategy>,
    /// How keys of rows are shown in outputs, errors and the report.
    #[serde(default)]
    pub keys_shown: KeysShown,
    /// How many keys of each kind are shown for a table.
    #[serde(default = "a_hundred")]
    #[schemars(range(min = 0, max = 10_000))]
    pub max_keys: u32,
    /// What an earlier run has proven: its output `proofState`. Only what changed since is read then, where the engines can
    /// tell; of others everything is read.
    pub since: Option<Output<Secret<String>>>,
    /// Whatever is to make it run again when it changes, such as a date or the number of a deployment.
    #[serde(default)]
    pub triggers: BTreeMap<String, Output<String>>,
    /// Where the report is written, besides the outputs: as a page for people where the name ends in `.html`, else as
    /// JSON. While a run is interrupted, its progress is kept beside it, under the same name with `.progress`.
    pub report_file: Option<String>,
    /// Whether a verdict of `inconclusive` passes (CUT-231).
    #[serde(default)]
    pub allow_inconclusive: bool,
}

/// When in a migration a validation happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValidationMode {
    /// Before the switch: replication runs, and the source is written to.
    #[default]
    PreMigration,
    /// Within the write pause: nobody writes, and time is short.
    Final,
    /// After the switch: the same, with the reverse replication running.
    PostMigration,
}

/// How rows are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValidationStrategy {
    /// In the servers, by PostgreSQL's own hash of records. Both sides PostgreSQL 14 or later.
    RecordHash,
    /// Here, of rows that are read in binary: needs the bandwidth of all rows.
    Stream,
    /// In the servers, by SHA-256 of canonical text.
    TextDigest,
}

/// How keys of rows are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum KeysShown {
    /// As they are.
    #[default]
    Plain,
    /// Hashed with the report's own salt: equal keys can be told, and nothing else.
    Hashed,
    /// Not at all.
    None,
}

fn a_hundred() -> u32 {
    100
}
