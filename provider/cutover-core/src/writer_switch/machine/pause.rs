//! The pause: from the fence to the commit point. Whatever goes wrong here calls the attempt off.

use std::time::Duration;

use super::before::exceptions;
use super::{At, Attempt, Outcome, Shut, Switch, render};
use crate::replication::task::TaskSeen;
use crate::validation::facts::{DbFailure, DbFailureClass};
use crate::validation::report::Verdict;
use crate::validation::side::{Both, Side};
use crate::writer_switch::check::text;
use crate::writer_switch::control::{Control, Fence, Identity, LogPosition};
use crate::writer_switch::events::What;
use crate::writer_switch::facts::{Checked, Command, Fact, Row};
use crate::writer_switch::plan::Step;

impl Switch {
    /// Begins a step.
    pub(super) fn begin_in_pause(&mut self, step: Step) {
        match step {
            Step::Fence(_) => self.fence(),
            Step::Close(_) => self.close(),
            Step::Commit(_) => self.commit(),
            Step::Drain => {
                // Only now: a marker from before the fence would prove nothing.
                let mark = Command::Mark(self.spec.former(), self.next_marker());
                self.do_step(step, mark);
            }
            Step::SetIdentities(_) => self.do_step(step, Command::ReadIdentities),
            Step::Capture(side) => {
                self.given_up = false;
                let capture = Command::Capture(side, self.place());
                self.do_step(step, capture);
            }
            _ => match self.time_left() {
                Some(left) => self.do_step(step, Command::Check(left)),
                None => self.call_off(self.too_long(step)),
            },
        }
    }

    /// Begins an attempt: its time runs from here, before the command is on its way.
    fn fence(&mut self) {
        let (side, pause) = (self.spec.former(), self.spec.pause);
        self.fences = self.fences.saturating_add(1);
        self.attempt = Some(Attempt {
            since: self.now,
            deadline: self.now.after(pause.max),
            in_doubt: false,
        });
        self.shut_for_a_time();
        let text = format!(
            "attempt {}, ends by itself after {}",
            self.fences,
            text(pause.max)
        );
        let fence = Command::Fence {
            side,
            lock: pause.lock,
            expires_in: pause.max,
            entry: self.entry(Step::Fence(side).name(), text),
        };
        self.do_step(Step::Fence(side), fence);
    }

    /// Notes that the former writer is closed, or may be, and that it opens by itself.
    fn shut_for_a_time(&mut self) {
        let pause = self.spec.pause;
        // The server counts from when it has the locks.
        let opens_by = self.now.after(pause.lock).after(pause.max);
        self.shut = Some(Shut {
            since: self.shut.map_or(self.now, |shut| shut.since),
            opens_by: Some(opens_by),
            told: false,
        });
    }

    /// Returns what is left of the pause, without what the last two steps need; `None` when that is nothing.
    fn time_left(&self) -> Option<Duration> {
        let deadline = self.attempt?.deadline.before(self.spec.pause.reserve);
        let left = deadline.since(self.now);
        (!left.is_zero()).then_some(left)
    }

    pub(super) fn step_in_pause(&mut self, step: Step, command: Command, fact: Fact) {
        match (command, fact) {
            (Command::Open { .. }, fact) => self.commit_answered(step, fact),
            (Command::Close { .. }, fact) => self.close_answered(step, fact),
            (Command::Fence { .. }, Fact::NoLock { blockers }) => self.no_lock(blockers),
            (command, fact) => {
                if matches!(command, Command::Fence { .. }) {
                    self.shut_for_a_time();
                }
                match fact {
                    Fact::Sought(false) => self.call_off(self.not_drained()),
                    Fact::Checked(checked) => self.checked(step, checked),
                    Fact::Failed(side, failure) => {
                        self.call_off(failed(step, side, &failure));
                    }
                    Fact::Refused(failure) => {
                        let (action, message) = (failure.action, failure.message);
                        self.call_off(format!("{}: {action}: {message}", step.name()));
                    }
                    fact => match self.time_left() {
                        Some(left) => self.go_through(step, &command, fact, left),
                        None => self.call_off(self.too_long(step)),
                    },
                }
            }
        }
    }

    fn not_drained(&self) -> String {
        let (former, new) = (self.spec.former(), self.spec.writer);
        format!("the last marker of the {former} was not on the {new} in time")
    }

    fn too_long(&self, step: Step) -> String {
        format!(
            "the pause of {} is used up after {}, but for the {} that the last two steps need",
            text(self.spec.pause.max),
            step.name(),
            text(self.spec.pause.reserve)
        )
    }

