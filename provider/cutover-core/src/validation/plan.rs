//! Which columns, key, strategy and buckets a table is compared by.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::catalog::{Kind, TableName};
use super::digest::{Key, Mix};
use super::side::Both;

/// The form in which the values of two columns are compared. Equal canonical bytes are equal values.
///
/// A null is one zero byte. Any other value is a byte of 1, the length of its canonical bytes as four bytes, the lowest
/// first, and these bytes. A row is its columns one after another, in the order of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Form {
    /// Whole numbers and booleans: decimal text, `-` in front of negative ones.
    Integer,
    /// Decimals: digits without leading zeros, a point and further digits only if they are not all zero, no zeros at
    /// the end, no `-0`; `NaN`, `Infinity`, `-Infinity`.
    Numeric,
    /// Binary floating point: the eight bytes of the 64-bit value, the lowest first; −0 is 0, and there is one NaN.
    Float,
    /// UTF-8, without blanks at the end where `padded`.
    Text {
        /// Whether either side is filled with blanks.
        padded: bool,
    },
    /// The bytes, without zero bytes at the end where `padded`.
    Bytes {
        /// Whether either side is filled with zero bytes.
        padded: bool,
    },
    /// `2024-02-29`; `infinity`, `-infinity`; `0044-03-15 BC`; MySQL's zero dates as it prints them.
    Date,
    /// `23:59:59.123456`, the fraction cut (not rounded) to `digits` and then without zeros at its end; an offset in UTC.
    Time {
        /// Digits of the fraction that count: the smaller of both sides.
        digits: u8,
    },
    /// A [`Form::Date`], a blank and a [`Form::Time`], in UTC where it is a moment; ` BC` stands behind both:
    /// `0044-03-15 12:00:00 BC`.
    Timestamp {
        /// Digits of the fraction that count: the smaller of both sides.
        digits: u8,
    },
    /// 32 lower-case digits with four dashes, whether kept as UUID, text or 16 bytes.
    Uuid,
    /// JSON by its meaning: keys sorted by their bytes, of equal keys the last, no blanks, numbers as
    /// [`Form::Numeric`] with exponents spelled out (up to 1,000 digits), text unescaped and escaped again in one way.
    Json,
    /// What the engine prints when the value is cast to text: enums, sets, years, network addresses, bits, spans,
    /// arrays. Only where both sides print equal values alike.
    Printed,
}

/// A column of both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnPlan {
    /// Its names.
    pub names: Both<String>,
    /// The kinds of its values.
    pub kinds: Both<Kind>,
    /// The engines' own names of its types, for casts.
    pub types: Both<String>,
    /// The form that is compared.
    pub form: Form,
    /// Whether it may be null.
    pub nullable: Both<bool>,
    /// Whether equal text is equal bytes under its collation.
    pub deterministic: Both<bool>,
}

/// What tells one row of a table from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyPlan {
    /// Columns, by their place in [`TablePlan::columns`]: the primary key, or a unique one without nulls.
    Columns(Vec<usize>),
    /// Nothing: equal rows are counted.
    WholeRow,
}

/// A column that is not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// Its name.
    pub column: String,
    /// Why.
    pub reason: String,
    /// Whether that was asked for, so that the verdict may still be *matched*.
    pub accepted: bool,
}

/// How one table is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePlan {
    /// What people call it: its name on the source, with the schema unless that is the only one.
    pub label: String,
    /// Its names.
    pub names: Both<TableName>,
    /// The columns that are compared, in the order of their names on the source.
    pub columns: Vec<ColumnPlan>,
    /// What tells rows apart.
    pub key: KeyPlan,
    /// Columns that are not compared.
    pub excluded: Vec<Excluded>,
}

/// Where rows are hashed, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    /// In the servers, by `hash_record_extended`. Both sides PostgreSQL 14 or later.
    RecordHash,
    /// In our process, of rows in binary, by XXH3 with 128 bits.
    Stream,
    /// In the servers, by SHA-256 of canonical text.
    TextDigest,
}

