//! Rows: all tables at a glance, then each.

use cutover_core::validation::facts::Figures;
use cutover_core::validation::report::{
    Differences, Report, RowDifference, RowDifferenceKind, SumReport, TableReport, Verdict,
};
use cutover_core::validation::side::Side;
use maud::{Markup, html};

use crate::words;

/// All tables at a glance.
pub(crate) fn overview(report: &Report) -> Markup {
    let tables = &report.data_validation.tables;
    html! {
        section aria-labelledby="rows" {
            h2 #rows { "Rows" }
            @if tables.is_empty() {
                p { "No table was compared." }
            } @else {
                // On a phone each row is a card; the roles say what the layout then hides.
                table.cards role="table" {
                    thead role="rowgroup" { tr role="row" {
                        th scope="col" role="columnheader" { "Table" }
                        th scope="col" role="columnheader" { "Verdict" }
                        th.figure scope="col" role="columnheader" { "Source" }
                        th.figure scope="col" role="columnheader" { "Target" }
                        th scope="col" role="columnheader" { "Differences" }
                        th.figure scope="col" role="columnheader" { "Time" }
                    } }
                    tbody role="rowgroup" {
                        @for (place, table) in tables.iter().enumerate() { (line(place, table)) }
                    }
                }
            }
        }
    }
}

fn line(place: usize, table: &TableReport) -> Markup {
    let time = table.work.source.seconds.max(table.work.target.seconds);
    let figures = [
        ("Source", words::number(table.rows.source)),
        ("Target", words::number(table.rows.target)),
    ];
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { a href=(format!("#table-{place}")) { code { (table.table) } } }
            td role="cell" { (words::badge(table.verdict)) }
            @for (name, figure) in figures {
                td.figure role="cell" data-name=(name) { (figure) }
            }
            td role="cell" data-name="Differences" { (in_words(&table.differences)) }
            td.figure role="cell" data-name="Time" { (words::seconds(time)) }
        }
    }
}

fn in_words(differences: &Differences) -> String {
    let kinds = [
        (differences.missing, "missing"),
        (differences.extra, "extra"),
        (differences.different, "different"),
    ];
    let kinds = kinds.iter().filter(|(rows, _)| *rows > 0);
    let kinds: Vec<_> = kinds
        .map(|(rows, kind)| format!("{} {kind}", words::number(*rows)))
        .collect();
    match (kinds.is_empty(), differences.at_least) {
        (true, _) => "none".to_owned(),
        (false, true) => format!("at least {}", kinds.join(", ")),
        (false, false) => kinds.join(", "),
    }
}

/// Each table. Those that matched are folded up.
pub(crate) fn each(report: &Report) -> Markup {
    html! {
        @for (place, table) in report.data_validation.tables.iter().enumerate() {
            details #{ "table-" (place) } open[table.verdict != Verdict::Matched] {
                summary { h3 { code { (table.table) } " " (words::badge(table.verdict)) } }
                (reasons(table))
                (differences(&table.differences))
                (sums(table))
                (method(table))
            }
        }
    }
}

fn reasons(table: &TableReport) -> Markup {
    html! {
        @if !table.reasons.is_empty() {
            ul { @for reason in &table.reasons { li { (words::prose(reason)) } } }
        }
    }
}

fn differences(found: &Differences) -> Markup {
    let all = found
        .missing
        .saturating_add(found.extra)
        .saturating_add(found.different);
    let shown = u64::try_from(found.rows.len()).unwrap_or(u64::MAX);
    html! {
        @if !found.rows.is_empty() {
            h4 { "Differences" }
            div.wide tabindex="0" role="region" aria-label="Rows that differ" {
                table {
                    thead { tr {
                        th scope="col" { "Key" }
                        th scope="col" { "Row is" }
                        th scope="col" { "Columns" }
                    } }
                    tbody { @for row in &found.rows { (difference(row)) } }
                }
            }
            @if shown < all || found.at_least {
                p.fine {
                    "Shown: " (words::number(shown)) " of "
                    @if found.at_least { "at least " }
                    (words::count(all, "row")) "."
                }
            }
        }
    }
}

