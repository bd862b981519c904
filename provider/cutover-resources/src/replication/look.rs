//! Refreshing: looks at the task, and changes nothing.

use cutover_core::replication::fences::{Ready, ready};
use cutover_core::replication::task::{TableSeen, TaskSeen};
use pulumi_host::{Context, Found, Prior, ReadResult, Settled};

use super::args::ReplicationArgs;
use super::error::ReplicationError;
use super::state::{ReplicationPhase, ReplicationState};
use super::wish::given;
use crate::migration::{leave, open, run_name};
use crate::provider::App;

/// The status of a task that is not there.
pub(super) const GONE: &str = "gone";

/// Looks at a replication. A task that is gone leaves the resource there, since the control schema is.
pub(super) async fn read(
    context: &Context<App>,
    id: &str,
    prior: Option<Prior<ReplicationArgs, ReplicationState>>,
) -> ReadResult<ReplicationArgs, ReplicationState> {
    let Some(Prior { args, state }) = prior else {
        return Ok(None);
    };
    let replications = &context.app().world.replications;
    let arn = args.task_arn.get().cloned().unwrap_or_default();
    let task = replications.fetch(&arn).await;
    let task = task.map_err(ReplicationError::Failed)?;
    let tables = match &task {
        Some(_) => replications.fetch_tables(&arn).await,
        None => Ok(Vec::new()),
    };
    let tables = tables.map_err(ReplicationError::Failed)?;
    let is_running = task.as_ref().is_some_and(runs);
    let is_drained = !args.stopped && !is_running && has_switched(context, &args).await;
    let state = if is_drained {
        drained(state, task.as_ref(), &tables)
    } else {
        stands(state, args.stopped, task.as_ref(), &tables)
    };
    for reason in &state.reasons {
        context.log().warn(reason);
    }
    Ok(Some(Found {
        id: id.to_owned(),
        args,
        settled: Settled::Complete(state),
    }))
}

/// Tells whether a task runs.
fn runs(task: &TaskSeen) -> bool {
    matches!(task.status.as_str(), "running" | "replicating")
}

/// Tells whether the target writes, so that the task has no reason to run. What cannot be seen has not happened: the next
/// update looks again before it starts anything.
async fn has_switched(context: &Context<App>, args: &ReplicationArgs) -> bool {
    let Some(markers) = &args.markers else {
        return false;
    };
    let app = context.app();
    let name = run_name(app.world.clock.now());
    let Ok(opened) = open(app, given(markers), &name).await else {
        return false;
    };
    let seen = super::conduct::look(&opened.writers).await;
    leave(&opened.writers).await;
    seen.is_ok_and(|seen| ready(&seen, &markers.migration, None) == Ok(Ready::Drained))
}

/// How a replication stands whose target writes.
fn drained(
    before: ReplicationState,
    task: Option<&TaskSeen>,
    tables: &[TableSeen],
) -> ReplicationState {
    let state = ReplicationState {
        phase: ReplicationPhase::Drained,
        lag_seconds: None,
        reasons: Vec::new(),
        ..before
    };
    match task {
        Some(task) => state.seen(task, tables),
        None => ReplicationState {
            status: GONE.to_owned(),
            ..state
        },
    }
}

/// Says how a replication stands, from how it stood and what DMS says now.
fn stands(
    before: ReplicationState,
    stopped: bool,
    task: Option<&TaskSeen>,
    tables: &[TableSeen],
) -> ReplicationState {
    let Some(task) = task else {
        return ReplicationState {
            phase: ReplicationPhase::Held,
            status: GONE.to_owned(),
            reasons: vec!["there is no such task any more".to_owned()],
            ..before
        };
    };
    let phase = phase_of(&before, stopped, task);
    let has_drifted = phase == ReplicationPhase::Held && before.phase != ReplicationPhase::Held;
    let reasons = match phase {
        ReplicationPhase::Held if has_drifted => vec![drift(task)],
        ReplicationPhase::Held => before.reasons.clone(),
        _ => Vec::new(),
    };
    // What was measured is no longer true of a task that does not run.
    let lag_seconds = before
        .lag_seconds
        .filter(|_| phase == ReplicationPhase::Replicating);
    ReplicationState {
        phase,
        lag_seconds,
        reasons,
        ..before
    }
    .seen(task, tables)
}

fn phase_of(before: &ReplicationState, stopped: bool, task: &TaskSeen) -> ReplicationPhase {
    use ReplicationPhase::{
        CatchingUp, Drained, Held, Loaded, Loading, Replicating, Stopped, Testing,
    };
    match (before.phase, runs(task)) {
        (Drained, _) => Drained,
        // One that is meant to stand still does, unless somebody has started it.
        (Stopped, false) => Stopped,
        (Stopped, true) if stopped => Held,
        (Replicating, true) => Replicating,
        (Loaded, _) if task.status != "failed" => Loaded,
        (Held, _) => Held,
        (_, true) if task.loaded_at.is_some() => CatchingUp,
        (_, true) => Loading,
        (Testing, false) if !task.has_run => Testing,
        (_, false) => Held,
    }
}

fn drift(task: &TaskSeen) -> String {
    let because = task.stop_reason.as_ref().or(task.failure.as_ref());
    let because = because.map_or_else(String::new, |reason| format!(": {reason}"));
    format!("the task is `{}`{because}", task.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(status: &str) -> TaskSeen {
        TaskSeen {
            status: status.to_owned(),
            has_run: true,
            stop_reason: Some("FATAL_ERROR".to_owned()).filter(|_| status == "failed"),
            ..TaskSeen::default()
        }
    }

    fn before(phase: ReplicationPhase) -> ReplicationState {
        ReplicationState {
            phase,
            lag_seconds: Some(1.0),
            ..ReplicationState::default()
        }
    }

    #[test]
    fn a_task_that_runs_on_is_no_drift() {
        let state = stands(
            before(ReplicationPhase::Replicating),
            false,
            Some(&task("running")),
            &[],
        );

        assert_eq!(state.phase, ReplicationPhase::Replicating);
        assert_eq!(state.lag_seconds, Some(1.0));
        assert_eq!(state.reasons, [""; 0]);
    }

    #[test]
    fn a_task_that_failed_or_is_gone_is_told_with_its_reason() {
        let failed = stands(
            before(ReplicationPhase::Replicating),
            false,
            Some(&task("failed")),
            &[],
        );
        assert_eq!(failed.phase, ReplicationPhase::Held);
        assert_eq!(failed.reasons, ["the task is `failed`: FATAL_ERROR"]);
        assert_eq!(failed.lag_seconds, None);
        assert!(!failed.phase.is_settled(false));

        let gone = stands(before(ReplicationPhase::Replicating), false, None, &[]);
        assert_eq!(
            (gone.phase, gone.status.as_str()),
            (ReplicationPhase::Held, GONE)
        );
    }

    #[test]
    fn a_stopped_task_that_somebody_started_is_drift_and_one_that_stands_still_is_not() {
        let started = stands(
            before(ReplicationPhase::Stopped),
            true,
            Some(&task("running")),
            &[],
        );
        assert!(!started.phase.is_settled(true));

        let still = stands(
            before(ReplicationPhase::Stopped),
            true,
            Some(&task("stopped")),
            &[],
        );
        assert!(still.phase.is_settled(true));
    }
}
