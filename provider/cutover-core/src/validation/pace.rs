//! How fast a server is read.
//!
//! A [`Pacer`] stands for one side of one pass. It carves the next piece out of what is left, so large that a statement
//! takes as long as is wished, and tells when to pause, so that the server has time for its own work. It never loses a
//! piece and never gives one away twice: whatever fails is given again or ends the pass.

mod spans;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::catalog::TableName;
use super::digest::{Key, Mix, Tally};
use super::facts::{DbFailureClass, Load, Work};
use super::plan::{Chosen, Layout, Method, Span, TablePlan};
use super::spec::Limits;
use crate::{Backoff, Timestamp};
use spans::Ruler;
pub use spans::reads_chosen_only;

/// How many rows the first piece is meant to hold. Ours: a tenth of a second for an average table, so that even a slow
/// server shows its speed within a second.
pub const FIRST_ROWS: u32 = 20_000;

/// How a piece is repeated after the connection was lost: 1, 2, 4, 8 and 16 seconds later, which outlasts the restart
/// of a server.
const AGAIN: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(16), 6);

/// At how much of a limit reading goes on after it was exceeded, in percent, so that it does not stutter at the border.
const RESUME_PERCENT: u128 = 80;

/// One side of one pass.
#[derive(Clone, Debug)]
pub struct Pacer {
    limits: Limits,
    mix: Mix,
    ruler: Ruler,
    /// The tables that hold the rows, to know the same layout again.
    pieces: Vec<TableName>,
    left: VecDeque<Due>,
    out: BTreeMap<u64, Span>,
    given: u64,
    /// How large the next piece is: blocks, values of the key, or rows, by the kind of piece.
    size: u64,
    /// Connections that read nothing.
    free: Vec<Rest>,
    paused_since: Option<Timestamp>,
    began_at: Option<Timestamp>,
    tally: Tally,
    work: Work,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Read a piece, and say what came of it.
    Read(Unit),
    /// Nothing until this moment, or until a piece comes back or the load changes.
    Wait(Option<Timestamp>),
    /// Everything was read.
    Done,
}

/// A piece that is being read. Given back once, by [`Pacer::done`] or [`Pacer::failed`].
#[derive(Debug, PartialEq, Eq)]
pub struct Unit {
    /// Which part of the table.
    pub span: Span,
    number: u64,
    tries: u32,
    /// Whether it is as large as was wished, so that its time tells whether larger ones would do.
    full: bool,
    began_at: Timestamp,
}

/// How far a pass has come on one side, so that another run can go on with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpanProgress {
    /// The tables that hold the rows; with others the progress is void.
    pub pieces: Vec<TableName>,
    /// What was not read.
    pub left: Vec<Span>,
    /// How large the next piece is.
    pub size: u64,
    /// What was read, added up.
    pub tally: Tally,
    /// What it took.
    pub work: Work,
}

/// A part that is left.
#[derive(Clone, Debug)]
struct Due {
    span: Span,
    tries: u32,
    not_before: Option<Timestamp>,
}

/// A connection that rests.
#[derive(Clone, Copy, Debug)]
struct Rest {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Due {
    fn new(span: Span) -> Self {
        Self {
            span,
            tries: 0,
            not_before: None,
        }
    }
}

impl Pacer {
    /// Begins to read a side: all of it, or what can hold rows of the buckets that are `chosen` or that the method reads.
    pub fn new(
        plan: &TablePlan,
        layout: &Layout,
        method: &Method,
        limits: &Limits,
        chosen: Option<&Chosen>,
    ) -> Self {
        let (left, size) = spans::spans(plan, layout, method, chosen);
        Self::with(layout, method, limits, left, size)
    }

    /// Goes on where another run was interrupted; `None` when the table is kept in another way by now.
    pub fn resumed(
        layout: &Layout,
        method: &Method,
        limits: &Limits,
        progress: &SpanProgress,
    ) -> Option<Self> {
        let fits = progress.pieces == names(layout)
            && progress.left.iter().all(|span| spans::fits(span, layout));
        fits.then(|| Self {
            tally: progress.tally.clone(),
            work: progress.work,
            ..Self::with(
                layout,
                method,
                limits,
                progress.left.clone(),
                progress.size.max(1),
            )
        })
    }

