//! What a preview shows: the timeline, what it costs in calls, what the bakes can tell, and what stands against it.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use cutover_core::Failure;
use cutover_core::shift::break_glass::render_break_glass;
use cutover_core::shift::facts::{Command, Fact, Live};
use cutover_core::shift::forecast::{
    TRAFFIC_WITHIN, calls, gates_on_rates, render_calls, render_telling, tellings,
};
use cutover_core::shift::gates::{Reading, SeriesId};
use cutover_core::shift::journal::Mark;
use cutover_core::shift::plan::plan;
use cutover_core::shift::problem::{Level, Problem};
use cutover_core::shift::render::{render_duration, render_plan};
use cutover_core::shift::sources::{self, Query};
use cutover_core::shift::spec::Spec;
use cutover_driver::{Perform as _, Shifting};
use futures_util::future::{Either, select};
use pulumi_host::{Context, Error, Preview, Prior};

use super::WeightedShiftArgs;
use super::diff::is_another_router;
use super::error::ShiftError;
use super::identity::shift_id;
use super::look::own_entry;
use super::state::{Foreseen, ShiftPhase, WeightedShiftState, planned};
use super::wish::{Asked, ask};
use crate::provider::App;

/// How long a preview looks before it leaves things unknown: ours; people watch it.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// The length of the periods in which it is read: ours; sums do not depend on it.
const PERIOD_SECONDS: u32 = 60;

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
        let phase = prior.state.phase.words();
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
        let is_live = live_step(spec, looked.live.as_ref()).is_some();
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
        let step = live_step(spec, looked.live.as_ref()).map_or(0, |step| {
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
    let mut series = Vec::new();
    for gate in gates_on_rates(spec) {
        let known = asked.sources.series.iter();
        let own = known.filter(|(id, _)| id.gate == gate.name);
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
    let from = until.before(TRAFFIC_WITHIN);
    let answers = world
        .traffic
        .metrics
        .fetch_series(&wire, from, until)
        .await?;
    Ok(sources::readings(&series, &wire, &answers))
}

/// The step that is on, when this shift is live.
fn live_step(spec: &Spec, live: Option<&Live>) -> Option<usize> {
    let entry = own_entry(spec, live?)?;
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
    if let Some(step) = live_step(spec, live) {
        let phase = prior
            .map_or(ShiftPhase::Paused, |prior| prior.phase)
            .words();
        let reason = prior.and_then(|prior| prior.reason.as_deref());
        let why = reason.map(|reason| format!(" ({})", in_words(reason)));
        return Some(format!(
            "the shift is live: {phase} at step {} of {steps}{}; `pulumi up` looks at the gates over all the time since \
             and goes on from there",
            step + 1,
            why.unwrap_or_default()
        ));
    }
    if let Some(share) = prior.and_then(WeightedShiftState::adopted) {
        return Some(format!(
            "{share} was on new when the shift was imported; `pulumi up` goes on from there and bakes that step anew"
        ));
    }
    let rolled_back = prior.is_some_and(|prior| prior.phase == ShiftPhase::RolledBack);
    if let Some(entry) = live.and_then(|live| own_entry(spec, live)) {
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

/// The reason of a pause as people say it. The other codes say what they mean.
fn in_words(reason: &str) -> &str {
    match reason.split_once(':') {
        Some(("Staged", _)) => "staged",
        Some(("Approval", _)) => "waiting for approval",
        _ => reason,
    }
}

/// Puts the text together that a reviewer approves.
fn describe(spec: &Spec, live: Option<&Live>, series: &BTreeMap<SeriesId, Reading>) -> String {
    let found = live.and_then(|live| live.ttl_seconds);
    let plan = plan(spec, found);
    let budget = render_duration(spec.policy.rollback.budget);
    let mut lines = vec![
        render_plan(&plan).trim_end().to_owned(),
        render_calls(calls(spec)),
    ];
    lines.extend(tellings(spec, series).iter().map(render_telling));
    lines.push(format!(
        "a rollback takes up to {budget} from the decision until traffic is back"
    ));
    lines.join("\n")
}
