//! Writing, one change at a time, and finding out what became of it.

use std::time::Duration;

use super::super::events::{Drift, Pause, What};
use super::super::facts::{Act, Change, Command, Fact, JournalRead, Live};
use super::chores::drift;
use super::start::asked_for;
use super::watch::{Chore, Phase, Watch};
use super::{Desired, Outcome, Shift, Stage};
use crate::machine::{IllegalFact, Next};
use crate::weights::WeightPair;
use crate::{Failure, FailureClass};

/// How often a change is sent again after the router refused it although nothing was seen to be different: ours.
const CONFLICTS_MAX: u32 = 3;

/// The longest that a change waits for its turn: ours, the insync timeout of twenty-four changes before it that all take
/// it to its end. Waiting is no failure before.
const QUEUED_MAX: Duration = Duration::from_hours(2);

/// For how long a step that waits for its turn may be entered without looking at its conditions again: ours, the insync
/// timeout of one change before it.
const CONDITIONS_MAX: Duration = Duration::from_mins(5);

/// A change in hand.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Writing {
    pub(super) change: Change,
    /// Nobody knows what became of it; only a look is allowed.
    pub(super) in_doubt: bool,
    pub(super) conflicts: u32,
    pub(super) then: Then,
}

/// What follows when it is accepted, and what is gone back to when it is not.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Then {
    /// The fence is ours and the starting records are there.
    Prepared(Box<Watch>),
    /// A step is on.
    Entered { step: usize, from: Box<Watch> },
    /// The fence of an earlier run is ours.
    TakenOver(Box<Watch>),
    /// The entry is renewed, nothing else.
    Renewed(Box<Watch>),
    /// The step has baked.
    Baked(Box<Watch>),
    /// What somebody else had changed is put back.
    PutBack { drift: Drift, from: Box<Watch> },
    /// It is over.
    Finished(Outcome),
}

impl Then {
    /// Returns how things stood before the change.
    pub(super) fn watch(&self) -> Option<&Watch> {
        match self {
            Self::Prepared(watch)
            | Self::TakenOver(watch)
            | Self::Renewed(watch)
            | Self::Baked(watch)
            | Self::PutBack { from: watch, .. }
            | Self::Entered { from: watch, .. } => Some(watch),
            Self::Finished(_) => None,
        }
    }

    /// Returns the step whose weights are on before the change.
    fn on(&self) -> Option<usize> {
        self.watch().and_then(|watch| watch.on)
    }
}

impl Writing {
    /// Returns what has come of it all already, when only the last entry is still to be written.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match &self.then {
            Then::Finished(outcome) => Some(outcome.clone()),
            Then::Prepared(_)
            | Then::TakenOver(_)
            | Then::Renewed(_)
            | Then::Baked(_)
            | Then::PutBack { .. }
            | Then::Entered { .. } => None,
        }
    }

    pub(super) fn next<O>(&self) -> Next<Command, O> {
        Next::Do(if self.in_doubt {
            Command::FetchLive
        } else {
            Command::Apply(Box::new(self.change.clone()))
        })
    }
}

/// Tells whether the weights are those that the change was to bring about.
fn has_taken_effect(writing: &Writing, live: &Live) -> bool {
    match writing.change.act {
        Act::Prepare { .. } => live.has(WeightPair::ALL_OLD),
        Act::Move(pair) | Act::Return(pair) => live.has(pair),
        Act::Renew | Act::Finish { .. } => true,
    }
}

impl Shift {
    /// Begins to write.
    pub(super) fn write(&mut self, change: Change, then: Then) {
        self.succeeded();
        self.stage = Stage::Writing(Box::new(Writing {
            change,
            in_doubt: false,
            conflicts: 0,
            then,
        }));
    }

