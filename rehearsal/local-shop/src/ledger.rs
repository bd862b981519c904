//! What was acknowledged, and what became of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cutover_core::validation::side::Side;
use cutover_local_db::{Error, Server};

use crate::tables::{DATABASE, schema};

/// Everything that was acknowledged. A clone is the same ledger.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    taken: Vec<Taken>,
    odd: Vec<String>,
    refused: u64,
}

/// A payment that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its reference.
    pub reference: String,
    /// Who acknowledged it.
    pub side: Side,
    /// When it was sent for the last time.
    pub sent: Instant,
    /// When it was acknowledged.
    pub acknowledged: Instant,
}

/// What became of it all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reckoning {
    /// How many payments were acknowledged.
    pub acknowledged: usize,
    /// Those that the database does not have.
    pub lost: Vec<String>,
    /// Those with more or fewer than one transaction and one line in the audit log, acknowledged or not.
    pub doubled: Vec<String>,
}

impl Ledger {
    pub(crate) fn take(&self, taken: Taken) {
        self.pages().taken.push(taken);
    }

    pub(crate) fn refuse(&self) {
        let mut pages = self.pages();
        pages.refused = pages.refused.saturating_add(1);
    }

    pub(crate) fn wonder(&self, said: String) {
        self.pages().odd.push(said);
    }

    /// How many payments were acknowledged so far.
    pub fn count(&self) -> usize {
        self.pages().taken.len()
    }

    /// How many attempts met a fence.
    pub fn refused(&self) -> u64 {
        self.pages().refused
    }

    /// Errors that no service should see.
    pub fn odd(&self) -> Vec<String> {
        self.pages().odd.clone()
    }

    /// Those that were acknowledged, from the given one on, in the order of their acknowledgement.
    pub fn since(&self, first: usize) -> Vec<Taken> {
        let mut taken: Vec<_> = self.pages().taken.get(first..).unwrap_or_default().to_vec();
        taken.sort_by_key(|taken| taken.acknowledged);
        taken
    }

    /// Those that one side took although the other had already taken one that was sent later, in a time in which the writer
    /// moved once, away from `former`: proof that both were open at a time. From the given one on.
    pub fn overlaps(&self, first: usize, former: Side) -> Vec<Taken> {
        let taken = self.since(first);
        let opened = taken
            .iter()
            .filter(|taken| taken.side != former)
            .map(|taken| taken.acknowledged)
            .min();
        taken
            .into_iter()
            .filter(|taken| taken.side == former && opened.is_some_and(|at| taken.sent > at))
            .collect()
    }

    /// The longest time between two acknowledgements, from the given one on.
    pub fn longest_silence(&self, first: usize) -> std::time::Duration {
        let taken = self.since(first);
        taken
            .iter()
            .zip(taken.iter().skip(1))
            .map(|(one, next)| next.acknowledged.duration_since(one.acknowledged))
            .max()
            .unwrap_or_default()
    }

    /// Holds the ledger against a database.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn reckon(&self, server: &Server) -> Result<Reckoning, Error> {
        let schema = schema(server.engine());
        let rows = server.rows(
            DATABASE,
            &format!(
                "SELECT p.reference, (SELECT count(*) FROM {schema}.transactions t WHERE t.payment_id = p.id), \
                 (SELECT count(*) FROM {schema}.audit_log a WHERE a.payment_id = p.id) FROM {schema}.payments p"
            ),
        )?;
        let found: BTreeMap<String, bool> = rows
            .into_iter()
            .filter_map(|row| {
                let [reference, transactions, lines] = row.try_into().ok()?;
                let once = transactions.as_deref() == Some("1") && lines.as_deref() == Some("1");
                Some((reference?, once))
            })
            .collect();
        let pages = self.pages();
        let missing = |taken: &&Taken| !found.contains_key(&taken.reference);
        Ok(Reckoning {
            acknowledged: pages.taken.len(),
            lost: pages
                .taken
                .iter()
                .filter(missing)
                .map(|taken| taken.reference.clone())
                .collect(),
            doubled: found
                .into_iter()
                .filter_map(|(reference, once)| (!once).then_some(reference))
                .collect(),
        })
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
