//! A clock that does not wait for DMS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_driver::{Clock, SystemClock, Wait};
use tokio::time::sleep;

/// What a look at DMS is worth here, where a task is made in milliseconds and not in minutes.
const LOOK: Duration = Duration::from_millis(100);

/// The waits between two looks at DMS are the only ones of this length.
const BETWEEN_LOOKS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(4_500)..=Duration::from_secs(5);

/// The clock of this machine, which leaps to the end of a wait for DMS. Every other wait is waited.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hasty {
    leapt: Arc<AtomicU64>,
}

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        let leapt = Duration::from_millis(self.leapt.load(Ordering::Relaxed));
        SystemClock.now().after(leapt)
    }

    fn sleep_until(&self, at: Timestamp) -> Wait {
        let left = at.since(self.now());
        if !BETWEEN_LOOKS.contains(&left) {
            return SystemClock.sleep_until(SystemClock.now().after(left));
        }
        let leapt = self.leapt.clone();
        let leap = u64::try_from(left.saturating_sub(LOOK).as_millis()).unwrap_or_default();
        Box::pin(async move {
            sleep(LOOK).await;
            leapt.fetch_add(leap, Ordering::Relaxed);
        })
    }
}
