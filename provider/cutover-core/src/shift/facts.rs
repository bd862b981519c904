//! What a shift asks for and is told.

use std::time::Duration;

use super::gates::Readings;
use super::journal::{Entry, NotAnEntry};
use super::problem::Problem;
use super::records::RecordSet;
use super::rules::GroupWeight;
use crate::weights::{Share, WeightPair, share_answered};
use crate::{Failure, Timestamp};

/// What a shift asks for. Everything but [`Command::Apply`] and [`Command::CloseNew`] only looks.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Reads the records and the journal; answered with [`Fact::Live`].
    FetchLive,
    /// Looks whether a step may be entered at all: rights, protections, healthy targets, old able to take everything;
    /// answered with [`Fact::Ready`].
    FetchReadiness {
        /// The step, counted from 0.
        step: usize,
    },
    /// Reads the conditions of a step; answered with [`Fact::EntryGates`].
    FetchEntryGates {
        /// The step, counted from 0.
        step: usize,
    },
    /// Changes the router; answered with [`Fact::Accepted`], [`Fact::Conflict`] or [`Fact::Queued`].
    Apply(Box<Change>),
    /// Asks what became of a change; answered with [`Fact::Change`].
    FetchChange {
        /// As the router named it.
        id: String,
    },
    /// Asks the authoritative name servers; answered with [`Fact::Sampled`].
    SampleAnswers {
        /// What they should answer.
        pair: WeightPair,
    },
    /// Reads the series and alarms of a step's gates and of the comparisons; answered with [`Fact::Measured`].
    Measure {
        /// The step, counted from 0.
        step: usize,
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// Counts the requests that each side got; answered with [`Fact::Split`], with zeros where nothing counts them.
    FetchSplit {
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// Reads the kill switch; answered with [`Fact::Control`].
    FetchControl,
    /// Closes new to writes; answered with [`Fact::NewClosed`].
    CloseNew,
    /// Reads how far replication from new to old is behind; answered with [`Fact::ReverseLag`].
    FetchReverseLag,
}

/// A change of the router: one batch for all names and types, with its journal entry in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What becomes of the weights.
    pub act: Act,
    /// The entry that the batch writes.
    pub entry: Entry,
    /// What was there before. The whole batch must be refused when anything of it has changed; `None` for the way
    /// back, which asks nobody.
    pub expected: Option<Live>,
}

/// What becomes of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// They stay; the starting records are taken over or made, and the TTL is set.
    Prepare {
        /// The TTL to be set, in seconds; `None`: as it is.
        ttl_seconds: Option<u32>,
    },
    /// They become these.
    Move(WeightPair),
    /// They stay; only the entry is written.
    Renew,
    /// They become these, whatever was there; members that are gone are made again.
    Return(WeightPair),
    /// They stay; the shift is over.
    Finish {
        /// The TTL to be restored, in seconds; `None`: as it is.
        ttl_seconds: Option<u32>,
        /// Whether the record of the new side goes.
        remove_new: bool,
    },
}

/// The router as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// The weight of old; `None` when it has no record.
    pub old: Option<u16>,
    /// The weight of new; `None` when it has no record.
    pub new: Option<u16>,
    /// Whether all names and types have the same weights.
    pub even: bool,
    /// Whether everything but weights and TTL is as declared.
    pub intact: bool,
    /// The TTL, in seconds, where there is one.
    pub ttl_seconds: Option<u32>,
    /// The journal.
    pub journal: JournalRead,
    /// The record sets that an exact change must repeat, sorted by name, type and set identifier: our members, a simple
    /// record that may be converted, and the TXT of the journal. Empty for a listener rule.
    pub sets: Vec<RecordSet>,
    /// All target groups of a listener rule's forward action, in their order. Empty for records.
    pub groups: Vec<GroupWeight>,
}

impl Live {
    /// Returns the share that new gets, when anybody answers at all.
    pub fn share(&self) -> Option<Share> {
        if self.old.is_none() && self.new.is_none() {
            return None;
        }
        match (self.old, self.new) {
            (Some(_), None) => Some(Share::ZERO),
            (None, Some(_)) => Some(Share::FULL),
            (old, new) => Some(share_answered(old.unwrap_or(0), new.unwrap_or(0))),
        }
    }

