//! The little statistics that judging needs, on plain numbers and the same on every run.

use statrs::distribution::{Beta, ContinuousCDF, Normal};

/// Returns a length as a float; nothing here is longer than a `u32` can say.
fn float_len(len: usize) -> f64 {
    f64::from(u32::try_from(len).unwrap_or(u32::MAX))
}

/// Returns the probability that a standard normal value is above `z`.
pub(super) fn normal_above(z: f64) -> f64 {
    Normal::standard().sf(z)
}

/// Returns the `z` that a standard normal value exceeds with probability `level`; levels are kept within (0, 1).
pub(super) fn normal_quantile_above(level: f64) -> f64 {
    // Read off the lower tail and mirrored, since 1 - level loses the digits of a small level.
    -Normal::standard().inverse_cdf(level.clamp(1e-300, 1.0 - 1e-16))
}

/// Bad ones of a total; both may be fractions, since counts are divided by a design effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tally {
    /// How many went wrong.
    pub bad: f64,
    /// Of how many.
    pub total: f64,
}

impl Tally {
    /// Returns bad by total; zero when there is nothing.
    pub(super) fn rate(self) -> f64 {
        if self.total > 0.0 {
            (self.bad / self.total).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }
}

/// The probability with which a bound may be missed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    probability: f64,
    z: f64,
}

impl Level {
    /// Makes a level of a probability; it is kept within (0, 1).
    pub(super) fn new(probability: f64) -> Self {
        let probability = probability.clamp(1e-300, 1.0 - 1e-16);
        Self {
            probability,
            z: normal_quantile_above(probability),
        }
    }

    /// Returns the probability.
    pub(super) fn probability(self) -> f64 {
        self.probability
    }
}

/// Returns Wilson's score bounds of a rate.
fn wilson(tally: Tally, level: Level) -> (f64, f64) {
    if tally.total <= 0.0 {
        return (0.0, 1.0);
    }
    let (z, n, p) = (level.z, tally.total, tally.rate());
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Returns exact bounds of a rate with few events (Clopper and Pearson).
fn exact(events: u32, total: f64, level: f64) -> (f64, f64) {
    let events = f64::from(events);
    let others = (total - events).max(0.0);
    // A distribution with a side of nothing has no bound on that side.
    let upper = Beta::new(events + 1.0, others).map_or(1.0, |upper| upper.inverse_cdf(1.0 - level));
    let lower = Beta::new(events, others + 1.0).map_or(0.0, |lower| lower.inverse_cdf(level));
    (lower, upper)
}

/// Below so many events bounds are exact: stated; the score interval leans on larger counts.
const EVENTS_FEW: u32 = 5;

fn bounds(tally: Tally, level: Level) -> (f64, f64) {
    let few = (0..EVENTS_FEW).find(|events| tally.bad <= f64::from(*events));
    match few {
        // Rounded up: a fraction of an event counts as one.
        Some(events) if tally.total >= 1.0 => exact(events, tally.total, level.probability),
        Some(_) | None => wilson(tally, level),
    }
}

/// Bounds of how much higher the rate of new is than that of old; each is missed with the probability of the level.
///
/// Newcombe's combination of the two intervals; where events are few, the exact bounds take the place of the score
/// bounds.
pub(super) fn difference_bounds(new: Tally, old: Tally, level: Level) -> (f64, f64) {
    let difference = new.rate() - old.rate();
    let (new_low, new_high) = bounds(new, level);
    let (old_low, old_high) = bounds(old, level);
    let below = ((new.rate() - new_low).powi(2) + (old_high - old.rate()).powi(2)).sqrt();
    let above = ((new_high - new.rate()).powi(2) + (old.rate() - old_low).powi(2)).sqrt();
    (difference - below, difference + above)
}

/// Returns how much of `alpha` may be spent when the fraction `done` (0 to 1) of all evidence is in.
///
/// The spending function of Lan and `DeMets` after O'Brien and Fleming: next to nothing early, everything at the end.
pub(super) fn alpha_spent(alpha: f64, done: f64) -> f64 {
    if done <= 0.0 {
        return 0.0;
    }
    2.0 * normal_above(normal_quantile_above(alpha / 2.0) / done.min(1.0).sqrt())
}

/// What paired measurements say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paired {
    /// The probability of such a difference, or a larger one, when new is not slower.
    pub p: f64,
    /// By what factor new is slower: the Hodges-Lehmann estimate.
    pub ratio: f64,
    /// How many pairs differ.
    pub pairs: usize,
}

