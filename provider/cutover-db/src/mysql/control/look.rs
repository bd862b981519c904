//! Everything that is there.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cutover_core::validation::facts::DbFailure;
use cutover_core::writer_switch::control::{Client, Control, Fence};
use sqlx::{Connection as _, MySqlConnection, Row as _};

use super::super::flavour::Flavour;
use super::super::look::{ask, text};
use super::super::quote;
use super::Writer;
use super::barrier::transactions;
use super::row::Kept;
use super::session::{connect, number, rows, texts, unless_not_there};
use crate::failure::failed;

/// Tables of DMS that count what could not be applied.
const OF_DMS: [&str; 2] = ["awsdms_apply_exceptions", "awsdms_suspended_tables"];

impl Writer {
    /// Looks, in a session of its own, so that the lock is not needed.
    pub(super) async fn see(&self, older_than: Duration) -> Result<Control, DbFailure> {
        let doing = "looking who writes";
        let mut connection = connect(&self.address, doing).await?;
        let seen = self.seen(&mut connection, older_than).await;
        connection.close().await.ok();
        seen.map_err(|error| failed(doing, &error))
    }

    async fn seen(
        &self,
        connection: &mut MySqlConnection,
        older_than: Duration,
    ) -> Result<Control, sqlx::Error> {
        let server = ask(&self.address, connection).await?;
        let kept = self.read_row(connection).await?;
        let unfenced = match &kept {
            Some(kept) => self.unfenced(connection, kept).await?,
            None => self.absent(connection).await?,
        };
        let ours = self.number.load(Ordering::Relaxed);
        Ok(Control {
            engine: server.engine,
            identity: server.identity,
            is_replica: server.is_replica,
            fence: kept.as_ref().map_or(Fence::Absent, Kept::fence),
            captured: kept.as_ref().and_then(|kept| kept.captured.clone()),
            state: kept.map(|kept| kept.state),
            unfenced,
            old_transactions: transactions(connection, &[ours], older_than).await?,
            clients: clients(connection, ours).await?,
            exceptions: self.exceptions(connection).await?,
        })
    }

    /// Counts what could not be applied: rows and tables of DMS, and a replica of the engine's own that has stopped for an
    /// error.
    async fn exceptions(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<Option<u64>, sqlx::Error> {
        let mut sum = None;
        for name in OF_DMS {
            let query = format!("SELECT COUNT(*) FROM {}", quote::table(&self.own(name)));
            if let Some(found) = unless_not_there(rows(connection, &query).await)? {
                let count: u64 = texts(found.first(), 0)?
                    .and_then(|count| count.parse().ok())
                    .unwrap_or_default();
                sum = Some(sum.unwrap_or(0_u64).saturating_add(count));
            }
        }
        let flavour = Flavour::of(connection).await?;
        let replicas = match rows(connection, flavour.replica_status()).await {
            // Without the right to see it, and where the statement has an older name, nothing is known.
            Err(sqlx::Error::Database(_)) => Vec::new(),
            found => found?,
        };
        for replica in replicas {
            let error: Option<String> = replica.try_get_unchecked("Last_SQL_Errno")?;
            let stopped = u64::from(error.is_some_and(|error| error != "0"));
            sum = Some(sum.unwrap_or(0).saturating_add(stopped));
        }
        Ok(sum)
    }
}

/// Who is connected to the server. Its own threads are not clients.
async fn clients(connection: &mut MySqlConnection, ours: u64) -> Result<Vec<Client>, sqlx::Error> {
    let query = format!(
        "SELECT USER, SUBSTRING_INDEX(HOST, ':', 1) AS host_only, COUNT(*) AS connections \
           FROM information_schema.PROCESSLIST \
          WHERE ID NOT IN (CONNECTION_ID(), {ours}) AND USER NOT IN ('system user', 'event_scheduler') \
          GROUP BY USER, host_only ORDER BY connections DESC, USER, host_only"
    );
    rows(connection, &query)
        .await?
        .iter()
        .map(|row| {
            Ok(Client {
                user: text(row, 0)?.unwrap_or_default(),
                host: text(row, 1)?.filter(|host| !host.is_empty()),
                connections: number(row, 2)?,
            })
        })
        .collect()
}
