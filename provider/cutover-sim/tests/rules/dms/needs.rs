//! Endpoints, instances, connections, and lists of them.

use cutover_sim::cloud::{
    DmsEndpoint, DmsEvent, DmsQuery, Maintenance, ModifyEndpoint, NewReplicationTask,
};

use super::{INSTANCE, SOURCE, TASK, account, endpoint, made, new_task, started, untested};
use crate::{START, seconds};

#[test]
fn an_endpoint_is_found_by_what_it_is() {
    let mut cloud = untested();
    let mut found = |filter, value| {
        let query = DmsQuery::only(filter, value);
        let page = cloud.describe_endpoints(START, &query);
        page.map(|page| page.items.len())
            .map_err(|error| error.code)
    };

    assert_eq!(found("endpoint-arn", SOURCE), Ok(1));
    assert_eq!(found("endpoint-id", "target"), Ok(1));
    assert_eq!(found("engine-name", "postgres"), Ok(2));
    assert_eq!(found("engine-name", "mysql"), Err("ResourceNotFoundFault"));
    assert_eq!(
        found("colour", "red"),
        Err("InvalidParameterValueException")
    );
}

#[test]
fn an_endpoint_that_cannot_be_is_refused() {
    let mut cloud = untested();
    let mut code = |change: &dyn Fn(&mut DmsEndpoint)| {
        let mut wished = endpoint("third", "source");
        change(&mut wished);
        cloud.create_endpoint(START, wished, None).unwrap_err().code
    };

    let invalid = "InvalidParameterValueException";
    assert_eq!(code(&|it| it.engine = "paper".to_owned()), invalid);
    assert_eq!(code(&|it| it.endpoint_type = "both".to_owned()), invalid);
    assert_eq!(code(&|it| it.ssl_mode = "perhaps".to_owned()), invalid);
    assert_eq!(code(&|it| it.database = String::new()), invalid);
    assert_eq!(code(&|it| it.host = String::new()), invalid);
    assert_eq!(code(&|it| it.identifier = "-a".to_owned()), invalid);
    let taken = code(&|it| it.identifier = "SOURCE".to_owned());
    assert_eq!(taken, "ResourceAlreadyExistsFault");
}

#[test]
fn an_endpoint_with_a_task_at_work_is_left_alone() {
    let mut cloud = account();
    started(&mut cloud, "cdc");
    let change = ModifyEndpoint {
        arn: SOURCE.to_owned(),
        host: Some("elsewhere.example.com".to_owned()),
        ..ModifyEndpoint::default()
    };

    let busy = cloud.modify_endpoint(seconds(20), &change).unwrap_err();
    let used = cloud.delete_endpoint(seconds(20), SOURCE).unwrap_err();
    cloud.stop_replication_task(seconds(20), TASK).unwrap();
    let changed = cloud.modify_endpoint(seconds(30), &change).unwrap();

    assert_eq!(busy.code, "InvalidResourceStateFault");
    assert_eq!(used.code, "InvalidResourceStateFault");
    assert_eq!(changed.host, "elsewhere.example.com");
    assert_eq!(changed.user, "dms");
    let query = DmsQuery::only("endpoint-arn", SOURCE);
    let untested = cloud.describe_connections(seconds(30), &query);
    assert_eq!(untested.unwrap_err().code, "ResourceNotFoundFault");
}

#[test]
fn an_endpoint_without_tasks_can_be_removed() {
    let mut cloud = account();

    cloud.delete_endpoint(START, SOURCE).unwrap();

    let query = DmsQuery::only("endpoint-arn", SOURCE);
    let gone = cloud.describe_endpoints(START, &query).unwrap_err();
    assert_eq!(gone.code, "ResourceNotFoundFault");
    let gone = cloud.describe_connections(START, &query).unwrap_err();
    assert_eq!(gone.code, "ResourceNotFoundFault");
}

#[test]
fn a_slot_can_be_named_in_either_way() {
    let mut by_attribute = endpoint("a", "source");
    by_attribute.attributes = "captureDDLs=N;slotName=back;".to_owned();
    let mut by_setting = by_attribute.clone();
    by_setting
        .settings
        .insert("SlotName".to_owned(), "set".into());

    assert_eq!(by_attribute.slot(), Some("back"));
    assert_eq!(by_setting.slot(), Some("set"));
    assert_eq!(endpoint("a", "source").slot(), None);
}

#[test]
fn a_password_is_never_shown() {
    let wished = endpoint("a", "source");

    assert!(!format!("{wished:?}").contains("pw"), "{wished:?}");
}

#[test]
fn a_connection_is_tested_for_a_while_and_then_good() {
    let mut cloud = untested();
    let query = DmsQuery::only("replication-instance-arn", INSTANCE);
    let none = cloud.describe_connections(START, &query).unwrap_err();
    assert_eq!(none.code, "ResourceNotFoundFault");

    cloud.test_connection(START, INSTANCE, SOURCE).unwrap();
    let mut status = |at| {
        let page = cloud.describe_connections(seconds(at), &query).unwrap();
        page.items[0].status.clone()
    };

    assert_eq!(status(4), "testing");
    assert_eq!(status(5), "successful");
}

