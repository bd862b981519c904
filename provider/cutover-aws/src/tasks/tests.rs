use cutover_core::shift::gates::Point;
use cutover_core::{FailureClass, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::testing::{Log, answering, cbor};

const ARN: &str = "arn:aws:dms:eu-central-1:123456789012:task:ABC";

/// DMS and CloudWatch as a test wants them.
#[derive(Clone)]
struct World {
    tasks: (u16, Value),
    tables: Vec<(u16, Value)>,
    /// The lag of source and target under the name from the ARN, in seconds.
    lags: [Option<f64>; 2],
}

fn world() -> World {
    let task = json!({
        "ReplicationTaskIdentifier": "back", "ReplicationTaskArn": ARN, "Status": "running",
        "ReplicationInstanceArn": "arn:i"
    });
    World {
        tasks: (200, json!({ "ReplicationTasks": [task] })),
        tables: vec![(200, json!({ "TableStatistics": [] }))],
        lags: [Some(1.5), Some(2.0)],
    }
}

fn fault(code: &str) -> (u16, Value) {
    (400, json!({ "__type": code, "message": "m" }))
}

fn serve(world: World) -> (AwsReplicationTasks, Log) {
    let (sdk, log) = answering(move |sent| {
        let (status, body) = match sent.operation.as_str() {
            "DescribeReplicationTasks" => world.tasks.clone(),
            "DescribeReplicationInstances" => {
                let instance = json!({ "ReplicationInstanceIdentifier": "machine" });
                (200, json!({ "ReplicationInstances": [instance] }))
            }
            "DescribeTableStatistics" => {
                let page = sent.json()["Marker"]
                    .as_str()
                    .map_or(0, |at| at.parse().unwrap());
                world.tables[page].clone()
            }
            "GetMetricData" => return (200, cbor(&lags(&sent.cbor(), world.lags))),
            other => panic!("{other}"),
        };
        (status, body.to_string().into_bytes())
    });
    (AwsReplicationTasks::new(&sdk), log)
}

/// What CloudWatch says: something under the name from the ARN, nothing under any other.
fn lags(asked: &Value, lags: [Option<f64>; 2]) -> Value {
    let result = |query: &Value| {
        let metric = &query["MetricStat"]["Metric"];
        let dimensions = metric["Dimensions"].as_array().unwrap();
        let is =
            |name: &str, value: &str| dimensions.contains(&json!({ "Name": name, "Value": value }));
        assert!(is("ReplicationInstanceIdentifier", "machine"), "{metric}");
        let lag = match metric["MetricName"].as_str() {
            Some("CDCLatencySource") => lags[0],
            Some("CDCLatencyTarget") => lags[1],
            other => panic!("{other:?}"),
        };
        let lag = lag.filter(|_| is("ReplicationTaskIdentifier", "ABC"));
        // The newest comes last and counts.
        let (times, values) =
            lag.map_or((vec![], vec![]), |lag| (vec!["@0", "@60"], vec![99.0, lag]));
        json!({ "Id": query["Id"], "StatusCode": "Complete", "Timestamps": times, "Values": values })
    };
    let results: Vec<_> = asked["MetricDataQueries"]
        .as_array()
        .unwrap()
        .iter()
        .map(result)
        .collect();
    json!({ "MetricDataResults": results })
}

async fn fetch(world: World) -> Result<Option<Task>, Failure> {
    serve(world).0.fetch(ARN).await
}

fn task(status: &str, lag: Option<u64>, tables_in_error: u32) -> Task {
    Task {
        status: status.to_owned(),
        lag: lag.map(Duration::from_millis),
        tables_in_error,
    }
}

#[tokio::test]
async fn reads_status_lag_and_tables_of_a_task() {
    let (tasks, log) = serve(world());

    assert_eq!(
        tasks.fetch(ARN).await,
        Ok(Some(task("running", Some(3_500), 0)))
    );

    let log = log.lock().unwrap();
    let operations: Vec<_> = log.iter().map(|sent| sent.operation.as_str()).collect();
    assert_eq!(
        operations,
        [
            "DescribeReplicationTasks",
            "DescribeReplicationInstances",
            "GetMetricData",
            "DescribeTableStatistics"
        ]
    );
    assert_eq!(
        log[0].json(),
        json!({ "Filters": [{ "Name": "replication-task-arn", "Values": [ARN] }], "WithoutSettings": true })
    );
    let asked = log[2].cbor();
    let moment = |name: &str| -> f64 {
        let text = asked[name].as_str().unwrap();
        text.trim_start_matches('@').parse().unwrap()
    };
    let window = moment("EndTime") - moment("StartTime");
    assert!((window - 300.0).abs() < 0.01, "{window}");
}

#[tokio::test]
async fn a_task_that_is_not_there_is_no_failure() {
    let gone = |tasks| World { tasks, ..world() };

    assert_eq!(fetch(gone(fault("ResourceNotFoundFault"))).await, Ok(None));
    assert_eq!(
        fetch(gone((200, json!({ "ReplicationTasks": [] })))).await,
        Ok(None)
    );

    let denied = fetch(gone(fault("AccessDeniedFault"))).await.unwrap_err();
    assert_eq!(denied.class, FailureClass::Denied);
}

#[tokio::test]
async fn the_lag_is_unknown_when_one_half_of_it_is() {
    for lags in [
        [None, Some(1.0)],
        [Some(1.0), None],
        [Some(-1.0), Some(1.0)],
    ] {
        let found = fetch(World { lags, ..world() }).await.unwrap().unwrap();

        assert_eq!(found.lag, None, "{lags:?}");
    }
}

#[test]
fn a_lag_that_could_not_be_read_is_unknown() {
    let queries = dms::lag_queries("machine", ARN, None);
    let point = Point {
        start: Timestamp::default(),
        value: 1.0,
    };
    let points = Reading::Points(vec![point]);

    assert_eq!(
        lag_of(&queries, &[points.clone(), points.clone()]),
        Some(Duration::from_secs(2))
    );
    assert_eq!(
        lag_of(&queries, &[points, Reading::Failed("x".to_owned())]),
        None
    );
}

#[tokio::test]
async fn counts_tables_that_failed_or_do_not_match_over_all_pages() {
    let table = |state: &str, validation: &str, failed: i32, suspended: i32| {
        json!({
            "TableState": state, "ValidationState": validation, "ValidationFailedRecords": failed,
            "ValidationSuspendedRecords": suspended
        })
    };
    let fine = [
        table("Table completed", "Validated", 0, 0),
        table("Full load", "Pending records", 0, 0),
        table("Table completed", "Not enabled", 0, 0),
    ];
    let amiss = [
        table("Table error", "Not enabled", 0, 0),
        table("error", "Not enabled", 0, 0),
        table("Table completed", "Mismatched records", 0, 0),
        table("Table completed", "Suspended records", 0, 0),
        table("Table completed", "Table error", 0, 0),
        table("Table completed", "Error", 0, 0),
        table("Table completed", "Pending records", 1, 0),
        table("Table completed", "Pending records", 0, 1),
    ];
    let tables = vec![
        (200, json!({ "TableStatistics": fine, "Marker": "1" })),
        (200, json!({ "TableStatistics": amiss })),
    ];

    let found = fetch(World { tables, ..world() }).await;

    assert_eq!(found, Ok(Some(task("running", Some(3_500), 8))));
}

#[tokio::test]
async fn a_task_that_never_ran_has_no_tables_in_error() {
    let with = |status: &str| {
        let mut world = world();
        world.tasks.1["ReplicationTasks"][0]["Status"] = json!(status);
        world.tables = vec![fault("InvalidResourceStateFault")];
        world
    };

    assert_eq!(
        fetch(with("ready")).await,
        Ok(Some(task("ready", Some(3_500), 0)))
    );
    let failure = fetch(with("running")).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Refused);
}

#[tokio::test]
async fn a_list_of_tables_without_end_is_given_up() {
    let tables = vec![(200, json!({ "TableStatistics": [], "Marker": "0" }))];
    let (tasks, log) = serve(World { tables, ..world() });

    assert!(tasks.fetch(ARN).await.is_err());
    assert_eq!(log.lock().unwrap().len(), 3 + dms::PAGES_MAX as usize);
}
