//! The port of replication by DMS.

use std::time::Duration;

use cutover_core::replication::spec::Assessment;
use cutover_core::replication::task::{NewTask, StartKind};
use cutover_core::{FailureClass, Timestamp};
use cutover_driver::{Clock as _, Replications as _};
use cutover_sim::cloud::{
    DmsEvent, GetMetricData, Maintenance, MetricDataQuery, MetricKey, MetricStat, SimReplications,
    What,
};
use cutover_sim::{Cloud, CloudFault, SimClock};

use super::{
    INSTANCE, MAPPINGS, PACE, SOURCE, TARGET, TASK, account, endpoint, new_task, started, untested,
};
use crate::START;

/// Returns the values of the latency of the task's target, the newest first.
pub(super) fn latency_target(cloud: &mut Cloud, until: Timestamp) -> Vec<f64> {
    let dimensions = [
        ("ReplicationInstanceIdentifier", "instance"),
        ("ReplicationTaskIdentifier", "forward"),
    ];
    let key = MetricKey {
        namespace: "AWS/DMS".to_owned(),
        name: "CDCLatencyTarget".to_owned(),
        dimensions: dimensions
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    };
    let stat = MetricStat {
        key,
        period_seconds: 60,
        stat: "Maximum".to_owned(),
    };
    let input = GetMetricData {
        queries: vec![MetricDataQuery::of("m", stat)],
        from: START,
        until,
        ..GetMetricData::default()
    };
    let mut data = cloud.get_metric_data(until, &input).unwrap();
    data.results.remove(0).values
}

/// Puts a cloud behind the port, 5 minutes after the beginning of its tasks.
fn port(mut make: impl FnMut(&mut Cloud, Timestamp), cloud: Cloud) -> (SimReplications, SimClock) {
    let mut cloud = cloud;
    let clock = SimClock::default();
    make(&mut cloud, clock.now());
    (SimReplications::new(cloud, clock.clone()), clock)
}

#[tokio::test]
async fn a_task_is_driven_from_the_test_of_its_connections_to_its_end() {
    let (port, clock) = port(
        |cloud, now| {
            let made = cloud.create_replication_task(now, &new_task("full-load-and-cdc"));
            made.unwrap();
        },
        untested(),
    );
    for arn in [SOURCE, TARGET] {
        assert_eq!(port.fetch_connection(INSTANCE, arn).await.unwrap(), None);
        port.test_connection(INSTANCE, arn).await.unwrap();
        clock.pass(PACE.testing);
        let seen = port.fetch_connection(INSTANCE, arn).await.unwrap().unwrap();
        assert_eq!((seen.status.as_str(), seen.failure), ("successful", None));
    }
    assert_eq!(port.fetch_tables(TASK).await.unwrap(), []);

    port.start(TASK, StartKind::Start).await.unwrap();
    clock.pass(Duration::from_mins(5));
    let running = port.fetch(TASK).await.unwrap().unwrap();
    let tables = port.fetch_tables(TASK).await.unwrap();
    let metrics = port.fetch_metrics(&running).await.unwrap();
    port.reload(TASK, &[("shop".to_owned(), "payments".to_owned())])
        .await
        .unwrap();
    port.stop(TASK).await.unwrap();
    clock.pass(PACE.stopping);
    // Stopping again is no failure.
    port.stop(TASK).await.unwrap();
    let stopped = port.fetch(TASK).await.unwrap().unwrap();

    assert_eq!(
        (running.status.as_str(), running.load_percent),
        ("running", 100)
    );
    assert!(running.has_run && running.loaded_at.is_some());
    assert_eq!(
        (tables.len(), tables[0].state.as_str()),
        (2, "Table completed")
    );
    assert_eq!(metrics.latency_target, Some(Duration::ZERO));
    assert_eq!(metrics.cpu, Some(10.0));
    assert_eq!(stopped.stop_reason.as_deref(), Some("NORMAL"));
    port.delete(TASK).await.unwrap();
    clock.pass(PACE.deleting);
    assert_eq!(port.fetch(TASK).await.unwrap(), None);
    port.delete(TASK).await.unwrap();
    port.delete_instance(INSTANCE).await.unwrap();
    clock.pass(PACE.deleting);
    port.delete_instance(INSTANCE).await.unwrap();
}

#[tokio::test]
async fn a_task_is_told_with_its_instance_and_what_is_pending_there() {
    let (port, _) = port(
        |cloud, now| {
            cloud
                .create_replication_task(now, &new_task("cdc"))
                .unwrap();
            let what = |apply_at| Maintenance {
                action: "os-upgrade".to_owned(),
                description: "new system".to_owned(),
                apply_at,
            };
            for what in [what(Some(START)), what(None)] {
                let arn = INSTANCE.to_owned();
                cloud.script_dms(now, DmsEvent::Maintenance { arn, what });
            }
        },
        account(),
    );

    let found = port.find("forward").await.unwrap().unwrap();

    let instance = found.instance.unwrap();
    assert_eq!(found.source_endpoint_arn, SOURCE);
    assert_eq!(instance.status, "available");
    let pending = "`os-upgrade` at 2023-11-14T23:00:00Z: new system";
    assert_eq!(instance.maintenance, [pending]);
    assert_eq!(port.find("backward").await.unwrap(), None);
}

