//! The first look: what an earlier run has left, and whether anything may be begun.

use std::time::Duration;

use super::super::check::check_orders;
use super::super::events::{Cause, Drift, Pause, What};
use super::super::facts::{Act, Change, Fact, JournalRead, Live};
use super::super::journal::{Entry, Mark};
use super::super::lint::{is_sound, lint};
use super::super::operate::HEARTBEATS_MISSED;
use super::super::plan::{TtlChange, plan};
use super::super::problem::{Code, Level, Path, Problem};
use super::super::spec::{Adopt, DriftPolicy, Router};
use super::chores::drift;
use super::enter::errors_of;
use super::watch::{Chore, POLL, Phase, Watch};
use super::write::Then;
use super::{Desired, Outcome, Shift, Stage};
use crate::Timestamp;
use crate::machine::IllegalFact;
use crate::weights::{Share, WeightPair};

/// A gap that is still credited to a bake: stated.
const GAP_CREDITED: Duration = Duration::from_mins(2);

fn refused(code: u16, path: &Path, message: String) -> Outcome {
    Outcome::Refused(vec![Problem {
        code: Code(code),
        level: Level::Error,
        path: path.clone(),
        message,
    }])
}

pub(super) fn asked_for() -> Cause {
    Cause::Person("the program asks for it".to_owned())
}

impl Shift {
    pub(super) fn looked(&mut self, fact: Fact) -> Result<(), IllegalFact> {
        match fact {
            Fact::Live(live) => {
                self.succeeded();
                self.start(live);
            }
            Fact::Failed(failure) => {
                if !self.try_again(&failure) {
                    self.end(refused(
                        117,
                        &Path::new("router"),
                        format!("{}: {}", failure.action, failure.message),
                    ));
                }
            }
            fact => return Err(self.illegal(&fact)),
        }
        Ok(())
    }

    fn start(&mut self, live: Live) {
        self.plan = plan(&self.spec, live.ttl_seconds);
        if !is_sound(&lint(&self.plan, &self.spec)) {
            let message =
                "the plan does not keep what was asked for; please report this".to_owned();
            return self.end(refused(151, &Path::new("steps"), message));
        }
        if let Some(problem) = check_orders(&self.spec.policy, &self.orders) {
            return self.end(Outcome::Refused(vec![problem]));
        }
        match live.journal.clone() {
            JournalRead::Absent => self.begin(live, None),
            JournalRead::Unreadable(reason) => {
                self.end(refused(
                    152,
                    &Path::new("lock"),
                    format!("{reason}; see who wrote it, then unlock by force"),
                ));
            }
            JournalRead::Entry(entry) if entry.shift == self.spec.id => {
                self.continue_from(live, entry);
            }
            JournalRead::Entry(entry) => {
                let age = self.now.since(entry.at);
                let stale = self.spec.policy.heartbeat.saturating_mul(HEARTBEATS_MISSED);
                if !entry.mark.is_over() && age < stale {
                    let message = format!(
                        "held by shift `{}`, run `{}`, since {} s",
                        entry.shift,
                        entry.run.as_str(),
                        age.as_secs()
                    );
                    return self.end(refused(153, &Path::new("lock"), message));
                }
                self.begin(live, Some(entry));
            }
        }
    }

    /// Begins anew, over what another shift or attempt has left, if anything.
    fn begin(&mut self, live: Live, left: Option<Entry>) {
        self.entry = left;
        let may_adopt = match &self.spec.router {
            Router::Route53 { adopt, .. } => *adopt != Adopt::None,
            Router::Alb { .. } => true,
        };
        let path = Path::new("router");
        match live.share() {
            Some(share) if share > Share::ZERO => self.adopt(live, share),
            Some(_) if !may_adopt && self.entry.is_none() => {
                self.end(refused(
                    116,
                    &path.name("route53").name("adopt"),
                    "there are records already".to_owned(),
                ));
            }
            Some(_) if !live.even || !live.intact => {
                self.end(refused(
                    116,
                    &path,
                    "the records are not as declared".to_owned(),
                ));
            }
            Some(_) | None if self.orders.desired == Desired::Old => {
                self.end(Outcome::RolledBack {
                    causes: Vec::new(),
                    external: false,
                    known: true,
                });
            }
            Some(_) | None => self.stage = Stage::Preflight(live),
        }
    }

