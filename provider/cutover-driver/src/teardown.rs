//! The commands of a teardown, over the ports.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::Failure;
use cutover_core::replication::task::TaskSeen;
use cutover_core::teardown::facts::{Command, Fact};
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::{Both, Side};
use futures_util::future::{BoxFuture, FutureExt as _, join};

use crate::{Perform, Replications, WriterControl};

/// How old a transaction must be to be told: ours; none is that old, and they are of no interest here.
const LONG: Duration = Duration::from_hours(24 * 365);

/// Performs what [`cutover_core::teardown::machine::Teardown`] asks for.
#[derive(Clone, Debug)]
pub struct TearingDown {
    /// Both databases; `None` where only tasks are stopped.
    pub writers: Option<Both<Arc<dyn WriterControl>>>,
    /// DMS.
    pub replications: Arc<dyn Replications>,
}

impl Perform<Command, Fact> for TearingDown {
    fn perform<'a>(&'a self, command: &'a Command) -> BoxFuture<'a, Fact> {
        match command {
            Command::Look => self.look().boxed(),
            Command::Note(side, entry) => async move {
                let Some(writers) = &self.writers else {
                    return Fact::Done;
                };
                told(*side, writers.get(*side).note(entry).await)
            }
            .boxed(),
            Command::Release(side, name) => async move {
                let Some(writers) = &self.writers else {
                    return Fact::Done;
                };
                told(*side, writers.get(*side).release(name).await)
            }
            .boxed(),
            Command::Remove(side) => async move {
                let Some(writers) = &self.writers else {
                    return Fact::Done;
                };
                told(*side, writers.get(*side).remove().await)
            }
            .boxed(),
            Command::ReadTask(arn) => {
                async move { task(self.replications.fetch(arn).await) }.boxed()
            }
            Command::StopTask(arn) => {
                async move { answered(self.replications.stop(arn).await) }.boxed()
            }
            Command::DeleteTask(arn) => {
                async move { answered(self.replications.delete(arn).await) }.boxed()
            }
            Command::DeleteInstance(arn) => {
                async move { answered(self.replications.delete_instance(arn).await) }.boxed()
            }
        }
    }

    fn only_looks(&self, command: &Command) -> bool {
        matches!(command, Command::Look | Command::ReadTask(_))
    }
}

impl TearingDown {
    /// Takes both locks, the source's first as every run does, and looks at both sides.
    async fn look(&self) -> Fact {
        let Some(writers) = &self.writers else {
            return Fact::Done;
        };
        for side in Side::BOTH {
            match writers.get(side).lock().await {
                Ok(Ok(())) => {}
                Ok(Err(by)) => return Fact::Held { side, by },
                Err(failure) => return Fact::Failed(side, failure),
            }
        }
        let look = |side: Side| writers.get(side).look(LONG);
        match join(look(Side::Source), look(Side::Target)).await {
            (Ok(source), Ok(target)) => Fact::Seen(Box::new(Both { source, target })),
            (Err(failure), _) => Fact::Failed(Side::Source, failure),
            (_, Err(failure)) => Fact::Failed(Side::Target, failure),
        }
    }
}

fn told(side: Side, answer: Result<(), DbFailure>) -> Fact {
    match answer {
        Ok(()) => Fact::Done,
        Err(failure) => Fact::Failed(side, failure),
    }
}

fn answered(answer: Result<(), Failure>) -> Fact {
    answer.map_or_else(Fact::Refused, |()| Fact::Done)
}

fn task(answer: Result<Option<TaskSeen>, Failure>) -> Fact {
    answer.map_or_else(Fact::Refused, |task| Fact::Task(task.map(Box::new)))
}
