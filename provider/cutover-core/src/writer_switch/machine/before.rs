//! Before the fence: is anything in the way?

use super::{At, Outcome, PATIENCE, Switch, render};
use crate::Failure;
use crate::replication::task::TaskSeen;
use crate::validation::facts::DbFailure;
use crate::validation::side::{Both, Side};
use crate::writer_switch::check::text;
use crate::writer_switch::control::{Control, Fence, Identity};
use crate::writer_switch::events::What;
use crate::writer_switch::facts::{Command, Fact};
use crate::writer_switch::identities::{self, Identities};
use crate::writer_switch::plan::Step;

impl Switch {
    /// Judges the look that has just been taken.
    pub(super) fn preflight(&mut self) {
        let Some(seen) = &self.seen else { return };
        let mut reasons = unfenced(seen);
        let new = self.spec.writer;
        match seen.get(new).exceptions {
            Some(count) if count > 0 => reasons.push(exceptions(new, count)),
            Some(_) | None => (),
        }
        if !reasons.is_empty() {
            return self.end(Outcome::Refused(reasons));
        }
        let old = old_transactions(seen);
        if !old.is_empty() {
            return self.wait_for_transactions(old);
        }
        match &self.spec.drain {
            Some(_) => self.do_step(Step::Preflight, Command::ReadDrain),
            None => self.do_step(Step::Preflight, Command::ReadIdentities),
        }
    }

    fn wait_for_transactions(&mut self, old: Vec<String>) {
        self.delays = self.delays.saturating_add(1);
        if self.delays >= self.spec.pause.attempts {
            return self.end(Outcome::Refused(old));
        }
        let why = format!("waiting for {}", old.join("; "));
        self.tell(What::OldTransactions(old));
        self.note(render::Recovery::AwaitTransactions);
        let look = super::look(&self.spec);
        self.wait(self.spec.pause.spacing, why, At::Looking, look);
    }

    pub(super) fn step_before(&mut self, step: Step, command: Command, fact: Fact) {
        match (command, fact) {
            (_, Fact::Failed(side, failure)) => self.failed_before(side, failure),
            (command, Fact::Refused(failure)) => self.refused_before(step, command, failure),
            (_, Fact::Task(task)) => match self.drain_trouble(task.as_deref()) {
                Some(reason) => self.end(Outcome::Refused(vec![reason])),
                None => self.do_step(step, Command::ReadIdentities),
            },
            (_, Fact::Identities(identities)) => self.judge_identities(&identities),
            (Command::Mark(_, number), _) => {
                let seek = Command::Seek(self.spec.writer, number, self.spec.max_lag);
                self.do_step(step, seek);
            }
            (_, Fact::Sought(true)) => {
                let lag = self.now.since(self.marker.1);
                self.known.lag = Some(lag);
                self.tell(What::Lag(lag));
                self.proceed(step);
            }
            (_, Fact::Sought(false)) => self.end(Outcome::Refused(vec![format!(
                "the lag is above {}: a marker written on the {} was not on the {} by then",
                text(self.spec.max_lag),
                self.spec.former(),
                self.spec.writer
            )])),
            _ => (),
        }
    }

    fn judge_identities(&mut self, identities: &Both<Vec<Identity>>) {
        let Identities { problems, told, .. } = self.identities(identities);
        if !problems.is_empty() {
            return self.end(Outcome::Refused(problems));
        }
        if !told.is_empty() {
            self.tell(What::Identities(told));
        }
        self.proceed(Step::Preflight);
    }

    /// Decides from where identities go on.
    pub(super) fn identities(&self, identities: &Both<Vec<Identity>>) -> Identities {
        let new = self.spec.writer;
        let (ours, theirs) = (identities.get(new), identities.get(new.other()));
        identities::plan(new, ours, theirs, self.spec.identity_gap)
    }

    /// Says why nothing can be drained through the replication.
    pub(super) fn drain_trouble(&self, task: Option<&TaskSeen>) -> Option<String> {
        let arn = self.spec.drain.as_ref().map_or("", |drain| &drain.arn);
        let Some(task) = task else {
            return Some(format!("the replication `{arn}` is not there"));
        };
        let who = format!("the replication `{}`", task.identifier);
        if task.status != "running" {
            let because = task.failure.as_ref().or(task.stop_reason.as_ref());
            let because = because.map_or_else(String::new, |reason| format!(": {reason}"));
            return Some(format!("{who} is {}{because}", task.status));
        }
        if task.tables_errored > 0 {
            let count = task.tables_errored;
            return Some(format!("{who} has given up {count} tables"));
        }
        let instance = task.instance.as_ref()?;
        if instance.status != "available" {
            let status = &instance.status;
            return Some(format!("the instance of {who} is {status}"));
        }
        let pending = &instance.maintenance;
        let is_pending = !pending.is_empty();
        is_pending.then(|| {
            format!(
                "maintenance of the instance of {who} is pending: {}",
                pending.join(", ")
            )
        })
    }

    /// A database could not be asked before anything was changed.
    pub(super) fn failed_before(&mut self, side: Side, failure: DbFailure) {
        self.failures = self.failures.saturating_add(1);
        match PATIENCE.wait_after(self.failures) {
            Some(wait) if failure.class.may_pass() => {
                let why = format!("the {side} cannot be asked: {}", failure.message);
                self.wait(wait, why, At::Looking, super::look(&self.spec));
            }
            Some(_) | None => self.end(Outcome::Impossible(side, failure)),
        }
    }

    fn refused_before(&mut self, step: Step, command: Command, failure: Failure) {
        self.failures = self.failures.saturating_add(1);
        match PATIENCE.wait_after(self.failures) {
            Some(wait) if failure.class.may_pass() => {
                let why = format!("{}: {}", failure.action, failure.message);
                self.wait(wait, why, At::Step(step), command);
            }
            Some(_) | None => self.end(Outcome::Failed(failure)),
        }
    }

    pub(super) fn note_unfenced(&mut self, seen: &Both<Control>) {
        let mut all: Vec<_> = Side::BOTH
            .into_iter()
            .flat_map(|side| seen.get(side).unfenced.clone())
            .collect();
        all.sort();
        all.dedup();
        self.known.unfenced = all;
    }
}

/// Says that rows were not applied.
pub(super) fn exceptions(side: Side, count: u64) -> String {
    format!(
        "{count} rows or tables could not be applied on the {side}, as its own tables of exceptions say: they would be lost"
    )
}

fn unfenced(seen: &Both<Control>) -> Vec<String> {
    let mut reasons = Vec::new();
    for side in Side::BOTH {
        let control = seen.get(side);
        if control.fence == Fence::Absent {
            reasons.push(format!("the fence of the {side} is not there"));
        }
        if !control.unfenced.is_empty() {
            let tables: Vec<_> = control.unfenced.iter().map(ToString::to_string).collect();
            reasons.push(format!(
                "the fence of the {side} is missing on {}",
                tables.join(", ")
            ));
        }
    }
    reasons
}

/// Names the transactions that have been open for long: on the side that writes they keep the fence away, on the other the
/// place in its log.
fn old_transactions(seen: &Both<Control>) -> Vec<String> {
    let mut old = Vec::new();
    for side in Side::BOTH {
        old.extend(seen.get(side).old_transactions.iter().map(|one| {
            format!(
                "a transaction on the {side} has been open for {}: {}",
                text(one.age),
                one.who
            )
        }));
    }
    old
}
