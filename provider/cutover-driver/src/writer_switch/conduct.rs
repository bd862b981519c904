//! Runs a move of the writer to its end, and brings it to a safe one when it is told to stop.

use std::future::pending;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cutover_core::writer_switch::events::Event;
use cutover_core::writer_switch::facts::{Command, Fact};
use cutover_core::writer_switch::machine::{Outcome, Standing, Switch};
use cutover_core::{IllegalFact, Why};
use futures_util::FutureExt;

use crate::run::{End, advance};
use crate::{Clock, Perform};

/// The longest that a stop may take in all: stated.
const STOP_MAX: Duration = Duration::from_secs(10);

/// What a move of the writer has come to.
#[derive(Debug)]
pub struct Moved<S> {
    /// The move, with everything that it knows.
    pub machine: Switch,
    /// What came of it; `None` when it was cut or broken.
    pub outcome: Option<Outcome>,
    /// Why it was told to stop, when it was.
    pub stop: Option<S>,
    /// What did not fit, when an adapter has made a mistake.
    pub broken: Option<IllegalFact>,
}

/// What happens, for whoever started it.
#[derive(Clone, Copy, Debug)]
pub enum SwitchTell<'a> {
    /// Something happened.
    Event(&'a Event),
    /// Something is being done.
    Doing(&'a Standing),
    /// Something is waited for.
    Waiting(&'a Why),
}

/// Runs a move of the writer until its end, or until `stop` resolves: then it goes back, or past the commit point finishes the
/// step in hand, and everything returns within ten seconds, whatever hangs.
///
/// Of a change that still hangs then nobody knows what became of it, so nothing is done after it: not even the writer is opened
/// again, which the server does by itself. The sessions stay open; whoever has opened them ends them.
///
/// # Cancellation
/// Must not be dropped while it may change something: stop it.
pub async fn switch_writer<S>(
    mut machine: Switch,
    world: &impl Perform<Command, Fact>,
    clock: &dyn Clock,
    stop: impl Future<Output = S>,
    mut tell: impl FnMut(&Switch, SwitchTell<'_>),
) -> Moved<S> {
    let slot = Mutex::new(None);
    let stop = async {
        let stop = stop.await;
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((stop, clock.now()));
    }
    .shared();
    let too_late = async {
        stop.clone().await;
        clock.sleep_until(clock.now().after(STOP_MAX)).await;
    };
    let mut news = |machine: &mut Switch, why: Option<&Why>| {
        for event in machine.take_events() {
            tell(machine, SwitchTell::Event(&event));
        }
        match why {
            Some(why) => tell(machine, SwitchTell::Waiting(why)),
            None => tell(machine, SwitchTell::Doing(&machine.standing())),
        }
    };
    let mut end = tokio::select! {
        biased;
        end = advance(&mut machine, world, clock, stop.clone(), &mut news) => Some(end),
        () = too_late => None,
    };
    drop(stop);
    let stopped = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (stop, stopped_at) = stopped.unzip();
    // Only between two commands is it known what was done.
    if let (Some(End::Stopped(())), Some(stopped_at)) = (&end, stopped_at) {
        machine.stop(clock.now());
        end = tokio::select! {
            biased;
            end = advance(&mut machine, world, clock, pending::<()>(), &mut news) => Some(end),
            () = clock.sleep_until(stopped_at.after(STOP_MAX)) => None,
        };
    }
    let (outcome, broken) = match end {
        Some(End::Finished(outcome)) => (Some(outcome), None),
        Some(End::Broken(illegal)) => (None, Some(illegal)),
        Some(End::Stopped(())) | None => (None, None),
    };
    Moved {
        machine,
        outcome,
        stop,
        broken,
    }
}
