//! Creating and updating: both conduct the shift from wherever it is.

use std::time::Duration;

use cutover_core::shift::check::{Accepted, check_timeout, check_write_policy};
use cutover_core::shift::machine::{Desired, Orders, Outcome, Shift};
use cutover_core::shift::plan::plan;
use cutover_core::shift::render::render_duration;
use cutover_core::shift::spec::{Router, Spec};
use cutover_driver::{Conducted, Herald, Shifting, Tell, conduct};
use pulumi_host::{Context, Error, Settled, Stop};
use pulumi_value::Output;

use super::WeightedShiftArgs;
use super::error::ShiftError;
use super::identity::run_id;
use super::narrate::{event_line, failure_of, state_after, status_line};
use super::state::{ShiftPhase, WeightedShiftState};
use super::wish::{Asked, ask, orders};
use crate::provider::App;
use crate::writer_switch::WritePolicy;

/// What may come upon the longest time of a plan: ours; a day covers the highest TTL that is lowered first.
const TIMEOUT_MARGIN: Duration = Duration::from_hours(24);

/// How long an operation may take when the program does not say: what the plan takes at most, waiting for a person as
/// long again at each step as for its conditions, and a margin.
pub(super) fn timeout(args: &WeightedShiftArgs) -> Duration {
    let Some(spec) = ask(args, "timeout").spec else {
        return TIMEOUT_MARGIN;
    };
    let people = spec
        .steps
        .iter()
        .map(|_| spec.policy.gate_timeout)
        .fold(Duration::ZERO, Duration::saturating_add);
    plan(&spec, None)
        .duration_max()
        .saturating_add(people)
        .saturating_add(TIMEOUT_MARGIN)
}

/// Reads arguments that Check has let through.
pub(super) fn read(args: &WeightedShiftArgs, id: &str) -> Result<(Spec, Asked), Error> {
    let mut asked = ask(args, id);
    match asked.spec.take() {
        Some(spec) => Ok((spec, asked)),
        None => Err(Error::invalid(
            "the inputs of the shift cannot be carried out",
            asked.problems,
        )),
    }
}

/// Carries out the shift from wherever it is, and says what has come of it.
pub(super) async fn carry_out(
    context: &Context<App>,
    args: &WeightedShiftArgs,
    id: &str,
    prior: Option<WeightedShiftState>,
) -> Result<(Spec, Settled<WeightedShiftState>), Error> {
    let (spec, asked) = read(args, id)?;
    let orders = Orders {
        adopted: prior.as_ref().and_then(WeightedShiftState::adopted),
        ..orders(args)
    };
    check_limit(context, &spec, &orders, prior.as_ref())?;
    check_writes(args, &orders, prior.as_ref())?;
    let mut conducted = walk(context, &spec, asked, orders).await;
    let is_new = prior.is_none();
    let state = state_after(&conducted, &spec, prior);
    let settled = settle(context, args, &spec, &mut conducted, state, is_new)?;
    Ok((spec, settled))
}

/// Conducts the shift, and tells people what happens.
pub(super) async fn walk(
    context: &Context<App>,
    spec: &Spec,
    asked: Asked,
    orders: Orders,
) -> Conducted<Stop> {
    let world = &context.app().world;
    let traffic = &world.traffic;
    let now = world.clock.now();
    let shift = Shift::new(spec.clone(), orders, run_id(now), now);
    let herald = Herald::new(
        &spec.id,
        asked.notify,
        traffic.topics.clone(),
        traffic.metrics.clone(),
        world.clock.clone(),
    );
    let shifting = Shifting::new(
        traffic.clone(),
        world.clock.clone(),
        spec.clone(),
        asked.sources,
        asked.guard,
    );
    let log = context.log();
    conduct(
        shift,
        &shifting,
        world.clock.as_ref(),
        &herald,
        context.scope().stopped(),
        |shift, tell| match tell {
            Tell::Event(event) => match event_line(event) {
                (true, line) => log.warn(line),
                (false, line) => log.info(line),
            },
            Tell::Waiting(why) => {
                let (phase, line) = status_line(shift, spec, world.clock.now());
                match why.phase {
                    // What does not work is what a person waits for.
                    "retry" => log.status(&phase, &format!("{phase}: {}, {line}", why.text)),
                    _ => log.status(&phase, &line),
                }
            }
        },
    )
    .await
}

