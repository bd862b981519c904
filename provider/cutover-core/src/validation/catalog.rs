//! What a database says that it holds, in words common to all engines.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The software of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Engine {
    /// PostgreSQL, and Aurora PostgreSQL.
    Postgres,
    /// MySQL, and Aurora MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
}

impl Engine {
    /// Tells whether two servers share types, functions and text of values.
    pub fn is_kin(self, other: Self) -> bool {
        (self == Self::Postgres) == (other == Self::Postgres)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
            Self::Mariadb => "MariaDB",
        })
    }
}

/// A server as it was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its software.
    pub engine: Engine,
    /// Its version, as it says it: `15.18`.
    pub version: String,
    /// The version as a number that can be compared: 150018, 101119.
    pub version_number: u32,
    /// What tells this server from any other, hashed: the system identifier, or server UUID, and the database.
    pub identity: String,
    /// The database's name.
    pub database: String,
    /// Whether it refuses writes because it follows another server.
    pub is_replica: bool,
    /// TLS of the connection, if there is any.
    pub tls: Option<Tls>,
    /// Whether the user may change rows. A validator needs no such right.
    pub can_write: bool,
    /// The largest packet or value that the server makes, in bytes, where it has such a limit.
    pub max_packet: Option<u64>,
}

/// TLS of a connection, as the server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The protocol: `TLSv1.3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// Whether the certificate's chain and host name were verified by us.
    pub verified: bool,
}

/// The name of a table: schema and table with PostgreSQL, database and table with MySQL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    /// The schema, or the database with MySQL.
    pub schema: String,
    /// The table.
    pub name: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// Everything that was found, in the order of names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// Base tables and the roots of partitioned ones; not the partitions.
    pub tables: Vec<Table>,
    /// Sequences. Those behind identities, serials and `AUTO_INCREMENT` name their column.
    pub sequences: Vec<Sequence>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: TableName,
    /// Its columns, in their order; without dropped and hidden ones.
    pub columns: Vec<Column>,
    /// The columns of its primary key, in the key's order.
    pub primary_key: Option<Vec<String>>,
    /// Unique constraints and indexes, the primary key's not among them.
    pub indexes: Vec<Index>,
    /// Foreign keys that it declares.
    pub foreign_keys: Vec<ForeignKey>,
    /// Check constraints.
    pub checks: Vec<Check>,
    /// Triggers that users made.
    pub triggers: Vec<Trigger>,
    /// How it is partitioned, in the engine's words, if it is.
    pub partitioning: Option<Partitioning>,
    /// How many rows the server believes it has; 0 when it does not know.
    pub estimated_rows: u64,
    /// How many bytes its rows take, indexes apart; with `InnoDB` those of the primary key's index.
    pub bytes: u64,
    /// Whether the user may read all of it.
    pub readable: bool,
    /// Whether rows may be hidden from the user by row-level security.
    pub hides_rows: bool,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What kind of values it holds.
    pub kind: Kind,
    /// The engine's own name of the type, for people.
    pub type_name: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// Its default, as the engine prints it.
    pub default: Option<String>,
    /// How its values are made by the engine.
    pub made: Made,
    /// The collation's name, if it is not the database's own.
    pub collation: Option<String>,
    /// Whether equal text is equal bytes under its collation. True for what is not text.
    pub deterministic: bool,
}

/// How values of a column come about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Made {
    /// By whoever inserts, or by the default.
    Given,
    /// By a sequence or `AUTO_INCREMENT`. `always` when no other value may be inserted.
    Identity {
        /// Whether inserting another value is refused.
        always: bool,
    },
    /// From other columns of the row.
    Generated {
        /// The expression, as the engine prints it.
        expression: String,
        /// Whether the value is kept, so that it can be compared as any other.
        stored: bool,
    },
}

