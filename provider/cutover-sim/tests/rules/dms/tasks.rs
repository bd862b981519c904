//! Making, changing, starting, stopping and removing tasks.

use cutover_sim::cloud::{DmsQuery, ModifyReplicationTask, NewReplicationTask, StartTask};

use super::{TARGET, TASK, account, made, new_task, started, starting, status, task, untested};
use crate::{START, seconds};

#[test]
fn a_task_is_made_started_stopped_and_resumed() {
    let mut cloud = account();
    made(&mut cloud, "full-load-and-cdc");
    assert_eq!(status(&mut cloud, 4), "creating");
    assert_eq!(status(&mut cloud, 5), "ready");

    let start = starting("start-replication");
    let answer = cloud.start_replication_task(seconds(5), &start).unwrap();
    assert_eq!(answer.status, "starting");
    assert_eq!(status(&mut cloud, 14), "starting");
    assert_eq!(status(&mut cloud, 15), "running");

    cloud.stop_replication_task(seconds(200), TASK).unwrap();
    assert_eq!(status(&mut cloud, 204), "stopping");
    let stopped = task(&mut cloud, seconds(205));
    assert_eq!(stopped.status, "stopped");
    assert_eq!(stopped.stop_reason.as_deref(), Some("Stop Reason NORMAL"));
    assert!(stopped.recovery_checkpoint.is_some());

    let resume = starting("resume-processing");
    cloud.start_replication_task(seconds(300), &resume).unwrap();
    let resumed = task(&mut cloud, seconds(310));
    assert_eq!(resumed.status, "running");
    assert_eq!(resumed.stop_reason, None);
    assert_eq!(resumed.stats.fresh_start_at, Some(seconds(5)));
    assert_eq!(resumed.stats.started_at, Some(seconds(300)));
}

#[test]
fn a_start_type_must_fit_what_the_task_has_been_through() {
    let mut cloud = account();
    made(&mut cloud, "cdc");
    let mut code = |at, start_type| {
        let started = cloud.start_replication_task(seconds(at), &starting(start_type));
        let code = started.err().map(|error| error.code);
        let _ = cloud.stop_replication_task(seconds(at + 50), TASK);
        code
    };

    let misfit = Some("InvalidParameterCombinationException");
    assert_eq!(code(10, "resume-processing"), misfit);
    assert_eq!(code(10, "reload-target"), misfit);
    assert_eq!(code(10, "start-replication"), None);
    assert_eq!(code(100, "start-replication"), misfit);
    assert_eq!(code(100, "reload-target"), misfit);
    assert_eq!(code(100, "at-once"), Some("InvalidParameterValueException"));
    assert_eq!(code(100, "resume-processing"), None);
}

#[test]
fn a_task_for_changes_may_begin_again_at_another_place() {
    let mut cloud = account();
    started(&mut cloud, "cdc");
    cloud.stop_replication_task(seconds(20), TASK).unwrap();

    let elsewhere = StartTask {
        cdc_start: Some("0/16B3748".to_owned()),
        ..starting("start-replication")
    };
    cloud
        .start_replication_task(seconds(30), &elsewhere)
        .unwrap();

    let task = task(&mut cloud, seconds(40));
    assert_eq!(task.cdc_start.as_deref(), Some("0/16B3748"));
    assert_eq!(task.stats.fresh_start_at, Some(seconds(30)));
}

#[test]
fn nothing_is_started_before_its_connections_were_tested_well() {
    let mut cloud = untested();
    made(&mut cloud, "cdc");

    let start = starting("start-replication");
    let refused = cloud
        .start_replication_task(seconds(5), &start)
        .unwrap_err();

    assert_eq!(refused.code, "InvalidResourceStateFault");
    assert!(refused.message().contains("Test connection"), "{refused}");
}

#[test]
fn a_task_at_work_is_neither_started_nor_changed_nor_removed() {
    let mut cloud = account();
    started(&mut cloud, "cdc");
    let change = ModifyReplicationTask {
        arn: TASK.to_owned(),
        ..ModifyReplicationTask::default()
    };

    for at in [seconds(6), seconds(20)] {
        let start = starting("resume-processing");
        let codes = [
            cloud.start_replication_task(at, &start).unwrap_err().code,
            cloud.modify_replication_task(at, &change).unwrap_err().code,
            cloud.delete_replication_task(at, TASK).unwrap_err().code,
        ];
        assert_eq!(codes, ["InvalidResourceStateFault"; 3]);
    }
}

