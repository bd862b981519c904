//! Values that statements are given, and keys as such values.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::digest::{Key, KeyPart};
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::plan::Form;
use sqlx::Arguments as _;
use sqlx::mysql::MySqlArguments;

use super::columns::Column;

/// A value for a `?`. Numbers stay numbers: an index on numbers is of no use to a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bind {
    /// A whole number.
    Signed(i64),
    /// A whole number above those.
    Unsigned(u64),
    /// A binary floating point number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A piece of a statement, with the values of its `?` in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Part {
    /// The SQL.
    pub(crate) sql: String,
    /// The values.
    pub(crate) binds: Vec<Bind>,
}

impl Part {
    /// Puts conditions together that must all be true; true where there is none.
    pub(crate) fn all(conditions: impl IntoIterator<Item = Part>) -> Part {
        Self::joined(conditions, " AND ", "TRUE")
    }

    /// Puts conditions together one of which must be true; false where there is none.
    pub(crate) fn any(conditions: impl IntoIterator<Item = Part>) -> Part {
        Self::joined(conditions, " OR ", "FALSE")
    }

    fn joined(
        conditions: impl IntoIterator<Item = Part>,
        between: &str,
        without_any: &str,
    ) -> Part {
        let (mut texts, mut binds) = (Vec::new(), Vec::new());
        for condition in conditions {
            texts.push(format!("({})", condition.sql));
            binds.extend(condition.binds);
        }
        let sql = if texts.is_empty() {
            without_any.to_owned()
        } else {
            texts.join(between)
        };
        Part { sql, binds }
    }
}

/// Hands values to the driver.
pub(crate) fn arguments(binds: &[Bind]) -> MySqlArguments {
    let mut arguments = MySqlArguments::default();
    for bind in binds {
        match bind {
            Bind::Signed(number) => arguments.add(*number),
            Bind::Unsigned(number) => arguments.add(*number),
            Bind::Float(number) => arguments.add(*number),
            Bind::Text(text) => arguments.add(text.as_str()),
            Bind::Bytes(bytes) => arguments.add(bytes.as_slice()),
        }
        .expect("numbers, text and bytes can always be sent");
    }
    arguments
}

/// Writes the `?` for a value of a column so that it is compared as the column's own type. MySQL compares decimals with
/// text as floating point numbers, and within `IN` it compares times with text as text.
pub(crate) fn placeholder(kind: &Kind) -> String {
    match kind {
        Kind::Numeric { size } => {
            let (precision, scale) = size.unwrap_or((65, 30));
            format!("CAST(? AS DECIMAL({precision},{scale}))")
        }
        Kind::Date => "CAST(? AS DATE)".to_owned(),
        Kind::Time { digits, .. } => format!("CAST(? AS TIME({digits}))"),
        Kind::Timestamp { digits, .. } => format!("CAST(? AS DATETIME({digits}))"),
        _ => "?".to_owned(),
    }
}

/// Makes the values of a key, one for each of its columns.
///
/// # Errors
/// When the key is not one of this table.
pub(crate) fn key(columns: &[Column<'_>], key: &Key) -> Result<Vec<Bind>, DbFailure> {
    if columns.len() != key.0.len() {
        return Err(alien());
    }
    columns
        .iter()
        .zip(&key.0)
        .map(|(column, part)| value(column, part).ok_or_else(alien))
        .collect()
}

fn alien() -> DbFailure {
    DbFailure {
        class: DbFailureClass::Other,
        doing: "naming rows by their keys".to_owned(),
        code: None,
        message: "a key does not fit the columns of the table's key".to_owned(),
    }
}

fn value(column: &Column<'_>, part: &KeyPart) -> Option<Bind> {
    match (part, column.kind) {
        (KeyPart::Integer(number), _) => Some(whole(*number)),
        (KeyPart::Bytes(bytes), Kind::Float { .. }) => Some(Bind::Float(f64::from_le_bytes(
            bytes.as_slice().try_into().ok()?,
        ))),
        (KeyPart::Bytes(bytes), _) => Some(Bind::Bytes(bytes.clone())),
        (KeyPart::Text(text), Kind::Bytes { .. }) if *column.form == Form::Uuid => {
            let digits = text.replace('-', "");
            Some(Bind::Bytes(
                u128::from_str_radix(&digits, 16)
                    .ok()?
                    .to_be_bytes()
                    .to_vec(),
            ))
        }
        (KeyPart::Text(text), Kind::Bits { .. }) => {
            Some(Bind::Unsigned(u64::from_str_radix(text, 2).ok()?))
        }
        (KeyPart::Text(text), Kind::Integer { .. } | Kind::Boolean | Kind::Year) => {
            text.parse().ok().map(whole)
        }
        (KeyPart::Text(text), _) => Some(Bind::Text(text.clone())),
    }
}

fn whole(number: i128) -> Bind {
    i64::try_from(number)
        .map(Bind::Signed)
        .or_else(|_| u64::try_from(number).map(Bind::Unsigned))
        // No column of whole numbers holds it; as text it is compared all the same.
        .unwrap_or_else(|_| Bind::Text(number.to_string()))
}
