use std::time::Duration;

use super::*;
use crate::testing::cbor;

/// DMS with one instance, and CloudWatch that knows these figures: by metric, and by whether they are of the task.
fn publishing(figures: [(&'static str, bool, Option<f64>); 3]) -> AwsReplications {
    let (sdk, _) = answering(move |sent| {
        if sent.operation == "DescribeReplicationInstances" {
            let instance = json!({ "ReplicationInstanceIdentifier": "machine" });
            let found = json!({ "ReplicationInstances": [instance] });
            return (200, found.to_string().into_bytes());
        }
        let asked = sent.cbor();
        let queries = asked["MetricDataQueries"].as_array().unwrap();
        let result = |query: &Value| {
            let metric = &query["MetricStat"]["Metric"];
            let dimensions = metric["Dimensions"].as_array().unwrap();
            let is = |name: &str, value: &str| {
                dimensions.contains(&json!({ "Name": name, "Value": value }))
            };
            assert!(is("ReplicationInstanceIdentifier", "machine"), "{metric}");
            let of_task = is("ReplicationTaskIdentifier", "ABC");
            let found = figures.iter().find(|(name, is_of_task, _)| {
                metric["MetricName"] == *name && *is_of_task == of_task
            });
            let value = found.and_then(|(_, _, value)| *value);
            let (times, values): (Vec<_>, Vec<_>) =
                value.map(|value| ("@60", value)).into_iter().unzip();
            json!({ "Id": query["Id"], "StatusCode": "Complete", "Timestamps": times, "Values": values })
        };
        let results: Vec<_> = queries.iter().map(result).collect();
        (200, cbor(&json!({ "MetricDataResults": results })))
    });
    AwsReplications::new(&sdk)
}

fn on_an_instance() -> TaskSeen {
    TaskSeen {
        arn: TASK.to_owned(),
        identifier: "forward".to_owned(),
        instance: Some(InstanceSeen {
            arn: INSTANCE.to_owned(),
            ..InstanceSeen::default()
        }),
        ..TaskSeen::default()
    }
}

#[tokio::test]
async fn both_latencies_are_told_apart_and_the_processor_is_that_of_the_instance() {
    let dms = publishing([
        (LATENCY_SOURCE, true, Some(1.5)),
        (LATENCY_TARGET, true, Some(3.0)),
        (CPU, false, Some(71.5)),
    ]);

    let metrics = dms.fetch_metrics(&on_an_instance()).await.unwrap();

    let expected = TaskMetrics {
        latency_source: Some(Duration::from_millis(1_500)),
        latency_target: Some(Duration::from_secs(3)),
        cpu: Some(71.5),
    };
    assert_eq!(metrics, expected);
}

#[tokio::test]
async fn what_has_no_points_is_unknown_and_nothing_else_is() {
    let dms = publishing([
        (LATENCY_SOURCE, true, Some(0.0)),
        (LATENCY_TARGET, true, None),
        (CPU, true, Some(71.5)),
    ]);

    let metrics = dms.fetch_metrics(&on_an_instance()).await.unwrap();

    let expected = TaskMetrics {
        latency_source: Some(Duration::ZERO),
        latency_target: None,
        cpu: None,
    };
    assert_eq!(metrics, expected);
}

#[tokio::test]
async fn nothing_is_asked_about_a_replication_without_server() {
    let (dms, log) = serve(|_, _| None);
    let task = TaskSeen {
        arn: CONFIG.to_owned(),
        ..TaskSeen::default()
    };

    assert_eq!(dms.fetch_metrics(&task).await, Ok(TaskMetrics::default()));
    assert!(log.lock().unwrap().is_empty());
}
