//! What has come of a run.

use std::sync::Arc;

use cutover_core::Failure;
use cutover_core::validation::report::Report;
use cutover_core::validation::side::{Both, Side};
use cutover_core::writer_switch::control::LogPosition;
use cutover_core::writer_switch::machine::{Outcome, Switch};
use cutover_core::writer_switch::spec::Spec;
use cutover_driver::{Moved, WriterControl};
use pulumi_host::{Context, Error, Settled, Stop};

use super::args::{SwitchWriter, WriterSwitchArgs};
use super::conduct::is_done;
use super::error::SwitchError;
use super::look::look;
use super::narrate::promise;
use super::state::{SwitchPhase, WriterSwitchState, truth};
use super::wish::is_shared;
use crate::migration::duration;
use crate::provider::App;

/// A run that is over.
#[derive(Debug)]
pub(super) struct Ran {
    /// What was wished, as things stood.
    pub(super) spec: Spec,
    /// The report of the comparison within the pause.
    pub(super) report: Option<Box<Report>>,
    /// What it has come to.
    pub(super) moved: Moved<Stop>,
    /// Whether the resource was about to be created.
    pub(super) is_new: bool,
}

/// Says what has come of a run. An error means that nothing was changed, and that there is nothing to keep.
pub(super) async fn settle(
    context: &Context<App>,
    args: &WriterSwitchArgs,
    ran: Ran,
    before: WriterSwitchState,
    writers: &Both<Arc<dyn WriterControl>>,
) -> Result<Settled<WriterSwitchState>, Error> {
    let Ran {
        spec,
        report,
        moved,
        is_new,
    } = ran;
    let is_done = is_done(moved.outcome.as_ref());
    let has_acted = !moved.machine.log().is_empty();
    let mut state = known(&moved.machine, &spec, before);
    if let Some(report) = &report {
        for reason in &report.reasons {
            context
                .log()
                .warn(format!("the comparison within the pause: {reason}"));
        }
    }
    let mut writer = moved.machine.writer().unwrap_or(Side::Source);
    // What is there goes before what was meant to be there.
    if let Ok(looked) = look(writers).await {
        state = state.seen(&looked.seen, is_shared(args));
        if let Some((seen, epoch)) = truth(&looked.seen) {
            writer = seen;
            let found = find_back(context, args, epoch).await;
            // A task that cannot be asked for just now is the one that was known.
            if let (Side::Target, Ok(Some(arn))) = (seen, found) {
                state.back_task_arn = Some(arn);
            }
        }
    }
    state.phase = phase(
        moved.outcome.as_ref(),
        args.writer,
        writer,
        state.epoch > 0.0,
        state.phase,
    );
    let is_ready = is_done && writer == Side::Target && spec.back.is_some();
    state.rollback_ready = is_ready;
    state.rollback_bound = moved.machine.known().lag.filter(|_| is_ready).map(duration);
    state.guarantee = promise(&forth(&spec, args), writer, is_ready);
    state.reasons = Vec::new();
    if is_done {
        context
            .log()
            .info(format!("the {writer} writes; {}", state.guarantee));
        return Ok(Settled::Complete(state));
    }
    let error = error_of(moved, writer);
    let is_error = is_new
        && !has_acted
        && matches!(
            error,
            SwitchError::Failed(_)
                | SwitchError::Database(_)
                | SwitchError::Refused(_)
                | SwitchError::NotHolder { .. }
        );
    if is_error {
        return Err(error.into());
    }
    Ok(unfinished(state, error))
}

/// What was found out on the way.
fn known(machine: &Switch, spec: &Spec, before: WriterSwitchState) -> WriterSwitchState {
    let known = machine.known();
    let millis = |duration: std::time::Duration| duration.as_secs_f64() * 1_000.0;
    let has_changed = known.committed_at.is_some();
    let steps = machine.log().to_vec();
    let checked = known.checked.as_ref();
    let mut state = WriterSwitchState {
        lag_ms: known.lag.map(millis).or(before.lag_ms),
        steps: if steps.is_empty() {
            before.steps.clone()
        } else {
            steps
        },
        ..before
    };
    if let Some(checked) = checked {
        state.verdict = checked.verdict.map(Into::into);
        state.proof = Some(checked.proof.into());
        state.report_digest.clone_from(&checked.report_digest);
    }
    if has_changed {
        state.write_pause_ms = known.pause.map(millis);
        state.committed_at = known.committed_at.map(cutover_core::Timestamp::to_utc);
        state.position = known.position.as_ref().map(place);
        // What was compared before the other change of the writer says nothing about this one.
        if !spec.check {
            (state.verdict, state.proof, state.report_digest) = (None, None, None);
        }
    }
    state
}

