//! DMS.

mod assessments;
mod course;
mod moved;
mod needs;
mod ports;
mod replications;
mod secrets;
mod tasks;

use std::time::Duration;

use cutover_core::Timestamp;
use cutover_driver::Hidden;
use cutover_sim::Cloud;
use cutover_sim::cloud::{
    DmsEndpoint, DmsPace, DmsQuery, NewReplicationTask, ReplicationInstance, ReplicationTask,
    StartTask, TableStatistics,
};

use crate::{START, seconds};

const INSTANCE: &str = "arn:aws:dms:eu-central-1:123456789012:rep:INSTANCE";
const SOURCE: &str = "arn:aws:dms:eu-central-1:123456789012:endpoint:SOURCE";
const TARGET: &str = "arn:aws:dms:eu-central-1:123456789012:endpoint:TARGET";
const TASK: &str = "arn:aws:dms:eu-central-1:123456789012:task:TASK";

/// Two tables, and one that is left out.
const MAPPINGS: &str = r#"{ "rules": [
    { "rule-type": "selection", "rule-id": "1", "rule-name": "1", "rule-action": "include",
      "object-locator": { "schema-name": "shop", "table-name": "payments" } },
    { "rule-type": "selection", "rule-id": "2", "rule-name": "2", "rule-action": "include",
      "object-locator": { "schema-name": "shop", "table-name": "customers" } },
    { "rule-type": "selection", "rule-id": "3", "rule-name": "3", "rule-action": "exclude",
      "object-locator": { "schema-name": "shop", "table-name": "%_old" } },
    { "rule-type": "transformation", "rule-id": "4", "rule-name": "4", "rule-action": "convert-lowercase",
      "rule-target": "schema", "object-locator": { "schema-name": "%" } }
] }"#;

/// How long everything takes in these tests.
const PACE: DmsPace = DmsPace {
    creating: Duration::from_secs(5),
    modifying: Duration::from_secs(5),
    starting: Duration::from_secs(10),
    stopping: Duration::from_secs(5),
    deleting: Duration::from_secs(5),
    testing: Duration::from_secs(5),
    assessing: Duration::from_mins(1),
    former: Duration::ZERO,
    loading: Duration::from_secs(30),
};

fn endpoint(identifier: &str, endpoint_type: &str) -> DmsEndpoint {
    DmsEndpoint {
        identifier: identifier.to_owned(),
        endpoint_type: endpoint_type.to_owned(),
        engine: "postgres".to_owned(),
        host: format!("{identifier}.example.com"),
        port: 5432,
        database: "shop".to_owned(),
        user: "dms".to_owned(),
        password: Some(Hidden::new("pw")),
        ssl_mode: "require".to_owned(),
        ..DmsEndpoint::default()
    }
}

/// An account with an instance and two endpoints, whose connections are tested.
fn account() -> Cloud {
    let mut cloud = untested();
    for arn in [SOURCE, TARGET] {
        cloud.put_connection(START, INSTANCE, arn).unwrap();
    }
    cloud
}

fn untested() -> Cloud {
    let mut cloud = crate::cloud();
    cloud.config.dms = PACE;
    cloud.put_replication_instance(ReplicationInstance::usual(INSTANCE, "instance"));
    for (identifier, kind) in [("source", "source"), ("target", "target")] {
        let resource = identifier.to_ascii_uppercase();
        cloud
            .create_endpoint(START, endpoint(identifier, kind), Some(&resource))
            .unwrap();
    }
    cloud
}

fn new_task(migration_type: &str) -> NewReplicationTask {
    NewReplicationTask {
        identifier: "forward".to_owned(),
        resource: Some("TASK".to_owned()),
        source_endpoint_arn: SOURCE.to_owned(),
        target_endpoint_arn: TARGET.to_owned(),
        instance_arn: INSTANCE.to_owned(),
        migration_type: migration_type.to_owned(),
        table_mappings: MAPPINGS.to_owned(),
        ..NewReplicationTask::default()
    }
}

/// Makes a task that is ready 5 s after the beginning.
fn made(cloud: &mut Cloud, migration_type: &str) {
    let made = cloud.create_replication_task(START, &new_task(migration_type));
    assert_eq!(made.unwrap().arn, TASK);
}

fn starting(start_type: &str) -> StartTask {
    StartTask {
        arn: TASK.to_owned(),
        start_type: start_type.to_owned(),
        ..StartTask::default()
    }
}

/// Starts a task 5 s after the beginning; it runs from 15 s on.
fn started(cloud: &mut Cloud, migration_type: &str) {
    made(cloud, migration_type);
    let start = starting("start-replication");
    cloud.start_replication_task(seconds(5), &start).unwrap();
}

fn by_arn() -> DmsQuery {
    DmsQuery::only("replication-task-arn", TASK)
}

fn task(cloud: &mut Cloud, at: Timestamp) -> ReplicationTask {
    let page = cloud.describe_replication_tasks(at, &by_arn()).unwrap();
    let [task] = page.items.try_into().unwrap();
    task
}

fn status(cloud: &mut Cloud, at: u64) -> String {
    task(cloud, seconds(at)).status
}

fn tables(cloud: &mut Cloud, at: u64) -> Vec<TableStatistics> {
    let query = DmsQuery::default();
    let page = cloud.describe_table_statistics(seconds(at), TASK, &query);
    page.unwrap().items
}

/// The states of the tables, in the order of their names.
fn states(cloud: &mut Cloud, at: u64) -> Vec<String> {
    let tables = tables(cloud, at);
    tables.into_iter().map(|table| table.state).collect()
}
