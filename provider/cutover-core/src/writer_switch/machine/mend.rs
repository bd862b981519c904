//! The way back before the commit point: the writer is opened again, whoever has closed it.

use super::{At, Outcome, PATIENCE, Shut, Stage, Switch, WriterStanding, look, pause, render};
use crate::Backoff;
use crate::validation::facts::{DbFailure, DbFailureClass};
use crate::validation::side::Side;
use crate::writer_switch::control::Fence;
use crate::writer_switch::events::What;
use crate::writer_switch::facts::{Command, Fact, Row};
use crate::writer_switch::plan::Step;
use std::time::Duration;

/// Waits while applications are refused: short, and without an end, since only the end of the fence is one. Ours.
const MEND: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2), u32::MAX);

/// After what time of neither side taking writes, and none about to, somebody is called: the design's figure.
const NOBODY_WRITES: Duration = Duration::from_secs(10);

impl Switch {
    /// Gives the attempt up.
    pub(super) fn call_off(&mut self, reason: String) {
        let outcome = if self.stopping {
            Outcome::Stopped
        } else {
            Outcome::CalledOff {
                reason: reason.clone(),
            }
        };
        self.call_off_with(reason, outcome);
    }

    pub(super) fn call_off_with(&mut self, reason: String, outcome: Outcome) {
        self.known.called_off = self.known.called_off.saturating_add(1);
        self.known.position = None;
        self.attempt = None;
        self.ending = Some(outcome);
        let text = reason.clone();
        self.tell(What::CallingOff { reason });
        self.reopen(self.spec.former(), &text);
    }

    /// Opens the writer again, without a change of who that is.
    fn reopen(&mut self, writer: Side, reason: &str) {
        let open = Command::Open {
            side: writer,
            expected: self.epoch,
            row: Row {
                writer,
                epoch: self.epoch,
            },
            entry: self.entry("callOff", reason),
        };
        let at = At::Mending {
            writer,
            release: true,
            reopened: true,
        };
        self.stage = Stage::Doing(at, open);
    }

    /// Looks whether a commit has taken effect: nothing else may be done before that is known.
    pub(super) fn look_after(&mut self, reason: String) {
        self.failures = self.failures.saturating_add(1);
        self.note(render::Recovery::LookAgain);
        let wait = MEND.wait_after(self.failures).unwrap_or_default();
        self.wait(wait, reason, At::Looking, look(&self.spec));
    }

    /// Sets right what an attempt has left behind, as a look has shown.
    pub(super) fn mend(&mut self, standing: WriterStanding) {
        let writer = standing.writer;
        if !standing.reopen {
            return self.release(writer, false);
        }
        let fence = self.seen.as_ref().map(|seen| seen.get(writer).fence);
        let opens_by = match fence {
            Some(Fence::Paused { left }) => Some(self.now.after(left)),
            Some(Fence::Expired) => Some(self.now),
            _ => None,
        };
        self.shut = Some(Shut {
            since: self.shut.map_or(self.now, |shut| shut.since),
            opens_by,
            told: self.shut.is_some_and(|shut| shut.told),
        });
        self.reopen(writer, "an attempt that was not finished is called off");
    }

    fn release(&mut self, writer: Side, reopened: bool) {
        let at = At::Mending {
            writer,
            release: true,
            reopened,
        };
        let release = Command::Release(writer.other(), self.place());
        self.stage = Stage::Doing(at, release);
    }

    pub(super) fn mended(
        &mut self,
        writer: Side,
        release: bool,
        reopened: bool,
        command: Command,
        fact: Fact,
    ) {
        match (command, fact) {
            (Command::Open { .. }, Fact::Done) => {
                self.shut = None;
                self.failures = 0;
                self.note(render::Recovery::Reopen(writer));
                self.opened_again(writer);
                if release {
                    self.release(writer, reopened);
                } else {
                    self.mended_all(writer, reopened);
                }
            }
            (Command::Open { .. }, Fact::OtherEpoch(found)) => {
                self.end(Outcome::Conflict(format!(
                    "the row of the {writer} has epoch {found} instead of {}: somebody else has changed it, and the {writer} is left as it is",
                    self.epoch
                )));
            }
            (Command::Open { .. }, Fact::Failed(side, failure)) => self.mend_failed(side, failure),
            (Command::Release(..), Fact::Done) => {
                self.given_up = true;
                self.note(render::Recovery::Release(writer.other()));
                self.mended_all(writer, reopened);
            }
            (Command::Release(side, name), Fact::Failed(_, failure)) => {
                self.release_failed(writer, reopened, side, name, &failure);
            }
            _ => (),
        }
    }

    fn opened_again(&mut self, writer: Side) {
        // An attempt whose commit was in doubt is called off only now.
        if self.ending.is_none() || self.attempt.take().is_some() {
            self.known.called_off = self.known.called_off.saturating_add(1);
        }
        if self.ending.is_some() {
            self.known.position = None;
            self.tell(What::Reopened(writer));
        } else {
            self.tell(What::CalledOffForAnother { side: writer });
        }
    }

