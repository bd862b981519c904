//! Creating and updating: both go on from wherever the task is.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::replication::fences::{Ready, ready};
use cutover_core::replication::machine::{Outcome, Replicate};
use cutover_core::replication::spec::Spec;
use cutover_core::replication::task::TaskSeen;
use cutover_core::teardown::machine::{Outcome as Torn, Teardown};
use cutover_core::teardown::spec::Spec as Tearing;
use cutover_core::validation::side::{Both, Side};
use cutover_core::writer_switch::control::Control;
use cutover_core::writer_switch::facts::Row;
use cutover_driver::{Ended, Replicating, TearingDown, WriterControl, run};
use futures_util::future::join;
use pulumi_host::{Context, Error, Settled};

use super::args::{ReplicationArgs, ReplicationMarkers};
use super::error::ReplicationError;
use super::state::{ReplicationPhase, ReplicationState};
use super::wish::{ask, given};
use crate::migration::{leave, open, run_name};
use crate::provider::App;

/// How long a task may take to stop: ours; it finishes what it has in hand, which takes minutes at most.
const STOP_LIMIT: Duration = Duration::from_mins(15);

/// How old a transaction must be to be told: ours; here they are of no interest.
const LONG: Duration = Duration::from_hours(24);

/// Brings a replication to where it was asked to be, and says what has come of it.
///
/// # Errors
/// When nothing was changed, and there is nothing to keep.
pub(super) async fn carry_out(
    context: &Context<App>,
    args: &ReplicationArgs,
    prior: Option<ReplicationState>,
) -> Result<Settled<ReplicationState>, Error> {
    let asked = ask(args);
    let Some(spec) = asked.spec else {
        let message = "the inputs of the replication cannot be carried out";
        return Err(Error::invalid(message, asked.problems));
    };
    if args.stopped {
        return stop(context, spec, prior).await;
    }
    let Some(markers) = &args.markers else {
        return replicate(context, spec, None, prior).await;
    };
    let name = run_name(context.app().world.clock.now());
    let opening = context
        .scope()
        .run(open(context.app(), given(markers), &name))
        .await;
    let writers = opening??.writers;
    let settled = match prepare(context, args, markers, &writers).await {
        Ok(Prepared::Forth) => replicate(context, spec, Some(writers.clone()), prior).await,
        Ok(Prepared::Drained(task)) => Ok(drained(context, &spec, task, prior).await),
        Err(error) => not_begun(prior, error),
    };
    leave(&writers).await;
    settled
}

/// What was found and made in both databases.
enum Prepared {
    /// Rows may flow to the target.
    Forth,
    /// The target writes; the task as it is.
    Drained(Option<Box<TaskSeen>>),
}

/// Makes the control schema in both databases where it is missing: the source writes, and the target is closed.
async fn prepare(
    context: &Context<App>,
    args: &ReplicationArgs,
    markers: &ReplicationMarkers,
    writers: &Both<Arc<dyn WriterControl>>,
) -> Result<Prepared, ReplicationError> {
    for side in Side::BOTH {
        let locked = writers.get(side).lock().await;
        if let Err(by) = locked.map_err(|failure| ReplicationError::database(side, failure))? {
            return Err(ReplicationError::NotHolder { side, by });
        }
    }
    let seen = look(writers).await?;
    let arn = args.task_arn.get().cloned().unwrap_or_default();
    let task = context.app().world.replications.fetch(&arn).await;
    let task = task.map_err(ReplicationError::Failed)?;
    let found = ready(&seen, &markers.migration, task.as_ref());
    let sides = match found.map_err(ReplicationError::NotPrepared)? {
        Ready::Forth(sides) => sides,
        Ready::Drained => return Ok(Prepared::Drained(task.map(Box::new))),
    };
    for side in sides {
        let row = Row {
            writer: Side::Source,
            epoch: 0,
        };
        let prepared = writers.get(side).prepare(&row).await;
        prepared.map_err(|failure| ReplicationError::database(side, failure))?;
        context.log().info(match side {
            Side::Source => "the source has its control schema; applications write to it as before",
            Side::Target => {
                "the target has its control schema; applications cannot write to it from now on"
            }
        });
    }
    Ok(Prepared::Forth)
}