/// Compares pairs of positive values, new first: Wilcoxon's signed ranks on the logarithms of their ratios, one-sided,
/// with the correction for ties. `None` when fewer than ten pairs are usable, as its normal form needs them.
pub(super) fn signed_rank(pairs: &[(f64, f64)]) -> Option<Paired> {
    let usable = pairs
        .iter()
        .filter(|(new, old)| new.is_finite() && old.is_finite() && *new > 0.0 && *old > 0.0);
    let logs: Vec<f64> = usable.map(|(new, old)| (new / old).ln()).collect();
    if logs.len() < 10 {
        return None;
    }
    let ratio = hodges_lehmann(&logs).exp();
    let mut differing: Vec<f64> = logs.into_iter().filter(|log| log.abs() > 0.0).collect();
    differing.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    if differing.is_empty() {
        return Some(Paired {
            p: 1.0,
            ratio,
            pairs: 0,
        });
    }
    let n = float_len(differing.len());
    let (mut slower, mut ties, mut before) = (0.0, 0.0, 0.0);
    for group in differing.chunk_by(|a, b| a.abs().total_cmp(&b.abs()).is_eq()) {
        let size = float_len(group.len());
        let rank = before + f64::midpoint(size, 1.0);
        slower += rank * float_len(group.iter().filter(|log| **log > 0.0).count());
        ties += size.powi(3) - size;
        before += size;
    }
    let mean = n * (n + 1.0) / 4.0;
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
    let p = if variance > 0.0 {
        normal_above((slower - mean - 0.5) / variance.sqrt())
    } else {
        1.0
    };
    Some(Paired {
        p,
        ratio,
        pairs: differing.len(),
    })
}

/// The median of all averages of two.
fn hodges_lehmann(values: &[f64]) -> f64 {
    let mut averages = Vec::new();
    for (place, first) in values.iter().enumerate() {
        averages.extend(
            values
                .iter()
                .skip(place)
                .map(|second| f64::midpoint(*first, *second)),
        );
    }
    averages.sort_by(f64::total_cmp);
    let middle = averages.len() / 2;
    averages.get(middle).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, tolerance: f64) {
        assert!(
            (value - expected).abs() <= tolerance,
            "{value} is not {expected}"
        );
    }

    #[test]
    fn the_normal_distribution_agrees_with_its_tables() {
        for (z, above) in [
            (0.0, 0.5),
            (1.0, 0.158_655_254),
            (1.959_964, 0.025),
            (2.5, 0.006_209_665),
            (4.0, 3.167_124e-5),
        ] {
            close(normal_above(z), above, 1e-8);
            close(normal_above(-z), 1.0 - above, 1e-8);
        }
        close(normal_quantile_above(0.01), 2.326_348, 1e-6);
        close(normal_quantile_above(0.1), 1.281_552, 1e-6);
        close(normal_quantile_above(0.999), -3.090_232, 1e-5);
    }

    #[test]
    fn exact_bounds_agree_with_their_tables() {
        // The rule of three, more exactly: 1 - 0.05^(1/100).
        close(exact(0, 100.0, 0.05).1, 0.029_513, 1e-5);
        // Two of twenty at 95 % on both sides.
        let (low, high) = exact(2, 20.0, 0.025);
        close(low, 0.012_349, 1e-5);
        close(high, 0.316_98, 1e-4);
    }

    #[test]
    fn spending_is_tiny_at_first_and_complete_at_the_end() {
        close(alpha_spent(0.01, 1.0), 0.01, 1e-9);
        assert!(alpha_spent(0.01, 0.25) < 1e-6);
        assert!(alpha_spent(0.01, 0.5) < alpha_spent(0.01, 0.75));
    }

    #[test]
    fn a_difference_that_is_there_is_seen_and_one_that_is_not_is_not() {
        let new = Tally {
            bad: 80.0,
            total: 4_000.0,
        };
        let old = Tally {
            bad: 40.0,
            total: 4_000.0,
        };

        assert!(difference_bounds(new, old, Level::new(0.01)).0 > 0.0);
        assert!(difference_bounds(old, old, Level::new(0.01)).0 < 0.0);
    }

    #[test]
    fn paired_minutes_show_a_factor() {
        let slower: Vec<_> = (1..=20_u32)
            .map(|minute| (f64::from(minute) * 1.5, f64::from(minute)))
            .collect();
        let alike: Vec<_> = slower.iter().map(|(_, old)| (*old, *old)).collect();

        let found = signed_rank(&slower).unwrap();

        close(found.ratio, 1.5, 1e-9);
        assert!(found.p < 0.001, "{}", found.p);
        assert_eq!(signed_rank(&alike).unwrap().pairs, 0);
        assert_eq!(signed_rank(&slower[..9]), None);
    }
}