    fn with(layout: &Layout, method: &Method, limits: &Limits, left: Vec<Span>, size: u64) -> Self {
        let free = (0..limits.connections.max(1)).map(|_| Rest {
            since: None,
            until: None,
        });
        Self {
            limits: limits.clone(),
            mix: method.mix,
            ruler: Ruler::new(layout),
            pieces: names(layout),
            left: left.into_iter().map(Due::new).collect(),
            out: BTreeMap::new(),
            given: 0,
            size,
            free: free.collect(),
            paused_since: None,
            began_at: None,
            tally: Tally::default(),
            work: Work::default(),
        }
    }

    /// Counts what an attempt took that came to nothing: all its statements as repeated.
    #[must_use]
    pub fn after_attempt(mut self, work: &Work) -> Self {
        self.work = *work;
        self.work.repeated = work.units;
        self.work.rows = 0;
        self
    }

    /// Tells what is next, and gives a piece away if that is to read one.
    pub fn step(&mut self, now: Timestamp) -> Step {
        if self.left.is_empty() && self.out.is_empty() {
            return Step::Done;
        }
        let due = self.left.iter().map(|due| due.not_before).min();
        let free = self.free.iter().map(|rest| rest.until).min();
        let (None, Some(due), Some(free)) = (self.paused_since, due, free) else {
            return Step::Wait(None);
        };
        match due.max(free).filter(|&at| at > now) {
            Some(at) => Step::Wait(Some(at)),
            None => self
                .carve(now)
                .map_or(Step::Wait(None), |unit| Step::Read(self.give(unit, now))),
        }
    }

    /// Takes the first piece off what is left.
    fn carve(&mut self, now: Timestamp) -> Option<Unit> {
        let is_due = |due: &Due| due.not_before.is_none_or(|at| at <= now);
        let at = self.left.iter().position(is_due)?;
        let due = self.left.remove(at)?;
        let (span, rest) = self.ruler.cut(&due.span, self.size);
        if let Some(rest) = rest {
            let rest = Due { span: rest, ..due };
            self.left.insert(at, rest);
        }
        Some(Unit {
            full: self.ruler.length(&span, 0) >= self.size.div_ceil(2),
            span,
            number: self.given,
            tries: due.tries,
            began_at: now,
        })
    }

    fn give(&mut self, unit: Unit, now: Timestamp) -> Unit {
        let is_rested = |rest: &Rest| rest.until.is_none_or(|at| at <= now);
        if let Some(at) = self.free.iter().position(is_rested) {
            let rest = self.free.swap_remove(at);
            if let (Some(since), Some(until)) = (rest.since, rest.until) {
                self.work.paused_seconds += until.since(since).as_secs_f64();
            }
        }
        self.given = self.given.saturating_add(1);
        self.out.insert(unit.number, unit.span.clone());
        self.began_at.get_or_insert(now);
        self.work.units = self.work.units.saturating_add(1);
        let connections = u32::try_from(self.out.len()).unwrap_or(u32::MAX);
        self.work.connections = self.work.connections.max(connections);
        unit
    }

    /// Takes a piece back that was read. `last` is the key of its last row, where it was a chain's and there may be more.
    pub fn done(&mut self, unit: Unit, tally: &Tally, last: Option<Key>, now: Timestamp) {
        let (unit, took) = self.take_back(unit, now);
        self.tally.add(tally, self.mix);
        self.work.rows = self.work.rows.saturating_add(tally.rows());
        if let Span::After { .. } = unit.span {
            self.adapt(took, last.is_some());
            if let Some(key) = last {
                let (key, rows) = (Some(key), FIRST_ROWS);
                self.left.push_back(Due::new(Span::After { key, rows }));
            }
        } else {
            self.adapt(took, unit.full);
        }
    }

    /// Takes a piece back that could not be read. Returns whether it will be given again, as a whole or in halves;
    /// otherwise the pass has failed.
    pub fn failed(&mut self, unit: Unit, class: DbFailureClass, now: Timestamp) -> bool {
        use DbFailureClass::{Busy, Lost, TimedOut, TooBig, Unreachable};
        let (unit, _) = self.take_back(unit, now);
        let tries = unit.tries.saturating_add(1);
        let again = match class {
            TimedOut | TooBig => {
                self.size = self.size.div_ceil(2);
                let halves = self.ruler.halve(&unit.span, self.size);
                halves.map(|spans| spans.into_iter().map(Due::new).collect())
            }
            Lost | Busy | Unreachable => AGAIN.wait_after(tries).map(|wait| {
                vec![Due {
                    span: unit.span.clone(),
                    tries,
                    not_before: Some(now.after(wait)),
                }]
            }),
            DbFailureClass::Untrusted
            | DbFailureClass::NoTls
            | DbFailureClass::Login
            | DbFailureClass::NoDatabase
            | DbFailureClass::Denied
            | DbFailureClass::Missing
            | DbFailureClass::Unsupported
            | DbFailureClass::Malformed
            | DbFailureClass::Changed
            | DbFailureClass::Other => None,
        };
        let Some(again) = again else {
            // What is left stays complete, for a later run.
            self.left.push_front(Due::new(unit.span));
            return false;
        };
        self.work.repeated = self.work.repeated.saturating_add(1);
        again
            .into_iter()
            .rev()
            .for_each(|due: Due| self.left.push_front(due));
        true
    }

