//! What comes of the chores of standing at a step.

use std::time::Duration;

use super::super::events::{Cause, Drift, Pause, What};
use super::super::facts::{Act, Change, ChangeState, Control, Fact, JournalRead, Live};
use super::super::journal::Mark;
use super::super::spec::DriftPolicy;
use super::watch::{Chore, LOOK, POLL, Phase, Watch};
use super::write::Then;
use super::{Outcome, Shift, Stage};
use crate::machine::IllegalFact;
use crate::weights::{Share, WeightPair};
use crate::{Failure, FailureClass};

/// The gap in hundredths of a percent that is allowed between observed and requested share, when counts would allow
/// less: stated, five points.
const SPLIT_BASIS_POINTS_MIN: f64 = 500.0;

/// So long may the router be out of reach while traffic is split before people are told: ours; a single failed look is
/// none of their business, and the promise is thirty seconds.
const UNREACHABLE_TOLD: Duration = Duration::from_secs(20);

impl Shift {
    pub(super) fn watched(&mut self, mut watch: Watch, fact: Fact) -> Result<(), IllegalFact> {
        let Some(chore) = watch.chore.take() else {
            return Err(self.illegal(&fact));
        };
        watch.due.remove(&chore);
        match (chore, fact) {
            (Chore::Control, Fact::Control(control)) => self.controlled(watch, control),
            (Chore::Control, Fact::Failed(failure)) => self.control_unclear(watch, failure.message),
            (Chore::Poll, Fact::Change(state)) => self.polled(
                watch,
                state == ChangeState::Insync,
                state == ChangeState::Unknown,
            ),
            (Chore::Poll, Fact::Sampled(seen)) => self.polled(watch, seen, false),
            // A change that cannot be asked about shows in the answers.
            (Chore::Poll, Fact::Failed(_)) => self.polled(watch, false, true),
            (Chore::Measure, Fact::Measured(readings)) => self.measured(watch, &readings),
            (Chore::Measure, Fact::Failed(failure)) => self.not_measured(watch, &failure),
            (
                Chore::Ready,
                Fact::Ready {
                    problems,
                    old_is_warm,
                },
            ) => self.readied(watch, problems, old_is_warm),
            (Chore::EntryGates, Fact::EntryGates(gates)) => self.entry_gates(watch, &gates),
            (Chore::Ready | Chore::EntryGates, Fact::Failed(_)) => self.not_readied(watch, chore),
            (Chore::Look, Fact::Live(live)) => self.saw(watch, live, false),
            (Chore::Renew, Fact::Live(live)) => self.saw(watch, live, true),
            (Chore::Look | Chore::Renew, Fact::Failed(failure)) => {
                self.not_seen(watch, chore, &failure);
            }
            (Chore::Split, Fact::Split { old, new }) => self.split(watch, old, new),
            (Chore::Split, Fact::Failed(_)) => self.split(watch, 0.0, 0.0),
            (_, fact) => return Err(self.illegal(&fact)),
        }
        Ok(())
    }

    fn controlled(&mut self, mut watch: Watch, control: Control) {
        if matches!(control, Control::Garbage(_)) {
            // What it says may be a secret that was put there by mistake.
            let text = "it says neither run nor hold, rollback, block or approve";
            return self.control_unclear(watch, text.to_owned());
        }
        watch.switch.unclear = false;
        match control {
            Control::Rollback(reason) => self.revert_from(watch, Cause::Switch(reason)),
            Control::Hold(reason) if !matches!(watch.phase, Phase::Paused { .. }) => {
                watch.switch.holds = true;
                self.pause(watch, Pause::Held(reason));
            }
            Control::Run if watch.switch.holds => {
                watch.switch.holds = false;
                let is_held = matches!(
                    watch.phase,
                    Phase::Paused {
                        pause: Pause::Held(_),
                        ..
                    }
                );
                self.stage = Stage::Watching(Box::new(watch.clone()));
                if is_held {
                    self.resume();
                } else {
                    self.go_on(watch);
                }
            }
            Control::Approve(step) => {
                self.orders.approved_through = self.orders.approved_through.max(Some(step));
                self.go_on(watch);
                self.approved();
            }
            Control::Run | Control::Hold(_) | Control::Garbage(_) => self.go_on(watch),
        }
    }

