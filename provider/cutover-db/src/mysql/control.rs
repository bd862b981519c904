//! Who writes to a database of MySQL and MariaDB: the fence, the row, the journal, markers, and the place in the log.
//!
//! | File | Subject |
//! | --- | --- |
//! | `session` | the one session that holds the lock of the migration |
//! | `row`, `schema` | the row of this side; all that is ours, made and removed |
//! | `triggers` | the fence of a table, and which tables have it |
//! | `barrier` | the locks of all tables at once, and who is in their way |
//! | `fence` | closing and opening, and why a death in between is safe |
//! | `journal` | the journal, markers, and the probe |
//! | `look` | everything that is there |
//! | `log` | the place in the binary log |
//! | `identities` | `AUTO_INCREMENT`, and the sequences of MariaDB |
//!
//! What is needed besides rights on the control schema: `TRIGGER`, `LOCK TABLES`, `SELECT` and `ALTER` on the fenced tables,
//! `PROCESS`, `REPLICATION CLIENT` (`BINLOG MONITOR`), and where the binary log is on, `log_bin_trust_function_creators` or
//! `SUPER`. The user who closed a fence must live as long as the fence: triggers run with the rights of the one who made them.
//!
//! What passes the fence, and must be kept away otherwise: `TRUNCATE` and DDL, which fire no triggers; rows that a cascade of a
//! foreign key changes in a fenced table whose parent is not fenced; a session that has said `SET timestamp` to a moment after
//! the expiry of a pause. Events of rows that a replica applies pass as well, as they should: MySQL never fires triggers for
//! them, MariaDB does not with `slave_run_triggers_for_rbr=NO`, its default.

mod barrier;
mod fence;
mod identities;
mod journal;
mod log;
mod look;
mod row;
mod schema;
mod session;
#[cfg(test)]
mod tests;
mod triggers;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cutover_core::validation::catalog::TableName;
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{Control, Entry, Identity, LogPosition};
use cutover_core::writer_switch::facts::Row;
use cutover_driver::{Address, Asked, Closing, Fenced, Noted, WriterControl};
use futures_util::future::BoxFuture;
use sqlx::{Connection as _, MySqlConnection};
use tokio::sync::Mutex;

/// Opens one side, and proves that it can be reached.
pub(crate) async fn open(
    side: Side,
    at: &Address,
    of: &Fenced,
) -> Result<Arc<dyn WriterControl>, DbFailure> {
    Ok(Arc::new(Writer::open(side, at, of).await?))
}

/// One side of a move of the writer.
#[derive(Debug)]
struct Writer {
    side: Side,
    address: Address,
    of: Fenced,
    /// `None` until the lock is taken, and from when the session was lost.
    session: Mutex<Option<MySqlConnection>>,
    /// Its number on the server; 0 while there is none.
    number: AtomicU64,
}

impl Writer {
    async fn open(side: Side, at: &Address, of: &Fenced) -> Result<Self, DbFailure> {
        crate::open::settle_on_ring();
        let reached = session::connect(at, "connecting").await?;
        reached.close().await.ok();
        Ok(Self {
            side,
            address: at.clone(),
            of: of.clone(),
            session: Mutex::default(),
            number: AtomicU64::new(0),
        })
    }

    /// The tables that carry the fence: those of the application, and the one that is probed.
    fn carrying(&self) -> Vec<TableName> {
        let mut tables = self.of.tables.clone();
        tables.push(self.own("probe"));
        tables
    }

    /// A table of ours.
    fn own(&self, name: &str) -> TableName {
        TableName {
            schema: self.of.schema.clone(),
            name: name.to_owned(),
        }
    }
}

impl WriterControl for Writer {
    fn lock(&self) -> Asked<'_, Result<(), String>> {
        Box::pin(self.take_lock())
    }

    fn look(&self, older_than: Duration) -> Asked<'_, Control> {
        Box::pin(self.see(older_than))
    }

    fn prepare<'a>(&'a self, row: &'a Row) -> Asked<'a, ()> {
        Box::pin(self.make(row))
    }

    fn note<'a>(&'a self, entry: &'a Entry) -> Asked<'a, ()> {
        Box::pin(self.write_entry(entry))
    }

    fn journal(&self, limit: u32) -> Asked<'_, Vec<Noted>> {
        Box::pin(self.read_entries(limit))
    }

    fn mark(&self, number: u64) -> Asked<'_, ()> {
        Box::pin(self.write_marker(number))
    }

    fn has_marker(&self, number: u64) -> Asked<'_, bool> {
        Box::pin(self.find_marker(number))
    }

    fn fence<'a>(
        &'a self,
        lock: Duration,
        expires_in: Duration,
        entry: &'a Entry,
    ) -> Asked<'a, Closing> {
        Box::pin(self.pause(lock, expires_in, entry))
    }

    fn close<'a>(&'a self, lock: Duration, entry: &'a Entry) -> Asked<'a, Closing> {
        Box::pin(self.close_for_good(lock, entry))
    }

    fn open<'a>(
        &'a self,
        expected: u64,
        row: &'a Row,
        entry: &'a Entry,
    ) -> Asked<'a, Result<(), u64>> {
        Box::pin(self.let_through(expected, row, entry))
    }

    fn record<'a>(&'a self, row: &'a Row, entry: &'a Entry) -> Asked<'a, ()> {
        Box::pin(self.set_row(row, entry))
    }

    fn probe(&self) -> Asked<'_, bool> {
        Box::pin(self.try_write())
    }

    fn capture<'a>(&'a self, name: &'a str) -> Asked<'a, LogPosition> {
        Box::pin(self.note_place(name))
    }

    fn release<'a>(&'a self, name: &'a str) -> Asked<'a, ()> {
        Box::pin(self.give_up_place(name))
    }

    fn identities(&self) -> Asked<'_, Vec<Identity>> {
        Box::pin(self.read_identities())
    }

    fn set_identities<'a>(&'a self, next: &'a [(String, i128)]) -> Asked<'a, ()> {
        Box::pin(self.count_on_from(next))
    }

    fn remove(&self) -> Asked<'_, ()> {
        Box::pin(self.unmake())
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.end_session())
    }
}
