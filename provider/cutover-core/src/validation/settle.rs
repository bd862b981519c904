//! Candidates, until nothing is open.
//!
//! A key that differed once is a *candidate*: the two sides were read at two moments, and the target is behind. Rounds of
//! reading it again decide. It is **converged** as soon as both sides are equal, **confirmed** when it differs from a
//! source row that stood still, and **hot** when it changed in every round.
//!
//! # Why a confirmed difference is real
//!
//! A round r notes a position nᵣ of the source, waits until the target has passed it, reads the row of the source at
//! sᵣ, then that of the target at tᵣ; the first round reads at once. So sᵣ₋₁ < nᵣ < sᵣ < tᵣ < sᵣ₊₁. Replication shows at
//! tᵣ what the source was at some moment τᵣ, which is no earlier than nᵣ, since nᵣ was passed, and no later than tᵣ:
//!
//! > sᵣ₋₁ < nᵣ ≤ τᵣ ≤ tᵣ < sᵣ₊₁
//!
//! If the source row did not change from sᵣ₋₁ to sᵣ₊₁ then its value at τᵣ was that one too, and a target that
//! replication alone writes shows it. One that shows another is wrong. Hence **three** reads of the source in a row must
//! be alike, with the target different in the middle one, the position of which was noted after the first.
//!
//! Two are not enough. The source may be written after sᵣ, and a fast replication may bring that to the target before
//! tᵣ: both reads of the source are alike, the target differs, and all is well. Only a read *after* tᵣ tells. And without
//! the wait even three are not, since τᵣ may then be earlier than sᵣ₋₁.
//!
//! # What is left
//!
//! "Alike three times" is taken for "did not change". A row that is changed away and back between all of these reads would
//! deceive us, if in each of the rounds the target was read in the other state. A key whose source was once seen to move
//! is therefore asked for **five** reads in a row. A row that only ever has two states, and changes between them faster than
//! rounds go, is equal in every other reading, and then converged.
//!
//! Where nothing follows ([`Follow::None`]) both sides stand still by the user's word, so that there is no lag to wait
//! for, and one read would do. **Two** alike are asked for, so that the word is held against what is seen: a row that moves
//! between them is being written to, and is not confirmed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::facts::Position;
use super::passage::{Passage, Step, Took};
use super::side::Both;
use super::spec::{Follow, Settling};
use crate::Timestamp;

/// How many reads of the source in a row must be alike. See the module's text.
const READS: u32 = 3;
/// The same, where nothing follows.
const READS_STILL: u32 = 2;
/// The same, where the source was seen to move.
const READS_MOVED: u32 = 5;

/// The shortest and longest lag that waits between rounds are made of, when a smaller or larger one was measured. Ours.
const LAG: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// What can be told of a row, or of anything else that two sides should agree upon. `None` is one that is not there.
pub type Print = Option<Vec<u64>>;

/// Something that differs for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed<K> {
    /// Which.
    pub key: K,
    /// What was seen.
    pub seen: Both<Print>,
}

/// Candidates on their way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement<K> {
    follow: Follow,
    settling: Settling,
    batch: usize,
    open: BTreeMap<K, Seen>,
    candidates: u64,
    converged: u64,
    confirmed: Vec<Confirmed<K>>,
    hot: Vec<K>,
    stalled: bool,
    rounds: u32,
    /// How long the target took to pass a position, the last time.
    lag: Option<Duration>,
    position: Option<Position>,
    stage: Stage<K>,
}

/// What was seen of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    source: Print,
    /// How many reads of the source in a row were alike.
    alike: u32,
    /// Whether it was ever seen to move.
    moved: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage<K> {
    Passing(Passage),
    Reading {
        batch: Arc<Vec<K>>,
        later: Vec<Arc<Vec<K>>>,
    },
    Over,
}

/// What a settlement wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want<K> {
    /// Note how far the source is.
    Note,
    /// See whether the target has had everything up to there.
    HasPassed(Position),
    /// Wait.
    WaitUntil(Timestamp),
    /// Read these again, on the source and then on the target.
    Read(Arc<Vec<K>>),
    /// Nothing more.
    Over,
}

impl<K: Clone + Ord> Settlement<K> {
    /// Begins with candidates, of which `batch` are read at a time, at least one.
    pub fn new(candidates: BTreeSet<K>, follow: Follow, settling: Settling, batch: usize) -> Self {
        let mut settlement = Self {
            follow,
            settling,
            batch: batch.max(1),
            candidates: u64::try_from(candidates.len()).unwrap_or(u64::MAX),
            open: candidates
                .into_iter()
                .map(|key| (key, Seen::default()))
                .collect(),
            converged: 0,
            confirmed: Vec::new(),
            hot: Vec::new(),
            stalled: false,
            rounds: 0,
            lag: None,
            position: None,
            stage: Stage::Over,
        };
        settlement.begin_round();
        settlement
    }

    /// Tells what is next.
    pub fn want(&self) -> Want<K> {
        match &self.stage {
            Stage::Passing(passage) => match passage.step() {
                Step::Note => Want::Note,
                Step::HasPassed(position) => Want::HasPassed(position),
                Step::WaitUntil(at) => Want::WaitUntil(at),
                Step::Passed | Step::Stalled => Want::Over,
            },
            Stage::Reading { batch, .. } => Want::Read(Arc::clone(batch)),
            Stage::Over => Want::Over,
        }
    }

    /// Records how far the source is.
    pub fn noted(&mut self, position: Position, at: Timestamp) {
        if let Stage::Passing(passage) = &mut self.stage {
            self.position = Some(position.clone());
            passage.noted(position, at);
        }
    }

