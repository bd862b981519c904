//! Our own adapters for replication and secrets, over HTTP.

use aws_sdk_databasemigration::types::ReplicationEndpointTypeValue;
use cutover_aws::{AwsReplications, AwsSecrets};
use cutover_core::replication::spec::Assessment;
use cutover_core::replication::task::{NewTask, StartKind};
use cutover_core::{FailureClass, Timestamp};
use cutover_driver::{Hidden, Replications as _, Secrets as _};
use cutover_sim::cloud::{CloudFault, DmsEvent, What};

use crate::adapters::sdk;
use crate::migration::{MAPPINGS, endpoint, endpoints, start, task};
use crate::world::{INSTANCE, World};

#[tokio::test]
async fn a_task_is_started_read_loaded_again_stopped_and_removed() {
    let world = start().await;
    let arn = task(&world.dms()).await;
    let port = AwsReplications::new(&sdk(&world));
    let ready = port.find("forward").await.unwrap().unwrap();
    assert_eq!((ready.arn.as_str(), ready.has_run), (arn.as_str(), false));
    assert_eq!(port.fetch_tables(&arn).await.unwrap(), []);

    port.start(&arn, StartKind::Start).await.unwrap();
    let running = port.fetch(&arn).await.unwrap().unwrap();
    let payments = ("shop".to_owned(), "payments".to_owned());
    port.reload(&arn, &[payments]).await.unwrap();
    let tables = port.fetch_tables(&arn).await.unwrap();
    port.stop(&arn).await.unwrap();
    port.stop(&arn).await.unwrap();
    let stopped = port.fetch(&arn).await.unwrap().unwrap();
    port.delete(&arn).await.unwrap();

    assert_eq!(
        (running.status.as_str(), running.load_percent),
        ("running", 100)
    );
    assert!(running.started_at.is_some() && running.loaded_at.is_some());
    let instance = running.instance.unwrap();
    assert_eq!(
        (instance.arn.as_str(), instance.status.as_str()),
        (INSTANCE, "available")
    );
    assert_eq!(instance.maintenance.len(), 1);
    assert_eq!(
        (tables.len(), tables[0].state.as_str()),
        (1, "Table completed")
    );
    assert_eq!(stopped.status, "stopped");
    assert!(stopped.stop_reason.unwrap().starts_with("NORMAL"));
    assert_eq!(port.fetch(&arn).await.unwrap(), None);
}

#[tokio::test]
async fn a_failed_task_tells_why() {
    let world = start().await;
    let arn = task(&world.dms()).await;
    let port = AwsReplications::new(&sdk(&world));
    port.start(&arn, StartKind::Start).await.unwrap();
    assert_eq!(port.fetch(&arn).await.unwrap().unwrap().status, "running");
    let fails = DmsEvent::TaskFails {
        arn: arn.clone(),
        reason: "FATAL_ERROR".to_owned(),
        message: "Last Error slot is gone".to_owned(),
    };
    world.aws.cloud().script_dms(Timestamp::default(), fails);

    let failed = port.fetch(&arn).await.unwrap().unwrap();

    assert_eq!(failed.status, "failed");
    assert!(failed.stop_reason.unwrap().starts_with("FATAL_ERROR"));
    assert_eq!(failed.failure.as_deref(), Some("Last Error slot is gone"));
}

#[tokio::test]
async fn a_connection_is_tested() {
    let world = start().await;
    let arn = endpoint(&world.dms(), ReplicationEndpointTypeValue::Target).await;
    let port = AwsReplications::new(&sdk(&world));
    assert_eq!(port.fetch_connection(INSTANCE, &arn).await.unwrap(), None);

    port.test_connection(INSTANCE, &arn).await.unwrap();

    let seen = port
        .fetch_connection(INSTANCE, &arn)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((seen.status.as_str(), seen.failure), ("successful", None));
}

#[tokio::test]
async fn a_task_for_the_way_back_reads_its_slot_from_its_place() {
    let world = start().await;
    let [source, target] = endpoints(&world.dms()).await;
    let port = AwsReplications::new(&sdk(&world));
    let back = NewTask {
        identifier: "back".to_owned(),
        source_endpoint_arn: source,
        target_endpoint_arn: target,
        instance_arn: INSTANCE.to_owned(),
        cdc_start: "0/16B3748".to_owned(),
        slot: Some("back".to_owned()),
        table_mappings: MAPPINGS.to_owned(),
        settings: "{}".to_owned(),
        tags: Vec::new(),
    };

    let arn = port.create(&back).await.unwrap();
    let again = port.create(&back).await.unwrap_err();
    port.start(&arn, StartKind::Start).await.unwrap();

    let seen = port.fetch(&arn).await.unwrap().unwrap();
    assert_eq!(seen.status, "running");
    assert_eq!(seen.cdc_start.as_deref(), Some("0/16B3748"));
    assert_eq!(again.class, FailureClass::Refused);
}

#[tokio::test]
async fn an_assessment_is_made_and_told() {
    let world = start().await;
    let arn = task(&world.dms()).await;
    let port = AwsReplications::new(&sdk(&world));
    let name = "unsupported-data-types-in-source".to_owned();
    let findings = vec![(name.clone(), "warning".to_owned())];
    world
        .aws
        .cloud()
        .put_assessment_findings(&arn, findings.clone());
    let assessment = Assessment {
        role_arn: "arn:aws:iam::123456789012:role/results".to_owned(),
        bucket: "results".to_owned(),
    };

    assert_eq!(port.fetch_assessment(&arn, "a").await.unwrap(), None);
    port.assess(&arn, "a", &assessment).await.unwrap();

    let seen = port.fetch_assessment(&arn, "a").await.unwrap().unwrap();
    assert_eq!((seen.status.as_str(), seen.findings), ("warning", findings));
}

#[tokio::test]
async fn a_throttled_call_is_told_as_one() {
    let world = start().await;
    let port = AwsReplications::new(&sdk(&world));
    world.script([CloudFault::nth(
        "DescribeReplicationTasks",
        1,
        1,
        What::Throttled,
    )]);

    let throttled = port.find("forward").await.unwrap_err();

    assert_eq!(throttled.class, FailureClass::Throttled);
}

#[tokio::test]
async fn a_secret_is_read_and_changed() {
    let world = World::start().await;
    let now = Timestamp::default();
    let arn = world.aws.cloud().put_secret(now, "pay/db", "one");
    let secrets = AwsSecrets::new(&sdk(&world));

    secrets.put("pay/db", &Hidden::new("two")).await.unwrap();

    let read = secrets.fetch(&arn).await.unwrap();
    assert_eq!(read.reveal(), "two");
    assert_eq!(
        secrets.fetch("none").await.unwrap_err().class,
        FailureClass::Refused
    );
}
