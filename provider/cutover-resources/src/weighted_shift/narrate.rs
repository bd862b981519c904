//! What people are told while a shift goes on, and what is stored of it at its end.

use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::assess::{Assessment, Verdict};
use cutover_core::shift::events::{Cause, Event, Pause, What};
use cutover_core::shift::gates::Limit;
use cutover_core::shift::journal::Mark;
use cutover_core::shift::machine::{Outcome, PhaseName, Shift, render_assessment, worst};
use cutover_core::shift::render::render_duration;
use cutover_core::shift::spec::Spec;
use cutover_core::weights::{Share, WeightPair};
use cutover_driver::Conducted;

use super::error::ShiftError;
use super::state::{
    ShiftHistoryEntry, ShiftRollbackReport, ShiftVerdict, WeightedShiftState, percent, planned,
};

/// How many entries of the history are kept: stated.
const HISTORY_MAX: usize = 200;

/// The longest that a status line may be, in characters: stated.
const STATUS_MAX: usize = 100;

/// Shows what is going on, the most important words first: `Baking step 2 of 4, 50 % on new, 23 min left, worst gate
/// errorRate 3.1 % of 5 %`.
pub(super) fn status_line(shift: &Shift, spec: &Spec, now: Timestamp) -> (String, String) {
    let status = shift.status();
    let phase = status.phase.to_string();
    let mut parts = vec![match status.step {
        Some(step) => format!("{phase} step {} of {}", step + 1, spec.steps.len()),
        None => phase.clone(),
    }];
    parts.push(format!("{} on new", status.requested));
    let is_wait = matches!(status.phase, PhaseName::Preparing | PhaseName::Settling);
    let end = status
        .bake_ends_at
        .or(status.next_decision_at.filter(|_| is_wait));
    if let Some(end) = end {
        let left = end.since(now);
        // Whole minutes, so that the line changes no more often than it is worth reading.
        let minutes = Duration::from_mins(left.as_secs().div_ceil(60));
        if !minutes.is_zero() {
            parts.push(format!("{} left", render_duration(minutes)));
        }
    }
    if let Some(worst) = worst(&status.assessments) {
        parts.push(format!("worst gate {}", render_assessment(worst)));
    }
    let line = parts.join(", ");
    (phase, short(&line, STATUS_MAX))
}

/// Cuts what is too long for one line of a terminal.
fn short(line: &str, longest: usize) -> String {
    if line.chars().count() <= longest {
        return line.to_owned();
    }
    let kept = line.chars().take(longest.saturating_sub(1));
    kept.chain(['…']).collect()
}

/// An event as a line that stays, and whether it is worth a person's attention.
pub(super) fn event_line(event: &Event) -> (bool, String) {
    let text = match &event.what {
        What::ReturnBegan(cause) => format!("everything goes back to old: {}", cause.details()),
        What::FurtherCause(cause) => format!("further cause to go back: {}", cause.details()),
        What::Paused(pause) => format!("paused: {}", pause.details()),
        What::ApprovalNeeded { step } => format!(
            "step {0} waits for a person: raise `approvedThrough` to {0}",
            step + 1
        ),
        what => what.to_string(),
    };
    let is_grave = match &event.what {
        What::Paused(pause) => !pause.is_wished(),
        What::GateBroken { .. }
        | What::Blind(_)
        | What::ControlUnclear(_)
        | What::DriftReverted(_)
        | What::RouterUnreachable { .. }
        | What::OldIsCold
        | What::ReturnBegan(_)
        | What::FurtherCause(_)
        | What::BudgetExceeded
        | What::Stuck(_)
        | What::RowsBehind { .. }
        | What::FenceNotReleased => true,
        _ => false,
    };
    (is_grave, text)
}

