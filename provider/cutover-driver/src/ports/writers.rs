//! What a move of the writer reaches databases through.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::validation::catalog::TableName;
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{Control, Entry, Identity, LogPosition};
use cutover_core::writer_switch::facts::Row;
use futures_util::future::BoxFuture;

use super::{Address, Asked};

/// Opens databases whose writer is to change.
pub trait Writers: Debug + Send + Sync {
    /// Opens one side, and proves that it can be reached. The lock of the migration is not taken yet.
    fn open<'a>(
        &'a self,
        side: Side,
        at: &'a Address,
        of: &'a Fenced,
    ) -> Asked<'a, Arc<dyn WriterControl>>;
}

/// What is ours in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fenced {
    /// The migration; what is there of another one is left alone.
    pub migration: String,
    /// The schema (database with MySQL) for what is ours: the row, the journal, markers and the fence.
    pub schema: String,
    /// The tables that carry a fence, in the order in which they are locked.
    pub tables: Vec<TableName>,
    /// Users whom the fence lets through: those by whom replication applies. A user that applies as a replica
    /// (`session_replication_role`, binary log events) passes anyway.
    pub apply_users: Vec<String>,
    /// What a slot of PostgreSQL speaks, which is settled when it is made: `test_decoding` for DMS, which also takes
    /// `pglogical`; `pgoutput` for a subscription of another PostgreSQL. MySQL has no use for it.
    pub slot_plugin: String,
    /// Who we are, for whoever finds the lock taken: `run 20261121T101500Z-4f2a`.
    pub run: String,
}

impl Fenced {
    /// The name of what fills a column: `payments.id`. Schemas are left out, as both sides may name them differently, unless
    /// that would leave two alike.
    pub fn identity_name(&self, table: &TableName, column: &str) -> String {
        let namesakes = self.tables.iter().filter(|other| other.name == table.name);
        if namesakes.count() > 1 {
            format!("{table}.{column}")
        } else {
            format!("{}.{column}", table.name)
        }
    }
}

/// One side of a move of the writer.
///
/// All of it goes through one session, which also holds the lock of the migration: when the session is gone, so is the
/// lock, and whatever is asked for then fails as lost until [`lock`](Self::lock) was called again. No method repeats
/// anything. What changes something must not be dropped: it may or may not have taken effect then.
pub trait WriterControl: Debug + Send + Sync {
    /// Takes the lock of the migration, which ends with the session; `Err` names the one who holds it. Without effect when
    /// it is held by us.
    fn lock(&self) -> Asked<'_, Result<(), String>>;

    /// Looks. Works without the control schema, and without the lock.
    fn look(&self, older_than: Duration) -> Asked<'_, Control>;

    /// Makes the control schema where it is missing, with this row, and the fence of every table: open for the writer,
    /// closed for the other. What is there keeps its state, and its row.
    fn prepare<'a>(&'a self, row: &'a Row) -> Asked<'a, ()>;

    /// Writes a line of the journal.
    fn note<'a>(&'a self, entry: &'a Entry) -> Asked<'a, ()>;

    /// Reads the last lines of the journal, oldest first.
    fn journal(&self, limit: u32) -> Asked<'_, Vec<Noted>>;

    /// Writes a marker into the table that is replicated away from this side. The fence does not hold it up.
    fn mark(&self, number: u64) -> Asked<'_, ()>;

    /// Tells whether a marker from the other side has arrived.
    fn has_marker(&self, number: u64) -> Asked<'_, bool>;

    /// Closes the fence until a time is over, in one transaction under the locks of all tables.
    fn fence<'a>(
        &'a self,
        lock: Duration,
        expires_in: Duration,
        entry: &'a Entry,
    ) -> Asked<'a, Closing>;

    /// Closes a paused fence for good, under the locks of all tables, if its time is not over by the server's clock.
    fn close<'a>(&'a self, lock: Duration, entry: &'a Entry) -> Asked<'a, Closing>;

    /// Opens the fence and sets the row, in one transaction, if the row has the expected epoch; else returns the one it has.
    fn open<'a>(
        &'a self,
        expected: u64,
        row: &'a Row,
        entry: &'a Entry,
    ) -> Asked<'a, Result<(), u64>>;

    /// Sets the row and leaves the fence as it is. One with a higher epoch is left alone.
    fn record<'a>(&'a self, row: &'a Row, entry: &'a Entry) -> Asked<'a, ()>;

    /// Tries to write as an application would, to a table of ours that carries the same fence.
    fn probe(&self) -> Asked<'_, bool>;

    /// Notes where the log stands, and keeps name and place in the control schema, where [`look`](Self::look) finds them: what
    /// was noted before is replaced there. PostgreSQL: makes a logical slot of this name, anew if there is one.
    fn capture<'a>(&'a self, name: &'a str) -> Asked<'a, LogPosition>;

    /// Gives up a noted place, in the control schema as well if it is the one kept there; without effect when there is none.
    fn release<'a>(&'a self, name: &'a str) -> Asked<'a, ()>;

    /// Reads what counts values up for the fenced tables.
    fn identities(&self) -> Asked<'_, Vec<Identity>>;

    /// Sets what counts values up, each by its name, to what is given next.
    fn set_identities<'a>(&'a self, next: &'a [(String, i128)]) -> Asked<'a, ()>;

    /// Removes everything of ours. Only for a migration that is over, or has not begun.
    fn remove(&self) -> Asked<'_, ()>;

    /// Ends the session, and the lock with it.
    fn leave(&self) -> BoxFuture<'_, ()>;
}

/// What closing a fence came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It is closed.
    Closed {
        /// How long the tables were locked, waiting included.
        locked: Duration,
    },
    /// The locks were not to be had in time; nothing was changed.
    NoLock {
        /// Who is in the way: `app@10.0.3.7 (checkout), process 4711, for 12 s`.
        blockers: Vec<String>,
    },
    /// It had opened by itself already; nothing was changed.
    Expired,
}

/// A line of a journal with its moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Its number; they grow.
    pub number: u64,
    /// When, by the clock of the server: RFC 3339 in UTC.
    pub at: String,
    /// What it says.
    pub entry: Entry,
}
