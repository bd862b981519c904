//! Which tables carry the fence; their locks, and who is in the way.

use std::time::{Duration, Instant};

use cutover_core::validation::catalog::TableName;
use cutover_core::validation::facts::DbFailure;
use cutover_driver::Fenced;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::session::Session;
use super::{limit, text};
use crate::postgres::quote;

/// How long a further table is waited for while others are held. Ours: well below the second after which PostgreSQL looks
/// for a deadlock.
const PATIENCE: Duration = Duration::from_millis(200);

/// Every table with everything below it, in the order of names, and whether it carries the fence: a trigger of the right
/// kind that is switched on for sessions that are not replicas, without a condition, and calls our function.
const TREE: &str = "
    WITH RECURSIVE tree (oid) AS (
        SELECT c.oid FROM unnest($1::text[], $2::text[]) AS t (schema, name)
          JOIN pg_namespace n ON n.nspname = t.schema
          JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind IN ('r', 'p', 'f')
        UNION
        SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
    )
    SELECT n.nspname::text, c.relname::text, c.relkind = 'f' AS is_foreign,
           EXISTS (SELECT FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
                     JOIN pg_namespace pn ON pn.oid = p.pronamespace
                    WHERE g.tgrelid = c.oid AND g.tgname = $3 AND g.tgtype = $4 AND g.tgenabled IN ('O', 'A')
                      AND g.tgqual IS NULL AND g.tgnargs = 0 AND g.tgattr::text = ''
                      AND pn.nspname = $5 AND p.proname = 'fence') AS is_fenced
      FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
     ORDER BY 1, 2";

/// Who holds a lock that keeps ours away, and was there before we began to wait. A transaction that was prepared for two-phase
/// commit has no process; it is known by the lock on its own number.
const BLOCKERS: &str = "
    WITH RECURSIVE tree (oid) AS (
        SELECT c.oid FROM unnest($1::text[], $2::text[]) AS t (schema, name)
          JOIN pg_namespace n ON n.nspname = t.schema
          JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name
        UNION
        SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
    )
    SELECT DISTINCT l.pid, a.usename::text, host(a.client_addr), a.application_name, a.backend_type,
           extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, x.prepared))::float8 AS age, x.gid, x.owner::text
      FROM pg_locks l
      LEFT JOIN pg_stat_activity a ON a.pid = l.pid
      LEFT JOIN pg_locks t ON l.pid IS NULL AND t.pid IS NULL AND t.locktype = 'transactionid'
                          AND t.virtualtransaction = l.virtualtransaction
      LEFT JOIN pg_prepared_xacts x ON x.transaction = t.transactionid
     WHERE l.locktype = 'relation' AND l.granted AND l.relation IN (SELECT oid FROM tree)
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
                      'ExclusiveLock', 'AccessExclusiveLock')
       AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND (a.xact_start IS NULL OR a.xact_start <= $3::timestamptz)
     ORDER BY age DESC NULLS LAST";

/// A table that is to carry the fence.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    pub(super) name: TableName,
    /// A foreign table, which cannot be fenced.
    pub(super) is_foreign: bool,
    pub(super) is_fenced: bool,
}

/// Reads every table that is to carry the fence: those that were named and everything below them.
pub(super) async fn carriers(
    session: &mut Session<'_>,
    of: &Fenced,
) -> Result<Vec<Carrier>, DbFailure> {
    let (schemas, names) = named(of);
    let query = sqlx::query(TREE)
        .bind(schemas)
        .bind(names)
        .bind(text::TRIGGER)
        .bind(text::TRIGGER_TYPE)
        .bind(&of.schema);
    let rows = session.all(query).await?;
    session.read_all(&rows, carrier)
}

/// The statements that give the fence to those that lack it.
pub(super) fn missing_triggers(of: &Fenced, carriers: &[Carrier]) -> String {
    carriers
        .iter()
        .filter(|carrier| !carrier.is_fenced && !carrier.is_foreign)
        .map(|carrier| text::trigger(of, &quote::table(&carrier.name), false) + "; ")
        .collect()
}

/// What trying to lock every table came to.
#[derive(Debug)]
pub(super) enum Locking {
    /// The transaction has the locks.
    Locked,
    /// They were not to be had; there is no transaction any more.
    NoLock(Vec<String>),
}