/// Which bucket a row belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Buckets {
    /// By ranges of the first column of the key, a whole number: `(key - first) / width`, and no less than 0, no more
    /// than `count - 1`.
    Ranges {
        /// The smallest key of the first bucket.
        first: i64,
        /// How many keys make a bucket; at least 1.
        width: u64,
        /// How many buckets; a power of two, 65,536 at most.
        count: u32,
    },
    /// By a hash of the key, or of the whole row where there is no key, in the way of the strategy.
    Hashed {
        /// How many buckets; a power of two, 65,536 at most.
        count: u32,
    },
}

/// How the rows of a table are read and added up. The same for both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method {
    /// Where rows are hashed.
    pub strategy: Strategy,
    /// Which bucket a row belongs to.
    pub buckets: Buckets,
    /// How digests are put together.
    pub mix: Mix,
    /// Changes with every run, so that two rows that collide do so once.
    pub seed: u64,
    /// Only buckets whose number is a multiple of this are read: 1 for all, 100 for a quick look at one in a hundred.
    pub every: u32,
}

/// A piece of one side of a table, chosen for how that side keeps its rows. Pieces never overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Span {
    /// All of it.
    Whole,
    /// Blocks of PostgreSQL's heap: `ctid` from `(from, 0)` up to `(until, 0)`, without the latter. In a table with
    /// partitions, of the partition by its number in [`Layout::pieces`].
    Blocks {
        /// Which of the pieces.
        piece: usize,
        /// The first block.
        from: u32,
        /// The block after the last one; `None` to the end, however long it has grown.
        until: Option<u32>,
    },
    /// Rows by ranges of the first column of the key, a whole number.
    Range {
        /// The smallest value; `None` from the beginning.
        from: Option<i64>,
        /// The value after the largest one; `None` to the end.
        until: Option<i64>,
    },
    /// The next so many rows in the order of the key, by the server's own order.
    After {
        /// The key before the first row; `None` from the beginning.
        key: Option<Key>,
        /// How many rows at most.
        rows: u32,
    },
}

/// How one side keeps a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The tables that hold the rows: itself, or its partitions, with their blocks of 8 KiB (0 with `InnoDB`).
    pub pieces: Vec<(TableName, u32)>,
    /// How many rows the server believes it has.
    pub estimated_rows: u64,
    /// How many bytes they take.
    pub bytes: u64,
    /// The smallest and largest value of the key's first column, when that is a whole number within 64 bits.
    pub keys: Option<(i64, i64)>,
    /// Whether rows lie in the order of the key, so that ranges of it are cheap.
    pub clustered: bool,
    /// Whether pieces by [`Span::Blocks`] can be read.
    pub has_blocks: bool,
}

/// What a check of the whole table counts and sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SumsPlan {
    /// The columns that groups share; empty for one group.
    pub group_by: Vec<Both<String>>,
    /// The columns that are summed, exactly.
    pub sums: Vec<Both<String>>,
    /// The columns whose latest value is looked for.
    pub latest: Vec<Both<String>>,
}

/// A condition that no row may fulfil, of one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulePlan {
    /// Its name.
    pub name: String,
    /// The query: its rows are the keys of rows that are wrong.
    pub query: RuleQuery,
}

/// How rows that are wrong are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RuleQuery {
    /// Rows of a table for which this condition, in the engine's SQL, is true.
    Where {
        /// The table.
        table: TableName,
        /// The columns of its key, to name rows by; empty if it has none.
        key: Vec<String>,
        /// The condition.
        condition: String,
    },
    /// Rows of one table that refer to rows of another that are not there. Rows with a null among the columns refer to none.
    Orphans {
        /// The table that refers.
        table: TableName,
        /// The columns of its key, to name rows by; empty if it has none.
        key: Vec<String>,
        /// The columns that refer.
        columns: Vec<String>,
        /// The table that is referred to.
        referred: TableName,
        /// Its columns, in the same order.
        referred_columns: Vec<String>,
    },
    /// What this query of the user's returns, a row each, named by its first column.
    Custom(String),
}

