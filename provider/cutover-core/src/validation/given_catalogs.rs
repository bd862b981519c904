//! Catalogs for tests: what is not said is valid and boring.

use super::catalog::{
    Catalog, Check, Column, Engine, ForeignKey, Index, Kind, Made, Sequence, Server, Table,
    TableName, Trigger,
};
use super::side::Both;
use super::spec::{Rule, Spec, Sums};

pub(super) const BIGINT: Kind = Kind::Integer {
    bits: 64,
    unsigned: false,
};
pub(super) const INT: Kind = Kind::Integer {
    bits: 32,
    unsigned: false,
};
pub(super) const TEXT: Kind = Kind::Text {
    length: None,
    padded: false,
};
pub(super) const MOMENT: Kind = Kind::Timestamp {
    digits: 6,
    zoned: true,
};

pub(super) fn numeric(precision: u16, scale: i16) -> Kind {
    Kind::Numeric {
        size: Some((precision, scale)),
    }
}

pub(super) fn varchar(length: u64) -> Kind {
    Kind::Text {
        length: Some(length),
        padded: false,
    }
}

pub(super) fn an_enum(words: &[&str]) -> Kind {
    Kind::Enum {
        words: owned(words),
    }
}

pub(super) fn a_name(text: &str) -> TableName {
    let (schema, name) = text.split_once('.').unwrap_or(("public", text));
    TableName {
        schema: schema.to_owned(),
        name: name.to_owned(),
    }
}

/// A nullable column whose type's name is that of its kind.
pub(super) fn a_column(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        type_name: format!("{kind:?}"),
        kind,
        nullable: true,
        default: None,
        made: Made::Given,
        collation: None,
        deterministic: true,
    }
}

impl Column {
    pub(super) fn not_null(mut self) -> Self {
        self.nullable = false;
        self
    }

    pub(super) fn or(mut self, default: &str) -> Self {
        self.default = Some(default.to_owned());
        self
    }

    pub(super) fn made(mut self, made: Made) -> Self {
        self.made = made;
        self
    }

    pub(super) fn called(mut self, type_name: &str) -> Self {
        type_name.clone_into(&mut self.type_name);
        self
    }

    pub(super) fn folding_case(mut self) -> Self {
        self.deterministic = false;
        self
    }
}

/// A table with a key `id` and nothing else; without a dot in its name, in `public`.
pub(super) fn a_table(name: &str) -> Table {
    Table {
        name: a_name(name),
        columns: vec![a_column("id", BIGINT).not_null()],
        primary_key: Some(owned(&["id"])),
        indexes: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        triggers: Vec::new(),
        partitioning: None,
        estimated_rows: 1000,
        bytes: 8192,
        readable: true,
        hides_rows: false,
    }
}

impl Table {
    pub(super) fn with(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    pub(super) fn keyless(mut self) -> Self {
        self.primary_key = None;
        self
    }

    pub(super) fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    pub(super) fn index(mut self, index: Index) -> Self {
        self.indexes.push(index);
        self
    }

    pub(super) fn referring(mut self, columns: &[&str], referred: &str) -> Self {
        self.foreign_keys.push(ForeignKey {
            name: format!("{}_{}", self.name.name, columns.join("_")),
            columns: owned(columns),
            referred: a_name(referred),
            referred_columns: owned(&["id"]),
            actions: ("NO ACTION".to_owned(), "NO ACTION".to_owned()),
            validated: true,
        });
        self
    }

    pub(super) fn check(mut self, name: &str, expression: &str) -> Self {
        self.checks.push(Check {
            name: name.to_owned(),
            expression: expression.to_owned(),
            validated: true,
        });
        self
    }

    pub(super) fn trigger(mut self, name: &str, fires_on_apply: bool) -> Self {
        self.triggers.push(Trigger {
            name: name.to_owned(),
            fires: "AFTER INSERT".to_owned(),
            fires_on_apply,
        });
        self
    }
}

/// A valid index that is not unique.
pub(super) fn an_index(parts: &[&str]) -> Index {
    Index {
        name: parts.join("_"),
        parts: owned(parts),
        unique: false,
        predicate: None,
        valid: true,
        method: "btree".to_owned(),
    }
}

pub(super) fn a_unique_index(parts: &[&str]) -> Index {
    Index {
        unique: true,
        ..an_index(parts)
    }
}

/// The counter behind the `id` of a table, which will give 100 next.
pub(super) fn a_sequence(table: &str) -> Sequence {
    Sequence {
        name: a_name(&format!("{table}_id_seq")),
        owner: Some((a_name(table), "id".to_owned())),
        next: 100,
        increment: 1,
        max: i64::MAX.into(),
        cycles: false,
    }
}

pub(super) fn a_catalog(tables: impl IntoIterator<Item = Table>) -> Catalog {
    Catalog {
        tables: tables.into_iter().collect(),
        sequences: Vec::new(),
    }
}

/// The same catalog on both sides.
pub(super) fn twice(tables: impl IntoIterator<Item = Table>) -> Both<Catalog> {
    let catalog = a_catalog(tables);
    Both {
        source: catalog.clone(),
        target: catalog,
    }
}

/// A server whose database is called `shop`.
pub(super) fn a_server(engine: Engine) -> Server {
    Server {
        engine,
        version: "15.18".to_owned(),
        version_number: 150_018,
        identity: engine.to_string(),
        database: "shop".to_owned(),
        is_replica: false,
        tls: None,
        can_write: false,
        max_packet: None,
    }
}

pub(super) fn servers(source: Engine, target: Engine) -> Both<Server> {
    Both {
        source: a_server(source),
        target: a_server(target),
    }
}

pub(super) fn two_postgres() -> Both<Server> {
    servers(Engine::Postgres, Engine::Postgres)
}

/// Everything that is looked at without being asked for, before the switch.
pub(super) fn a_spec() -> Spec {
    Spec {
        require_tls: false,
        ..Spec::new(1)
    }
}

/// A rule with a condition.
pub(super) fn a_rule(name: &str, table: &str, condition: &str) -> Rule {
    Rule {
        name: name.to_owned(),
        table: Some(table.to_owned()),
        condition: Some(condition.to_owned()),
        query: None,
        target_query: None,
    }
}

pub(super) fn a_sum(table: &str, group_by: &[&str], sums: &[&str]) -> Sums {
    Sums {
        table: table.to_owned(),
        group_by: owned(group_by),
        sums: owned(sums),
        latest: Vec::new(),
    }
}

pub(super) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
