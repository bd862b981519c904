//! The place in the log: a logical replication slot, which keeps the log from where it was made.

use std::time::Duration;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::writer_switch::control::LogPosition;
use cutover_driver::Fenced;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use super::session::{LOCK_TIMEOUT, Session};
use super::state::{is_there, stored_ours};
use super::{PostgresControl, failure, limit, ours};

/// How long making a slot may take. It waits for every transaction that writes, of all databases of the server, which is no
/// time while nobody writes. Ours: what the design leaves in a pause besides draining and comparing.
const CAPTURE_LIMIT: Duration = Duration::from_secs(4);

/// A slot of this name: whether it is a logical one of this database, and which process reads it.
const SLOT: &str = "
    SELECT slot_type = 'logical' AND database = current_database(), active_pid
      FROM pg_replication_slots WHERE slot_name = $1";

impl PostgresControl {
    pub(super) async fn make_slot(&self, name: &str) -> Result<LogPosition, DbFailure> {
        let mut session = self.sessions.locked("noting where the log stands").await?;
        let done = capture(&mut session, &self.of, name).await;
        session.finish(done).await
    }

    pub(super) async fn drop_slot(&self, name: &str) -> Result<(), DbFailure> {
        let mut session = self.sessions.locked("giving up a place in the log").await?;
        let done = release(&mut session, &self.of, name).await;
        session.finish(done).await
    }
}

/// A slot cannot be made in a transaction that writes, so that the row follows it. What dies between leaves a slot that the
/// next capture of this name replaces.
async fn capture(
    session: &mut Session<'_>,
    of: &Fenced,
    name: &str,
) -> Result<LogPosition, DbFailure> {
    let stored = stored_ours(session, of).await?;
    if let Some((former, _)) = stored.captured.filter(|(former, _)| former != name) {
        drop_former(session, &former).await?;
    }
    drop_if_there(session, name).await?;
    let limited = format!(
        "SET statement_timeout = {}; SET lock_timeout = 0",
        limit(CAPTURE_LIMIT.min(session.statement))
    );
    session.run(&limited).await?;
    let statement = "SELECT lsn::text FROM pg_create_logical_replication_slot($1::text, $2::text)";
    let made = session
        .one(sqlx::query(statement).bind(name).bind(&of.slot_plugin))
        .await;
    let normal = format!(
        "SET statement_timeout = {}; SET lock_timeout = {}",
        limit(session.statement),
        limit(LOCK_TIMEOUT)
    );
    session.run(&normal).await?;
    let lsn: String = session.read(&made?, |row| row.try_get(0))?;
    let sql = format!(
        "UPDATE {} SET captured_name = $1, captured_lsn = $2::pg_lsn, updated_at = clock_timestamp()",
        ours(of, "state")
    );
    session
        .change(sqlx::query(AssertSqlSafe(sql)).bind(name).bind(&lsn))
        .await?;
    Ok(LogPosition::Slot {
        name: name.to_owned(),
        lsn,
    })
}

/// Drops a slot, and forgets it in the row.
pub(super) async fn release(
    session: &mut Session<'_>,
    of: &Fenced,
    name: &str,
) -> Result<(), DbFailure> {
    drop_if_there(session, name).await?;
    if !is_there(session, of, "state").await? {
        return Ok(());
    }
    let sql = format!(
        "UPDATE {} SET captured_name = NULL, captured_lsn = NULL, updated_at = clock_timestamp() \
          WHERE captured_name = $1 AND migration = $2",
        ours(of, "state")
    );
    session
        .change(
            sqlx::query(AssertSqlSafe(sql))
                .bind(name)
                .bind(&of.migration),
        )
        .await
        .map(drop)
}

/// Drops the slot of an earlier move away from this side, which has come back since: it would keep the log for ever, and after
/// some moves there is none left to be had. One that is still read is left alone, as is one that is not ours.
async fn drop_former(session: &mut Session<'_>, name: &str) -> Result<(), DbFailure> {
    let rows = session.all(sqlx::query(SLOT).bind(name)).await?;
    let Some(row) = rows.first() else {
        return Ok(());
    };
    match session.read(row, slot)? {
        (true, None) => drop_if_there(session, name).await,
        _ => Ok(()),
    }
}

async fn drop_if_there(session: &mut Session<'_>, name: &str) -> Result<(), DbFailure> {
    let rows = session.all(sqlx::query(SLOT).bind(name)).await?;
    let Some(row) = rows.first() else {
        return Ok(());
    };
    let (is_ours, reader) = session.read(row, slot)?;
    if !is_ours {
        return Err(failure(
            DbFailureClass::Changed,
            session.doing,
            format!(
                "the replication slot `{name}` is of another kind or another database, and is left alone"
            ),
        ));
    }
    if let Some(process) = reader {
        return Err(failure(
            DbFailureClass::Busy,
            session.doing,
            format!(
                "process {process} reads the replication slot `{name}`: stop the replication that uses it first"
            ),
        ));
    }
    session
        .all(sqlx::query("SELECT pg_drop_replication_slot($1::text)").bind(name))
        .await
        .map(drop)
}

fn slot(row: &PgRow) -> Result<(bool, Option<i32>), sqlx::Error> {
    let is_ours: Option<bool> = row.try_get(0)?;
    Ok((is_ours.unwrap_or(false), row.try_get(1)?))
}
