//! Looks at a plan with other eyes than those that made it.
//!
//! Everything is computed again from the wish, and nothing of the planner is used but the shape of its result.

use std::fmt;
use std::time::Duration;

use super::plan::{Happening, Moment, Plan, Stage};
use super::spec::{Router, Spec, Step};

/// Something about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Worth a second thought.
    Warning,
    /// Such a plan is not carried out.
    Fatal,
}

/// Where a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Before the first step.
    Preparation,
    /// A step, counted from 0.
    Step(usize),
    /// The order of moments.
    Timeline,
    /// All of it.
    Plan,
}

/// What a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Not the steps that were wished for.
    OtherSteps,
    /// Nobody would answer, or everybody alike.
    BothZero,
    /// The weights stand for another share.
    OtherShare,
    /// The share does not rise.
    NotRising,
    /// The end is not everything on new.
    NotEverything,
    /// A bake begins while answers of the step before may still be kept.
    SettlesTooShort,
    /// A bake is shorter than wished for.
    BakesTooShort,
    /// A person's approval or a condition is left out.
    GuardLeftOut,
    /// A gate is left out.
    GateLeftOut,
    /// The TTL is raised, or to another value than wished for.
    OtherTtl,
    /// Moments are out of order, or a step is not among them as it should.
    OutOfOrder,
    /// The share at least trebles and grows by forty points or more at once.
    Leap,
    /// Nothing watches a step.
    Unwatched,
    /// There is no way back, and nobody has decided so.
    CommitsElsewhere,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Fatal => "fatal",
        };
        match self.place {
            Place::Preparation => write!(f, "{severity}: preparation: ")?,
            Place::Step(index) => write!(f, "{severity}: step {}: ", index.saturating_add(1))?,
            Place::Timeline => write!(f, "{severity}: timeline: ")?,
            Place::Plan => write!(f, "{severity}: plan: ")?,
        }
        f.write_str(match self.kind {
            Kind::OtherSteps => "not the steps that were asked for",
            Kind::BothZero => "both weights are 0",
            Kind::OtherShare => "the weights stand for another share",
            Kind::NotRising => "the share does not rise",
            Kind::NotEverything => "the end is not everything on new",
            Kind::SettlesTooShort => "the bake begins while former answers may still be kept",
            Kind::BakesTooShort => "the bake is shorter than asked for",
            Kind::GuardLeftOut => "an approval or a condition is left out",
            Kind::GateLeftOut => "a gate is left out",
            Kind::OtherTtl => "the TTL becomes another than asked for",
            Kind::OutOfOrder => "moments are out of order",
            Kind::Leap => "the share grows by a lot at once",
            Kind::Unwatched => "no gate watches",
            Kind::CommitsElsewhere => "the point of no return is not where it was put",
        })
    }
}

/// Lints a plan against what was wished for. Findings come in the order of the plan.
pub fn lint(plan: &Plan, spec: &Spec) -> Vec<Finding> {
    let mut findings = Vec::new();
    lint_preparation(plan, spec, &mut findings);
    if plan.stages.len() != spec.steps.len() || plan.stages.is_empty() {
        findings.push(Finding {
            severity: Severity::Fatal,
            place: Place::Plan,
            kind: Kind::OtherSteps,
        });
    }
    let mut before = 0.0;
    for (place, (stage, step)) in plan.stages.iter().zip(&spec.steps).enumerate() {
        lint_stage(place, stage, step, spec, before, &mut findings);
        before = percent(stage);
    }
    let last = plan.stages.last();
    if last.is_none_or(|stage| stage.pair.old().get() != 0 || stage.pair.new_side().get() == 0) {
        findings.push(Finding {
            severity: Severity::Fatal,
            place: Place::Plan,
            kind: Kind::NotEverything,
        });
    }
    if plan.commit_after != spec.policy.commit_after {
        findings.push(Finding {
            severity: Severity::Fatal,
            place: Place::Plan,
            kind: Kind::CommitsElsewhere,
        });
    }
    if !is_in_order(&plan.timeline(), spec) {
        findings.push(Finding {
            severity: Severity::Fatal,
            place: Place::Timeline,
            kind: Kind::OutOfOrder,
        });
    }
    findings
}

