//! Commands, and what comes of them.

use std::time::Duration;

use super::control::{Control, Entry, Identity, LogPosition};
use crate::replication::task::{StartKind, TaskSeen};
use crate::validation::catalog::TableName;
use crate::validation::facts::DbFailure;
use crate::validation::report::{ProofKind, Verdict};
use crate::validation::side::{Both, Side};
use crate::{Failure, Timestamp};

/// What is to be done next. Each is safe to perform more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take the lock of the migration on both sides, if it is not held yet, and look at both.
    Look {
        /// How old a transaction must be to be told.
        older_than: Duration,
    },
    /// Make the control schema of a side where it is missing, with this row, and its fence: open for the writer, closed for
    /// the other.
    Prepare(Side, Row),
    /// Read the replication that everything drains through.
    ReadDrain,
    /// Write a marker on the side that writes, even through its own fence.
    Mark(Side, u64),
    /// See whether a marker is there: asks again and again for at most this long.
    Seek(Side, u64, Duration),
    /// Close a side until the time is over, in one transaction under the locks of all tables.
    Fence {
        /// The side.
        side: Side,
        /// How long to wait for those who are writing.
        lock: Duration,
        /// When the server opens it by itself, from when it was closed.
        expires_in: Duration,
        /// For the journal.
        entry: Entry,
    },
    /// Read what counts values up, on both sides.
    ReadIdentities,
    /// Compare both sides, in at most this long.
    Check(Duration),
    /// Note where the log of a side stands, under this name; what was noted under it before is replaced.
    Capture(Side, String),
    /// Give up a noted place; without effect when there is none.
    Release(Side, String),
    /// Set what counts values up; each by its name, to what is given next.
    SetIdentities(Side, Vec<(String, i128)>),
    /// Close a side for good, under the locks of all tables; refused when its time is over by the server's clock.
    Close {
        /// The side.
        side: Side,
        /// How long to wait for the locks.
        lock: Duration,
        /// For the journal.
        entry: Entry,
    },
    /// Open a side and set its row, in one transaction; refused when its row has another epoch than expected.
    Open {
        /// The side.
        side: Side,
        /// The epoch that its row must have now.
        expected: u64,
        /// Its row afterwards.
        row: Row,
        /// For the journal.
        entry: Entry,
    },
    /// Set the row of a side whose fence stays as it is.
    Record(Side, Row, Entry),
    /// Try to write as an application would, on both sides, in the control schema.
    Probe,
    /// Have the setting name a side.
    Tell(Side),
    /// Stop the replication that everything has drained through.
    StopDrain,
    /// Read the replication back, of an epoch.
    ReadBack(u64),
    /// Make the replication back, of an epoch, from a place.
    MakeBack(u64, LogPosition),
    /// Begin it, or let it go on.
    StartBack(u64, StartKind),
    /// Stop the replication back of an epoch, so that it can be removed.
    StopBack(u64),
    /// Remove the replication back of an epoch, which begins at a wrong place.
    RemoveBack(u64),
}

/// What the row of a side says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who writes.
    pub writer: Side,
    /// How often that has changed.
    pub epoch: u64,
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
        /// Who, as far as the server knows: `process 4711 of 10.0.3.7, run 20261121T101500Z`.
        by: String,
    },
    /// It was done.
    Done,
    /// The replication; `None` when there is none.
    Task(Option<Box<TaskSeen>>),
    /// Whether a marker is there.
    Sought(bool),
    /// The side is closed.
    Fenced {
        /// How long its tables were locked, waiting included.
        locked: Duration,
    },
    /// The locks were not to be had in time; nothing was changed.
    NoLock {
        /// Who is in the way.
        blockers: Vec<String>,
    },
    /// The fence had opened by itself already; nothing was changed.
    Expired,
    /// The row of the side has another epoch than expected; nothing was changed.
    OtherEpoch(u64),
    /// What counts values up.
    Identities(Both<Vec<Identity>>),
    /// What comparing gave.
    Checked(Checked),
    /// Where the log stands.
    Captured(LogPosition),
    /// Whether a write was accepted.
    Probed(Both<bool>),
    /// A database could not be asked; its effect is unknown where the class says that the connection was lost.
    Failed(Side, DbFailure),
    /// A service could not be asked.
    Refused(Failure),
}

/// What comparing both sides gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The verdict; `None` when it was not to be had in time.
    pub verdict: Option<Verdict>,
    /// What kind of proof stands behind it.
    pub proof: ProofKind,
    /// Why it is not `matched`.
    pub reasons: Vec<String>,
    /// The digest of the report.
    pub report_digest: Option<String>,
}

/// What a run has come to know, which later ones and people want to know as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// How long applications were refused in the attempt that succeeded, as the runner measured it.
    pub pause: Option<Duration>,
    /// Where the new writer's log stood before it was opened.
    pub position: Option<LogPosition>,
    /// The final comparison.
    pub checked: Option<Checked>,
    /// How long the last marker took.
    pub lag: Option<Duration>,
    /// Attempts that were called off.
    pub called_off: u32,
    /// When the writer changed.
    pub committed_at: Option<Timestamp>,
    /// Tables of either side that are not fenced though they should be.
    pub unfenced: Vec<TableName>,
}
