//! Our own adapters, over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cutover_aws::{
    AwsHostedZones, AwsListenerRules, AwsMetrics, AwsParameters, AwsReplicationTasks, AwsTopics,
    Endpoints, Keys, Sdk, Settings,
};
use cutover_core::shift::facts::ChangeState;
use cutover_core::shift::gates::AlarmReading;
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::{RecordChange, RecordSet, Verb};
use cutover_core::shift::rules::{GroupWeight, RuleChange};
use cutover_core::shift::sources::{Metric, Query};
use cutover_core::{FailureClass, Timestamp};
use cutover_driver::{
    Applied, Batch, Clock as _, HostedZones as _, ListenerRules as _, Message, Metrics as _,
    Parameters as _, Published, ReplicationTasks as _, SystemClock, Targets, Topics as _,
};
use cutover_sim::cloud::{CloudFault, What};

use crate::cloudwatch::put_alarm;
use crate::world::{NAME, NEW_GROUP, OLD_GROUP, REGION, RULE, TASK, TOPIC, World, ZONE};

pub(crate) fn sdk(world: &World) -> Sdk {
    let url = Some(world.aws.url());
    let endpoints = Endpoints {
        cloudwatch: url.clone(),
        dms: url.clone(),
        elbv2: url.clone(),
        route53: url.clone(),
        secrets: url.clone(),
        sns: url.clone(),
        ssm: url.clone(),
        sts: url,
        ..Endpoints::default()
    };
    let keys = Keys {
        access_key: "AKIAEXAMPLE".to_owned(),
        secret_key: "secret".to_owned(),
        token: None,
    };
    let settings = Settings {
        region: Some(REGION.to_owned()),
        keys: Some(keys),
        endpoints,
        ..Settings::default()
    };
    Sdk::new(settings, Arc::new(SystemClock))
}

async fn members(zones: &AwsHostedZones) -> Vec<RecordSet> {
    let names = [NAME.to_owned()];
    zones.fetch_record_sets(ZONE, &names).await.unwrap()
}

fn swap(before: &RecordSet, after: RecordSet) -> Batch {
    let change = |verb, set| RecordChange { verb, set };
    Batch {
        zone_id: ZONE.to_owned(),
        changes: vec![
            change(Verb::Delete, before.clone()),
            change(Verb::Create, after),
        ],
        urgent: false,
    }
}

#[tokio::test]
async fn a_swap_of_what_was_read_is_accepted_once() {
    let world = World::start().await;
    let zones = AwsHostedZones::new(&sdk(&world));
    let read = members(&zones).await;
    let before = &read[0];
    let Routing::Weighted {
        set_identifier,
        weight,
    } = &before.routing
    else {
        panic!("the member is weighted, and not {before:?}");
    };
    let after = RecordSet {
        routing: Routing::Weighted {
            set_identifier: set_identifier.clone(),
            weight: weight + 7,
        },
        ..before.clone()
    };

    let batch = swap(before, after.clone());
    let Applied::Accepted { id } = zones.apply(&batch).await.unwrap() else {
        panic!("what was read is there");
    };
    let again = zones.apply(&batch).await.unwrap();

    assert_eq!(zones.fetch_change(&id).await.unwrap(), ChangeState::Insync);
    assert!(matches!(again, Applied::Conflict { .. }), "{again:?}");
    assert_eq!(members(&zones).await[0], after);
}

#[tokio::test]
async fn a_zone_and_its_name_servers_are_read() {
    let world = World::start().await;
    let zones = AwsHostedZones::new(&sdk(&world));

    let zone = zones.fetch_zone(ZONE).await.unwrap().unwrap();

    assert_eq!(
        (&*zone.name, zone.private, zone.name_servers.len()),
        ("example.com", false, 4)
    );
    assert_eq!(zones.fetch_zone("ZNONE").await.unwrap(), None);
}

#[tokio::test]
async fn every_fault_reaches_the_adapter_as_its_class() {
    let faults = [
        (What::Throttled, FailureClass::Throttled),
        (What::Denied, FailureClass::Denied),
        (What::Expired, FailureClass::Unconfigured),
        (What::Unavailable, FailureClass::Unavailable),
        (What::Broken, FailureClass::Unknown),
        (What::LostBefore, FailureClass::Unknown),
        (What::AnswerLost, FailureClass::Unknown),
        (What::Refused("InvalidInput", "no"), FailureClass::Refused),
    ];
    for (what, class) in faults {
        let world = World::start().await;
        world.script([CloudFault::nth("*", 1, 1, what.clone())]);
        let sdk = sdk(&world);

        let error = AwsHostedZones::new(&sdk)
            .fetch_zone(ZONE)
            .await
            .unwrap_err();
        assert_eq!(error.class, class, "Route 53, {what:?}: {error:?}");
        let error = AwsMetrics::new(&sdk)
            .fetch_alarms(&["a".to_owned()])
            .await
            .unwrap_err();
        assert_eq!(error.class, class, "CloudWatch, {what:?}: {error:?}");
        let error = AwsListenerRules::new(&sdk)
            .fetch_targets(OLD_GROUP)
            .await
            .unwrap_err();
        assert_eq!(error.class, class, "ELB, {what:?}: {error:?}");
        let error = AwsTopics::new(&sdk).fetch(TOPIC).await.unwrap_err();
        assert_eq!(error.class, class, "SNS, {what:?}: {error:?}");
        let error = AwsParameters::new(&sdk).fetch("/a").await.unwrap_err();
        assert_eq!(error.class, class, "SSM, {what:?}: {error:?}");
        let error = AwsReplicationTasks::new(&sdk)
            .fetch(TASK)
            .await
            .unwrap_err();
        assert_eq!(error.class, class, "DMS, {what:?}: {error:?}");
    }
}

