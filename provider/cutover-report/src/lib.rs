//! The report of a validation, for those who keep it: as JSON, its digest, and a page for people.
//!
//! Plain functions of a [`Report`]. The page needs nothing else: no network, no script, no file beside it, which its
//! content security policy states as well. Names and keys come from databases and may be anything; all of them pass
//! through the escaping of the templates, and nothing is marked as safe but the style sheet of ours.
//!
//! | Module | Subject |
//! | --- | --- |
//! | `top` | the verdict, its reasons, and what stands behind it |
//! | `tables` | rows: all tables at a glance, then each |
//! | `checks` | schemas, rules and invariants |
//! | `servers` | both servers, TLS, and the load that they bore |
//! | `blind` | what such a comparison cannot see |
//! | `words` | numbers, times and verdicts in words |

mod blind;
mod checks;
mod servers;
mod tables;
#[cfg(test)]
mod tests;
mod top;
mod words;

use std::fmt::Write as _;

use cutover_core::validation::report::Report;
use maud::{DOCTYPE, PreEscaped, html};
use sha2::{Digest as _, Sha256};

/// The only thing on the page that is not escaped.
const STYLE: &str = include_str!("style.css");

/// Nothing is fetched, nothing runs, nothing is sent.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'";

/// Writes a report as one line of JSON, fields in their order in [`Report`]. This is what [`digest`] is over.
pub fn render_json(report: &Report) -> String {
    serde_json::to_string(report)
        .expect("a report holds numbers, texts and lists, all of which JSON has")
}

/// Returns the SHA-256 of the report as JSON, in hexadecimal.
pub fn digest(report: &Report) -> String {
    let digest = Sha256::digest(render_json(report).as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Writes a report as one page of HTML that needs nothing else.
pub fn render_html(report: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title {
                    "Validation " (words::verdict(report.verdict)) ": "
                    (report.servers.source.database) " and " (report.servers.target.database)
                }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (top::banner(report)) }
                main {
                    (top::reasons(report))
                    (top::summary(report))
                    (servers::section(report))
                    (tables::overview(report))
                    (tables::each(report))
                    (checks::schemas(report))
                    (checks::rules("Orphans", "Rows that refer to nothing.", &report.orphaned_records))
                    (checks::rules("Invalid rows", "Rows that break a rule.", &report.invalid_records))
                    (checks::invariants(report))
                    (servers::load(report))
                    (blind::section(report))
                }
                footer { (top::footer(report)) }
            }
        }
    };
    page.into_string()
}
