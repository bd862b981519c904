//! Refreshing and importing: looks at weights and journal, and writes nothing.

use cutover_core::shift::events::Drift;
use cutover_core::shift::facts::{JournalRead, Live};
use cutover_core::shift::journal::{Entry, Mark};
use cutover_core::shift::locks;
use cutover_core::shift::machine::standing;
use cutover_core::shift::operate::findings;
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::{self, RecordSet};
use cutover_core::shift::rules;
use cutover_core::shift::spec::{Router, Spec};
use cutover_core::weights::Share;
use cutover_core::{Failure, Timestamp};
use cutover_driver::{Traffic, World};
use pulumi_host::{Context, Error, Found, Prior, ReadResult, Settled};
use pulumi_value::{Output, to_map};
use serde_json::json;

use super::args::{
    AdoptRecords, AlbRouter, DynamoDbLock, RecordAlias, RecordKind, RecordTarget, Route53Router,
    ShiftLock, ShiftRouter, WeightedRecord, WeightedShiftArgs, ZeroWeight,
};
use super::conduct::read as read_args;
use super::error::ShiftError;
use super::identity::{Place, shift_id};
use super::narrate::whole;
use super::state::{ShiftPhase, ShiftWeights, WeightedShiftState, percent};
use crate::provider::App;

/// Looks at a shift; `None` when its records are gone.
pub(super) async fn read(
    context: &Context<App>,
    id: &str,
    prior: Option<Prior<WeightedShiftArgs, WeightedShiftState>>,
) -> ReadResult<WeightedShiftArgs, WeightedShiftState> {
    let world = &context.app().world;
    let (args, before) = match prior {
        Some(prior) => (prior.args, Some(prior.state)),
        None => match import(&world.traffic, id).await? {
            Some(args) => (args, None),
            None => return Ok(None),
        },
    };
    let name = before
        .as_ref()
        .map_or_else(|| shift_id(context.urn()), |state| state.shift_id.clone());
    let (spec, _) = read_args(&args, &name)?;
    let live = fetch_live(&world.traffic, &spec)
        .await
        .map_err(ShiftError::Failed)?;
    let Some(live) = live.filter(|live| live.share().is_some()) else {
        return Ok(None);
    };
    let state = stands(world, &spec, &live, before);
    if state.phase == ShiftPhase::RolledBack {
        let reason = state.reason.as_deref().unwrap_or("it was asked for");
        context.log().warn(format!(
            "everything is on old ({reason}); nothing happens until `attempt` is more than {}",
            args.attempt
        ));
    }
    Ok(Some(Found {
        id: Place::of(&spec.router).to_id(),
        args,
        settled: Settled::Complete(state),
    }))
}

/// Reads weights and journal; `None` when there is no such rule.
pub(super) async fn fetch_live(traffic: &Traffic, spec: &Spec) -> Result<Option<Live>, Failure> {
    let router = &spec.router;
    match router {
        Router::Route53 { zone_id, .. } => {
            let names = records::names(router);
            let sets = traffic.zones.fetch_record_sets(zone_id, &names).await?;
            // A health check on a member is the guard's, whoever made it; it is no drift.
            let health_check = sets.iter().find_map(|set| set.health_check.clone());
            Ok(Some(records::read(router, health_check.as_deref(), &sets)))
        }
        Router::Alb { rule_arn, .. } => {
            let Some(rule) = traffic.rules.fetch_rule(rule_arn).await? else {
                return Ok(None);
            };
            let Some(table) = &spec.policy.lock_table else {
                return Ok(Some(rules::read(router, &rule)));
            };
            let item = traffic.locks.fetch(table, rule_arn).await?;
            let (live, _) = locks::read(router, &rule, table, item.as_ref());
            Ok(Some(live))
        }
    }
}

