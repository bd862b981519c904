//! What there is in a database.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use crate::problem::Problem;
use crate::tables::Table;

/// Tables that hold rows, partitions among them, and whether updates of each can be told apart by a replica identity.
const TABLES: &str = "
    SELECT n.nspname::text, c.relname::text,
           c.relreplident IN ('f', 'i')
           OR c.relreplident = 'd' AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence = 'p'
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Reads the tables of a database, and whether each can be replicated.
pub(super) async fn tables(
    connection: &mut PgConnection,
) -> Result<BTreeMap<Table, bool>, Problem> {
    let rows: Vec<(String, String, bool)> = sqlx::query_as(TABLES)
        .fetch_all(connection)
        .await
        .map_err(|error| Problem::sql("reading the catalogue", &error))?;
    Ok(rows
        .into_iter()
        .map(|(schema, name, fit)| (Table::new(schema, name), fit))
        .collect())
}

/// Tells whether there is a publication.
pub(super) async fn has_publication(
    connection: &mut PgConnection,
    name: &str,
) -> Result<bool, Problem> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)")
        .bind(name)
        .fetch_one(connection)
        .await
        .map_err(|error| Problem::sql("reading publications", &error))
}

/// Reads the tables of a publication.
pub(super) async fn published(
    connection: &mut PgConnection,
    name: &str,
) -> Result<BTreeSet<Table>, Problem> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT schemaname::text, tablename::text FROM pg_publication_tables WHERE pubname = $1",
    )
    .bind(name)
    .fetch_all(connection)
    .await
    .map_err(|error| Problem::sql("reading publications", &error))?;
    Ok(rows
        .into_iter()
        .map(|(schema, name)| Table::new(schema, name))
        .collect())
}
