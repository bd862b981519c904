//! Creating and updating: both go on from wherever the writer is.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use cutover_core::replication::mappings::table_mappings;
use cutover_core::replication::settings::changes_only;
use cutover_core::validation::side::{Both, Side};
use cutover_core::writer_switch::machine::{Outcome, Switch};
use cutover_core::writer_switch::spec::Spec;
use cutover_driver::{BackTask, FinalCheck, Hidden, Moved, SwitchTell, Switching, switch_writer};
use pulumi_host::{Context, Error, Settled, Stop};
use pulumi_value::{Output, Secret};

use super::after::{self, Ran};
use super::args::{SwitchWriter, WriterSwitchArgs};
use super::error::SwitchError;
use super::look::{Look, look};
use super::narrate::event_line;
use super::state::{SwitchPhase, WriterSwitchState};
use super::wish::{Checking, as_it_stands, ask, given, is_shared};
use crate::data_validation::Terms;
use crate::migration::{Opened, leave, open, open_all, run_name};
use crate::provider::App;

/// Brings the writer to where it was asked to be, and says what has come of it.
///
/// # Errors
/// When nothing was changed, and there is nothing to keep.
pub(super) async fn carry_out(
    context: &Context<App>,
    args: &WriterSwitchArgs,
    prior: Option<WriterSwitchState>,
) -> Result<Settled<WriterSwitchState>, Error> {
    let asked = ask(args, RandomState::new().build_hasher().finish());
    let Some(spec) = asked.spec else {
        let message = "the inputs of the switch cannot be carried out";
        return Err(Error::invalid(message, asked.problems));
    };
    let app = context.app();
    let name = run_name(app.world.clock.now());
    let opening = context.scope().run(open(app, given(args), &name)).await;
    let opened = match opening {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return not_begun(prior, SwitchError::Database(error)),
        Err(stop) => return Err(stop.into()),
    };
    let settled = with_both(context, args, spec, asked.check, &opened, prior, &name).await;
    leave(&opened.writers).await;
    settled
}

/// The same with both databases open.
async fn with_both(
    context: &Context<App>,
    args: &WriterSwitchArgs,
    spec: Spec,
    check: Option<Checking>,
    opened: &Opened,
    prior: Option<WriterSwitchState>,
    name: &str,
) -> Result<Settled<WriterSwitchState>, Error> {
    let spec = Spec {
        // The names of databases are known for certain now.
        tables: opened.tables.clone(),
        ..spec
    };
    let looked = match look(&opened.writers).await {
        Ok(looked) => looked,
        Err((side, failure)) => return not_begun(prior, SwitchError::database(side, failure)),
    };
    let before = prior
        .clone()
        .unwrap_or_else(|| WriterSwitchState::begin(is_shared(args)));
    if looked.is_final {
        return Ok(finalized(context, args, before, &looked));
    }
    if is_held(args, &looked) {
        return Ok(held(context, args, before, &looked));
    }
    let back_task = back_task(context, args, &before, &looked).await?;
    let spec = as_it_stands(spec, back_task);
    let check = match check {
        Some(check) => match open_check(context, args, check).await {
            Ok(check) => Some(check),
            Err(error) => return not_begun(prior, error),
        },
        None => None,
    };
    let switching = switching(context, args, &spec, opened, check);
    let moved = walk(context, spec.clone(), &switching, name).await;
    let ran = Ran {
        spec,
        report: switching.check.as_ref().and_then(FinalCheck::report),
        moved,
        is_new: prior.is_none(),
    };
    after::settle(context, args, ran, before, &opened.writers).await
}

/// Says that nothing was changed.
fn not_begun(
    prior: Option<WriterSwitchState>,
    error: SwitchError,
) -> Result<Settled<WriterSwitchState>, Error> {
    match prior {
        Some(state) => Ok(after::unfinished(state, error)),
        None => Err(error.into()),
    }
}

/// After the end of a migration there is nothing to go on with, and no way back.
fn finalized(
    context: &Context<App>,
    args: &WriterSwitchArgs,
    before: WriterSwitchState,
    looked: &Look,
) -> Settled<WriterSwitchState> {
    let state = WriterSwitchState {
        phase: SwitchPhase::Switched,
        rollback_ready: false,
        rollback_bound: None,
        guarantee: "the migration is finalized; there is no way back".to_owned(),
        reasons: Vec::new(),
        ..before
    }
    .seen(&looked.seen, is_shared(args));
    match args.writer {
        SwitchWriter::Source => after::unfinished(state, SwitchError::Final),
        SwitchWriter::Target => {
            context
                .log()
                .info("the migration is finalized; nothing is left to do");
            Settled::Complete(state)
        }
    }
}

