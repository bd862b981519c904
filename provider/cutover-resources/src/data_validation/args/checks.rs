//! What is looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is looked at. By default all rows, schemas, orphans and declared checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationChecks {
    /// How rows are compared.
    #[serde(default)]
    pub rows: ValidationRows,
    /// With `rows` at `sample`: one row in so many is read.
    #[serde(default = "sixteen")]
    #[schemars(range(min = 2))]
    pub sample_every: u32,
    /// Whether schemas are compared: tables, columns, keys, indexes, checks, triggers, sequences.
    #[serde(default = "yes")]
    pub schema: bool,
    /// Whether rows that refer to nothing are looked for, by the foreign keys that either side declares.
    #[serde(default = "yes")]
    pub orphans: bool,
    /// Whether rows are held against the CHECK constraints that either side declares.
    #[serde(default = "yes")]
    pub declared_checks: bool,
    /// Sums and latest values that must be equal.
    #[serde(default)]
    pub sums: Vec<ValidationSums>,
    /// Conditions that no row may fulfil.
    #[serde(default)]
    pub rules: Vec<ValidationRule>,
    /// Queries with one value each.
    #[serde(default)]
    pub invariants: Vec<ValidationInvariant>,
    /// Foreign keys that no side declares.
    #[serde(default)]
    pub references: Vec<ValidationReference>,
    /// Sums, rules and references of a kind of application, besides those above.
    pub preset: Option<ValidationPreset>,
}

impl Default for ValidationChecks {
    fn default() -> Self {
        Self {
            rows: ValidationRows::default(),
            sample_every: sixteen(),
            schema: true,
            orphans: true,
            declared_checks: true,
            sums: Vec::new(),
            rules: Vec::new(),
            invariants: Vec::new(),
            references: Vec::new(),
            preset: None,
        }
    }
}

/// How rows are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValidationRows {
    /// All of them, all columns.
    #[default]
    Full,
    /// Some of them: a quick look that can find differences and proves nothing.
    Sample,
    /// Only their number, exactly.
    Count,
    /// Not at all.
    Skip,
}

/// Sums and latest values of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationSums {
    /// The table, by its name on the source.
    pub table: String,
    /// Columns that groups share, such as `currency`.
    #[serde(default)]
    pub group_by: Vec<String>,
    /// Columns that are summed, such as `amount`.
    #[serde(default)]
    pub sums: Vec<String>,
    /// Columns whose latest value is compared, such as `created_at`.
    #[serde(default)]
    pub latest: Vec<String>,
}

/// A condition that no row may fulfil. Either `condition`, with `table`, or `query`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationRule {
    /// Its name, for the report.
    pub name: String,
    /// The table, by its name on the source.
    pub table: Option<String>,
    /// A condition in SQL that is true for rows that are wrong: `amount < 0`.
    pub condition: Option<String>,
    /// A query in SQL that returns the keys of rows that are wrong, in its first column.
    pub query: Option<String>,
    /// The query for the target, where its SQL is another.
    pub target_query: Option<String>,
}

/// A query with one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationInvariant {
    /// Its name, for the report, which does not tell the value.
    pub name: String,
    /// The query in SQL, which gives one row with one column.
    pub query: String,
    /// The query for the target, where its SQL is another.
    pub target_query: Option<String>,
    /// What the value must be on both sides, as text. Without it both sides must give the same.
    pub expect: Option<String>,
}

/// A foreign key that no side declares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationReference {
    /// The table that refers, by its name on the source.
    pub table: String,
    /// Its columns.
    #[schemars(length(min = 1))]
    pub columns: Vec<String>,
    /// The table that is referred to.
    pub referred: String,
    /// Its columns, in the same order.
    #[schemars(length(min = 1))]
    pub referred_columns: Vec<String>,
}

/// A kind of application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValidationPreset {
    /// Payments, transactions, customers and an audit log.
    Payments,
}

fn yes() -> bool {
    true
}

fn sixteen() -> u32 {
    16
}
