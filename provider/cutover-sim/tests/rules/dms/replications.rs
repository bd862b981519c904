//! Replications without server.

use cutover_sim::Cloud;
use cutover_sim::cloud::{DmsQuery, NewReplicationTask, StartTask};

use super::{by_arn, new_task, untested};
use crate::{START, seconds};

fn made(cloud: &mut Cloud) -> StartTask {
    let input = NewReplicationTask {
        instance_arn: String::new(),
        ..new_task("full-load-and-cdc")
    };
    let config = cloud.create_replication_config(START, &input).unwrap();
    assert_eq!(config.status, "created");
    StartTask {
        arn: config.arn,
        start_type: "start-replication".to_owned(),
        ..StartTask::default()
    }
}

#[test]
fn a_replication_finds_its_capacity_before_it_runs() {
    let mut cloud = untested();
    let start = made(&mut cloud);
    let query = DmsQuery::only("replication-config-arn", &start.arn);
    let started = cloud.start_replication(START, &start).unwrap();
    assert_eq!(started.status, "initializing");
    let mut status = |at| {
        let page = cloud.describe_replications(seconds(at), &query).unwrap();
        page.items[0].status.clone()
    };

    assert_eq!(status(1), "initializing");
    assert_eq!(status(6), "calculating capacity");
    assert_eq!(status(9), "replication starting");
    assert_eq!(status(10), "running");
}

#[test]
fn a_replication_is_stopped_read_and_removed() {
    let mut cloud = untested();
    let start = made(&mut cloud);
    cloud.start_replication(START, &start).unwrap();
    let all = DmsQuery::default();

    let tables = cloud.describe_replication_table_statistics(seconds(200), &start.arn, &all);
    assert_eq!(tables.unwrap().items[0].state, "Table completed");
    let busy = cloud.delete_replication_config(seconds(200), &start.arn);
    assert_eq!(busy.unwrap_err().code, "InvalidResourceStateFault");
    cloud.stop_replication(seconds(200), &start.arn).unwrap();
    let page = cloud.describe_replications(seconds(210), &all).unwrap();
    assert_eq!(page.items[0].status, "stopped");
    cloud
        .delete_replication_config(seconds(210), &start.arn)
        .unwrap();

    let gone = cloud.describe_replications(seconds(220), &all).unwrap();
    assert_eq!(gone.items, []);
}

#[test]
fn a_replication_is_no_task() {
    let mut cloud = untested();
    let start = made(&mut cloud);

    let tasks = cloud.describe_replication_tasks(START, &by_arn());
    let started = cloud.start_replication_task(START, &start);

    assert_eq!(tasks.unwrap_err().code, "ResourceNotFoundFault");
    assert_eq!(started.unwrap_err().code, "ResourceNotFoundFault");
}