/// Tells whether the switch must not take place yet, as far as that is known.
pub(super) fn is_withheld(args: &WriterSwitchArgs) -> bool {
    args.approved.as_ref().and_then(Output::get) == Some(&false)
}

/// Tells whether a person is waited for: only before the writer has changed.
fn is_held(args: &WriterSwitchArgs, looked: &Look) -> bool {
    let writer = super::state::truth(&looked.seen).map(|(writer, _)| writer);
    is_withheld(args) && args.writer == SwitchWriter::Target && writer != Some(Side::Target)
}

fn held(
    context: &Context<App>,
    args: &WriterSwitchArgs,
    before: WriterSwitchState,
    looked: &Look,
) -> Settled<WriterSwitchState> {
    context
        .log()
        .warn("waits before the switch, since `approved` is false; nothing was changed");
    let reason = "`approved` is false".to_owned();
    Settled::Complete(
        WriterSwitchState {
            phase: SwitchPhase::Held,
            reasons: vec![reason],
            ..before
        }
        .seen(&looked.seen, is_shared(args)),
    )
}

/// The task that replicates back from the target, by the state or by its name.
async fn back_task(
    context: &Context<App>,
    args: &WriterSwitchArgs,
    before: &WriterSwitchState,
    looked: &Look,
) -> Result<Option<String>, Error> {
    let Some((Side::Target, epoch)) = super::state::truth(&looked.seen) else {
        // A rollback that has taken place drains through nothing more; its task is the one that is known.
        return Ok(before.back_task_arn.clone());
    };
    if before.back_task_arn.is_some() {
        return Ok(before.back_task_arn.clone());
    }
    after::find_back(context, args, epoch)
        .await
        .map_err(|failure| SwitchError::Failed(failure).into())
}

/// Opens both databases for the comparison in the pause, before anybody is refused.
async fn open_check(
    context: &Context<App>,
    args: &WriterSwitchArgs,
    check: Checking,
) -> Result<FinalCheck, SwitchError> {
    let terms = Both::of(|side| Terms {
        connections: check.spec.limits.get(side).connections,
        statement_timeout: *check.statement_timeouts.get(side),
    });
    let sides = given(args).sides;
    let databases = open_all(context.app(), sides, terms).await;
    let databases = databases.map_err(SwitchError::Database)?;
    Ok(FinalCheck::new(
        databases,
        check.spec,
        cutover_report::digest,
    ))
}

fn switching(
    context: &Context<App>,
    args: &WriterSwitchArgs,
    spec: &Spec,
    opened: &Opened,
    check: Option<FinalCheck>,
) -> Switching {
    let app = context.app();
    let world = &app.world;
    let text = |text: &Output<Secret<String>>| {
        Hidden::new(text.get().map_or("", |text| text.expose().as_str()))
    };
    let nothing = Both::of(|_| Hidden::new(""));
    let values = args.setting.as_ref().map_or(nothing, |setting| Both {
        source: text(&setting.source),
        target: text(&setting.target),
    });
    let back = args
        .back
        .as_ref()
        .filter(|_| spec.back.is_some())
        .map(|back| {
            let databases = opened
                .addresses
                .as_ref()
                .map(|address| Some(address.database.as_str()));
            let pairs = given(args).pairs(databases);
            let mut tags = app.default_tags.clone();
            tags.extend(back.tags.clone());
            BackTask {
                mappings: table_mappings(spec.writer, &pairs, &args.control_schema),
                settings: changes_only(&args.control_schema),
                tags: tags.into_iter().collect(),
            }
        });
    Switching {
        writers: opened.writers.clone(),
        replications: Arc::clone(&world.replications),
        parameters: Arc::clone(&world.traffic.parameters),
        secrets: Arc::clone(&world.secrets),
        spec: spec.clone(),
        values,
        back,
        check,
        clock: Arc::clone(&world.clock),
    }
}

/// Moves the writer, and tells people what happens.
async fn walk(
    context: &Context<App>,
    spec: Spec,
    switching: &Switching,
    name: &str,
) -> Moved<Stop> {
    let world = &context.app().world;
    let machine = Switch::new(spec, name.to_owned(), world.clock.now());
    let log = context.log();
    let stopped = context.scope().stopped();
    switch_writer(
        machine,
        switching,
        world.clock.as_ref(),
        stopped,
        |_, tell| match tell {
            SwitchTell::Event(event) => match event_line(event) {
                (true, line) => log.warn(line),
                (false, line) => log.info(line),
            },
            SwitchTell::Doing(standing) => log.status(standing.phase, &standing.text),
            SwitchTell::Waiting(why) => log.status(why.phase, &why.text),
        },
    )
    .await
}

/// Tells whether an outcome is what was asked for.
pub(super) fn is_done(outcome: Option<&Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Switched))
}
