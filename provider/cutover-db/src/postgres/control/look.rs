//! What is there.

use std::time::Duration;

use cutover_core::validation::catalog::{Engine, TableName};
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::writer_switch::control::{
    Captured, Client, Control, Fence, LogPosition, OldTransaction, Told,
};
use cutover_driver::Fenced;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use super::session::{APPLICATION, Session};
use super::state::{self, Stored};
use super::tables::{self, who};
use super::text::Body;
use super::{PostgresControl, failure};
use crate::postgres::look::meet;
use crate::postgres::quote;

/// Sessions of others in this database. Ours are known by user and name, which others could take only if they are us.
const OTHERS: &str = "
    FROM pg_stat_activity
   WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
     AND NOT (usename = current_user AND (starts_with(application_name, $1) OR application_name = 'cutover-validation'))";

/// Whether the user may see what others are at, which is left out without a word otherwise.
const SEES_OTHERS: &str = "SELECT pg_has_role('pg_read_all_stats', 'USAGE')";

/// Whether a slot is there and has all of its log.
const SLOT_IS_THERE: &str = "
    SELECT EXISTS (SELECT FROM pg_replication_slots
                    WHERE slot_name = $1 AND database = current_database() AND wal_status IS DISTINCT FROM 'lost')";

/// Errors of subscriptions of this database.
const APPLY_ERRORS: &str = "
    SELECT sum(e.apply_error_count)::int8
      FROM pg_stat_subscription_stats e JOIN pg_subscription s ON s.oid = e.subid
     WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Tables in which DMS keeps what it could not apply, and which tables it has given up.
const EXCEPTIONS: &str = "
    SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname IN ($1, 'public')
       AND c.relname IN ('awsdms_apply_exceptions', 'awsdms_suspended_tables')";

impl PostgresControl {
    pub(super) async fn see(&self, older_than: Duration) -> Result<Control, DbFailure> {
        let mut session = self.sessions.looking("looking at who writes").await?;
        let done = see(&mut session, &self.of, older_than).await;
        session.finish(done).await
    }
}

async fn see(
    session: &mut Session<'_>,
    of: &Fenced,
    older_than: Duration,
) -> Result<Control, DbFailure> {
    let address = session.address;
    let server = session
        .lend(move |connection| meet(connection, address))
        .await?;
    let stored = state::stored(session, of).await?;
    Ok(Control {
        engine: Engine::Postgres,
        identity: server.identity,
        is_replica: server.is_replica,
        fence: fence(session, of, stored.as_ref()).await?,
        captured: captured(session, stored.as_ref()).await?,
        unfenced: unfenced(session, of, stored.is_some()).await?,
        state: stored.map(|stored| stored.state),
        old_transactions: old_transactions(session, older_than).await?,
        clients: clients(session).await?,
        exceptions: exceptions(session, of).await?,
    })
}

/// What the function does, by its first line; one that is not ours refuses nobody as far as we know.
async fn fence(
    session: &mut Session<'_>,
    of: &Fenced,
    stored: Option<&Stored>,
) -> Result<Fence, DbFailure> {
    let sql = "SELECT p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
                WHERE n.nspname = $1 AND p.proname = 'fence'";
    let rows = session.all(sqlx::query(sql).bind(&of.schema)).await?;
    let (Some(row), Some(stored)) = (rows.first(), stored) else {
        return Ok(Fence::Absent);
    };
    let source: String = session.read(row, |row| row.try_get(0))?;
    let told = [Told::Open, Told::Paused, Told::Closed]
        .into_iter()
        .find(|told| source.trim_start().starts_with(Body::headline(*told)));
    Ok(match told {
        None => Fence::Absent,
        Some(Told::Open) => Fence::Open,
        Some(Told::Closed) => Fence::Closed,
        Some(Told::Paused) => match stored.left {
            Some(left) => Fence::Paused { left },
            None => Fence::Expired,
        },
    })
}

/// The place that was noted, if the server still keeps the log from there.
async fn captured(
    session: &mut Session<'_>,
    stored: Option<&Stored>,
) -> Result<Option<Captured>, DbFailure> {
    let Some((name, lsn)) = stored.and_then(|stored| stored.captured.clone()) else {
        return Ok(None);
    };
    let row = session.one(sqlx::query(SLOT_IS_THERE).bind(&name)).await?;
    let is_there: bool = session.read(&row, |row| row.try_get(0))?;
    Ok(is_there.then(|| Captured {
        name: name.clone(),
        position: LogPosition::Slot { name, lsn },
    }))
}

