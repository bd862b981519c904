//! What the gates and comparisons lead to.

use std::time::Duration;

use super::super::assess::{Assessment, Breach, Frame, Verdict, assess, undecided, unjudged};
use super::super::compare::{Judgement, LOOKS, compare};
use super::super::events::{Cause, Pause, What};
use super::super::gates::{Gate, Readings, Severity, WIDEN_MAX};
use super::Shift;
use super::watch::{Chore, Phase, Watch};
use crate::{Failure, Timestamp};

/// Without measurements for so long, people are told: stated.
const BLIND_TOLD: Duration = Duration::from_mins(3);

/// How much further back than a gate needs each tick looks, since values still change: ours.
const LOOK_BACK: Duration = Duration::from_mins(10);

impl Shift {
    /// Returns from when on is measured: everything where a bake is decided or nobody has watched, and otherwise as
    /// much as any gate needs.
    pub(super) fn measure_from(&self, watch: &Watch) -> Timestamp {
        let is_deciding = watch.phase == Phase::Baking
            && (self.bake_is_over(watch, Duration::ZERO) || self.look_due(watch).is_some());
        if watch.unseen || is_deciding {
            return watch
                .bake_from
                .unwrap_or(watch.harm_from)
                .min(watch.harm_from);
        }
        let gates = self
            .step_on(watch)
            .map(|step| step.gates.as_slice())
            .unwrap_or_default();
        let needed = gates
            .iter()
            .map(Gate::reaction)
            .max()
            .unwrap_or_default()
            .saturating_add(WIDEN_MAX)
            .saturating_add(LOOK_BACK);
        self.now.before(needed).max(watch.harm_from)
    }

    /// The next look at the gates; one falls on the end of the bake.
    fn next_tick(&self, watch: &Watch, tick: Duration) -> Timestamp {
        let next = self.now.after(tick);
        let bake = self
            .step_on(watch)
            .map(|step| step.bake)
            .unwrap_or_default();
        let end = watch
            .bake_from
            .map(|from| from.after(bake))
            .filter(|end| *end > self.now);
        end.map_or(next, |end| end.min(next))
    }

    fn bake_is_over(&self, watch: &Watch, uncredited: Duration) -> bool {
        let bake = self
            .step_on(watch)
            .map(|step| step.bake)
            .unwrap_or_default();
        watch
            .bake_from
            .is_some_and(|from| self.now >= from.after(bake.saturating_add(uncredited)))
    }

    /// A call that failed as a whole: every gate is blind.
    pub(super) fn not_measured(&mut self, watch: Watch, failure: &Failure) {
        if failure.class == crate::FailureClass::Throttled {
            self.throttled = self.throttled.saturating_add(1);
        }
        self.measured(watch, &Readings::default());
    }

    pub(super) fn measured(&mut self, mut watch: Watch, readings: &Readings) {
        let tick = self.tick(&watch);
        watch
            .due
            .insert(Chore::Measure, self.next_tick(&watch, tick));
        let Some(step) = self.step_on(&watch).cloned() else {
            return self.go_on(watch);
        };
        let (from, until) = watch.measuring;
        // While nothing bakes no period counts as health.
        let bakes = matches!(watch.phase, Phase::Baking | Phase::Deciding { .. });
        let bake_from = watch
            .bake_from
            .filter(|_| bakes)
            .unwrap_or(Timestamp::from_unix_millis(i64::MAX));
        let frame = Frame {
            harm_from: from.max(watch.harm_from),
            bake_from,
            now: until,
        };
        let assessments = assess(&step.gates, readings, frame);
        self.assessments.clone_from(&assessments);
        let is_unseen = std::mem::take(&mut watch.unseen);
        if let Some(watch) = self.after_breaches(watch, &assessments)
            && let Some(watch) = self.after_blindness(watch, &assessments, is_unseen)
        {
            self.after_health(watch, &assessments, readings);
        }
    }

    /// Acts on what is broken; gives the watch back when it goes on.
    fn after_breaches(&mut self, mut watch: Watch, assessments: &[Assessment]) -> Option<Watch> {
        let mut breaches: Vec<(&Assessment, &Breach)> = assessments
            .iter()
            .filter_map(|assessment| match &assessment.verdict {
                Verdict::Breached(breach) => Some((assessment, breach)),
                Verdict::Healthy | Verdict::Inconclusive(_) | Verdict::Blind(_) => None,
            })
            .collect();
        // The gravest decides; the others are told.
        breaches.sort_by_key(|(assessment, _)| std::cmp::Reverse(assessment.severity));
        for (assessment, breach) in breaches {
            let gate = assessment.gate.clone();
            let is_shared = breach.shared && !breach.worse_than_old;
            match assessment.severity {
                Severity::Critical
                    if is_shared && self.spec.policy.rollback.hold_on_shared_fault =>
                {
                    return self.pause_unless_paused(watch, Pause::SharedFault(gate));
                }
                Severity::Critical => {
                    self.revert_from(
                        watch,
                        Cause::Gate {
                            gate,
                            value: breach.value,
                            limit: assessment.limit,
                            in_percent: assessment.in_percent,
                            since: breach.since,
                            samples: breach.samples,
                            shared: is_shared,
                        },
                    );
                    return None;
                }
                Severity::Hold => return self.pause_unless_paused(watch, Pause::GateBroken(gate)),
                Severity::Warn | Severity::DryRun => {
                    if watch.told.insert(gate.clone()) {
                        self.tell(What::GateBroken { gate });
                    }
                }
            }
        }
        Some(watch)
    }

