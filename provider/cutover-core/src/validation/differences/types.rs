//! What types hold, and what is lost between two of them.

use super::super::catalog::Kind;
use super::super::report::Severity;

/// From this length on a text or bytes may be as long as anything: PostgreSQL's values are 1 GiB at most. Source:
/// PostgreSQL documentation, "PostgreSQL Limits", field size.
const ANY_LENGTH: u64 = (1 << 30) - 1;

/// A difference: how bad it is, the name of its kind, and what it means.
pub(super) type Difference = (Severity, &'static str, String);

/// Lists what differs between two types that can be compared.
pub(super) fn differences(source: &Kind, target: &Kind) -> Vec<Difference> {
    let mut found = Vec::new();
    match (source, target) {
        (Kind::Enum { words }, Kind::Enum { words: others }) => {
            found.extend(between_words(words, others));
        }
        (Kind::Time { digits, .. }, Kind::Time { digits: other, .. }) => {
            found.extend(between_digits(*digits, *other));
        }
        (
            Kind::Timestamp { digits, zoned },
            Kind::Timestamp {
                digits: other,
                zoned: is_other_zoned,
            },
        ) => {
            found.extend(between_digits(*digits, *other));
            if zoned != is_other_zoned {
                found.push((
                    Severity::Warns,
                    "time_zone_meaning",
                    "one is a moment and the other what a clock shows; they are compared in UTC"
                        .to_owned(),
                ));
            }
        }
        (Kind::Float { bits }, Kind::Float { bits: other }) if bits > other => {
            found.push(narrower("it holds fewer digits".to_owned()));
        }
        _ => {
            found.extend(between_numbers(source, target));
            found.extend(between_lengths(source, target));
            found.extend(between_meanings(source, target));
        }
    }
    found
}

fn narrower(text: String) -> Difference {
    (Severity::Blocks, "narrower_type", text)
}

/// The numbers that a type holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbers {
    /// The smallest and largest of whole ones.
    range: Option<(i128, i128)>,
    /// Digits before and after the point; `None` for any number of them.
    digits: Option<(i32, i32)>,
}

/// The smallest and largest whole number of a type.
pub(super) fn range(kind: &Kind) -> Option<(i128, i128)> {
    match kind {
        Kind::Integer { bits, unsigned } => {
            let values = 1_i128.checked_shl(u32::from(*bits))?;
            let half = values.checked_div(2)?;
            Some(if *unsigned {
                (0, values.saturating_sub(1))
            } else {
                (half.saturating_neg(), half.saturating_sub(1))
            })
        }
        Kind::Boolean => Some((0, 1)),
        Kind::Year => Some((0, 9999)),
        _ => None,
    }
}

impl Numbers {
    fn of(kind: &Kind) -> Option<Self> {
        if let Some((first, last)) = range(kind) {
            let digits = first
                .unsigned_abs()
                .max(last.unsigned_abs())
                .to_string()
                .len();
            return Some(Self {
                range: Some((first, last)),
                digits: Some((i32::try_from(digits).unwrap_or(i32::MAX), 0)),
            });
        }
        match kind {
            Kind::Numeric { size } => Some(Self {
                range: None,
                digits: size.map(|(precision, scale)| {
                    let whole = i32::from(precision).saturating_sub(i32::from(scale));
                    (whole, i32::from(scale).max(0))
                }),
            }),
            _ => None,
        }
    }
}

fn between_numbers(source: &Kind, target: &Kind) -> Option<Difference> {
    let (one, other) = (Numbers::of(source)?, Numbers::of(target)?);
    if let (Some((first, last)), Some((other_first, other_last))) = (one.range, other.range) {
        return if first < other_first && other_first == 0 {
            Some((
                Severity::Blocks,
                "lost_sign",
                "it holds no negative numbers".to_owned(),
            ))
        } else if first < other_first || last > other_last {
            Some(narrower(format!(
                "it holds {other_first} to {other_last} only, and not {first} to {last}"
            )))
        } else {
            (one.range != other.range).then(wider)
        };
    }
    match (one.digits, other.digits) {
        (None, None) => None,
        (Some(_), None) => Some(wider()),
        (None, Some(_)) => Some((
            Severity::Blocks,
            "bounded_numeric",
            "it holds so many digits only, and the source any number of them".to_owned(),
        )),
        (Some((_, scale)), Some((_, other))) if other < scale => Some((
            Severity::Blocks,
            "smaller_scale",
            format!("it holds {other} digits after the point, and the source {scale}"),
        )),
        // A whole number of 19 digits may begin with 9, so as many digits do not always fit.
        (Some((whole, _)), Some((other_whole, _)))
            if other_whole < whole || (other.range.is_some() && other_whole == whole) =>
        {
            Some((
                Severity::Blocks,
                "smaller_precision",
                "it holds fewer digits before the point".to_owned(),
            ))
        }
        (one, other) => (one != other).then(wider),
    }
}

