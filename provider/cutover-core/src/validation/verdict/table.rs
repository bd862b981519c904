//! What was found about one table, and its verdict.

use std::sync::Arc;

use super::super::catalog::TableName;
use super::super::digest::Key;
use super::super::facts::{Horizon, Work};
use super::super::plan::{KeyPlan, Method, TablePlan};
use super::super::report::{
    Differences, ProofKind, RowDifference, RowDifferenceKind, SumReport, TableReport, Verdict,
};
use super::super::settle::{Confirmed, Print};
use super::super::shown::shown;
use super::super::side::Both;
use super::super::spec::Spec;
use super::{rows_of, stands_still};

/// What was found about a table so far.
#[derive(Clone, Debug, PartialEq)]
pub struct TableFound {
    /// How it is compared.
    pub plan: Arc<TablePlan>,
    /// How its rows are read, once that is decided.
    pub method: Option<Method>,
    /// Why so.
    pub strategy_reason: String,
    /// What kind of proof it will be.
    pub proof: ProofKind,
    /// Rows, as counted.
    pub rows: Both<u64>,
    /// How many buckets differed at first.
    pub differing_buckets: u64,
    /// A digest over all buckets.
    pub digests: Both<String>,
    /// How many keys were candidates.
    pub candidates: u64,
    /// How many of them became equal.
    pub converged: u64,
    /// In how many rounds.
    pub rounds: u32,
    /// Rows that differ for certain.
    pub confirmed: Vec<Confirmed<Key>>,
    /// Whether there are more differences than were followed.
    pub at_least: bool,
    /// Keys that changed in every round.
    pub hot: Vec<Key>,
    /// How many rows each side has, where that differs for certain and rows were not compared.
    pub uneven: Option<Both<u64>>,
    /// What is wrong besides rows, a sentence each.
    pub wrongs: Vec<String>,
    /// What could not be told, a sentence each.
    pub gaps: Vec<String>,
    /// Sums and latest values.
    pub sums: Vec<SumReport>,
    /// What reading took.
    pub work: Both<Work>,
    /// From where rows count as changed.
    pub horizons: Both<Option<Horizon>>,
}

impl TableFound {
    /// Begins with nothing found.
    pub fn new(plan: Arc<TablePlan>, proof: ProofKind) -> Self {
        Self {
            plan,
            method: None,
            strategy_reason: String::new(),
            proof,
            rows: Both::default(),
            differing_buckets: 0,
            digests: Both::default(),
            candidates: 0,
            converged: 0,
            rounds: 0,
            confirmed: Vec::new(),
            at_least: false,
            hot: Vec::new(),
            uneven: None,
            wrongs: Vec::new(),
            gaps: Vec::new(),
            sums: Vec::new(),
            work: Both::default(),
            horizons: Both::default(),
        }
    }

    /// Makes the report of it.
    pub fn report(&self, spec: &Spec) -> TableReport {
        let plan = &self.plan;
        let source_name = |place: &usize| {
            let column = plan.columns.get(*place)?;
            Some(column.names.source.clone())
        };
        let differences = self.differences(spec);
        let mut reasons = self.proven_wrong(&differences);
        let is_wrong = !reasons.is_empty();
        reasons.extend(self.gaps.iter().cloned());
        reasons.extend(self.too_hot(spec));
        reasons.extend(refused(plan));
        let verdict = match (is_wrong, reasons.is_empty()) {
            (true, _) => Verdict::Mismatched,
            (false, true) => Verdict::Matched,
            (false, false) => Verdict::Inconclusive,
        };
        TableReport {
            table: plan.label.clone(),
            names: plan.names.as_ref().map(TableName::to_string),
            verdict,
            reasons,
            strategy: self.method.as_ref().map(|method| method.strategy),
            strategy_reason: self.strategy_reason.clone(),
            key: match &plan.key {
                KeyPlan::Columns(places) => places.iter().filter_map(source_name).collect(),
                KeyPlan::WholeRow => Vec::new(),
            },
            columns: plan
                .columns
                .iter()
                .map(|column| column.names.source.clone())
                .collect(),
            excluded: plan.excluded.clone(),
            rows: self.rows,
            buckets: self
                .method
                .as_ref()
                .map_or(0, |method| method.buckets.count()),
            differing_buckets: self.differing_buckets,
            digests: self.digests.clone(),
            candidates: self.candidates,
            converged: self.converged,
            rounds: self.rounds,
            differences,
            hot: count(self.hot.len()),
            sums: self.sums.clone(),
            work: self.work,
        }
    }

