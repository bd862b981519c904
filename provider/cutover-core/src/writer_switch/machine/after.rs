//! After the commit point: only forward. What may pass is tried again without an end, since applications already write to the
//! new writer; what does not pass is left, and said.

use std::time::Duration;

use super::before::exceptions;
use super::{At, Outcome, PATIENCE, Stage, Switch, capture_name, look, pause, render};
use crate::replication::task::{StartKind, TaskSeen};
use crate::validation::facts::DbFailure;
use crate::validation::side::{Both, Side};
use crate::writer_switch::check::text;
use crate::writer_switch::control::{Control, LogPosition};
use crate::writer_switch::events::What;
use crate::writer_switch::facts::{Command, Fact, Row};
use crate::writer_switch::plan::Step;
use crate::{Backoff, Failure, FailureClass, Timestamp};

/// Waits after the commit point, without an end: ours.
const PERSIST: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30), u32::MAX);

/// How often the replication back is looked at while DMS is at work on it: ours; making one takes minutes.
const BACK_POLL: Duration = Duration::from_secs(5);

/// How often a replication back is started before somebody is called: ours.
const STARTS_MAX: u32 = 4;

/// How often a replication back is removed before somebody is called: ours. More cannot be due to an earlier run.
const REMOVALS_MAX: u32 = 1;

/// How far the replication back has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BackRun {
    /// Since when it is worked on.
    since: Option<Timestamp>,
    starts: u32,
    removals: u32,
    told: bool,
}

impl Switch {
    /// The writer is the one that was wished: does what follows, from the step in hand.
    pub(super) fn go_on_after(&mut self) {
        self.ending = None;
        self.attempt = None;
        self.begin_after(self.after.unwrap_or(Step::Record));
    }

    pub(super) fn begin_after(&mut self, step: Step) {
        self.after = Some(step);
        if self.stopping {
            return self.stopped_before(step);
        }
        let (former, new) = (self.spec.former(), self.spec.writer);
        let command = match step {
            Step::Tell => Command::Tell(new),
            Step::StopDrain => Command::StopDrain,
            Step::StartBack => {
                self.back.since.get_or_insert(self.now);
                Command::ReadBack(self.epoch)
            }
            Step::AwaitBack => {
                self.back.since.get_or_insert(self.now);
                Command::Mark(new, self.next_marker())
            }
            _ => {
                let row = Row {
                    writer: new,
                    epoch: self.epoch,
                };
                let entry = self.entry(step.name(), format!("the {new} is the writer"));
                Command::Record(former, row, entry)
            }
        };
        self.do_step(step, command);
    }

    fn stopped_before(&mut self, step: Step) {
        self.pending(step, "it was told to stop");
    }

    pub(super) fn pending(&mut self, step: Step, reason: impl Into<String>) {
        self.end(Outcome::Pending {
            step,
            reason: reason.into(),
        });
    }

    /// Ends what only waits and looks; a change in hand is finished first.
    pub(super) fn stop_after(&mut self, step: Step) {
        let is_change =
            matches!(&self.stage, Stage::Doing(At::Step(step), _) if *step != Step::AwaitBack);
        if !is_change {
            self.stopped_before(step);
        }
    }

    fn wait_after(&mut self, wait: Duration, why: String, at: At, then: Command) {
        match self.after {
            Some(step) if self.stopping => self.stopped_before(step),
            _ => self.wait(wait, why, at, then),
        }
    }

    pub(super) fn step_after(&mut self, step: Step, command: Command, fact: Fact) {
        match (command, fact) {
            (_, Fact::Failed(side, failure)) => self.database_failed_after(step, side, &failure),
            (command, Fact::Refused(failure)) => self.service_failed(step, command, &failure),
            (_, Fact::Probed(accepts)) => self.probed(step, accepts),
            (_, Fact::Task(task)) => self.judge_back(step, task.as_deref()),
            (_, Fact::Sought(found)) => self.sought_back(step, found),
            (_, Fact::Seen(seen)) => self.seen_back(step, &seen),
            (Command::Record(..), _) => self.do_step(step, Command::Probe),
            (Command::Tell(_) | Command::StopDrain, _) => self.proceed(step),
            (Command::Mark(_, number), _) => {
                let seek = Command::Seek(self.spec.former(), number, self.spec.max_lag);
                self.do_step(step, seek);
            }
            (
                Command::MakeBack(..)
                | Command::StartBack(..)
                | Command::StopBack(_)
                | Command::RemoveBack(_),
                _,
            ) => self.poll_back(step, "DMS works on the replication back"),
            _ => (),
        }
    }