fn wider() -> Difference {
    (
        Severity::Informs,
        "wider_type",
        "it holds more than the source does".to_owned(),
    )
}

/// How long values of a type can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// So much at most.
    Most(u64),
    /// As long as anything.
    Any,
}

impl Length {
    fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::Text { length, .. } | Kind::Bytes { length, .. } | Kind::Bits { length } => {
                let length = length.filter(|length| *length < ANY_LENGTH);
                Some(length.map_or(Self::Any, Self::Most))
            }
            Kind::Enum { words } => {
                let longest = words.iter().map(|word| word.chars().count()).max();
                let longest = u64::try_from(longest.unwrap_or_default()).unwrap_or(u64::MAX);
                Some(Self::Most(longest))
            }
            Kind::Json { .. } => Some(Self::Any),
            _ => None,
        }
    }
}

impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Most(length) => write!(f, "{length}"),
            Self::Any => f.write_str("any"),
        }
    }
}

fn between_lengths(source: &Kind, target: &Kind) -> Option<Difference> {
    if matches!(target, Kind::Enum { .. }) {
        return None;
    }
    let (one, other) = (Length::of(source)?, Length::of(target)?);
    let is_shorter = match (one, other) {
        (_, Length::Any) => false,
        (Length::Any, Length::Most(_)) => true,
        (Length::Most(one), Length::Most(other)) => other < one,
    };
    is_shorter.then(|| {
        let text = format!("it holds a length of {other}, and the source one of {one}");
        (Severity::Blocks, "shorter_type", text)
    })
}

fn between_words(source: &[String], target: &[String]) -> Option<Difference> {
    let lost: Vec<&str> = source
        .iter()
        .filter(|word| !target.contains(word))
        .map(String::as_str)
        .collect();
    let kept = target.iter().filter(|word| source.contains(word));
    if !lost.is_empty() {
        Some((
            Severity::Blocks,
            "missing_words",
            format!("it does not have the words `{}`", lost.join("`, `")),
        ))
    } else if !kept.eq(source.iter()) {
        Some((
            Severity::Warns,
            "order_of_words",
            "its words are in another order, which is that in which rows are sorted".to_owned(),
        ))
    } else {
        (source.len() != target.len()).then(|| {
            (
                Severity::Informs,
                "extra_words",
                "it has words that the source does not have".to_owned(),
            )
        })
    }
}

fn between_digits(source: u8, target: u8) -> Option<Difference> {
    match source.cmp(&target) {
        std::cmp::Ordering::Greater => Some((
            Severity::Blocks,
            "fewer_digits",
            format!(
                "it holds {target} digits of a second, and the source {source}; only as many are compared"
            ),
        )),
        std::cmp::Ordering::Less => Some((
            Severity::Informs,
            "more_digits",
            format!(
                "it holds {target} digits of a second, and the source {source}; only as many are compared"
            ),
        )),
        std::cmp::Ordering::Equal => None,
    }
}

/// Types between which values keep, and something else does not.
fn between_meanings(source: &Kind, target: &Kind) -> Option<Difference> {
    let (severity, kind, text) = match (source, target) {
        (Kind::Text { .. }, Kind::Enum { .. } | Kind::Set { .. }) => (
            Severity::Blocks,
            "text_as_enum",
            "it holds some words only, and the source any text",
        ),
        (Kind::Enum { .. } | Kind::Set { .. }, Kind::Text { .. }) => (
            Severity::Informs,
            "enum_as_text",
            "it is text, so that other words than those of the source are possible",
        ),
        (Kind::Text { .. }, Kind::Json { .. } | Kind::Uuid) => (
            Severity::Warns,
            "stricter_type",
            "it refuses text that is not of its form",
        ),
        (Kind::Json { .. }, Kind::Text { .. }) => (
            Severity::Informs,
            "json_as_text",
            "it is text, so that what is no JSON is possible",
        ),
        (Kind::Json { parsed: false }, Kind::Json { parsed: true }) => (
            Severity::Informs,
            "json_parsed",
            "it does not keep blanks, the order of keys, and keys that are there twice",
        ),
        (Kind::Text { padded, .. }, Kind::Text { padded: other, .. })
        | (Kind::Bytes { padded, .. }, Kind::Bytes { padded: other, .. })
            if padded != other =>
        {
            (
                Severity::Informs,
                "padding",
                "one is filled up to its length; the filling is not compared",
            )
        }
        _ => return None,
    };
    Some((severity, kind, text.to_owned()))
}
