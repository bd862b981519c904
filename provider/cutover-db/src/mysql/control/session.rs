//! The one session that holds the lock of the migration.

use std::sync::atomic::Ordering;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_driver::{Address, Fenced};
use sqlx::mysql::{MySqlDatabaseError, MySqlRow};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};
use tokio::sync::MutexGuard;

use super::super::{look, quote, session};
use super::Writer;
use crate::failure::failed;
use crate::identity;

/// Makes a session that may write. It is not closed for being idle within a day, however short the server's patience is:
/// the lock of the migration would go with it.
const SET_UP: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; SET SESSION wait_timeout = 86400";

/// Numbers of errors that say that a table or a database is not there.
const NOT_THERE: [u16; 2] = [1146, 1049];

/// Why something did not come about.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server or the driver says so. The session can go on if it was the server.
    Sql(sqlx::Error),
    /// It is not as it must be. The session can go on.
    Wrong(DbFailureClass, String),
    /// Tables may still be locked: the session must end.
    Locked(sqlx::Error),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

/// The session in use. It is gone when this is dropped before [`Held::end`]: nobody knows what it is at then.
pub(super) struct Held<'a> {
    writer: &'a Writer,
    place: MutexGuard<'a, Option<MySqlConnection>>,
    pub(super) connection: MySqlConnection,
    doing: String,
}

impl Held<'_> {
    /// Puts the session back where it can go on, and says what came of it.
    pub(super) fn end<T>(mut self, result: Result<T, Trouble>) -> Result<T, DbFailure> {
        let result = result.map_err(|trouble| match trouble {
            Trouble::Sql(error) => {
                let answered = matches!(error, sqlx::Error::Database(_));
                (answered, failed(&self.doing, &error))
            }
            Trouble::Wrong(class, message) => (true, said(&self.doing, class, message)),
            Trouble::Locked(error) => (false, failed(&self.doing, &error)),
        });
        match result {
            Err((answered, failure)) if !answered || failure.class == DbFailureClass::Lost => {
                self.writer.number.store(0, Ordering::Relaxed);
                Err(failure)
            }
            other => {
                *self.place = Some(self.connection);
                other.map_err(|(_, failure)| failure)
            }
        }
    }
}

impl Writer {
    /// Takes the session into use; it fails as lost when there is none.
    pub(super) async fn held(&self, doing: &str) -> Result<Held<'_>, DbFailure> {
        let mut place = self.session.lock().await;
        match place.take() {
            Some(connection) => Ok(Held {
                writer: self,
                place,
                connection,
                doing: doing.to_owned(),
            }),
            None => Err(said(
                doing,
                DbFailureClass::Lost,
                "the session that holds the lock of the migration is gone, or was not begun yet"
                    .to_owned(),
            )),
        }
    }

    /// Takes the lock of the migration, in a new session where there is none that has it.
    pub(super) async fn take_lock(&self) -> Result<Result<(), String>, DbFailure> {
        let doing = "taking the lock of the migration";
        let name = lock_name(&self.of);
        let mut place = self.session.lock().await;
        if let Some(mut connection) = place.take()
            && matches!(holds(&mut connection, &name).await, Ok(true))
        {
            *place = Some(connection);
            return Ok(Ok(()));
        }
        self.number.store(0, Ordering::Relaxed);
        let mut connection = connect(&self.address, doing).await?;
        let taken = self.try_lock(&mut connection, &name).await;
        match taken.map_err(|error| failed(doing, &error))? {
            Ok(number) => {
                self.number.store(number, Ordering::Relaxed);
                *place = Some(connection);
                Ok(Ok(()))
            }
            Err(by) => {
                connection.close().await.ok();
                Ok(Err(by))
            }
        }
    }

    async fn try_lock(
        &self,
        connection: &mut MySqlConnection,
        name: &str,
    ) -> Result<Result<u64, String>, sqlx::Error> {
        let name = quote::text(name);
        let rows = rows(
            connection,
            &format!("SELECT GET_LOCK({name}, 0), CONNECTION_ID()"),
        )
        .await?;
        let taken = rows.first();
        if texts(taken, 0)?.as_deref() == Some("1") {
            self.sign(connection).await?;
            let number = texts(taken, 1)?.and_then(|number| number.parse().ok());
            return Ok(Ok(number.unwrap_or_default()));
        }
        let by = format!(
            "SELECT CONCAT('process ', ID, ' of ', USER, '@', SUBSTRING_INDEX(HOST, ':', 1)) \
             FROM information_schema.PROCESSLIST WHERE ID = IS_USED_LOCK({name})"
        );
        let by = self::rows(connection, &by).await?;
        let by = texts(by.first(), 0)?;
        let by = by.unwrap_or_else(|| "a process that this user may not see".to_owned());
        Ok(Err(match self.signed(connection).await? {
            Some(run) => format!("{by}, {run}"),
            None => by,
        }))
    }

    /// Says in the row who holds the lock, where there is a row of ours.
    async fn sign(&self, connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        let state = quote::table(&self.own("state"));
        let run = quote::text(&self.of.run);
        let migration = quote::text(&self.of.migration);
        let statement = format!("UPDATE {state} SET holder = {run} WHERE migration = {migration}");
        let signed = execute(connection, &statement).await;
        unless_not_there(signed).map(drop)
    }

    async fn signed(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<Option<String>, sqlx::Error> {
        let state = quote::table(&self.own("state"));
        let found = rows(connection, &format!("SELECT holder FROM {state}")).await;
        match unless_not_there(found)? {
            Some(rows) => texts(rows.first(), 0),
            None => Ok(None),
        }
    }

    /// Ends the session, and the lock with it.
    pub(super) async fn end_session(&self) {
        let mut place = self.session.lock().await;
        self.number.store(0, Ordering::Relaxed);
        if let Some(connection) = place.take() {
            connection.close().await.ok();
        }
    }
}

