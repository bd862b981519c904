//! Performs what a validation asks for: both sides at the same time, but where their order is the proof.

mod drill;
mod follow;
mod pass;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cutover_core::validation::digest::Key;
use cutover_core::validation::facts::{Command, Cost, DbFailure, Fact, Horizon};
use cutover_core::validation::pace::{Pacer, Step};
use cutover_core::validation::plan::{KeyPlan, Layout, Method, Strategy, TablePlan};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::Spec;
use futures_util::future::{BoxFuture, try_join};

pub use pass::PassProgress;

use super::Progress;
use super::reading::{Subject, Unread};
use crate::{Asked, Clock, Database, Perform, Piece, Snapshot};

/// How many keys one statement asks for when rows are read again. Ours: some tens of kilobytes of SQL.
const KEYS_AT_ONCE: usize = 1_000;

/// Both databases.
pub(super) type Sides = Both<Arc<dyn Database>>;

/// What is told on the way.
pub(super) type Tell<'a> = &'a (dyn Fn(&Progress) + Send + Sync);

/// Performs the commands of a validation over two databases.
pub struct Validating<'a> {
    sides: Sides,
    clock: &'a dyn Clock,
    spec: Spec,
    tell: Tell<'a>,
    /// Never held across an await.
    known: Mutex<Known>,
}

/// What was learned on the way.
#[derive(Debug, Default)]
struct Known {
    /// What a row cost when the time was taken, by the table's label.
    costs: BTreeMap<(String, Strategy), Both<Cost>>,
    /// The servers, as they were met last.
    identities: Both<String>,
    /// How far an interrupted pass has come.
    pass: Option<PassProgress>,
    /// The pass that was finished last, for a run that is stopped before its table is.
    finished: Option<PassProgress>,
    /// Snapshots that are open.
    snapshots: Vec<(Side, Snapshot)>,
    progress: Progress,
}

/// What a command gave, or the side that failed and why.
type Got<T> = Result<T, Unread>;

impl<'a> Validating<'a> {
    /// Makes the performer of a validation's commands. `pass` is how far an earlier run had come with the table that it
    /// was reading.
    pub fn new(
        sides: Both<Arc<dyn Database>>,
        clock: &'a dyn Clock,
        spec: Spec,
        pass: Option<PassProgress>,
        tell: &'a (dyn Fn(&Progress) + Send + Sync),
    ) -> Self {
        let known = Known {
            pass,
            ..Known::default()
        };
        Self {
            sides,
            clock,
            spec,
            tell,
            known: Mutex::new(known),
        }
    }

    /// Returns how far the pass of the table in hand has come: one that was dropped or failed, or its whole.
    pub fn pass_progress(&self) -> Option<PassProgress> {
        let known = self.known();
        known.pass.as_ref().or(known.finished.as_ref()).cloned()
    }

    /// Closes snapshots that a dropped command left open. What cannot be closed ends with its connection.
    pub async fn close(&self) {
        let open = std::mem::take(&mut self.known().snapshots);
        for (side, snapshot) in open {
            if let Err(failure) = self.sides.get(side).close_snapshot(snapshot).await {
                tracing::debug!(%side, ?failure, "a snapshot could not be closed");
            }
        }
    }

    /// Waits until the servers are at nothing of ours any more.
    pub async fn end_dropped(&self) {
        for side in Side::BOTH {
            self.sides.get(side).end_dropped().await;
        }
    }

