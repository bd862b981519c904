//! Which table of the source belongs to which of the target, and which of them are compared.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::{Catalog, Engine, Server, Table, TableName};
use super::side::{Both, Side};
use super::spec::{Follow, Spec};

/// The schema in which cutover keeps its own tables.
const OWN_SCHEMA: &str = "cutover_control";

/// How the names of tables begin that AWS DMS makes on a target. Source: DMS user guide, "Control table task settings".
const DMS_PREFIX: &str = "awsdms_";

/// Names of tables: `schema.table`, or `table` in any schema, where `*` stands for any run of letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    schema: Option<String>,
    table: String,
}

impl Pattern {
    /// Reads a pattern; `None` if it has more than two parts, or an empty one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        if parts
            .iter()
            .any(|part| part.trim() != *part || part.is_empty())
        {
            return None;
        }
        match parts[..] {
            [table] => Some(Self {
                schema: None,
                table: table.to_owned(),
            }),
            [schema, table] => Some(Self {
                schema: Some(schema.to_owned()),
                table: table.to_owned(),
            }),
            _ => None,
        }
    }

    /// Tells whether a table has such a name.
    pub(super) fn matches(&self, name: &TableName) -> bool {
        self.schema
            .as_ref()
            .is_none_or(|schema| matches(schema, &name.schema))
            && matches(&self.table, &name.name)
    }
}

/// Tells whether a text is what a pattern stands for.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    // The earliest place of each part leaves the most to those that follow.
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The tables of both sides, and what the wish says about them.
#[derive(Debug)]
pub(super) struct Scoped<'a> {
    /// Those that are compared, in the order of the source's names.
    pub(super) pairs: Vec<Both<&'a Table>>,
    /// Those of the source that are wished and that the target does not have.
    pub(super) missing: Vec<&'a Table>,
    /// Those of the target that would be wished and that the source does not have.
    pub(super) extra: Vec<&'a Table>,
    /// Those of the source that are not wished.
    pub(super) left_out: Vec<&'a Table>,
    /// Patterns that match no table.
    pub(super) unmatched: Vec<&'a str>,
    /// All tables that are on both sides, wished or not, by their names on the source.
    by_source: BTreeMap<&'a TableName, Both<&'a Table>>,
    /// The same by their names on the target.
    by_target: BTreeMap<&'a TableName, Both<&'a Table>>,
}

impl<'a> Scoped<'a> {
    /// Finds out which tables are compared.
    pub(super) fn new(spec: &'a Spec, catalogs: &'a Both<Catalog>, servers: &Both<Server>) -> Self {
        let (mut by_source, mut by_target) = (BTreeMap::new(), BTreeMap::new());
        let covered = |table: &&Table| covers(spec, &servers.source, &table.name.schema);
        for source in catalogs.source.tables.iter().filter(covered) {
            if let Some(target) = target_of(spec, catalogs, servers, &source.name) {
                let pair = Both { source, target };
                by_source.insert(&source.name, pair);
                by_target.insert(&target.name, pair);
            }
        }
        let wish = Wish::of(spec);
        let mut scoped = Self {
            pairs: Vec::new(),
            missing: Vec::new(),
            extra: extra(spec, &wish, catalogs, servers, &by_target),
            left_out: Vec::new(),
            unmatched: unmatched(spec, &catalogs.source),
            by_source,
            by_target,
        };
        for table in catalogs.source.tables.iter().filter(covered) {
            if is_own(spec, &table.name) {
                continue;
            }
            match scoped.pair_of(Side::Source, &table.name) {
                _ if !wish.has(&table.name) => scoped.left_out.push(table),
                Some(pair) => scoped.pairs.push(pair),
                None => scoped.missing.push(table),
            }
        }
        scoped
    }

    /// Returns both tables for one of a side, whether they are compared or not.
    pub(super) fn pair_of(&self, side: Side, name: &TableName) -> Option<Both<&'a Table>> {
        let pairs = match side {
            Side::Source => &self.by_source,
            Side::Target => &self.by_target,
        };
        pairs.get(name).copied()
    }

    /// Returns what people call a table: its name on the source, with the schema unless that is the only one.
    pub(super) fn label(&self, source: &TableName) -> String {
        let schemas: BTreeSet<&str> = self
            .pairs
            .iter()
            .map(|pair| pair.source)
            .chain(self.missing.iter().copied())
            .map(|table| table.name.schema.as_str())
            .collect();
        if schemas.len() <= 1 {
            source.name.clone()
        } else {
            source.to_string()
        }
    }
}

/// Patterns of tables that are wished.
struct Wish {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Wish {
    fn of(spec: &Spec) -> Self {
        let parse = |texts: &[String]| {
            texts
                .iter()
                .filter_map(|text| Pattern::parse(text))
                .collect()
        };
        Self {
            include: parse(&spec.scope.include),
            exclude: parse(&spec.scope.exclude),
        }
    }

    fn has(&self, name: &TableName) -> bool {
        let is_in = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(name));
        (self.include.is_empty() || is_in(&self.include)) && !is_in(&self.exclude)
    }
}

