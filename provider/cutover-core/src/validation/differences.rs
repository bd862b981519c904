//! One catalog against the other.
//!
//! A finding *blocks* where rows would be lost or refused, *warns* where something will be slower or behave differently, and
//! *informs* besides. What AWS DMS leaves out of a target while it loads (unique indexes, foreign keys, checks, counters)
//! warns before the switch and blocks from then on. What is expected between engines is data: the table of defaults in
//! `expression`, the pairs in [`super::forms`], and what types hold in `differences/types.rs`.

mod columns;
mod constraints;
mod indexes;
mod sequences;
mod types;

use super::catalog::{Catalog, Column, Engine, Server, Table};
use super::report::{SchemaFinding, Severity};
use super::scope::{self, Scoped};
use super::side::{Both, Side};
use super::spec::{Mode, Spec};
use super::tables::{column_on, left_out};

/// Compares the catalogs of both sides as far as the wish reaches. Findings are in order, the worst first.
pub fn compare(
    spec: &Spec,
    catalogs: &Both<Catalog>,
    servers: &Both<Server>,
) -> Vec<SchemaFinding> {
    let scoped = Scoped::new(spec, catalogs, servers);
    let engines = scope::engines(servers);
    let mut findings = Findings(Vec::new());
    findings.tables(&scoped);
    for &tables in &scoped.pairs {
        let pair = Pair {
            label: scoped.label(&tables.source.name),
            tables,
            engines,
            spec,
            scoped: &scoped,
        };
        findings.columns(&pair);
        findings.indexes(&pair);
        findings.constraints(&pair);
        findings.owned_sequences(&pair, catalogs);
    }
    findings.free_sequences(spec, catalogs, servers);
    findings.0.sort();
    findings.0.dedup();
    findings.0
}

struct Findings(Vec<SchemaFinding>);

/// A table of both sides.
struct Pair<'a> {
    label: String,
    tables: Both<&'a Table>,
    engines: Both<Engine>,
    spec: &'a Spec,
    scoped: &'a Scoped<'a>,
}

impl<'a> Pair<'a> {
    fn is_kin(&self) -> bool {
        self.engines.source.is_kin(self.engines.target)
    }

    /// How bad it is that the target lacks what it may lack while it is loaded.
    fn tightened(&self) -> Severity {
        tightened(self.spec.mode)
    }

    /// The columns that are on both sides and not left out on purpose, in the order of the source.
    fn columns(&self) -> Vec<Both<&'a Column>> {
        self.tables
            .source
            .columns
            .iter()
            .filter(|column| left_out(self.spec, self.tables.source, &column.name).is_none())
            .filter_map(|source| {
                let target = self.twin(Side::Target, &source.name)?;
                Some(Both { source, target })
            })
            .collect()
    }

    /// The column of a side by its name on the other.
    fn twin(&self, side: Side, name: &str) -> Option<&'a Column> {
        column_on(side, name, &self.tables, self.engines)
    }

    /// The names of columns of the source as they are on the target; `None` if one is not there.
    fn on_target(&self, names: &[String]) -> Option<Vec<String>> {
        let twins = names.iter().map(|name| self.twin(Side::Target, name));
        twins.map(|twin| Some(twin?.name.clone())).collect()
    }
}

fn tightened(mode: Mode) -> Severity {
    match mode {
        Mode::PreMigration => Severity::Warns,
        Mode::Final | Mode::PostMigration => Severity::Blocks,
    }
}

impl Findings {
    fn add(
        &mut self,
        severity: Severity,
        kind: &str,
        place: impl Into<String>,
        text: impl Into<String>,
    ) {
        self.0.push(SchemaFinding {
            severity,
            kind: kind.to_owned(),
            place: place.into(),
            text: text.into(),
        });
    }

    fn tables(&mut self, scoped: &Scoped<'_>) {
        for table in &scoped.missing {
            self.add(
                Severity::Blocks,
                "missing_table",
                scoped.label(&table.name),
                "the target does not have this table",
            );
        }
        for table in &scoped.extra {
            self.add(
                Severity::Informs,
                "extra_table",
                table.name.to_string(),
                "the source does not have this table, so that it is not compared",
            );
        }
        for table in &scoped.left_out {
            let text = format!(
                "it is not compared, since the wish leaves it out; the source estimates {} rows",
                table.estimated_rows
            );
            self.add(
                Severity::Informs,
                "table_left_out",
                table.name.to_string(),
                text,
            );
        }
    }
}

#[cfg(test)]
mod tests;