    /// Tells of something new.
    pub(super) fn tell(&self, change: impl FnOnce(&mut Progress)) {
        let progress = {
            let mut known = self.known();
            change(&mut known.progress);
            known.progress.clone()
        };
        (self.tell)(&progress);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, command: &Command) -> Got<Fact> {
        self.close().await;
        Ok(match command {
            Command::Look => self.look().await?,
            Command::ReadCatalogs => {
                let catalogs = self.both(|side| self.at(side).catalog(&[])).await?;
                Fact::Catalogs(Box::new(catalogs))
            }
            Command::Lay(plan) => self.lay(plan).await?,
            Command::Calibrate(plan, seed) => self.calibrate(plan, *seed).await?,
            Command::Time(plan, layouts, methods) => self.time(plan, layouts, methods).await,
            Command::Pass(plan, layouts, method) => {
                self.pass(subject(plan, layouts, method)).await?
            }
            Command::Drill(plan, layouts, method, chosen) => {
                Fact::Drilled(self.drill(subject(plan, layouts, method), chosen).await?)
            }
            Command::Count(plan) => {
                Fact::Counted(self.both(|side| self.at(side).count(plan)).await?)
            }
            Command::Note => Fact::Noted(self.note().await?),
            Command::HasPassed(position) => self.has_passed(position).await?,
            Command::Reread(plan, method, keys) => self.reread(plan, method, keys).await?,
            Command::Horizons(_) => Fact::Horizons(self.horizons().await?),
            Command::Touched(plan, since) => self.touched(plan, since).await?,
            Command::Keys(plan, layouts, method) => {
                self.keys(subject(plan, layouts, method)).await?
            }
            Command::Sum(plan, sums) => {
                Fact::Summed(self.both(|side| self.at(side).sums(plan, sums)).await?)
            }
            Command::Seek(side, rule) => {
                let sought = self.at(*side).seek(rule, self.spec.max_keys).await;
                Fact::Sought(sought.map_err(|failure| (*side, failure))?)
            }
            Command::Value(queries) => Fact::Valued(
                self.both(|side| self.at(side).value(queries.get(side)))
                    .await?,
            ),
        })
    }

    fn at(&self, side: Side) -> &dyn Database {
        self.sides.get(side).as_ref()
    }

