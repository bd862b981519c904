//! What will be done, and when at the earliest.

use std::time::Duration;

use super::machine::Desired;
use super::spec::{Mode, Router, Spec};
use crate::weights::{Share, WeightPair};

/// How long a change usually takes until every name server answers with it. Source: Route 53 API,
/// `ChangeResourceRecordSets`: generally within 60 seconds.
pub const INSYNC_EXPECTED: Duration = Duration::from_mins(1);

/// What will be done: the very plan that is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The TTL to be lowered first.
    pub preparation: Option<TtlChange>,
    /// The steps, in order.
    pub stages: Vec<Stage>,
    /// The last step, counted from 0, from which there is a way back.
    pub commit_after: Option<usize>,
}

/// A TTL that is lowered before the first step and restored after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TtlChange {
    /// What it is, in seconds: so long are answers still kept after the change.
    pub from_seconds: u32,
    /// What it becomes, in seconds.
    pub to_seconds: u32,
}

/// One step with its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its place, counted from 0.
    pub index: usize,
    /// What it is for.
    pub name: Option<String>,
    /// Share of the new side.
    pub share: Share,
    /// The weights.
    pub pair: WeightPair,
    /// Whether a person must approve first.
    pub pause: bool,
    /// Conditions that must hold first.
    pub entry_gates: Vec<String>,
    /// From INSYNC until everybody who follows the rules has asked again: the TTL and the lag of clients.
    pub settle: Duration,
    /// How long it is watched after that.
    pub bake: Duration,
    /// The gates that watch it.
    pub gates: Vec<String>,
    /// How long it may take in all, before the shift stops or goes back; waiting for people not counted.
    pub longest: Duration,
}

/// A moment of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// How long after the beginning, at the earliest.
    pub at: Duration,
    /// What happens.
    pub what: Happening,
}

/// What happens at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The TTL is lowered.
    TtlLowered(TtlChange),
    /// A person is asked; the timeline goes on as if the answer came at once.
    Approval(usize),
    /// Weights are written.
    Shift(usize),
    /// Weights have taken effect everywhere; watching begins.
    BakeBegins(usize),
    /// Watching ends.
    BakeEnds(usize),
    /// From here on there is no way back by itself.
    PointOfNoReturn(usize),
    /// Everything is done; the TTL is restored.
    Completed,
}

/// Plans a shift. `ttl_found_seconds` is the TTL of the records as they are; `None` when there are none yet or it is
/// not known.
pub fn plan(spec: &Spec, ttl_found_seconds: Option<u32>) -> Plan {
    let settle = spec
        .router
        .answer_ttl()
        .saturating_add(spec.policy.client_lag);
    let stages = spec.steps.iter().enumerate().map(|(index, step)| {
        let extend = spec.policy.extend_max.unwrap_or(step.bake);
        let longest = [
            spec.policy.gate_timeout,
            spec.policy.insync_timeout,
            settle,
            settle,
            step.bake,
            extend,
        ];
        Stage {
            index,
            name: step.name.clone(),
            share: step.share,
            pair: step.pair,
            pause: step.pause,
            entry_gates: step.entry_gates.clone(),
            settle,
            bake: step.bake,
            gates: step.gates.iter().map(|gate| gate.name.clone()).collect(),
            longest: longest
                .into_iter()
                .fold(Duration::ZERO, Duration::saturating_add),
        }
    });
    let preparation = match (&spec.router, ttl_found_seconds) {
        (
            Router::Route53 {
                ttl_seconds,
                ttl_settable: true,
                ..
            },
            Some(found),
        ) if found > *ttl_seconds => Some(TtlChange {
            from_seconds: found,
            to_seconds: *ttl_seconds,
        }),
        (Router::Route53 { .. } | Router::Alb { .. }, _) => None,
    };
    Plan {
        preparation,
        stages: stages.collect(),
        commit_after: spec.policy.commit_after,
    }
}

impl TtlChange {
    /// Returns how long answers with the former TTL are kept once the change is INSYNC.
    pub fn wait(self) -> Duration {
        Duration::from_secs(u64::from(self.from_seconds))
    }
}

