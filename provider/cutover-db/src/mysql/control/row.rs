//! The row of this side.

use std::time::Duration;

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{Captured, Entry, Fence, LogPosition, State, Told};
use cutover_core::writer_switch::facts::Row;
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::super::look::text;
use super::super::quote;
use super::Writer;
use super::session::{Trouble, number, rows, unless_not_there};

/// The row, by the clock of the server. Expiries are compared there, since ours may be off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) state: State,
    /// The number of the last closing; the triggers that stand for it carry it.
    pub(super) generation: u64,
    /// The last closing that was opened again: triggers of it, and of those before, let everything through.
    pub(super) opened: u64,
    /// What is left of a pause, in microseconds; negative when it is over.
    left: i64,
    pub(super) captured: Option<Captured>,
}

impl Kept {
    /// What the fence does, as far as the row knows.
    pub(super) fn fence(&self) -> Fence {
        match (self.state.told, u64::try_from(self.left)) {
            (Told::Open, _) => Fence::Open,
            (Told::Closed, _) => Fence::Closed,
            (Told::Paused, Err(_) | Ok(0)) => Fence::Expired,
            (Told::Paused, Ok(left)) => Fence::Paused {
                left: Duration::from_micros(left),
            },
        }
    }
}

impl Writer {
    /// Reads the row, of whichever migration it is; `None` where there is none.
    pub(super) async fn read_row(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<Option<Kept>, sqlx::Error> {
        let state = quote::table(&self.own("state"));
        let query = format!(
            "SELECT migration, writer, epoch, told, generation, opened_generation, \
                    TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), expires_at), \
                    captured_name, captured_file, captured_position \
               FROM {state} WHERE id = 1"
        );
        let found = unless_not_there(rows(connection, &query).await)?;
        found.unwrap_or_default().first().map(kept).transpose()
    }

    /// Reads the row, which must be ours.
    pub(super) async fn own_row(&self, connection: &mut MySqlConnection) -> Result<Kept, Trouble> {
        match self.read_row(connection).await? {
            Some(kept) => self.only_ours(kept),
            None => Err(Trouble::Wrong(
                DbFailureClass::Missing,
                format!(
                    "there is no row of the migration in `{}`.`state`: was it prepared, or dropped since?",
                    self.of.schema
                ),
            )),
        }
    }

    /// Refuses the row of another migration.
    pub(super) fn only_ours(&self, kept: Kept) -> Result<Kept, Trouble> {
        if kept.state.migration == self.of.migration {
            return Ok(kept);
        }
        Err(Trouble::Wrong(
            DbFailureClass::Changed,
            format!(
                "`{}` belongs to the migration `{}`: finish that one, or give this one another control schema",
                self.of.schema, kept.state.migration
            ),
        ))
    }

    /// Adds a line to the journal.
    pub(super) async fn add_entry(
        &self,
        connection: &mut MySqlConnection,
        entry: &Entry,
    ) -> Result<(), sqlx::Error> {
        let journal = quote::table(&self.own("journal"));
        let statement = format!(
            "INSERT INTO {journal} (at, run, epoch, step, text) VALUES (UTC_TIMESTAMP(6), ?, ?, ?, ?)"
        );
        sqlx::query(AssertSqlSafe(statement))
            .bind(&entry.run)
            .bind(entry.epoch)
            .bind(&entry.step)
            .bind(&entry.text)
            .execute(connection)
            .await
            .map(drop)
    }
}

/// What sets writer and epoch, in a statement.
pub(super) fn assigned(row: &Row) -> String {
    format!(
        "writer = '{}', epoch = {}, updated_at = UTC_TIMESTAMP(6)",
        row.writer, row.epoch
    )
}

/// How what a fence was told stands in the row.
pub(super) fn told(told: Told) -> &'static str {
    match told {
        Told::Open => "open",
        Told::Paused => "paused",
        Told::Closed => "closed",
    }
}

fn kept(row: &MySqlRow) -> Result<Kept, sqlx::Error> {
    let text = |index| text(row, index).map(Option::unwrap_or_default);
    let captured = match text(7)? {
        name if name.is_empty() => None,
        name => Some(Captured {
            name,
            position: LogPosition::Binlog {
                file: text(8)?,
                position: number(row, 9)?,
            },
        }),
    };
    Ok(Kept {
        state: State {
            migration: text(0)?,
            writer: if text(1)? == "target" {
                Side::Target
            } else {
                Side::Source
            },
            epoch: number(row, 2)?,
            told: match text(3)?.as_str() {
                "open" => Told::Open,
                "paused" => Told::Paused,
                _ => Told::Closed,
            },
        },
        generation: number(row, 4)?,
        opened: number(row, 5)?,
        left: number(row, 6)?,
        captured,
    })
}
