//! Hosted zones within the request budget of an account.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cutover_core::shift::budget::{Answer, Budget, Kind, Ticket};
use cutover_core::shift::facts::ChangeState;
use cutover_core::shift::records::RecordSet;
use cutover_core::{Failure, FailureClass, Timestamp};
use tokio::sync::Notify;

use crate::{Answered, Applied, Batch, Clock, HealthCheck, HostedZones, Zone};

/// How long a change waits for its turn at a time: ours, as long as the longest pause between two looks at gates. Its
/// place is kept while its shift looks at them.
const TURN_MAX: Duration = Duration::from_secs(30);

/// The requests that an account may make, shared by everything in this process that uses it.
#[derive(Debug)]
pub struct Allowance {
    clock: Arc<dyn Clock>,
    budget: Mutex<Budget>,
    changed: Notify,
}

impl Allowance {
    /// Begins with a whole allowance.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            budget: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the budget and wakes everybody who waits for that.
    fn note(&self, change: impl FnOnce(&mut Budget, Timestamp)) {
        change(&mut self.budget(), self.clock.now());
        self.changed.notify_waiters();
    }
}

/// Hosted zones whose requests keep to an allowance.
#[derive(Clone, Debug)]
pub struct Budgeted {
    zones: Arc<dyn HostedZones>,
    allowance: Arc<Allowance>,
}

/// A place in the queue that is given up when nobody waits there any more.
struct Place<'a> {
    allowance: &'a Allowance,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.allowance
            .note(|budget, now| budget.leave(now, self.ticket));
    }
}

/// A batch in the service's hands. What became of it is lost when it is dropped there.
struct Submitted<'a> {
    allowance: &'a Allowance,
    ticket: Ticket,
    is_known: bool,
}

impl Submitted<'_> {
    fn became(mut self, applied: &Result<Applied, Failure>) {
        self.is_known = true;
        self.allowance.note(|budget, now| match applied {
            Ok(Applied::Accepted { id }) => budget.accepted(now, self.ticket, id),
            Err(failure) if failure.class == FailureClass::Unknown => {
                budget.lost(now, self.ticket);
            }
            Ok(Applied::Conflict { .. } | Applied::Queued) | Err(_) => {
                budget.refused(self.ticket);
            }
        });
    }
}

impl Drop for Submitted<'_> {
    fn drop(&mut self) {
        if !self.is_known {
            self.allowance
                .note(|budget, now| budget.lost(now, self.ticket));
        }
    }
}

impl Budgeted {
    /// Puts an allowance before hosted zones.
    pub fn new(zones: Arc<dyn HostedZones>, allowance: Arc<Allowance>) -> Self {
        Self { zones, allowance }
    }

    /// Waits until a request may be made; asks about the change that holds it up where that is due.
    async fn turn(&self, kind: Kind) -> Ticket {
        let allowance = self.allowance.as_ref();
        let ticket = allowance.budget().enter(allowance.clock.now(), kind);
        let _place = Place { allowance, ticket };
        loop {
            let mut changed = std::pin::pin!(allowance.changed.notified());
            // Nothing that changes from here on is missed.
            changed.as_mut().enable();
            let answer = allowance.budget().ask(allowance.clock.now(), ticket);
            match answer {
                Answer::Granted => return ticket,
                Answer::Poll { id } => {
                    if let Ok(state) = self.zones.fetch_change(&id).await {
                        allowance.note(|budget, now| budget.heard(now, &id, state));
                    }
                }
                Answer::Wait { until: None } => changed.await,
                Answer::Wait { until: Some(until) } => {
                    tokio::select! {
                        () = changed => {}
                        () = allowance.clock.sleep_until(until) => {}
                    }
                }
            }
        }
    }

    async fn submit(&self, batch: &Batch) -> Result<Applied, Failure> {
        let kind = Kind::of_batch(&batch.zone_id, batch.urgent, &batch.changes);
        let ticket = if batch.urgent {
            self.turn(kind).await
        } else {
            let clock = &self.allowance.clock;
            let late = clock.sleep_until(clock.now().after(TURN_MAX));
            // A place in the queue holds nothing that a drop could lose.
            tokio::select! {
                biased;
                ticket = self.turn(kind) => ticket,
                () = late => return Ok(Applied::Queued),
            }
        };
        let submitted = Submitted {
            allowance: &self.allowance,
            ticket,
            is_known: false,
        };
        let applied = self.zones.apply(batch).await;
        submitted.became(&applied);
        applied
    }
}

impl HostedZones for Budgeted {
    fn fetch_zone<'a>(&'a self, zone_id: &'a str) -> Answered<'a, Option<Zone>> {
        Box::pin(async move {
            self.turn(Kind::Look).await;
            self.zones.fetch_zone(zone_id).await
        })
    }

    fn fetch_record_sets<'a>(
        &'a self,
        zone_id: &'a str,
        names: &'a [String],
    ) -> Answered<'a, Vec<RecordSet>> {
        Box::pin(async move {
            self.turn(Kind::Look).await;
            self.zones.fetch_record_sets(zone_id, names).await
        })
    }

    fn apply<'a>(&'a self, batch: &'a Batch) -> Answered<'a, Applied> {
        Box::pin(self.submit(batch))
    }

    fn fetch_change<'a>(&'a self, id: &'a str) -> Answered<'a, ChangeState> {
        Box::pin(async move {
            self.turn(Kind::Look).await;
            let state = self.zones.fetch_change(id).await;
            if let Ok(state) = state {
                self.allowance
                    .note(|budget, now| budget.heard(now, id, state));
            }
            state
        })
    }

    fn ensure_health_check<'a>(&'a self, check: &'a HealthCheck) -> Answered<'a, String> {
        Box::pin(async move {
            self.turn(Kind::Look).await;
            self.zones.ensure_health_check(check).await
        })
    }

    fn delete_health_check<'a>(&'a self, id: &'a str) -> Answered<'a, ()> {
        Box::pin(async move {
            self.turn(Kind::Look).await;
            self.zones.delete_health_check(id).await
        })
    }
}

#[cfg(test)]
mod tests;
