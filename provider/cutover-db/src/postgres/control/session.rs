//! The one connection, and the lock that lives as long as it.

use std::mem;
use std::time::Duration;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_driver::{Address, Fenced};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;
use xxhash_rust::xxh3::xxh3_64;

use super::failure;
use crate::failure::{failed, no_answer};
use crate::open::settle_on_ring;
use crate::postgres::session::options;

/// How the sessions of those who move writers begin their `application_name`; who they are follows.
pub(super) const APPLICATION: &str = "cutover-switch";

/// How long a transaction of ours may stand open between two statements before the server ends it. Ours: some hold the locks
/// of all tables, and a machine that falls asleep with them must not keep payments waiting.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);

/// How long a statement waits for a lock where nothing else is said. Ours: what waits for one makes others wait behind it.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How much longer than the server's own limit we wait for an answer. Ours: a server that lives cancels the statement first.
const GRACE: Duration = Duration::from_secs(5);

/// What is done when the lock is taken.
const TAKING: &str = "taking the lock of the migration";

/// Who holds the lock of the migration: process, user, host, what the session calls itself.
const HOLDER: &str = "
    SELECT l.pid, a.usename::text, host(a.client_addr), a.application_name
      FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (l.classid::int8 << 32) | l.objid::int8 = $1";

/// Takes the lock, unless this session has it: it could be taken twice, and would have to be given up twice.
const TAKE: &str = "
    SELECT CASE WHEN EXISTS (
             SELECT FROM pg_locks
              WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid = pg_backend_pid()
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND (classid::int8 << 32) | objid::int8 = $1)
           THEN true ELSE pg_try_advisory_lock($1) END";

/// Where the connection is.
#[derive(Debug)]
enum Kept {
    /// It never had the lock; another one may stand in for it.
    Free(Option<PgConnection>),
    /// It has the lock.
    Locked(PgConnection),
    /// It had the lock, and is gone.
    Lost,
}

/// The connection of one side.
#[derive(Debug)]
pub(super) struct Sessions {
    address: Address,
    application: String,
    key: i64,
    kept: Mutex<Kept>,
}

impl Sessions {
    /// Connects.
    pub(super) async fn open(address: &Address, of: &Fenced) -> Result<Self, DbFailure> {
        settle_on_ring();
        let sessions = Self {
            address: address.clone(),
            application: format!("{APPLICATION}: {}", of.run),
            key: key(&of.migration),
            kept: Mutex::new(Kept::Free(None)),
        };
        let connection = sessions.connect("connecting").await?;
        *sessions.kept.lock().await = Kept::Free(Some(connection));
        Ok(sessions)
    }

    /// Takes the lock, with a new connection if there is none any more.
    pub(super) async fn lock(&self) -> Result<Result<(), String>, DbFailure> {
        let mut kept = self.kept.lock().await;
        let connection = match mem::replace(&mut *kept, Kept::Lost) {
            Kept::Free(connection) => {
                *kept = Kept::Free(None);
                connection
            }
            Kept::Locked(connection) => Some(connection),
            Kept::Lost => None,
        };
        // Whatever becomes of this one: another runner may have the lock by then, and a new one is told.
        if let Some(connection) = connection
            && let Ok(answer) = self.ask_for_lock(connection, &mut kept).await
        {
            return Ok(answer);
        }
        let connection = self.connect(TAKING).await?;
        self.ask_for_lock(connection, &mut kept).await
    }

    async fn ask_for_lock(
        &self,
        mut connection: PgConnection,
        kept: &mut Kept,
    ) -> Result<Result<(), String>, DbFailure> {
        let mut asking = Asking {
            connection: &mut connection,
            doing: TAKING,
            limit: self.address.statement_timeout.saturating_add(GRACE),
        };
        let row = asking.one(sqlx::query(TAKE).bind(self.key)).await?;
        if asking.read(&row, |row| row.try_get(0))? {
            *kept = Kept::Locked(connection);
            return Ok(Ok(()));
        }
        let holders = asking.all(sqlx::query(HOLDER).bind(self.key)).await?;
        let by = match holders.first() {
            Some(holder) => asking.read(holder, holder_of)?,
            None => "a session that has ended meanwhile".to_owned(),
        };
        // Who had the lock once does nothing without it.
        if let Kept::Free(place) = kept {
            *place = Some(connection);
        }
        Ok(Err(by))
    }