/// Tells whether a plan may be carried out.
pub fn is_sound(findings: &[Finding]) -> bool {
    findings
        .iter()
        .all(|finding| finding.severity < Severity::Fatal)
}

fn lint_preparation(plan: &Plan, spec: &Spec, findings: &mut Vec<Finding>) {
    let Some(change) = plan.preparation else {
        return;
    };
    let wished = match &spec.router {
        Router::Route53 {
            ttl_seconds,
            ttl_settable: true,
            ..
        } => Some(*ttl_seconds),
        Router::Route53 { .. } | Router::Alb { .. } => None,
    };
    if wished != Some(change.to_seconds) || change.to_seconds >= change.from_seconds {
        findings.push(Finding {
            severity: Severity::Fatal,
            place: Place::Preparation,
            kind: Kind::OtherTtl,
        });
    }
}

/// Percent of traffic on new at a stage's weights, by its own arithmetic.
fn percent(stage: &Stage) -> f64 {
    let (old, new) = (
        f64::from(stage.pair.old().get()),
        f64::from(stage.pair.new_side().get()),
    );
    100.0 * new / (old + new)
}

fn lint_stage(
    place: usize,
    stage: &Stage,
    step: &Step,
    spec: &Spec,
    before: f64,
    findings: &mut Vec<Finding>,
) {
    let mut find = |severity, kind| {
        findings.push(Finding {
            severity,
            place: Place::Step(place),
            kind,
        });
    };
    let share = percent(stage);
    if stage.index != place {
        find(Severity::Fatal, Kind::OtherSteps);
    }
    if !share.is_finite() {
        find(Severity::Fatal, Kind::BothZero);
    }
    if (share - f64::from(step.share.basis_points()) / 100.0).abs() > 0.25 + 1e-9
        || stage.share != step.share
    {
        find(Severity::Fatal, Kind::OtherShare);
    }
    if share <= before {
        find(Severity::Fatal, Kind::NotRising);
    }
    let ttl = match &spec.router {
        Router::Route53 { ttl_seconds, .. } => Duration::from_secs(u64::from(*ttl_seconds)),
        Router::Alb { .. } => Duration::ZERO,
    };
    if stage.settle < ttl.saturating_add(spec.policy.client_lag) {
        find(Severity::Fatal, Kind::SettlesTooShort);
    }
    if stage.bake < step.bake {
        find(Severity::Fatal, Kind::BakesTooShort);
    }
    if stage.pause != step.pause || stage.entry_gates != step.entry_gates {
        find(Severity::Fatal, Kind::GuardLeftOut);
    }
    if step
        .gates
        .iter()
        .any(|gate| !stage.gates.contains(&gate.name))
    {
        find(Severity::Fatal, Kind::GateLeftOut);
    }
    if stage.gates.is_empty() {
        find(Severity::Warning, Kind::Unwatched);
    }
    if share - before >= 40.0 && share >= before * 3.0 {
        find(Severity::Note, Kind::Leap);
    }
}

/// Tells whether every step is shifted, baked long enough after it has settled, and left, one after the other.
fn is_in_order(moments: &[Moment], spec: &Spec) -> bool {
    let at = |wanted: Happening| {
        let mut found = moments
            .iter()
            .filter(|moment| moment.what == wanted)
            .map(|moment| moment.at);
        // Each happens exactly once.
        found.next().filter(|_| found.next().is_none())
    };
    let rising = moments
        .windows(2)
        .all(|pair| matches!(pair, [first, second] if first.at <= second.at));
    let mut free_at = Duration::ZERO;
    for (index, step) in spec.steps.iter().enumerate() {
        let times = (
            at(Happening::Shift(index)),
            at(Happening::BakeBegins(index)),
            at(Happening::BakeEnds(index)),
        );
        let (Some(shift), Some(begins), Some(ends)) = times else {
            return false;
        };
        if shift < free_at || begins <= shift || ends.saturating_sub(begins) < step.bake {
            return false;
        }
        free_at = ends;
    }
    rising && at(Happening::Completed).is_some_and(|completed| completed >= free_at)
}

