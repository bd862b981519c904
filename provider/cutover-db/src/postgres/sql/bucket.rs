//! Numbers of buckets, and conditions on them.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::plan::{Buckets, Chosen, Method, Strategy};

use super::column::Own;
use super::record::{self, number};
use super::text::{self, NoText};

/// Conditions on this many ranges of keys are written out; more become a list of buckets. Ours: an index is of use for few.
const RANGES: usize = 64;

/// What the seed is changed by for the hash that a bucket is told by, so that it is another than the row's.
const OF_BUCKETS: u64 = 0x9e37_79b9_7f4a_7c15;

/// The number of a row's bucket, by its key. `None` where the whole row is the key, or we tell it ourselves.
pub(in crate::postgres) fn of_key(
    method: &Method,
    key: &[Own<'_>],
) -> Result<Option<String>, NoText> {
    let Some(first) = key.first() else {
        return Ok(None);
    };
    Ok(match (&method.buckets, method.strategy) {
        (Buckets::Ranges { .. }, _) => Some(range(&method.buckets, *first)),
        (Buckets::Hashed { .. }, Strategy::Stream) => None,
        (Buckets::Hashed { count }, Strategy::RecordHash) => {
            let hash = record::hash(key, method.seed ^ OF_BUCKETS)?;
            Some(masked(&hash, *count))
        }
        (Buckets::Hashed { count }, Strategy::TextDigest) => {
            let hash = text::eight_bytes(&text::hash(key, method.seed)?, 1);
            Some(masked(&hash, *count))
        }
    })
}

/// The number of a row's bucket, by the first 64 bits of its hash.
pub(in crate::postgres) fn of_hash(method: &Method, hash: &str) -> String {
    let hash = match method.strategy {
        Strategy::TextDigest => text::eight_bytes(hash, 1),
        Strategy::RecordHash | Strategy::Stream => hash.to_owned(),
    };
    masked(&hash, method.buckets.count())
}

/// The condition that a bucket, given by its expression, is one that the method reads; `None` if that is all of them.
pub(in crate::postgres) fn read_by(method: &Method, bucket: &str) -> Option<String> {
    (method.every > 1).then(|| format!("{bucket} % {} = 0", method.every))
}

/// The condition that a bucket, given by its expression, is one of these.
pub(in crate::postgres) fn is_one_of(bucket: &str, chosen: &Chosen) -> String {
    let numbers: Vec<String> = chosen.iter().map(u32::to_string).collect();
    format!("{bucket} = ANY ('{{{}}}'::int[])", numbers.join(","))
}

/// The condition that the first column of the key is in one of these buckets, as ranges that an index can find; `None`
/// if they are too many or not ranges.
pub(in crate::postgres) fn as_ranges(
    buckets: &Buckets,
    chosen: &Chosen,
    key: Own<'_>,
) -> Option<String> {
    let Buckets::Ranges {
        first,
        width,
        count,
    } = *buckets
    else {
        return None;
    };
    let start_of = |bucket: u32| i128::from(first) + i128::from(bucket) * i128::from(width);
    let runs = runs(chosen);
    if runs.len() > RANGES {
        return None;
    }
    let name = key.name();
    let ranges: Vec<String> = runs
        .into_iter()
        .map(|(from, until)| {
            // The outermost buckets take in what lies outside.
            let above = (from > 0).then(|| format!("{name} >= {}", literal(start_of(from))));
            let below =
                (until < count - 1).then(|| format!("{name} < {}", literal(start_of(until + 1))));
            let both: Vec<String> = above.into_iter().chain(below).collect();
            if both.is_empty() {
                "true".to_owned()
            } else {
                format!("({})", both.join(" AND "))
            }
        })
        .collect();
    Some(match ranges.as_slice() {
        [] => "false".to_owned(),
        _ => format!("({})", ranges.join(" OR ")),
    })
}

/// A whole number of any size.
fn literal(value: i128) -> String {
    match i64::try_from(value) {
        Ok(value) => format!("'{value}'::bigint"),
        Err(_) => format!("'{value}'::numeric"),
    }
}

fn runs(chosen: &Chosen) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &bucket in chosen {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(bucket) => *last = bucket,
            _ => runs.push((bucket, bucket)),
        }
    }
    runs
}

/// `count` is a power of two.
fn masked(hash: &str, count: u32) -> String {
    format!("({hash} & {})::int", count.max(1) - 1)
}

fn range(buckets: &Buckets, key: Own<'_>) -> String {
    let Buckets::Ranges {
        first,
        width,
        count,
    } = *buckets
    else {
        return "0".to_owned();
    };
    let name = key.name();
    let (first, last) = (i128::from(first), count.max(1) - 1);
    let last_begins = first + i128::from(last) * i128::from(width);
    let width = i128::from(width.max(1));
    // Between the outermost buckets, differences fit into 64 bits unless the buckets themselves do not.
    let fits = matches!(key.kind(), Kind::Integer { .. })
        && i64::try_from(last_begins).is_ok()
        && i64::try_from(last_begins - first).is_ok()
        && i64::try_from(width).is_ok();
    let place = if fits {
        format!(
            "(({name}::bigint - {}) / {})",
            literal(first),
            literal(width)
        )
    } else {
        format!("div({name}::numeric - {first}, {width})")
    };
    format!(
        "(CASE WHEN {name} < {} THEN 0 WHEN {name} >= {} THEN {last} ELSE {place}::int END)",
        literal(first),
        literal(last_begins)
    )
}

/// The seeds of the digests of a bucket.
pub(in crate::postgres) fn digest_seeds(seed: u64) -> [String; 2] {
    [
        number(seed ^ 0xc2b2_ae3d_27d4_eb4f),
        number(seed ^ 0x1656_67b1_9e37_79f9),
    ]
}
