//! Making what is ours, and removing it.

use std::time::Duration;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::Told;
use cutover_core::writer_switch::facts::Row as Wanted;
use cutover_driver::Fenced;
use sqlx::Row;
use xxhash_rust::xxh3::xxh3_64;

use super::session::Session;
use super::state::{self, Stored};
use super::tables::{self, Locking};
use super::text::{self, Body};
use super::{PostgresControl, failure, ours, slot};
use crate::postgres::quote;

/// How long making fences waits for writers. Ours: as long as one attempt of a pause, behind which writers wait as well.
const PREPARE_LOCK: Duration = Duration::from_secs(2);

/// How long removing a trigger waits for a table that nobody uses. The design's figure: reads wait behind it as well.
const REMOVE_LOCK: Duration = Duration::from_millis(200);

/// Tables that carry a trigger of ours, whatever was named when it was made.
const CARRY: &str = "
    SELECT n.nspname::text, c.relname::text
      FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_proc p ON p.oid = g.tgfoid JOIN pg_namespace pn ON pn.oid = p.pronamespace
     WHERE pn.nspname = $1 AND p.proname = 'fence' AND g.tgname = $2 AND n.nspname <> $1
     ORDER BY 1, 2";

impl PostgresControl {
    pub(super) async fn make_ready(&self, row: Wanted) -> Result<(), DbFailure> {
        let mut session = self.sessions.any("preparing the control schema").await?;
        let done = prepare(&mut session, &self.of, self.side, row).await;
        session.finish(done).await
    }

    pub(super) async fn remove_all(&self) -> Result<(), DbFailure> {
        let mut session = self.sessions.locked("removing the control schema").await?;
        let done = remove(&mut session, &self.of).await;
        session.finish(done).await
    }
}

async fn prepare(
    session: &mut Session<'_>,
    of: &Fenced,
    side: Side,
    row: Wanted,
) -> Result<(), DbFailure> {
    make_tables(session, of, side, row).await?;
    let stored = state::stored_ours(session, of).await?;
    let lacks_fence = |carriers: &[tables::Carrier]| {
        carriers
            .iter()
            .any(|carrier| !carrier.is_fenced && !carrier.is_foreign)
    };
    let has_function = has_function(session, of).await?;
    if has_function && !lacks_fence(&tables::carriers(session, of).await?) {
        return Ok(());
    }
    if let Locking::NoLock(blockers) = tables::begin_locked(session, of, PREPARE_LOCK).await? {
        return Err(failure(
            DbFailureClass::Busy,
            session.doing,
            format!(
                "the tables were not to be had within {} s to put the fence on them: {}",
                PREPARE_LOCK.as_secs(),
                blockers.join("; ")
            ),
        ));
    }
    let function = if has_function {
        String::new()
    } else {
        format!(
            "{}; REVOKE ALL ON FUNCTION {}() FROM PUBLIC; {}; ",
            text::function(of, body(&stored)),
            ours(of, "fence"),
            text::trigger(of, &ours(of, "probe"), true)
        )
    };
    let triggers = tables::missing_triggers(of, &tables::carriers(session, of).await?);
    session.run(&format!("{function}{triggers}COMMIT")).await
}

/// Makes schema, tables and row where they are missing, in a transaction of its own: what follows waits for locks.
async fn make_tables(
    session: &mut Session<'_>,
    of: &Fenced,
    side: Side,
    row: Wanted,
) -> Result<(), DbFailure> {
    // Two who make the same at once would fail on each other.
    let key = i64::from_ne_bytes(xxh3_64(of.schema.as_bytes()).to_ne_bytes());
    session
        .run(&format!("BEGIN; SELECT pg_advisory_xact_lock({key})"))
        .await?;
    if let Some(stored) = state::stored(session, of).await? {
        state::is_ours(session, of, &stored)?;
    }
    let told = if row.writer == side {
        Told::Open
    } else {
        Told::Closed
    };
    let first = format!(
        "INSERT INTO {} (migration, writer, epoch, told) VALUES ({}, '{}', {}, '{}') ON CONFLICT DO NOTHING",
        ours(of, "state"),
        quote::text(&of.migration),
        row.writer,
        row.epoch,
        state::word(told)
    );
    let grants = grants(session, of).await?;
    session
        .run(&format!("{}; {first}; {grants} COMMIT", schema(of)))
        .await
}