    pub(super) fn wrote(&mut self, mut writing: Writing, fact: Fact) -> Result<(), IllegalFact> {
        match (writing.in_doubt, fact) {
            (false, Fact::Accepted { id }) => self.accepted(writing, Some(id)),
            (false, Fact::Conflict) => {
                writing.conflicts = writing.conflicts.saturating_add(1);
                writing.in_doubt = true;
                self.stage = Stage::Writing(Box::new(writing));
            }
            (false, Fact::Queued) => self.queued(writing),
            (true, Fact::Live(live)) => self.observed(writing, &live),
            (_, Fact::Failed(failure)) => self.failed_to_write(writing, &failure),
            (_, fact) => return Err(self.illegal(&fact)),
        }
        Ok(())
    }

    /// Changes of others come first, and nothing was sent. Where traffic is split it is watched meanwhile.
    fn queued(&mut self, writing: Writing) {
        let since = *self.queued_since.get_or_insert(self.now);
        if self.now.since(since) >= QUEUED_MAX {
            let pause = "other changes of the zone have taken every turn".to_owned();
            return self.give_up(writing.then, Pause::Refused(pause));
        }
        match writing.then {
            Then::Entered { from, .. } => self.wait_for_turn(*from),
            Then::PutBack { from, .. } if from.on.is_some() => {
                // The next look finds it again.
                self.reverted = false;
                self.wait_for_turn(*from);
            }
            Then::Renewed(watch) => self.go_on(*watch),
            Then::Prepared(_)
            | Then::TakenOver(_)
            | Then::Baked(_)
            | Then::PutBack { .. }
            | Then::Finished(_) => self.stage = Stage::Writing(Box::new(writing)),
        }
    }

    /// Stands where it stood until the next turn, which the next look takes.
    fn wait_for_turn(&mut self, mut watch: Watch) {
        if let Phase::Entering { since, .. } = watch.phase
            && self.now.since(since) >= CONDITIONS_MAX
        {
            return self.enter(watch);
        }
        // A renewal that is due goes first: who waits for long must not lose the fence.
        let is_due = |at: &crate::Timestamp| *at <= self.now;
        if !watch.due.get(&Chore::Renew).is_some_and(is_due) {
            watch.due.insert(Chore::Look, self.now);
        }
        self.go_on(watch);
    }

    /// Finds in the journal what became of a change: its entry is there, or the one before, or a stranger's.
    fn observed(&mut self, mut writing: Writing, live: &Live) {
        let is_there =
            matches!(&live.journal, JournalRead::Entry(entry) if *entry == writing.change.entry);
        let is_half =
            is_there && !self.spec.router.is_atomic() && !has_taken_effect(&writing, live);
        if is_half && writing.conflicts < CONFLICTS_MAX {
            // Announced and not made: the rest is made over what is there now.
            writing.change.expected = Some(live.clone());
            writing.conflicts = writing.conflicts.saturating_add(1);
            writing.in_doubt = false;
            self.stage = Stage::Writing(Box::new(writing));
            return;
        }
        if is_half {
            let pause = Pause::Refused("the weights do not become what was announced".to_owned());
            self.entry = Some(writing.change.entry);
            return self.give_up(writing.then, pause);
        }
        if is_there {
            return self.accepted(writing, None);
        }
        if !self.may_write_over(live, &writing) {
            let run = match &live.journal {
                JournalRead::Entry(entry) => Some(entry.run.as_str().to_owned()),
                JournalRead::Absent | JournalRead::Unreadable(_) => None,
            };
            return self.end(Outcome::NotHolder { run });
        }
        let is_unchanged = writing
            .change
            .expected
            .as_ref()
            .is_none_or(|expected| expected == live);
        if is_unchanged && writing.conflicts < CONFLICTS_MAX {
            writing.in_doubt = false;
            self.stage = Stage::Writing(Box::new(writing));
        } else {
            // Somebody has edited between our look and our change.
            let pause = if is_unchanged {
                Pause::Refused("the router refuses the change".to_owned())
            } else {
                let planned = self.pair_on(writing.then.on());
                Pause::Drift(drift(live, planned).unwrap_or(Drift::Fields))
            };
            self.give_up(writing.then, pause);
        }
    }

