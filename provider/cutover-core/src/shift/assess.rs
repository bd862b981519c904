//! What the measurements say about the gates.
//!
//! A verdict is a plain function of the points, the gates and the moment, so that any moment can be judged again. The
//! rules lean to the safe side in both directions: harm counts as soon as it can be seen, health only once its period
//! no longer changes, and what is missing is neither.

mod periods;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::gates::{AlarmReading, Gate, GateKind, Limit, Missing, Readings, Severity, Side};
use crate::Timestamp;
use periods::{Period, judge_periods, points};

/// The times that a judgement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// From when on harm counts.
    pub harm_from: Timestamp,
    /// From when on health counts: the bake's beginning. Later than `now` while it has not begun.
    pub bake_from: Timestamp,
    /// The moment.
    pub now: Timestamp,
}

/// What a gate's measurements say.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Every settled period of the bake that could be judged was healthy, the newest among them.
    Healthy,
    /// The limit was passed for long enough.
    Breached(Breach),
    /// Nothing can be said, for a reason.
    Inconclusive(Lack),
    /// The measurements could not be had. That is not a measurement.
    Blind(String),
}

/// How a limit was passed.
#[derive(Clone, Debug, PartialEq)]
pub struct Breach {
    /// The beginning of the first breaching period.
    pub since: Timestamp,
    /// The end of the one that made it long enough.
    pub until: Timestamp,
    /// The value at that time; absent when data was missing for too long.
    pub value: Option<f64>,
    /// Of how many samples; zero where nothing counts them.
    pub samples: f64,
    /// Whether old was beyond the limit in the same periods.
    pub shared: bool,
    /// Whether new was then worse than old by more than a fifth.
    pub worse_than_old: bool,
}

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// No period is old enough yet.
    Young,
    /// There is no data.
    NoData,
    /// There is too little traffic.
    FewSamples,
    /// What was read is not a measurement: not a number, infinite, negative, or two values for one period.
    Unreadable,
    /// The newest period breaches, yet not for long enough.
    Breaching,
}

/// A gate as judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// The gate's name.
    pub gate: String,
    /// What a breach leads to.
    pub severity: Severity,
    /// What the measurements say.
    pub verdict: Verdict,
    /// The newest value that could be judged.
    pub value: Option<f64>,
    /// Of how many samples.
    pub samples: f64,
    /// Where health ends; `None` for an alarm, which has its own.
    pub limit: Option<Limit>,
    /// Whether value and limit are fractions, which people read in percent.
    pub in_percent: bool,
    /// How much of the bake was settled and could not be judged: so much is not credited.
    pub unjudged: Duration,
}

/// New worse than old by more than this factor is not the same fault: stated.
const WORSE_FACTOR: f64 = 1.2;

/// Judges every gate, in their order.
pub fn assess(gates: &[Gate], readings: &Readings, frame: Frame) -> Vec<Assessment> {
    gates
        .iter()
        .map(|gate| assess_gate(gate, readings, frame))
        .collect()
}

fn assess_gate(gate: &Gate, readings: &Readings, frame: Frame) -> Assessment {
    let assessment = |verdict| Assessment {
        gate: gate.name.clone(),
        severity: gate.severity,
        verdict,
        value: None,
        samples: 0.0,
        limit: (gate.kind != GateKind::Alarm).then_some(gate.limit),
        in_percent: matches!(gate.kind, GateKind::Ratio | GateKind::Remainder),
        unjudged: Duration::ZERO,
    };
    let is_silent =
        frame.now < frame.bake_from.after(gate.initial_delay) && !gate.initial_delay.is_zero();
    if gate.kind == GateKind::Alarm {
        let verdict = if is_silent {
            Verdict::Inconclusive(Lack::Young)
        } else {
            assess_alarm(gate, readings, frame)
        };
        return assessment(verdict);
    }
    let new = match points(gate, readings, Side::New) {
        Ok(points) => points,
        Err(message) => return assessment(Verdict::Blind(message)),
    };
    let delay = |at: Timestamp| at.after(gate.initial_delay);
    let harm_from = if gate.initial_delay.is_zero() {
        frame.harm_from
    } else {
        delay(frame.bake_from.max(frame.harm_from))
    };
    let periods = judge_periods(gate, &new, Frame { harm_from, ..frame });
    let mut result = assessment(Verdict::Inconclusive(Lack::Young));
    let health_from = delay(frame.bake_from);
    for (start, period) in &periods {
        if *start < health_from {
            continue;
        }
        match period {
            Period::Healthy { value, samples } => {
                (result.value, result.samples) = (Some(*value), *samples);
            }
            Period::Breach { value, samples } => {
                (result.value, result.samples) = (*value, *samples);
            }
            Period::Lacking(_) => result.unjudged = result.unjudged.saturating_add(gate.period),
            Period::Young => {}
        }
    }
    let breach = find_breach(gate, &periods);
    result.verdict = match breach {
        Some(breach) => {
            (result.value, result.samples) = (breach.value, breach.samples);
            Verdict::Breached(attribute(gate, readings, frame, breach))
        }
        None => verdict_of_newest(&periods, health_from),
    };
    result
}

/// What the newest settled period of the bake says.
fn verdict_of_newest(periods: &BTreeMap<Timestamp, Period>, health_from: Timestamp) -> Verdict {
    let settled = periods
        .range(health_from..)
        .filter(|(_, period)| !matches!(period, Period::Young));
    match settled.map(|(_, period)| *period).next_back() {
        None | Some(Period::Young) => Verdict::Inconclusive(Lack::Young),
        Some(Period::Healthy { .. }) => Verdict::Healthy,
        Some(Period::Breach { .. }) => Verdict::Inconclusive(Lack::Breaching),
        Some(Period::Lacking(lack)) => Verdict::Inconclusive(lack),
    }
}