    /// A write was tried on both sides: the new writer takes it, the former refuses it.
    fn probed(&mut self, step: Step, accepts: Both<bool>) {
        let (former, new) = (self.spec.former(), self.spec.writer);
        if *accepts.get(former) {
            return self.end(Outcome::Conflict(format!(
                "the {new} is the writer, and the {former} still takes writes"
            )));
        }
        if *accepts.get(new) {
            return self.proceed(step);
        }
        self.failures = self.failures.saturating_add(1);
        let reason = format!("the {new} is open, and refuses a write as an application makes it");
        match PATIENCE.wait_after(self.failures) {
            Some(wait) => {
                self.trouble(step, &reason);
                self.wait_after(wait, reason, At::Step(step), Command::Probe);
            }
            None => self.pending(step, reason),
        }
    }

    pub(super) fn database_failed_after(&mut self, step: Step, side: Side, failure: &DbFailure) {
        self.failures = self.failures.saturating_add(1);
        let reason = pause::failed(step, side, failure);
        if !failure.class.may_pass() {
            return self.pending(step, reason);
        }
        self.trouble(step, &reason);
        self.note(render::Recovery::LookAgain);
        let wait = PERSIST.wait_after(self.failures).unwrap_or_default();
        self.wait_after(wait, reason, At::Looking, look(&self.spec));
    }

    fn service_failed(&mut self, step: Step, command: Command, failure: &Failure) {
        self.failures = self.failures.saturating_add(1);
        let reason = format!("{}: {}", failure.action, failure.message);
        if !failure.class.may_pass() {
            return match self.patience_with_start(&command, failure) {
                Some(wait) => {
                    let read = Command::ReadBack(self.epoch);
                    self.wait_after(wait, reason, At::Step(step), read);
                }
                None => self.pending(step, reason),
            };
        }
        self.trouble(step, &reason);
        // What became of a change of the replication back is seen first.
        let again = match step {
            Step::StartBack => Command::ReadBack(self.epoch),
            _ => command,
        };
        let wait = PERSIST.wait_after(self.failures).unwrap_or_default();
        self.wait_after(wait, reason, At::Step(step), again);
    }

    /// A replication is refused to start while the connection to its endpoint is being tested, as it is once the endpoint was
    /// told which slot to read. That is waited for, and does not count as a start.
    fn patience_with_start(&mut self, command: &Command, failure: &Failure) -> Option<Duration> {
        let is_refused_start =
            matches!(command, Command::StartBack(..)) && failure.class == FailureClass::Refused;
        let wait = is_refused_start.then(|| PATIENCE.wait_after(self.failures))??;
        self.back.starts = self.back.starts.saturating_sub(1);
        Some(wait)
    }

    /// Calls somebody, once for each series of failures.
    fn trouble(&mut self, step: Step, reason: &str) {
        if self.failures == 1 {
            self.tell(What::Trouble {
                step: step.name(),
                reason: reason.to_owned(),
            });
        }
    }

    fn poll_back(&mut self, step: Step, why: &str) {
        if let Some(reason) = self.back_is_late(why) {
            return self.pending(step, reason);
        }
        let read = Command::ReadBack(self.epoch);
        self.wait_after(BACK_POLL, why.to_owned(), At::Step(Step::StartBack), read);
    }

    fn back_is_late(&self, why: &str) -> Option<String> {
        let limit = self.spec.back.as_ref()?.limit;
        let is_late = self.now.since(self.back.since?) >= limit;
        is_late.then(|| {
            format!(
                "the replication back has not caught up within {}: {why}",
                text(limit)
            )
        })
    }