    fn mended_all(&mut self, writer: Side, reopened: bool) {
        self.failures = 0;
        if writer == self.spec.writer {
            return self.go_on_after();
        }
        if let Some(outcome) = self.ending.take() {
            return self.end(outcome);
        }
        if !reopened {
            return self.look_again();
        }
        self.recovered = self.recovered.saturating_add(1);
        if self.recovered > self.spec.pause.attempts {
            return self.end(Outcome::CalledOff {
                reason: format!("the {writer} is closed again and again by somebody else"),
            });
        }
        self.note(render::Recovery::AwaitLocks);
        let why = format!("the {writer} is left alone for a while");
        self.wait(self.spec.pause.spacing, why, At::Looking, look(&self.spec));
    }

    /// A place that is not given up costs disk space, and nothing else: it is tried for a while.
    fn release_failed(
        &mut self,
        writer: Side,
        reopened: bool,
        side: Side,
        name: String,
        failure: &DbFailure,
    ) {
        self.failures = self.failures.saturating_add(1);
        match PATIENCE.wait_after(self.failures) {
            Some(wait) if failure.class.may_pass() && !self.stopping => {
                let why = format!(
                    "a place on the {side} cannot be given up: {}",
                    failure.message
                );
                self.note(render::Recovery::LookAgain);
                self.wait(wait, why, At::Looking, look(&self.spec));
            }
            Some(_) | None => {
                self.given_up = true;
                self.tell(What::PlaceKept { side, name });
                self.mended_all(writer, reopened);
            }
        }
    }

    /// The writer could not be opened. That is tried until it works, or until it has opened by itself.
    fn mend_failed(&mut self, side: Side, failure: DbFailure) {
        let Some(shut) = self.shut else {
            return self.failed_before(side, failure);
        };
        if shut.opens_by.is_some_and(|opens_by| opens_by <= self.now) {
            return self.opened_by_itself(side, failure);
        }
        let reason = format!("{side}, {}: {}", failure.doing, failure.message);
        if self.failures == 0 {
            self.tell(What::Trouble {
                step: "callOff",
                reason: reason.clone(),
            });
        }
        self.look_after(reason);
    }

    fn opened_by_itself(&mut self, side: Side, failure: DbFailure) {
        let outcome = match self.ending.take() {
            Some(Outcome::CalledOff { reason }) => Outcome::CalledOff {
                reason: format!(
                    "{reason}; the fence could not be opened ({}), and has opened by itself meanwhile",
                    failure.message
                ),
            },
            Some(outcome) => outcome,
            None => Outcome::Impossible(side, failure),
        };
        self.end(outcome);
    }

    /// Neither side could be seen.
    pub(super) fn look_failed(&mut self, side: Side, failure: DbFailure) {
        if let Some(step) = self.after {
            return self.database_failed_after(step, side, &failure);
        }
        if self.in_doubt() {
            return self.look_after(format!("{side}, {}: {}", failure.doing, failure.message));
        }
        if self.ending.is_none() {
            return match self.shut {
                Some(_) => self.mend_failed(side, failure),
                None => self.failed_before(side, failure),
            };
        }
        let former = self.spec.former();
        match self.shut {
            // No commit was sent: the other side need not be asked.
            Some(_) if side != former => self.reopen(former, "called off"),
            Some(_) => self.mend_failed(side, failure),
            None => {
                let (release, place) = (former.other(), self.place());
                self.release_failed(former, true, release, place, &failure);
            }
        }
    }

    /// Somebody holds the lock: another runner, or a session of our own that was lost and is not gone yet. As long as it is there,
    /// what it was told may still take effect.
    pub(super) fn held(&mut self, purpose: &At, side: Side, by: String) {
        if self.seen.is_none() || !by.contains(&self.run) {
            return self.end(Outcome::NotHolder { side, by });
        }
        let failure = DbFailure {
            class: DbFailureClass::Busy,
            doing: "taking the lock of the migration".to_owned(),
            code: None,
            message: format!("a session of this run that was lost still holds it: {by}"),
        };
        match purpose {
            At::Step(step) if step.is_in_pause() => {
                self.call_off(pause::failed(*step, side, &failure));
            }
            At::Step(_) | At::Looking | At::Preparing(_) | At::Mending { .. } => {
                self.look_failed(side, failure);
            }
        }
    }

    /// What was seen cannot be gone on from, in the middle of calling off.
    pub(super) fn refused_while_mending(&mut self, reasons: &[String]) {
        let failure = DbFailure {
            class: DbFailureClass::Changed,
            doing: "opening the writer again".to_owned(),
            code: None,
            message: reasons.join("; "),
        };
        self.mend_failed(self.spec.former(), failure);
    }

    /// Calls somebody when nobody can write for longer than two steps take.
    pub(super) fn watch_shut(&mut self) {
        let Some(shut) = self.shut.as_mut() else {
            return;
        };
        let time = self.now.since(shut.since);
        if shut.opens_by.is_none() && !shut.told && time >= NOBODY_WRITES {
            shut.told = true;
            self.tell(What::NobodyWrites(time));
        }
    }

    /// Notes what a commit has come to that was in doubt.
    pub(super) fn settle_doubt(&mut self) {
        if self.attempt.is_some() {
            self.epoch = self.epoch.saturating_sub(1);
            self.committed(Step::Commit(self.spec.writer));
        } else {
            self.go_on_after();
        }
    }
}
