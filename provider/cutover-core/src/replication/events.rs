//! What is told on the way.

use std::fmt;

use super::task::StartKind;
use crate::Timestamp;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The assessment has found something that does not keep the task from running: names and statuses of checks.
    AssessmentWarned(Vec<String>),
    /// DMS has accepted a start.
    Started(StartKind),
    /// Tables are loaded again.
    Reloading(Vec<String>),
    /// Everything is loaded.
    Loaded,
    /// The instance cannot keep up; what to do.
    TooSmall(String),
    /// The target has caught up.
    CaughtUp,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AssessmentWarned(checks) => {
                write!(f, "the assessment warns: {}", checks.join(", "))
            }
            Self::Started(StartKind::Start) => f.write_str("the task was started"),
            Self::Started(StartKind::Resume) => f.write_str("the task was resumed"),
            Self::Started(StartKind::Reload) => {
                f.write_str("the task was started anew: the target is emptied and loaded again")
            }
            Self::Reloading(tables) => {
                write!(f, "tables in error are loaded again: {}", tables.join(", "))
            }
            Self::Loaded => f.write_str("every table is loaded"),
            Self::TooSmall(advice) => f.write_str(advice),
            Self::CaughtUp => f.write_str("the target has caught up"),
        }
    }
}