#[test]
fn only_a_task_that_runs_can_be_stopped() {
    let mut cloud = account();
    made(&mut cloud, "cdc");

    let refused = cloud.stop_replication_task(seconds(10), TASK).unwrap_err();

    assert_eq!(refused.code, "InvalidResourceStateFault");
}

#[test]
fn a_task_that_is_deleted_is_there_for_a_while() {
    let mut cloud = account();
    made(&mut cloud, "cdc");

    cloud.delete_replication_task(seconds(10), TASK).unwrap();

    assert_eq!(status(&mut cloud, 14), "deleting");
    let gone = cloud
        .describe_replication_tasks(seconds(15), &super::by_arn())
        .unwrap_err();
    assert_eq!(gone.code, "ResourceNotFoundFault");
}

#[test]
fn a_task_is_found_by_its_identifier_which_is_taken_once() {
    let mut cloud = account();
    made(&mut cloud, "cdc");
    let again = NewReplicationTask {
        identifier: "Forward".to_owned(),
        resource: None,
        ..new_task("cdc")
    };

    let refused = cloud.create_replication_task(START, &again).unwrap_err();
    let query = DmsQuery::only("replication-task-id", "forward");
    let found = cloud.describe_replication_tasks(START, &query).unwrap();

    assert_eq!(refused.code, "ResourceAlreadyExistsFault");
    assert_eq!(found.items[0].arn, TASK);
}

#[test]
fn what_cannot_be_made_is_refused() {
    let mut cloud = account();
    let mut code = |change: &dyn Fn(&mut NewReplicationTask)| {
        let mut input = new_task("cdc");
        change(&mut input);
        let refused = cloud.create_replication_task(START, &input);
        refused.unwrap_err().code
    };

    let invalid = "InvalidParameterValueException";
    assert_eq!(code(&|it| it.identifier = "1st".to_owned()), invalid);
    assert_eq!(code(&|it| it.identifier = "a--b".to_owned()), invalid);
    assert_eq!(code(&|it| it.resource = Some("R".repeat(32))), invalid);
    assert_eq!(code(&|it| it.migration_type = "copy".to_owned()), invalid);
    assert_eq!(code(&|it| it.table_mappings = "{}".to_owned()), invalid);
    assert_eq!(
        code(&|it| it.table_mappings = r#"{"rules":[]}"#.to_owned()),
        invalid
    );
    assert_eq!(code(&|it| it.settings = Some("[]".to_owned())), invalid);
    assert_eq!(
        code(&|it| it.source_endpoint_arn = TARGET.to_owned()),
        invalid
    );
    let missing = "ResourceNotFoundFault";
    assert_eq!(code(&|it| it.target_endpoint_arn = "a".to_owned()), missing);
    assert_eq!(code(&|it| it.instance_arn = "a".to_owned()), missing);
    let combined = code(&|it| {
        it.migration_type = "full-load".to_owned();
        it.cdc_start = Some("0/1".to_owned());
    });
    assert_eq!(combined, "InvalidParameterCombinationException");
}

#[test]
fn settings_that_are_changed_keep_those_that_are_not_named() {
    let mut cloud = account();
    let input = NewReplicationTask {
        settings: Some(r#"{"FullLoadSettings":{"CommitRate":1,"TargetTablePrepMode":"A"}}"#.into()),
        ..new_task("cdc")
    };
    cloud.create_replication_task(START, &input).unwrap();
    let change = ModifyReplicationTask {
        arn: TASK.to_owned(),
        settings: Some(r#"{"FullLoadSettings":{"TargetTablePrepMode":"B"}}"#.to_owned()),
        ..ModifyReplicationTask::default()
    };

    cloud.modify_replication_task(seconds(10), &change).unwrap();

    assert_eq!(status(&mut cloud, 14), "modifying");
    let changed = task(&mut cloud, seconds(15));
    assert_eq!(changed.status, "ready");
    let settings = r#"{"FullLoadSettings":{"CommitRate":1,"TargetTablePrepMode":"B"}}"#;
    assert_eq!(changed.settings, settings);
}