    /// Takes the connection, with the lock or as one that never had it.
    pub(super) async fn any(&self, doing: &'static str) -> Result<Session<'_>, DbFailure> {
        self.take(self.kept.lock().await, doing).await
    }

    async fn take<'a>(
        &'a self,
        mut kept: MutexGuard<'a, Kept>,
        doing: &'static str,
    ) -> Result<Session<'a>, DbFailure> {
        let (connection, back) = match mem::replace(&mut *kept, Kept::Lost) {
            Kept::Lost => return Err(lost(doing)),
            Kept::Locked(connection) => (connection, Back::Locked),
            Kept::Free(connection) => {
                *kept = Kept::Free(None);
                let connection = match connection {
                    Some(connection) => connection,
                    None => self.connect(doing).await?,
                };
                (connection, Back::Free)
            }
        };
        Ok(self.session(kept, connection, doing, back))
    }

    /// Takes the connection that has the lock.
    pub(super) async fn locked(&self, doing: &'static str) -> Result<Session<'_>, DbFailure> {
        let kept = self.kept.lock().await;
        if matches!(*kept, Kept::Free(_)) {
            return Err(lost(doing));
        }
        self.take(kept, doing).await
    }

    /// Takes the connection, or one for this once if it is gone.
    pub(super) async fn looking(&self, doing: &'static str) -> Result<Session<'_>, DbFailure> {
        let kept = self.kept.lock().await;
        if matches!(*kept, Kept::Lost) {
            let connection = self.connect(doing).await?;
            return Ok(self.session(kept, connection, doing, Back::Nowhere));
        }
        self.take(kept, doing).await
    }

    /// Ends the connection, and the lock with it.
    pub(super) async fn leave(&self) {
        let mut kept = self.kept.lock().await;
        if let Kept::Free(Some(mut connection)) | Kept::Locked(mut connection) =
            mem::replace(&mut *kept, Kept::Free(None))
        {
            let leaving = async {
                // The session itself ends a little after it was told to.
                sqlx::raw_sql("SELECT pg_advisory_unlock_all()")
                    .execute(&mut connection)
                    .await?;
                connection.close().await
            };
            // When that does not succeed, the server notices by itself.
            timeout(GRACE, leaving).await.ok();
        }
    }

    fn session<'a>(
        &'a self,
        kept: MutexGuard<'a, Kept>,
        connection: PgConnection,
        doing: &'static str,
        back: Back,
    ) -> Session<'a> {
        Session {
            kept,
            connection,
            back,
            doing,
            statement: self.address.statement_timeout,
            address: &self.address,
        }
    }

    async fn connect(&self, doing: &str) -> Result<PgConnection, DbFailure> {
        let connecting = async {
            let mut connection = options(&self.address)
                .application_name(&self.application)
                .connect()
                .await?;
            sqlx::raw_sql(AssertSqlSafe(set_up(&self.address)))
                .execute(&mut connection)
                .await?;
            Ok(connection)
        };
        match timeout(self.address.connect_timeout, connecting).await {
            Ok(connected) => connected.map_err(|error| failed(doing, &error)),
            Err(_) => Err(no_answer(doing, self.address.connect_timeout)),
        }
    }
}

/// Where a connection goes when it is no longer used.
#[derive(Clone, Copy, Debug)]
enum Back {
    Free,
    Locked,
    Nowhere,
}

/// The connection in use. Dropped before [`finish`](Self::finish) it is gone, and a lock that it had with it: nobody knows
/// then what became of its statement.
#[derive(Debug)]
pub(super) struct Session<'a> {
    kept: MutexGuard<'a, Kept>,
    connection: PgConnection,
    back: Back,
    /// What is being done, for failures.
    pub(super) doing: &'static str,
    /// After how long the server cancels a statement.
    pub(super) statement: Duration,
    /// Where the server is.
    pub(super) address: &'a Address,
}

