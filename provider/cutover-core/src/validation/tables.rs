//! Which tables are compared, by which columns and key, and what else is looked at.

use std::collections::BTreeMap;

use super::catalog::{Catalog, Column, Engine, Made, Server, Table};
use super::forms::form;
use super::key::key;
use super::plan::{ColumnPlan, Excluded, RulePlan, SumsPlan, TablePlan};
use super::preset;
use super::report::{SchemaFinding, Severity};
use super::rules;
use super::scope::{self, Pattern, Scoped, folds_case, twin};
use super::side::{Both, Side};
use super::spec::{RowCheck, Spec};
use super::sums;

/// What is to be done, and what cannot be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// The tables that are compared, the largest first.
    pub tables: Vec<TablePlan>,
    /// What is odd about the wish, now that the tables are known.
    pub findings: Vec<SchemaFinding>,
    /// Why the verdict cannot be *matched*, a sentence each.
    pub reasons: Vec<String>,
    /// Conditions that no row may fulfil. The same condition has the same name on both sides; the target comes first.
    pub rules: Vec<(Side, RulePlan, RuleKind)>,
    /// What is summed up, by the label of the table.
    pub sums: Vec<(String, SumsPlan)>,
}

/// What a row breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleKind {
    /// A reference: what it refers to is not there.
    Orphan,
    /// A condition.
    Invalid,
}

/// A table of both sides with its plan.
#[derive(Clone, Debug)]
pub(super) struct PlannedTable<'a> {
    pub(super) plan: TablePlan,
    pub(super) tables: Both<&'a Table>,
}

/// Plans everything that is to be looked at.
///
/// A table or column that cannot be compared is left out with a reason, and everything else is compared all the same.
pub fn tables(spec: &Spec, catalogs: &Both<Catalog>, engines: &Both<Server>) -> Planned {
    let scoped = Scoped::new(spec, catalogs, engines);
    let engines = scope::engines(engines);
    let mut planned = Planned::default();
    planned.tell_unmatched(&scoped);
    let mut compared = Vec::new();
    for &tables in &scoped.pairs {
        let label = scoped.label(&tables.source.name);
        match unreadable(&label, &tables) {
            Some(reason) => planned.reasons.push(reason),
            None => compared.extend(planned.plan(spec, engines, label, tables)),
        }
    }
    planned.tell_unused(spec, &compared);
    compared.sort_by_key(|table| {
        let bytes = table.tables.source.bytes.max(table.tables.target.bytes);
        (std::cmp::Reverse(bytes), table.plan.label.clone())
    });
    let mut checks = spec.checks.clone();
    if let Some(preset) = spec.checks.preset {
        preset::add(preset, &compared, &mut checks);
    }
    planned.take(rules::rules(spec, &checks, engines, &scoped, &compared));
    for sum in &checks.sums {
        match sums::sums(sum, &compared) {
            Ok(sum) => planned.sums.push(sum),
            Err(reason) => planned.reasons.push(reason),
        }
    }
    if let Some(preset) = spec.checks.preset {
        planned
            .rules
            .extend(preset::rules(preset, engines, &compared));
    }
    planned.tables = compared.into_iter().map(|table| table.plan).collect();
    planned
}

/// Says why a table must not be compared, if that is so: with rows out of sight, equal would mean nothing.
fn unreadable(label: &str, tables: &Both<&Table>) -> Option<String> {
    Side::BOTH.into_iter().find_map(|side| {
        let table = tables.get(side);
        if !table.readable {
            Some(format!(
                "{label}: the user may not read `{}` of the {side}; grant it `SELECT`",
                table.name
            ))
        } else if table.hides_rows {
            Some(format!(
                "{label}: row-level security may hide rows of `{}` of the {side} from the user; give it `BYPASSRLS`",
                table.name
            ))
        } else {
            None
        }
    })
}

impl Planned {
    fn tell_unmatched(&mut self, scoped: &Scoped<'_>) {
        for &pattern in &scoped.unmatched {
            let text = format!("no table of the source is called `{pattern}`");
            self.warn("unmatched_pattern", pattern, text.clone());
            self.reasons.push(text);
        }
        for table in &scoped.missing {
            let label = scoped.label(&table.name);
            self.reasons
                .push(format!("{label}: the target does not have this table"));
        }
    }

