//! What is wished: tables, checks, limits.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::Strategy;
use super::side::{Both, Side};

/// A checked wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// When in a migration this happens.
    pub mode: Mode,
    /// Which tables.
    pub scope: Scope,
    /// What is looked at.
    pub checks: Checks,
    /// How the target follows the source.
    pub follow: Follow,
    /// How hard each server may be worked.
    pub limits: Both<Limits>,
    /// When candidates are settled.
    pub settling: Settling,
    /// The strategy for all tables; `None` lets the planner choose for each.
    pub strategy: Option<Strategy>,
    /// Whether TLS must be in force on both sides.
    pub require_tls: bool,
    /// How keys of rows are shown in the report.
    pub keys: KeysShown,
    /// How many keys of each kind are shown for a table, 100 unless said otherwise.
    pub max_keys: usize,
    /// What was proven before, where only what changed since is to be read.
    pub since: Option<Proof>,
    /// Where every run differs; given from outside, since decisions have no chance of their own.
    pub seed: u64,
}

/// When in a migration a validation happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Before the switch: replication runs, and the source is written to.
    PreMigration,
    /// Within the write pause: nobody writes, and time is short.
    Final,
    /// After the switch: the same, with the reverse replication running.
    PostMigration,
}

/// Which tables are compared; by default all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Tables by their names on the source, `schema.table`, with `*` for any rest of a part. Without a dot: in every
    /// schema that is compared, which is each of a PostgreSQL database, and with MySQL the database that was connected to and
    /// those that are named here or in `schemas`. Empty: all.
    pub include: Vec<String>,
    /// Those of them that are left out.
    pub exclude: Vec<String>,
    /// What a schema (a database with MySQL) of the source is called on the target. Others keep their name, but for the
    /// default schema of one engine, which stands for that of the other.
    pub schemas: BTreeMap<String, String>,
    /// Columns that are left out, `schema.table.column` or `table.column`, with the reason.
    pub exclude_columns: BTreeMap<String, String>,
    /// The columns that tell rows of a table apart, where it has no primary key, by the table's name.
    pub keys: BTreeMap<String, Vec<String>>,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// Rows.
    pub rows: RowCheck,
    /// Whether schemas are compared.
    pub schema: bool,
    /// Whether rows that refer to nothing are looked for.
    pub orphans: bool,
    /// Whether rows are held against the checks that either side declares.
    pub declared_checks: bool,
    /// Sums and latest values.
    pub sums: Vec<Sums>,
    /// Conditions that no row may fulfil.
    pub rules: Vec<Rule>,
    /// Queries with one value each.
    pub invariants: Vec<Invariant>,
    /// Foreign keys that no side declares.
    pub references: Vec<Reference>,
    /// A ready set of checks besides these, as much of it as the tables and columns that are there allow.
    pub preset: Option<Preset>,
}

/// A ready set of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Preset {
    /// What holds in any payment system: see [`super::preset`].
    Payments,
}

/// How rows are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RowCheck {
    /// All of them, all columns.
    Full,
    /// One bucket in so many: a quick look that can find differences and proves nothing.
    Sample {
        /// One in this many; at least 2.
        every: u32,
    },
    /// Only their number, exactly.
    Count,
    /// Not at all.
    Skip,
}

/// Sums and latest values of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// The table, by its name on the source.
    pub table: String,
    /// Columns that groups share, such as `currency`.
    pub group_by: Vec<String>,
    /// Columns that are summed, such as `amount`.
    pub sums: Vec<String>,
    /// Columns whose latest value is looked for, such as `created_at`.
    pub latest: Vec<String>,
}

/// A condition that no row may fulfil.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name, for the report.
    pub name: String,
    /// The table, by its name on the source; needed with `condition`.
    pub table: Option<String>,
    /// A condition in SQL that is true for rows that are wrong.
    pub condition: Option<String>,
    /// A query in SQL that returns the keys of rows that are wrong. Either this or `condition`.
    pub query: Option<String>,
    /// The query for the target, where its SQL is another.
    pub target_query: Option<String>,
}

/// A query with one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invariant {
    /// Its name, for the report.
    pub name: String,
    /// The query in SQL.
    pub query: String,
    /// The query for the target, where its SQL is another.
    pub target_query: Option<String>,
    /// What it must be.
    pub expect: Expectation,
}

