//! The row and the journal.

use std::time::Duration;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{Entry, State, Told};
use cutover_core::writer_switch::facts::Row as Wanted;
use cutover_driver::{Fenced, Noted};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use super::session::Session;
use super::{PostgresControl, failure, ours};
use crate::postgres::quote;

/// The row, with what it keeps besides.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) state: State,
    /// When a paused fence ends, as the server writes it.
    pub(super) expires_at: Option<String>,
    /// How long that is from now; `None` when it is over, or not paused.
    pub(super) left: Option<Duration>,
    /// The slot that was made last, and where it began.
    pub(super) captured: Option<(String, String)>,
}

impl PostgresControl {
    pub(super) async fn write_line(&self, entry: &Entry) -> Result<(), DbFailure> {
        let mut session = self.sessions.any("writing the journal").await?;
        let done = session.run(&line(&self.of, entry)).await;
        session.finish(done).await
    }

    pub(super) async fn read_lines(&self, limit: u32) -> Result<Vec<Noted>, DbFailure> {
        let mut session = self.sessions.looking("reading the journal").await?;
        let done = lines(&mut session, &self.of, limit).await;
        session.finish(done).await
    }

    pub(super) async fn set_row(&self, row: Wanted, entry: &Entry) -> Result<(), DbFailure> {
        let mut session = self.sessions.locked("recording the writer").await?;
        let done = record(&mut session, &self.of, row, entry).await;
        session.finish(done).await
    }
}

/// Reads the row; `None` where the control schema is not there.
pub(super) async fn stored(
    session: &mut Session<'_>,
    of: &Fenced,
) -> Result<Option<Stored>, DbFailure> {
    if !is_there(session, of, "state").await? {
        return Ok(None);
    }
    let sql = format!(
        "SELECT migration, writer, epoch, told, expires_at::text, \
                CASE WHEN told = 'paused' THEN extract(epoch FROM expires_at - clock_timestamp())::float8 END, \
                captured_name, captured_lsn::text FROM {}",
        ours(of, "state")
    );
    let rows = session.all(sqlx::query(AssertSqlSafe(sql))).await?;
    rows.first().map(|row| session.read(row, read)).transpose()
}

/// Reads the row, which must be there and be this migration's.
pub(super) async fn stored_ours(
    session: &mut Session<'_>,
    of: &Fenced,
) -> Result<Stored, DbFailure> {
    match stored(session, of).await? {
        Some(stored) => {
            is_ours(session, of, &stored)?;
            Ok(stored)
        }
        None => Err(failure(
            DbFailureClass::Missing,
            session.doing,
            format!(
                "the control schema `{}` is not there, or has no row",
                of.schema
            ),
        )),
    }
}

/// Refuses what belongs to another migration.
pub(super) fn is_ours(
    session: &Session<'_>,
    of: &Fenced,
    stored: &Stored,
) -> Result<(), DbFailure> {
    let other = &stored.state.migration;
    if *other == of.migration {
        return Ok(());
    }
    Err(failure(
        DbFailureClass::Changed,
        session.doing,
        format!(
            "the control schema `{}` belongs to the migration `{other}`, not to `{}`: finish or remove that one, or give this \
             one another schema",
            of.schema, of.migration
        ),
    ))
}

/// Tells whether a table of ours is there.
pub(super) async fn is_there(
    session: &mut Session<'_>,
    of: &Fenced,
    name: &str,
) -> Result<bool, DbFailure> {
    let sql = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                               WHERE n.nspname = $1 AND c.relname = $2)";
    let row = session
        .one(sqlx::query(sql).bind(&of.schema).bind(name))
        .await?;
    session.read(&row, |row| row.try_get(0))
}

/// Sets what the fence is told to be, and the writer with it where that changes.
pub(super) fn told(of: &Fenced, told: Told, until: Option<&str>, row: Option<Wanted>) -> String {
    let until = until.map_or_else(|| "NULL".to_owned(), quote::text);
    let writer = row.map_or_else(String::new, |row| {
        format!("writer = '{}', epoch = {}, ", row.writer, row.epoch)
    });
    format!(
        "UPDATE {} SET {writer}told = '{}', expires_at = {until}, updated_at = clock_timestamp()",
        ours(of, "state"),
        word(told)
    )
}

/// Adds a line to the journal.
pub(super) fn line(of: &Fenced, entry: &Entry) -> String {
    format!(
        "INSERT INTO {} (run, epoch, step, text) VALUES ({}, {}, {}, {})",
        ours(of, "journal"),
        quote::text(&entry.run),
        entry.epoch,
        quote::text(&entry.step),
        quote::text(&entry.text)
    )
}

/// How the row spells what a fence was told.
pub(super) fn word(told: Told) -> &'static str {
    match told {
        Told::Open => "open",
        Told::Paused => "paused",
        Told::Closed => "closed",
    }
}

async fn record(
    session: &mut Session<'_>,
    of: &Fenced,
    row: Wanted,
    entry: &Entry,
) -> Result<(), DbFailure> {
    stored_ours(session, of).await?;
    session.run("BEGIN").await?;
    let sql = format!(
        "UPDATE {} SET writer = '{}', epoch = {epoch}, updated_at = clock_timestamp() WHERE epoch <= {epoch}",
        ours(of, "state"),
        row.writer,
        epoch = row.epoch
    );
    if session.change(sqlx::query(AssertSqlSafe(sql))).await? > 0 {
        session.run(&line(of, entry)).await?;
    }
    session.run("COMMIT").await
}

async fn lines(
    session: &mut Session<'_>,
    of: &Fenced,
    limit: u32,
) -> Result<Vec<Noted>, DbFailure> {
    if !is_there(session, of, "journal").await? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT number, to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), run, epoch, step, text \
           FROM (SELECT * FROM {} ORDER BY number DESC LIMIT $1) AS l ORDER BY number",
        ours(of, "journal")
    );
    let rows = session
        .all(sqlx::query(AssertSqlSafe(sql)).bind(i64::from(limit)))
        .await?;
    session.read_all(&rows, noted)
}

fn noted(row: &PgRow) -> Result<Noted, sqlx::Error> {
    let (number, epoch): (i64, i64) = (row.try_get(0)?, row.try_get(3)?);
    Ok(Noted {
        number: number.unsigned_abs(),
        at: row.try_get(1)?,
        entry: Entry {
            run: row.try_get(2)?,
            epoch: epoch.unsigned_abs(),
            step: row.try_get(4)?,
            text: row.try_get(5)?,
        },
    })
}

fn read(row: &PgRow) -> Result<Stored, sqlx::Error> {
    let writer: &str = row.try_get(1)?;
    let epoch: i64 = row.try_get(2)?;
    let told: &str = row.try_get(3)?;
    let left: Option<f64> = row.try_get(5)?;
    let name: Option<String> = row.try_get(6)?;
    let lsn: Option<String> = row.try_get(7)?;
    Ok(Stored {
        state: State {
            migration: row.try_get(0)?,
            // The table lets no other words in.
            writer: if writer == "target" {
                Side::Target
            } else {
                Side::Source
            },
            epoch: epoch.unsigned_abs(),
            told: match told {
                "open" => Told::Open,
                "paused" => Told::Paused,
                _ => Told::Closed,
            },
        },
        expires_at: row.try_get(4)?,
        left: left
            .filter(|seconds| *seconds > 0.0)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        captured: name.zip(lsn),
    })
}
