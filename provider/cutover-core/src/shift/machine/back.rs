//! Going back: one change that asks nobody, then proof that traffic follows.

mod proof;

use std::time::Duration;

use super::super::events::{Cause, Pause, What};
use super::super::facts::{Act, Change, ChangeState, Command, Fact, Live};
use super::super::journal::{Entry, Mark};
use super::super::spec::DataPolicy;
use super::chores::observed_share;
use super::watch::{POLL, Watch};
use super::write::Then;
use super::{Outcome, PhaseName, Shift, Stage, WayBack};
use crate::machine::{IllegalFact, Next, Why};
use crate::{Backoff, Failure, FailureClass, Timestamp};

/// Waits between attempts: stated. It is tried until [`STUCK_MAX`].
const RETRY: Backoff = Backoff::new(Duration::from_millis(400), Duration::from_secs(8), u32::MAX);

/// So long may writing fail before people are called: stated.
const STUCK_AFTER: Duration = Duration::from_secs(30);

/// So long it is tried in all: ours; the longest outage of the control plane that is planned for is an hour.
const STUCK_MAX: Duration = Duration::from_hours(2);

/// The longest that closing new to writes may hold traffic up: stated.
const CLOSING_MAX: Duration = Duration::from_secs(15);

/// The longest that rows may hold traffic up where they come first: stated.
const DRAIN_FIRST_MAX: Duration = Duration::from_mins(1);

/// Less than this share on new is back: stated, one percent, in hundredths of a percent.
const BACK_BASIS_POINTS: u16 = 100;

/// Going back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Back {
    way: WayBack,
    entry: Entry,
    phase: Phase,
    decided_at: Timestamp,
    accepted_at: Option<Timestamp>,
    /// Since when writing has failed.
    failing_since: Option<Timestamp>,
    stuck: bool,
    overdue: bool,
    rows: Option<u64>,
    behind: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Closing,
    DrainingFirst {
        again_at: Timestamp,
        asking: bool,
    },
    Submitting {
        in_doubt: bool,
    },
    /// Asking whether old can take everything, once nothing can be held up by it any more.
    Checking {
        id: Option<String>,
    },
    /// Asking about the change, or the servers themselves.
    Converging {
        id: Option<String>,
        since: Timestamp,
        again_at: Timestamp,
        asking: bool,
    },
    /// Answers may be kept for a TTL.
    Waiting {
        until: Timestamp,
    },
    Splitting {
        again_at: Timestamp,
        asking: bool,
    },
    Draining {
        since: Timestamp,
        again_at: Timestamp,
        asking: bool,
    },
    /// The record of new goes when nobody can know it any more.
    Clearing {
        until: Timestamp,
    },
    /// Looking once more, so that the last change builds on what is there.
    Looking,
}

impl Back {
    /// Tells whether the router has accepted it.
    pub(super) fn is_accepted(&self) -> bool {
        self.accepted_at.is_some()
    }

    /// Tells what it is doing.
    pub(super) fn name(&self) -> PhaseName {
        match self.phase {
            Phase::Closing | Phase::DrainingFirst { .. } | Phase::Submitting { .. }
                if self.stuck =>
            {
                PhaseName::Stuck
            }
            Phase::Closing | Phase::DrainingFirst { .. } | Phase::Submitting { .. } => {
                PhaseName::RollingBack
            }
            Phase::Checking { .. }
            | Phase::Converging { .. }
            | Phase::Waiting { .. }
            | Phase::Splitting { .. } => PhaseName::Converging,
            Phase::Draining { .. } | Phase::Clearing { .. } | Phase::Looking => PhaseName::Draining,
        }
    }
}

