//! How a table is kept.

use cutover_core::validation::catalog::{Kind, TableName};
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::plan::{Form, Layout, TablePlan};

use super::part::Columns;
use super::quote;
use super::reading::Reading;
use super::session::Postgres;
use super::sql::column::Own;

/// From this correlation of heap order and key order on, ranges of the key read few blocks twice (data-migration 5.1).
const CLUSTERED: f32 = 0.9;

/// From this version on, ranges of `ctid` are read without a look at the rest (release notes of PostgreSQL 14).
const HAS_BLOCKS: i32 = 140_000;

/// The tables that hold rows, of a table or of those that inherit from it, partitions or not.
const PIECES: &str = "WITH RECURSIVE tree AS (\
    SELECT $1::regclass::oid AS id \
    UNION ALL SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree t ON i.inhparent = t.id) \
 SELECT n.nspname::text, c.relname::text, pg_relation_size(c.oid), \
    pg_relation_size(c.oid) / current_setting('block_size')::bigint, \
    greatest(c.reltuples, 0)::bigint, c.relkind::text = 'r' AND coalesce(a.amname = 'heap', true), \
    s.correlation, current_setting('server_version_num')::int \
 FROM (SELECT DISTINCT id FROM tree) t JOIN pg_catalog.pg_class c ON c.oid = t.id \
 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
 LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam \
 LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname \
    AND s.attname = $2 AND NOT s.inherited \
 WHERE c.relkind IN ('r', 'f', 'm') ORDER BY 1, 2";

/// A table that holds rows.
struct Held {
    name: TableName,
    bytes: u64,
    blocks: u32,
    rows: u64,
    is_heap: bool,
    is_clustered: bool,
}

impl Postgres {
    /// Sees how a table is kept.
    pub(super) async fn lay(&self, plan: &TablePlan) -> Result<Layout, DbFailure> {
        let table = plan.names.get(self.side);
        let columns = Columns::of(plan, self.side);
        let mut reading = Reading::now(self, format!("seeing how {table} is kept")).await?;
        let first = columns.key.first().copied();
        let first_name = first.map_or("", |first| first.plan.names.get(self.side));
        let sql = PIECES
            .replace("$1", &quote::text(&quote::table(table)))
            .replace("$2", &quote::text(first_name));
        let mut held = Vec::new();
        let mut version = 0;
        for row in reading.all(&sql).await? {
            version = reading.get(&row, 7)?;
            held.push(read(&reading, &row)?);
        }
        let keys = match first {
            Some(first) if is_whole(first) => ends(&mut reading, table, first).await?,
            _ => None,
        };
        reading.finish().await?;
        Ok(Layout {
            estimated_rows: held.iter().map(|piece| piece.rows).sum(),
            bytes: held.iter().map(|piece| piece.bytes).sum(),
            keys,
            clustered: first.is_some()
                && held
                    .iter()
                    .all(|piece| piece.blocks == 0 || piece.is_clustered),
            has_blocks: version >= HAS_BLOCKS && held.iter().all(|piece| piece.is_heap),
            pieces: held
                .into_iter()
                .map(|piece| (piece.name, piece.blocks))
                .collect(),
        })
    }
}

fn read(reading: &Reading, row: &sqlx::postgres::PgRow) -> Result<Held, DbFailure> {
    let count = |place| {
        let value: i64 = reading.get(row, place)?;
        Ok::<u64, DbFailure>(value.unsigned_abs())
    };
    let correlation: Option<f32> = reading.get(row, 6)?;
    Ok(Held {
        name: TableName {
            schema: reading.get(row, 0)?,
            name: reading.get(row, 1)?,
        },
        bytes: count(2)?,
        blocks: u32::try_from(count(3)?).unwrap_or(u32::MAX),
        rows: count(4)?,
        is_heap: reading.get(row, 5)?,
        is_clustered: correlation.is_some_and(|correlation| correlation > CLUSTERED),
    })
}

fn is_whole(column: Own<'_>) -> bool {
    let is_number = matches!(
        column.kind(),
        Kind::Integer { .. } | Kind::Numeric { size: Some((_, 0)) }
    );
    is_number && matches!(column.form(), Form::Integer | Form::Numeric)
}

/// The smallest and the largest value of a column, when they fit into 64 bits.
async fn ends(
    reading: &mut Reading,
    table: &TableName,
    column: Own<'_>,
) -> Result<Option<(i64, i64)>, DbFailure> {
    let name = column.name();
    let sql = format!(
        "SELECT min({name})::text, max({name})::text FROM {}",
        quote::table(table)
    );
    let row = reading.one(&sql).await?;
    let mut ends = [None, None];
    for (place, end) in ends.iter_mut().enumerate() {
        let text: Option<String> = reading.get(&row, place)?;
        *end = text.and_then(|text| text.parse().ok());
    }
    Ok(match ends {
        [Some(smallest), Some(largest)] => Some((smallest, largest)),
        _ => None,
    })
}
