//! Values as the server sends them in its binary protocol.
//!
//! The driver hands out the bytes of a value; what they mean depends on the type that the server names for the column.
//! Nothing is allocated for a value, and nothing takes the way through text that would lose digits, as `FLOAT` does.

use std::fmt;

use cutover_core::validation::digest::KeyPart;
use sqlx::mysql::{MySqlRow, MySqlValueRef};
use sqlx::{Column as _, Decode, Row, TypeInfo};

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Null.
    Null,
    /// A whole number.
    Signed(i64),
    /// A whole number without a sign.
    Unsigned(u64),
    /// A floating point number. One of 32 bits is widened, which keeps its value.
    Float(f64),
    /// A year; 0 is `0000`.
    Year(u16),
    /// Bits, the lowest last.
    Bits(u64),
    /// A day.
    Date(Date),
    /// A day, and microseconds from its beginning.
    DateTime(Date, i64),
    /// A time of day or a span, in microseconds.
    Time(i64),
    /// Bytes, and what is sent as text in UTF-8: text, decimals, enums, sets, JSON, UUIDs, network addresses. The wire does
    /// not tell which: to the driver, text that is sorted by its bytes and bytes are one.
    Raw(&'a [u8]),
}

/// How the values of a column are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Whole numbers of 1, 2, 4 or 8 bytes.
    Integer {
        /// Whether there are no negative ones.
        unsigned: bool,
    },
    /// Floating point numbers of 4 or 8 bytes.
    Float,
    /// Two bytes.
    Year,
    /// As few bytes as hold the bits, the highest first.
    Bits,
    /// Year, month, day.
    Date,
    /// The same, and hour, minute, second, microseconds, as far as they are not zero.
    DateTime,
    /// A sign, days, hour, minute, second, microseconds, as far as they are not zero.
    Time,
    /// As they are.
    Raw,
}

impl Wire {
    /// Tells how a column is sent by the name that the driver has for its type. `unsigned` is known from elsewhere for
    /// `tinyint(1)`, which the driver calls a boolean whatever its sign.
    pub(crate) fn of(type_name: &str, unsigned: bool) -> Self {
        match type_name {
            "BOOLEAN" => Self::Integer { unsigned },
            "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
                Self::Integer { unsigned: false }
            }
            "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED" | "INT UNSIGNED"
            | "BIGINT UNSIGNED" => Self::Integer { unsigned: true },
            "FLOAT" | "DOUBLE" => Self::Float,
            "YEAR" => Self::Year,
            "BIT" => Self::Bits,
            "DATE" => Self::Date,
            "DATETIME" | "TIMESTAMP" => Self::DateTime,
            "TIME" => Self::Time,
            _ => Self::Raw,
        }
    }

    /// Tells how each column of a result is sent.
    pub(crate) fn of_row(row: &MySqlRow, is_unsigned: impl Fn(usize) -> bool) -> Vec<Self> {
        row.columns()
            .iter()
            .map(|column| Self::of(column.type_info().name(), is_unsigned(column.ordinal())))
            .collect()
    }

    /// Reads a value of a row.
    ///
    /// # Errors
    /// When the row has no such column, or its bytes are not of this kind.
    pub(crate) fn read(self, row: &MySqlRow, column: usize) -> Result<Value<'_>, sqlx::Error> {
        // Not `is_null`, which is true of zero dates too.
        let raw: MySqlValueRef<'_> = row.try_get_raw(column)?;
        match <&[u8] as Decode<sqlx::MySql>>::decode(raw) {
            Ok(bytes) => self.value(bytes).ok_or_else(|| {
                sqlx::Error::Protocol(format!("column {column} is not sent as {self:?}"))
            }),
            // The one way in which bytes cannot be had.
            Err(_) => Ok(Value::Null),
        }
    }

    fn value(self, bytes: &[u8]) -> Option<Value<'_>> {
        Some(match self {
            Self::Integer { unsigned: true } => Value::Unsigned(unsigned(bytes)?),
            Self::Integer { unsigned: false } => Value::Signed(signed(bytes)?),
            Self::Float => Value::Float(match *bytes {
                [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
                _ => f64::from_le_bytes(bytes.try_into().ok()?),
            }),
            Self::Year => Value::Year(u16::from_le_bytes(bytes.try_into().ok()?)),
            Self::Bits if bytes.len() <= 8 => Value::Bits(
                bytes
                    .iter()
                    .fold(0, |bits, &byte| (bits << 8) | u64::from(byte)),
            ),
            Self::Bits => return None,
            Self::Date => Value::Date(day(after_length(bytes)?)?),
            Self::DateTime => date_time(after_length(bytes)?)?,
            Self::Time => time(after_length(bytes)?)?,
            Self::Raw => Value::Raw(bytes),
        })
    }
}

