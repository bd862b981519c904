//! The one mechanism by which a call ends early: the engine cancels, or its time is up.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a call may run and whether it still should.
///
/// Every call gets one. Work that may take long waits through it: [`Scope::run`] for a future, [`Scope::stopped`] in
/// a `select!`. A call that has something to leave in order sees the stop, comes to a safe point and returns; the
/// framework never drops a call that changes things.
#[derive(Clone, Debug)]
pub struct Scope {
    token: CancellationToken,
    deadline: Option<Deadline>,
}

#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Instant,
    limit: Duration,
    option: &'static str,
}

/// Why a call has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The operator interrupted the engine.
    Cancelled,
    /// The time limit of the operation has passed.
    TimedOut {
        /// The limit.
        limit: Duration,
        /// The resource option that raises it, such as `customTimeouts.create`.
        option: &'static str,
    },
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Cancelled => f.write_str("interrupted by the operator"),
            Stop::TimedOut { limit, option } => {
                write!(
                    f,
                    "not finished within {} s; `{option}` sets the limit",
                    limit.as_secs_f64()
                )
            }
        }
    }
}

impl Scope {
    /// Makes a scope that ends with `token`.
    pub(crate) fn new(token: CancellationToken) -> Self {
        Self {
            token,
            deadline: None,
        }
    }

    /// Adds a time limit that begins now; `option` is what the user sets to raise it.
    pub(crate) fn limited(self, limit: Duration, option: &'static str) -> Self {
        let at = Instant::now().checked_add(limit);
        Self {
            deadline: at.map(|at| Deadline { at, limit, option }),
            ..self
        }
    }

    /// Returns what ends the scope when it is dropped.
    pub(crate) fn end_on_drop(&self) -> DropGuard {
        self.token.clone().drop_guard()
    }

    /// Tells why to stop, if it is time to.
    pub fn stop(&self) -> Option<Stop> {
        if self.token.is_cancelled() {
            return Some(Stop::Cancelled);
        }
        self.deadline
            .filter(|deadline| deadline.at <= Instant::now())
            .map(Deadline::stop)
    }

    /// Returns the time that is left; `None` where there is no limit.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline
            .map(|deadline| deadline.at.saturating_duration_since(Instant::now()))
    }

    /// Waits until it is time to stop.
    ///
    /// # Cancellation
    /// Safe to drop at any time.
    pub async fn stopped(&self) -> Stop {
        let timed_out = async {
            match self.deadline {
                Some(deadline) => {
                    tokio::time::sleep_until(deadline.at).await;
                    deadline.stop()
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.token.cancelled() => Stop::Cancelled,
            stop = timed_out => stop,
        }
    }

    /// Runs a future until it is done or it is time to stop, and then drops it.
    ///
    /// # Errors
    /// Why it was stopped.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            stop = self.stopped() => Err(stop),
            result = work => Ok(result),
        }
    }
}

impl Deadline {
    fn stop(self) -> Stop {
        Stop::TimedOut {
            limit: self.limit,
            option: self.option,
        }
    }
}

/// The runs of the engine that one process serves.
///
/// A process that the engine attached to serves one run after another, and each run ends with a cancel. So a cancel
/// ends the calls of its own run, late ones included, until the next run announces itself.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    current: Mutex<CancellationToken>,
}

impl Runs {
    /// Opens a new run if the current one has been cancelled.
    pub(crate) fn open(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.is_cancelled() {
            *current = CancellationToken::new();
        }
    }

    /// Cancels every call of the current run, those to come included.
    pub(crate) fn cancel(&self) {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .cancel();
    }

    /// Returns the scope of a new call.
    pub(crate) fn scope(&self) -> Scope {
        Scope::new(
            self.current
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .child_token(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_limit_ends_the_work_and_names_its_option() {
        let scope = Runs::default()
            .scope()
            .limited(Duration::from_secs(90), "customTimeouts.create");

        let result = scope.run(std::future::pending::<()>()).await;

        let stop = result.expect_err("the work never ends by itself");
        assert_eq!(
            stop.to_string(),
            "not finished within 90 s; `customTimeouts.create` sets the limit"
        );
        assert_eq!(scope.remaining(), Some(Duration::ZERO));
    }

    #[tokio::test]
    async fn a_cancel_reaches_running_calls_and_later_ones_of_the_same_run() {
        let runs = Runs::default();
        let running = runs.scope();

        runs.cancel();

        assert_eq!(running.stopped().await, Stop::Cancelled);
        assert_eq!(runs.scope().stop(), Some(Stop::Cancelled));
    }

    #[test]
    fn the_next_run_is_not_touched_by_the_cancel_of_the_last() {
        let runs = Runs::default();
        runs.cancel();

        runs.open();

        assert_eq!(runs.scope().stop(), None);
    }

    #[test]
    fn opening_does_not_end_a_run_that_is_still_going() {
        let runs = Runs::default();
        let scope = runs.scope();

        runs.open();
        runs.cancel();

        assert_eq!(scope.stop(), Some(Stop::Cancelled));
    }
}