    /// The last value holds; that is told once.
    fn control_unclear(&mut self, mut watch: Watch, message: String) {
        if !watch.switch.unclear {
            self.tell(What::ControlUnclear(message));
        }
        watch.switch.unclear = true;
        self.go_on(watch);
    }

    fn polled(&mut self, mut watch: Watch, is_there: bool, ask_servers: bool) {
        let Phase::Propagating { id, since } = watch.phase.clone() else {
            return self.go_on(watch);
        };
        if is_there && watch.on.is_none() {
            return self.wait_out_ttl(watch);
        }
        if is_there {
            if let Some(step) = watch.on {
                self.tell(What::Insync { step });
            }
            return self.settle(watch);
        }
        if self.now.since(since) >= self.spec.policy.insync_timeout {
            return self.pause(watch, Pause::InsyncTimeout);
        }
        watch.phase = Phase::Propagating {
            id: id.filter(|_| !ask_servers),
            since,
        };
        watch.due.insert(Chore::Poll, self.now.after(POLL));
        self.go_on(watch);
    }

    /// Compares where requests go with where they should.
    fn split(&mut self, mut watch: Watch, old: f64, new: f64) {
        let requested = self.pair_on(watch.on).share();
        let observed = observed_share(old, new);
        self.observed = observed.or(self.observed);
        let is_far = observed.is_some_and(|share| {
            f64::from(share.distance(requested)) > self.split_tolerance(requested, old + new)
        });
        let counts_requests = self.spec.policy.observes_split;
        let settle = self.settle_of(&watch);
        match watch.phase.clone() {
            Phase::Settling { until, .. } if is_far && counts_requests => {
                // Some clients keep an answer for longer than they may; they get as long again.
                if self.now >= until.after(settle) {
                    return self.pause(watch, Pause::SplitMismatch(observed));
                }
                watch
                    .due
                    .insert(Chore::Split, self.now.after(self.tick(&watch)));
                self.go_on(watch);
            }
            Phase::Settling { .. } => self.bake(watch, observed),
            Phase::Deciding { .. } if is_far && counts_requests => {
                self.pause(watch, Pause::SplitMismatch(observed));
            }
            Phase::Deciding { .. } => {
                watch.phase = Phase::Deciding { split_seen: true };
                watch.due.insert(Chore::Look, self.now);
                self.go_on(watch);
            }
            _ => self.go_on(watch),
        }
    }

    /// The gap allowed, in hundredths of a percent: five points, or four times what chance makes of so many requests.
    fn split_tolerance(&self, requested: Share, requests: f64) -> f64 {
        if let Some(points) = self.spec.policy.split_points {
            return points * 100.0;
        }
        let share = requested.fraction();
        let deviation = (share * (1.0 - share) / requests.max(1.0)
            * self.spec.policy.design_effect.max(1.0))
        .sqrt();
        SPLIT_BASIS_POINTS_MIN.max(4.0 * deviation * 10_000.0)
    }

    /// The router could not be read. What is about to be written must be built on what is there, so it waits too.
    fn not_seen(&mut self, mut watch: Watch, chore: Chore, failure: &Failure) {
        if failure.class == FailureClass::Throttled {
            self.throttled = self.throttled.saturating_add(1);
        }
        let since = *watch.unread_since.get_or_insert(self.now);
        watch.due.insert(chore, self.now.after(POLL));
        let unread = self.now.since(since);
        if unread >= UNREACHABLE_TOLD && watch.on.is_some() && watch.unreachable.is_none() {
            watch.unreachable = Some(failure.class);
            // What refuses to be read is not going to be written either: the zone or the rule is gone, or the rights.
            if failure.class == FailureClass::Refused {
                self.tell(What::Stuck(format!(
                    "{}: {}",
                    failure.action, failure.message
                )));
            } else {
                let guarded = self.spec.policy.guarded;
                self.tell(What::RouterUnreachable { guarded });
            }
        }
        let is_long = unread >= self.spec.policy.gate_timeout;
        if is_long && watch.unreachable == Some(FailureClass::Refused) {
            let message = format!("{}: {}", failure.action, failure.message);
            return self.end(Outcome::Stuck(message));
        }
        if is_long && !matches!(watch.phase, Phase::Paused { .. }) {
            let message = format!("{}: {}", failure.action, failure.message);
            return self.pause(watch, Pause::Refused(message));
        }
        self.go_on(watch);
    }