impl Session<'_> {
    /// Gives the connection back, in no transaction. One that does not answer is given up, and what failed on it counts as
    /// lost.
    pub(super) async fn finish<T>(mut self, done: Result<T, DbFailure>) -> Result<T, DbFailure> {
        let failed = match done {
            Ok(done) => {
                self.put_back();
                return Ok(done);
            }
            Err(failed) => failed,
        };
        if failed.class == DbFailureClass::Lost {
            return Err(failed);
        }
        if self.run("ROLLBACK").await.is_err() {
            return Err(DbFailure {
                class: DbFailureClass::Lost,
                ..failed
            });
        }
        self.put_back();
        Err(failed)
    }

    fn put_back(self) {
        let Self {
            mut kept,
            connection,
            back,
            ..
        } = self;
        match back {
            Back::Free => *kept = Kept::Free(Some(connection)),
            Back::Locked => *kept = Kept::Locked(connection),
            Back::Nowhere => drop(connection),
        }
    }

    /// Runs statements without parameters, one after another in one message.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), DbFailure> {
        self.run_within(sql, self.statement).await
    }

    /// Runs statements of which the server lets none take longer than `limit`, as they say themselves.
    pub(super) async fn run_within(&mut self, sql: &str, limit: Duration) -> Result<(), DbFailure> {
        let mut asking = self.asking();
        asking.limit = limit.saturating_add(GRACE);
        let Asking {
            connection,
            doing,
            limit,
        } = asking;
        let running = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection);
        answered(doing, limit, running).await.map(drop)
    }

    /// Runs a query, and returns its rows.
    pub(super) async fn all(
        &mut self,
        query: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, DbFailure> {
        self.asking().all(query).await
    }

    /// Runs a query that gives one row.
    pub(super) async fn one(
        &mut self,
        query: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<PgRow, DbFailure> {
        self.asking().one(query).await
    }

    /// Runs a statement, and returns how many rows it changed.
    pub(super) async fn change(
        &mut self,
        query: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<u64, DbFailure> {
        let Asking {
            connection,
            doing,
            limit,
        } = self.asking();
        let changing = query.persistent(false).execute(connection);
        let changed = answered(doing, limit, changing).await?;
        Ok(changed.rows_affected())
    }

    /// Does with the connection what is written elsewhere.
    pub(super) async fn lend<'c, T, F>(
        &'c mut self,
        to: impl FnOnce(&'c mut PgConnection) -> F,
    ) -> Result<T, DbFailure>
    where
        F: Future<Output = Result<T, sqlx::Error>> + Send + 'c,
    {
        let Asking {
            connection,
            doing,
            limit,
        } = self.asking();
        answered(doing, limit, to(connection)).await
    }

    /// Makes something of a row.
    pub(super) fn read<T>(
        &self,
        row: &PgRow,
        of: impl FnOnce(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<T, DbFailure> {
        of(row).map_err(|error| failed(self.doing, &error))
    }

    /// Makes something of each row.
    pub(super) fn read_all<T>(
        &self,
        rows: &[PgRow],
        of: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, DbFailure> {
        rows.iter().map(|row| self.read(row, &of)).collect()
    }

    fn asking(&mut self) -> Asking<'_> {
        Asking {
            connection: &mut self.connection,
            doing: self.doing,
            limit: self.statement.saturating_add(GRACE),
        }
    }
}

/// One question, with its limit.
struct Asking<'a> {
    connection: &'a mut PgConnection,
    doing: &'static str,
    limit: Duration,
}

impl Asking<'_> {
    async fn all(
        &mut self,
        query: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, DbFailure> {
        // Plans are not kept: tables of ours are dropped and made again under the same names.
        let fetching = query.persistent(false).fetch_all(&mut *self.connection);
        answered(self.doing, self.limit, fetching).await
    }

    async fn one(
        &mut self,
        query: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<PgRow, DbFailure> {
        match self.all(query).await?.into_iter().next() {
            Some(row) => Ok(row),
            None => Err(failed(self.doing, &sqlx::Error::RowNotFound)),
        }
    }

    fn read<T>(
        &self,
        row: &PgRow,
        of: impl FnOnce(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<T, DbFailure> {
        of(row).map_err(|error| failed(self.doing, &error))
    }
}

/// Waits for an answer. Without one nobody knows whether the statement took effect.
async fn answered<T>(
    doing: &str,
    limit: Duration,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, DbFailure> {
    match timeout(limit, asked).await {
        Ok(answer) => answer.map_err(|error| failed(doing, &error)),
        Err(_) => Err(failure(
            DbFailureClass::Lost,
            doing,
            format!(
                "the server did not answer within {} s; whether it did what was asked is not known",
                limit.as_secs_f32()
            ),
        )),
    }
}

fn lost(doing: &str) -> DbFailure {
    failure(
        DbFailureClass::Lost,
        doing,
        "the session that held the lock of the migration is gone, or the lock was never taken; it must be taken first",
    )
}

fn holder_of(row: &PgRow) -> Result<String, sqlx::Error> {
    let process: Option<i32> = row.try_get(0)?;
    let user: Option<String> = row.try_get(1)?;
    let host: Option<String> = row.try_get(2)?;
    let application: Option<String> = row.try_get(3)?;
    let mut text = match process {
        Some(process) => format!("process {process}"),
        None => "a prepared transaction".to_owned(),
    };
    if let Some(user) = user {
        let host = host.unwrap_or_else(|| "local".to_owned());
        text = format!("{text}, {user}@{host}");
    }
    let run = application
        .as_deref()
        .and_then(|name| name.strip_prefix(APPLICATION));
    if let Some(run) = run.and_then(|rest| rest.strip_prefix(": ")) {
        text = format!("{text}, {run}");
    }
    Ok(text)
}

/// The number of the lock of a migration, the same for every runner.
fn key(migration: &str) -> i64 {
    i64::from_ne_bytes(
        xxh3_64(format!("cutover: the writer of {migration}").as_bytes()).to_ne_bytes(),
    )
}

/// The statements that make a session what is expected here, whatever the user's or the server's own settings are.
fn set_up(address: &Address) -> String {
    let statement = super::limit(address.statement_timeout);
    let lock = LOCK_TIMEOUT.as_millis();
    let idle = IDLE_IN_TRANSACTION.as_millis();
    format!(
        "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET standard_conforming_strings = on; SET client_min_messages = error; \
         SET statement_timeout = {statement}; SET lock_timeout = {lock}; \
         SET idle_in_transaction_session_timeout = {idle}; SET idle_session_timeout = 0; \
         SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
         SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off; \
         SET default_transaction_read_only = off; SET synchronous_commit = on; SET row_security = off; SET jit = off; \
         SELECT pg_catalog.set_config('client_connection_check_interval', '1000', false) \
          WHERE pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL; \
         SELECT pg_catalog.set_config('session_replication_role', 'origin', false) \
          WHERE pg_catalog.current_setting('session_replication_role') <> 'origin'; \
         SELECT pg_catalog.set_config('search_path', '', false)"
    )
}
