//! How long to wait before trying again, and when to give up.

use std::time::Duration;

/// Waits that double from attempt to attempt, up to a longest one, and end after a number of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    attempts_max: u32,
}

impl Backoff {
    /// Makes a back-off: the wait after the first failure, the longest wait, and the number of failures in a row
    /// after which to give up.
    pub const fn new(first: Duration, longest: Duration, attempts_max: u32) -> Self {
        Self {
            first,
            longest,
            attempts_max,
        }
    }

    /// Returns how long to wait after so many failures in a row; `None` when it is time to give up.
    pub fn wait_after(&self, failures: u32) -> Option<Duration> {
        if failures >= self.attempts_max {
            return None;
        }
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        Some(self.first.saturating_mul(factor).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_longest_wait_and_then_gives_up() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5), 5);

        let waits: Vec<_> = (1..=5)
            .map(|failures| backoff.wait_after(failures).map(|wait| wait.as_secs()))
            .collect();

        assert_eq!(waits, [Some(1), Some(2), Some(4), Some(5), None]);
    }

    #[test]
    fn huge_counts_do_not_overflow() {
        let backoff = Backoff::new(Duration::MAX, Duration::from_secs(5), u32::MAX);

        assert_eq!(
            backoff.wait_after(u32::MAX - 1),
            Some(Duration::from_secs(5))
        );
    }
}
