//! New against old, at the same time and under the same load.

use std::collections::BTreeMap;
use std::time::Duration;

use super::gates::{Part, Reading, Readings, SeriesId, Severity, Side};
use super::stats::{
    Level, Tally, alpha_spent, difference_bounds, normal_quantile_above, signed_rank,
};
use crate::Timestamp;

/// The probability with which two equal sides are told apart, over all looks of a bake: stated.
pub const ALPHA: f64 = 0.01;

/// The probability with which a difference that matters is seen: ours, the customary figure.
pub const POWER: f64 = 0.9;

/// How many paired minutes a comparison of latency needs: stated.
pub const PAIRS_MIN: u32 = 20;

/// The most recent paired minutes that are compared: ours; the number of averages grows with its square.
const PAIRS_MAX: usize = 240;

/// The parts of a bake, in quarters, after which it is looked: stated.
pub const LOOKS: u32 = 4;

/// A comparison of new with old. Its series are those of a gate of the same name that reads both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Its name, and that of its series.
    pub name: String,
    /// What is compared.
    pub measured: Measured,
    /// What a failure leads to.
    pub severity: Severity,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measured {
    /// Bad by total; new may be worse by so much.
    Rate {
        /// A fraction: 0.005 is half a point.
        margin: f64,
    },
    /// A value per minute, such as a percentile; new may be slower by this factor.
    Latency {
        /// At least 1.
        factor: f64,
    },
}

impl Comparison {
    /// Compares rates with the stated margin of half a point; a failure holds.
    pub fn of_rates(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            measured: Measured::Rate { margin: 0.005 },
            severity: Severity::Hold,
        }
    }

    /// Compares latency with the stated factor of 1.25; a failure holds.
    pub fn of_latency(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            measured: Measured::Latency { factor: 1.25 },
            severity: Severity::Hold,
        }
    }
}

/// What came of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// New is not worse by as much as matters.
    Pass,
    /// New is worse by more than is allowed.
    Fail,
    /// The evidence shows neither.
    Inconclusive,
}

/// A comparison with its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// What came of it.
    pub judgement: Judgement,
    /// What a failure leads to.
    pub severity: Severity,
    /// The figures, for people.
    pub figures: String,
}

/// Compares at a look. `look` is its number, 1 to 4; each may spend what the looks before have left over of [`ALPHA`],
/// so that looking often does not find what is not there.
pub fn compare(
    comparison: &Comparison,
    readings: &Readings,
    from: Timestamp,
    until: Timestamp,
    look: u32,
    design_effect: f64,
) -> Compared {
    let level = level_of(look);
    let series = |side, part| series(readings, &comparison.name, side, part, from, until);
    let (judgement, figures) = match comparison.measured {
        Measured::Rate { margin } => {
            let tally = |side| {
                tally(
                    &series(side, Part::Bad),
                    &series(side, Part::Total),
                    design_effect,
                )
            };
            judge_rates(tally(Side::New), tally(Side::Old), margin, level)
        }
        Measured::Latency { factor } => judge_latency(
            &series(Side::New, Part::Value),
            &series(Side::Old, Part::Value),
            factor,
            level,
        ),
    };
    Compared {
        name: comparison.name.clone(),
        judgement,
        severity: comparison.severity,
        figures,
    }
}

/// The probability of a false alarm that one look may cost: what it may spend beyond the looks before it. Their sum is
/// [`ALPHA`], and no look's errors are larger than its part, so all looks together do not go beyond it.
fn level_of(look: u32) -> Level {
    let spent = |look: u32| alpha_spent(ALPHA, f64::from(look) / f64::from(LOOKS));
    Level::new(spent(look) - spent(look.saturating_sub(1)))
}

/// The usable values of a series by their period.
fn series(
    readings: &Readings,
    gate: &str,
    side: Side,
    part: Part,
    from: Timestamp,
    until: Timestamp,
) -> BTreeMap<Timestamp, f64> {
    let points = match readings.series.get(&SeriesId {
        gate: gate.to_owned(),
        side,
        part,
    }) {
        Some(Reading::Points(points)) => points.as_slice(),
        Some(Reading::Failed(_)) | None => &[],
    };
    let usable = points
        .iter()
        .filter(|point| point.value.is_finite() && point.value >= 0.0);
    let within = usable.filter(|point| point.start >= from && point.start < until);
    within.map(|point| (point.start, point.value)).collect()
}

