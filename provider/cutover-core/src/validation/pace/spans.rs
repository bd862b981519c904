//! Pieces of a table: which kind, how they are cut, and how they are halved.

use super::super::plan::{Buckets, Chosen, Layout, Method, Span, TablePlan};
use super::FIRST_ROWS;

/// How many blocks of 8 KiB the first piece has where the server does not know its number of rows: 50 rows to a block.
const FIRST_BLOCKS: u64 = 400;

/// From how many of the buckets on a heap is read as a whole rather than by an index: one in so many. Key ranges through
/// an index cost 6 to 11.5 times as much as the same rows by blocks, measured with 1.5 million rows.
const ONE_IN: usize = 8;

/// What the lengths of pieces are measured by.
#[derive(Clone, Debug)]
pub(super) struct Ruler {
    blocks: Vec<u32>,
    keys: Option<(i64, i64)>,
}

impl Ruler {
    pub(super) fn new(layout: &Layout) -> Self {
        Self {
            blocks: layout.pieces.iter().map(|(_, blocks)| *blocks).collect(),
            keys: layout.keys,
        }
    }

    /// Cuts a piece of some length off the beginning. Returns it and the rest, if there is one.
    pub(super) fn cut(&self, span: &Span, size: u64) -> (Span, Option<Span>) {
        if let Span::After { key, .. } = span {
            let rows = u32::try_from(size).unwrap_or(u32::MAX);
            let key = key.clone();
            return (Span::After { key, rows }, None);
        }
        let is_longer = self.length(span, 0) > size;
        let parts = is_longer.then(|| self.split(span, size)).flatten();
        parts.map_or_else(|| (span.clone(), None), |(head, rest)| (head, Some(rest)))
    }

    /// Makes two pieces of one, or a shorter one of a chain's; `None` when it is as small as can be. `size` is the length
    /// of what has no known end.
    pub(super) fn halve(&self, span: &Span, size: u64) -> Option<Vec<Span>> {
        if let Span::After { key, rows } = span {
            let (key, rows) = (key.clone(), rows.div_ceil(2));
            return (size > 1).then(|| vec![Span::After { key, rows }]);
        }
        let length = self.length(span, size);
        if length < 2 {
            return None;
        }
        let (head, rest) = self.split(span, length / 2)?;
        Some(vec![head, rest])
    }

    /// Measures a piece; `least` is the length of one that has no known end, or is a chain's.
    pub(super) fn length(&self, span: &Span, least: u64) -> u64 {
        match span {
            Span::Whole => 1,
            Span::After { rows, .. } => u64::from(*rows),
            Span::Blocks { piece, from, until } => match until {
                Some(until) => u64::from(until.saturating_sub(*from)),
                None => u64::from(self.end(*piece).saturating_sub(*from)).max(least),
            },
            Span::Range { from, until } => {
                let (from, end) = (self.first(*from), self.last(*until));
                let length = end.saturating_sub(from).max(0);
                let length = u64::try_from(length).unwrap_or(u64::MAX);
                if until.is_some() {
                    length
                } else {
                    length.max(least)
                }
            }
        }
    }

    /// Splits a piece in two, the first of some length.
    fn split(&self, span: &Span, length: u64) -> Option<(Span, Span)> {
        match span {
            Span::Whole | Span::After { .. } => None,
            Span::Blocks { piece, from, until } => {
                let (piece, from, until) = (*piece, *from, *until);
                let length = u32::try_from(length).ok()?;
                let middle = from.checked_add(length)?;
                let head = Span::Blocks {
                    piece,
                    from,
                    until: Some(middle),
                };
                let rest = Span::Blocks {
                    piece,
                    from: middle,
                    until,
                };
                Some((head, rest))
            }
            Span::Range { from, until } => {
                let middle = self.first(*from).checked_add(i128::from(length))?;
                let middle = Some(i64::try_from(middle).ok()?);
                let head = Span::Range {
                    from: *from,
                    until: middle,
                };
                let rest = Span::Range {
                    from: middle,
                    until: *until,
                };
                Some((head, rest))
            }
        }
    }

