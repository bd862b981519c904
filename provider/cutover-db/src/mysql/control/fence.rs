//! Closing and opening, and why a death in between is safe.
//!
//! A change of the catalog ends whatever transaction there is, so that closing cannot be one. It is this instead, while the
//! locks of all tables are held:
//!
//! 1. the row: paused until a moment, and the number of this closing;
//! 2. new triggers beside those of before, for all tables;
//! 3. those of before go;
//! 4. the locks are given back.
//!
//! Nothing is written to the tables before 4, or before the session dies, which gives the locks back as well. A death
//! - before 1 has changed nothing;
//! - after it leaves a row that says *paused*, some tables that refuse writes until that moment and some that do not, which
//!   [`unfenced`](Writer::unfenced) names. The row never claims less than the triggers do, and all of it is over with the
//!   pause.
//!
//! Closing for good has the same number: it was not opened since. The triggers without end are made first, and then the row
//! says *closed*; a death in between leaves a row that says *paused*, or *expired*, and tables of which some stay closed.
//! Opening opens all of them, as it does after any of these deaths, since no trigger has a greater number than the row.
//!
//! Opening is one transaction over the row and the journal, and its commit is the commit point. The row is the last to be
//! changed in it: a session that reads what is not committed would see it that early.
//!
//! While the locks are waited for, a transaction that has used one table and wants another that is locked already is undone
//! by the server as a deadlock (1213), which is the application's to repeat.

use std::time::Duration;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::writer_switch::control::{Entry, Fence, Told};
use cutover_core::writer_switch::facts::Row;
use cutover_driver::Closing;
use sqlx::{Connection as _, MySqlConnection};

use super::super::quote;
use super::Writer;
use super::barrier::Barrier;
use super::row::assigned;
use super::session::{Trouble, execute, rows, texts};

impl Writer {
    pub(super) async fn pause(
        &self,
        lock: Duration,
        expires_in: Duration,
        entry: &Entry,
    ) -> Result<Closing, DbFailure> {
        let mut held = self.held("closing the fence for a time").await?;
        let connection = &mut held.connection;
        let closed = async {
            self.own_row(connection).await?;
            match self.lock_tables(connection, lock).await? {
                Barrier::InTheWay(blockers) => Ok(Closing::NoLock { blockers }),
                Barrier::Taken { asked_at } => {
                    let closed = self.paused(connection, expires_in, entry, &asked_at).await;
                    self.unlock_tables(connection, closed).await
                }
            }
        };
        let closed = closed.await;
        held.end(closed)
    }

    /// While the locks are held.
    async fn paused(
        &self,
        connection: &mut MySqlConnection,
        expires_in: Duration,
        entry: &Entry,
        asked_at: &str,
    ) -> Result<Closing, Trouble> {
        let statement = format!(
            "UPDATE {} SET told = 'paused', generation = generation + 1, \
             expires_at = UTC_TIMESTAMP(6) + INTERVAL {} MICROSECOND, updated_at = UTC_TIMESTAMP(6)",
            quote::table(&self.own("state")),
            expires_in.as_micros()
        );
        execute(connection, &statement).await?;
        self.add_entry(connection, entry).await?;
        let kept = self.own_row(connection).await?;
        self.raise(connection, &kept, &self.carrying()).await?;
        // Making the triggers took time as well.
        if self.own_row(connection).await?.fence().lets_through() {
            return Ok(Closing::Expired);
        }
        let locked = since(connection, asked_at).await?;
        Ok(Closing::Closed { locked })
    }

    pub(super) async fn close_for_good(
        &self,
        lock: Duration,
        entry: &Entry,
    ) -> Result<Closing, DbFailure> {
        let mut held = self.held("closing the fence for good").await?;
        let connection = &mut held.connection;
        let closed = async {
            self.own_row(connection).await?;
            match self.lock_tables(connection, lock).await? {
                Barrier::InTheWay(blockers) => Ok(Closing::NoLock { blockers }),
                Barrier::Taken { asked_at } => {
                    let closed = self.closed(connection, entry, &asked_at).await;
                    self.unlock_tables(connection, closed).await
                }
            }
        };
        let closed = closed.await;
        held.end(closed)
    }

