//! Performs what a move of the writer asks for: both sides at the same time, but where their order is the safety.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::Failure;
use cutover_core::replication::mappings::TableMappings;
use cutover_core::replication::settings::TaskSettings;
use cutover_core::replication::task::{NewTask, TaskSeen};
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::{Both, Side};
use cutover_core::writer_switch::control::LogPosition;
use cutover_core::writer_switch::facts::{Command, Fact};
use cutover_core::writer_switch::spec::{Back, SettingKind, Spec};
use futures_util::future::{BoxFuture, join};

use super::FinalCheck;
use crate::replication::seek;
use crate::{Clock, Closing, Hidden, Parameters, Perform, Replications, Secrets, WriterControl};

/// Performs the commands of a move of the writer over the ports.
#[derive(Debug)]
pub struct Switching {
    /// Both databases.
    pub writers: Both<Arc<dyn WriterControl>>,
    /// Replication, to the new writer and back.
    pub replications: Arc<dyn Replications>,
    /// Where the setting is, when it is a parameter.
    pub parameters: Arc<dyn Parameters>,
    /// Where the setting is, when it is a secret.
    pub secrets: Arc<dyn Secrets>,
    /// What is wished.
    pub spec: Spec,
    /// What the setting says for each side.
    pub values: Both<Hidden>,
    /// What the replication back is made of, where there is to be one.
    pub back: Option<BackTask>,
    /// The comparison within the pause, where there is to be one.
    pub check: Option<FinalCheck>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What a replication back is made of besides its place and its endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackTask {
    /// What it replicates.
    pub mappings: TableMappings,
    /// How it behaves.
    pub settings: TaskSettings,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// What a command gave, or the fact that it came to nothing.
type Got<T> = Result<T, Fact>;

impl Switching {
    fn writer(&self, side: Side) -> &dyn WriterControl {
        self.writers.get(side).as_ref()
    }

    async fn answer(&self, command: &Command) -> Got<Fact> {
        match command {
            Command::Look { older_than } => self.look(*older_than).await,
            Command::Prepare(side, row) => done(*side, self.writer(*side).prepare(row).await),
            Command::ReadDrain => self.read_drain().await,
            Command::Mark(side, number) => done(*side, self.writer(*side).mark(*number).await),
            Command::Seek(side, number, limit) => {
                let sought = seek(self.writer(*side), *number, *limit, &*self.clock).await;
                Ok(Fact::Sought(of(*side, sought)?))
            }
            Command::Fence {
                side,
                lock,
                expires_in,
                entry,
            } => {
                let closing = self.writer(*side).fence(*lock, *expires_in, entry).await;
                Ok(closed(of(*side, closing)?))
            }
            Command::Close { side, lock, entry } => {
                let closing = self.writer(*side).close(*lock, entry).await;
                Ok(closed(of(*side, closing)?))
            }
            Command::Open {
                side,
                expected,
                row,
                entry,
            } => {
                let opened = self.writer(*side).open(*expected, row, entry).await;
                let opened = of(*side, opened)?;
                Ok(opened.map_or_else(Fact::OtherEpoch, |()| Fact::Done))
            }
            Command::Record(side, row, entry) => {
                done(*side, self.writer(*side).record(row, entry).await)
            }
            Command::Probe => self.probe().await,
            Command::ReadIdentities => self.read_identities().await,
            Command::SetIdentities(side, next) => {
                done(*side, self.writer(*side).set_identities(next).await)
            }
            Command::Check(limit) => self.check(*limit).await,
            Command::Capture(side, name) => {
                let position = self.writer(*side).capture(name).await;
                Ok(Fact::Captured(of(*side, position)?))
            }
            Command::Release(side, name) => done(*side, self.writer(*side).release(name).await),
            Command::Tell(side) => self.tell(*side).await,
            Command::StopDrain => accepted(self.replications.stop(self.drain()?).await),
            Command::ReadBack(epoch) => {
                let found = self.find_back(*epoch).await?;
                Ok(Fact::Task(found.map(Box::new)))
            }
            Command::MakeBack(epoch, position) => self.make_back(*epoch, position).await,
            Command::StartBack(epoch, kind) => {
                let arn = self.back_arn(*epoch).await?;
                accepted(self.replications.start(&arn, *kind).await)
            }
            Command::StopBack(epoch) => {
                let arn = self.back_arn(*epoch).await?;
                accepted(self.replications.stop(&arn).await)
            }
            Command::RemoveBack(epoch) => match self.find_back(*epoch).await? {
                Some(found) => accepted(self.replications.delete(&found.arn).await),
                None => Ok(Fact::Done),
            },
        }
    }

    /// Takes the lock of the migration, on the source first, so that of two runners one gets both; then looks at both sides.
    async fn look(&self, older_than: Duration) -> Got<Fact> {
        for side in Side::BOTH {
            if let Err(by) = of(side, self.writer(side).lock().await)? {
                return Ok(Fact::Held { side, by });
            }
        }
        let (source, target) = join(
            self.writers.source.look(older_than),
            self.writers.target.look(older_than),
        )
        .await;
        Ok(Fact::Seen(Box::new(both(source, target)?)))
    }

    async fn probe(&self) -> Got<Fact> {
        let (source, target) = join(self.writers.source.probe(), self.writers.target.probe()).await;
        Ok(Fact::Probed(both(source, target)?))
    }

    async fn read_identities(&self) -> Got<Fact> {
        let (source, target) = join(
            self.writers.source.identities(),
            self.writers.target.identities(),
        )
        .await;
        Ok(Fact::Identities(both(source, target)?))
    }

    async fn check(&self, limit: Duration) -> Got<Fact> {
        let check = self
            .check
            .as_ref()
            .ok_or_else(|| refused("comparing both sides", "it is not said what is compared"))?;
        Ok(check.make(limit, &*self.clock).await)
    }

    /// Has the setting name a side. One that does so already is left alone, so that nobody is woken for nothing.
    async fn tell(&self, side: Side) -> Got<Fact> {
        let setting = self.spec.setting.as_ref().ok_or_else(|| {
            refused(
                "telling services",
                "it is not said where they read the writer",
            )
        })?;
        let (name, value) = (setting.name.as_str(), self.values.get(side));
        match setting.kind {
            SettingKind::Parameter => {
                let says = self.parameters.fetch(name).await.map_err(Fact::Refused)?;
                if says.as_deref() == Some(value.reveal()) {
                    return Ok(Fact::Done);
                }
                accepted(self.parameters.put(name, value.reveal()).await)
            }
            SettingKind::Secret => {
                let says = self.secrets.fetch(name).await.map_err(Fact::Refused)?;
                if says == *value {
                    return Ok(Fact::Done);
                }
                accepted(self.secrets.put(name, value).await)
            }
        }
    }

    fn drain(&self) -> Got<&str> {
        let drain =
            self.spec.drain.as_ref().ok_or_else(|| {
                refused("stopping replication", "there is none to the new writer")
            })?;
        Ok(&drain.arn)
    }

    async fn read_drain(&self) -> Got<Fact> {
        let Some(drain) = &self.spec.drain else {
            return Ok(Fact::Task(None));
        };
        let found = self.replications.fetch(&drain.arn).await;
        Ok(Fact::Task(found.map_err(Fact::Refused)?.map(Box::new)))
    }

    fn back(&self) -> Got<&Back> {
        self.spec.back.as_ref().ok_or_else(|| {
            refused(
                "replicating back",
                "it is not said how the way back is made",
            )
        })
    }

    async fn find_back(&self, epoch: u64) -> Got<Option<TaskSeen>> {
        let identifier = identifier(self.back()?, epoch);
        let found = self.replications.find(&identifier).await;
        found.map_err(Fact::Refused)
    }

    async fn back_arn(&self, epoch: u64) -> Got<String> {
        let found = self.find_back(epoch).await?;
        let found = found.ok_or_else(|| {
            let identifier = self.back().map(|back| identifier(back, epoch));
            refused(
                "dms:DescribeReplicationTasks",
                format!("there is no `{}`", identifier.unwrap_or_default()),
            )
        })?;
        Ok(found.arn)
    }

    /// Makes the replication back, unless there is one of its name: a former call may have made it without our hearing so.
    /// Whether it begins at the right place is for whoever reads it.
    async fn make_back(&self, epoch: u64, position: &LogPosition) -> Got<Fact> {
        if self.find_back(epoch).await?.is_some() {
            return Ok(Fact::Done);
        }
        let back = self.back()?;
        let made_of = self.back.as_ref().ok_or_else(|| {
            refused(
                "dms:CreateReplicationTask",
                "it is not said what the way back replicates",
            )
        })?;
        let slot = match position {
            LogPosition::Slot { name, .. } => Some(name.clone()),
            LogPosition::Binlog { .. } => None,
        };
        let task = NewTask {
            identifier: identifier(back, epoch),
            source_endpoint_arn: back.source_endpoint_arn.clone(),
            target_endpoint_arn: back.target_endpoint_arn.clone(),
            instance_arn: back.instance_arn.clone(),
            cdc_start: position.cdc_start(),
            slot,
            table_mappings: json(&made_of.mappings),
            settings: json(&made_of.settings),
            tags: made_of.tags.clone(),
        };
        accepted(self.replications.create(&task).await.map(|_| ()))
    }
}

/// What the replication back of an epoch is called: another position is another task.
fn identifier(back: &Back, epoch: u64) -> String {
    format!("{}-{epoch}", back.identifier)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and lists are what JSON has")
}

fn refused(action: &'static str, message: impl Into<String>) -> Fact {
    Fact::Refused(Failure::refused(action, message))
}

fn of<T>(side: Side, asked: Result<T, DbFailure>) -> Got<T> {
    asked.map_err(|failure| Fact::Failed(side, failure))
}

fn both<T>(source: Result<T, DbFailure>, target: Result<T, DbFailure>) -> Got<Both<T>> {
    Ok(Both {
        source: of(Side::Source, source)?,
        target: of(Side::Target, target)?,
    })
}

fn done(side: Side, asked: Result<(), DbFailure>) -> Got<Fact> {
    of(side, asked).map(|()| Fact::Done)
}

fn accepted(answered: Result<(), Failure>) -> Got<Fact> {
    answered.map(|()| Fact::Done).map_err(Fact::Refused)
}

fn closed(closing: Closing) -> Fact {
    match closing {
        Closing::Closed { locked } => Fact::Fenced { locked },
        Closing::NoLock { blockers } => Fact::NoLock { blockers },
        Closing::Expired => Fact::Expired,
    }
}

impl Perform<Command, Fact> for Switching {
    fn perform<'a>(&'a self, command: &'a Command) -> BoxFuture<'a, Fact> {
        Box::pin(async move { self.answer(command).await.unwrap_or_else(|fact| fact) })
    }

    fn only_looks(&self, command: &Command) -> bool {
        match command {
            Command::Look { .. }
            | Command::ReadDrain
            | Command::Seek(..)
            | Command::ReadIdentities
            | Command::Check(_)
            | Command::ReadBack(_) => true,
            Command::Prepare(..)
            | Command::Mark(..)
            | Command::Fence { .. }
            | Command::Capture(..)
            | Command::Release(..)
            | Command::SetIdentities(..)
            | Command::Close { .. }
            | Command::Open { .. }
            | Command::Record(..)
            | Command::Probe
            | Command::Tell(_)
            | Command::StopDrain
            | Command::MakeBack(..)
            | Command::StartBack(..)
            | Command::StopBack(_)
            | Command::RemoveBack(_) => false,
        }
    }
}
