//! The locks of all tables at once, and who is in their way.
//!
//! `LOCK TABLES … WRITE` waits until every transaction that has used one of the tables has ended, and everything that comes
//! later waits for it: what is changed while it holds is met by all that follow. Triggers can be made and dropped meanwhile,
//! tried on MariaDB and not yet on MySQL, and the locks stay until `UNLOCK TABLES` or the end of the session.
//!
//! Readers in transactions are waited for as well, and wait themselves: the engines know no lock of a table that only writers
//! feel and that lets triggers be made.

use std::time::Duration;

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::writer_switch::control::OldTransaction;
use futures_util::future::{Either, join, select};
use sqlx::{Connection as _, MySqlConnection};
use tokio::time::sleep;

use super::super::cancel::who;
use super::super::look::text;
use super::super::quote;
use super::Writer;
use super::session::{Trouble, connect, execute, is, number, rows, texts};

/// How many of those who are in the way are named: ours, as many as a person reads.
const NAMED: u32 = 10;

/// Errors of a statement that was ended: killed, by its limit, by the limit for a lock.
const ENDED: [u16; 3] = [1317, 1969, 1205];

/// What came of asking for the locks.
#[derive(Debug)]
pub(super) enum Barrier {
    /// They are held.
    Taken {
        /// The server's clock when they were asked for.
        asked_at: String,
    },
    /// They were not to be had in time, and nothing is locked.
    InTheWay(Vec<String>),
}

impl Writer {
    /// Takes the locks of all tables that carry the fence, and of the row and the journal, in at most this long.
    ///
    /// The server's own limit is in whole seconds, and counts anew for every table; so another session ends the statement.
    pub(super) async fn lock_tables(
        &self,
        connection: &mut MySqlConnection,
        lock: Duration,
    ) -> Result<Barrier, Trouble> {
        let mut watch = connect(&self.address, "watching for the locks")
            .await
            .map_err(|failure| Trouble::Wrong(failure.class, failure.message))?;
        let taken = self.lock_watched(connection, &mut watch, lock).await;
        watch.close().await.ok();
        taken
    }

    async fn lock_watched(
        &self,
        connection: &mut MySqlConnection,
        watch: &mut MySqlConnection,
        lock: Duration,
    ) -> Result<Barrier, Trouble> {
        let (ours, host) = who(connection).await?;
        if who(watch).await?.1 != host {
            return Err(Trouble::Wrong(
                DbFailureClass::Changed,
                "the address leads to several servers".to_owned(),
            ));
        }
        let asked_at = texts(
            rows(connection, "SELECT CAST(SYSDATE(6) AS CHAR)")
                .await?
                .first(),
            0,
        )?;
        // Only for when the watch cannot end the statement.
        let seconds = lock.as_secs().saturating_add(2);
        execute(
            connection,
            &format!("SET SESSION lock_wait_timeout = {seconds}"),
        )
        .await?;
        let statement = self.statement();
        let locked = {
            let locking = Box::pin(execute(connection, &statement));
            match select(locking, Box::pin(sleep(lock))).await {
                Either::Left((locked, _)) => Ok(locked),
                Either::Right(((), locking)) => {
                    let (locked, blockers) = join(locking, call_off(watch, ours, lock)).await;
                    Err((locked, blockers))
                }
            }
        };
        match locked {
            Ok(Ok(())) => Ok(Barrier::Taken {
                asked_at: asked_at.unwrap_or_default(),
            }),
            Ok(Err(error)) => Err(error.into()),
            Err((locked, blockers)) => self.called_off(connection, locked, blockers).await,
        }
    }

    /// After the time was over: whichever way the statement ended, nothing is locked afterwards.
    async fn called_off(
        &self,
        connection: &mut MySqlConnection,
        locked: Result<(), sqlx::Error>,
        blockers: Result<Vec<String>, sqlx::Error>,
    ) -> Result<Barrier, Trouble> {
        if let Err(error) = locked
            && !ENDED.iter().any(|number| is(&error, *number))
        {
            return Err(error.into());
        }
        // The locks may have come just before the kill, which then ends whatever is next: nothing, in place of the unlocking.
        execute(connection, "DO 0").await.ok();
        self.unlock_tables(connection, Ok(())).await?;
        Ok(Barrier::InTheWay(blockers?))
    }

    /// Gives the locks back, whatever came of what was done while they were held.
    pub(super) async fn unlock_tables<T>(
        &self,
        connection: &mut MySqlConnection,
        result: Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        match execute(connection, "UNLOCK TABLES").await {
            Ok(()) => result,
            Err(error) => Err(Trouble::Locked(error)),
        }
    }

    fn statement(&self) -> String {
        let mut tables = self.carrying();
        tables.push(self.own("state"));
        tables.push(self.own("journal"));
        let locks: Vec<String> = tables
            .iter()
            .map(|table| format!("{} WRITE", quote::table(table)))
            .collect();
        format!("LOCK TABLES {}", locks.join(", "))
    }
}

/// Ends the statement that waits, and names who was in its way. Whoever was has been there for as long as it waited: those that
/// came later stood behind it.
async fn call_off(
    watch: &mut MySqlConnection,
    ours: u64,
    waited: Duration,
) -> Result<Vec<String>, sqlx::Error> {
    execute(watch, &format!("KILL QUERY {ours}")).await?;
    let named = transactions(watch, &[ours], waited).await?;
    Ok(named
        .into_iter()
        .map(|one| format!("{}, for {} s", one.who, one.age.as_secs()))
        .collect())
}

/// Lists transactions that have been open for so long, the oldest first; not those that wait for the lock of a table, and not
/// those of some sessions and of this one.
pub(super) async fn transactions(
    connection: &mut MySqlConnection,
    but: &[u64],
    older_than: Duration,
) -> Result<Vec<OldTransaction>, sqlx::Error> {
    let but: Vec<String> = but.iter().map(u64::to_string).collect();
    // The moment is in the system's time zone, or in that of the session; so the session takes the system's.
    let query = format!(
        "SELECT p.USER, SUBSTRING_INDEX(p.HOST, ':', 1), p.DB, p.ID, \
                GREATEST(TIMESTAMPDIFF(MICROSECOND, t.trx_started, SYSDATE(6)), 0) AS age \
           FROM information_schema.INNODB_TRX t \
           JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id \
          WHERE p.ID <> CONNECTION_ID() AND p.ID NOT IN ({}) AND COALESCE(p.STATE, '') NOT LIKE 'Waiting for table%' \
         HAVING age >= {} ORDER BY age DESC LIMIT {NAMED}",
        but.join(", "),
        older_than.as_micros()
    );
    execute(connection, "SET SESSION time_zone = 'SYSTEM'").await?;
    let found = rows(connection, &query).await;
    execute(connection, "SET SESSION time_zone = '+00:00'").await?;
    found?
        .iter()
        .map(|row| {
            let text = |index| text(row, index).map(Option::unwrap_or_default);
            let database = match text(2)? {
                database if database.is_empty() => database,
                database => format!(" ({database})"),
            };
            Ok(OldTransaction {
                age: Duration::from_micros(number(row, 4)?),
                who: format!("{}@{}{database}, process {}", text(0)?, text(1)?, text(3)?),
            })
        })
        .collect()
}
