//! How a table is read, reading it, and finding the keys behind buckets that differ.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::digest::Tally;
use super::super::facts::{Cost, Drilled, Passed};
use super::super::fingerprint::Fingerprint;
use super::super::plan::{Chosen, KeyPlan, Layout, Method, Strategy};
use super::super::side::Both;
use super::super::spec::RowCheck;
use super::super::strategy::{self, name};
use super::super::verdict::stands_still;
use super::table::{Step, TableRun};

/// How many rows of one side are drilled into at a time. Ours: their keys and prints are some 30 MB, a third of the
/// memory that a validation may take.
const DRILL_ROWS: u64 = 500_000;

impl TableRun {
    pub(super) fn laid(&mut self, layouts: Both<Layout>) {
        self.layouts = Arc::new(layouts);
        let can_hash =
            strategy::admissible(&self.plan, &self.servers, None).contains(&Strategy::RecordHash);
        let is_wished = match self.spec.strategy {
            Some(wished) => wished == Strategy::RecordHash,
            None => self.since.is_some() || !strategy::is_small(&self.layouts),
        };
        if can_hash && is_wished {
            self.step = Step::Calibrate;
        } else {
            self.decide(None);
        }
    }

    pub(super) fn calibrated(&mut self, agree: bool) {
        self.decide(Some(agree));
    }

    /// Decides how the table is read, or which methods are timed.
    fn decide(&mut self, calibrated: Option<bool>) {
        let is_calibrated = calibrated.unwrap_or(false);
        let can = strategy::admissible(&self.plan, &self.servers, Some(is_calibrated));
        let obstacle = |of| match strategy::obstacle(of, &self.plan, &self.servers) {
            Some(obstacle) => obstacle,
            None if of == Strategy::RecordHash && calibrated == Some(false) => {
                "the servers hash the same values differently"
            }
            None => "it is not needed here",
        };
        let quickest = can.first().copied().unwrap_or(Strategy::Stream);
        let (strategy, reason) = if let Some(wished) = self.spec.strategy {
            if can.contains(&wished) {
                (wished, format!("{}, as was asked for", name(wished)))
            } else {
                let reason = format!(
                    "stream, though {} was asked for: {}",
                    name(wished),
                    obstacle(wished)
                );
                (Strategy::Stream, reason)
            }
        } else if self.since.is_some() {
            let reason = format!("{}, not timed: only what changed is read", name(quickest));
            (quickest, reason)
        } else if strategy::is_small(&self.layouts) {
            let reason = "stream, not timed: the table is small".to_owned();
            (Strategy::Stream, reason)
        } else if can.len() > 1 {
            let methods = can.iter().map(|strategy| self.method_of(*strategy));
            self.step = Step::Time(methods.collect());
            return;
        } else {
            let others = [Strategy::RecordHash, Strategy::TextDigest]
                .map(|other| format!("{}: {}", name(other), obstacle(other)));
            let reason = format!("stream alone is possible ({})", others.join("; "));
            (Strategy::Stream, reason)
        };
        self.read_by(self.method_of(strategy), &reason);
    }

    pub(super) fn timed(&mut self, methods: &[Method], costs: &[Option<Both<Cost>>]) {
        let choice = strategy::choose(methods, costs, &self.layouts, &self.spec.limits);
        if let Some(choice) = choice {
            self.read_by(choice.method, &choice.reason);
        } else {
            let method = self.method_of(Strategy::Stream);
            self.read_by(method, "stream, since nothing could be timed");
        }
    }

    fn method_of(&self, strategy: Strategy) -> Method {
        let every = match self.spec.checks.rows {
            RowCheck::Sample { every } => every,
            RowCheck::Full | RowCheck::Count | RowCheck::Skip => 1,
        };
        strategy::method(strategy, &self.plan, &self.layouts, self.spec.seed, every)
    }