    /// The block after the last one of a piece, as far as is known.
    fn end(&self, piece: usize) -> u32 {
        self.blocks.get(piece).copied().unwrap_or(0)
    }

    fn first(&self, from: Option<i64>) -> i128 {
        let first = self.keys.map_or(0, |(first, _)| first);
        i128::from(from.unwrap_or(first))
    }

    fn last(&self, until: Option<i64>) -> i128 {
        let last = self.keys.map_or(0, |(_, last)| last);
        until.map_or(i128::from(last).saturating_add(1), i128::from)
    }
}

/// Chooses in which pieces a side is read, and how large the first one is.
pub(super) fn spans(
    plan: &TablePlan,
    layout: &Layout,
    method: &Method,
    chosen: Option<&Chosen>,
) -> (Vec<Span>, u64) {
    let sampled: Option<Chosen> = (method.every > 1).then(|| {
        let buckets = 0..method.buckets.count();
        buckets.filter(|&bucket| method.reads(bucket)).collect()
    });
    let width = per_rows(layout, key_values(layout), u64::from(FIRST_ROWS));
    if let Some(chosen) = chosen.or(sampled.as_ref())
        && reads_chosen_only(layout, method, chosen)
    {
        return (ranges(&method.buckets, chosen), width);
    }
    if layout.has_blocks {
        let blocks = layout.pieces.iter().map(|(_, blocks)| u128::from(*blocks));
        let size = per_rows(layout, blocks.sum(), FIRST_BLOCKS);
        let pieces = (0..layout.pieces.len()).map(|piece| Span::Blocks {
            piece,
            from: 0,
            until: None,
        });
        (pieces.collect(), size)
    } else if layout.keys.is_some() && layout.clustered {
        let everything = Span::Range {
            from: None,
            until: None,
        };
        (vec![everything], width)
    } else if !plan.key_columns().is_empty() {
        let (key, rows) = (None, FIRST_ROWS);
        (vec![Span::After { key, rows }], u64::from(rows))
    } else {
        (vec![Span::Whole], 1)
    }
}

/// Tells whether a part of a table can be read as its layout is now.
pub(super) fn fits(span: &Span, layout: &Layout) -> bool {
    match span {
        Span::Whole => true,
        Span::Blocks { piece, .. } => layout.has_blocks && *piece < layout.pieces.len(),
        Span::Range { .. } => layout.keys.is_some(),
        Span::After { .. } => !layout.has_blocks,
    }
}

/// Tells whether nothing but the key ranges of some buckets need be read for their rows. Otherwise everything is read.
pub fn reads_chosen_only(layout: &Layout, method: &Method, chosen: &Chosen) -> bool {
    let Buckets::Ranges { count, .. } = &method.buckets else {
        return false;
    };
    let count = usize::try_from(*count).unwrap_or(usize::MAX);
    layout.keys.is_some() && (layout.clustered || chosen.len().saturating_mul(ONE_IN) <= count)
}

/// Returns the key ranges of some buckets; all keys where their ranges cannot be said.
fn ranges(buckets: &Buckets, chosen: &Chosen) -> Vec<Span> {
    let ranges = buckets.ranges(chosen).unwrap_or_else(|| vec![(None, None)]);
    ranges
        .into_iter()
        .map(|(from, until)| Span::Range { from, until })
        .collect()
}

/// How many values of the key there may be, at most.
fn key_values(layout: &Layout) -> u128 {
    layout.keys.map_or(0, |(first, last)| {
        let values = i128::from(last).saturating_sub(i128::from(first));
        u128::try_from(values.saturating_add(1)).unwrap_or(0)
    })
}

/// How much of a whole holds the rows of a first piece; `unknown` where the server does not know its number of rows.
fn per_rows(layout: &Layout, whole: u128, unknown: u64) -> u64 {
    let part = whole.saturating_mul(u128::from(FIRST_ROWS));
    part.checked_div(u128::from(layout.estimated_rows))
        .map_or(unknown, |part| u64::try_from(part).unwrap_or(u64::MAX))
        .max(1)
}
