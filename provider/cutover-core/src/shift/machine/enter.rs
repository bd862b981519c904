//! Entering a step: everything that must hold before the share of new rises.

use std::time::Duration;

use super::super::events::{Pause, What};
use super::super::facts::{Act, Change, EntryGate, EntryState, Live};
use super::super::journal::Mark;
use super::super::problem::{Level, Problem};
use super::watch::{Chore, Phase, Watch};
use super::write::Then;
use super::{Desired, Shift};

/// How often conditions are read: ours; they change within minutes.
const READ_AGAIN: Duration = Duration::from_secs(10);

/// How often in a row conditions must hold: stated; one that flaps is not open.
const OPEN_MIN: u32 = 2;

/// Keeps what refuses a step.
pub(super) fn errors_of(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.retain(|problem| problem.level == Level::Error);
    problems
}

impl Shift {
    /// Prepares for the next step.
    pub(super) fn enter(&mut self, mut watch: Watch) {
        let next = self.next_step(watch.on);
        watch.chore = None;
        for chore in [Chore::Ready, Chore::EntryGates, Chore::Split, Chore::Poll] {
            watch.due.remove(&chore);
        }
        watch.phase = Phase::Entering {
            since: self.now,
            ready: false,
            opened: 0,
            moving: false,
        };
        if self.orders.desired == Desired::Hold {
            return self.pause(watch, Pause::Held("the program asks for it".to_owned()));
        }
        if let Some(step) = watch.on
            && self.has_done_its_step()
        {
            return self.pause(watch, Pause::Staged(step));
        }
        let needs_approval = self.stage_of(next).is_some_and(|stage| stage.pause);
        if needs_approval && self.orders.approved_through < Some(next) {
            self.tell(What::ApprovalNeeded { step: next });
            return self.pause(watch, Pause::Approval(next));
        }
        watch.due.insert(Chore::Ready, self.now);
        // What the kill switch says counts before the share rises, however seldom it is read.
        if self.spec.policy.control_poll.is_some() {
            watch.due.insert(Chore::Control, self.now);
        }
        if self
            .stage_of(next)
            .is_some_and(|stage| !stage.entry_gates.is_empty())
        {
            watch.due.insert(Chore::EntryGates, self.now);
        }
        self.go_on(watch);
    }

    pub(super) fn readied(&mut self, mut watch: Watch, problems: Vec<Problem>, old_is_warm: bool) {
        let problems = errors_of(problems);
        if !problems.is_empty() {
            return self.pause(watch, Pause::NotReady(problems));
        }
        if !old_is_warm && self.spec.policy.rollback.old_must_be_warm {
            return self.pause(watch, Pause::OldIsCold);
        }
        if let Phase::Entering { ready, .. } = &mut watch.phase {
            *ready = true;
        }
        self.maybe_move(watch);
    }

    pub(super) fn entry_gates(&mut self, mut watch: Watch, gates: &[EntryGate]) {
        let next = self.next_step(watch.on);
        let asked = self
            .stage_of(next)
            .map(|stage| stage.entry_gates.clone())
            .unwrap_or_default();
        // A condition that was not answered about is not open.
        let is_open = |name: &String| {
            gates
                .iter()
                .any(|gate| gate.name == *name && gate.state == EntryState::Open)
        };
        let closed: Vec<String> = asked
            .iter()
            .filter(|name| !is_open(name))
            .cloned()
            .collect();
        if let Phase::Entering { opened, .. } = &mut watch.phase {
            *opened = if closed.is_empty() {
                opened.saturating_add(1)
            } else {
                0
            };
        }
        self.wait_for_gates(watch, closed);
    }

    /// Conditions or readiness could not be read, which is not a yes.
    pub(super) fn not_readied(&mut self, mut watch: Watch, chore: Chore) {
        let next = self.next_step(watch.on);
        if chore == Chore::EntryGates {
            if let Phase::Entering { opened, .. } = &mut watch.phase {
                *opened = 0;
            }
            let asked = self
                .stage_of(next)
                .map(|stage| stage.entry_gates.clone())
                .unwrap_or_default();
            return self.wait_for_gates(watch, asked);
        }
        watch.due.insert(chore, self.now.after(READ_AGAIN));
        self.give_up_waiting(watch, vec!["readiness".to_owned()]);
    }

    fn wait_for_gates(&mut self, mut watch: Watch, closed: Vec<String>) {
        watch
            .due
            .insert(Chore::EntryGates, self.now.after(READ_AGAIN));
        if closed.is_empty() {
            self.maybe_move(watch);
        } else {
            self.give_up_waiting(watch, closed);
        }
    }

    fn give_up_waiting(&mut self, watch: Watch, closed: Vec<String>) {
        match watch.phase {
            Phase::Entering { since, .. }
                if self.now.since(since) >= self.spec.policy.gate_timeout =>
            {
                self.pause(watch, Pause::GateClosed(closed));
            }
            _ => self.go_on(watch),
        }
    }

    /// Looks at the router once more when all conditions hold; the change builds on what is seen there.
    fn maybe_move(&mut self, mut watch: Watch) {
        let next = self.next_step(watch.on);
        let has_gates = self
            .stage_of(next)
            .is_some_and(|stage| !stage.entry_gates.is_empty());
        let mut is_clear = false;
        if let Phase::Entering {
            ready,
            opened,
            moving,
            ..
        } = &mut watch.phase
        {
            is_clear = *ready && (!has_gates || *opened >= OPEN_MIN);
            *moving = is_clear;
        }
        if is_clear {
            watch.due.remove(&Chore::EntryGates);
            watch.due.insert(Chore::Look, self.now);
        }
        self.go_on(watch);
    }

    /// Raises the share, all names and types in one batch, with the journal in it.
    pub(super) fn move_on(&mut self, watch: Watch, live: Live) {
        let step = self.next_step(watch.on);
        let Some(pair) = self.stage_of(step).map(|stage| stage.pair) else {
            return self.go_on(watch);
        };
        let entry = self.next_entry(Mark::Going, Some(step), watch.exposed, None);
        let change = Change {
            act: Act::Move(pair),
            entry,
            expected: Some(live),
        };
        self.write(
            change,
            Then::Entered {
                step,
                from: Box::new(watch),
            },
        );
    }
}
