//! The report as text, for a terminal and for the log of an update: the verdict first, then why, then the tables, then
//! what was found.

use std::fmt::Write;

use super::blind_spots::blind_spots;
use super::report::{
    ProofKind, Report, RowDifference, RowDifferenceKind, RuleReport, Severity, TableReport, Verdict,
};
use super::strategy::name;

/// How many rows, findings and rules of a kind are shown; the report itself has more. Ours: a screenful.
const SHOWN_MAX: usize = 10;

/// Renders a report.
pub fn render_report(report: &Report) -> String {
    let mut text = String::new();
    line(
        &mut text,
        format_args!(
            "{}: {}, {} in {:.1} s",
            verdict(report.verdict),
            proof(report.proof),
            tables(report.data_validation.tables.len()),
            report.seconds
        ),
    );
    for reason in &report.reasons {
        line(&mut text, format_args!("  - {reason}"));
    }
    render_tables(&mut text, &report.data_validation.tables);
    for table in &report.data_validation.tables {
        render_differences(&mut text, table);
        render_sums(&mut text, table);
    }
    render_findings(&mut text, report);
    render_rules(
        &mut text,
        "orphaned records",
        &report.orphaned_records.rules,
    );
    render_rules(&mut text, "invalid records", &report.invalid_records.rules);
    text
}

/// Renders what a report cannot say, a line each.
pub fn render_blind_spots(report: &Report) -> String {
    let mut text = String::new();
    for spot in blind_spots(report) {
        let (unseen, covered_by) = (spot.unseen, spot.covered_by);
        line(
            &mut text,
            format_args!("not seen: {unseen}; covered by: {covered_by}"),
        );
    }
    text
}

fn render_tables(text: &mut String, tables: &[TableReport]) {
    if tables.is_empty() {
        return;
    }
    let head = [
        "table",
        "verdict",
        "rows source",
        "rows target",
        "differ",
        "hot",
        "strategy",
        "seconds",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(tables.iter().map(cells));
    let width = |column: usize| {
        let widths = rows.iter().filter_map(|row| row.get(column));
        widths.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    text.push('\n');
    for row in &rows {
        let mut told = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            // Numbers end under each other, words begin so.
            let is_number = matches!(column, 2..=5 | 7);
            let _ = if is_number {
                write!(told, "{cell:>width$}  ")
            } else {
                write!(told, "{cell:<width$}  ")
            };
        }
        line(text, format_args!("{}", told.trim_end()));
    }
}

fn cells(table: &TableReport) -> [String; 8] {
    let found = &table.differences;
    let differ = found
        .missing
        .saturating_add(found.extra)
        .saturating_add(found.different);
    let more = if found.at_least { "+" } else { "" };
    let seconds = table.work.source.seconds.max(table.work.target.seconds);
    [
        table.table.clone(),
        verdict(table.verdict).to_owned(),
        grouped(table.rows.source),
        grouped(table.rows.target),
        format!("{}{more}", grouped(differ)),
        grouped(table.hot),
        table.strategy.map_or("-", name).to_owned(),
        format!("{seconds:.1}"),
    ]
}

fn render_differences(text: &mut String, table: &TableReport) {
    let rows = &table.differences.rows;
    if rows.is_empty() {
        return;
    }
    line(text, format_args!("\n{}:", table.table));
    for row in rows.iter().take(SHOWN_MAX) {
        line(text, format_args!("  {}", difference(row)));
    }
    left_out(text, rows.len());
}

fn difference(row: &RowDifference) -> String {
    let kind = match row.kind {
        RowDifferenceKind::Missing => "missing  ",
        RowDifferenceKind::Extra => "extra    ",
        RowDifferenceKind::Different => "different",
    };
    let mut told = format!("{kind} {}", row.key.as_deref().unwrap_or("(key not shown)"));
    if !row.columns.is_empty() {
        let _ = write!(told, "  in {}", row.columns.join(", "));
    }
    if let Some(copies) = row.copies {
        let _ = write!(
            told,
            "  {} on the source, {} on the target",
            copies.source, copies.target
        );
    }
    told
}

fn render_sums(text: &mut String, table: &TableReport) {
    let differing: Vec<_> = table.sums.iter().filter(|sum| !sum.equal).collect();
    for sum in differing.iter().take(SHOWN_MAX) {
        let how = if sum.moving {
            "kept changing"
        } else {
            "differ"
        };
        let group = if sum.group.is_empty() {
            "all rows"
        } else {
            &sum.group
        };
        line(
            text,
            format_args!("\n{}: sums of {group} {how}", table.table),
        );
    }
    left_out(text, differing.len());
}

fn render_findings(text: &mut String, report: &Report) {
    let findings = &report.schema_validation.findings;
    if findings.is_empty() {
        return;
    }
    line(text, format_args!("\nschemas:"));
    for finding in findings.iter().take(SHOWN_MAX) {
        let severity = match finding.severity {
            Severity::Blocks => "blocks ",
            Severity::Warns => "warns  ",
            Severity::Informs => "informs",
        };
        line(
            text,
            format_args!("  {severity} {}: {}", finding.place, finding.text),
        );
    }
    left_out(text, findings.len());
}

fn render_rules(text: &mut String, title: &str, rules: &[RuleReport]) {
    let broken: Vec<_> = rules
        .iter()
        .filter(|rule| rule.failed.is_none() && rule.count.target.is_some_and(|rows| rows > 0))
        .collect();
    if broken.is_empty() {
        return;
    }
    line(text, format_args!("\n{title}:"));
    for rule in broken.iter().take(SHOWN_MAX) {
        let inherited = if rule.inherited {
            ", as many on the source"
        } else {
            ""
        };
        let keys: Vec<_> = rule.keys.iter().take(3).map(String::as_str).collect();
        let keys = if keys.is_empty() {
            String::new()
        } else {
            format!(" ({})", keys.join(", "))
        };
        let rows = grouped(rule.count.target.unwrap_or(0));
        line(
            text,
            format_args!("  {}: {rows} of the target{inherited}{keys}", rule.rule),
        );
    }
    left_out(text, broken.len());
}

fn left_out(text: &mut String, all: usize) {
    let more = all.saturating_sub(SHOWN_MAX);
    if more > 0 {
        line(text, format_args!("  and {more} more in the report"));
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Matched => "matched",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Mismatched => "mismatched",
    }
}

fn proof(proof: ProofKind) -> &'static str {
    match proof {
        ProofKind::Full => "every row read",
        ProofKind::Delta => "what changed since the full proof read, and every key",
        ProofKind::Sample => "a sample read, which proves nothing",
        ProofKind::Count => "rows counted",
        ProofKind::None => "rows not looked at",
    }
}

fn tables(tables: usize) -> String {
    match tables {
        1 => "1 table".to_owned(),
        _ => format!("{tables} tables"),
    }
}

/// Writes a number with its digits in groups of three: `27,373`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len().saturating_sub(index);
        if index > 0 && left.is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{arguments}");
}

#[cfg(test)]
mod tests;
