//! Numbers of rows, and sums.
//!
//! Both are settled as rows are: a number that differs may only lag. They are equal once they were seen to be, and differ
//! for certain when the source's stood still.

use std::collections::{BTreeMap, BTreeSet};

use super::super::facts::{Fact, Figures};
use super::super::fingerprint::Fingerprint;
use super::super::plan::SumsPlan;
use super::super::report::{ProofKind, SumReport};
use super::super::settle::{Settlement, Want};
use super::super::side::Side;
use super::super::spec::RowCheck;
use super::super::verdict::stands_still;
use super::table::{Group, Step, Summing, TableRun};
use super::{Timestamp, passing};

impl TableRun {
    /// Counts the rows by one statement, as a witness for what the pass counted. Where rows are written a count is equal at
    /// no moment, and where something differs already it says nothing new.
    pub(super) fn begin_witness(&mut self) {
        let is_quiet = self.found.confirmed.is_empty() && self.found.gaps.is_empty();
        let is_full = self.spec.checks.rows == RowCheck::Full;
        if is_quiet && is_full && stands_still(&self.spec) {
            self.begin_count();
        } else {
            self.begin_sum();
        }
    }

    pub(super) fn begin_count(&mut self) {
        let (follow, settling) = (self.spec.follow.clone(), self.spec.settling);
        let settlement = Settlement::new(BTreeSet::from([()]), follow, settling, 1);
        self.step = Step::Count(settlement, None);
    }

    pub(super) fn counting(&mut self, fact: Fact, at: Timestamp) -> Result<(), Box<Fact>> {
        let Step::Count(settlement, counted) = &mut self.step else {
            return Err(Box::new(fact));
        };
        passing(settlement, fact, at).or_else(|fact| match (settlement.want(), *fact) {
            (Want::Read(_), Fact::Counted(rows)) => {
                *counted = Some(rows);
                settlement.read(rows.map(|rows| BTreeMap::from([((), vec![rows])])), at);
                Ok(())
            }
            (_, fact) => Err(Box::new(fact)),
        })?;
        self.count_settled();
        Ok(())
    }

    pub(super) fn count_settled(&mut self) {
        let Step::Count(settlement, counted) = &self.step else {
            return;
        };
        if settlement.want() != Want::Over {
            return;
        }
        let rows = counted.unwrap_or_default();
        let is_equal = settlement.converged() > 0;
        let is_certain = !settlement.confirmed().is_empty();
        let rounds = settlement.rounds();
        let is_witness = self.found.proof != ProofKind::Count;
        self.position = settlement.position().cloned().or(self.position.take());
        let found = &mut self.found;
        if is_witness {
            if !is_equal {
                found.gaps.push(format!(
                    "all rows that were read are alike, and a count says {} and {}",
                    rows.source, rows.target
                ));
            } else if found.proof == ProofKind::Full && rows != found.rows {
                found.gaps.push(format!(
                    "{} and {} rows were read, and a count says {} and {}",
                    found.rows.source, found.rows.target, rows.source, rows.target
                ));
            }
        } else {
            (found.rows, found.rounds) = (rows, rounds);
            if is_certain {
                found.uneven = Some(rows);
            } else if !is_equal {
                found.gaps.push(format!(
                    "the number of rows was never the same, and changed: {} and {} at last",
                    rows.source, rows.target
                ));
            }
        }
        self.begin_sum();
    }

    /// Begins with the next of the sums, or ends.
    pub(super) fn begin_sum(&mut self) {
        self.step = match self.sums.pop_front() {
            Some(plan) => Step::Sum(Box::new(Summing {
                plan,
                settlement: None,
                figures: BTreeMap::new(),
            })),
            None => Step::Over,
        };
    }

    pub(super) fn summing(&mut self, fact: Fact, at: Timestamp) -> Result<(), Box<Fact>> {
        let Step::Sum(summing) = &mut self.step else {
            return Err(Box::new(fact));
        };
        let fact = match &mut summing.settlement {
            Some(settlement) => match passing(settlement, fact, at) {
                Ok(()) => {
                    self.sums_settled();
                    return Ok(());
                }
                Err(fact) if matches!(settlement.want(), Want::Read(_)) => *fact,
                refused => return refused,
            },
            None => fact,
        };
        let Fact::Summed(groups) = fact else {
            return Err(Box::new(fact));
        };
        let all: BTreeSet<Group> = Side::BOTH
            .into_iter()
            .flat_map(|side| groups.get(side).keys().cloned())
            .collect();
        let (follow, settling) = (self.spec.follow.clone(), self.spec.settling);
        let settlement = summing
            .settlement
            .get_or_insert_with(|| Settlement::new(all.clone(), follow, settling, usize::MAX));
        for group in all.iter().filter(|group| settlement.is_open(group)) {
            let figures = groups.as_ref().map(|side| side.get(group).cloned());
            summing.figures.insert(group.clone(), figures);
        }
        settlement.read(groups.as_ref().map(prints), at);
        self.sums_settled();
        Ok(())
    }

    pub(super) fn sums_settled(&mut self) {
        let Step::Sum(summing) = &self.step else {
            return;
        };
        let Some(settlement) = &summing.settlement else {
            return;
        };
        if settlement.want() != Want::Over {
            return;
        }
        let certain: BTreeSet<_> = settlement.confirmed().iter().map(|sum| &sum.key).collect();
        let is_moving =
            |group: &Group| settlement.is_open(group) || settlement.hot().contains(group);
        let moving = summing
            .figures
            .keys()
            .filter(|group| is_moving(group))
            .count();
        let reports: Vec<_> = summing
            .figures
            .iter()
            .map(|(group, figures)| SumReport {
                group: shown(&summing.plan, group),
                of: names(&summing.plan),
                figures: figures.clone(),
                equal: !certain.contains(group) && !is_moving(group),
                moving: is_moving(group),
            })
            .collect();
        if !certain.is_empty() {
            let sums = format!("sums differ: {} of {} groups", certain.len(), reports.len());
            self.found.wrongs.push(sums);
        }
        // Where each row is proven equal, sums that never rest are no reason for doubt.
        let is_proven = self.found.proof == ProofKind::Full && !stands_still(&self.spec);
        if moving > 0 && !is_proven {
            self.found.gaps.push(format!(
                "sums of {moving} groups changed each time they were read, and were never equal"
            ));
        }
        self.position = settlement.position().cloned().or(self.position.take());
        self.found.sums.extend(reports);
        self.begin_sum();
    }
}

fn prints(groups: &BTreeMap<Group, Figures>) -> BTreeMap<Group, Vec<u64>> {
    let print = |figures: &Figures| Fingerprint::of(&format!("{figures:?}"));
    groups
        .iter()
        .map(|(group, figures)| (group.clone(), vec![print(figures)]))
        .collect()
}

fn shown(plan: &SumsPlan, group: &Group) -> String {
    let parts = plan.group_by.iter().zip(group).map(|(column, value)| {
        let value = value.as_deref().unwrap_or("null");
        format!("{}={}", column.source, value.escape_debug())
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn names(plan: &SumsPlan) -> Vec<String> {
    let sums = plan
        .sums
        .iter()
        .map(|column| format!("sum of {}", column.source));
    let latest = plan
        .latest
        .iter()
        .map(|column| format!("latest {}", column.source));
    sums.chain(latest).collect()
}
