//! Runs a validation to its end, or until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::IllegalFact;
use cutover_core::validation::checkpoint;
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::machine::{Outcome, Standing, Validation};
use cutover_core::validation::report::Report;
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::{Mode, Proof, Spec};
use serde::{Deserialize, Serialize};

use super::{PassProgress, Progress, Validating};
use crate::run::{End, advance};
use crate::{Clock, Database};

/// How long closing snapshots and cancelling statements may take after the end; what is left ends by itself. Ours: half of
/// the two seconds within which a validation stops.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// What a validation came to.
#[derive(Debug)]
pub enum Validated<S> {
    /// It was made, whatever it has found.
    Done {
        /// What was found.
        report: Box<Report>,
        /// What a later run may build upon; only where everything was proven equal.
        proof: Option<Proof>,
    },
    /// It was told to stop.
    Stopped {
        /// What another run can go on with; `None` while nothing was read.
        progress: Option<Box<Checkpoint>>,
        /// Why it was told to.
        why: S,
    },
    /// A database could not be asked at all, or is another than before.
    Impossible {
        /// Which of them.
        side: Side,
        /// Why.
        failure: DbFailure,
        /// What another run can go on with; `None` while nothing was read.
        progress: Option<Box<Checkpoint>>,
    },
    /// A fact did not belong to its command: a mistake in an adapter.
    Broken(IllegalFact),
}

/// How far a run has come that did not end. It holds whole numbers of 64 bits, so that it is kept as text where JSON's
/// numbers are floating point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What rows were hashed with; the run that goes on uses the same.
    pub seed: u64,
    /// The tables that are finished.
    pub finished: Option<checkpoint::Checkpoint>,
    /// How far the table in hand was read.
    pub pass: Option<PassProgress>,
}

/// Compares two databases. `from` is what an earlier run has left, which is taken over as far as it is still true; `tell`
/// hears of everything new, after each piece that was read.
///
/// # Cancellation
/// Everything only looks, so that it may be dropped at any time. When `stop` resolves it returns within two seconds: what
/// the servers are at is cancelled.
pub async fn validate<S>(
    mut spec: Spec,
    databases: Both<Arc<dyn Database>>,
    clock: &dyn Clock,
    from: Option<Checkpoint>,
    stop: impl Future<Output = S>,
    tell: &(dyn Fn(&Progress) + Send + Sync),
) -> Validated<S> {
    // What was seen before a write pause says nothing about the pause.
    let from = from.filter(|_| spec.mode != Mode::Final);
    spec.seed = from.as_ref().map_or(spec.seed, |from| from.seed);
    let seed = spec.seed;
    let (finished, pass) = from.map_or((None, None), |from| (from.finished, from.pass));
    let world = Validating::new(databases, clock, spec.clone(), pass, tell);
    let mut machine = Validation::new(spec, clock.now());
    if let Some(finished) = finished {
        machine = machine.resuming(finished);
    }
    world.tell(|progress| stand(progress, &machine.standing()));
    let news = |machine: &mut Validation, _: Option<&_>| {
        world.tell(|progress| stand(progress, &machine.standing()));
    };
    let ended = advance(&mut machine, &world, clock, stop, news).await;
    close(&world, clock).await;
    let progress = || {
        let (finished, pass) = (machine.checkpoint(), world.pass_progress());
        let is_begun = finished.is_some() || pass.is_some();
        is_begun.then(|| {
            Box::new(Checkpoint {
                seed,
                finished,
                pass,
            })
        })
    };
    match ended {
        End::Finished(Outcome::Finished { report, proof }) => Validated::Done { report, proof },
        End::Finished(Outcome::Impossible(side, failure)) => Validated::Impossible {
            side,
            failure,
            progress: progress(),
        },
        End::Stopped(why) => Validated::Stopped {
            progress: progress(),
            why,
        },
        End::Broken(illegal) => Validated::Broken(illegal),
    }
}

async fn close(world: &Validating<'_>, clock: &dyn Clock) {
    // A snapshot that is not closed ends with its connection, and a statement by its own limit.
    let closing = async {
        world.close().await;
        world.end_dropped().await;
    };
    tokio::select! {
        biased;
        () = closing => {}
        () = clock.sleep_until(clock.now().after(CLOSE_MAX)) => {}
    }
}

fn stand(progress: &mut Progress, standing: &Standing<'_>) {
    if (progress.phase, progress.table.as_deref()) != (standing.phase, standing.table) {
        progress.rows = Both::default();
    }
    progress.phase = standing.phase;
    progress.text.clone_from(&standing.text);
    progress.table = standing.table.map(str::to_owned);
    progress.tables_done = standing.tables_done;
    progress.tables = standing.tables;
    progress.of_rows = standing.of_rows;
}