impl Plan {
    /// Returns what happens when, at the earliest. Changes are expected to be INSYNC after [`INSYNC_EXPECTED`] and
    /// people to answer at once.
    pub fn timeline(&self) -> Vec<Moment> {
        let mut moments = Vec::new();
        let mut at = Duration::ZERO;
        let mut push = |at: Duration, what: Happening| moments.push(Moment { at, what });
        if let Some(change) = self.preparation {
            push(at, Happening::TtlLowered(change));
            at = at
                .saturating_add(INSYNC_EXPECTED)
                .saturating_add(change.wait());
        }
        for stage in &self.stages {
            if stage.pause {
                push(at, Happening::Approval(stage.index));
            }
            push(at, Happening::Shift(stage.index));
            at = at
                .saturating_add(INSYNC_EXPECTED)
                .saturating_add(stage.settle);
            push(at, Happening::BakeBegins(stage.index));
            at = at.saturating_add(stage.bake);
            push(at, Happening::BakeEnds(stage.index));
            if self.commit_after == Some(stage.index) {
                push(at, Happening::PointOfNoReturn(stage.index));
            }
        }
        push(at, Happening::Completed);
        moments
    }

    /// Returns how long everything takes at least.
    pub fn duration_min(&self) -> Duration {
        self.timeline()
            .last()
            .map(|moment| moment.at)
            .unwrap_or_default()
    }

    /// Returns how long one run takes at least when so many steps are on or done already: all that are left, or the next
    /// one where each run takes one. Nothing at all where nothing is to be raised.
    pub fn left_min(&self, done: usize, mode: Mode, desired: Desired) -> Duration {
        let mut times = self.stages.iter().map(|stage| {
            INSYNC_EXPECTED
                .saturating_add(stage.settle)
                .saturating_add(stage.bake)
        });
        match (desired, mode) {
            // Going back must not fail over the time that going on would take.
            (Desired::Old | Desired::Hold, _) => Duration::ZERO,
            (Desired::New, _) => times
                .next_back()
                .filter(|_| done < self.stages.len())
                .unwrap_or_default(),
            (Desired::Shift, Mode::Auto) => times
                .skip(done)
                .fold(Duration::ZERO, Duration::saturating_add),
            (Desired::Shift, Mode::Staged) => times.nth(done).unwrap_or_default(),
        }
    }

    /// Returns how long everything takes at most; waiting for people not counted.
    pub fn duration_max(&self) -> Duration {
        let preparation = self.preparation.map(TtlChange::wait).unwrap_or_default();
        self.stages
            .iter()
            .map(|stage| stage.longest)
            .fold(preparation, Duration::saturating_add)
    }

