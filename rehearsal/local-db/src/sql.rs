//! Running SQL as the superuser, and what a client needs for a connection of its own.

use std::path::Path;
use std::thread;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ColumnIndex, ConnectOptions as _, Connection as _, Decode, Row, Type};

use crate::{Engine, Error, Server};

/// The account that may do everything.
pub(crate) const SUPERUSER: &str = "superuser";

/// Its password, which opens nothing but servers of this crate on loopback.
pub(crate) const PASSWORD: &str = "opens-local-servers-only";

/// How long one attempt to reach a server that starts may take: ours. It answers in milliseconds, or is asked again.
const ATTEMPT: Duration = Duration::from_secs(1);

/// A row as text; `None` is NULL.
type Texts = Vec<Option<String>>;

type Rows = Vec<Texts>;

impl Server {
    /// What a client needs to connect to a database as the superuser, without encryption. More can be set on it. The
    /// driver sets the session's `TimeZone` to UTC, whatever the server's is.
    ///
    /// # Panics
    /// When this is not PostgreSQL.
    pub fn postgres_options(&self, database: &str) -> PgConnectOptions {
        assert_eq!(self.engine(), Engine::Postgres, "options of another engine");
        PgConnectOptions::new_without_pgpass()
            .host(self.host())
            .port(self.port())
            .username(SUPERUSER)
            .password(PASSWORD)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    /// The same for MariaDB; for no database where the name is empty. The session's settings are those of the server:
    /// the driver sets none of its own.
    ///
    /// # Panics
    /// When this is not MariaDB.
    pub fn mariadb_options(&self, database: &str) -> MySqlConnectOptions {
        assert_eq!(self.engine(), Engine::MariaDb, "options of another engine");
        let options = MySqlConnectOptions::new()
            .host(self.host())
            .port(self.port())
            .username(SUPERUSER)
            .password(PASSWORD)
            .pipes_as_concat(false)
            .no_engine_substitution(false)
            .timezone(None)
            .ssl_mode(MySqlSslMode::Disabled);
        if database.is_empty() {
            options
        } else {
            options.database(database)
        }
    }

    /// Makes a database. The name is taken as it is written, upper case included.
    ///
    /// # Errors
    /// When there is one of this name.
    pub fn create_database(&self, name: &str) -> Result<(), Error> {
        let name = match self.engine() {
            Engine::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Engine::MariaDb => format!("`{}`", name.replace('`', "``")),
        };
        self.run_script(self.first_database(), &format!("CREATE DATABASE {name}"))
    }

    /// Runs statements, separated by semicolons, as the superuser.
    ///
    /// # Errors
    /// When one of them fails. For PostgreSQL none has had an effect then, for MariaDB those before it have.
    pub fn run_script(&self, database: &str, script: &str) -> Result<(), Error> {
        self.rows(database, script).map(drop)
    }

    /// Runs a query as the superuser. The rows are as the server writes them as text.
    ///
    /// # Errors
    /// When it fails.
    pub fn rows(&self, database: &str, query: &str) -> Result<Rows, Error> {
        if self.process_id().is_none() {
            return Err(Error::Stopped {
                engine: self.engine(),
            });
        }
        wait_for(self.ask(database, query)).map_err(|source| Error::Sql {
            engine: self.engine(),
            database: database.to_owned(),
            source,
        })
    }

    /// The database that is there from the beginning.
    pub(crate) fn first_database(&self) -> &'static str {
        match self.engine() {
            Engine::Postgres => "postgres",
            Engine::MariaDb => "mysql",
        }
    }

    /// Whether what listens on the port is this server and not another that took it.
    pub(crate) fn is_itself(&self) -> Result<bool, sqlx::Error> {
        let query = match self.engine() {
            Engine::Postgres => "SHOW data_directory",
            Engine::MariaDb => "SELECT @@datadir",
        };
        let asked = async {
            let limited = tokio::time::timeout(ATTEMPT, self.ask(self.first_database(), query));
            limited.await.map_err(|_| sqlx::Error::PoolTimedOut)?
        };
        let said = wait_for(asked)?.into_iter().flatten().flatten().next();
        Ok(said.is_some_and(|said| Path::new(&said) == self.data_folder()))
    }

    async fn ask(&self, database: &str, query: &str) -> Result<Rows, sqlx::Error> {
        let query = sqlx::raw_sql(AssertSqlSafe(query));
        match self.engine() {
            Engine::Postgres => {
                let mut connection = self.postgres_options(database).connect().await?;
                let found = query.fetch_all(&mut connection).await;
                let closed = connection.close().await;
                let rows = found?.iter().map(texts).collect();
                closed.and(rows)
            }
            Engine::MariaDb => {
                let mut connection = self.mariadb_options(database).connect().await?;
                let found = query.fetch_all(&mut connection).await;
                let closed = connection.close().await;
                let rows = found?.iter().map(texts).collect();
                closed.and(rows)
            }
        }
    }
}

/// A row of text, which is how a server answers a query without parameters.
fn texts<R: Row>(row: &R) -> Result<Texts, sqlx::Error>
where
    usize: ColumnIndex<R>,
    Option<String>: for<'r> Decode<'r, R::Database>,
    Option<String>: Type<R::Database>,
{
    (0..row.len())
        .map(|column| row.try_get_unchecked(column))
        .collect()
}

/// Waits on a thread of its own, as a caller may be within a runtime already.
fn wait_for<T: Send>(work: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime on one thread takes nothing but a few file handles");
            runtime.block_on(work)
        });
        waiting
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
