//! What is there at the beginning, as a JSON file says it.

mod migration;

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_sim::cloud::{
    Action, AliasTarget, AwsError, Change, ChangeAction, Cloud, CloudConfig, CloudFault, Forward,
    ListenerRule, PutParameter, ResourceRecordSet, Stickiness, TargetGroup, TargetHealth,
    WeightedGroup, What, When,
};
use migration::{Endpoint, Instance, Task, pace};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::services;

/// Everything that is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scene {
    account: Option<String>,
    region: Option<String>,
    /// After how many seconds a change is INSYNC.
    insync_seconds: Option<u64>,
    zones: Vec<Zone>,
    target_groups: Vec<Group>,
    rules: Vec<Rule>,
    /// The names of topics.
    topics: Vec<String>,
    /// The names of tables for fences, whose key is `id`.
    tables: Vec<String>,
    /// Values by names.
    parameters: BTreeMap<String, String>,
    /// The names of alarms, which have no data yet.
    alarms: Vec<String>,
    /// What each of them holds by its name: a text, or an object that becomes one.
    secrets: BTreeMap<String, Value>,
    instances: Vec<Instance>,
    endpoints: Vec<Endpoint>,
    tasks: Vec<Task>,
    /// How many seconds each thing takes that DMS does.
    dms_seconds: Option<u64>,
    faults: Vec<Fault>,
}

