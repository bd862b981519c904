//! Standing at a step, or before the first: chores, each at its time, and the phases between which they lead.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::compare::LOOKS;
use super::super::events::{Pause, What};
use super::super::facts::{Act, Change, Command, Live};
use super::super::gates::Gate;
use super::super::journal::Mark;
use super::super::render::render_duration;
use super::super::spec::{Mode, Step};
use super::status::{render_assessment, worst};
use super::write::Then;
use super::{Outcome, Shift, Stage};
use crate::machine::{Next, Why};
use crate::weights::Share;
use crate::{FailureClass, Timestamp};

/// How often a change is asked about: stated.
pub(super) const POLL: Duration = Duration::from_secs(5);

/// How often the router is read to see whether somebody else has changed it: stated.
pub(in crate::shift) const LOOK: Duration = Duration::from_mins(1);

/// The longest pause between two looks at the gates: stated.
const TICK: Duration = Duration::from_secs(30);

/// Returns how often gates are looked at: as often as the shortest of their periods ends, within limits.
pub(in crate::shift) fn tick_of(gates: &[Gate]) -> Duration {
    let shortest = gates.iter().map(|gate| gate.period).min();
    shortest.unwrap_or(TICK).clamp(Duration::from_secs(1), TICK)
}

/// Standing at a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Watch {
    /// The step whose weights are on; `None`: everything is on old.
    pub(super) on: Option<usize>,
    pub(super) phase: Phase,
    /// Since when new has had a share.
    pub(super) exposed: Option<Timestamp>,
    /// From when on harm counts: since new has had a share, or since a person said to go on.
    pub(super) harm_from: Timestamp,
    /// When the bake began.
    pub(super) bake_from: Option<Timestamp>,
    /// When each chore is due.
    pub(super) due: BTreeMap<Chore, Timestamp>,
    /// The chore in hand.
    pub(super) chore: Option<Chore>,
    /// The times that are being measured.
    pub(super) measuring: (Timestamp, Timestamp),
    /// Whether everything since `harm_from` must be looked at once, since nobody has watched.
    pub(super) unseen: bool,
    /// When each gate was last read.
    pub(super) fresh: BTreeMap<String, Timestamp>,
    pub(super) blind_told: bool,
    /// Gates whose breach has been told and has no effect.
    pub(super) told: BTreeSet<String>,
    /// How many looks of the comparisons are over.
    pub(super) looks: u32,
    /// What is remembered of the kill switch.
    pub(super) switch: Switch,
    /// Since when the router could not be read.
    pub(super) unread_since: Option<Timestamp>,
    /// How it could not be read, once that was told.
    pub(super) unreachable: Option<FailureClass>,
}

/// What is remembered of the kill switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Switch {
    /// It could not be read, or had no meaning, and that was told.
    pub(super) unclear: bool,
    /// It has stopped the shift, so that it lets it go on as well.
    pub(super) holds: bool,
}

/// What the watch is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    /// A change is on its way to the name servers.
    Propagating {
        id: Option<String>,
        since: Timestamp,
    },
    /// Everywhere; answers of before may still be kept.
    Settling { from: Timestamp, until: Timestamp },
    /// Being watched.
    Baking,
    /// Watched long enough and healthy; the split is looked at once more, then the router.
    Deciding { split_seen: bool },
    /// The former TTL has to pass.
    Preparing { until: Timestamp },
    /// The next step waits for its conditions.
    Entering {
        since: Timestamp,
        ready: bool,
        opened: u32,
        moving: bool,
    },
    /// It stops where it is.
    Paused {
        pause: Pause,
        until: Timestamp,
        then: Box<Phase>,
    },
}

/// Something to be done again and again. Of several that are due the first goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Chore {
    Control,
    Poll,
    Measure,
    Ready,
    EntryGates,
    Look,
    Split,
    Renew,
}

