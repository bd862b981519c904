//! How PostgreSQL is spoken to.

use std::time::Duration;

use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::Side;
use cutover_driver::{Address, TlsWish};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool};
use tokio::time::timeout;

use super::snapshots::Snapshots;
use crate::failure::{failed, no_answer};
use crate::open::settle_on_ring;

/// How long a transaction may stand open between two statements before the server ends it. Ours: more than the ten
/// minutes for which a snapshot may be kept, so that only a reader that died is cut off.
const IDLE_IN_TRANSACTION: Duration = Duration::from_mins(11);

/// How long a statement waits for a lock that someone else holds. Ours: readers wait for schema changes only, and must
/// not stand in a queue in which payments would stand behind them.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// After what time of silence a connection that goes back to the pool is closed instead. Ours: what was dropped in the
/// middle of a statement answers when that is over, which may be long after.
const ANSWERS_WITHIN: Duration = Duration::from_millis(500);

/// One PostgreSQL database.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// Which side of the plans it is.
    pub(crate) side: Side,
    /// Where it is.
    pub(crate) address: Address,
    /// Its connections. Every one of them is set up as `session` says before it is handed out.
    pub(crate) pool: PgPool,
    /// The snapshots that are open.
    pub(super) snapshots: Snapshots,
}

impl Postgres {
    /// Opens a database, and proves that it can be reached: one connection is made and closed.
    ///
    /// # Errors
    /// Why it cannot be reached, or does not let the user in.
    pub async fn open(side: Side, address: &Address) -> Result<Self, DbFailure> {
        settle_on_ring();
        connect(address, "connecting").await?.close().await.ok();
        let setting_up = set_up(address);
        let pool = PgPoolOptions::new()
            .max_connections(address.connections.saturating_add(1))
            .acquire_timeout(address.connect_timeout)
            .after_connect(move |connection, _| {
                let setting_up = setting_up.clone();
                Box::pin(async move {
                    sqlx::raw_sql(AssertSqlSafe(setting_up))
                        .execute(connection)
                        .await
                        .map(drop)
                })
            })
            // Else the pool would do the same, and log the error of a statement that was dropped, which may quote a value.
            .after_release(|connection, _| {
                Box::pin(async move {
                    Ok(matches!(
                        timeout(ANSWERS_WITHIN, connection.ping()).await,
                        Ok(Ok(()))
                    ))
                })
            })
            .connect_lazy_with(options(address));
        Ok(Self {
            side,
            address: address.clone(),
            pool,
            snapshots: Snapshots::default(),
        })
    }

    /// Takes a connection out of the pool; it goes back when dropped.
    ///
    /// It can only read. What writes begins a transaction of its own with `BEGIN READ WRITE`. When it is dropped in the
    /// middle of a statement the server notices within a second, and cancels that.
    pub(crate) async fn session(
        &self,
        doing: &str,
    ) -> Result<PoolConnection<sqlx::Postgres>, DbFailure> {
        match self.pool.acquire().await {
            Ok(connection) => Ok(connection),
            // The pool swallows why it got none.
            Err(error @ sqlx::Error::PoolTimedOut) => match connect(&self.address, doing).await {
                Ok(connection) => {
                    connection.close().await.ok();
                    Err(failed(doing, &error))
                }
                Err(failure) => Err(failure),
            },
            Err(error) => Err(failed(doing, &error)),
        }
    }
}

/// Makes one connection outside of the pool, set up like those in it.
async fn connect(address: &Address, doing: &str) -> Result<PgConnection, DbFailure> {
    let connecting = async {
        let mut connection = options(address).connect().await?;
        sqlx::raw_sql(AssertSqlSafe(set_up(address)))
            .execute(&mut connection)
            .await?;
        Ok(connection)
    };
    match timeout(address.connect_timeout, connecting).await {
        Ok(connected) => connected.map_err(|error| failed(doing, &error)),
        Err(_) => Err(no_answer(doing, address.connect_timeout)),
    }
}

/// What the driver is told. Everything is said, so that nothing of the process's environment counts.
pub(super) fn options(address: &Address) -> PgConnectOptions {
    let (mode, authorities) = match &address.tls {
        TlsWish::Verified { authorities } => (PgSslMode::VerifyFull, authorities.as_deref()),
        TlsWish::AnyName { authorities } => (PgSslMode::VerifyCa, authorities.as_deref()),
        TlsWish::Unverified => (PgSslMode::Require, None),
        TlsWish::Off => (PgSslMode::Disable, None),
    };
    PgConnectOptions::new_without_pgpass()
        .host(&address.host)
        .port(address.port)
        .database(&address.database)
        .username(&address.user)
        .password(address.password.reveal())
        .ssl_mode(mode)
        .ssl_root_cert_from_pem(authorities.unwrap_or_default().as_bytes().to_vec())
        .application_name("cutover-validation")
        .extra_float_digits(1)
        .disable_statement_logging()
}

/// The statements that make a session what the plans expect.
fn set_up(address: &Address) -> String {
    let statement = address.statement_timeout.as_millis();
    let lock = LOCK_TIMEOUT.as_millis();
    let idle = IDLE_IN_TRANSACTION.as_millis();
    format!(
        // What values look like as text.
        "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; \
         SET bytea_output = 'hex'; SET extra_float_digits = 1; SET xmloption = 'content'; \
         SET standard_conforming_strings = on; \
         SET statement_timeout = {statement}; SET lock_timeout = {lock}; \
         SET idle_in_transaction_session_timeout = {idle}; \
         SET jit = off; SET max_parallel_workers_per_gather = 0; \
         SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off; \
         SET row_security = off; SET default_transaction_read_only = on; \
         SELECT pg_catalog.set_config('client_connection_check_interval', '1000', false) \
          WHERE pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL; \
         SELECT pg_catalog.set_config('search_path', '', false)"
    )
}
