//! `AUTO_INCREMENT`, and the sequences of MariaDB that columns are filled from.

use cutover_core::validation::catalog::TableName;
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::writer_switch::control::Identity;
use sqlx::MySqlConnection;
use sqlx::mysql::MySqlRow;

use super::super::look::text;
use super::super::quote;
use super::Writer;
use super::session::{Trouble, execute, number, rows, texts};

/// What counts up, with what it fills.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Counter {
    table: TableName,
    column: String,
    /// `bigint(20) unsigned`.
    column_type: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// The counter of the table, with what it gives next.
    Table { next: i128 },
    /// A sequence, by its name as statements have it.
    Sequence(String),
}

impl Writer {
    pub(super) async fn read_identities(&self) -> Result<Vec<Identity>, DbFailure> {
        let mut held = self.held("reading identities").await?;
        let read = self.identities_of_tables(&mut held.connection).await;
        held.end(read.map_err(Trouble::from))
    }

    async fn identities_of_tables(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<Vec<Identity>, sqlx::Error> {
        let step = rows(connection, "SELECT @@GLOBAL.auto_increment_increment").await?;
        let step = texts(step.first(), 0)?
            .and_then(|step| step.parse().ok())
            .unwrap_or(1);
        let mut identities = Vec::new();
        for counter in self.counters(connection).await? {
            identities.push(identity(connection, self.name_of(&counter), &counter, step).await?);
        }
        Ok(identities)
    }

    /// Sets each counter without copying its table: a server that would have to refuses instead.
    pub(super) async fn count_on_from(&self, next: &[(String, i128)]) -> Result<(), DbFailure> {
        let mut held = self.held("setting identities").await?;
        let connection = &mut held.connection;
        let set = async {
            let counters = self.counters(connection).await?;
            for (name, next) in next {
                let counter = counters
                    .iter()
                    .find(|counter| self.name_of(counter) == *name);
                let Some(counter) = counter else {
                    return Err(Trouble::Wrong(
                        DbFailureClass::Missing,
                        format!("nothing counts `{name}` up here"),
                    ));
                };
                execute(connection, &set(counter, *next)).await?;
            }
            Ok(())
        };
        let set = set.await;
        held.end(set)
    }

    fn name_of(&self, counter: &Counter) -> String {
        self.of.identity_name(&counter.table, &counter.column)
    }

    /// Lists what counts up in the fenced tables, in the order of their names.
    async fn counters(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<Vec<Counter>, sqlx::Error> {
        let schemas: Vec<String> = self
            .of
            .tables
            .iter()
            .map(|table| quote::text(&table.schema))
            .collect();
        if schemas.is_empty() {
            return Ok(Vec::new());
        }
        // Sessions of MySQL see fresh figures here, as they are set up.
        let query = format!(
            "SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.COLUMN_DEFAULT, t.AUTO_INCREMENT \
               FROM information_schema.COLUMNS c \
               JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME \
              WHERE c.TABLE_SCHEMA IN ({}) \
                AND (c.EXTRA LIKE '%auto_increment%' OR c.COLUMN_DEFAULT LIKE 'nextval(%)') \
              ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION",
            schemas.join(", ")
        );
        let found = rows(connection, &query).await?;
        let mut counters = found.iter().map(counter).collect::<Result<Vec<_>, _>>()?;
        counters.retain(|counter| self.of.tables.contains(&counter.table));
        Ok(counters)
    }
}

fn counter(row: &MySqlRow) -> Result<Counter, sqlx::Error> {
    let value = |index| text(row, index).map(Option::unwrap_or_default);
    let default = value(4)?;
    let sequence = default
        .strip_prefix("nextval(")
        .and_then(|rest| rest.strip_suffix(')'));
    Ok(Counter {
        table: TableName {
            schema: value(0)?,
            name: value(1)?,
        },
        column: value(2)?,
        column_type: value(3)?,
        kind: match sequence {
            Some(sequence) => Kind::Sequence(sequence.to_owned()),
            // Null until the first row, which will have 1.
            None => Kind::Table {
                next: text(row, 5)?
                    .and_then(|next| next.parse().ok())
                    .unwrap_or(1),
            },
        },
    })
}

async fn identity(
    connection: &mut MySqlConnection,
    name: String,
    counter: &Counter,
    step: i64,
) -> Result<Identity, sqlx::Error> {
    let greatest = format!(
        "SELECT MAX({}) FROM {}",
        quote::name(&counter.column),
        quote::table(&counter.table)
    );
    let greatest = texts(rows(connection, &greatest).await?.first(), 0)?;
    let largest = largest(&counter.column_type);
    let mut identity = Identity {
        name,
        next: 0,
        // A column of another type than integers is told without its digits after the point.
        greatest: greatest.and_then(|value| value.split('.').next().and_then(|n| n.parse().ok())),
        increment: step,
        limit: largest,
    };
    match &counter.kind {
        Kind::Table { next } => identity.next = *next,
        Kind::Sequence(sequence) => {
            let query = format!(
                "SELECT next_not_cached_value, increment, minimum_value, maximum_value FROM {sequence}"
            );
            let found = rows(connection, &query).await?;
            if let Some(row) = found.first() {
                identity.next = number(row, 0)?;
                // Without a step of its own it takes the server's.
                identity.increment = Some(number(row, 1)?)
                    .filter(|own| *own != 0)
                    .unwrap_or(step);
                identity.limit = if identity.increment < 0 {
                    number(row, 2)?
                } else {
                    largest.min(number(row, 3)?)
                };
            }
        }
    }
    Ok(identity)
}

fn set(counter: &Counter, next: i128) -> String {
    match &counter.kind {
        Kind::Table { .. } => format!(
            "ALTER TABLE {} AUTO_INCREMENT = {next}, ALGORITHM = INPLACE, LOCK = NONE",
            quote::table(&counter.table)
        ),
        Kind::Sequence(sequence) => format!("ALTER SEQUENCE {sequence} RESTART WITH {next}"),
    }
}

/// The largest value of a column, by its type. Other types than integers are as wide as the widest.
fn largest(column_type: &str) -> i128 {
    let unsigned = column_type.contains("unsigned");
    let name = column_type.split(['(', ' ']).next().unwrap_or_default();
    let bits = match name {
        "tinyint" => 8,
        "smallint" => 16,
        "mediumint" => 24,
        "int" => 32,
        _ => 64,
    };
    (1_i128 << (bits - u32::from(!unsigned))) - 1
}

#[cfg(test)]
mod tests {
    use super::largest;

    #[test]
    fn the_largest_value_of_a_column_hangs_on_its_type() {
        for (column_type, expected) in [
            ("tinyint(1)", 127),
            ("smallint(5) unsigned", 65_535),
            ("int", 2_147_483_647),
            ("bigint(20)", 9_223_372_036_854_775_807),
            ("bigint unsigned", 18_446_744_073_709_551_615),
        ] {
            assert_eq!(largest(column_type), expected, "{column_type}");
        }
    }
}
