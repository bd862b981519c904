//! Numbers, times and verdicts in words.

use std::time::Duration;

use cutover_core::shift::render::render_duration;
use cutover_core::validation::facts::Position;
use cutover_core::validation::plan::Strategy;
use cutover_core::validation::report::{ProofKind, Severity, Verdict};
use cutover_core::validation::spec::Mode;
use maud::{Markup, html};

/// A verdict, as its name in the report.
pub(crate) const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Matched => "matched",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Mismatched => "mismatched",
    }
}

/// A verdict that is seen from afar. The word says what the colour says.
pub(crate) fn badge(of: Verdict) -> Markup {
    let (class, sign) = match of {
        Verdict::Matched => ("badge good", "✓"),
        Verdict::Inconclusive => ("badge unsure", "?"),
        Verdict::Mismatched => ("badge bad", "✗"),
    };
    html! { span class=(class) { span aria-hidden="true" { (sign) " " } (verdict(of)) } }
}

/// How bad a finding is.
pub(crate) fn severity(of: Severity) -> Markup {
    let (class, word) = match of {
        Severity::Blocks => ("badge bad", "blocks"),
        Severity::Warns => ("badge unsure", "warns"),
        Severity::Informs => ("badge plain", "informs"),
    };
    html! { span class=(class) { (word) } }
}

/// When in a migration it was.
pub(crate) const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::PreMigration => "before the switch",
        Mode::Final => "within the write pause",
        Mode::PostMigration => "after the switch",
    }
}

/// What was read.
pub(crate) const fn proof(proof: ProofKind) -> &'static str {
    match proof {
        ProofKind::Full => "full: every row of both sides was read",
        ProofKind::Delta => {
            "delta: every key was read, and every row that changed since a full proof"
        }
        ProofKind::Sample => {
            "sample: a part of the rows was read, which proves nothing about the others"
        }
        ProofKind::Count => "count: rows were counted, and their contents not looked at",
        ProofKind::None => "none: rows were not looked at",
    }
}

/// How rows were hashed.
pub(crate) const fn strategy(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::RecordHash => "record hash, in the servers",
        Strategy::Stream => "stream, rows hashed by the validator",
        Strategy::TextDigest => "text digest, SHA-256 in the servers",
    }
}

/// How far a source was.
pub(crate) fn position(position: &Position) -> String {
    match position {
        Position::Lsn(lsn) => format!("LSN {lsn}"),
        Position::Gtid(gtid) => format!("GTID {gtid}"),
        Position::Marker(number) => format!("marker {number}"),
    }
}

/// A whole number with its thousands apart: `1,234,567`.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many of something there are: `1 row`, `2 rows`.
pub(crate) fn count(of: u64, one: &str) -> String {
    let ending = if of == 1 { "" } else { "s" };
    format!("{} {one}{ending}", number(of))
}

/// A length of time: `0.42 s` below a minute, `2 min 3 s` from there on.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 10.0 {
        return format!("{:.2} s", seconds.max(0.0));
    }
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    // What no duration holds is not a time that somebody has waited.
    let whole = Duration::try_from_secs_f64(seconds.round()).unwrap_or(Duration::MAX);
    render_duration(whole)
}

/// A sentence, of which what stands between backticks is code.
pub(crate) fn prose(text: &str) -> Markup {
    let parts: Vec<_> = text.split('`').collect();
    // A backtick without a second one is only a sign.
    if parts.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! {
        @for (place, part) in parts.iter().enumerate() {
            @if place.is_multiple_of(2) { (part) } @else { code { (part) } }
        }
    }
}

/// Names, each as code, with commas in between.
pub(crate) fn names(names: &[String]) -> Markup {
    html! {
        @for (place, name) in names.iter().enumerate() {
            @if place > 0 { ", " }
            code { (name) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        let numbers = [0, 7, 999, 1_000, 123_456, 1_234_567, u64::MAX];
        let said = numbers.map(number);
        assert_eq!(
            said,
            [
                "0",
                "7",
                "999",
                "1,000",
                "123,456",
                "1,234,567",
                "18,446,744,073,709,551,615"
            ]
        );
    }

    #[test]
    fn what_stands_between_backticks_is_code_and_a_lonely_one_is_a_sign() {
        assert_eq!(
            prose("`a<b` is `c`").into_string(),
            "<code>a&lt;b</code> is <code>c</code>"
        );
        assert_eq!(prose("a`b").into_string(), "a`b");
    }

    #[test]
    fn times_are_as_exact_as_they_are_short() {
        let said = [0.421, 12.34, 123.4, f64::NAN].map(seconds);
        assert_eq!(said[..3], ["0.42 s", "12.3 s", "2 min 3 s"]);
        assert!(!said[3].is_empty());
    }
}
