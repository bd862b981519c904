//! Shares of traffic, and the pairs of weights that bring them about.

use std::cmp::Ordering;
use std::fmt;

use thiserror::Error;

/// The furthest that a pair may be from the share it stands for, in hundredths of a percent: ours; a quarter of a
/// point is well below what can be told apart in traffic.
pub const TOLERANCE_BASIS_POINTS: u16 = 25;

/// The share of traffic that the new side gets, in hundredths of a percent: 0 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Share(u16);

impl Share {
    /// Everything goes to old.
    pub const ZERO: Self = Self(0);
    /// Everything goes to new.
    pub const FULL: Self = Self(10_000);

    /// Makes a share from hundredths of a percent; `None` above 10,000.
    pub const fn from_basis_points(points: u16) -> Option<Self> {
        if points <= 10_000 {
            Some(Self(points))
        } else {
            None
        }
    }

    /// Makes a share from a percentage, to two decimals; `None` when it is not a number from 0 to 100.
    pub fn from_percent(percent: f64) -> Option<Self> {
        if !(0.0..=100.0).contains(&percent) {
            return None;
        }
        // Text is the one way from a float to an integer that neither truncates nor wraps unseen.
        format!("{:.0}", percent * 100.0)
            .parse()
            .ok()
            .and_then(Self::from_basis_points)
    }

    /// Returns hundredths of a percent.
    pub const fn basis_points(self) -> u16 {
        self.0
    }

    /// Returns the fraction: 0 to 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// Returns how far apart two shares are, in hundredths of a percent.
    pub const fn distance(self, other: Self) -> u16 {
        self.0.abs_diff(other.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 100.0)
    }
}

/// The weights that a router takes. Sources: Route 53 API, `ResourceRecordSet`, "Weight"; Elastic Load Balancing API,
/// `TargetGroupTuple`, "Weight".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scale {
    /// Route 53: 0 to 255.
    Route53,
    /// A listener rule of an Application Load Balancer: 0 to 999.
    Alb,
}

impl Scale {
    /// Returns the highest weight.
    pub const fn weight_max(self) -> u16 {
        match self {
            Self::Route53 => 255,
            Self::Alb => 999,
        }
    }
}

/// One weight, which some router takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u16);

impl Weight {
    /// Makes a weight; `None` when the router does not take it.
    pub const fn new(value: u16, scale: Scale) -> Option<Self> {
        if value <= scale.weight_max() {
            Some(Self(value))
        } else {
            None
        }
    }

    /// Returns the number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// The weights of the two sides. Never both zero: Route 53 would answer with every member alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightPair {
    old: Weight,
    new: Weight,
}

/// Why two numbers are not a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotAPair {
    /// The router would send both sides the same, or nobody anywhere.
    #[error("both weights are 0")]
    BothZero,
    /// The router does not take such a weight.
    #[error("`{0}` is above the highest weight `{1}`")]
    TooHigh(u16, u16),
}

impl WeightPair {
    /// Everything goes to old: where each shift begins, and where it goes back to.
    pub const ALL_OLD: Self = Self {
        old: Weight(100),
        new: Weight(0),
    };

    /// Makes a pair.
    ///
    /// # Errors
    /// When both are zero, or one is more than the router takes.
    pub fn new(old: u16, new: u16, scale: Scale) -> Result<Self, NotAPair> {
        let weight =
            |value| Weight::new(value, scale).ok_or(NotAPair::TooHigh(value, scale.weight_max()));
        let (old, new) = (weight(old)?, weight(new)?);
        if old.0 == 0 && new.0 == 0 {
            return Err(NotAPair::BothZero);
        }
        Ok(Self { old, new })
    }

    /// Returns the pair that comes nearest to a share: `100 - p` and `p` for whole percents, otherwise the nearest
    /// that the router takes, and of equally near ones that with the smallest sum.
    ///
    /// `None` when even the nearest is further away than [`TOLERANCE_BASIS_POINTS`], or would take all from a side
    /// that is to have some.
    pub fn realising(share: Share, scale: Scale) -> Option<Self> {
        let points = share.0;
        if points.checked_rem(100) == Some(0) {
            let new = points.checked_div(100)?;
            return Some(Self {
                old: Weight(100_u16.checked_sub(new)?),
                new: Weight(new),
            });
        }
        // What is left is above 0 % and below 100 %, so neither side may come out at zero.
        let mut best: Option<(u64, u64, Self)> = None;
        for sum in 2..=scale.weight_max() {
            let rounded = u32::from(points)
                .checked_mul(u32::from(sum))?
                .checked_add(5_000)?
                .checked_div(10_000)?;
            let new = u16::try_from(rounded).ok()?.clamp(1, sum.checked_sub(1)?);
            let pair = Self {
                old: Weight(sum.checked_sub(new)?),
                new: Weight(new),
            };
            // The error is `gap / (10,000 × sum)`; errors of two sums are compared without dividing.
            let gap = u64::from(new)
                .checked_mul(10_000)?
                .abs_diff(u64::from(points).checked_mul(u64::from(sum))?);
            let sum = u64::from(sum);
            let nearer = match best {
                None => true,
                Some((gap_best, sum_best, _)) => {
                    gap.checked_mul(sum_best)? < gap_best.checked_mul(sum)?
                }
            };
            if nearer {
                best = Some((gap, sum, pair));
            }
        }
        let (gap, sum, pair) = best?;
        (gap <= u64::from(TOLERANCE_BASIS_POINTS).checked_mul(sum)?).then_some(pair)
    }