/// Says how a shift stands by its weights and its journal.
fn stands(
    world: &World,
    spec: &Spec,
    live: &Live,
    before: Option<WeightedShiftState>,
) -> WeightedShiftState {
    let now = world.clock.now();
    let share = live.share().unwrap_or(Share::ZERO);
    let own = own_entry(spec, live);
    let (phase, step) = phase_of(spec, live);
    let is_import = before.is_none();
    let before = before.unwrap_or_else(|| WeightedShiftState::begin(spec));
    let found = findings(live, now, spec.policy.heartbeat);
    let requested = step
        .and_then(|step| spec.steps.get(step))
        .map_or(Share::ZERO, |step| step.share);
    // What the router answers otherwise than the journal says.
    let mut drift: Vec<String> = found.iter().map(ToString::to_string).collect();
    if !live.intact {
        drift.push(Drift::Fields.details().to_owned());
    }
    let bake = own.and_then(|entry| entry.bake);
    WeightedShiftState {
        phase,
        step_index: step.and_then(|step| u32::try_from(step).ok()),
        requested_share: percent(if own.is_some() { requested } else { share }),
        observed_share: Some(percent(share)),
        weights: ShiftWeights {
            old: live.old,
            new: live.new,
        },
        // What has no journal is only gone on from by who has imported it.
        adopted_share: match (own, is_import) {
            (Some(_), _) => None,
            (None, true) => Some(percent(share)).filter(|share| *share > 0.0),
            (None, false) => before.adopted_share,
        },
        bake_started_at: bake.map(Timestamp::to_utc).or(before.bake_started_at),
        drift,
        seq: own.map_or(before.seq, |entry| whole(entry.seq)),
        ..before
    }
}

/// The entry of the journal, when it is this shift's.
pub(super) fn own_entry<'l>(spec: &Spec, live: &'l Live) -> Option<&'l Entry> {
    match &live.journal {
        JournalRead::Entry(entry) => Some(entry).filter(|entry| entry.shift == spec.id),
        JournalRead::Absent | JournalRead::Unreadable(_) => None,
    }
}

/// What is on its way stands in the journal; everything else the weights tell.
fn phase_of(spec: &Spec, live: &Live) -> (ShiftPhase, Option<usize>) {
    match own_entry(spec, live).map(|entry| entry.mark) {
        Some(Mark::Preparing) => (ShiftPhase::Preparing, None),
        Some(Mark::Back) => (ShiftPhase::Converging, None),
        Some(Mark::Going | Mark::Baked | Mark::Completed | Mark::RolledBack) | None => {
            let (phase, step) = standing(spec, live);
            (phase.into(), step)
        }
    }
}

/// Puts arguments together from what is found under an id; `None` when there is nothing.
pub(super) async fn import(
    traffic: &Traffic,
    id: &str,
) -> Result<Option<WeightedShiftArgs>, Error> {
    let place = Place::parse(id).ok_or_else(|| ShiftError::MalformedId(id.to_owned()))?;
    let mut table = None;
    let (router, share) = match &place {
        Place::Records { zone_id, name, .. } => {
            let names = [name.clone()];
            let sets = traffic.zones.fetch_record_sets(zone_id, &names).await;
            let sets = sets.map_err(ShiftError::Failed)?;
            let Some(found) = found(&place, &sets) else {
                return Ok(None);
            };
            found
        }
        Place::Rule {
            rule_arn,
            old_arn,
            new_arn,
        } => {
            let rule = traffic.rules.fetch_rule(rule_arn).await;
            let Some(rule) = rule.map_err(ShiftError::Failed)? else {
                return Ok(None);
            };
            table = locks::table_of(&rule).map(str::to_owned);
            let weight = |arn: &str| {
                let group = rule.groups.iter().find(|group| group.arn == arn);
                group.map(|group| group.weight)
            };
            let (Some(old), Some(new)) = (weight(old_arn), weight(new_arn)) else {
                return Ok(None);
            };
            let router = ShiftRouter::Alb(AlbRouter {
                listener_rule_arn: Output::known(rule_arn.clone()),
                old_target_group_arn: Output::known(old_arn.clone()),
                new_target_group_arn: Output::known(new_arn.clone()),
            });
            (router, cutover_core::weights::share_answered(old, new))
        }
    };
    let lock = table.map(|table| {
        ShiftLock::Dynamodb(DynamoDbLock {
            table_name: Output::known(table),
        })
    });
    let args = arguments(&router, share)?;
    Ok(Some(WeightedShiftArgs { lock, ..args }))
}