fn place(position: &LogPosition) -> String {
    match position {
        LogPosition::Slot { name, lsn } => format!("{lsn} (slot `{name}`)"),
        LogPosition::Binlog { .. } => position.cdc_start(),
    }
}

fn phase(
    outcome: Option<&Outcome>,
    wanted: SwitchWriter,
    writer: Side,
    has_switched: bool,
    before: SwitchPhase,
) -> SwitchPhase {
    match outcome {
        Some(Outcome::Switched) => match (wanted, has_switched) {
            (SwitchWriter::Target, _) => SwitchPhase::Switched,
            (SwitchWriter::Source, true) => SwitchPhase::RolledBack,
            (SwitchWriter::Source, false) => SwitchPhase::Preparing,
        },
        // One that was cut may or may not have had an effect.
        Some(Outcome::Pending { .. }) | None => SwitchPhase::Pending,
        Some(Outcome::Conflict(_)) => SwitchPhase::Held,
        Some(Outcome::CalledOff { .. } | Outcome::Stopped) => SwitchPhase::CalledOff,
        Some(
            Outcome::Refused(_)
            | Outcome::NotHolder { .. }
            | Outcome::Impossible(..)
            | Outcome::Failed(_),
        ) => before_or_held(before, wanted, writer),
    }
}

/// A refusal leaves things as they were; what was where it was asked to be then is asked to be elsewhere now.
fn before_or_held(before: SwitchPhase, wanted: SwitchWriter, writer: Side) -> SwitchPhase {
    let is_there = Side::from(wanted) == writer;
    match before {
        SwitchPhase::Pending => SwitchPhase::Pending,
        _ if is_there => SwitchPhase::Pending,
        _ => SwitchPhase::Held,
    }
}

fn error_of(moved: Moved<Stop>, writer: Side) -> SwitchError {
    if let Some(illegal) = moved.broken {
        return SwitchError::Broken(illegal);
    }
    let stop = moved.stop.map(|stop| stop.to_string());
    match moved.outcome {
        Some(Outcome::Pending { step, reason }) => SwitchError::Pending {
            step: step.name(),
            reason,
        },
        Some(Outcome::CalledOff { reason }) => SwitchError::CalledOff(reason),
        Some(Outcome::Refused(reasons)) => SwitchError::Refused(reasons),
        Some(Outcome::Conflict(text)) => SwitchError::Conflict(text),
        Some(Outcome::NotHolder { side, by }) => SwitchError::NotHolder { side, by },
        Some(Outcome::Impossible(side, failure)) => SwitchError::database(side, failure),
        Some(Outcome::Failed(failure)) => SwitchError::Failed(failure),
        Some(Outcome::Stopped | Outcome::Switched) => SwitchError::Stopped {
            stop: stop.unwrap_or_else(|| "stopped".to_owned()),
            writer,
        },
        None => SwitchError::Cut(stop.unwrap_or_else(|| "stopped".to_owned())),
    }
}

/// The wish towards the target, whatever is wished now: what a rollback gives is said of it.
fn forth(spec: &Spec, args: &WriterSwitchArgs) -> Spec {
    let asked = super::wish::ask(args, 0).spec;
    Spec {
        writer: Side::Target,
        back: asked.and_then(|asked| asked.back),
        ..spec.clone()
    }
}

/// Finds the task that replicates back since an epoch, by its name.
pub(super) async fn find_back(
    context: &Context<App>,
    args: &WriterSwitchArgs,
    epoch: u64,
) -> Result<Option<String>, Failure> {
    let Some(back) = &args.back else {
        return Ok(None);
    };
    let identifier = format!("{}-{epoch}", back.identifier);
    let found = context.app().world.replications.find(&identifier).await?;
    Ok(found.map(|task| task.arn))
}

/// A state that is not what was asked for, with the reason.
pub(super) fn unfinished(
    state: WriterSwitchState,
    error: SwitchError,
) -> Settled<WriterSwitchState> {
    let state = WriterSwitchState {
        reasons: vec![error.to_string()],
        ..state
    };
    Settled::Unfinished {
        state,
        reasons: vec![error.into_reason()],
    }
}
