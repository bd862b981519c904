//! Reads both sides of a table at the same time, piece by piece.

use std::future::pending;
use std::ops::ControlFlow;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::validation::digest::{Key, Tally};
use cutover_core::validation::facts::{DbFailure, DbFailureClass, Load};
use cutover_core::validation::pace::{Pacer, Step, Unit};
use cutover_core::validation::plan::{Layout, Method, Span, TablePlan};
use cutover_core::validation::side::{Both, Side};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::perform::Sides;
use crate::{Asked, Clock};

/// How often servers are asked what they are busy with while they are read. Ours: a piece takes 0.7 s, so that reading
/// has stopped within 2 s after sessions rose.
const LOAD_EVERY: Duration = Duration::from_secs(1);

/// After how many loads in a row that could not be seen reading ends: whether it does harm is not known then.
const LOADS_MISSED: u32 = 5;

/// Why both sides could not be read.
pub(super) type Unread = (Side, DbFailure);

/// What is read: pieces of one table by one method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) plan: &'a TablePlan,
    pub(super) layouts: &'a Both<Layout>,
    pub(super) method: &'a Method,
}

/// What a piece gave.
#[derive(Debug)]
pub(super) struct Given<T> {
    /// What adds up over pieces.
    pub(super) tally: Tally,
    /// The key after which a chain goes on.
    pub(super) last: Option<Key>,
    /// Anything else.
    pub(super) more: T,
}

/// What happens while both sides are read.
enum News<T> {
    Unit(Side, Unit, Result<Given<T>, DbFailure>),
    Load(Side, Result<Load, DbFailure>),
    Time,
}

/// What is known of the servers' load.
#[derive(Debug, Default)]
struct Watch {
    loads: Both<Load>,
    missed: Both<u32>,
    next: Option<Timestamp>,
}

/// Reads until nothing is left on either side, or one side fails for good. `ask` reads a piece, and `each` hears of every
/// one that was read, with both pacers as they are then; it may break off, which is returned.
///
/// # Cancellation
/// When dropped, the pacers know everything but what became of the pieces in hand, which count as left.
pub(super) async fn read<'a, T>(
    sides: &'a Sides,
    clock: &dyn Clock,
    pacers: &mut Both<Pacer>,
    ask: impl Fn(Side, Span) -> Asked<'a, Given<T>>,
    mut each: impl FnMut(Side, T, &Both<Pacer>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Unread> {
    let mut units = FuturesUnordered::new();
    let mut loads = FuturesUnordered::new();
    let mut watch = Watch::default();
    let minds_load = pacers.source.minds_load() || pacers.target.minds_load();
    loop {
        let now = clock.now();
        let (mut done, mut wake) = (true, None::<Timestamp>);
        for side in Side::BOTH {
            loop {
                match pacers.get_mut(side).step(now) {
                    Step::Done => break,
                    Step::Read(unit) => {
                        let read = ask(side, unit.span.clone());
                        units.push(async move { News::Unit(side, unit, read.await) });
                    }
                    Step::Wait(until) => {
                        done = false;
                        wake = earliest(wake, until);
                        break;
                    }
                }
            }
        }
        if done && units.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        if minds_load && loads.is_empty() && watch.next.is_none_or(|next| next <= now) {
            watch.next = Some(now.after(LOAD_EVERY));
            for side in Side::BOTH {
                let load = sides.get(side).load();
                loads.push(async move { News::Load(side, load.await) });
            }
        }
        let wake = earliest(wake, watch.next.filter(|_| loads.is_empty()));
        let timer = async {
            match wake {
                Some(at) => clock.sleep_until(at).await,
                None => pending().await,
            }
        };
        // Nothing is lost by dropping a timer, and the pieces in hand stay in their sets.
        let news = tokio::select! {
            Some(news) = units.next() => news,
            Some(news) = loads.next() => news,
            () = timer => News::Time,
        };
        let now = clock.now();
        match news {
            News::Unit(side, unit, Ok(given)) => {
                let pacer = pacers.get_mut(side);
                pacer.done(unit, &given.tally, given.last, now);
                if each(side, given.more, pacers).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            News::Unit(side, unit, Err(failure)) => {
                tracing::debug!(%side, ?failure, "a piece could not be read");
                if !pacers.get_mut(side).failed(unit, failure.class, now) {
                    return Err((side, failure));
                }
            }
            News::Load(side, load) => watch.hear(side, load, pacers, now)?,
            News::Time => {}
        }
    }
}

impl Watch {
    /// Takes a load in. How far the target lags is known to one of the servers, and matters to both.
    fn hear(
        &mut self,
        side: Side,
        load: Result<Load, DbFailure>,
        pacers: &mut Both<Pacer>,
        now: Timestamp,
    ) -> Result<(), Unread> {
        let missed = self.missed.get_mut(side);
        match load {
            Ok(load) => {
                *missed = 0;
                *self.loads.get_mut(side) = load;
            }
            Err(failure) => {
                *missed = missed.saturating_add(1);
                if *missed >= LOADS_MISSED || failure.class == DbFailureClass::Changed {
                    return Err((side, failure));
                }
                tracing::debug!(%side, ?failure, "the load could not be seen");
                return Ok(());
            }
        }
        let lag = self.loads.source.lag.max(self.loads.target.lag);
        for side in Side::BOTH {
            let load = Load {
                lag,
                ..*self.loads.get(side)
            };
            pacers.get_mut(side).load(&load, now);
        }
        Ok(())
    }
}

/// Returns the earlier of two moments, either of which may be missing.
fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
