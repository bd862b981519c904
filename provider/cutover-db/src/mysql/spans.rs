//! Which rows a piece holds, as a condition that the index of the key can answer.

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::plan::{Buckets, Chosen, Span, TablePlan};
use cutover_core::validation::side::Side;

use super::bind::{self, Bind, Part};
use super::columns::{Column, key_columns};

/// How many ranges of keys one statement names at most. Ours: the optimizer keeps a few hundred bytes for each.
const MOST_RANGES: usize = 1_000;

/// Writes the condition for the rows of a span. That of [`Span::After`] has no end: [`up_to`] gives it one.
///
/// # Errors
/// When the span is none of `InnoDB`'s, or names a key of another table.
pub(crate) fn condition(plan: &TablePlan, side: Side, span: &Span) -> Result<Part, DbFailure> {
    let columns = key_columns(plan, side);
    match span {
        Span::Whole | Span::After { key: None, .. } => Ok(Part::all([])),
        Span::Blocks { .. } => Err(unsupported("tables have no blocks that can be read")),
        Span::Range { from, until } => {
            let first = columns
                .first()
                .ok_or_else(|| unsupported("a table without a key has no ranges of it"))?;
            Ok(range(first, *from, *until))
        }
        Span::After { key: Some(key), .. } => Ok(beyond(&columns, &bind::key(&columns, key)?)),
    }
}

/// Writes the condition for rows up to a key, that one included.
pub(crate) fn up_to(columns: &[Column<'_>], key: &[Bind]) -> Part {
    compared(columns, key, "<", "<=")
}

/// Writes the condition for rows after a key.
fn beyond(columns: &[Column<'_>], key: &[Bind]) -> Part {
    compared(columns, key, ">", ">")
}

/// Compares the columns of a key one by one, the first one first. Spelled out, since the optimizer takes no range from
/// `(a, b) > (?, ?)`.
fn compared(columns: &[Column<'_>], key: &[Bind], strictly: &str, at_last: &str) -> Part {
    let Some((column, rest)) = columns.split_first() else {
        return Part::all([]);
    };
    let Some((value, values)) = key.split_first() else {
        return Part::all([]);
    };
    let one = |operator: &str| Part {
        sql: format!(
            "{} {operator} {}",
            column.quoted(),
            bind::placeholder(column.kind)
        ),
        binds: vec![value.clone()],
    };
    if rest.is_empty() {
        return one(at_last);
    }
    let equal = Part::all([one("="), compared(rest, values, strictly, at_last)]);
    Part::any([one(strictly), equal])
}

/// Writes the condition for a range of the first column of a key.
fn range(column: &Column<'_>, from: Option<i64>, until: Option<i64>) -> Part {
    let name = column.quoted();
    let lower = from.map(|from| Part {
        sql: format!("{name} >= ?"),
        binds: vec![Bind::Signed(from)],
    });
    let upper = until.map(|until| Part {
        sql: format!("{name} < ?"),
        binds: vec![Bind::Signed(until)],
    });
    Part::all(lower.into_iter().chain(upper))
}

/// Narrows a read down to some buckets where they are ranges of keys; `None` where that is not so, or there are too many.
pub(crate) fn of_buckets(
    plan: &TablePlan,
    side: Side,
    buckets: &Buckets,
    chosen: &Chosen,
) -> Option<Part> {
    let columns = key_columns(plan, side);
    let first = columns.first()?;
    let ranges = buckets.ranges(chosen)?;
    (ranges.len() <= MOST_RANGES).then(|| {
        Part::any(
            ranges
                .into_iter()
                .map(|(from, until)| range(first, from, until)),
        )
    })
}

fn unsupported(why: &str) -> DbFailure {
    DbFailure {
        class: DbFailureClass::Unsupported,
        doing: "reading a piece of a table".to_owned(),
        code: None,
        message: why.to_owned(),
    }
}