fn signed(bytes: &[u8]) -> Option<i64> {
    Some(match *bytes {
        [a] => i64::from(i8::from_le_bytes([a])),
        [a, b] => i64::from(i16::from_le_bytes([a, b])),
        [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
        _ => i64::from_le_bytes(bytes.try_into().ok()?),
    })
}

fn unsigned(bytes: &[u8]) -> Option<u64> {
    Some(match *bytes {
        [a] => u64::from(a),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
        _ => u64::from_le_bytes(bytes.try_into().ok()?),
    })
}

/// Dates and times carry their length in front, and the driver leaves it there.
fn after_length(bytes: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = bytes.split_first()?;
    (usize::from(length) == rest.len()).then_some(rest)
}

/// A day by its parts, which are zero in `0000-00-00` and `2024-02-00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    /// The year, up to 9999.
    pub(crate) year: u16,
    /// The month.
    pub(crate) month: u8,
    /// The day of the month.
    pub(crate) day: u8,
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn day(sent: &[u8]) -> Option<Date> {
    let (year, month, day) = match *sent {
        [] => (0, 0, 0),
        [low, high, month, day] => (u16::from_le_bytes([low, high]), month, day),
        _ => return None,
    };
    Some(Date { year, month, day })
}

fn date_time(sent: &[u8]) -> Option<Value<'static>> {
    let (date, time) = sent.split_at_checked(4).unwrap_or((sent, &[]));
    Some(Value::DateTime(day(date)?, clock(time)?))
}

fn time(sent: &[u8]) -> Option<Value<'static>> {
    let (negative, days, clock) = match *sent {
        [] => (0, 0, 0),
        [negative, a, b, c, d, ref rest @ ..] => {
            (negative, u32::from_le_bytes([a, b, c, d]), clock(rest)?)
        }
        _ => return None,
    };
    let micros = i64::from(days) * 86_400_000_000 + clock;
    Some(Value::Time(if negative == 0 { micros } else { -micros }))
}

/// Reads hour, minute, second and microseconds, which are left out as far as they are zero; gives microseconds.
fn clock(sent: &[u8]) -> Option<i64> {
    let (hour, minute, second, micros) = match *sent {
        [] => (0, 0, 0, 0),
        [hour, minute, second] => (hour, minute, second, 0),
        [hour, minute, second, a, b, c, d] => {
            (hour, minute, second, u32::from_le_bytes([a, b, c, d]))
        }
        _ => return None,
    };
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Some(seconds * 1_000_000 + i64::from(micros))
}

/// Prints a time of day, or a span.
fn printed(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let seconds = micros.unsigned_abs() / 1_000_000;
    let clock = format!(
        "{sign}{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    );
    match micros.unsigned_abs() % 1_000_000 {
        0 => clock,
        fraction => format!("{clock}.{fraction:06}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

/// Reads a value for people or for a later statement, of whatever type; `None` for null.
///
/// # Errors
/// When the row has no such column, or its bytes are not of the type that the server names.
pub(crate) fn part(row: &MySqlRow, column: usize) -> Result<Option<KeyPart>, sqlx::Error> {
    let type_name = row.try_column(column)?.type_info().name();
    Ok(match Wire::of(type_name, false).read(row, column)? {
        Value::Null => None,
        Value::Signed(number) => Some(KeyPart::Integer(number.into())),
        Value::Unsigned(number) | Value::Bits(number) => Some(KeyPart::Integer(number.into())),
        Value::Year(year) => Some(KeyPart::Integer(year.into())),
        Value::Float(number) => Some(KeyPart::Text(number.to_string())),
        Value::Date(day) => Some(KeyPart::Text(day.to_string())),
        Value::DateTime(day, micros) => Some(KeyPart::Text(format!("{day} {}", printed(micros)))),
        Value::Time(micros) => Some(KeyPart::Text(printed(micros))),
        Value::Raw(bytes) => Some(match std::str::from_utf8(bytes) {
            Ok(text) => KeyPart::Text(text.to_owned()),
            Err(_) => KeyPart::Bytes(bytes.to_vec()),
        }),
    })
}

#[cfg(test)]
#[path = "wire/tests.rs"]
mod tests;
