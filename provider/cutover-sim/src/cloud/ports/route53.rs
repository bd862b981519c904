//! The ports of hosted zones and name servers.

use cutover_core::Failure;
use cutover_core::shift::facts::ChangeState;
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::{RecordSet, Verb};
use cutover_core::shift::spec::{Alias, Answer};
use cutover_driver::{
    Applied, Batch, HealthCheck, HostedZones, NameServers, Question, Sample, Zone,
};

use super::super::route53::{labels, normal, plain};
use super::super::{
    AliasTarget, AwsError, Change, ChangeAction, Cloud, CreateHealthCheck, DnsAnswer,
    ListRecordSets, ResourceRecordSet, mix,
};
use super::{Answered, SimTraffic, failed, optional};

const LIST: &str = "route53:ListResourceRecordSets";

impl HostedZones for SimTraffic {
    fn fetch_zone<'a>(&'a self, zone_id: &'a str) -> Answered<'a, Option<Zone>> {
        Box::pin(async move {
            let answer = self
                .call("GetHostedZone", |cloud, now| {
                    cloud.get_hosted_zone(now, zone_id)
                })
                .await;
            let zone = optional(answer, &["NoSuchHostedZone"], "route53:GetHostedZone")?;
            Ok(zone.map(|zone| Zone {
                name: plain(&zone.name),
                private: zone.private,
                name_servers: zone.name_servers,
            }))
        })
    }

    fn fetch_record_sets<'a>(
        &'a self,
        zone_id: &'a str,
        names: &'a [String],
    ) -> Answered<'a, Vec<RecordSet>> {
        Box::pin(self.sets_under(zone_id, names))
    }

    fn apply<'a>(&'a self, batch: &'a Batch) -> Answered<'a, Applied> {
        Box::pin(async move {
            let changes: Vec<Change> = batch
                .changes
                .iter()
                .map(|change| Change {
                    action: match change.verb {
                        Verb::Delete => ChangeAction::Delete,
                        Verb::Create => ChangeAction::Create,
                        Verb::Upsert => ChangeAction::Upsert,
                    },
                    set: to_aws(&change.set),
                })
                .collect();
            let answer = self
                .call("ChangeResourceRecordSets", |cloud, now| {
                    cloud.change_resource_record_sets(now, &batch.zone_id, &changes)
                })
                .await;
            applied(answer.map(|info| info.id))
        })
    }

    fn fetch_change<'a>(&'a self, id: &'a str) -> Answered<'a, ChangeState> {
        Box::pin(async move {
            let answer = self
                .call("GetChange", |cloud, now| cloud.get_change(now, id))
                .await;
            let info = optional(answer, &["NoSuchChange"], "route53:GetChange")?;
            Ok(match info.map(|info| info.insync) {
                Some(true) => ChangeState::Insync,
                Some(false) => ChangeState::Pending,
                None => ChangeState::Unknown,
            })
        })
    }

    fn ensure_health_check<'a>(&'a self, check: &'a HealthCheck) -> Answered<'a, String> {
        Box::pin(async move {
            let answer = self
                .call("CreateHealthCheck", |cloud, now| {
                    let region = check.region.as_ref().unwrap_or(&cloud.config.region);
                    let input = CreateHealthCheck {
                        caller_reference: check.reference.clone(),
                        kind: "CLOUDWATCH_METRIC".to_owned(),
                        alarm_name: check.alarm.clone(),
                        alarm_region: region.clone(),
                        insufficient_data: Some("LastKnownStatus".to_owned()),
                        ..CreateHealthCheck::default()
                    };
                    cloud.create_health_check(now, &input)
                })
                .await;
            answer
                .map(|info| info.id)
                .map_err(failed("route53:CreateHealthCheck"))
        })
    }

    fn delete_health_check<'a>(&'a self, id: &'a str) -> Answered<'a, ()> {
        Box::pin(async move {
            let answer = self
                .call("DeleteHealthCheck", |cloud, now| {
                    cloud.delete_health_check(now, id)
                })
                .await;
            optional(answer, &["NoSuchHealthCheck"], "route53:DeleteHealthCheck").map(|_| ())
        })
    }
}

impl SimTraffic {
    /// Reads the record sets of a name, page by page.
    /// Reads what is under some names. Names that are neighbours in the zone's order come with one call.
    async fn sets_under(&self, zone_id: &str, names: &[String]) -> Result<Vec<RecordSet>, Failure> {
        let mut wanted: Vec<String> = names.iter().map(|name| normal(name)).collect();
        wanted.sort_by(|a, b| labels(a).cmp(labels(b)));
        let mut found = Vec::new();
        let mut from = ListRecordSets {
            start_name: wanted.first().cloned(),
            ..ListRecordSets::default()
        };
        while from.start_name.is_some() {
            let page = self
                .call("ListResourceRecordSets", |cloud, now| {
                    cloud.list_resource_record_sets(now, zone_id, &from)
                })
                .await
                .map_err(failed(LIST))?;
            let sets = page.sets.iter().filter(|set| wanted.contains(&set.name));
            found.extend(sets.map(from_aws));
            from = match page.next_name {
                Some(name) if wanted.contains(&name) => ListRecordSets {
                    start_name: Some(name),
                    start_type: page.next_type,
                    start_identifier: page.next_identifier,
                    max_items: None,
                },
                Some(next) => ListRecordSets {
                    start_name: wanted
                        .iter()
                        .find(|name| labels(name).gt(labels(&next)))
                        .cloned(),
                    ..ListRecordSets::default()
                },
                None => return Ok(found),
            };
        }
        Ok(found)
    }
}