impl Buckets {
    /// Returns how many there are.
    pub fn count(&self) -> u32 {
        match self {
            Self::Ranges { count, .. } | Self::Hashed { count } => *count,
        }
    }

    /// Lists the ranges of keys that make up some buckets, from the first key to the one after the last, in their order,
    /// neighbours as one; `None` where buckets are no ranges, or one of these begins beyond 64 bits with a sign.
    ///
    /// The first bucket has no beginning and the last one no end, since they hold what lies outside. A range that ends
    /// beyond 64 bits has no end either.
    pub fn ranges(&self, chosen: &Chosen) -> Option<Vec<(Option<i64>, Option<i64>)>> {
        let Self::Ranges {
            first,
            width,
            count,
        } = self
        else {
            return None;
        };
        let begin = |bucket: u32| {
            let offset = i128::from(bucket).saturating_mul(i128::from(*width));
            i64::try_from(i128::from(*first).saturating_add(offset)).ok()
        };
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for &bucket in chosen.iter().filter(|bucket| *bucket < count) {
            match runs.last_mut() {
                Some((_, after)) if *after == bucket => *after = bucket.saturating_add(1),
                Some(_) | None => runs.push((bucket, bucket.saturating_add(1))),
            }
        }
        let ranges = runs.into_iter().map(|(bucket, after)| {
            let from = match bucket {
                0 => None,
                bucket => Some(begin(bucket)?),
            };
            let until = if after < *count { begin(after) } else { None };
            Some((from, until))
        });
        ranges.collect()
    }
}

impl Method {
    /// Tells whether a bucket is among those that are read.
    pub fn reads(&self, bucket: u32) -> bool {
        bucket.checked_rem(self.every).is_none_or(|rest| rest == 0)
    }
}

impl TablePlan {
    /// Returns the columns of the key; empty where the whole row is the key.
    pub fn key_columns(&self) -> Vec<&ColumnPlan> {
        match &self.key {
            KeyPlan::Columns(places) => places
                .iter()
                .filter_map(|&place| self.columns.get(place))
                .collect(),
            KeyPlan::WholeRow => Vec::new(),
        }
    }
}

/// The buckets that are looked into.
pub type Chosen = BTreeSet<u32>;

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(first: i64, chosen: &[u32]) -> Option<Vec<(Option<i64>, Option<i64>)>> {
        let buckets = Buckets::Ranges {
            first,
            width: 10,
            count: 4,
        };
        let chosen = chosen.iter().copied().collect();
        buckets.ranges(&chosen)
    }

    #[test]
    fn neighbours_are_one_range_and_the_ends_are_open() {
        assert_eq!(ranges(100, &[0, 1]), Some(vec![(None, Some(120))]));
        assert_eq!(
            ranges(100, &[1, 3]),
            Some(vec![(Some(110), Some(120)), (Some(130), None)])
        );
        assert_eq!(ranges(100, &[0, 1, 2, 3]), Some(vec![(None, None)]));
        assert_eq!(ranges(100, &[]), Some(vec![]));
    }

    #[test]
    fn the_largest_key_is_in_a_range_and_beyond_there_are_none() {
        // The second bucket begins five keys before the end of 64 bits, and the third one after it.
        let first = i64::MAX - 14;

        assert_eq!(ranges(first, &[1]), Some(vec![(Some(i64::MAX - 4), None)]));
        assert_eq!(ranges(first, &[2]), None);
    }

    #[test]
    fn hashed_buckets_are_no_ranges() {
        assert_eq!(Buckets::Hashed { count: 64 }.ranges(&Chosen::new()), None);
    }
}