impl Shift {
    /// Goes back for a cause, wherever it stands. The first cause decides, later ones are noted.
    pub(super) fn revert(&mut self, cause: Cause) {
        match self.stage.clone() {
            Stage::Done(_) => {}
            Stage::Back(_) => {
                self.tell(What::FurtherCause(cause.clone()));
                self.causes.push(cause);
            }
            Stage::Watching(watch) => self.revert_from(*watch, cause),
            Stage::Writing(writing) => match (self.way_back.take(), writing.then) {
                (Some(way), _) => self.begin_back(way, cause, None),
                (
                    None,
                    Then::Entered { from, .. }
                    | Then::TakenOver(from)
                    | Then::Renewed(from)
                    | Then::Baked(from)
                    | Then::PutBack { from, .. }
                    | Then::Prepared(from),
                ) => {
                    self.pause(*from, Pause::Committed(cause));
                }
                (None, Then::Finished(_)) => {}
            },
            Stage::Looking | Stage::Preflight(_) => match self.way_back.take() {
                Some(way) if self.entry.is_some() => self.begin_back(way, cause, None),
                // Nothing is known yet, so the wish is kept until it is.
                way => {
                    self.way_back = way;
                    self.orders.desired = super::Desired::Old;
                }
            },
        }
    }

    /// Goes back from a step, or stops there when there is no way back any more.
    pub(super) fn revert_from(&mut self, watch: Watch, cause: Cause) {
        match self.way_back.take() {
            Some(way) => self.begin_back(way, cause, watch.exposed),
            None if matches!(
                watch.phase,
                super::watch::Phase::Paused {
                    pause: Pause::Committed(_),
                    ..
                }
            ) =>
            {
                self.go_on(watch);
            }
            None => self.pause(watch, Pause::Committed(cause)),
        }
    }

    fn begin_back(&mut self, way: WayBack, cause: Cause, exposed: Option<Timestamp>) {
        self.succeeded();
        self.tell(What::ReturnBegan(cause.clone()));
        self.causes.push(cause);
        let on = self
            .entry
            .as_ref()
            .and_then(|entry| usize::try_from(entry.step).ok());
        let entry = self.next_entry(Mark::Back, on, exposed, None);
        let data = self.spec.policy.rollback.data;
        let phase = match data {
            _ if self.stopping => Phase::Submitting { in_doubt: false },
            DataPolicy::TrafficFirst => Phase::Submitting { in_doubt: false },
            DataPolicy::FenceFirst => Phase::Closing,
            DataPolicy::DrainFirst => Phase::DrainingFirst {
                again_at: self.now,
                asking: true,
            },
        };
        self.stage = Stage::Back(Box::new(Back {
            way,
            entry,
            phase,
            decided_at: self.now,
            accepted_at: None,
            failing_since: None,
            stuck: false,
            overdue: false,
            rows: None,
            behind: false,
        }));
    }

    pub(super) fn next_of_back<O>(&self, back: &Back) -> Next<Command, O> {
        let wait = |at: Timestamp, text: &str| Next::WaitUntil {
            at,
            why: Why {
                phase: "rollback",
                text: text.to_owned(),
            },
        };
        match &back.phase {
            Phase::Closing => Next::Do(Command::CloseNew),
            Phase::Submitting { in_doubt: true } | Phase::Looking => Next::Do(Command::FetchLive),
            Phase::Checking { .. } => Next::Do(Command::FetchReadiness { step: 0 }),
            Phase::Submitting { in_doubt: false } => {
                let change = Change {
                    act: Act::Return(back.way.0),
                    entry: back.entry.clone(),
                    expected: None,
                };
                Next::Do(Command::Apply(Box::new(change)))
            }
            Phase::DrainingFirst { asking: true, .. } | Phase::Draining { asking: true, .. } => {
                Next::Do(Command::FetchReverseLag)
            }
            Phase::Converging {
                id: Some(id),
                asking: true,
                ..
            } => Next::Do(Command::FetchChange { id: id.clone() }),
            Phase::Converging {
                id: None,
                asking: true,
                ..
            } => Next::Do(Command::SampleAnswers { pair: back.way.0 }),
            Phase::Splitting { asking: true, .. } => Next::Do(Command::FetchSplit {
                from: back.accepted_at.unwrap_or(self.now),
                until: self.now,
            }),
            Phase::DrainingFirst { again_at, .. } => {
                wait(*again_at, "waiting for rows before traffic goes back")
            }
            Phase::Converging { again_at, .. } => {
                wait(*again_at, "waiting until the way back is INSYNC")
            }
            Phase::Waiting { until } => {
                wait(*until, "waiting until answers that name new are gone")
            }
            Phase::Splitting { again_at, .. } => {
                wait(*again_at, "waiting until requests are back on old")
            }
            Phase::Draining { again_at, .. } => {
                wait(*again_at, "waiting until rows are back on old")
            }
            Phase::Clearing { until } => wait(*until, "waiting to take the record of new away"),
        }
    }

