//! Pages of reports that could have been.

mod given;

use cutover_core::validation::report::{ProofKind, Verdict};
use cutover_core::validation::side::Side;
use given::{a_report, inconclusive, mismatched};

use crate::{digest, render_html, render_json};

/// What is left of a page without its tags, a line for each block.
fn outline(page: &str) -> String {
    let body = page.split_once("<body>").map_or(page, |(_, body)| body);
    let (mut text, mut tag, mut in_tag) = (String::new(), String::new(), false);
    for letter in body.chars() {
        match letter {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                let is_inline = ["code", "span", "strong", "a ", "/a", "time", "bdi"];
                let name = tag.strip_prefix('/').unwrap_or(&tag);
                match name {
                    "td" | "th" | "dd" => text.push_str(" | "),
                    _ if is_inline
                        .iter()
                        .any(|inline| tag.starts_with(inline) || name.starts_with(inline)) => {}
                    _ => text.push('\n'),
                }
                tag.clear();
            }
            _ if in_tag => tag.push(letter),
            _ => text.push(letter),
        }
    }
    let lines = text
        .lines()
        .map(|line| line.trim().trim_matches('|').trim());
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

#[test]
fn a_page_of_equal_databases_says_so_and_what_stands_behind_it() {
    insta::assert_snapshot!("matched", outline(&render_html(&a_report())));
}

#[test]
fn a_page_of_databases_that_differ_names_keys_and_columns() {
    insta::assert_snapshot!("mismatched", outline(&render_html(&mismatched())));
}

#[test]
fn a_page_of_what_could_not_be_told_says_why() {
    insta::assert_snapshot!("inconclusive", outline(&render_html(&inconclusive())));
}

#[test]
fn tables_that_matched_are_folded_up_and_others_are_not() {
    let page = render_html(&mismatched());

    let opened: Vec<_> = page
        .match_indices("<details")
        .map(|(at, _)| page[at..].split('>').next().unwrap_or_default())
        .collect();
    assert_eq!(
        opened,
        [
            "<details id=\"table-0\"",
            "<details id=\"table-1\" open",
            "<details id=\"table-2\" open"
        ]
    );
}

#[test]
fn no_name_key_or_message_becomes_a_part_of_the_page() {
    let hostile = "</style></title><script>alert(1)</script>'\" onload=\"x\" &amp; \u{202e}<!--";
    let page = render_html(&given::with_every_text(hostile));

    assert_eq!(page.matches("<script").count(), 0);
    assert_eq!(page.matches("<!--").count(), 0);
    assert_eq!(page.matches("</style>").count(), 1, "ours alone");
    assert_eq!(page.matches("onload=\"").count(), 0);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(
        page.contains("&amp;amp; "),
        "what looks escaped is escaped again"
    );
}

#[test]
fn every_text_of_a_report_is_on_its_page() {
    let page = render_html(&given::with_every_text("needle"));

    // As often as the builder puts it somewhere a page shows, some of it twice: in the list of tables and at the table.
    assert!(
        page.matches("needle").count() >= given::TEXTS,
        "{}",
        page.matches("needle").count()
    );
}

#[test]
fn a_page_needs_nothing_else() {
    for report in [a_report(), mismatched(), inconclusive()] {
        let page = render_html(&report);

        for loads in [
            "http://", "https://", "src=", "@import", "url(", "<link", "<script",
        ] {
            assert!(!page.contains(loads), "{loads}");
        }
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn links_lead_to_what_is_there_and_no_id_is_used_twice() {
    let page = render_html(&mismatched());
    let between = |mark: &str| -> Vec<String> {
        let parts = page.split(mark).skip(1);
        parts
            .filter_map(|part| part.split('"').next())
            .map(str::to_owned)
            .collect()
    };
    let mut ids = between(" id=\"");

    for target in between("href=\"#") {
        assert!(ids.contains(&target), "{target}");
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn the_digest_is_over_the_json_and_changes_with_the_report() {
    let report = a_report();
    let mut other = report.clone();
    other.data_validation.tables[0].rows.target += 1;

    assert_eq!(digest(&report).len(), 64);
    assert_ne!(digest(&report), digest(&other));
    assert!(render_html(&report).contains(&digest(&report)));
    assert!(render_json(&report).starts_with("{\"version\":1,"));
}

#[test]
fn what_was_not_read_is_among_the_blind_spots() {
    let mut report = a_report();
    assert!(!render_html(&report).contains("rows of all buckets that were not drawn"));

    report.proof = ProofKind::Sample;

    assert!(render_html(&report).contains("rows of all buckets that were not drawn"));
}

#[test]
fn tls_that_was_asked_for_and_is_not_there_is_seen() {
    let mut report = inconclusive();
    report.tls.without = vec![Side::Target];
    report.verdict = Verdict::Inconclusive;

    assert_eq!(
        render_html(&report)
            .matches("asked for, and not in force")
            .count(),
        1
    );
}