/// Looks at both sides.
pub(super) async fn look(
    writers: &Both<Arc<dyn WriterControl>>,
) -> Result<Both<Control>, ReplicationError> {
    let (source, target) = join(writers.source.look(LONG), writers.target.look(LONG)).await;
    Ok(Both {
        source: source.map_err(|failure| ReplicationError::database(Side::Source, failure))?,
        target: target.map_err(|failure| ReplicationError::database(Side::Target, failure))?,
    })
}

/// Leaves the task as it is: everything has come through it, and what it would carry now would go round in a circle.
async fn drained(
    context: &Context<App>,
    spec: &Spec,
    task: Option<Box<TaskSeen>>,
    prior: Option<ReplicationState>,
) -> Settled<ReplicationState> {
    context
        .log()
        .info("the writer has changed; the task stays as it is");
    let state = ReplicationState {
        phase: ReplicationPhase::Drained,
        lag_seconds: None,
        reasons: Vec::new(),
        ..prior.unwrap_or_default()
    };
    let replications = &context.app().world.replications;
    let tables = replications
        .fetch_tables(&spec.arn)
        .await
        .unwrap_or_default();
    Settled::Complete(match task {
        Some(task) => state.seen(&task, &tables),
        None => ReplicationState {
            status: super::look::GONE.to_owned(),
            ..state
        },
    })
}

/// Says that the task was not touched.
fn not_begun(
    prior: Option<ReplicationState>,
    error: ReplicationError,
) -> Result<Settled<ReplicationState>, Error> {
    let Some(state) = prior else {
        return Err(error.into());
    };
    Ok(unfinished(state, error))
}

async fn replicate(
    context: &Context<App>,
    spec: Spec,
    markers: Option<Both<Arc<dyn WriterControl>>>,
    prior: Option<ReplicationState>,
) -> Result<Settled<ReplicationState>, Error> {
    let world = &context.app().world;
    let now = world.clock.now();
    let replicating = Replicating::new(
        Arc::clone(&world.replications),
        markers,
        spec.clone(),
        Arc::clone(&world.clock),
    );
    let machine = Replicate::new(spec, run_name(now), now);
    let log = context.log();
    let mut phase = "";
    let clock = world.clock.as_ref();
    let stopped = context.scope().stopped();
    let ended = run(machine, &replicating, clock, stopped, |machine, why| {
        let standing = machine.standing();
        if phase != standing.phase {
            phase = standing.phase;
            log.info(&standing.text);
        }
        log.status(standing.phase, &why.text);
    })
    .await;
    let before = prior.unwrap_or_default();
    let (mut machine, ended) = match ended {
        Ended::Finished { machine, outcome } => (machine, Ok(outcome)),
        Ended::Stopped { machine, stop } => {
            let at = machine.standing().text;
            let stop = stop.to_string();
            (machine, Err(ReplicationError::Stopped { stop, at }))
        }
        Ended::Broken { machine, illegal } => (machine, Err(ReplicationError::Broken(illegal))),
    };
    for event in machine.take_events() {
        log.info(event.what.to_string());
    }
    let state = state_after(&machine, before);
    settle(context, state, ended)
}

/// What is known after a run.
fn state_after(machine: &Replicate, before: ReplicationState) -> ReplicationState {
    let known = machine.known();
    let state = ReplicationState {
        phase: phase_of(machine.standing().phase),
        lag_seconds: known
            .lag
            .map(|lag| lag.as_secs_f64())
            .or(before.lag_seconds),
        reasons: Vec::new(),
        ..before
    };
    match &known.task {
        Some(task) => state.seen(task, &known.tables),
        None => state,
    }
}

/// The phase of a step, as the plan names steps.
fn phase_of(step: &str) -> ReplicationPhase {
    match step {
        "run" | "load" => ReplicationPhase::Loading,
        "catchUp" => ReplicationPhase::CatchingUp,
        _ => ReplicationPhase::Testing,
    }
}

