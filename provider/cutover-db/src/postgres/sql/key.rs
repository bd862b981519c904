//! Conditions on keys.

use std::collections::BTreeSet;

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::digest::{Key, KeyPart};
use cutover_core::validation::plan::Form;

use super::column::Own;
use super::text;
use crate::postgres::quote;

/// How a column of a key is compared with values from elsewhere.
enum Compared {
    /// As it is, with values of this type, so that an index can be used.
    AsItIs(&'static str),
    /// By its canonical text, row by row.
    ByText(String),
    /// Not at all.
    Never,
}

/// The condition that a row's key is one of these. Keys that the columns cannot hold are left out, since no row has them.
pub(in crate::postgres) fn is_one_of(columns: &[Own<'_>], keys: &[Key]) -> String {
    let compared: Vec<Compared> = columns.iter().map(|column| compared(*column)).collect();
    let known: BTreeSet<Vec<String>> = keys
        .iter()
        .filter_map(|key| literals(columns, key))
        .collect();
    if known.is_empty() || compared.iter().any(|one| matches!(one, Compared::Never)) {
        return "false".to_owned();
    }
    let names = expressions(columns, &compared);
    let lists: Vec<String> = (0..columns.len())
        .map(|place| {
            let values: Vec<String> = known.iter().map(|key| quote::text(&key[place])).collect();
            format!("ARRAY[{}]::text[]", values.join(","))
        })
        .collect();
    if let ([name], [list], [only]) = (names.as_slice(), lists.as_slice(), compared.as_slice()) {
        return format!("{name} = ANY ({list}::{}[])", type_of(only));
    }
    let wanted: Vec<String> = compared
        .iter()
        .enumerate()
        .map(|(place, one)| format!("w.k{place}::{}", type_of(one)))
        .collect();
    let aliases: Vec<String> = (0..columns.len())
        .map(|place| format!("k{place}"))
        .collect();
    format!(
        "({}) IN (SELECT {} FROM unnest({}) AS w({}))",
        names.join(", "),
        wanted.join(", "),
        lists.join(", "),
        aliases.join(", ")
    )
}

/// Which end of a row of keys a bound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::postgres) enum Bound {
    /// Rows behind it.
    After,
    /// Rows up to it, it among them.
    UpTo,
}

/// The condition that a row lies on one side of a key, in the server's order; `None` where the columns' own order is not
/// that of canonical values.
pub(in crate::postgres) fn beyond(columns: &[Own<'_>], bound: Bound, key: &Key) -> Option<String> {
    let values = literals(columns, key)?;
    let mut names = Vec::new();
    let mut bounds = Vec::new();
    for (column, value) in columns.iter().zip(values) {
        let Compared::AsItIs(type_name) = compared(*column) else {
            return None;
        };
        names.push(column.name());
        bounds.push(format!("{}::{type_name}", quote::text(&value)));
    }
    let than = match bound {
        Bound::After => ">",
        Bound::UpTo => "<=",
    };
    Some(format!(
        "({}) {than} ({})",
        names.join(", "),
        bounds.join(", ")
    ))
}

fn expressions(columns: &[Own<'_>], compared: &[Compared]) -> Vec<String> {
    columns
        .iter()
        .zip(compared)
        .map(|(column, compared)| match compared {
            Compared::ByText(expression) => expression.clone(),
            Compared::AsItIs(_) | Compared::Never => column.name(),
        })
        .collect()
}

fn type_of(compared: &Compared) -> &'static str {
    match compared {
        Compared::AsItIs(type_name) => type_name,
        Compared::ByText(_) | Compared::Never => "text",
    }
}

fn compared(column: Own<'_>) -> Compared {
    let as_it_is = match (column.kind(), column.form()) {
        // Wider than the column, so that a value that it cannot hold is not there rather than an error.
        (Kind::Integer { .. }, Form::Integer | Form::Numeric) => Some("bigint"),
        (Kind::Numeric { .. }, Form::Integer | Form::Numeric) => Some("numeric"),
        (Kind::Boolean, Form::Integer) => Some("boolean"),
        (Kind::Float { .. }, Form::Float) => Some("float8"),
        (Kind::Text { padded: true, .. }, Form::Text { .. }) => Some("bpchar"),
        (Kind::Text { .. }, Form::Text { padded: false }) if !column.is_citext() => Some("text"),
        (Kind::Bytes { .. }, Form::Bytes { padded: false }) => Some("bytea"),
        (Kind::Date, Form::Date) => Some("date"),
        (
            Kind::Time {
                digits: own,
                zoned: false,
            },
            Form::Time { digits },
        ) if own <= digits => Some("time"),
        (Kind::Timestamp { digits: own, zoned }, Form::Timestamp { digits }) if own <= digits => {
            Some(if *zoned { "timestamptz" } else { "timestamp" })
        }
        (Kind::Uuid, Form::Uuid) => Some("uuid"),
        _ => None,
    };
    match as_it_is {
        Some(type_name) => Compared::AsItIs(type_name),
        None => match text::value(&column.name(), column) {
            Ok(expression) => Compared::ByText(expression),
            Err(_) => Compared::Never,
        },
    }
}

/// The values of a key as texts that can be cast; `None` if a column cannot hold its value.
fn literals(columns: &[Own<'_>], key: &Key) -> Option<Vec<String>> {
    if key.0.len() != columns.len() {
        return None;
    }
    columns
        .iter()
        .zip(&key.0)
        .map(|(column, part)| literal(&compared(*column), part))
        .collect()
}

fn literal(compared: &Compared, part: &KeyPart) -> Option<String> {
    match (compared, part) {
        (Compared::Never, _) => None,
        (Compared::AsItIs("bigint"), part) => {
            let value: i64 = text_of(part)?.parse().ok()?;
            Some(value.to_string())
        }
        (Compared::AsItIs("boolean"), part) => {
            text_of(part).filter(|text| text == "0" || text == "1")
        }
        (Compared::AsItIs("float8"), KeyPart::Bytes(bits)) => {
            let value = f64::from_le_bytes(bits.as_slice().try_into().ok()?);
            Some(match value {
                value if value.is_nan() => "NaN".to_owned(),
                f64::INFINITY => "Infinity".to_owned(),
                f64::NEG_INFINITY => "-Infinity".to_owned(),
                value => format!("{value:e}"),
            })
        }
        (Compared::AsItIs("bytea"), KeyPart::Bytes(bytes)) => Some(format!("\\x{}", hex(bytes))),
        (Compared::AsItIs("numeric"), part) => text_of(part).filter(|text| is_decimal(text)),
        (Compared::AsItIs("uuid"), KeyPart::Text(text)) => is_uuid(text).then(|| text.clone()),
        (Compared::AsItIs("date" | "timestamp" | "timestamptz"), KeyPart::Text(text)) => {
            is_moment(text).then(|| text.clone())
        }
        (Compared::AsItIs("time"), KeyPart::Text(text)) => is_time(text).then(|| text.clone()),
        (Compared::ByText(_), KeyPart::Bytes(bytes)) => Some(hex(bytes)),
        // A text with a NUL is in no column of PostgreSQL.
        (_, part) => text_of(part).filter(|text| !text.contains('\0')),
    }
}

fn text_of(part: &KeyPart) -> Option<String> {
    match part {
        KeyPart::Integer(value) => Some(value.to_string()),
        KeyPart::Text(text) => Some(text.clone()),
        KeyPart::Bytes(_) => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes everything");
        text
    })
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    matches!(digits, "NaN" | "Infinity")
        || (digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
            && digits.bytes().any(|byte| byte.is_ascii_digit())
            && digits.bytes().filter(|&byte| byte == b'.').count() <= 1)
}

fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| {
            if dashes.contains(&place) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

/// A day that is in a calendar; MySQL's zero dates are in none.
fn is_moment(text: &str) -> bool {
    let is_zero = text.starts_with("0000-") || text.contains("-00");
    !is_zero
        && (text.ends_with("infinity") || text.bytes().next().is_some_and(|b| b.is_ascii_digit()))
}

/// A time of day; MySQL's spans may be longer than one, or negative.
fn is_time(text: &str) -> bool {
    text.get(..2)
        .and_then(|hours| hours.parse::<u8>().ok())
        .is_some_and(|hours| hours < 24 || text == "24:00:00")
        && text.as_bytes().get(2) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use cutover_core::validation::plan::ColumnPlan;
    use cutover_core::validation::side::{Both, Side};

    use super::*;

    fn column(name: &str, kind: Kind, form: Form) -> ColumnPlan {
        ColumnPlan {
            names: Both::of(|_| name.to_owned()),
            types: Both::of(|_| "text".to_owned()),
            kinds: Both {
                source: kind.clone(),
                target: kind,
            },
            form,
            nullable: Both::of(|_| false),
            deterministic: Both::of(|_| true),
        }
    }

    fn check(columns: &[ColumnPlan], keys: &[Vec<KeyPart>]) -> String {
        let keys: Vec<Key> = keys.iter().cloned().map(Key).collect();
        is_one_of(&Own::all(columns, Side::Source), &keys)
    }

    #[test]
    fn keys_that_a_column_cannot_hold_are_not_asked_for() {
        let integer = column(
            "id",
            Kind::Integer {
                bits: 32,
                unsigned: false,
            },
            Form::Integer,
        );
        let day = column("d", Kind::Date, Form::Date);
        let uuid = column("u", Kind::Uuid, Form::Uuid);
        let text = |text: &str| vec![KeyPart::Text(text.to_owned())];

        assert_eq!(
            check(
                &[integer],
                &[vec![KeyPart::Integer(5)], vec![KeyPart::Integer(i128::MAX)]]
            ),
            r#""id" = ANY (ARRAY['5']::text[]::bigint[])"#
        );
        assert_eq!(
            check(&[day], &[text("0000-00-00"), text("2024-00-01")]),
            "false"
        );
        assert_eq!(check(&[uuid], &[text("no uuid")]), "false");
    }

    #[test]
    fn a_key_of_several_columns_is_compared_as_one_and_its_texts_are_quoted() {
        let columns = [
            column(
                "n",
                Kind::Integer {
                    bits: 64,
                    unsigned: false,
                },
                Form::Integer,
            ),
            column(
                "t",
                Kind::Text {
                    length: None,
                    padded: false,
                },
                Form::Text { padded: false },
            ),
        ];

        assert_eq!(
            check(
                &columns,
                &[vec![
                    KeyPart::Integer(1),
                    KeyPart::Text("O'Neill".to_owned())
                ]]
            ),
            "(\"n\", \"t\") IN (SELECT w.k0::bigint, w.k1::text \
             FROM unnest(ARRAY['1']::text[], ARRAY['O''Neill']::text[]) AS w(k0, k1))"
        );
    }
}
