//! Events as messages to people and as figures.

use std::collections::BTreeMap;

use serde::Serialize;

use super::events::{Cause, Event, Pause, What};
use super::machine::Status;
use super::sources::Metric;
use crate::Timestamp;
use crate::weights::Share;

/// The longest subject of a message, in characters. Source: Amazon SNS API, `Publish`, `Subject`: fewer than 100.
const SUBJECT_CHARS_MAX: usize = 99;

/// The statistic that is named with figures; publishing looks at none.
const STAT: &str = "Sum";

/// How grave a message is, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gravity {
    /// Things go as planned.
    Info,
    /// Somebody should look, or is asked.
    Warn,
    /// Somebody must act, or traffic goes back.
    Critical,
}

/// A message about an event; its JSON form is the body.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// The same for the same event told twice: `shift/seq/event`, and a number when the event has come again.
    pub key: String,
    /// The shift.
    pub shift_id: String,
    /// The fencing number that was the latest.
    pub seq: u64,
    /// The event's name.
    pub event: &'static str,
    /// How grave it is.
    pub severity: Gravity,
    /// When, in UTC: `2026-01-31T23:59:59Z`.
    pub time: String,
    /// One line for people.
    pub summary: String,
    /// Everything else that is known about it.
    pub details: Details,
}

/// What is known about an event; what does not apply is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The step, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// Percent that new was last told to get.
    pub requested_share: f64,
    /// Percent that new was last seen to get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_share: Option<f64>,
    /// A stable word for the cause: `GateBreached:errorRate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same for people, with value and limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// The gate's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// How many rows only new has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreplicated_rows: Option<u64>,
}

impl Notice {
    /// Returns the subject: printable ASCII, fewer than 100 characters.
    pub fn subject(&self) -> String {
        let text = format!(
            "[{}] {}: {}",
            self.shift_id,
            self.event,
            self.details.reason.as_ref().unwrap_or(&self.summary)
        );
        text.chars()
            .map(|char| {
                if char == ' ' || char.is_ascii_graphic() {
                    char
                } else {
                    '?'
                }
            })
            .take(SUBJECT_CHARS_MAX)
            .collect()
    }
}

/// A figure for the metrics of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The metric.
    pub metric: Metric,
    /// When.
    pub at: Timestamp,
    /// The value.
    pub value: f64,
}

/// Tells events one after the other, and knows what figures need of those before.
#[derive(Clone, Debug)]
pub struct Teller {
    shift: String,
    namespace: String,
    /// How often an event came under one fencing number.
    repeats: BTreeMap<(u64, &'static str), u32>,
    return_began: Option<Timestamp>,
    return_accepted: Option<Timestamp>,
    throttled: u32,
}

impl Teller {
    /// Begins, for a shift whose figures belong to a namespace.
    pub fn new(shift: &str, namespace: &str) -> Self {
        Self {
            shift: shift.to_owned(),
            namespace: namespace.to_owned(),
            repeats: BTreeMap::new(),
            return_began: None,
            return_accepted: None,
            throttled: 0,
        }
    }

    /// Makes the message about an event.
    pub fn notice(&mut self, event: &Event, status: &Status) -> Notice {
        let name = name_of(&event.what);
        let count = self.repeats.entry((status.seq, name)).or_insert(0);
        *count = count.saturating_add(1);
        let mut key = format!("{}/{}/{name}", self.shift, status.seq);
        if *count > 1 {
            key = format!("{key}/{count}");
        }
        Notice {
            key,
            shift_id: self.shift.clone(),
            seq: status.seq,
            event: name,
            severity: gravity_of(&event.what),
            time: event.at.to_utc(),
            summary: event.what.to_string(),
            details: details_of(&event.what, status),
        }
    }

