//! What people read.

use cutover_core::validation::report::{Report, RowDifference, TableReport, Verdict};
use cutover_core::validation::side::Both;
use cutover_core::validation::spec::{Follow, RowCheck, Spec};
use pulumi_value::Output;

use super::args::{DataValidationArgs, ValidationConnection, ValidationEngine};

/// How many tables an error names: ours; the report has all of them.
const TABLES_TOLD: usize = 5;

/// How many keys of a table an error names: ours.
const KEYS_TOLD: usize = 3;

/// How many reasons an error gives: ours.
const REASONS_TOLD: usize = 5;

/// Says what a run would read.
pub(super) fn describe(args: &DataValidationArgs, spec: &Spec) -> String {
    let rows = match spec.checks.rows {
        RowCheck::Full if spec.since.is_some() => {
            "rows that changed since the earlier proof, and every key".to_owned()
        }
        RowCheck::Full => "all rows".to_owned(),
        RowCheck::Sample { every } => format!("one row in {every}, which proves nothing"),
        RowCheck::Count => "numbers of rows".to_owned(),
        RowCheck::Skip => "no rows".to_owned(),
    };
    let tables = match spec.scope.include.as_slice() {
        [] => "all tables".to_owned(),
        tables => tables.join(", "),
    };
    let besides = match spec.scope.exclude.len() {
        0 => String::new(),
        count => format!(" without {count} that are left out"),
    };
    let Both { source, target } = spec.limits.as_ref();
    [
        format!(
            "compares {} with {}",
            place(&args.source),
            place(&args.target)
        ),
        format!("  reads {rows} of {tables}{besides}{}", checks(spec)),
        format!(
            "  with {} connections at {} % on the source and {} at {} % on the target; {}",
            source.connections,
            source.duty,
            target.connections,
            target.duty,
            follow(&spec.follow)
        ),
        "  neither database is reached before `pulumi up`".to_owned(),
    ]
    .join("\n")
}

