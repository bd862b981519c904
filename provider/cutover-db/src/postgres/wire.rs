//! Values as PostgreSQL sends them in binary, pushed to a printer.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::plan::Form;

use crate::canonical::Printer;

/// Days from 1970-01-01, where the printer begins to count, to 2000-01-01, where PostgreSQL does.
const DAYS_TO_2000: i64 = 10_957;
const MICROS_OF_DAY: i64 = 86_400_000_000;

/// How the values of a column come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// Two, four or eight bytes.
    Integer,
    /// Digits to the base of 10,000.
    Numeric,
    /// One byte.
    Boolean,
    /// Four or eight bytes.
    Float,
    /// UTF-8, of text or of what was cast to text.
    Text,
    /// Bytes.
    Bytes,
    /// Days after 2000-01-01.
    Date,
    /// Microseconds of the day, and the seconds west of UTC where there is an offset.
    Time,
    /// Microseconds after 2000-01-01.
    Timestamp,
    /// Sixteen bytes.
    Uuid,
    /// JSON text.
    Json,
    /// A byte for the version, and JSON text.
    Jsonb,
}

/// A value that is not what its type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Misshapen;

impl Wire {
    /// Tells how values of a kind come when they are compared in a form; what comes as text must be cast to it, unless it
    /// is text already.
    pub(super) fn of(kind: &Kind, form: &Form) -> Self {
        if *form == Form::Printed {
            return Self::Text;
        }
        match kind {
            Kind::Integer { .. } => Self::Integer,
            Kind::Numeric { .. } => Self::Numeric,
            Kind::Boolean => Self::Boolean,
            Kind::Float { .. } => Self::Float,
            Kind::Bytes { .. } => Self::Bytes,
            Kind::Date => Self::Date,
            Kind::Time { .. } => Self::Time,
            Kind::Timestamp { .. } => Self::Timestamp,
            Kind::Uuid => Self::Uuid,
            Kind::Json { parsed: true } if *form == Form::Json => Self::Jsonb,
            Kind::Json { parsed: false } if *form == Form::Json => Self::Json,
            _ => Self::Text,
        }
    }

    /// Pushes a value that is not null. `scratch` is overwritten.
    pub(super) fn push(
        self,
        value: &[u8],
        printer: &mut Printer,
        scratch: &mut Vec<u8>,
    ) -> Result<(), Misshapen> {
        match self {
            Self::Integer => printer.integer(integer(value)?.into()),
            Self::Numeric => {
                write_numeric(scratch, value)?;
                printer.numeric(scratch);
            }
            Self::Boolean => printer.integer(i128::from(fixed::<1>(value)? != [0])),
            Self::Float => printer.float(match value.len() {
                4 => f32::from_be_bytes(fixed(value)?).into(),
                _ => f64::from_be_bytes(fixed(value)?),
            }),
            Self::Text => printer.text(value),
            Self::Bytes => printer.bytes(value),
            Self::Date => push_date(i32::from_be_bytes(fixed(value)?), printer),
            Self::Time => printer.time(time(value)?),
            Self::Timestamp => push_timestamp(i64::from_be_bytes(fixed(value)?), printer),
            Self::Uuid => printer.uuid(fixed(value)?),
            Self::Json => printer.json(value),
            Self::Jsonb => match value {
                [1, text @ ..] => printer.json(text),
                _ => return Err(Misshapen),
            },
        }
        Ok(())
    }
}

fn fixed<const N: usize>(value: &[u8]) -> Result<[u8; N], Misshapen> {
    value.try_into().map_err(|_| Misshapen)
}

/// Reads a whole number of two, four or eight bytes.
pub(super) fn integer(value: &[u8]) -> Result<i64, Misshapen> {
    Ok(match value.len() {
        2 => i16::from_be_bytes(fixed(value)?).into(),
        4 => i32::from_be_bytes(fixed(value)?).into(),
        _ => i64::from_be_bytes(fixed(value)?),
    })
}

fn push_date(days: i32, printer: &mut Printer) {
    match days {
        i32::MAX => printer.printed(b"infinity"),
        i32::MIN => printer.printed(b"-infinity"),
        _ => printer.date(i64::from(days) + DAYS_TO_2000),
    }
}

fn push_timestamp(micros: i64, printer: &mut Printer) {
    match micros {
        i64::MAX => printer.printed(b"infinity"),
        i64::MIN => printer.printed(b"-infinity"),
        _ => printer.timestamp(
            micros.div_euclid(MICROS_OF_DAY) + DAYS_TO_2000,
            micros.rem_euclid(MICROS_OF_DAY),
        ),
    }
}

fn time(value: &[u8]) -> Result<i64, Misshapen> {
    let Some((micros, offset)) = value.split_at_checked(8) else {
        return Err(Misshapen);
    };
    let micros = i64::from_be_bytes(fixed(micros)?);
    if offset.is_empty() {
        return Ok(micros);
    }
    let seconds_west = i64::from(i32::from_be_bytes(fixed(offset)?));
    Ok(micros
        .saturating_add(seconds_west.saturating_mul(1_000_000))
        .rem_euclid(MICROS_OF_DAY))
}

/// Writes a `numeric` as text with as many zeros as its digits happen to have.
fn write_numeric(out: &mut Vec<u8>, value: &[u8]) -> Result<(), Misshapen> {
    const NEGATIVE: u16 = 0x4000;
    out.clear();
    let word = |at: usize| {
        let bytes = value.get(at..at + 2).ok_or(Misshapen)?;
        Ok(u16::from_be_bytes(fixed(bytes)?))
    };
    let groups = usize::from(word(0)?);
    // How many groups stand before the point, less one; negative where the number begins behind it.
    let weight = word(2)?.cast_signed();
    let word_instead: &[u8] = match word(4)? {
        0 => b"",
        NEGATIVE => {
            out.push(b'-');
            b""
        }
        0xC000 => b"NaN",
        0xD000 => b"Infinity",
        0xF000 => b"-Infinity",
        _ => return Err(Misshapen),
    };
    if !word_instead.is_empty() {
        out.extend_from_slice(word_instead);
        return Ok(());
    }
    if value.len() != 8 + groups * 2 {
        return Err(Misshapen);
    }
    let before = usize::try_from(i32::from(weight) + 1).unwrap_or(0);
    for place in 0..before {
        write_group(
            out,
            if place < groups {
                word(8 + place * 2)?
            } else {
                0
            },
        );
    }
    if before == 0 {
        out.push(b'0');
    }
    out.push(b'.');
    for _ in 0..(-i32::from(weight) - 1).max(0) {
        write_group(out, 0);
    }
    for place in before..groups {
        write_group(out, word(8 + place * 2)?);
    }
    Ok(())
}

fn write_group(out: &mut Vec<u8>, group: u16) {
    let digit = |unit: u16| b'0' + u8::try_from(group / unit % 10).expect("a digit is below ten");
    out.extend_from_slice(&[digit(1_000), digit(100), digit(10), digit(1)]);
}
