//! Refreshing: looks at both databases, and changes nothing.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::teardown::spec::{BEGUN, DONE};
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::{Both, Side};
use cutover_core::writer_switch::control::{Control, Fence};
use cutover_driver::WriterControl;
use futures_util::future::join;
use pulumi_host::{Context, Found, Prior, ReadResult, Settled};

use super::args::{SwitchWriter, WriterSwitchArgs};
use super::state::{SwitchPhase, WriterNow, WriterSwitchState, truth};
use super::wish::{given, is_shared};
use crate::migration::{leave, open, run_name};
use crate::provider::App;

/// How old a transaction must be to be told: ours; here they are of no interest.
const LONG: Duration = Duration::from_hours(24);

/// How many lines of a journal are looked through for the end of a migration: ours; a finalization writes two, and whatever
/// comes after it is little.
const LINES: u32 = 100;

/// What both databases say.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) seen: Both<Control>,
    /// Whether a finalization has begun at the present epoch.
    pub(super) is_final: bool,
}

/// Looks at both sides.
///
/// # Errors
/// When either cannot be asked.
pub(super) async fn look(
    writers: &Both<Arc<dyn WriterControl>>,
) -> Result<Look, (Side, DbFailure)> {
    let (source, target) = join(writers.source.look(LONG), writers.target.look(LONG)).await;
    let seen = Both {
        source: source.map_err(|failure| (Side::Source, failure))?,
        target: target.map_err(|failure| (Side::Target, failure))?,
    };
    let mut is_final = false;
    for side in Side::BOTH {
        let Some(state) = &seen.get(side).state else {
            continue;
        };
        let lines = writers.get(side).journal(LINES).await;
        let lines = lines.map_err(|failure| (side, failure))?;
        is_final |= lines.iter().any(|line| {
            let step = line.entry.step.as_str();
            line.entry.epoch == state.epoch && (step == BEGUN || step == DONE)
        });
    }
    Ok(Look { seen, is_final })
}

/// Looks at a switch. What cannot be reached keeps what was known.
pub(super) async fn read(
    context: &Context<App>,
    id: &str,
    prior: Option<Prior<WriterSwitchArgs, WriterSwitchState>>,
) -> ReadResult<WriterSwitchArgs, WriterSwitchState> {
    let Some(Prior { args, state }) = prior else {
        return Ok(None);
    };
    let state = match reach(context, &args).await {
        Ok(look) => {
            let task = back_status(context, &state).await;
            stands(state, &args, &look, task)
        }
        Err(why) => {
            context
                .log()
                .warn(format!("{why}; what was known before is kept"));
            state
        }
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

async fn reach(context: &Context<App>, args: &WriterSwitchArgs) -> Result<Look, String> {
    let app = context.app();
    let name = run_name(app.world.clock.now());
    let opened = open(app, given(args), &name).await;
    let writers = opened.map_err(|error| error.to_string())?.writers;
    let look = look(&writers).await;
    leave(&writers).await;
    look.map_err(|(side, failure)| format!("the {side} cannot be looked at: {}", failure.message))
}

/// The status of the task that replicates back; `None` where there is none, or it cannot be seen.
async fn back_status(context: &Context<App>, state: &WriterSwitchState) -> Option<String> {
    let arn = state.back_task_arn.as_deref()?;
    match context.app().world.replications.fetch(arn).await {
        Ok(Some(task)) => Some(task.status),
        Ok(None) => Some("gone".to_owned()),
        Err(_) => None,
    }
}

/// Says how a switch stands, from how it stood and what is there now.
fn stands(
    before: WriterSwitchState,
    args: &WriterSwitchArgs,
    look: &Look,
    back: Option<String>,
) -> WriterSwitchState {
    let before_phase = before.phase;
    let mut state = WriterSwitchState {
        reasons: Vec::new(),
        ..before
    }
    .seen(&look.seen, is_shared(args));
    let Some((writer, epoch)) = truth(&look.seen) else {
        // Nothing of ours is there: nobody has begun, or somebody has cleaned up.
        return state;
    };
    if let Some(reason) = contradiction(&look.seen, writer) {
        state.reasons.push(reason);
    }
    if state.writer == WriterNow::None {
        state
            .reasons
            .push(format!("the {writer} should write, and is closed"));
    }
    let is_at_work = back
        .as_deref()
        .is_none_or(|status| matches!(status, "running" | "replicating"));
    if writer == Side::Target && !look.is_final && !is_at_work {
        let status = back.unwrap_or_default();
        state
            .reasons
            .push(format!("the task that replicates back is `{status}`"));
    }
    if writer == Side::Source || look.is_final || !state.reasons.is_empty() {
        state.rollback_ready = false;
        state.rollback_bound = None;
    }
    state.phase = match (writer, epoch, before_phase) {
        // What is left to do was told by the run that left it.
        (Side::Target, _, SwitchPhase::Pending) if !look.is_final => SwitchPhase::Pending,
        (Side::Target, _, _) if state.reasons.is_empty() || look.is_final => SwitchPhase::Switched,
        (Side::Target, _, _) => SwitchPhase::Pending,
        (Side::Source, 0, SwitchPhase::CalledOff | SwitchPhase::Held) => before_phase,
        (Side::Source, 0, _) => SwitchPhase::Preparing,
        (Side::Source, _, SwitchPhase::Pending) if args.writer == SwitchWriter::Source => {
            SwitchPhase::Pending
        }
        (Side::Source, _, _) => SwitchPhase::RolledBack,
    };
    state
}

/// What a fence says against who the writer is: the other side must be closed.
fn contradiction(seen: &Both<Control>, writer: Side) -> Option<String> {
    let other = writer.other();
    let control = seen.get(other);
    // One whose control schema is gone has been cleaned up; its fence went with it.
    control.state.as_ref()?;
    match control.fence {
        Fence::Closed => None,
        _ => Some(format!(
            "the {writer} is the writer, and the {other} is not closed"
        )),
    }
}