fn settle(
    context: &Context<App>,
    state: ReplicationState,
    ended: Result<Outcome, ReplicationError>,
) -> Result<Settled<ReplicationState>, Error> {
    let now = || context.app().world.clock.now().to_utc();
    let error = match ended {
        Ok(Outcome::Replicating) => {
            let caught_up_at = state.caught_up_at.clone().or_else(|| Some(now()));
            let lag = state.lag_seconds.unwrap_or_default();
            context
                .log()
                .info(format!("the target follows closely, {lag} s behind"));
            return Ok(Settled::Complete(ReplicationState {
                phase: ReplicationPhase::Replicating,
                caught_up_at,
                ..state
            }));
        }
        Ok(Outcome::Loaded) => {
            context
                .log()
                .info("everything is loaded; this task replicates no changes");
            return Ok(Settled::Complete(ReplicationState {
                phase: ReplicationPhase::Loaded,
                ..state
            }));
        }
        Ok(Outcome::Held { reason, advice }) => {
            let state = ReplicationState {
                phase: ReplicationPhase::Held,
                ..state
            };
            return Ok(unfinished(state, ReplicationError::Held { reason, advice }));
        }
        Ok(Outcome::Impossible { side, failure }) => ReplicationError::database(side, failure),
        Ok(Outcome::Failed(failure)) => ReplicationError::Failed(failure),
        Err(error) => error,
    };
    // Without a status the task was never seen, and so never touched.
    if state.status.is_empty() {
        return Err(error.into());
    }
    Ok(unfinished(state, error))
}

/// Stops the task, and keeps it.
async fn stop(
    context: &Context<App>,
    spec: Spec,
    prior: Option<ReplicationState>,
) -> Result<Settled<ReplicationState>, Error> {
    let world = &context.app().world;
    let now = world.clock.now();
    let tearing = Tearing {
        writer: None,
        tasks: vec![spec.arn.clone()],
        delete_tasks: false,
        release: false,
        instance: None,
        remove_control: false,
        limit: STOP_LIMIT,
        poll: spec.poll,
    };
    let performer = TearingDown {
        writers: None,
        replications: Arc::clone(&world.replications),
    };
    let machine = Teardown::new(tearing, run_name(now), now);
    let log = context.log();
    let stopped = context.scope().stopped();
    let clock = world.clock.as_ref();
    let ended = run(machine, &performer, clock, stopped, |_, why| {
        log.status(why.phase, &why.text);
    })
    .await;
    let (is_untouched, error) = match ended {
        Ended::Finished { machine, outcome } => {
            let error = match outcome {
                Torn::Finished => None,
                Torn::Late(text) => Some(ReplicationError::Late(text)),
                Torn::Failed(failure) => Some(ReplicationError::Failed(failure)),
                Torn::Refused(reason) => Some(ReplicationError::NotPrepared(reason)),
                Torn::NotHolder { side, by } => Some(ReplicationError::NotHolder { side, by }),
                Torn::Impossible(side, failure) => Some(ReplicationError::database(side, failure)),
            };
            (machine.is_untouched(), error)
        }
        Ended::Stopped { machine, stop } => {
            let (stop, at) = (stop.to_string(), "it was being stopped".to_owned());
            (
                machine.is_untouched(),
                Some(ReplicationError::Stopped { stop, at }),
            )
        }
        Ended::Broken { machine, illegal } => (
            machine.is_untouched(),
            Some(ReplicationError::Broken(illegal)),
        ),
    };
    let is_new = prior.is_none();
    let before = prior.unwrap_or_default();
    if let Some(error) = error {
        return if is_new && is_untouched {
            Err(error.into())
        } else {
            Ok(unfinished(before, error))
        };
    }
    log.info("the task stands still, and is kept");
    Ok(Settled::Complete(
        seen_stopped(context, &spec, before).await,
    ))
}

/// Looks at a task that was stopped once more; what cannot be seen is told as it was.
async fn seen_stopped(
    context: &Context<App>,
    spec: &Spec,
    before: ReplicationState,
) -> ReplicationState {
    let state = ReplicationState {
        phase: ReplicationPhase::Stopped,
        lag_seconds: None,
        reasons: Vec::new(),
        ..before
    };
    let replications = &context.app().world.replications;
    let tables = replications
        .fetch_tables(&spec.arn)
        .await
        .unwrap_or_default();
    match replications.fetch(&spec.arn).await {
        Ok(Some(task)) => state.seen(&task, &tables),
        Ok(None) => ReplicationState {
            status: super::look::GONE.to_owned(),
            ..state
        },
        Err(_) => state,
    }
}

fn unfinished(state: ReplicationState, error: ReplicationError) -> Settled<ReplicationState> {
    let reason = error.to_string();
    Settled::Unfinished {
        state: ReplicationState {
            reasons: vec![reason],
            ..state
        },
        reasons: vec![error.into_reason()],
    }
}
