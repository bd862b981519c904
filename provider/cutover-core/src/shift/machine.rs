//! The shift itself: what is next, and what each fact leads to.
//!
//! It looks before it acts, since an earlier run may have died after acting. It writes through one door (`write`),
//! which observes whenever nobody knows what became of a change. It watches through another (`watch`), which does a
//! number of chores, each at its time. And it goes back through a third (`back`) that needs a `WayBack`: the point
//! of no return takes that away, and what is written after it cannot be told to revert.

mod back;
mod chores;
mod enter;
mod hold;
mod judge;
mod orders;
mod start;
mod status;
mod watch;
mod write;

#[cfg(test)]
pub(in crate::shift) use chores::drift;

use std::time::Duration;

use super::assess::Assessment;
use super::events::{Cause, Event, What};
use super::facts::{Command, Fact, JournalRead, Live};
use super::journal::{Entry, Mark, RunId};
use super::plan::{Plan, Stage as PlanStage, plan};
use super::spec::{Interrupt, Spec};
use crate::machine::{IllegalFact, Machine, Next, Why};
use crate::weights::{Share, WeightPair};
use crate::{Backoff, Timestamp};
pub use orders::{Desired, Order, Orders, Outcome};
pub use status::{PhaseName, Status, render_assessment, standing, worst};
pub(in crate::shift) use watch::{LOOK, tick_of};

use back::Back;
use watch::Watch;
use write::Writing;

/// Waits between attempts of one call, before their jitter: stated, but for the factor, which is two. The number of attempts is ours: about a minute and a half in all.
const PATIENCE: Backoff = Backoff::new(Duration::from_millis(400), Duration::from_secs(8), 16);

/// How many events are kept: stated. Later ones push out the earliest.
const EVENTS_MAX: usize = 200;

/// The right to go back. There is one, and the point of no return takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WayBack(WeightPair);

/// A shift on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Shift {
    spec: Spec,
    plan: Plan,
    run: RunId,
    orders: Orders,
    /// When anything was last heard.
    now: Timestamp,
    stage: Stage,
    /// The latest entry known to be in the journal.
    entry: Option<Entry>,
    way_back: Option<WayBack>,
    /// Why everything goes back; the first decided.
    causes: Vec<Cause>,
    events: Vec<Event>,
    /// How many events there were in all, those pushed out included.
    told: usize,
    /// Failures in a row of the call in hand.
    failures: u32,
    /// Until when nothing is tried again.
    pause_until: Option<Timestamp>,
    throttled: u32,
    /// Since when the change to be made has waited for its turn.
    queued_since: Option<Timestamp>,
    /// The share that new was last told to get.
    requested: Share,
    /// The share that new was last seen to get.
    observed: Option<Share>,
    /// What was last said about each gate.
    assessments: Vec<Assessment>,
    stopping: bool,
    /// A person's wish to stop where it is, until it can be met.
    held: Option<String>,
    /// How many steps this run has entered.
    entered: u32,
    /// Whether this run has put back what somebody else had changed.
    reverted: bool,
    /// Whether anything was written, or may have been.
    touched: bool,
    /// The changes of weights that were accepted, as the router names them, the latest last.
    changes: Vec<String>,
}

/// What it is doing.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    /// Looking, before anything else.
    Looking,
    /// Asking whether the first step could be entered; nothing is written before.
    Preflight(Live),
    /// Writing, and finding out what became of it.
    Writing(Box<Writing>),
    /// Standing at a step, or before the first.
    Watching(Box<Watch>),
    /// Going back.
    Back(Box<Back>),
    /// Over.
    Done(Outcome),
}

impl Shift {
    /// Begins with a look. A shift that an earlier run has left behind is gone on with.
    pub fn new(spec: Spec, orders: Orders, run: RunId, now: Timestamp) -> Self {
        Self {
            plan: plan(&spec, None),
            spec,
            run,
            orders,
            now,
            stage: Stage::Looking,
            entry: None,
            way_back: Some(WayBack(WeightPair::ALL_OLD)),
            causes: Vec::new(),
            events: Vec::new(),
            told: 0,
            failures: 0,
            pause_until: None,
            throttled: 0,
            queued_since: None,
            requested: Share::ZERO,
            observed: None,
            assessments: Vec::new(),
            stopping: false,
            held: None,
            entered: 0,
            reverted: false,
            touched: false,
            changes: Vec::new(),
        }
    }

    /// Returns what happened, the latest last.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Returns what happened after the first so many events, as far as it is still kept, and how many there were in all.
    pub fn events_after(&self, told: usize) -> (&[Event], usize) {
        let new = self.told.saturating_sub(told).min(self.events.len());
        let from = self.events.len().saturating_sub(new);
        (self.events.get(from..).unwrap_or_default(), self.told)
    }