/// Sums what both series tell; a period counts when its total is known, and no bad ones there means none.
fn tally(
    bad: &BTreeMap<Timestamp, f64>,
    total: &BTreeMap<Timestamp, f64>,
    design_effect: f64,
) -> Tally {
    let mut sum = Tally {
        bad: 0.0,
        total: 0.0,
    };
    for (start, of) in total {
        sum.total += of;
        sum.bad += bad.get(start).copied().unwrap_or(0.0).min(*of);
    }
    let effect = design_effect.max(1.0);
    Tally {
        bad: sum.bad / effect,
        total: sum.total / effect,
    }
}

fn judge_rates(new: Tally, old: Tally, margin: f64, level: Level) -> (Judgement, String) {
    if new.total < 1.0 || old.total < 1.0 {
        return (
            Judgement::Inconclusive,
            "one of the sides has no traffic".to_owned(),
        );
    }
    let (low, high) = difference_bounds(new, old, level);
    let figures = format!(
        "new {:.3} % of {:.0}, old {:.3} % of {:.0}, difference {:.3} to {:.3} points, margin {:.3}",
        new.rate() * 100.0,
        new.total,
        old.rate() * 100.0,
        old.total,
        low * 100.0,
        high * 100.0,
        margin * 100.0
    );
    let judgement = if low > margin {
        Judgement::Fail
    } else if high < margin {
        Judgement::Pass
    } else {
        Judgement::Inconclusive
    };
    (judgement, figures)
}

fn judge_latency(
    new: &BTreeMap<Timestamp, f64>,
    old: &BTreeMap<Timestamp, f64>,
    factor: f64,
    level: Level,
) -> (Judgement, String) {
    let pairs: Vec<_> = new
        .iter()
        .filter_map(|(start, value)| old.get(start).map(|old| (*value, *old)))
        .collect();
    let recent = pairs
        .get(pairs.len().saturating_sub(PAIRS_MAX)..)
        .unwrap_or(&pairs);
    let enough = usize::try_from(PAIRS_MIN).is_ok_and(|min| recent.len() >= min);
    let Some(paired) = signed_rank(recent).filter(|_| enough) else {
        return (
            Judgement::Inconclusive,
            format!("{} paired minutes of {PAIRS_MIN}", recent.len()),
        );
    };
    let figures = format!(
        "new is {:.2} times as slow over {} minutes, p {:.4}",
        paired.ratio,
        recent.len(),
        paired.p
    );
    // Both: a difference that is real, and one that matters.
    let judgement = if paired.p < level.probability() && paired.ratio >= factor {
        Judgement::Fail
    } else if paired.ratio < factor {
        Judgement::Pass
    } else {
        Judgement::Inconclusive
    };
    (judgement, figures)
}

/// Returns how many independent samples of new are needed to tell two rates apart, when old has `old_by_new` times as
/// many; before the design effect.
pub fn samples_needed(rate_old: f64, rate_new: f64, old_by_new: f64) -> f64 {
    let z = normal_quantile_above(ALPHA) + normal_quantile_above(1.0 - POWER);
    let variance = rate_new * (1.0 - rate_new) + rate_old * (1.0 - rate_old) / old_by_new.max(1e-9);
    z * z * variance / (rate_new - rate_old).powi(2)
}

/// What a bake can tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Power {
    /// How many requests on new are expected.
    pub expected: f64,
    /// How many are needed to tell the rate from twice as much.
    pub needed: f64,
    /// How long the bake must be for that.
    pub bake_needed: Option<Duration>,
}

/// Says what a bake can tell, given how many requests a minute come in all, the share of new as a fraction, and the
/// rate that is usual: whether it would see that rate doubled.
pub fn power(
    requests_per_minute: f64,
    share: f64,
    bake: Duration,
    rate: f64,
    design_effect: f64,
) -> Power {
    let per_minute = requests_per_minute * share;
    let expected = per_minute * bake.as_secs_f64() / 60.0;
    let needed =
        samples_needed(rate, rate * 2.0, (1.0 - share) / share.max(1e-9)) * design_effect.max(1.0);
    let minutes = (needed / per_minute).ceil();
    let bake_needed = (minutes.is_finite() && minutes < 1e6)
        .then(|| Duration::try_from_secs_f64(minutes * 60.0).ok())
        .flatten();
    Power {
        expected,
        needed,
        bake_needed,
    }
}

/// Renders what a bake can tell as one line for preview.
pub fn render_power(power: &Power, rate: f64) -> String {
    use super::render::{render_count, render_duration};
    let told = format!(
        "to tell {:.2} % from {:.2} % this bake needs {} requests on new; {} expected",
        rate * 100.0,
        rate * 200.0,
        render_count(power.needed),
        render_count(power.expected)
    );
    match power.bake_needed {
        Some(bake) if power.expected < power.needed => {
            format!("{told}: make it {}", render_duration(bake))
        }
        Some(_) | None => told,
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests;
