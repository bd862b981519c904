//! After the way back is accepted: proof that traffic follows, rows, and the end.

use std::time::Duration;

use super::super::super::events::What;
use super::super::super::facts::{Act, Change, Live};
use super::super::super::journal::Mark;
use super::super::super::spec::{Router, RowsReturn, ZeroMeans};
use super::super::watch::POLL;
use super::super::write::Then;
use super::super::{Outcome, Shift};
use super::{Back, Phase};
use crate::weights::Share;
use crate::{Failure, Timestamp};

/// The longest that rows are waited for once traffic is back: stated.
const DRAIN_MAX: Duration = Duration::from_mins(10);

/// Between two looks at requests or rows: ours.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

impl Shift {
    pub(super) fn return_accepted(&mut self, mut back: Back, id: Option<String>) {
        self.note_change(id.as_ref());
        self.succeeded();
        self.tell(What::ReturnAccepted);
        self.requested = Share::ZERO;
        self.entry = Some(back.entry.clone());
        back.accepted_at = Some(self.now);
        if self.stopping {
            return self.end(Outcome::Interrupted { back: true });
        }
        if self.spec.policy.rollback.old_must_be_warm {
            self.keep(back, Phase::Checking { id });
        } else {
            self.converge(back, id);
        }
    }

    pub(super) fn converge(&mut self, back: Back, id: Option<String>) {
        let (again_at, since) = (self.now.after(POLL), self.now);
        self.keep(
            back,
            Phase::Converging {
                id,
                since,
                again_at,
                asking: false,
            },
        );
    }

    pub(super) fn converged(
        &mut self,
        back: Back,
        is_there: bool,
        id: Option<String>,
        since: Timestamp,
    ) {
        if is_there {
            self.tell(What::ReturnInsync);
            let until = self.now.after(self.spec.router.answer_ttl());
            return self.keep(back, Phase::Waiting { until });
        }
        // Weights are on their way whether or not anybody can see it; the wait for them has an end as well.
        if self.now.since(since) >= self.spec.policy.insync_timeout.saturating_mul(3) {
            let until = self.now.after(self.spec.router.answer_ttl());
            return self.keep(back, Phase::Waiting { until });
        }
        let again_at = self.now.after(POLL);
        self.keep(
            back,
            Phase::Converging {
                id,
                since,
                again_at,
                asking: false,
            },
        );
    }

    pub(super) fn split_back(&mut self, back: Back, is_back: bool) {
        let is_late = self.now.since(back.decided_at) >= self.spec.policy.rollback.budget;
        if !is_back && !is_late && self.spec.policy.observes_split {
            let again_at = self.now.after(LOOK_AGAIN);
            return self.keep(
                back,
                Phase::Splitting {
                    again_at,
                    asking: false,
                },
            );
        }
        if self.spec.policy.rollback.rows == RowsReturn::Reverse {
            let now = self.now;
            return self.keep(
                back,
                Phase::Draining {
                    since: now,
                    again_at: now,
                    asking: true,
                },
            );
        }
        self.clear(back);
    }

    pub(super) fn drain_again(&mut self, back: Back, since: Timestamp) {
        if self.now.since(since) >= DRAIN_MAX {
            return self.clear(back);
        }
        let again_at = self.now.after(LOOK_AGAIN);
        self.keep(
            back,
            Phase::Draining {
                since,
                again_at,
                asking: false,
            },
        );
    }

    pub(super) fn clear(&mut self, back: Back) {
        if back.behind {
            self.tell(What::RowsBehind { rows: back.rows });
        }
        let until = back
            .accepted_at
            .unwrap_or(self.now)
            .after(self.spec.router.answer_ttl().saturating_mul(2));
        if until <= self.now {
            return self.keep(back, Phase::Looking);
        }
        self.keep(back, Phase::Clearing { until });
    }

    fn returned(&self) -> Outcome {
        Outcome::RolledBack {
            causes: self.causes.clone(),
            external: false,
            known: false,
        }
    }

    /// Everything is back, and the last look cannot be had: the fence becomes free by itself.
    pub(super) fn not_finished(&mut self, back: Back, failure: &Failure) {
        if self.try_again(failure) {
            return self.keep(back, Phase::Looking);
        }
        self.tell(What::Returned);
        self.tell(What::FenceNotReleased);
        self.end(self.returned());
    }

    /// Releases the fence; a record that nobody should be sent to goes.
    pub(super) fn finish_back(&mut self, back: &Back, live: Live) {
        self.succeeded();
        self.tell(What::Returned);
        let outcome = self.returned();
        if !self.is_ours(&live.journal) {
            // Whose fence it is now writes the journal.
            self.tell(What::FenceNotReleased);
            return self.end(outcome);
        }
        let entry = self.next_entry(
            Mark::RolledBack,
            usize::try_from(back.entry.step).ok(),
            Some(back.entry.exposed),
            None,
        );
        let remove_new = match &self.spec.router {
            Router::Route53 { zero_means, .. } => *zero_means == ZeroMeans::Isolated,
            Router::Alb { .. } => false,
        };
        let act = Act::Finish {
            ttl_seconds: None,
            remove_new,
        };
        self.write(
            Change {
                act,
                entry,
                expected: Some(live),
            },
            Then::Finished(outcome),
        );
    }
}
