//! A clock on the time of the runtime.

use cutover_core::Timestamp;
use cutover_driver::{Clock, Wait};
use tokio::time::Instant;

/// A clock that follows the time of tokio, which jumps when it is paused and everybody waits. So any number of runs can
/// go on beside each other in simulated time. Clones show the same time.
#[derive(Clone, Copy, Debug)]
pub struct PausedClock {
    begun: Instant,
    at: Timestamp,
}

impl PausedClock {
    /// Makes a clock that shows a moment now; within a runtime.
    pub fn starting_at(at: Timestamp) -> Self {
        Self {
            begun: Instant::now(),
            at,
        }
    }
}

impl Default for PausedClock {
    fn default() -> Self {
        Self::starting_at(crate::clock::BEGIN)
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        // The runtime counts parts of a millisecond, which would make a wait appear a millisecond longer.
        let passed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.at.after(std::time::Duration::from_millis(passed))
    }

    fn sleep_until(&self, at: Timestamp) -> Wait {
        Box::pin(tokio::time::sleep(at.since(self.now())))
    }
}
