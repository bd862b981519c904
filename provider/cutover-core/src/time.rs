//! Moments, and nothing that reads a clock.

use std::time::Duration;

/// A moment of wall time: milliseconds since the Unix epoch, UTC.
///
/// Arithmetic saturates: a moment beyond the representable ones is later than any that occurs, which is what a
/// deadline that far away means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a moment from milliseconds since the Unix epoch.
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the Unix epoch.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Returns the moment that is `duration` later; parts of a millisecond count as a whole one, so that a wait is
    /// never shorter than asked for.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let millis = duration.as_nanos().div_ceil(1_000_000);
        Self(
            self.0
                .saturating_add(i64::try_from(millis).unwrap_or(i64::MAX)),
        )
    }

    /// Returns how much later this moment is than `earlier`; zero when it is not later, as after the clock was set
    /// back.
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_shorter_than_asked_for() {
        let now = Timestamp::from_unix_millis(1_000);

        assert_eq!(now.after(Duration::from_nanos(1)).unix_millis(), 1_001);
        assert_eq!(now.after(Duration::from_millis(5)).unix_millis(), 1_005);
    }

    #[test]
    fn a_clock_that_was_set_back_shows_no_time_as_passed() {
        let (earlier, later) = (
            Timestamp::from_unix_millis(5),
            Timestamp::from_unix_millis(9),
        );

        assert_eq!(later.since(earlier), Duration::from_millis(4));
        assert_eq!(earlier.since(later), Duration::ZERO);
    }

    #[test]
    fn the_end_of_time_is_not_overrun() {
        let end = Timestamp::from_unix_millis(i64::MAX);

        assert_eq!(end.after(Duration::MAX), end);
        assert_eq!(
            end.since(Timestamp::from_unix_millis(i64::MIN)),
            Duration::from_millis(i64::MAX.unsigned_abs())
        );
    }
}
