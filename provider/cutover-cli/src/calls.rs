//! Calls through a port, made again where they may pass, and changes followed to the name servers.

use std::time::Duration;

use cutover_core::shift::facts::ChangeState;
use cutover_core::{Backoff, Failure, FailureClass, Timestamp};
use cutover_driver::{Answered, Applied, Batch};

use crate::console::{Console, span};
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// Waits between attempts of a call: stated for Route 53. The number of attempts is ours: about a quarter of a minute,
/// as long as a person looks at a screen.
const PATIENCE: Backoff = Backoff::new(Duration::from_millis(400), Duration::from_secs(8), 7);

/// The same for what must be written: until time is up.
const RESOLVE: Backoff = Backoff::new(Duration::from_millis(400), Duration::from_secs(8), u32::MAX);

/// How often a change is asked about: stated.
const POLL: Duration = Duration::from_secs(5);

/// Looks, and looks again where that may help.
pub(crate) async fn look<'a, T>(
    here: &Here,
    call: impl Fn() -> Answered<'a, T>,
) -> Result<T, Problem> {
    let mut failures = 0_u32;
    loop {
        let failure = tokio::select! {
            // What only looks may be dropped.
            answer = call() => match answer {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            },
            () = here.stop.cancelled() => return Err(stopped()),
        };
        failures += 1;
        let Some(wait) = PATIENCE
            .wait_after(failures)
            .filter(|_| failure.class.may_pass())
        else {
            return Err(failure.into());
        };
        if !here.wait(wait).await {
            return Err(stopped());
        }
    }
}

/// Says that somebody stopped the command while nothing was in hand.
pub(crate) fn stopped() -> Problem {
    Problem::new(9, Exit::Failed, "stopped before its end")
        .next("run the command again; it looks first and does nothing twice")
}

/// Makes a change, again and again until `deadline` where it was not served. It is not dropped once it is begun, and
/// not begun again once somebody has said to stop, unless it is `urgent`.
///
/// A change whose answer was lost is made again only when it is `urgent`: those put everything where it is to be, or
/// are refused whole when it is there already.
pub(crate) async fn apply(
    here: &Here,
    console: &mut Console<'_>,
    batch: &Batch,
    deadline: Timestamp,
) -> Result<Applied, Failure> {
    let mut failures = 0_u32;
    loop {
        let failure = match here.traffic.zones.apply(batch).await {
            Ok(applied) => return Ok(applied),
            Err(failure) => failure,
        };
        failures = failures.saturating_add(1);
        let is_safe = failure.class != FailureClass::Unknown || batch.urgent;
        let wait = RESOLVE
            .wait_after(failures)
            .filter(|_| failure.class.may_pass() && is_safe);
        match wait {
            Some(wait) if here.now().after(wait) < deadline => {
                console.progress(&format!(
                    "`{}`: {}; trying again",
                    failure.action, failure.message
                ));
                if batch.urgent {
                    here.clock.sleep_until(here.now().after(wait)).await;
                } else if !here.wait(wait).await {
                    return Err(failure);
                }
            }
            _ => return Err(failure),
        }
    }
}

/// A change that was not sent, since others of this process come first.
pub(crate) fn queued() -> Failure {
    Failure {
        class: FailureClass::Unavailable,
        action: "route53:ChangeResourceRecordSets",
        message: "other changes of the zone come first".to_owned(),
    }
}

/// What became of a change that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// Every name server has it, so long after it was accepted.
    Insync(Duration),
    /// It took too long, or nobody could be asked.
    Pending,
    /// Somebody said to stop.
    Stopped,
}

/// Follows a change until every name server has it. Failures to ask are not failures of the change.
pub(crate) async fn follow(
    here: &Here,
    console: &mut Console<'_>,
    id: &str,
    timeout: Duration,
) -> Followed {
    let accepted = here.now();
    loop {
        let state = tokio::select! {
            // What only looks may be dropped.
            state = here.traffic.zones.fetch_change(id) => state,
            () = here.stop.cancelled() => return Followed::Stopped,
        };
        let waited = here.now().since(accepted);
        match state {
            Ok(ChangeState::Insync) => return Followed::Insync(waited),
            Ok(ChangeState::Pending) => {
                console.progress(&format!("change {id}: pending, {}", span(waited)));
            }
            Ok(ChangeState::Unknown) => {
                console.progress(&format!("change {id}: not known to Route 53"));
            }
            Err(failure) => {
                console.progress(&format!("`{}`: {}", failure.action, failure.message));
            }
        }
        if waited >= timeout {
            return Followed::Pending;
        }
        if !here.wait(POLL).await {
            return Followed::Stopped;
        }
    }
}
