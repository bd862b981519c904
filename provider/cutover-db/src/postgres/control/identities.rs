//! What counts values up: sequences of identities and serials, and those that a default of a column names.

use std::collections::BTreeMap;

use cutover_core::validation::catalog::{Sequence, TableName};
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::writer_switch::control::Identity;
use cutover_driver::Fenced;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use super::session::Session;
use super::tables::named;
use super::{PostgresControl, failure};
use crate::postgres::catalog::sequences;
use crate::postgres::quote;

/// Columns of the fenced tables with the sequences that fill them, by ownership or by a default; whether the column owns
/// the sequence, and whether it holds numbers. Partitions have the defaults of their root, so that only named tables count.
const FILLED: &str = "
    SELECT sn.nspname::text, s.relname::text, tn.nspname::text, t.relname::text, a.attname::text,
           bool_or(u.owns), bool_and(a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype))
      FROM (SELECT d.objid AS seq, d.refobjid AS rel, d.refobjsubid AS att, true AS owns
              FROM pg_depend d
             WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
               AND d.deptype IN ('a', 'i')
             UNION ALL
            SELECT d.refobjid, f.adrelid, f.adnum, false
              FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
             WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n') u
      JOIN pg_class s ON s.oid = u.seq AND s.relkind = 'S' JOIN pg_namespace sn ON sn.oid = s.relnamespace
      JOIN pg_class t ON t.oid = u.rel JOIN pg_namespace tn ON tn.oid = t.relnamespace
      JOIN pg_attribute a ON a.attrelid = u.rel AND a.attnum = u.att AND NOT a.attisdropped
      JOIN unnest($1::text[], $2::text[]) AS w (schema, name) ON w.schema = tn.nspname AND w.name = t.relname
     GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5";

/// A column that a sequence fills.
#[derive(Clone, Debug)]
struct Filled {
    sequence: TableName,
    table: TableName,
    column: String,
    owns: bool,
    is_number: bool,
}

impl PostgresControl {
    pub(super) async fn read_identities(&self) -> Result<Vec<Identity>, DbFailure> {
        let mut session = self.sessions.any("reading identities").await?;
        let done = identities(&mut session, &self.of).await;
        session.finish(done).await
    }

    pub(super) async fn write_identities(&self, next: &[(String, i128)]) -> Result<(), DbFailure> {
        let mut session = self.sessions.locked("setting identities").await?;
        let done = set(&mut session, &self.of, next).await;
        session.finish(done).await
    }
}

async fn identities(session: &mut Session<'_>, of: &Fenced) -> Result<Vec<Identity>, DbFailure> {
    let mut identities = Vec::new();
    for (name, (sequence, columns)) in counting(session, of).await? {
        let mut greatest = None;
        for column in columns.iter().filter(|column| column.is_number) {
            let end = furthest(session, column, sequence.increment < 0).await?;
            greatest = match (greatest, end, sequence.increment < 0) {
                (Some(one), Some(other), false) => Some(i128::max(one, other)),
                (Some(one), Some(other), true) => Some(i128::min(one, other)),
                (one, other, _) => one.or(other),
            };
        }
        identities.push(Identity {
            name,
            next: sequence.next,
            greatest,
            increment: sequence.increment,
            limit: sequence.max,
        });
    }
    Ok(identities)
}

async fn set(
    session: &mut Session<'_>,
    of: &Fenced,
    next: &[(String, i128)],
) -> Result<(), DbFailure> {
    let counting = counting(session, of).await?;
    for (name, value) in next {
        let Some((sequence, _)) = counting.get(name) else {
            return Err(failure(
                DbFailureClass::Missing,
                session.doing,
                format!("nothing counts `{name}` up here"),
            ));
        };
        // Not called yet: the value itself is what is given next.
        let sql = format!(
            "SELECT setval({}::regclass, {value}, false)",
            quote::text(&quote::table(&sequence.name))
        );
        session.run(&sql).await?;
    }
    Ok(())
}

/// Sequences by the names of identities, with the columns that each fills.
async fn counting(
    session: &mut Session<'_>,
    of: &Fenced,
) -> Result<BTreeMap<String, (Sequence, Vec<Filled>)>, DbFailure> {
    let (schemas, names) = named(of);
    let rows = session
        .all(sqlx::query(FILLED).bind(schemas).bind(names))
        .await?;
    let filled = session.read_all(&rows, filled)?;
    let mut schemas: Vec<String> = filled
        .iter()
        .map(|one| one.sequence.schema.clone())
        .collect();
    schemas.sort();
    schemas.dedup();
    if schemas.is_empty() {
        return Ok(BTreeMap::new());
    }
    let all = session
        .lend(move |connection| async move { sequences::read(connection, &schemas).await })
        .await?;
    let mut counting = BTreeMap::new();
    for sequence in all {
        let columns: Vec<_> = filled
            .iter()
            .filter(|one| one.sequence == sequence.name)
            .cloned()
            .collect();
        if !columns.is_empty() {
            counting.insert(label(of, &sequence.name, &columns), (sequence, columns));
        }
    }
    Ok(counting)
}

/// The name of an identity, or `order_numbers` for a sequence that no column owns.
fn label(of: &Fenced, sequence: &TableName, columns: &[Filled]) -> String {
    match columns.iter().find(|column| column.owns) {
        Some(owner) => of.identity_name(&owner.table, &owner.column),
        None => sequence.name.clone(),
    }
}

/// The greatest value of a column, the least where it is counted down; an index on it makes that one look.
async fn furthest(
    session: &mut Session<'_>,
    of: &Filled,
    is_down: bool,
) -> Result<Option<i128>, DbFailure> {
    let sql = format!(
        "SELECT trunc({}({})::numeric)::text FROM {}",
        if is_down { "min" } else { "max" },
        quote::name(&of.column),
        quote::table(&of.table)
    );
    let row = session.one(sqlx::query(AssertSqlSafe(sql))).await?;
    let value: Option<String> = session.read(&row, |row| row.try_get(0))?;
    // What a numeric can hold beyond that, no sequence has given.
    Ok(value.and_then(|digits| digits.parse().ok()))
}

fn filled(row: &PgRow) -> Result<Filled, sqlx::Error> {
    Ok(Filled {
        sequence: TableName {
            schema: row.try_get(0)?,
            name: row.try_get(1)?,
        },
        table: TableName {
            schema: row.try_get(2)?,
            name: row.try_get(3)?,
        },
        column: row.try_get(4)?,
        owns: row.try_get(5)?,
        is_number: row.try_get(6)?,
    })
}
