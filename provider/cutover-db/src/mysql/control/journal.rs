//! The journal, markers, and the probe.

use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::Entry;
use cutover_driver::Noted;
use sqlx::mysql::MySqlRow;
use sqlx::{Connection as _, MySqlConnection};

use super::super::look::text;
use super::super::quote;
use super::Writer;
use super::session::{Trouble, connect, execute, is, number, rows, unless_not_there};
use crate::failure::failed;

/// What the fence refuses with.
const READ_ONLY: u16 = 1290;

impl Writer {
    pub(super) async fn write_entry(&self, entry: &Entry) -> Result<(), DbFailure> {
        let mut held = self.held("writing to the journal").await?;
        let written = self.add_entry(&mut held.connection, entry).await;
        held.end(written.map_err(Trouble::from))
    }

    /// Without the lock, and so in a session of its own.
    pub(super) async fn read_entries(&self, limit: u32) -> Result<Vec<Noted>, DbFailure> {
        let doing = "reading the journal";
        let mut connection = connect(&self.address, doing).await?;
        let query = format!(
            "SELECT number, DATE_FORMAT(at, '%Y-%m-%dT%H:%i:%s.%fZ'), run, epoch, step, text \
               FROM {} ORDER BY number DESC LIMIT {limit}",
            quote::table(&self.own("journal"))
        );
        let read = async {
            let found = unless_not_there(rows(&mut connection, &query).await)?;
            let lines = found.unwrap_or_default();
            lines.iter().rev().map(noted).collect::<Result<Vec<_>, _>>()
        };
        let read: Result<_, sqlx::Error> = read.await;
        connection.close().await.ok();
        read.map_err(|error| failed(doing, &error))
    }

    pub(super) async fn write_marker(&self, number: u64) -> Result<(), DbFailure> {
        let table = quote::table(&self.own(marker_from(self.side)));
        let mut held = self.held("writing a marker").await?;
        // A marker that is there already was written by an attempt whose answer was lost.
        let statement = format!("INSERT IGNORE INTO {table} (id) VALUES ({number})");
        let written = execute(&mut held.connection, &statement).await;
        held.end(written.map_err(Trouble::from))
    }

    pub(super) async fn find_marker(&self, number: u64) -> Result<bool, DbFailure> {
        let table = quote::table(&self.own(marker_from(self.side.other())));
        let mut held = self.held("looking for a marker").await?;
        let query = format!("SELECT id FROM {table} WHERE id = {number}");
        let found = rows(&mut held.connection, &query).await;
        held.end(found.map(|rows| !rows.is_empty()).map_err(Trouble::from))
    }

    pub(super) async fn try_write(&self) -> Result<bool, DbFailure> {
        let table = quote::table(&self.own("probe"));
        let mut held = self.held("trying to write").await?;
        let tried = tried(&mut held.connection, &table).await;
        held.end(tried.map_err(Trouble::from))
    }
}

/// The table whose markers a side writes, and the other reads.
fn marker_from(side: Side) -> &'static str {
    match side {
        Side::Source => "marker_forward",
        Side::Target => "marker_reverse",
    }
}

async fn tried(connection: &mut MySqlConnection, table: &str) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let statement = format!("INSERT INTO {table} (id) VALUES (1)");
    let written = execute(&mut transaction, &statement).await;
    transaction.rollback().await?;
    match written {
        Err(error) if is(&error, READ_ONLY) => Ok(false),
        other => other.map(|()| true),
    }
}

fn noted(row: &MySqlRow) -> Result<Noted, sqlx::Error> {
    let text = |index| text(row, index).map(Option::unwrap_or_default);
    Ok(Noted {
        number: number(row, 0)?,
        at: text(1)?,
        entry: Entry {
            run: text(2)?,
            epoch: number(row, 3)?,
            step: text(4)?,
            text: text(5)?,
        },
    })
}
