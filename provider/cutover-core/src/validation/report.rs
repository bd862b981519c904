//! What came of it all, and the verdict.
//!
//! The report is what an auditor keeps. It names tables, columns and, if so wished, keys of rows; never a value of a row.

use serde::{Deserialize, Serialize};

use super::catalog::Server;
use super::facts::{Figures, Position, Work};
use super::plan::{Excluded, Strategy};
use super::side::{Both, Side};
use super::spec::Mode;

/// The version of the report's form; it rises when a reader of the former one could go wrong.
pub const VERSION: u32 = 1;

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was asked for was looked at, and is as it should be.
    Matched,
    /// It could not be told.
    Inconclusive,
    /// Something is proven to be different or wrong.
    Mismatched,
}

/// What kind of proof stands behind *matched*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    /// Every row of both sides was read.
    Full,
    /// What changed since a full proof was read, and every key.
    Delta,
    /// Only a part was read.
    Sample,
    /// Rows were counted.
    Count,
    /// Rows were not looked at.
    None,
}

/// The report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The version of this form, [`VERSION`].
    pub version: u32,
    /// The version of the software that wrote it.
    pub tool: String,
    /// When in the migration it was made.
    pub mode: Mode,
    /// The verdict over everything.
    pub verdict: Verdict,
    /// The proof behind it.
    pub proof: ProofKind,
    /// Why the verdict is not *matched*, the worst first, a sentence each.
    pub reasons: Vec<String>,
    /// When it began, in UTC: `2026-01-01T10:05:00Z`.
    pub began_at: String,
    /// When it ended.
    pub ended_at: String,
    /// How long it took.
    pub seconds: f64,
    /// Both servers.
    pub servers: Both<Server>,
    /// How far the source was at the last settlement.
    pub position: Option<Position>,
    /// Rows.
    pub data_validation: DataSection,
    /// Schemas.
    pub schema_validation: SchemaSection,
    /// Rows that refer to nothing.
    pub orphaned_records: RuleSection,
    /// Rows that break a rule.
    pub invalid_records: RuleSection,
    /// Queries with one value.
    pub invariants: InvariantSection,
    /// TLS.
    pub tls: TlsSection,
    /// What was read, of both sides.
    pub work: Both<Work>,
}

/// What was found about rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataSection {
    /// Whether the rows of all tables are proven equal.
    pub is_valid: bool,
    /// The tables, in the order of their labels.
    pub tables: Vec<TableReport>,
}

/// What was found about the rows of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableReport {
    /// Its label.
    pub table: String,
    /// Its names on both sides.
    pub names: Both<String>,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why that is not *matched*.
    pub reasons: Vec<String>,
    /// How rows were hashed.
    pub strategy: Option<Strategy>,
    /// Why it was chosen: the forecast of each strategy that could be.
    pub strategy_reason: String,
    /// Columns of the key; empty where equal rows were counted.
    pub key: Vec<String>,
    /// Columns that were compared.
    pub columns: Vec<String>,
    /// Columns that were not.
    pub excluded: Vec<Excluded>,
    /// Rows, as counted in the pass (or by one statement where there was none).
    pub rows: Both<u64>,
    /// How many buckets there were.
    pub buckets: u32,
    /// How many of them differed at first.
    pub differing_buckets: u64,
    /// A digest over all buckets of each side, in hexadecimal.
    pub digests: Both<String>,
    /// How many keys were candidates.
    pub candidates: u64,
    /// How many of them became equal.
    pub converged: u64,
    /// In how many rounds.
    pub rounds: u32,
    /// What differs for certain.
    pub differences: Differences,
    /// Keys that changed in every round.
    pub hot: u64,
    /// Sums and latest values.
    pub sums: Vec<SumReport>,
    /// What reading it took.
    pub work: Both<Work>,
}

/// What differs for certain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differences {
    /// Rows of the source that are not on the target.
    pub missing: u64,
    /// Rows of the target that are not on the source.
    pub extra: u64,
    /// Rows whose columns differ.
    pub different: u64,
    /// Whether there are more than were counted.
    pub at_least: bool,
    /// The first of them, up to the limit for each kind.
    pub rows: Vec<RowDifference>,
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowDifference {
    /// How.
    pub kind: RowDifferenceKind,
    /// Its key, as far as keys are shown.
    pub key: Option<String>,
    /// The columns that differ, by their names on the source.
    pub columns: Vec<String>,
    /// How many rows are equal to it on each side, where there is no key.
    pub copies: Option<Both<u64>>,
}

/// How a row differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowDifferenceKind {
    /// On the source only.
    Missing,
    /// On the target only.
    Extra,
    /// On both, with other values.
    Different,
}

/// Sums and latest values of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SumReport {
    /// What the rows share, `currency=EUR`; empty for all rows.
    pub group: String,
    /// The names of the sums and latest values, in the order of the figures.
    pub of: Vec<String>,
    /// The figures; `None` where a side has no such group.
    pub figures: Both<Option<Figures>>,
    /// Whether they are equal.
    pub equal: bool,
    /// Whether they changed each time that they were read, so that it cannot be told.
    #[serde(default)]
    pub moving: bool,
}

/// What was found about schemas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaSection {
    /// Whether nothing was found that blocks.
    pub is_valid: bool,
    /// What was found, the worst first.
    pub findings: Vec<SchemaFinding>,
}

/// A difference between schemas.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SchemaFinding {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name of the kind of finding: `missing_table`, `narrower_type`.
    pub kind: String,
    /// Where: `public.payments.amount`.
    pub place: String,
    /// What, in a sentence.
    pub text: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The migration would lose or refuse data.
    Blocks,
    /// Something will be slower, or behave differently.
    Warns,
    /// Worth knowing.
    Informs,
}

/// What was found by rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSection {
    /// Whether no row of the target breaks a rule.
    pub is_valid: bool,
    /// How many rows of the target do.
    pub count: u64,
    /// The rules that were looked at.
    pub rules: Vec<RuleReport>,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleReport {
    /// Its name.
    pub rule: String,
    /// The table, where it belongs to one.
    pub table: Option<String>,
    /// Rows that break it, by side; `None` where that side was not asked.
    pub count: Both<Option<u64>>,
    /// The keys of some of them on the target, as far as keys are shown.
    pub keys: Vec<String>,
    /// Whether as many rows of the source break it, so that the migration is not to blame.
    pub inherited: bool,
    /// Why it could not be looked at.
    pub failed: Option<String>,
}

/// What queries with one value gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvariantSection {
    /// Whether all hold.
    pub is_valid: bool,
    /// Each of them.
    pub invariants: Vec<InvariantReport>,
}

/// What an invariant gave. Its values are not told: they may be anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvariantReport {
    /// Its name.
    pub name: String,
    /// Whether it holds; `None` if it could not be asked.
    pub holds: Option<bool>,
    /// Why it could not.
    pub failed: Option<String>,
}

/// TLS of both connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSection {
    /// Whether TLS with a verified certificate is in force on both sides, or was not asked for.
    pub is_valid: bool,
    /// The sides where it is not in force.
    pub without: Vec<Side>,
}
