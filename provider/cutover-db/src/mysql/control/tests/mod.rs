//! Who writes, on real MariaDB servers.

mod closing;
mod counting;
mod looking;
mod owning;
mod refusing;
mod under_load;

use std::time::Duration;

use cutover_core::validation::catalog::TableName;
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{Control, Entry};
use cutover_core::writer_switch::facts::Row;
use cutover_driver::{Address, Closing, Fenced, WriterControl as _};
use cutover_local_db::Server;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{AssertSqlSafe, ConnectOptions as _, MySqlConnection};

use super::Writer;
use crate::testing::database_of;

/// Longer than any statement takes here, however busy the machine is.
const AMPLE: Duration = Duration::from_secs(20);

/// What the source's row says before anything has moved.
const AT_FIRST: Row = Row {
    writer: Side::Source,
    epoch: 0,
};

/// One that nobody needs to know more of.
const TABLE: &str =
    "CREATE TABLE payments (id int AUTO_INCREMENT PRIMARY KEY, amount int NOT NULL)";

/// A payment.
const INSERT: &str = "INSERT INTO payments (amount) VALUES (1)";

/// One side, with a server that is shared, or is its own.
struct Rig<'a> {
    server: &'a Server,
    /// The database of the application; the control schema has `_control` behind it.
    name: &'static str,
    writer: Writer,
}

/// A source whose control schema is prepared: open, with a fence for each of the tables.
async fn a_source(name: &'static str, script: &str, tables: &[&str]) -> Rig<'static> {
    let server = Server::shared_mariadb();
    let rig = rig(server, name, script, tables, Side::Source).await;
    rig.writer.prepare(&AT_FIRST).await.expect("it may be made");
    rig
}

/// A target that is prepared, and so closed.
async fn a_target(name: &'static str, script: &str, tables: &[&str]) -> Rig<'static> {
    let server = Server::shared_mariadb();
    let rig = rig(server, name, script, tables, Side::Target).await;
    rig.writer.prepare(&AT_FIRST).await.expect("it may be made");
    rig
}

/// A side that holds the lock of its migration.
async fn rig<'a>(
    server: &'a Server,
    name: &'static str,
    script: &str,
    tables: &[&str],
    side: Side,
) -> Rig<'a> {
    let at = database_of(server, name, script);
    let writer = a_writer(&at, &fenced(name, tables), side).await;
    let locked = writer.lock().await.expect("the server answers");
    locked.expect("nobody has it");
    Rig {
        server,
        name,
        writer,
    }
}

async fn a_writer(at: &Address, of: &Fenced, side: Side) -> Writer {
    let opened = Writer::open(side, at, of).await;
    opened.expect("the server answers")
}

fn fenced(name: &str, tables: &[&str]) -> Fenced {
    let table = |table: &&str| TableName {
        schema: name.to_owned(),
        name: (*table).to_owned(),
    };
    Fenced {
        migration: format!("m_{name}"),
        schema: format!("{name}_control"),
        tables: tables.iter().map(table).collect(),
        apply_users: vec!["applies".to_owned()],
        slot_plugin: String::new(),
        run: "run 1".to_owned(),
    }
}

fn entry(step: &str) -> Entry {
    Entry {
        run: "run 1".to_owned(),
        epoch: 0,
        step: step.to_owned(),
        text: "it's begun".to_owned(),
    }
}

impl Rig<'_> {
    /// A session of an application.
    async fn client(&self) -> MySqlConnection {
        let options = self.server.mariadb_options(self.name);
        options.connect().await.expect("the server answers")
    }

    /// Closes the fence until a time is over, which must succeed.
    async fn pause(&self, expires_in: Duration) {
        let closing = self.writer.fence(AMPLE, expires_in, &entry("fence")).await;
        let closing = closing.expect("it may be made");
        assert!(matches!(closing, Closing::Closed { .. }), "{closing:?}");
    }

    async fn look(&self) -> Control {
        let seen = self.writer.look(Duration::from_hours(1)).await;
        seen.expect("it may be asked")
    }

    /// Rows of a query as the superuser, in one line.
    fn ask(&self, query: &str) -> String {
        let rows = self.server.rows(self.name, query).expect("it is SQL");
        let texts = rows.iter().map(|row| {
            let texts: Vec<&str> = row.iter().flatten().map(String::as_str).collect();
            texts.join(" ")
        });
        texts.collect::<Vec<_>>().join(", ")
    }

    /// Waits until somebody waits for the lock of a table, with a statement that begins so.
    async fn until_it_waits(&self, statement: &str) {
        let query = format!(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST \
              WHERE STATE = 'Waiting for table metadata lock' AND DB = '{}' AND INFO LIKE '{statement}%'",
            self.name
        );
        until(|| self.ask(&query) != "0").await;
    }
}

/// Asks until it is so; each question takes the server a little. Others go on in between.
async fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if is_so() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it has not come about");
}

/// Runs statements of an application; `Err` is the number of the error.
async fn run(client: &mut MySqlConnection, statements: &str) -> Result<u64, u16> {
    let done = sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(client)
        .await;
    number_of(done.map(|done| done.rows_affected()))
}

/// Runs a payment until it is accepted, which takes as long as a pause lasts.
async fn until_accepted(client: &mut MySqlConnection) {
    for _ in 0..100_000 {
        if run(client, INSERT).await.is_ok() {
            return;
        }
    }
    panic!("the pause does not end");
}

fn number_of<T>(result: Result<T, sqlx::Error>) -> Result<T, u16> {
    result.map_err(|error| {
        let error = error.into_database_error().expect("the server answers");
        error.downcast_ref::<MySqlDatabaseError>().number()
    })
}
