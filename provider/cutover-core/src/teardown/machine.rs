//! What is next.

use super::facts::{Command, Fact};
use super::spec::{BEGUN, Chore, DONE, Spec, chores};
use crate::replication::task::TaskSeen;
use crate::validation::facts::DbFailure;
use crate::validation::side::{Both, Side};
use crate::writer_switch::control::{Control, Entry};
use crate::{Failure, IllegalFact, Machine, Next, Timestamp, Why};

/// What came of it all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is stopped and removed.
    Finished,
    /// The databases do not stand as they must; nothing was touched.
    Refused(String),
    /// Another run holds the migration.
    NotHolder {
        /// On which side.
        side: Side,
        /// Who.
        by: String,
    },
    /// A task did not stop, or go, in time.
    Late(String),
    /// A database cannot be asked.
    Impossible(Side, DbFailure),
    /// A service refuses.
    Failed(Failure),
}

/// Stops and removes, one chore after the other.
#[derive(Clone, Debug)]
pub struct Teardown {
    spec: Spec,
    run: String,
    chores: Vec<Chore>,
    /// The chore in hand.
    at: usize,
    /// What of it is next.
    turn: Turn,
    /// When the chore in hand was begun.
    since: Timestamp,
    /// The epoch of the writer's row, and the name of the noted place in its log.
    epoch: u64,
    captured: Option<String>,
    /// Whether anything was changed, or may have been.
    touched: bool,
    outcome: Option<Outcome>,
}

/// What of a chore is next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Turn {
    /// What it says.
    Act,
    /// See what has come of it.
    Look,
    /// Wait until it is looked at again, and why.
    Wait(Timestamp, String),
}

impl Teardown {
    /// Begins; `run` is the name of this run in the journal.
    pub fn new(spec: Spec, run: String, now: Timestamp) -> Self {
        let chores = chores(&spec);
        let turn = chores.first().map_or(Turn::Act, first_turn);
        Self {
            spec,
            run,
            chores,
            at: 0,
            turn,
            since: now,
            epoch: 0,
            captured: None,
            touched: false,
            outcome: None,
        }
    }

    /// Returns the chores that are done.
    pub fn done(&self) -> &[Chore] {
        self.chores.get(..self.at).unwrap_or_default()
    }

    /// Tells whether nothing was changed.
    pub fn is_untouched(&self) -> bool {
        !self.touched
    }

    fn chore(&self) -> Option<&Chore> {
        self.chores.get(self.at)
    }

    fn command(&self, chore: &Chore) -> Command {
        let entry = |step: &str, text: &str| Entry {
            run: self.run.clone(),
            epoch: self.epoch,
            step: step.to_owned(),
            text: text.to_owned(),
        };
        match chore {
            Chore::Look(_) => Command::Look,
            Chore::Begin(side) => Command::Note(*side, entry(BEGUN, "the way back ends here")),
            Chore::End(side) => Command::Note(*side, entry(DONE, "the migration is finalized")),
            Chore::Stop(arn) | Chore::Delete(arn) if self.turn == Turn::Look => {
                Command::ReadTask(arn.clone())
            }
            Chore::Stop(arn) => Command::StopTask(arn.clone()),
            Chore::Delete(arn) => Command::DeleteTask(arn.clone()),
            Chore::Release(side) => {
                Command::Release(*side, self.captured.clone().unwrap_or_default())
            }
            Chore::DeleteInstance(arn) => Command::DeleteInstance(arn.clone()),
            Chore::Remove(side) => Command::Remove(*side),
        }
    }

    fn advance(&mut self, at: Timestamp) {
        self.at = self.at.saturating_add(1);
        // Nothing was noted, so that nothing has to be given up.
        if matches!(self.chore(), Some(Chore::Release(_))) && self.captured.is_none() {
            self.at = self.at.saturating_add(1);
        }
        self.since = at;
        self.turn = self.chore().map_or(Turn::Act, first_turn);
    }

    fn wait(&mut self, at: Timestamp, text: String) {
        if at.since(self.since) >= self.spec.limit {
            self.outcome = Some(Outcome::Late(text));
        } else {
            self.turn = Turn::Wait(at.after(self.spec.poll), text);
        }
    }

    fn task(&mut self, task: Option<&TaskSeen>, at: Timestamp) {
        let deletes = matches!(self.chore(), Some(Chore::Delete(_)));
        let Some(task) = task else {
            self.advance(at);
            return;
        };
        let status = task.status.as_str();
        let text = format!("the task `{}` is `{status}`", task.identifier);
        match (deletes, is_still(status)) {
            (false, Some(true)) => self.advance(at),
            (false, Some(false)) | (true, Some(true)) => self.turn = Turn::Act,
            (_, None) | (true, Some(false)) => self.wait(at, text),
        }
        // What is asked for again and again must come to an end, too.
        if self.turn == Turn::Act && at.since(self.since) >= self.spec.limit {
            self.wait(
                at,
                format!("the task `{}` is still `{status}`", task.identifier),
            );
        }
    }