/// Says what is there at the end of a run, on top of what was there before.
pub(super) fn state_after<S>(
    conducted: &Conducted<S>,
    spec: &Spec,
    prior: Option<WeightedShiftState>,
) -> WeightedShiftState {
    let shift = &conducted.shift;
    let status = shift.status();
    let prior = prior.unwrap_or_else(|| WeightedShiftState::begin(spec));
    let entry = shift.entry();
    let step = entry.and_then(|entry| match entry.mark {
        Mark::Going | Mark::Baked => usize::try_from(entry.step).ok(),
        Mark::Completed => spec.steps.len().checked_sub(1),
        Mark::Preparing | Mark::Back | Mark::RolledBack => None,
    });
    let bake_from = status
        .bake_began_at
        .or_else(|| entry.and_then(|entry| entry.bake));
    let bake = step
        .and_then(|step| spec.steps.get(step))
        .map(|step| step.bake);
    let mut state = WeightedShiftState {
        phase: status.phase.into(),
        step_index: step.and_then(|step| u32::try_from(step).ok()),
        requested_share: percent(status.requested),
        observed_share: status.observed.map(percent),
        weights: pair_of(spec, status.requested).into(),
        plan: planned(spec),
        break_glass: cutover_core::shift::break_glass::render_break_glass(spec),
        bake_started_at: bake_from.map(Timestamp::to_utc),
        next_decision_at: bake_from
            .zip(bake)
            .map(|(from, bake)| from.after(bake).to_utc()),
        last_verdict: worst(&status.assessments).map(verdict),
        change_ids: changes_of(&prior.change_ids, shift),
        // What was written since has a journal.
        adopted_share: prior.adopted_share.filter(|_| entry.is_none()),
        drift: drift_of(conducted.outcome.as_ref()),
        seq: whole(status.seq),
        reason: conducted.outcome.as_ref().and_then(reason_of).or_else(|| {
            // A known end keeps the reason that it was told with.
            matches!(
                conducted.outcome,
                Some(Outcome::RolledBack { known: true, .. })
            )
            .then(|| prior.reason.clone())
            .flatten()
        }),
        undelivered: conducted.undelivered.messages.clone(),
        ..prior
    };
    if state.phase.is_over() {
        state.next_decision_at = None;
    }
    let mut began_at = None;
    for event in shift.events() {
        if let What::ReturnBegan(_) = event.what {
            began_at = Some(event.at);
        }
        take_note(&mut state, event, began_at);
    }
    let surplus = state.history.len().saturating_sub(HISTORY_MAX);
    state.history.drain(..surplus);
    state
}

/// The changes so far, the latest last.
fn changes_of(before: &[String], shift: &Shift) -> Vec<String> {
    let mut all = [before, shift.change_ids()].concat();
    let surplus = all.len().saturating_sub(HISTORY_MAX);
    all.drain(..surplus);
    all
}