    /// Looks at the router: whether the fence is ours, and whether somebody else has changed anything.
    fn saw(&mut self, mut watch: Watch, live: Live, renew: bool) {
        watch.due.insert(Chore::Look, self.now.after(LOOK));
        watch.unread_since = None;
        if watch.unreachable.take().is_some() {
            self.tell(What::RouterReached);
        }
        let is_ours = self.is_ours(&live.journal);
        if let JournalRead::Entry(found) = &live.journal
            && !is_ours
        {
            let run = Some(found.run.as_str().to_owned());
            return self.end(Outcome::NotHolder { run });
        }
        if let JournalRead::Entry(found) = &live.journal {
            // A renewal whose answer was lost may have taken effect.
            self.entry = Some(found.clone());
        }
        let planned = self.pair_on(watch.on);
        match drift(&live, planned) {
            Some(Drift::Lowered) if live.share() == Some(Share::ZERO) && watch.on.is_some() => {
                return self.sent_back(live, watch.on, watch.exposed);
            }
            Some(drift) if is_ours && self.may_revert(&watch) => {
                return self.put_back(watch, live, drift);
            }
            Some(drift) => return self.drifted(watch, drift),
            None if !is_ours => return self.drifted(watch, Drift::Journal),
            None => {}
        }
        match watch.phase {
            // Both write an entry, which renews the fence as well.
            Phase::Deciding { split_seen: true } => self.baked(watch, live),
            Phase::Entering { moving: true, .. } if renew && self.queued_since.is_some() => {
                watch.due.insert(Chore::Look, self.now);
                self.renew(watch, live);
            }
            Phase::Entering { moving: true, .. } => self.move_on(watch, live),
            _ if renew => self.renew(watch, live),
            _ => self.go_on(watch),
        }
    }

    /// Tells whether what somebody else has changed is put back; once in a run.
    fn may_revert(&self, watch: &Watch) -> bool {
        self.spec.policy.drift == DriftPolicy::Revert
            && !self.reverted
            && !matches!(watch.phase, Phase::Paused { .. })
    }

    /// Puts our weights back, as long as nobody changes anything more meanwhile.
    fn put_back(&mut self, watch: Watch, live: Live, drift: Drift) {
        self.reverted = true;
        let mark = self
            .entry
            .as_ref()
            .map_or(Mark::Preparing, |entry| entry.mark);
        let entry = self.next_entry(mark, watch.on, watch.exposed, None);
        let change = Change {
            act: Act::Move(self.pair_on(watch.on)),
            entry,
            expected: Some(live),
        };
        self.write(
            change,
            Then::PutBack {
                drift,
                from: Box::new(watch),
            },
        );
    }

    fn drifted(&mut self, watch: Watch, drift: Drift) {
        if matches!(&watch.phase, Phase::Paused { pause: Pause::Drift(told), .. } if *told == drift)
        {
            return self.go_on(watch);
        }
        self.pause(watch, Pause::Drift(drift));
    }
}

/// Returns the share of new among requests, when there are any.
pub(super) fn observed_share(old: f64, new: f64) -> Option<Share> {
    let total = old + new;
    if !total.is_finite() || total < 1.0 {
        return None;
    }
    Share::from_percent((100.0 * new / total).clamp(0.0, 100.0))
}

/// Tells what somebody else has changed, the gravest first.
pub(in crate::shift) fn drift(live: &Live, planned: WeightPair) -> Option<Drift> {
    let Some(share) = live.share() else {
        return Some(Drift::Removed);
    };
    if live.has(planned) {
        return (!live.intact).then_some(Drift::Fields);
    }
    let wished = planned.share();
    Some(match (share.cmp(&wished), live.even) {
        _ if live.new.is_none() && wished > Share::ZERO => Drift::Removed,
        (std::cmp::Ordering::Greater, _) => Drift::Raised,
        (_, false) => Drift::Uneven,
        (std::cmp::Ordering::Less, true) => Drift::Lowered,
        // The same share by other weights does no harm, and is still not what was written.
        (std::cmp::Ordering::Equal, true) => Drift::Fields,
    })
}