    /// Returns the weight of the old side.
    pub const fn old(self) -> Weight {
        self.old
    }

    /// Returns the weight of the new side.
    pub const fn new_side(self) -> Weight {
        self.new
    }

    /// Returns the share that the new side gets, rounded to hundredths of a percent.
    pub fn share(self) -> Share {
        share_answered(self.old.0, self.new.0)
    }

    /// Compares the shares of two pairs exactly.
    pub fn cmp_share(self, other: Self) -> Ordering {
        let cross = |new: Weight, old: Weight| u32::from(new.0).saturating_mul(u32::from(old.0));
        cross(self.new, other.old).cmp(&cross(other.new, self.old))
    }
}

impl fmt::Display for WeightPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.old.0, self.new.0)
    }
}

/// Returns the share that new gets of what Route 53 answers at two observed weights, rounded to hundredths of a
/// percent. At two zeros every member is answered alike. Source: Route 53 API, `ResourceRecordSet`, "Weight".
pub fn share_answered(old: u16, new: u16) -> Share {
    let sum = u32::from(old).saturating_add(u32::from(new));
    if sum == 0 {
        return Share(5_000);
    }
    let half = sum.checked_div(2).unwrap_or(0);
    let points = u32::from(new)
        .saturating_mul(10_000)
        .saturating_add(half)
        .checked_div(sum)
        .unwrap_or(0);
    Share(u16::try_from(points).unwrap_or(10_000).min(10_000))
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(percent: f64, scale: Scale, expected: Option<&str>) {
        let share = Share::from_percent(percent).unwrap();

        assert_eq!(
            WeightPair::realising(share, scale)
                .map(|pair| pair.to_string())
                .as_deref(),
            expected
        );
    }

    #[test]
    fn whole_percents_become_pairs_that_a_person_would_write() {
        check(0.0, Scale::Route53, Some("100/0"));
        check(10.0, Scale::Route53, Some("90/10"));
        check(100.0, Scale::Alb, Some("0/100"));
    }

    /// F29: a third is expressed within the tolerance, a thousandth is not.
    #[test]
    fn other_shares_become_the_nearest_pair_or_none() {
        check(33.3, Scale::Route53, Some("2/1"));
        check(0.1, Scale::Route53, None);
        check(0.1, Scale::Alb, Some("998/1"));
        check(99.9, Scale::Route53, None);
        check(12.5, Scale::Route53, Some("7/1"));
    }

    /// F30: the type has no such value.
    #[test]
    fn there_is_no_pair_of_two_zeros() {
        assert_eq!(
            WeightPair::new(0, 0, Scale::Route53),
            Err(NotAPair::BothZero)
        );
        assert_eq!(
            WeightPair::new(300, 0, Scale::Route53),
            Err(NotAPair::TooHigh(300, 255))
        );
        assert!(WeightPair::new(300, 0, Scale::Alb).is_ok());
    }

    #[test]
    fn two_zeros_that_somebody_else_wrote_are_read_as_halves() {
        assert_eq!(share_answered(0, 0), Share::from_percent(50.0).unwrap());
        assert_eq!(share_answered(0, 7), Share::FULL);
        assert_eq!(share_answered(255, 0), Share::ZERO);
    }

    #[test]
    fn what_is_not_a_percentage_is_not_a_share() {
        for percent in [-0.1, 100.01, f64::NAN, f64::INFINITY] {
            assert_eq!(Share::from_percent(percent), None);
        }
    }

    proptest! {
        #[test]
        fn a_pair_is_never_further_from_its_share_than_promised(points in 0_u16..=10_000, alb: bool) {
            let scale = if alb { Scale::Alb } else { Scale::Route53 };
            let share = Share::from_basis_points(points).unwrap();
            let Some(pair) = WeightPair::realising(share, scale) else {
                // Only the outermost shares cannot be had.
                prop_assert!(!(40..=9_960).contains(&points));
                return Ok(());
            };

            prop_assert!(pair.share().distance(share) <= TOLERANCE_BASIS_POINTS);
            prop_assert_eq!(pair.new_side().get() == 0, points == 0);
            prop_assert_eq!(pair.old().get() == 0, points == 10_000);
            prop_assert!(pair.old().get().max(pair.new_side().get()) <= scale.weight_max());
        }

        #[test]
        fn shares_of_both_sides_add_up(old in 0_u16..=255, new in 0_u16..=255) {
            let (ours, theirs) = (share_answered(old, new), share_answered(new, old));

            prop_assert!((ours.basis_points() + theirs.basis_points()).abs_diff(10_000) <= 1);
        }

        #[test]
        fn a_higher_share_compares_higher(low in 0_u16..=100, high in 0_u16..=100) {
            let pair = |percent: u16| WeightPair::realising(Share::from_basis_points(percent * 100).unwrap(), Scale::Route53).unwrap();

            prop_assert_eq!(pair(low).cmp_share(pair(high)), low.cmp(&high));
        }
    }
}