/// Notes an event where outputs tell of it. `began_at` is when it was decided to go back.
fn take_note(state: &mut WeightedShiftState, event: &Event, began_at: Option<Timestamp>) {
    // How long after the decision, where it was this run that decided.
    let after = began_at.map(|began_at| millis(event.at.since(began_at)));
    let report = state.last_rollback.as_mut();
    match (&event.what, report) {
        (What::ReturnAccepted, Some(report)) => report.submit_ms = after,
        (What::ReturnInsync, Some(report)) => report.insync_ms = after,
        (What::Returned, Some(report)) => report.observed_back_ms = after,
        (What::RowsBehind { rows }, Some(report)) => report.unreplicated_rows = rows.map(whole),
        _ => {}
    }
    let at = event.at.to_utc();
    state.history.push(ShiftHistoryEntry {
        at: at.clone(),
        what: event.what.to_string(),
    });
    match &event.what {
        What::Entered { .. } if state.started_at.is_none() => state.started_at = Some(at),
        What::Blind(duration) => state.blind_seconds = duration.as_secs_f64(),
        What::ReturnBegan(cause) => {
            state.last_rollback = Some(ShiftRollbackReport {
                triggered_at: at,
                cause: cause.to_string(),
                decision_ms: match cause {
                    Cause::Gate { since, .. } => Some(millis(event.at.since(*since))),
                    _ => None,
                },
                submit_ms: None,
                insync_ms: None,
                observed_back_ms: None,
                unreplicated_rows: None,
            });
        }
        _ => {}
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// A count as a number of a program; those of a shift are far below 2^53.
pub(super) fn whole(count: u64) -> f64 {
    count.to_string().parse().unwrap_or(f64::MAX)
}

/// The weights that bring a share of the plan about.
fn pair_of(spec: &Spec, share: Share) -> WeightPair {
    let step = spec.steps.iter().find(|step| step.share == share);
    step.map_or(WeightPair::ALL_OLD, |step| step.pair)
}

fn verdict(assessment: &Assessment) -> ShiftVerdict {
    let (verdict, since) = match &assessment.verdict {
        Verdict::Healthy => ("healthy", None),
        Verdict::Breached(breach) => ("breached", Some(breach.since.to_utc())),
        Verdict::Inconclusive(_) => ("inconclusive", None),
        Verdict::Blind(_) => ("blind", None),
    };
    ShiftVerdict {
        gate: assessment.gate.clone(),
        verdict: verdict.to_owned(),
        value: assessment.value.filter(|value| value.is_finite()),
        threshold: assessment.limit.map(|limit| match limit {
            Limit::Max(limit) | Limit::Min(limit) => limit,
        }),
        since,
        samples: assessment.samples,
    }
}

/// Why it stands as it does, as a stable code.
fn reason_of(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Completed | Outcome::Refused(_) => None,
        Outcome::Paused(pause) => Some(pause.to_string()),
        Outcome::RolledBack {
            causes, external, ..
        } => match (causes.first(), external) {
            (Some(cause), _) => Some(cause.to_string()),
            (None, true) => Some("External".to_owned()),
            (None, false) => None,
        },
        Outcome::Interrupted { .. } => Some("Interrupted".to_owned()),
        Outcome::NotHolder { .. } => Some("FenceLost".to_owned()),
        Outcome::Stuck(message) => Some(format!("Stuck:{message}")),
    }
}

fn drift_of(outcome: Option<&Outcome>) -> Vec<String> {
    match outcome {
        Some(Outcome::Paused(Pause::Drift(drift))) => vec![drift.details().to_owned()],
        _ => Vec::new(),
    }
}

/// Says why a run has failed.
pub(super) fn failure_of<S: ToString>(
    conducted: &mut Conducted<S>,
    spec: &Spec,
    break_glass: &str,
) -> ShiftError {
    if let Some(illegal) = conducted.broken.take() {
        return ShiftError::Broken(illegal);
    }
    let status = conducted.shift.status();
    let share = status.requested.to_string();
    let attempt = conducted.shift.entry().map_or(1, |entry| entry.attempt);
    match conducted.outcome.take() {
        Some(Outcome::RolledBack {
            causes, external, ..
        }) => ShiftError::RolledBack {
            why: why_back(&causes, external),
            next_attempt: attempt.saturating_add(1),
            strict: spec.policy.strict_after_rollback,
        },
        Some(Outcome::Paused(pause)) => ShiftError::Paused {
            why: pause.details(),
            share,
            advice: advice_on(&pause),
        },
        Some(Outcome::Refused(problems)) => ShiftError::refused(problems),
        Some(Outcome::NotHolder { run }) => ShiftError::FenceLost(run),
        Some(Outcome::Stuck(why)) => ShiftError::Stuck {
            why,
            share,
            break_glass: break_glass.to_owned(),
        },
        Some(Outcome::Interrupted { back: true }) => {
            interrupted(conducted, "everything was sent back to old".to_owned())
        }
        Some(Outcome::Interrupted { back: false } | Outcome::Completed) | None => interrupted(
            conducted,
            format!("{share} of traffic is on new, and weights stay"),
        ),
    }
}

fn interrupted<S: ToString>(conducted: &Conducted<S>, rest: String) -> ShiftError {
    let stop = conducted.stop.as_ref().map(ToString::to_string);
    ShiftError::Interrupted {
        stop: stop.unwrap_or_else(|| "stopped".to_owned()),
        rest,
    }
}

/// Why everything is on old, for people.
pub(super) fn why_back(causes: &[Cause], external: bool) -> String {
    match causes {
        [] if external => "somebody else, or the guard, has sent it there".to_owned(),
        [] => "an earlier run has sent it there".to_owned(),
        [first, rest @ ..] => {
            let mut text = first.details();
            for cause in rest {
                text = format!("{text}; then {}", cause.details());
            }
            text
        }
    }
}

/// What to do about a pause that nobody wished for.
fn advice_on(pause: &Pause) -> &'static str {
    match pause {
        Pause::Approval(_) | Pause::Staged(_) | Pause::Held(_) => "go on when it is time",
        Pause::InsyncTimeout => "see whether Route 53 accepts changes of the zone",
        Pause::SplitMismatch(_) => "see where traffic goes, and whether new is healthy",
        Pause::Inconclusive(_) => "see whether the gates get enough data",
        Pause::GateClosed(_) => "see what keeps the conditions from holding",
        Pause::NotReady(_) => "mend what the codes name",
        Pause::OldIsCold => "give old back its capacity",
        Pause::Drift(_) => "see who has changed the router",
        Pause::GateBroken(_) | Pause::SharedFault(_) => "mend what the gate shows",
        Pause::Committed(_) => "decide what to do, since there is no automatic way back any more",
        Pause::Blind => "see why nothing can be measured",
        Pause::Refused(_) => "mend what the router refuses",
    }
}
