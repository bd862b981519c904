//! Where the measurements of gates and comparisons come from, and what else is read: the conditions of steps, what is
//! around a shift, and the answers of name servers.

mod around;
mod conditions;
mod sampling;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::compare::{Comparison, Measured};
use super::gates::{AlarmReading, Gate, GateKind, PERIOD, Part, Point, Reading, SeriesId, Side};
use super::spec::Spec;
use crate::Timestamp;
pub use around::{ALIVE_WITHIN, Fitness, Targets, fitness, probes, surrounding};
pub use conditions::{EntrySource, Learned, Task, entry_gate};
pub use sampling::{agree, draws};

/// Where everything that a shift reads besides the router comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    /// The metrics of each series; their values of a period are added up.
    pub series: BTreeMap<SeriesId, Vec<Metric>>,
    /// The gates whose series are of both sides together, by their names: there is data before anything begins.
    pub overall: BTreeSet<String>,
    /// The alarm of each gate that reads one, by the gate's name.
    pub alarms: BTreeMap<String, String>,
    /// The metrics that count the requests of each side; empty when nothing counts them.
    pub requests: BTreeMap<Side, Vec<Metric>>,
    /// The conditions of steps, by their names.
    pub entry_gates: BTreeMap<String, EntrySource>,
    /// The target groups or load balancers whose healthy targets are counted, by side.
    pub target_groups: BTreeMap<Side, Vec<String>>,
    /// The replication task from new to old, by its ARN.
    pub reverse_task: Option<String>,
    /// The hook that closes new to writes, by the name of a parameter that is set to `closed`.
    pub write_fence_parameter: Option<String>,
}

/// A metric as CloudWatch names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub dimensions: BTreeMap<String, String>,
    /// The statistic: `Sum`, `Average`, `p95`.
    pub stat: String,
}

/// A metric over a period.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Query {
    /// The metric.
    pub metric: Metric,
    /// The length of a period, in seconds.
    pub period_seconds: u32,
}

/// A series and the queries whose answers make it up; none when nothing is named for it.
pub type Asked = (SeriesId, Vec<Query>);

/// The value of a parameter that keeps new from being written: stated.
pub const CLOSED: &str = "closed";

/// Returns what the gates of a step and the comparisons read, each series once.
pub fn queries(spec: &Spec, sources: &Sources, step: usize) -> Vec<Asked> {
    let gates = spec
        .steps
        .get(step)
        .map(|step| step.gates.as_slice())
        .unwrap_or_default();
    let mut asked = BTreeMap::new();
    for gate in gates {
        for id in series_of_gate(gate) {
            asked.insert(id, gate.period);
        }
    }
    for comparison in &spec.compare {
        for id in series_of_comparison(comparison) {
            asked.entry(id).or_insert(PERIOD);
        }
    }
    let queries_of = |id: &SeriesId, period: Duration| {
        let metrics = sources.series.get(id).map(Vec::as_slice);
        metrics
            .unwrap_or_default()
            .iter()
            .map(|metric| query(metric, period))
            .collect()
    };
    asked
        .into_iter()
        .map(|(id, period)| {
            let queries = queries_of(&id, period);
            (id, queries)
        })
        .collect()
}

fn query(metric: &Metric, period: Duration) -> Query {
    Query {
        metric: metric.clone(),
        period_seconds: u32::try_from(period.as_secs()).unwrap_or(u32::MAX),
    }
}

fn series_of_gate(gate: &Gate) -> Vec<SeriesId> {
    let sides: &[Side] = if gate.with_old {
        &[Side::New, Side::Old]
    } else {
        &[Side::New]
    };
    ids(&gate.name, sides, gate.parts())
}

fn series_of_comparison(comparison: &Comparison) -> Vec<SeriesId> {
    let parts: &[Part] = match comparison.measured {
        Measured::Rate { .. } => &[Part::Bad, Part::Total],
        Measured::Latency { .. } => &[Part::Value],
    };
    ids(&comparison.name, &[Side::New, Side::Old], parts)
}

fn ids(gate: &str, sides: &[Side], parts: &[Part]) -> Vec<SeriesId> {
    let id = |side: Side, part: Part| SeriesId {
        gate: gate.to_owned(),
        side,
        part,
    };
    sides
        .iter()
        .flat_map(|side| parts.iter().map(move |part| id(*side, *part)))
        .collect()
}

/// Returns every query once, so that one call serves all.
pub fn wire<'q>(queries: impl IntoIterator<Item = &'q Query>) -> Vec<Query> {
    let once: BTreeSet<&Query> = queries.into_iter().collect();
    once.into_iter().cloned().collect()
}

