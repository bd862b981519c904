//! What a PostgreSQL database holds, by its system catalog.
//!
//! A handful of queries, each over all tables at once. Tables are matched by their `oid`, which is used here alone.

mod columns;
mod constraints;
pub(super) mod sequences;
mod types;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cutover_core::validation::catalog::{Catalog, Partitioning, Table, TableName};
use cutover_core::validation::facts::DbFailure;
use sqlx::{PgConnection, Row};

use super::Postgres;
use crate::failure::failed;

/// Tables by their `oid`.
type Tables = BTreeMap<i64, Table>;

/// Base tables and roots of partitioned ones, with the estimates of everything below them. Schemas of the server itself
/// begin with `pg_`, which no other may; what belongs to an extension is the extension's.
///
/// Estimates: the density that was last seen, over the size as it is now; else what the counters say.
const TABLES: &str = "
    WITH RECURSIVE wanted AS (
        SELECT c.oid, n.oid AS schema_oid, n.nspname, c.relname, c.relkind
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
           AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
           AND (cardinality($1::text[]) = 0 OR n.nspname = ANY ($1::text[]))
           AND NOT EXISTS (SELECT FROM pg_depend d
                            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ), tree (root, part) AS (
        SELECT oid, oid FROM wanted
        UNION ALL
        SELECT t.root, i.inhrelid
          FROM tree t JOIN pg_inherits i ON i.inhparent = t.part
          JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition
    ), leaf AS (
        SELECT t.root, n.nspname, c.relname, t.part <> t.root AS is_partition,
               pg_table_size(c.oid) AS bytes,
               CASE WHEN c.reltuples > 0 AND c.relpages > 0
                    THEN c.reltuples::float8 / c.relpages
                         * (pg_relation_size(c.oid) / current_setting('block_size')::float8)
                    ELSE pg_stat_get_live_tuples(c.oid) END AS estimate
          FROM tree t JOIN pg_class c ON c.oid = t.part AND c.relkind IN ('r', 'f')
          JOIN pg_namespace n ON n.oid = c.relnamespace
    ), summed AS (
        SELECT root, sum(bytes)::int8 AS bytes, sum(estimate)::int8 AS estimate,
               array_agg(nspname::text ORDER BY nspname, relname) FILTER (WHERE is_partition) AS schemas,
               array_agg(relname::text ORDER BY nspname, relname) FILTER (WHERE is_partition) AS names
          FROM leaf GROUP BY root
    )
    SELECT w.oid::int8 AS oid, w.nspname::text AS schema, w.relname::text AS name,
           COALESCE(s.bytes, 0) AS bytes, COALESCE(s.estimate, 0) AS estimate,
           has_schema_privilege(w.schema_oid, 'USAGE') AND has_table_privilege(w.oid, 'SELECT') AS readable,
           row_security_active(w.oid) AS hides_rows,
           CASE w.relkind WHEN 'p' THEN pg_get_partkeydef(w.oid) END AS rule,
           COALESCE(s.schemas, '{}') AS schemas, COALESCE(s.names, '{}') AS names
      FROM wanted w LEFT JOIN summed s ON s.root = w.oid";

/// Reads the catalog of some schemas; of all that are not the server's own if there are none.
///
/// # Errors
/// That it could not be read; among that, a sequence whose position the user may not see.
pub(crate) async fn catalog(database: &Postgres, schemas: &[String]) -> Result<Catalog, DbFailure> {
    let doing = "reading the catalog";
    let mut session = database.session(doing).await?;
    read(&mut session, schemas)
        .await
        .map_err(|error| failed(doing, &error))
}

async fn read(session: &mut PgConnection, schemas: &[String]) -> Result<Catalog, sqlx::Error> {
    let mut tables = tables(session, schemas).await?;
    let oids: Vec<i64> = tables.keys().copied().collect();
    columns::read(session, &oids, &mut tables).await?;
    constraints::read(session, &oids, &mut tables).await?;
    let sequences = sequences::read(session, schemas).await?;
    let mut tables: Vec<Table> = tables.into_values().collect();
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Catalog { tables, sequences })
}

async fn tables(session: &mut PgConnection, schemas: &[String]) -> Result<Tables, sqlx::Error> {
    let rows = sqlx::query(TABLES).bind(schemas).fetch_all(session).await?;
    rows.iter()
        .map(|row| {
            let rule: Option<String> = row.try_get("rule")?;
            let parts: (Vec<String>, Vec<String>) =
                (row.try_get("schemas")?, row.try_get("names")?);
            let partitions = parts.0.into_iter().zip(parts.1);
            let table = Table {
                name: TableName {
                    schema: row.try_get("schema")?,
                    name: row.try_get("name")?,
                },
                columns: Vec::new(),
                primary_key: None,
                indexes: Vec::new(),
                foreign_keys: Vec::new(),
                checks: Vec::new(),
                triggers: Vec::new(),
                partitioning: rule.map(|rule| Partitioning {
                    rule,
                    partitions: partitions
                        .map(|(schema, name)| TableName { schema, name })
                        .collect(),
                }),
                estimated_rows: unsigned(row.try_get("estimate")?),
                bytes: unsigned(row.try_get("bytes")?),
                readable: row.try_get("readable")?,
                hides_rows: row.try_get("hides_rows")?,
            };
            Ok((row.try_get("oid")?, table))
        })
        .collect()
}

/// Sizes and counts are never negative; what is, is not known.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
