//! How busy a server is, how far its log is, and what a replica has had of it.

use std::time::Duration;

use cutover_core::validation::catalog::TableName;
use cutover_core::validation::facts::{DbFailure, DbFailureClass, Load, Position};
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, Row};

use super::flavour::Flavour;
use super::{Mysql, quote};
use crate::failure::failed;

/// How many threads of the server are at work. The value is text.
const THREADS: &str = "SHOW GLOBAL STATUS LIKE 'Threads\\_running'";

impl Mysql {
    /// Sees what the server is busy with. Those of our connections that are in use count as ours, this one among them.
    pub(super) async fn see_load(&self) -> Result<Load, DbFailure> {
        let doing = "seeing what the server is busy with";
        let mut connection = self.session(doing).await?;
        let row = sqlx::query(THREADS)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| failed(doing, &error))?;
        let running: String = row.try_get(1).map_err(|error| failed(doing, &error))?;
        let ours = usize::try_from(self.pool.size())
            .unwrap_or(usize::MAX)
            .saturating_sub(self.pool.num_idle());
        let others = running
            .parse::<usize>()
            .unwrap_or_default()
            .saturating_sub(ours);
        Ok(Load {
            active_sessions: u32::try_from(others).unwrap_or(u32::MAX),
            lag: lag(&mut connection)
                .await
                .map_err(|error| failed(doing, &error))?,
        })
    }

    /// Notes how far the server is.
    pub(super) async fn note_position(
        &self,
        marker: Option<&TableName>,
    ) -> Result<Position, DbFailure> {
        let Some(marker) = marker else {
            return self.logged().await;
        };
        let doing = format!("writing a marker to {marker}");
        let mut connection = self.session(&doing).await?;
        write_marker(&mut connection, marker)
            .await
            .map(Position::Marker)
            .map_err(|error| failed(&doing, &error))
    }

    async fn logged(&self) -> Result<Position, DbFailure> {
        let doing = "reading how far the log is";
        let mut connection = self.session(doing).await?;
        let read = async {
            let flavour = Flavour::of(&mut connection).await?;
            sqlx::query_scalar::<_, String>(flavour.position())
                .fetch_one(&mut *connection)
                .await
        };
        let position = read.await.map_err(|error| failed(doing, &error))?;
        if position.is_empty() {
            return Err(DbFailure {
                class: DbFailureClass::Unsupported,
                doing: doing.to_owned(),
                code: None,
                message: "the server numbers no transactions: its binary log, or its GTIDs, are switched off"
                    .to_owned(),
            });
        }
        // MySQL breaks long sets into lines.
        Ok(Position::Gtid(position.replace(['\n', ' '], "")))
    }

    /// Tells whether everything up to a position of the source is here.
    pub(super) async fn see_passed(
        &self,
        position: &Position,
        marker: Option<&TableName>,
    ) -> Result<bool, DbFailure> {
        let doing = "seeing what has been replicated";
        let mut connection = self.session(doing).await?;
        let seen = match (position, marker) {
            (Position::Gtid(transactions), _) => has_applied(&mut connection, transactions).await,
            (Position::Marker(number), Some(marker)) => last_marker(&mut connection, marker)
                .await
                .map(|last| last >= *number),
            (Position::Marker(_) | Position::Lsn(_), _) => {
                return Err(DbFailure {
                    class: DbFailureClass::Unsupported,
                    doing: doing.to_owned(),
                    code: None,
                    message: format!("{position:?} is no position that this server could have had"),
                });
            }
        };
        seen.map_err(|error| failed(doing, &error))
    }
}

/// Reads how far a replica is behind, the largest of several sources; `None` for what is no replica, or does not know, or
/// does not let the user see it.
async fn lag(connection: &mut MySqlConnection) -> Result<Option<Duration>, sqlx::Error> {
    let flavour = Flavour::of(connection).await?;
    // In the text protocol, since not every version can prepare this statement.
    let rows = sqlx::raw_sql(flavour.replica_status())
        .fetch(connection)
        .try_collect::<Vec<_>>();
    match rows.await {
        Ok(rows) => Ok(rows
            .iter()
            .filter_map(|row| flavour.lag(row))
            .max()
            .map(Duration::from_secs)),
        // Without the right to see it, and where the statement has an older name.
        Err(sqlx::Error::Database(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn has_applied(
    connection: &mut MySqlConnection,
    transactions: &str,
) -> Result<bool, sqlx::Error> {
    let flavour = Flavour::of(connection).await?;
    let applied: Option<i64> = sqlx::query_scalar(flavour.has_passed())
        .bind(transactions)
        .fetch_one(connection)
        .await?;
    Ok(applied == Some(1))
}

/// Writes the next marker: one more than the last. Two that write at a time would write the same number, and the key lets
/// one of them fail.
async fn write_marker(
    connection: &mut MySqlConnection,
    marker: &TableName,
) -> Result<u64, sqlx::Error> {
    let table = quote::table(marker);
    // Sessions can only read unless a transaction says otherwise.
    let mut writing = connection
        .begin_with("START TRANSACTION READ WRITE")
        .await?;
    let next = last_marker(&mut writing, marker).await?.saturating_add(1);
    sqlx::query(AssertSqlSafe(format!(
        "INSERT INTO {table} (id) VALUES (?)"
    )))
    .bind(next)
    .execute(&mut *writing)
    .await?;
    writing.commit().await?;
    Ok(next)
}

async fn last_marker(
    connection: &mut MySqlConnection,
    marker: &TableName,
) -> Result<u64, sqlx::Error> {
    let table = quote::table(marker);
    let sql = format!("SELECT CAST(COALESCE(MAX(id), 0) AS UNSIGNED) FROM {table}");
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
}
