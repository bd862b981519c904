//! How a table is kept.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::plan::{Layout, TablePlan};
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use super::columns::{Column, key_columns};
use super::{Mysql, quote};
use crate::failure::failed;

/// Sizes are those of all partitions together. The first column of the primary key says in which order `InnoDB` keeps
/// rows.
const TABLE: &str = "
    SELECT CAST(COALESCE(t.TABLE_ROWS, 0) AS UNSIGNED),
        CAST(COALESCE(t.DATA_LENGTH, 0) AS UNSIGNED),
        CAST(COALESCE(t.ENGINE, '') AS CHAR),
        (SELECT CAST(s.COLUMN_NAME AS CHAR) FROM information_schema.STATISTICS s
         WHERE s.TABLE_SCHEMA = t.TABLE_SCHEMA AND s.TABLE_NAME = t.TABLE_NAME
            AND s.INDEX_NAME = 'PRIMARY' AND s.SEQ_IN_INDEX = 1)
    FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = ? AND t.TABLE_NAME = ?";

impl Mysql {
    /// Sees how a table is kept. One with partitions is one piece: the server reads them in the order of the key.
    pub(super) async fn see_layout(&self, plan: &TablePlan) -> Result<Layout, DbFailure> {
        let name = plan.names.get(self.side);
        let doing = format!("seeing how {name} is kept");
        let mut connection = self.session(&doing).await?;
        let row = sqlx::query(TABLE)
            .bind(&name.schema)
            .bind(&name.name)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| failed(&doing, &error))?
            .ok_or_else(|| DbFailure {
                class: DbFailureClass::Missing,
                doing: doing.clone(),
                code: None,
                message: "there is no such table, or the user may not see it".to_owned(),
            })?;
        let read = || -> Result<_, sqlx::Error> {
            Ok((
                row.try_get::<u64, _>(0)?,
                row.try_get::<u64, _>(1)?,
                row.try_get::<String, _>(2)?,
                row.try_get::<Option<String>, _>(3)?,
            ))
        };
        let (estimated_rows, bytes, engine, first) =
            read().map_err(|error| failed(&doing, &error))?;

        let key = key_columns(plan, self.side).first().copied();
        let keys = ends(&mut connection, &quote::table(name), key)
            .await
            .map_err(|error| failed(&doing, &error))?;
        Ok(Layout {
            pieces: vec![(name.clone(), 0)],
            estimated_rows,
            bytes,
            keys,
            clustered: engine.eq_ignore_ascii_case("InnoDB")
                && key.is_some_and(|key| Some(key.name) == first.as_deref()),
            has_blocks: false,
        })
    }
}

/// Reads the smallest and largest key, where that is a whole number; `None` where it is not, or not within 64 bits with a
/// sign, or there are no rows.
async fn ends(
    connection: &mut MySqlConnection,
    table: &str,
    key: Option<Column<'_>>,
) -> Result<Option<(i64, i64)>, sqlx::Error> {
    let Some(key) = key.filter(|key| matches!(key.kind, Kind::Integer { .. })) else {
        return Ok(None);
    };
    let name = key.quoted();
    let sql = format!("SELECT CAST(MIN({name}) AS CHAR), CAST(MAX({name}) AS CHAR) FROM {table}");
    let row = sqlx::query(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await?;
    let end = |column: usize| -> Result<Option<i64>, sqlx::Error> {
        let text: Option<String> = row.try_get(column)?;
        Ok(text.and_then(|text| text.parse().ok()))
    };
    Ok(end(0)?.zip(end(1)?))
}