    /// Makes the figures of an event.
    pub fn figures(&mut self, event: &Event, status: &Status) -> Vec<Figure> {
        let at = event.at;
        let one = |name| vec![self.figure(name, None, at, 1.0)];
        let took = |name, from: Option<Timestamp>, per_second: f64| {
            let value = from.map(|from| at.since(from).as_secs_f64() * per_second);
            value
                .map(|value| self.figure(name, None, at, value))
                .into_iter()
                .collect()
        };
        match &event.what {
            What::ReturnBegan(cause) => {
                let mut figures = one("Rollbacks");
                figures.extend(self.of_cause(cause, at));
                self.return_began = Some(at);
                figures
            }
            What::ReturnAccepted => {
                let figures = took("DecisionToSubmitMs", self.return_began, 1_000.0);
                self.return_accepted = Some(at);
                figures
            }
            What::ReturnInsync => took("SubmitToInsyncSeconds", self.return_accepted, 1.0),
            What::Returned => took("RollbackTotalSeconds", self.return_began, 1.0),
            What::FurtherCause(cause) | What::Paused(Pause::Committed(cause)) => {
                self.of_cause(cause, at)
            }
            What::GateBroken { gate }
            | What::Paused(Pause::GateBroken(gate) | Pause::SharedFault(gate)) => {
                vec![self.breach(gate, at)]
            }
            What::Paused(Pause::Drift(_)) | What::DriftReverted(_) => one("DriftEvents"),
            What::Blind(duration) => {
                vec![self.figure("BlindSeconds", None, at, duration.as_secs_f64())]
            }
            What::Entered { .. } | What::BakeBegan { .. } => self.shares(at, status),
            What::FenceTaken { .. }
            | What::Insync { .. }
            | What::Baked { .. }
            | What::Committed
            | What::Compared { .. }
            | What::ApprovalNeeded { .. }
            | What::Paused(_)
            | What::Resumed
            | What::RouterUnreachable { .. }
            | What::RouterReached
            | What::ControlUnclear(_)
            | What::OldIsCold
            | What::BudgetExceeded
            | What::Stuck(_)
            | What::RowsBehind { .. }
            | What::Completed
            | What::FenceNotReleased => Vec::new(),
        }
    }

    /// Makes the figures that are due once a minute: that it is alive, and how it stands.
    pub fn heartbeat(&mut self, at: Timestamp, status: &Status, throttled: u32) -> Vec<Figure> {
        let mut figures = vec![self.figure("Heartbeat", None, at, 1.0)];
        figures.extend(self.shares(at, status));
        let more = throttled.saturating_sub(self.throttled);
        self.throttled = throttled;
        figures.push(self.figure("ApiThrottles", None, at, f64::from(more)));
        figures
    }

    fn shares(&self, at: Timestamp, status: &Status) -> Vec<Figure> {
        let observed = status
            .observed
            .map(|share| self.figure("ObservedShare", None, at, percent(share)));
        let requested = self.figure("RequestedShare", None, at, percent(status.requested));
        std::iter::once(requested).chain(observed).collect()
    }

    /// A gate that was broken, and how long that took to be found.
    fn of_cause(&self, cause: &Cause, at: Timestamp) -> Vec<Figure> {
        let Cause::Gate { gate, since, .. } = cause else {
            return Vec::new();
        };
        let seconds = at.since(*since).as_secs_f64();
        let found = self.figure("DetectionSeconds", Some(gate), at, seconds);
        vec![self.breach(gate, at), found]
    }

    fn breach(&self, gate: &str, at: Timestamp) -> Figure {
        self.figure("GateBreaches", Some(gate), at, 1.0)
    }

