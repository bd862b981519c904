//! Has the target caught up?
//!
//! A sample is good when a marker that was written on the source is on the target within the limit, and CloudWatch does not
//! say otherwise. Its figures alone are worth less: they are zero when nothing is read, and are missing for minutes. No
//! figure is unknown, never good. All times are measured on one clock, ours.

use std::time::Duration;

use super::super::advice::advice_on_class;
use super::super::events::What;
use super::super::facts::Command;
use super::super::task::TaskMetrics;
use super::load::is_all_completed;
use super::{Outcome, Replicate, lag_text};
use crate::Timestamp;
use crate::shift::render::render_duration;

/// From when on an instance is held to be too small, together: the runbook's limit for an alarm on the lag, and a processor
/// that has nothing to spare, which is ours.
const TOO_SMALL: (Duration, f64) = (Duration::from_mins(1), 80.0);

/// How long ago the lag must have become smaller for the limit to be put off. Ours: long enough for a burst of writes.
const IMPROVED_WITHIN: Duration = Duration::from_mins(10);

/// By how much it must have: to this share of the least so far, in tenths. Ours: jitter is no progress.
const IMPROVED_TO_TENTHS: u32 = 9;

/// What was sampled.
#[derive(Clone, Debug, Default)]
pub(super) struct CatchUp {
    /// The moment of the first good sample in a row.
    good_since: Option<Timestamp>,
    /// A marker that was written and has not been seen, and when writing it was asked for.
    marker: Option<(u64, Timestamp)>,
    /// The last marker's number.
    last_number: u64,
    least_lag: Option<Duration>,
    improved_at: Option<Timestamp>,
    told_too_small: bool,
}

impl Replicate {
    pub(super) fn catch_up_begins(&mut self) {
        self.forget_samples();
        self.catch_up.least_lag = None;
        self.catch_up.improved_at = None;
    }

    /// Forgets samples in a row: what comes is to be proven anew.
    pub(super) fn forget_samples(&mut self) {
        self.catch_up.good_since = None;
        self.known.samples = 0;
    }

    pub(super) fn saw_metrics(&mut self, metrics: TaskMetrics) {
        self.known.metrics = metrics;
        self.tell_if_too_small();
        if !self.spec.markers {
            return self.judge(None);
        }
        self.ask = match self.catch_up.marker {
            Some((number, _)) => Command::Seek(number, self.spec.lag.max),
            None => Command::Mark(self.next_number()),
        };
    }

    /// The number of the next marker. Numbers grow with the time, and end in a print of the run: no run writes one that
    /// another has written, even after the clock was set back.
    fn next_number(&self) -> u64 {
        let run = self.run.bytes().fold(5_381_u64, |sum, byte| {
            sum.wrapping_mul(33).wrapping_add(byte.into())
        });
        let millis = u64::try_from(self.now.unix_millis()).unwrap_or(0);
        let number = millis.saturating_mul(4_096).saturating_add(run % 4_096);
        number.max(self.catch_up.last_number.saturating_add(1))
    }

    pub(super) fn marked(&mut self, number: u64, asked_at: Timestamp) {
        self.catch_up.last_number = number;
        self.catch_up.marker = Some((number, asked_at));
        self.ask = Command::Seek(number, self.spec.lag.max);
    }

    pub(super) fn sought(&mut self, is_there: bool) {
        let Some((_, written_at)) = self.catch_up.marker else {
            self.ask = Command::ReadTask;
            return;
        };
        let lag = self.now.since(written_at);
        if is_there {
            self.catch_up.marker = None;
        }
        self.judge(Some((lag, is_there)));
    }

    /// Judges a sample: by a marker's age and whether it has arrived, where markers are written.
    fn judge(&mut self, marker: Option<(Duration, bool)>) {
        let metrics = self.known.metrics;
        self.known.lag = match marker {
            Some((lag, _)) => Some(lag),
            None => metrics
                .latency_source
                .zip(metrics.latency_target)
                .map(|(source, target)| source.max(target)),
        };
        self.known.reasons = self.reasons(marker);
        self.note_improvement();
        if self.known.reasons.is_empty() {
            self.known.samples = self.known.samples.saturating_add(1);
            let since = *self.catch_up.good_since.get_or_insert(self.now);
            let is_proven = self.known.samples >= self.spec.lag.samples
                && self.now.since(since) >= self.spec.lag.over;
            if is_proven {
                self.tell(What::CaughtUp);
                self.outcome = Some(Outcome::Replicating);
                return;
            }
        } else {
            self.forget_samples();
            if self.is_late() {
                return self.hold_for_lag();
            }
        }
        self.ask_later(Command::ReadTask);
    }