    /// Goes on from weights that no journal explains, where a person has taken them over knowingly. The step that they
    /// belong to is written once more, with a journal and the guard, and bakes anew.
    fn adopt(&mut self, live: Live, share: Share) {
        let refuse = |message: String| refused(116, &Path::new("router"), message);
        let is_wished = self.orders.adopted == Some(share);
        let stage = self.plan.stages.iter().find(|stage| stage.share == share);
        let refusal = match (self.orders.adopted, stage) {
            (None, _) => Some(format!(
                "new already gets {share}, and no journal says why; send everything to old, or import the shift to go on from there"
            )),
            (Some(adopted), _) if !is_wished => Some(format!(
                "new gets {share}, and {adopted} when the shift was imported; import it again"
            )),
            _ if !live.even || !live.intact => Some("the records are not as declared".to_owned()),
            _ if share == Share::FULL => None,
            (Some(_), None) => Some(format!(
                "new gets {share}, which is the share of no step; give a step that share, or send everything to old"
            )),
            (Some(_), Some(_)) => self.plan.preparation.map(|ttl| {
                format!(
                    "the TTL is {} s while new gets {share}; set it to {} s first, and wait as long as it was",
                    ttl.from_seconds, ttl.to_seconds
                )
            }),
        };
        if let Some(message) = refusal {
            return self.end(refuse(message));
        }
        let Some((on, pair)) = stage
            .filter(|_| share < Share::FULL)
            .map(|stage| (stage.index, stage.pair))
        else {
            // Everything is on new, and nothing is left to be watched.
            self.requested = Share::FULL;
            return self.end(Outcome::Completed);
        };
        if self.spec.policy.commit_after.is_some_and(|last| on > last) {
            self.way_back = None;
        }
        self.requested = share;
        let phase = Phase::Propagating {
            id: None,
            since: self.now,
        };
        let mut watch = Watch {
            on: Some(on),
            exposed: Some(self.now),
            ..Watch::before_the_first(phase, self.now)
        };
        watch.due.insert(Chore::Measure, self.now);
        watch.due.insert(Chore::Poll, self.now);
        let change = Change {
            act: Act::Move(pair),
            entry: self.next_entry(Mark::Going, watch.on, watch.exposed, None),
            expected: Some(live),
        };
        self.write(change, Then::TakenOver(Box::new(watch)));
    }