    /// Tells whether these are the weights, on all names and types; no record is as good as weight 0.
    pub fn has(&self, pair: WeightPair) -> bool {
        self.even
            && self.old.unwrap_or(0) == pair.old().get()
            && self.new.unwrap_or(0) == pair.new_side().get()
    }
}

/// The journal as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalRead {
    /// There is none.
    Absent,
    /// This.
    Entry(Entry),
    /// There is one that cannot be read.
    Unreadable(NotAnEntry),
}

/// What a shift is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// The router as it is.
    Live(Live),
    /// What stands against entering a step.
    Ready {
        /// What was found; errors must be mended first, warnings are told elsewhere.
        problems: Vec<Problem>,
        /// Whether old can take everything.
        old_is_warm: bool,
    },
    /// The conditions of a step, in their order.
    EntryGates(Vec<EntryGate>),
    /// The router has accepted a change, under this name.
    Accepted {
        /// As the router names it.
        id: String,
    },
    /// The router has refused a change as a whole, since something was not as expected.
    Conflict,
    /// A change was not sent, since changes of others come first. Its place in the queue is kept. Never the answer to
    /// the way back, which waits for nobody.
    Queued,
    /// What became of a change.
    Change(ChangeState),
    /// Whether all authoritative name servers answer as they should.
    Sampled(bool),
    /// What was measured; a call that failed is part of it.
    Measured(Readings),
    /// How many requests each side got.
    Split {
        /// Old.
        old: f64,
        /// New.
        new: f64,
    },
    /// The kill switch.
    Control(Control),
    /// New is closed to writes.
    NewClosed,
    /// How far replication from new to old is behind.
    ReverseLag {
        /// In time.
        lag: Duration,
        /// In rows, when it is known.
        rows: Option<u64>,
    },
    /// The command came to nothing, or nobody knows what it came to.
    Failed(Failure),
}

/// A condition that must hold before a step is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryGate {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: EntryState,
}

/// How a condition is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// It holds.
    Open,
    /// It does not, for a reason.
    Closed(String),
    /// It could not be read.
    Failed(String),
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeState {
    /// It is on its way.
    Pending,
    /// Every name server has it.
    Insync,
    /// The router does not know it.
    Unknown,
}

/// What the kill switch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Run,
    /// Stop where you are.
    Hold(String),
    /// Back to old.
    Rollback(String),
    /// Steps up to this one, counted from 0, are approved.
    Approve(usize),
    /// Something else, which means nothing.
    Garbage(String),
}

/// The reason of a word that came without one.
const NO_REASON: &str = "no reason given";

impl Control {
    /// Reads what a person has written: `run`, `hold: why`, `rollback: why`, `block: why`, or `approve: 2` with steps
    /// counted from 1. The word may be of either case, and a reason may be left out. A block is a hold.
    pub fn parse(text: &str) -> Self {
        let (word, rest) = text.split_once(':').unwrap_or((text, ""));
        let reason = match rest.trim() {
            "" => NO_REASON,
            reason => reason,
        };
        let step = || rest.trim().parse::<usize>().ok()?.checked_sub(1);
        match word.trim().to_ascii_lowercase().as_str() {
            "run" if rest.trim().is_empty() => Self::Run,
            "hold" => Self::Hold(reason.to_owned()),
            "block" => Self::Hold(format!("blocked: {reason}")),
            "rollback" => Self::Rollback(reason.to_owned()),
            "approve" => step().map_or_else(|| Self::Garbage(text.to_owned()), Self::Approve),
            _ => Self::Garbage(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kill_switch_says_one_of_five_words_and_everything_else_is_garbage() {
        let owned = |text: &str| text.to_owned();

        assert_eq!(Control::parse("run\n"), Control::Run);
        assert_eq!(
            Control::parse("hold: month end: 18:00"),
            Control::Hold(owned("month end: 18:00"))
        );
        assert_eq!(
            Control::parse("block: freeze"),
            Control::Hold(owned("blocked: freeze"))
        );
        assert_eq!(
            Control::parse("Rollback"),
            Control::Rollback(owned(NO_REASON))
        );
        assert_eq!(Control::parse("approve: 2"), Control::Approve(1));
        for text in [
            "",
            "go",
            "run: fast",
            "approve",
            "approve: 0",
            "approve: two",
        ] {
            assert_eq!(Control::parse(text), Control::Garbage(owned(text)));
        }
    }
}
