//! The place in the binary log.

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::writer_switch::control::LogPosition;
use sqlx::MySqlConnection;

use super::super::look::text;
use super::super::quote;
use super::Writer;
use super::session::{Trouble, execute, is, number, rows, unless_not_there};

/// How the log must be, for replication to read it.
const SETTINGS: [(&str, &str); 3] = [
    ("log_bin", "ON"),
    ("binlog_format", "ROW"),
    ("binlog_row_image", "FULL"),
];

/// Where the log stands, by its name since MySQL 8.2 and by the one before, which is MariaDB's too.
const PLACE: [&str; 2] = ["SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"];

/// The number of a statement that the server does not know.
const NO_SQL: u16 = 1064;

impl Writer {
    /// Whatever is written after this is in the log from there on: the server begins an event group at the place that it
    /// names.
    pub(super) async fn note_place(&self, name: &str) -> Result<LogPosition, DbFailure> {
        let mut held = self.held("noting where the binary log stands").await?;
        let noted = self.noted_place(&mut held.connection, name).await;
        held.end(noted)
    }

    async fn noted_place(
        &self,
        connection: &mut MySqlConnection,
        name: &str,
    ) -> Result<LogPosition, Trouble> {
        self.own_row(connection).await?;
        readable(connection).await?;
        let (file, position) = place(connection).await?;
        let statement = format!(
            "UPDATE {} SET captured_name = {}, captured_file = {}, captured_position = {position}",
            quote::table(&self.own("state")),
            quote::text(name),
            quote::text(&file)
        );
        execute(connection, &statement).await?;
        Ok(LogPosition::Binlog { file, position })
    }

    pub(super) async fn give_up_place(&self, name: &str) -> Result<(), DbFailure> {
        let mut held = self.held("giving up a place in the binary log").await?;
        let statement = format!(
            "UPDATE {} SET captured_name = NULL, captured_file = NULL, captured_position = NULL \
              WHERE captured_name = {} AND migration = {}",
            quote::table(&self.own("state")),
            quote::text(name),
            quote::text(&self.of.migration)
        );
        let given_up = unless_not_there(execute(&mut held.connection, &statement).await);
        held.end(given_up.map(drop).map_err(Trouble::from))
    }
}

/// Refuses a log that replication could not read, with everything that must be different.
async fn readable(connection: &mut MySqlConnection) -> Result<(), Trouble> {
    let names: Vec<String> = SETTINGS.map(|(name, _)| quote::text(name)).to_vec();
    let query = format!(
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ({})",
        names.join(", ")
    );
    let found = rows(connection, &query).await?;
    let mut wrong = Vec::new();
    for (name, expected) in SETTINGS {
        let mut value = String::new();
        for row in &found {
            if text(row, 0)?.as_deref() == Some(name) {
                value = text(row, 1)?.unwrap_or_default();
            }
        }
        if value != expected {
            wrong.push(format!("`{name}` is `{value}` and must be `{expected}`"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Trouble::Wrong(
        DbFailureClass::Unsupported,
        format!(
            "replication cannot read the binary log: {}",
            wrong.join("; ")
        ),
    ))
}

async fn place(connection: &mut MySqlConnection) -> Result<(String, u64), Trouble> {
    for statement in PLACE {
        match rows(connection, statement).await {
            Err(error) if is(&error, NO_SQL) => {}
            found => {
                if let Some(row) = found?.first() {
                    return Ok((text(row, 0)?.unwrap_or_default(), number(row, 1)?));
                }
            }
        }
    }
    Err(Trouble::Wrong(
        DbFailureClass::Unsupported,
        "the server does not say where its binary log stands".to_owned(),
    ))
}
