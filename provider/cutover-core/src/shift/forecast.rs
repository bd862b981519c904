//! What a plan costs in calls, and what its bakes can tell, before it is begun.

use std::collections::BTreeMap;
use std::time::Duration;

use super::compare::{Power, power, render_power};
use super::gates::{Gate, GateKind, Limit, Part, Reading, SeriesId, Side};
use super::machine::{LOOK, tick_of};
use super::render::render_count;
use super::spec::Spec;
use crate::weights::Share;

/// How far back traffic is looked at to say what a bake can tell: stated.
pub const TRAFFIC_WITHIN: Duration = Duration::from_hours(1);

/// Calls that come with each step: stated.
const CALLS_OF_A_STEP: u64 = 15;

/// What a plan costs in calls of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// In all, as long as no bake is extended.
    pub all: u64,
    /// The most in an hour of a bake.
    pub hour_max: u64,
}

/// What the bake of a step can tell by a gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Telling {
    /// The step, counted from 0.
    pub step: usize,
    /// The gate.
    pub gate: String,
    /// The rate that it is to tell from twice as much: a fraction.
    pub rate: f64,
    /// What it takes.
    pub power: Power,
}

/// Counts the calls of a plan.
pub fn calls(spec: &Spec) -> Calls {
    let hours = spec
        .steps
        .iter()
        .map(|step| calls_of_an_hour(spec, &step.gates));
    let of_bakes = spec.steps.iter().zip(hours.clone()).map(|(step, hour)| {
        let bake = hour.saturating_mul(step.bake.as_secs());
        bake.checked_div(3_600)
            .unwrap_or_default()
            .saturating_add(CALLS_OF_A_STEP)
    });
    Calls {
        all: of_bakes.fold(0, u64::saturating_add),
        hour_max: hours.max().unwrap_or_default(),
    }
}

fn calls_of_an_hour(spec: &Spec, gates: &[Gate]) -> u64 {
    const HOUR: Duration = Duration::from_hours(1);
    let per_hour = |every: Duration| {
        let times = HOUR.as_millis().checked_div(every.as_millis());
        u64::try_from(times.unwrap_or_default()).unwrap_or(u64::MAX)
    };
    let (alarms, series): (Vec<&Gate>, Vec<&Gate>) =
        gates.iter().partition(|gate| gate.kind == GateKind::Alarm);
    let ticks = per_hour(tick_of(gates));
    let parts = [
        Some(per_hour(LOOK)),
        Some(per_hour(spec.policy.heartbeat)),
        spec.policy.control_poll.map(per_hour),
        (!series.is_empty()).then_some(ticks),
        (!alarms.is_empty()).then_some(ticks),
    ];
    parts.into_iter().flatten().fold(0, u64::saturating_add)
}

/// Renders the calls of a plan as one line for preview.
pub fn render_calls(calls: Calls) -> String {
    format!(
        "calls of AWS: about {} in all, up to {} in an hour of bake, {CALLS_OF_A_STEP} for each step",
        count(calls.all),
        count(calls.hour_max)
    )
}

fn count(count: u64) -> String {
    // Far below 2^53, and every u32 is a number of this kind.
    render_count(f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
}

/// Returns the gates by whose traffic it can be said what bakes can tell: those of the first step on rates.
pub fn gates_on_rates(spec: &Spec) -> impl Iterator<Item = &Gate> {
    let gates = spec.steps.first().map(|step| step.gates.as_slice());
    let is_rate = |gate: &&Gate| matches!(gate.kind, GateKind::Ratio | GateKind::Remainder);
    gates.unwrap_or_default().iter().filter(is_rate)
}

/// Says what each bake can tell by the first gate on a rate that has had traffic, from what was read of the last
/// [`TRAFFIC_WITHIN`]. Nothing can be said of a gate without traffic, and nothing needs to be of the last step, in which
/// no old is left to be compared with.
pub fn tellings(spec: &Spec, series: &BTreeMap<SeriesId, Reading>) -> Vec<Telling> {
    let found = gates_on_rates(spec).find_map(|gate| {
        let total = sum(series, &gate.name, Part::Total);
        (total > 0.0).then_some((gate, total))
    });
    let Some((gate, total)) = found else {
        return Vec::new();
    };
    let usual = sum(series, &gate.name, Part::Bad) / total;
    // Without any failure there is nothing to double; half of what is allowed stands for it.
    let rate = if usual > 0.0 {
        usual
    } else {
        allowed(gate) / 2.0
    };
    let minutes = TRAFFIC_WITHIN.as_secs_f64() / 60.0;
    let steps = spec.steps.iter().enumerate();
    steps
        .filter(|(_, step)| step.share < Share::FULL)
        .map(|(index, step)| Telling {
            step: index,
            gate: gate.name.clone(),
            rate,
            power: power(
                total / minutes,
                step.share.fraction(),
                step.bake,
                rate,
                spec.policy.design_effect,
            ),
        })
        .collect()
}

/// The rate of failures that a gate allows.
fn allowed(gate: &Gate) -> f64 {
    match (gate.kind, gate.limit) {
        (GateKind::Remainder, Limit::Min(least)) => 1.0 - least,
        (_, Limit::Max(limit) | Limit::Min(limit)) => limit,
    }
}

/// Adds up a part of a gate over both sides.
fn sum(series: &BTreeMap<SeriesId, Reading>, gate: &str, part: Part) -> f64 {
    let points = |side: Side| {
        let id = SeriesId {
            gate: gate.to_owned(),
            side,
            part,
        };
        match series.get(&id) {
            Some(Reading::Points(points)) => points.as_slice(),
            Some(Reading::Failed(_)) | None => &[],
        }
    };
    let values = [Side::Old, Side::New]
        .into_iter()
        .flat_map(points)
        .map(|point| point.value);
    values
        .filter(|value| value.is_finite() && *value > 0.0)
        .sum()
}

/// Renders what a bake can tell as one line for preview.
pub fn render_telling(telling: &Telling) -> String {
    format!(
        "step {}, {}: {}",
        telling.step.saturating_add(1),
        telling.gate,
        render_power(&telling.power, telling.rate)
    )
}

#[cfg(test)]
mod tests;
