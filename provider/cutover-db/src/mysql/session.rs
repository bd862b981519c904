//! How MySQL and MariaDB are spoken to.

use std::time::Duration;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::Side;
use cutover_driver::{Address, TlsWish};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, MySqlConnection, MySqlPool};
use tokio::time::timeout;

use super::cancel::{Leaving, Session};
use crate::failure::{failed, no_answer};
use crate::open::settle_on_ring;

/// How long a statement waits for a lock that someone else holds, in seconds, the least that there is. Ours: readers wait
/// for schema changes only, and must not stand in a queue in which payments would stand behind them.
const LOCK_TIMEOUT_SECONDS: u32 = 1;

/// One MySQL or MariaDB database.
#[derive(Clone, Debug)]
pub struct Mysql {
    /// Which side of the plans it is.
    pub(crate) side: Side,
    /// Where it is.
    pub(crate) address: Address,
    /// Its connections. Every one of them is set up as `session` says before it is handed out.
    pub(crate) pool: MySqlPool,
    /// Those of them that are on their way back.
    pub(super) leaving: Leaving,
}

impl Mysql {
    /// Opens a database, and proves that it can be reached: one connection is made and closed.
    ///
    /// # Errors
    /// Why it cannot be reached, or does not let the user in.
    pub async fn open(side: Side, address: &Address) -> Result<Self, DbFailure> {
        settle_on_ring();
        connect(address, "connecting").await?.close().await.ok();
        let statement_timeout = address.statement_timeout;
        let pool = MySqlPoolOptions::new()
            .max_connections(address.connections.saturating_add(1))
            .acquire_timeout(address.connect_timeout)
            .after_connect(move |connection, _| Box::pin(set_up(connection, statement_timeout)))
            .connect_lazy_with(options(address));
        Ok(Self {
            side,
            address: address.clone(),
            pool,
            leaving: Leaving::default(),
        })
    }

    /// Takes a connection out of the pool; it goes back when dropped, and what the server is at then is killed.
    ///
    /// It can only read. What writes begins a transaction of its own with `START TRANSACTION READ WRITE`.
    pub(crate) async fn session(&self, doing: &str) -> Result<Session, DbFailure> {
        match self.pool.acquire().await {
            Ok(connection) => Session::of(connection, self)
                .await
                .map_err(|error| failed(doing, &error)),
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
pub(super) async fn connect(address: &Address, doing: &str) -> Result<MySqlConnection, DbFailure> {
    let connecting = async {
        let mut connection = options(address).connect().await?;
        set_up(&mut connection, address.statement_timeout).await?;
        Ok(connection)
    };
    match timeout(address.connect_timeout, connecting).await {
        Ok(connected) => connected.map_err(|error| not_let_in(address, failed(doing, &error))),
        Err(_) => Err(no_answer(doing, address.connect_timeout)),
    }
}

/// Adds what the server does not say: MariaDB calls the password wrong where it misses encryption.
fn not_let_in(address: &Address, mut failure: DbFailure) -> DbFailure {
    if failure.class == DbFailureClass::Login && address.tls == TlsWish::Off {
        failure.message += "; or the server takes encrypted connections only, and this one is to be without encryption";
    }
    failure
}

/// What the driver is told. It leaves the session alone but for the character set; `set_up` does the rest.
pub(super) fn options(address: &Address) -> MySqlConnectOptions {
    let (mode, authorities) = match &address.tls {
        TlsWish::Verified { authorities } => (MySqlSslMode::VerifyIdentity, authorities.as_deref()),
        TlsWish::AnyName { authorities } => (MySqlSslMode::VerifyCa, authorities.as_deref()),
        TlsWish::Unverified => (MySqlSslMode::Required, None),
        TlsWish::Off => (MySqlSslMode::Disabled, None),
    };
    MySqlConnectOptions::new()
        .host(&address.host)
        .port(address.port)
        .database(&address.database)
        .username(&address.user)
        .password(address.password.reveal())
        .ssl_mode(mode)
        .ssl_ca_from_pem(authorities.unwrap_or_default().as_bytes().to_vec())
        .charset("utf8mb4")
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .disable_statement_logging()
}

/// Makes a session what the plans expect. MySQL and MariaDB limit statements by variables of different names and units.
async fn set_up(
    connection: &mut MySqlConnection,
    statement_timeout: Duration,
) -> Result<(), sqlx::Error> {
    let version: String = sqlx::query_scalar("SELECT VERSION()")
        .fetch_one(&mut *connection)
        .await?;
    let of_the_engine = if is_mariadb(&version) {
        format!(
            "max_statement_time = {:.3}",
            statement_timeout.as_secs_f64()
        )
    } else {
        format!(
            "max_execution_time = {}, information_schema_stats_expiry = 0",
            statement_timeout.as_millis()
        )
    };
    let statement = format!(
        // The sql_mode replaces the server's: backslashes are no escapes, trailing blanks of CHAR stay away.
        "SET SESSION time_zone = '+00:00', sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES', \
         lock_wait_timeout = {LOCK_TIMEOUT_SECONDS}, innodb_lock_wait_timeout = {LOCK_TIMEOUT_SECONDS}, \
         autocommit = 1, sql_big_selects = 1, sql_select_limit = DEFAULT, {of_the_engine}; \
         SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY"
    );
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(drop)
}

/// Tells MariaDB from MySQL by the version, as the server says it: `10.11.19-MariaDB-log`.
pub(crate) fn is_mariadb(version: &str) -> bool {
    version.to_ascii_lowercase().contains("mariadb")
}
