//! What a preview shows: the timeline, what it costs in calls, what the bakes can tell, and what stands against it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::pin::pin;
use std::time::Duration;

use cutover_core::shift::break_glass::render_break_glass;
use cutover_core::shift::compare::{power, render_power};
use cutover_core::shift::facts::{Command, Fact, JournalRead, Live};
use cutover_core::shift::gates::{GateKind, Limit, Part, Reading, SeriesId, Side};
use cutover_core::shift::journal::Mark;
use cutover_core::shift::plan::plan;
use cutover_core::shift::problem::{Level, Problem};
use cutover_core::shift::render::{render_duration, render_plan};
use cutover_core::shift::sources::{self, Query};
use cutover_core::shift::spec::Spec;
use cutover_core::weights::Share;
use cutover_core::{Failure, Timestamp};
use cutover_driver::{Perform as _, Shifting};
use futures_util::future::{Either, select};
use pulumi_host::{Context, Error, Preview, Prior};

use super::WeightedShiftArgs;
use super::diff::is_another_router;
use super::error::ShiftError;
use super::identity::shift_id;
use super::state::{Foreseen, ShiftPhase, WeightedShiftState, planned};
use super::wish::{Asked, ask};
use crate::provider::App;

/// How long a preview looks before it leaves things unknown: ours; people watch it.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// How far back traffic is looked at to say what a bake can tell: stated.
const TRAFFIC_WITHIN: Duration = Duration::from_hours(1);

/// The length of the periods in which it is read: ours; sums do not depend on it.
const PERIOD_SECONDS: u32 = 60;

/// The longest pause between two looks at the gates: stated.
const TICK: Duration = Duration::from_secs(30);

/// How often it is looked whether somebody else has changed the router: stated.
const DRIFT: Duration = Duration::from_mins(1);

/// Calls that come with each step: stated.
const CALLS_OF_A_STEP: u64 = 15;

/// Shows what `pulumi up` would do. Nothing is written.
pub(super) async fn preview(
    context: &Context<App>,
    args: &WeightedShiftArgs,
    prior: Option<&Prior<WeightedShiftArgs, WeightedShiftState>>,
) -> Result<Preview, Error> {
    let log = context.log();
    let id = prior.map_or_else(
        || shift_id(context.urn()),
        |prior| prior.state.shift_id.clone(),
    );
    let asked = ask(args, &id);
    for warning in &asked.warnings {
        log.warn(told(warning));
    }
    let Some(spec) = &asked.spec else {
        // Check has told what is wrong.
        return Ok(Preview::unknown());
    };
    if let Some(prior) = prior
        && prior.state.phase.is_live()
        && is_another_router(&prior.args.router, &args.router)
    {
        let phase = format!("it is {:?}", prior.state.phase);
        return Err(ShiftError::Replaced(phase).into());
    }
    if !asked.whole {
        log.warn("some inputs are not known yet, so that neither records nor gates were looked at");
        log.info(describe(spec, None, &BTreeMap::new()));
        return Ok(Preview::known(&foreseen(spec, false)));
    }
    let looked = look(context, spec, &asked).await;
    if looked.is_none() {
        log.warn("AWS did not answer in time, so that neither records nor gates were looked at");
    }
    let live = looked.as_ref().and_then(|looked| looked.live.as_ref());
    let series = looked.as_ref().map(|looked| looked.series.clone());
    let series = series.unwrap_or_default();
    let mut text = describe(spec, live, &series);
    if let Some(line) = standing(args, spec, live, prior.map(|prior| &prior.state)) {
        text = format!("{line}\n{text}");
    }
    log.info(text);
    if let Some(looked) = looked {
        for failure in &looked.failures {
            let error = ShiftError::Failed(failure.clone());
            log.warn(format!("a look has failed: {}", error.into_reason()));
        }
        let is_live = live_step(looked.live.as_ref()).is_some();
        report(context, looked.problems, is_live);
    }
    Ok(Preview::known(&foreseen(spec, true)))
}

fn foreseen(spec: &Spec, is_whole: bool) -> Foreseen {
    Foreseen {
        plan: planned(spec),
        break_glass: is_whole.then(|| render_break_glass(spec)),
        shift_id: spec.id.clone(),
    }
}

fn told(problem: &Problem) -> String {
    format!("{}: `{}`: {}", problem.code, problem.path, problem.message)
}

/// Tells what stands against a beginning. It is no error yet: the program may be about to mend it with resources of
/// other providers.
fn report(context: &Context<App>, problems: Vec<Problem>, is_live: bool) {
    let (refusing, warnings): (Vec<_>, Vec<_>) = problems
        .into_iter()
        .partition(|problem| problem.level == Level::Error);
    for warning in &warnings {
        context.log().warn(told(warning));
    }
    for problem in &refusing {
        let when = if is_live {
            "the next step will not be entered as it is now"
        } else {
            "`pulumi up` will refuse it as it is now"
        };
        context.log().warn(format!("{when}: {}", told(problem)));
    }
}

