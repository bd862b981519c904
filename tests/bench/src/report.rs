//! What was measured, for people and for machines.

use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

/// All that was measured in one run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

/// One figure. Less is better in every row.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    unit: &'static str,
    ours: f64,
    /// The same of the peer, where there is one.
    peer: Option<f64>,
    /// Ours divided by the peer's: below one, ours is ahead.
    ratio: Option<f64>,
    /// The most that was allowed, where that was decided beforehand.
    budget: Option<f64>,
    /// Whether that is more than was allowed.
    broken: bool,
}

impl Report {
    /// Adds a figure beside the peer's.
    pub(crate) fn compare(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        ours: f64,
        peer: f64,
    ) {
        self.add(name, unit, ours, Some(peer), None);
    }

    /// Adds a figure alone.
    pub(crate) fn figure(&mut self, name: impl Into<String>, unit: &'static str, ours: f64) {
        self.add(name, unit, ours, None, None);
    }

    /// Adds a figure beside its budget.
    pub(crate) fn budget(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        ours: f64,
        budget: f64,
    ) {
        self.add(name, unit, ours, None, Some(budget));
    }

    /// Adds a figure beside the peer's, its budget, or both.
    pub(crate) fn add(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        ours: f64,
        peer: Option<f64>,
        budget: Option<f64>,
    ) {
        let ratio = peer.map(|peer| ours / peer);
        self.rows.push(Row {
            name: name.into(),
            unit,
            ours,
            peer,
            ratio,
            budget,
            broken: budget.is_some_and(|budget| ours > budget),
        });
    }

    pub(crate) fn print(&self) {
        let mut out = std::io::stdout().lock();
        let shown = |figure: Option<f64>| {
            figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.2}"))
        };
        // A closed output is no reason to lose the results.
        let _ = writeln!(
            out,
            "{:<72} {:>5} {:>10} {:>10} {:>7} {:>8}",
            "less is better", "unit", "ours", "peer", "ratio", "budget"
        );
        for row in &self.rows {
            let _ = writeln!(
                out,
                "{:<72} {:>5} {:>10.2} {:>10} {:>7} {:>8}{}",
                row.name,
                row.unit,
                row.ours,
                shown(row.peer),
                shown(row.ratio),
                shown(row.budget),
                if row.broken { "  BROKEN" } else { "" }
            );
        }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, serde_json::to_vec_pretty(self)?)?;
        let _ = writeln!(std::io::stdout(), "written to {}", path.display());
        Ok(())
    }
}
