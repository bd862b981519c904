//! What is told on the way: for the log, for people, and for whoever calls them.

use std::fmt;
use std::time::Duration;

use super::check::text;
use crate::Timestamp;
use crate::validation::side::Side;

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
    /// The control schema and the fences were made where they were missing.
    Prepared(Vec<Side>),
    /// An attempt that an earlier run had left behind was called off.
    CalledOffForAnother {
        /// The side that was opened again.
        side: Side,
    },
    /// Transactions that have been open for long keep the fence away; it is waited for them.
    OldTransactions(Vec<String>),
    /// What only one side counts up.
    Identities(Vec<String>),
    /// The lag, measured by a marker just before the fence.
    Lag(Duration),
    /// The locks were not to be had; writers were held up for the time of one attempt at most.
    NoLock {
        /// Which attempt, counted from 1.
        attempt: u32,
        /// Who is in the way.
        blockers: Vec<String>,
    },
    /// Applications are refused from here on.
    Fenced {
        /// The side.
        side: Side,
        /// How long its tables were locked, waiting included.
        locked: Duration,
    },
    /// The last marker has arrived.
    Drained {
        /// After this time.
        lag: Duration,
    },
    /// The final comparison has matched.
    Matched,
    /// The place from which replication back begins.
    Captured {
        /// As DMS writes it.
        cdc_start: String,
    },
    /// The attempt is given up: the side that wrote is opened again.
    CallingOff {
        /// Why.
        reason: String,
    },
    /// The side that wrote is open again.
    Reopened(Side),
    /// A place that was noted for nothing could not be given up: it keeps the log of this side from being removed.
    PlaceKept {
        /// The side.
        side: Side,
        /// Its name.
        name: String,
    },
    /// Nobody can write for longer than it should be: neither side is open, and none opens by itself.
    NobodyWrites(Duration),
    /// The writer has changed.
    Committed {
        /// Who writes.
        writer: Side,
        /// The epoch from here on.
        epoch: u64,
        /// How long applications were refused.
        pause: Duration,
    },
    /// What follows the change of the writer does not get on; it is tried again.
    Trouble {
        /// The step.
        step: &'static str,
        /// Why.
        reason: String,
    },
    /// A replication back that begins at a wrong place is removed and made again.
    BackRemade {
        /// Where it begins.
        found: Option<String>,
        /// Where it should.
        expected: String,
    },
    /// The replication back has caught up: the way back is ready.
    BackReady,
}

impl What {
    /// Tells whether somebody should be called.
    pub fn is_alarm(&self) -> bool {
        matches!(
            self,
            Self::NobodyWrites(_) | Self::Trouble { .. } | Self::PlaceKept { .. }
        )
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepared(sides) => {
                let sides: Vec<_> = sides.iter().map(ToString::to_string).collect();
                write!(f, "made the fence of {}", sides.join(" and "))
            }
            Self::CalledOffForAnother { side } => write!(
                f,
                "an attempt that was left behind is called off: {side} is open again"
            ),
            Self::OldTransactions(who) => {
                write!(f, "waiting for old transactions: {}", who.join("; "))
            }
            Self::Identities(told) => f.write_str(&told.join("; ")),
            Self::Lag(lag) => write!(f, "a marker arrived after {}", text(*lag)),
            Self::NoLock { attempt, blockers } => write!(
                f,
                "attempt {attempt}: no locks to be had, in the way: {}",
                blockers.join("; ")
            ),
            Self::Fenced { side, locked } => write!(
                f,
                "{side} refuses applications, tables were locked for {}",
                text(*locked)
            ),
            Self::Drained { lag } => {
                write!(f, "drained: the last marker arrived after {}", text(*lag))
            }
            Self::Matched => f.write_str("both sides are equal"),
            Self::Captured { cdc_start } => write!(f, "replication back begins at {cdc_start}"),
            Self::CallingOff { reason } => write!(f, "calling off: {reason}"),
            Self::Reopened(side) => write!(f, "{side} takes writes again"),
            Self::PlaceKept { side, name } => write!(
                f,
                "`{name}` on {side} could not be given up, and keeps the log there from being removed"
            ),
            Self::NobodyWrites(time) => {
                write!(f, "neither side takes writes for {} already", text(*time))
            }
            Self::Committed {
                writer,
                epoch,
                pause,
            } => write!(
                f,
                "{writer} writes, epoch {epoch}, after a pause of {}",
                text(*pause)
            ),
            Self::Trouble { step, reason } => write!(f, "{step} does not get on: {reason}"),
            Self::BackRemade { found, expected } => write!(
                f,
                "the replication back begins at {} instead of {expected}, and is made again",
                found.as_deref().unwrap_or("no place")
            ),
            Self::BackReady => f.write_str("the way back is ready"),
        }
    }
}
