//! The move itself: what is next, and what each fact leads to.
//!
//! It looks before it acts (`decide`), since an earlier run may have died after acting. What an attempt has left behind is
//! called off first (`mend`), in the same way in which the machine calls off its own attempt: nothing that it does in the
//! pause needs to be known by the one that follows. Then it sees whether anything is in the way (`before`), goes through the
//! pause (`pause`), and after the commit point only forward (`after`). Whenever nobody knows what a command has done, the next
//! one is a look, which also takes the locks again that went with a session.

mod after;
mod before;
mod belongs;
mod decide;
mod mend;
mod pause;
mod status;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
pub(in crate::writer_switch) mod tests;
mod walk;

use std::time::Duration;

use super::control::{Control, Entry};
use super::events::{Event, What};
use super::facts::{Command, Fact, Known};
use super::plan::{Step, plan};
use super::render;
use super::spec::Spec;
use crate::machine::{IllegalFact, Machine, Next, Why};
use crate::validation::facts::DbFailure;
use crate::validation::side::{Both, Side};
use crate::{Backoff, Failure, Timestamp};
use decide::Standing as WriterStanding;
pub use status::Standing;

/// Waits before anything has changed, and the number of failures after which to give up: ours, about a minute and a half.
const PATIENCE: Backoff = Backoff::new(Duration::from_millis(400), Duration::from_secs(8), 16);

/// How many events are kept: ours, as with a shift. Later ones push out the earliest.
const EVENTS_MAX: usize = 200;

/// What came of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The writer is the one that was wished, and everything that follows is done.
    Switched,
    /// The writer is the one that was wished, and a later step is left.
    Pending {
        /// The step.
        step: Step,
        /// Why it is left.
        reason: String,
    },
    /// Applications were refused, or might have been, and are not any more; the former writer writes.
    CalledOff {
        /// Why.
        reason: String,
    },
    /// Something is in the way; nothing was changed.
    Refused(Vec<String>),
    /// What is there cannot be, so that a person must decide; nothing was done about it. CUT-399.
    Conflict(String),
    /// Another runner is at it.
    NotHolder {
        /// Where it holds the lock.
        side: Side,
        /// Who, as far as the server knows.
        by: String,
    },
    /// It was told to stop, and the former writer writes.
    Stopped,
    /// A database could not be asked; nothing was changed.
    Impossible(Side, DbFailure),
    /// A service could not be asked; nothing was changed.
    Failed(Failure),
}

/// A move of the writer on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    spec: Spec,
    plan: Vec<Step>,
    run: String,
    /// When anything was last heard.
    now: Timestamp,
    stage: Stage,
    /// The last look.
    seen: Option<Both<Control>>,
    /// The epoch of the writer.
    epoch: u64,
    /// The attempt in hand, from just before its fence.
    attempt: Option<Attempt>,
    /// How often the fence was tried.
    fences: u32,
    /// How often old transactions were met.
    delays: u32,
    /// The side that is closed, as far as is known, so that nobody writes.
    shut: Option<Shut>,
    /// What comes of it all, once the writer is open again.
    ending: Option<Outcome>,
    /// Once the writer has changed: the step in hand.
    after: Option<Step>,
    back: after::BackRun,
    /// Failures in a row.
    failures: u32,
    prepared: bool,
    /// Whether a place in a log that was noted for nothing was given up, as far as that is possible.
    given_up: bool,
    /// How often what others had left behind was called off.
    recovered: u32,
    stopping: bool,
    /// The last marker: its number, and when it was about to be written.
    marker: (u64, Timestamp),
    known: Known,
    events: Vec<Event>,
    log: Vec<String>,
}

/// An attempt to move the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Attempt {
    since: Timestamp,
    /// When the pause must be over. Earlier than the server's moment, which counts from when the fence was closed.
    deadline: Timestamp,
    /// Whether a commit was sent whose effect is not known.
    in_doubt: bool,
}

/// A writer that does not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shut {
    since: Timestamp,
    /// When it has surely opened by itself; `None` when it is closed for good, or may be.
    opens_by: Option<Timestamp>,
    /// Whether people were told.
    told: bool,
}

/// What it is doing.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    /// A command.
    Doing(At, Command),
    /// Waiting before a command.
    Waiting {
        until: Timestamp,
        why: String,
        at: At,
        then: Command,
    },
    /// Over.
    Done(Outcome),
}

/// What a command is for.
#[derive(Clone, Debug, PartialEq)]
enum At {
    /// To see who writes.
    Looking,
    /// To make control schemas; these are left.
    Preparing(Vec<Side>),
    /// To open the writer again, and to give up a place in a log.
    Mending {
        /// Who writes.
        writer: Side,
        /// Whether the place is given up.
        release: bool,
        /// Whether applications were refused, so that they are left alone for a while.
        reopened: bool,
    },
    /// To do a step.
    Step(Step),
}