    /// Returns the place from which the replication back begins: as this run has noted it, or the one that did.
    fn position(&self) -> Option<LogPosition> {
        let name = capture_name(&self.spec.migration, self.epoch);
        let seen = self.seen.as_ref()?.get(self.spec.writer);
        let noted = seen.captured.as_ref();
        let noted = noted.filter(|captured| captured.name == name);
        self.known
            .position
            .clone()
            .or_else(|| noted.map(|captured| captured.position.clone()))
    }

    fn judge_back(&mut self, step: Step, task: Option<&TaskSeen>) {
        let Some(position) = self.position() else {
            return self.pending(
                step,
                format!(
                    "the place in the log of the {} from which the replication back begins is not noted any more: rows written since would be missed",
                    self.spec.writer
                ),
            );
        };
        self.known.position = Some(position.clone());
        let Some(task) = task else {
            return self.do_step(step, Command::MakeBack(self.epoch, position));
        };
        let expected = position.cdc_start();
        if task.cdc_start.as_ref() != Some(&expected) {
            return self.remake(step, task, expected);
        }
        match task.status.as_str() {
            "running" => {
                self.after = Some(Step::StartBack);
                self.proceed(Step::StartBack);
            }
            "ready" | "stopped" | "failed" => self.start_back(step, task),
            other => self.poll_back(step, &format!("the replication back is {other}")),
        }
    }

    fn start_back(&mut self, step: Step, task: &TaskSeen) {
        let because = task.failure.as_ref().or(task.stop_reason.as_ref());
        let because = because.map_or_else(String::new, |reason| format!(": {reason}"));
        let reason = format!("the replication back is {}{because}", task.status);
        self.back.starts = self.back.starts.saturating_add(1);
        if self.back.starts > STARTS_MAX {
            return self.pending(step, format!("{reason}; it was started {STARTS_MAX} times"));
        }
        if let Some(reason) = self.back_is_late(&reason) {
            return self.pending(step, reason);
        }
        let kind = if task.has_run {
            StartKind::Resume
        } else {
            StartKind::Start
        };
        self.do_step(step, Command::StartBack(self.epoch, kind));
    }

    /// Removes a replication back that begins at a wrong place: it would miss rows, or bring back some that are long applied.
    fn remake(&mut self, step: Step, task: &TaskSeen, expected: String) {
        let found = task.cdc_start.clone();
        let why = format!(
            "the replication back begins at {} instead of {expected}",
            found.as_deref().unwrap_or("no place")
        );
        if self.back.removals >= REMOVALS_MAX && task.status != "deleting" {
            return self.pending(step, format!("{why}, even after it was made again"));
        }
        if !self.back.told {
            self.back.told = true;
            self.tell(What::BackRemade { found, expected });
        }
        match task.status.as_str() {
            "running" => self.do_step(step, Command::StopBack(self.epoch)),
            "ready" | "stopped" | "failed" => {
                self.back.removals = self.back.removals.saturating_add(1);
                self.note(render::Recovery::RemoveBack);
                self.do_step(step, Command::RemoveBack(self.epoch));
            }
            _ => self.poll_back(step, &why),
        }
    }

    fn sought_back(&mut self, step: Step, found: bool) {
        if found {
            self.known.lag = Some(self.now.since(self.marker.1));
            return self.do_step(step, look(&self.spec));
        }
        let why = format!("its lag is above {}", text(self.spec.max_lag));
        match self.back_is_late(&why) {
            Some(reason) => self.pending(step, reason),
            // It may have stopped.
            None if self.stopping => self.stopped_before(step),
            None => self.do_step(Step::StartBack, Command::ReadBack(self.epoch)),
        }
    }

    fn seen_back(&mut self, step: Step, seen: &Both<Control>) {
        self.note_unfenced(seen);
        let former = self.spec.former();
        match seen.get(former).exceptions {
            Some(count) if count > 0 => self.pending(step, exceptions(former, count)),
            Some(_) | None => {
                self.tell(What::BackReady);
                self.proceed(step);
            }
        }
    }
}