    pub(super) fn go_on_back(&mut self, mut back: Back) {
        self.mind_budget(&mut back);
        let now = self.now;
        match &mut back.phase {
            Phase::DrainingFirst { again_at, asking }
            | Phase::Converging {
                again_at, asking, ..
            }
            | Phase::Splitting { again_at, asking }
            | Phase::Draining {
                again_at, asking, ..
            } => *asking = *again_at <= now,
            Phase::Waiting { until } if *until <= now => {
                back.phase = Phase::Splitting {
                    again_at: now,
                    asking: true,
                }
            }
            Phase::Clearing { until } if *until <= now => back.phase = Phase::Looking,
            Phase::Waiting { .. }
            | Phase::Clearing { .. }
            | Phase::Closing
            | Phase::Looking
            | Phase::Checking { .. }
            | Phase::Submitting { .. } => {}
        }
        self.stage = Stage::Back(Box::new(back));
    }

    fn mind_budget(&mut self, back: &mut Back) {
        let is_back = matches!(
            back.phase,
            Phase::Draining { .. } | Phase::Clearing { .. } | Phase::Looking
        );
        if !back.overdue
            && !is_back
            && self.now.since(back.decided_at) >= self.spec.policy.rollback.budget
        {
            back.overdue = true;
            self.tell(What::BudgetExceeded);
        }
    }

    pub(super) fn went_back(&mut self, mut back: Back, fact: Fact) -> Result<(), IllegalFact> {
        self.mind_budget(&mut back);
        match (back.phase.clone(), fact) {
            (Phase::Closing, Fact::NewClosed) => self.submit(back),
            (Phase::Closing, Fact::Failed(_)) => {
                // Traffic is not held up for longer than the limit.
                if self.now.since(back.decided_at) >= CLOSING_MAX {
                    self.submit(back);
                } else {
                    self.retry_closing(back);
                }
            }
            (Phase::DrainingFirst { .. }, Fact::ReverseLag { lag, rows }) => {
                back.rows = rows;
                let is_over = lag.is_zero() || self.now.since(back.decided_at) >= DRAIN_FIRST_MAX;
                if is_over {
                    self.submit(back);
                } else {
                    self.drain_first_again(back);
                }
            }
            (Phase::DrainingFirst { .. }, Fact::Failed(_)) => {
                if self.now.since(back.decided_at) >= DRAIN_FIRST_MAX {
                    self.submit(back);
                } else {
                    self.drain_first_again(back);
                }
            }
            (Phase::Submitting { in_doubt: false }, Fact::Accepted { id }) => {
                self.return_accepted(back, Some(id));
            }
            // It asks nobody, so a refusal of this kind is as passing as any.
            (Phase::Submitting { in_doubt: false }, Fact::Conflict) => {
                let refused = Failure::refused("router:Change", "the router refuses the way back");
                self.not_submitted(back, &refused);
            }
            (Phase::Submitting { .. }, Fact::Failed(failure)) => self.not_submitted(back, &failure),
            (Phase::Submitting { in_doubt: true }, Fact::Live(live)) => {
                self.looked_back(back, &live);
            }
            (Phase::Checking { id }, Fact::Ready { old_is_warm, .. }) => {
                if !old_is_warm {
                    self.tell(What::OldIsCold);
                }
                self.converge(back, id);
            }
            (Phase::Checking { id }, Fact::Failed(_)) => self.converge(back, id),
            (Phase::Looking, Fact::Live(live)) => self.finish_back(&back, live),
            (Phase::Looking, Fact::Failed(failure)) => self.not_finished(back, &failure),
            (Phase::Converging { id, since, .. }, Fact::Change(state)) => {
                let id = id.filter(|_| {
                    state != ChangeState::Unknown
                        && self.now.since(since) < self.spec.policy.insync_timeout
                });
                self.converged(back, state == ChangeState::Insync, id, since);
            }
            (Phase::Converging { since, .. }, Fact::Sampled(seen)) => {
                self.converged(back, seen, None, since);
            }
            (Phase::Converging { since, .. }, Fact::Failed(_)) => {
                self.converged(back, false, None, since);
            }
            (Phase::Splitting { .. }, Fact::Split { old, new }) => {
                let share = observed_share(old, new);
                // Without requests there is nobody left to bring back.
                let is_back = share.is_none_or(|share| share.basis_points() <= BACK_BASIS_POINTS);
                self.split_back(back, is_back);
            }
            (Phase::Splitting { .. }, Fact::Failed(_)) => self.split_back(back, false),
            (Phase::Draining { since, .. }, Fact::ReverseLag { lag, rows }) => {
                (back.rows, back.behind) = (rows, !lag.is_zero());
                if lag.is_zero() {
                    self.clear(back);
                } else {
                    self.drain_again(back, since);
                }
            }
            (Phase::Draining { since, .. }, Fact::Failed(_)) => {
                back.behind = true;
                self.drain_again(back, since);
            }
            (_, fact) => {
                return Err(self.illegal(&fact));
            }
        }
        Ok(())
    }

