//! Runs a shift to its end, tells what happens, and brings it to a safe point when it is told to stop.

use std::future::pending;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cutover_core::shift::events::Event;
use cutover_core::shift::facts::{Command, Fact};
use cutover_core::shift::machine::{Outcome, Shift};
use cutover_core::{IllegalFact, Timestamp, Why};

use futures_util::FutureExt;

use super::herald::{Herald, Undelivered};
use crate::run::{End, advance};
use crate::{Clock, Perform};

/// The longest that a stop may take in all: stated.
const STOP_MAX: Duration = Duration::from_secs(10);

/// How long after a stop a change in hand may still take: ours, twice the figure for a change to be accepted. What
/// becomes of it then stands in the journal, without which no later one gets through.
const IN_HAND_MAX: Duration = Duration::from_secs(4);

/// How long after a stop the way back may still be written: ours; the rest is left for messages.
const RETURN_MAX: Duration = Duration::from_secs(8);

/// The longest that messages are waited for at the end: stated.
const MESSAGES_MAX: Duration = Duration::from_secs(10);

/// What a conducted shift has come to.
#[derive(Debug)]
pub struct Conducted<S> {
    /// The shift, with everything that it knows.
    pub shift: Shift,
    /// What came of it; `None` when it was cut or broken.
    pub outcome: Option<Outcome>,
    /// Why it was told to stop, when it was.
    pub stop: Option<S>,
    /// What did not fit, when an adapter has made a mistake.
    pub broken: Option<IllegalFact>,
    /// What could not be told.
    pub undelivered: Undelivered,
}

/// What happens, for whoever started it.
#[derive(Clone, Copy, Debug)]
pub enum Tell<'a> {
    /// Something happened.
    Event(&'a Event),
    /// Something is waited for.
    Waiting(&'a Why),
}

/// Runs a shift until its end, or until `stop` resolves: then what was decided for that case is done, and everything
/// returns within ten seconds, whatever hangs.
pub async fn conduct<S>(
    mut shift: Shift,
    world: &impl Perform<Command, Fact>,
    clock: &dyn Clock,
    herald: &Herald,
    stop: impl Future<Output = S>,
    tell: impl FnMut(&Shift, Tell<'_>),
) -> Conducted<S> {
    let mut reporter = Reporter {
        herald,
        told: 0,
        tell,
    };
    let mut deliver = pin!(herald.deliver().fuse());
    // Messages go out beside the shift; it goes first, and never waits for them.
    let ran = tokio::select! {
        biased;
        ran = walk(&mut shift, world, clock, stop, &mut reporter) => ran,
        never = async { deliver.as_mut().await; pending().await } => never,
    };
    reporter.news(&shift, None);
    herald.close();
    let mut until = clock.now().after(MESSAGES_MAX);
    if let Some(stopped_at) = ran.stopped_at {
        until = until.min(stopped_at.after(STOP_MAX));
    }
    tokio::select! {
        biased;
        () = &mut deliver => {}
        () = clock.sleep_until(until) => {}
    }
    Conducted {
        shift,
        outcome: ran.outcome,
        stop: ran.stop,
        broken: ran.broken,
        undelivered: herald.undelivered(),
    }
}

struct Ran<S> {
    outcome: Option<Outcome>,
    stop: Option<S>,
    stopped_at: Option<Timestamp>,
    broken: Option<IllegalFact>,
}

async fn walk<S, T>(
    shift: &mut Shift,
    world: &impl Perform<Command, Fact>,
    clock: &dyn Clock,
    stop: impl Future<Output = S>,
    reporter: &mut Reporter<'_, T>,
) -> Ran<S>
where
    T: FnMut(&Shift, Tell<'_>),
{
    let slot = Mutex::new(None);
    let stop = async {
        let stop = stop.await;
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((stop, clock.now()));
    }
    .shared();
    let too_late = async {
        stop.clone().await;
        clock.sleep_until(clock.now().after(IN_HAND_MAX)).await;
    };
    let mut news = |shift: &mut Shift, why: Option<&Why>| reporter.news(shift, why);
    let mut end = tokio::select! {
        biased;
        end = advance(shift, world, clock, stop.clone(), &mut news) => Some(end),
        () = too_late => None,
    };
    drop(stop);
    let (stop, stopped_at) = slot
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .unzip();
    if let Some(stopped_at) = stopped_at
        && !matches!(end, Some(End::Finished(_) | End::Broken(_)))
    {
        shift.stop(clock.now());
        end = tokio::select! {
            biased;
            end = advance(shift, world, clock, pending::<()>(), &mut news) => Some(end),
            () = clock.sleep_until(stopped_at.after(RETURN_MAX)) => None,
        };
    }
    let (outcome, broken) = match end {
        Some(End::Finished(outcome)) => (Some(outcome), None),
        Some(End::Broken(illegal)) => (None, Some(illegal)),
        Some(End::Stopped(())) | None => (None, None),
    };
    Ran {
        outcome,
        stop,
        stopped_at,
        broken,
    }
}

/// Passes on what happens, each event once.
struct Reporter<'a, T> {
    herald: &'a Herald,
    told: usize,
    tell: T,
}

impl<T: FnMut(&Shift, Tell<'_>)> Reporter<'_, T> {
    fn news(&mut self, shift: &Shift, why: Option<&Why>) {
        let (events, told) = shift.events_after(self.told);
        self.told = told;
        self.herald.take(events, shift);
        for event in events {
            (self.tell)(shift, Tell::Event(event));
        }
        if let Some(why) = why {
            (self.tell)(shift, Tell::Waiting(why));
        }
    }
}

#[cfg(test)]
mod tests;
