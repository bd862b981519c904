//! The calls, none of which waits.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cutover_sim::cloud::{Job, JobSeen, JobStart, MovedDatabase, Mover};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::job::{self, Order};
use crate::postgres::Pairs;
use crate::progress::Shared;
use crate::{mariadb, postgres};

/// Threads for all jobs of a mover: ours, as they wait for servers nearly all of the time.
const THREADS: usize = 2;

/// What the last test of each endpoint came to; `None` while it goes on.
type Tests = Arc<Mutex<BTreeMap<String, Option<Result<(), String>>>>>;

/// Moves rows between real servers. When it is dropped its threads end.
pub struct LocalMover {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    tests: Tests,
    tasks: Mutex<BTreeMap<String, Task>>,
    pairs: Pairs,
}

/// What is known of the task behind a job.
#[derive(Debug)]
struct Task {
    orders: UnboundedSender<Order>,
    shared: Shared,
}

impl fmt::Debug for LocalMover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalMover").finish_non_exhaustive()
    }
}

impl Default for LocalMover {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalMover {
    /// Makes one without jobs, with threads of its own.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("local-dms")
            .enable_all()
            .build()
            .expect("a runtime takes nothing but threads and a few file handles");
        Self {
            runtime: Some(runtime),
            tests: Tests::default(),
            tasks: Mutex::default(),
            pairs: Pairs::default(),
        }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime
            .as_ref()
            .expect("it is taken only when it is dropped")
    }

    fn tasks(&self) -> MutexGuard<'_, BTreeMap<String, Task>> {
        lock(&self.tasks)
    }

    fn order(&self, task_arn: &str, order: Order) {
        if let Some(task) = self.tasks().get(task_arn) {
            // The other end goes only with the runtime.
            let _ = task.orders.send(order);
        }
    }
}

impl Mover for LocalMover {
    fn test(&self, database: &MovedDatabase) {
        let arn = database.endpoint_arn.clone();
        lock(&self.tests).insert(arn.clone(), None);
        let (database, tests) = (database.clone(), self.tests.clone());
        self.runtime().spawn(async move {
            let result = test(&database).await;
            lock(&tests).insert(arn, Some(result));
        });
    }

    fn tested(&self, endpoint_arn: &str) -> Option<Result<(), String>> {
        lock(&self.tests).get(endpoint_arn).cloned().flatten()
    }

    fn start(&self, job: Job) {
        let mut tasks = self.tasks();
        let task = tasks.entry(job.task_arn.clone()).or_insert_with(|| {
            let (orders, taken) = mpsc::unbounded_channel();
            let shared = Shared::default();
            let pairs = self.pairs.clone();
            self.runtime()
                .spawn(job::live(taken, shared.clone(), pairs));
            Task { orders, shared }
        });
        task.shared.begin(job.start == JobStart::Resume);
        let _ = task.orders.send(Order::Start(Box::new(job)));
    }

    fn stop(&self, task_arn: &str) {
        self.order(task_arn, Order::Stop);
    }

    fn reload(&self, task_arn: &str, tables: &[(String, String)]) {
        self.order(task_arn, Order::Reload(tables.to_vec()));
    }

    fn seen(&self, task_arn: &str) -> Option<JobSeen> {
        self.tasks().get(task_arn)?.shared.seen(Instant::now())
    }

    fn remove(&self, task_arn: &str) {
        if let Some(task) = self.tasks().get(task_arn) {
            task.shared.forget();
        }
        // The task stays, so that a job of the same name waits until everything is removed.
        self.order(task_arn, Order::Remove);
    }
}

impl Drop for LocalMover {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Nothing may wait here, as a caller may be within a runtime.
            runtime.shutdown_background();
        }
    }
}

/// Connects and asks for nothing.
async fn test(database: &MovedDatabase) -> Result<(), String> {
    let tested = match Family::of(database) {
        Some(Family::Postgres) => postgres::test(database).await,
        Some(Family::MariaDb) => mariadb::test(database).await,
        None => return Err(unknown(&database.engine)),
    };
    tested.map_err(|problem| problem.to_string())
}

/// What is the same about engines that DMS tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    MariaDb,
}

impl Family {
    /// Tells which family an engine is of; `None` for one that nothing here can move.
    pub(crate) fn of(database: &MovedDatabase) -> Option<Self> {
        match database.engine.as_str() {
            "postgres" | "aurora-postgresql" => Some(Self::Postgres),
            "mysql" | "mariadb" | "aurora" => Some(Self::MariaDb),
            _ => None,
        }
    }
}

/// Says that an engine cannot be moved.
pub(crate) fn unknown(engine: &str) -> String {
    format!("engine `{engine}` cannot be moved here: PostgreSQL and MariaDB can")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
