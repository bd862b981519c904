//! The contract between a decision and what carries it out.

use std::fmt;

use thiserror::Error;

use crate::Timestamp;

/// What a machine wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<C, O> {
    /// Perform a command and record the fact that comes of it.
    Do(C),
    /// Wait, then say so with [`Machine::wake`].
    WaitUntil {
        /// The moment to wait for.
        at: Timestamp,
        /// What is waited for, for people.
        why: Why,
    },
    /// Nothing more: this is what came of it all.
    Done(O),
}

/// What is waited for, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The part of the operation: news as soon as it changes.
    pub phase: &'static str,
    /// One line, the most important words first.
    pub text: String,
}

/// A long operation, decided step by step.
///
/// [`next`](Machine::next) only looks: asked twice it answers the same, so that nothing is lost when the process dies
/// between two lines. Only recording a fact moves a machine on.
pub trait Machine {
    /// What it asks for; safe to perform more than once.
    type Command;
    /// What comes of a command. A failure is a fact as well.
    type Fact;
    /// What came of it all.
    type Outcome;

    /// Tells what is next.
    fn next(&self) -> Next<Self::Command, Self::Outcome>;

    /// Records what came of the command that [`next`](Machine::next) asked for; `at` is when that was known.
    ///
    /// # Errors
    /// When the fact does not belong to that command: a mistake in an adapter or a driver. The machine is unchanged.
    fn record(&mut self, fact: Self::Fact, at: Timestamp) -> Result<(), IllegalFact>;

    /// Records that the moment that [`next`](Machine::next) asked to wait for has come.
    ///
    /// # Errors
    /// When nothing was waited for: a mistake in a driver. The machine is unchanged.
    fn wake(&mut self, at: Timestamp) -> Result<(), IllegalFact>;
}

/// A fact that does not belong to what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{fact}` was reported where `{expected}` was asked for")]
pub struct IllegalFact {
    /// What was asked for.
    pub expected: String,
    /// What was reported.
    pub fact: String,
}

impl IllegalFact {
    /// Names a fact that does not belong to what is next.
    pub(crate) fn new<C: fmt::Debug, O>(next: &Next<C, O>, fact: &dyn fmt::Debug) -> Self {
        let expected = match next {
            Next::Do(command) => format!("the answer to {command:?}"),
            Next::WaitUntil { why, .. } => format!("the end of a wait: {}", why.text),
            Next::Done(_) => "nothing".to_owned(),
        };
        Self {
            expected,
            fact: format!("{fact:?}"),
        }
    }
}
