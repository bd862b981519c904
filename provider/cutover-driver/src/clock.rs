//! The only place that reads a clock.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cutover_core::Timestamp;

/// A wait. It can be shared between threads because the SDK's timers have to be.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Tells the time and waits.
pub trait Clock: Debug + Send + Sync {
    /// Tells the time.
    fn now(&self) -> Timestamp;

    /// Waits until a moment; at once when it has passed.
    fn sleep_until(&self, at: Timestamp) -> Wait;
}

/// The clock of this machine.
///
/// Moments are wall time. Waits are measured on the monotonic clock from now on, so that setting the wall clock does
/// not lengthen or shorten one.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everybody else is given"
    )]
    fn now(&self) -> Timestamp {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let since_epoch = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => millis(before.duration()).saturating_neg(),
        };
        Timestamp::from_unix_millis(since_epoch)
    }

    fn sleep_until(&self, at: Timestamp) -> Wait {
        Box::pin(tokio::time::sleep(at.since(self.now())))
    }
}
