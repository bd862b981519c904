//! What each period of a gate says by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::gates::{
    Gate, GateKind, Missing, Part, Reading, Readings, SeriesId, Side, WIDEN_MAX,
};
use super::{Frame, Lack};
use crate::Timestamp;

/// What one period says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Period {
    Breach { value: Option<f64>, samples: f64 },
    Healthy { value: f64, samples: f64 },
    Young,
    Lacking(Lack),
}

/// The points of one side, per part and period. A period with two different values is as unreadable as one with none
/// that is a number, whichever came first.
pub(super) type Points = BTreeMap<Part, BTreeMap<Timestamp, Option<f64>>>;

pub(super) fn points(gate: &Gate, readings: &Readings, side: Side) -> Result<Points, String> {
    let mut all = Points::new();
    for part in gate.parts() {
        let id = SeriesId {
            gate: gate.name.clone(),
            side,
            part: *part,
        };
        let of_part = all.entry(*part).or_default();
        match readings.series.get(&id) {
            None => return Err("the series was not read".to_owned()),
            Some(Reading::Failed(message)) => return Err(message.clone()),
            Some(Reading::Points(points)) => {
                for point in points {
                    let value =
                        Some(point.value).filter(|value| value.is_finite() && *value >= 0.0);
                    of_part
                        .entry(point.start)
                        .and_modify(|known| {
                            if *known != value {
                                *known = None;
                            }
                        })
                        .or_insert(value);
                }
            }
        }
    }
    Ok(all)
}

/// Judges every period that lies wholly after `harm_from` and is old enough to be harmful.
pub(super) fn judge_periods(
    gate: &Gate,
    points: &Points,
    frame: Frame,
) -> BTreeMap<Timestamp, Period> {
    let mut periods = BTreeMap::new();
    let mut missing_in_a_row = 0_u32;
    for start in starts(gate.period, frame.harm_from, frame.now) {
        let end = start.after(gate.period);
        if frame.now < end.after(gate.lag.harm) {
            break;
        }
        let is_settled = frame.now >= end.after(gate.lag.health);
        let mut period = judge_period(gate, points, start, frame.harm_from);
        match (period, gate.missing) {
            (Period::Lacking(Lack::NoData), missing) if is_settled => {
                missing_in_a_row = missing_in_a_row.saturating_add(1);
                period = match missing {
                    Missing::Breaching { periods } if missing_in_a_row >= periods => {
                        Period::Breach {
                            value: None,
                            samples: 0.0,
                        }
                    }
                    Missing::Healthy => Period::Healthy {
                        value: 0.0,
                        samples: 0.0,
                    },
                    Missing::Breaching { .. } | Missing::Inconclusive | Missing::Zero => period,
                };
            }
            (Period::Lacking(Lack::NoData), _) => {}
            (
                Period::Breach { .. } | Period::Healthy { .. } | Period::Young | Period::Lacking(_),
                _,
            ) => missing_in_a_row = 0,
        }
        // What is not settled may show harm and nothing else.
        let is_harm = matches!(period, Period::Breach { .. });
        periods.insert(
            start,
            if is_settled || is_harm {
                period
            } else {
                Period::Young
            },
        );
    }
    periods
}

/// The beginnings of whole periods between two moments, aligned as CloudWatch aligns them: to multiples of the period.
fn starts(period: Duration, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
    let length = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
    let past = from.unix_millis().rem_euclid(length);
    let gap = if past == 0 {
        0
    } else {
        length.saturating_sub(past)
    };
    let first = Timestamp::from_unix_millis(from.unix_millis().saturating_add(gap));
    std::iter::successors(Some(first), move |start| {
        Some(start.after(period)).filter(|next| next > start)
    })
    .take_while(move |start| *start < until)
}

