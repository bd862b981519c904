//! Tables of whole numbers, and how their rows are found, hashed and added up.

use std::collections::BTreeMap;
use std::ops::Bound;

use cutover_core::validation::digest::{Bucket, Key, KeyPart, Tally};
use cutover_core::validation::plan::{Buckets, KeyPlan, Layout, Method, Span, TablePlan};
use cutover_core::validation::side::Side;

/// How many rows a block of a heap holds.
const ROWS_PER_BLOCK: u64 = 50;

/// How a server keeps a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In blocks, in the order of writing.
    Heap,
    /// In the order of a key that is a whole number.
    Clustered,
    /// In the order of a key that is something else.
    Chain,
}

/// A table: an `id`, which is its key if it has one, and further columns.
#[derive(Clone, Debug)]
pub struct SimTable {
    /// How it is kept.
    pub kept: Kept,
    /// The names of the columns; the first is `id`.
    pub columns: Vec<String>,
    /// Whether `id` is the primary key. If not, it is not even a column.
    pub keyed: bool,
    /// The rows by their id.
    pub rows: BTreeMap<i64, SimRow>,
    /// Where the next row is written.
    place: u64,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimRow {
    /// The values of the columns, in their order, without `id`.
    pub values: Vec<i64>,
    /// Where it is in the heap.
    place: u64,
    /// The transaction that wrote it.
    transaction: u64,
}

impl SimTable {
    /// Makes a table with `id`, `amount` and `status`, and rows by their ids.
    pub fn new(kept: Kept, ids: impl IntoIterator<Item = i64>) -> Self {
        let mut table = Self {
            kept,
            columns: ["id", "amount", "status"].map(str::to_owned).to_vec(),
            keyed: true,
            rows: BTreeMap::new(),
            place: 0,
        };
        for id in ids {
            table.put(id, Some(vec![id.wrapping_mul(7), id % 3]), 1);
        }
        table
    }

    /// Takes the key away: rows are told apart by all their values.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.keyed = false;
        self.columns.remove(0);
        self
    }

    pub(super) fn put(&mut self, id: i64, values: Option<Vec<i64>>, transaction: u64) {
        let Some(values) = values else {
            self.rows.remove(&id);
            return;
        };
        // A row that is changed moves to the end of the heap.
        let row = SimRow {
            values,
            place: self.place,
            transaction,
        };
        self.place += 1;
        self.rows.insert(id, row);
    }

    pub(super) fn layout(&self, name: &cutover_core::validation::catalog::TableName) -> Layout {
        let blocks = self.place.div_ceil(ROWS_PER_BLOCK);
        let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
        let ends = self.rows.first_key_value().zip(self.rows.last_key_value());
        let is_heap = self.kept == Kept::Heap;
        let rows = self.rows.len() as u64;
        Layout {
            pieces: vec![(name.clone(), if is_heap { blocks } else { 0 })],
            estimated_rows: rows,
            bytes: rows * 100,
            keys: ends
                .map(|((first, _), (last, _))| (*first, *last))
                .filter(|_| self.keyed && self.kept != Kept::Chain),
            clustered: !is_heap,
            has_blocks: is_heap,
        }
    }

    /// Returns the rows of a piece, and the key of the last one where the piece was full.
    pub(super) fn piece(&self, span: &Span) -> (Vec<(i64, &SimRow)>, Option<Key>) {
        let rows = self.rows.iter().map(|(id, row)| (*id, row));
        match span {
            Span::Whole => (rows.collect(), None),
            Span::Blocks { from, until, .. } => {
                let until = until.map_or(u64::MAX, u64::from);
                let within = rows.filter(|(_, row)| {
                    (u64::from(*from)..until).contains(&(row.place / ROWS_PER_BLOCK))
                });
                (within.collect(), None)
            }
            Span::Range { from, until } => {
                let from = from.unwrap_or(i64::MIN);
                let until =
                    until.map_or(Bound::Unbounded, |until| Bound::Excluded(until.max(from)));
                let within = self.rows.range((Bound::Included(from), until));
                (within.map(|(id, row)| (*id, row)).collect(), None)
            }
            Span::After { key, rows: most } => {
                let after = key.as_ref().map_or(Bound::Unbounded, id_after);
                let later = self.rows.range((after, Bound::Unbounded));
                let later = later.map(|(id, row)| (*id, row));
                let read: Vec<_> = later.take(*most as usize).collect();
                let last = read.last().filter(|_| read.len() == *most as usize);
                let last = last.map(|(id, _)| id_key(*id));
                (read, last)
            }
        }
    }

