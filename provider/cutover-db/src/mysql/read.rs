//! Rows of a piece of a table: added up, or as prints.
//!
//! With `Stream` rows come to us in the binary protocol and are hashed here, one at a time; with `TextDigest` the server
//! hashes them, and only sums come.

use std::collections::BTreeSet;

use cutover_core::validation::digest::{Bucket, Key, Tally};
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::plan::{Chosen, KeyPlan, Method, Span, Strategy, TablePlan};
use cutover_driver::{Piece, Printed, Tallied};
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::bind::{self, Part};
use super::cancel::Session;
use super::columns::{Column, columns, key_columns};
use super::push::{self, Rows};
use super::{Mysql, digest, quote, spans};
use crate::canonical::Printer;
use crate::failure::failed;

/// The columns of a table in a character set whose bytes are UTF-8. Both engines call one of them by two names.
const COLUMNS_IN_UTF8: &str = "
    SELECT CAST(COLUMN_NAME AS CHAR) FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND CHARACTER_SET_NAME IN ('utf8mb4', 'utf8mb3', 'utf8', 'ascii')";

/// What is read of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// All columns of the plan.
    Rows,
    /// The key's columns alone.
    Keys,
}

/// A read of some columns of a table.
pub(super) struct Read<'a> {
    pub(super) plan: &'a TablePlan,
    pub(super) method: &'a Method,
    /// What is hashed of each row.
    pub(super) columns: Vec<Column<'a>>,
    /// The columns of the key; none where the whole row is the key.
    pub(super) key: Vec<Column<'a>>,
    /// The table, quoted.
    pub(super) table: String,
    /// Which rows.
    pub(super) rows: Part,
    /// For failures.
    pub(super) doing: String,
}

impl Read<'_> {
    pub(super) fn failed(&self, error: &sqlx::Error) -> DbFailure {
        failed(&self.doing, error)
    }

    /// Makes the printer that knows what is hashed of each row.
    fn printer(&self) -> Printer {
        if self.columns.len() == self.plan.columns.len() {
            Printer::of_rows(self.plan, self.method.seed)
        } else {
            Printer::of_keys(self.plan, self.method.seed)
        }
    }

    pub(super) fn select(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(push::selected).collect();
        format!(
            "SELECT {} FROM {} WHERE {}",
            names.join(", "),
            self.table,
            self.rows.sql
        )
    }
}

impl Mysql {
    /// Adds up the rows, or the keys alone, of a piece by their buckets.
    pub(super) async fn add_up(
        &self,
        plan: &TablePlan,
        method: &Method,
        piece: Piece<'_>,
        width: Width,
    ) -> Result<Tallied, DbFailure> {
        let (mut connection, read, last) = self.begin(plan, method, piece.span, width).await?;
        let tally = match method.strategy {
            Strategy::Stream => tally(&mut connection, &read)
                .await
                .map_err(|error| read.failed(&error))?,
            Strategy::TextDigest => digest::tally(&mut connection, &read).await?,
            Strategy::RecordHash => return Err(unsupported(&read.doing)),
        };
        Ok(Tallied { tally, last })
    }

    /// Reads keys and prints of the rows of a piece that are in some buckets.
    pub(super) async fn read_prints(
        &self,
        plan: &TablePlan,
        method: &Method,
        piece: Piece<'_>,
        buckets: &Chosen,
    ) -> Result<Printed, DbFailure> {
        let (mut connection, mut read, last) =
            self.begin(plan, method, piece.span, Width::Rows).await?;
        if let Some(narrower) = spans::of_buckets(plan, self.side, &method.buckets, buckets) {
            read.rows = Part::all([read.rows, narrower]);
        }
        let rows = match method.strategy {
            Strategy::Stream => prints(&mut connection, &read, buckets)
                .await
                .map_err(|error| read.failed(&error))?,
            Strategy::TextDigest => digest::prints(&mut connection, &read, buckets).await?,
            Strategy::RecordHash => return Err(unsupported(&read.doing)),
        };
        Ok(Printed { rows, last })
    }

