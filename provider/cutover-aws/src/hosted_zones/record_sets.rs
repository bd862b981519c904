//! Record sets as Route 53 writes them, and as decisions read them.

use aws_sdk_route53::types::{
    AliasTarget, Change, ChangeAction, ResourceRecord, ResourceRecordSet, RrType,
};
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::{RecordChange, RecordSet, Verb};
use cutover_core::shift::spec::Alias;

/// A name in lower case, without the dot at its end, and with the asterisk that Route 53 writes as `\052`.
pub(super) fn normal(name: &str) -> String {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.to_ascii_lowercase().replace("\\052", "*")
}

/// A record set of an answer.
pub(super) fn record_set_of(set: &ResourceRecordSet) -> RecordSet {
    RecordSet {
        name: normal(set.name()),
        record_type: set.r#type().as_str().to_owned(),
        routing: routing_of(set),
        ttl_seconds: set.ttl().and_then(|ttl| u32::try_from(ttl).ok()),
        values: set
            .resource_records()
            .iter()
            .map(|record| record.value().to_owned())
            .collect(),
        alias: set.alias_target().map(|alias| Alias {
            dns_name: normal(alias.dns_name()),
            zone_id: alias.hosted_zone_id().to_owned(),
            evaluate_target_health: alias.evaluate_target_health(),
        }),
        health_check: set.health_check_id().map(str::to_owned),
    }
}

fn routing_of(set: &ResourceRecordSet) -> Routing {
    let set_identifier = set.set_identifier().unwrap_or_default().to_owned();
    let policy = if set.traffic_policy_instance_id().is_some() {
        "traffic policy"
    } else if let Some(weight) = set.weight() {
        // Route 53 has no weight above 255; one that did not fit would not be ours in any case.
        return Routing::Weighted {
            set_identifier,
            weight: u16::try_from(weight).unwrap_or(u16::MAX),
        };
    } else if set.region().is_some() {
        "latency"
    } else if set.failover().is_some() {
        "failover"
    } else if set.geo_location().is_some() {
        "geolocation"
    } else if set.geo_proximity_location().is_some() {
        "geoproximity"
    } else if set.cidr_routing_config().is_some() {
        "CIDR block"
    } else if set.multi_value_answer() == Some(true) {
        "multivalue answer"
    } else if set_identifier.is_empty() {
        return Routing::Simple;
    } else {
        "a policy that is not known here"
    };
    Routing::Other {
        policy: policy.to_owned(),
        set_identifier,
    }
}

/// A change of a batch; the error says why it cannot be written.
pub(super) fn change_of(change: &RecordChange) -> Result<Change, String> {
    let action = match change.verb {
        Verb::Delete => ChangeAction::Delete,
        Verb::Create => ChangeAction::Create,
        Verb::Upsert => ChangeAction::Upsert,
    };
    let set = written(&change.set)?;
    let change = Change::builder().action(action).resource_record_set(set);
    change.build().map_err(|error| error.to_string())
}

fn written(set: &RecordSet) -> Result<ResourceRecordSet, String> {
    let mut written = ResourceRecordSet::builder()
        .name(&set.name)
        .r#type(RrType::from(set.record_type.as_str()))
        .set_ttl(set.ttl_seconds.map(i64::from))
        .set_health_check_id(set.health_check.clone());
    match &set.routing {
        Routing::Simple => {}
        Routing::Weighted {
            set_identifier,
            weight,
        } => {
            written = written
                .set_identifier(set_identifier)
                .weight(i64::from(*weight));
        }
        Routing::Other { policy, .. } => {
            let name = &set.name;
            return Err(format!(
                "`{name}` is chosen by {policy}, and only weighted and simple record sets are changed"
            ));
        }
    }
    for value in &set.values {
        let record = ResourceRecord::builder().value(value).build();
        written = written.resource_records(record.map_err(|error| error.to_string())?);
    }
    if let Some(alias) = &set.alias {
        let target = AliasTarget::builder()
            .dns_name(&alias.dns_name)
            .hosted_zone_id(&alias.zone_id)
            .evaluate_target_health(alias.evaluate_target_health)
            .build();
        written = written.alias_target(target.map_err(|error| error.to_string())?);
    }
    written.build().map_err(|error| error.to_string())
}