    /// The values of a row in the order of a plan.
    fn values(&self, plan: &TablePlan, side: Side, id: i64, row: &SimRow) -> Vec<i64> {
        let all: Vec<i64> = if self.keyed {
            std::iter::once(id)
                .chain(row.values.iter().copied())
                .collect()
        } else {
            row.values.clone()
        };
        let columns = plan.columns.iter();
        let places = columns.map(|column| {
            let name = column.names.get(side);
            self.columns.iter().position(|other| other == name)
        });
        places
            .map(|place| {
                place
                    .and_then(|at| all.get(at))
                    .copied()
                    .unwrap_or(i64::MIN)
            })
            .collect()
    }

    /// The key and the print of a row, as a method hashes it.
    pub(super) fn print(
        &self,
        plan: &TablePlan,
        side: Side,
        seed: u64,
        (id, row): (i64, &SimRow),
    ) -> (Key, u128) {
        let values = self.values(plan, side, id, row);
        let print = (u128::from(hash(seed, &values)) << 64) | u128::from(hash(!seed, &values));
        let key = match plan.key {
            KeyPlan::Columns(_) => id_key(id),
            KeyPlan::WholeRow => Key(vec![KeyPart::Bytes(print.to_be_bytes().to_vec())]),
        };
        (key, print)
    }

    /// A print of each column of a row.
    pub(super) fn columns(&self, plan: &TablePlan, side: Side, id: i64, row: &SimRow) -> Vec<u64> {
        let values = self.values(plan, side, id, row);
        values.into_iter().map(|value| hash(1, &[value])).collect()
    }

    /// Adds up rows, or their keys alone.
    pub(super) fn tally(
        &self,
        plan: &TablePlan,
        side: Side,
        method: &Method,
        rows: &[(i64, &SimRow)],
        keys_alone: bool,
    ) -> Tally {
        let mut tally = Tally::default();
        for (id, row) in rows {
            let (key, print) = self.print(plan, side, method.seed, (*id, row));
            let number = bucket(method, *id, &key);
            if !method.reads(number) {
                continue;
            }
            let print = if keys_alone {
                u128::from(hash(method.seed, &[*id]))
            } else {
                print
            };
            let low = u64::try_from(print & u128::from(u64::MAX)).expect("masked to 64 bits");
            let high = u64::try_from(print >> 64).expect("64 bits are left");
            let one = Bucket {
                rows: 1,
                digest: [low, high],
            };
            tally.0.entry(number).or_default().add(&one, method.mix);
        }
        tally
    }

    /// The keys of rows that were written by this transaction or later.
    pub(super) fn touched(&self, since: u64) -> Vec<Key> {
        let rows = self.rows.iter();
        let young = rows.filter(|(_, row)| row.transaction >= since);
        young.map(|(id, _)| id_key(*id)).collect()
    }
}

/// The bucket of a row.
pub(super) fn bucket(method: &Method, id: i64, key: &Key) -> u32 {
    match &method.buckets {
        Buckets::Ranges {
            first,
            width,
            count,
        } => {
            let place = (i128::from(id) - i128::from(*first)).div_euclid(i128::from(*width));
            u32::try_from(place.clamp(0, i128::from(*count) - 1)).expect("within the count")
        }
        Buckets::Hashed { count } => {
            let values: Vec<i64> = key.0.iter().flat_map(words).collect();
            u32::try_from(hash(3, &values) % u64::from(*count)).expect("less than the count")
        }
    }
}

fn words(part: &KeyPart) -> Vec<i64> {
    match part {
        KeyPart::Integer(value) => vec![i64::try_from(*value).unwrap_or(i64::MAX)],
        KeyPart::Text(text) => text.bytes().map(i64::from).collect(),
        KeyPart::Bytes(bytes) => bytes.iter().copied().map(i64::from).collect(),
    }
}

pub(super) fn id_key(id: i64) -> Key {
    Key(vec![KeyPart::Integer(id.into())])
}

/// The bound behind the row with a key.
fn id_after(key: &Key) -> Bound<i64> {
    match key.0.as_slice() {
        [KeyPart::Integer(id)] => i64::try_from(*id).map_or(Bound::Unbounded, Bound::Excluded),
        _ => Bound::Unbounded,
    }
}

/// Mixes numbers well, by multiplications and shifts as generators of random numbers do.
pub(super) fn hash(seed: u64, values: &[i64]) -> u64 {
    values.iter().fold(mixed(seed), |sum, value| {
        mixed(sum ^ mixed(u64::from_ne_bytes(value.to_ne_bytes())))
    })
}

fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