    fn keep(&mut self, back: Back, phase: Phase) {
        self.stage = Stage::Back(Box::new(Back { phase, ..back }));
    }

    fn submit(&mut self, back: Back) {
        self.succeeded();
        self.keep(back, Phase::Submitting { in_doubt: false });
    }

    fn retry_closing(&mut self, back: Back) {
        self.pause_until = Some(self.now.after(POLL));
        self.keep(back, Phase::Closing);
    }

    fn drain_first_again(&mut self, back: Back) {
        let again_at = self.now.after(POLL);
        self.keep(
            back,
            Phase::DrainingFirst {
                again_at,
                asking: false,
            },
        );
    }

    fn not_submitted(&mut self, mut back: Back, failure: &Failure) {
        if failure.class == FailureClass::Throttled {
            self.throttled = self.throttled.saturating_add(1);
        }
        self.failures = self.failures.saturating_add(1);
        let since = *back.failing_since.get_or_insert(self.now);
        let failing = self.now.since(since);
        let message = format!("{}: {}", failure.action, failure.message);
        if failing >= STUCK_AFTER && !back.stuck {
            back.stuck = true;
            self.tell(What::Stuck(message.clone()));
        }
        if failing >= STUCK_MAX || (self.stopping && failing >= STUCK_AFTER) {
            return self.end(Outcome::Stuck(message));
        }
        let retry = RETRY
            .wait_after(self.failures)
            .map(|wait| self.now.after(self.jittered(wait)));
        // One attempt falls on the moment when people are to be called.
        let called = since.after(STUCK_AFTER);
        self.pause_until = retry.map(|at| {
            if back.stuck {
                at
            } else {
                at.min(called.max(self.now))
            }
        });
        // A look that fails is not repeated: safe weights come before knowing.
        let was_in_doubt = matches!(back.phase, Phase::Submitting { in_doubt: true });
        let in_doubt = failure.class == FailureClass::Unknown && !was_in_doubt;
        self.touched |= in_doubt;
        self.keep(back, Phase::Submitting { in_doubt });
    }

    fn looked_back(&mut self, back: Back, live: &Live) {
        if live.has(back.way.0) {
            self.return_accepted(back, None);
        } else {
            self.keep(back, Phase::Submitting { in_doubt: false });
        }
    }
}
