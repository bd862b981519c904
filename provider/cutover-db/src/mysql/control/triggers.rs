//! The fence of a table: three row triggers, and which tables have them.
//!
//! A trigger carries the number of the closing that it was made for, and refuses writes while the row says that this
//! closing was not opened again. So closing is a change of the catalog, which no session can miss, and opening is one update
//! of the row. A transaction that reads the row as it was before does not see the opening, and is refused a little longer.
//! A trigger reads the row as a plain query, which takes no lock on it: whoever was refused and keeps a transaction open does
//! not hold up the opening. (A transaction that is `SERIALIZABLE` does.)
//!
//! A pause ends by itself: its triggers carry the moment, and ask the clock before the row.

use std::collections::BTreeSet;

use cutover_core::validation::catalog::TableName;
use cutover_core::writer_switch::control::Told;
use sqlx::MySqlConnection;

use super::super::look::text;
use super::super::quote;
use super::Writer;
use super::row::Kept;
use super::session::{Trouble, execute, rows, texts};
use crate::identity;

/// How the names of our triggers begin.
const PREFIX: &str = "cutover_fence_";

/// What a fence is for.
const EVENTS: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];

/// What applications are told, with the number that servers use for writes to what is read-only. Drivers and pools know it by
/// the option's name. At most 128 characters.
const REFUSAL: &str = "The fence of cutover refuses writes here, as the --read-only option does: another database is the writer, or will be";

/// A trigger that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trigger {
    table: TableName,
    event: String,
    name: String,
    mark: Option<Mark>,
}

/// What the name of a trigger of ours says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    generation: u64,
    /// Whether it ends by itself.
    ends: bool,
}

impl Mark {
    /// Tells whether a trigger stands for what the row says.
    fn stands_for(self, kept: &Kept) -> bool {
        self.generation == kept.generation && (kept.state.told != Told::Closed || !self.ends)
    }
}

impl Writer {
    /// Lists tables whose fence is not whole, and those that do not exist, in the order in which they were given.
    pub(super) async fn unfenced(
        &self,
        connection: &mut MySqlConnection,
        kept: &Kept,
    ) -> Result<Vec<TableName>, sqlx::Error> {
        let found = self.triggers(connection).await?;
        let stands = |table: &TableName, event: &str| {
            found.iter().any(|trigger| {
                trigger.table == *table
                    && trigger.event == event
                    && trigger.mark.is_some_and(|mark| mark.stands_for(kept))
            })
        };
        let mut tables = self.carrying();
        tables.retain(|table| !EVENTS.iter().all(|event| stands(table, event)));
        Ok(tables)
    }

