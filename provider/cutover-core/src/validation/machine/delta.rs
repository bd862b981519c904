//! What changed since a former proof, and what moved while a table was read.
//!
//! A former proof says that every row was alike at some moment after its horizons, but for the keys that it names as hot. A
//! row that is different now is one of those, or was inserted or changed on one side since, and is then found among the
//! touched rows of that side; or it was deleted on one side, which leaves nothing young behind, and is found by the keys.

use std::collections::VecDeque;

use super::super::digest::Key;
use super::super::facts::Horizon;
use super::super::plan::{Chosen, KeyPlan};
use super::super::report::ProofKind;
use super::super::side::Both;
use super::super::spec::{Proof, RowCheck};
use super::table::{Step, TableRun};

impl TableRun {
    /// Reads only what changed since a proof, where that can be told; `void` says why the proof is of no use.
    pub(super) fn since(mut self, proof: Option<&Proof>, void: Option<&str>) -> Self {
        if let Some(void) = void {
            self.remark = format!("all rows are read, since the former proof is void: {void}; ");
        }
        let is_keyed = matches!(self.plan.key, KeyPlan::Columns(_));
        let Some(proof) = proof.filter(|_| self.spec.checks.rows == RowCheck::Full) else {
            return self;
        };
        let horizons = proof.horizons.get(&self.plan.label);
        match horizons {
            Some(Both {
                source: Some(_),
                target: Some(_),
            }) if is_keyed => {
                let hot = proof.hot.get(&self.plan.label).cloned().unwrap_or_default();
                self.since = horizons.map(|horizons| (horizons.clone(), hot));
                self.found.proof = ProofKind::Delta;
            }
            _ => {
                "all rows are read, since it cannot be told which changed; "
                    .clone_into(&mut self.remark);
            }
        }
        self
    }

    /// New horizons are known before what changed since the old ones is read, so that the next delta misses nothing.
    pub(super) fn horizons(&mut self, horizons: Both<Option<Horizon>>) {
        self.found.horizons = horizons;
        self.step = match &self.since {
            Some((since, _)) => Step::Touched(since.clone()),
            None => Step::Pass,
        };
    }

    pub(super) fn touched(&mut self, keys: Both<Option<Vec<Key>>>) {
        let Step::Touched(asked) = &self.step else {
            return;
        };
        let is_told =
            |asked: &Option<Horizon>, keys: &Option<Vec<Key>>| asked.is_none() || keys.is_some();
        let all_told = is_told(&asked.source, &keys.source) && is_told(&asked.target, &keys.target);
        let touched = [keys.source, keys.target].into_iter().flatten().flatten();
        if let Some((_, hot)) = self.since.take_if(|_| !all_told) {
            // Nothing is lost: all rows are read instead, and those that were hot with them.
            drop(hot);
            self.found.proof = ProofKind::Full;
            "all rows are read, since it cannot be told which changed; "
                .clone_into(&mut self.remark);
            self.found.strategy_reason = format!("{}{}", self.remark, self.found.strategy_reason);
            self.step = Step::Pass;
            return;
        }
        self.candidates.extend(touched);
        if let Some((_, hot)) = &mut self.since {
            self.candidates
                .append(&mut std::mem::take(hot).into_iter().collect());
            self.step = Step::Keys;
        } else {
            let later: VecDeque<Chosen> = std::mem::take(&mut self.later);
            self.step = Step::Drill(later);
            self.go_on_drilling();
        }
    }
}
