//! What moves rows for replication tasks, where rows really move.

use std::fmt::Debug;
use std::time::Duration;

/// Moves rows for tasks. No call waits: what takes time goes on elsewhere, and is seen later.
pub trait Mover: Debug + Send + Sync {
    /// Begins to test whether a database can be reached.
    fn test(&self, database: &MovedDatabase);

    /// Tells what the last test of an endpoint came to; `None` while it goes on, or when there was none.
    fn tested(&self, endpoint_arn: &str) -> Option<Result<(), String>>;

    /// Begins a job, or lets it go on; one that runs already is left alone.
    fn start(&self, job: Job);

    /// Stops a job. What it knows is kept for [`JobStart::Resume`].
    fn stop(&self, task_arn: &str);

    /// Empties tables of the target of a running job, each by schema and name, and loads them again.
    fn reload(&self, task_arn: &str, tables: &[(String, String)]);

    /// Tells how a job is; `None` when there is none.
    fn seen(&self, task_arn: &str) -> Option<JobSeen>;

    /// Stops a job and forgets it, with everything that the databases keep for it, a slot that it was given apart.
    fn remove(&self, task_arn: &str);
}

/// A database at the end of a replication.
#[derive(Clone, PartialEq, Eq)]
pub struct MovedDatabase {
    /// The endpoint.
    pub endpoint_arn: String,
    /// As DMS calls it: `postgres`, `aurora-postgresql`, `mysql`, `mariadb`, `aurora`.
    pub engine: String,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database's name; may be empty with MySQL.
    pub database: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
    /// A slot to read changes from, which is there already; else one is made.
    pub slot: Option<String>,
}

impl Debug for MovedDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MovedDatabase")
            .field("endpoint_arn", &self.endpoint_arn)
            .finish_non_exhaustive()
    }
}

/// What is to be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The task.
    pub task_arn: String,
    /// From where.
    pub source: MovedDatabase,
    /// To where.
    pub target: MovedDatabase,
    /// Where it begins.
    pub start: JobStart,
    /// Whether rows that are there are loaded.
    pub load: bool,
    /// Whether changes are followed.
    pub changes: bool,
    /// Tables that are included, each by schema and name, where `%` stands for any rest.
    pub include: Vec<(String, String)>,
    /// Tables that are left out, in the same way.
    pub exclude: Vec<(String, String)>,
}

/// Where a job begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobStart {
    /// At its beginning, for the first time or anew: tables of the target are emptied where rows are loaded.
    Anew,
    /// Where it was stopped.
    Resume,
    /// At a place of the source's log: an LSN, or `file:position`. Rows are not loaded.
    At(String),
}

/// How a job is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobSeen {
    /// Whether it is at work.
    pub running: bool,
    /// Why it ended, when that was an error.
    pub failure: Option<String>,
    /// Whether every table is loaded, and what changed meanwhile is applied.
    pub loaded: bool,
    /// Its tables, in the order of their names.
    pub tables: Vec<JobTable>,
    /// The age of the last change that was read.
    pub latency_source: Option<Duration>,
    /// The age of the oldest change that is not applied.
    pub latency_target: Option<Duration>,
}

/// How a table of a job is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// As DMS writes it: `Before load`, `Full load`, `Table completed`, `Table error`.
    pub state: String,
    /// Rows that were loaded.
    pub rows: u64,
    /// Rows inserted since.
    pub inserts: u64,
    /// Rows updated since.
    pub updates: u64,
    /// Rows deleted since.
    pub deletes: u64,
}