    /// Frees the connection, which rests for the share of its time that belongs to others. Returns the piece and how long it
    /// was read.
    fn take_back(&mut self, unit: Unit, now: Timestamp) -> (Unit, Duration) {
        self.out.remove(&unit.number);
        let took = now.since(unit.began_at);
        self.work.busy_seconds += took.as_secs_f64();
        let duty = u32::from(self.limits.duty.clamp(1, 100));
        let rest = took.saturating_mul(100_u32.saturating_sub(duty));
        let rest = rest.checked_div(duty).unwrap_or_default();
        self.free.push(Rest {
            since: Some(now),
            until: (!rest.is_zero()).then(|| now.after(rest)),
        });
        (unit, took)
    }

    /// Makes pieces larger or smaller, by twice or half at most. Only a piece of full size tells that larger ones would do.
    fn adapt(&mut self, took: Duration, full: bool) {
        let wished = u64::try_from(self.limits.unit_target.as_millis()).unwrap_or(u64::MAX);
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        let (least, most) = (self.size.div_ceil(2), self.size.saturating_mul(2));
        let fitting = self.size.saturating_mul(wished).checked_div(took);
        let fitting = fitting.unwrap_or(most);
        if full || fitting < self.size {
            self.size = fitting.clamp(least, most).max(1);
        }
    }

    /// Hears what the server is busy with: pauses above a limit, and goes on well below it. A lag that is not known is
    /// no reason to wait.
    pub fn load(&mut self, load: &Load, now: Timestamp) {
        let (sessions, most) = (load.active_sessions, self.limits.max_active_sessions);
        let (lag, longest) = (load.lag.unwrap_or_default(), self.limits.max_lag);
        let is_over = most.is_some_and(|most| sessions > most)
            || longest.is_some_and(|longest| lag > longest);
        let is_calm = most.is_none_or(|most| is_well_below(sessions.into(), most.into()))
            && longest.is_none_or(|longest| is_well_below(lag.as_millis(), longest.as_millis()));
        match self.paused_since {
            None if is_over => {
                self.paused_since = Some(now);
                self.work.pauses = self.work.pauses.saturating_add(1);
            }
            Some(since) if is_calm => {
                self.paused_since = None;
                self.work.paused_seconds += now.since(since).as_secs_f64();
            }
            None | Some(_) => {}
        }
    }

    /// Tells whether reading pauses because of the server's load.
    pub fn is_paused(&self) -> bool {
        self.paused_since.is_some()
    }

    /// Tells whether the load matters at all.
    pub fn minds_load(&self) -> bool {
        self.limits.max_active_sessions.is_some() || self.limits.max_lag.is_some()
    }

    /// Returns what was read so far, added up.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Returns what it took until now.
    pub fn work(&self, now: Timestamp) -> Work {
        let here = self.began_at.map_or(Duration::ZERO, |at| now.since(at));
        Work {
            seconds: self.work.seconds + here.as_secs_f64(),
            ..self.work
        }
    }

    /// Returns what another run needs in order to go on. Pieces that are being read count as left.
    pub fn progress(&self, now: Timestamp) -> SpanProgress {
        let left = self.out.values();
        let left = left.chain(self.left.iter().map(|due| &due.span));
        SpanProgress {
            pieces: self.pieces.clone(),
            left: left.cloned().collect(),
            size: self.size,
            tally: self.tally.clone(),
            work: self.work(now),
        }
    }
}

fn names(layout: &Layout) -> Vec<TableName> {
    layout.pieces.iter().map(|(name, _)| name.clone()).collect()
}

fn is_well_below(value: u128, limit: u128) -> bool {
    value.saturating_mul(100) <= limit.saturating_mul(RESUME_PERCENT)
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "tests may overflow"
)]
mod tests;
