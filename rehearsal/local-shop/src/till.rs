//! One payment as one transaction, on either engine.

use cutover_local_db::{Engine, Server};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Error, Row as _};

use crate::tables::{DATABASE, PASSWORD, SERVICE};

/// Where a till's database is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Postgres(PgConnectOptions),
    MariaDb(MySqlConnectOptions),
}

/// A connection of the service's user.
#[derive(Debug)]
pub(crate) enum Till {
    Postgres(PgConnection),
    MariaDb(MySqlConnection),
}

/// What became of a payment, as the database said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is taken.
    Taken,
    /// The database is fenced.
    Fenced,
    /// The connection is gone, or there is none to be had: it may or may not be taken.
    Lost,
    /// Something that nobody expected.
    Odd(String),
}

impl Place {
    /// The database of a server, as the service comes in.
    pub(crate) fn of(server: &Server) -> Self {
        match server.engine() {
            Engine::Postgres => Self::Postgres(
                server
                    .postgres_options(DATABASE)
                    .username(SERVICE)
                    .password(PASSWORD)
                    .application_name("shop"),
            ),
            Engine::MariaDb => Self::MariaDb(
                server
                    .mariadb_options(DATABASE)
                    .username(SERVICE)
                    .password(PASSWORD),
            ),
        }
    }

    pub(crate) async fn open(&self) -> Result<Till, Error> {
        Ok(match self {
            Self::Postgres(options) => Till::Postgres(options.connect().await?),
            Self::MariaDb(options) => Till::MariaDb(options.connect().await?),
        })
    }
}

impl Till {
    /// Takes a payment under its reference; one that was taken under it already counts as taken.
    pub(crate) async fn take(&mut self, reference: &str) -> Said {
        let taken = match self {
            Self::Postgres(connection) => take_postgres(connection, reference).await,
            Self::MariaDb(connection) => take_mariadb(connection, reference).await,
        };
        match taken {
            Ok(()) => Said::Taken,
            Err(error) => judge(&error),
        }
    }

    pub(crate) async fn close(self) {
        // What cannot be closed is closed by the server.
        match self {
            Self::Postgres(connection) => connection.close().await.ok(),
            Self::MariaDb(connection) => connection.close().await.ok(),
        };
    }
}

async fn take_postgres(connection: &mut PgConnection, reference: &str) -> Result<(), Error> {
    let mut transaction = connection.begin().await?;
    let row = sqlx::query(
        "INSERT INTO public.payments (reference, customer_id, amount, currency, status, details) \
         VALUES ($1, 1, 12.34, 'EUR', 'captured', '{\"by\": \"cashier\"}') \
         ON CONFLICT (reference) DO NOTHING RETURNING id",
    )
    .bind(reference)
    .fetch_optional(&mut *transaction)
    .await?;
    if let Some(row) = row {
        let id: i64 = row.try_get(0)?;
        for statement in [
            "INSERT INTO public.transactions (payment_id, kind, amount) VALUES ($1, 'capture', 12.34)",
            "INSERT INTO public.audit_log (payment_id, event) VALUES ($1, 'captured')",
        ] {
            sqlx::query(AssertSqlSafe(statement))
                .bind(id)
                .execute(&mut *transaction)
                .await?;
        }
    }
    transaction.commit().await
}

async fn take_mariadb(connection: &mut MySqlConnection, reference: &str) -> Result<(), Error> {
    let mut transaction = connection.begin().await?;
    let there = sqlx::query("SELECT id FROM shop.payments WHERE reference = ?")
        .bind(reference)
        .fetch_optional(&mut *transaction)
        .await?;
    if there.is_none() {
        let made = sqlx::query(
            "INSERT INTO shop.payments (reference, customer_id, amount, currency, status, details) \
             VALUES (?, 1, 12.34, 'EUR', 'captured', '{\"by\": \"cashier\"}')",
        )
        .bind(reference)
        .execute(&mut *transaction)
        .await?;
        for statement in [
            "INSERT INTO shop.transactions (payment_id, kind, amount) VALUES (?, 'capture', 12.34)",
            "INSERT INTO shop.audit_log (payment_id, event) VALUES (?, 'captured')",
        ] {
            sqlx::query(AssertSqlSafe(statement))
                .bind(made.last_insert_id())
                .execute(&mut *transaction)
                .await?;
        }
    }
    transaction.commit().await
}

/// SQLSTATE 25006 is `PostgreSQL`'s word for read-only, error 1290 that of `MySQL`; deadlocks and locks that were not to be
/// had are tried again like a lost connection.
fn judge(error: &Error) -> Said {
    let Error::Database(said) = error else {
        return Said::Lost;
    };
    let number = said
        .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
        .map(sqlx::mysql::MySqlDatabaseError::number);
    match (said.code().as_deref(), number) {
        (Some("25006"), _) | (_, Some(1290)) => Said::Fenced,
        (Some("40001" | "40P01" | "55P03" | "57P01" | "57P02" | "57P03"), _)
        | (_, Some(1205 | 1213 | 1927 | 1053)) => Said::Lost,
        _ => Said::Odd(said.to_string()),
    }
}
