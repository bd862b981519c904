//! Time that passes only when somebody waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cutover_core::{Machine, Next, Timestamp};
use cutover_driver::{Clock, Wait};

/// When simulations begin: the start of 2026, UTC; any fixed moment would do.
pub(crate) const BEGIN: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

/// A clock that jumps to whatever is waited for. Clones show the same time.
#[derive(Clone, Debug)]
pub struct SimClock(Arc<Mutex<Timestamp>>);

impl Default for SimClock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(BEGIN)))
    }
}

impl SimClock {
    /// Lets time pass.
    pub fn pass(&self, duration: Duration) {
        self.jump_to(self.now().after(duration));
    }

    fn jump_to(&self, at: Timestamp) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = at.max(*now);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep_until(&self, at: Timestamp) -> Wait {
        self.jump_to(at);
        Box::pin(std::future::ready(()))
    }
}

/// A machine that was still going after the moves it was allowed.
#[derive(Debug)]
pub struct Endless<M>(pub M);

/// Walks a machine to its end, or for `moves` moves, without a runtime.
///
/// # Panics
/// When an answer does not belong to what was asked: a mistake in the simulation.
///
/// # Errors
/// The machine, when it has not come to its end: a test may call that a death of the process, or a failure.
pub fn walk<M: Machine>(
    mut machine: M,
    clock: &SimClock,
    moves: usize,
    mut perform: impl FnMut(&M::Command) -> M::Fact,
) -> Result<M::Outcome, Endless<M>> {
    for _ in 0..moves {
        let recorded = match machine.next() {
            Next::Done(outcome) => return Ok(outcome),
            Next::Do(command) => {
                let fact = perform(&command);
                machine.record(fact, clock.now())
            }
            Next::WaitUntil { at, .. } => {
                clock.jump_to(at);
                machine.wake(clock.now())
            }
        };
        if let Err(illegal) = recorded {
            panic!("the simulation answers what it was asked, but {illegal}");
        }
    }
    Err(Endless(machine))
}
