//! Sums, rows that are wrong, and values of queries.

use std::collections::BTreeMap;

use cutover_core::validation::catalog::{Kind, TableName};
use cutover_core::validation::digest::{Key, KeyPart};
use cutover_core::validation::facts::{DbFailure, DbFailureClass, Figures, Sought};
use cutover_core::validation::plan::{RulePlan, RuleQuery, SumsPlan, TablePlan};
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Row};

use super::columns::{Column, columns};
use super::wire::part;
use super::{Mysql, quote, text};
use crate::canonical::write_decimal;
use crate::failure::failed;

impl Mysql {
    /// Sums up a table by groups. Groups are told apart by their bytes, as PostgreSQL does, and not by a collation.
    pub(super) async fn sum_up(
        &self,
        plan: &TablePlan,
        sums: &SumsPlan,
    ) -> Result<BTreeMap<Vec<Option<String>>, Figures>, DbFailure> {
        let doing = format!("summing up {}", plan.names.get(self.side));
        let sql = self.sums_sql(plan, sums, &doing)?;
        let mut connection = self.session(&doing).await?;
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| failed(&doing, &error))?;
        rows.iter()
            .map(|row| group(row, sums))
            .collect::<Result<_, sqlx::Error>>()
            .map_err(|error| failed(&doing, &error))
    }

    fn sums_sql(
        &self,
        plan: &TablePlan,
        sums: &SumsPlan,
        doing: &str,
    ) -> Result<String, DbFailure> {
        let all = columns(plan, self.side);
        let column = |name: &str| -> Result<Column<'_>, DbFailure> {
            let found = all.iter().find(|column| column.name == name).copied();
            found.ok_or_else(|| {
                impossible(
                    doing,
                    format!("column `{name}` is not among those that are compared"),
                )
            })
        };
        let mut selected = vec!["CAST(COUNT(*) AS UNSIGNED)".to_owned()];
        let mut groups = Vec::new();
        for name in &sums.group_by {
            let column = column(name.get(self.side))?;
            // As bytes, so that neither case nor blanks at the end are ignored.
            groups.push(format!(
                "CAST({} AS BINARY)",
                text::value(&column.quoted(), &column)?
            ));
        }
        selected.extend(groups.iter().cloned());
        for name in &sums.sums {
            let column = column(name.get(self.side))?;
            if matches!(column.kind, Kind::Float { .. }) {
                let why = format!(
                    "column `{}` is floating point, which has no exact sum",
                    column.name
                );
                return Err(impossible(doing, why));
            }
            selected.push(format!("CAST(SUM({}) AS CHAR)", column.quoted()));
        }
        for name in &sums.latest {
            let column = column(name.get(self.side))?;
            let latest = format!("MAX({})", column.quoted());
            selected.push(format!(
                "CAST({} AS BINARY)",
                text::value(&latest, &column)?
            ));
        }
        let by = if groups.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", groups.join(", "))
        };
        Ok(format!(
            "SELECT {} FROM {}{by}",
            selected.join(", "),
            quote::table(plan.names.get(self.side))
        ))
    }

    /// Counts rows that are wrong, and reads the keys of some.
    pub(super) async fn seek_rows(
        &self,
        rule: &RulePlan,
        limit: usize,
    ) -> Result<Sought, DbFailure> {
        let doing = format!("looking for rows that break the rule `{}`", rule.name);
        let (keys, from) = wrong_rows(&rule.query);
        let mut connection = self.session(&doing).await?;
        let counted = format!("SELECT CAST(COUNT(*) AS UNSIGNED) FROM {from}");
        let count: u64 = sqlx::query_scalar(AssertSqlSafe(counted))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| failed(&doing, &error))?;
        let Some(keys) = keys.filter(|_| count > 0 && limit > 0) else {
            return Ok(Sought {
                count,
                keys: Vec::new(),
            });
        };
        let named = format!("SELECT {keys} FROM {from} LIMIT {limit}");
        let rows = sqlx::query(AssertSqlSafe(named))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| failed(&doing, &error))?;
        let width = if matches!(rule.query, RuleQuery::Custom(_)) {
            1
        } else {
            usize::MAX
        };
        let keys = rows
            .iter()
            .map(|row| key(row, width))
            .collect::<Result<_, sqlx::Error>>()
            .map_err(|error| failed(&doing, &error))?;
        Ok(Sought { count, keys })
    }

    /// Runs a query of the user's that gives one value. It is prepared, so that it is one statement, and the session can
    /// only read.
    pub(super) async fn one_value(&self, query: &str) -> Result<Option<String>, DbFailure> {
        let doing = "asking for the value of a query";
        let malformed = |message: &str| DbFailure {
            class: DbFailureClass::Malformed,
            doing: doing.to_owned(),
            code: None,
            message: message.to_owned(),
        };
        let mut connection = self.session(doing).await?;
        let rows = sqlx::query(AssertSqlSafe(query.to_owned()))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| failed(doing, &error))?;
        let [row] = rows.as_slice() else {
            return Err(malformed("the query must give exactly one row"));
        };
        if row.columns().len() != 1 {
            return Err(malformed("the query must give exactly one column"));
        }
        let value = part(row, 0).map_err(|error| failed(doing, &error))?;
        Ok(value.map(|value| match value {
            KeyPart::Integer(number) => number.to_string(),
            KeyPart::Text(text) => text,
            KeyPart::Bytes(bytes) => hexadecimal(&bytes),
        }))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// Reads a group: rows, what its rows share, sums, latest values, in this order.
