//! Columns of PostgreSQL's tables.

use cutover_core::validation::catalog::{Column, Made};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::Tables;
use super::types::{Types, oid};

/// Columns of these tables in their order, without dropped ones. A sequence *serves* a column when it goes with it and makes
/// its default: that is what `serial` is.
const COLUMNS: &str = "
    SELECT a.attrelid::int8 AS of_table, a.attname::text AS name, a.atttypid::int8 AS type_oid,
           a.atttypmod AS modifier, format_type(a.atttypid, a.atttypmod) AS printed,
           a.attnotnull AS not_null, a.attidentity::text AS identity, a.attgenerated::text AS generated,
           pg_get_expr(d.adbin, d.adrelid) AS expression,
           CASE WHEN a.attcollation <> t.typcollation OR l.collname <> 'default'
                THEN l.collname::text END AS collation,
           COALESCE(l.collisdeterministic, true) AS deterministic,
           EXISTS (SELECT FROM pg_depend o JOIN pg_depend u
                       ON u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid
                      AND u.refclassid = 'pg_class'::regclass AND u.refobjid = o.objid
                    WHERE o.classid = 'pg_class'::regclass AND o.refclassid = 'pg_class'::regclass
                      AND o.refobjid = a.attrelid AND o.refobjsubid = a.attnum AND o.deptype = 'a'
                      AND pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\\(') AS served
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      LEFT JOIN pg_collation l ON l.oid = a.attcollation
     WHERE a.attrelid::int8 = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attrelid, a.attnum";

pub(super) async fn read(
    session: &mut PgConnection,
    oids: &[i64],
    tables: &mut Tables,
) -> Result<(), sqlx::Error> {
    let types = Types::read(session).await?;
    for row in sqlx::query(COLUMNS).bind(oids).fetch_all(session).await? {
        let column = column(&row, &types)?;
        if let Some(table) = tables.get_mut(&row.try_get("of_table")?) {
            table.columns.push(column);
        }
    }
    Ok(())
}

fn column(row: &PgRow, types: &Types) -> Result<Column, sqlx::Error> {
    let type_oid = oid(row.try_get("type_oid")?).unwrap_or_default();
    let printed: String = row.try_get("printed")?;
    let not_null: bool = row.try_get("not_null")?;
    let deterministic: bool = row.try_get("deterministic")?;
    let expression: Option<String> = row.try_get("expression")?;
    let (made, default) = made(row, expression)?;
    Ok(Column {
        name: row.try_get("name")?,
        kind: types.kind(type_oid, row.try_get("modifier")?, &printed),
        type_name: printed,
        nullable: !not_null && !types.refuses_null(type_oid),
        default,
        made,
        collation: row.try_get("collation")?,
        deterministic: deterministic && !types.folds_case(type_oid),
    })
}

/// How a column is made, and its default besides. That of a `serial` is its sequence, as with an identity.
fn made(row: &PgRow, expression: Option<String>) -> Result<(Made, Option<String>), sqlx::Error> {
    let identity: String = row.try_get("identity")?;
    let generated: String = row.try_get("generated")?;
    let served: bool = row.try_get("served")?;
    Ok(match (identity.as_str(), generated.as_str()) {
        ("a", _) => (Made::Identity { always: true }, None),
        ("d", _) => (Made::Identity { always: false }, None),
        // PostgreSQL 18 makes values that are not kept: `v`.
        (_, "s" | "v") => {
            let made = Made::Generated {
                expression: expression.unwrap_or_default(),
                stored: generated == "s",
            };
            (made, None)
        }
        _ if served => (Made::Identity { always: false }, None),
        _ => (Made::Given, expression),
    })
}