    /// Asks both sides at the same time.
    async fn both<'s, T>(&self, ask: impl Fn(Side) -> Asked<'s, T>) -> Got<Both<T>> {
        let on = |side| {
            let asked = ask(side);
            async move { asked.await.map_err(|failure| (side, failure)) }
        };
        let (source, target) = try_join(on(Side::Source), on(Side::Target)).await?;
        Ok(Both { source, target })
    }

    /// Meets both servers. What was read of another is of no use.
    async fn look(&self) -> Got<Fact> {
        let met = self.both(|side| self.at(side).look()).await?;
        let identities = met.as_ref().map(|server| server.identity.clone());
        let now = self.clock.now();
        let mut known = self.known();
        let kept = known.pass.take();
        known.pass = kept.filter(|pass| pass.is_of(&identities, now));
        let finished = known.finished.take();
        known.finished = finished.filter(|pass| pass.is_of(&identities, now));
        known.identities = identities;
        Ok(Fact::Met(Box::new(met)))
    }

    /// Sees how a table is kept. What was begun by an earlier run is finished by what that one knew, where it still fits,
    /// so that rows stay in the same buckets.
    async fn lay(&self, plan: &TablePlan) -> Got<Fact> {
        let seen = self.both(|side| self.at(side).layout(plan)).await?;
        let mut known = self.known();
        // The table before is finished, with everything that was to be known of it.
        known.finished = None;
        let kept = known.pass.as_ref().filter(|pass| pass.fits(plan, &seen));
        Ok(Fact::Laid(kept.map_or(seen, |pass| pass.layouts.clone())))
    }

    async fn calibrate(&self, plan: &TablePlan, seed: u64) -> Got<Fact> {
        let kinds = Both::of(|side| {
            let kinds = plan.columns.iter().map(|column| column.kinds.get(side));
            kinds.cloned().collect::<Vec<_>>()
        });
        let hashes = self.both(|side| self.at(side).calibrate(kinds.get(side), seed));
        Ok(Fact::Calibrated(hashes.await?))
    }

    /// Takes the time of each method, one side after the other, so that neither is measured under the other's load.
    async fn time(&self, plan: &TablePlan, layouts: &Both<Layout>, methods: &[Method]) -> Fact {
        let begun = self.begun(plan);
        if let ([first, _, ..], None) = (methods, begun) {
            // What is read first pays for reading from disk, which says nothing about the method.
            let _ = self.time_one(subject(plan, layouts, first)).await;
        }
        let mut timed = Vec::new();
        for method in methods {
            if begun.is_some_and(|begun| begun != method.strategy) {
                // What was begun by one method is finished by it.
                timed.push(None);
                continue;
            }
            let cost = self.time_one(subject(plan, layouts, method)).await;
            if let Ok(cost) = &cost {
                let of = (plan.label.clone(), method.strategy);
                self.known().costs.insert(of, *cost);
            }
            timed.push(cost.ok());
        }
        Fact::Timed(timed)
    }

    /// Returns where rows of a table are hashed whose pass was begun by an earlier run.
    fn begun(&self, plan: &TablePlan) -> Option<Strategy> {
        let known = self.known();
        let pass = known.pass.as_ref().filter(|pass| pass.plan == *plan);
        pass.map(PassProgress::strategy)
    }

    async fn time_one(&self, subject: Subject<'_>) -> Result<Both<Cost>, DbFailure> {
        Ok(Both {
            source: self.time_side(subject, Side::Source).await?,
            target: self.time_side(subject, Side::Target).await?,
        })
    }

    async fn time_side(&self, subject: Subject<'_>, side: Side) -> Result<Cost, DbFailure> {
        let layout = subject.layouts.get(side);
        let limits = self.spec.limits.get(side);
        let mut pacer = Pacer::new(subject.plan, layout, subject.method, limits, None);
        let began_at = self.clock.now();
        let Step::Read(unit) = pacer.step(began_at) else {
            return Ok(Cost {
                rows: 0,
                seconds: 0.0,
            });
        };
        let piece = Piece {
            layout,
            span: &unit.span,
            snapshot: None,
        };
        let tallied = self.at(side).tally(subject.plan, subject.method, piece);
        let rows = tallied.await?.tally.rows();
        Ok(Cost {
            rows,
            seconds: self.clock.now().since(began_at).as_secs_f64(),
        })
    }

    /// Reads rows again. What the source shows is older than what the target shows: never the other way round, or a row
    /// that is on its way would look lost.
    async fn reread(&self, plan: &TablePlan, method: &Method, keys: &[Key]) -> Got<Fact> {
        let at_once = match plan.key {
            KeyPlan::Columns(_) => KEYS_AT_ONCE,
            // Every statement reads all rows, so there is one.
            KeyPlan::WholeRow => keys.len().max(1),
        };
        let mut rows = Both::of(|_| Vec::new());
        for keys in keys.chunks(at_once) {
            for side in Side::BOTH {
                let read = self.at(side).rows(plan, method, keys).await;
                rows.get_mut(side)
                    .extend(read.map_err(|failure| (side, failure))?);
            }
        }
        Ok(Fact::Reread(rows))
    }

    async fn horizons(&self) -> Got<Both<Option<Horizon>>> {
        self.both(|side| self.at(side).horizon()).await
    }

    async fn touched(&self, plan: &TablePlan, since: &Both<Option<Horizon>>) -> Got<Fact> {
        let touched = self.both(|side| match since.get(side) {
            Some(since) => self.at(side).touched(plan, since),
            None => Box::pin(std::future::ready(Ok(None))),
        });
        Ok(Fact::Touched(touched.await?))
    }
}

impl Perform<Command, Fact> for Validating<'_> {
    fn perform<'a>(&'a self, command: &'a Command) -> BoxFuture<'a, Fact> {
        Box::pin(async move {
            let failed = |(side, failure)| Fact::Failed(side, failure);
            self.answer(command).await.unwrap_or_else(failed)
        })
    }

    /// Always: a marker that was written and forgotten does no harm.
    fn only_looks(&self, _: &Command) -> bool {
        true
    }
}

impl std::fmt::Debug for Validating<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Validating")
            .field("sides", &self.sides)
            .finish_non_exhaustive()
    }
}

fn subject<'a>(plan: &'a TablePlan, layouts: &'a Both<Layout>, method: &'a Method) -> Subject<'a> {
    Subject {
        plan,
        layouts,
        method,
    }
}
