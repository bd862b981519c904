//! Where the measurements of gates and comparisons come from, and the conditions of steps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::compare::{Comparison, Measured};
use super::facts::{EntryGate, EntryState};
use super::gates::{
    AlarmReading, Gate, GateKind, Missing, PERIOD, Part, Point, Reading, SeriesId, Side,
};
use super::preflight::{Found, Probe, Probed, Routing};
use super::records::RecordSet;
use super::spec::{Router, Spec};
use crate::Timestamp;
use crate::weights::WeightPair;

/// Where everything that a shift reads besides the router comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    /// The metrics of each series; their values of a period are added up.
    pub series: BTreeMap<SeriesId, Vec<Metric>>,
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

/// A condition of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntrySource {
    /// A replication task runs, its lag is at most so much, and validation has found nothing when that is asked for.
    DmsTask {
        /// Its ARN.
        arn: String,
        /// The most that it may be behind.
        lag_max: Duration,
        /// Whether validation must be without findings.
        validated: bool,
    },
    /// An alarm is quiet.
    Alarm {
        /// Its name.
        name: String,
    },
    /// A parameter has a value.
    Parameter {
        /// Its name.
        name: String,
        /// The value.
        equals: String,
    },
}

/// A replication task as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its status as DMS writes it: `running`.
    pub status: String,
    /// How far it is behind, source and target together; `None` while nobody knows.
    pub lag: Option<Duration>,
    /// How many tables have failed, or have records that validation found different or could not compare.
    pub tables_in_error: u32,
}

/// A series and the queries whose answers make it up; none when nothing is named for it.
pub type Asked = (SeriesId, Vec<Query>);

/// What was learned about a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Learned {
    /// The task; `None` when there is none.
    Task(Option<Task>),
    /// The alarm; `None` when there is none.
    Alarm(Option<AlarmReading>),
    /// The parameter; `None` when there is none.
    Parameter(Option<String>),
    /// It could not be read.
    Failed(String),
}

/// How old data may be that shows, before anything begins, that a series is alive: stated.
pub const ALIVE_WITHIN: Duration = Duration::from_hours(3);

/// The chance that a side is not seen although it is answered: ours; it costs one more question a few seconds later.
const UNSEEN_CHANCE: f64 = 0.01;

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

/// Tells how a condition is, from what was learned about it.
pub fn entry_gate(name: &str, source: Option<&EntrySource>, learned: &Learned) -> EntryGate {
    let state = match source {
        None => EntryState::Failed("nothing says where to read it".to_owned()),
        Some(source) => entry_state(source, learned),
    };
    let name = name.to_owned();
    EntryGate { name, state }
}

fn entry_state(source: &EntrySource, learned: &Learned) -> EntryState {
    match (source, learned) {
        (_, Learned::Failed(message)) => EntryState::Failed(message.clone()),
        (EntrySource::DmsTask { arn, .. }, Learned::Task(None)) => {
            EntryState::Failed(format!("there is no task `{arn}`"))
        }
        (
            EntrySource::DmsTask {
                lag_max, validated, ..
            },
            Learned::Task(Some(task)),
        ) => task_state(task, *lag_max, *validated),
        (EntrySource::Alarm { name }, Learned::Alarm(reading)) => match reading {
            Some(AlarmReading::Quiet) => EntryState::Open,
            Some(AlarmReading::Alarm { .. }) => {
                EntryState::Closed(format!("alarm `{name}` is in ALARM"))
            }
            Some(AlarmReading::NoData) => EntryState::Closed(format!("alarm `{name}` has no data")),
            Some(AlarmReading::Failed(message)) => EntryState::Failed(message.clone()),
            None => EntryState::Failed(format!("there is no alarm `{name}`")),
        },
        (EntrySource::Parameter { equals, .. }, Learned::Parameter(Some(value)))
            if value == equals =>
        {
            EntryState::Open
        }
        // The value itself may be a secret.
        (EntrySource::Parameter { name, equals }, Learned::Parameter(Some(_))) => {
            EntryState::Closed(format!("parameter `{name}` is not `{equals}`"))
        }
        (EntrySource::Parameter { name, .. }, Learned::Parameter(None)) => {
            EntryState::Closed(format!("there is no parameter `{name}`"))
        }
        (
            EntrySource::DmsTask { .. } | EntrySource::Alarm { .. } | EntrySource::Parameter { .. },
            Learned::Task(_) | Learned::Alarm(_) | Learned::Parameter(_),
        ) => EntryState::Failed("something else was read".to_owned()),
    }
}

fn task_state(task: &Task, lag_max: Duration, validated: bool) -> EntryState {
    let closed = |why: String| EntryState::Closed(why);
    if !task.is_running() {
        return closed(format!("the task is `{}`, not running", task.status));
    }
    match task.lag {
        None => return closed("nobody knows how far the task is behind".to_owned()),
        Some(lag) if lag > lag_max => {
            return closed(format!(
                "the task is {} s behind, more than {} s",
                lag.as_secs(),
                lag_max.as_secs()
            ));
        }
        Some(_) => {}
    }
    if validated && task.tables_in_error > 0 {
        return closed(format!("{} tables are in error", task.tables_in_error));
    }
    EntryState::Open
}