/// The kind of values of a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Whole numbers.
    Integer {
        /// 8, 16, 24, 32 or 64.
        bits: u8,
        /// Whether there are no negative ones.
        unsigned: bool,
    },
    /// Exact decimals; without a precision they are of any length.
    Numeric {
        /// How many digits, and how many of them after the point.
        size: Option<(u16, i16)>,
    },
    /// Binary floating point, of 32 or 64 bits.
    Float {
        /// 32 or 64.
        bits: u8,
    },
    /// True or false. `tinyint(1)` counts as one.
    Boolean,
    /// Text, of at most so many characters.
    Text {
        /// The limit, if there is one.
        length: Option<u64>,
        /// Whether it is filled with blanks that mean nothing: `char(n)`.
        padded: bool,
    },
    /// Bytes.
    Bytes {
        /// The limit, if there is one.
        length: Option<u64>,
        /// Whether it is filled with zero bytes: `binary(n)`.
        padded: bool,
    },
    /// Days.
    Date,
    /// Times of day, or spans with MySQL.
    Time {
        /// Digits of the fraction of a second, 0 to 6.
        digits: u8,
        /// Whether an offset is kept.
        zoned: bool,
    },
    /// Moments.
    Timestamp {
        /// Digits of the fraction of a second, 0 to 6.
        digits: u8,
        /// Whether it is a moment (`timestamptz`, `TIMESTAMP`) rather than what a clock shows (`timestamp`, `DATETIME`).
        zoned: bool,
    },
    /// 128-bit identifiers.
    Uuid,
    /// JSON.
    Json {
        /// Whether it is kept parsed (`jsonb`, MySQL's `JSON`) rather than as it was written.
        parsed: bool,
    },
    /// One of some words.
    Enum {
        /// The words, in their order.
        words: Vec<String>,
    },
    /// Several of some words.
    Set {
        /// The words, in their order.
        words: Vec<String>,
    },
    /// Bits.
    Bits {
        /// How many, if that is fixed.
        length: Option<u64>,
    },
    /// Years.
    Year,
    /// Spans of time.
    Interval,
    /// Network addresses.
    Inet,
    /// Several values of one kind.
    Array(Box<Kind>),
    /// What only this engine has, by the engine's own name of the type.
    Other {
        /// The type's name.
        name: String,
    },
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Columns or expressions, in their order, with `DESC` and prefix lengths as the engine prints them.
    pub parts: Vec<String>,
    /// Whether it holds no value twice.
    pub unique: bool,
    /// The condition of a partial index.
    pub predicate: Option<String>,
    /// Whether it can be relied on; false after a failed concurrent build.
    pub valid: bool,
    /// `btree`, `hash`, `gin`, `fulltext`.
    pub method: String,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The table that is referred to.
    pub referred: TableName,
    /// Its columns, in the same order.
    pub referred_columns: Vec<String>,
    /// What happens on delete and on update: `NO ACTION`, `CASCADE`, …
    pub actions: (String, String),
    /// Whether existing rows were checked.
    pub validated: bool,
}

/// A check constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// The expression, as the engine prints it, without `CHECK` and without brackets around the whole.
    pub expression: String,
    /// Whether existing rows were checked and new ones are.
    pub validated: bool,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// When it fires: `BEFORE INSERT`.
    pub fires: String,
    /// Whether rows that replication applies make it fire.
    pub fires_on_apply: bool,
}

/// How a table is partitioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partitioning {
    /// The rule, in the engine's words.
    pub rule: String,
    /// The names of the partitions that hold rows.
    pub partitions: Vec<TableName>,
}

/// A sequence, or the counter behind `AUTO_INCREMENT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its name; that of the table for `AUTO_INCREMENT`.
    pub name: TableName,
    /// The column that it fills, if it belongs to one.
    pub owner: Option<(TableName, String)>,
    /// The next value that it would give.
    pub next: i128,
    /// The step from one value to the next.
    pub increment: i64,
    /// The last value that it can give.
    pub max: i128,
    /// Whether it begins anew after that.
    pub cycles: bool,
}
