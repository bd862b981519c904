//! What is read around a shift before a step: whether there is data, what else is in the zone, and whether new can take
//! any traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::gates::{AlarmReading, Gate, GateKind, Missing, Part, Reading, SeriesId, Side};
use super::super::preflight::{Probe, Probed, Routing};
use super::super::records::RecordSet;
use super::super::spec::{Router, Spec};
use super::{series_of_comparison, series_of_gate};

/// How old data may be that shows, before anything begins, that a series is alive: stated.
pub const ALIVE_WITHIN: Duration = Duration::from_hours(3);

/// The targets of a target group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// How many there are.
    pub registered: u32,
    /// How many of them are healthy.
    pub healthy: u32,
    /// Of how many nobody knows it yet: they were registered this moment, or no rule sends to their group, so that
    /// nobody checks them.
    pub unchecked: u32,
}

/// Whether new can take any traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// It can, or nothing says that it cannot.
    Fit,
    /// It cannot, for a reason.
    Unfit(String),
    /// Its targets are still to be checked for the first time.
    Unchecked(String),
}

/// Tells whether new can take any traffic, from the targets of its groups.
///
/// A load balancer checks the targets of groups that a rule sends to. A group of new may get there by the first change
/// of the shift, so one without a checked target stands against a listener rule only after that, and then until it is
/// checked. Records send to a load balancer of its own, where such a group answers nobody.
pub fn fitness(router: &Router, has_begun: bool, new: &BTreeMap<String, Targets>) -> Fitness {
    let mut fitness = Fitness::Fit;
    for (arn, targets) in new.iter().filter(|(_, targets)| targets.healthy == 0) {
        match router {
            Router::Alb { .. } if targets.unchecked > 0 && !has_begun => {}
            Router::Alb { .. } if targets.unchecked > 0 => {
                fitness = Fitness::Unchecked(format!("no target of `{arn}` is checked yet"));
            }
            Router::Alb { .. } | Router::Route53 { .. } => {
                return Fitness::Unfit(format!("no target of `{arn}` is healthy"));
            }
        }
    }
    fitness
}

/// Tells, before anything begins, what is known about the gates of a step and the comparisons. `series` is what the
/// time of [`ALIVE_WITHIN`] has brought, and `overall` names the gates that read both sides together.
///
/// # Errors
/// When something could not be read, which says nothing about whether it has data.
pub fn probes(
    spec: &Spec,
    step: usize,
    overall: &BTreeSet<String>,
    series: &BTreeMap<SeriesId, Reading>,
    alarms: &BTreeMap<String, Option<AlarmReading>>,
) -> Result<Vec<Probe>, String> {
    let gates = spec.steps.get(step).map(|step| step.gates.as_slice());
    let mut probes = Vec::new();
    for gate in gates.unwrap_or_default() {
        let found = if gate.kind == GateKind::Alarm {
            probe_alarm(&gate.name, alarms)?
        } else {
            match probe_series(&needed(gate), series)? {
                Probed::NoDataOnNew if overall.contains(&gate.name) => Probed::NoData,
                found => found,
            }
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
pub fn surrounding(router: &Router, sets: &[RecordSet], has_begun: bool) -> Vec<RecordSet> {
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
        .cloned()
        .collect()
}