fn difference(row: &RowDifference) -> Markup {
    let kind = match row.kind {
        RowDifferenceKind::Missing => "missing on the target",
        RowDifferenceKind::Extra => "on the target only",
        RowDifferenceKind::Different => "different",
    };
    html! {
        tr {
            td {
                @if let Some(key) = &row.key { code { (key) } } @else { span.fine { "not shown" } }
            }
            td {
                (kind)
                @if let Some(copies) = row.copies {
                    ": " (words::number(copies.source)) " on the source, " (words::number(copies.target)) " on the target"
                }
            }
            td { (words::names(&row.columns)) }
        }
    }
}

fn sums(table: &TableReport) -> Markup {
    let Some(first) = table.sums.first() else {
        return html! {};
    };
    html! {
        h4 { "Sums and latest values" }
        div.wide tabindex="0" role="region" aria-label="Sums and latest values" {
            table {
                thead { tr {
                    th scope="col" { "Group" }
                    th scope="col" { "Side" }
                    th.figure scope="col" { "Rows" }
                    @for of in &first.of { th.figure scope="col" { code { (of) } } }
                    th scope="col" { "Equal" }
                } }
                tbody { @for sum in &table.sums { @for side in Side::BOTH { (sum_line(sum, side)) } } }
            }
        }
    }
}

fn sum_line(sum: &SumReport, side: Side) -> Markup {
    let figures = sum.figures.get(side).as_ref();
    let values = |figures: &Figures| -> Vec<Option<String>> {
        figures
            .sums
            .iter()
            .chain(&figures.latest)
            .cloned()
            .collect()
    };
    html! {
        tr.different[!sum.equal && !sum.moving] {
            th scope="row" { @if sum.group.is_empty() { "all rows" } @else { code { (sum.group) } } }
            td { (side) }
            @match figures {
                Some(figures) => {
                    td.figure { (words::number(figures.rows)) }
                    @for value in values(figures) {
                        td.figure { @if let Some(value) = value { (value) } @else { span.fine { "none" } } }
                    }
                }
                None => { td.fine colspan=(sum.of.len().saturating_add(1)) { "no such group" } }
            }
            td {
                @if sum.equal { "yes" } @else if sum.moving { "they move" } @else { strong { "no" } }
            }
        }
    }
}

fn method(table: &TableReport) -> Markup {
    html! {
        h4 { "Method" }
        dl.facts {
            dt { "On the source" } dd { code { (table.names.source) } }
            dt { "On the target" } dd { code { (table.names.target) } }
            @if let Some(strategy) = table.strategy {
                dt { "Strategy" }
                dd {
                    (words::strategy(strategy))
                    @if !table.strategy_reason.is_empty() { div.fine { (words::prose(&table.strategy_reason)) } }
                }
            }
            dt { "Key" }
            dd {
                @if table.key.is_empty() { "none: equal rows were counted" } @else { (words::names(&table.key)) }
            }
            dt { "Compared" } dd { (words::names(&table.columns)) }
            @if !table.excluded.is_empty() {
                dt { "Not compared" }
                dd { ul {
                    @for column in &table.excluded {
                        li {
                            code { (column.column) } ": " (words::prose(&column.reason))
                            @if column.accepted { " (asked for)" }
                        }
                    }
                } }
            }
            @if table.buckets > 0 { (settlement(table)) }
            @for side in Side::BOTH {
                @if !table.digests.get(side).is_empty() {
                    dt { "Digest of the " (side) } dd { code.digest { (table.digests.get(side)) } }
                }
            }
        }
    }
}

/// How what differed at first was settled.
fn settlement(table: &TableReport) -> Markup {
    html! {
        dt { "Buckets" }
        dd { (words::number(table.buckets.into())) ", of which " (words::number(table.differing_buckets)) " differed at first" }
        @if table.candidates > 0 {
            dt { "Read again" }
            dd {
                (words::count(table.candidates, "row")) " in " (words::count(table.rounds.into(), "round"))
                "; " (words::number(table.converged)) " became equal"
                @if table.hot > 0 { ", " (words::number(table.hot)) " changed in every round" }
            }
        }
    }
}
