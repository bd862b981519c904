//! How a shift stands, for outputs and people.

use std::fmt;

use super::super::assess::{Assessment, Lack, Verdict};
use super::super::facts::{JournalRead, Live};
use super::super::gates::{Limit, render_value};
use super::super::journal::Mark;
use super::super::spec::Spec;
use super::watch::{Chore, Phase, Watch};
use super::write::Then;
use super::{Outcome, Shift, Stage};
use crate::weights::Share;
use crate::{FailureClass, Timestamp};

/// How a shift stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// What it is doing.
    pub phase: PhaseName,
    /// The step whose weights are on, counted from 0; `None`: everything is on old.
    pub step: Option<usize>,
    /// The share that new was last told to get.
    pub requested: Share,
    /// The share that new was last seen to get.
    pub observed: Option<Share>,
    /// When the bake began.
    pub bake_began_at: Option<Timestamp>,
    /// When the bake is over at the earliest.
    pub bake_ends_at: Option<Timestamp>,
    /// When it decides next, as far as that is known: the end of a wait or of a bake, at the earliest.
    pub next_decision_at: Option<Timestamp>,
    /// What was last said about each gate.
    pub assessments: Vec<Assessment>,
    /// The fencing number.
    pub seq: u64,
}

/// What a shift is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PhaseName {
    /// Nothing yet.
    Pending,
    /// It looks whether it may begin.
    Preflight,
    /// It takes the fence and lowers the TTL.
    Preparing,
    /// It is about to raise the share.
    Entering,
    /// It waits for conditions.
    Waiting,
    /// Weights are on their way to every name server.
    Shifting,
    /// Former answers are still kept.
    Settling,
    /// A step is watched.
    Baking,
    /// It decides about a step.
    Deciding,
    /// The last step is watched.
    Soaking,
    /// It stops where it is.
    Paused,
    /// The way back is being written.
    RollingBack,
    /// The way back is being followed by traffic.
    Converging,
    /// Rows follow.
    Draining,
    /// Everything is on old.
    RolledBack,
    /// Everything is on new.
    Completed,
    /// The way back cannot be written.
    Stuck,
}

/// Tells from the router alone how a shift stands, for whoever reads it without a run: a refresh, or an import.
///
/// Everything on old is [`PhaseName::Pending`], or [`PhaseName::RolledBack`] when this shift's journal says that it went
/// back; everything on new is [`PhaseName::Completed`] unless the journal says that the last step is still watched.
/// Otherwise it is [`PhaseName::Paused`] at the last step whose share is at or below what new gets; `None` below the
/// first.
pub fn standing(spec: &Spec, live: &Live) -> (PhaseName, Option<usize>) {
    let share = live.share().unwrap_or(Share::ZERO);
    let mark = match &live.journal {
        JournalRead::Entry(entry) if entry.shift == spec.id => Some(entry.mark),
        JournalRead::Entry(_) | JournalRead::Absent | JournalRead::Unreadable(_) => None,
    };
    let step = spec.steps.iter().rposition(|step| step.share <= share);
    if share == Share::ZERO {
        let is_back = matches!(mark, Some(Mark::Back | Mark::RolledBack));
        let phase = if is_back {
            PhaseName::RolledBack
        } else {
            PhaseName::Pending
        };
        (phase, None)
    } else if share == Share::FULL && !matches!(mark, Some(Mark::Going | Mark::Baked)) {
        (PhaseName::Completed, step)
    } else {
        (PhaseName::Paused, step)
    }
}

/// Returns the assessment that is worst off: a breach before what cannot be seen, that before what is near a breach, and
/// among healthy ones that whose value is nearest to its limit.
pub fn worst(assessments: &[Assessment]) -> Option<&Assessment> {
    let rank = |assessment: &Assessment| match &assessment.verdict {
        Verdict::Breached(_) => 3,
        Verdict::Blind(_) => 2,
        Verdict::Inconclusive(Lack::Breaching) => 1,
        Verdict::Inconclusive(_) | Verdict::Healthy => 0,
    };
    assessments.iter().max_by(|one, other| {
        let (near, nearer) = (nearness(one), nearness(other));
        rank(one)
            .cmp(&rank(other))
            .then(near.total_cmp(&nearer))
            .then(one.severity.cmp(&other.severity))
    })
}

/// How much of what the limit allows is used up; 1 at the limit, 0 when there is no value.
fn nearness(assessment: &Assessment) -> f64 {
    match (assessment.value, assessment.limit) {
        (Some(value), Some(Limit::Max(max))) if max > 0.0 => value / max,
        (Some(value), Some(Limit::Max(_))) => value,
        // A ratio that must stay high is used up by what it lacks.
        (Some(value), Some(Limit::Min(min))) if assessment.in_percent && min < 1.0 => {
            (1.0 - value) / (1.0 - min)
        }
        (Some(value), Some(Limit::Min(min))) if value > 0.0 => min / value,
        (Some(_), Some(Limit::Min(_))) => f64::INFINITY,
        (None, _) | (_, None) => 0.0,
    }
}