    /// Goes on with what an earlier run of this shift has left.
    fn continue_from(&mut self, live: Live, entry: Entry) {
        match entry.mark {
            Mark::Completed if live.share() == Some(Share::FULL) => {
                self.requested = Share::FULL;
                self.entry = Some(entry);
                return self.end(Outcome::Completed);
            }
            Mark::RolledBack | Mark::Completed if entry.attempt < self.orders.attempt => {
                return self.begin(live, Some(entry));
            }
            Mark::RolledBack | Mark::Completed => {
                let known = entry.mark == Mark::RolledBack;
                self.entry = Some(entry);
                return self.end(Outcome::RolledBack {
                    causes: Vec::new(),
                    external: !known,
                    known,
                });
            }
            Mark::Preparing | Mark::Going | Mark::Baked | Mark::Back => {}
        }
        let step = usize::try_from(entry.step).unwrap_or(usize::MAX);
        let on = matches!(entry.mark, Mark::Going | Mark::Baked).then_some(step);
        let executed = on.map_or(0, |step| step.saturating_add(1));
        if self.plan.fingerprint(executed) != entry.plan && entry.mark != Mark::Back {
            let message =
                "steps that were carried out already were edited; only those after may change"
                    .to_owned();
            return self.end(refused(131, &Path::new("steps"), message));
        }
        if let Some(step) = on.filter(|step| *step >= self.plan.stages.len()) {
            let message = format!(
                "step {} is on, and there is no such step any more",
                step.saturating_add(1)
            );
            return self.end(refused(131, &Path::new("steps"), message));
        }
        self.entry = Some(entry.clone());
        let entry = self.as_it_stands(&live, entry);
        let on = matches!(entry.mark, Mark::Going | Mark::Baked)
            .then(|| usize::try_from(entry.step).unwrap_or(usize::MAX));
        let committed = self.spec.policy.commit_after;
        let is_past = committed.is_some_and(|last| {
            on.is_some_and(|on| on > last || (on == last && entry.mark == Mark::Baked))
        });
        if is_past {
            self.way_back = None;
        }
        if entry.mark == Mark::Back {
            return self.revert(Cause::Person("an earlier run had decided it".to_owned()));
        }
        match drift(&live, self.pair_on(on)) {
            // Whoever did it, a person or a guard: everything is back already.
            Some(Drift::Lowered) if on.is_some() && live.share() == Some(Share::ZERO) => {
                self.sent_back(live, on, Some(entry.exposed));
            }
            found => self.take_over(live, &entry, on, found),
        }
    }

    /// Corrects what the journal says where it is written before the weights, and the run died in between: then the step
    /// before is on, and had baked.
    fn as_it_stands(&self, live: &Live, entry: Entry) -> Entry {
        let step = usize::try_from(entry.step).unwrap_or(usize::MAX);
        if self.spec.router.is_atomic()
            || entry.mark != Mark::Going
            // What has begun to bake was on.
            || entry.bake.is_some()
            || live.has(self.pair_on(Some(step)))
        {
            return entry;
        }
        let before = (0..step)
            .rev()
            .find(|step| live.has(self.pair_on(Some(*step))));
        match before.and_then(|on| Some((on, self.spec.steps.get(on)?.bake))) {
            // Its bake was over when the next step was announced. It is judged once more before that is made.
            Some((on, bake)) => Entry {
                mark: Mark::Baked,
                step: u32::try_from(on).unwrap_or(u32::MAX),
                bake: Some(entry.at.before(bake)),
                ..entry
            },
            None if live.has(WeightPair::ALL_OLD) => Entry {
                mark: Mark::Preparing,
                step: 0,
                ..entry
            },
            None => entry,
        }
    }

    /// Notes that somebody else has sent everything back, and releases the fence.
    pub(super) fn sent_back(&mut self, live: Live, on: Option<usize>, exposed: Option<Timestamp>) {
        let entry = self.next_entry(Mark::RolledBack, on, exposed, None);
        let change = Change {
            act: Act::Renew,
            entry,
            expected: Some(live),
        };
        let outcome = Outcome::RolledBack {
            causes: Vec::new(),
            external: true,
            known: false,
        };
        self.write(change, Then::Finished(outcome));
    }

