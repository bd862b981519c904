//! A connection that reads, now or at a snapshot, and is closed if that is broken off.

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_driver::Snapshot;
use futures_util::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use super::copy::{Broken, Fields, Rows};
use super::quote;
use super::session::Postgres;
use super::sql::text::NoText;
use super::wire::Misshapen;
use crate::failure::failed;

/// A connection in use, which is closed when it is dropped before [`finish`](Self::finish): a statement that was broken
/// off leaves answers in it that the next one would take for its own. The server notices, and cancels.
#[derive(Debug)]
pub(super) struct Reading {
    connection: PoolConnection<sqlx::Postgres>,
    doing: String,
    in_transaction: bool,
    finished: bool,
}

impl Reading {
    /// Takes a connection that reads what is there now.
    pub(super) async fn now(database: &Postgres, doing: String) -> Result<Self, DbFailure> {
        Ok(Self {
            connection: database.session(&doing).await?,
            doing,
            in_transaction: false,
            finished: false,
        })
    }

    /// Takes a connection that reads what was there at a snapshot, if there is one.
    pub(super) async fn at(
        database: &Postgres,
        doing: String,
        snapshot: Option<&Snapshot>,
    ) -> Result<Self, DbFailure> {
        let mut reading = Self::now(database, doing).await?;
        if let Some(Snapshot(name)) = snapshot {
            reading
                .begin(&format!(
                    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET TRANSACTION SNAPSHOT {}",
                    quote::text(name)
                ))
                .await?;
        }
        Ok(reading)
    }

    /// Runs statements of which the first begins a transaction.
    pub(super) async fn begin(&mut self, sql: &str) -> Result<(), DbFailure> {
        self.in_transaction = true;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *self.connection)
            .await
            .map(drop)
            .map_err(|error| failed(&self.doing, &error))
    }

    /// Ends the transaction, if there is one, and gives the connection back.
    pub(super) async fn finish(mut self) -> Result<(), DbFailure> {
        if self.in_transaction {
            sqlx::raw_sql("COMMIT")
                .execute(&mut *self.connection)
                .await
                .map_err(|error| failed(&self.doing, &error))?;
        }
        self.finished = true;
        Ok(())
    }

    /// Runs one statement, and returns its rows.
    pub(super) async fn all(&mut self, sql: &str) -> Result<Vec<PgRow>, DbFailure> {
        sqlx::query(AssertSqlSafe(sql))
            .persistent(false)
            .fetch_all(&mut *self.connection)
            .await
            .map_err(|error| failed(&self.doing, &error))
    }

    /// Runs one statement that gives one row.
    pub(super) async fn one(&mut self, sql: &str) -> Result<PgRow, DbFailure> {
        let rows = self.all(sql).await?;
        match rows.into_iter().next() {
            Some(row) => Ok(row),
            None => Err(failed(&self.doing, &sqlx::Error::RowNotFound)),
        }
    }

    /// Reads a value of a row by its place.
    pub(super) fn get<'r, T>(&self, row: &'r PgRow, place: usize) -> Result<T, DbFailure>
    where
        T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        row.try_get(place)
            .map_err(|error| failed(&self.doing, &error))
    }

    /// Runs a query and gives away its rows in binary, one after another as they arrive.
    pub(super) async fn copy(
        &mut self,
        query: &str,
        mut row: impl FnMut(Fields<'_>) -> Result<(), Unreadable>,
    ) -> Result<(), DbFailure> {
        let statement = format!("COPY ({query}) TO STDOUT (FORMAT binary)");
        let doing = &self.doing;
        let mut stream = self
            .connection
            .copy_out_raw(&statement)
            .await
            .map_err(|error| failed(doing, &error))?;
        let mut rows = Rows::default();
        while let Some(arrived) = stream
            .try_next()
            .await
            .map_err(|error| failed(doing, &error))?
        {
            rows.feed(&arrived, &mut row)
                .map_err(|Unreadable| unreadable(doing))?;
        }
        if rows.is_complete() {
            Ok(())
        } else {
            Err(unreadable(doing))
        }
    }

    /// What is being done, for failures.
    pub(super) fn doing(&self) -> &str {
        &self.doing
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.finished {
            self.connection.close_on_drop();
        }
    }
}

/// A row that is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl From<Broken> for Unreadable {
    fn from(_: Broken) -> Self {
        Self
    }
}

impl From<Misshapen> for Unreadable {
    fn from(_: Misshapen) -> Self {
        Self
    }
}

fn unreadable(doing: &str) -> DbFailure {
    other(
        doing,
        "the server sent rows that are not of the types that its catalog tells; was a column changed meanwhile?",
    )
}

/// A failure of ours to read what the server sent.
pub(super) fn other(doing: &str, message: &str) -> DbFailure {
    DbFailure {
        class: DbFailureClass::Other,
        doing: doing.to_owned(),
        code: None,
        message: message.to_owned(),
    }
}

/// A failure because something cannot be done this way.
pub(super) fn unsupported(doing: &str, message: &str) -> DbFailure {
    DbFailure {
        class: DbFailureClass::Unsupported,
        ..other(doing, message)
    }
}

/// A failure because a column has no text that engines print alike.
pub(super) fn no_text(doing: &str) -> impl Fn(NoText) -> DbFailure {
    move |NoText| {
        unsupported(
            doing,
            "binary floating point has no text that engines print alike; use another strategy",
        )
    }
}
