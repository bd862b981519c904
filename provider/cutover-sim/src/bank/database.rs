//! A simulated database behind the port of the driver.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::validation::catalog::{Catalog, Kind, Server, TableName};
use cutover_core::validation::digest::{Key, RowPrint};
use cutover_core::validation::facts::{DbFailureClass, Figures, Horizon, Load, Position, Sought};
use cutover_core::validation::plan::{Chosen, Layout, Method, RulePlan, Span, SumsPlan, TablePlan};
use cutover_core::validation::side::Side;
use cutover_driver::{Asked, Database, Piece, Printed, Snapshot, Tallied};

use super::{Bank, BankState, BankWhat, Called, answers, failure};

/// One of the two databases.
#[derive(Clone, Debug)]
pub struct SimDatabase {
    bank: Bank,
    side: Side,
}

/// What a statement is, apart from its answer.
struct Statement {
    call: &'static str,
    /// The piece of a table that nobody else may read at the same time.
    span: Option<(TableName, Span)>,
}

/// A statement that runs. Dropped before its end, it is cancelled.
struct Running {
    bank: Bank,
    side: Side,
    number: u64,
    ended: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.bank.lock();
        state.reading.remove(&self.number);
        if !self.ended {
            let name = format!("{}-{}", self.side, self.number);
            state.servers.get_mut(self.side).snapshots.remove(&name);
        }
    }
}

/// An answer as of the statement's begin, and how many rows were read for it.
pub(super) type Answer<T> = Result<(T, u64), DbFailureClass>;

impl SimDatabase {
    pub(super) fn new(bank: Bank, side: Side) -> Self {
        Self { bank, side }
    }

    fn ask<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        answer: impl FnOnce(&mut BankState) -> Answer<T> + Send + 'a,
    ) -> Asked<'a, T> {
        self.run(Statement { call, span: None }, answer)
    }

    fn read<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        plan: &TablePlan,
        span: &Span,
        answer: impl FnOnce(&mut BankState) -> Answer<T> + Send + 'a,
    ) -> Asked<'a, T> {
        let span = Some((plan.names.get(self.side).clone(), span.clone()));
        self.run(Statement { call, span }, answer)
    }

    /// Runs a statement: what it sees is what was there at its begin, and it takes time for each row.
    fn run<'a, T: Send + 'a>(
        &'a self,
        statement: Statement,
        answer: impl FnOnce(&mut BankState) -> Answer<T> + Send + 'a,
    ) -> Asked<'a, T> {
        Box::pin(async move {
            let (side, call) = (self.side, statement.call);
            let clock = Arc::clone(&self.bank.clock);
            let began_at = clock.now();
            let (mut running, epoch, place, outcome, takes) = self.bank.with(|state| {
                let number = state.begin(side, &statement);
                let place = state.calls.len();
                state.calls.push(Called {
                    side,
                    call,
                    began_at,
                    ended_at: None,
                    span: statement.span.map(|(_, span)| span),
                    failed: None,
                });
                let (slow, fails) = state.scripted(side, call);
                let epoch = state.servers.get(side).epoch;
                let met = state.meet(side, call);
                let answer = met.and_then(|()| answer(state));
                let rows = answer.as_ref().map_or(0, |(_, rows)| *rows);
                let takes = state.servers.get(side).time_of(rows) + slow;
                let limit = state.servers.get(side).statement_timeout;
                let outcome = match fails {
                    Some(class) => Err(class),
                    None if takes > limit => Err(DbFailureClass::TimedOut),
                    None => answer.map(|(answer, _)| answer),
                };
                let running = Running {
                    bank: self.bank.clone(),
                    side,
                    number,
                    ended: false,
                };
                (running, epoch, place, outcome, takes.min(limit))
            });
            clock.sleep_until(began_at.after(takes)).await;
            running.ended = outcome.is_ok();
            drop(running);
            let outcome = self.bank.with(|state| {
                let broken = state.servers.get(side).epoch != epoch;
                let outcome = if broken {
                    Err(DbFailureClass::Lost)
                } else {
                    outcome
                };
                state.calls[place].ended_at = Some(clock.now());
                state.calls[place].failed = outcome.as_ref().err().copied();
                outcome
            });
            outcome.map_err(|class| failure(class, call))
        })
    }
}

