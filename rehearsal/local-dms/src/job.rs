//! The task behind each job: orders in, progress out.

use std::time::Duration;

use cutover_sim::cloud::Job;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::mover::{Family, unknown};
use crate::postgres::Pairs;
use crate::problem::Problem;
use crate::progress::Shared;
use crate::{mariadb, postgres};

/// How often a job is looked at while there are no orders: ours, so that a lag is known to a tenth of a second.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often it is tried to stop a job, or to take it out, while its servers cannot be reached: ours, half a minute at
/// [`LOOK_EVERY`], and more where connecting takes its time.
const ATTEMPTS: u32 = 600;

/// What a job is told to do, in the order in which it was told.
#[derive(Debug)]
pub(crate) enum Order {
    Start(Box<Job>),
    Stop,
    Reload(Vec<(String, String)>),
    Remove,
}

/// What a look at a job came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It goes on.
    Goes,
    /// All that it was to do is done.
    Over,
}

/// What moves the rows.
#[derive(Debug)]
enum Worker {
    Postgres(Box<postgres::Worker>),
    MariaDb(Box<mariadb::Worker>),
}

/// The task behind a job, with its state between two orders.
#[derive(Debug)]
struct Live {
    shared: Shared,
    pairs: Pairs,
    worker: Option<Worker>,
    active: bool,
    /// How often it may still be tried to stop; `None` when nobody wishes that.
    stopping: Option<u32>,
}

/// Lives until nobody can give orders any more.
pub(crate) async fn live(mut orders: UnboundedReceiver<Order>, shared: Shared, pairs: Pairs) {
    let mut live = Live {
        shared,
        pairs,
        worker: None,
        active: false,
        stopping: None,
    };
    loop {
        match timeout(LOOK_EVERY, orders.recv()).await {
            Ok(None) => return,
            Ok(Some(Order::Start(job))) => live.start(*job).await,
            Ok(Some(Order::Stop)) => {
                live.stopping = live.active.then_some(ATTEMPTS);
                live.stop().await;
            }
            Ok(Some(Order::Reload(tables))) => live.reload(&tables).await,
            Ok(Some(Order::Remove)) => live.remove().await,
            Err(_) => {
                live.stop().await;
                live.look().await;
            }
        }
    }
}

impl Live {
    async fn start(&mut self, job: Job) {
        // A stop that has not come through yet counts before it.
        while self.stopping.is_some() {
            self.stop().await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        if self.active {
            return;
        }
        self.shared.begin(true);
        match self.try_start(job).await {
            Ok(()) => self.active = true,
            Err(problem) => self.fail(&problem).await,
        }
    }

    async fn try_start(&mut self, job: Job) -> Result<(), Problem> {
        let family =
            Family::of(&job.source).ok_or_else(|| Problem::lasting(unknown(&job.source.engine)))?;
        if Family::of(&job.target) != Some(family) {
            return Err(Problem::lasting(format!(
                "rows cannot be moved here from `{}` to `{}`: both sides must be PostgreSQL, or both MariaDB",
                job.source.engine, job.target.engine
            )));
        }
        let (shared, pairs) = (self.shared.clone(), self.pairs.clone());
        let worker = self.worker.get_or_insert_with(|| match family {
            Family::Postgres => {
                Worker::Postgres(Box::new(postgres::Worker::new(&job, shared, pairs)))
            }
            Family::MariaDb => Worker::MariaDb(Box::new(mariadb::Worker::new(&job, shared))),
        });
        match worker {
            Worker::Postgres(worker) => worker.start(job).await,
            Worker::MariaDb(worker) => worker.start(job).await,
        }
    }

    async fn look(&mut self) {
        if !self.active {
            return;
        }
        let looked = match &mut self.worker {
            Some(Worker::Postgres(worker)) => worker.look().await,
            Some(Worker::MariaDb(worker)) => worker.look().await,
            None => Ok(Look::Over),
        };
        match looked {
            Ok(Look::Goes) => {}
            Ok(Look::Over) => {
                self.active = false;
                self.shared.end(None);
            }
            // The lag grows meanwhile, and says so.
            Err(problem) if problem.is_passing() => {}
            Err(problem) => self.fail(&problem).await,
        }
    }

    /// Ends a job that cannot go on.
    async fn fail(&mut self, problem: &Problem) {
        // Whatever it comes to: why the job failed is what people need to know.
        let _ = self.halt().await;
        self.active = false;
        self.stopping = None;
        self.shared.end(Some(problem.to_string()));
    }

    async fn halt(&mut self) -> Result<(), Problem> {
        match &mut self.worker {
            Some(Worker::Postgres(worker)) => worker.stop().await,
            Some(Worker::MariaDb(worker)) => {
                worker.stop().await;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Stops, where that is wished. It counts as running until it does not any more.
    async fn stop(&mut self) {
        let Some(left) = self.stopping else {
            return;
        };
        match self.halt().await {
            Err(problem) if problem.is_passing() && left > 0 => {
                self.stopping = Some(left - 1);
                return;
            }
            Err(problem) => self.shared.end(Some(problem.to_string())),
            Ok(()) => self.shared.end(None),
        }
        self.active = false;
        self.stopping = None;
    }

    async fn reload(&mut self, tables: &[(String, String)]) {
        if !self.active {
            return;
        }
        let reloaded = match &mut self.worker {
            Some(Worker::Postgres(worker)) => worker.reload(tables).await,
            Some(Worker::MariaDb(worker)) => {
                worker.reload(tables);
                Ok(())
            }
            None => Ok(()),
        };
        if let Err(problem) = reloaded {
            self.fail(&problem).await;
        }
    }

    async fn remove(&mut self) {
        self.active = false;
        self.stopping = None;
        let Some(mut worker) = self.worker.take() else {
            return;
        };
        for _ in 0..ATTEMPTS {
            let removed = match &mut worker {
                Worker::Postgres(worker) => worker.remove().await,
                Worker::MariaDb(worker) => worker.remove().await,
            };
            match removed {
                Err(problem) if problem.is_passing() => tokio::time::sleep(LOOK_EVERY).await,
                // What a server refuses for good stays there until the server ends, which is soon.
                Ok(()) | Err(_) => return,
            }
        }
    }
}
