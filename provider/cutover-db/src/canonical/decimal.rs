//! Numbers, whole and decimal, in their canonical text.

/// How many digits a number of JSON may have when it is spelled out; ours. Engines print exponents up to 308 for binary
/// floating point, and whatever is longer was written by hand.
pub(super) const SPELLED_DIGITS: usize = 1_000;

/// More digits than any decimal of an engine: PostgreSQL has up to 131,072 before the point and 16,383 after it
/// (documentation, *Numeric Types*). It bounds what an exponent can make us write.
const MOST_DIGITS: usize = 200_000;

/// Writes a whole number.
pub(super) fn write_integer(out: &mut Vec<u8>, value: i128) {
    // Nearly all numbers fit, and 64 bits are divided several times as fast.
    let Ok(small) = i64::try_from(value) else {
        out.extend_from_slice(value.to_string().as_bytes());
        return;
    };
    if small < 0 {
        out.push(b'-');
    }
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = small.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).expect("a digit is below ten");
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes a decimal of `-12.340`, `.5`, `1.5e-7`: without zeros that say nothing, and without an exponent. Words, such as
/// `NaN`, stay as they are.
pub(crate) fn write_decimal(out: &mut Vec<u8>, text: &[u8]) {
    write_within(out, text, MOST_DIGITS);
}

/// Writes a number of JSON: as [`write_decimal`], but with an exponent if it had more than [`SPELLED_DIGITS`] digits.
pub(super) fn write_json_number(out: &mut Vec<u8>, text: &[u8]) {
    write_within(out, text, SPELLED_DIGITS);
}

fn write_within(out: &mut Vec<u8>, text: &[u8], limit: usize) {
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let Some(number) = Number::read(unsigned) else {
        out.extend_from_slice(text);
        return;
    };
    if number.is_zero() {
        out.push(b'0');
        return;
    }
    if negative {
        out.push(b'-');
    }
    number.write(out, limit);
}

/// A number above zero: the digits of both parts in one row, and where the point is among them.
struct Number<'t> {
    whole: &'t [u8],
    fraction: &'t [u8],
    /// Which digit the point is before; may be outside of them.
    point: i64,
}