/// Makes a session that may write.
pub(super) async fn connect(at: &Address, doing: &str) -> Result<MySqlConnection, DbFailure> {
    let mut connection = session::connect(at, doing).await?;
    execute(&mut connection, SET_UP)
        .await
        .map_err(|error| failed(doing, &error))?;
    Ok(connection)
}

/// Runs one statement or several.
pub(super) async fn execute(
    connection: &mut MySqlConnection,
    statement: &str,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(drop)
}

/// Runs a query. Its values come as text.
pub(super) async fn rows(
    connection: &mut MySqlConnection,
    query: &str,
) -> Result<Vec<MySqlRow>, sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(query))
        .fetch_all(connection)
        .await
}

/// Reads one text of a row that may be missing.
pub(super) fn texts(row: Option<&MySqlRow>, index: usize) -> Result<Option<String>, sqlx::Error> {
    row.map_or(Ok(None), |row| look::text(row, index))
}

/// Reads a number that is there.
pub(super) fn number<T: std::str::FromStr + Default>(
    row: &MySqlRow,
    index: usize,
) -> Result<T, sqlx::Error> {
    let text = look::text(row, index)?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or_default())
}

/// Takes a table or a database that is not there for nothing.
pub(super) fn unless_not_there<T>(
    result: Result<T, sqlx::Error>,
) -> Result<Option<T>, sqlx::Error> {
    match result {
        Err(error) if NOT_THERE.iter().any(|number| is(&error, *number)) => Ok(None),
        other => other.map(Some),
    }
}

/// Tells whether it is the server's error of this number.
pub(super) fn is(error: &sqlx::Error, number: u16) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
        .is_some_and(|error| error.number() == number)
}

/// A failure that no error stands behind.
pub(super) fn said(doing: &str, class: DbFailureClass, message: String) -> DbFailure {
    DbFailure {
        class,
        doing: doing.to_owned(),
        code: None,
        message,
    }
}

async fn holds(connection: &mut MySqlConnection, name: &str) -> Result<bool, sqlx::Error> {
    let question = format!(
        "SELECT IS_USED_LOCK({}) = CONNECTION_ID()",
        quote::text(name)
    );
    let rows = rows(connection, &question).await?;
    Ok(texts(rows.first(), 0)?.as_deref() == Some("1"))
}

/// The name of the lock. Locks are of the whole server, so that the control schema is in it. The engines take 64 characters.
fn lock_name(of: &Fenced) -> String {
    format!("cutover_{}", identity::of(&[&of.migration, &of.schema]))
}