    /// Goes on from what came of a command, in time.
    fn go_through(&mut self, step: Step, command: &Command, fact: Fact, left: Duration) {
        let new = self.spec.writer;
        match (command, fact) {
            (Command::Fence { side, .. }, Fact::Fenced { locked }) => {
                self.tell(What::Fenced {
                    side: *side,
                    locked,
                });
                self.proceed(step);
            }
            (Command::Mark(_, number), _) => {
                self.do_step(step, Command::Seek(new, *number, left));
            }
            (_, Fact::Sought(true)) => {
                self.known.lag = Some(self.now.since(self.marker.1));
                self.do_step(step, super::look(&self.spec));
            }
            (_, Fact::Seen(seen)) => self.look_in_pause(step, &seen),
            (_, Fact::Task(task)) => self.drained(step, task.as_deref()),
            (_, Fact::Captured(position)) => self.captured(step, position),
            (_, Fact::Identities(identities)) => self.set_identities(step, &identities),
            (Command::SetIdentities(..), _) => self.proceed(step),
            _ => (),
        }
    }

    fn no_lock(&mut self, blockers: Vec<String>) {
        // Nothing was changed, and writers waited for no longer than one attempt.
        self.attempt = None;
        self.shut = None;
        let who = blockers.join("; ");
        self.tell(What::NoLock {
            attempt: self.fences,
            blockers,
        });
        if self.fences >= self.spec.pause.attempts {
            return self.end(Outcome::CalledOff {
                reason: format!(
                    "the locks for the fence were not to be had in {} attempts, in the way: {who}",
                    self.fences
                ),
            });
        }
        self.note(render::Recovery::AwaitLocks);
        let why = format!("no locks to be had, in the way: {who}");
        let look = super::look(&self.spec);
        self.wait(self.spec.pause.spacing, why, At::Looking, look);
    }

    /// Looks whether everything is still as it was when the marker went on its way.
    fn look_in_pause(&mut self, step: Step, seen: &Both<Control>) {
        let (former, new) = (self.spec.former(), self.spec.writer);
        let fence = seen.get(new).fence;
        if fence != Fence::Closed {
            // Opening the former writer now would let both write.
            let text =
                format!("the fence of the {new} is no longer closed, in the pause of {former}");
            return self.end(Outcome::Conflict(text));
        }
        if let Some(reason) = self.changed(seen) {
            return self.call_off(reason);
        }
        match &self.spec.drain {
            Some(_) => self.do_step(step, Command::ReadDrain),
            None => self.drained_well(step),
        }
    }

    fn changed(&self, seen: &Both<Control>) -> Option<String> {
        let (former, new) = (self.spec.former(), self.spec.writer);
        let before = self.seen.as_ref()?;
        if !matches!(seen.get(former).fence, Fence::Paused { .. }) {
            return Some(format!("the fence of the {former} is open already"));
        }
        for side in Side::BOTH {
            let (then, now) = (before.get(side), seen.get(side));
            if then.identity != now.identity || now.is_replica {
                return Some(format!("another server answers for the {side} than before"));
            }
            let row = |control: &Control| {
                control
                    .state
                    .as_ref()
                    .map(|state| (state.writer, state.epoch))
            };
            if row(then) != row(now) {
                return Some(format!(
                    "the row of the {side} was changed by somebody else"
                ));
            }
            if !now.unfenced.is_empty() {
                return Some(format!("tables of the {side} have lost their fence"));
            }
        }
        let count = seen.get(new).exceptions.filter(|count| *count > 0)?;
        Some(exceptions(new, count))
    }

    fn drained(&mut self, step: Step, task: Option<&TaskSeen>) {
        match self.drain_trouble(task) {
            Some(reason) => self.call_off(reason),
            None => self.drained_well(step),
        }
    }

    fn drained_well(&mut self, step: Step) {
        if let Some(lag) = self.known.lag {
            self.tell(What::Drained { lag });
        }
        self.proceed(step);
    }

    fn checked(&mut self, step: Step, checked: Checked) {
        let reason = match checked.verdict {
            Some(Verdict::Matched) => None,
            Some(Verdict::Mismatched) => Some("both sides are not equal"),
            Some(Verdict::Inconclusive) => Some("whether both sides are equal cannot be told"),
            None => Some("both sides could not be compared in time"),
        };
        let reasons = checked.reasons.join("; ");
        self.known.checked = Some(checked);
        match reason {
            None if self.time_left().is_none() => self.call_off(self.too_long(step)),
            None => {
                self.tell(What::Matched);
                self.proceed(step);
            }
            Some(reason) if reasons.is_empty() => self.call_off(reason.to_owned()),
            Some(reason) => self.call_off(format!("{reason}: {reasons}")),
        }
    }

