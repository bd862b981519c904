//! Canonical text of a value and of a row, as [`crate::canonical::text`] says.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::plan::Form;

use super::column::Own;
use crate::canonical::text;

/// How many arguments a function is given at most. PostgreSQL allows 100 (`FUNC_MAX_ARGS`).
const ARGUMENTS: usize = 90;

/// A column's value has no canonical text that engines print alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::postgres) struct NoText;

/// The canonical text of an expression that gives values of a column; null where the value is.
pub(in crate::postgres) fn value(expression: &str, column: Own<'_>) -> Result<String, NoText> {
    let cast = format!("({expression})::text");
    Ok(match (column.form(), column.kind()) {
        (Form::Float, _) => return Err(NoText),
        (Form::Integer, Kind::Boolean) => format!("({expression})::int::text"),
        (Form::Integer | Form::Numeric, Kind::Numeric { size }) => match size {
            Some((_, 0)) => cast,
            _ => format!("trim_scale({expression})::text"),
        },
        (Form::Text { padded: true }, _) => format!("rtrim({cast}, ' ')"),
        (Form::Bytes { padded }, Kind::Bytes { .. }) => bytes(expression, *padded),
        (Form::Time { digits }, Kind::Time { digits: own, zoned }) => {
            let in_utc = format!("(({expression}) AT TIME ZONE 'UTC')::time::text");
            cut(if *zoned { in_utc } else { cast }, *own, *digits)
        }
        (Form::Timestamp { digits }, Kind::Timestamp { digits: own, zoned }) => {
            let in_utc = format!("(({expression}) AT TIME ZONE 'UTC')::text");
            cut(if *zoned { in_utc } else { cast }, *own, *digits)
        }
        (Form::Timestamp { .. }, Kind::Date) => format!("({expression})::timestamp::text"),
        (Form::Uuid, Kind::Bytes { .. }) => format!(
            "CASE octet_length({expression}) WHEN 16 THEN encode({expression}, 'hex')::uuid::text \
             ELSE encode({expression}, 'hex') END"
        ),
        (Form::Uuid, Kind::Text { .. }) => format!("lower({cast})"),
        _ => cast,
    })
}

/// The text of rows of these columns.
pub(in crate::postgres) fn row(columns: &[Own<'_>], seed: u64) -> Result<String, NoText> {
    let mut parts = vec![format!("'{}'", text::seed(seed))];
    for column in columns {
        parts.push(field(*column)?);
    }
    // Texts of texts, joined by the same, are the text of all.
    while parts.len() > ARGUMENTS {
        parts = parts.chunks(ARGUMENTS).map(joined).collect();
    }
    Ok(joined(&parts))
}

/// The hash of rows of these columns: 32 bytes.
pub(in crate::postgres) fn hash(columns: &[Own<'_>], seed: u64) -> Result<String, NoText> {
    let row = row(columns, seed)?;
    Ok(format!("sha256(convert_to({row}, 'UTF8'))"))
}

/// Eight bytes of a hash, from the given one on, as a number.
pub(in crate::postgres) fn eight_bytes(hash: &str, from: u8) -> String {
    format!("('x' || encode(substr({hash}, {from}, 8), 'hex'))::bit(64)::bigint")
}

fn joined(parts: &[String]) -> String {
    format!("concat_ws(E'\\x{:02x}', {})", text::UNIT, parts.join(", "))
}

fn field(column: Own<'_>) -> Result<String, NoText> {
    let value = value(&column.name(), column)?;
    let has_length = matches!(
        column.form(),
        Form::Text { .. } | Form::Printed | Form::Json
    );
    let field = if has_length {
        format!("(octet_length({value}) || ':' || {value})")
    } else {
        value
    };
    Ok(if column.is_nullable() {
        format!("coalesce({field}, E'\\x{:02x}')", text::NULL)
    } else {
        field
    })
}

fn bytes(expression: &str, padded: bool) -> String {
    let value = if padded {
        format!("rtrim({expression}, '\\x00'::bytea)")
    } else {
        expression.to_owned()
    };
    format!(
        "CASE WHEN octet_length({value}) > {} THEN '#' || encode(sha256({value}), 'hex') \
         ELSE encode({value}, 'hex') END",
        text::LONG
    )
}

/// Cuts the fraction of a second, where there may be more of it than counts. The era stays behind it.
fn cut(printed: String, own: u8, digits: u8) -> String {
    if own <= digits {
        return printed;
    }
    let fraction = match digits {
        0 => r"\.[0-9]+".to_owned(),
        _ => format!(r"(\.[0-9]{{1,{digits}}})[0-9]*"),
    };
    let kept = if digits == 0 { "" } else { r"\1" };
    let shorter = format!("regexp_replace({printed}, '{fraction}', '{kept}')");
    if digits == 0 {
        return shorter;
    }
    // Cutting may leave zeros at the end, which count for nothing.
    format!(
        r"regexp_replace(regexp_replace({shorter}, '(\.[0-9]*[1-9])0+( BC)?$', '\1\2'), '\.0+( BC)?$', '\1')"
    )
}
