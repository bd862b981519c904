//! Dates, times of day and moments in their canonical text.
//!
//! A fraction of a second is *cut* in the text: digits beyond the limit are dropped. For a moment that is the earlier one,
//! before 1970 and before the year 1 as well, since the digits of a fraction always count forward from their second; for a
//! span below zero it is the one nearer to zero. Both sides agree because both cut what is printed, which does not depend
//! on where an engine begins to count.

const SECOND: i64 = 1_000_000;

/// Writes the day that is so many days after 1970-01-01, without its era.
fn write_civil(out: &mut Vec<u8>, days: i64) -> Era {
    let (year, month, day) = civil(days);
    // There is no year 0: the one before 1 is 1 BC.
    let (year, era) = if year > 0 {
        (year, Era::Common)
    } else {
        (1 - year, Era::Before)
    };
    write_ymd(out, year.unsigned_abs(), month, day);
    era
}

enum Era {
    Common,
    Before,
}

impl Era {
    fn write(&self, out: &mut Vec<u8>) {
        if matches!(self, Self::Before) {
            out.extend_from_slice(b" BC");
        }
    }
}

/// Writes a day: `2024-02-29`, `0044-03-15 BC`.
pub(super) fn write_date(out: &mut Vec<u8>, days: i64) {
    write_civil(out, days).write(out);
}

/// Writes a moment by its day, so many after 1970-01-01, and the microseconds of that day: `2024-02-29 23:59:59.5`,
/// `0044-03-15 12:00:00 BC`.
pub(super) fn write_timestamp(out: &mut Vec<u8>, days: i64, micros: i64, digits: u8) {
    let era = write_civil(out, days);
    out.push(b' ');
    write_time(out, micros, digits);
    era.write(out);
}

/// Writes a day by its parts, which may be zero.
pub(super) fn write_ymd(out: &mut Vec<u8>, year: u64, month: u8, day: u8) {
    if year < 10_000 {
        write_two(out, year / 100);
        write_two(out, year % 100);
    } else {
        out.extend_from_slice(year.to_string().as_bytes());
    }
    out.push(b'-');
    write_two(out, month.into());
    out.push(b'-');
    write_two(out, day.into());
}

/// Writes a time of day or a span: `23:59:59.123456`, `24:00:00`, `-838:59:59`.
pub(super) fn write_time(out: &mut Vec<u8>, micros: i64, digits: u8) {
    let unsigned = micros.unsigned_abs();
    let (seconds, fraction) = (
        unsigned / SECOND.unsigned_abs(),
        unsigned % SECOND.unsigned_abs(),
    );
    let beyond = 10_u64.pow(6 - u32::from(digits.min(6)));
    let fraction = fraction / beyond * beyond;
    if micros < 0 && (seconds, fraction) != (0, 0) {
        out.push(b'-');
    }
    let hours = seconds / 3_600;
    if hours < 100 {
        write_two(out, hours);
    } else {
        out.extend_from_slice(hours.to_string().as_bytes());
    }
    out.push(b':');
    write_two(out, seconds / 60 % 60);
    out.push(b':');
    write_two(out, seconds % 60);
    write_fraction(out, fraction);
}

fn write_fraction(out: &mut Vec<u8>, fraction: u64) {
    if fraction == 0 {
        return;
    }
    out.push(b'.');
    write_two(out, fraction / 10_000);
    write_two(out, fraction / 100 % 100);
    write_two(out, fraction % 100);
    while out.last() == Some(&b'0') {
        out.pop();
    }
}

fn write_two(out: &mut Vec<u8>, number: u64) {
    let digit = |value: u64| b'0' + u8::try_from(value % 10).expect("a digit is below ten");
    out.extend_from_slice(&[digit(number / 10), digit(number)]);
}

/// Year (0 is 1 BC), month and day of the Gregorian calendar, so many days after 1970-01-01.
///
/// Counted in eras of 400 years, which are 146,097 days each, beginning with March, so that the leap day is a year's last.
fn civil(days: i64) -> (i64, u8, u8) {
    const ERA: i64 = 146_097;
    // From 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (
        year,
        u8::try_from(month).expect("a month is below 13"),
        u8::try_from(day_of_month).expect("a day is below 32"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A day, in microseconds.
    const DAY: i64 = 86_400 * SECOND;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("digits")
    }

    #[test]
    fn dates_follow_the_calendar_over_all_eras() {
        // From 1970-01-01: days, as any calendar counts them.
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (-719_162, "0001-01-01"),
            (-719_163, "0001-12-31 BC"),
            (-719_528, "0001-01-01 BC"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "10000-01-01"),
        ] {
            assert_eq!(written(|out| write_date(out, days)), expected);
        }
    }

    #[test]
    fn a_fraction_is_cut_and_never_rounded_before_and_after_1970() {
        let cut = |days, micros, digits| written(|out| write_timestamp(out, days, micros, digits));

        assert_eq!(cut(0, 999_999, 3), "1970-01-01 00:00:00.999");
        assert_eq!(cut(0, 999_999, 0), "1970-01-01 00:00:00");
        assert_eq!(cut(-1, DAY - 1, 6), "1969-12-31 23:59:59.999999");
        assert_eq!(cut(-1, DAY - 1, 3), "1969-12-31 23:59:59.999");
        assert_eq!(cut(-1, DAY - 1, 0), "1969-12-31 23:59:59");
        assert_eq!(cut(0, 1_500_000, 6), "1970-01-01 00:00:01.5");
        assert_eq!(cut(-719_163, 0, 6), "0001-12-31 00:00:00 BC");
    }

    #[test]
    fn times_may_be_a_whole_day_a_long_span_or_below_zero() {
        let time = |micros, digits| written(|out| write_time(out, micros, digits));

        assert_eq!(time(DAY, 6), "24:00:00");
        assert_eq!(
            time(-(838 * 3_600 + 59 * 60 + 59) * SECOND, 6),
            "-838:59:59"
        );
        assert_eq!(time(-1_500_000, 6), "-00:00:01.5");
        assert_eq!(time(-1_500_000, 0), "-00:00:01");
        assert_eq!(time(-500_000, 0), "00:00:00");
    }

    proptest! {
        #[test]
        fn each_day_follows_the_day_before(days in -3_000_000_i64..100_000_000) {
            let next_month = |month: u8| if month == 12 { 1 } else { month + 1 };
            let (year, month, day) = civil(days);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + u8::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            let expected = if day < length {
                (year, month, day + 1)
            } else {
                (year + i64::from(month == 12), next_month(month), 1)
            };
            prop_assert_eq!(civil(days + 1), expected);
        }
    }
}
