//! PostgreSQL: publications and subscriptions.
//!
//! A job has a publication on its source and a subscription on its target, both named after the task. The workers of a
//! subscription apply as a replica does, so triggers of the target do not fire for what they write, those of a fence
//! included; nor for emptying tables, for which our session says that it is one.
//!
//! **The way back.** The output plugin looks at the catalogue as it was when a change was written. A slot that was made
//! at some moment can therefore be read only through a publication that was there at that moment. So every job also makes
//! a publication on its *target*, for the same tables, named after the two databases; a job at a position of a slot
//! reads through it. One such job at a time can go each way between two databases. Without a job before the slot was made,
//! changes between the slot and the start of the job cannot be read.

mod catalog;
mod look;
mod subscription;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cutover_sim::cloud::{Job, JobStart, MovedDatabase};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::time::timeout;

use crate::job::Look;
use crate::problem::Problem;
use crate::progress::{Shared, Stage};
use crate::tables::{Table, belongs, number};

/// How long a server may take to let us in: ours; it is on the same machine.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Which tasks use the publications of two databases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs(Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>);

impl Pairs {
    fn join(&self, pair: &str, task: &str) {
        let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pairs
            .entry(pair.to_owned())
            .or_default()
            .insert(task.to_owned());
    }

    /// Tells whether nobody is left.
    fn leave(&self, pair: &str, task: &str) -> bool {
        let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let users = pairs.entry(pair.to_owned()).or_default();
        users.remove(task);
        users.is_empty()
    }
}

/// Connects and asks for nothing.
pub(crate) async fn test(database: &MovedDatabase) -> Result<(), Problem> {
    let connection = connect(database).await?;
    // It was let in; how it takes leave does not matter.
    let _ = connection.close().await;
    Ok(())
}

/// A place in the log, as PostgreSQL counts bytes.
type Lsn = i64;

/// What a worker goes by between two looks.
#[derive(Debug, Default)]
struct Watch {
    /// Where the log of the source stood, and when, oldest first; those that the target has not confirmed.
    marks: VecDeque<(Lsn, Instant)>,
    /// What the target had confirmed.
    confirmed: Lsn,
    /// How many errors of applying the target had counted by then.
    apply_errors: i64,
    /// How many errors of loading it had counted at the first look.
    load_errors: Option<i64>,
}

/// What moves rows between two PostgreSQL servers.
#[derive(Debug)]
pub(crate) struct Worker {
    job: Job,
    shared: Shared,
    pairs: Pairs,
    /// Of the subscription, and of the publication and the slot that are made for it.
    name: String,
    /// Of the publications that ways back are read through.
    pair: String,
    source: Option<PgConnection>,
    target: Option<PgConnection>,
    watch: Watch,
}

impl Worker {
    pub(crate) fn new(job: &Job, shared: Shared, pairs: Pairs) -> Self {
        Self {
            job: job.clone(),
            shared,
            pairs,
            name: format!("cutover_{:016x}", number(&job.task_arn)),
            pair: pair(&job.source, &job.target),
            source: None,
            target: None,
            watch: Watch::default(),
        }
    }

    /// Begins, or goes on; returns when the servers do the rest.
    pub(crate) async fn start(&mut self, job: Job) -> Result<(), Problem> {
        self.job = job;
        self.watch = Watch::default();
        match self.job.start.clone() {
            JobStart::Anew => self.begin().await,
            JobStart::Resume => self.enable().await,
            JobStart::At(position) => self.begin_at(&position).await,
        }
    }

    /// Looks how it is.
    pub(crate) async fn look(&mut self) -> Result<Look, Problem> {
        self.look_at_target().await?;
        if self.shared.is_loaded() && !self.job.changes {
            self.take_away().await?;
            return Ok(Look::Over);
        }
        self.look_at_source().await?;
        Ok(Look::Goes)
    }

    /// Makes the target apply nothing more; returns when that is so.
    pub(crate) async fn stop(&mut self) -> Result<(), Problem> {
        self.disable().await
    }

    /// Takes everything out of both servers, a slot that was given apart.
    pub(crate) async fn remove(&mut self) -> Result<(), Problem> {
        self.take_away().await?;
        if self.pairs.leave(&self.pair, &self.job.task_arn) {
            let drop = format!("DROP PUBLICATION IF EXISTS {}", self.pair);
            run(self.source().await?, "removing a publication", &drop).await?;
            run(self.target().await?, "removing a publication", &drop).await?;
        }
        Ok(())
    }

    /// Loads, where that is wished, and follows from now on.
    async fn begin(&mut self) -> Result<(), Problem> {
        self.take_away().await?;
        let stage = if self.job.load {
            Stage::Before
        } else {
            Stage::Completed
        };
        let tables = self.tables(stage).await?;
        if self.job.load {
            let empty = format!(
                "SET session_replication_role = replica; TRUNCATE TABLE {}; RESET session_replication_role",
                only(&tables)
            );
            run(
                self.target().await?,
                "emptying the tables of the target",
                &empty,
            )
            .await?;
        }
        let publish = format!(
            "CREATE PUBLICATION {} FOR TABLE {}",
            self.name,
            only(&tables)
        );
        run(self.source().await?, "making a publication", &publish).await?;
        self.prepare_way_back(&tables).await?;
        self.subscribe(&self.name.clone(), None).await
    }