#[test]
fn a_connection_that_cannot_be_made_says_why() {
    let mut cloud = untested();
    let unreachable = |message: Option<&str>| DmsEvent::Unreachable {
        arn: SOURCE.to_owned(),
        message: message.map(str::to_owned),
    };
    cloud.script_dms(START, unreachable(Some("no route")));
    cloud.script_dms(seconds(60), unreachable(None));
    let query = DmsQuery::only("endpoint-arn", SOURCE);

    cloud.test_connection(START, INSTANCE, SOURCE).unwrap();
    let failed = cloud.describe_connections(seconds(9), &query).unwrap();
    cloud
        .test_connection(seconds(70), INSTANCE, SOURCE)
        .unwrap();
    let healed = cloud.describe_connections(seconds(90), &query).unwrap();

    assert_eq!(failed.items[0].status, "failed");
    assert_eq!(failed.items[0].failure.as_deref(), Some("no route"));
    assert_eq!(healed.items[0].status, "successful");
}

#[test]
fn an_instance_is_removed_after_its_tasks() {
    let mut cloud = account();
    made(&mut cloud, "cdc");

    let used = cloud.delete_replication_instance(seconds(10), INSTANCE);
    cloud.delete_replication_task(seconds(10), TASK).unwrap();
    let going = cloud.delete_replication_instance(seconds(20), INSTANCE);
    let query = DmsQuery::only("replication-instance-arn", INSTANCE);
    let there = cloud.describe_replication_instances(seconds(24), &query);
    let gone = cloud.describe_replication_instances(seconds(25), &query);

    assert_eq!(used.unwrap_err().code, "InvalidResourceStateFault");
    assert_eq!(going.unwrap().status, "deleting");
    assert_eq!(there.unwrap().items[0].status, "deleting");
    assert_eq!(gone.unwrap_err().code, "ResourceNotFoundFault");
}

#[test]
fn maintenance_is_pending_from_its_moment_on() {
    let mut cloud = account();
    let what = Maintenance {
        action: "os-upgrade".to_owned(),
        description: "New operating system".to_owned(),
        apply_at: Some(seconds(900)),
    };
    let pending = DmsEvent::Maintenance {
        arn: INSTANCE.to_owned(),
        what: what.clone(),
    };
    cloud.script_dms(seconds(60), pending);

    let before = cloud.describe_pending_maintenance_actions(seconds(59), Some(INSTANCE));
    let after = cloud.describe_pending_maintenance_actions(seconds(60), Some(INSTANCE));

    assert_eq!(before.unwrap(), []);
    assert_eq!(after.unwrap()[0].maintenance, [what]);
}

#[test]
fn an_instance_that_is_not_available_takes_no_task() {
    let mut cloud = account();
    let down = DmsEvent::Instance {
        arn: INSTANCE.to_owned(),
        status: "maintenance".to_owned(),
    };
    cloud.script_dms(START, down);

    let refused = cloud.create_replication_task(START, &new_task("cdc"));

    assert_eq!(refused.unwrap_err().code, "InvalidResourceStateFault");
}

#[test]
fn a_long_list_comes_in_parts() {
    let mut cloud = account();
    for number in 0..45 {
        let input = NewReplicationTask {
            identifier: format!("task-{number}"),
            resource: None,
            ..new_task("cdc")
        };
        cloud.create_replication_task(START, &input).unwrap();
    }
    let mut query = DmsQuery {
        max_records: Some(20),
        ..DmsQuery::default()
    };
    let (mut arns, mut parts) = (Vec::new(), Vec::new());

    loop {
        let page = cloud.describe_replication_tasks(START, &query).unwrap();
        parts.push(page.items.len());
        arns.extend(page.items.into_iter().map(|task| task.arn));
        query.marker = page.marker;
        if query.marker.is_none() {
            break;
        }
    }

    assert_eq!(parts, [20, 20, 5]);
    arns.sort();
    arns.dedup();
    assert_eq!(arns.len(), 45);
}

#[test]
fn a_part_must_be_one_that_can_be_asked_for() {
    let mut cloud = account();
    let mut code = |max_records, marker: Option<&str>| {
        let query = DmsQuery {
            max_records,
            marker: marker.map(str::to_owned),
            ..DmsQuery::default()
        };
        let page = cloud.describe_endpoints(START, &query);
        page.err().map(|error| error.code)
    };

    let invalid = Some("InvalidParameterValueException");
    assert_eq!(code(Some(19), None), invalid);
    assert_eq!(code(Some(101), None), invalid);
    assert_eq!(code(None, Some("x")), invalid);
    assert_eq!(code(None, Some("2")), invalid);
    assert_eq!(code(Some(100), None), None);
}