/// Tables that are not there; and, where there is to be a fence, those without it.
async fn unfenced(
    session: &mut Session<'_>,
    of: &Fenced,
    is_prepared: bool,
) -> Result<Vec<TableName>, DbFailure> {
    let carriers = tables::carriers(session, of).await?;
    let is_there = |table: &&TableName| carriers.iter().any(|carrier| carrier.name == **table);
    let missing = of.tables.iter().filter(|table| !is_there(table)).cloned();
    let open = carriers
        .iter()
        .filter(|carrier| is_prepared && !carrier.is_fenced)
        .map(|carrier| carrier.name.clone());
    let mut unfenced: Vec<_> = missing.chain(open).collect();
    unfenced.sort();
    Ok(unfenced)
}

async fn old_transactions(
    session: &mut Session<'_>,
    older_than: Duration,
) -> Result<Vec<OldTransaction>, DbFailure> {
    let row = session.one(sqlx::query(SEES_OTHERS)).await?;
    if !session.read(&row, |row| row.try_get(0))? {
        return Err(failure(
            DbFailureClass::Denied,
            session.doing,
            "the user may not see the sessions of others, so that long transactions would go unseen: GRANT pg_read_all_stats \
             to it",
        ));
    }
    let sql = format!(
        "SELECT usename::text, host(client_addr), application_name, pid, \
                extract(epoch FROM clock_timestamp() - xact_start)::float8 \
         {OTHERS} AND xact_start < clock_timestamp() - make_interval(secs => $2) ORDER BY xact_start, pid"
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(APPLICATION)
        .bind(older_than.as_secs_f64());
    let rows = session.all(query).await?;
    session.read_all(&rows, old_transaction)
}

async fn clients(session: &mut Session<'_>) -> Result<Vec<Client>, DbFailure> {
    let sql = format!(
        "SELECT usename::text, host(client_addr), count(*) {OTHERS} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
    );
    let rows = session
        .all(sqlx::query(AssertSqlSafe(sql)).bind(APPLICATION))
        .await?;
    session.read_all(&rows, client)
}

async fn exceptions(session: &mut Session<'_>, of: &Fenced) -> Result<Option<u64>, DbFailure> {
    let rows = session
        .all(sqlx::query(EXCEPTIONS).bind(&of.schema))
        .await?;
    let kept = session.read_all(&rows, |row| {
        let (schema, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        Ok(format!("{}.{}", quote::name(&schema), quote::name(&name)))
    })?;
    let mut total = None;
    for table in kept {
        let sql = format!("SELECT count(*) FROM {table}");
        total = added(session, total, &sql).await?;
    }
    // From version 15 on.
    let sql = "SELECT to_regclass('pg_catalog.pg_stat_subscription_stats') IS NOT NULL";
    let row = session.one(sqlx::query(sql)).await?;
    if session.read(&row, |row| row.try_get(0))? {
        total = added(session, total, APPLY_ERRORS).await?;
    }
    Ok(total)
}

/// Adds a number that a query gives, if it gives one.
async fn added(
    session: &mut Session<'_>,
    to: Option<u64>,
    sql: &str,
) -> Result<Option<u64>, DbFailure> {
    let row = session
        .one(sqlx::query(AssertSqlSafe(sql.to_owned())))
        .await?;
    let count: Option<i64> = session.read(&row, |row| row.try_get(0))?;
    Ok(match count {
        Some(count) => Some(to.unwrap_or(0).saturating_add(count.unsigned_abs())),
        None => to,
    })
}

fn old_transaction(row: &PgRow) -> Result<OldTransaction, sqlx::Error> {
    let age: f64 = row.try_get(4)?;
    Ok(OldTransaction {
        age: Duration::try_from_secs_f64(age.max(0.0)).unwrap_or_default(),
        who: who(
            row.try_get(0)?,
            row.try_get(1)?,
            row.try_get(2)?,
            None,
            row.try_get(3)?,
        ),
    })
}

fn client(row: &PgRow) -> Result<Client, sqlx::Error> {
    let user: Option<String> = row.try_get(0)?;
    let connections: i64 = row.try_get(2)?;
    Ok(Client {
        user: user.unwrap_or_default(),
        host: row.try_get(1)?,
        connections: u32::try_from(connections).unwrap_or(u32::MAX),
    })
}
