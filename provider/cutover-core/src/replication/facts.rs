//! Commands, and what comes of them.

use std::time::Duration;

use super::task::{ConnectionSeen, StartKind, TableSeen, TaskMetrics, TaskSeen};
use crate::Failure;
use crate::validation::facts::DbFailure;
use crate::validation::side::Side;

/// What is to be done next. Each is safe to perform more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Read the task.
    ReadTask,
    /// Read its tables.
    ReadTables,
    /// Have the instance test the connection to an endpoint.
    TestConnection(Side),
    /// Read what the last test gave.
    ReadConnection(Side),
    /// Have an assessment run, under this name.
    Assess(String),
    /// Read what it gave.
    ReadAssessment(String),
    /// Start the task.
    Start(StartKind),
    /// Stop the task.
    Stop,
    /// Load tables again, each by schema and name.
    Reload(Vec<(String, String)>),
    /// Read what CloudWatch knows.
    ReadMetrics,
    /// Write a marker on the source.
    Mark(u64),
    /// See whether a marker is on the target: asks again and again for at most this long.
    Seek(u64, Duration),
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// The task; `None` when there is none.
    Task(Option<Box<TaskSeen>>),
    /// Its tables; empty while it has never run.
    Tables(Vec<TableSeen>),
    /// What a test of a connection gave; `None` when there was none.
    Connection(Option<ConnectionSeen>),
    /// What an assessment gave; `None` when there was none.
    Assessment(Option<AssessmentSeen>),
    /// What CloudWatch knows.
    Metrics(TaskMetrics),
    /// It was accepted.
    Done,
    /// Whether a marker is there.
    Sought(bool),
    /// DMS or CloudWatch could not be asked, or refused.
    Refused(Failure),
    /// A database could not be asked.
    Failed(Side, DbFailure),
}

/// An assessment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssessmentSeen {
    /// Its status: `running`, `passed`, `failed`, `warning`, `error-executing`.
    pub status: String,
    /// Single checks that did not pass: name and status.
    pub findings: Vec<(String, String)>,
    /// Why it could not be made.
    pub failure: Option<String>,
}