    fn seen(&mut self, seen: &Both<Control>, writer: Side, at: Timestamp) {
        let states = seen.as_ref().map(|control| control.state.as_ref());
        let reason = match (states.get(writer), states.get(writer.other())) {
            (None, Some(other)) if other.writer == writer => {
                // It was finalized before, and what is ours was removed.
                self.chores.retain(|chore| match chore {
                    Chore::Begin(side) | Chore::End(side) => *side != writer,
                    Chore::Release(_) | Chore::Remove(_) => false,
                    Chore::Look(_)
                    | Chore::Stop(_)
                    | Chore::Delete(_)
                    | Chore::DeleteInstance(_) => true,
                });
                self.epoch = other.epoch;
                None
            }
            (None, _) => Some(format!(
                "the {writer} has no control schema of this migration"
            )),
            (Some(state), _) if state.writer != writer => Some(format!(
                "the writer is the {}, not the {writer}",
                state.writer
            )),
            (Some(state), _) if seen.get(writer.other()).fence.lets_through() => Some(format!(
                "the {} takes writes as well, at epoch {}",
                writer.other(),
                state.epoch
            )),
            (Some(state), _) => {
                self.epoch = state.epoch;
                let captured = seen.get(writer).captured.as_ref();
                self.captured = captured.map(|captured| captured.name.clone());
                None
            }
        };
        match reason {
            Some(reason) => self.outcome = Some(Outcome::Refused(reason)),
            None => self.advance(at),
        }
    }
}

/// Whether a task stands still, by its status; `None` while that is about to change.
fn is_still(status: &str) -> Option<bool> {
    match status {
        "running" | "replicating" => Some(false),
        "ready" | "stopped" | "failed" | "created" | "failed-move" => Some(true),
        _ => None,
    }
}

/// Tasks are looked at first: one that stands still, or is gone, needs nothing.
fn first_turn(chore: &Chore) -> Turn {
    match chore {
        Chore::Stop(_) | Chore::Delete(_) => Turn::Look,
        _ => Turn::Act,
    }
}

impl Machine for Teardown {
    type Command = Command;
    type Fact = Fact;
    type Outcome = Outcome;

    fn next(&self) -> Next<Command, Outcome> {
        if let Some(outcome) = &self.outcome {
            return Next::Done(outcome.clone());
        }
        let Some(chore) = self.chore() else {
            return Next::Done(Outcome::Finished);
        };
        match &self.turn {
            Turn::Act | Turn::Look => Next::Do(self.command(chore)),
            Turn::Wait(at, text) => Next::WaitUntil {
                at: *at,
                why: Why {
                    phase: "stopping",
                    text: text.clone(),
                },
            },
        }
    }

    fn record(&mut self, fact: Fact, at: Timestamp) -> Result<(), IllegalFact> {
        let next = self.next();
        let Next::Do(command) = &next else {
            return Err(IllegalFact::new(&next, &fact));
        };
        self.touched |= !matches!(command, Command::Look | Command::ReadTask(_));
        match (command, fact) {
            (_, Fact::Refused(failure)) if failure.class.may_pass() => {
                self.wait(at, failure.message);
            }
            (_, Fact::Refused(failure)) => self.outcome = Some(Outcome::Failed(failure)),
            (Command::Look, Fact::Seen(seen)) => {
                if let Some(writer) = self.spec.writer {
                    self.seen(&seen, writer, at);
                }
            }
            (Command::Look, Fact::Held { side, by }) => {
                self.outcome = Some(Outcome::NotHolder { side, by });
            }
            (
                Command::Look | Command::Note(..) | Command::Release(..) | Command::Remove(_),
                Fact::Failed(side, failure),
            ) => self.outcome = Some(Outcome::Impossible(side, failure)),
            (Command::ReadTask(_), Fact::Task(task)) => self.task(task.as_deref(), at),
            (Command::StopTask(_) | Command::DeleteTask(_), Fact::Done) => {
                self.wait(at, "what was asked for takes its time".to_owned());
            }
            (
                Command::Note(..)
                | Command::Release(..)
                | Command::DeleteInstance(_)
                | Command::Remove(_),
                Fact::Done,
            ) => self.advance(at),
            (_, fact) => return Err(IllegalFact::new(&next, &fact)),
        }
        Ok(())
    }

    fn wake(&mut self, _at: Timestamp) -> Result<(), IllegalFact> {
        let next = self.next();
        if !matches!(next, Next::WaitUntil { .. }) {
            return Err(IllegalFact::new(&next, &"the end of a wait"));
        }
        // Tasks are looked at before they are asked again; what else was refused for a while is tried again.
        self.turn = self.chore().map_or(Turn::Act, first_turn);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