/// Says how a gate stands: `errorRate 1.2 % of 5 %`, `latency blind`.
pub fn render_assessment(assessment: &Assessment) -> String {
    let gate = &assessment.gate;
    let shown = |value: f64| render_value(value, assessment.in_percent);
    let text = match (assessment.value, assessment.limit) {
        (Some(value), Some(Limit::Max(max))) => {
            format!("{gate} {} of {}", shown(value), shown(max))
        }
        (Some(value), Some(Limit::Min(min))) => {
            format!("{gate} {}, at least {}", shown(value), shown(min))
        }
        (_, _) => gate.clone(),
    };
    match &assessment.verdict {
        Verdict::Breached(_) => format!("{text}, broken"),
        Verdict::Blind(_) => format!("{gate} blind"),
        Verdict::Inconclusive(Lack::Breaching) => format!("{text}, breaching"),
        Verdict::Inconclusive(_) if assessment.value.is_none() => format!("{gate} unknown yet"),
        Verdict::Inconclusive(_) | Verdict::Healthy => text,
    }
}

impl fmt::Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Shift {
    /// Tells how it stands.
    pub fn status(&self) -> Status {
        let watch = match &self.stage {
            Stage::Watching(watch) => Some(watch.as_ref()),
            Stage::Writing(writing) => writing.then.watch(),
            Stage::Looking | Stage::Preflight(_) | Stage::Back(_) | Stage::Done(_) => None,
        };
        let bake_began_at = watch.and_then(|watch| watch.bake_from);
        let bake = watch
            .and_then(|watch| self.step_on(watch))
            .map(|step| step.bake);
        let bake_ends_at = bake_began_at.zip(bake).map(|(from, bake)| from.after(bake));
        let next_decision_at = match watch.map(|watch| &watch.phase) {
            Some(
                Phase::Settling { until, .. }
                | Phase::Preparing { until }
                | Phase::Paused { until, .. },
            ) => Some(*until),
            Some(Phase::Baking) => bake_ends_at.map(|end| end.max(self.now)),
            Some(Phase::Propagating { .. } | Phase::Deciding { .. } | Phase::Entering { .. })
            | None => None,
        };
        Status {
            phase: self.phase(),
            step: watch.and_then(|watch| watch.on),
            requested: self.requested,
            observed: self.observed,
            bake_began_at,
            bake_ends_at,
            next_decision_at,
            assessments: self.assessments.clone(),
            seq: self.entry.as_ref().map_or(0, |entry| entry.seq),
        }
    }

    fn phase(&self) -> PhaseName {
        match &self.stage {
            Stage::Looking => PhaseName::Pending,
            Stage::Preflight(_) => PhaseName::Preflight,
            Stage::Watching(watch) => self.phase_of_watch(watch),
            Stage::Back(back) => back.name(),
            Stage::Done(outcome) => name_of(outcome),
            Stage::Writing(writing) => match &writing.then {
                Then::Prepared(_) => PhaseName::Preparing,
                Then::Entered { .. } => PhaseName::Shifting,
                Then::TakenOver(watch)
                | Then::Renewed(watch)
                | Then::Baked(watch)
                | Then::PutBack { from: watch, .. } => self.phase_of_watch(watch),
                Then::Finished(outcome) => name_of(outcome),
            },
        }
    }

    fn phase_of_watch(&self, watch: &Watch) -> PhaseName {
        let is_last = watch.on.and_then(|step| step.checked_add(1)) == Some(self.spec.steps.len());
        match &watch.phase {
            _ if watch.unreachable == Some(FailureClass::Refused) => PhaseName::Stuck,
            Phase::Propagating { .. } if watch.on.is_none() => PhaseName::Preparing,
            Phase::Propagating { .. } => PhaseName::Shifting,
            Phase::Settling { .. } => PhaseName::Settling,
            Phase::Baking if is_last => PhaseName::Soaking,
            Phase::Baking => PhaseName::Baking,
            Phase::Deciding { .. } => PhaseName::Deciding,
            Phase::Preparing { .. } => PhaseName::Preparing,
            Phase::Entering { .. } if watch.due.contains_key(&Chore::EntryGates) => {
                PhaseName::Waiting
            }
            Phase::Entering { .. } => PhaseName::Entering,
            Phase::Paused { .. } => PhaseName::Paused,
        }
    }
}

fn name_of(outcome: &Outcome) -> PhaseName {
    match outcome {
        Outcome::Completed => PhaseName::Completed,
        Outcome::RolledBack { .. } => PhaseName::RolledBack,
        Outcome::Interrupted { back: true } => PhaseName::Converging,
        Outcome::Paused(_) | Outcome::Interrupted { back: false } | Outcome::NotHolder { .. } => {
            PhaseName::Paused
        }
        Outcome::Refused(_) => PhaseName::Pending,
        Outcome::Stuck(_) => PhaseName::Stuck,
    }
}
