//! Prints of rows, and what adds up over a bucket.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A part of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyPart {
    /// A whole number.
    Integer(i128),
    /// Anything that is written as text: text, decimals, moments, UUIDs, in the canonical form of the column.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// The key of one row, in the order of the key's columns.
///
/// For a table without a key it is the print of the whole row, as bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub Vec<KeyPart>);

/// A row without its values: what is left is enough to tell whether two are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPrint {
    /// The row's key.
    pub key: Key,
    /// A print of each column, in the order of the plan. Of a table without a key: one entry, how many rows are equal to
    /// this one.
    pub columns: Vec<u64>,
}

/// What adds up over the rows of a bucket, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// How many rows.
    pub rows: u64,
    /// Two independent digests of them.
    pub digest: [u64; 2],
}

/// How digests of rows are put together.
///
/// No plain sum or exclusive or of a *linear* hash will do: see decision 12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mix {
    /// By exclusive or: where no row can be there twice, and for `hash_record_extended`.
    Xor,
    /// By addition modulo 2^64: where rows may be there more than once. Needs well-mixed hashes.
    Sum,
}

/// The buckets that rows were found in, by their number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally(pub BTreeMap<u32, Bucket>);

impl Bucket {
    /// Adds the rows of another.
    pub fn add(&mut self, other: &Bucket, mix: Mix) {
        self.rows = self.rows.saturating_add(other.rows);
        for (mine, theirs) in self.digest.iter_mut().zip(other.digest) {
            *mine = match mix {
                Mix::Xor => *mine ^ theirs,
                Mix::Sum => mine.wrapping_add(theirs),
            };
        }
    }
}

impl Tally {
    /// Adds rows that were found elsewhere.
    pub fn add(&mut self, other: &Tally, mix: Mix) {
        for (&number, bucket) in &other.0 {
            self.0.entry(number).or_default().add(bucket, mix);
        }
    }

    /// Counts the rows of all buckets.
    pub fn rows(&self) -> u64 {
        self.0
            .values()
            .fold(0, |rows, bucket| rows.saturating_add(bucket.rows))
    }

    /// Lists the buckets that are not the same as in another, in their order.
    ///
    /// A bucket that is missing is one without rows.
    pub fn differing(&self, other: &Tally) -> Vec<u32> {
        let numbers: BTreeSet<u32> = self.0.keys().chain(other.0.keys()).copied().collect();
        numbers
            .into_iter()
            .filter(|&number| self.bucket(number) != other.bucket(number))
            .collect()
    }

    fn bucket(&self, number: u32) -> Bucket {
        self.0.get(&number).copied().unwrap_or_default()
    }
}
