//! What is printed: results on standard output, for people or as JSON; progress and problems on standard error.

use std::fmt::{self, Write as _};
use std::io::{BufRead, Write};
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::render::render_duration;
use serde::Serialize;

use crate::Problem;

/// A result: JSON by its fields, text by its `Display`.
pub(crate) trait Report: Serialize + fmt::Display {}

impl<T: Serialize + fmt::Display> Report for T {}

/// Where a command prints and asks.
pub struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    input: &'a mut dyn BufRead,
    is_terminal: bool,
    has_bars: bool,
    json: bool,
}

impl fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("is_terminal", &self.is_terminal)
            .field("json", &self.json)
            .finish_non_exhaustive()
    }
}

impl<'a> Console<'a> {
    /// Makes a console. `is_terminal`: whether somebody is there who can be asked.
    pub fn new(
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        input: &'a mut dyn BufRead,
        is_terminal: bool,
        json: bool,
    ) -> Self {
        Self {
            out,
            err,
            input,
            is_terminal,
            has_bars: false,
            json,
        }
    }

    /// Lets progress be drawn on standard error, which is a terminal.
    #[must_use]
    pub fn with_bars(mut self, has_bars: bool) -> Self {
        self.has_bars = has_bars;
        self
    }

    /// Tells whether progress is drawn on standard error instead of written line by line.
    pub(crate) fn has_bars(&self) -> bool {
        self.has_bars
    }

    /// Tells whether somebody is there who can be asked.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Prints a result. Whoever closed the output does not want to read it.
    pub(crate) fn report(&mut self, report: &impl Report) {
        let text = if self.json {
            serde_json::to_string(report)
                .unwrap_or_else(|error| format!("{{\"error\":{{\"message\":\"{error}\"}}}}"))
        } else {
            report.to_string()
        };
        let _ = writeln!(self.out, "{}", text.trim_end());
        let _ = self.out.flush();
    }

    /// Prints text as it is, for what is no report: completions.
    pub(crate) fn text(&mut self, bytes: &[u8]) {
        let _ = self.out.write_all(bytes);
        let _ = self.out.flush();
    }

    /// Says how far it is.
    pub(crate) fn progress(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }

    /// Says what went wrong.
    pub(crate) fn problem(&mut self, problem: &Problem) {
        let _ = if self.json {
            writeln!(self.err, "{}", problem.to_json())
        } else {
            writeln!(self.err, "{problem}")
        };
    }

    /// Asks a person, who must type `yes`.
    pub(crate) fn confirms(&mut self, question: &str) -> bool {
        let _ = write!(self.err, "{question} Type `yes` to go on: ");
        let _ = self.err.flush();
        let mut line = String::new();
        self.input.read_line(&mut line).is_ok() && line.trim() == "yes"
    }
}

/// Rows under headings, each column as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Begins with the headings.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let headings = headings.iter().map(|heading| (*heading).to_owned());
        Self {
            rows: vec![headings.collect()],
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    /// Headings without rows say nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.len() < 2 {
            return writeln!(f, "  none");
        }
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::from(" ");
            for (cell, width) in row.iter().zip(&widths) {
                write!(line, " {cell:<width$} ")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Writes a moment as RFC 3339 in UTC, to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    let since = Duration::from_millis(u64::try_from(at.unix_millis()).unwrap_or(0));
    let time = std::time::UNIX_EPOCH + since;
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Writes a length of time for people, to the second.
pub(crate) fn span(duration: Duration) -> String {
    render_duration(Duration::from_secs(duration.as_secs()))
}

/// Returns whole milliseconds, for JSON.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cells() {
        let mut table = Table::new(&["record", "weight"]);
        table.row(vec!["pay.example.com".to_owned(), "90".to_owned()]);

        assert_eq!(
            table.to_string(),
            "  record           weight\n  pay.example.com  90\n"
        );
    }

    #[test]
    fn moments_are_utc_and_spans_are_whole_seconds() {
        assert_eq!(
            moment(Timestamp::from_unix_millis(1_700_000_000_999)),
            "2023-11-14T22:13:20Z"
        );
        assert_eq!(span(Duration::from_millis(123_456)), "2 min 3 s");
    }
}