    /// Records whether the target has had it, and how far it lags if that is known.
    pub fn answered(&mut self, passed: bool, lag: Option<Duration>, at: Timestamp) {
        if let Stage::Passing(passage) = &mut self.stage {
            passage.answered(passed, at);
            if passed {
                let took = match (passage.took(at), self.lag) {
                    (Some(Took::AtMost(took)), Some(before)) => Some(before.min(took)),
                    (Some(Took::AtMost(took) | Took::About(took)), _) => Some(took),
                    (None, before) => before,
                };
                self.lag = took.max(lag);
            }
        }
        self.after_passing();
    }

    /// Records that it was waited.
    pub fn woke(&mut self, at: Timestamp) {
        if let Stage::Passing(passage) = &mut self.stage {
            passage.woke(at);
        }
        self.after_passing();
    }

    /// Records what was read of the batch. What is not among it is not there.
    pub fn read(&mut self, mut found: Both<BTreeMap<K, Vec<u64>>>, at: Timestamp) {
        let Stage::Reading { batch, later } = &mut self.stage else {
            return;
        };
        let batch = Arc::clone(batch);
        let next = (!later.is_empty()).then(|| later.remove(0));
        for key in batch.iter() {
            let seen = Both {
                source: found.source.remove(key),
                target: found.target.remove(key),
            };
            self.judge(key, seen);
        }
        match (next, &mut self.stage) {
            (Some(next), Stage::Reading { batch, .. }) => *batch = next,
            _ => self.end_round(at),
        }
    }

    /// Forgets what was seen, since it may have been another server: nothing is confirmed by reads of before.
    pub fn forget(&mut self, at: Timestamp) {
        for seen in self.open.values_mut() {
            seen.alike = 0;
        }
        if let Stage::Passing(passage) = &mut self.stage {
            passage.again(&self.follow, at);
            self.after_passing();
        }
    }

    fn judge(&mut self, key: &K, seen: Both<Print>) {
        let Some(open) = self.open.get_mut(key) else {
            return;
        };
        if seen.source == seen.target {
            self.open.remove(key);
            self.converged = self.converged.saturating_add(1);
            return;
        }
        if open.alike == 0 {
            open.source.clone_from(&seen.source);
            open.alike = 1;
        } else if open.source == seen.source {
            open.alike = open.alike.saturating_add(1);
        } else {
            open.source.clone_from(&seen.source);
            (open.alike, open.moved) = (1, true);
        }
        let needed = match self.follow {
            _ if open.moved => READS_MOVED,
            Follow::None => READS_STILL,
            Follow::Native | Follow::Marker { .. } | Follow::Delay { .. } => READS,
        };
        if open.alike >= needed {
            self.open.remove(key);
            let key = key.clone();
            self.confirmed.push(Confirmed { key, seen });
        }
    }

    fn end_round(&mut self, at: Timestamp) {
        self.rounds = self.rounds.saturating_add(1);
        // With fewer rounds than it takes to confirm anything, everything would pass for hot.
        let max_rounds = self.settling.max_rounds.max(READS_MOVED);
        if self.open.is_empty() {
            self.stage = Stage::Over;
        } else if self.rounds >= max_rounds {
            self.hot = std::mem::take(&mut self.open).into_keys().collect();
            self.stage = Stage::Over;
        } else {
            let passage = Passage::new(&self.follow, self.pause(), self.settling.max_wait, at);
            self.stage = Stage::Passing(passage);
            self.after_passing();
        }
    }

    /// Returns the shortest wait before the next round: the lag, then twice and four times as long, so that a row that
    /// is written to now and then is met at rest.
    fn pause(&self) -> Duration {
        let lag = self.lag.unwrap_or_default().clamp(LAG.0, LAG.1);
        match self.rounds {
            0 | 1 => Duration::ZERO,
            2 => lag,
            3 => lag.saturating_mul(2),
            _ => lag.saturating_mul(4),
        }
    }

    fn after_passing(&mut self) {
        let Stage::Passing(passage) = &self.stage else {
            return;
        };
        match passage.step() {
            Step::Passed => self.begin_round(),
            Step::Stalled => {
                self.stalled = true;
                self.stage = Stage::Over;
            }
            Step::Note | Step::HasPassed(_) | Step::WaitUntil(_) => {}
        }
    }

    fn begin_round(&mut self) {
        let keys: Vec<&K> = self.open.keys().collect();
        let mut batches: Vec<_> = keys
            .chunks(self.batch)
            .map(|batch| Arc::new(batch.iter().map(|key| (*key).clone()).collect()))
            .collect();
        self.stage = if batches.is_empty() {
            Stage::Over
        } else {
            let batch = batches.remove(0);
            let later = batches;
            Stage::Reading { batch, later }
        };
    }

    /// Returns how many candidates there were.
    pub fn candidates(&self) -> u64 {
        self.candidates
    }

    /// Returns how many became equal.
    pub fn converged(&self) -> u64 {
        self.converged
    }

    /// Returns what differs for certain, in the order in which that became known.
    pub fn confirmed(&self) -> &[Confirmed<K>] {
        &self.confirmed
    }

    /// Returns what changed in every round, in order.
    pub fn hot(&self) -> &[K] {
        &self.hot
    }

    /// Tells whether a key is open.
    pub fn is_open(&self, key: &K) -> bool {
        self.open.contains_key(key)
    }

    /// Returns how many are open, because it is not over or because the target did not follow.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Tells whether it ended because the target did not follow within the longest wait.
    pub fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Returns how many rounds were read to the end.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Returns the position that was noted last.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests;
