//! Types of PostgreSQL, and the kinds that they are.

use std::collections::BTreeMap;

use cutover_core::validation::catalog::Kind;
use sqlx::{PgConnection, Row};

/// What a type says when it has no modifier, as with `numeric` without a precision.
const NO_MODIFIER: i32 = -1;

/// What PostgreSQL adds to lengths, and to precision and scale, so that a modifier is never a small number.
const HEADER: i32 = 4;

/// A type, as far as its kind hangs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PgType {
    name: String,
    /// Whether it is PostgreSQL's own.
    native: bool,
    /// `b` base, `d` domain, `e` enum, `r` range, `m` multirange, `c` composite.
    class: String,
    /// The type of the elements of an array.
    element: Option<u32>,
    /// The type that a domain is made of, and its modifier.
    base: Option<(u32, i32)>,
    /// Whether a domain takes no null.
    not_null: bool,
    /// The words of an enum.
    words: Vec<String>,
}

/// Types by their `oid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Types(BTreeMap<u32, PgType>);

/// All types but those of the rows of tables, and arrays of these. Vectors of the system catalog look like arrays, and have
/// bounds of their own.
const TYPES: &str = "
    SELECT t.oid::int8 AS oid, t.typname::text AS name, n.nspname = 'pg_catalog' AS native,
           t.typtype::text AS class,
           CASE WHEN t.typcategory = 'A' AND t.typlen = -1 AND t.typname NOT IN ('int2vector', 'oidvector')
                THEN NULLIF(t.typelem, 0)::int8 END AS element,
           NULLIF(t.typbasetype, 0)::int8 AS base, t.typtypmod AS modifier, t.typnotnull AS not_null,
           COALESCE((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
                       FROM pg_enum e WHERE e.enumtypid = t.oid), '{}') AS words
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      LEFT JOIN pg_type e ON e.oid = t.typelem
     WHERE t.typtype IN ('b', 'd', 'e', 'r', 'm') AND e.typtype IS DISTINCT FROM 'c'";

impl Types {
    pub(super) async fn read(session: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(TYPES).fetch_all(session).await?;
        rows.iter()
            .map(|row| {
                let base = oid(row.try_get("base")?);
                let modifier = row.try_get("modifier")?;
                let found = PgType {
                    name: row.try_get("name")?,
                    native: row.try_get("native")?,
                    class: row.try_get("class")?,
                    element: oid(row.try_get("element")?),
                    base: base.map(|base| (base, modifier)),
                    not_null: row.try_get("not_null")?,
                    words: row.try_get("words")?,
                };
                Ok((oid(row.try_get("oid")?).unwrap_or_default(), found))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The kind of values of a type with a modifier. `printed` is the type as the server prints it.
    pub(super) fn kind(&self, oid: u32, modifier: i32, printed: &str) -> Kind {
        let Some(found) = self.0.get(&oid) else {
            return other(printed);
        };
        if let Some((base, modifier)) = found.base {
            return self.kind(base, modifier, printed);
        }
        if let Some(element) = found.element {
            let printed = printed.trim_end_matches("[]");
            return Kind::Array(Box::new(self.kind(element, modifier, printed)));
        }
        if found.class == "e" {
            let words = found.words.clone();
            return Kind::Enum { words };
        }
        if found.native {
            return native(&found.name, modifier).unwrap_or_else(|| other(printed));
        }
        // Of an extension, in whatever schema that was put.
        if found.name == "citext" {
            return text(None, false);
        }
        other(printed)
    }

    /// Whether a type, or any domain that it is made of, takes no null.
    pub(super) fn refuses_null(&self, oid: u32) -> bool {
        self.0.get(&oid).is_some_and(|found| {
            found.not_null || found.base.is_some_and(|(base, _)| self.refuses_null(base))
        })
    }

    /// Whether equal values of a type can have different text for another reason than their collation.
    pub(super) fn folds_case(&self, oid: u32) -> bool {
        self.0.get(&oid).is_some_and(|found| {
            let inner = found.base.map(|(base, _)| base).or(found.element);
            match inner {
                Some(inner) => self.folds_case(inner),
                None => found.name == "citext" && !found.native,
            }
        })
    }
}

fn native(name: &str, modifier: i32) -> Option<Kind> {
    let integer = |bits, unsigned| Kind::Integer { bits, unsigned };
    Some(match name {
        "int2" => integer(16, false),
        "int4" => integer(32, false),
        "int8" => integer(64, false),
        "oid" => integer(32, true),
        "numeric" => Kind::Numeric {
            size: numeric(modifier),
        },
        "float4" => Kind::Float { bits: 32 },
        "float8" => Kind::Float { bits: 64 },
        "bool" => Kind::Boolean,
        "text" | "name" => text(None, false),
        "varchar" => text(length(modifier), false),
        "bpchar" => text(length(modifier), true),
        "bytea" => Kind::Bytes {
            length: None,
            padded: false,
        },
        "date" => Kind::Date,
        "time" | "timetz" => Kind::Time {
            digits: digits(modifier),
            zoned: name == "timetz",
        },
        "timestamp" | "timestamptz" => Kind::Timestamp {
            digits: digits(modifier),
            zoned: name == "timestamptz",
        },
        "uuid" => Kind::Uuid,
        "json" => Kind::Json { parsed: false },
        "jsonb" => Kind::Json { parsed: true },
        "bit" => Kind::Bits {
            length: u64::try_from(modifier).ok(),
        },
        "varbit" => Kind::Bits { length: None },
        "interval" => Kind::Interval,
        "inet" | "cidr" => Kind::Inet,
        _ => return None,
    })
}

fn other(printed: &str) -> Kind {
    Kind::Other {
        name: printed.to_owned(),
    }
}

fn text(length: Option<u64>, padded: bool) -> Kind {
    Kind::Text { length, padded }
}

/// The limit of characters in a modifier.
fn length(modifier: i32) -> Option<u64> {
    u64::try_from(modifier.checked_sub(HEADER)?).ok()
}

/// The digits of the fraction of a second in a modifier; six without one.
fn digits(modifier: i32) -> u8 {
    u8::try_from(modifier).unwrap_or(6)
}

/// Precision and scale in a modifier: 16 bits and 11 bits, the latter signed since PostgreSQL 15.
fn numeric(modifier: i32) -> Option<(u16, i16)> {
    if modifier == NO_MODIFIER {
        return None;
    }
    let both = modifier - HEADER;
    let precision = u16::try_from((both >> 16) & 0xffff).ok()?;
    let scale = i16::try_from(((both & 0x7ff) ^ 0x400) - 0x400).ok()?;
    Some((precision, scale))
}

/// The number of an object; they are unsigned, and come in a larger signed type.
pub(super) fn oid(number: Option<i64>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}