    /// While the locks are held: from here on nobody writes, so that a pause that is not over now lasts until the end.
    async fn closed(
        &self,
        connection: &mut MySqlConnection,
        entry: &Entry,
        asked_at: &str,
    ) -> Result<Closing, Trouble> {
        let mut kept = self.own_row(connection).await?;
        match kept.fence() {
            Fence::Absent | Fence::Open | Fence::Expired => return Ok(Closing::Expired),
            Fence::Closed if self.unfenced(connection, &kept).await?.is_empty() => {
                let locked = since(connection, asked_at).await?;
                return Ok(Closing::Closed { locked });
            }
            Fence::Paused { .. } | Fence::Closed => {}
        }
        kept.state.told = Told::Closed;
        self.raise(connection, &kept, &self.carrying()).await?;
        let statement = format!(
            "UPDATE {} SET told = 'closed', expires_at = NULL, updated_at = UTC_TIMESTAMP(6)",
            quote::table(&self.own("state"))
        );
        execute(connection, &statement).await?;
        self.add_entry(connection, entry).await?;
        let locked = since(connection, asked_at).await?;
        Ok(Closing::Closed { locked })
    }

    pub(super) async fn let_through(
        &self,
        expected: u64,
        row: &Row,
        entry: &Entry,
    ) -> Result<Result<(), u64>, DbFailure> {
        let mut held = self.held("opening the fence").await?;
        let opened = self
            .opened(&mut held.connection, expected, row, entry)
            .await;
        held.end(opened)
    }

    async fn opened(
        &self,
        connection: &mut MySqlConnection,
        expected: u64,
        row: &Row,
        entry: &Entry,
    ) -> Result<Result<(), u64>, Trouble> {
        let mut transaction = connection.begin().await?;
        let epoch = self.locked_epoch(&mut transaction).await?;
        if epoch != expected {
            transaction.rollback().await?;
            return Ok(Err(epoch));
        }
        self.add_entry(&mut transaction, entry).await?;
        let statement = format!(
            "UPDATE {} SET told = 'open', opened_generation = generation, expires_at = NULL, {}",
            quote::table(&self.own("state")),
            assigned(row)
        );
        execute(&mut transaction, &statement).await?;
        transaction.commit().await?;
        Ok(Ok(()))
    }

    pub(super) async fn set_row(&self, row: &Row, entry: &Entry) -> Result<(), DbFailure> {
        let mut held = self.held("writing the row").await?;
        let set = self.recorded(&mut held.connection, row, entry).await;
        held.end(set)
    }

    async fn recorded(
        &self,
        connection: &mut MySqlConnection,
        row: &Row,
        entry: &Entry,
    ) -> Result<(), Trouble> {
        let mut transaction = connection.begin().await?;
        if self.locked_epoch(&mut transaction).await? <= row.epoch {
            self.add_entry(&mut transaction, entry).await?;
            let state = quote::table(&self.own("state"));
            let statement = format!("UPDATE {state} SET {}", assigned(row));
            execute(&mut transaction, &statement).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Reads the epoch of our row, and keeps others from changing it until the transaction ends.
    async fn locked_epoch(&self, connection: &mut MySqlConnection) -> Result<u64, Trouble> {
        let state = quote::table(&self.own("state"));
        let query = format!("SELECT id FROM {state} WHERE id = 1 FOR UPDATE");
        rows(connection, &query).await?;
        Ok(self.own_row(connection).await?.state.epoch)
    }
}

/// How long ago a moment was, by the server's clock.
async fn since(connection: &mut MySqlConnection, moment: &str) -> Result<Duration, Trouble> {
    let query = format!(
        "SELECT GREATEST(TIMESTAMPDIFF(MICROSECOND, {}, SYSDATE(6)), 0)",
        quote::text(moment)
    );
    let passed = texts(rows(connection, &query).await?.first(), 0)?;
    let micros = passed.and_then(|passed| passed.parse().ok());
    micros.map(Duration::from_micros).ok_or_else(|| {
        Trouble::Wrong(
            DbFailureClass::Other,
            "the server does not say what time it is".to_owned(),
        )
    })
}
