//! Primary keys and indexes.

use std::collections::BTreeSet;

use super::super::catalog::{Index, Table};
use super::super::expression::expression;
use super::super::key::plain_column;
use super::super::report::Severity;
use super::super::side::{Both, Side};
use super::{Findings, Pair};

impl Findings {
    pub(super) fn indexes(&mut self, pair: &Pair<'_>) {
        self.primary_keys(pair);
        for index in &pair.tables.source.indexes {
            if index.valid {
                self.missing_index(pair, index);
            }
        }
        for side in Side::BOTH {
            for index in &pair.tables.get(side).indexes {
                if !index.valid {
                    let place = format!("{}.{}", pair.label, index.name);
                    let severity = if side == Side::Target && index.unique {
                        pair.tightened()
                    } else {
                        Severity::Warns
                    };
                    let text = format!("this index of the {side} is not valid, and is not used");
                    self.add(severity, "invalid_index", place, text);
                }
            }
        }
        for index in &pair.tables.target.indexes {
            if index.unique && index.valid && !is_unique_on_source(pair, index) {
                let place = format!("{}.{}", pair.label, index.name);
                let text = format!(
                    "only the target holds ({}) to be unique, and refuses rows that the source allows",
                    index.parts.join(", ")
                );
                self.add(Severity::Blocks, "extra_unique_index", place, text);
            }
        }
    }

    fn primary_keys(&mut self, pair: &Pair<'_>) {
        let label = &pair.label;
        let Both { source, target } = pair.tables.map(|table| table.primary_key.as_ref());
        match (source, target) {
            (None, None) => self.add(
                Severity::Warns,
                "no_primary_key",
                label,
                "neither side has a primary key: AWS DMS leaves out updates and deletes of such tables unless \
                 `REPLICA IDENTITY FULL` is set",
            ),
            (None, Some(_)) => self.add(
                Severity::Warns,
                "extra_primary_key",
                label,
                "only the target has a primary key, and refuses rows that the source allows",
            ),
            (Some(_), None) => self.add(
                Severity::Blocks,
                "missing_primary_key",
                label,
                "the target does not have the primary key of the source",
            ),
            (Some(source), Some(target)) => {
                let expected = pair.on_target(source);
                let is_same_set = expected.as_ref().is_some_and(|expected| {
                    BTreeSet::from_iter(expected) == BTreeSet::from_iter(target)
                });
                if expected.as_ref() == Some(target) {
                    return;
                }
                let (severity, kind) = if is_same_set {
                    (Severity::Informs, "primary_key_order")
                } else {
                    (Severity::Blocks, "primary_key")
                };
                let text = format!(
                    "the primary key is ({}) on the source and ({}) on the target",
                    source.join(", "),
                    target.join(", ")
                );
                self.add(severity, kind, label, text);
            }
        }
    }

    fn missing_index(&mut self, pair: &Pair<'_>, index: &Index) {
        let place = format!("{}.{}", pair.label, index.name);
        let Some(wanted) = Shape::of(index, |part| part_on_target(pair, part)) else {
            if !pair.is_kin() {
                let text = "an index over an expression or a beginning of a column cannot be compared between engines";
                self.add(Severity::Informs, "index_not_compared", place, text);
            }
            return;
        };
        let is_there = keys_of(pair.tables.target).any(|there| there.serves(&wanted));
        if is_there {
            return;
        }
        let parts = index.parts.join(", ");
        if index.unique {
            let text = format!("the target does not hold ({parts}) to be unique");
            self.add(pair.tightened(), "missing_unique_index", place, text);
        } else {
            let text = format!("the target has no index over ({parts})");
            self.add(Severity::Warns, "missing_index", place, text);
        }
    }
}

/// What an index is, whatever it is called.
struct Shape {
    parts: Vec<String>,
    unique: bool,
    predicate: Option<String>,
    method: String,
}

impl Shape {
    /// `None` if a part cannot be told for this side.
    fn of(index: &Index, part: impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self {
            parts: index
                .parts
                .iter()
                .map(|text| part(text))
                .collect::<Option<_>>()?,
            unique: index.unique,
            predicate: index.predicate.as_deref().map(expression),
            method: index.method.to_lowercase(),
        })
    }

    /// Tells whether it does all that another is there for.
    fn serves(&self, wanted: &Shape) -> bool {
        if self.predicate != wanted.predicate {
            return false;
        }
        if wanted.unique {
            let set = |shape: &Shape| -> BTreeSet<String> { shape.parts.iter().cloned().collect() };
            return self.unique && set(self) == set(wanted);
        }
        self.method == wanted.method && self.parts.starts_with(&wanted.parts)
    }
}

/// The indexes of a table, with that of its primary key.
fn keys_of(table: &Table) -> impl Iterator<Item = Shape> {
    let primary = table.primary_key.iter().map(|columns| Shape {
        parts: columns.clone(),
        unique: true,
        predicate: None,
        method: "btree".to_owned(),
    });
    let others = table.indexes.iter().filter(|index| index.valid);
    primary.chain(others.filter_map(|index| Shape::of(index, own_part)))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands where parts of the other side may be unknown"
)]
fn own_part(part: &str) -> Option<String> {
    Some(plain_column(part).unwrap_or_else(|| expression(part)))
}

/// A part of an index of the source, as it is on the target.
fn part_on_target(pair: &Pair<'_>, part: &str) -> Option<String> {
    match plain_column(part) {
        Some(column) => Some(pair.twin(Side::Target, &column)?.name.clone()),
        None => pair.is_kin().then(|| expression(part)),
    }
}

/// Tells whether the source keeps rows apart by the same columns or fewer.
fn is_unique_on_source(pair: &Pair<'_>, index: &Index) -> bool {
    let Some(there) = Shape::of(index, |part| match plain_column(part) {
        Some(column) => Some(pair.twin(Side::Source, &column)?.name.clone()),
        None => pair.is_kin().then(|| expression(part)),
    }) else {
        // An expression of another engine: nothing can be said, and saying nothing is not to accuse.
        return true;
    };
    keys_of(pair.tables.source).any(|here| {
        here.unique
            && (here.predicate.is_none() || here.predicate == there.predicate)
            && here.parts.iter().all(|part| there.parts.contains(part))
    })
}
