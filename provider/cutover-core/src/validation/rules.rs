//! Conditions that no row may fulfil: references to nothing, broken checks, and what the user says.
//!
//! What a side declares and calls valid is not believed, since what applies changes may have gone past it.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::{Engine, Kind, Table, TableName};
use super::expression::expression;
use super::plan::{RulePlan, RuleQuery, TablePlan};
use super::quote;
use super::scope::Scoped;
use super::side::{Both, Side};
use super::spec::{Checks, Reference, Rule, Spec};
use super::tables::{PlannedTable, RuleKind, column_on, is_table};

/// Rules, and why some cannot be looked at.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) rules: Vec<(Side, RulePlan, RuleKind)>,
    pub(super) reasons: Vec<String>,
}

/// The order in which sides are asked: what the target says counts, and the source says who is to blame.
const TARGET_FIRST: [Side; 2] = [Side::Target, Side::Source];

/// Makes the rules for the tables that are compared.
pub(super) fn rules(
    spec: &Spec,
    checks: &Checks,
    engines: Both<Engine>,
    scoped: &Scoped<'_>,
    compared: &[PlannedTable<'_>],
) -> Rules {
    let mut rules = Rules::default();
    rules.orphans(spec, checks, engines, scoped, compared);
    for table in compared {
        if checks.declared_checks {
            rules.declared(engines, table);
            rules.nulls(engines, table);
            rules.words(engines, table);
        }
    }
    for rule in &checks.rules {
        rules.of_user(rule, compared);
    }
    rules
}

impl Rules {
    fn push(&mut self, side: Side, kind: RuleKind, name: &str, query: RuleQuery) {
        let name = name.to_owned();
        self.rules.push((side, RulePlan { name, query }, kind));
    }

    fn condition(&mut self, side: Side, table: &PlannedTable<'_>, name: &str, condition: String) {
        let query = RuleQuery::Where {
            table: table.tables.get(side).name.clone(),
            key: key_names(table, side),
            condition,
        };
        self.push(side, RuleKind::Invalid, name, query);
    }

    /// References of either side and of the wish, each of them once.
    fn orphans(
        &mut self,
        spec: &Spec,
        checks: &Checks,
        engines: Both<Engine>,
        scoped: &Scoped<'_>,
        compared: &[PlannedTable<'_>],
    ) {
        let mut seen = BTreeSet::new();
        for table in compared {
            if !spec.checks.orphans {
                break;
            }
            for side in Side::BOTH {
                for key in &table.tables.get(side).foreign_keys {
                    let link = Link {
                        columns: &key.columns,
                        referred: &key.referred,
                        referred_columns: &key.referred_columns,
                    };
                    self.links(
                        &link.on_both(side, table, scoped, engines),
                        table,
                        &mut seen,
                    );
                }
            }
        }
        for reference in &checks.references {
            match declared_by_user(reference, compared) {
                Ok((table, referred)) => {
                    let link = Link {
                        columns: &reference.columns,
                        referred: &referred,
                        referred_columns: &reference.referred_columns,
                    };
                    let links = link.on_both(Side::Source, table, scoped, engines);
                    self.links(&links, table, &mut seen);
                }
                Err(reason) => self.reasons.push(reason),
            }
        }
    }

    fn links(
        &mut self,
        links: &Both<Option<OwnedLink>>,
        table: &PlannedTable<'_>,
        seen: &mut BTreeSet<(String, String)>,
    ) {
        let label = &table.plan.label;
        let Some(shown) = links.source.as_ref().or(links.target.as_ref()) else {
            return;
        };
        let name = format!("{label}: {shown}");
        if !seen.insert((label.clone(), name.clone())) {
            return;
        }
        for side in TARGET_FIRST {
            match links.get(side) {
                Some(link) => {
                    let query = RuleQuery::Orphans {
                        table: table.tables.get(side).name.clone(),
                        key: key_names(table, side),
                        columns: link.columns.clone(),
                        referred: link.referred.clone(),
                        referred_columns: link.referred_columns.clone(),
                    };
                    self.push(side, RuleKind::Orphan, &name, query);
                }
                None if side == Side::Target => self.reasons.push(format!(
                    "{name}: the target does not have the table and columns to look for orphans"
                )),
                None => (),
            }
        }
    }

    /// Every check on its own side, and on both where both understand it.
    fn declared(&mut self, engines: Both<Engine>, table: &PlannedTable<'_>) {
        let is_shared = engines.source.is_kin(engines.target) && has_same_columns(&table.tables);
        let mut met: BTreeMap<String, String> = BTreeMap::new();
        for origin in Side::BOTH {
            for check in &table.tables.get(origin).checks {
                let expression = expression(&check.expression);
                if is_shared && met.values().any(|other| *other == expression) {
                    continue;
                }
                let mut name = format!("{}: check {}", table.plan.label, check.name);
                if is_shared && met.contains_key(&name) {
                    name = format!("{name} of the {origin}");
                }
                for side in TARGET_FIRST {
                    if is_shared || side == origin {
                        let condition = format!("NOT ({})", check.expression);
                        self.condition(side, table, &name, condition);
                    }
                }
                met.insert(name, expression);
            }
        }
    }

    /// Nulls on the target that the source cannot have.
    fn nulls(&mut self, engines: Both<Engine>, table: &PlannedTable<'_>) {
        for column in &table.plan.columns {
            if !column.nullable.source && column.nullable.target {
                let quoted = quote::name(engines.target, &column.names.target);
                let name = format!("{}.{} is null", table.plan.label, column.names.source);
                self.condition(Side::Target, table, &name, format!("{quoted} IS NULL"));
            }
        }
    }

    /// Texts of the target that are none of the words of the source.
    fn words(&mut self, engines: Both<Engine>, table: &PlannedTable<'_>) {
        for column in &table.plan.columns {
            let (Kind::Enum { words }, Kind::Text { .. }) =
                (&column.kinds.source, &column.kinds.target)
            else {
                continue;
            };
            let name = format!(
                "{}.{} is none of the words of the source",
                table.plan.label, column.names.source
            );
            for side in TARGET_FIRST {
                // PostgreSQL keeps no other word; MySQL keeps an empty one in its place.
                if side == Side::Target || engines.source != Engine::Postgres {
                    let condition = is_none_of(*engines.get(side), column.names.get(side), words);
                    self.condition(side, table, &name, condition);
                }
            }
        }
    }

    fn of_user(&mut self, rule: &Rule, compared: &[PlannedTable<'_>]) {
        if let Some(condition) = &rule.condition {
            let named = rule.table.as_deref().unwrap_or_default();
            match compared
                .iter()
                .find(|table| is_table(named, table.tables.source))
            {
                Some(table) => {
                    for side in TARGET_FIRST {
                        self.condition(side, table, &rule.name, condition.clone());
                    }
                }
                None => self.reasons.push(format!(
                    "rule `{}`: `{named}` is not among the tables that are compared",
                    rule.name
                )),
            }
        } else if let Some(query) = &rule.query {
            let on_target = rule.target_query.as_ref().unwrap_or(query);
            for (side, query) in [(Side::Target, on_target), (Side::Source, query)] {
                let query = RuleQuery::Custom(query.clone());
                self.push(side, RuleKind::Invalid, &rule.name, query);
            }
        }
    }
}

/// A condition that is true for texts that are none of some words, by their bytes and whatever the collation.
pub(super) fn is_none_of<'a>(
    engine: Engine,
    column: &str,
    words: impl IntoIterator<Item = &'a String>,
) -> String {
    let column = quote::name(engine, column);
    let words = quote::texts(engine, words.into_iter().map(String::as_str));
    match engine {
        Engine::Postgres => format!("{column}::text COLLATE \"C\" NOT IN ({words})"),
        Engine::Mysql | Engine::Mariadb => {
            format!("CAST(CONVERT({column} USING utf8mb4) AS BINARY) NOT IN ({words})")
        }
    }
}

/// The columns that rows of one side are named by.
pub(super) fn key_names(table: &PlannedTable<'_>, side: Side) -> Vec<String> {
    let names = |plan: &TablePlan| -> Vec<String> {
        let columns = plan.key_columns();
        let names = columns.iter().map(|column| column.names.get(side).clone());
        names.collect()
    };
    let planned = names(&table.plan);
    if planned.is_empty() {
        let primary = table.tables.get(side).primary_key.clone();
        primary.unwrap_or_default()
    } else {
        planned
    }
}

/// A reference from the columns of one table to those of another, on one side.
struct Link<'a> {
    columns: &'a [String],
    referred: &'a TableName,
    referred_columns: &'a [String],
}

#[derive(Clone)]
struct OwnedLink {
    columns: Vec<String>,
    referred: TableName,
    referred_columns: Vec<String>,
}

impl std::fmt::Display for OwnedLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (columns, referred) = (self.columns.join(", "), self.referred_columns.join(", "));
        write!(f, "({columns}) refers to {} ({referred})", self.referred)
    }
}

