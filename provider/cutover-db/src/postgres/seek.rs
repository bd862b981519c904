//! Rows that are wrong, and values that users ask for.

use cutover_core::validation::catalog::TableName;
use cutover_core::validation::digest::{Key, KeyPart};
use cutover_core::validation::facts::{DbFailure, DbFailureClass, Sought};
use cutover_core::validation::plan::{RulePlan, RuleQuery};

use super::quote;
use super::reading::Reading;
use super::session::Postgres;
use crate::canonical::write_decimal;

/// In what users and catalogs wrote, names mean what they mean to the user who is logged in.
const AS_THE_USER: &str = "BEGIN READ ONLY; SET LOCAL search_path TO DEFAULT";

/// Where rows that are wrong are, and what names them.
struct Wrong {
    /// What stands behind `FROM`, with its conditions.
    from: String,
    /// What their keys are made of; none if there is nothing.
    key: Vec<String>,
}

impl Postgres {
    /// Counts rows that are wrong, and reads the keys of some.
    pub(super) async fn seek_rows(
        &self,
        rule: &RulePlan,
        limit: usize,
    ) -> Result<Sought, DbFailure> {
        let wrong = wrong(&rule.query);
        let mut reading =
            Reading::now(self, format!("looking for rows of `{}`", rule.name)).await?;
        reading.begin(AS_THE_USER).await?;
        // One statement alone can be prepared, so that nothing can follow a query of the user's.
        let row = reading
            .one(&format!("SELECT count(*) FROM {}", wrong.from))
            .await?;
        let count: i64 = reading.get(&row, 0)?;
        let mut keys = Vec::new();
        if count > 0 && limit > 0 && !wrong.key.is_empty() {
            for row in reading.all(&keys_sql(&wrong, limit)).await? {
                let mut parts = Vec::new();
                for place in 0..wrong.key.len() {
                    let text: Option<String> = reading.get(&row, place * 2)?;
                    let type_name: String = reading.get(&row, place * 2 + 1)?;
                    parts.push(part(text, &type_name));
                }
                keys.push(Key(parts));
            }
        }
        reading.finish().await?;
        Ok(Sought {
            count: count.unsigned_abs(),
            keys,
        })
    }

    /// Runs a query of the user's for its one value.
    pub(super) async fn one_value(&self, query: &str) -> Result<Option<String>, DbFailure> {
        let mut reading = Reading::now(self, "asking for a value".to_owned()).await?;
        reading.begin(AS_THE_USER).await?;
        let sql = format!(
            "SELECT value::text, pg_typeof(value)::text FROM {} LIMIT 2",
            nested(query, "asked(value)")
        );
        let rows = reading.all(&sql).await?;
        if rows.len() > 1 {
            return Err(DbFailure {
                class: DbFailureClass::Malformed,
                doing: reading.doing().to_owned(),
                code: None,
                message: "the query gives more than one row; it must give one row with one value"
                    .to_owned(),
            });
        }
        let mut value = None;
        if let Some(row) = rows.first() {
            let text: Option<String> = reading.get(row, 0)?;
            let type_name: String = reading.get(row, 1)?;
            value = text.map(|text| match type_name.as_str() {
                "numeric" => decimal(&text),
                _ => text,
            });
        }
        reading.finish().await?;
        Ok(value)
    }
}

fn keys_sql(wrong: &Wrong, limit: usize) -> String {
    let selected: Vec<String> = wrong
        .key
        .iter()
        .map(|part| format!("{part}::text, pg_typeof({part})::text"))
        .collect();
    format!(
        "SELECT {} FROM {} ORDER BY {} LIMIT {limit}",
        selected.join(", "),
        wrong.from,
        wrong.key.join(", ")
    )
}

fn wrong(query: &RuleQuery) -> Wrong {
    match query {
        RuleQuery::Where {
            table,
            key,
            condition,
        } => Wrong {
            // On a line of its own, so that a comment at its end does not swallow what follows.
            from: format!("{} WHERE (\n{condition}\n)", quote::table(table)),
            key: key.iter().map(|name| quote::name(name)).collect(),
        },
        RuleQuery::Orphans {
            table,
            key,
            columns,
            referred,
            referred_columns,
        } => Wrong {
            from: orphans(table, columns, referred, referred_columns),
            key: key
                .iter()
                .map(|name| format!("child.{}", quote::name(name)))
                .collect(),
        },
        RuleQuery::Custom(query) => Wrong {
            from: nested(query, "wrong(key)"),
            key: vec!["key".to_owned()],
        },
    }
}

fn orphans(
    table: &TableName,
    columns: &[String],
    referred: &TableName,
    referred_columns: &[String],
) -> String {
    let refers: Vec<String> = columns
        .iter()
        .map(|name| format!("child.{} IS NOT NULL", quote::name(name)))
        .collect();
    let meets: Vec<String> = columns
        .iter()
        .zip(referred_columns)
        .map(|(name, referred)| {
            format!(
                "parent.{} = child.{}",
                quote::name(referred),
                quote::name(name)
            )
        })
        .collect();
    format!(
        "{} AS child WHERE {} AND NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {})",
        quote::table(table),
        refers.join(" AND "),
        quote::table(referred),
        meets.join(" AND ")
    )
}

/// Puts a query of the user's into brackets.
fn nested(query: &str, alias: &str) -> String {
    let query = query.trim_end_matches(|end: char| end == ';' || end.is_whitespace());
    format!("(\n{query}\n) AS {alias}")
}

fn part(text: Option<String>, type_name: &str) -> KeyPart {
    let Some(text) = text else {
        return KeyPart::Text("null".to_owned());
    };
    let number = match type_name {
        "smallint" | "integer" | "bigint" => text.parse().ok(),
        _ => None,
    };
    number.map_or(KeyPart::Text(text), KeyPart::Integer)
}

fn decimal(text: &str) -> String {
    let mut out = Vec::new();
    write_decimal(&mut out, text.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}