    /// Tells whether it is certain that this run has written nothing.
    pub fn is_untouched(&self) -> bool {
        !self.touched
    }

    /// Returns the changes of weights that were accepted, as the router names them, the latest last.
    pub fn change_ids(&self) -> &[String] {
        &self.changes
    }

    fn note_change(&mut self, id: Option<&String>) {
        self.touched = true;
        if let Some(id) = id {
            if self.changes.len() >= EVENTS_MAX {
                self.changes.remove(0);
            }
            self.changes.push(id.clone());
        }
    }

    /// Returns the latest entry known to be in the journal.
    pub fn entry(&self) -> Option<&Entry> {
        self.entry.as_ref()
    }

    /// Returns how often a call was throttled.
    pub fn throttled(&self) -> u32 {
        self.throttled
    }

    /// Returns the share that new was last told to get.
    pub fn share_requested(&self) -> Share {
        self.requested
    }

    /// Takes a person's order, between two commands. What cannot be done any more is ignored.
    pub fn order(&mut self, order: Order, at: Timestamp) {
        self.now = self.now.max(at);
        match order {
            Order::Hold(reason) => self.hold(reason),
            Order::Resume => self.resume(),
            Order::Approve(step) => {
                self.orders.approved_through = self.orders.approved_through.max(Some(step));
                self.approved();
            }
            Order::Rollback(reason) => self.revert(Cause::Person(reason)),
        }
    }

    /// Says, between two commands, that the program is to end. What was decided for that case is done first, and is short: at most one change.
    pub fn stop(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
        self.stopping = true;
        let may_return =
            self.way_back.is_some() && self.spec.policy.interrupt() == Interrupt::Rollback;
        if let Stage::Writing(writing) = &self.stage
            && let Some(outcome) = writing.outcome()
        {
            self.tell(What::FenceNotReleased);
            return self.end(outcome);
        }
        let is_split = match &self.stage {
            // What is written is followed by the next run.
            Stage::Back(back) if back.is_accepted() => {
                return self.end(Outcome::Interrupted { back: true });
            }
            Stage::Done(_) | Stage::Back(_) => return,
            Stage::Looking | Stage::Preflight(_) => false,
            // What became of a change in hand stands in the journal for the next run.
            Stage::Writing(_) => true,
            Stage::Watching(watch) => watch.on.is_some(),
        };
        if is_split && may_return {
            self.revert(Cause::Stop);
        } else {
            self.end(Outcome::Interrupted { back: false });
        }
    }

    fn tell(&mut self, what: What) {
        if self.events.len() >= EVENTS_MAX {
            self.events.remove(0);
        }
        self.events.push(Event { at: self.now, what });
        self.told = self.told.saturating_add(1);
    }

    fn end(&mut self, outcome: Outcome) {
        self.pause_until = None;
        self.stage = Stage::Done(outcome);
    }

    fn stage_of(&self, step: usize) -> Option<&PlanStage> {
        self.plan.stages.get(step)
    }

    /// Returns the weights that are on while standing at a step, or before the first.
    fn pair_on(&self, on: Option<usize>) -> WeightPair {
        on.and_then(|step| self.stage_of(step))
            .map_or(WeightPair::ALL_OLD, |stage| stage.pair)
    }

    /// Returns the step that comes next while standing at a step, or before the first. The last one comes next where
    /// steps may be skipped.
    fn next_step(&self, on: Option<usize>) -> usize {
        let next = on.map_or(0, |step| step.saturating_add(1));
        let last = self.plan.stages.len().saturating_sub(1);
        if self.orders.desired == Desired::New {
            next.max(last)
        } else {
            next
        }
    }

    /// Makes the next entry.
    fn next_entry(
        &self,
        mark: Mark,
        on: Option<usize>,
        exposed: Option<Timestamp>,
        bake: Option<Timestamp>,
    ) -> Entry {
        let before = self.entry.as_ref();
        let lowered = self.plan.preparation.map(|change| change.from_seconds);
        let executed = on.map_or(0, |step| step.saturating_add(1));
        Entry {
            shift: self.spec.id.clone(),
            run: self.run.clone(),
            seq: before.map_or(1, |entry| entry.seq.saturating_add(1)),
            // What goes on belongs to the attempt that began it.
            attempt: before
                .filter(|entry| !entry.mark.is_over())
                .map_or(self.orders.attempt, |entry| entry.attempt),
            mark,
            step: on.and_then(|step| u32::try_from(step).ok()).unwrap_or(0),
            at: self.now.whole_second(),
            exposed: exposed.unwrap_or(self.now).whole_second(),
            bake: bake.map(Timestamp::whole_second),
            plan: self.plan.fingerprint(executed),
            ttl_seconds: before
                .filter(|entry| !entry.mark.is_over())
                .and_then(|entry| entry.ttl_seconds)
                .or(lowered),
        }
    }