impl Watch {
    /// Stands before the first step.
    pub(super) fn before_the_first(phase: Phase, now: Timestamp) -> Self {
        Self {
            on: None,
            phase,
            exposed: None,
            harm_from: now,
            bake_from: None,
            due: BTreeMap::new(),
            chore: None,
            measuring: (now, now),
            unseen: false,
            fresh: BTreeMap::new(),
            blind_told: false,
            told: BTreeSet::new(),
            looks: 0,
            switch: Switch::default(),
            unread_since: None,
            unreachable: None,
        }
    }
}

impl Shift {
    pub(super) fn step_on(&self, watch: &Watch) -> Option<&Step> {
        watch.on.and_then(|step| self.spec.steps.get(step))
    }

    /// How often the gates of a step are looked at.
    pub(super) fn tick(&self, watch: &Watch) -> Duration {
        tick_of(self.step_on(watch).map_or(&[], |step| &step.gates))
    }

    /// Gives every chore that recurs at this step its first time, if it has none.
    fn schedule(&self, watch: &mut Watch) {
        let now = self.now;
        watch.due.entry(Chore::Look).or_insert(now.after(LOOK));
        watch
            .due
            .entry(Chore::Renew)
            .or_insert(now.after(self.spec.policy.heartbeat));
        if let Some(poll) = self.spec.policy.control_poll {
            watch.due.entry(Chore::Control).or_insert(now.after(poll));
        }
        if watch.on.is_some() {
            let tick = self.tick(watch);
            watch.due.entry(Chore::Measure).or_insert(now.after(tick));
        }
    }

    /// Goes on standing: takes the chore that is due, or waits.
    pub(super) fn go_on(&mut self, mut watch: Watch) {
        if let Some(reason) = self.held.take()
            && !matches!(watch.phase, Phase::Paused { .. })
        {
            return self.pause(watch, Pause::Held(reason));
        }
        let is_paused = matches!(watch.phase, Phase::Paused { .. });
        if self.orders.desired == super::Desired::Hold
            && watch.on.is_some()
            && !watch.unseen
            && !is_paused
        {
            return self.pause(watch, Pause::Held("the program asks for it".to_owned()));
        }
        let is_before_last = watch
            .on
            .is_some_and(|on| on.saturating_add(1) < self.plan.stages.len());
        let is_on_its_way = matches!(
            watch.phase,
            Phase::Propagating { .. }
                | Phase::Settling { .. }
                | Phase::Baking
                | Phase::Deciding { .. }
        );
        if self.orders.desired == super::Desired::New
            && is_before_last
            && is_on_its_way
            && !watch.unseen
        {
            return self.enter(watch);
        }
        match &watch.phase {
            Phase::Preparing { until } if *until <= self.now => return self.enter(watch),
            Phase::Paused { pause, until, .. } if *until <= self.now && watch.chore.is_none() => {
                let outcome = Outcome::Paused(pause.clone());
                return self.end(outcome);
            }
            _ => {}
        }
        self.schedule(&mut watch);
        if watch.chore.is_none() {
            watch.chore = watch
                .due
                .iter()
                .find(|(_, at)| **at <= self.now)
                .map(|(chore, _)| *chore);
            if watch.chore == Some(Chore::Measure) {
                watch.measuring = (self.measure_from(&watch), self.now);
            }
        }
        self.stage = Stage::Watching(Box::new(watch));
    }

    pub(super) fn next_of_watch<O>(&self, watch: &Watch) -> Next<Command, O> {
        let (from, until) = watch.measuring;
        let step = watch.on.unwrap_or(0);
        let next_step = self.next_step(watch.on);
        match watch.chore {
            Some(Chore::Control) => Next::Do(Command::FetchControl),
            Some(Chore::Poll) => Next::Do(match &watch.phase {
                Phase::Propagating { id: Some(id), .. } => Command::FetchChange { id: id.clone() },
                _ => Command::SampleAnswers {
                    pair: self.pair_on(watch.on),
                },
            }),
            Some(Chore::Measure) => Next::Do(Command::Measure { step, from, until }),
            Some(Chore::Ready) => Next::Do(Command::FetchReadiness { step: next_step }),
            Some(Chore::EntryGates) => Next::Do(Command::FetchEntryGates { step: next_step }),
            // A renewal begins with a look, so that it builds on what is there.
            Some(Chore::Look | Chore::Renew) => Next::Do(Command::FetchLive),
            Some(Chore::Split) => Next::Do(Command::FetchSplit {
                from: self.split_from(watch),
                until: self.now,
            }),
            None => Next::WaitUntil {
                at: self.next_time(watch),
                why: self.why(watch),
            },
        }
    }

