//! Applying transactions on the target, and remembering how far they went.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cutover_sim::cloud::Job;
use sqlx::{Connection as _, MySqlConnection};

use super::events::{Position, Transaction};
use super::{connect, run};
use crate::problem::Problem;
use crate::tables::{Table, number};

/// The database of positions.
const DATABASE: &str = "cutover_local_dms";

/// A session that applies.
#[derive(Debug)]
pub(super) struct Target {
    connection: MySqlConnection,
    positions: String,
    format: Arc<Vec<u8>>,
    server: Option<u32>,
}

/// Why a transaction was not applied, and the table that it was about, if it is known.
pub(super) type Refusal = (Option<Table>, Problem);

impl Target {
    /// Connects, and makes the place where the position is kept.
    pub(super) async fn open(job: &Job) -> Result<Self, Problem> {
        let mut connection = connect(&job.target).await?;
        let positions = positions(job);
        let script = format!(
            "CREATE DATABASE IF NOT EXISTS {DATABASE}; CREATE TABLE IF NOT EXISTS {positions} \
             (one INT PRIMARY KEY, file VARCHAR(255) NOT NULL, byte_offset INT UNSIGNED NOT NULL) ENGINE = InnoDB"
        );
        run(&mut connection, "making the table of positions", &script).await?;
        Ok(Self {
            connection,
            positions,
            format: Arc::default(),
            server: None,
        })
    }

    /// Reads how far the job was applied; `None` before its rows were loaded.
    pub(super) async fn position(&mut self) -> Result<Option<Position>, Problem> {
        let query = format!("SELECT file, byte_offset FROM {}", self.positions);
        let found: Option<(String, u32)> = sqlx::query_as(sqlx::AssertSqlSafe(query))
            .fetch_optional(&mut self.connection)
            .await
            .map_err(|error| Problem::sql("reading the position", &error))?;
        Ok(found.map(|(file, offset)| Position { file, offset }))
    }

    /// Sets from where on is to be applied.
    pub(super) async fn set_position(&mut self, to: &Position) -> Result<(), Problem> {
        let script = self.setting(to);
        run(&mut self.connection, "writing the position", &script).await
    }

    /// Forgets from where on is to be applied, as rows are about to be loaded.
    pub(super) async fn clear_position(&mut self) -> Result<(), Problem> {
        let script = format!("DELETE FROM {}", self.positions);
        run(&mut self.connection, "writing the position", &script).await
    }

    /// Finds out whether the session is still there.
    pub(super) async fn ping(&mut self) -> Result<(), Problem> {
        let pinged = self.connection.ping().await;
        pinged.map_err(|error| Problem::sql("asking the target whether it is there", &error))
    }

    /// Reads the number of the target server.
    pub(super) async fn server_number(&mut self) -> Result<u32, Problem> {
        sqlx::query_scalar("SELECT CAST(@@GLOBAL.server_id AS UNSIGNED)")
            .fetch_one(&mut self.connection)
            .await
            .map(|number: u64| u32::try_from(number).unwrap_or_default())
            .map_err(|error| Problem::sql("reading the number of the server", &error))
    }

    /// Applies a transaction, with its position. After a connection was lost all of it may count, or nothing: the position tells.
    pub(super) async fn apply(&mut self, transaction: &Transaction) -> Result<(), Refusal> {
        if transaction.changes.is_empty() {
            return self
                .set_position(&transaction.end)
                .await
                .map_err(|problem| (None, problem));
        }
        self.begin(transaction)
            .await
            .map_err(|problem| (None, problem))?;
        for change in &transaction.changes {
            let doing = format!("applying changes of {}", change.table);
            let script = binlog(&change.events);
            if let Err(problem) = run(&mut self.connection, &doing, &script).await {
                // The session may be gone, and the transaction with it.
                let _ = run(&mut self.connection, "rolling back", "ROLLBACK").await;
                return Err((Some(change.table.clone()), problem));
            }
        }
        let commit = format!("{}; COMMIT", self.setting(&transaction.end));
        run(&mut self.connection, "committing changes", &commit)
            .await
            .map_err(|problem| (None, problem))
    }

    async fn begin(&mut self, transaction: &Transaction) -> Result<(), Problem> {
        let connection = &mut self.connection;
        if self.server != Some(transaction.server) {
            let script = format!("SET SESSION server_id = {}", transaction.server);
            run(
                connection,
                "naming the server that changes are from",
                &script,
            )
            .await?;
            self.server = Some(transaction.server);
        }
        if self.format != transaction.format {
            let script = binlog(&transaction.format);
            run(connection, "telling the format of the log", &script).await?;
            self.format = transaction.format.clone();
        }
        run(connection, "beginning a transaction", "START TRANSACTION").await
    }

    fn setting(&self, to: &Position) -> String {
        format!(
            "REPLACE INTO {} VALUES (1, '{}', {})",
            self.positions,
            to.file.replace('\'', "''"),
            to.offset
        )
    }
}

/// Removes the position of a job, and the database of positions with the last one.
pub(super) async fn forget(job: &Job) -> Result<(), Problem> {
    let doing = "removing the position";
    let mut connection = connect(&job.target).await?;
    let script = format!(
        "CREATE DATABASE IF NOT EXISTS {DATABASE}; DROP TABLE IF EXISTS {}",
        positions(job)
    );
    run(&mut connection, doing, &script).await?;
    let left: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ?")
            .bind(DATABASE)
            .fetch_one(&mut connection)
            .await
            .map_err(|error| Problem::sql(doing, &error))?;
    if left == 0 {
        let script = format!("DROP DATABASE IF EXISTS {DATABASE}");
        run(&mut connection, doing, &script).await?;
    }
    Ok(())
}

fn positions(job: &Job) -> String {
    format!("{DATABASE}.position_{:016x}", number(&job.task_arn))
}

/// The statement that applies events.
fn binlog(events: &[u8]) -> String {
    format!("BINLOG '{}'", STANDARD.encode(events))
}
