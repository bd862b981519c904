//! All that is ours, made and removed.

use std::time::Duration;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::writer_switch::control::Told;
use cutover_core::writer_switch::facts::Row;
use sqlx::MySqlConnection;

use super::super::look::text;
use super::super::quote;
use super::Writer;
use super::barrier::Barrier;
use super::row::{self, Kept};
use super::session::{Trouble, execute, rows};

/// How long preparing waits for those who use tables that are to be closed. The design's figure for an attempt of a fence.
const LOCK: Duration = Duration::from_secs(2);

/// Our tables with their columns.
const TABLES: [(&str, &str); 5] = [
    (
        "state",
        "id tinyint PRIMARY KEY, migration varchar(64) NOT NULL, writer varchar(8) NOT NULL, \
         epoch bigint unsigned NOT NULL, told varchar(8) NOT NULL, generation bigint unsigned NOT NULL, \
         opened_generation bigint unsigned NOT NULL, expires_at datetime(6), captured_name varchar(255), \
         captured_file varchar(255), captured_position bigint unsigned, holder varchar(255), \
         updated_at datetime(6) NOT NULL",
    ),
    (
        "journal",
        "number bigint unsigned AUTO_INCREMENT PRIMARY KEY, at datetime(6) NOT NULL, run varchar(255) NOT NULL, \
         epoch bigint unsigned NOT NULL, step varchar(64) NOT NULL, text text NOT NULL",
    ),
    ("marker_forward", "id bigint PRIMARY KEY"),
    ("marker_reverse", "id bigint PRIMARY KEY"),
    ("probe", "id bigint PRIMARY KEY"),
];

/// How the tables begin that DMS keeps in a control schema.
const OF_DMS: &str = "awsdms_";

impl Writer {
    pub(super) async fn make(&self, row: &Row) -> Result<(), DbFailure> {
        let mut held = self.held("preparing the control schema").await?;
        let made = self.prepared(&mut held.connection, row).await;
        held.end(made)
    }

    async fn prepared(&self, connection: &mut MySqlConnection, row: &Row) -> Result<(), Trouble> {
        if let Some(kept) = self.read_row(connection).await? {
            self.only_ours(kept)?;
        }
        self.make_tables(connection).await?;
        self.make_row(connection, row).await?;
        let kept = self.own_row(connection).await?;
        let missing = self.unfenced(connection, &kept).await?;
        if missing.is_empty() {
            return Ok(());
        }
        if kept.state.told == Told::Open {
            // They let everything through, so that each can be made by itself, and nobody waits for all of them.
            return self.raise(connection, &kept, &missing).await;
        }
        self.raise_at_once(connection, &kept).await
    }

    /// Makes a fence that refuses writes: behind the barrier, as any closing is.
    async fn raise_at_once(
        &self,
        connection: &mut MySqlConnection,
        kept: &Kept,
    ) -> Result<(), Trouble> {
        match self.lock_tables(connection, LOCK).await? {
            Barrier::Taken { .. } => {
                let raised = self.raise(connection, kept, &self.carrying()).await;
                self.unlock_tables(connection, raised).await
            }
            Barrier::InTheWay(who) => Err(Trouble::Wrong(
                DbFailureClass::Busy,
                format!(
                    "tables that are to be closed are in use: {}",
                    who.join("; ")
                ),
            )),
        }
    }

    async fn make_tables(&self, connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        let schema = quote::name(&self.of.schema);
        execute(
            connection,
            &format!("CREATE DATABASE IF NOT EXISTS {schema}"),
        )
        .await?;
        for (name, columns) in TABLES {
            let statement = format!(
                "CREATE TABLE IF NOT EXISTS {} ({columns}) \
                 ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                quote::table(&self.own(name))
            );
            execute(connection, &statement).await?;
        }
        Ok(())
    }

    /// Writes the row where there is none. It is there before the triggers are, so that it never claims less than they do.
    async fn make_row(
        &self,
        connection: &mut MySqlConnection,
        row: &Row,
    ) -> Result<(), sqlx::Error> {
        let (told, opened) = if row.writer == self.side {
            (Told::Open, 1)
        } else {
            (Told::Closed, 0)
        };
        let statement = format!(
            "INSERT IGNORE INTO {} SET id = 1, migration = {}, told = '{}', generation = 1, \
             opened_generation = {opened}, holder = {}, {}",
            quote::table(&self.own("state")),
            quote::text(&self.of.migration),
            row::told(told),
            quote::text(&self.of.run),
            row::assigned(row)
        );
        execute(connection, &statement).await
    }

    pub(super) async fn unmake(&self) -> Result<(), DbFailure> {
        let mut held = self.held("removing the control schema").await?;
        let removed = self.removed(&mut held.connection).await;
        held.end(removed)
    }

    /// The triggers go before what they read. Where somebody keeps something else beside our tables, only ours go, the row
    /// last, so that a removal that was interrupted is finished by the next.
    async fn removed(&self, connection: &mut MySqlConnection) -> Result<(), Trouble> {
        match self.read_row(connection).await? {
            Some(kept) => self.only_ours(kept)?,
            None => return Ok(()),
        };
        self.drop_all_triggers(connection).await?;
        let schema = quote::name(&self.of.schema);
        if !self.is_shared(connection).await? {
            execute(connection, &format!("DROP DATABASE {schema}")).await?;
            return Ok(());
        }
        for (name, _) in TABLES.iter().rev() {
            let table = quote::table(&self.own(name));
            execute(connection, &format!("DROP TABLE IF EXISTS {table}")).await?;
        }
        Ok(())
    }

    /// Tells whether the control schema holds tables that are neither ours nor those of DMS.
    async fn is_shared(&self, connection: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
        let names = format!(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {}",
            quote::text(&self.of.schema)
        );
        for row in rows(connection, &names).await? {
            let name = text(&row, 0)?.unwrap_or_default();
            if !name.starts_with(OF_DMS) && TABLES.iter().all(|(ours, _)| *ours != name) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