    fn captured(&mut self, step: Step, position: LogPosition) {
        self.tell(What::Captured {
            cdc_start: position.cdc_start(),
        });
        self.known.position = Some(position);
        self.proceed(step);
    }

    fn set_identities(&mut self, step: Step, identities: &Both<Vec<Identity>>) {
        let identities = self.identities(identities);
        if !identities.problems.is_empty() {
            return self.call_off(identities.problems.join("; "));
        }
        if identities.set.is_empty() {
            return self.proceed(step);
        }
        let set = Command::SetIdentities(self.spec.writer, identities.set);
        self.do_step(step, set);
    }

    fn close(&mut self) {
        let (side, pause) = (self.spec.former(), self.spec.pause);
        // From here on nothing opens by itself.
        self.shut = Some(Shut {
            since: self.now,
            opens_by: None,
            told: false,
        });
        let close = Command::Close {
            side,
            // The other half is for the commit.
            lock: pause
                .lock
                .min(pause.reserve.checked_div(2).unwrap_or_default()),
            entry: self.entry(Step::Close(side).name(), "closed for good"),
        };
        self.do_step(Step::Close(side), close);
    }

    fn close_answered(&mut self, step: Step, fact: Fact) {
        match fact {
            Fact::Fenced { .. } => {
                self.proceed(step);
            }
            Fact::Expired => self.call_off("the fence has opened by itself already".to_owned()),
            Fact::NoLock { blockers } => self.call_off(format!(
                "the locks for closing it for good were not to be had, in the way: {}",
                blockers.join("; ")
            )),
            Fact::Failed(side, failure) => self.call_off(failed(step, side, &failure)),
            _ => (),
        }
    }

    fn commit(&mut self) {
        let new = self.spec.writer;
        let step = Step::Commit(new);
        let seen = self
            .seen
            .as_ref()
            .and_then(|seen| seen.get(new).state.as_ref());
        let open = Command::Open {
            side: new,
            // Its own row may be behind, where a run died before it was told of an earlier move.
            expected: seen.map_or(self.epoch, |state| state.epoch),
            row: Row {
                writer: new,
                epoch: self.epoch.saturating_add(1),
            },
            entry: self.entry(step.name(), "opened, and the writer from here on"),
        };
        self.do_step(step, open);
    }

    fn commit_answered(&mut self, step: Step, fact: Fact) {
        match fact {
            Fact::Done => self.committed(step),
            Fact::OtherEpoch(found) => self.end(Outcome::Conflict(format!(
                "the row of the {} has epoch {found}, which it did not have a moment ago; the {} is closed",
                self.spec.writer,
                self.spec.former()
            ))),
            Fact::Failed(side, failure) if is_without_effect(&failure) => {
                self.call_off(failed(step, side, &failure));
            }
            Fact::Failed(side, failure) => {
                self.attempt = self.attempt.map(|attempt| Attempt {
                    in_doubt: true,
                    ..attempt
                });
                let reason = failed(step, side, &failure);
                let outcome = if self.stopping {
                    Outcome::Stopped
                } else {
                    Outcome::CalledOff {
                        reason: reason.clone(),
                    }
                };
                self.ending = Some(outcome);
                self.look_after(reason);
            }
            _ => (),
        }
    }

    pub(super) fn committed(&mut self, step: Step) {
        let since = self.attempt.map_or(self.now, |attempt| attempt.since);
        let pause = self.now.since(since);
        self.epoch = self.epoch.saturating_add(1);
        self.known.pause = Some(pause);
        self.known.committed_at = Some(self.now);
        self.tell(What::Committed {
            writer: self.spec.writer,
            epoch: self.epoch,
            pause,
        });
        self.shut = None;
        (self.ending, self.attempt) = (None, None);
        self.proceed(step);
    }
}

/// Says what could not be done.
pub(super) fn failed(step: Step, side: Side, failure: &DbFailure) -> String {
    let code = failure.code.as_ref();
    let code = code.map_or_else(String::new, |code| format!(" ({code})"));
    format!(
        "{}: the {side}, {}: {}{code}",
        step.name(),
        failure.doing,
        failure.message
    )
}

/// Tells whether the server itself has refused, so that nothing was changed.
fn is_without_effect(failure: &DbFailure) -> bool {
    matches!(
        failure.class,
        DbFailureClass::Denied
            | DbFailureClass::Missing
            | DbFailureClass::Unsupported
            | DbFailureClass::Malformed
    )
}