    /// Takes the fence and stands where the earlier run stood.
    fn take_over(&mut self, live: Live, left: &Entry, on: Option<usize>, drift: Option<Drift>) {
        let now = self.now;
        // A rule whose change was announced and not made is prepared again.
        let is_half = !self.spec.router.is_atomic()
            && on.is_none()
            && live.intact
            && live.share() == Some(Share::ZERO);
        let drift = drift.filter(|_| !is_half);
        self.reverted = drift.is_some() && self.spec.policy.drift == DriftPolicy::Revert;
        if let Some(drift) = drift.filter(|_| !self.reverted) {
            return self.end(Outcome::Paused(Pause::Drift(drift)));
        }
        if self.orders.desired == Desired::Old && self.way_back.is_some() {
            return self.revert(asked_for());
        }
        self.requested = self.pair_on(on).share();
        let gap = now.since(left.at);
        // Nobody knows when the earlier run's change was INSYNC, so a bake that had not begun begins from there.
        let phase = match (on, left.bake.filter(|_| !self.reverted)) {
            (None, _) => Phase::Preparing {
                until: self.prepared_at(left),
            },
            (Some(_), Some(_)) => Phase::Baking,
            (Some(_), None) => Phase::Propagating {
                id: None,
                since: now,
            },
        };
        let bake_from = match left.mark {
            _ if self.reverted => None,
            Mark::Baked => left.bake,
            _ if gap <= GAP_CREDITED => left.bake,
            _ => left.bake.map(|_| now),
        };
        let mut watch = Watch {
            on,
            exposed: on.map(|_| left.exposed),
            harm_from: left.exposed,
            bake_from,
            unseen: true,
            ..Watch::before_the_first(phase, now)
        };
        if on.is_some() {
            watch.due.insert(Chore::Measure, now);
        }
        if matches!(watch.phase, Phase::Propagating { .. }) {
            watch.due.insert(Chore::Poll, now);
        }
        let entry = self.next_entry(left.mark, watch.on, watch.exposed, watch.bake_from);
        if let Some(drift) = drift {
            self.tell(What::DriftReverted(drift));
        }
        let act = if self.reverted {
            Act::Move(self.pair_on(watch.on))
        } else if is_half {
            Act::Prepare { ttl_seconds: None }
        } else {
            Act::Renew
        };
        let change = Change {
            act,
            entry,
            expected: Some(live),
        };
        self.write(change, Then::TakenOver(Box::new(watch)));
    }

    /// When answers with the former TTL are gone, as far as it is known.
    fn prepared_at(&self, left: &Entry) -> crate::Timestamp {
        let wait = left
            .ttl_seconds
            .map_or(Duration::ZERO, |ttl| Duration::from_secs(u64::from(ttl)));
        self.now
            .max(left.at.after(wait).after(self.spec.policy.client_lag))
    }

    pub(super) fn preflighted(&mut self, live: &Live, fact: Fact) -> Result<(), IllegalFact> {
        match fact {
            Fact::Ready { problems, .. } if !errors_of(problems.clone()).is_empty() => {
                self.end(Outcome::Refused(errors_of(problems)));
            }
            Fact::Ready { .. } => self.prepare(live.clone()),
            Fact::Failed(failure) => {
                if !self.try_again(&failure) {
                    self.end(refused(
                        117,
                        &Path::new("router"),
                        format!("{}: {}", failure.action, failure.message),
                    ));
                }
            }
            fact => return Err(self.illegal(&fact)),
        }
        Ok(())
    }

    /// Takes the fence, makes the starting records and lowers the TTL, in one batch.
    fn prepare(&mut self, live: Live) {
        let watch = Watch::before_the_first(Phase::Preparing { until: self.now }, self.now);
        let entry = self.next_entry(Mark::Preparing, None, None, None);
        let ttl_seconds = self.plan.preparation.map(|change| change.to_seconds);
        let change = Change {
            act: Act::Prepare { ttl_seconds },
            entry,
            expected: Some(live),
        };
        self.write(change, Then::Prepared(Box::new(watch)));
    }

    /// The change of the TTL has to reach every server, and then the former TTL has to pass.
    pub(super) fn prepared(&mut self, mut watch: Watch, id: Option<String>) {
        if self.plan.preparation.is_none() {
            return self.go_on(watch);
        }
        watch.phase = Phase::Propagating {
            id,
            since: self.now,
        };
        watch.due.insert(Chore::Poll, self.now.after(POLL));
        self.go_on(watch);
    }

    /// The lower TTL is everywhere; answers with the former one are still kept.
    pub(super) fn wait_out_ttl(&mut self, mut watch: Watch) {
        let wait = self
            .plan
            .preparation
            .map(TtlChange::wait)
            .unwrap_or_default();
        watch.due.remove(&Chore::Poll);
        watch.phase = Phase::Preparing {
            until: self.now.after(wait),
        };
        self.go_on(watch);
    }
}