    /// Only requests since the former answers have run out show where they go now.
    fn split_from(&self, watch: &Watch) -> Timestamp {
        match &watch.phase {
            Phase::Settling { from, .. } => from.after(self.spec.router.answer_ttl()),
            _ => watch.bake_from.unwrap_or(watch.harm_from),
        }
    }

    pub(super) fn settle_of(&self, watch: &Watch) -> Duration {
        watch
            .on
            .and_then(|step| self.stage_of(step))
            .map(|stage| stage.settle)
            .unwrap_or_default()
    }

    fn next_time(&self, watch: &Watch) -> Timestamp {
        let of_phase = match &watch.phase {
            Phase::Preparing { until } | Phase::Paused { until, .. } => Some(*until),
            Phase::Propagating { .. }
            | Phase::Settling { .. }
            | Phase::Baking
            | Phase::Deciding { .. }
            | Phase::Entering { .. } => None,
        };
        watch
            .due
            .values()
            .copied()
            .chain(of_phase)
            .min()
            .unwrap_or_else(|| self.now.after(LOOK))
    }

    fn why(&self, watch: &Watch) -> Why {
        let share = self.pair_on(watch.on).share();
        let (phase, text) = match &watch.phase {
            Phase::Propagating { .. } => (
                "propagating",
                format!("waiting until {share} on new is INSYNC"),
            ),
            Phase::Settling { .. } => (
                "settling",
                format!("waiting until former answers are gone, {share} on new"),
            ),
            Phase::Baking => ("baking", self.why_bakes(watch, share)),
            Phase::Deciding { .. } => ("deciding", format!("deciding about {share} on new")),
            Phase::Preparing { .. } => (
                "preparing",
                "waiting until answers with the former TTL are gone".to_owned(),
            ),
            Phase::Entering { .. } => ("entering", format!("waiting to go on, {share} on new")),
            Phase::Paused { pause, .. } => ("paused", format!("{pause}, {share} on new")),
        };
        Why { phase, text }
    }

    /// Says where a bake is: `step 2 of 4, 50 % on new, 12 min left, worst gate errorRate 1.2 % of 5 %`.
    fn why_bakes(&self, watch: &Watch, share: Share) -> String {
        let mut parts = Vec::new();
        if let Some(step) = watch.on {
            let (number, steps) = (step.saturating_add(1), self.plan.stages.len());
            parts.push(format!("step {number} of {steps}"));
        }
        parts.push(format!("{share} on new"));
        let bake = self.step_on(watch).map(|step| step.bake);
        if let (Some(from), Some(bake)) = (watch.bake_from, bake) {
            let left = from.after(bake).since(self.now);
            parts.push(if left.is_zero() {
                "extended".to_owned()
            } else {
                format!("{} left", render_duration(left))
            });
        }
        if let Some(worst) = worst(&self.assessments) {
            parts.push(format!("worst gate {}", render_assessment(worst)));
        }
        parts.join(", ")
    }