impl Task {
    /// Tells whether it replicates.
    pub fn is_running(&self) -> bool {
        self.status == "running"
    }
}

/// Tells, before anything begins, what is known about the gates of a step and the comparisons. `series` is what the
/// time of [`ALIVE_WITHIN`] has brought.
///
/// # Errors
/// When something could not be read, which says nothing about whether it has data.
pub fn probes(
    spec: &Spec,
    step: usize,
    series: &BTreeMap<SeriesId, Reading>,
    alarms: &BTreeMap<String, Option<AlarmReading>>,
) -> Result<Vec<Probe>, String> {
    let gates = spec.steps.get(step).map(|step| step.gates.as_slice());
    let mut probes = Vec::new();
    for gate in gates.unwrap_or_default() {
        let found = if gate.kind == GateKind::Alarm {
            probe_alarm(&gate.name, alarms)?
        } else {
            probe_series(&needed(gate), series)?
        };
        let gate = gate.name.clone();
        probes.push(Probe { gate, found });
    }
    for comparison in &spec.compare {
        if probes.iter().all(|probe| probe.gate != comparison.name) {
            let mut ids = series_of_comparison(comparison);
            ids.retain(|id| id.part != Part::Bad);
            let (gate, found) = (comparison.name.clone(), probe_series(&ids, series)?);
            probes.push(Probe { gate, found });
        }
    }
    Ok(probes)
}

/// The series without which nothing can be said. Where silence has a meaning only totals must be there.
fn needed(gate: &Gate) -> Vec<SeriesId> {
    let mut ids = series_of_gate(gate);
    if matches!(gate.missing, Missing::Zero | Missing::Healthy) {
        ids.retain(|id| id.part == Part::Total);
    }
    ids
}

fn probe_series(
    needed: &[SeriesId],
    series: &BTreeMap<SeriesId, Reading>,
) -> Result<Probed, String> {
    let mut found = Probed::Data;
    for id in needed {
        let is_empty = match series.get(id) {
            Some(Reading::Points(points)) => points.is_empty(),
            Some(Reading::Failed(message)) => return Err(format!("gate `{}`: {message}", id.gate)),
            None => true,
        };
        match id.side {
            Side::Old if is_empty => found = Probed::NoDataOnOld,
            Side::New if is_empty && found == Probed::Data => found = Probed::NoDataOnNew,
            Side::Old | Side::New => {}
        }
    }
    Ok(found)
}

fn probe_alarm(
    gate: &str,
    alarms: &BTreeMap<String, Option<AlarmReading>>,
) -> Result<Probed, String> {
    match alarms.get(gate).and_then(Option::as_ref) {
        None => Ok(Probed::NoAlarm),
        Some(AlarmReading::Quiet | AlarmReading::NoData) => Ok(Probed::Data),
        Some(AlarmReading::Alarm { .. }) => Ok(Probed::InAlarm),
        Some(AlarmReading::Failed(message)) => Err(format!("gate `{gate}`: {message}")),
    }
}

/// Returns the records under the names of a shift that stand against it or beside it. Once the shift has begun, its
/// own members are not news.
pub fn surrounding(router: &Router, sets: &[RecordSet], has_begun: bool) -> Vec<Found> {
    let Router::Route53 { records, .. } = router else {
        return Vec::new();
    };
    let is_own = |set: &RecordSet| {
        matches!(&set.routing, Routing::Weighted { set_identifier, .. } if records.iter().any(
            |record| {
                record.name.eq_ignore_ascii_case(&set.name)
                    && [&record.old, &record.new]
                        .iter()
                        .any(|side| side.set_identifier == *set_identifier)
            }
        ))
    };
    sets.iter()
        .filter(|set| !(has_begun && is_own(set)))
        .map(|set| Found {
            name: set.name.clone(),
            record_type: set.record_type.clone(),
            routing: set.routing.clone(),
        })
        .collect()
}

/// Returns how many answers it takes until each side that is answered at all was seen, but for a small chance.
pub fn draws(pair: WeightPair) -> u32 {
    let new = pair.share().fraction();
    let rarer = new.min(1.0 - new);
    if rarer <= 0.0 {
        return 1;
    }
    let needed = (UNSEEN_CHANCE.ln() / (1.0 - rarer).ln()).ceil();
    // The rarest side that weights can express needs fewer than this.
    (1..=DRAWS_MAX)
        .find(|draws| f64::from(*draws) >= needed)
        .unwrap_or(DRAWS_MAX)
}

/// The most answers that are asked for: ours; enough for a weight of 1 in 255.
const DRAWS_MAX: u32 = 1_500;

/// Tells whether answers are those of a pair of weights: from the sides with a weight, from each of them, and from
/// nowhere else.
pub fn agree(pair: WeightPair, old: u32, new: u32, other: u32) -> bool {
    other == 0 && (old > 0) == (pair.old().get() > 0) && (new > 0) == (pair.new_side().get() > 0)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests;
