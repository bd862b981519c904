//! The verdict, its reasons, and what stands behind it.

use cutover_core::validation::report::{ProofKind, Report, Verdict};
use maud::{Markup, html};

use crate::{digest, words};

/// What is read first, and often alone.
pub(crate) fn banner(report: &Report) -> Markup {
    let (class, sign) = match report.verdict {
        Verdict::Matched => ("banner good", "✓"),
        Verdict::Inconclusive => ("banner unsure", "?"),
        Verdict::Mismatched => ("banner bad", "✗"),
    };
    html! {
        div class=(class) {
            p.sign aria-hidden="true" { (sign) }
            div {
                h1 { (capital(words::verdict(report.verdict))) }
                p { (sentence(report)) }
                p.fine {
                    code { (report.servers.source.database) } " on " (report.servers.source.engine)
                    span aria-label="against" { " → " }
                    code { (report.servers.target.database) } " on " (report.servers.target.engine)
                    ", " (words::mode(report.mode)) ", " time datetime=(report.ended_at) { (report.ended_at) }
                }
            }
        }
    }
}

fn sentence(report: &Report) -> &'static str {
    match (report.verdict, report.proof) {
        (Verdict::Mismatched, _) => "Something is proven to be different or wrong.",
        (Verdict::Inconclusive, _) => {
            "Nothing is proven to be different, but it could not be told that all is equal."
        }
        (Verdict::Matched, ProofKind::Full) => {
            "Every row of both sides was read, and all that was looked at is as it should be."
        }
        (Verdict::Matched, ProofKind::Delta) => {
            "What changed since a full proof was read, and all that was looked at is as it should be."
        }
        (Verdict::Matched, ProofKind::Sample) => {
            "A sample of the rows shows no difference. That is no proof for the others."
        }
        (Verdict::Matched, ProofKind::Count) => {
            "Both sides have as many rows. That is no proof of what is in them."
        }
        (Verdict::Matched, ProofKind::None) => {
            "Rows were not looked at. All that was looked at is as it should be."
        }
    }
}

/// Why it is not *matched*.
pub(crate) fn reasons(report: &Report) -> Markup {
    html! {
        @if !report.reasons.is_empty() {
            section aria-labelledby="reasons" {
                h2 #reasons { "Reasons" }
                ul { @for reason in &report.reasons { li { (words::prose(reason)) } } }
            }
        }
    }
}

/// What stands behind the verdict.
pub(crate) fn summary(report: &Report) -> Markup {
    let tables = &report.data_validation.tables;
    let total = |of: fn(&cutover_core::validation::report::TableReport) -> u64| {
        tables.iter().map(of).fold(0, u64::saturating_add)
    };
    html! {
        section aria-labelledby="proof" {
            h2 #proof { "Proof" }
            dl.facts {
                dt { "Kind" } dd { (words::proof(report.proof)) }
                dt { "Rows of the source" } dd { (words::number(total(|table| table.rows.source))) }
                dt { "Rows of the target" } dd { (words::number(total(|table| table.rows.target))) }
                dt { "Tables" } dd { (words::number(u64::try_from(tables.len()).unwrap_or(u64::MAX))) }
                dt { "Began" } dd { time datetime=(report.began_at) { (report.began_at) } }
                dt { "Ended" } dd {
                    time datetime=(report.ended_at) { (report.ended_at) }
                    " (" (words::seconds(report.seconds)) ")"
                }
                @if let Some(position) = &report.position {
                    dt { "Source was at" } dd { code { (words::position(position)) } }
                }
            }
        }
    }
}

/// Who wrote it, and how it is told from a changed one.
pub(crate) fn footer(report: &Report) -> Markup {
    html! {
        p { "Written by cutover " (report.tool) ", form " (report.version) " of the report. No value of a row is in it." }
        p { "SHA-256 of the report as JSON: " code.digest { (digest(report)) } }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
