//! What the databases of a MySQL or MariaDB server hold, by `information_schema`.
//!
//! A handful of queries, each over all tables at once. What a user has no right to is not in `information_schema`: tables
//! without any right, and triggers without the right `TRIGGER`.

mod columns;
mod constraints;
mod counters;
mod rights;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::validation::catalog::{Catalog, Partitioning, Table, TableName};
use cutover_core::validation::facts::DbFailure;
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::flavour::Flavour;
use super::{Mysql, quote};
use crate::failure::failed;

/// Databases of the server itself.
const OWN: &str = "'information_schema', 'mysql', 'performance_schema', 'sys'";

/// Tables by their names.
type Tables = BTreeMap<TableName, Table>;

/// Reads the catalog of some databases; of all that are not the server's own if there are none.
///
/// # Errors
/// That it could not be read.
pub(crate) async fn catalog(database: &Mysql, schemas: &[String]) -> Result<Catalog, DbFailure> {
    let doing = "reading the catalog";
    let mut session = database.session(doing).await?;
    read(&mut session, schemas)
        .await
        .map_err(|error| failed(doing, &error))
}

async fn read(session: &mut MySqlConnection, schemas: &[String]) -> Result<Catalog, sqlx::Error> {
    let mut asking = Asking {
        flavour: Flavour::of(session).await?,
        within: within(schemas),
        session,
    };
    let mut found = tables(&mut asking).await?;
    rights::read(&mut asking, &mut found.tables).await?;
    columns::read(&mut asking, &mut found).await?;
    constraints::read(&mut asking, &mut found.tables).await?;
    partitions(&mut asking, &mut found.tables).await?;
    let sequences = counters::read(&mut asking, &found).await?;
    Ok(Catalog {
        tables: found.tables.into_values().collect(),
        sequences,
    })
}

/// What goes through all questions about one catalog.
#[derive(Debug)]
struct Asking<'a> {
    session: &'a mut MySqlConnection,
    flavour: Flavour,
    /// What stands behind the name of a column that holds a database's name, so that only those are taken that are asked for.
    within: String,
}

impl Asking<'_> {
    /// Runs a query about the databases that are asked for: `{within}` in it becomes the condition on their names.
    async fn within(&mut self, query: &str) -> Result<Vec<Texts>, sqlx::Error> {
        let query = query.replace("{within}", &self.within);
        self.rows(&query).await
    }

    /// Runs a query, and gives its rows as text.
    async fn rows(&mut self, query: &str) -> Result<Vec<Texts>, sqlx::Error> {
        let rows = sqlx::raw_sql(AssertSqlSafe(query))
            .fetch_all(&mut *self.session)
            .await?;
        Ok(rows.into_iter().map(Texts).collect())
    }
}

/// A row of text, whatever types the server says that it has: what is text to MariaDB is bytes to MySQL.
struct Texts(MySqlRow);

impl Texts {
    /// A text that may be null.
    fn may(&self, index: usize) -> Result<Option<String>, sqlx::Error> {
        super::look::text(&self.0, index)
    }

    /// A text; nothing for null.
    fn text(&self, index: usize) -> Result<String, sqlx::Error> {
        self.may(index).map(Option::unwrap_or_default)
    }

    /// A number, if there is one.
    fn number<T: std::str::FromStr>(&self, index: usize) -> Result<Option<T>, sqlx::Error> {
        Ok(self.may(index)?.and_then(|text| text.parse().ok()))
    }

    /// The name of a table in two columns.
    fn table(&self, index: usize) -> Result<TableName, sqlx::Error> {
        Ok(TableName {
            schema: self.text(index)?,
            name: self.text(index + 1)?,
        })
    }
}

/// What was found of tables, and of what else `information_schema` calls a table.
#[derive(Debug, Default)]
struct Found {
    tables: Tables,
    /// The next value of the `AUTO_INCREMENT` of each table that has one.
    counters: BTreeMap<TableName, i128>,
    /// Sequences, which only MariaDB has.
    sequences: BTreeSet<TableName>,
}

/// A session sees fresh figures here, as the settings of MySQL's say; MariaDB's always are.
const TABLES: &str = "
    SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_ROWS, DATA_LENGTH, AUTO_INCREMENT
      FROM information_schema.TABLES
     WHERE TABLE_SCHEMA {within} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')";

async fn tables(asking: &mut Asking<'_>) -> Result<Found, sqlx::Error> {
    let mut found = Found::default();
    for row in asking.within(TABLES).await? {
        let name = row.table(0)?;
        if row.text(2)? == "SEQUENCE" {
            found.sequences.insert(name);
            continue;
        }
        // Null until the first row, which will have 1.
        let next = row.number(5)?.unwrap_or(1);
        found.counters.insert(name.clone(), next);
        let table = Table {
            name: name.clone(),
            columns: Vec::new(),
            primary_key: None,
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            triggers: Vec::new(),
            partitioning: None,
            estimated_rows: row.number(3)?.unwrap_or_default(),
            bytes: row.number(4)?.unwrap_or_default(),
            readable: false,
            // There is no row-level security.
            hides_rows: false,
        };
        found.tables.insert(name, table);
    }
    Ok(found)
}

const PARTITIONS: &str = "
    SELECT TABLE_SCHEMA, TABLE_NAME, COALESCE(SUBPARTITION_NAME, PARTITION_NAME),
           PARTITION_METHOD, PARTITION_EXPRESSION, SUBPARTITION_METHOD, SUBPARTITION_EXPRESSION
      FROM information_schema.PARTITIONS
     WHERE TABLE_SCHEMA {within} AND PARTITION_NAME IS NOT NULL
     ORDER BY TABLE_SCHEMA, TABLE_NAME, PARTITION_ORDINAL_POSITION, SUBPARTITION_ORDINAL_POSITION";

async fn partitions(asking: &mut Asking<'_>, tables: &mut Tables) -> Result<(), sqlx::Error> {
    for row in asking.within(PARTITIONS).await? {
        let name = row.table(0)?;
        let schema = name.schema.clone();
        let Some(table) = tables.get_mut(&name) else {
            continue;
        };
        if table.partitioning.is_none() {
            let mut rule = format!("{} ({})", row.text(3)?, row.text(4)?);
            if let Some(method) = row.may(5)? {
                rule = format!("{rule}, then {method} ({})", row.text(6)?);
            }
            let partitions = Vec::new();
            table.partitioning = Some(Partitioning { rule, partitions });
        }
        if let Some(partitioning) = &mut table.partitioning {
            let name = row.text(2)?;
            partitioning.partitions.push(TableName { schema, name });
        }
    }
    Ok(())
}

/// The condition on the name of a database.
fn within(schemas: &[String]) -> String {
    if schemas.is_empty() {
        return format!("NOT IN ({OWN})");
    }
    let names: Vec<String> = schemas.iter().map(|name| quote::text(name)).collect();
    format!("IN ({})", names.join(", "))
}