    fn read_by(&mut self, method: Method, reason: &str) {
        self.found.method = Some(method);
        self.found.strategy_reason = format!("{}{reason}", self.remark);
        self.step = if self.since.is_some() {
            Step::Horizons
        } else {
            Step::Pass
        };
    }

    pub(super) fn passed(&mut self, passed: Both<Passed>) {
        // A row that moves between pieces while a side is read may be seen twice there, or not at all.
        let may_move = |side: &Passed| !side.one_snapshot && !stands_still(&self.spec);
        let is_keyed = matches!(self.plan.key, KeyPlan::Columns(_));
        let is_full = self.spec.checks.rows == RowCheck::Full;
        let moved = passed.as_ref().map(|side| {
            let horizon = side.horizon.clone();
            horizon.filter(|_| may_move(side) && is_keyed && is_full)
        });
        self.found.work = passed.as_ref().map(|side| side.work);
        self.found.horizons = passed.as_ref().map(|side| side.horizon.clone());
        let tallies = passed.map(|side| side.tally);
        self.found.rows = tallies.as_ref().map(Tally::rows);
        self.compare(&tallies);
        if moved.source.is_some() || moved.target.is_some() {
            let after = std::mem::replace(&mut self.step, Step::Touched(moved));
            if let Step::Drill(batches) = after {
                self.later = batches;
            }
        }
        self.go_on_drilling();
    }

    /// Finds out which buckets are looked into, by the tallies of all rows or of keys alone.
    pub(super) fn compare(&mut self, tallies: &Both<Tally>) {
        let differing = tallies.source.differing(&tallies.target);
        self.found.differing_buckets = u64::try_from(differing.len()).unwrap_or(u64::MAX);
        self.found.digests = tallies.as_ref().map(digest);
        self.step = Step::Drill(batches(&differing, tallies));
        if self.since.is_some() {
            self.found.rows = tallies.as_ref().map(Tally::rows);
            self.go_on_drilling();
        }
    }

    pub(super) fn drilled(&mut self, drilled: Drilled) {
        if let Step::Drill(batches) = &mut self.step {
            batches.pop_front();
            self.more = self.more.saturating_add(drilled.more);
            self.candidates.extend(drilled.keys);
            if self.candidates.len() >= self.spec.settling.max_candidates && !batches.is_empty() {
                // There are more than are followed; to find them all would tell nothing more about the verdict.
                self.more = self.more.saturating_add(1);
                batches.clear();
            }
        }
        self.go_on_drilling();
    }

    /// Begins to settle when nothing is left to drill into.
    pub(super) fn go_on_drilling(&mut self) {
        if let Step::Drill(batches) = &self.step
            && batches.is_empty()
        {
            self.begin_rows();
        }
    }
}

/// Puts buckets together so that each batch holds a bounded number of rows, and one bucket at least.
fn batches(differing: &[u32], tallies: &Both<Tally>) -> VecDeque<Chosen> {
    let rows = |tally: &Tally, number: u32| tally.0.get(&number).map_or(0, |bucket| bucket.rows);
    let mut batches = VecDeque::new();
    let (mut batch, mut held) = (Chosen::new(), 0_u64);
    for &number in differing {
        let more = rows(&tallies.source, number).max(rows(&tallies.target, number));
        if !batch.is_empty() && held.saturating_add(more) > DRILL_ROWS {
            batches.push_back(std::mem::take(&mut batch));
            held = 0;
        }
        batch.insert(number);
        held = held.saturating_add(more);
    }
    if !batch.is_empty() {
        batches.push_back(batch);
    }
    batches
}

fn digest(tally: &Tally) -> String {
    let mut print = Fingerprint::default();
    for (number, bucket) in tally.0.iter().filter(|(_, bucket)| bucket.rows > 0) {
        print.add(&number.to_le_bytes());
        for part in [bucket.rows, bucket.digest[0], bucket.digest[1]] {
            print.add(&part.to_le_bytes());
        }
    }
    format!("{:016x}", print.get())
}
