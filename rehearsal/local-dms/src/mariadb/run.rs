//! One run of a job, from its start to its stop.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use cutover_sim::cloud::{Job, JobStart};
use sqlx::MySqlConnection;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use super::apply::Target;
use super::events::Position;
use super::follow::{Follow, follow};
use super::{Skips, connect, load};
use crate::problem::Problem;
use crate::progress::{Shared, Stage};
use crate::tables::{Table, belongs};

/// Tables that hold rows.
const TABLES: &str = "
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE'
      AND table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema', 'cutover_local_dms')";

/// Runs a job until it is stopped, is over, or cannot go on.
pub(super) async fn run(
    job: Job,
    shared: Shared,
    skips: Skips,
    stop: watch::Receiver<bool>,
    reloads: UnboundedReceiver<Vec<Table>>,
) -> Result<(), Problem> {
    let mut target = Target::open(&job).await?;
    let known = match &job.start {
        JobStart::Anew => None,
        JobStart::Resume => target.position().await?,
        JobStart::At(position) => Some(Position::read(position)?),
    };
    if job.start == JobStart::Resume && known.is_none() && !job.load {
        return Err(Problem::lasting(
            "there is nothing to go on with on the target: the task must be started anew",
        ));
    }
    let goes_on = job.start == JobStart::Resume && known.is_some();
    let loads = job.load && known.is_none();
    let tables = find(&job, &shared, goes_on, loads).await?;
    let mut goal = None;
    let from = if let Some(position) = known {
        position
    } else {
        forget(&skips);
        target.clear_position().await?;
        let Some(position) = begin(&job, &shared, loads, &tables, &stop).await? else {
            return Ok(());
        };
        if loads {
            goal = Some(end_of_log(&job).await?);
        }
        position
    };
    target.set_position(&from).await?;
    shared.set_loaded(goal.is_none() || !job.changes);
    if !job.changes {
        return Ok(());
    }
    let tables = tables.into_iter().collect();
    let what = Follow {
        job,
        tables,
        shared,
        skips,
        goal,
    };
    follow(what, target, from, stop, reloads).await
}

fn forget(skips: &Skips) {
    skips.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// Finds the tables that belong to the job, and checks that they are on both sides.
async fn find(
    job: &Job,
    shared: &Shared,
    goes_on: bool,
    loads: bool,
) -> Result<Vec<Table>, Problem> {
    let tables: Vec<Table> = tables(&mut connect(&job.source).await?)
        .await?
        .into_iter()
        .filter(|table| belongs(job, table))
        .collect();
    if tables.is_empty() {
        return Err(Problem::lasting(
            "no table of the source belongs to the task",
        ));
    }
    let known = tables.iter().all(|table| shared.table(table).is_some());
    if !goes_on || !known {
        let stage = if loads {
            Stage::Before
        } else {
            Stage::Completed
        };
        shared.set_tables(&tables, stage);
    }
    let on_target = self::tables(&mut connect(&job.target).await?).await?;
    for table in &tables {
        if !on_target.contains(table) {
            shared.set_stage(table, Stage::Error);
            return Err(Problem::lasting(format!(
                "table `{table}` is not there on the target"
            )));
        }
    }
    Ok(tables)
}

async fn tables(connection: &mut MySqlConnection) -> Result<BTreeSet<Table>, Problem> {
    let found: Vec<(String, String)> = sqlx::query_as(TABLES)
        .fetch_all(connection)
        .await
        .map_err(|error| Problem::sql("reading the catalogue", &error))?;
    Ok(found
        .into_iter()
        .map(|(schema, name)| Table::new(schema, name))
        .collect())
}

/// Loads, where that is wished; returns from where on changes are to be followed, or `None` when it was stopped.
async fn begin(
    job: &Job,
    shared: &Shared,
    loads: bool,
    tables: &[Table],
    stop: &watch::Receiver<bool>,
) -> Result<Option<Position>, Problem> {
    if !loads {
        return end_of_log(job).await.map(Some);
    }
    let mut target = connect(&job.target).await?;
    load::prepare(&mut target).await?;
    load::empty(&mut target, tables).await?;
    let mut source = connect(&job.source).await?;
    let position = load::snapshot(&mut source).await?;
    for table in tables {
        let copied = load::copy(&mut source, &mut target, table, shared, stop).await;
        match copied {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(problem) => {
                shared.set_stage(table, Stage::Error);
                return Err(problem);
            }
        }
    }
    Ok(Some(position))
}

/// Reads where the source's log ends now.
async fn end_of_log(job: &Job) -> Result<Position, Problem> {
    let mut source = connect(&job.source).await?;
    load::snapshot(&mut source).await
}
