//! Which methods a table can be compared by, and which of them will be the quickest.

use std::fmt::Write;

use super::catalog::{Engine, Kind, Server};
use super::digest::Mix;
use super::facts::Cost;
use super::fingerprint::Fingerprint;
use super::plan::{Buckets, ColumnPlan, Form, KeyPlan, Layout, Method, Strategy, TablePlan};
use super::side::{Both, Side};
use super::spec::Limits;

/// How many rows a bucket should hold: design, section 5.10. A bucket of 32 bytes then stands for 4,096 rows.
const BUCKET_ROWS: u64 = 4_096;
/// The fewest and the most buckets of a table: design, section 5.10.
const BUCKETS: (u32, u32) = (64, 65_536);

/// How many times as many values a range of keys may span as there are rows. Keys that are spread more thinly lie in
/// heaps (identifiers made of times, one outlier), so that ranges of equal width would hold very unequal numbers of rows.
/// Ours.
const SPREAD: u64 = 1_000;

/// Below so many rows and bytes on both sides a table is read as quickly as a strategy would be timed. Ours.
const SMALL: (u64, u64) = (20_000, 64 << 20);

/// How many bytes a row is taken for where a server does not know how many it has. Ours.
const ROW_BYTES: u64 = 128;

/// The first version of PostgreSQL with `hash_record_extended`: its release notes for 14.
const RECORD_HASH_SINCE: u32 = 140_000;

/// What was decided for a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// How it is read.
    pub method: Method,
    /// Why, with the figures.
    pub reason: String,
}

/// Tells why a table cannot be compared by a strategy; `None` where it can, calibration apart.
pub fn obstacle(
    strategy: Strategy,
    plan: &TablePlan,
    servers: &Both<Server>,
) -> Option<&'static str> {
    let has = |form: fn(&Form) -> bool| plan.columns.iter().any(|column| form(&column.form));
    match strategy {
        Strategy::TextDigest if has(|form| matches!(form, Form::Float)) => {
            Some("engines print floating point in different ways")
        }
        Strategy::TextDigest if has(|form| matches!(form, Form::Json)) => {
            Some("JSON that means the same is not the same text")
        }
        Strategy::Stream | Strategy::TextDigest => None,
        Strategy::RecordHash => {
            let can = |server: &Server| {
                server.engine == Engine::Postgres && server.version_number >= RECORD_HASH_SINCE
            };
            if !can(&servers.source) || !can(&servers.target) {
                Some("it needs PostgreSQL 14 or later on both sides")
            } else if plan.columns.iter().all(hashes_alike) {
                None
            } else {
                Some("a column has types on the two sides that hash differently")
            }
        }
    }
}

/// Tells whether PostgreSQL hashes equal values of both types of a column to one number.
///
/// Integers of all lengths do, and so do both floats; lengths and scales do not enter a hash. What is cast to text does if
/// its text is the same, which for JSON is only sure where both sides keep it parsed.
fn hashes_alike(column: &ColumnPlan) -> bool {
    alike(&column.kinds.source, &column.kinds.target)
}

fn alike(source: &Kind, target: &Kind) -> bool {
    match (source, target) {
        (Kind::Integer { .. }, Kind::Integer { .. })
        | (Kind::Numeric { .. }, Kind::Numeric { .. })
        | (Kind::Float { .. }, Kind::Float { .. })
        | (Kind::Enum { .. }, Kind::Enum { .. }) => true,
        (Kind::Text { padded: a, .. }, Kind::Text { padded: b, .. })
        | (Kind::Bytes { padded: a, .. }, Kind::Bytes { padded: b, .. }) => a == b,
        (Kind::Json { parsed: a }, Kind::Json { parsed: b }) => *a && *b,
        (Kind::Array(a), Kind::Array(b)) => alike(a, b),
        (source, target) => source == target,
    }
}

/// Returns the strategies that a table can be compared by, the quickest on paper first. `calibrated` says whether the
/// servers hash the same literals to the same number; `None` before that was asked.
pub fn admissible(
    plan: &TablePlan,
    servers: &Both<Server>,
    calibrated: Option<bool>,
) -> Vec<Strategy> {
    [Strategy::RecordHash, Strategy::Stream, Strategy::TextDigest]
        .into_iter()
        .filter(|strategy| obstacle(*strategy, plan, servers).is_none())
        .filter(|strategy| *strategy != Strategy::RecordHash || calibrated != Some(false))
        .collect()
}

/// Returns how a table is read by a strategy.
pub fn method(
    strategy: Strategy,
    plan: &TablePlan,
    layouts: &Both<Layout>,
    seed: u64,
    every: u32,
) -> Method {
    Method {
        strategy,
        buckets: buckets(plan, layouts),
        mix: match plan.key {
            KeyPlan::WholeRow => Mix::Sum,
            KeyPlan::Columns(_) => Mix::Xor,
        },
        seed: table_seed(seed, &plan.label),
        every: every.max(1),
    }
}