/// What a look has brought.
struct Looked {
    live: Option<Live>,
    problems: Vec<Problem>,
    series: BTreeMap<SeriesId, Reading>,
    failures: Vec<Failure>,
}

/// Looks at records, gates and traffic, but not for long.
async fn look(context: &Context<App>, spec: &Spec, asked: &Asked) -> Option<Looked> {
    let world = &context.app().world;
    let shifting = Shifting::new(
        world.traffic.clone(),
        world.clock.clone(),
        spec.clone(),
        asked.sources.clone(),
        asked.guard.clone(),
    );
    let looks = async {
        let mut looked = Looked {
            live: None,
            problems: Vec::new(),
            series: BTreeMap::new(),
            failures: Vec::new(),
        };
        match shifting.perform(&Command::FetchLive).await {
            Fact::Live(live) => looked.live = Some(live),
            Fact::Failed(failure) => {
                // The rest would fail alike.
                looked.failures.push(failure);
                return looked;
            }
            _ => {}
        }
        let step = live_step(looked.live.as_ref()).map_or(0, |step| {
            step.saturating_add(1)
                .min(spec.steps.len().saturating_sub(1))
        });
        match shifting.perform(&Command::FetchReadiness { step }).await {
            Fact::Ready { problems, .. } => looked.problems = problems,
            Fact::Failed(failure) => looked.failures.push(failure),
            _ => {}
        }
        match traffic_of(context, spec, asked).await {
            Ok(series) => looked.series = series,
            Err(failure) => looked.failures.push(failure),
        }
        looked
    };
    let limit = world.clock.sleep_until(world.clock.now().after(LOOK_MAX));
    // Nothing but looks is under way, so it may be dropped.
    match select(pin!(looks), limit).await {
        Either::Left((looked, _)) => Some(looked),
        Either::Right(_) => None,
    }
}

/// Reads what the rates of the first step's gates were made of lately, on both sides.
async fn traffic_of(
    context: &Context<App>,
    spec: &Spec,
    asked: &Asked,
) -> Result<BTreeMap<SeriesId, Reading>, Failure> {
    let world = &context.app().world;
    let gates = spec.steps.first().map(|step| step.gates.as_slice());
    let mut series = Vec::new();
    for gate in gates.unwrap_or_default() {
        let known = asked.sources.series.iter();
        let own = known.filter(|(id, _)| id.gate == gate.name && gate.kind == GateKind::Ratio);
        series.extend(own.map(|(id, metrics)| {
            let queries = metrics.iter().map(|metric| Query {
                metric: metric.clone(),
                period_seconds: PERIOD_SECONDS,
            });
            (id.clone(), queries.collect())
        }));
    }
    if series.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wire = sources::wire(
        series
            .iter()
            .flat_map(|(_, queries): &sources::Asked| queries),
    );
    let until = world.clock.now();
    let within = i64::try_from(TRAFFIC_WITHIN.as_millis()).unwrap_or(0);
    let from = Timestamp::from_unix_millis(until.unix_millis().saturating_sub(within));
    let answers = world
        .traffic
        .metrics
        .fetch_series(&wire, from, until)
        .await?;
    Ok(sources::readings(&series, &wire, &answers))
}

/// The step that is on, when a shift is live.
fn live_step(live: Option<&Live>) -> Option<usize> {
    let JournalRead::Entry(entry) = &live?.journal else {
        return None;
    };
    matches!(entry.mark, Mark::Going | Mark::Baked)
        .then(|| usize::try_from(entry.step).ok())
        .flatten()
}

/// Says from where `pulumi up` would go on, when there is something to go on from.
fn standing(
    args: &WeightedShiftArgs,
    spec: &Spec,
    live: Option<&Live>,
    prior: Option<&WeightedShiftState>,
) -> Option<String> {
    let steps = spec.steps.len();
    if let Some(step) = live_step(live) {
        let phase = prior.map_or(ShiftPhase::Paused, |prior| prior.phase);
        let reason = prior.and_then(|prior| prior.reason.clone());
        let why = reason
            .map(|reason| format!(", {reason}"))
            .unwrap_or_default();
        return Some(format!(
            "the shift is live: {phase:?}({}){why}; `pulumi up` looks at the gates over all the time since and goes on \
             from step {} of {steps}",
            step + 1,
            step + 1
        ));
    }
    let rolled_back = prior.is_some_and(|prior| prior.phase == ShiftPhase::RolledBack);
    if let Some(Live {
        journal: JournalRead::Entry(entry),
        ..
    }) = live
        && entry.shift == spec.id
    {
        return match entry.mark {
            Mark::RolledBack if args.attempt > entry.attempt => Some(format!(
                "attempt {} begins again from step 1, after the rollback of attempt {}",
                args.attempt, entry.attempt
            )),
            Mark::RolledBack => Some(format!(
                "attempt {} went back to old; nothing happens until `attempt` is {}",
                entry.attempt,
                entry.attempt.saturating_add(1)
            )),
            Mark::Back => Some("`pulumi up` finishes the way back to old".to_owned()),
            Mark::Completed => Some("the shift is complete; nothing is left to be done".to_owned()),
            Mark::Preparing | Mark::Going | Mark::Baked => None,
        };
    }
    rolled_back.then(|| "everything went back to old".to_owned())
}

