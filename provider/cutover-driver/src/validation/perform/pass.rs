//! Reads all of both sides.

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::validation::digest::Tally;
use cutover_core::validation::facts::{DbFailure, DbFailureClass, Fact, Horizon, Passed};
use cutover_core::validation::pace::{Pacer, SpanProgress};
use cutover_core::validation::plan::{Layout, Method, Span, Strategy, TablePlan};
use cutover_core::validation::side::{Both, Side};
use serde::{Deserialize, Serialize};

use super::super::reading::{Given, Subject, Unread, read};
use super::{Got, Validating};
use crate::{Asked, Piece, Snapshot};

/// How long a pass may be expected to take for it to read one snapshot. For that long a server keeps what vacuum would
/// clear away. Ours, and the design's: ten minutes are harmless on a server that takes backups.
const SNAPSHOT_LONGEST: Duration = Duration::from_mins(10);

/// What a row costs where no time was taken, in seconds. Ours, and on the side of caution: five times what the servers of
/// our own measurements took.
const ROW_SECONDS: f64 = 10e-6;

/// How old the progress of a pass may be: what is told by transaction numbers must not come round. As old as what a
/// machine takes over.
const AGE_MAX: Duration = Duration::from_hours(24);

/// How far a pass has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassProgress {
    /// The servers' identities.
    identities: Both<String>,
    /// When the pass began, in milliseconds since 1970.
    began_at: i64,
    /// How the table is compared.
    pub(super) plan: TablePlan,
    /// How both sides kept it.
    pub(super) layouts: Both<Layout>,
    /// How rows are read.
    method: Method,
    /// From where rows counted as changed when the pass began.
    horizons: Both<Option<Horizon>>,
    /// How far each side was read.
    sides: Both<SpanProgress>,
}

impl PassProgress {
    /// Tells whether it is of these servers, and young enough.
    pub(super) fn is_of(&self, identities: &Both<String>, now: Timestamp) -> bool {
        let began_at = Timestamp::from_unix_millis(self.began_at);
        self.identities == *identities && began_at <= now && now.since(began_at) <= AGE_MAX
    }

    /// Tells whether a table is still planned and kept as it was.
    pub(super) fn fits(&self, plan: &TablePlan, seen: &Both<Layout>) -> bool {
        let names = |layout: &Layout| {
            let names = layout.pieces.iter().map(|(name, _)| name.clone());
            names.collect::<Vec<_>>()
        };
        let is_alike = |(before, now): (&Layout, &Layout)| {
            names(before) == names(now)
                && (before.has_blocks, before.clustered) == (now.has_blocks, now.clustered)
                && before.keys.is_some() == now.keys.is_some()
        };
        let sides = Side::BOTH.map(|side| (self.layouts.get(side), seen.get(side)));
        self.plan == *plan && sides.into_iter().all(is_alike)
    }

    /// Returns where its rows are hashed.
    pub(super) fn strategy(&self) -> Strategy {
        self.method.strategy
    }
}

/// A pass that is going on. Wherever it is dropped, what it has read is kept.
struct Underway<'a> {
    at: &'a Validating<'a>,
    subject: Subject<'a>,
    began_at: Timestamp,
    horizons: Both<Option<Horizon>>,
    pacers: Both<Pacer>,
    /// Whether what was read is of no use to a later run.
    void: bool,
    finished: bool,
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        let now = self.at.clock.now();
        let mut known = self.at.known();
        let progress = (!self.void).then(|| PassProgress {
            identities: known.identities.clone(),
            began_at: self.began_at.unix_millis(),
            layouts: self.subject.layouts.clone(),
            plan: self.subject.plan.clone(),
            method: self.subject.method.clone(),
            horizons: self.horizons.clone(),
            sides: Both::of(|side| self.pacers.get(side).progress(now)),
        });
        (known.pass, known.finished) = if self.finished {
            (None, progress)
        } else {
            (progress, None)
        };
    }
}