impl BankState {
    /// Notes that a piece is being read, and complains when another reads the same rows.
    fn begin(&mut self, side: Side, statement: &Statement) -> u64 {
        self.next += 1;
        let number = self.next;
        if let Some((table, span)) = &statement.span {
            let clash = self.reading.values().find(|(of, call, name, other)| {
                (*of, *call, name) == (side, statement.call, table) && overlap(span, other)
            });
            if let Some((.., other)) = clash {
                self.complain(format!("{span:?} and {other:?} are read at the same time"));
            }
            let reading = (side, statement.call, table.clone(), span.clone());
            self.reading.insert(number, reading);
        }
        number
    }

    /// Returns how much longer a call takes, and how it fails.
    fn scripted(&mut self, side: Side, call: &'static str) -> (Duration, Option<DbFailureClass>) {
        let occurrence = self.occurrences.entry((side, call)).or_default();
        *occurrence += 1;
        let occurrence = *occurrence;
        let hit = self
            .script
            .iter()
            .filter(|fault| fault.hits(side, call, occurrence));
        let (mut slow, mut fails) = (Duration::ZERO, None);
        for what in hit.map(|fault| fault.what.clone()).collect::<Vec<_>>() {
            match what {
                BankWhat::Fails(class) => fails = Some(class),
                BankWhat::Slow(more) => slow += more,
                BankWhat::Before(act) => act.run(self),
            }
        }
        (slow, fails)
    }

    /// Only a look takes another server for what it is; to everything else it is a stranger.
    fn meet(&mut self, side: Side, call: &str) -> Result<(), DbFailureClass> {
        let server = self.servers.get_mut(side);
        if call == "look" || server.met.is_none() {
            server.met = Some(server.identity.clone());
        }
        if server.met.as_deref() == Some(&server.identity) {
            Ok(())
        } else {
            Err(DbFailureClass::Changed)
        }
    }
}

fn overlap(one: &Span, other: &Span) -> bool {
    let within = |a: (i64, i64), b: (i64, i64)| a.0 < b.1 && b.0 < a.1;
    match (one, other) {
        (
            Span::Blocks { piece, from, until },
            Span::Blocks {
                piece: other,
                from: from_b,
                until: until_b,
            },
        ) => {
            let end = |until: &Option<u32>| until.map_or(i64::MAX, i64::from);
            let (a, b) = (i64::from(*from), i64::from(*from_b));
            piece == other && within((a, end(until)), (b, end(until_b)))
        }
        (
            Span::Range { from, until },
            Span::Range {
                from: from_b,
                until: until_b,
            },
        ) => {
            let of = |from: &Option<i64>, until: &Option<i64>| {
                (from.unwrap_or(i64::MIN), until.unwrap_or(i64::MAX))
            };
            within(of(from, until), of(from_b, until_b))
        }
        // Everything overlaps with the whole, and two chains with each other.
        _ => true,
    }
}

