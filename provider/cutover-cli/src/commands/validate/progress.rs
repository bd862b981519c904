//! How far a validation is: bars where somebody watches, lines where somebody reads later.

use std::fmt::Write as _;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::validation::side::{Both, Side};
use cutover_driver::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::Console;

/// How long a table may be read without a line: ours, so that a log shows life and stays short.
const QUIET_MAX: Duration = Duration::from_secs(30);

/// Shows progress.
#[derive(Debug)]
pub(super) enum Shown {
    /// Bars, on a terminal.
    Bars(Bars),
    /// Lines.
    Lines(Lines),
}

impl Shown {
    /// Chooses how, by what the console is.
    pub(super) fn on(console: &Console<'_>) -> Self {
        if console.has_bars() {
            Self::Bars(Bars::new(ProgressDrawTarget::stderr()))
        } else {
            Self::Lines(Lines::default())
        }
    }

    /// Shows how far it is.
    pub(super) fn show(&mut self, progress: &Progress, now: Timestamp, console: &mut Console<'_>) {
        match self {
            Self::Bars(bars) => bars.show(progress),
            Self::Lines(lines) => {
                if let Some(line) = lines.show(progress, now) {
                    console.progress(&line);
                }
            }
        }
    }

    /// Takes the bars away, so that the result stands alone.
    pub(super) fn end(&self) {
        if let Self::Bars(bars) = self {
            let _ = bars.all.clear();
        }
    }
}

/// A line of text, and a bar for each side of the table in hand.
#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    text: ProgressBar,
    sides: Both<ProgressBar>,
    table: Option<String>,
}

impl Bars {
    fn new(to: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(to);
        let style = |template: &str| {
            ProgressStyle::with_template(template)
                .expect("the template is ours")
                .progress_chars("=> ")
        };
        let text = all.add(ProgressBar::new(0).with_style(style("{wide_msg}")));
        let sides = Both::of(|side: Side| {
            let bar = ProgressBar::new(0).with_prefix(side.to_string());
            let template = "  {prefix} [{bar:30}] {human_pos} of {human_len} rows, {per_sec}";
            all.add(bar.with_style(style(template)))
        });
        Self {
            all,
            text,
            sides,
            table: None,
        }
    }

    fn show(&mut self, progress: &Progress) {
        if self.table != progress.table {
            self.table.clone_from(&progress.table);
            for side in Side::BOTH {
                self.sides.get(side).reset();
            }
        }
        self.text.set_message(headline(progress));
        for side in Side::BOTH {
            let bar = self.sides.get(side);
            let (rows, of) = (*progress.rows.get(side), *progress.of_rows.get(side));
            // What servers believe of their tables is often less than what is there.
            bar.set_length(of.max(rows));
            bar.set_position(rows);
        }
    }
}

/// One line for each part of the operation and each table, and one from time to time.
#[derive(Debug, Default)]
pub(super) struct Lines {
    last: Option<(Progress, Timestamp)>,
}

impl Lines {
    /// Returns the line, if there is news.
    fn show(&mut self, progress: &Progress, now: Timestamp) -> Option<String> {
        let is_quiet = |(last, at): &(Progress, Timestamp)| {
            let parts = |of: &Progress| (of.phase, of.table.clone(), of.tables_done, of.tables);
            parts(last) == parts(progress) && now < at.after(QUIET_MAX)
        };
        if self.last.as_ref().is_some_and(is_quiet) {
            return None;
        }
        let since = self.last.replace((progress.clone(), now));
        let mut line = headline(progress);
        if progress.rows != Both::default() {
            let Both { source, target } = progress.rows;
            let of = progress.of_rows;
            // Writing to a string does not fail.
            let _ = write!(
                line,
                ": {source} of {} rows of the source, {target} of {} of the target",
                of.source.max(source),
                of.target.max(target)
            );
            if let Some(rate) = since.and_then(|(last, at)| rate(&last, progress, now.since(at))) {
                let _ = write!(line, ", {rate} rows/s");
            }
        }
        Some(line)
    }
}

/// Rows of both sides in a second, since the last line about the same table.
fn rate(last: &Progress, progress: &Progress, span: Duration) -> Option<u64> {
    let rows = |of: &Progress| of.rows.source.saturating_add(of.rows.target);
    let read = rows(progress).checked_sub(rows(last))?;
    let millis = u64::try_from(span.as_millis()).ok()?;
    let rate = read.saturating_mul(1_000).checked_div(millis)?;
    (last.table == progress.table && rate > 0).then_some(rate)
}

fn headline(progress: &Progress) -> String {
    let Progress {
        text,
        tables_done,
        tables,
        ..
    } = progress;
    match *tables {
        0 => text.clone(),
        1 => format!("{text} ({tables_done} of 1 table done)"),
        _ => format!("{text} ({tables_done} of {tables} tables done)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1_000)
    }

    fn reading(rows: u64) -> Progress {
        Progress {
            phase: "pass",
            text: "reading payments".to_owned(),
            table: Some("payments".to_owned()),
            tables_done: 1,
            tables: 3,
            rows: Both::of(|_| rows),
            of_rows: Both::of(|_| 1_000),
        }
    }

    #[test]
    fn a_line_is_written_for_news_and_from_time_to_time() {
        let mut lines = Lines::default();

        let told = [
            (0, 0),
            (1, 100),
            (29, 200),
            (30, 300),
            (31, 400),
            (60, 1_500),
        ]
        .map(|(second, rows)| lines.show(&reading(rows), at(second)));

        assert_eq!(
            told[0].as_deref(),
            Some("reading payments (1 of 3 tables done)")
        );
        assert_eq!(told[1..3], [None, None]);
        assert_eq!(
            told[3].as_deref(),
            Some(
                "reading payments (1 of 3 tables done): 300 of 1000 rows of the source, 300 of 1000 of the target, 20 rows/s"
            )
        );
        assert_eq!(told[4], None);
        assert!(
            told[5]
                .as_ref()
                .is_some_and(|line| line.contains("1500 of 1500 rows"))
        );
    }

    #[test]
    fn another_table_is_news() {
        let mut lines = Lines::default();
        lines.show(&reading(900), at(0));

        let mut next = reading(10);
        next.table = Some("refunds".to_owned());
        let line = lines.show(&next, at(1)).expect("is news");

        assert!(!line.contains("rows/s"), "{line}");
    }

    #[test]
    fn bars_show_both_sides_and_never_more_than_the_whole() {
        let mut bars = Bars::new(ProgressDrawTarget::hidden());

        bars.show(&reading(500));
        assert_eq!(bars.text.message(), "reading payments (1 of 3 tables done)");
        assert_eq!(bars.sides.source.position(), 500);
        assert_eq!(bars.sides.target.length(), Some(1_000));

        bars.show(&reading(1_200));
        assert_eq!(bars.sides.source.length(), Some(1_200));
    }
}
