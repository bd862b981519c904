//! SNS, Systems Manager, STS and DMS through their real clients.

use aws_sdk_databasemigration::types::Filter;
use aws_sdk_ssm::error::ProvideErrorMetadata as _;
use aws_sdk_ssm::types::ParameterType;

use crate::world::{INSTANCE, TASK, TOPIC, World};

#[tokio::test]
async fn a_message_reaches_its_topic_as_it_was_sent() {
    let world = World::start().await;

    let published = world
        .sns()
        .publish()
        .topic_arn(TOPIC)
        .subject("Rolled back")
        .message("{\"share\":10,\"why\":\"a=b&c\"}")
        .send()
        .await
        .unwrap();

    let cloud = world.aws.cloud();
    let [sent] = cloud.sent() else {
        panic!("one message, and not {:?}", cloud.sent());
    };
    assert_eq!(published.message_id(), Some(&*sent.message_id));
    assert_eq!(sent.input.topic_arn, TOPIC);
    assert_eq!(sent.input.subject.as_deref(), Some("Rolled back"));
    assert_eq!(sent.input.message, "{\"share\":10,\"why\":\"a=b&c\"}");
}

#[tokio::test]
async fn a_topic_tells_of_itself() {
    let world = World::start().await;
    let client = world.sns();

    let found = client
        .get_topic_attributes()
        .topic_arn(TOPIC)
        .send()
        .await
        .unwrap();
    let missing = client
        .get_topic_attributes()
        .topic_arn(format!("{TOPIC}-not"))
        .send()
        .await;

    assert_eq!(found.attributes().unwrap()["TopicArn"], TOPIC);
    let error = missing.unwrap_err().into_service_error();
    assert!(error.is_not_found_exception(), "{error:?}");
}

#[tokio::test]
async fn a_parameter_is_put_and_read() {
    let world = World::start().await;
    let client = world.ssm();
    let put = |value: &str, overwrite| {
        client
            .put_parameter()
            .name("/pay/shift")
            .value(value)
            .r#type(ParameterType::String)
            .overwrite(overwrite)
            .send()
    };

    assert_eq!(put("run", false).await.unwrap().version(), 1);
    assert_eq!(put("hold: lunch", true).await.unwrap().version(), 2);
    let refused = put("run", false).await.unwrap_err().into_service_error();
    assert!(refused.is_parameter_already_exists(), "{refused:?}");

    let got = client
        .get_parameter()
        .name("/pay/shift")
        .send()
        .await
        .unwrap();
    let parameter = got.parameter().unwrap();
    assert_eq!(
        (parameter.value(), parameter.version()),
        (Some("hold: lunch"), 2)
    );
    assert_eq!(parameter.r#type(), Some(&ParameterType::String));
    assert!(parameter.arn().unwrap().ends_with(":parameter/pay/shift"));
    assert!(parameter.last_modified_date().is_some());
}

#[tokio::test]
async fn a_parameter_that_is_not_there_is_its_own_error() {
    let world = World::start().await;

    let missing = world.ssm().get_parameter().name("/none").send().await;

    let error = missing.unwrap_err().into_service_error();
    assert!(error.is_parameter_not_found(), "{error:?}");
    assert_eq!(error.message(), Some("Parameter /none not found."));
}

#[tokio::test]
async fn a_caller_learns_who_it_is() {
    let world = World::start().await;

    let caller = world.sts().get_caller_identity().send().await.unwrap();

    assert_eq!(caller.account(), Some("123456789012"));
    assert!(
        caller
            .arn()
            .unwrap()
            .starts_with("arn:aws:sts::123456789012:")
    );
    assert!(caller.user_id().is_some());
}

#[tokio::test]
async fn a_replication_task_is_found_by_its_arn() {
    let world = World::start().await;
    let client = world.dms();
    let by = |arn: &str| {
        Filter::builder()
            .name("replication-task-arn")
            .values(arn)
            .build()
            .unwrap()
    };

    let found = client
        .describe_replication_tasks()
        .filters(by(TASK))
        .send()
        .await
        .unwrap();
    let missing = client
        .describe_replication_tasks()
        .filters(by("arn:none"))
        .send()
        .await;

    let [task] = found.replication_tasks() else {
        panic!("one task, and not {:?}", found.replication_tasks());
    };
    assert_eq!(
        (task.replication_task_arn(), task.status()),
        (Some(TASK), Some("running"))
    );
    assert_eq!(task.replication_instance_arn(), Some(INSTANCE));
    let stats = task.replication_task_stats().unwrap();
    assert_eq!((stats.tables_loaded(), stats.tables_errored()), (2, 1));
    let error = missing.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_fault(), "{error:?}");
}

#[tokio::test]
async fn the_instance_of_a_task_is_found_by_its_arn() {
    let world = World::start().await;
    let filter = Filter::builder()
        .name("replication-instance-arn")
        .values(INSTANCE)
        .build();

    let describe = world
        .dms()
        .describe_replication_instances()
        .filters(filter.unwrap());
    let found = describe.send().await.unwrap();

    let [instance] = found.replication_instances() else {
        panic!("one instance, and not {:?}", found.replication_instances());
    };
    assert_eq!(instance.replication_instance_arn(), Some(INSTANCE));
    assert_eq!(instance.replication_instance_identifier(), Some("instance"));
}

#[tokio::test]
async fn the_tables_of_a_task_are_read_one_by_one() {
    let world = World::start().await;

    let describe = world
        .dms()
        .describe_table_statistics()
        .replication_task_arn(TASK);
    let found = describe.send().await.unwrap();

    let tables: Vec<_> = found
        .table_statistics()
        .iter()
        .map(|table| {
            let name = table.table_name().unwrap_or_default();
            (
                name,
                table.table_state().unwrap_or_default(),
                table.validation_failed_records(),
            )
        })
        .collect();
    assert_eq!(
        tables,
        [
            ("payments", "Table completed", 0),
            ("refunds", "Table completed", 3),
            ("notes", "Table error", 0)
        ]
    );
}

#[tokio::test]
async fn a_filter_that_is_not_known_is_refused_and_not_overlooked() {
    let world = World::start().await;
    let filter = Filter::builder()
        .name("engine-name")
        .values("mysql")
        .build()
        .unwrap();

    let refused = world
        .dms()
        .describe_replication_tasks()
        .filters(filter)
        .send()
        .await;

    let error = refused.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("InvalidParameterValueException"));
}