/// What the value of an invariant must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Expectation {
    /// The same on both sides.
    Equal,
    /// This text on both sides.
    Value(String),
}

/// A foreign key that no side declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The table that refers, by its name on the source.
    pub table: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The table that is referred to.
    pub referred: String,
    /// Its columns, in the same order.
    pub referred_columns: Vec<String>,
}

/// How the target follows the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Follow {
    /// It does not: both stand still, or differences are real.
    None,
    /// By the databases' own replication; positions are compared.
    Native,
    /// By something that carries this table too, into which we write a row on the source and wait for it on the target.
    Marker {
        /// The table on the source: `cutover_control.marker`.
        table: String,
    },
    /// By something that is never further behind than this.
    Delay {
        /// The longest lag.
        longest: Duration,
    },
}

/// How hard a server may be worked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Connections that read at a time, at least 1. 2 on the source and 4 on the target unless said otherwise.
    pub connections: u32,
    /// How long one statement of a pass should take; its piece of the table grows and shrinks for it. 0.7 s.
    pub unit_target: Duration,
    /// After how long a statement is cancelled, and its piece halved. 30 s.
    pub unit_limit: Duration,
    /// The share of its time that a connection reads, in percent; 1 to 100. 50 on the source and 100 on the target.
    pub duty: u8,
    /// How many sessions may be at work on the server besides ours before we pause; `None` for any.
    pub max_active_sessions: Option<u32>,
    /// How far the target may lag before we pause.
    pub max_lag: Option<Duration>,
}

/// When candidates are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settling {
    /// After so many rounds what still changes is *hot*; 12.
    pub max_rounds: u32,
    /// So many hot keys leave a verdict possible; 1,000.
    pub max_hot: usize,
    /// How many candidates are followed to the end; of more, this many are. 100,000.
    pub max_candidates: usize,
    /// How long to wait for the target to have what the source had, for each round. 5 min.
    pub max_wait: Duration,
}

/// How keys of rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeysShown {
    /// As they are.
    Plain,
    /// Hashed with the report's own salt: equal keys can be told, and nothing else.
    Hashed,
    /// Not at all.
    None,
}

impl Spec {
    /// Wishes what is done unless something else is said: all rows and schemas before the switch, of two sides that stand
    /// still.
    pub fn new(seed: u64) -> Self {
        Self {
            mode: Mode::PreMigration,
            scope: Scope::default(),
            checks: Checks::default(),
            follow: Follow::None,
            limits: Both::of(Limits::of),
            settling: Settling::default(),
            strategy: None,
            require_tls: true,
            keys: KeysShown::Plain,
            max_keys: 100,
            since: None,
            seed,
        }
    }
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            schema: true,
            orphans: true,
            declared_checks: true,
            ..Self::rows(RowCheck::Full)
        }
    }
}

impl Checks {
    /// Looks at rows in this way, and at nothing else.
    pub fn rows(rows: RowCheck) -> Self {
        Self {
            rows,
            schema: false,
            orphans: false,
            declared_checks: false,
            sums: Vec::new(),
            rules: Vec::new(),
            invariants: Vec::new(),
            references: Vec::new(),
            preset: None,
        }
    }
}

impl Limits {
    /// Returns the limits of a side unless something else is said: a source is at work, and a target is not yet.
    pub fn of(side: Side) -> Self {
        let (connections, duty) = match side {
            Side::Source => (2, 50),
            Side::Target => (4, 100),
        };
        Self {
            connections,
            unit_target: Duration::from_millis(700),
            unit_limit: Duration::from_secs(30),
            duty,
            max_active_sessions: None,
            max_lag: None,
        }
    }
}

impl Default for Settling {
    fn default() -> Self {
        Self {
            max_rounds: 12,
            max_hot: 1_000,
            max_candidates: 100_000,
            max_wait: Duration::from_mins(5),
        }
    }
}

/// What a run has proven, for a later one that reads only what changed since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The servers' identities, so that it is not used for others.
    pub identities: Both<String>,
    /// When it began, in milliseconds since 1970.
    pub began_at: i64,
    /// For each table, by its label, from where rows count as changed.
    pub horizons: BTreeMap<String, Both<Option<super::facts::Horizon>>>,
    /// For each table, keys that were still changing.
    pub hot: BTreeMap<String, Vec<super::digest::Key>>,
    /// A digest of both schemas, so that it is void after a change.
    pub schemas: Both<String>,
}