/// Puts the text together that a reviewer approves.
fn describe(spec: &Spec, live: Option<&Live>, series: &BTreeMap<SeriesId, Reading>) -> String {
    let found = live.and_then(|live| live.ttl_seconds);
    let plan = plan(spec, found);
    let mut text = render_plan(&plan);
    let calls = calls(spec);
    // Writing to a string does not fail.
    let _ = writeln!(text, "calls of AWS: {calls}");
    for line in powers(spec, series) {
        let _ = writeln!(text, "{line}");
    }
    let _ = write!(
        text,
        "a rollback takes up to {} from the decision until traffic is back",
        render_duration(spec.policy.rollback.budget)
    );
    text
}

/// What the plan costs in calls, in all and for an hour of bake.
fn calls(spec: &Spec) -> String {
    let hour = Duration::from_hours(1);
    let per_hour = |every: Duration| -> u64 {
        u64::try_from(hour.as_millis() / every.as_millis().max(1)).unwrap_or(u64::MAX)
    };
    let of_a_step = |gates: &[cutover_core::shift::gates::Gate]| -> u64 {
        let shortest = gates.iter().map(|gate| gate.period).min().unwrap_or(TICK);
        let is_series = gates.iter().any(|gate| gate.kind != GateKind::Alarm);
        let is_alarm = gates.iter().any(|gate| gate.kind == GateKind::Alarm);
        let ticks = per_hour(shortest.min(TICK));
        let mut calls = per_hour(DRIFT) + per_hour(spec.policy.heartbeat);
        calls += u64::from(is_series) * ticks + u64::from(is_alarm) * ticks;
        calls + spec.policy.control_poll.map_or(0, per_hour)
    };
    let most = spec.steps.iter().map(|step| of_a_step(&step.gates)).max();
    let total: u64 = spec
        .steps
        .iter()
        .map(|step| {
            let bake = of_a_step(&step.gates) * step.bake.as_secs() / 3_600;
            bake + CALLS_OF_A_STEP
        })
        .sum();
    format!(
        "about {total} in all, up to {} in an hour of bake, {CALLS_OF_A_STEP} for each step",
        most.unwrap_or(0)
    )
}

/// What each bake can tell by the first gate on a rate that has had traffic, from the last hour's.
fn powers(spec: &Spec, series: &BTreeMap<SeriesId, Reading>) -> Vec<String> {
    let sum = |gate: &str, part: Part| -> f64 {
        let of = |side: Side| {
            let id = SeriesId {
                gate: gate.to_owned(),
                side,
                part,
            };
            match series.get(&id) {
                Some(Reading::Points(points)) => points
                    .iter()
                    .map(|point| point.value)
                    .filter(|value| value.is_finite() && *value > 0.0)
                    .sum(),
                Some(Reading::Failed(_)) | None => 0.0,
            }
        };
        of(Side::Old) + of(Side::New)
    };
    let gates = spec.steps.first().map(|step| step.gates.as_slice());
    let mut rates = gates
        .unwrap_or_default()
        .iter()
        .filter(|gate| gate.kind == GateKind::Ratio);
    let Some((gate, total)) = rates.find_map(|gate| {
        let total = sum(&gate.name, Part::Total);
        (total > 0.0).then_some((gate, total))
    }) else {
        return Vec::new();
    };
    let (Limit::Max(limit) | Limit::Min(limit)) = gate.limit;
    let usual = sum(&gate.name, Part::Bad) / total;
    // Without any failure there is nothing to double; half of what is allowed stands for it.
    let rate = if usual > 0.0 { usual } else { limit / 2.0 };
    let minutes = TRAFFIC_WITHIN.as_secs_f64() / 60.0;
    let steps = spec.steps.iter().enumerate();
    steps
        .filter(|(_, step)| step.share < Share::FULL)
        .map(|(index, step)| {
            let power = power(
                total / minutes,
                step.share.fraction(),
                step.bake,
                rate,
                spec.policy.design_effect,
            );
            let told = render_power(&power, rate);
            format!("step {}, {}: {told}", index + 1, gate.name)
        })
        .collect()
}
