//! Compares two databases: performs what the machine of `cutover_core::validation` asks for, and tells how far it is.

mod conduct;
mod perform;
mod reading;

use cutover_core::validation::side::Both;

pub use conduct::{Checkpoint, Validated, validate};
pub use perform::{PassProgress, Validating};

/// How far a validation is, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The part of the operation: news as soon as it changes.
    pub phase: &'static str,
    /// One line, the most important words first.
    pub text: String,
    /// The table in hand, by its label.
    pub table: Option<String>,
    /// How many tables are finished.
    pub tables_done: usize,
    /// How many there are; 0 until that is known.
    pub tables: usize,
    /// How many rows of the table in hand were read in this pass.
    pub rows: Both<u64>,
    /// How many it has, as the servers believe.
    pub of_rows: Both<u64>,
}
