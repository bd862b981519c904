//! Loading the rows that are there.

use futures_util::StreamExt as _;
use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, MySql, MySqlConnection, Row as _};
use tokio::sync::watch;

use super::events::Position;
use super::run;
use crate::problem::Problem;
use crate::progress::{Shared, Stage};
use crate::tables::{Table, quoted};

/// How many values one statement may have: the limit of the protocol is 65,535.
const VALUES_MAX: usize = 60_000;

/// How many rows one statement inserts at most: ours.
const ROWS_MAX: usize = 500;

/// How many bytes of values one statement carries, the last row apart: ours, far below `max_allowed_packet`.
const BYTES_MAX: usize = 1 << 20;

/// Types whose values are bytes. All others travel as text.
const BINARY: &[&str] = &[
    "binary",
    "varbinary",
    "tinyblob",
    "blob",
    "mediumblob",
    "longblob",
    "bit",
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
];

/// A column that is loaded.
#[derive(Debug)]
struct Column {
    name: String,
    /// As it is read: a `FLOAT` would be rounded for people.
    read: String,
    binary: bool,
}

/// A value on its way. It has no `Debug`, so that it shows up nowhere.
enum Value {
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.as_ref().map_or(0, String::len),
            Self::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
        }
    }
}

/// Begins a transaction that sees the source as it was at the position that it returns.
pub(super) async fn snapshot(source: &mut MySqlConnection) -> Result<Position, Problem> {
    let doing = "taking a snapshot of the source";
    let script = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
                  START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    run(source, doing, script).await?;
    let told: Vec<(String, String)> = sqlx::query_as("SHOW STATUS LIKE 'binlog_snapshot_%'")
        .fetch_all(source)
        .await
        .map_err(|error| Problem::sql(doing, &error))?;
    let value = |name: &str| {
        let found = told
            .iter()
            .find(|(told, _)| told.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    };
    let (file, offset) = (
        value("Binlog_snapshot_file"),
        value("Binlog_snapshot_position"),
    );
    if file.is_empty() {
        return Err(Problem::lasting(
            "the source keeps no binary log: start it with `log_bin`",
        ));
    }
    Position::read(&format!("{file}:{offset}"))
}

/// Empties tables of the target, whatever refers to them.
pub(super) async fn empty(target: &mut MySqlConnection, tables: &[Table]) -> Result<(), Problem> {
    for table in tables {
        let script = format!("TRUNCATE TABLE {}", table.in_mariadb());
        run(target, &format!("emptying {table} of the target"), &script).await?;
    }
    Ok(())
}

/// Sets up a session that loads: rows come in any order, and zeros and dates as they are.
pub(super) async fn prepare(target: &mut MySqlConnection) -> Result<(), Problem> {
    let script = "SET SESSION foreign_key_checks = 0, SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'";
    run(target, "setting up a session", script).await
}

/// Loads one table; returns whether it was done, and not stopped.
pub(super) async fn copy(
    source: &mut MySqlConnection,
    target: &mut MySqlConnection,
    table: &Table,
    shared: &Shared,
    stop: &watch::Receiver<bool>,
) -> Result<bool, Problem> {
    shared.set_stage(table, Stage::Loading);
    let columns = columns(source, table).await?;
    let read: Vec<&str> = columns.iter().map(|column| column.read.as_str()).collect();
    let select = format!("SELECT {} FROM {}", read.join(", "), table.in_mariadb());
    let doing = format!("loading {table}");
    let rows_max = (VALUES_MAX / columns.len().max(1)).clamp(1, ROWS_MAX);

    let mut rows = sqlx::raw_sql(AssertSqlSafe(select)).fetch(source);
    let (mut values, mut bytes, mut loaded) = (Vec::new(), 0, 0_u64);
    while let Some(row) = rows.next().await {
        let row = row.map_err(|error| Problem::sql(&doing, &error))?;
        for (at, column) in columns.iter().enumerate() {
            let value = value(&row, at, column).map_err(|error| Problem::sql(&doing, &error))?;
            bytes += value.len();
            values.push(value);
        }
        if values.len() >= rows_max * columns.len() || bytes >= BYTES_MAX {
            loaded += insert(target, table, &columns, std::mem::take(&mut values)).await?;
            bytes = 0;
            shared.set_rows(table, loaded);
            if *stop.borrow() {
                return Ok(false);
            }
        }
    }
    if !values.is_empty() {
        loaded += insert(target, table, &columns, values).await?;
    }
    shared.set_rows(table, loaded);
    shared.set_stage(table, Stage::Completed);
    Ok(true)
}

/// The columns of a table, those apart that the server works out by itself.
async fn columns(source: &mut MySqlConnection, table: &Table) -> Result<Vec<Column>, Problem> {
    let found: Vec<(String, String)> = sqlx::query_as(
        "SELECT column_name, data_type FROM information_schema.columns \
         WHERE table_schema = ? AND table_name = ? AND COALESCE(generation_expression, '') = '' \
         ORDER BY ordinal_position",
    )
    .bind(&table.schema)
    .bind(&table.name)
    .fetch_all(source)
    .await
    .map_err(|error| Problem::sql("reading the catalogue", &error))?;
    let column = |(name, kind): (String, String)| {
        let name = quoted(&name, '`');
        Column {
            read: match kind.as_str() {
                "float" => format!("CAST({name} AS DOUBLE)"),
                _ => name.clone(),
            },
            name,
            binary: BINARY.contains(&kind.as_str()),
        }
    };
    Ok(found.into_iter().map(column).collect())
}

fn value(row: &MySqlRow, at: usize, column: &Column) -> Result<Value, sqlx::Error> {
    Ok(if column.binary {
        Value::Bytes(row.try_get_unchecked(at)?)
    } else {
        Value::Text(row.try_get_unchecked(at)?)
    })
}

/// Inserts rows, whose values stand one after the other; returns how many.
async fn insert(
    target: &mut MySqlConnection,
    table: &Table,
    columns: &[Column],
    values: Vec<Value>,
) -> Result<u64, Problem> {
    let rows = values.len() / columns.len();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    let statement = format!(
        "INSERT INTO {} ({}) VALUES {}",
        table.in_mariadb(),
        names.join(", "),
        vec![row; rows].join(", ")
    );
    let query: Query<'_, MySql, MySqlArguments> =
        sqlx::query(AssertSqlSafe(statement)).persistent(false);
    let bound = values.into_iter().fold(query, |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
    });
    bound
        .execute(target)
        .await
        .map_err(|error| Problem::sql(&format!("loading {table}"), &error))?;
    Ok(u64::try_from(rows).unwrap_or(u64::MAX))
}