fn judge_period(gate: &Gate, points: &Points, start: Timestamp, from: Timestamp) -> Period {
    match gate.kind {
        GateKind::Ratio | GateKind::Remainder => judge_ratio(gate, points, start, from),
        GateKind::Value | GateKind::Count => judge_value(gate, points, start),
        GateKind::Alarm => Period::Lacking(Lack::NoData),
    }
}

fn at(points: &Points, part: Part, start: Timestamp) -> Result<f64, Lack> {
    points
        .get(&part)
        .and_then(|series| series.get(&start))
        .ok_or(Lack::NoData)?
        .ok_or(Lack::Unreadable)
}

fn judged(gate: &Gate, value: f64, samples: f64) -> Period {
    if gate.limit.is_breached_by(value) {
        Period::Breach {
            value: Some(value),
            samples,
        }
    } else {
        Period::Healthy { value, samples }
    }
}

fn judge_value(gate: &Gate, points: &Points, start: Timestamp) -> Period {
    let samples = if gate.samples_min > 0 {
        match at(points, Part::Total, start) {
            Err(lack) => return Period::Lacking(lack),
            Ok(samples) if samples < f64::from(gate.samples_min) => {
                return Period::Lacking(Lack::FewSamples);
            }
            Ok(samples) => samples,
        }
    } else {
        1.0
    };
    match at(points, Part::Value, start) {
        Ok(value) => judged(gate, value, samples),
        Err(Lack::NoData) if gate.missing == Missing::Zero && gate.kind == GateKind::Count => {
            judged(gate, 0.0, samples)
        }
        Err(lack) => Period::Lacking(lack),
    }
}

/// Judges a ratio over the gate's window, which is widened into the past while samples are too few.
///
/// A wide window still shows what is long over. So a period breaches only when something went wrong within the part of
/// it that the gate asks for anyway.
fn judge_ratio(gate: &Gate, points: &Points, start: Timestamp, from: Timestamp) -> Period {
    let (mut bad, mut total, mut recent_bad, mut covered, mut begin) =
        (0.0, 0.0, 0.0, 0_u32, start);
    let own = gate
        .period
        .saturating_mul(gate.window_periods)
        .max(gate.period);
    loop {
        let reached = gate.period.saturating_mul(covered.saturating_add(1));
        match of_both(gate, points, begin) {
            Ok((more_bad, more_total)) => {
                bad += more_bad;
                total += more_total;
                if reached <= own {
                    recent_bad += more_bad;
                }
            }
            // The period itself must be known; those before it only help out.
            Err(found) if covered == 0 => return Period::Lacking(found),
            Err(_) => {}
        }
        covered = covered.saturating_add(1);
        let has_enough = total >= f64::from(gate.samples_min) && total > 0.0;
        let earlier = begin.before(gate.period);
        let may_widen =
            earlier >= from && reached.saturating_add(gate.period) <= WIDEN_MAX.max(own);
        if (has_enough && covered >= gate.window_periods) || !may_widen {
            break;
        }
        begin = earlier;
    }
    if total <= 0.0 || total < f64::from(gate.samples_min) {
        return Period::Lacking(Lack::FewSamples);
    }
    let share_bad = (bad / total).min(1.0);
    let value = if gate.kind == GateKind::Remainder {
        1.0 - share_bad
    } else {
        share_bad
    };
    match judged(gate, value, total) {
        Period::Breach { .. } if recent_bad <= 0.0 && bad > 0.0 => {
            Period::Lacking(Lack::FewSamples)
        }
        period @ (Period::Breach { .. }
        | Period::Healthy { .. }
        | Period::Young
        | Period::Lacking(_)) => period,
    }
}

fn of_both(gate: &Gate, points: &Points, start: Timestamp) -> Result<(f64, f64), Lack> {
    let total = at(points, Part::Total, start)?;
    match at(points, Part::Bad, start) {
        Err(Lack::NoData) if gate.missing == Missing::Zero => Ok((0.0, total)),
        bad => Ok((bad?, total)),
    }
}
