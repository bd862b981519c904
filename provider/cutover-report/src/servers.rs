//! Both servers, TLS, and the load that they bore.

use cutover_core::validation::facts::Work;
use cutover_core::validation::report::Report;
use cutover_core::validation::side::Side;
use maud::{Markup, html};

use crate::words;

/// Both servers, side by side.
pub(crate) fn section(report: &Report) -> Markup {
    html! {
        section aria-labelledby="servers" {
            h2 #servers { "Servers and TLS" }
            div.pair {
                @for side in Side::BOTH { (server(report, side)) }
            }
        }
    }
}

fn server(report: &Report, side: Side) -> Markup {
    let server = report.servers.get(side);
    let is_bare = report.tls.without.contains(&side);
    html! {
        article {
            h3 { @match side { Side::Source => "Source", Side::Target => "Target" } }
            dl.facts {
                dt { "Software" } dd { (server.engine) " " (server.version) }
                dt { "Database" } dd { code { (server.database) } }
                dt { "Role" } dd { @if server.is_replica { "replica" } @else { "primary" } }
                dt { "TLS" }
                dd {
                    @match &server.tls {
                        Some(tls) => {
                            (tls.version) ", " (tls.cipher) ", "
                            @if tls.verified { "certificate verified" } @else { "certificate not verified" }
                        }
                        None => "not encrypted",
                    }
                    @if is_bare { " " span class="badge bad" { "asked for, and not in force" } }
                }
                dt { "Our user" }
                dd { @if server.can_write { "may change rows, which is not needed" } @else { "can only read" } }
                dt { "Identity" } dd { code.digest { (server.identity) } }
            }
        }
    }
}

/// What reading took.
pub(crate) fn load(report: &Report) -> Markup {
    html! {
        section aria-labelledby="load" {
            h2 #load { "Load on the servers" }
            div.wide tabindex="0" role="region" aria-label="Load on the servers" {
                table {
                    thead { tr {
                        th scope="col" { "" span.unseen { "Figure" } }
                        @for side in Side::BOTH { th.figure scope="col" { (side) } }
                    } }
                    tbody { @for (name, of) in FIGURES {
                        tr {
                            th scope="row" { (name) }
                            @for side in Side::BOTH { td.figure { (of(report.work.get(side))) } }
                        }
                    } }
                }
            }
        }
    }
}

type Figure = (&'static str, fn(&Work) -> String);

const FIGURES: [Figure; 7] = [
    ("Rows read", |work| words::number(work.rows)),
    ("Statements", |work| words::number(work.units)),
    ("of which repeated", |work| words::number(work.repeated)),
    ("Connections at a time", |work| {
        words::number(work.connections.into())
    }),
    ("Time at work, all connections", |work| {
        words::seconds(work.busy_seconds)
    }),
    ("Time waited to spare it", |work| {
        words::seconds(work.paused_seconds)
    }),
    ("Pauses, being busy or late", |work| {
        words::number(work.pauses)
    }),
];