/// The snapshots that a pass still reads.
type Moments = Mutex<Both<Option<Snapshot>>>;

impl Validating<'_> {
    /// Reads all of both sides, or what an interrupted pass has left of it.
    ///
    /// From where rows count as changed is noted first: it covers rows that move while they are read, whether in one
    /// snapshot or not, and whether in one run or several.
    pub(super) async fn pass(&self, subject: Subject<'_>) -> Got<Fact> {
        let kept = self.known().pass.take();
        let resumed = kept.and_then(|kept| self.resumed(subject, kept));
        let is_fresh = resumed.is_none();
        let (began_at, horizons, pacers) = if let Some(resumed) = resumed {
            resumed
        } else {
            let began_at = self.clock.now();
            (began_at, self.horizons().await?, self.fresh(subject))
        };
        let moments = if is_fresh && self.forecast(subject) <= SNAPSHOT_LONGEST {
            self.open_snapshots().await
        } else {
            Both::default()
        };
        let underway = Underway {
            at: self,
            subject,
            began_at,
            horizons,
            pacers,
            void: false,
            finished: false,
        };
        let passed = underway.go(Mutex::new(moments)).await;
        self.close().await;
        Ok(Fact::Passed(Box::new(passed?)))
    }

    fn fresh(&self, subject: Subject<'_>) -> Both<Pacer> {
        Both::of(|side| {
            let (layout, limits) = (subject.layouts.get(side), self.spec.limits.get(side));
            Pacer::new(subject.plan, layout, subject.method, limits, None)
        })
    }

    fn resumed(
        &self,
        subject: Subject<'_>,
        kept: PassProgress,
    ) -> Option<(Timestamp, Both<Option<Horizon>>, Both<Pacer>)> {
        if kept.plan != *subject.plan || kept.method != *subject.method {
            return None;
        }
        let resume = |side| {
            let (layout, limits) = (subject.layouts.get(side), self.spec.limits.get(side));
            Pacer::resumed(layout, subject.method, limits, kept.sides.get(side))
        };
        let (source, target) = (resume(Side::Source)?, resume(Side::Target)?);
        let began_at = Timestamp::from_unix_millis(kept.began_at);
        Some((began_at, kept.horizons, Both { source, target }))
    }

    /// Tells how long a pass will take, on the slower side.
    fn forecast(&self, subject: Subject<'_>) -> Duration {
        let of = (subject.plan.label.clone(), subject.method.strategy);
        let costs = self.known().costs.get(&of).copied();
        let seconds = Side::BOTH.map(|side| {
            let limits = self.spec.limits.get(side);
            let cost = costs.as_ref().map(|costs| costs.get(side));
            let row = cost.filter(|cost| cost.rows > 0 && cost.seconds > 0.0);
            let row = row.map_or(ROW_SECONDS, |cost| cost.seconds / approximately(cost.rows));
            let share = f64::from(limits.connections.max(1)) * f64::from(limits.duty) / 100.0;
            approximately(subject.layouts.get(side).estimated_rows) * row / share.max(0.01)
        });
        let longest = seconds[0].max(seconds[1]);
        Duration::try_from_secs_f64(longest).unwrap_or(Duration::MAX)
    }

    /// Opens snapshots where there is such a thing. A pass does without where it cannot be had.
    async fn open_snapshots(&self) -> Both<Option<Snapshot>> {
        let open = |side| async move {
            let opened = self.at(side).open_snapshot().await;
            let snapshot = opened.unwrap_or_else(|failure| {
                tracing::debug!(%side, ?failure, "no snapshot could be opened");
                None
            });
            if let Some(snapshot) = &snapshot {
                self.known().snapshots.push((side, snapshot.clone()));
            }
            snapshot
        };
        let (source, target) =
            futures_util::future::join(open(Side::Source), open(Side::Target)).await;
        Both { source, target }
    }

    /// Adds up the keys of both sides.
    pub(super) async fn keys(&self, subject: Subject<'_>) -> Got<Fact> {
        let mut pacers = self.fresh(subject);
        let ask = |side, span: Span| -> Asked<'_, Given<()>> {
            Box::pin(async move {
                let piece = Piece {
                    layout: subject.layouts.get(side),
                    span: &span,
                    snapshot: None,
                };
                let (plan, method) = (subject.plan, subject.method);
                let tallied = self.at(side).key_tally(plan, method, piece).await?;
                Ok(Given {
                    tally: tallied.tally,
                    last: tallied.last,
                    more: (),
                })
            })
        };
        let each = |_, (), pacers: &Both<Pacer>| {
            self.tell_rows(pacers);
            ControlFlow::Continue(())
        };
        let _ = read(&self.sides, self.clock, &mut pacers, ask, each).await?;
        Ok(Fact::Keys(Both::of(|side| tally(&pacers, side))))
    }

    fn tell_rows(&self, pacers: &Both<Pacer>) {
        let now = self.clock.now();
        self.tell(|progress| {
            progress.rows = Both::of(|side| pacers.get(side).work(now).rows);
        });
    }
}

