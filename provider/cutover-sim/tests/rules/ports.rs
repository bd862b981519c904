//! The ports of the driver.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::FailureClass;
use cutover_core::shift::facts::ChangeState;
use cutover_core::shift::gates::Reading;
use cutover_core::shift::records::{RecordChange, Verb};
use cutover_core::shift::sources::{Metric, Query};
use cutover_core::shift::spec::Answer;
use cutover_driver::{Applied, Batch, Clock, Published, Question, Traffic};
use cutover_sim::cloud::{ReplicationTask, TableStatistics, What};
use cutover_sim::{Cloud, CloudFault, PausedClock, SimTraffic};

use crate::{START, ZONE, cloud, create, make, member, minutes};

const APP: &str = "app.example.com";

fn set_up() -> Cloud {
    let mut cloud = cloud();
    make(
        &mut cloud,
        START,
        &[
            create(member(APP, "old", 100)),
            create(member(APP, "new", 0)),
        ],
    );
    cloud
}

fn ports(cloud: Cloud) -> (SimTraffic, Traffic, PausedClock) {
    let clock = PausedClock::starting_at(minutes(1));
    let sim = SimTraffic::new(cloud, clock);
    let traffic = sim.traffic();
    (sim, traffic, clock)
}

/// The batch that moves everything to new, by what is there.
async fn everything(traffic: &Traffic) -> Batch {
    let sets = traffic
        .zones
        .fetch_record_sets(ZONE, &[APP.to_owned()])
        .await
        .unwrap();
    let mut changes = Vec::new();
    for set in sets {
        let mut after = cutover_core::shift::records::RecordSet::clone(&set);
        if let cutover_core::shift::preflight::Routing::Weighted { weight, .. } = &mut after.routing
        {
            *weight = 100 - *weight;
        }
        changes.push(RecordChange {
            verb: Verb::Delete,
            set,
        });
        changes.push(RecordChange {
            verb: Verb::Create,
            set: after,
        });
    }
    Batch {
        zone_id: ZONE.to_owned(),
        changes,
        urgent: false,
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_accepted_once_and_then_conflicts() {
    let (sim, traffic, clock) = ports(set_up());
    let batch = everything(&traffic).await;

    let Applied::Accepted { id } = traffic.zones.apply(&batch).await.unwrap() else {
        panic!("refused");
    };

    assert!(matches!(
        traffic.zones.apply(&batch).await.unwrap(),
        Applied::Conflict { .. }
    ));
    assert_eq!(
        traffic.zones.fetch_change(&id).await.unwrap(),
        ChangeState::Pending
    );
    clock.sleep_until(minutes(2)).await;
    assert_eq!(
        traffic.zones.fetch_change(&id).await.unwrap(),
        ChangeState::Insync
    );
    assert_eq!(
        traffic.zones.fetch_change("C404").await.unwrap(),
        ChangeState::Unknown
    );
    assert_eq!(sim.cloud().weights_over_time(ZONE, APP, "A").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn authoritative_answers_are_counted_by_side() {
    let (_, traffic, clock) = ports(set_up());
    let zone = traffic.zones.fetch_zone(ZONE).await.unwrap().unwrap();
    assert_eq!(
        (zone.name.as_str(), zone.name_servers.len()),
        ("example.com", 4)
    );
    let question = Question {
        servers: zone.name_servers,
        name: APP.to_owned(),
        record_type: "A".to_owned(),
        old: Answer::Value("192.0.2.1".to_owned()),
        new: Answer::Value("192.0.2.2".to_owned()),
        times: 5,
    };
    let before = traffic.name_servers.sample(&question).await.unwrap();
    traffic
        .zones
        .apply(&everything(&traffic).await)
        .await
        .unwrap();
    clock.sleep_until(minutes(2)).await;
    let after = traffic.name_servers.sample(&question).await.unwrap();

    assert_eq!((before.old, before.new, before.other), (20, 0, 0));
    assert_eq!((after.old, after.new, after.other), (0, 20, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_takes_its_time_while_others_go_on() {
    let mut cloud = set_up();
    cloud.script([CloudFault::nth(
        "GetHostedZone",
        1,
        1,
        What::Hang(Duration::from_secs(30)),
    )]);
    let (_, traffic, clock) = ports(cloud);
    let begun = clock.now();
    let other = async {
        traffic.credentials.fetch_end().await.unwrap();
        traffic
            .zones
            .fetch_record_sets(ZONE, &[APP.to_owned()])
            .await
            .unwrap();
        clock.now().since(begun)
    };

    let (zone, other) = tokio::join!(traffic.zones.fetch_zone(ZONE), other);

    assert!(zone.unwrap().is_some());
    assert!(other < Duration::from_secs(1));
    assert!(clock.now().since(begun) >= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn metrics_that_are_published_can_be_read() {
    let (_, traffic, clock) = ports(set_up());
    let metric = Metric {
        namespace: "Cutover".to_owned(),
        name: "Heartbeat".to_owned(),
        dimensions: BTreeMap::from([("Shift".to_owned(), "a".to_owned())]),
        stat: "Sum".to_owned(),
    };
    let value = Published {
        metric: metric.clone(),
        at: clock.now(),
        value: 2.0,
    };
    traffic.metrics.publish(&[value]).await.unwrap();
    let query = Query {
        metric,
        period_seconds: 60,
    };

    let readings = traffic
        .metrics
        .fetch_series(&[query], START, minutes(2))
        .await
        .unwrap();

    let [Reading::Points(points)] = readings.as_slice() else {
        panic!("{readings:?}");
    };
    assert_eq!(
        points.iter().map(|point| point.value).collect::<Vec<_>>(),
        [2.0]
    );
}

#[tokio::test(start_paused = true)]
async fn errors_have_the_classes_of_the_real_adapters() {
    let mut cloud = set_up();
    cloud.script([
        CloudFault::nth("GetParameter", 1, 1, What::Denied),
        CloudFault::nth(
            "ChangeResourceRecordSets",
            2,
            1,
            What::Refused("PriorRequestNotComplete", "later"),
        ),
    ]);
    let (_, traffic, _) = ports(cloud);

    let denied = traffic.parameters.fetch("/control").await.unwrap_err();
    let batch = everything(&traffic).await;
    let busy = traffic.zones.apply(&batch).await.unwrap_err();

    assert_eq!(
        (denied.class, denied.action),
        (FailureClass::Denied, "ssm:GetParameter")
    );
    assert_eq!(busy.class, FailureClass::Throttled);
    assert_eq!(traffic.parameters.fetch("/control").await.unwrap(), None);
    traffic.parameters.put("/control", "closed").await.unwrap();
    assert_eq!(
        traffic
            .parameters
            .fetch("/control")
            .await
            .unwrap()
            .as_deref(),
        Some("closed")
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_is_read_with_its_lag_and_its_tables() {
    let mut cloud = set_up();
    let table = |validation_state: &str| TableStatistics {
        state: "Table completed".to_owned(),
        validation_state: validation_state.to_owned(),
        ..TableStatistics::default()
    };
    cloud.put_replication_task(
        START,
        ReplicationTask {
            arn: "arn:task".to_owned(),
            identifier: "back".to_owned(),
            instance_identifier: "instance".to_owned(),
            status: "running".to_owned(),
            tables: vec![table("Validated"), table("Mismatched records")],
            lag: Some(Duration::from_secs(4)),
            ..ReplicationTask::default()
        },
    );
    let (_, traffic, _) = ports(cloud);

    let task = traffic.tasks.fetch("arn:task").await.unwrap().unwrap();

    assert_eq!((task.status.as_str(), task.tables_in_error), ("running", 1));
    assert_eq!(task.lag, Some(Duration::from_secs(4)));
    assert_eq!(traffic.tasks.fetch("arn:none").await.unwrap(), None);
}
