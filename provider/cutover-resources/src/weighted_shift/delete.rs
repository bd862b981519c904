//! Deleting: the records stay and go on answering, and the journal goes.

use cutover_core::Failure;
use cutover_core::shift::facts::Live;
use cutover_core::shift::journal::Entry;
use cutover_core::shift::locks;
use cutover_core::shift::machine::Outcome;
use cutover_core::shift::records::{RecordChange, RecordSet, Verb, journal_name};
use cutover_core::shift::spec::{Router, Spec};
use cutover_driver::{Applied, Batch, Traffic};
use pulumi_host::{Context, Error, Prior};

use super::args::{DesiredShift, OnDestroy, WeightedShiftArgs};
use super::conduct::{read as read_args, walk};
use super::error::ShiftError;
use super::identity::shift_id;
use super::look::{fetch_live, import, own_entry};
use super::narrate::failure_of;
use super::state::WeightedShiftState;
use super::wish::orders;
use crate::provider::App;

/// Removes a shift from the stack. While it is live that is refused, unless the program says otherwise.
pub(super) async fn delete(
    context: &Context<App>,
    id: &str,
    prior: Option<Prior<WeightedShiftArgs, WeightedShiftState>>,
) -> Result<(), Error> {
    let traffic = &context.app().world.traffic;
    let (args, name) = match prior {
        Some(prior) => (prior.args, prior.state.shift_id),
        None => match import(traffic, id).await? {
            Some(args) => (args, shift_id(context.urn())),
            None => return Ok(()),
        },
    };
    let (spec, _) = read_args(&args, &name)?;
    let live = fetch_live(traffic, &spec)
        .await
        .map_err(ShiftError::Failed)?;
    let Some(mut live) = live else {
        return Ok(());
    };
    let Some(mut entry) = own_entry(&spec, &live).cloned() else {
        // Another shift's journal is not ours to remove, and without one there is nothing to remove.
        stay(context, &live);
        return Ok(());
    };
    if !entry.mark.is_over() {
        match args.on_destroy.unwrap_or(OnDestroy::Refuse) {
            OnDestroy::Refuse => {
                let share = live.share().unwrap_or_default();
                return Err(ShiftError::Deleted(format!("{share} of traffic is on new")).into());
            }
            OnDestroy::Retain => context.log().warn(
                "the shift is given up on its way, as `onDestroy` says: weights stay, and nobody watches them",
            ),
            OnDestroy::Old => (live, entry) = back_first(context, &args, &spec, &name).await?,
        }
    }
    remove_journal(context, &spec, &live, &entry).await?;
    stay(context, &live);
    Ok(())
}

/// Sends everything back to old, and looks again.
async fn back_first(
    context: &Context<App>,
    args: &WeightedShiftArgs,
    spec: &Spec,
    name: &str,
) -> Result<(Live, Entry), Error> {
    let args = WeightedShiftArgs {
        desired: DesiredShift::Old,
        ..args.clone()
    };
    let (spec_back, asked) = read_args(&args, name)?;
    let mut conducted = walk(context, &spec_back, asked, orders(&args)).await;
    if !matches!(conducted.outcome, Some(Outcome::RolledBack { .. })) {
        let break_glass = cutover_core::shift::break_glass::render_break_glass(spec);
        let error = failure_of(&mut conducted, spec, &break_glass);
        return Err(ShiftError::NotBack(error.to_string()).into());
    }
    let live = fetch_live(&context.app().world.traffic, spec).await;
    let live = live
        .map_err(ShiftError::Failed)?
        .ok_or_else(|| ShiftError::NotBack("the listener rule is gone".to_owned()))?;
    match own_entry(spec, &live).cloned() {
        Some(entry) => Ok((live, entry)),
        // Another run has begun since.
        None => Err(ShiftError::FenceLost(None).into()),
    }
}

/// Removes the journal, as long as it is the one that was read.
async fn remove_journal(
    context: &Context<App>,
    spec: &Spec,
    live: &Live,
    entry: &Entry,
) -> Result<(), Error> {
    loop {
        let removed = try_to_remove(&context.app().world.traffic, spec, live, entry);
        return match removed.await {
            Ok(Applied::Accepted { .. }) => Ok(()),
            // Somebody else has written it since it was read.
            Ok(Applied::Conflict { .. }) => Err(ShiftError::FenceLost(None).into()),
            Ok(Applied::Queued) => match context.scope().stop() {
                Some(stop) => Err(stop.into()),
                // Asked again it goes on waiting where it was.
                None => continue,
            },
            Err(failure) => Err(ShiftError::Failed(failure).into()),
        };
    }
}

async fn try_to_remove(
    traffic: &Traffic,
    spec: &Spec,
    live: &Live,
    entry: &Entry,
) -> Result<Applied, Failure> {
    let router = &spec.router;
    match router {
        Router::Alb { rule_arn, .. } => {
            let journal = entry.encode();
            if let Some(table) = &spec.policy.lock_table {
                let removed = traffic.locks.delete(table, rule_arn, &journal).await?;
                if !matches!(removed, Applied::Accepted { .. }) {
                    return Ok(removed);
                }
                // The item was the fence. A tag that says anything else by now is another run's, and stays.
                let tag = locks::tag(table, entry);
                traffic.rules.remove_journal(rule_arn, &tag).await?;
                return Ok(removed);
            }
            traffic.rules.remove_journal(rule_arn, &journal).await
        }
        Router::Route53 { zone_id, .. } => {
            let name = journal_name(router);
            let is_journal =
                |set: &&RecordSet| set.record_type == "TXT" && Some(&set.name) == name.as_ref();
            let changes = live.sets.iter().filter(is_journal).map(|set| RecordChange {
                verb: Verb::Delete,
                set: set.clone(),
            });
            let batch = Batch {
                zone_id: zone_id.clone(),
                changes: changes.collect(),
                urgent: false,
            };
            traffic.zones.apply(&batch).await
        }
    }
}

fn stay(context: &Context<App>, live: &Live) {
    if let Some(share) = live.share() {
        context.log().info(format!(
            "the records stay and go on answering, with {share} on new; delete them by hand once nobody asks for them"
        ));
    }
}
