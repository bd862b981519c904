//! What is watched while a share bakes, and the limits that the runbooks name.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Timestamp;

/// One of the two sides of a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Where traffic comes from.
    Old,
    /// Where traffic goes.
    New,
}

/// The part that a series plays in a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What went wrong: a count per period.
    Bad,
    /// Everything there was: a count per period.
    Total,
    /// The measured value itself, such as a percentile.
    Value,
}

/// A rule that is read during a bake.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// Its name, unique within a step.
    pub name: String,
    /// What is measured.
    pub kind: GateKind,
    /// Where health ends.
    pub limit: Limit,
    /// How long periods must breach without a healthy one between them; zero: one is enough.
    pub sustained: Duration,
    /// Instead of `sustained`: so many of the last so many judged periods.
    pub datapoints: Option<Datapoints>,
    /// The length of a period.
    pub period: Duration,
    /// How many periods one judgement covers at least; more than one makes a sliding window.
    pub window_periods: u32,
    /// How many samples a judgement needs; only kinds that count know.
    pub samples_min: u32,
    /// How old a period must be.
    pub lag: Lag,
    /// What a period without data means.
    pub missing: Missing,
    /// What a breach leads to.
    pub severity: Severity,
    /// Whether the old side is read as well, so that a fault of both is told apart from one of new.
    pub with_old: bool,
    /// How long into a bake the gate keeps silent.
    pub initial_delay: Duration,
}

/// What a gate measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateKind {
    /// Bad by total.
    Ratio,
    /// What is left of one after bad by total: availability.
    Remainder,
    /// A value per period.
    Value,
    /// A count per period; without data there was nothing to count when `missing` says zero.
    Count,
    /// The state of an alarm.
    Alarm,
}

/// Where health ends. Both are healthy exactly at the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Breached strictly above.
    Max(f64),
    /// Breached strictly below.
    Min(f64),
}

impl Limit {
    /// Tells whether a value is beyond the limit.
    pub fn is_breached_by(self, value: f64) -> bool {
        match self {
            Self::Max(max) => value > max,
            Self::Min(min) => value < min,
        }
    }
}

/// Renders a value of a gate for people, to three digits after the point: `5 %`, `0.35`.
pub fn render_value(value: f64, in_percent: bool) -> String {
    let shown = if in_percent { value * 100.0 } else { value };
    let text = format!("{shown:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if in_percent {
        format!("{text} %")
    } else {
        text.to_owned()
    }
}

/// So many breaching periods of so many judged ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datapoints {
    /// How many breach.
    pub breaching: u32,
    /// Of how many.
    pub of: u32,
}

/// How old a period must be before it counts, measured from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// As evidence of harm: bad can only become worse while the period fills.
    pub harm: Duration,
    /// As evidence of health: a period that still fills may yet turn bad.
    pub health: Duration,
}

/// What a period without data means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nothing is known.
    Inconclusive,
    /// As bad as a breach, from so many periods in a row on.
    Breaching {
        /// How many periods without data.
        periods: u32,
    },
    /// Silence is health.
    Healthy,
    /// Nothing went wrong, where the total shows that something went on; for counts.
    Zero,
}

/// What a breach leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Measured and shown, without effect.
    DryRun,
    /// Told to people.
    Warn,
    /// The shift stops where it is.
    Hold,
    /// Everything goes back to old.
    Critical,
}

/// One value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The beginning of its period.
    pub start: Timestamp,
    /// The value.
    pub value: f64,
}

/// Which series a reading is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesId {
    /// The gate's name.
    pub gate: String,
    /// Of which side.
    pub side: Side,
    /// Its part in the gate.
    pub part: Part,
}

/// What came of reading a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Everything there is; empty when there is nothing.
    Points(Vec<Point>),
    /// It could not be read, or not to its end. That is not a measurement.
    Failed(String),
}

/// What came of reading everything at one tick.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// Each series that was asked for.
    pub series: BTreeMap<SeriesId, Reading>,
    /// Each alarm that was asked for, by its gate's name.
    pub alarms: BTreeMap<String, AlarmReading>,
}

/// What came of reading an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmReading {
    /// `OK`.
    Quiet,
    /// `ALARM`, since when.
    Alarm {
        /// Since when.
        since: Timestamp,
    },
    /// `INSUFFICIENT_DATA`.
    NoData,
    /// It could not be read or evaluated, or it is gone.
    Failed(String),
}