    /// Tells whether the entry that the change builds on is still the latest.
    fn may_write_over(&self, live: &Live, writing: &Writing) -> bool {
        writing.change.expected.as_ref().map_or_else(
            || self.is_ours(&live.journal),
            |expected| expected.journal == live.journal,
        )
    }

    fn failed_to_write(&mut self, mut writing: Writing, failure: &Failure) {
        // A renewal is tried again at its next turn; meanwhile the gates are watched.
        let may_wait = !matches!(writing.then, Then::Renewed(_));
        writing.in_doubt |= failure.class == FailureClass::Unknown;
        self.touched |= writing.in_doubt;
        if self.try_again(failure) && (may_wait || (writing.in_doubt && self.failures < 2)) {
            self.stage = Stage::Writing(Box::new(writing));
        } else {
            self.give_up(
                writing.then,
                Pause::Refused(format!("{}: {}", failure.action, failure.message)),
            );
        }
    }

    fn give_up(&mut self, then: Then, pause: Pause) {
        self.succeeded();
        self.queued_since = None;
        match then {
            Then::Prepared(_) | Then::TakenOver(_) => self.end(Outcome::Paused(pause)),
            Then::Entered { from, .. } | Then::PutBack { from, .. } => self.pause(*from, pause),
            Then::Renewed(watch) => match pause {
                Pause::Drift(_) => self.pause(*watch, pause),
                _ => self.go_on(*watch),
            },
            Then::Baked(watch) => self.enter(*watch),
            Then::Finished(outcome) => {
                self.tell(What::FenceNotReleased);
                self.end(outcome);
            }
        }
    }

    fn accepted(&mut self, writing: Writing, id: Option<String>) {
        self.succeeded();
        let is_move = matches!(writing.change.act, Act::Move(_));
        self.note_change(id.as_ref().filter(|_| is_move));
        if writing.change.act != Act::Renew {
            self.queued_since = None;
        }
        if matches!(writing.then, Then::Prepared(_) | Then::TakenOver(_)) {
            let from = match writing.change.expected.map(|expected| expected.journal) {
                Some(JournalRead::Entry(left)) => Some(left.run.as_str().to_owned()),
                Some(JournalRead::Absent | JournalRead::Unreadable(_)) | None => None,
            };
            self.tell(What::FenceTaken { from });
        }
        self.entry = Some(writing.change.entry);
        match (writing.then, writing.change.act) {
            (Then::Prepared(watch), _) => self.prepared(*watch, id),
            (Then::Entered { step, from }, Act::Move(pair)) => {
                self.tell(What::Entered { step, pair });
                self.requested = pair.share();
                self.entered = self.entered.saturating_add(1);
                let is_past = self
                    .spec
                    .policy
                    .commit_after
                    .is_some_and(|last| step > last);
                if is_past && self.way_back.take().is_some() {
                    self.tell(What::Committed);
                }
                self.propagate(*from, step, id);
            }
            // Only a move enters a step.
            (Then::Entered { from, .. }, _) => self.go_on(*from),
            (Then::PutBack { drift, from }, _) => {
                self.tell(What::DriftReverted(drift));
                match from.on {
                    Some(step) => self.propagate(*from, step, id),
                    None => self.go_on(*from),
                }
            }
            // Only past the point of no return is that wish still open here.
            (Then::TakenOver(watch), _) if self.orders.desired == Desired::Old => {
                self.revert_from(*watch, asked_for());
            }
            (Then::TakenOver(watch) | Then::Renewed(watch), _) => self.go_on(*watch),
            (Then::Baked(watch), _) => self.enter(*watch),
            (Then::Finished(outcome), _) => self.end(outcome),
        }
    }
}
