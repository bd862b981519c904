//! Who writes to a database of PostgreSQL: the fence, the row, the journal, markers, and the place in the log.
//!
//! Everything of ours is in one schema: the tables `state`, `journal`, `marker_forward`, `marker_reverse` and `probe`, and the
//! function `fence()`, which the trigger `cutover_fence` of each table calls. What closes a fence is done under the locks of
//! all tables, whose acquisition is the barrier: whoever wrote before has ended, whoever writes later meets the trigger.
//!
//! | File | Subject |
//! |---|---|
//! | `session.rs` | the one connection, and the lock that lives as long as it |
//! | `text.rs` | the function and its trigger as SQL |
//! | `schema.rs` | making what is ours, and removing it |
//! | `state.rs` | the row and the journal |
//! | `tables.rs` | which tables carry the fence; their locks, and who is in the way |
//! | `fence.rs` | closing and opening |
//! | `marker.rs` | markers, and a write on trial |
//! | `slot.rs` | the place in the log |
//! | `identities.rs` | what counts values up |
//! | `look.rs` | what is there |

mod fence;
mod identities;
mod look;
mod marker;
mod schema;
mod session;
mod slot;
mod state;
mod tables;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;
use std::time::Duration;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{Control, Entry, Identity, LogPosition};
use cutover_core::writer_switch::facts::Row;
use cutover_driver::{Address, Asked, Closing, Fenced, Noted, WriterControl};
use futures_util::future::BoxFuture;

use self::session::Sessions;
use super::quote;

/// Opens one side, and proves that it can be reached.
pub(crate) async fn open(
    side: Side,
    at: &Address,
    of: &Fenced,
) -> Result<Arc<dyn WriterControl>, DbFailure> {
    Ok(Arc::new(PostgresControl {
        side,
        of: of.clone(),
        sessions: Sessions::open(at, of).await?,
    }))
}

/// One side of a move of the writer, on PostgreSQL.
#[derive(Debug)]
struct PostgresControl {
    side: Side,
    of: Fenced,
    sessions: Sessions,
}

impl PostgresControl {
    /// Something of ours with its schema, quoted.
    fn ours(&self, name: &str) -> String {
        ours(&self.of, name)
    }
}

/// Something of ours with its schema, quoted.
fn ours(of: &Fenced, name: &str) -> String {
    format!("{}.{}", quote::name(&of.schema), quote::name(name))
}

/// A failure that the server did not report.
fn failure(class: DbFailureClass, doing: &str, message: impl Into<String>) -> DbFailure {
    DbFailure {
        class,
        doing: doing.to_owned(),
        code: None,
        message: message.into(),
    }
}

/// Milliseconds as a setting of a time limit has them. Zero would mean that there is no limit.
fn limit(time: Duration) -> u128 {
    time.as_millis().max(1)
}

impl WriterControl for PostgresControl {
    fn lock(&self) -> Asked<'_, Result<(), String>> {
        Box::pin(self.sessions.lock())
    }

    fn look(&self, older_than: Duration) -> Asked<'_, Control> {
        Box::pin(self.see(older_than))
    }

    fn prepare<'a>(&'a self, row: &'a Row) -> Asked<'a, ()> {
        Box::pin(self.make_ready(*row))
    }

    fn note<'a>(&'a self, entry: &'a Entry) -> Asked<'a, ()> {
        Box::pin(self.write_line(entry))
    }

    fn journal(&self, limit: u32) -> Asked<'_, Vec<Noted>> {
        Box::pin(self.read_lines(limit))
    }

    fn mark(&self, number: u64) -> Asked<'_, ()> {
        Box::pin(self.write_marker(number))
    }

    fn has_marker(&self, number: u64) -> Asked<'_, bool> {
        Box::pin(self.see_marker(number))
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
        Box::pin(self.let_through(expected, *row, entry))
    }

    fn record<'a>(&'a self, row: &'a Row, entry: &'a Entry) -> Asked<'a, ()> {
        Box::pin(self.set_row(*row, entry))
    }

    fn probe(&self) -> Asked<'_, bool> {
        Box::pin(self.try_write())
    }

    fn capture<'a>(&'a self, name: &'a str) -> Asked<'a, LogPosition> {
        Box::pin(self.make_slot(name))
    }

    fn release<'a>(&'a self, name: &'a str) -> Asked<'a, ()> {
        Box::pin(self.drop_slot(name))
    }

    fn identities(&self) -> Asked<'_, Vec<Identity>> {
        Box::pin(self.read_identities())
    }

    fn set_identities<'a>(&'a self, next: &'a [(String, i128)]) -> Asked<'a, ()> {
        Box::pin(self.write_identities(next))
    }

    fn remove(&self) -> Asked<'_, ()> {
        Box::pin(self.remove_all())
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.sessions.leave())
    }
}
