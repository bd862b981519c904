//! Markers, and a write on trial.

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::Side;
use sqlx::{AssertSqlSafe, Row};

use super::session::Session;
use super::{PostgresControl, failure};

/// What the fence raises, and what a server raises that only reads: `read_only_sql_transaction`.
const READ_ONLY: &str = "25006";

impl PostgresControl {
    pub(super) async fn write_marker(&self, number: u64) -> Result<(), DbFailure> {
        let mut session = self.sessions.any("writing a marker").await?;
        let sql = format!(
            "INSERT INTO {} (id) VALUES ($1) ON CONFLICT DO NOTHING",
            self.ours(leaving(self.side))
        );
        let done = match bigint(&session, number) {
            Ok(number) => {
                session
                    .change(sqlx::query(AssertSqlSafe(sql)).bind(number))
                    .await
            }
            Err(failed) => Err(failed),
        };
        session.finish(done.map(drop)).await
    }

    pub(super) async fn see_marker(&self, number: u64) -> Result<bool, DbFailure> {
        let mut session = self.sessions.any("looking for a marker").await?;
        let sql = format!(
            "SELECT EXISTS (SELECT FROM {} WHERE id = $1)",
            self.ours(leaving(self.side.other()))
        );
        let done = is_there(&mut session, sql, number).await;
        session.finish(done).await
    }

    pub(super) async fn try_write(&self) -> Result<bool, DbFailure> {
        let mut session = self.sessions.any("trying a write").await?;
        let sql = format!(
            "BEGIN; INSERT INTO {} DEFAULT VALUES; ROLLBACK",
            self.ours("probe")
        );
        let done = match session.run(&sql).await {
            Ok(()) => Ok(true),
            Err(refused) if refused.code.as_deref() == Some(READ_ONLY) => {
                session.run("ROLLBACK").await.map(|()| false)
            }
            Err(failed) => Err(failed),
        };
        session.finish(done).await
    }
}

async fn is_there(session: &mut Session<'_>, sql: String, number: u64) -> Result<bool, DbFailure> {
    let number = bigint(session, number)?;
    let row = session
        .one(sqlx::query(AssertSqlSafe(sql)).bind(number))
        .await?;
    session.read(&row, |row| row.try_get(0))
}

/// The table of markers that are replicated away from a side.
fn leaving(side: Side) -> &'static str {
    match side {
        Side::Source => "marker_forward",
        Side::Target => "marker_reverse",
    }
}

fn bigint(session: &Session<'_>, number: u64) -> Result<i64, DbFailure> {
    i64::try_from(number).map_err(|_| {
        failure(
            DbFailureClass::Other,
            session.doing,
            format!("the number {number} of the marker is beyond the range of bigint"),
        )
    })
}
