//! MariaDB: loading by a snapshot, following the binary log.
//!
//! The log is read as a replica reads it, and its rows are applied as they stand there, with the statement `BINLOG`, in
//! the transactions of the source. A replica of the server's own would do the same, and would besides carry over every
//! statement about a table that belongs to the job: a fence is made of triggers, which must stay where they were made.
//!
//! In one transaction with the rows goes the position, in the database `cutover_local_dms` of the target; so nothing is
//! applied twice or left out, whenever a connection or a server goes. What is applied keeps the number of the server
//! where it was written first, in the target's log too. Changes that the target itself has written first are not applied,
//! so that nothing goes round in circles.

mod apply;
mod events;
mod follow;
mod load;
mod log;
mod run;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cutover_sim::cloud::{Job, MovedDatabase};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, MySqlConnection};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::job::Look;
use crate::problem::Problem;
use crate::progress::Shared;
use crate::tables::Table;
use events::Position;

/// How long a server may take to let us in: ours; it is on the same machine.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Changes of a table up to a position that are in what was loaded again.
type Skips = Arc<Mutex<BTreeMap<Table, Position>>>;

/// Connects and asks for nothing.
pub(crate) async fn test(database: &MovedDatabase) -> Result<(), Problem> {
    let connection = connect(database).await?;
    // It was let in; how it takes leave does not matter.
    let _ = connection.close().await;
    Ok(())
}

/// What moves rows between two MariaDB servers.
#[derive(Debug)]
pub(crate) struct Worker {
    job: Job,
    shared: Shared,
    skips: Skips,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: watch::Sender<bool>,
    reloads: UnboundedSender<Vec<Table>>,
    task: JoinHandle<Result<(), Problem>>,
}

impl Worker {
    pub(crate) fn new(job: &Job, shared: Shared) -> Self {
        Self {
            job: job.clone(),
            shared,
            skips: Skips::default(),
            running: None,
        }
    }

    /// Begins, or goes on.
    #[expect(
        clippy::unused_async,
        reason = "it is called in one place with its twin for PostgreSQL"
    )]
    pub(crate) async fn start(&mut self, job: Job) -> Result<(), Problem> {
        self.job = job.clone();
        let (stop, stopped) = watch::channel(false);
        let (reloads, taken) = mpsc::unbounded_channel();
        let run = run::run(job, self.shared.clone(), self.skips.clone(), stopped, taken);
        self.running = Some(Running {
            stop,
            reloads,
            task: tokio::spawn(run),
        });
        Ok(())
    }

    /// Looks whether it still goes on.
    pub(crate) async fn look(&mut self) -> Result<Look, Problem> {
        let Some(running) = self.running.take_if(|running| running.task.is_finished()) else {
            return Ok(Look::Goes);
        };
        match running.task.await {
            Ok(Ok(())) => Ok(Look::Over),
            // It has tried for as long as that made sense.
            Ok(Err(problem)) => Err(Problem::lasting(problem.to_string())),
            Err(_) => Err(Problem::lasting(
                "the mover has a bug: its task has panicked",
            )),
        }
    }

    /// Makes the target apply nothing more; returns when that is so.
    pub(crate) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            // Both fail only where it has ended by itself, which is what is wished.
            let _ = running.stop.send(true);
            let _ = running.task.await;
        }
    }

    /// Empties tables of the target and loads them again.
    pub(crate) fn reload(&self, tables: &[(String, String)]) {
        let tables = tables
            .iter()
            .map(|(schema, name)| Table::new(schema, name))
            .filter(|table| self.shared.table(table).is_some())
            .collect();
        if let Some(running) = &self.running {
            let _ = running.reloads.send(tables);
        }
    }

    /// Takes everything out of the target; the source holds nothing.
    pub(crate) async fn remove(&mut self) -> Result<(), Problem> {
        self.stop().await;
        apply::forget(&self.job).await
    }
}

async fn connect(database: &MovedDatabase) -> Result<MySqlConnection, Problem> {
    let options = MySqlConnectOptions::new()
        .host(&database.host)
        .port(database.port)
        .username(&database.user)
        .password(&database.password)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(Some("+00:00".to_owned()))
        .ssl_mode(MySqlSslMode::Preferred);
    let options = if database.database.is_empty() {
        options
    } else {
        options.database(&database.database)
    };
    let doing = format!("connecting to {}:{}", database.host, database.port);
    match timeout(CONNECT_WITHIN, options.connect()).await {
        Ok(connected) => connected.map_err(|error| Problem::sql(&doing, &error)),
        Err(_) => Err(Problem::passing(format!(
            "{doing}: no answer within {} s",
            CONNECT_WITHIN.as_secs()
        ))),
    }
}

/// Runs statements that answer nothing.
async fn run(connection: &mut MySqlConnection, doing: &str, script: &str) -> Result<(), Problem> {
    sqlx::raw_sql(AssertSqlSafe(script.to_owned()))
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Problem::sql(doing, &error))
}