/// The fewest arguments that describe what was found. What cannot be read from a router is as it would be for a shift
/// that is watched by nobody; the program says more.
fn arguments(router: &ShiftRouter, share: Share) -> Result<WeightedShiftArgs, Error> {
    let mut steps = Vec::new();
    if share > Share::ZERO && share < Share::FULL {
        steps.push(json!({ "share": percent(share), "bake": "30m" }));
    }
    steps.push(json!({ "share": 100 }));
    let router = to_map(&json!({})).map_err(Error::bug).and_then(|mut map| {
        let value = pulumi_value::to_value(router).map_err(Error::bug)?;
        map.insert("router".to_owned(), value);
        let rest = json!({ "steps": steps, "rollback": { "sharedDatabase": true } });
        map.extend(to_map(&rest).map_err(Error::bug)?);
        Ok(map)
    })?;
    pulumi_value::from_map(&router).map_err(Error::bug)
}

/// Finds the members of a weighted group, of all types under the name.
fn found(place: &Place, sets: &[RecordSet]) -> Option<(ShiftRouter, Share)> {
    let Place::Records {
        zone_id,
        name,
        record_type,
        old,
        new,
    } = place
    else {
        return None;
    };
    let bare = name.trim_end_matches('.').to_ascii_lowercase();
    let member = |kind: &str, side: &str| {
        sets.iter().find_map(|set| match &set.routing {
            Routing::Weighted {
                set_identifier,
                weight,
            } if set.name == bare && set.record_type == kind && set_identifier == side => {
                Some((set, *weight))
            }
            _ => None,
        })
    };
    let first = (member(record_type, old), member(record_type, new));
    let either = first.0.or(first.1)?;
    let weight = |side: Option<(&RecordSet, u16)>| side.map_or(0, |(_, weight)| weight);
    // A side without a record gets nothing.
    let share = match first {
        (Some(_), None) => Share::ZERO,
        (None, Some(_)) => Share::FULL,
        _ => cutover_core::weights::share_answered(weight(first.0), weight(first.1)),
    };
    let all = [
        (RecordKind::A, "A"),
        (RecordKind::Aaaa, "AAAA"),
        (RecordKind::Cname, "CNAME"),
    ];
    let mut types: Vec<_> = all
        .iter()
        .filter(|(_, kind)| member(kind, old).or_else(|| member(kind, new)).is_some())
        .collect();
    // The first one is that of the id.
    types.sort_by_key(|(_, kind)| kind != record_type);
    let target = |side: &str, found: Option<(&RecordSet, u16)>| {
        // A side that is gone is described by its peer, until the program says where it is.
        let (set, _) = found.unwrap_or(either);
        RecordTarget {
            set_identifier: side.to_owned(),
            alias: set.alias.as_ref().map(|alias| RecordAlias {
                dns_name: Output::known(alias.dns_name.clone()),
                zone_id: Output::known(alias.zone_id.clone()),
                evaluate_target_health: alias.evaluate_target_health,
            }),
            value: set.values.first().cloned().map(Output::known),
        }
    };
    let has_value = either.0.alias.is_none();
    let router = ShiftRouter::Route53(Route53Router {
        zone_id: Output::known(zone_id.clone()),
        zone_name: None,
        records: vec![WeightedRecord {
            name: bare.clone(),
            types: types.iter().map(|(kind, _)| *kind).collect(),
            old: target(old, first.0),
            new: target(new, first.1),
        }],
        ttl: either.0.ttl_seconds.filter(|_| has_value),
        adopt: AdoptRecords::Weighted,
        zero_means: ZeroWeight::Standby,
    });
    Some((router, share))
}