/// Returns the seed of a table: another one for each table of each run, and the same when a run is gone on with.
pub fn table_seed(seed: u64, label: &str) -> u64 {
    let mut print = Fingerprint::default();
    print.add(&seed.to_le_bytes());
    print.add(label.as_bytes());
    print.get()
}

/// Returns how many rows a table has, on the side with more of them, as far as the servers know.
pub fn rows(layouts: &Both<Layout>) -> u64 {
    let of = |layout: &Layout| match layout.estimated_rows {
        0 => layout.bytes.checked_div(ROW_BYTES).unwrap_or_default(),
        rows => rows,
    };
    of(&layouts.source).max(of(&layouts.target))
}

/// Tells whether a table is read as quickly as strategies would be timed.
pub fn is_small(layouts: &Both<Layout>) -> bool {
    let bytes = layouts.source.bytes.max(layouts.target.bytes);
    rows(layouts) < SMALL.0 && bytes < SMALL.1
}

fn buckets(plan: &TablePlan, layouts: &Both<Layout>) -> Buckets {
    let rows = rows(layouts);
    let count = bucket_count(rows);
    let hashed = Buckets::Hashed { count };
    let columns = plan.key_columns();
    let Some(first_column) = columns.first() else {
        return hashed;
    };
    let is_integer = |kind: &Kind| matches!(kind, Kind::Integer { .. });
    let kinds = &first_column.kinds;
    if first_column.form != Form::Integer
        || !is_integer(&kinds.source)
        || !is_integer(&kinds.target)
    {
        return hashed;
    }
    let keys = match (layouts.source.keys, layouts.target.keys) {
        (Some(source), Some(target)) => (source.0.min(target.0), source.1.max(target.1)),
        (Some(keys), None) | (None, Some(keys)) => keys,
        (None, None) => return hashed,
    };
    let span = u128::from(keys.1.abs_diff(keys.0)).saturating_add(1);
    let is_thin = span > u128::from(rows.max(1)).saturating_mul(u128::from(SPREAD));
    // The first of several columns may have so few values that most buckets would be empty.
    let is_coarse = columns.len() > 1 && span < u128::from(count);
    if is_thin || is_coarse {
        return hashed;
    }
    let width = span.div_ceil(u128::from(count));
    Buckets::Ranges {
        first: keys.0,
        width: u64::try_from(width).unwrap_or(u64::MAX).max(1),
        count,
    }
}

fn bucket_count(rows: u64) -> u32 {
    let wished = rows.div_ceil(BUCKET_ROWS);
    u32::try_from(wished)
        .ok()
        .and_then(u32::checked_next_power_of_two)
        .unwrap_or(BUCKETS.1)
        .clamp(BUCKETS.0, BUCKETS.1)
}

/// Returns how long a pass should take, in seconds: the slower side, each with all its connections at work for their
/// share of the time.
pub fn forecast(cost: &Both<Cost>, layouts: &Both<Layout>, limits: &Both<Limits>) -> f64 {
    let side = |side: Side| {
        let (cost, limits) = (cost.get(side), limits.get(side));
        let per_row = cost.seconds / real(cost.rows.max(1));
        let share = f64::from(limits.duty.clamp(1, 100)) / 100.0;
        let at_work = f64::from(limits.connections.max(1)) * share;
        per_row * real(layouts.get(side).estimated_rows) / at_work
    };
    side(Side::Source).max(side(Side::Target))
}

/// Chooses the strategy whose forecast is the shortest. `timed` is what each of the methods cost, in the same order;
/// those that failed are out. `None` where none is left.
pub fn choose(
    methods: &[Method],
    timed: &[Option<Both<Cost>>],
    layouts: &Both<Layout>,
    limits: &Both<Limits>,
) -> Option<Choice> {
    let mut text = String::new();
    let mut best: Option<(f64, &Method)> = None;
    for (method, cost) in methods.iter().zip(timed) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        let name = name(method.strategy);
        let Some(cost) = cost else {
            let _ = write!(text, "{name} failed when it was timed");
            continue;
        };
        let seconds = forecast(cost, layouts, limits);
        let micros = |cost: &Cost| 1e6 * cost.seconds / real(cost.rows.max(1));
        let _ = write!(
            text,
            "{name} {seconds:.1} s (source {:.2}, target {:.2} µs a row)",
            micros(&cost.source),
            micros(&cost.target)
        );
        if best.is_none_or(|(least, _)| seconds < least) {
            best = Some((seconds, method));
        }
    }
    best.map(|(_, method)| Choice {
        method: method.clone(),
        reason: format!("{} by forecast: {text}", name(method.strategy)),
    })
}

/// Returns the name of a strategy, as programs write it.
pub fn name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::RecordHash => "recordHash",
        Strategy::Stream => "stream",
        Strategy::TextDigest => "textDigest",
    }
}

/// Returns a count as a real number; beyond 2^53 it is rounded.
pub(super) fn real(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & 0xffff_ffff).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests;