    /// Tells of columns and keys in the wish that belong to nothing.
    fn tell_unused(&mut self, spec: &Spec, compared: &[PlannedTable<'_>]) {
        for named in spec.scope.exclude_columns.keys() {
            let is_used = compared.iter().any(|table| {
                let is_named =
                    |column: &Column| is_column(named, table.tables.source, &column.name);
                let both = Side::BOTH.map(|side| &table.tables.get(side).columns);
                both.into_iter().flatten().any(is_named)
            });
            if !is_used {
                let text = format!("no column that is compared is called `{named}`");
                self.warn("unused_exclusion", named, text);
            }
        }
        for named in spec.scope.keys.keys() {
            let is_used = compared
                .iter()
                .any(|table| is_table(named, table.tables.source));
            if !is_used {
                let text = format!("no table that is compared is called `{named}`");
                self.warn("unused_key", named, text);
            }
        }
    }

    fn warn(&mut self, kind: &str, place: &str, text: String) {
        self.findings.push(SchemaFinding {
            severity: Severity::Warns,
            kind: kind.to_owned(),
            place: place.to_owned(),
            text,
        });
    }

    fn take(&mut self, rules: rules::Rules) {
        self.rules.extend(rules.rules);
        self.reasons.extend(rules.reasons);
    }

    /// Plans one table; `None` if no column of it can be compared.
    fn plan<'a>(
        &mut self,
        spec: &Spec,
        engines: Both<Engine>,
        label: String,
        tables: Both<&'a Table>,
    ) -> Option<PlannedTable<'a>> {
        let Columns { columns, excluded } = columns(spec, engines, &tables);
        if matches!(spec.checks.rows, RowCheck::Full | RowCheck::Sample { .. }) {
            let refused = excluded.iter().filter(|column| !column.accepted);
            self.reasons.extend(
                refused.map(|column| format!("{label}.{}: {}", column.column, column.reason)),
            );
        }
        if columns.is_empty() {
            self.reasons
                .push(format!("{label}: it has no column that can be compared"));
            return None;
        }
        let wished = spec
            .scope
            .keys
            .iter()
            .find(|(named, _)| is_table(named, tables.source))
            .map(|(_, columns)| columns.as_slice());
        let (key, refused) = key(&tables, &columns, wished);
        if let Some(reason) = refused {
            let text = format!("the columns given as its key are not used: {reason}");
            self.warn("unusable_key", &label, text);
        }
        Some(PlannedTable {
            plan: TablePlan {
                label,
                names: Both::of(|side| tables.get(side).name.clone()),
                columns,
                key,
                excluded,
            },
            tables,
        })
    }
}

/// Tells whether a table of the source is called so.
pub(super) fn is_table(named: &str, table: &Table) -> bool {
    Pattern::parse(named).is_some_and(|pattern| pattern.matches(&table.name))
}

/// Tells whether a column of a table of the source is called so: `schema.table.column` or `table.column`.
fn is_column(named: &str, table: &Table, column: &str) -> bool {
    named
        .rsplit_once('.')
        .is_some_and(|(of, name)| name == column && is_table(of, table))
}

/// Returns why the wish leaves out a column, if it does.
pub(super) fn left_out<'a>(spec: &'a Spec, table: &Table, column: &str) -> Option<&'a str> {
    let excluded = &spec.scope.exclude_columns;
    let found = excluded
        .iter()
        .find(|(named, _)| is_column(named, table, column));
    found.map(|(_, reason)| reason.as_str())
}

struct Columns {
    columns: Vec<ColumnPlan>,
    excluded: Vec<Excluded>,
}

/// Pairs the columns of both sides, in the order of their names on the source.
fn columns(spec: &Spec, engines: Both<Engine>, tables: &Both<&Table>) -> Columns {
    let mut by_name: BTreeMap<&str, Result<ColumnPlan, Excluded>> = BTreeMap::new();
    let leave_out = |column: &str, reason: String, accepted: bool| Excluded {
        column: column.to_owned(),
        reason,
        accepted,
    };
    let wished = |column: &str| left_out(spec, tables.source, column).map(str::to_owned);
    for column in &tables.source.columns {
        let twin = column_on(Side::Target, &column.name, tables, engines);
        let planned = match (wished(&column.name), twin) {
            (Some(reason), _) => Err(leave_out(&column.name, reason, true)),
            (None, None) => {
                let reason = "the target does not have this column".to_owned();
                Err(leave_out(&column.name, reason, false))
            }
            (None, Some(twin)) => paired(column, twin, engines)
                .map_err(|reason| leave_out(&column.name, reason, false)),
        };
        by_name.insert(&column.name, planned);
    }
    for column in &tables.target.columns {
        if column_on(Side::Source, &column.name, tables, engines).is_none() {
            let (reason, accepted) = match (wished(&column.name), &column.made) {
                (Some(reason), _) => (reason, true),
                // It says nothing that the columns that are compared do not say.
                (None, Made::Generated { .. }) => {
                    ("the target makes it from other columns".to_owned(), true)
                }
                (None, _) => ("the source does not have this column".to_owned(), false),
            };
            by_name
                .entry(&column.name)
                .or_insert_with(|| Err(leave_out(&column.name, reason, accepted)));
        }
    }
    let mut all = Columns {
        columns: Vec::new(),
        excluded: Vec::new(),
    };
    for planned in by_name.into_values() {
        match planned {
            Ok(column) => all.columns.push(column),
            Err(excluded) => all.excluded.push(excluded),
        }
    }
    all
}

/// Finds the column of a side by the name of its twin on the other.
pub(super) fn column_on<'a>(
    side: Side,
    name: &str,
    tables: &Both<&'a Table>,
    engines: Both<Engine>,
) -> Option<&'a Column> {
    twin(
        name,
        &tables.get(side.other()).columns,
        &tables.get(side).columns,
        |column| &column.name,
        folds_case(engines),
    )
}

fn paired(source: &Column, target: &Column, engines: Both<Engine>) -> Result<ColumnPlan, String> {
    let form = form(source, target, &engines).map_err(|refusal| refusal.to_string())?;
    let of = Both { source, target };
    Ok(ColumnPlan {
        names: of.map(|column| column.name.clone()),
        kinds: of.map(|column| column.kind.clone()),
        types: of.map(|column| column.type_name.clone()),
        form,
        nullable: of.map(|column| column.nullable),
        deterministic: of.map(|column| column.deterministic),
    })
}

#[cfg(test)]
mod tests;