/// Begins a transaction, and waits for the locks of all tables: at most this long altogether, for writers wait behind us.
///
/// While we hold nothing, waiting harms nobody but those behind us. While we hold a table, whoever has the next one may be
/// waiting for ours, and one of us would be killed for it. So only the first table is waited for at length. When another one
/// is not to be had at once, everything is given back, and that one comes first: the order becomes that of the writers.
pub(super) async fn begin_locked(
    session: &mut Session<'_>,
    of: &Fenced,
    wait: Duration,
) -> Result<Locking, DbFailure> {
    let row = session
        .one(sqlx::query("SELECT clock_timestamp()::text"))
        .await?;
    let began_there: String = session.read(&row, |row| row.try_get(0))?;
    let began = Instant::now();
    let mut order: Vec<_> = of.tables.iter().map(quote::table).collect();
    loop {
        let Some(late) = lock_in_order(session, &order, wait, began).await? else {
            let normal = limit(session.statement);
            let on = format!(
                "SET LOCAL statement_timeout = {normal}; SET LOCAL lock_timeout = {normal}"
            );
            session.run(&on).await?;
            return Ok(Locking::Locked);
        };
        session.run("ROLLBACK").await?;
        if began.elapsed() >= wait {
            return Ok(Locking::NoLock(blockers(session, of, &began_there).await?));
        }
        order[..=late].rotate_right(1);
    }
}

/// Begins a transaction and locks one table after the other; returns the place of the one that was not to be had, if any.
async fn lock_in_order(
    session: &mut Session<'_>,
    order: &[String],
    wait: Duration,
    began: Instant,
) -> Result<Option<usize>, DbFailure> {
    session.run("BEGIN").await?;
    for (place, table) in order.iter().enumerate() {
        let left = wait.saturating_sub(began.elapsed());
        let patience = if place == 0 { left } else { left.min(PATIENCE) };
        // The limit of the statement counts for a table with all its partitions, that of a lock for each.
        let milliseconds = limit(patience);
        let lock = format!(
            "SET LOCAL lock_timeout = {milliseconds}; SET LOCAL statement_timeout = {milliseconds}; \
             LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"
        );
        match session.run_within(&lock, patience).await {
            Ok(()) => {}
            Err(failed) if is_no_lock(failed.code.as_deref()) => return Ok(Some(place)),
            Err(failed) => return Err(failed),
        }
    }
    Ok(None)
}

/// Lock not available, query cancelled by its time limit, deadlock detected.
fn is_no_lock(code: Option<&str>) -> bool {
    matches!(code, Some("55P03" | "57014" | "40P01"))
}

async fn blockers(
    session: &mut Session<'_>,
    of: &Fenced,
    began: &str,
) -> Result<Vec<String>, DbFailure> {
    let (schemas, names) = named(of);
    let query = sqlx::query(BLOCKERS).bind(schemas).bind(names).bind(began);
    let rows = session.all(query).await?;
    let mut blockers = session.read_all(&rows, blocker)?;
    if blockers.is_empty() {
        blockers.push("somebody who has ended meanwhile".to_owned());
    }
    Ok(blockers)
}

/// Schemas and names of the tables, side by side.
pub(super) fn named(of: &Fenced) -> (Vec<String>, Vec<String>) {
    of.tables
        .iter()
        .map(|table| (table.schema.clone(), table.name.clone()))
        .unzip()
}

fn carrier(row: &PgRow) -> Result<Carrier, sqlx::Error> {
    Ok(Carrier {
        name: TableName {
            schema: row.try_get(0)?,
            name: row.try_get(1)?,
        },
        is_foreign: row.try_get(2)?,
        is_fenced: row.try_get(3)?,
    })
}

fn blocker(row: &PgRow) -> Result<String, sqlx::Error> {
    let process: Option<i32> = row.try_get(0)?;
    let age: Option<f64> = row.try_get(5)?;
    let who = if let Some(process) = process {
        who(
            row.try_get(1)?,
            row.try_get(2)?,
            row.try_get(3)?,
            row.try_get(4)?,
            process,
        )
    } else {
        let name: Option<String> = row.try_get(6)?;
        let owner: Option<String> = row.try_get(7)?;
        format!(
            "{}, prepared transaction `{}`",
            owner.unwrap_or_default(),
            name.unwrap_or_default()
        )
    };
    Ok(match age {
        Some(age) => format!("{who}, for {age:.0} s"),
        None => who,
    })
}

/// Names a session: `app@10.0.3.7 (checkout), process 4711`; without a user the kind of process.
pub(super) fn who(
    user: Option<&str>,
    host: Option<&str>,
    application: Option<&str>,
    kind: Option<&str>,
    process: i32,
) -> String {
    let application = match application {
        Some(name) if !name.is_empty() => format!(" ({name})"),
        _ => String::new(),
    };
    match user {
        Some(user) => format!(
            "{user}@{}{application}, process {process}",
            host.unwrap_or("local")
        ),
        None => format!("{}, process {process}", kind.unwrap_or("the server")),
    }
}
