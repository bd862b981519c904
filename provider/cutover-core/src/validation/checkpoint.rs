//! What a run that stops leaves for the next one.

use serde::{Deserialize, Serialize};

use super::digest::Key;
use super::facts::Horizon;
use super::report::{ProofKind, TableReport};
use super::side::Both;

/// The tables that a run has finished. Another run takes them over if it meets the same databases with the same schemas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// When the run began, in milliseconds since 1970.
    pub began_at: i64,
    /// The servers' identities.
    pub identities: Both<String>,
    /// A digest of both schemas.
    pub schemas: Both<String>,
    /// What the rows of all tables were compared by; with another, keys and digests mean something else.
    pub seed: u64,
    /// The tables, in the order in which they were finished.
    pub finished: Vec<FinishedTable>,
}

/// A table that was finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinishedTable {
    /// What was found.
    pub report: TableReport,
    /// What kind of proof that is.
    pub proof: ProofKind,
    /// From where rows count as changed since.
    pub horizons: Both<Option<Horizon>>,
    /// Keys that were still changing.
    pub hot: Vec<Key>,
}
