//! SQL for the text that the server hashes itself, as [`canonical::text`](crate::canonical::text) says what it is.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::plan::{Buckets, Form};

use super::columns::Column;
use super::push::bits_of;
use crate::canonical::text::{LONG, NULL, UNIT, seed};

/// Writes the hash of a row: 64 hexadecimal digits, or null if the row is larger than the server makes a text.
///
/// It is put together by `CONCAT`, which is null when any part is. `CONCAT_WS` would leave that part out.
///
/// # Errors
/// When a column has no text that both engines print alike.
pub(crate) fn row_hash(columns: &[Column<'_>], of_seed: u64) -> Result<String, DbFailure> {
    let mut parts = vec![format!("_utf8mb4'{}'", seed(of_seed))];
    for column in columns {
        parts.push(format!("_utf8mb4 0x{UNIT:02x}"));
        parts.push(field(column)?);
    }
    Ok(format!("SHA2(CONCAT({}), 256)", parts.join(", ")))
}

/// Writes the first or second eight bytes of a hash as a number.
pub(crate) fn half(hash: &str, which: usize) -> String {
    let start = which * 16 + 1;
    format!("CAST(CONV(SUBSTRING({hash}, {start}, 16), 16, 10) AS UNSIGNED)")
}

/// Writes the number of a row's bucket. `row_hash` is that of the whole row, for tables without a key.
///
/// # Errors
/// When the key has no text that both engines print alike.
pub(crate) fn bucket(
    buckets: &Buckets,
    key: &[Column<'_>],
    row_hash: &str,
    of_seed: u64,
) -> Result<String, DbFailure> {
    match (buckets, key.first()) {
        (
            Buckets::Ranges {
                first,
                width,
                count,
            },
            Some(column),
        ) => {
            // As decimals, since the difference may be more than 64 bits, and an unsigned one would fail below zero.
            let place = format!(
                "(CAST({} AS DECIMAL(20)) - ({first})) DIV {width}",
                column.quoted()
            );
            Ok(format!(
                "GREATEST(0, LEAST({place}, {}))",
                count.saturating_sub(1)
            ))
        }
        (Buckets::Ranges { .. }, None) => {
            Err(unprintable("a table without a key has no ranges of it"))
        }
        (Buckets::Hashed { count }, first) => {
            let hash = match first {
                Some(_) => self::row_hash(key, of_seed)?,
                None => row_hash.to_owned(),
            };
            Ok(format!("{} MOD {count}", half(&hash, 0)))
        }
    }
}

fn field(column: &Column<'_>) -> Result<String, DbFailure> {
    let name = column.quoted();
    let value = value(&name, column)?;
    let field = match column.form {
        Form::Bytes { .. } => format!(
            "IF(LENGTH({value}) > {LONG}, CONCAT('#', SHA2({value}, 256)), LOWER(HEX({value})))"
        ),
        Form::Text { .. } | Form::Printed | Form::Json => {
            format!("CONCAT(LENGTH({value}), ':', {value})")
        }
        _ => value,
    };
    Ok(if column.nullable {
        format!("IF({name} IS NULL, _utf8mb4 0x{NULL:02x}, {field})")
    } else {
        field
    })
}

/// Writes an expression of a column's type in the column's form, as text in `utf8mb4`; bytes stay bytes.
///
/// # Errors
/// When there is no text that both engines print alike.
pub(crate) fn value(expression: &str, column: &Column<'_>) -> Result<String, DbFailure> {
    let printed = printed(expression, column);
    Ok(match column.form {
        Form::Integer | Form::Numeric => number(&printed, column),
        Form::Text { padded: true } => format!("TRIM(TRAILING ' ' FROM {printed})"),
        Form::Bytes { padded: true } => format!("TRIM(TRAILING 0x00 FROM {printed})"),
        Form::Text { padded: false }
        | Form::Bytes { padded: false }
        | Form::Printed
        | Form::Json => printed,
        Form::Date => match column.kind {
            Kind::Timestamp { .. } => format!("LEFT({printed}, 10)"),
            _ => printed,
        },
        Form::Time { digits } => fraction(&printed, column.kind, *digits),
        Form::Timestamp { digits } => match column.kind {
            Kind::Date => format!("CONCAT({printed}, ' 00:00:00')"),
            _ => fraction(&printed, column.kind, *digits),
        },
        Form::Uuid => uuid(&printed, column.kind),
        Form::Float => {
            return Err(unprintable(
                "engines print floating point numbers differently",
            ));
        }
    })
}

/// What the server prints, as text, before it is put in form.
fn printed(expression: &str, column: &Column<'_>) -> String {
    let zero_filled = column.type_name.to_ascii_lowercase().contains("zerofill");
    match column.kind {
        Kind::Text { .. } | Kind::Enum { .. } | Kind::Set { .. } | Kind::Json { .. }
            if column.is_utf8 =>
        {
            expression.to_owned()
        }
        Kind::Text { .. } | Kind::Enum { .. } | Kind::Set { .. } | Kind::Json { .. } => {
            format!("CONVERT({expression} USING utf8mb4)")
        }
        Kind::Bytes { .. } => expression.to_owned(),
        Kind::Bits { .. } if !matches!(column.form, Form::Integer | Form::Numeric) => {
            format!("LPAD(BIN({expression} + 0), {}, '0')", bits_of(column.kind))
        }
        Kind::Bits { .. } => format!("CAST({expression} + 0 AS CHAR)"),
        Kind::Year if matches!(column.form, Form::Integer | Form::Numeric) => {
            format!("CAST({expression} + 0 AS CHAR)")
        }
        _ if zero_filled => format!("CAST({expression} + 0 AS CHAR)"),
        _ => format!("CAST({expression} AS CHAR)"),
    }
}

/// Decimals lose the zeros at their end, which only those with a point have.
fn number(printed: &str, column: &Column<'_>) -> String {
    match column.kind {
        Kind::Numeric {
            size: Some((_, scale)),
        } if *scale <= 0 => printed.to_owned(),
        Kind::Numeric { .. } => trimmed(printed),
        _ => printed.to_owned(),
    }
}

/// The server prints as many digits of a second as the type has: those beyond the form are cut, and zeros at the end go.
fn fraction(printed: &str, kind: &Kind, digits: u8) -> String {
    let (Kind::Time { digits: own, .. } | Kind::Timestamp { digits: own, .. }) = kind else {
        return printed.to_owned();
    };
    if *own == 0 {
        return printed.to_owned();
    }
    let beyond = own.saturating_sub(digits);
    if digits == 0 {
        format!("SUBSTRING_INDEX({printed}, '.', 1)")
    } else if beyond > 0 {
        trimmed(&format!(
            "LEFT({printed}, CHAR_LENGTH({printed}) - {beyond})"
        ))
    } else {
        trimmed(printed)
    }
}

fn trimmed(printed: &str) -> String {
    format!("TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {printed}))")
}

fn uuid(printed: &str, kind: &Kind) -> String {
    match kind {
        Kind::Bytes { .. } => {
            let digits = format!("LOWER(HEX({printed}))");
            let groups = [(1, 8), (9, 4), (13, 4), (17, 4), (21, 12)]
                .map(|(start, length)| format!("SUBSTRING({digits}, {start}, {length})"));
            format!("CONCAT({})", groups.join(", '-', "))
        }
        _ => format!("LOWER({printed})"),
    }
}

fn unprintable(why: &str) -> DbFailure {
    DbFailure {
        class: DbFailureClass::Unsupported,
        doing: "hashing rows as text".to_owned(),
        code: None,
        message: why.to_owned(),
    }
}