/// Puts the answers to `wire`, in its order, together to the series that were asked for.
pub fn readings(
    asked: &[Asked],
    wire: &[Query],
    answers: &[Reading],
) -> BTreeMap<SeriesId, Reading> {
    let answers: BTreeMap<&Query, &Reading> = wire.iter().zip(answers).collect();
    asked
        .iter()
        .map(|(id, queries)| (id.clone(), reading(queries, &answers)))
        .collect()
}

/// Adds up what was answered to queries. What one metric does not tell for a period counts as nothing added.
fn reading(queries: &[Query], answers: &BTreeMap<&Query, &Reading>) -> Reading {
    let mut all = Vec::new();
    for query in queries {
        match answers.get(query) {
            None => return Reading::Failed("there was no answer".to_owned()),
            Some(Reading::Failed(message)) => return Reading::Failed(message.clone()),
            Some(Reading::Points(points)) => all.push(points),
        }
    }
    match all.as_slice() {
        [] => Reading::Failed("no metric is named for it".to_owned()),
        [points] => Reading::Points((*points).clone()),
        several => {
            let mut sums: BTreeMap<Timestamp, f64> = BTreeMap::new();
            for points in several {
                let mut seen = BTreeSet::new();
                for point in *points {
                    // Two values for one period are not a measurement, and adding them up must not hide that.
                    let value = if seen.insert(point.start) {
                        point.value
                    } else {
                        f64::NAN
                    };
                    *sums.entry(point.start).or_insert(0.0) += value;
                }
            }
            let points = sums.into_iter();
            Reading::Points(
                points
                    .map(|(start, value)| Point { start, value })
                    .collect(),
            )
        }
    }
}

/// Returns the alarms of a step, by the gates that read them; an empty name where none is given.
pub fn alarms(spec: &Spec, sources: &Sources, step: usize) -> BTreeMap<String, String> {
    let gates = spec.steps.get(step).map(|step| step.gates.as_slice());
    gates
        .unwrap_or_default()
        .iter()
        .filter(|gate| gate.kind == GateKind::Alarm)
        .map(|gate| {
            let alarm = sources.alarms.get(&gate.name).cloned().unwrap_or_default();
            (gate.name.clone(), alarm)
        })
        .collect()
}

/// Gives each gate what was read of its alarm.
pub fn alarm_readings(
    asked: &BTreeMap<String, String>,
    answers: &BTreeMap<String, AlarmReading>,
) -> BTreeMap<String, AlarmReading> {
    let gone = || AlarmReading::Failed("there is no such alarm".to_owned());
    asked
        .iter()
        .map(|(gate, alarm)| {
            (
                gate.clone(),
                answers.get(alarm).cloned().unwrap_or_else(gone),
            )
        })
        .collect()
}

/// Returns what counts the requests of each side, when both are counted; nothing otherwise.
pub fn request_queries(sources: &Sources) -> Vec<(Side, Query)> {
    let of = |side: Side| {
        let metrics = sources.requests.get(&side).map(Vec::as_slice);
        metrics
            .unwrap_or_default()
            .iter()
            .map(move |metric| (side, query(metric, PERIOD)))
            .collect::<Vec<_>>()
    };
    let (old, new) = (of(Side::Old), of(Side::New));
    if old.is_empty() || new.is_empty() {
        return Vec::new();
    }
    old.into_iter().chain(new).collect()
}

/// Counts the requests of old and of new in the whole periods from a moment on.
///
/// # Errors
/// When one of the counts could not be read: half of the requests say nothing about their split.
pub fn split(
    asked: &[(Side, Query)],
    wire: &[Query],
    answers: &[Reading],
    from: Timestamp,
) -> Result<(f64, f64), String> {
    let answers: BTreeMap<&Query, &Reading> = wire.iter().zip(answers).collect();
    let (mut old, mut new) = (0.0, 0.0);
    for (side, query) in asked {
        let points = match answers.get(query) {
            Some(Reading::Points(points)) => points,
            Some(Reading::Failed(message)) => return Err(message.clone()),
            None => return Err("there was no answer".to_owned()),
        };
        let usable = points
            .iter()
            .filter(|point| point.start >= from && point.value.is_finite() && point.value > 0.0);
        let count: f64 = usable.map(|point| point.value).sum();
        match side {
            Side::Old => old += count,
            Side::New => new += count,
        }
    }
    Ok((old, new))
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests;