#[cfg(test)]
mod tests {
    use super::super::given::{a_spec, a_wish};
    use super::super::plan::{TtlChange, plan};
    use super::*;
    use crate::weights::{Scale, WeightPair};

    type Spoil = fn(&mut Plan);

    fn found(change: impl FnOnce(&mut Plan)) -> Vec<String> {
        let spec = a_spec(|_| ());
        let mut plan = plan(&spec, Some(300));
        change(&mut plan);
        lint(&plan, &spec).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_planners_own_plan_has_no_findings_but_its_leap() {
        assert_eq!(
            found(|_| ()),
            ["note: step 2: the share grows by a lot at once"]
        );
        assert!(is_sound(&lint(
            &plan(&a_spec(|_| ()), None),
            &a_spec(|_| ())
        )));
    }

    #[test]
    fn every_way_to_spoil_a_plan_is_found() {
        let pair = |old, new| WeightPair::new(old, new, Scale::Route53).unwrap();
        let spoiled: [(&str, Spoil); 9] = [
            (
                "fatal: step 1: the bake is shorter than asked for",
                |plan| plan.stages[0].bake = Duration::from_mins(29),
            ),
            (
                "fatal: step 3: the bake begins while former answers may still be kept",
                |plan| {
                    plan.stages[2].settle = Duration::from_secs(119);
                },
            ),
            ("fatal: step 1: a gate is left out", |plan| {
                drop(plan.stages[0].gates.pop());
            }),
            (
                "fatal: step 4: an approval or a condition is left out",
                |plan| plan.stages[3].pause = true,
            ),
            ("fatal: plan: not the steps that were asked for", |plan| {
                drop(plan.stages.pop());
            }),
            ("fatal: step 2: the share does not rise", |plan| {
                plan.stages[1].pair = plan.stages[0].pair;
            }),
            (
                "fatal: preparation: the TTL becomes another than asked for",
                |plan| {
                    plan.preparation = Some(TtlChange {
                        from_seconds: 60,
                        to_seconds: 300,
                    });
                },
            ),
            (
                "fatal: plan: the point of no return is not where it was put",
                |plan| plan.commit_after = Some(2),
            ),
            ("fatal: step 2: not the steps that were asked for", |plan| {
                plan.stages[1].index = 0;
            }),
        ];
        for (expected, spoil) in spoiled {
            let found = found(spoil);
            assert!(
                found.iter().any(|finding| finding == expected),
                "{expected}: {found:?}"
            );
        }
        assert!(
            found(|plan| plan.stages[0].pair = pair(80, 20))
                .contains(&"fatal: step 1: the weights stand for another share".to_owned())
        );
        assert!(
            found(|plan| plan.stages[3].pair = pair(1, 254))
                .contains(&"fatal: plan: the end is not everything on new".to_owned())
        );
    }

    #[test]
    fn moments_out_of_order_are_found() {
        let found = found(|plan| plan.stages.swap(1, 2));

        assert!(
            found.contains(&"fatal: timeline: moments are out of order".to_owned()),
            "{found:?}"
        );
    }

    #[test]
    fn a_step_that_nothing_watches_is_warned_about() {
        let spec = a_spec(|wish| {
            *wish = super::super::spec::Wish {
                gates: Vec::new(),
                ..a_wish()
            }
        });
        let findings = lint(&plan(&spec, None), &spec);

        assert_eq!(
            findings
                .iter()
                .filter(|finding| finding.kind == Kind::Unwatched)
                .count(),
            4
        );
        assert!(is_sound(&findings));
    }
}
