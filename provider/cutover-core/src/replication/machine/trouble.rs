//! What is made of failures of calls.
//!
//! A call that had no effect and may succeed a little later is made again, with patience. After one that may have taken
//! effect only a look is allowed. One that DMS refuses is followed by one look too, since what was asked for may be there
//! already, or the task may have stopped in between.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use super::super::facts::Command;
use super::{Outcome, Replicate};
use crate::backoff::Backoff;
use crate::validation::facts::DbFailure;
use crate::validation::side::Side;
use crate::{Failure, FailureClass};

/// How long DMS, CloudWatch or a database may be away: 2, 4, 8, 16, 32 and then 60 seconds, about five minutes in all. Ours:
/// replication goes on without us, so there is no hurry to give up.
const PATIENCE: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_mins(1), 10);

/// How often in a row it may be unknown whether a change took effect. Ours: after that its cause is not chance.
const UNSURE_MAX: u32 = 5;

/// What went wrong lately.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    failures: u32,
    /// What was said last.
    message: Option<String>,
    /// A call that was refused, and was not accepted since.
    refused: Option<Discriminant<Command>>,
    /// How often it is not known in a row whether a change took effect.
    unsure: u32,
}

impl Trouble {
    /// Forgets failures, since a call has succeeded. What was refused stays so until the like of it is accepted.
    pub(super) fn over(&mut self, call: &Command) {
        self.failures = 0;
        self.message = None;
        self.refused
            .take_if(|refused| *refused == discriminant(call));
        if !is_look(call) {
            self.unsure = 0;
        }
    }

    pub(super) fn text(&self) -> Option<String> {
        let message = self.message.as_ref()?;
        Some(format!("asking again after: {message}"))
    }
}

impl Replicate {
    /// DMS or CloudWatch could not be asked, or refused.
    pub(super) fn call_failed(&mut self, failure: Failure) {
        match failure.class {
            FailureClass::Unconfigured | FailureClass::Denied => self.fail(failure),
            FailureClass::Refused => self.refused(failure),
            FailureClass::Throttled | FailureClass::Unavailable => self.again(failure),
            FailureClass::Unknown if is_look(&self.ask) => self.again(failure),
            FailureClass::Unknown => {
                self.trouble.unsure = self.trouble.unsure.saturating_add(1);
                if self.trouble.unsure > UNSURE_MAX {
                    return self.fail(failure);
                }
                self.again(failure);
                self.look_before_again();
            }
        }
    }

    /// A database could not be asked.
    pub(super) fn database_failed(&mut self, side: Side, failure: DbFailure) {
        let message = failure.message.clone();
        if !failure.class.may_pass() || !self.pause(message) {
            self.outcome = Some(Outcome::Impossible { side, failure });
            return;
        }
        if let Command::Mark(number) = self.ask {
            // It may or may not be written: only another one proves anything.
            self.ask = Command::Mark(number.saturating_add(1));
        }
    }

    fn again(&mut self, failure: Failure) {
        if !self.pause(format!("{}: {}", failure.action, failure.message)) {
            self.fail(failure);
        }
    }

    /// Begins a pause, unless it is time to give up.
    fn pause(&mut self, message: String) -> bool {
        self.trouble.failures = self.trouble.failures.saturating_add(1);
        self.trouble.message = Some(message);
        let wait = PATIENCE.wait_after(self.trouble.failures);
        self.wait_until = wait.map(|wait| self.now.after(wait));
        wait.is_some()
    }

    fn refused(&mut self, failure: Failure) {
        let kind = discriminant(&self.ask);
        // DMS refuses to tell the tables of a task that has stopped just now.
        let is_final = is_look(&self.ask) && self.ask != Command::ReadTables;
        if is_final || self.trouble.refused == Some(kind) {
            return self.fail(failure);
        }
        self.trouble.refused = Some(kind);
        self.again(failure);
        self.ask = self.look_for();
    }

    /// A change may have taken effect: what it was to bring about is looked for.
    fn look_before_again(&mut self) {
        match self.ask.clone() {
            Command::Start(kind) => {
                let pause = self.wait_until;
                self.started(kind, false);
                self.wait_until = pause;
            }
            Command::Reload(tables) => {
                let pause = self.wait_until;
                self.reloading(tables);
                self.wait_until = pause;
            }
            _ => self.ask = self.look_for(),
        }
    }

    /// The look that shows whether what is asked for is there.
    fn look_for(&self) -> Command {
        match &self.ask {
            Command::TestConnection(side) => Command::ReadConnection(*side),
            Command::Assess(name) => Command::ReadAssessment(name.clone()),
            Command::Start(_) | Command::Stop | Command::Reload(_) | Command::ReadTables => {
                Command::ReadTask
            }
            look => look.clone(),
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.outcome = Some(Outcome::Failed(failure));
    }
}

/// Tells whether a command changes nothing.
fn is_look(command: &Command) -> bool {
    match command {
        Command::ReadTask
        | Command::ReadTables
        | Command::ReadConnection(_)
        | Command::ReadAssessment(_)
        | Command::ReadMetrics
        | Command::Seek(..) => true,
        Command::TestConnection(_)
        | Command::Assess(_)
        | Command::Start(_)
        | Command::Stop
        | Command::Reload(_)
        | Command::Mark(_) => false,
    }
}