/// Tells whether a table is one of ours, or of AWS DMS: such tables are on one side, or differ, by their nature.
fn is_own(spec: &Spec, name: &TableName) -> bool {
    let is_marker = match &spec.follow {
        Follow::Marker { table } => {
            Pattern::parse(table).is_some_and(|pattern| pattern.matches(name))
        }
        Follow::None | Follow::Native | Follow::Delay { .. } => false,
    };
    is_marker || name.schema == OWN_SCHEMA || name.name.starts_with(DMS_PREFIX)
}

/// Tells whether names that differ in case only are the same to one of the engines.
pub(super) fn folds_case(engines: Both<Engine>) -> bool {
    engines.source != Engine::Postgres || engines.target != Engine::Postgres
}

/// Returns the software of both sides.
pub(super) fn engines(servers: &Both<Server>) -> Both<Engine> {
    servers.as_ref().map(|server| server.engine)
}

/// Finds what is called the same on the other side: by the letter, or but for case where that leaves no doubt.
pub(super) fn twin<'a, T>(
    name: &str,
    mine: impl IntoIterator<Item = &'a T>,
    theirs: impl IntoIterator<Item = &'a T>,
    name_of: impl Fn(&'a T) -> &'a str,
    folds_case: bool,
) -> Option<&'a T> {
    let lower = name.to_lowercase();
    let mut candidates = Vec::new();
    for one in theirs {
        if name_of(one) == name {
            return Some(one);
        }
        if name_of(one).to_lowercase() == lower {
            candidates.push(one);
        }
    }
    let namesakes = mine
        .into_iter()
        .filter(|one| name_of(one).to_lowercase() == lower)
        .count();
    match candidates[..] {
        [one] if folds_case && namesakes <= 1 => Some(one),
        _ => None,
    }
}

fn target_of<'a>(
    spec: &Spec,
    catalogs: &'a Both<Catalog>,
    servers: &Both<Server>,
    source: &TableName,
) -> Option<&'a Table> {
    let schema = target_schema(spec, servers, &source.schema);
    let mine = catalogs
        .source
        .tables
        .iter()
        .filter(|table| table.name.schema == source.schema);
    let theirs = catalogs
        .target
        .tables
        .iter()
        .filter(|table| table.name.schema == schema);
    twin(
        &source.name,
        mine,
        theirs,
        |table| &table.name.name,
        folds_case(engines(servers)),
    )
}

/// Returns what a schema of the source is called on the target.
pub(super) fn target_schema(spec: &Spec, servers: &Both<Server>, schema: &str) -> String {
    if let Some(mapped) = spec.scope.schemas.get(schema) {
        return mapped.clone();
    }
    if schema == default_schema(&servers.source) {
        return default_schema(&servers.target).to_owned();
    }
    schema.to_owned()
}

/// Tells whether a schema of the source is compared: with PostgreSQL each of the database's, with MySQL, where the server
/// shows all of its databases, the one that was connected to and those that the wish names.
fn covers(spec: &Spec, source: &Server, schema: &str) -> bool {
    let is_named = || {
        spec.scope.schemas.contains_key(schema)
            || spec.scope.include.iter().any(|text| {
                Pattern::parse(text)
                    .and_then(|pattern| pattern.schema)
                    .is_some_and(|pattern| matches(&pattern, schema))
            })
    };
    source.engine == Engine::Postgres || schema == source.database || is_named()
}

/// Returns the schema that names without one belong to: `public`, or the database with MySQL.
fn default_schema(server: &Server) -> &str {
    match server.engine {
        Engine::Postgres => "public",
        Engine::Mysql | Engine::Mariadb => &server.database,
    }
}

/// Lists tables of the target that the source would have by the wish, and does not.
fn extra<'a>(
    spec: &Spec,
    wish: &Wish,
    catalogs: &'a Both<Catalog>,
    servers: &Both<Server>,
    by_target: &BTreeMap<&TableName, Both<&Table>>,
) -> Vec<&'a Table> {
    let mut schemas: BTreeSet<&str> = catalogs
        .source
        .tables
        .iter()
        .map(|table| table.name.schema.as_str())
        .filter(|schema| covers(spec, &servers.source, schema))
        .collect();
    schemas.extend(spec.scope.schemas.keys().map(String::as_str));
    schemas.insert(default_schema(&servers.source));
    let is_wished = |table: &Table| {
        schemas
            .iter()
            .filter(|schema| target_schema(spec, servers, schema) == table.name.schema)
            .any(|schema| {
                wish.has(&TableName {
                    schema: (*schema).to_owned(),
                    name: table.name.name.clone(),
                })
            })
    };
    catalogs
        .target
        .tables
        .iter()
        .filter(|table| !by_target.contains_key(&table.name) && !is_own(spec, &table.name))
        .filter(|table| is_wished(table))
        .collect()
}

fn unmatched<'a>(spec: &'a Spec, source: &Catalog) -> Vec<&'a str> {
    let is_unmatched = |text: &&String| {
        Pattern::parse(text).is_none_or(|pattern| {
            !source
                .tables
                .iter()
                .any(|table| pattern.matches(&table.name))
        })
    };
    spec.scope
        .include
        .iter()
        .filter(is_unmatched)
        .map(String::as_str)
        .collect()
}

#[cfg(test)]
mod tests;