    fn pause_unless_paused(&mut self, watch: Watch, pause: Pause) -> Option<Watch> {
        if matches!(watch.phase, Phase::Paused { .. }) {
            return Some(watch);
        }
        self.pause(watch, pause);
        None
    }

    /// Acts on what cannot be seen. Each gate's blindness counts alone, from when it was last read.
    fn after_blindness(
        &mut self,
        mut watch: Watch,
        assessments: &[Assessment],
        is_unseen: bool,
    ) -> Option<Watch> {
        let (mut blind, mut blind_critical) = (Duration::ZERO, Duration::ZERO);
        for assessment in assessments {
            let fresh = watch
                .fresh
                .entry(assessment.gate.clone())
                .or_insert(self.now);
            if !matches!(assessment.verdict, Verdict::Blind(_)) {
                *fresh = self.now;
                continue;
            }
            let since = self.now.since(*fresh);
            match assessment.severity {
                Severity::Critical => {
                    (blind, blind_critical) = (blind.max(since), blind_critical.max(since));
                }
                Severity::Hold => blind = blind.max(since),
                Severity::Warn | Severity::DryRun => {}
            }
        }
        // A gap that nobody has looked into stays one until everything could be read.
        let is_lacking = |assessment: &Assessment| {
            assessment.severity >= Severity::Hold && matches!(assessment.verdict, Verdict::Blind(_))
        };
        watch.unseen = is_unseen && assessments.iter().any(is_lacking);
        if blind >= BLIND_TOLD && !watch.blind_told {
            self.tell(What::Blind(blind));
        }
        watch.blind_told = blind >= BLIND_TOLD;
        let limit = self.spec.policy.rollback.blind_max;
        if blind_critical >= limit {
            self.revert_from(watch, Cause::Blind);
            return None;
        }
        if blind >= limit {
            self.pause_unless_paused(watch, Pause::Blind)
        } else {
            Some(watch)
        }
    }

    /// Compares, and decides when the bake is over. What could not be judged is not credited: the bake takes longer by
    /// as much, up to its limit.
    fn after_health(&mut self, mut watch: Watch, assessments: &[Assessment], readings: &Readings) {
        let look = self.look_due(&watch);
        let mut unclear: Vec<String> = Vec::new();
        if let (Some(look), Some(from)) = (look, watch.bake_from) {
            watch.looks = look;
            for comparison in self.spec.compare.clone() {
                let compared = compare(
                    &comparison,
                    readings,
                    from,
                    watch.measuring.1,
                    look,
                    self.spec.policy.design_effect,
                );
                let (name, figures) = (compared.name.clone(), compared.figures);
                self.tell(What::Compared { name, figures });
                match (compared.judgement, compared.severity) {
                    (Judgement::Fail, Severity::Critical) => {
                        return self.revert_from(watch, Cause::Comparison(compared.name));
                    }
                    (Judgement::Fail, Severity::Hold) => {
                        return self.pause(watch, Pause::GateBroken(compared.name));
                    }
                    (Judgement::Inconclusive, Severity::Critical | Severity::Hold)
                        if look == LOOKS =>
                    {
                        unclear.push(compared.name);
                    }
                    (Judgement::Pass | Judgement::Inconclusive | Judgement::Fail, _) => {}
                }
            }
        }
        if !unclear.is_empty() {
            // All that may be spent on looks is spent; to look again would be to look for what one wishes.
            return self.pause(watch, Pause::Inconclusive(unclear));
        }
        if watch.phase != Phase::Baking
            || !self.bake_is_over(&watch, Duration::ZERO)
            || watch.unseen
        {
            return self.go_on(watch);
        }
        let undecided = undecided(assessments);
        if undecided.is_empty() && self.bake_is_over(&watch, unjudged(assessments)) {
            watch.phase = Phase::Deciding { split_seen: false };
            watch.due.insert(Chore::Split, self.now);
            return self.go_on(watch);
        }
        let bake = self
            .step_on(&watch)
            .map(|step| step.bake)
            .unwrap_or_default();
        if self.bake_is_over(&watch, self.spec.policy.extend_max.unwrap_or(bake)) {
            let lacking = |assessment: &&Assessment| {
                assessment.severity >= Severity::Hold && assessment.unjudged > Duration::ZERO
            };
            let mut names: Vec<String> = undecided.into_iter().map(str::to_owned).collect();
            if names.is_empty() {
                names = assessments
                    .iter()
                    .filter(lacking)
                    .map(|assessment| assessment.gate.clone())
                    .collect();
            }
            return self.pause(watch, Pause::Inconclusive(names));
        }
        self.go_on(watch);
    }
}
