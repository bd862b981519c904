//! Assessments before a migration.

use cutover_sim::cloud::{DmsQuery, StartAssessment};

use super::{TASK, account, made, started, starting, status};
use crate::seconds;

fn assessment() -> StartAssessment {
    StartAssessment {
        task_arn: TASK.to_owned(),
        name: "before".to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/results".to_owned(),
        bucket: "results".to_owned(),
        ..StartAssessment::default()
    }
}

#[test]
fn an_assessment_takes_its_time_and_passes_when_nothing_is_found() {
    let mut cloud = account();
    made(&mut cloud, "cdc");
    let input = assessment();

    let run = cloud
        .start_replication_task_assessment_run(seconds(10), &input)
        .unwrap();
    let query = DmsQuery::only("replication-task-assessment-run-arn", &run.arn);
    let mut now = |at| {
        let page = cloud.describe_replication_task_assessment_runs(seconds(at), &query);
        page.unwrap().items[0].status.clone()
    };

    assert_eq!(now(69), "running");
    assert_eq!(now(70), "passed");
    assert_eq!(status(&mut cloud, 70), "ready");
}

#[test]
fn nothing_else_happens_to_a_task_while_it_is_assessed() {
    let mut cloud = account();
    made(&mut cloud, "cdc");
    let input = assessment();
    cloud
        .start_replication_task_assessment_run(seconds(10), &input)
        .unwrap();

    let start = starting("start-replication");
    let busy = cloud
        .start_replication_task(seconds(20), &start)
        .unwrap_err();

    assert_eq!(status(&mut cloud, 20), "testing");
    assert_eq!(busy.code, "InvalidResourceStateFault");
}

#[test]
fn what_is_found_is_told_check_by_check() {
    let mut cloud = account();
    made(&mut cloud, "cdc");
    let name = "table-with-no-primary-key-or-unique-constraint";
    let findings = vec![(name.to_owned(), "failed".to_owned())];
    cloud.put_assessment_findings(TASK, findings);
    cloud
        .start_replication_task_assessment_run(seconds(10), &assessment())
        .unwrap();

    let query = DmsQuery::only("replication-task-arn", TASK);
    let runs = cloud.describe_replication_task_assessment_runs(seconds(100), &query);
    let checks = cloud.describe_replication_task_individual_assessments(seconds(100), &query);

    assert_eq!(runs.unwrap().items[0].status, "failed");
    let checks = checks.unwrap().items;
    let failed: Vec<_> = checks.iter().filter(|it| it.status == "failed").collect();
    assert_eq!((checks.len(), failed.len()), (3, 1));
    assert_eq!(failed[0].name, name);
}

#[test]
fn an_assessment_needs_a_free_name_a_bucket_and_a_task_that_stands_still() {
    let mut cloud = account();
    made(&mut cloud, "cdc");
    let mut code = |at, input: &StartAssessment| {
        let run = cloud.start_replication_task_assessment_run(seconds(at), input);
        run.err().map(|error| error.code)
    };

    let nowhere = StartAssessment {
        bucket: String::new(),
        ..assessment()
    };
    assert_eq!(code(10, &nowhere), Some("InvalidParameterValueException"));
    assert_eq!(code(10, &assessment()), None);
    assert_eq!(code(100, &assessment()), Some("ResourceAlreadyExistsFault"));

    let mut cloud = account();
    started(&mut cloud, "cdc");
    let busy = cloud.start_replication_task_assessment_run(seconds(20), &assessment());
    assert_eq!(busy.unwrap_err().code, "InvalidResourceStateFault");
}