/// Why a scene cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SceneError {
    /// It cannot be read.
    #[error("at `{path}`: {source}")]
    Unreadable {
        /// Where.
        path: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The cloud does not take something of it.
    #[error("at `{path}`: {source}")]
    Refused {
        /// Where.
        path: String,
        /// What it says.
        source: AwsError,
    },
    /// A fault is about an operation that is none.
    #[error("at `{path}`: there is no operation `{operation}`")]
    UnknownOperation {
        /// Where.
        path: String,
        /// As it is written.
        operation: String,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Zone {
    id: String,
    name: String,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    records: Vec<Record>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    name: String,
    r#type: String,
    set_identifier: Option<String>,
    weight: Option<u64>,
    ttl: Option<u64>,
    #[serde(default)]
    values: Vec<String>,
    alias: Option<Alias>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Alias {
    dns_name: String,
    zone_id: String,
    #[serde(default)]
    evaluate_target_health: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Group {
    arn: String,
    #[serde(default)]
    targets: Vec<Target>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Target {
    id: String,
    port: u16,
    #[serde(default = "healthy")]
    state: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    arn: String,
    groups: Vec<Weight>,
    sticky_seconds: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Weight {
    arn: String,
    weight: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fault {
    /// As AWS names it; `*` is any.
    operation: String,
    /// The first call that it hits, from 1; every one when not given.
    first: Option<usize>,
    /// How many in a row, from the first on.
    #[serde(default = "once")]
    times: usize,
    what: Happening,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Happening {
    Throttled,
    Denied,
    Expired,
    Broken,
    Unavailable,
    AnswerLost,
    LostBefore,
    HangSeconds(u64),
}

fn healthy() -> String {
    "healthy".to_owned()
}

fn once() -> usize {
    1
}

impl Scene {
    /// Reads a scene.
    ///
    /// # Errors
    /// When it is not JSON, or has members that are not known.
    pub fn parse(text: &str) -> Result<Self, SceneError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| SceneError::Unreadable {
            path: error.path().to_string(),
            source: error.into_inner(),
        })
    }

    /// Makes a cloud in which all of it is there since a moment.
    ///
    /// # Errors
    /// When the cloud does not take something, as AWS would not.
    pub fn into_cloud(self, now: Timestamp) -> Result<Cloud, SceneError> {
        let usual = CloudConfig::default();
        let mut cloud = Cloud::new(CloudConfig {
            account: self.account.unwrap_or(usual.account),
            region: self.region.unwrap_or(usual.region),
            insync: self
                .insync_seconds
                .map(Duration::from_secs)
                .or(usual.insync),
            dms: self.dms_seconds.map_or(usual.dms, pace),
            ..usual
        });
        for (zone, at) in self.zones.into_iter().zip(0..) {
            put_zone(&mut cloud, now, zone, at)?;
        }
        for group in self.target_groups {
            cloud.put_target_group(group.into());
        }
        for rule in self.rules {
            cloud.put_rule(now, rule.into());
        }
        for topic in self.topics {
            cloud.create_topic(&topic);
        }
        for table in self.tables {
            cloud.create_table(&table, "id");
        }
        for (name, value) in self.parameters {
            put_parameter(&mut cloud, now, name, value)?;
        }
        for alarm in self.alarms {
            cloud.put_alarm(now, &alarm, None);
        }
        for (name, value) in self.secrets {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            cloud.put_secret(now, &name, &text);
        }
        for instance in self.instances {
            cloud.put_replication_instance(instance.made(now));
        }
        for (endpoint, at) in self.endpoints.into_iter().zip(0..) {
            let path = || format!("endpoints[{at}]");
            let put = cloud.by_others(|cloud| endpoint.put(cloud, now));
            put.map_err(|source| SceneError::Refused {
                path: path(),
                source,
            })?;
        }
        for task in self.tasks {
            cloud.put_replication_task(now, task.into());
        }
        let faults = self.faults.into_iter().zip(0..);
        let faults = faults.map(|(fault, at)| fault.read(at));
        cloud.script(faults.collect::<Result<Vec<_>, _>>()?);
        Ok(cloud)
    }
}

fn put_zone(cloud: &mut Cloud, now: Timestamp, zone: Zone, at: usize) -> Result<(), SceneError> {
    cloud.put_hosted_zone(now, &zone.id, &zone.name, zone.private);
    for (record, place) in zone.records.into_iter().zip(0..) {
        let change = Change {
            action: ChangeAction::Create,
            set: record.into(),
        };
        cloud
            .by_others(|cloud| cloud.change_resource_record_sets(now, &zone.id, &[change]))
            .map_err(|source| SceneError::Refused {
                path: format!("zones[{at}].records[{place}]"),
                source,
            })?;
    }
    Ok(())
}

fn put_parameter(
    cloud: &mut Cloud,
    now: Timestamp,
    name: String,
    value: String,
) -> Result<(), SceneError> {
    let path = format!("parameters.{name}");
    let input = PutParameter {
        name,
        kind: Some("String".to_owned()),
        value,
        overwrite: false,
    };
    cloud
        .by_others(|cloud| cloud.put_parameter(now, &input))
        .map_err(|source| SceneError::Refused { path, source })?;
    Ok(())
}

impl From<Record> for ResourceRecordSet {
    fn from(record: Record) -> Self {
        Self {
            name: record.name,
            record_type: record.r#type,
            set_identifier: record.set_identifier,
            weight: record.weight,
            ttl: record.ttl,
            values: record.values,
            alias: record.alias.map(|alias| AliasTarget {
                dns_name: alias.dns_name,
                hosted_zone_id: alias.zone_id,
                evaluate_target_health: alias.evaluate_target_health,
            }),
            ..Self::default()
        }
    }
}

impl From<Group> for TargetGroup {
    fn from(group: Group) -> Self {
        let targets = group.targets.into_iter().map(|target| TargetHealth {
            id: target.id,
            port: target.port,
            state: target.state,
        });
        Self {
            arn: group.arn,
            targets: targets.collect(),
            ..Self::default()
        }
    }
}

impl From<Rule> for ListenerRule {
    fn from(rule: Rule) -> Self {
        let groups = rule.groups.into_iter().map(|group| WeightedGroup {
            arn: group.arn,
            weight: Some(group.weight),
        });
        let forward = Forward {
            groups: groups.collect(),
            stickiness: rule.sticky_seconds.map(|seconds| Stickiness {
                enabled: true,
                duration_seconds: Some(seconds),
            }),
        };
        Self {
            arn: rule.arn,
            priority: "1".to_owned(),
            actions: vec![Action {
                kind: "forward".to_owned(),
                order: Some(1),
                forward: Some(forward),
                ..Action::default()
            }],
            ..Self::default()
        }
    }
}

impl Fault {
    fn read(self, at: usize) -> Result<CloudFault, SceneError> {
        let operation = match self.operation.as_str() {
            "*" => Some("*"),
            name => services::operation_named(name),
        };
        let operation = operation.ok_or_else(|| SceneError::UnknownOperation {
            path: format!("faults[{at}].operation"),
            operation: self.operation.clone(),
        })?;
        let when = match self.first {
            Some(first) => When::Occurrence {
                first,
                times: self.times,
            },
            None => When::Always,
        };
        let what = match self.what {
            Happening::Throttled => What::Throttled,
            Happening::Denied => What::Denied,
            Happening::Expired => What::Expired,
            Happening::Broken => What::Broken,
            Happening::Unavailable => What::Unavailable,
            Happening::AnswerLost => What::AnswerLost,
            Happening::LostBefore => What::LostBefore,
            Happening::HangSeconds(seconds) => What::Hang(Duration::from_secs(seconds)),
        };
        Ok(CloudFault {
            operation,
            when,
            what,
        })
    }
}

#[cfg(test)]
mod tests {
    use cutover_sim::cloud::DmsQuery;

    use super::*;

    /// Returns what is said about a scene that cannot be had.
    fn complaint(text: &str) -> String {
        let made = Scene::parse(text).and_then(|scene| scene.into_cloud(Timestamp::default()));
        made.expect_err("it cannot be had").to_string()
    }

    #[test]
    fn a_record_that_route_53_would_refuse_is_refused_with_its_place() {
        let said = complaint(
            r#"{ "zones": [{ "id": "Z1", "name": "example.com", "records": [
                { "name": "a.example.com", "type": "A", "ttl": 60, "values": ["192.0.2.1"] },
                { "name": "b.example.org", "type": "A", "ttl": 60, "values": ["192.0.2.1"] }
            ] }] }"#,
        );

        assert!(
            said.starts_with("at `zones[0].records[1]`: InvalidChangeBatch"),
            "{said}"
        );
    }

    #[test]
    fn an_endpoint_that_dms_would_refuse_is_refused_with_its_place() {
        let said = complaint(
            r#"{ "endpoints": [{ "identifier": "a", "type": "source", "engine": "paper" }] }"#,
        );

        assert!(
            said.starts_with("at `endpoints[0]`: InvalidParameterValueException"),
            "{said}"
        );
    }

    #[test]
    fn a_fault_of_no_operation_is_refused_with_its_place() {
        let said = complaint(r#"{ "faults": [{ "operation": "GetZone", "what": "throttled" }] }"#);

        assert_eq!(
            said,
            "at `faults[0].operation`: there is no operation `GetZone`"
        );
    }

    #[test]
    fn everything_that_is_named_is_there() {
        let scene = Scene::parse(
            r#"{
                "account": "210987654321", "region": "eu-west-1",
                "zones": [{ "id": "Z1", "name": "example.com" }],
                "targetGroups": [{ "arn": "a:targetgroup/b", "targets": [{ "id": "i-1", "port": 80 }] }],
                "rules": [{ "arn": "a:rule", "groups": [{ "arn": "a:targetgroup/b", "weight": 7 }], "stickySeconds": 60 }],
                "topics": ["shifts"], "parameters": { "/pay/shift": "run" }, "alarms": ["failures"],
                "tasks": [{ "arn": "a:task", "identifier": "t", "instanceArn": "a:rep", "instanceIdentifier": "i",
                            "status": "running", "lagSeconds": 3, "tables": [{ "schema": "s", "table": "t" }] }],
                "secrets": { "pay/db": { "user": "app" }, "pay/plain": "text" },
                "instances": [{ "arn": "a:rep", "identifier": "i", "class": "dms.r6i.large" }],
                "endpoints": [{ "identifier": "source", "type": "source", "engine": "mysql", "host": "h", "port": 3306,
                                "user": "u", "password": "p", "tested": true }],
                "dmsSeconds": 1,
                "faults": [{ "operation": "*", "first": 100, "times": 2, "what": { "hangSeconds": 1 } }]
            }"#,
        );

        let now = Timestamp::default();
        let mut cloud = scene.unwrap().into_cloud(now).unwrap();

        assert_eq!(cloud.get_hosted_zone(now, "Z1").unwrap().record_count, 2);
        assert_eq!(
            cloud
                .describe_target_health(now, "a:targetgroup/b")
                .unwrap()[0]
                .state,
            "healthy"
        );
        let rules = cloud.describe_rules(now, &["a:rule".to_owned()]).unwrap();
        assert_eq!(rules[0].actions[0].groups()[0].weight, Some(7));
        let topic = "arn:aws:sns:eu-west-1:210987654321:shifts";
        assert_eq!(cloud.get_topic_attributes(now, topic).unwrap().arn, topic);
        assert_eq!(
            cloud.get_parameter(now, "/pay/shift", false).unwrap().value,
            "run"
        );
        assert_eq!(cloud.describe_alarms(now, &[]).unwrap()[0].name, "failures");
        assert_eq!(
            cloud
                .describe_table_statistics(now, "a:task", &DmsQuery::default())
                .unwrap()
                .items[0]
                .state,
            "Table completed"
        );
        let secret = cloud.get_secret_value(now, "pay/db").unwrap();
        assert_eq!(secret.text.reveal(), r#"{"user":"app"}"#);
        let all = DmsQuery::default();
        let instances = cloud.describe_replication_instances(now, &all).unwrap();
        assert_eq!(instances.items[0].class, "dms.r6i.large");
        let connections = cloud.describe_connections(now, &all).unwrap();
        let connection = &connections.items[0];
        assert_eq!(connection.status, "successful");
        assert_eq!(
            connection.endpoint_arn,
            "arn:aws:dms:eu-west-1:210987654321:endpoint:SOURCE"
        );
        assert_eq!(cloud.config.dms.starting, Duration::from_secs(1));
        assert_eq!(cloud.delay("GetParameter", now), Duration::ZERO);
    }
}