    fn figure(&self, name: &str, gate: Option<&str>, at: Timestamp, value: f64) -> Figure {
        let mut dimensions = BTreeMap::from([("ShiftId".to_owned(), self.shift.clone())]);
        if let Some(gate) = gate {
            dimensions.insert("Gate".to_owned(), gate.to_owned());
        }
        let metric = Metric {
            namespace: self.namespace.clone(),
            name: name.to_owned(),
            dimensions,
            stat: STAT.to_owned(),
        };
        Figure { metric, at, value }
    }
}

fn percent(share: Share) -> f64 {
    f64::from(share.basis_points()) / 100.0
}

/// Returns the name of an event.
pub const fn name_of(what: &What) -> &'static str {
    match what {
        What::FenceTaken { .. } => "Started",
        What::Entered { .. } => "StepEntered",
        What::Insync { .. } => "StepInsync",
        What::BakeBegan { .. } => "BakeBegan",
        What::Baked { .. } => "StepBaked",
        What::Committed => "Committed",
        What::GateBroken { .. } => "GateWarn",
        What::Compared { .. } => "Compared",
        What::ApprovalNeeded { .. } => "ApprovalNeeded",
        What::Paused(Pause::Drift(_)) => "Drift",
        What::Paused(_) => "Paused",
        What::Resumed => "Resumed",
        What::DriftReverted(_) => "DriftReverted",
        What::RouterUnreachable { .. } => "RouterUnreachable",
        What::RouterReached => "RouterReached",
        What::OldIsCold => "OldCold",
        What::Blind(_) => "Blind",
        What::ControlUnclear(_) => "ControlUnclear",
        What::ReturnBegan(_) => "RollbackStarted",
        What::FurtherCause(_) => "RollbackCauseAdded",
        What::ReturnAccepted => "RollbackSubmitted",
        What::ReturnInsync => "RollbackInsync",
        What::BudgetExceeded => "RollbackBudgetExceeded",
        What::Stuck(_) => "Stuck",
        What::RowsBehind { .. } => "RowsBehind",
        What::Returned => "RollbackCompleted",
        What::Completed => "Completed",
        What::FenceNotReleased => "FenceNotReleased",
    }
}

/// Returns how grave an event is.
pub const fn gravity_of(what: &What) -> Gravity {
    match what {
        What::FenceTaken { .. }
        | What::Entered { .. }
        | What::Insync { .. }
        | What::BakeBegan { .. }
        | What::Baked { .. }
        | What::Committed
        | What::Compared { .. }
        | What::Resumed
        | What::RouterReached
        | What::Paused(Pause::Held(_) | Pause::Staged(_))
        | What::Completed => Gravity::Info,
        What::Paused(Pause::Drift(_) | Pause::Committed(_))
        | What::ReturnBegan(_)
        | What::RouterUnreachable { .. }
        | What::BudgetExceeded
        | What::Stuck(_)
        | What::RowsBehind { .. } => Gravity::Critical,
        What::GateBroken { .. }
        | What::ApprovalNeeded { .. }
        | What::Paused(_)
        | What::DriftReverted(_)
        | What::OldIsCold
        | What::Blind(_)
        | What::ControlUnclear(_)
        | What::FurtherCause(_)
        | What::ReturnAccepted
        | What::ReturnInsync
        | What::Returned
        | What::FenceNotReleased => Gravity::Warn,
    }
}

fn details_of(what: &What, status: &Status) -> Details {
    let mut details = Details {
        step: status.step.map(|step| step.saturating_add(1)),
        requested_share: percent(status.requested),
        observed_share: status.observed.map(percent),
        ..Details::default()
    };
    match what {
        What::Entered { step, .. }
        | What::Insync { step }
        | What::BakeBegan { step, .. }
        | What::Baked { step }
        | What::ApprovalNeeded { step } => details.step = Some(step.saturating_add(1)),
        What::GateBroken { gate } => details.reason = Some(gate.clone()),
        What::Paused(pause) => details.reason = Some(pause.to_string()),
        What::ReturnBegan(cause) | What::FurtherCause(cause) => {
            details.reason = Some(cause.to_string());
            details.explanation = Some(cause.details());
            if let Cause::Gate { value, .. } = cause {
                details.value = value.filter(|value| value.is_finite());
            }
        }
        What::Stuck(message) | What::ControlUnclear(message) => {
            details.reason = Some(message.clone());
        }
        What::RowsBehind { rows } => details.unreplicated_rows = *rows,
        What::DriftReverted(drift) => details.reason = Some(format!("{drift:?}")),
        What::FenceTaken { .. }
        | What::RouterUnreachable { .. }
        | What::RouterReached
        | What::OldIsCold
        | What::Committed
        | What::Compared { .. }
        | What::Resumed
        | What::Blind(_)
        | What::ReturnAccepted
        | What::ReturnInsync
        | What::BudgetExceeded
        | What::Returned
        | What::Completed
        | What::FenceNotReleased => {}
    }
    details
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests;
