//! Commands, and what comes of them.

use crate::Failure;
use crate::replication::task::TaskSeen;
use crate::validation::facts::DbFailure;
use crate::validation::side::{Both, Side};
use crate::writer_switch::control::{Control, Entry};

/// What is to be done next. Each is safe to perform more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take the lock of the migration on both sides, and look at both.
    Look,
    /// Write a line into the journal of a side.
    Note(Side, Entry),
    /// Read a task.
    ReadTask(String),
    /// Stop a task.
    StopTask(String),
    /// Remove a task.
    DeleteTask(String),
    /// Give up a noted place, by its name.
    Release(Side, String),
    /// Remove an instance.
    DeleteInstance(String),
    /// Remove what is ours from a side.
    Remove(Side),
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Both sides.
    Seen(Box<Both<Control>>),
    /// Another runner holds the lock of the migration on this side.
    Held {
        /// The side.
        side: Side,
        /// Who.
        by: String,
    },
    /// A task; `None` when there is none.
    Task(Option<Box<TaskSeen>>),
    /// It was done, or accepted.
    Done,
    /// A database could not be asked.
    Failed(Side, DbFailure),
    /// A service could not be asked, or refused.
    Refused(Failure),
}
