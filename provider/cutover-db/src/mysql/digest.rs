//! Rows that the server hashes itself, as text.

use cutover_core::validation::digest::{Bucket, Key, Mix, Tally};
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::plan::Chosen;
use futures_util::TryStreamExt as _;
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use super::bind;
use super::push::{self, Rows};
use super::read::Read;
use super::text;
use crate::canonical::{Printer, whole_row_key};

/// Keeps the server from putting the inner query into the outer one, which would hash each row once for every use of its
/// hash. As much as both engines understand as no limit.
const KEPT_APART: &str = "LIMIT 18446744073709551615";

/// MariaDB sorts groups otherwise.
const IN_ANY_ORDER: &str = "ORDER BY NULL";

/// 2^64.
const MODULUS: &str = "18446744073709551616";

/// Writes the statement that adds rows up by their buckets.
pub(super) fn tally_sql(read: &Read<'_>) -> Result<String, DbFailure> {
    let method = read.method;
    let hash = text::row_hash(&read.columns, method.seed)?;
    // A table without a key has its buckets by the row's own hash, which is there already.
    let (inner, bucket) = if read.key.is_empty() {
        let bucket = text::bucket(&method.buckets, &read.key, "h", method.seed)?;
        ("0".to_owned(), bucket)
    } else {
        let bucket = text::bucket(&method.buckets, &read.key, &hash, method.seed)?;
        (bucket, "b".to_owned())
    };
    let added = |which: usize| {
        let half = text::half("h", which);
        match method.mix {
            Mix::Xor => format!("BIT_XOR({half})"),
            // A sum of numbers without a sign is an exact decimal.
            Mix::Sum => format!("CAST(SUM({half}) MOD {MODULUS} AS UNSIGNED)"),
        }
    };
    Ok(format!(
        "SELECT CAST({bucket} AS UNSIGNED) AS number, CAST(COUNT(*) AS UNSIGNED), CAST(COUNT(h) AS UNSIGNED), {}, {} \
         FROM (SELECT {inner} AS b, {hash} AS h FROM {} WHERE {} {KEPT_APART}) hashed GROUP BY number {IN_ANY_ORDER}",
        added(0),
        added(1),
        read.table,
        read.rows.sql
    ))
}

/// Adds rows up by their buckets.
pub(super) async fn tally(
    connection: &mut MySqlConnection,
    read: &Read<'_>,
) -> Result<Tally, DbFailure> {
    let sql = tally_sql(read)?;
    let rows = sqlx::query_with(AssertSqlSafe(sql), bind::arguments(&read.rows.binds))
        .fetch_all(connection)
        .await
        .map_err(|error| read.failed(&error))?;
    let mut tally = Tally::default();
    for row in &rows {
        let (number, bucket, hashed) = bucket(row).map_err(|error| read.failed(&error))?;
        let number = number
            .filter(|_| hashed == bucket.rows)
            .ok_or_else(|| too_big(read))?;
        if read.method.reads(number) {
            tally.0.insert(number, bucket);
        }
    }
    Ok(tally)
}

/// Reads number, sums, and how many rows had a hash.
fn bucket(row: &MySqlRow) -> Result<(Option<u32>, Bucket, u64), sqlx::Error> {
    let number: Option<u64> = row.try_get(0)?;
    let half = |place: usize| -> Result<u64, sqlx::Error> {
        Ok(row.try_get::<Option<u64>, _>(place)?.unwrap_or_default())
    };
    let bucket = Bucket {
        rows: row.try_get(1)?,
        digest: [half(3)?, half(4)?],
    };
    let number = number.and_then(|number| u32::try_from(number).ok());
    Ok((number, bucket, row.try_get(2)?))
}

/// Reads keys and prints of the rows in some buckets.
pub(super) async fn prints(
    connection: &mut MySqlConnection,
    read: &Read<'_>,
    buckets: &Chosen,
) -> Result<Vec<(Key, u128)>, DbFailure> {
    let method = read.method;
    let hash = text::row_hash(&read.columns, method.seed)?;
    let bucket = text::bucket(&method.buckets, &read.key, &hash, method.seed)?;
    let mut selected: Vec<String> = read.key.iter().map(push::selected).collect();
    selected.push(format!("CAST({bucket} AS UNSIGNED)"));
    selected.push(hash);
    let sql = format!(
        "SELECT {} FROM {} WHERE {}",
        selected.join(", "),
        read.table,
        read.rows.sql
    );
    let mut rows =
        sqlx::query_with(AssertSqlSafe(sql), bind::arguments(&read.rows.binds)).fetch(connection);
    let mut keys = Rows::of(&read.key);
    let mut printer = Printer::of_keys(read.plan, method.seed);
    let mut prints = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(|error| read.failed(&error))? {
        let (number, print) =
            numbered(&row, read.key.len()).map_err(|error| read.failed(&error))?;
        let (Some(number), Some(print)) = (number, print) else {
            return Err(too_big(read));
        };
        if !buckets.contains(&number) || !method.reads(number) {
            continue;
        }
        let key = if read.key.is_empty() {
            whole_row_key(print)
        } else {
            keys.push(&row, &mut printer)
                .map_err(|error| read.failed(&error))?;
            printer.key()
        };
        prints.push((key, print));
    }
    Ok(prints)
}

/// Counts the rows of a table without a key by their prints.
pub(super) async fn counts(
    connection: &mut MySqlConnection,
    read: &Read<'_>,
) -> Result<Vec<(u128, u64)>, DbFailure> {
    let hash = text::row_hash(&read.columns, read.method.seed)?;
    let sql = format!(
        "SELECT CAST(COUNT(*) AS UNSIGNED), h FROM (SELECT {hash} AS h FROM {} WHERE {} {KEPT_APART}) hashed GROUP BY h {IN_ANY_ORDER}",
        read.table, read.rows.sql
    );
    let mut rows =
        sqlx::query_with(AssertSqlSafe(sql), bind::arguments(&read.rows.binds)).fetch(connection);
    let mut counts = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(|error| read.failed(&error))? {
        let count: u64 = row.try_get(0).map_err(|error| read.failed(&error))?;
        let (_, print) = numbered(&row, 0).map_err(|error| read.failed(&error))?;
        counts.push((print.ok_or_else(|| too_big(read))?, count));
    }
    Ok(counts)
}

/// Reads the number at a place, and the print of the hash after it: its first sixteen bytes.
fn numbered(row: &MySqlRow, place: usize) -> Result<(Option<u32>, Option<u128>), sqlx::Error> {
    let number: Option<u64> = row.try_get(place)?;
    let hash: Option<String> = row.try_get(place + 1)?;
    let print = hash.as_deref().and_then(|hash| hash.get(..32));
    Ok((
        number.and_then(|number| u32::try_from(number).ok()),
        print.and_then(|digits| u128::from_str_radix(digits, 16).ok()),
    ))
}

fn too_big(read: &Read<'_>) -> DbFailure {
    DbFailure {
        class: DbFailureClass::TooBig,
        doing: read.doing.clone(),
        code: None,
        message: "the text of a row is larger than `max_allowed_packet`, so that it has no hash; \
                  compare this table with the strategy `stream`"
            .to_owned(),
    }
}
