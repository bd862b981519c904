//! Schemas, rules and invariants.

use cutover_core::validation::report::{InvariantReport, Report, RuleReport, RuleSection};
use maud::{Markup, html};

use crate::words;

/// What differs between the schemas, the worst first.
pub(crate) fn schemas(report: &Report) -> Markup {
    let mut findings: Vec<_> = report.schema_validation.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    html! {
        section aria-labelledby="schemas" {
            h2 #schemas { "Schemas" }
            @if findings.is_empty() {
                p { "Nothing was found." }
            } @else {
                div.wide tabindex="0" role="region" aria-label="Findings about schemas" {
                    table {
                        thead { tr {
                            th scope="col" { "Severity" }
                            th scope="col" { "Where" }
                            th scope="col" { "What" }
                        } }
                        tbody { @for finding in findings {
                            tr {
                                td { (words::severity(finding.severity)) }
                                th scope="row" { code { (finding.place) } }
                                td { (words::prose(&finding.text)) " " code.fine { (finding.kind) } }
                            }
                        } }
                    }
                }
            }
        }
    }
}

/// What rules of one kind found.
pub(crate) fn rules(title: &str, about: &str, section: &RuleSection) -> Markup {
    html! {
        section {
            h2 { (title) }
            @if section.rules.is_empty() {
                p { (about) " None were looked for." }
            } @else {
                p { (about) " On the target: " strong { (words::number(section.count)) } "." }
                div.wide tabindex="0" role="region" aria-label=(title) {
                    table {
                        thead { tr {
                            th scope="col" { "Rule" }
                            th.figure scope="col" { "Source" }
                            th.figure scope="col" { "Target" }
                            th scope="col" { "Remarks" }
                        } }
                        tbody { @for rule in &section.rules { (rule_line(rule)) } }
                    }
                }
            }
        }
    }
}

fn rule_line(rule: &RuleReport) -> Markup {
    let count = |count: Option<u64>| count.map_or_else(|| "not asked".to_owned(), words::number);
    html! {
        tr {
            th scope="row" {
                (rule.rule)
                @if let Some(table) = &rule.table { div { code { (table) } } }
            }
            td.figure { (count(rule.count.source)) }
            td.figure { (count(rule.count.target)) }
            td {
                @if let Some(failed) = &rule.failed { strong { "could not be looked at: " } (words::prose(failed)) }
                @if rule.inherited { "The source has as many: not the migration's doing. " }
                @if !rule.keys.is_empty() { "First keys: " (words::names(&rule.keys)) }
            }
        }
    }
}

/// What queries with one value gave.
pub(crate) fn invariants(report: &Report) -> Markup {
    let invariants = &report.invariants.invariants;
    html! {
        section aria-labelledby="invariants" {
            h2 #invariants { "Invariants" }
            @if invariants.is_empty() {
                p { "None were asked." }
            } @else {
                div.wide tabindex="0" role="region" aria-label="Invariants" {
                    table {
                        thead { tr { th scope="col" { "Invariant" } th scope="col" { "Holds" } } }
                        tbody { @for invariant in invariants {
                            tr { th scope="row" { (invariant.name) } td { (holds(invariant)) } }
                        } }
                    }
                }
            }
        }
    }
}

fn holds(invariant: &InvariantReport) -> Markup {
    html! {
        @match invariant.holds {
            Some(true) => span class="badge good" { "holds" },
            Some(false) => span class="badge bad" { "does not hold" },
            None => span class="badge unsure" { "not known" },
        }
        @if let Some(failed) = &invariant.failed { " " (words::prose(failed)) }
    }
}
