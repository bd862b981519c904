//! From one step to the next, and from a look to where to begin.

use super::decide::{Decision, Standing, decide};
use super::{At, Attempt, Outcome, Stage, Switch, render};
use crate::validation::side::{Both, Side};
use crate::writer_switch::control::Control;
use crate::writer_switch::events::What;
use crate::writer_switch::facts::{Command, Row};
use crate::writer_switch::plan::Step;

impl Switch {
    /// A step is done: goes on to the one that the plan has next.
    pub(super) fn proceed(&mut self, step: Step) {
        self.failures = 0;
        self.log.push(render::line(&self.spec, step));
        let mut steps = self.plan.iter().copied();
        steps.find(|planned| *planned == step);
        match steps.next() {
            None => self.end(Outcome::Switched),
            Some(next) => self.begin(next),
        }
    }

    pub(super) fn begin(&mut self, step: Step) {
        match step {
            Step::Preflight => self.preflight(),
            Step::MeasureLag => {
                let mark = Command::Mark(self.spec.former(), self.next_marker());
                self.do_step(step, mark);
            }
            step if step.is_in_pause() => self.begin_in_pause(step),
            step => self.begin_after(step),
        }
    }

    /// Takes a look at both sides.
    pub(super) fn seen(&mut self, seen: Both<Control>) {
        self.note_unfenced(&seen);
        let decision = decide(&self.spec, &seen);
        match decision {
            Decision::Conflict(text) => self.end(Outcome::Conflict(text)),
            Decision::Refused(reasons) => match self.after {
                Some(step) => self.pending(step, reasons.join("; ")),
                None if self.shut.is_some() => self.refused_while_mending(&reasons),
                None => self.end(Outcome::Refused(reasons)),
            },
            Decision::Prepare(_) if self.prepared || self.epoch > 0 || self.attempt.is_some() => {
                let text = "a control schema is gone that was there a moment ago";
                self.end(Outcome::Conflict(text.to_owned()));
            }
            Decision::Prepare(sides) => self.prepare(sides),
            Decision::Writer(standing) => {
                self.epoch = standing.epoch;
                self.seen = Some(seen);
                // Both rows were seen under the lock, which no other session of ours holds any more.
                self.attempt = self.attempt.map(|attempt| Attempt {
                    in_doubt: false,
                    ..attempt
                });
                self.standing_found(standing);
            }
        }
    }

    fn standing_found(&mut self, standing: Standing) {
        let is_there = standing.writer == self.spec.writer;
        if self.after.is_some() && !is_there {
            // The lock was lost for a while, and somebody has used it.
            return self.end(Outcome::NotHolder {
                side: standing.writer,
                by: "a later run, which has moved the writer since".to_owned(),
            });
        }
        if standing.reopen || (standing.release && !self.given_up) {
            return self.mend(standing);
        }
        self.shut = None;
        if is_there {
            return self.settle_doubt();
        }
        self.attempt = None;
        match self.ending.take() {
            Some(outcome) => self.end(outcome),
            None => self.begin(Step::Preflight),
        }
    }

    /// Makes what is missing, one side after the other.
    fn prepare(&mut self, mut sides: Vec<Side>) {
        let Some(side) = sides.first().copied() else {
            self.prepared = true;
            return self.look_again();
        };
        sides.remove(0);
        let row = Row {
            writer: Side::Source,
            epoch: 0,
        };
        self.stage = Stage::Doing(At::Preparing(sides), Command::Prepare(side, row));
    }

    pub(super) fn prepared(&mut self, side: Side, left: Vec<Side>) {
        self.note(render::Recovery::Prepare(side));
        self.tell(What::Prepared(vec![side]));
        self.prepare(left);
    }
}