    /// Returns a number that changes when one of the first `steps` steps does: what was executed must not be edited.
    /// What comes after does not count.
    pub fn fingerprint(&self, steps: usize) -> u64 {
        // FNV-1a: short, stable for ever, and only meant to notice edits.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for stage in self.stages.iter().take(steps) {
            eat(&stage.share.basis_points().to_be_bytes());
            eat(&stage.bake.as_millis().to_be_bytes());
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::super::gates::{Gate, GateKind, Limit, payment_gates};
    use super::super::given::{RUNBOOK, a_spec, with_steps};
    use super::*;

    fn minutes_of_bakes(spec: &Spec) -> Vec<(String, u64, u64)> {
        let timeline = plan(spec, None).timeline();
        let at = |what: Happening| {
            timeline
                .iter()
                .find(|moment| moment.what == what)
                .unwrap()
                .at
                .as_secs()
                / 60
        };
        let stages = plan(spec, None).stages;
        let row = |stage: &Stage| {
            (
                stage.pair.to_string(),
                at(Happening::BakeBegins(stage.index)),
                at(Happening::BakeEnds(stage.index)),
            )
        };
        stages.iter().map(row).collect()
    }

    #[test]
    fn the_first_runbook_takes_three_hours_and_twelve_minutes_with_half_an_hour_of_soak() {
        let spec = with_steps(&RUNBOOK, payment_gates());

        assert_eq!(plan(&spec, None).duration_min(), Duration::from_mins(192));
        assert_eq!(
            minutes_of_bakes(&spec),
            [
                ("90/10", 3, 33),
                ("50/50", 36, 96),
                ("10/90", 99, 159),
                ("0/100", 162, 192)
            ]
            .map(|(pair, from, to)| (pair.to_owned(), from, to))
        );
    }

    #[test]
    fn the_first_runbook_watches_everything_on_new_for_a_day() {
        let spec = a_spec(|wish| wish.soak = Duration::from_hours(24));

        assert_eq!(
            minutes_of_bakes(&spec).last().unwrap(),
            &("0/100".to_owned(), 162, 162 + 24 * 60)
        );
    }

    #[test]
    fn the_second_runbook_goes_by_5_25_and_50_percent() {
        let steps = [
            (5.0, Some(10)),
            (25.0, Some(15)),
            (50.0, Some(20)),
            (100.0, None),
        ];
        let spec = with_steps(
            &steps,
            vec![Gate::new(
                "paymentFailures",
                GateKind::Ratio,
                Limit::Max(0.02),
            )],
        );

        assert_eq!(
            minutes_of_bakes(&spec),
            [
                ("95/5", 3, 13),
                ("75/25", 16, 31),
                ("50/50", 34, 54),
                ("0/100", 57, 87)
            ]
            .map(|(pair, from, to)| (pair.to_owned(), from, to))
        );
    }

    /// F33
    #[test]
    fn a_high_ttl_is_lowered_and_waited_out_first() {
        let spec = a_spec(|_| ());

        let plan = plan(&spec, Some(300));

        assert_eq!(
            plan.preparation,
            Some(TtlChange {
                from_seconds: 300,
                to_seconds: 60
            })
        );
        assert_eq!(
            plan.timeline()[1].at,
            Duration::from_mins(6),
            "the first shift waits for the former TTL"
        );
        assert_eq!(super::plan(&spec, Some(60)).preparation, None);
        assert_eq!(super::plan(&spec, Some(30)).preparation, None);
    }

    /// F71
    #[test]
    fn a_fingerprint_covers_what_was_executed_and_nothing_after() {
        let fingerprint = |last: u64, executed| {
            let steps = [(10.0, Some(30)), (50.0, Some(last)), (100.0, None)];
            plan(&with_steps(&steps, payment_gates()), None).fingerprint(executed)
        };

        assert_eq!(fingerprint(60, 1), fingerprint(90, 1));
        assert_ne!(fingerprint(60, 2), fingerprint(90, 2));
    }

    #[test]
    fn what_is_left_is_what_one_run_has_yet_to_do() {
        let plan = plan(&with_steps(&RUNBOOK, payment_gates()), None);
        let minutes = |done, mode, desired| plan.left_min(done, mode, desired).as_secs() / 60;

        assert_eq!(minutes(0, Mode::Auto, Desired::Shift), 192);
        assert_eq!(minutes(2, Mode::Auto, Desired::Shift), 96);
        assert_eq!(minutes(0, Mode::Staged, Desired::Shift), 33);
        assert_eq!(minutes(3, Mode::Staged, Desired::Shift), 33);
        assert_eq!(minutes(4, Mode::Auto, Desired::Shift), 0);
        assert_eq!(minutes(1, Mode::Auto, Desired::New), 33);
        for wish in [Desired::Old, Desired::Hold] {
            assert_eq!(minutes(1, Mode::Auto, wish), 0, "{wish:?}");
        }
    }

    #[test]
    fn the_longest_time_includes_every_limit() {
        let plan = plan(&with_steps(&[(100.0, None)], payment_gates()), None);

        // Gates 30, INSYNC 5, twice settling 2, the soak and as much again.
        assert_eq!(plan.duration_max(), Duration::from_mins(30 + 5 + 4 + 60));
    }
}
