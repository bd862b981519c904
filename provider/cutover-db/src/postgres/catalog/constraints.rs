//! Keys, indexes, checks and triggers of PostgreSQL's tables.

use cutover_core::validation::catalog::{Check, ForeignKey, Index, TableName, Trigger};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::Tables;

/// Indexes of these tables. Parts are names of columns, or expressions, without what is only kept along (`INCLUDE`). An
/// order is said where it is not the usual one: nulls come last, or first in a descending one.
const INDEXES: &str = "
    SELECT i.indrelid::int8 AS of_table, c.relname::text AS name, i.indisprimary AS is_primary,
           i.indisunique AS is_unique, i.indisvalid AND i.indisready AS valid, m.amname::text AS method,
           pg_get_expr(i.indpred, i.indrelid, true) AS predicate,
           (SELECT array_agg(COALESCE(a.attname::text, pg_get_indexdef(i.indexrelid, k.place::int, true))
                             || CASE k.how & 3 WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST'
                                               WHEN 3 THEN ' DESC' ELSE '' END
                             ORDER BY k.place)
              FROM unnest(i.indkey::int2[], i.indoption::int2[]) WITH ORDINALITY AS k (attnum, how, place)
              LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0
             WHERE k.place <= i.indnkeyatts) AS parts
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
     WHERE i.indrelid::int8 = ANY ($1)
     ORDER BY c.relname";

/// Foreign keys of these tables, as they were declared: a partitioned table has copies of them, which have parents.
const FOREIGN_KEYS: &str = "
    SELECT k.conrelid::int8 AS of_table, k.conname::text AS name, k.convalidated AS validated,
           n.nspname::text AS referred_schema, r.relname::text AS referred_name,
           k.confdeltype::text AS on_delete, k.confupdtype::text AS on_update,
           (SELECT array_agg(a.attname::text ORDER BY p.place)
              FROM unnest(k.conkey) WITH ORDINALITY AS p (attnum, place)
              JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.attnum) AS columns,
           (SELECT array_agg(a.attname::text ORDER BY p.place)
              FROM unnest(k.confkey) WITH ORDINALITY AS p (attnum, place)
              JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = p.attnum) AS referred_columns
      FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace n ON n.oid = r.relnamespace
     WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid::int8 = ANY ($1)
     ORDER BY k.conname";

/// Checks of these tables.
const CHECKS: &str = "
    SELECT k.conrelid::int8 AS of_table, k.conname::text AS name, k.convalidated AS validated,
           pg_get_expr(k.conbin, k.conrelid, true) AS expression
      FROM pg_constraint k
     WHERE k.contype = 'c' AND k.conrelid::int8 = ANY ($1)
     ORDER BY k.conname";

/// Triggers of these tables that somebody made. The bits of a type are those of `pg_trigger.h`.
const TRIGGERS: &str = "
    SELECT t.tgrelid::int8 AS of_table, t.tgname::text AS name, t.tgtype AS bits, t.tgenabled::text AS enabled
      FROM pg_trigger t
     WHERE NOT t.tgisinternal AND t.tgrelid::int8 = ANY ($1)
     ORDER BY t.tgname";

pub(super) async fn read(
    session: &mut PgConnection,
    oids: &[i64],
    tables: &mut Tables,
) -> Result<(), sqlx::Error> {
    for (query, add) in [
        (INDEXES, index as Add),
        (FOREIGN_KEYS, foreign_key),
        (CHECKS, check),
        (TRIGGERS, trigger),
    ] {
        let rows = sqlx::query(query)
            .bind(oids)
            .fetch_all(&mut *session)
            .await?;
        for row in rows {
            add(tables, &row)?;
        }
    }
    Ok(())
}

/// Adds what a row says to the table that it is of.
type Add = fn(&mut Tables, &PgRow) -> Result<(), sqlx::Error>;

fn index(tables: &mut Tables, row: &PgRow) -> Result<(), sqlx::Error> {
    let Some(table) = tables.get_mut(&row.try_get("of_table")?) else {
        return Ok(());
    };
    let parts: Vec<String> = row.try_get("parts")?;
    if row.try_get("is_primary")? {
        table.primary_key = Some(parts);
        return Ok(());
    }
    table.indexes.push(Index {
        name: row.try_get("name")?,
        parts,
        unique: row.try_get("is_unique")?,
        predicate: row.try_get("predicate")?,
        valid: row.try_get("valid")?,
        method: row.try_get("method")?,
    });
    Ok(())
}

fn foreign_key(tables: &mut Tables, row: &PgRow) -> Result<(), sqlx::Error> {
    let Some(table) = tables.get_mut(&row.try_get("of_table")?) else {
        return Ok(());
    };
    let on_delete: String = row.try_get("on_delete")?;
    let on_update: String = row.try_get("on_update")?;
    table.foreign_keys.push(ForeignKey {
        name: row.try_get("name")?,
        columns: row.try_get("columns")?,
        referred: TableName {
            schema: row.try_get("referred_schema")?,
            name: row.try_get("referred_name")?,
        },
        referred_columns: row.try_get("referred_columns")?,
        actions: (action(&on_delete), action(&on_update)),
        validated: row.try_get("validated")?,
    });
    Ok(())
}

fn action(letter: &str) -> String {
    match letter {
        "r" => "RESTRICT",
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        _ => "NO ACTION",
    }
    .to_owned()
}

fn check(tables: &mut Tables, row: &PgRow) -> Result<(), sqlx::Error> {
    if let Some(table) = tables.get_mut(&row.try_get("of_table")?) {
        table.checks.push(Check {
            name: row.try_get("name")?,
            expression: row.try_get("expression")?,
            validated: row.try_get("validated")?,
        });
    }
    Ok(())
}

fn trigger(tables: &mut Tables, row: &PgRow) -> Result<(), sqlx::Error> {
    let enabled: String = row.try_get("enabled")?;
    if let Some(table) = tables.get_mut(&row.try_get("of_table")?) {
        table.triggers.push(Trigger {
            name: row.try_get("name")?,
            fires: fires(row.try_get("bits")?, enabled == "D"),
            // What applies changes does so as a replica, and then ordinary triggers rest.
            fires_on_apply: matches!(enabled.as_str(), "R" | "A"),
        });
    }
    Ok(())
}

fn fires(bits: i16, disabled: bool) -> String {
    let moment = match bits & (2 | 64) {
        0 => "AFTER",
        2 => "BEFORE",
        _ => "INSTEAD OF",
    };
    let events: Vec<&str> = [
        (4, "INSERT"),
        (16, "UPDATE"),
        (8, "DELETE"),
        (32, "TRUNCATE"),
    ]
    .into_iter()
    .filter(|(bit, _)| bits & bit != 0)
    .map(|(_, event)| event)
    .collect();
    let off = if disabled { " (disabled)" } else { "" };
    format!("{moment} {}{off}", events.join(" OR "))
}