/// How a batch is refused whose record sets are not as it expects.
const CONFLICTS: [&str; 3] = [
    "but the values provided do not match the current values",
    "but it was not found",
    "but it already exists",
];

/// A batch that expected something else of what is there is a conflict.
fn applied(answer: Result<String, AwsError>) -> Result<Applied, Failure> {
    let is_conflict = |error: &AwsError| {
        let message = error.message();
        error.code == "InvalidChangeBatch" && CONFLICTS.iter().any(|it| message.contains(it))
    };
    match answer {
        Ok(id) => Ok(Applied::Accepted { id }),
        Err(error) if is_conflict(&error) => Ok(Applied::Conflict {
            message: error.message(),
        }),
        Err(error) => Err(error.into_failure("route53:ChangeResourceRecordSets")),
    }
}

fn to_aws(set: &RecordSet) -> ResourceRecordSet {
    let mut aws = ResourceRecordSet {
        name: set.name.clone(),
        record_type: set.record_type.clone(),
        ttl: set.ttl_seconds.map(u64::from),
        values: set.values.clone(),
        alias: set.alias.as_ref().map(|alias| AliasTarget {
            dns_name: alias.dns_name.clone(),
            hosted_zone_id: alias.zone_id.clone(),
            evaluate_target_health: alias.evaluate_target_health,
        }),
        health_check_id: set.health_check.clone(),
        ..ResourceRecordSet::default()
    };
    match &set.routing {
        Routing::Simple => {}
        Routing::Weighted {
            set_identifier,
            weight,
        } => {
            aws.set_identifier = Some(set_identifier.clone());
            aws.weight = Some(u64::from(*weight));
        }
        // Nobody who only knows the policy can change such a set; without its settings it is refused.
        Routing::Other { set_identifier, .. } => aws.set_identifier = Some(set_identifier.clone()),
    }
    aws
}

fn from_aws(set: &ResourceRecordSet) -> RecordSet {
    let set_identifier = set.set_identifier.clone().unwrap_or_default();
    let routing = match (set.policy(), set.weight) {
        ("simple", _) => Routing::Simple,
        (_, Some(weight)) => Routing::Weighted {
            set_identifier,
            // At most 255.
            weight: u16::try_from(weight).unwrap_or(u16::MAX),
        },
        (policy, None) => Routing::Other {
            policy: policy.to_owned(),
            set_identifier,
        },
    };
    RecordSet {
        name: plain(&set.name),
        record_type: set.record_type.clone(),
        routing,
        ttl_seconds: set.ttl.map(|ttl| u32::try_from(ttl).unwrap_or(u32::MAX)),
        values: set.values.clone(),
        alias: set.alias.as_ref().map(|alias| Alias {
            dns_name: plain(&alias.dns_name),
            zone_id: alias.hosted_zone_id.clone(),
            evaluate_target_health: alias.evaluate_target_health,
        }),
        health_check: set.health_check_id.clone(),
    }
}

impl NameServers for SimTraffic {
    fn sample<'a>(&'a self, question: &'a Question) -> Answered<'a, Sample> {
        Box::pin(async move {
            let sampled = self
                .call("dns:Query", |cloud, now| cloud.sample(question, now))
                .await;
            sampled.map_err(failed("dns:Query"))
        })
    }
}

impl Cloud {
    /// Asks name servers as often as a question wants.
    fn sample(
        &mut self,
        question: &Question,
        now: cutover_core::Timestamp,
    ) -> Result<Sample, AwsError> {
        self.query(question, now, |cloud| {
            let mut sample = Sample::default();
            let (old, new) = (
                cloud.told(&question.old, now),
                cloud.told(&question.new, now),
            );
            for server in &question.servers {
                let zone = cloud.zone_of_server(server).unwrap_or_default();
                for _ in 0..question.times {
                    let draw = mix(cloud.config.seed ^ mix(cloud.next_serial()));
                    let answer =
                        cloud.answer(&zone, &question.name, &question.record_type, now, draw);
                    let values = match answer {
                        DnsAnswer::Values { values, .. } if !values.is_empty() => values,
                        _ => Vec::new(),
                    };
                    let is = |told: &Vec<String>| values.iter().any(|value| told.contains(value));
                    if is(&old) {
                        sample.old += 1;
                    } else if is(&new) {
                        sample.new += 1;
                    } else {
                        sample.other += 1;
                    }
                }
            }
            sample
        })
    }

    /// Returns the values by which the answer of a side is told.
    fn told(&self, answer: &Answer, now: cutover_core::Timestamp) -> Vec<String> {
        match answer {
            Answer::Value(value) => vec![value.clone()],
            Answer::Alias(alias) => self.addresses(&alias.dns_name, now),
        }
    }
}
