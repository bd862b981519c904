//! What the gates of a shift would have said about the past.

use std::collections::BTreeMap;
use std::time::Duration;

use super::assess::{Breach, Frame, Verdict, assess};
use super::gates::{Gate, GateKind, Point, Reading, Readings, SeriesId, Severity, WIDEN_MAX};
use crate::Timestamp;

/// How far apart two looks at the gates are: stated, the longest that a shift waits between two.
pub const TICK: Duration = Duration::from_secs(30);

/// How much further back than a gate needs each look goes: ours, as in a shift that runs.
const LOOK_BACK: Duration = Duration::from_mins(10);

/// What one gate would have said.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The gate's name.
    pub gate: String,
    /// What a breach leads to.
    pub severity: Severity,
    /// When it would have fired, in order. After each the gate begins anew, as it does when a person says to go on.
    pub firings: Vec<Firing>,
    /// For how much of the time it said what.
    pub said: Said,
}

/// A gate fires.
#[derive(Clone, Debug, PartialEq)]
pub struct Firing {
    /// The look that would have seen it.
    pub at: Timestamp,
    /// The breach.
    pub breach: Breach,
}

/// For how many looks a gate said what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Healthy.
    pub healthy: u32,
    /// Nothing could be said, or not yet.
    pub inconclusive: u32,
    /// It could not be read.
    pub blind: u32,
    /// It fired.
    pub breached: u32,
}

