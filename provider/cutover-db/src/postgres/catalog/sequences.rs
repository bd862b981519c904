//! Sequences of PostgreSQL, and where they are.

use std::fmt::Write as _;

use cutover_core::validation::catalog::{Sequence, TableName};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::postgres::quote;

/// Sequences with the column that each goes with: of an identity, of a `serial`, or as `OWNED BY` says. Those that go with a
/// table that the user may not read are left out like its rows, for which there is a reason in the report.
const SEQUENCES: &str = "
    SELECT n.nspname::text AS schema, c.relname::text AS name,
           s.seqincrement AS increment, s.seqmin AS least, s.seqmax AS most, s.seqcycle AS cycles,
           tn.nspname::text AS table_schema, t.relname::text AS table_name, a.attname::text AS column_name
      FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refobjsubid > 0
                           AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
      LEFT JOIN pg_class t ON t.oid = d.refobjid
      LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
      LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND (cardinality($1::text[]) = 0 OR n.nspname = ANY ($1::text[]))
       AND NOT EXISTS (SELECT FROM pg_depend e
                        WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
       AND (t.oid IS NULL
            OR has_schema_privilege(t.relnamespace, 'USAGE') AND has_table_privilege(t.oid, 'SELECT'))
     ORDER BY 1, 2";

/// How many sequences are read by one statement: ours, so that statements stay of a size that a server parses in no time.
const AT_A_TIME: usize = 500;

/// Reads sequences. The catalog's own functions cannot tell a sequence that was set to a value from one that was never
/// used, so each is read as the one-row table that it is.
pub(in crate::postgres) async fn read(
    session: &mut PgConnection,
    schemas: &[String],
) -> Result<Vec<Sequence>, sqlx::Error> {
    let rows = sqlx::query(SEQUENCES)
        .bind(schemas)
        .fetch_all(&mut *session)
        .await?;
    let mut sequences = Vec::with_capacity(rows.len());
    for rows in rows.chunks(AT_A_TIME) {
        let names = rows
            .iter()
            .map(|row| {
                Ok(TableName {
                    schema: row.try_get("schema")?,
                    name: row.try_get("name")?,
                })
            })
            .collect::<Result<Vec<_>, sqlx::Error>>()?;
        let positions = positions(session, &names).await?;
        for ((row, name), position) in rows.iter().zip(names).zip(positions) {
            sequences.push(sequence(row, name, position)?);
        }
    }
    Ok(sequences)
}

/// The last value of each, and whether it was given already.
async fn positions(
    session: &mut PgConnection,
    names: &[TableName],
) -> Result<Vec<(i64, bool)>, sqlx::Error> {
    let mut statement = String::new();
    for (place, name) in names.iter().enumerate() {
        let union = if place == 0 { "" } else { " UNION ALL " };
        write!(
            statement,
            "{union}SELECT {place}, last_value, is_called FROM {}",
            quote::table(name)
        )
        .expect("a text takes what is written to it");
    }
    statement.push_str(" ORDER BY 1");
    let rows = sqlx::query(AssertSqlSafe(statement))
        .persistent(false)
        .fetch_all(session)
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(1)?, row.try_get(2)?)))
        .collect()
}

fn sequence(
    row: &sqlx::postgres::PgRow,
    name: TableName,
    (position, is_given): (i64, bool),
) -> Result<Sequence, sqlx::Error> {
    let increment: i64 = row.try_get("increment")?;
    let (least, most): (i64, i64) = (row.try_get("least")?, row.try_get("most")?);
    let cycles = row.try_get("cycles")?;
    let step = if is_given { i128::from(increment) } else { 0 };
    let next = i128::from(position) + step;
    // A sequence that counts down ends at its least value.
    let (first, end) = if increment < 0 {
        (most, least)
    } else {
        (least, most)
    };
    let is_over = if increment < 0 {
        next < i128::from(end)
    } else {
        next > i128::from(end)
    };
    let owner_schema: Option<String> = row.try_get("table_schema")?;
    let owner_name: Option<String> = row.try_get("table_name")?;
    let owner_column: Option<String> = row.try_get("column_name")?;
    let table = owner_schema.zip(owner_name);
    Ok(Sequence {
        name,
        owner: table
            .map(|(schema, name)| TableName { schema, name })
            .zip(owner_column),
        next: if is_over && cycles {
            i128::from(first)
        } else {
            next
        },
        increment,
        max: i128::from(end),
        cycles,
    })
}