impl Link<'_> {
    /// Finds the same reference on both sides, by what the columns and tables are called there.
    fn on_both(
        &self,
        declared_on: Side,
        table: &PlannedTable<'_>,
        scoped: &Scoped<'_>,
        engines: Both<Engine>,
    ) -> Both<Option<OwnedLink>> {
        let here = OwnedLink {
            columns: self.columns.to_vec(),
            referred: self.referred.clone(),
            referred_columns: self.referred_columns.to_vec(),
        };
        let there = self.elsewhere(declared_on, table, scoped, engines);
        match declared_on {
            Side::Source => Both {
                source: Some(here),
                target: there,
            },
            Side::Target => Both {
                source: there,
                target: Some(here),
            },
        }
    }

    fn elsewhere(
        &self,
        declared_on: Side,
        table: &PlannedTable<'_>,
        scoped: &Scoped<'_>,
        engines: Both<Engine>,
    ) -> Option<OwnedLink> {
        let referred = scoped.pair_of(declared_on, self.referred)?;
        let there = declared_on.other();
        let names = |names: &[String], tables: &Both<&Table>| -> Option<Vec<String>> {
            names
                .iter()
                .map(|name| Some(column_on(there, name, tables, engines)?.name.clone()))
                .collect()
        };
        Some(OwnedLink {
            columns: names(self.columns, &table.tables)?,
            referred: referred.get(there).name.clone(),
            referred_columns: names(self.referred_columns, &referred)?,
        })
    }
}