#[tokio::test]
async fn weights_of_a_rule_are_swapped_once() {
    let world = World::start().await;
    let rules = AwsListenerRules::new(&sdk(&world));
    let before = rules.fetch_rule(RULE).await.unwrap().unwrap();
    let weights = |old, new| {
        let weight = |arn: &str, weight| GroupWeight {
            arn: arn.to_owned(),
            weight,
        };
        vec![weight(OLD_GROUP, old), weight(NEW_GROUP, new)]
    };
    assert_eq!(before.groups, weights(100, 0));
    let change = RuleChange {
        rule_arn: RULE.to_owned(),
        expected: Some(before.groups),
        expected_tag: None,
        groups: Some(weights(90, 10)),
        tags: BTreeMap::from([("cutover".to_owned(), "run-1".to_owned())]),
        tags_first: false,
    };

    let applied = rules.apply(&change).await.unwrap();
    let again = rules.apply(&change).await.unwrap();

    assert!(matches!(applied, Applied::Accepted { .. }), "{applied:?}");
    assert!(matches!(again, Applied::Conflict { .. }), "{again:?}");
    let after = rules.fetch_rule(RULE).await.unwrap().unwrap();
    assert_eq!(after.groups, weights(90, 10));
    assert_eq!(after.tags["cutover"], "run-1");
    let targets = Targets {
        registered: 2,
        healthy: 1,
        unchecked: 0,
    };
    assert_eq!(rules.fetch_targets(OLD_GROUP).await.unwrap(), targets);
}

#[tokio::test]
async fn what_was_published_is_read_as_a_series() {
    let world = World::start().await;
    let metrics = AwsMetrics::new(&sdk(&world));
    let metric = Metric {
        namespace: "Cutover".to_owned(),
        name: "Failed".to_owned(),
        dimensions: BTreeMap::from([("ShiftId".to_owned(), "pay".to_owned())]),
        stat: "Sum".to_owned(),
    };
    let now = SystemClock.now();
    let published = [1.0, 2.5].map(|value| Published {
        metric: metric.clone(),
        at: now,
        value,
    });

    metrics.publish(&published).await.unwrap();
    let query = Query {
        metric,
        period_seconds: 60,
    };
    let from = Timestamp::from_unix_millis(now.unix_millis() - 300_000);
    let read = metrics
        .fetch_series(&[query], from, now.after(Duration::from_mins(1)))
        .await
        .unwrap();

    let shown = format!("{read:?}");
    assert!(shown.contains("3.5"), "{shown}");
}

#[tokio::test]
async fn alarms_that_do_not_exist_are_not_in_the_answer() {
    let world = World::start().await;
    let metrics = AwsMetrics::new(&sdk(&world));
    put_alarm(&world.cloudwatch(), "failures").await;

    let names = ["failures", "none"].map(str::to_owned);
    let alarms = metrics.fetch_alarms(&names).await.unwrap();

    assert_eq!(
        alarms,
        BTreeMap::from([("failures".to_owned(), AlarmReading::NoData)])
    );
}

#[tokio::test]
async fn parameters_topics_and_tasks_are_reached() {
    let world = World::start().await;
    let sdk = sdk(&world);
    let (parameters, topics) = (AwsParameters::new(&sdk), AwsTopics::new(&sdk));

    assert_eq!(parameters.fetch("/pay/shift").await.unwrap(), None);
    parameters.put("/pay/shift", "run").await.unwrap();
    parameters.put("/pay/shift", "hold: why").await.unwrap();
    assert_eq!(
        parameters.fetch("/pay/shift").await.unwrap().as_deref(),
        Some("hold: why")
    );

    let message = Message {
        subject: "Started".to_owned(),
        body: "{}".to_owned(),
        key: "1".to_owned(),
    };
    topics.publish(TOPIC, &message).await.unwrap();
    assert_eq!(world.aws.cloud().sent()[0].input.message, "{}");
    assert!(topics.fetch(TOPIC).await.unwrap());
    assert!(!topics.fetch(&format!("{TOPIC}-not")).await.unwrap());

    let tasks = AwsReplicationTasks::new(&sdk);
    let task = tasks.fetch(TASK).await.unwrap().unwrap();
    assert_eq!(task.status, "running");
    assert_eq!(tasks.fetch(&format!("{TASK}-NOT")).await.unwrap(), None);
}