/// Refuses a time limit of the program's that what is left of the plan cannot meet.
fn check_limit(
    context: &Context<App>,
    spec: &Spec,
    orders: &Orders,
    prior: Option<&WeightedShiftState>,
) -> Result<(), Error> {
    let Some(limit) = context.scope().remaining() else {
        return Ok(());
    };
    if prior.is_some_and(|state| state.phase == ShiftPhase::Completed) {
        return Ok(());
    }
    let done = prior.and_then(|state| state.step_index);
    let done = done.map_or(0, |step| {
        usize::try_from(step)
            .unwrap_or(usize::MAX)
            .saturating_add(1)
    });
    let needed = plan(spec, None).left_min(done, spec.policy.mode, orders.desired);
    // It has begun to run a moment ago.
    let begun = u64::from(limit.subsec_nanos() > 0);
    let limit = Duration::from_secs(limit.as_secs().saturating_add(begun));
    match check_timeout(limit, needed) {
        Some(problem) => Err(ShiftError::Refused(vec![problem]).into()),
        None => Ok(()),
    }
}

/// Refuses to send traffic where nothing can be written. One that is where it should be stays there.
fn check_writes(
    args: &WeightedShiftArgs,
    orders: &Orders,
    prior: Option<&WeightedShiftState>,
) -> Result<(), Error> {
    let policy = args.write_policy.as_ref().and_then(Output::get);
    let accepted = policy.map(|policy| match policy {
        WritePolicy::Any => Accepted::Any,
        WritePolicy::OldOnly => Accepted::Old,
        WritePolicy::NewOnly => Accepted::New,
        WritePolicy::None => Accepted::None,
    });
    let is_there = prior.is_some_and(|state| match orders.desired {
        Desired::Shift | Desired::New => state.phase == ShiftPhase::Completed,
        Desired::Old => state.phase == ShiftPhase::RolledBack,
        Desired::Hold => true,
    });
    let problem = accepted.and_then(|accepted| check_write_policy(accepted, orders.desired));
    match problem {
        Some(problem) if !is_there => Err(ShiftError::Refused(vec![problem]).into()),
        _ => Ok(()),
    }
}

/// Says whether the run has failed, and how. An error means that nothing was written.
fn settle(
    context: &Context<App>,
    args: &WeightedShiftArgs,
    spec: &Spec,
    conducted: &mut Conducted<Stop>,
    state: WeightedShiftState,
    is_new: bool,
) -> Result<Settled<WeightedShiftState>, Error> {
    for message in &state.undelivered {
        let line = format!("the notification `{message}` did not arrive");
        context.log().warn(line);
    }
    if let Some(outcome) = &conducted.outcome
        && !outcome.is_failure(&spec.policy)
    {
        conclude(context, args, spec, outcome, &state);
        return Ok(Settled::Complete(state));
    }
    let is_refused = matches!(conducted.outcome, Some(Outcome::Refused(_)));
    let is_untouched = is_new && conducted.shift.is_untouched();
    let is_error = is_refused || is_untouched && conducted.broken.is_none();
    let stop = conducted.stop;
    let error = failure_of(conducted, spec, &state.break_glass);
    match (is_error, stop) {
        (true, Some(stop)) if !is_refused => Err(stop.into()),
        (true, _) => Err(error.into()),
        (false, _) => Ok(Settled::Unfinished {
            state,
            reasons: vec![error.into_reason()],
        }),
    }
}

/// Says how a run that has not failed has ended, and what comes next.
fn conclude(
    context: &Context<App>,
    args: &WeightedShiftArgs,
    spec: &Spec,
    outcome: &Outcome,
    state: &WeightedShiftState,
) {
    use cutover_core::shift::events::Pause;
    let log = context.log();
    let steps = spec.steps.len();
    let share = state.requested_share;
    match outcome {
        Outcome::Paused(Pause::Approval(step)) => log.warn(format!(
            "paused with {share} % on new: step {0} of {steps} waits for a person; set `approvedThrough: {0}` and run \
             `pulumi up`; nobody watches the gates until then",
            step + 1
        )),
        Outcome::Paused(Pause::Staged(step)) => log.info(format!(
            "paused with {share} % on new: step {} of {steps} is done; the next `pulumi up` looks at its gates once more \
             and enters the next step",
            step + 1
        )),
        Outcome::Paused(pause) => log.warn(format!(
            "paused with {share} % on new: {}; nobody watches the gates until the next `pulumi up`",
            pause.details()
        )),
        Outcome::RolledBack { .. } => {
            let reason = state.reason.as_deref().unwrap_or("it was asked for");
            log.warn(format!(
                "everything is on old ({reason}); nothing happens until `attempt` is more than {}",
                args.attempt
            ));
        }
        Outcome::Completed => log.info(format!(
            "everything is on new; a way back at any time: {}",
            render_way_back(spec)
        )),
        Outcome::Interrupted { .. }
        | Outcome::Refused(_)
        | Outcome::NotHolder { .. }
        | Outcome::Stuck(_) => {}
    }
}

fn render_way_back(spec: &Spec) -> String {
    let how = match &spec.router {
        Router::Route53 { .. } => "`cutover rollback`",
        Router::Alb { .. } => "the command in the output `breakGlass`",
    };
    let budget = render_duration(spec.policy.rollback.budget);
    format!("{how}, which takes up to {budget}")
}
