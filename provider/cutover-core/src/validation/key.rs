//! What tells one row of a table from another.
//!
//! A key must be unique on one side at least: then rows that are there twice on the other cannot cancel each other, since
//! the counts differ. It must not be null on either, and its canonical form must not lose what tells two keys apart. Text
//! is a key whatever its collation is: the bytes are compared, and equal bytes are equal under every collation.

use std::collections::BTreeSet;

use super::catalog::{Index, Kind, Table};
use super::plan::{ColumnPlan, Form, KeyPlan};
use super::side::{Both, Side};

/// Chooses the key of a table: the primary key of both sides, or else what the user says, or else a unique index of both
/// sides, or else none. With it comes why the user's columns are not used, if they are needed.
pub(super) fn key(
    tables: &Both<&Table>,
    columns: &[ColumnPlan],
    wished: Option<&[String]>,
) -> (KeyPlan, Option<String>) {
    let candidates = Candidates { tables, columns };
    if let Some(places) = candidates.primary() {
        return (KeyPlan::Columns(places), None);
    }
    let refused = match wished.map(|wished| candidates.wished(wished)) {
        Some(Ok(places)) => return (KeyPlan::Columns(places), None),
        Some(Err(reason)) => Some(reason),
        None => None,
    };
    match candidates.unique_index() {
        Some(places) => (KeyPlan::Columns(places), refused),
        None => (KeyPlan::WholeRow, refused),
    }
}

struct Candidates<'a> {
    tables: &'a Both<&'a Table>,
    columns: &'a [ColumnPlan],
}

impl Candidates<'_> {
    fn primary(&self) -> Option<Vec<usize>> {
        let places = |side: Side| {
            let names = self.tables.get(side).primary_key.as_ref()?;
            self.places(side, names.iter().map(String::as_str)).ok()
        };
        let (source, target) = (places(Side::Source)?, places(Side::Target)?);
        let is_same = BTreeSet::from_iter(&source) == BTreeSet::from_iter(&target);
        (is_same && !source.is_empty()).then_some(source)
    }

    fn wished(&self, names: &[String]) -> Result<Vec<usize>, String> {
        let places = self.places(Side::Source, names.iter().map(String::as_str))?;
        let is_unique = Side::BOTH.into_iter().any(|side| {
            self.unique_sets(side)
                .iter()
                .any(|unique| unique.iter().all(|place| places.contains(place)))
        });
        if is_unique && !places.is_empty() {
            Ok(places)
        } else {
            Err("neither side has a unique index over them".to_owned())
        }
    }

    /// The smallest set of columns that is unique on both sides; of several the one whose columns come first.
    fn unique_index(&self) -> Option<Vec<usize>> {
        let on_target: Vec<BTreeSet<usize>> = self
            .unique_sets(Side::Target)
            .into_iter()
            .map(BTreeSet::from_iter)
            .collect();
        self.unique_sets(Side::Source)
            .into_iter()
            .filter(|places| on_target.contains(&places.iter().copied().collect()))
            .min_by_key(|places| (places.len(), places.clone()))
    }

    /// The sets of usable columns that are unique on one side.
    fn unique_sets(&self, side: Side) -> Vec<Vec<usize>> {
        let table = self.tables.get(side);
        let primary = table.primary_key.clone();
        let others = table.indexes.iter().filter_map(unique_columns);
        primary
            .into_iter()
            .chain(others)
            .filter_map(|names| self.places(side, names.iter().map(String::as_str)).ok())
            .filter(|places| !places.is_empty())
            .collect()
    }

    /// Finds columns among those that are compared, and whether each can be a part of a key.
    fn places<'b>(
        &self,
        side: Side,
        names: impl Iterator<Item = &'b str>,
    ) -> Result<Vec<usize>, String> {
        names
            .map(|name| {
                let found = self
                    .columns
                    .iter()
                    .position(|column| column.names.get(side) == name)
                    .and_then(|place| Some((place, self.columns.get(place)?)));
                match found {
                    None => Err(format!(
                        "`{name}` is not among the columns that are compared"
                    )),
                    Some((_, column)) if column.nullable.source || column.nullable.target => {
                        Err(format!("`{name}` may be null"))
                    }
                    Some((_, column)) if !tells_apart(column) => Err(format!(
                        "`{name}` is of a type that is no key on both sides"
                    )),
                    Some((place, _)) => Ok(place),
                }
            })
            .collect()
    }
}

/// Tells whether two values that a side tells apart differ in their canonical form.
fn tells_apart(column: &ColumnPlan) -> bool {
    let digits_are = |form: u8| {
        Side::BOTH.iter().all(|&side| match column.kinds.get(side) {
            Kind::Time { digits, .. } | Kind::Timestamp { digits, .. } => *digits == form,
            _ => false,
        })
    };
    match column.form {
        Form::Float | Form::Json => false,
        Form::Time { digits } | Form::Timestamp { digits } => digits_are(digits),
        Form::Integer
        | Form::Numeric
        | Form::Text { .. }
        | Form::Bytes { .. }
        | Form::Date
        | Form::Uuid
        | Form::Printed => true,
    }
}

/// Returns the columns of an index that keeps all rows apart; `None` if it does not, or not by plain columns.
pub(super) fn unique_columns(index: &Index) -> Option<Vec<String>> {
    if !index.unique || !index.valid || index.predicate.is_some() {
        return None;
    }
    index.parts.iter().map(|part| plain_column(part)).collect()
}

/// Returns the column that a part of an index is; `None` for an expression or a beginning of a column.
pub(super) fn plain_column(part: &str) -> Option<String> {
    let mut name = part.trim();
    for order in [" NULLS FIRST", " NULLS LAST", " DESC", " ASC"] {
        let begin = name.len().saturating_sub(order.len());
        if name
            .get(begin..)
            .is_some_and(|end| end.eq_ignore_ascii_case(order))
        {
            name = name.get(..begin)?;
        }
    }
    for quote in ['"', '`'] {
        if let Some(quoted) = name
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return Some(quoted.replace(&format!("{quote}{quote}"), &quote.to_string()));
        }
    }
    let is_plain = !name.is_empty() && !name.contains(['(', ')', ' ', ':']);
    is_plain.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_an_index_is_a_column_or_an_expression() {
        let plain = |part| plain_column(part);

        assert_eq!(
            plain("currency DESC NULLS LAST").as_deref(),
            Some("currency")
        );
        assert_eq!(
            plain("\"Group \"\"By\"\"\"").as_deref(),
            Some("Group \"By\"")
        );
        assert_eq!(plain("`order`").as_deref(), Some("order"));
        assert_eq!(plain("lower(email)"), None);
        assert_eq!(plain("email(10)"), None);
        assert_eq!(plain(""), None);
    }
}