/// Finds the tables of a reference that the wish declares.
fn declared_by_user<'a, 'b>(
    reference: &Reference,
    compared: &'b [PlannedTable<'a>],
) -> Result<(&'b PlannedTable<'a>, TableName), String> {
    let find = |named: &str| {
        compared
            .iter()
            .find(|table| is_table(named, table.tables.source))
            .ok_or_else(|| {
                format!(
                    "reference from `{}` to `{}`: `{named}` is not among the tables that are compared",
                    reference.table, reference.referred
                )
            })
    };
    let (table, referred) = (find(&reference.table)?, find(&reference.referred)?);
    let has = |table: &PlannedTable<'_>, names: &[String]| -> Result<(), String> {
        let columns = &table.tables.source.columns;
        match names
            .iter()
            .find(|name| !columns.iter().any(|column| column.name == **name))
        {
            None => Ok(()),
            Some(name) => Err(format!(
                "reference from `{}` to `{}`: {} has no column `{name}`",
                reference.table, reference.referred, table.plan.label
            )),
        }
    };
    has(table, &reference.columns)?;
    has(referred, &reference.referred_columns)?;
    Ok((table, referred.tables.source.name.clone()))
}

/// Tells whether an expression over the columns of one side means the same on the other.
fn has_same_columns(tables: &Both<&Table>) -> bool {
    let names = |table: &Table| -> BTreeSet<String> {
        table
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect()
    };
    names(tables.source) == names(tables.target)
}

#[cfg(test)]
mod tests;