    /// Follows a change to the name servers.
    pub(super) fn propagate(&mut self, from: Watch, step: usize, id: Option<String>) {
        let now = self.now;
        let phase = Phase::Propagating { id, since: now };
        let fresh = self.spec.steps.get(step).map(|step| {
            step.gates
                .iter()
                .map(|gate| (gate.name.clone(), now))
                .collect()
        });
        let mut watch = Watch {
            on: Some(step),
            exposed: Some(from.exposed.unwrap_or(now)),
            harm_from: if from.on.is_some() {
                from.harm_from
            } else {
                now
            },
            fresh: fresh.unwrap_or_default(),
            switch: from.switch,
            ..Watch::before_the_first(phase, now)
        };
        // Chores of the step before keep their times, so that entering steps quickly starves none of them.
        watch.due = from.due;
        for chore in [Chore::Ready, Chore::EntryGates, Chore::Split] {
            watch.due.remove(&chore);
        }
        watch.due.insert(Chore::Poll, now.after(POLL));
        self.go_on(watch);
    }

    pub(super) fn settle(&mut self, mut watch: Watch) {
        let until = self.now.after(self.settle_of(&watch));
        watch.phase = Phase::Settling {
            from: self.now,
            until,
        };
        watch.due.remove(&Chore::Poll);
        watch.due.insert(Chore::Split, until);
        self.go_on(watch);
    }

    /// Begins a bake: its whole time is still to come.
    pub(super) fn bake(&mut self, mut watch: Watch, observed: Option<Share>) {
        let Some(step) = watch.on else {
            return self.enter(watch);
        };
        self.tell(What::BakeBegan { step, observed });
        watch.phase = Phase::Baking;
        watch.bake_from = Some(self.now);
        watch.looks = 0;
        watch.due.remove(&Chore::Split);
        let tick = self.tick(&watch);
        watch.due.insert(Chore::Measure, self.now.after(tick));
        self.go_on(watch);
    }

    /// The comparisons' look that is due, if one is.
    pub(super) fn look_due(&self, watch: &Watch) -> Option<u32> {
        let (bake, from) = (self.step_on(watch)?.bake, watch.bake_from?);
        if self.spec.compare.is_empty() || watch.phase != Phase::Baking {
            return None;
        }
        let due = |look: u32| {
            bake.checked_div(LOOKS)
                .map(|part| from.after(part.saturating_mul(look)))
        };
        (1..=LOOKS)
            .rev()
            .find(|look| *look > watch.looks && due(*look).is_some_and(|at| at <= self.now))
    }

    /// Everything has held: what was watched is over.
    pub(super) fn baked(&mut self, watch: Watch, live: Live) {
        let Some(step) = watch.on else {
            return self.enter(watch);
        };
        self.tell(What::Baked { step });
        if self.spec.policy.commit_after == Some(step) && self.way_back.take().is_some() {
            self.tell(What::Committed);
        }
        let is_last = step.checked_add(1) == Some(self.spec.steps.len());
        let mark = if is_last {
            Mark::Completed
        } else {
            Mark::Baked
        };
        let entry = self.next_entry(mark, Some(step), watch.exposed, watch.bake_from);
        if is_last {
            self.tell(What::Completed);
            let ttl_seconds = self.entry.as_ref().and_then(|entry| entry.ttl_seconds);
            let act = Act::Finish {
                ttl_seconds,
                remove_new: false,
            };
            self.write(
                Change {
                    act,
                    entry,
                    expected: Some(live),
                },
                Then::Finished(Outcome::Completed),
            );
        } else {
            self.write(
                Change {
                    act: Act::Renew,
                    entry,
                    expected: Some(live),
                },
                Then::Baked(Box::new(watch)),
            );
        }
    }

    /// Tells whether this run is to stop before the next step.
    pub(super) fn has_done_its_step(&self) -> bool {
        self.spec.policy.mode == Mode::Staged && self.entered > 0
    }

    /// Renews the entry, and with it the fence.
    pub(super) fn renew(&mut self, watch: Watch, live: Live) {
        let mark = self
            .entry
            .as_ref()
            .map_or(Mark::Preparing, |entry| entry.mark);
        let entry = self.next_entry(mark, watch.on, watch.exposed, watch.bake_from);
        self.write(
            Change {
                act: Act::Renew,
                entry,
                expected: Some(live),
            },
            Then::Renewed(Box::new(watch)),
        );
    }
}