impl Underway<'_> {
    async fn go(mut self, moments: Moments) -> Got<Both<Passed>> {
        let (at, subject) = (self.at, self.subject);
        let ask = |side, span| tally_piece(at, subject, side, span, &moments);
        let each = |_, (), pacers: &Both<Pacer>| {
            at.tell_rows(pacers);
            ControlFlow::Continue(())
        };
        let all = read(&at.sides, at.clock, &mut self.pacers, ask, each).await;
        // Another server has other rows, so that nothing of it can be added up.
        self.void = all.as_ref().err().is_some_and(is_another_server);
        self.finished = all.is_ok();
        let _ = all?;
        let now = at.clock.now();
        Ok(Both::of(|side| Passed {
            tally: tally(&self.pacers, side),
            horizon: self.horizons.get(side).clone(),
            one_snapshot: locked(&moments).get(side).is_some(),
            work: self.pacers.get(side).work(now),
        }))
    }
}

/// Reads a piece, of a snapshot as long as there is one. When that has ended, with its connection, the rest is read as it
/// is now.
fn tally_piece<'a>(
    at: &'a Validating<'_>,
    subject: Subject<'a>,
    side: Side,
    span: Span,
    moments: &'a Moments,
) -> Asked<'a, Given<()>> {
    Box::pin(async move {
        let snapshot = locked(moments).get(side).clone();
        let piece = Piece {
            layout: subject.layouts.get(side),
            span: &span,
            snapshot: snapshot.as_ref(),
        };
        let tallied = at.at(side).tally(subject.plan, subject.method, piece).await;
        let tallied = tallied.map_err(|failure| match snapshot {
            Some(_) if has_ended(failure.class) => {
                *locked(moments).get_mut(side) = None;
                DbFailure {
                    class: DbFailureClass::Lost,
                    ..failure
                }
            }
            Some(_) | None => failure,
        })?;
        Ok(Given {
            tally: tallied.tally,
            last: tallied.last,
            more: (),
        })
    })
}

/// Tells whether a failure may mean that a snapshot is no more.
fn has_ended(class: DbFailureClass) -> bool {
    matches!(
        class,
        DbFailureClass::Lost
            | DbFailureClass::Unreachable
            | DbFailureClass::Missing
            | DbFailureClass::Malformed
            | DbFailureClass::Unsupported
            | DbFailureClass::Other
    )
}

fn is_another_server((_, failure): &Unread) -> bool {
    failure.class == DbFailureClass::Changed
}

fn locked(moments: &Moments) -> MutexGuard<'_, Both<Option<Snapshot>>> {
    moments.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tally(pacers: &Both<Pacer>, side: Side) -> Tally {
    pacers.get(side).tally().clone()
}

/// Rounds a number of rows to a `f64`, which is exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "a forecast needs no more")]
fn approximately(rows: u64) -> f64 {
    rows as f64
}
