//! Values for `hash_record_extended`, whose equality is that of the type where both sides have the same, and that of
//! canonical text elsewhere.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::plan::Form;

use super::column::Own;
use super::text::{self, NoText};

/// The hash of rows of these columns.
pub(in crate::postgres) fn hash(columns: &[Own<'_>], seed: u64) -> Result<String, NoText> {
    let terms: Result<Vec<String>, NoText> = columns.iter().copied().map(term).collect();
    Ok(format!(
        "hash_record_extended(ROW({}), {})",
        terms?.join(", "),
        number(seed)
    ))
}

/// A number of 64 bits as PostgreSQL's `bigint`, which has a sign.
pub(in crate::postgres) fn number(value: u64) -> String {
    format!("'{}'::bigint", value.cast_signed())
}

fn term(column: Own<'_>) -> Result<String, NoText> {
    let name = column.name();
    let kinds = &column.plan.kinds;
    if !hashes_alike(column.form(), &kinds.source, &kinds.target) {
        // Forms without a common text are those whose types hash alike.
        let value = text::value(&name, column)?;
        return Ok(format!("({value}) COLLATE \"C\""));
    }
    let is_deterministic = column.plan.deterministic.source && column.plan.deterministic.target;
    Ok(match column.kind() {
        Kind::Text { .. } if column.is_citext() => format!("{name}::text COLLATE \"C\""),
        Kind::Text { .. } if !is_deterministic => format!("{name} COLLATE \"C\""),
        _ => name,
    })
}

/// Tells whether equal values of two kinds have equal hashes, and others as a rule have not, in this form.
fn hashes_alike(form: &Form, one: &Kind, other: &Kind) -> bool {
    match (one, other) {
        (Kind::Integer { .. }, Kind::Integer { .. })
        | (Kind::Numeric { .. }, Kind::Numeric { .. })
        | (Kind::Float { .. }, Kind::Float { .. })
        | (Kind::Boolean, Kind::Boolean)
        | (Kind::Date, Kind::Date)
        | (Kind::Uuid, Kind::Uuid)
        | (Kind::Interval, Kind::Interval)
        | (Kind::Inet, Kind::Inet) => true,
        (Kind::Text { padded: one, .. }, Kind::Text { padded: other, .. }) => {
            one == other && matches!(form, Form::Text { .. })
        }
        (Kind::Bytes { .. }, Kind::Bytes { .. }) => *form == Form::Bytes { padded: false },
        // A different precision is cut, which the types know nothing of.
        (Kind::Time { .. }, Kind::Time { .. })
        | (Kind::Timestamp { .. }, Kind::Timestamp { .. }) => one == other,
        (Kind::Json { parsed: true }, Kind::Json { parsed: true }) => *form == Form::Json,
        (Kind::Array(one), Kind::Array(other)) => {
            !matches!(**one, Kind::Text { .. }) && hashes_alike(&Form::Printed, one, other)
        }
        // Enums are hashed by numbers of their own database; bits, geometry, `json` and `xml` not at all.
        _ => false,
    }
}
