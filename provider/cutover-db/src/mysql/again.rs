//! Rows read again by their keys, and all of them counted.

use std::collections::BTreeMap;

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::digest::{Key, KeyPart, RowPrint};
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::plan::{Form, Method, Strategy, TablePlan};
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::bind::{self, Bind, Part};
use super::columns::Column;
use super::read::{Read, Width, each};
use super::{Mysql, digest, quote};
use crate::canonical::whole_row_key;
use crate::failure::failed;

/// How many rows one statement names. Ours: the figure of data-migration 5.7, well below the 65,535 values that a prepared
/// statement takes.
const NAMED_AT_A_TIME: usize = 1_000;

impl Mysql {
    /// Reads rows by their keys. The keys that come back are those of the rows that were found: under a collation that
    /// ignores case, `ABC` is found by `abc`.
    pub(super) async fn read_again(
        &self,
        plan: &TablePlan,
        method: &Method,
        keys: &[Key],
    ) -> Result<Vec<RowPrint>, DbFailure> {
        let mut read = self.whole(plan, method, Width::Rows);
        let mut connection = self.session(&read.doing).await?;
        if read.key.is_empty() {
            return count_equal(&mut connection, &read, keys).await;
        }
        let mut found = BTreeMap::new();
        for some in keys.chunks(NAMED_AT_A_TIME) {
            read.rows = named(&read.key, some)?;
            each(&mut connection, &read, |printer| {
                found.insert(printer.key(), printer.columns());
            })
            .await
            .map_err(|error| read.failed(&error))?;
        }
        Ok(found
            .into_iter()
            .map(|(key, columns)| RowPrint { key, columns })
            .collect())
    }

    /// Counts the rows of a table.
    pub(super) async fn count_rows(&self, plan: &TablePlan) -> Result<u64, DbFailure> {
        let name = plan.names.get(self.side);
        let doing = format!("counting the rows of {name}");
        let sql = format!(
            "SELECT CAST(COUNT(*) AS UNSIGNED) FROM {}",
            quote::table(name)
        );
        let mut connection = self.session(&doing).await?;
        sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| failed(&doing, &error))
    }
}

/// Writes the condition for rows with these keys.
pub(super) fn named(columns: &[Column<'_>], keys: &[Key]) -> Result<Part, DbFailure> {
    let mut rows = Vec::new();
    for key in keys {
        rows.push(bind::key(columns, key)?);
        if let Some(other) = in_capitals(columns, key) {
            rows.push(bind::key(columns, &other)?);
        }
    }
    let names: Vec<String> = columns.iter().map(Column::quoted).collect();
    let places: Vec<String> = columns
        .iter()
        .map(|column| bind::placeholder(column.kind))
        .collect();
    let row = format!("({})", places.join(", "));
    let sql = format!(
        "({}) IN ({})",
        names.join(", "),
        vec![row.as_str(); rows.len()].join(", ")
    );
    Ok(if rows.is_empty() {
        Part::any([])
    } else {
        Part {
            sql,
            binds: rows.into_iter().flatten().collect::<Vec<Bind>>(),
        }
    })
}

/// Canonical UUIDs are in lower case. Where they are kept as text that heeds case, they may be in capitals.
fn in_capitals(columns: &[Column<'_>], key: &Key) -> Option<Key> {
    let is_capital = |column: &Column<'_>| {
        *column.form == Form::Uuid && matches!(column.kind, Kind::Text { .. })
    };
    if !columns.iter().any(is_capital) {
        return None;
    }
    let parts = columns.iter().zip(&key.0).map(|(column, part)| match part {
        KeyPart::Text(text) if is_capital(column) => KeyPart::Text(text.to_ascii_uppercase()),
        other => other.clone(),
    });
    Some(Key(parts.collect()))
}

/// Counts the rows of a table without a key that are equal to each of some, which are named by their prints.
async fn count_equal(
    connection: &mut MySqlConnection,
    read: &Read<'_>,
    keys: &[Key],
) -> Result<Vec<RowPrint>, DbFailure> {
    let mut counts: BTreeMap<&Key, u64> = keys.iter().map(|key| (key, 0)).collect();
    if read.method.strategy == Strategy::TextDigest {
        for (print, rows) in digest::counts(connection, read).await? {
            if let Some(count) = counts.get_mut(&whole_row_key(print)) {
                *count += rows;
            }
        }
    } else {
        each(connection, read, |printer| {
            if let Some(count) = counts.get_mut(&printer.key()) {
                *count += 1;
            }
        })
        .await
        .map_err(|error| read.failed(&error))?;
    }
    Ok(counts
        .into_iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(key, rows)| RowPrint {
            key: key.clone(),
            columns: vec![rows],
        })
        .collect())
}
