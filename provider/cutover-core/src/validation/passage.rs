//! Waiting until the target has had everything that the source had.

use std::time::Duration;

use super::facts::Position;
use super::spec::Follow;
use crate::Timestamp;

/// How long to wait before asking again whether a position was passed, at first; it doubles. Ours: shorter than a lag
/// that a person would notice.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// The longest wait before asking again. Ours: a statement every two seconds is no load.
const ASK_AGAIN_MAX: Duration = Duration::from_secs(2);

/// Waits until the target has had everything that the source had at a moment after the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    max_wait: Duration,
    /// It does not end before.
    not_before: Timestamp,
    noted: Option<(Position, Timestamp)>,
    asks: u32,
    stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Note,
    Ask,
    Wait { until: Timestamp },
    Passed,
    Stalled,
}

/// What a passage wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Note how far the source is.
    Note,
    /// See whether the target has had everything up to there.
    HasPassed(Position),
    /// Wait.
    WaitUntil(Timestamp),
    /// Nothing more: the target has had it.
    Passed,
    /// Nothing more: the longest wait is over.
    Stalled,
}

/// How long a target took to pass a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// No longer than this.
    AtMost(Duration),
    /// This long, up to the wait between two questions.
    About(Duration),
}

impl Passage {
    /// Begins at a moment. It takes `pause` at least, and is given up `max_wait` after the position was noted.
    pub fn new(follow: &Follow, pause: Duration, max_wait: Duration, at: Timestamp) -> Self {
        let not_before = at.after(match follow {
            Follow::Delay { longest } => pause.max(*longest),
            Follow::None | Follow::Native | Follow::Marker { .. } => pause,
        });
        let stage = match follow {
            Follow::Native | Follow::Marker { .. } => Stage::Note,
            // Nothing can be asked: what is left is the time.
            Follow::None | Follow::Delay { .. } if not_before > at => {
                Stage::Wait { until: not_before }
            }
            Follow::None | Follow::Delay { .. } => Stage::Passed,
        };
        Self {
            max_wait,
            not_before,
            noted: None,
            asks: 0,
            stage,
        }
    }

    /// Tells what is next.
    pub fn step(&self) -> Step {
        match (&self.stage, &self.noted) {
            (Stage::Ask, Some((position, _))) => Step::HasPassed(position.clone()),
            (Stage::Note | Stage::Ask, _) => Step::Note,
            (Stage::Wait { until }, _) => Step::WaitUntil(*until),
            (Stage::Passed, _) => Step::Passed,
            (Stage::Stalled, _) => Step::Stalled,
        }
    }

    /// Records how far the source is.
    pub fn noted(&mut self, position: Position, at: Timestamp) {
        self.noted = Some((position, at));
        self.stage = if self.not_before > at {
            Stage::Wait {
                until: self.not_before,
            }
        } else {
            Stage::Ask
        };
    }

    /// Records whether the target has had it.
    pub fn answered(&mut self, passed: bool, at: Timestamp) {
        let since = self.noted.as_ref().map_or(at, |(_, since)| *since);
        self.stage = if passed {
            Stage::Passed
        } else if at.since(since) >= self.max_wait {
            Stage::Stalled
        } else {
            let factor = 2_u32.saturating_pow(self.asks);
            self.asks = self.asks.saturating_add(1);
            let wait = ASK_AGAIN.saturating_mul(factor).min(ASK_AGAIN_MAX);
            Stage::Wait {
                until: at.after(wait),
            }
        };
    }

    /// Records that it was waited; without effect before that moment.
    pub fn woke(&mut self, at: Timestamp) {
        if let Stage::Wait { until } = self.stage
            && at >= until
        {
            self.stage = if self.noted.is_some() {
                Stage::Ask
            } else {
                Stage::Passed
            };
        }
    }

    /// Returns how long the target took to pass the position, or at most took, where it had passed it when it was asked
    /// first; that was after the shortest wait, which says nothing about the lag.
    pub fn took(&self, at: Timestamp) -> Option<Took> {
        let (_, since) = self.noted.as_ref()?;
        let took = at.since(*since);
        Some(if self.asks == 0 {
            Took::AtMost(took)
        } else {
            Took::About(took)
        })
    }

    /// Begins anew, since the connection was another: what was noted may be of another server.
    pub fn again(&mut self, follow: &Follow, at: Timestamp) {
        let pause = self.not_before.since(at);
        *self = Self::new(follow, pause, self.max_wait, at);
    }
}
