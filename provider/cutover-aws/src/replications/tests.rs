mod metrics;

use cutover_core::replication::task::InstanceSeen;
use cutover_core::{FailureClass, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::testing::{Log, answering};

pub(super) const TASK: &str = "arn:aws:dms:eu-central-1:123456789012:task:ABC";
pub(super) const CONFIG: &str = "arn:aws:dms:eu-central-1:123456789012:replication-config:XYZ";
pub(super) const INSTANCE: &str = "arn:aws:dms:eu-central-1:123456789012:rep:MACHINE";
const SOURCE: &str = "arn:aws:dms:eu-central-1:123456789012:endpoint:S";
const TARGET: &str = "arn:aws:dms:eu-central-1:123456789012:endpoint:T";

/// Answers each operation as the function says; one that it knows nothing of is a mistake of the test.
pub(super) fn serve(
    answer: impl Fn(&str, &Value) -> Option<(u16, Value)> + Send + Sync + 'static,
) -> (AwsReplications, Log) {
    let (sdk, log) = answering(move |sent| {
        let answer = answer(&sent.operation, &sent.json());
        let (status, body) = answer.unwrap_or_else(|| panic!("not expected: {}", sent.line()));
        (status, body.to_string().into_bytes())
    });
    (AwsReplications::new(&sdk), log)
}

/// Answers every call alike.
fn always(status: u16, body: Value) -> (AwsReplications, Log) {
    serve(move |_, _| Some((status, body.clone())))
}

fn fault(code: &str) -> (u16, Value) {
    (400, json!({ "__type": code, "message": "m" }))
}

fn sent(log: &Log) -> Vec<(String, Value)> {
    let log = log.lock().unwrap();
    log.iter()
        .map(|sent| (sent.operation.clone(), sent.json()))
        .collect()
}

fn a_task() -> Value {
    json!({
        "ReplicationTaskArn": TASK, "ReplicationTaskIdentifier": "forward", "Status": "stopped",
        "StopReason": "Stop Reason FULL_LOAD_ONLY_FINISHED", "LastFailureMessage": "",
        "MigrationType": "full-load-and-cdc", "ReplicationInstanceArn": INSTANCE,
        "SourceEndpointArn": SOURCE, "TargetEndpointArn": TARGET, "CdcStartPosition": "0/16B3748",
        "ReplicationTaskStartDate": 50,
        "ReplicationTaskStats": {
            "FullLoadProgressPercent": 100, "TablesErrored": 2, "StartDate": 60,
            "FullLoadFinishDate": 90.5
        }
    })
}

/// A task on an instance.
fn with_task(task: Value, maintenance: Value) -> (AwsReplications, Log) {
    serve(move |operation, _| {
        Some(match operation {
            "DescribeReplicationTasks" => (200, json!({ "ReplicationTasks": [task] })),
            "DescribeReplicationInstances" => {
                let instance = json!({
                    "ReplicationInstanceStatus": "available", "ReplicationInstanceClass": "dms.t3.medium"
                });
                (200, json!({ "ReplicationInstances": [instance] }))
            }
            "DescribePendingMaintenanceActions" => {
                let pending = json!({ "PendingMaintenanceActionDetails": maintenance });
                (200, json!({ "PendingMaintenanceActions": [pending] }))
            }
            _ => return None,
        })
    })
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(seconds * 1_000)
}

#[tokio::test]
async fn reads_a_task_with_its_instance_and_the_maintenance_that_comes_by_itself() {
    let maintenance = json!([
        { "Action": "os-upgrade", "Description": "New OS", "AutoAppliedAfterDate": 0 },
        { "Action": "os-patch", "Description": "waits for a person" }
    ]);
    let (dms, log) = with_task(a_task(), maintenance);

    let found = dms.fetch(TASK).await.unwrap().unwrap();

    let expected = TaskSeen {
        arn: TASK.to_owned(),
        identifier: "forward".to_owned(),
        status: "stopped".to_owned(),
        stop_reason: Some("FULL_LOAD_ONLY_FINISHED".to_owned()),
        failure: None,
        migration_type: "full-load-and-cdc".to_owned(),
        started_at: Some(seconds(60)),
        has_run: true,
        loaded_at: Some(Timestamp::from_unix_millis(90_500)),
        load_percent: 100,
        tables_errored: 2,
        cdc_start: Some("0/16B3748".to_owned()),
        source_endpoint_arn: SOURCE.to_owned(),
        target_endpoint_arn: TARGET.to_owned(),
        instance: Some(InstanceSeen {
            arn: INSTANCE.to_owned(),
            status: "available".to_owned(),
            class: "dms.t3.medium".to_owned(),
            maintenance: vec!["`os-upgrade` at 1970-01-01T00:00:00Z: New OS".to_owned()],
        }),
    };
    assert_eq!(found, expected);
    let (operation, asked) = &sent(&log)[0];
    assert_eq!(operation, "DescribeReplicationTasks");
    assert_eq!(
        *asked,
        json!({ "Filters": [{ "Name": "replication-task-arn", "Values": [TASK] }], "WithoutSettings": true })
    );
}

#[tokio::test]
async fn finds_a_task_by_its_identifier_and_one_that_never_ran_has_no_past() {
    let mut task = a_task();
    for gone in [
        "ReplicationTaskStats",
        "ReplicationTaskStartDate",
        "StopReason",
    ] {
        task.as_object_mut().unwrap().remove(gone);
    }
    let (dms, log) = with_task(task, json!([]));

    let found = dms.find("forward").await.unwrap().unwrap();

    assert_eq!(
        (found.started_at, found.has_run, found.stop_reason),
        (None, false, None)
    );
    let filters = &sent(&log)[0].1["Filters"];
    assert_eq!(
        *filters,
        json!([{ "Name": "replication-task-id", "Values": ["forward"] }])
    );
}

#[tokio::test]
async fn what_is_not_there_is_none_and_a_half_told_task_is_a_failure() {
    for arn in [TASK, CONFIG] {
        let (gone, _) = serve(|_, _| Some(fault("ResourceNotFoundFault")));
        assert_eq!(gone.fetch(arn).await, Ok(None), "{arn}");
        let (gone, _) = always(200, json!({}));
        assert_eq!(gone.fetch(arn).await, Ok(None), "{arn}");
    }
    let (nowhere, _) = serve(|operation, _| {
        Some(match operation {
            "DescribeReplicationTasks" => (200, json!({ "ReplicationTasks": [a_task()] })),
            _ => fault("ResourceNotFoundFault"),
        })
    });

    let failure = nowhere.fetch(TASK).await.unwrap_err();

    assert_eq!(failure.action, "dms:DescribeReplicationInstances");
}

#[tokio::test]
async fn every_call_that_comes_too_fast_is_told_as_such() {
    let (dms, _) = serve(|_, _| Some(fault("ThrottlingException")));
    let reload = [("public".to_owned(), "payments".to_owned())];
    let assessment = Assessment {
        role_arn: "r".to_owned(),
        bucket: "b".to_owned(),
    };
    let classes = [
        dms.fetch(TASK).await.unwrap_err().class,
        dms.fetch(CONFIG).await.unwrap_err().class,
        dms.find("forward").await.unwrap_err().class,
        dms.fetch_tables(TASK).await.unwrap_err().class,
        dms.fetch_tables(CONFIG).await.unwrap_err().class,
        dms.test_connection(INSTANCE, SOURCE)
            .await
            .unwrap_err()
            .class,
        dms.fetch_connection(INSTANCE, SOURCE)
            .await
            .unwrap_err()
            .class,
        dms.assess(TASK, "run", &assessment)
            .await
            .unwrap_err()
            .class,
        dms.fetch_assessment(TASK, "run").await.unwrap_err().class,
        dms.start(TASK, StartKind::Start).await.unwrap_err().class,
        dms.start(CONFIG, StartKind::Start).await.unwrap_err().class,
        dms.stop(TASK).await.unwrap_err().class,
        dms.stop(CONFIG).await.unwrap_err().class,
        dms.reload(TASK, &reload).await.unwrap_err().class,
        dms.reload(CONFIG, &reload).await.unwrap_err().class,
        dms.create(&a_new_task(None)).await.unwrap_err().class,
        dms.delete(TASK).await.unwrap_err().class,
        dms.delete(CONFIG).await.unwrap_err().class,
        dms.delete_instance(INSTANCE).await.unwrap_err().class,
    ];

    assert_eq!(classes, [FailureClass::Throttled; 19]);
}

#[tokio::test]
async fn a_replication_without_server_is_told_in_the_states_of_a_task() {
    for (said, told) in [
        ("created", "ready"),
        ("Preparing Metadata Resources", "starting"),
        ("replication_starting", "starting"),
        ("provisioning-capacity", "starting"),
        ("running", "running"),
        ("stopped", "stopped"),
        ("failed", "failed"),
        ("something_new", "something new"),
    ] {
        let replication = json!({
            "ReplicationConfigArn": CONFIG, "ReplicationConfigIdentifier": "forward", "Status": said,
            "ReplicationType": "full-load-and-cdc", "SourceEndpointArn": SOURCE,
            "TargetEndpointArn": TARGET, "StopReason": "Stop Reason NORMAL",
            "FailureMessages": ["one", "two"], "ReplicationStats": { "StartDate": 60 }
        });
        let (dms, log) = always(200, json!({ "Replications": [replication] }));

        let found = dms.fetch(CONFIG).await.unwrap().unwrap();

        assert_eq!(found.status, told, "{said}");
        assert_eq!(found.stop_reason.as_deref(), Some("NORMAL"));
        assert_eq!(found.failure.as_deref(), Some("one; two"));
        assert_eq!((found.has_run, found.instance), (true, None));
        assert_eq!(sent(&log)[0].0, "DescribeReplications");
    }
}

#[tokio::test]
async fn tables_are_read_to_the_last_page_and_early_on_there_are_none() {
    let table = |name: &str| {
        json!({
            "SchemaName": "public", "TableName": name, "TableState": "Table completed",
            "FullLoadRows": 7, "FullLoadErrorRows": 1, "Inserts": 2, "Updates": 3, "Deletes": 4,
            "ValidationState": "Not enabled", "ValidationFailedRecords": 5
        })
    };
    for (arn, member) in [
        (TASK, "TableStatistics"),
        (CONFIG, "ReplicationTableStatistics"),
    ] {
        let (dms, _) = serve(move |_, asked| {
            assert_eq!(asked["MaxRecords"], 500);
            Some(match asked["Marker"].as_str() {
                None => (200, json!({ member: [table("payments")], "Marker": "2" })),
                Some(_) => (200, json!({ member: [table("refunds")] })),
            })
        });

        let tables = dms.fetch_tables(arn).await.unwrap();

        let expected = TableSeen {
            schema: "public".to_owned(),
            name: "payments".to_owned(),
            state: "Table completed".to_owned(),
            rows: 7,
            error_rows: 1,
            changes: 9,
            validation: "Not enabled".to_owned(),
            validation_failed: 5,
        };
        assert_eq!(tables[0], expected);
        assert_eq!((tables.len(), tables[1].name.as_str()), (2, "refunds"));
        let (early, _) = serve(|_, _| Some(fault("InvalidResourceStateFault")));
        assert_eq!(early.fetch_tables(arn).await, Ok(vec![]));
        let (endless, _) = always(200, json!({ member: [], "Marker": "2" }));
        assert!(endless.fetch_tables(arn).await.is_err());
    }
}

#[tokio::test]
async fn a_connection_is_that_of_this_instance_and_endpoint() {
    let of = |instance: &str, status: &str| {
        json!({
            "ReplicationInstanceArn": instance, "EndpointArn": SOURCE, "Status": status,
            "LastFailureMessage": "no route"
        })
    };
    let connections =
        json!({ "Connections": [of("another", "successful"), of(INSTANCE, "failed")] });
    let (dms, log) = always(200, connections);

    let found = dms.fetch_connection(INSTANCE, SOURCE).await.unwrap();

    let expected = ConnectionSeen {
        status: "failed".to_owned(),
        failure: Some("no route".to_owned()),
    };
    assert_eq!(found, Some(expected));
    assert_eq!(dms.test_connection(INSTANCE, SOURCE).await, Ok(()));
    assert_eq!(
        sent(&log)[1],
        (
            "TestConnection".to_owned(),
            json!({ "ReplicationInstanceArn": INSTANCE, "EndpointArn": SOURCE })
        )
    );
    let (never, _) = serve(|_, _| Some(fault("ResourceNotFoundFault")));
    assert_eq!(never.fetch_connection(INSTANCE, SOURCE).await, Ok(None));
}

#[tokio::test]
async fn an_assessment_is_found_by_its_name_and_tells_what_did_not_pass() {
    let (dms, log) = serve(|operation, asked| {
        Some(match (operation, asked["Marker"].as_str()) {
            ("DescribeReplicationTaskAssessmentRuns", None) => {
                let other = json!({ "AssessmentRunName": "other", "Status": "passed" });
                (
                    200,
                    json!({ "ReplicationTaskAssessmentRuns": [other], "Marker": "2" }),
                )
            }
            ("DescribeReplicationTaskAssessmentRuns", Some(_)) => {
                let run = json!({
                    "AssessmentRunName": "run", "Status": "failed",
                    "ReplicationTaskAssessmentRunArn": "arn:run", "LastFailureMessage": "one failed"
                });
                (200, json!({ "ReplicationTaskAssessmentRuns": [run] }))
            }
            ("DescribeReplicationTaskIndividualAssessments", _) => {
                let check = |name: &str, status: &str| json!({ "IndividualAssessmentName": name, "Status": status });
                let checks = [
                    check("a", "passed"),
                    check("b", "failed"),
                    check("c", "warning"),
                ];
                (
                    200,
                    json!({ "ReplicationTaskIndividualAssessments": checks }),
                )
            }
            ("StartReplicationTaskAssessmentRun", _) => (200, json!({})),
            _ => return None,
        })
    });

    let found = dms.fetch_assessment(TASK, "run").await.unwrap();

    let finding = |name: &str, status: &str| (name.to_owned(), status.to_owned());
    let expected = AssessmentSeen {
        status: "failed".to_owned(),
        findings: vec![finding("b", "failed"), finding("c", "warning")],
        failure: Some("one failed".to_owned()),
    };
    assert_eq!(found, Some(expected));
    assert_eq!(dms.fetch_assessment(TASK, "gone").await, Ok(None));
    let assessment = Assessment {
        role_arn: "arn:role".to_owned(),
        bucket: "findings".to_owned(),
    };
    assert_eq!(dms.assess(TASK, "run", &assessment).await, Ok(()));
    assert_eq!(
        sent(&log).pop().unwrap().1,
        json!({
            "ReplicationTaskArn": TASK, "AssessmentRunName": "run", "ServiceAccessRoleArn": "arn:role",
            "ResultLocationBucket": "findings"
        })
    );
    let refused = dms.assess(CONFIG, "run", &assessment).await.unwrap_err();
    assert_eq!(refused.class, FailureClass::Refused);
}

#[tokio::test]
async fn a_task_is_started_in_the_way_that_was_asked_for() {
    for (arn, operation, member) in [
        (TASK, "StartReplicationTask", "StartReplicationTaskType"),
        (CONFIG, "StartReplication", "StartReplicationType"),
    ] {
        for (kind, name) in [
            (StartKind::Start, "start-replication"),
            (StartKind::Resume, "resume-processing"),
            (StartKind::Reload, "reload-target"),
        ] {
            let (dms, log) = always(200, json!({}));

            assert_eq!(dms.start(arn, kind).await, Ok(()));

            let (sent_operation, asked) = sent(&log).remove(0);
            assert_eq!(
                (sent_operation.as_str(), &asked[member]),
                (operation, &json!(name))
            );
        }
    }
}

#[tokio::test]
async fn what_is_over_already_is_no_failure() {
    let (late, _) = serve(|_, _| Some(fault("InvalidResourceStateFault")));
    let (gone, _) = serve(|_, _| Some(fault("ResourceNotFoundFault")));

    for arn in [TASK, CONFIG] {
        assert_eq!(late.stop(arn).await, Ok(()), "{arn}");
        assert_eq!(gone.delete(arn).await, Ok(()), "{arn}");
        assert!(gone.stop(arn).await.is_err(), "{arn}");
        assert!(late.delete(arn).await.is_err(), "{arn}");
        assert!(late.start(arn, StartKind::Start).await.is_err(), "{arn}");
    }
    assert_eq!(gone.delete_instance(INSTANCE).await, Ok(()));
    assert!(late.delete_instance(INSTANCE).await.is_err());
}

#[tokio::test]
async fn tables_are_loaded_again_ten_at_a_time() {
    let tables: Vec<_> = (0..23)
        .map(|number| ("public".to_owned(), format!("t{number}")))
        .collect();
    for (arn, operation) in [(TASK, "ReloadTables"), (CONFIG, "ReloadReplicationTables")] {
        let (dms, log) = always(200, json!({}));

        assert_eq!(dms.reload(arn, &tables).await, Ok(()));

        let sent = sent(&log);
        let counts: Vec<_> = sent
            .iter()
            .map(|(_, asked)| asked["TablesToReload"].as_array().unwrap().len())
            .collect();
        assert_eq!(counts, [10, 10, 3]);
        assert_eq!(sent[0].0, operation);
        assert_eq!(
            sent[2].1["TablesToReload"][2],
            json!({ "SchemaName": "public", "TableName": "t22" })
        );
        assert_eq!(sent[0].1["ReloadOption"], "data-reload");
    }
}

fn a_new_task(slot: Option<&str>) -> NewTask {
    NewTask {
        identifier: "back-1".to_owned(),
        source_endpoint_arn: SOURCE.to_owned(),
        target_endpoint_arn: TARGET.to_owned(),
        instance_arn: INSTANCE.to_owned(),
        cdc_start: "0/16B3748".to_owned(),
        slot: slot.map(str::to_owned),
        table_mappings: "{}".to_owned(),
        settings: "{}".to_owned(),
        tags: vec![("migration".to_owned(), "pay".to_owned())],
    }
}

#[tokio::test]
async fn a_task_begins_at_its_place_and_its_endpoint_reads_the_slot_before_it_is_made() {
    let made = json!({ "ReplicationTask": { "ReplicationTaskArn": TASK } });
    let (dms, log) = always(200, made);

    assert_eq!(
        dms.create(&a_new_task(Some("back_1"))).await,
        Ok(TASK.to_owned())
    );

    assert_eq!(
        sent(&log),
        [
            (
                "ModifyEndpoint".to_owned(),
                json!({
                    "EndpointArn": SOURCE, "PostgreSQLSettings": { "SlotName": "back_1" },
                    "ExactSettings": false
                })
            ),
            (
                "TestConnection".to_owned(),
                json!({ "ReplicationInstanceArn": INSTANCE, "EndpointArn": SOURCE })
            ),
            (
                "CreateReplicationTask".to_owned(),
                json!({
                    "ReplicationTaskIdentifier": "back-1", "SourceEndpointArn": SOURCE,
                    "TargetEndpointArn": TARGET, "ReplicationInstanceArn": INSTANCE,
                    "MigrationType": "cdc", "CdcStartPosition": "0/16B3748", "TableMappings": "{}",
                    "ReplicationTaskSettings": "{}", "Tags": [{ "Key": "migration", "Value": "pay" }]
                })
            )
        ]
    );
}

#[tokio::test]
async fn without_a_slot_the_endpoint_is_left_alone_and_a_task_of_that_name_is_a_refusal() {
    let (dms, log) = serve(|_, _| Some(fault("ResourceAlreadyExistsFault")));

    let failure = dms.create(&a_new_task(None)).await.unwrap_err();

    assert_eq!(failure.class, FailureClass::Refused);
    assert_eq!(sent(&log).len(), 1);
}