fn checks(spec: &Spec) -> String {
    let checks = &spec.checks;
    let counted = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let parts = [
        checks.schema.then(|| "schemas".to_owned()),
        checks.orphans.then(|| "orphans".to_owned()),
        checks.declared_checks.then(|| "declared checks".to_owned()),
        checks.preset.map(|_| "the checks of the preset".to_owned()),
        counted(checks.sums.len(), "groups of sums"),
        counted(checks.rules.len(), "rules"),
        counted(checks.invariants.len(), "invariants"),
        counted(checks.references.len(), "references"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    match parts.as_slice() {
        [] => String::new(),
        parts => format!("; looks at {}", parts.join(", ")),
    }
}

fn follow(follow: &Follow) -> &'static str {
    match follow {
        Follow::None => "every difference counts at once",
        Follow::Native | Follow::Marker { .. } | Follow::Delay { .. } => {
            "rows that differ are read again until the target has caught up"
        }
    }
}

/// A database as people name it; what is in a secret is not known here.
fn place(connection: &ValidationConnection) -> String {
    let engine = match connection.engine {
        ValidationEngine::Postgres => "PostgreSQL",
        ValidationEngine::Mysql => "MySQL",
        ValidationEngine::Mariadb => "MariaDB",
    };
    let text = |output: &Option<Output<String>>| {
        let known = output
            .as_ref()
            .filter(|output| !output.is_secret())
            .and_then(Output::get);
        known.cloned()
    };
    match (text(&connection.host), text(&connection.database)) {
        (Some(host), Some(database)) => format!("{engine} `{database}` on `{host}`"),
        (Some(host), None) => format!("{engine} on `{host}`"),
        (None, _) => format!("{engine} at an address that is not told here"),
    }
}

/// Says what a report came to, in one line.
pub(super) fn verdict_line(report: &Report) -> String {
    let tables = &report.data_validation.tables;
    let sum = |of: fn(&TableReport) -> u64| tables.iter().map(of).fold(0_u64, u64::saturating_add);
    let verdict = match report.verdict {
        Verdict::Matched => "matched",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Mismatched => "mismatched",
    };
    format!(
        "{verdict}: {} tables, {} rows on the source and {} on the target, in {:.1} s",
        tables.len(),
        sum(|table| table.rows.source),
        sum(|table| table.rows.target),
        report.seconds
    )
}

/// Says what one table came to, in one line.
pub(super) fn table_line(table: &TableReport) -> String {
    let found = match table.verdict {
        Verdict::Matched => format!("{} rows are the same", table.rows.source),
        Verdict::Inconclusive => table
            .reasons
            .first()
            .cloned()
            .unwrap_or_else(|| "it cannot be told".to_owned()),
        Verdict::Mismatched => differences(table),
    };
    format!("`{}`: {found}", table.table)
}

/// Says what is different about a table, with the first keys.
fn differences(table: &TableReport) -> String {
    let found = &table.differences;
    let Both { source, target } = table.rows;
    let least = if found.at_least { "at least " } else { "" };
    let kinds = [
        (found.missing, "missing"),
        (found.extra, "extra"),
        (found.different, "different"),
    ];
    let kinds: Vec<_> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    let what = match kinds.as_slice() {
        [] => table.reasons.join("; "),
        kinds => format!("{least}{} rows", kinds.join(", ")),
    };
    let keys: Vec<_> = found
        .rows
        .iter()
        .filter_map(key_with_columns)
        .take(KEYS_TOLD)
        .collect();
    let keys = match keys.as_slice() {
        [] => String::new(),
        keys => format!(", the first keys: {}", keys.join(", ")),
    };
    format!("{what} ({source} on the source, {target} on the target){keys}")
}

/// Names a row, as far as keys are shown, with the columns in which it differs.
fn key_with_columns(row: &RowDifference) -> Option<String> {
    let key = row.key.as_deref()?;
    Some(match row.columns.as_slice() {
        [] => key.to_owned(),
        columns => format!("{key} in {}", columns.join(" and ")),
    })
}

/// Says why a verdict is not *matched*: tables with counts and first keys, then what else there is.
pub(super) fn why(report: &Report) -> String {
    let tables = report.data_validation.tables.iter();
    let bad: Vec<_> = tables
        .filter(|table| table.verdict != Verdict::Matched)
        .map(table_line)
        .collect();
    let mut lines = first(bad, TABLES_TOLD, "tables");
    let rules = report.orphaned_records.rules.iter();
    let rules = rules.chain(&report.invalid_records.rules);
    let broken: Vec<_> = rules
        .filter_map(|rule| {
            let count = rule.count.target.filter(|&count| count > 0)?;
            Some(format!("`{}`: {count} rows on the target", rule.rule))
        })
        .collect();
    lines.extend(first(broken, REASONS_TOLD, "rules"));
    lines.extend(first(report.reasons.clone(), REASONS_TOLD, "reasons"));
    match lines.as_slice() {
        [] => "the report says why".to_owned(),
        [only] => only.clone(),
        several => format!("\n  - {}", several.join("\n  - ")),
    }
}

/// Names the rules that rows break on both sides: not the migration's doing, and worth knowing.
pub(super) fn inherited_lines(report: &Report) -> Vec<String> {
    let rules = report.orphaned_records.rules.iter();
    let rules = rules.chain(&report.invalid_records.rules);
    rules
        .filter(|rule| rule.inherited)
        .filter_map(|rule| {
            let count = rule.count.target?;
            Some(format!(
                "`{}`: {count} rows on the target, and no fewer on the source",
                rule.rule
            ))
        })
        .collect()
}

/// The first of some lines, with a word about the rest.
fn first(lines: Vec<String>, limit: usize, what: &str) -> Vec<String> {
    let rest = lines.len().saturating_sub(limit);
    let mut told: Vec<_> = lines.into_iter().take(limit).collect();
    if rest > 0 {
        told.push(format!("{rest} more {what}"));
    }
    told
}
