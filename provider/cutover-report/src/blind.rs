//! What such a comparison cannot see.

use cutover_core::validation::blind_spots::blind_spots;
use cutover_core::validation::report::Report;
use maud::{Markup, html};

use crate::words;

/// What the ways of looking that were used cannot see, and what covers it.
pub(crate) fn section(report: &Report) -> Markup {
    html! {
        section aria-labelledby="blind" {
            h2 #blind { "What this cannot see" }
            div.wide tabindex="0" role="region" aria-label="Blind spots" {
                table {
                    thead { tr {
                        th scope="col" { "Not seen" }
                        th scope="col" { "Covered by" }
                    } }
                    tbody { @for spot in blind_spots(report) {
                        tr { td { (words::prose(spot.unseen)) } td { (words::prose(spot.covered_by)) } }
                    } }
                }
            }
        }
    }
}