#[tokio::test]
async fn a_task_for_the_way_back_reads_its_slot_from_its_place() {
    let (port, clock) = port(|_, _| {}, account());
    let back = NewTask {
        identifier: "back".to_owned(),
        source_endpoint_arn: SOURCE.to_owned(),
        target_endpoint_arn: TARGET.to_owned(),
        instance_arn: INSTANCE.to_owned(),
        cdc_start: "0/16B3748".to_owned(),
        slot: Some("back".to_owned()),
        table_mappings: MAPPINGS.to_owned(),
        settings: "{}".to_owned(),
        tags: vec![("cutover".to_owned(), "m1".to_owned())],
    };

    let arn = port.create(&back).await.unwrap();
    let again = port.create(&back).await.unwrap_err();

    let seen = port.fetch(&arn).await.unwrap().unwrap();
    assert_eq!(seen.migration_type, "cdc");
    assert_eq!(seen.cdc_start.as_deref(), Some("0/16B3748"));
    let query = super::DmsQuery::only("endpoint-arn", SOURCE);
    let endpoints = port.cloud().describe_endpoints(clock.now(), &query);
    assert_eq!(endpoints.unwrap().items[0].slot(), Some("back"));
    assert_eq!(again.class, FailureClass::Refused);
    assert!(
        again.message.contains("ResourceAlreadyExistsFault"),
        "{}",
        again.message
    );
    // The endpoint was tested anew, since it was changed.
    clock.pass(PACE.creating);
    port.start(&arn, StartKind::Start).await.unwrap();
}

#[tokio::test]
async fn an_assessment_is_told_by_its_name() {
    let (port, clock) = port(
        |cloud, now| {
            cloud
                .create_replication_task(now, &new_task("cdc"))
                .unwrap();
            let name = "unsupported-data-types-in-source".to_owned();
            cloud.put_assessment_findings(TASK, vec![(name, "warning".to_owned())]);
        },
        account(),
    );
    clock.pass(PACE.creating);
    let assessment = Assessment {
        role_arn: "arn:role".to_owned(),
        bucket: "results".to_owned(),
    };

    assert_eq!(port.fetch_assessment(TASK, "a").await.unwrap(), None);
    port.assess(TASK, "a", &assessment).await.unwrap();
    let running = port.fetch_assessment(TASK, "a").await.unwrap().unwrap();
    clock.pass(PACE.assessing);
    let over = port.fetch_assessment(TASK, "a").await.unwrap().unwrap();

    assert_eq!(
        (running.status.as_str(), running.findings.len()),
        ("running", 0)
    );
    assert_eq!((over.status.as_str(), over.findings.len()), ("warning", 1));
    assert_eq!(port.fetch_assessment(TASK, "b").await.unwrap(), None);
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_may_have_taken_effect() {
    let mut cloud = account();
    cloud.script([CloudFault::nth(
        "StartReplicationTask",
        2,
        1,
        What::AnswerLost,
    )]);
    started(&mut cloud, "cdc");
    let (port, clock) = port(|_, _| {}, cloud);
    clock.pass(Duration::from_mins(1));
    port.stop(TASK).await.unwrap();
    clock.pass(PACE.stopping);

    let lost = port.start(TASK, StartKind::Resume).await.unwrap_err();

    assert_eq!(lost.class, FailureClass::Unknown);
    let seen = port.fetch(TASK).await.unwrap().unwrap();
    assert_eq!(seen.status, "starting");
}

#[tokio::test]
async fn a_replication_without_server_is_driven_by_the_same_port() {
    let mut cloud = untested();
    let third = cloud.create_endpoint(START, endpoint("third", "source"), None);
    let mut input = new_task("cdc");
    input.source_endpoint_arn = third.unwrap().arn;
    let config = cloud.create_replication_config(START, &input).unwrap();
    let (port, clock) = port(|_, _| {}, cloud);

    port.start(&config.arn, StartKind::Start).await.unwrap();
    clock.pass(PACE.starting);
    let running = port.fetch(&config.arn).await.unwrap().unwrap();
    let tables = port.fetch_tables(&config.arn).await.unwrap();
    port.stop(&config.arn).await.unwrap();
    clock.pass(PACE.stopping);
    port.delete(&config.arn).await.unwrap();
    clock.pass(PACE.deleting);

    assert_eq!(
        (running.status.as_str(), running.instance),
        ("running", None)
    );
    assert_eq!(tables.len(), 2);
    assert_eq!(port.fetch(&config.arn).await.unwrap(), None);
}