fn group(row: &MySqlRow, sums: &SumsPlan) -> Result<(Vec<Option<String>>, Figures), sqlx::Error> {
    let text = |place: usize| -> Result<Option<String>, sqlx::Error> {
        let bytes: Option<Vec<u8>> = row.try_get_unchecked(place)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let decimal = |place: usize| -> Result<Option<String>, sqlx::Error> {
        Ok(text(place)?.map(|sum| {
            let mut canonical = Vec::new();
            write_decimal(&mut canonical, sum.as_bytes());
            String::from_utf8_lossy(&canonical).into_owned()
        }))
    };
    let first_sum = 1 + sums.group_by.len();
    let first_latest = first_sum + sums.sums.len();
    let end = first_latest + sums.latest.len();
    let figures = Figures {
        rows: row.try_get(0)?,
        sums: (first_sum..first_latest)
            .map(decimal)
            .collect::<Result<_, _>>()?,
        latest: (first_latest..end).map(text).collect::<Result<_, _>>()?,
    };
    let shared = (1..first_sum).map(text).collect::<Result<_, _>>()?;
    Ok((shared, figures))
}

/// Writes the columns that name wrong rows, if there are any, and where these rows come from.
fn wrong_rows(query: &RuleQuery) -> (Option<String>, String) {
    match query {
        RuleQuery::Where {
            table,
            key,
            condition,
        } => (
            names("", key),
            // The line ends a comment that the condition may end with.
            format!("{} WHERE ({condition}\n)", quote::table(table)),
        ),
        RuleQuery::Orphans {
            table,
            key,
            columns,
            referred,
            referred_columns,
        } => (
            names("child.", key),
            orphans(table, columns, referred, referred_columns),
        ),
        RuleQuery::Custom(query) => {
            let query = query.trim().trim_end_matches(';');
            (Some("*".to_owned()), format!("({query}\n) wrong"))
        }
    }
}

/// Writes the rows that refer to nothing. A join, since MariaDB looks into its index for each row, once.
fn orphans(
    table: &TableName,
    columns: &[String],
    referred: &TableName,
    referred_columns: &[String],
) -> String {
    let equal: Vec<String> = columns
        .iter()
        .zip(referred_columns)
        .map(|(from, to)| format!("parent.{} = child.{}", quote::name(to), quote::name(from)))
        .collect();
    let refers: Vec<String> = columns
        .iter()
        .map(|column| format!("child.{} IS NOT NULL", quote::name(column)))
        .collect();
    let missing = referred_columns.first().map_or_else(String::new, |column| {
        format!("parent.{} IS NULL AND ", quote::name(column))
    });
    format!(
        "{} child LEFT JOIN {} parent ON {} WHERE {missing}{}",
        quote::table(table),
        quote::table(referred),
        equal.join(" AND "),
        refers.join(" AND ")
    )
}

fn names(before: &str, key: &[String]) -> Option<String> {
    let names: Vec<String> = key
        .iter()
        .map(|name| format!("{before}{}", quote::name(name)))
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Reads the first columns of a row as its key. A null, which no key has, is named as text.
fn key(row: &MySqlRow, width: usize) -> Result<Key, sqlx::Error> {
    (0..row.columns().len().min(width))
        .map(|place| {
            let part = part(row, place)?;
            Ok(part.unwrap_or_else(|| KeyPart::Text("NULL".to_owned())))
        })
        .collect::<Result<_, _>>()
        .map(Key)
}

fn impossible(doing: &str, why: String) -> DbFailure {
    DbFailure {
        class: DbFailureClass::Unsupported,
        doing: doing.to_owned(),
        code: None,
        message: why,
    }
}