    /// Notes a failure of the call in hand, and tells whether it is to be tried again after a wait.
    fn try_again(&mut self, failure: &crate::Failure) -> bool {
        if failure.class == crate::FailureClass::Throttled {
            self.throttled = self.throttled.saturating_add(1);
        }
        self.failures = self.failures.saturating_add(1);
        let wait = PATIENCE
            .wait_after(self.failures)
            .filter(|_| failure.class.may_pass());
        self.pause_until = wait.map(|wait| self.now.after(self.jittered(wait)));
        wait.is_some()
    }

    /// Shortens a wait by up to half, by as much as the run's name and the moment say: runs that were throttled together
    /// do not come back together, and the same run told again waits the same.
    fn jittered(&self, wait: Duration) -> Duration {
        let seed = self
            .run
            .as_str()
            .bytes()
            .chain(self.now.unix_millis().to_be_bytes())
            .chain(self.failures.to_be_bytes());
        let hash = seed.fold(0x811c_9dc5, |hash: u32, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let [part, ..] = hash.to_be_bytes();
        let half = wait.checked_div(2).unwrap_or(wait);
        let more = half
            .checked_div(256)
            .unwrap_or_default()
            .saturating_mul(u32::from(part));
        half.saturating_add(more)
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.pause_until = None;
    }

    /// Tells whether the fence is ours, as far as what was read shows. Nobody else writes under the name of this run.
    fn is_ours(&self, read: &JournalRead) -> bool {
        match (read, &self.entry) {
            (JournalRead::Entry(found), Some(entry)) => {
                found.shift == entry.shift && (found.run == self.run || found == entry)
            }
            (JournalRead::Absent, None) => true,
            (JournalRead::Entry(_) | JournalRead::Absent | JournalRead::Unreadable(_), _) => false,
        }
    }

    fn illegal(&self, fact: &dyn std::fmt::Debug) -> IllegalFact {
        IllegalFact::new(&self.next(), fact)
    }
}

impl Machine for Shift {
    type Command = Command;
    type Fact = Fact;
    type Outcome = Outcome;

    fn next(&self) -> Next<Command, Outcome> {
        if let Some(at) = self.pause_until {
            return Next::WaitUntil {
                at,
                why: Why {
                    phase: "retry",
                    text: format!("trying again, {} failures", self.failures),
                },
            };
        }
        match &self.stage {
            Stage::Looking => Next::Do(Command::FetchLive),
            Stage::Preflight(_) => Next::Do(Command::FetchReadiness { step: 0 }),
            Stage::Writing(writing) => writing.next(),
            Stage::Watching(watch) => self.next_of_watch(watch),
            Stage::Back(back) => self.next_of_back(back),
            Stage::Done(outcome) => Next::Done(outcome.clone()),
        }
    }

    fn record(&mut self, fact: Fact, at: Timestamp) -> Result<(), IllegalFact> {
        if self.pause_until.is_some() {
            return Err(self.illegal(&fact));
        }
        let before = self.now;
        // A clock that was set back does not undo what was waited for. Before the first look nothing was, and its answer
        // may tell what time it is.
        self.now = if matches!(self.stage, Stage::Looking) {
            at
        } else {
            self.now.max(at)
        };
        let recorded = match self.stage.clone() {
            Stage::Looking => self.looked(fact),
            Stage::Preflight(live) => self.preflighted(&live, fact),
            Stage::Writing(writing) => self.wrote(*writing, fact),
            Stage::Watching(watch) => self.watched(*watch, fact),
            Stage::Back(back) => self.went_back(*back, fact),
            Stage::Done(_) => Err(self.illegal(&fact)),
        };
        if recorded.is_err() {
            self.now = before;
        }
        recorded
    }

    fn wake(&mut self, at: Timestamp) -> Result<(), IllegalFact> {
        let Next::WaitUntil { .. } = self.next() else {
            return Err(self.illegal(&"the end of a wait"));
        };
        self.now = self.now.max(at);
        if let Some(until) = self.pause_until {
            if until <= self.now {
                self.pause_until = None;
            }
            return Ok(());
        }
        match self.stage.clone() {
            Stage::Watching(watch) => self.go_on(*watch),
            Stage::Back(back) => self.go_on_back(*back),
            Stage::Looking | Stage::Preflight(_) | Stage::Writing(_) | Stage::Done(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests;
