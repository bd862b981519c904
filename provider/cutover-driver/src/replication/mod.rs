//! Drives replication by DMS: performs what the machine of `cutover_core::replication` asks for.

mod seek;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cutover_core::Failure;
use cutover_core::replication::facts::{Command, Fact};
use cutover_core::replication::spec::Spec;
use cutover_core::replication::task::TaskSeen;
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::{Both, Side};
use futures_util::future::BoxFuture;

pub(crate) use seek::seek;

use crate::{Asked, Clock, Perform, Replications, WriterControl};

/// Performs the commands of one direction of replication.
#[derive(Debug)]
pub struct Replicating {
    replications: Arc<dyn Replications>,
    markers: Option<Both<Arc<dyn WriterControl>>>,
    spec: Spec,
    clock: Arc<dyn Clock>,
    /// The task as it was read last. Never held across an await.
    task: Mutex<Option<TaskSeen>>,
}

impl Replicating {
    /// Makes the performer. `markers` are both databases, where the lag is measured from end to end; the source is the one
    /// that the task reads.
    pub fn new(
        replications: Arc<dyn Replications>,
        markers: Option<Both<Arc<dyn WriterControl>>>,
        spec: Spec,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            replications,
            markers,
            spec,
            clock,
            task: Mutex::default(),
        }
    }

    fn task(&self) -> MutexGuard<'_, Option<TaskSeen>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_task(&self) -> Result<Option<TaskSeen>, Failure> {
        let found = self.replications.fetch(&self.spec.arn).await?;
        self.task().clone_from(&found);
        Ok(found)
    }

    /// Returns the task as it was read last, which tells what never changes about it.
    async fn known(&self) -> Result<TaskSeen, Failure> {
        let known = self.task().clone();
        let found = match known {
            Some(known) => Some(known),
            None => self.read_task().await?,
        };
        found.ok_or_else(|| {
            Failure::refused(
                "dms:DescribeReplicationTasks",
                format!("there is no `{}`", self.spec.arn),
            )
        })
    }

    /// The ARNs of the instance and of the endpoint of a side.
    async fn connection(&self, side: Side) -> Result<(String, String), Failure> {
        let task = self.known().await?;
        let endpoint = match side {
            Side::Source => task.source_endpoint_arn,
            Side::Target => task.target_endpoint_arn,
        };
        let instance = task.instance.ok_or_else(|| {
            Failure::refused(
                "dms:TestConnection",
                "a replication without server has no instance to test from: it tests its connections when it starts",
            )
        })?;
        Ok((instance.arn, endpoint))
    }

    async fn test(&self, side: Side) -> Result<(), Failure> {
        let (instance, endpoint) = self.connection(side).await?;
        self.replications
            .test_connection(&instance, &endpoint)
            .await
    }

    async fn assess(&self, name: &str) -> Result<(), Failure> {
        let assessment = self.spec.assessment.as_ref().ok_or_else(|| {
            Failure::refused(
                "dms:StartReplicationTaskAssessmentRun",
                "it is not said where the result of an assessment goes",
            )
        })?;
        let arn = &self.spec.arn;
        self.replications.assess(arn, name, assessment).await
    }

    async fn mark(&self, sides: &Both<Arc<dyn WriterControl>>, number: u64) -> Fact {
        match hold(Side::Source, sides).await {
            Ok(source) => asked(Side::Source, source.mark(number), done).await,
            Err(fact) => fact,
        }
    }

    async fn seek(
        &self,
        sides: &Both<Arc<dyn WriterControl>>,
        number: u64,
        limit: Duration,
    ) -> Fact {
        match hold(Side::Target, sides).await {
            Ok(target) => {
                let sought = seek(target, number, limit, &*self.clock);
                asked(Side::Target, Box::pin(sought), Fact::Sought).await
            }
            Err(fact) => fact,
        }
    }

    async fn answer(&self, command: &Command) -> Result<Fact, Failure> {
        let (dms, arn) = (&self.replications, self.spec.arn.as_str());
        Ok(match command {
            Command::ReadTask => Fact::Task(self.read_task().await?.map(Box::new)),
            Command::ReadTables => Fact::Tables(dms.fetch_tables(arn).await?),
            Command::TestConnection(side) => done(self.test(*side).await?),
            Command::ReadConnection(side) => {
                let (instance, endpoint) = self.connection(*side).await?;
                Fact::Connection(dms.fetch_connection(&instance, &endpoint).await?)
            }
            Command::Assess(name) => done(self.assess(name).await?),
            Command::ReadAssessment(name) => {
                Fact::Assessment(dms.fetch_assessment(arn, name).await?)
            }
            Command::Start(kind) => done(dms.start(arn, *kind).await?),
            Command::Stop => done(dms.stop(arn).await?),
            Command::Reload(tables) => done(dms.reload(arn, tables).await?),
            Command::ReadMetrics => {
                let task = self.known().await?;
                Fact::Metrics(dms.fetch_metrics(&task).await?)
            }
            Command::Mark(number) => match &self.markers {
                Some(sides) => self.mark(sides, *number).await,
                None => return Err(no_markers()),
            },
            Command::Seek(number, limit) => match &self.markers {
                Some(sides) => self.seek(sides, *number, *limit).await,
                None => return Err(no_markers()),
            },
        })
    }
}

/// Takes the lock of the migration on a side, which also replaces a session that was lost: a load lasts for hours.
async fn hold(
    side: Side,
    sides: &Both<Arc<dyn WriterControl>>,
) -> Result<&dyn WriterControl, Fact> {
    let control = sides.get(side).as_ref();
    match control.lock().await {
        Ok(Ok(())) => Ok(control),
        Ok(Err(by)) => Err(Fact::Failed(
            side,
            DbFailure {
                class: DbFailureClass::Busy,
                doing: "writing markers".to_owned(),
                code: None,
                message: format!("the lock of the migration is held by {by}"),
            },
        )),
        Err(failure) => Err(Fact::Failed(side, failure)),
    }
}

fn done((): ()) -> Fact {
    Fact::Done
}

async fn asked<T>(side: Side, asked: Asked<'_, T>, fact: impl FnOnce(T) -> Fact) -> Fact {
    match asked.await {
        Ok(answer) => fact(answer),
        Err(failure) => Fact::Failed(side, failure),
    }
}

fn no_markers() -> Failure {
    Failure::refused(
        "writing markers",
        "the databases are not known, so that the lag cannot be measured from end to end",
    )
}

impl Perform<Command, Fact> for Replicating {
    fn perform<'a>(&'a self, command: &'a Command) -> BoxFuture<'a, Fact> {
        Box::pin(async move { self.answer(command).await.unwrap_or_else(Fact::Refused) })
    }

    fn only_looks(&self, command: &Command) -> bool {
        match command {
            Command::ReadTask
            | Command::ReadTables
            | Command::ReadConnection(_)
            | Command::ReadAssessment(_)
            | Command::ReadMetrics
            | Command::Seek(..) => true,
            Command::TestConnection(_)
            | Command::Assess(_)
            | Command::Start(_)
            | Command::Stop
            | Command::Reload(_)
            | Command::Mark(_) => false,
        }
    }
}
