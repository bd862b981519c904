//! What the resources of a migration share: two databases, the tables that are fenced, and what is ours in them.

mod names;
mod reach;

use std::collections::BTreeMap;

use pulumi_value::{Output, PropertyPath};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use cutover_core::validation::catalog::TableName;
use cutover_core::validation::side::{Both, Side};
use pulumi_value::Urn;

use crate::data_validation::{Reader, ValidationConnection, hexadecimal, side_key};
pub(crate) use names::{Schemas, split};
pub(crate) use reach::{Opened, leave, open, open_all};

/// How many bytes of a digest name a resource: ours; sixteen characters, of which no two stacks share all by chance.
const ID_BYTES: usize = 8;

/// The longest name of a migration: slots and locks are named after it, and PostgreSQL ends names at 63 bytes.
const MIGRATION_MAX: usize = 30;

/// Users by whom replication applies, whom the fence lets through.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplyUsers {
    /// On the source, where the replication back applies.
    #[serde(default)]
    pub source: Vec<String>,
    /// On the target, where the replication forth applies.
    #[serde(default)]
    pub target: Vec<String>,
}

/// The inputs that say which databases and tables a migration is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    /// The migration's name.
    pub(crate) migration: &'a str,
    /// The schema for what is ours.
    pub(crate) control_schema: &'a str,
    /// How both databases are reached.
    pub(crate) sides: Both<&'a ValidationConnection>,
    /// Tables by their names on the source.
    pub(crate) tables: &'a [String],
    /// What schemas of the source are called on the target.
    pub(crate) schemas: &'a BTreeMap<String, String>,
    /// Whom the fence lets through.
    pub(crate) apply_users: Option<&'a ApplyUsers>,
    /// What slots of PostgreSQL speak.
    pub(crate) slot_plugin: &'a str,
}

/// What slots speak, where no slot is made.
pub(crate) const SLOT_PLUGIN: &str = "test_decoding";

impl Given<'_> {
    /// Names the tables as each side does, each in the order of its names. `databases` are the names of both, as far as
    /// they are known.
    pub(crate) fn tables(&self, databases: Both<Option<&str>>) -> Both<Vec<TableName>> {
        let pairs = self.pairs(databases);
        let mut tables = Both::of(|side| {
            let of_side = pairs.iter().map(|pair| pair.get(side).clone());
            of_side.collect::<Vec<_>>()
        });
        tables.source.sort();
        tables.target.sort();
        tables
    }

    /// Names the tables, each as both sides do, in the order of the inputs.
    pub(crate) fn pairs(&self, databases: Both<Option<&str>>) -> Vec<Both<TableName>> {
        let schemas = self.schemas(databases);
        let source = self.tables.iter().filter_map(|name| split(name));
        source
            .map(|source| Both {
                target: schemas.forth(&source),
                source,
            })
            .collect()
    }

    /// Says what schemas of one side are called on the other.
    pub(crate) fn schemas(&self, databases: Both<Option<&str>>) -> Schemas {
        let engines = self.sides.map(|side| side.engine);
        Schemas::new(self.schemas, engines, databases)
    }

    /// The names of both databases, as far as the program says them.
    pub(crate) fn databases(&self) -> Both<Option<&str>> {
        Both::of(|side| {
            let given = *self.sides.get(side);
            given
                .database
                .as_ref()
                .and_then(Output::get)
                .map(String::as_str)
        })
    }

    /// Finds what is wrong with these inputs below a place.
    pub(crate) fn check(&self, reader: &mut Reader, root: &PropertyPath) {
        for side in Side::BOTH {
            reader.connection(&root.key(side_key(side)), self.sides.get(side));
        }
        if !is_name(self.migration) || self.migration.len() > MIGRATION_MAX {
            let reason = format!(
                "must be lower-case letters, digits and `_`, beginning with a letter, at most {MIGRATION_MAX}"
            );
            reader.malformed(root.key("migration"), reason);
        }
        if !is_name(self.control_schema) {
            let reason = "must be lower-case letters, digits and `_`, beginning with a letter";
            reader.malformed(root.key("controlSchema"), reason);
        }
        self.check_tables(reader, root);
    }

    fn check_tables(&self, reader: &mut Reader, root: &PropertyPath) {
        let path = root.key("tables");
        if self.tables.is_empty() {
            reader.malformed(path.clone(), "names no table");
        }
        for (index, name) in self.tables.iter().enumerate() {
            let path = path.index(index);
            match split(name) {
                None => reader.malformed(
                    path,
                    format!("`{name}` must be `schema.table`, without `*`: only tables that are named are fenced"),
                ),
                Some(table) if table.schema == self.control_schema => {
                    reader.malformed(path, "is one of cutover's own tables");
                }
                Some(_) if self.tables.iter().take(index).any(|other| other == name) => {
                    reader.malformed(path, "is named twice");
                }
                Some(_) => {}
            }
        }
    }
}

/// Tells whether a text is a name that needs no quotes in any of the databases.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

/// Names a resource after where it is declared; `kind` is the letter that it begins with.
pub(crate) fn id_of(kind: char, urn: Option<&Urn>) -> String {
    let digest = Sha256::digest(urn.map_or("", Urn::as_str).as_bytes());
    let digest = digest.get(..ID_BYTES).unwrap_or_default();
    format!("{kind}{}", hexadecimal(digest))
}

/// The schema for what is ours, when the program names none.
pub(crate) fn control_schema() -> String {
    "cutover_control".to_owned()
}

/// Writes a duration as programs do: `1h 30m`.
pub(crate) fn duration(duration: std::time::Duration) -> String {
    humantime::format_duration(duration).to_string()
}

/// Names a run, for the journals and for whoever finds a lock taken.
pub(crate) fn run_name(now: cutover_core::Timestamp) -> String {
    crate::weighted_shift::run_id(now).as_str().to_owned()
}
