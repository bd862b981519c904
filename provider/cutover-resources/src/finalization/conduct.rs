//! Creating and updating: both wait without waiting, and carry it out when it is time.

use std::sync::Arc;

use cutover_core::teardown::machine::{Outcome, Teardown};
use cutover_core::teardown::spec::{Chore, Spec};
use cutover_core::validation::side::{Both, Side};
use cutover_driver::{Ended, TearingDown, WriterControl, run};
use pulumi_host::{Context, Error, Settled};

use super::args::FinalizationArgs;
use super::error::FinalizationError;
use super::state::{FinalizationPhase, FinalizationState};
use super::wish::{ask, given};
use crate::migration::{leave, open, run_name};
use crate::provider::App;

/// How many lines of the journal are kept: ours; a migration with some attempts writes fewer.
const LINES: u32 = 200;

/// Ends a migration if it is time, and says what has come of it.
///
/// # Errors
/// When nothing was changed, and there is nothing to keep.
pub(super) async fn carry_out(
    context: &Context<App>,
    args: &FinalizationArgs,
    prior: Option<FinalizationState>,
) -> Result<Settled<FinalizationState>, Error> {
    let asked = ask(args);
    let (Some(spec), Some(due_at)) = (asked.spec, asked.due_at) else {
        let message = "the inputs of the finalization cannot be carried out";
        return Err(Error::invalid(message, asked.problems));
    };
    let app = context.app();
    let now = app.world.clock.now();
    let has_begun = prior.as_ref().is_some_and(|state| {
        matches!(
            state.phase,
            FinalizationPhase::Unfinished | FinalizationPhase::Finalized
        )
    });
    let before = prior.clone().unwrap_or_else(|| FinalizationState {
        phase: FinalizationPhase::Waiting,
        due_at: String::new(),
        finalized_at: None,
        steps: Vec::new(),
        journal: Vec::new(),
        reasons: Vec::new(),
    });
    let before = FinalizationState {
        due_at: due_at.to_utc(),
        reasons: Vec::new(),
        ..before
    };
    if due_at > now && !has_begun {
        context.log().info(format!(
            "the safety period lasts until {}; the first `pulumi up` after that finalizes the migration",
            before.due_at
        ));
        return Ok(Settled::Complete(FinalizationState {
            phase: FinalizationPhase::Waiting,
            ..before
        }));
    }
    let name = run_name(now);
    let writers = match context.scope().run(open(app, given(args), &name)).await {
        Ok(Ok(opened)) => opened.writers,
        Ok(Err(error)) => {
            return not_begun(prior.is_some(), before, FinalizationError::Database(error));
        }
        Err(stop) => return Err(stop.into()),
    };
    let settled = tear_down(context, spec, &writers, &name, prior.is_some(), before).await;
    leave(&writers).await;
    settled
}

async fn tear_down(
    context: &Context<App>,
    spec: Spec,
    writers: &Both<Arc<dyn WriterControl>>,
    name: &str,
    has_prior: bool,
    before: FinalizationState,
) -> Result<Settled<FinalizationState>, Error> {
    let world = &context.app().world;
    let mut state = before;
    if spec.remove_control {
        // It goes with the control schema; one that is gone already was kept by an earlier run.
        if let Some(journal) = journal(writers).await {
            state.journal = journal;
        }
    }
    let performer = TearingDown {
        writers: Some(writers.clone()),
        replications: Arc::clone(&world.replications),
    };
    let machine = Teardown::new(spec, name.to_owned(), world.clock.now());
    let log = context.log();
    let stopped = context.scope().stopped();
    let ended = run(
        machine,
        &performer,
        world.clock.as_ref(),
        stopped,
        |_, why| {
            log.status(why.phase, &why.text);
        },
    )
    .await;
    let (machine, error) = match ended {
        Ended::Finished { machine, outcome } => (machine, error_of(outcome)),
        Ended::Stopped { machine, stop } => (
            machine,
            Some(FinalizationError::Unfinished(format!("it was {stop}"))),
        ),
        Ended::Broken { machine, illegal } => (machine, Some(FinalizationError::Broken(illegal))),
    };
    state.steps = machine.done().iter().map(Chore::text).collect();
    match error {
        None => {
            log.info("the migration is finalized; the source stays closed");
            Ok(Settled::Complete(FinalizationState {
                phase: FinalizationPhase::Finalized,
                finalized_at: state
                    .finalized_at
                    .clone()
                    .or_else(|| Some(world.clock.now().to_utc())),
                ..state
            }))
        }
        Some(error) if machine.is_untouched() => not_begun(has_prior, state, error),
        Some(error) => Ok(unfinished(FinalizationPhase::Unfinished, state, error)),
    }
}

/// The last lines of the target's journal; `None` where there is none.
async fn journal(writers: &Both<Arc<dyn WriterControl>>) -> Option<Vec<String>> {
    let lines = writers.get(Side::Target).journal(LINES).await.ok()?;
    let text = |line: cutover_driver::Noted| {
        let entry = line.entry;
        format!(
            "{} epoch {} {} ({}): {}",
            line.at, entry.epoch, entry.step, entry.run, entry.text
        )
    };
    Some(lines.into_iter().map(text).collect::<Vec<_>>()).filter(|lines| !lines.is_empty())
}

fn error_of(outcome: Outcome) -> Option<FinalizationError> {
    Some(match outcome {
        Outcome::Finished => return None,
        Outcome::Refused(reason) => FinalizationError::Refused(reason),
        Outcome::NotHolder { side, by } => FinalizationError::NotHolder { side, by },
        Outcome::Late(text) => FinalizationError::Unfinished(text),
        Outcome::Impossible(side, failure) => FinalizationError::database(side, failure),
        Outcome::Failed(failure) => FinalizationError::Failed(failure),
    })
}

/// Says that nothing was changed.
fn not_begun(
    has_prior: bool,
    state: FinalizationState,
    error: FinalizationError,
) -> Result<Settled<FinalizationState>, Error> {
    if has_prior {
        let phase = match state.phase {
            FinalizationPhase::Waiting => FinalizationPhase::Due,
            phase => phase,
        };
        return Ok(unfinished(phase, state, error));
    }
    Err(error.into())
}

fn unfinished(
    phase: FinalizationPhase,
    state: FinalizationState,
    error: FinalizationError,
) -> Settled<FinalizationState> {
    Settled::Unfinished {
        state: FinalizationState {
            phase,
            reasons: vec![error.to_string()],
            ..state
        },
        reasons: vec![error.into_reason()],
    }
}