    /// Follows from a position of a slot that is there.
    async fn begin_at(&mut self, position: &str) -> Result<(), Problem> {
        let Some(slot) = self.job.source.slot.clone() else {
            return Err(Problem::lasting(
                "a position of PostgreSQL can be read only through its replication slot, and the source endpoint names none",
            ));
        };
        self.check_slot(&slot, position).await?;
        self.take_away().await?;
        let tables = self.tables(Stage::Completed).await?;
        let pair = self.pair.clone();
        let source = self.source().await?;
        let statement = if catalog::has_publication(source, &pair).await? {
            format!("ALTER PUBLICATION {pair} SET TABLE {}", only(&tables))
        } else {
            format!("CREATE PUBLICATION {pair} FOR TABLE {}", only(&tables))
        };
        run(source, "making a publication", &statement).await?;
        self.prepare_way_back(&tables).await?;
        self.subscribe(&pair, Some((&slot, position))).await
    }

    /// Finds the tables that belong to the job, and checks that both sides can replicate them.
    async fn tables(&mut self, stage: Stage) -> Result<Vec<Table>, Problem> {
        let there = catalog::tables(self.source().await?).await?;
        let tables: Vec<Table> = there
            .keys()
            .filter(|table| belongs(&self.job, table))
            .cloned()
            .collect();
        if tables.is_empty() {
            return Err(Problem::lasting(
                "no table of the source belongs to the task",
            ));
        }
        self.shared.set_tables(&tables, stage);
        let on_target = catalog::tables(self.target().await?).await?;
        for (side, there) in [("source", &there), ("target", &on_target)] {
            for table in &tables {
                let problem = match there.get(table) {
                    Some(true) => continue,
                    Some(false) => format!(
                        "table `{table}` of the {side} has no primary key: give it one, or ALTER TABLE … REPLICA IDENTITY FULL"
                    ),
                    None => format!("table `{table}` is not there on the {side}"),
                };
                self.shared.set_stage(table, Stage::Error);
                return Err(Problem::lasting(problem));
            }
        }
        Ok(tables)
    }

    /// Makes the publication on the target that a job back will read a slot through.
    async fn prepare_way_back(&mut self, tables: &[Table]) -> Result<(), Problem> {
        if !self.job.changes {
            return Ok(());
        }
        self.pairs.join(&self.pair, &self.job.task_arn);
        let pair = self.pair.clone();
        let target = self.target().await?;
        let statement = if catalog::has_publication(target, &pair).await? {
            let published = catalog::published(target, &pair).await?;
            let missing: Vec<Table> = tables
                .iter()
                .filter(|table| !published.contains(*table))
                .cloned()
                .collect();
            if missing.is_empty() {
                return Ok(());
            }
            format!("ALTER PUBLICATION {pair} ADD TABLE {}", only(&missing))
        } else {
            format!("CREATE PUBLICATION {pair} FOR TABLE {}", only(tables))
        };
        run(target, "making a publication for the way back", &statement).await
    }

    async fn source(&mut self) -> Result<&mut PgConnection, Problem> {
        open(&mut self.source, &self.job.source).await
    }

    async fn target(&mut self) -> Result<&mut PgConnection, Problem> {
        open(&mut self.target, &self.job.target).await
    }
}

/// The name of the publications between two databases, the same in both directions.
fn pair(one: &MovedDatabase, other: &MovedDatabase) -> String {
    let mut ends = [one, other].map(|end| format!("{}:{}/{}", end.host, end.port, end.database));
    ends.sort();
    format!("cutover_back_{:016x}", number(&ends.join(" ")))
}

/// Tables in a list of SQL, each without what inherits from it.
fn only(tables: &[Table]) -> String {
    let each: Vec<String> = tables
        .iter()
        .map(|table| format!("ONLY {}", table.in_postgres()))
        .collect();
    each.join(", ")
}

async fn open<'a>(
    held: &'a mut Option<PgConnection>,
    database: &MovedDatabase,
) -> Result<&'a mut PgConnection, Problem> {
    // One that a restart of the server has closed is found out here.
    let alive = match held.as_mut() {
        Some(connection) => connection.ping().await.is_ok(),
        None => false,
    };
    if !alive {
        *held = None;
    }
    match held {
        Some(connection) => Ok(connection),
        None => Ok(held.insert(connect(database).await?)),
    }
}

async fn connect(database: &MovedDatabase) -> Result<PgConnection, Problem> {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&database.host)
        .port(database.port)
        .username(&database.user)
        .password(&database.password)
        .database(&database.database)
        .application_name("local-dms")
        .ssl_mode(PgSslMode::Prefer);
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
async fn run(connection: &mut PgConnection, doing: &str, script: &str) -> Result<(), Problem> {
    sqlx::raw_sql(AssertSqlSafe(script.to_owned()))
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| Problem::sql(doing, &error))
}
