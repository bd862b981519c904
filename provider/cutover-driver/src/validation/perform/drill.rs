//! Reads keys and prints of buckets that differ, and finds the rows that are not alike.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;

use cutover_core::validation::digest::{Key, Tally};
use cutover_core::validation::facts::Drilled;
use cutover_core::validation::pace::{Pacer, reads_chosen_only};
use cutover_core::validation::plan::{Chosen, Span};
use cutover_core::validation::side::{Both, Side};

use super::super::reading::{Given, Subject, read};
use super::{Got, Validating};
use crate::{Asked, Piece};

/// How many rows of a side one turn is meant to hold in memory at most, and how many prints may be held of both when more
/// come than the server's estimate said: some 40 MB.
const ROWS_AT_ONCE: u64 = 150_000;
const HELD: usize = 300_000;

/// How often a table is read as a whole for its buckets at most; what is not looked into then is only counted.
const SCANS: u32 = 8;

/// Prints of both sides that have found no equal yet.
#[derive(Debug, Default)]
struct Unmatched(BTreeMap<Key, Both<Print>>);

/// The rows with one key: more than one where the key is the print of the whole row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Print {
    rows: u64,
    sum: u128,
}

impl Unmatched {
    /// Adds a row; what is equal on both sides is forgotten at once.
    fn add(&mut self, side: Side, key: Key, print: u128) {
        let mut prints = self.0.remove(&key).unwrap_or_default();
        let here = prints.get_mut(side);
        here.rows = here.rows.saturating_add(1);
        here.sum = here.sum.wrapping_add(print);
        if prints.source != prints.target {
            self.0.insert(key, prints);
        }
    }
}

impl Validating<'_> {
    /// Finds the keys that are not alike, some buckets at a time, so that memory stays within bounds.
    pub(super) async fn drill(&self, subject: Subject<'_>, chosen: &Chosen) -> Got<Drilled> {
        let limit = self.spec.settling.max_candidates;
        let (mut drilled, mut scans) = (Drilled::default(), 0_u32);
        let mut keys = BTreeSet::new();
        let mut turns: VecDeque<Chosen> = turns(subject, chosen).into();
        while let Some(turn) = turns.pop_front() {
            let is_cheap = is_cheap(subject, &turn);
            if keys.len() >= limit || (scans >= SCANS && !is_cheap) {
                // Each of them differs, by one row at least.
                drilled.more = drilled.more.saturating_add(count(turn.len()));
                continue;
            }
            scans = scans.saturating_add(u32::from(!is_cheap));
            let unmatched = self.turn(subject, &turn, &mut drilled.rows).await?;
            let Some(unmatched) = unmatched else {
                halves(turn)
                    .into_iter()
                    .flatten()
                    .rev()
                    .for_each(|half| turns.push_front(half));
                continue;
            };
            for key in unmatched.0.into_keys() {
                if keys.len() < limit || keys.contains(&key) {
                    keys.insert(key);
                } else {
                    drilled.more = drilled.more.saturating_add(1);
                }
            }
        }
        drilled.keys = keys.into_iter().collect();
        Ok(drilled)
    }

    /// Reads some buckets of both sides; `None` when they hold more rows than can be kept in memory.
    async fn turn(
        &self,
        subject: Subject<'_>,
        chosen: &Chosen,
        rows: &mut Both<u64>,
    ) -> Got<Option<Unmatched>> {
        let mut pacers = Both::of(|side| {
            let (layout, limits) = (subject.layouts.get(side), self.spec.limits.get(side));
            Pacer::new(subject.plan, layout, subject.method, limits, Some(chosen))
        });
        let ask = |side, span: Span| -> Asked<'_, Given<Vec<(Key, u128)>>> {
            Box::pin(async move {
                let piece = Piece {
                    layout: subject.layouts.get(side),
                    span: &span,
                    snapshot: None,
                };
                let (plan, method) = (subject.plan, subject.method);
                let printed = self.at(side).prints(plan, method, piece, chosen).await?;
                Ok(Given {
                    tally: Tally::default(),
                    last: printed.last,
                    more: printed.rows,
                })
            })
        };
        let mut unmatched = Unmatched::default();
        // A single bucket cannot be halved: it is read to its end.
        let may_overflow = chosen.len() > 1;
        let each = |side, read: Vec<(Key, u128)>, _: &Both<Pacer>| {
            let counted = rows.get_mut(side);
            *counted = counted.saturating_add(count(read.len()));
            for (key, print) in read {
                unmatched.add(side, key, print);
            }
            if may_overflow && unmatched.0.len() > HELD {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let all = read(&self.sides, self.clock, &mut pacers, ask, each).await?;
        Ok(all.is_continue().then_some(unmatched))
    }
}

/// Divides buckets into turns by the servers' estimates.
fn turns(subject: Subject<'_>, chosen: &Chosen) -> Vec<Chosen> {
    let estimated = Side::BOTH.map(|side| subject.layouts.get(side).estimated_rows);
    let buckets = u64::from(subject.method.buckets.count().max(1));
    let per_bucket = estimated[0].max(estimated[1]).div_ceil(buckets).max(1);
    let at_once = usize::try_from(ROWS_AT_ONCE / per_bucket).unwrap_or(usize::MAX);
    let chosen: Vec<u32> = chosen.iter().copied().collect();
    chosen
        .chunks(at_once.max(1))
        .map(|turn| turn.iter().copied().collect())
        .collect()
}

/// Tells whether no side has to be read as a whole for these buckets.
fn is_cheap(subject: Subject<'_>, turn: &Chosen) -> bool {
    Side::BOTH
        .iter()
        .all(|side| reads_chosen_only(subject.layouts.get(*side), subject.method, turn))
}

fn halves(mut turn: Chosen) -> [Option<Chosen>; 2] {
    let middle = turn.iter().nth(turn.len() / 2).copied();
    let second = middle.map(|middle| turn.split_off(&middle));
    [Some(turn), second]
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