/// Replays gates over readings of the past, with a look every [`TICK`], as though a bake had lasted from `from` until
/// `until`. The state of an alarm in the past cannot be read, so gates on alarms are left out.
pub fn simulate(
    gates: &[Gate],
    readings: &Readings,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Replay> {
    let replayed = gates.iter().filter(|gate| gate.kind != GateKind::Alarm);
    replayed
        .map(|gate| replay(gate, readings, from, until))
        .collect()
}

fn replay(gate: &Gate, readings: &Readings, from: Timestamp, until: Timestamp) -> Replay {
    let reach = gate
        .reaction()
        .max(
            gate.period
                .saturating_mul(gate.datapoints.map_or(1, |points| points.of)),
        )
        .saturating_add(WIDEN_MAX)
        .saturating_add(LOOK_BACK);
    let own = Sorted::of_gate(gate, readings);
    let mut replay = Replay {
        gate: gate.name.clone(),
        severity: gate.severity,
        firings: Vec::new(),
        said: Said::default(),
    };
    let (mut harm_from, mut now) = (from, from);
    while now <= until {
        let reached = harm_from.max(now.before(reach));
        let frame = Frame {
            harm_from: reached,
            bake_from: from.max(reached),
            now,
        };
        let window = own.between(reached.before(WIDEN_MAX), now);
        let verdict = assess(std::slice::from_ref(gate), &window, frame)
            .pop()
            .map(|assessment| assessment.verdict);
        let said = &mut replay.said;
        match verdict {
            Some(Verdict::Breached(breach)) => {
                said.breached = said.breached.saturating_add(1);
                replay.firings.push(Firing { at: now, breach });
                harm_from = now;
            }
            Some(Verdict::Healthy) => said.healthy = said.healthy.saturating_add(1),
            Some(Verdict::Inconclusive(_)) | None => {
                said.inconclusive = said.inconclusive.saturating_add(1);
            }
            Some(Verdict::Blind(_)) => said.blind = said.blind.saturating_add(1),
        }
        now = now.after(TICK);
    }
    replay
}

/// The readings of one gate, each in the order of time, so that a window of them is found at once.
struct Sorted(Vec<(SeriesId, Result<Vec<Point>, String>)>);

impl Sorted {
    fn of_gate(gate: &Gate, readings: &Readings) -> Self {
        let own = readings
            .series
            .iter()
            .filter(|(id, _)| id.gate == gate.name);
        let sorted = own.map(|(id, reading)| {
            let points = match reading {
                Reading::Failed(message) => Err(message.clone()),
                Reading::Points(points) => {
                    let mut points = points.clone();
                    points.sort_by_key(|point| point.start);
                    Ok(points)
                }
            };
            (id.clone(), points)
        });
        Self(sorted.collect())
    }

    /// What a look at `until` could have read back to `from`.
    fn between(&self, from: Timestamp, until: Timestamp) -> Readings {
        let window = |points: &Vec<Point>| {
            let begin = points.partition_point(|point| point.start < from);
            let end = points.partition_point(|point| point.start < until);
            points.get(begin..end).unwrap_or_default().to_vec()
        };
        let series = self.0.iter().map(|(id, points)| {
            let reading = match points {
                Ok(points) => Reading::Points(window(points)),
                Err(message) => Reading::Failed(message.clone()),
            };
            (id.clone(), reading)
        });
        Readings {
            series: series.collect(),
            alarms: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests {
    use super::super::gates::{Limit, Part, Side};
    use super::*;

    fn minute(of: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_040_000 + of * 60_000)
    }

    fn five_minutes_above_five_percent() -> Gate {
        Gate {
            sustained: Duration::from_mins(5),
            ..Gate::new("errorRate", GateKind::Ratio, Limit::Max(0.05))
        }
    }

    /// A thousand requests a minute, of which so many failed.
    fn failures(of: impl Fn(i64) -> f64, minutes: i64) -> Readings {
        let series = |part, value: &dyn Fn(i64) -> f64| {
            let id = SeriesId {
                gate: "errorRate".to_owned(),
                side: Side::New,
                part,
            };
            let points = (0..minutes).map(|at| Point {
                start: minute(at),
                value: value(at),
            });
            (id, Reading::Points(points.collect()))
        };
        Readings {
            series: BTreeMap::from([series(Part::Bad, &of), series(Part::Total, &|_| 1_000.0)]),
            alarms: BTreeMap::new(),
        }
    }

    fn check(readings: &Readings, minutes: i64) -> Replay {
        let gate = five_minutes_above_five_percent();

        simulate(&[gate], readings, minute(0), minute(minutes)).remove(0)
    }

    #[test]
    fn a_gate_fires_at_the_look_that_could_have_seen_it() {
        let broken = failures(|at| if at >= 30 { 60.0 } else { 1.0 }, 40);

        let replay = check(&broken, 40);

        // Minutes 30 to 34 break the limit; the last ends at 35 and is a minute old at 36.
        assert_eq!(replay.firings.len(), 1);
        assert_eq!(replay.firings[0].at, minute(36));
        assert_eq!(replay.firings[0].breach.since, minute(30));
        assert_eq!(replay.firings[0].breach.value, Some(0.06));
    }

    #[test]
    fn what_stays_broken_fires_again_when_somebody_goes_on() {
        let broken = failures(|at| if at >= 30 { 60.0 } else { 1.0 }, 60);

        let replay = check(&broken, 60);

        let at: Vec<_> = replay.firings.iter().map(|firing| firing.at).collect();
        assert_eq!(at, [36, 42, 48, 54, 60].map(minute));
        assert_eq!(replay.said.breached, 5);
    }

    #[test]
    fn nothing_fires_over_healthy_hours_however_long() {
        let healthy = failures(|_| 1.0, 24 * 60);

        let replay = check(&healthy, 24 * 60);

        assert_eq!(replay.firings, []);
        assert!(replay.said.healthy > 2_800, "{:?}", replay.said);
    }

    #[test]
    fn what_was_not_read_is_blind_and_alarms_are_left_out() {
        let alarm = Gate::new("alarm", GateKind::Alarm, Limit::Max(0.0));
        let gates = [five_minutes_above_five_percent(), alarm];

        let replays = simulate(&gates, &Readings::default(), minute(0), minute(1));

        assert_eq!(replays.len(), 1);
        assert_eq!(replays[0].said.blind, 3);
    }
}
