//! Cancelling what was dropped.
//!
//! A MySQL or MariaDB server does not notice that nobody waits for an answer any more before it has something to send, which
//! for a digest is at its end. So another connection tells it to `KILL QUERY`. A user may do that to its own statements
//! without a further right.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cutover_driver::Address;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, MySql, MySqlConnection};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Mysql;
use super::session::options;

/// After what time of silence a connection that is put away is taken to be at work still. Ours: many times what a ping
/// takes, and a quarter of the two seconds within which a validation stops.
const ANSWERS_WITHIN: Duration = Duration::from_millis(500);

/// How long the connection for `KILL QUERY` may take, its statements included. Ours: as long as the server is worth waiting
/// for; after it the statement ends by its own limit.
const KILLED_WITHIN: Duration = Duration::from_secs(5);

/// The number of a connection, and which server gave it.
const WHO: &str = "SELECT CAST(CONNECTION_ID() AS UNSIGNED), CAST(@@hostname AS CHAR)";

/// Connections that are being put away, each by a task, since dropping cannot wait. The tasks end with the last that holds
/// this, and a run waits for them before it lets its databases go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaving(Arc<Mutex<JoinSet<()>>>);

impl Leaving {
    /// Waits until all of them are back in the pool or closed. When the wait is dropped they are closed.
    pub(super) async fn wait(&self) {
        let mut leaving = std::mem::take(&mut *self.tasks());
        while leaving.join_next().await.is_some() {}
    }

    fn put_away(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in use, which goes back to the pool when dropped. Where the server is in the middle of a statement then,
/// that is killed, and the connection closed.
#[derive(Debug)]
pub(crate) struct Session {
    /// `None` when it is being put away.
    connection: Option<PoolConnection<MySql>>,
    number: u64,
    host: String,
    address: Address,
    leaving: Leaving,
}

impl Session {
    /// Takes a connection of the pool into use.
    pub(super) async fn of(
        mut connection: PoolConnection<MySql>,
        database: &Mysql,
    ) -> Result<Self, sqlx::Error> {
        let (number, host) = who(&mut connection).await?;
        Ok(Self {
            connection: Some(connection),
            number,
            host,
            address: database.address.clone(),
            leaving: database.leaving.clone(),
        })
    }
}

impl Deref for Session {
    type Target = MySqlConnection;

    fn deref(&self) -> &MySqlConnection {
        self.connection.as_deref().expect(IN_USE)
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut MySqlConnection {
        self.connection.as_deref_mut().expect(IN_USE)
    }
}

/// Why a session has a connection.
const IN_USE: &str = "only dropping takes it away";

impl Drop for Session {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let mut unsettled = Unsettled(Some(connection));
        let (number, host) = (self.number, std::mem::take(&mut self.host));
        let address = self.address.clone();
        self.leaving.put_away(async move {
            if unsettled.answers().await {
                drop(unsettled.0.take());
                return;
            }
            // Ours is open until that is done, so that nobody else has the number.
            let killed = timeout(KILLED_WITHIN, kill(&address, number, &host)).await;
            if !matches!(killed, Ok(Ok(()))) {
                // The error is not told, as it may name the user.
                tracing::debug!(number, "a statement that was dropped could not be killed");
            }
        });
    }
}

/// A connection that is closed when dropped. Taken out it goes back to the pool instead, which would wait for the end of
/// what was dropped, and log its error, which may quote a value.
struct Unsettled(Option<PoolConnection<MySql>>);

impl Unsettled {
    /// Tells whether the server is done with the last statement, so that the connection can be used again.
    async fn answers(&mut self) -> bool {
        match &mut self.0 {
            Some(connection) => {
                matches!(timeout(ANSWERS_WITHIN, connection.ping()).await, Ok(Ok(())))
            }
            None => false,
        }
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

/// Kills what a connection is at. Where a name stands for several servers the new connection may be to another one, whose
/// numbers are not these; nothing is killed then.
async fn kill(address: &Address, number: u64, host: &str) -> Result<(), sqlx::Error> {
    let mut connection = options(address).connect().await?;
    if who(&mut connection).await?.1 == host {
        sqlx::raw_sql(AssertSqlSafe(format!("KILL QUERY {number}")))
            .execute(&mut connection)
            .await?;
    }
    connection.close().await
}

/// The number of a connection, and the name of the server that gave it.
pub(super) async fn who(connection: &mut MySqlConnection) -> Result<(u64, String), sqlx::Error> {
    sqlx::query_as(WHO).fetch_one(connection).await
}
