//! How a shift stands, for outputs and people.

use std::fmt;

use super::super::assess::Assessment;
use super::watch::{Chore, Phase, Watch};
use super::write::Then;
use super::{Outcome, Shift, Stage};
use crate::Timestamp;
use crate::weights::Share;

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
        Status {
            phase: self.phase(),
            step: watch.and_then(|watch| watch.on),
            requested: self.requested,
            observed: self.observed,
            bake_began_at,
            bake_ends_at: bake_began_at.zip(bake).map(|(from, bake)| from.after(bake)),
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
                Then::TakenOver(watch) | Then::Renewed(watch) | Then::Baked(watch) => {
                    self.phase_of_watch(watch)
                }
                Then::Finished(outcome) => name_of(outcome),
            },
        }
    }

    fn phase_of_watch(&self, watch: &Watch) -> PhaseName {
        let is_last = watch.on.and_then(|step| step.checked_add(1)) == Some(self.spec.steps.len());
        match &watch.phase {
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