impl Switch {
    /// Begins with a look. `run` names this run in journals and locks, and is another with each.
    pub fn new(spec: Spec, run: String, now: Timestamp) -> Self {
        let look = look(&spec);
        Self {
            plan: plan(&spec),
            marker: (first_marker(&run, now), now),
            spec,
            run,
            now,
            stage: Stage::Doing(At::Looking, look),
            seen: None,
            epoch: 0,
            attempt: None,
            fences: 0,
            delays: 0,
            shut: None,
            ending: None,
            after: None,
            back: after::BackRun::default(),
            failures: 0,
            prepared: false,
            given_up: false,
            recovered: 0,
            stopping: false,
            known: Known::default(),
            events: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Says, between two commands, that the program is to end. Before the commit point everything goes back; after it the step in
    /// hand is finished. A commit whose effect is not known is looked after all the same.
    pub fn stop(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
        self.stopping = true;
        let is_another = self.shut.is_some() && self.attempt.is_none();
        let is_mending = is_another || matches!(&self.stage, Stage::Doing(At::Mending { .. }, _));
        if matches!(self.stage, Stage::Done(_)) {
            return;
        }
        if let Some(step) = self.after {
            return self.stop_after(step);
        }
        if self.in_doubt() || self.ending.is_some() || is_mending {
            self.ending.get_or_insert(Outcome::Stopped);
            return;
        }
        if self.attempt.is_some() {
            self.call_off_with("it was told to stop".to_owned(), Outcome::Stopped);
        } else {
            self.end(Outcome::Stopped);
        }
    }

    fn in_doubt(&self) -> bool {
        self.attempt.is_some_and(|attempt| attempt.in_doubt)
    }

    fn look_again(&mut self) {
        self.stage = Stage::Doing(At::Looking, look(&self.spec));
    }

    fn wait(&mut self, wait: Duration, why: String, at: At, then: Command) {
        self.stage = Stage::Waiting {
            until: self.now.after(wait),
            why,
            at,
            then,
        };
    }

    fn do_step(&mut self, step: Step, command: Command) {
        self.stage = Stage::Doing(At::Step(step), command);
    }

    fn end(&mut self, outcome: Outcome) {
        self.stage = Stage::Done(outcome);
    }

    fn tell(&mut self, what: What) {
        if self.events.len() >= EVENTS_MAX {
            self.events.remove(0);
        }
        self.events.push(Event { at: self.now, what });
    }

    fn note(&mut self, recovery: render::Recovery) {
        self.log.push(recovery.line(&self.spec));
    }

    fn entry(&self, step: &str, text: impl Into<String>) -> Entry {
        Entry {
            run: self.run.clone(),
            epoch: self.epoch,
            step: step.to_owned(),
            text: text.into(),
        }
    }

    fn next_marker(&mut self) -> u64 {
        self.marker = (self.marker.0.saturating_add(1), self.now);
        self.marker.0
    }

    /// Returns the name that a place is noted under for the move that is on its way.
    fn place(&self) -> String {
        capture_name(&self.spec.migration, self.epoch.saturating_add(1))
    }
}

impl Machine for Switch {
    type Command = Command;
    type Fact = Fact;
    type Outcome = Outcome;

    fn next(&self) -> Next<Command, Outcome> {
        match &self.stage {
            Stage::Doing(_, command) => Next::Do(command.clone()),
            Stage::Waiting { until, why, at, .. } => Next::WaitUntil {
                at: *until,
                why: Why {
                    phase: at.phase(),
                    text: why.clone(),
                },
            },
            Stage::Done(outcome) => Next::Done(outcome.clone()),
        }
    }

    fn record(&mut self, fact: Fact, at: Timestamp) -> Result<(), IllegalFact> {
        let Stage::Doing(purpose, command) = &self.stage else {
            return Err(IllegalFact::new(&self.next(), &fact));
        };
        if !belongs::belongs(&fact, command) {
            return Err(IllegalFact::new(&self.next(), &fact));
        }
        let (purpose, command) = (purpose.clone(), command.clone());
        self.now = self.now.max(at);
        self.watch_shut();
        match (purpose, command, fact) {
            (purpose, _, Fact::Held { side, by }) => self.held(&purpose, side, by),
            (At::Looking, _, Fact::Seen(seen)) => self.seen(*seen),
            (At::Looking, _, Fact::Failed(side, failure)) => self.look_failed(side, failure),
            (At::Preparing(left), Command::Prepare(side, _), Fact::Done) => {
                self.prepared(side, left);
            }
            (At::Preparing(_), _, Fact::Failed(side, failure)) => {
                self.failed_before(side, failure);
            }
            (
                At::Mending {
                    writer,
                    release,
                    reopened,
                },
                command,
                fact,
            ) => {
                self.mended(writer, release, reopened, command, fact);
            }
            (At::Step(step), command, fact) if step.is_after_commit() => {
                self.step_after(step, command, fact);
            }
            (At::Step(step), command, fact) if step.is_in_pause() => {
                self.step_in_pause(step, command, fact);
            }
            (At::Step(step), command, fact) => self.step_before(step, command, fact),
            (At::Looking | At::Preparing(_), _, _) => {}
        }
        Ok(())
    }

    fn wake(&mut self, at: Timestamp) -> Result<(), IllegalFact> {
        let Stage::Waiting {
            until,
            at: purpose,
            then,
            ..
        } = &self.stage
        else {
            return Err(IllegalFact::new(&self.next(), &"the end of a wait"));
        };
        self.now = self.now.max(*until).max(at);
        self.stage = Stage::Doing(purpose.clone(), then.clone());
        self.watch_shut();
        Ok(())
    }
}

fn look(spec: &Spec) -> Command {
    Command::Look {
        older_than: spec.max_transaction_age,
    }
}

/// Returns the name that a place in a log is noted under: one for each epoch, so that a place is never taken for another.
fn capture_name(migration: &str, epoch: u64) -> String {
    format!("cutover_{migration}_{epoch}")
}

/// Returns a number from which this run counts its markers: of the name of the run and its beginning, so that no marker of
/// another run is ever taken for one of this. Fits into a `bigint`.
fn first_marker(run: &str, now: Timestamp) -> u64 {
    // FNV-1a, whose constants are those of its description.
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let beginning = now.unix_millis().to_be_bytes();
    let hash = run
        .as_bytes()
        .iter()
        .chain(&beginning)
        .fold(0xcbf2_9ce4_8422_2325, mix);
    // The lowest bits are left for counting, and the highest for the sign.
    (hash >> 1) & !0xffff
}
