//! Weighted record sets in a hosted zone: what is read from them, and the one batch that changes them.

use super::preflight::Routing;
use super::spec::Alias;

/// A record set as Route 53 stores it, with everything that an exact DELETE must repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSet {
    /// Its name, in lower case, without the dot at its end.
    pub name: String,
    /// Its type, as Route 53 writes it.
    pub record_type: String,
    /// How it is chosen.
    pub routing: Routing,
    /// How long answers may be kept, in seconds; `None` for an alias.
    pub ttl_seconds: Option<u32>,
    /// Its values as Route 53 writes them, in their order; empty for an alias.
    pub values: Vec<String>,
    /// The target of an alias.
    pub alias: Option<Alias>,
    /// The id of its health check.
    pub health_check: Option<String>,
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange {
    /// What becomes of the record set.
    pub verb: Verb,
    /// The record set; for [`Verb::Delete`] exactly as it is stored.
    pub set: RecordSet,
}

/// What becomes of a record set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It goes; refused when it is not exactly so.
    Delete,
    /// It is made; refused when there is one.
    Create,
    /// It is made or replaced.
    Upsert,
}