    /// Takes a connection, and finds out where the piece ends.
    async fn begin<'a>(
        &self,
        plan: &'a TablePlan,
        method: &'a Method,
        span: &Span,
        width: Width,
    ) -> Result<(Session, Read<'a>, Option<Key>), DbFailure> {
        let mut read = self.whole(plan, method, width);
        read.rows = spans::condition(plan, self.side, span)?;
        let mut connection = self.session(&read.doing).await?;
        if method.strategy == Strategy::TextDigest {
            let known = self.columns_in_utf8(&mut connection, plan).await;
            let known = known.map_err(|error| read.failed(&error))?;
            for column in read.columns.iter_mut().chain(&mut read.key) {
                column.is_utf8 = known.contains(column.name);
            }
        }
        let last = match span {
            Span::After { rows, .. } => end_of(&mut connection, &read, *rows).await?,
            _ => None,
        };
        if let Some(last) = &last {
            let end = spans::up_to(&read.key, &bind::key(&read.key, last)?);
            read.rows = Part::all([read.rows, end]);
        }
        Ok((connection, read, last))
    }

    /// Lists the columns of a table whose text is UTF-8 as it is kept. To convert the others costs as much as their hash.
    async fn columns_in_utf8(
        &self,
        connection: &mut MySqlConnection,
        plan: &TablePlan,
    ) -> Result<BTreeSet<String>, sqlx::Error> {
        let name = plan.names.get(self.side);
        let names: Vec<String> = sqlx::query_scalar(COLUMNS_IN_UTF8)
            .bind(&name.schema)
            .bind(&name.name)
            .fetch_all(connection)
            .await?;
        Ok(names.into_iter().collect())
    }

    /// Makes a read of the whole table.
    pub(super) fn whole<'a>(
        &self,
        plan: &'a TablePlan,
        method: &'a Method,
        width: Width,
    ) -> Read<'a> {
        let key = key_columns(plan, self.side);
        let columns = match (width, &plan.key) {
            (Width::Keys, KeyPlan::Columns(_)) => key.clone(),
            _ => columns(plan, self.side),
        };
        let name = plan.names.get(self.side);
        Read {
            plan,
            method,
            columns,
            key,
            table: quote::table(name),
            rows: Part::all([]),
            doing: format!("reading {name}"),
        }
    }
}

/// Finds the key of the last of so many rows; `None` where there are fewer. Found before they are read, so that the piece
/// is a range of keys, and rows that come meanwhile are in this piece or in the next and never in both.
async fn end_of(
    connection: &mut MySqlConnection,
    read: &Read<'_>,
    rows: u32,
) -> Result<Option<Key>, DbFailure> {
    if read.key.is_empty() {
        return Err(DbFailure {
            class: DbFailureClass::Unsupported,
            doing: read.doing.clone(),
            code: None,
            message: "rows without a key have no order".to_owned(),
        });
    }
    let exact: Vec<String> = read.key.iter().map(push::exact).collect();
    let order: Vec<String> = read.key.iter().map(Column::quoted).collect();
    let sql = format!(
        "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT 1 OFFSET {}",
        exact.join(", "),
        read.table,
        read.rows.sql,
        order.join(", "),
        rows.saturating_sub(1)
    );
    let row = sqlx::query_with(AssertSqlSafe(sql), bind::arguments(&read.rows.binds))
        .fetch_optional(connection)
        .await
        .map_err(|error| read.failed(&error))?;
    let Some(row) = row else { return Ok(None) };
    let parts = read
        .key
        .iter()
        .enumerate()
        .map(|(place, column)| push::exact_part(&row, place, column))
        .collect::<Result<Option<Vec<_>>, sqlx::Error>>()
        .map_err(|error| read.failed(&error))?;
    match parts {
        Some(parts) => Ok(Some(Key(parts))),
        None => Err(DbFailure {
            class: DbFailureClass::Other,
            doing: read.doing.clone(),
            code: None,
            message: "a column of the key is null".to_owned(),
        }),
    }
}

/// Reads rows, and shows each to `see` once the printer has it.
pub(super) async fn each(
    connection: &mut MySqlConnection,
    read: &Read<'_>,
    mut see: impl FnMut(&mut Printer),
) -> Result<(), sqlx::Error> {
    let mut printer = read.printer();
    let mut rows = Rows::of(&read.columns);
    let arguments = bind::arguments(&read.rows.binds);
    let mut stream = sqlx::query_with(AssertSqlSafe(read.select()), arguments).fetch(connection);
    while let Some(row) = stream.try_next().await? {
        rows.push(&row, &mut printer)?;
        see(&mut printer);
    }
    Ok(())
}

async fn tally(connection: &mut MySqlConnection, read: &Read<'_>) -> Result<Tally, sqlx::Error> {
    let method = read.method;
    let mut tally = Tally::default();
    // Rows come in the order of the key, so that with ranges the bucket is nearly always that of the row before.
    let mut current: Option<(u32, Bucket)> = None;
    each(connection, read, |printer| {
        let number = printer.bucket(&method.buckets);
        if !method.reads(number) {
            return;
        }
        if current.is_none_or(|(before, _)| before != number)
            && let Some((before, bucket)) = current.take()
        {
            tally.0.entry(before).or_default().add(&bucket, method.mix);
        }
        let (_, bucket) = current.get_or_insert((number, Bucket::default()));
        printer.add_to(bucket, method.mix);
    })
    .await?;
    if let Some((number, bucket)) = current {
        tally.0.entry(number).or_default().add(&bucket, method.mix);
    }
    Ok(tally)
}

async fn prints(
    connection: &mut MySqlConnection,
    read: &Read<'_>,
    buckets: &Chosen,
) -> Result<Vec<(Key, u128)>, sqlx::Error> {
    let mut prints = Vec::new();
    each(connection, read, |printer| {
        let number = printer.bucket(&read.method.buckets);
        if buckets.contains(&number) && read.method.reads(number) {
            prints.push((printer.key(), printer.print()));
        }
    })
    .await?;
    Ok(prints)
}

fn unsupported(doing: &str) -> DbFailure {
    DbFailure {
        class: DbFailureClass::Unsupported,
        doing: doing.to_owned(),
        code: None,
        message: "only PostgreSQL hashes records by itself".to_owned(),
    }
}
