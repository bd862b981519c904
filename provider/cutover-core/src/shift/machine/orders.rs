//! What people wish for at the moment, and what came of it all.

use super::super::events::{Cause, Pause};
use super::super::problem::Problem;
use super::super::spec::Policy;
use crate::weights::Share;

/// What people wish at the moment; unlike the rest of a wish it changes from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orders {
    /// What is to become of it.
    pub desired: Desired,
    /// The last step, counted from 0, that a person has approved.
    pub approved_through: Option<usize>,
    /// Raised to try again after a rollback; from 1.
    pub attempt: u32,
    /// The share of new that a person has found without a journal and wants to go on from: that of an import.
    pub adopted: Option<Share>,
}

/// What is to become of a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desired {
    /// It is carried out.
    Shift,
    /// It stays where it is.
    Hold,
    /// Everything is, or goes back, on old.
    Old,
    /// Everything goes to new at once: steps up to the last are skipped.
    New,
}

/// What a person can say to a running shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Stop where you are.
    Hold(String),
    /// Go on.
    Resume,
    /// Steps up to this one, counted from 0, are approved.
    Approve(usize),
    /// Back to old.
    Rollback(String),
}

/// What came of it all.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Everything is on new, and the soak is over.
    Completed,
    /// It stands at a step.
    Paused(Pause),
    /// Everything is on old.
    RolledBack {
        /// Why, the deciding cause first; empty when it was found so.
        causes: Vec<Cause>,
        /// Whether somebody else sent it there.
        external: bool,
        /// Whether it was so before, and has been told before.
        known: bool,
    },
    /// It was told to stop.
    Interrupted {
        /// Whether everything was sent back to old.
        back: bool,
    },
    /// Nothing was begun.
    Refused(Vec<Problem>),
    /// Another run holds the fence; nothing more was written.
    NotHolder {
        /// The other run; `None` when it is not known.
        run: Option<String>,
    },
    /// Going back could not be written; traffic is split, and a person must act.
    Stuck(String),
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            desired: Desired::Shift,
            approved_through: None,
            attempt: 1,
            adopted: None,
        }
    }
}

impl Outcome {
    /// Tells whether the run has failed: a pause that was asked for has not, and a rollback has once, or for as long as the policy is strict about it.
    pub fn is_failure(&self, policy: &Policy) -> bool {
        match self {
            Self::Completed => false,
            Self::Paused(pause) => !pause.is_wished(),
            Self::RolledBack { known, .. } => !known || policy.strict_after_rollback,
            Self::Interrupted { .. }
            | Self::Refused(_)
            | Self::NotHolder { .. }
            | Self::Stuck(_) => true,
        }
    }
}