impl<'t> Number<'t> {
    /// Reads a number without its sign; `None` of what is none.
    fn read(text: &'t [u8]) -> Option<Self> {
        let (mantissa, exponent) = match text.iter().position(|&b| b == b'e' || b == b'E') {
            Some(at) => (&text[..at], exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.iter().position(|&b| b == b'.') {
            Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
            None => (mantissa, &mantissa[mantissa.len()..]),
        };
        let are_digits = whole.iter().chain(fraction).all(u8::is_ascii_digit);
        if !are_digits || whole.len() + fraction.len() == 0 {
            return None;
        }
        let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
        Some(Self {
            whole,
            fraction,
            point,
        })
    }

    fn is_zero(&self) -> bool {
        self.whole.iter().chain(self.fraction).all(|&b| b == b'0')
    }

    fn len(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }

    fn digit(&self, at: usize) -> u8 {
        match self.whole.get(at) {
            Some(&digit) => digit,
            None => self.fraction[at - self.whole.len()],
        }
    }

    fn write(&self, out: &mut Vec<u8>, limit: usize) {
        let first = (0..self.len())
            .position(|at| self.digit(at) != b'0')
            .unwrap_or(0);
        let last = (0..self.len())
            .rposition(|at| self.digit(at) != b'0')
            .unwrap_or(0);
        let digits = last + 1 - first;
        // The number is 0.DIGITS times ten to the power of `point`.
        let point = self.point.saturating_sub_unsigned(first as u64);
        let distance = usize::try_from(point.unsigned_abs()).unwrap_or(usize::MAX);
        let spelled = if point > 0 {
            distance.max(digits)
        } else {
            distance.saturating_add(digits)
        };
        if spelled > limit {
            self.write_scientific(out, first..=last, point);
            return;
        }
        if point <= 0 {
            out.extend_from_slice(b"0.");
            out.extend((point..0).map(|_| b'0'));
            out.extend((first..=last).map(|at| self.digit(at)));
            return;
        }
        let before = usize::try_from(point).expect("the limit is below that");
        out.extend((first..=last).take(before).map(|at| self.digit(at)));
        out.extend((digits..before).map(|_| b'0'));
        if digits > before {
            out.push(b'.');
            out.extend((first + before..=last).map(|at| self.digit(at)));
        }
    }

    fn write_scientific(
        &self,
        out: &mut Vec<u8>,
        digits: std::ops::RangeInclusive<usize>,
        point: i64,
    ) {
        out.extend_from_slice(b"0.");
        out.extend(digits.map(|at| self.digit(at)));
        out.push(b'e');
        write_integer(out, point.into());
    }
}

fn exponent(text: &[u8]) -> Option<i64> {
    // Half of the range, so that the number's own digits can be added.
    const MOST: i64 = i64::MAX / 2;
    let value: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (-MOST..=MOST).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> String {
        let mut out = Vec::new();
        write_decimal(&mut out, text.as_bytes());
        String::from_utf8(out).expect("digits")
    }

    fn canonical_json(text: &str) -> String {
        let mut out = Vec::new();
        write_json_number(&mut out, text.as_bytes());
        String::from_utf8(out).expect("digits")
    }

    #[test]
    fn decimals_lose_zeros_that_say_nothing() {
        for (written, expected) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("000", "0"),
            ("007.50", "7.5"),
            ("-0.000001", "-0.000001"),
            (".5", "0.5"),
            ("5.", "5"),
            ("100", "100"),
            ("+12.3400", "12.34"),
            ("1e3", "1000"),
            ("1.25E+1", "12.5"),
            ("1.5e-7", "0.00000015"),
            ("0e99", "0"),
            ("NaN", "NaN"),
            ("-Infinity", "-Infinity"),
        ] {
            assert_eq!(canonical(written), expected, "{written}");
        }
    }

    #[test]
    fn a_number_of_json_has_one_text_however_it_was_written_and_however_long_it_is() {
        let spelled = format!("1{}", "0".repeat(5_000));
        let tiny = format!("0.{}1", "0".repeat(4_999));

        assert_eq!(canonical_json(&spelled), "0.1e5001");
        assert_eq!(canonical_json("1e5000"), "0.1e5001");
        assert_eq!(canonical_json("1E-5000"), canonical_json(&tiny));
        assert_eq!(canonical_json("1e308").len(), 309);
        // Beyond what can be counted a number is compared as it is written.
        assert_eq!(
            canonical_json("1e99999999999999999999"),
            "1e99999999999999999999"
        );
    }

    /// The obvious way: through a text of all digits.
    fn slow(sign: &str, digits: &str, scale: usize) -> String {
        let padded = format!("{}{digits}", "0".repeat(scale + 1));
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        match (whole, fraction) {
            ("0", "") => "0".to_owned(),
            (_, "") => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}.{fraction}"),
        }
    }

    proptest! {
        #[test]
        fn every_decimal_is_written_as_the_obvious_way_does(
            sign in prop_oneof!["-", ""],
            digits in "[0-9]{1,40}",
            scale in 0_usize..40,
        ) {
            let exponent = format!("{sign}{digits}e-{scale}");
            prop_assert_eq!(canonical(&exponent), slow(&sign, &digits, scale));
            prop_assert_eq!(canonical_json(&exponent), slow(&sign, &digits, scale));
        }

        #[test]
        fn whole_numbers_are_written_in_decimal(value: i128, small: i64) {
            for value in [value, small.into()] {
                let mut out = Vec::new();
                write_integer(&mut out, value);
                prop_assert_eq!(out, value.to_string().into_bytes());
            }
        }

        #[test]
        fn a_canonical_decimal_is_its_own_canonical_form(text in "-?[0-9]{1,30}(\\.[0-9]{0,30})?(e-?[0-9]{1,3})?") {
            let once = canonical(&text);
            prop_assert_eq!(canonical(&once), once);
            let once = canonical_json(&text);
            prop_assert_eq!(canonical_json(&once), once);
        }
    }
}