impl Database for SimDatabase {
    fn look(&self) -> Asked<'_, Server> {
        self.ask("look", |state| Ok((answers::server(state, self.side), 0)))
    }

    fn catalog<'a>(&'a self, _: &'a [String]) -> Asked<'a, Catalog> {
        self.ask("catalog", |state| {
            Ok((answers::catalog(state, self.side), 0))
        })
    }

    fn layout<'a>(&'a self, plan: &'a TablePlan) -> Asked<'a, Layout> {
        self.ask("layout", |state| {
            let name = plan.names.get(self.side);
            Ok((answers::table(state, self.side, plan)?.layout(name), 0))
        })
    }

    fn calibrate<'a>(&'a self, kinds: &'a [Kind], seed: u64) -> Asked<'a, u64> {
        let kinds = i64::try_from(kinds.len()).unwrap_or(i64::MAX);
        let hash = super::rows::hash(seed, &[kinds]);
        self.ask("calibrate", move |_| Ok((hash, 0)))
    }

    fn open_snapshot(&self) -> Asked<'_, Option<Snapshot>> {
        self.ask("open_snapshot", |state| {
            Ok((answers::open_snapshot(state, self.side), 0))
        })
    }

    fn close_snapshot(&self, snapshot: Snapshot) -> Asked<'_, ()> {
        self.ask("close_snapshot", move |state| {
            answers::close_snapshot(state, self.side, &snapshot);
            Ok(((), 0))
        })
    }

    fn tally<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        piece: Piece<'a>,
    ) -> Asked<'a, Tallied> {
        self.read("tally", plan, piece.span, move |state| {
            answers::tally(state, self.side, plan, method, piece, false)
        })
    }

    fn prints<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        piece: Piece<'a>,
        buckets: &'a Chosen,
    ) -> Asked<'a, Printed> {
        self.read("prints", plan, piece.span, move |state| {
            answers::prints(state, self.side, plan, method, piece, buckets)
        })
    }

    fn rows<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        keys: &'a [Key],
    ) -> Asked<'a, Vec<RowPrint>> {
        self.ask("rows", move |state| {
            answers::rows(state, self.side, plan, method, keys)
        })
    }

    fn count<'a>(&'a self, plan: &'a TablePlan) -> Asked<'a, u64> {
        self.ask("count", |state| {
            let rows = answers::table(state, self.side, plan)?.rows.len() as u64;
            Ok((rows, rows / 4))
        })
    }

    fn key_tally<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        piece: Piece<'a>,
    ) -> Asked<'a, Tallied> {
        self.read("key_tally", plan, piece.span, move |state| {
            answers::tally(state, self.side, plan, method, piece, true)
        })
    }

    fn horizon(&self) -> Asked<'_, Option<Horizon>> {
        self.ask("horizon", |state| {
            Ok((answers::horizon(state, self.side), 0))
        })
    }

    fn touched<'a>(
        &'a self,
        plan: &'a TablePlan,
        since: &'a Horizon,
    ) -> Asked<'a, Option<Vec<Key>>> {
        self.ask("touched", |state| {
            let Horizon::Transaction(since) = since;
            let table = answers::table(state, self.side, plan)?;
            let rows = table.rows.len() as u64;
            Ok((Some(table.touched(*since)), rows / 2))
        })
    }

    fn sums<'a>(
        &'a self,
        plan: &'a TablePlan,
        sums: &'a SumsPlan,
    ) -> Asked<'a, BTreeMap<Vec<Option<String>>, Figures>> {
        self.ask("sums", |state| answers::sums(state, self.side, plan, sums))
    }

    fn seek<'a>(&'a self, rule: &'a RulePlan, limit: usize) -> Asked<'a, Sought> {
        self.ask("seek", move |state| {
            let mut sought = state.sought.get(&rule.name).cloned().unwrap_or_default();
            sought.keys.truncate(limit);
            Ok((sought, 0))
        })
    }

    fn value<'a>(&'a self, query: &'a str) -> Asked<'a, Option<String>> {
        self.ask("value", move |state| {
            let value = state.values.get(query).cloned();
            Ok((Some(value.unwrap_or_else(|| "1".to_owned())), 0))
        })
    }

    fn load(&self) -> Asked<'_, Load> {
        let now = self.bank.clock.now();
        self.ask("load", move |state| {
            let load = Load {
                active_sessions: state.servers.get(self.side).active_sessions,
                lag: (self.side == Side::Target).then(|| state.late(now)),
            };
            Ok((load, 0))
        })
    }

    fn position<'a>(&'a self, marker: Option<&'a TableName>) -> Asked<'a, Position> {
        let now = self.bank.clock.now();
        self.ask("position", move |state| {
            Ok((answers::position(state, marker, now), 0))
        })
    }

    fn has_passed<'a>(
        &'a self,
        position: &'a Position,
        _: Option<&'a TableName>,
    ) -> Asked<'a, bool> {
        let target = |state: &mut BankState| Ok((answers::has_passed(state, position), 0));
        if self.side == Side::Target {
            self.ask("has_passed", target)
        } else {
            Box::pin(ready(Err(failure(
                DbFailureClass::Malformed,
                "asking the source",
            ))))
        }
    }
}
