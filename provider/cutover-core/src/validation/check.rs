//! Refuses a wish that cannot be kept, with every problem at once and before a database is met.

mod queries;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::scope::Pattern;
use super::side::Side;
use super::spec::{Checks, Follow, Limits, RowCheck, Settling, Spec};

/// Something wrong with a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub subject: Subject,
    /// A stable name of the kind of problem: `duplicate_pattern`.
    pub name: &'static str,
    /// Where it is, as a program writes it: `checks.rules[0].condition`.
    pub path: String,
    /// What it is, for people.
    pub message: String,
}

/// What a problem is about. The numbers are those of `docs/errors.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Tables, columns and keys: CUT-201.
    Tables,
    /// Limits: CUT-202.
    Limits,
    /// Rules, queries, sums and references: CUT-203.
    Rules,
}

impl Subject {
    /// Returns the number of its code.
    pub const fn code(self) -> u16 {
        match self {
            Self::Tables => 201,
            Self::Limits => 202,
            Self::Rules => 203,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, path, message) = (self.subject.code(), &self.path, &self.message);
        write!(f, "CUT-{code}: `{path}`: {message}")
    }
}

/// Finds everything in a wish that cannot be kept, in the order of the inputs. Paths are those of a program's inputs, where
/// names are written in camel case.
pub fn check(spec: &Spec) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    problems.scope(spec);
    problems.rows(spec);
    problems.queries(&spec.checks);
    problems.follow(&spec.follow);
    for side in Side::BOTH {
        problems.limits(side, spec.limits.get(side), &spec.follow);
    }
    problems.settling(&spec.settling, &spec.follow);
    problems.0
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(
        &mut self,
        subject: Subject,
        name: &'static str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.0.push(Problem {
            subject,
            name,
            path: path.into(),
            message: message.into(),
        });
    }

    fn tables(&mut self, name: &'static str, path: impl Into<String>, message: impl Into<String>) {
        self.add(Subject::Tables, name, path, message);
    }

    fn limit(&mut self, name: &'static str, path: impl Into<String>, message: impl Into<String>) {
        self.add(Subject::Limits, name, path, message);
    }

    fn scope(&mut self, spec: &Spec) {
        let scope = &spec.scope;
        self.patterns("tables", &scope.include);
        self.patterns("excludeTables", &scope.exclude);
        for (index, pattern) in scope.exclude.iter().enumerate() {
            if scope.include.contains(pattern) {
                let message = format!("`{pattern}` is both compared and left out");
                self.tables(
                    "contrary_pattern",
                    format!("excludeTables[{index}]"),
                    message,
                );
            }
        }
        let mut targets = BTreeSet::new();
        for (source, target) in &scope.schemas {
            let path = key("schemas", source);
            if target.is_empty() {
                self.tables("empty_schema", path, "a schema has a name");
            } else if !targets.insert(target) {
                let message = format!("another schema is called `{target}` on the target, too");
                self.tables("shared_schema", path, message);
            }
        }
        for (column, reason) in &scope.exclude_columns {
            let path = key("excludeColumns", column);
            let table = column.rsplit_once('.').map(|(table, _)| table);
            if table.and_then(Pattern::parse).is_none() || column.ends_with('.') {
                let message = format!("`{column}` is not `table.column` or `schema.table.column`");
                self.tables("malformed_column", path, message);
            } else if reason.trim().is_empty() {
                self.tables("missing_reason", path, "the report needs a reason");
            }
        }
        for (table, columns) in &scope.keys {
            self.key(table, columns);
        }
    }

    fn key(&mut self, table: &str, columns: &[String]) {
        let path = key("keys", table);
        if !is_one_table(table) {
            self.tables("malformed_table", path, no_table(table));
        } else if columns.is_empty() {
            self.tables("empty_key", path, "a key has a column at least");
        } else if let Some(twice) = first_twice(columns) {
            let message = format!("`{twice}` is in it twice");
            self.tables("repeated_column", path, message);
        }
    }

    fn patterns(&mut self, property: &str, patterns: &[String]) {
        let mut seen = BTreeSet::new();
        for (index, pattern) in patterns.iter().enumerate() {
            let path = format!("{property}[{index}]");
            if Pattern::parse(pattern).is_none() {
                let message = format!(
                    "`{pattern}` is not `table` or `schema.table`, where `*` stands for any letters"
                );
                self.tables("malformed_pattern", path, message);
            } else if !seen.insert(pattern) {
                let message = format!("`{pattern}` is there already");
                self.tables("duplicate_pattern", path, message);
            }
        }
    }

    fn rows(&mut self, spec: &Spec) {
        match spec.checks.rows {
            RowCheck::Sample { every } if every < 2 => self.limit(
                "sample_of_all",
                "checks.sampleEvery",
                "a sample takes one bucket in 2 at most; `full` takes all",
            ),
            RowCheck::Skip if asks_nothing(&spec.checks) => self.tables(
                "nothing_asked",
                "checks",
                "everything is switched off, so that there is nothing to be proven",
            ),
            _ => (),
        }
        if spec.since.is_some() && spec.checks.rows != RowCheck::Full {
            self.limit(
                "since_without_rows",
                "since",
                "what changed since a proof can only be read with `checks.rows` `full`",
            );
        }
    }

    fn follow(&mut self, follow: &Follow) {
        match follow {
            Follow::Marker { table } if table.trim().is_empty() => self.tables(
                "missing_marker_table",
                "follow.markerTable",
                "the table of markers has a name",
            ),
            Follow::Marker { table } if !is_one_table(table) => {
                self.tables("malformed_table", "follow.markerTable", no_table(table));
            }
            Follow::Delay { longest } if longest.is_zero() => self.limit(
                "no_delay",
                "follow.longest",
                "a delay is longer than nothing; without any, leave `follow` out",
            ),
            Follow::None | Follow::Native | Follow::Marker { .. } | Follow::Delay { .. } => (),
        }
    }

    fn limits(&mut self, side: Side, limits: &Limits, follow: &Follow) {
        let at = |property: &str| format!("limits.{side}.{property}");
        if limits.connections == 0 {
            let message = "nothing can be read without a connection";
            self.limit("no_connections", at("connections"), message);
        }
        if limits.unit_target.is_zero() {
            let message = "a statement takes some time";
            self.limit("no_unit_target", at("unitTarget"), message);
        }
        if limits.unit_limit < limits.unit_target {
            let message = "statements would be cancelled before they took as long as they should";
            self.limit("unit_limit_too_short", at("unitLimit"), message);
        }
        if limits.duty == 0 || limits.duty > 100 {
            let message = format!("{} is not a share of 1 to 100 percent", limits.duty);
            self.limit("impossible_duty", at("duty"), message);
        }
        if limits.max_active_sessions == Some(0) {
            let message = "reading would pause whenever anybody works; leave it out for any number";
            self.limit("no_sessions", at("maxActiveSessions"), message);
        }
        match (limits.max_lag, follow) {
            (Some(_), Follow::None) => {
                let message = "lag is measured only where `follow` says how the target follows";
                self.limit("lag_without_follow", at("maxLag"), message);
            }
            (Some(Duration::ZERO), _) => {
                let message = "every target lags a little, so that reading would never go on";
                self.limit("no_lag", at("maxLag"), message);
            }
            _ => (),
        }
    }

    fn settling(&mut self, settling: &Settling, follow: &Follow) {
        if settling.max_rounds == 0 {
            let message = "without a round no row that differs is read again";
            self.limit("no_rounds", "settling.maxRounds", message);
        }
        if settling.max_candidates == 0 {
            let message = "without a candidate no row that differs can be named";
            self.limit("no_candidates", "settling.maxCandidates", message);
        }
        if settling.max_wait.is_zero() && *follow != Follow::None {
            let message = "the target needs some time to have what the source had";
            self.limit("no_wait", "settling.maxWait", message);
        }
    }
}

/// Tells whether nothing besides rows is looked at.
fn asks_nothing(checks: &Checks) -> bool {
    !(checks.schema || checks.orphans || checks.declared_checks)
        && checks.sums.is_empty()
        && checks.rules.is_empty()
        && checks.invariants.is_empty()
        && checks.references.is_empty()
        && checks.preset.is_none()
}

/// Tells whether a text names one table, and not any that fit.
fn is_one_table(text: &str) -> bool {
    !text.contains('*') && Pattern::parse(text).is_some()
}

fn no_table(text: &str) -> String {
    format!("`{text}` is not `table` or `schema.table`")
}

fn first_twice(texts: &[String]) -> Option<&String> {
    let mut seen = BTreeSet::new();
    texts.iter().find(|text| !seen.insert(*text))
}

/// Writes the path of an entry by its key.
fn key(property: &str, key: &str) -> String {
    format!("{property}[{key:?}]")
}

#[cfg(test)]
mod tests;