    fn differences(&self, spec: &Spec) -> Differences {
        let mut differences = Differences {
            at_least: self.at_least,
            ..Differences::default()
        };
        for confirmed in &self.confirmed {
            let (difference, rows) = self.difference(confirmed, spec);
            let (total, kind) = (differences.of(difference.kind), difference.kind);
            *total = total.saturating_add(rows);
            let shown = differences.rows.iter().filter(|row| row.kind == kind);
            if shown.count() < spec.max_keys {
                differences.rows.push(difference);
            }
        }
        if let Some(rows) = self.uneven {
            differences.missing = rows.source.saturating_sub(rows.target);
            differences.extra = rows.target.saturating_sub(rows.source);
            // Equal numbers on both sides may hide one row too many and one too few.
            differences.at_least = true;
        }
        differences
    }

    /// Returns how a row differs, and how many rows that is.
    fn difference(&self, confirmed: &Confirmed<Key>, spec: &Spec) -> (RowDifference, u64) {
        let seen = &confirmed.seen;
        let is_keyed = matches!(self.plan.key, KeyPlan::Columns(_));
        let (kind, columns, copies, rows) = if is_keyed {
            let (kind, columns) = match (&seen.source, &seen.target) {
                (Some(source), Some(target)) => {
                    let columns = self.differing_columns(source, target);
                    (RowDifferenceKind::Different, columns)
                }
                (_, None) => (RowDifferenceKind::Missing, Vec::new()),
                (None, _) => (RowDifferenceKind::Extra, Vec::new()),
            };
            (kind, columns, None, 1)
        } else {
            let copies = seen.as_ref().map(copies);
            let kind = if copies.source > copies.target {
                RowDifferenceKind::Missing
            } else {
                RowDifferenceKind::Extra
            };
            let rows = copies.source.abs_diff(copies.target);
            (kind, Vec::new(), Some(copies), rows)
        };
        let difference = RowDifference {
            kind,
            key: shown(&confirmed.key, spec.keys, spec.seed),
            columns,
            copies,
        };
        (difference, rows)
    }

    fn differing_columns(&self, source: &[u64], target: &[u64]) -> Vec<String> {
        self.plan
            .columns
            .iter()
            .enumerate()
            .filter(|(place, _)| source.get(*place) != target.get(*place))
            .map(|(_, column)| column.names.source.clone())
            .collect()
    }

    fn proven_wrong(&self, differences: &Differences) -> Vec<String> {
        let kinds = [
            (differences.missing, "missing on the target"),
            (differences.extra, "on the target only"),
            (differences.different, "different"),
        ];
        let found: Vec<_> = kinds
            .iter()
            .filter(|(rows, _)| *rows > 0)
            .map(|(rows, what)| format!("{} {what}", rows_of(*rows)))
            .collect();
        let mut reasons = Vec::new();
        if !found.is_empty() {
            let more = if differences.at_least {
                ", at least"
            } else {
                ""
            };
            reasons.push(format!("{}{more}", found.join(", ")));
        }
        reasons.extend(self.wrongs.iter().cloned());
        reasons
    }

    fn too_hot(&self, spec: &Spec) -> Option<String> {
        let hot = self.hot.len();
        if hot > 0 && stands_still(spec) {
            return Some(format!(
                "{} changed while they were compared, though nobody should write now",
                rows_of(count(hot))
            ));
        }
        (hot > spec.settling.max_hot).then(|| {
            format!(
                "{} changed in every round, and {} may",
                rows_of(count(hot)),
                spec.settling.max_hot
            )
        })
    }
}

impl Differences {
    fn of(&mut self, kind: RowDifferenceKind) -> &mut u64 {
        match kind {
            RowDifferenceKind::Missing => &mut self.missing,
            RowDifferenceKind::Extra => &mut self.extra,
            RowDifferenceKind::Different => &mut self.different,
        }
    }
}

/// Tells which columns are not compared without that being wished.
fn refused(plan: &TablePlan) -> Vec<String> {
    plan.excluded
        .iter()
        .filter(|excluded| !excluded.accepted)
        .map(|excluded| {
            format!(
                "column `{}` was not compared: {}",
                excluded.column, excluded.reason
            )
        })
        .collect()
}

/// How many rows are equal to one of a table without a key.
fn copies(print: &Print) -> u64 {
    let first = print.as_ref().and_then(|columns| columns.first());
    first.copied().unwrap_or(0)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
