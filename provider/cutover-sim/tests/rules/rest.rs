//! Topics, parameters, replication tasks.

use std::time::Duration;

use cutover_sim::cloud::{DmsQuery, PublishInput, PutParameter, ReplicationTask};

use crate::{START, cloud, seconds};

#[test]
fn a_topic_that_keeps_order_needs_a_group_and_knows_a_message_again() {
    let mut cloud = cloud();
    let topic_arn = cloud.create_topic("shifts.fifo");
    let plain = PublishInput {
        topic_arn,
        message: "{}".to_owned(),
        ..PublishInput::default()
    };
    let grouped = PublishInput {
        group_id: Some("g".to_owned()),
        deduplication_id: Some("1".to_owned()),
        ..plain.clone()
    };

    assert_eq!(
        cloud.publish(START, &plain).unwrap_err().code,
        "InvalidParameter"
    );
    let first = cloud.publish(START, &grouped).unwrap();
    assert_eq!(cloud.publish(seconds(299), &grouped).unwrap(), first);
    assert_ne!(cloud.publish(seconds(300), &grouped).unwrap(), first);
    assert_eq!(cloud.sent().len(), 2);
}

#[test]
fn a_subject_is_short_printable_ascii() {
    let mut cloud = cloud();
    let topic_arn = cloud.create_topic("shifts");
    for subject in [
        String::new(),
        "x".repeat(100),
        "Zurück".to_owned(),
        "a\nb".to_owned(),
    ] {
        let input = PublishInput {
            topic_arn: topic_arn.clone(),
            subject: Some(subject),
            message: "{}".to_owned(),
            ..PublishInput::default()
        };
        assert_eq!(
            cloud.publish(START, &input).unwrap_err().code,
            "InvalidParameter"
        );
    }
    assert!(cloud.sent().is_empty());
    cloud.delete_topic(&topic_arn);
    assert_eq!(
        cloud
            .get_topic_attributes(START, &topic_arn)
            .unwrap_err()
            .code,
        "NotFound"
    );
}

#[test]
fn a_parameter_is_replaced_only_when_that_is_said() {
    let mut cloud = cloud();
    let mut input = PutParameter {
        name: "/shift/control".to_owned(),
        kind: None,
        value: "run".to_owned(),
        overwrite: false,
    };
    assert_eq!(
        cloud
            .get_parameter(START, &input.name, true)
            .unwrap_err()
            .code,
        "ParameterNotFound"
    );
    assert_eq!(
        cloud.put_parameter(START, &input).unwrap_err().code,
        "ValidationException"
    );
    input.kind = Some("SecureString".to_owned());
    assert_eq!(cloud.put_parameter(START, &input).unwrap(), 1);
    assert_eq!(
        cloud.put_parameter(START, &input).unwrap_err().code,
        "ParameterAlreadyExists"
    );
    input.overwrite = true;
    input.value = "hold".to_owned();
    assert_eq!(cloud.put_parameter(START, &input).unwrap(), 2);
    assert_eq!(
        cloud.get_parameter(START, &input.name, true).unwrap().value,
        "hold"
    );
    assert_ne!(
        cloud
            .get_parameter(START, &input.name, false)
            .unwrap()
            .value,
        "hold"
    );
}

#[test]
fn a_task_that_is_not_there_is_not_found() {
    let mut cloud = cloud();
    let task = ReplicationTask {
        arn: "arn:aws:dms:eu-central-1:123456789012:task:BACK".to_owned(),
        lag: Some(Duration::from_secs(3)),
        ..ReplicationTask::default()
    };
    let query = DmsQuery::only("replication-task-arn", &task.arn);
    cloud.put_replication_task(START, task.clone());
    let found = cloud.describe_replication_tasks(START, &query).unwrap();
    assert_eq!(found.items.first(), Some(&task));
    cloud.remove_replication_task(&task.arn);
    let error = cloud.describe_replication_tasks(START, &query).unwrap_err();
    assert_eq!(error.code, "ResourceNotFoundFault");
}
