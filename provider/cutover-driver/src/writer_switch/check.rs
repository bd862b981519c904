//! Compares both sides while nobody writes.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use cutover_core::validation::report::{ProofKind, Report};
use cutover_core::validation::side::Both;
use cutover_core::validation::spec::{Mode, Spec};
use cutover_core::writer_switch::facts::{Checked, Fact};
use tokio::sync::oneshot;

use crate::{Clock, Database, Validated, validate};

/// The comparison within the write pause.
#[derive(Debug)]
pub struct FinalCheck {
    databases: Both<Arc<dyn Database>>,
    spec: Spec,
    digest: fn(&Report) -> String,
    /// Never held across an await.
    report: Mutex<Option<Box<Report>>>,
}

impl FinalCheck {
    /// Makes it. Its source is the side that stops to write, whichever that is, as the other one has followed it; so for the way
    /// back its source is the target of the migration, opened as [`Side::Source`](cutover_core::validation::side::Side).
    /// Whatever the mode of the wish, it is made as the final one; `digest` is what a report is known by.
    pub fn new(
        databases: Both<Arc<dyn Database>>,
        spec: Spec,
        digest: fn(&Report) -> String,
    ) -> Self {
        Self {
            databases,
            spec: Spec {
                mode: Mode::Final,
                ..spec
            },
            digest,
            report: Mutex::default(),
        }
    }

    /// Returns the report of the last comparison that came to its end.
    pub fn report(&self) -> Option<Box<Report>> {
        self.report
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Compares, in at most this long and the moment that it takes to cancel what the servers are at. What had no time is
    /// [`Fact::Checked`] without a verdict.
    ///
    /// # Cancellation
    /// Only looks, so that it may be dropped at any time.
    pub async fn make(&self, limit: Duration, clock: &dyn Clock) -> Fact {
        match self.validate(limit, clock).await {
            Validated::Done { report, .. } => {
                let checked = Checked {
                    verdict: Some(report.verdict),
                    proof: report.proof,
                    reasons: report.reasons.clone(),
                    report_digest: Some((self.digest)(&report)),
                };
                *self.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
                Fact::Checked(checked)
            }
            Validated::Stopped { .. } => Fact::Checked(without_verdict(format!(
                "both sides could not be compared within {} s",
                limit.as_secs_f64()
            ))),
            Validated::Impossible { side, failure, .. } => Fact::Failed(side, failure),
            Validated::Broken(illegal) => Fact::Checked(without_verdict(format!(
                "the comparison broke off, which is a mistake in this program: {illegal}"
            ))),
        }
    }

    async fn validate(&self, limit: Duration, clock: &dyn Clock) -> Validated<()> {
        let until = clock.now().after(limit);
        let (over, mut is_over) = oneshot::channel::<()>();
        let stop = poll_fn(|context| {
            if clock.now() >= until {
                return Poll::Ready(());
            }
            pin!(&mut is_over).poll(context).map(|_| ())
        });
        let (spec, databases) = (self.spec.clone(), self.databases.clone());
        let mut validated = pin!(validate(spec, databases, clock, None, stop, &|_| ()));
        let time = async {
            clock.sleep_until(until).await;
            // Nobody listens any more when it has just come to its end.
            let _ = over.send(());
            pending().await
        };
        tokio::select! {
            biased;
            validated = &mut validated => validated,
            never = time => never,
        }
    }
}

fn without_verdict(reason: String) -> Checked {
    Checked {
        verdict: None,
        proof: ProofKind::None,
        reasons: vec![reason],
        report_digest: None,
    }
}
