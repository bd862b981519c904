//! How often name servers are asked, and whether their answers are those of a pair of weights.

use crate::weights::WeightPair;

/// The chance that a side is not seen although it is answered: ours; it costs one more question a few seconds later.
const UNSEEN_CHANCE: f64 = 0.01;

/// The most answers that are asked for: ours; enough for a weight of 1 in 255.
const DRAWS_MAX: u32 = 1_500;

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

/// Tells whether answers are those of a pair of weights: from the sides with a weight, from each of them, and from
/// nowhere else.
pub fn agree(pair: WeightPair, old: u32, new: u32, other: u32) -> bool {
    other == 0 && (old > 0) == (pair.old().get() > 0) && (new > 0) == (pair.new_side().get() > 0)
}