/// Schema and tables. Nobody besides us writes to them but to `probe`; markers may be read, and replication may write them.
fn schema(of: &Fenced) -> String {
    let schema = quote::name(&of.schema);
    let [state, journal, probe, forward, reverse] = [
        "state",
        "journal",
        "probe",
        "marker_forward",
        "marker_reverse",
    ]
    .map(|name| ours(of, name));
    format!(
        "CREATE SCHEMA IF NOT EXISTS {schema}; \
         CREATE TABLE IF NOT EXISTS {state} ( \
           one boolean PRIMARY KEY DEFAULT true CHECK (one), \
           migration text NOT NULL, \
           writer text NOT NULL CHECK (writer IN ('source', 'target')), \
           epoch bigint NOT NULL CHECK (epoch >= 0), \
           told text NOT NULL CHECK (told IN ('open', 'paused', 'closed')), \
           expires_at timestamptz CHECK ((told = 'paused') = (expires_at IS NOT NULL)), \
           captured_name text, captured_lsn pg_lsn, \
           updated_at timestamptz NOT NULL DEFAULT clock_timestamp()); \
         CREATE TABLE IF NOT EXISTS {journal} ( \
           number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
           at timestamptz NOT NULL DEFAULT clock_timestamp(), \
           run text NOT NULL, epoch bigint NOT NULL, step text NOT NULL, text text NOT NULL); \
         CREATE TABLE IF NOT EXISTS {forward} (id bigint PRIMARY KEY); \
         CREATE TABLE IF NOT EXISTS {reverse} (id bigint PRIMARY KEY); \
         CREATE TABLE IF NOT EXISTS {probe} (at timestamptz NOT NULL DEFAULT clock_timestamp()); \
         REVOKE ALL ON {state}, {journal}, {forward}, {reverse}, {probe} FROM PUBLIC; \
         GRANT USAGE ON SCHEMA {schema} TO PUBLIC; \
         GRANT SELECT ON {forward}, {reverse} TO PUBLIC; GRANT INSERT ON {probe} TO PUBLIC"
    )
}

/// Lets the users of replication write markers, those that are there.
async fn grants(session: &mut Session<'_>, of: &Fenced) -> Result<String, DbFailure> {
    let sql = "SELECT rolname::text FROM pg_roles WHERE rolname = ANY ($1::text[]) ORDER BY 1";
    let rows = session.all(sqlx::query(sql).bind(&of.apply_users)).await?;
    let users: Vec<String> = session.read_all(&rows, |row| row.try_get(0))?;
    let grant = |user: &String| {
        format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {}, {} TO {}; ",
            ours(of, "marker_forward"),
            ours(of, "marker_reverse"),
            quote::name(user)
        )
    };
    Ok(users.iter().map(grant).collect())
}

/// What the function is to do by the row.
fn body(stored: &Stored) -> Body<'_> {
    match (stored.state.told, &stored.expires_at) {
        (Told::Open, _) => Body::Open,
        (Told::Paused, Some(until)) => Body::Paused(until),
        (Told::Paused, None) | (Told::Closed, _) => Body::Closed,
    }
}

async fn has_function(session: &mut Session<'_>, of: &Fenced) -> Result<bool, DbFailure> {
    let sql = "SELECT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
                               WHERE n.nspname = $1 AND p.proname = 'fence')";
    let row = session.one(sqlx::query(sql).bind(&of.schema)).await?;
    session.read(&row, |row| row.try_get(0))
}

/// Removes the slot first, which can be refused; then the triggers, a table at a time; and the schema last, so that whatever
/// is broken off can be done again.
async fn remove(session: &mut Session<'_>, of: &Fenced) -> Result<(), DbFailure> {
    let Some(stored) = state::stored(session, of).await? else {
        return Ok(());
    };
    state::is_ours(session, of, &stored)?;
    if let Some((name, _)) = &stored.captured {
        slot::release(session, of, name).await?;
    }
    let carry = sqlx::query(CARRY).bind(&of.schema).bind(text::TRIGGER);
    let rows = session.all(carry).await?;
    let carrying = session.read_all(&rows, |row| {
        let (schema, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        Ok(format!("{}.{}", quote::name(&schema), quote::name(&name)))
    })?;
    let limit = format!(
        "BEGIN; SET LOCAL lock_timeout = {}",
        REMOVE_LOCK.as_millis()
    );
    for table in carrying {
        let trigger = text::TRIGGER;
        session
            .run(&format!(
                "{limit}; DROP TRIGGER {trigger} ON {table}; COMMIT"
            ))
            .await?;
    }
    let schema = quote::name(&of.schema);
    session
        .run(&format!("{limit}; DROP SCHEMA {schema} CASCADE; COMMIT"))
        .await
}
