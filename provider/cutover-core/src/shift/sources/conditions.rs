//! The conditions of steps, and how they are.

use std::time::Duration;

use super::super::facts::{EntryGate, EntryState};
use super::super::gates::AlarmReading;

/// A condition of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntrySource {
    /// A replication task runs, its lag is at most so much, and validation has found nothing when that is asked for.
    DmsTask {
        /// Its ARN.
        arn: String,
        /// The most that it may be behind.
        lag_max: Duration,
        /// Whether validation must be without findings.
        validated: bool,
    },
    /// An alarm is quiet.
    Alarm {
        /// Its name.
        name: String,
    },
    /// A parameter has a value.
    Parameter {
        /// Its name.
        name: String,
        /// The value.
        equals: String,
    },
}

/// A replication task as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its status as DMS writes it: `running`.
    pub status: String,
    /// How far it is behind, source and target together; `None` while nobody knows.
    pub lag: Option<Duration>,
    /// How many tables have failed, or have records that validation found different or could not compare.
    pub tables_in_error: u32,
}

/// What was learned about a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Learned {
    /// The task; `None` when there is none.
    Task(Option<Task>),
    /// The alarm; `None` when there is none.
    Alarm(Option<AlarmReading>),
    /// The parameter; `None` when there is none.
    Parameter(Option<String>),
    /// It could not be read.
    Failed(String),
}

/// Tells how a condition is, from what was learned about it.
pub fn entry_gate(name: &str, source: Option<&EntrySource>, learned: &Learned) -> EntryGate {
    let state = match source {
        None => EntryState::Failed("nothing says where to read it".to_owned()),
        Some(source) => entry_state(source, learned),
    };
    let name = name.to_owned();
    EntryGate { name, state }
}

fn entry_state(source: &EntrySource, learned: &Learned) -> EntryState {
    match (source, learned) {
        (_, Learned::Failed(message)) => EntryState::Failed(message.clone()),
        (EntrySource::DmsTask { arn, .. }, Learned::Task(None)) => {
            EntryState::Failed(format!("there is no task `{arn}`"))
        }
        (
            EntrySource::DmsTask {
                lag_max, validated, ..
            },
            Learned::Task(Some(task)),
        ) => task_state(task, *lag_max, *validated),
        (EntrySource::Alarm { name }, Learned::Alarm(reading)) => match reading {
            Some(AlarmReading::Quiet) => EntryState::Open,
            Some(AlarmReading::Alarm { .. }) => {
                EntryState::Closed(format!("alarm `{name}` is in ALARM"))
            }
            Some(AlarmReading::NoData) => EntryState::Closed(format!("alarm `{name}` has no data")),
            Some(AlarmReading::Failed(message)) => EntryState::Failed(message.clone()),
            None => EntryState::Failed(format!("there is no alarm `{name}`")),
        },
        (EntrySource::Parameter { equals, .. }, Learned::Parameter(Some(value)))
            if value == equals =>
        {
            EntryState::Open
        }
        // The value itself may be a secret.
        (EntrySource::Parameter { name, equals }, Learned::Parameter(Some(_))) => {
            EntryState::Closed(format!("parameter `{name}` is not `{equals}`"))
        }
        (EntrySource::Parameter { name, .. }, Learned::Parameter(None)) => {
            EntryState::Closed(format!("there is no parameter `{name}`"))
        }
        (
            EntrySource::DmsTask { .. } | EntrySource::Alarm { .. } | EntrySource::Parameter { .. },
            Learned::Task(_) | Learned::Alarm(_) | Learned::Parameter(_),
        ) => EntryState::Failed("something else was read".to_owned()),
    }
}

fn task_state(task: &Task, lag_max: Duration, validated: bool) -> EntryState {
    let closed = |why: String| EntryState::Closed(why);
    if !task.is_running() {
        return closed(format!("the task is `{}`, not running", task.status));
    }
    match task.lag {
        None => return closed("nobody knows how far the task is behind".to_owned()),
        Some(lag) if lag > lag_max => {
            return closed(format!(
                "the task is {} s behind, more than {} s",
                lag.as_secs(),
                lag_max.as_secs()
            ));
        }
        Some(_) => {}
    }
    if validated && task.tables_in_error > 0 {
        return closed(format!("{} tables are in error", task.tables_in_error));
    }
    EntryState::Open
}

impl Task {
    /// Tells whether it replicates.
    pub fn is_running(&self) -> bool {
        self.status == "running"
    }
}
