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

    /// Returns the moment that is `duration` earlier; parts of a millisecond do not count, so that it is never earlier
    /// than asked for.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// Returns the beginning of the second that the moment is in.
    #[must_use]
    pub fn whole_second(self) -> Self {
        Self(self.0.div_euclid(1_000).saturating_mul(1_000))
    }

    /// Writes the moment for people, to the second: `2026-01-01T10:05:00Z`.
    pub fn to_utc(self) -> String {
        let seconds = self.0.div_euclid(1_000);
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (
            of_day.div_euclid(3_600),
            of_day.div_euclid(60).rem_euclid(60),
            of_day.rem_euclid(60),
        );
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// Returns how much later this moment is than `earlier`; zero when it is not later, as after the clock was set
    /// back.
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

/// Returns year, month and day of a day since the Unix epoch in the Gregorian calendar.
///
/// Years are taken to begin in March, so that the leap day is their last; 400 of them have 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    // From 1 March of the year 0.
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leaps = |unit: i64| of_era.div_euclid(unit);
    let year_of_era = of_era
        .saturating_sub(leaps(1_460))
        .saturating_add(leaps(36_524))
        .saturating_sub(leaps(146_096))
        .div_euclid(365);
    let before = year_of_era
        .saturating_mul(365)
        .saturating_add(year_of_era.div_euclid(4))
        .saturating_sub(year_of_era.div_euclid(100));
    let of_year = of_era.saturating_sub(before);
    // Of five months from March or August on, 153 days: 31, 30, 31, 30, 31.
    let month = of_year.saturating_mul(5).saturating_add(2).div_euclid(153);
    let begin = month.saturating_mul(153).saturating_add(2).div_euclid(5);
    let day = of_year.saturating_sub(begin).saturating_add(1);
    let is_next = month >= 10;
    let month = if is_next {
        month.saturating_sub(9)
    } else {
        month.saturating_add(3)
    };
    let year = era
        .saturating_mul(400)
        .saturating_add(year_of_era)
        .saturating_add(i64::from(is_next));
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_people_write_them() {
        let text =
            |seconds: i64| Timestamp::from_unix_millis(seconds.saturating_mul(1_000)).to_utc();

        assert_eq!(text(0), "1970-01-01T00:00:00Z");
        assert_eq!(text(-1), "1969-12-31T23:59:59Z");
        assert_eq!(text(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(text(1_709_210_096), "2024-02-29T12:34:56Z");
        assert_eq!(text(1_735_689_599), "2024-12-31T23:59:59Z");
        assert_eq!(text(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn a_wait_is_never_shorter_than_asked_for() {
        let now = Timestamp::from_unix_millis(1_000);

        assert_eq!(now.after(Duration::from_nanos(1)).unix_millis(), 1_001);
        assert_eq!(now.after(Duration::from_millis(5)).unix_millis(), 1_005);
    }

    #[test]
    fn a_look_back_is_never_longer_than_asked_for() {
        let now = Timestamp::from_unix_millis(1_000);

        assert_eq!(now.before(Duration::from_nanos(1)), now);
        assert_eq!(now.before(Duration::from_micros(5_900)).unix_millis(), 995);
    }

    #[test]
    fn a_second_begins_at_or_before_each_of_its_moments() {
        let second = |millis: i64| {
            Timestamp::from_unix_millis(millis)
                .whole_second()
                .unix_millis()
        };

        assert_eq!(second(5_000), 5_000);
        assert_eq!(second(5_999), 5_000);
        assert_eq!(second(-1), -1_000);
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
    fn the_ends_of_time_are_not_overrun() {
        let begin = Timestamp::from_unix_millis(i64::MIN);
        let end = Timestamp::from_unix_millis(i64::MAX);

        assert_eq!(begin.before(Duration::from_millis(1)), begin);
        assert_eq!(end.after(Duration::MAX), end);
        assert_eq!(
            end.since(begin),
            Duration::from_millis(i64::MAX.unsigned_abs())
        );
    }
}