    /// Returns why a sample is not good.
    fn reasons(&self, marker: Option<(Duration, bool)>) -> Vec<String> {
        let mut reasons = Vec::new();
        let max = self.spec.lag.max;
        match marker {
            Some((lag, false)) => {
                reasons.push(format!(
                    "a marker of {} ago is not on the target",
                    lag_text(lag)
                ));
            }
            Some((lag, true)) if lag >= max => {
                reasons.push(format!("a marker took {}", lag_text(lag)));
            }
            Some(_) | None => {}
        }
        let metrics = self.known.metrics;
        let latencies = [
            ("CDCLatencySource", metrics.latency_source),
            ("CDCLatencyTarget", metrics.latency_target),
        ];
        for (name, latency) in latencies {
            match latency {
                Some(latency) if latency >= max => {
                    reasons.push(format!("{name} is {}", lag_text(latency)));
                }
                // Markers that arrive have proven more than a figure would have.
                None if marker.is_none() => {
                    reasons.push(format!(
                        "CloudWatch has no figure of {name} for the last minutes"
                    ));
                }
                Some(_) | None => {}
            }
        }
        let loads = self.known.task.as_ref();
        let loads = loads.is_some_and(|task| task.migration_type != "cdc");
        if loads && !is_all_completed(&self.known.tables) {
            reasons.push("not every table is completed".to_owned());
        }
        reasons
    }

    fn note_improvement(&mut self) {
        let Some(lag) = self.known.lag else {
            return;
        };
        let is_less = self
            .catch_up
            .least_lag
            .is_none_or(|least| lag.saturating_mul(10) < least.saturating_mul(IMPROVED_TO_TENTHS));
        if is_less {
            self.catch_up.least_lag = Some(lag);
            self.catch_up.improved_at = Some(self.now);
        }
    }

    fn is_late(&self) -> bool {
        let improves = self
            .catch_up
            .improved_at
            .is_some_and(|at| !self.is_over(at, IMPROVED_WITHIN));
        self.is_over(self.began_at, self.spec.catch_up_limit) && !improves
    }

    fn hold_for_lag(&mut self) {
        let lasted = render_duration(self.now.since(self.began_at));
        let reason = format!(
            "the target has not caught up after {lasted}: {}",
            self.known.reasons.join("; ")
        );
        let advice = if self.is_too_small() {
            self.class_advice()
        } else {
            "see whether a long transaction, missing indexes on the target or a busy instance holds replication up, then run \
             `pulumi up` again"
                .to_owned()
        };
        self.hold(reason, advice);
    }

    fn is_too_small(&self) -> bool {
        let metrics = self.known.metrics;
        let latencies = [
            metrics.latency_source,
            metrics.latency_target,
            self.known.lag,
        ];
        let is_behind = latencies.into_iter().flatten().max() > Some(TOO_SMALL.0);
        is_behind && metrics.cpu.is_some_and(|cpu| cpu > TOO_SMALL.1)
    }

    fn class_advice(&self) -> String {
        let task = self.known.task.as_ref();
        let instance = task.and_then(|task| task.instance.as_ref());
        instance.map_or_else(
            || "raise `MaxCapacityUnits` of the replication".to_owned(),
            |instance| advice_on_class(&instance.class),
        )
    }

    /// Tells once that the instance cannot keep up.
    fn tell_if_too_small(&mut self) {
        if self.catch_up.told_too_small || !self.is_too_small() {
            return;
        }
        self.catch_up.told_too_small = true;
        let cpu = self.known.metrics.cpu.unwrap_or_default();
        let advice = self.class_advice();
        self.tell(What::TooSmall(format!(
            "the lag is over {} with the processor at {cpu:.0} %: {advice}",
            lag_text(TOO_SMALL.0)
        )));
    }

    pub(super) fn catch_up_text(&self) -> String {
        let (lag, known) = (&self.spec.lag, &self.known);
        let now = known.lag.map_or("unknown".to_owned(), lag_text);
        let mut text = format!(
            "catching up: lag {now} ({} of {} samples below {})",
            known.samples,
            lag.samples,
            render_duration(lag.max)
        );
        if let Some(reason) = known.reasons.first() {
            text = format!("{text}; {reason}");
        }
        if self.is_too_small() {
            text = format!("{text}; {}", self.class_advice());
        }
        text
    }
}
