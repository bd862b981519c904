//! What is made of failures.
//!
//! A connection that broke, or a server that is another than before, is looked at again, with patience for a restart. If it
//! is the same server the command in hand is asked for again, once; what was seen before the break confirms nothing.
//! A statement that took too long, or found no room, is asked for again after a while. All else belongs to what was being
//! asked: that is left out, with the reason, and the rest goes on.

use std::time::Duration;

use super::super::advice::render_failure;
use super::super::facts::{Command, DbFailure, DbFailureClass, Fact};
use super::super::side::Side;
use super::{Backoff, Next, Outcome, Stage, Timestamp, Validation, Why};

/// How long a server may be away: 1, 2, 4, 8, 15 and 15 seconds, which outlasts a restart and is short of a failover that
/// takes minutes. Ours.
const PATIENCE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(15), 7);

/// How often a statement that took too long or found no room is asked for again. Ours: pieces were made smaller before.
const AGAIN: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(15), 3);

/// How often servers are met again for one table, or for all rules: what was noted before a break is noted again, so that
/// a command that always breaks the connection would never be found out by asking for it again once. Ours.
const BREAKS_MAX: u32 = 5;

/// What went wrong lately.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    /// Why both servers are to be met again.
    lost: Option<(Side, DbFailure)>,
    /// Whether the command in hand is asked for again since they were.
    retried: bool,
    /// How often servers were met again for the table in hand.
    breaks: u32,
    failures: u32,
    pause_until: Option<Timestamp>,
}

impl Trouble {
    pub(super) fn next(&self) -> Option<Next<Command, Outcome>> {
        if let Some(at) = self.pause_until {
            let text = match &self.lost {
                Some((side, _)) => format!("meeting the {side} again"),
                None => "asking again".to_owned(),
            };
            let why = Why {
                phase: "retry",
                text,
            };
            return Some(Next::WaitUntil { at, why });
        }
        self.lost.as_ref().map(|_| Next::Do(Command::Look))
    }

    pub(super) fn is_looking(&self) -> bool {
        self.lost.is_some()
    }

    /// Ends a wait, and tells whether this was waiting.
    pub(super) fn woke(&mut self, at: Timestamp) -> bool {
        let Some(until) = self.pause_until else {
            return false;
        };
        if at >= until {
            self.pause_until = None;
        }
        true
    }

    /// Forgets everything, since the command in hand was carried out.
    pub(super) fn over(&mut self) {
        *self = Self {
            breaks: self.breaks,
            ..Self::default()
        };
    }

    /// Forgets how often servers were met again, since another table is in hand.
    pub(super) fn begins_anew(&mut self) {
        self.breaks = 0;
    }

    /// Counts a failure, and tells whether it is waited before the next attempt.
    fn again(&mut self, patience: Backoff, now: Timestamp) -> bool {
        self.failures = self.failures.saturating_add(1);
        let wait = patience.wait_after(self.failures);
        self.pause_until = wait.map(|wait| now.after(wait));
        wait.is_some()
    }
}

impl Validation {
    pub(super) fn failed(&mut self, side: Side, failure: DbFailure) {
        use DbFailureClass as Class;
        let class = failure.class;
        if self.trouble.lost.is_some() {
            // The server is away, or not ready. Whatever else it says is final.
            let passes = matches!(
                class,
                Class::Unreachable | Class::Lost | Class::Busy | Class::TimedOut
            );
            if !passes || !self.trouble.again(PATIENCE, self.now) {
                self.impossible(side, failure);
            }
            return;
        }
        let is_begun = !matches!(self.stage, Stage::Looking);
        match class {
            Class::Lost
            | Class::Changed
            | Class::Unreachable
            | Class::Login
            | Class::Untrusted
            | Class::NoTls
            | Class::NoDatabase
                if is_begun =>
            {
                self.trouble.breaks = self.trouble.breaks.saturating_add(1);
                if self.trouble.retried || self.trouble.breaks > BREAKS_MAX {
                    return self.impossible(side, failure);
                }
                self.trouble.failures = 0;
                self.trouble.again(PATIENCE, self.now);
                self.trouble.lost = Some((side, failure));
            }
            Class::TimedOut | Class::Busy | Class::Lost if self.trouble.again(AGAIN, self.now) => {}
            _ => self.give_up(side, failure),
        }
    }

    /// Leaves out what was being asked.
    fn give_up(&mut self, side: Side, failure: DbFailure) {
        let told = render_failure(side, &failure);
        match &mut self.stage {
            Stage::Looking | Stage::ReadingCatalogs => return self.impossible(side, failure),
            Stage::Table(run) => run.failed(told),
            Stage::Rules(run) => run.failed(side, told),
            Stage::Done(_) => {}
        }
        self.trouble.over();
    }

    /// Both servers answered again.
    pub(super) fn met_again(&mut self, fact: Fact) -> Result<(), Box<Fact>> {
        let Fact::Met(met) = fact else {
            return Err(Box::new(fact));
        };
        let Some((_, failure)) = self.trouble.lost.take() else {
            return Ok(());
        };
        let Some(before) = &self.servers else {
            return Ok(());
        };
        let other = Side::BOTH.into_iter().find(|side| {
            let (before, met) = (before.get(*side), met.get(*side));
            before.identity != met.identity || before.is_replica != met.is_replica
        });
        if let Some(other) = other {
            let failure = DbFailure {
                class: DbFailureClass::Changed,
                doing: failure.doing,
                code: None,
                message: "another server answers than before, or it has changed its role"
                    .to_owned(),
            };
            self.impossible(other, failure);
            return Ok(());
        }
        self.trouble.retried = true;
        self.trouble.failures = 0;
        match &mut self.stage {
            Stage::Table(run) => run.forget(self.now),
            Stage::Rules(run) => run.forget(self.now),
            Stage::Looking | Stage::ReadingCatalogs | Stage::Done(_) => {}
        }
        Ok(())
    }

    fn impossible(&mut self, side: Side, failure: DbFailure) {
        self.trouble.over();
        self.stage = Stage::Done(Box::new(Outcome::Impossible(side, failure)));
    }
}