    /// Lists fenced tables that do not exist.
    pub(super) async fn absent(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<Vec<TableName>, sqlx::Error> {
        let query = format!(
            "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA IN ({})",
            self.schemas()
        );
        let mut there = BTreeSet::new();
        for row in rows(connection, &query).await? {
            there.insert(TableName {
                schema: text(&row, 0)?.unwrap_or_default(),
                name: text(&row, 1)?.unwrap_or_default(),
            });
        }
        let mut tables = self.of.tables.clone();
        tables.retain(|table| !there.contains(table));
        Ok(tables)
    }

    /// Gives tables the fence that the row speaks of, and then takes away those of before. In this order a death in between
    /// leaves both, and both together refuse what either does.
    pub(super) async fn raise(
        &self,
        connection: &mut MySqlConnection,
        kept: &Kept,
        tables: &[TableName],
    ) -> Result<(), Trouble> {
        let found = self.triggers(connection).await?;
        let ends = self.end_of_pause(connection, kept).await?;
        for table in tables {
            for event in EVENTS {
                let mark = Mark {
                    generation: kept.generation,
                    ends: ends.is_some(),
                };
                let name = self.name(table, event, mark);
                let here: Vec<&Trigger> = found
                    .iter()
                    .filter(|trigger| trigger.table == *table && trigger.event == event)
                    .collect();
                if here.iter().any(|trigger| trigger.name == name) {
                    continue;
                }
                // Before the first that is there, so that others do not begin what is then refused.
                let order = here.first().map_or_else(String::new, |first| {
                    format!("PRECEDES {}", quote::name(&first.name))
                });
                let statement = format!(
                    "CREATE TRIGGER {}.{} BEFORE {event} ON {} FOR EACH ROW {order} {}",
                    quote::name(&table.schema),
                    quote::name(&name),
                    quote::table(table),
                    self.body(kept.generation, ends.as_deref())
                );
                execute(connection, &statement).await?;
            }
        }
        for trigger in found {
            let stays =
                |mark: Mark| mark.generation == kept.generation && mark.ends == ends.is_some();
            if tables.contains(&trigger.table) && trigger.mark.is_some_and(|mark| !stays(mark)) {
                drop_trigger(connection, &trigger).await?;
            }
        }
        Ok(())
    }

    /// Takes the triggers of ours away, also from tables that are not fenced any more.
    pub(super) async fn drop_all_triggers(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<(), sqlx::Error> {
        // Every body names the row of our control schema.
        let query = format!(
            "SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, EVENT_MANIPULATION, TRIGGER_NAME \
               FROM information_schema.TRIGGERS \
              WHERE LEFT(TRIGGER_NAME, {}) = '{PREFIX}' AND LOCATE({}, ACTION_STATEMENT) > 0",
            PREFIX.len(),
            quote::text(&quote::table(&self.own("state")))
        );
        for row in rows(connection, &query).await? {
            let trigger = self.trigger(&row)?;
            drop_trigger(connection, &trigger).await?;
        }
        Ok(())
    }

    /// Reads the triggers that fire before rows of our tables change, in the order in which they do.
    async fn triggers(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<Vec<Trigger>, sqlx::Error> {
        let query = format!(
            "SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, EVENT_MANIPULATION, TRIGGER_NAME \
               FROM information_schema.TRIGGERS \
              WHERE ACTION_TIMING = 'BEFORE' AND EVENT_OBJECT_SCHEMA IN ({}) \
              ORDER BY EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_ORDER",
            self.schemas()
        );
        let found = rows(connection, &query).await?;
        found.iter().map(|row| self.trigger(row)).collect()
    }

    fn trigger(&self, row: &sqlx::mysql::MySqlRow) -> Result<Trigger, sqlx::Error> {
        let text = |index| text(row, index).map(Option::unwrap_or_default);
        let table = TableName {
            schema: text(0)?,
            name: text(1)?,
        };
        let name = text(3)?;
        Ok(Trigger {
            mark: name.strip_prefix(&self.stem(&table)).and_then(mark),
            event: text(2)?,
            name,
            table,
        })
    }

    /// The databases of all tables that carry a fence, within a statement.
    fn schemas(&self) -> String {
        let schemas: BTreeSet<String> = self
            .carrying()
            .iter()
            .map(|table| quote::text(&table.schema))
            .collect();
        schemas.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// How the names of the triggers of a table begin. Names of triggers are those of a whole database, and have at most 64
    /// characters, as those of tables do; so a hash stands for the table.
    fn stem(&self, table: &TableName) -> String {
        let hash = identity::of(&[&self.of.schema, &table.schema, &table.name]);
        format!("{PREFIX}{}_", hash.get(..8).unwrap_or_default())
    }

    fn name(&self, table: &TableName, event: &str, mark: Mark) -> String {
        let kind = if mark.ends { 'p' } else { 'c' };
        let event = event.to_ascii_lowercase();
        format!("{}{}{kind}_{event}", self.stem(table), mark.generation)
    }

    /// What a trigger does. Where there is no row it refuses: `SELECT … INTO` leaves the variable alone then.
    fn body(&self, generation: u64, ends: Option<&str>) -> String {
        let mut when = Vec::new();
        if let Some(ends) = ends {
            when.push(format!("UTC_TIMESTAMP(6) < TIMESTAMP'{ends}'"));
        }
        let users: Vec<String> = self
            .of
            .apply_users
            .iter()
            .map(|user| format!("{} COLLATE utf8mb4_bin", quote::text(user)))
            .collect();
        if !users.is_empty() {
            // `USER()` is who is connected; a name may hold an `@`, a host does not.
            when.push(format!(
                "LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER()))) NOT IN ({})",
                users.join(", ")
            ));
        }
        let when = if when.is_empty() {
            "TRUE".to_owned()
        } else {
            when.join(" AND ")
        };
        format!(
            "BEGIN DECLARE opened_until BIGINT UNSIGNED DEFAULT 0; IF {when} THEN \
               SELECT opened_generation INTO opened_until FROM {} WHERE id = 1; \
               IF opened_until < {generation} THEN \
                 SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1290, MESSAGE_TEXT = {}; \
               END IF; END IF; END",
            quote::table(&self.own("state")),
            quote::text(REFUSAL)
        )
    }

    /// The moment at which a paused fence opens by itself, as it stands in triggers; `None` for any other.
    async fn end_of_pause(
        &self,
        connection: &mut MySqlConnection,
        kept: &Kept,
    ) -> Result<Option<String>, sqlx::Error> {
        if kept.state.told != Told::Paused {
            return Ok(None);
        }
        let state = quote::table(&self.own("state"));
        let query = format!("SELECT CAST(expires_at AS CHAR) FROM {state} WHERE id = 1");
        texts(rows(connection, &query).await?.first(), 0)
    }
}

async fn drop_trigger(
    connection: &mut MySqlConnection,
    trigger: &Trigger,
) -> Result<(), sqlx::Error> {
    let statement = format!(
        "DROP TRIGGER IF EXISTS {}.{}",
        quote::name(&trigger.table.schema),
        quote::name(&trigger.name)
    );
    execute(connection, &statement).await
}

/// Reads what follows the stem in a name of ours: `3p_insert`.
fn mark(rest: &str) -> Option<Mark> {
    let (rest, _event) = rest.split_once('_')?;
    let ends = rest.ends_with('p');
    let generation = rest.strip_suffix(['p', 'c'])?.parse().ok()?;
    Some(Mark { generation, ends })
}