fn assess_alarm(gate: &Gate, readings: &Readings, frame: Frame) -> Verdict {
    match readings.alarms.get(&gate.name) {
        None => Verdict::Blind("the alarm was not read".to_owned()),
        Some(AlarmReading::Failed(message)) => Verdict::Blind(message.clone()),
        Some(AlarmReading::Quiet) => Verdict::Healthy,
        Some(AlarmReading::Alarm { since }) => {
            let since = (*since).max(frame.harm_from);
            if frame.now.since(since) < gate.sustained {
                return Verdict::Inconclusive(Lack::Breaching);
            }
            Verdict::Breached(Breach {
                since,
                until: frame.now,
                value: None,
                samples: 0.0,
                shared: false,
                worse_than_old: true,
            })
        }
        Some(AlarmReading::NoData) => match gate.missing {
            Missing::Inconclusive => Verdict::Inconclusive(Lack::NoData),
            Missing::Healthy | Missing::Zero => Verdict::Healthy,
            Missing::Breaching { .. } => {
                let (since, until) = (frame.now, frame.now);
                Verdict::Breached(Breach {
                    since,
                    until,
                    value: None,
                    samples: 0.0,
                    shared: false,
                    worse_than_old: true,
                })
            }
        },
    }
}

/// Finds the first run of breaching periods that is long enough. A healthy period ends a run; what could not be judged
/// neither ends nor lengthens it. A run of the past counts as well: a point that came late may have completed it.
fn find_breach(gate: &Gate, periods: &BTreeMap<Timestamp, Period>) -> Option<Breach> {
    let mut run: Option<(Timestamp, Duration)> = None;
    let mut last: Vec<Timestamp> = Vec::new();
    let mut outcomes: Vec<bool> = Vec::new();
    for (start, period) in periods {
        let (value, samples) = match period {
            Period::Breach { value, samples } => (value, samples),
            Period::Healthy { .. } => {
                run = None;
                outcomes.push(false);
                continue;
            }
            Period::Young | Period::Lacking(_) => continue,
        };
        let (since, length) = run.unwrap_or((*start, Duration::ZERO));
        let length = length.saturating_add(gate.period);
        run = Some((since, length));
        outcomes.push(true);
        last.push(*start);
        let found = match gate.datapoints {
            None => length >= gate.sustained,
            Some(datapoints) => {
                let of = usize::try_from(datapoints.of).unwrap_or(usize::MAX);
                let breaching = outcomes
                    .iter()
                    .rev()
                    .take(of)
                    .filter(|breach| **breach)
                    .count();
                u32::try_from(breaching).is_ok_and(|breaching| breaching >= datapoints.breaching)
            }
        };
        if found {
            let back =
                usize::try_from(gate.datapoints.map_or(1, |datapoints| datapoints.breaching))
                    .unwrap_or(1);
            let first = last.iter().rev().nth(back.saturating_sub(1)).copied();
            let since = if gate.datapoints.is_some() {
                first.unwrap_or(since)
            } else {
                since
            };
            return Some(Breach {
                since,
                until: start.after(gate.period),
                value: *value,
                samples: *samples,
                shared: false,
                worse_than_old: true,
            });
        }
    }
    None
}

/// Says whether old broke the same limit at the same time.
fn attribute(gate: &Gate, readings: &Readings, frame: Frame, breach: Breach) -> Breach {
    if !gate.with_old {
        return breach;
    }
    let Ok(old) = points(gate, readings, Side::Old) else {
        return breach;
    };
    let periods = judge_periods(gate, &old, frame);
    let values: Vec<f64> = periods
        .range(breach.since..breach.until)
        .filter_map(|(_, period)| match period {
            Period::Breach { value, .. } => *value,
            Period::Healthy { .. } | Period::Young | Period::Lacking(_) => None,
        })
        .collect();
    let Some(worst) = values.iter().copied().reduce(|a, b| {
        if gate.limit.is_breached_by(a.max(b)) {
            a.max(b)
        } else {
            a.min(b)
        }
    }) else {
        return breach;
    };
    let worse_than_old = breach.value.is_none_or(|new| match gate.kind {
        // How much is missing is compared, not how much is left.
        GateKind::Remainder => (1.0 - new) > (1.0 - worst) * WORSE_FACTOR,
        GateKind::Ratio | GateKind::Value | GateKind::Count | GateKind::Alarm => {
            new > worst * WORSE_FACTOR
        }
    });
    Breach {
        shared: true,
        worse_than_old,
        ..breach
    }
}

/// Returns the names of critical and holding gates that a bake cannot pass without, and that are not healthy.
pub fn undecided(assessments: &[Assessment]) -> BTreeSet<&str> {
    let deciding = assessments
        .iter()
        .filter(|assessment| assessment.severity >= Severity::Hold);
    deciding
        .filter(|assessment| assessment.verdict != Verdict::Healthy)
        .map(|assessment| assessment.gate.as_str())
        .collect()
}

/// Returns how much of the bake no credit is given for: the most that any deciding gate could not judge.
pub fn unjudged(assessments: &[Assessment]) -> Duration {
    let deciding = assessments
        .iter()
        .filter(|assessment| assessment.severity >= Severity::Hold);
    deciding
        .map(|assessment| assessment.unjudged)
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests;
