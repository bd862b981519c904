//! Columns of MySQL's and MariaDB's tables.

use std::collections::BTreeMap;

use cutover_core::validation::catalog::{Column, Kind, Made};

use super::{Asking, Found, Texts};
use crate::mysql::flavour::Flavour;
use crate::mysql::quote;

/// Columns in their order, invisible ones too: they hold values as all others do.
const COLUMNS: &str = "
    SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA,
           GENERATION_EXPRESSION, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION,
           COLLATION_NAME
      FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA {within}
     ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION";

const COLLATIONS: &str = "
    SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME {within}";

pub(super) async fn read(asking: &mut Asking<'_>, found: &mut Found) -> Result<(), sqlx::Error> {
    let collations = asking
        .within(COLLATIONS)
        .await?
        .iter()
        .map(|row| Ok((row.text(0)?, row.text(1)?)))
        .collect::<Result<BTreeMap<_, _>, sqlx::Error>>()?;
    let flavour = asking.flavour;
    for row in asking.within(COLUMNS).await? {
        let name = row.table(0)?;
        let usual = collations.get(&name.schema).map(String::as_str);
        let column = column(&row, flavour, usual)?;
        if let Some(table) = found.tables.get_mut(&name) {
            table.columns.push(column);
        }
    }
    Ok(())
}

fn column(row: &Texts, flavour: Flavour, usual: Option<&str>) -> Result<Column, sqlx::Error> {
    let type_name = row.text(4)?;
    let kind = kind(row, &type_name)?;
    let collation = row.may(13)?;
    let extra = row.text(7)?.to_ascii_uppercase();
    let deterministic =
        !matches!(kind, Kind::Text { .. }) || collation.as_deref().is_some_and(is_deterministic);
    let default = default(row.may(6)?, &kind, flavour, &extra);
    Ok(Column {
        name: row.text(2)?,
        type_name,
        nullable: row.text(5)? == "YES",
        made: made(&extra, row.text(8)?),
        default: default.filter(|_| !extra.contains("GENERATED ALWAYS") && !is_generated(&extra)),
        collation: collation.filter(|name| usual != Some(name)),
        deterministic,
        kind,
    })
}

/// Whether equal texts are equal bytes, trailing blanks apart: only collations by bytes do not fold case or accents.
fn is_deterministic(collation: &str) -> bool {
    collation == "binary" || collation.ends_with("_bin")
}

fn is_generated(extra: &str) -> bool {
    ["STORED GENERATED", "VIRTUAL GENERATED", "PERSISTENT"]
        .iter()
        .any(|mark| extra.contains(mark))
}

fn made(extra: &str, expression: String) -> Made {
    if extra.contains("AUTO_INCREMENT") {
        return Made::Identity { always: false };
    }
    if is_generated(extra) {
        let stored = !extra.contains("VIRTUAL GENERATED");
        return Made::Generated { expression, stored };
    }
    Made::Given
}

/// The default as an expression. MariaDB prints one, `NULL` among them; MySQL prints the bare value of a literal.
fn default(printed: Option<String>, kind: &Kind, flavour: Flavour, extra: &str) -> Option<String> {
    let printed = printed?;
    match flavour {
        Flavour::Mariadb => Some(printed).filter(|printed| printed != "NULL"),
        Flavour::Mysql if extra.contains("DEFAULT_GENERATED") => Some(printed),
        Flavour::Mysql => Some(match kind {
            Kind::Integer { .. }
            | Kind::Numeric { .. }
            | Kind::Float { .. }
            | Kind::Boolean
            | Kind::Bits { .. }
            | Kind::Year => printed,
            _ => quote::text(&printed),
        }),
    }
}

fn kind(row: &Texts, type_name: &str) -> Result<Kind, sqlx::Error> {
    let length: Option<u64> = row.number(9)?;
    let precision: u16 = row.number(10)?.unwrap_or_default();
    let digits: u8 = row.number(12)?.unwrap_or_default();
    let unsigned = type_name.contains(" unsigned");
    let integer = |bits| Kind::Integer { bits, unsigned };
    let data_type = row.text(3)?.to_ascii_lowercase();
    Ok(match data_type.as_str() {
        "tinyint" if type_name.eq_ignore_ascii_case("tinyint(1)") => Kind::Boolean,
        "tinyint" => integer(8),
        "smallint" => integer(16),
        "mediumint" => integer(24),
        "int" => integer(32),
        "bigint" => integer(64),
        "decimal" => Kind::Numeric {
            size: Some((precision, row.number(11)?.unwrap_or_default())),
        },
        "float" => Kind::Float { bits: 32 },
        "double" => Kind::Float { bits: 64 },
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" => Kind::Text {
            length,
            padded: data_type == "char",
        },
        // What there is of a limit is that of any value.
        "longtext" => Kind::Text {
            length: None,
            padded: false,
        },
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" => Kind::Bytes {
            length,
            padded: data_type == "binary",
        },
        "longblob" => Kind::Bytes {
            length: None,
            padded: false,
        },
        "date" => Kind::Date,
        "time" => Kind::Time {
            digits,
            zoned: false,
        },
        "datetime" | "timestamp" => Kind::Timestamp {
            digits,
            zoned: data_type == "timestamp",
        },
        "year" => Kind::Year,
        "json" => Kind::Json { parsed: true },
        "enum" => Kind::Enum {
            words: words(type_name),
        },
        "set" => Kind::Set {
            words: words(type_name),
        },
        "bit" => Kind::Bits {
            length: Some(u64::from(precision)),
        },
        "uuid" => Kind::Uuid,
        "inet4" | "inet6" => Kind::Inet,
        _ => Kind::Other {
            name: type_name.to_owned(),
        },
    })
}

/// The words of `enum('a','it''s')`.
fn words(type_name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = type_name;
    while let Some(start) = rest.find('\'') {
        let mut word = String::new();
        rest = &rest[start + 1..];
        while let Some(end) = rest.find('\'') {
            word += &rest[..end];
            rest = &rest[end + 1..];
            // Two of them are one in the word.
            let Some(after) = rest.strip_prefix('\'') else {
                break;
            };
            word.push('\'');
            rest = after;
        }
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_read_with_their_quotes_and_commas() {
        assert_eq!(
            words("enum('a','it''s','''','x,y','')"),
            ["a", "it's", "'", "x,y", ""]
        );
        assert_eq!(words("set('ü')"), ["ü"]);
    }
}