/// The period of gates when none is named: ours, the finest that AWS services publish by themselves.
pub const PERIOD: Duration = Duration::from_mins(1);

/// How old a minute of a load balancer must be. Ours, after netflix/atlas issue 1300: counts keep growing for about
/// two minutes.
pub const LAG: Lag = Lag {
    harm: Duration::from_mins(1),
    health: Duration::from_mins(2),
};

/// How far a window is widened for want of samples: ours; what happened longer ago says little about now.
pub const WIDEN_MAX: Duration = Duration::from_mins(10);

/// The fewest samples that a ratio is judged on when none is named: ours.
pub const SAMPLES_MIN: u32 = 100;

impl Gate {
    /// Makes a gate of boring values: critical, one breaching minute is enough, and missing data says nothing.
    pub fn new(name: &str, kind: GateKind, limit: Limit) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            limit,
            sustained: Duration::ZERO,
            datapoints: None,
            period: PERIOD,
            window_periods: 1,
            samples_min: match kind {
                GateKind::Ratio | GateKind::Remainder => SAMPLES_MIN,
                GateKind::Value | GateKind::Count | GateKind::Alarm => 0,
            },
            lag: LAG,
            missing: Missing::Inconclusive,
            severity: Severity::Critical,
            with_old: false,
            initial_delay: Duration::ZERO,
        }
    }

    /// Returns the parts that it reads.
    pub fn parts(&self) -> &'static [Part] {
        match self.kind {
            GateKind::Ratio | GateKind::Remainder => &[Part::Bad, Part::Total],
            GateKind::Value if self.samples_min > 0 => &[Part::Value, Part::Total],
            GateKind::Value | GateKind::Count => &[Part::Value],
            GateKind::Alarm => &[],
        }
    }

    /// Returns how long it takes at most from the first breaching moment until a tick can see it: the sustained time,
    /// one period for not beginning at its border, and the lag.
    pub fn reaction(&self) -> Duration {
        let sustained = match self.datapoints {
            Some(datapoints) => self.period.saturating_mul(datapoints.breaching),
            None => self.sustained.max(self.period),
        };
        sustained
            .saturating_add(self.period)
            .saturating_add(self.lag.harm)
    }
}

/// The limits of the two runbooks: errors, latency, payments, availability, database connections, data consistency.
/// Together: whichever breaks first decides.
pub fn payment_gates() -> Vec<Gate> {
    let minutes = Duration::from_mins;
    vec![
        Gate {
            sustained: minutes(5),
            missing: Missing::Zero,
            ..Gate::new("errorRate", GateKind::Ratio, Limit::Max(0.05))
        },
        Gate {
            sustained: minutes(10),
            samples_min: SAMPLES_MIN,
            ..Gate::new("latency", GateKind::Value, Limit::Max(3.0))
        },
        Gate::new("paymentFailures", GateKind::Ratio, Limit::Max(0.02)),
        Gate {
            window_periods: 5,
            samples_min: 1_000,
            missing: Missing::Zero,
            ..Gate::new("availability", GateKind::Remainder, Limit::Min(0.999))
        },
        Gate {
            sustained: minutes(2),
            missing: Missing::Zero,
            ..Gate::new("dbConnectionFailures", GateKind::Count, Limit::Max(5.0))
        },
        Gate {
            missing: Missing::Breaching { periods: 3 },
            ..Gate::new("dataConsistency", GateKind::Count, Limit::Max(0.0))
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_exactly_at_its_limit_is_healthy() {
        assert!(!Limit::Max(0.05).is_breached_by(0.05));
        assert!(!Limit::Min(0.999).is_breached_by(0.999));
        assert!(Limit::Max(0.05).is_breached_by(0.050_001));
    }

    #[test]
    fn the_reaction_stays_within_the_promised_figures() {
        // Every figure leaves half a minute for the next tick.
        let seconds: Vec<_> = payment_gates()
            .iter()
            .map(|gate| gate.reaction().as_secs())
            .collect();

        assert_eq!(seconds, [7 * 60, 12 * 60, 3 * 60, 3 * 60, 4 * 60, 3 * 60]);
    }

    #[test]
    fn a_gate_with_ten_second_periods_reacts_within_a_minute_and_a_half() {
        let mut gate = Gate::new("fast", GateKind::Ratio, Limit::Max(0.02));
        gate.period = Duration::from_secs(10);

        assert_eq!(gate.reaction().as_secs() + 10, 90);
    }
}
