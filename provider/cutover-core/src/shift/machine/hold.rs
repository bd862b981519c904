//! Stopping where it is, and going on from there.

use super::super::events::{Pause, What};
use super::watch::{Chore, Phase, Watch};
use super::{Desired, Shift, Stage};

impl Shift {
    /// Stops where it is. The gates are watched on for a while, since somebody may say to go on.
    pub(super) fn pause(&mut self, mut watch: Watch, pause: Pause) {
        self.tell(What::Paused(pause.clone()));
        for chore in [Chore::Ready, Chore::EntryGates, Chore::Split, Chore::Poll] {
            watch.due.remove(&chore);
        }
        watch.chore = None;
        let then = match watch.phase {
            Phase::Paused { then, .. } => then,
            phase => Box::new(phase),
        };
        let is_over = matches!(pause, Pause::Staged(_)) || self.orders.desired == Desired::Hold;
        let until = if is_over {
            self.now
        } else {
            self.now.after(self.spec.policy.gate_timeout)
        };
        watch.phase = Phase::Paused { pause, until, then };
        self.go_on(watch);
    }

    pub(super) fn hold(&mut self, reason: String) {
        self.held = Some(reason);
        if let Stage::Watching(watch) = self.stage.clone()
            && watch.chore.is_none()
        {
            self.go_on(*watch);
        }
    }

    /// Goes on where it stopped. What was seen before counts no more as harm: a person has seen it too.
    pub(super) fn resume(&mut self) {
        self.held = None;
        let Stage::Watching(watch) = self.stage.clone() else {
            return;
        };
        let mut watch = *watch;
        let Phase::Paused { then, pause, .. } = watch.phase.clone() else {
            return;
        };
        self.tell(What::Resumed);
        watch.chore = None;
        if !matches!(pause, Pause::Approval(_)) {
            watch.harm_from = self.now;
            watch.told.clear();
        }
        match *then {
            Phase::Propagating { .. } => {
                watch.phase = Phase::Propagating {
                    id: None,
                    since: self.now,
                };
                watch.due.insert(Chore::Poll, self.now);
                self.go_on(watch);
            }
            Phase::Settling { .. } => self.settle(watch),
            Phase::Baking | Phase::Deciding { .. } => self.bake(watch, None),
            Phase::Preparing { until } => {
                watch.phase = Phase::Preparing { until };
                self.go_on(watch);
            }
            Phase::Entering { .. } | Phase::Paused { .. } => self.enter(watch),
        }
    }

    pub(super) fn approved(&mut self) {
        let Stage::Watching(watch) = &self.stage else {
            return;
        };
        if let Phase::Paused {
            pause: Pause::Approval(step),
            ..
        } = &watch.phase
            && self.orders.approved_through >= Some(*step)
        {
            self.resume();
        }
    }
}
