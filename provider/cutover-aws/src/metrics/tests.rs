use cutover_core::FailureClass;
use cutover_core::shift::gates::Point;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Log, Sent, answering, cbor};

fn metric(name: &str, stat: &str) -> Metric {
    Metric {
        namespace: "AWS/ApplicationELB".to_owned(),
        name: name.to_owned(),
        dimensions: BTreeMap::from([("LoadBalancer".to_owned(), "app/new/1".to_owned())]),
        stat: stat.to_owned(),
    }
}

fn query(name: &str) -> Query {
    Query {
        metric: metric(name, "Sum"),
        period_seconds: 60,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(seconds * 1_000)
}

fn points(of: &[(i64, f64)]) -> Reading {
    let point = |&(seconds, value): &(i64, f64)| Point {
        start: at(seconds),
        value,
    };
    Reading::Points(of.iter().map(point).collect())
}

fn result(id: &str, status: &str, times: &[&str], values: &[f64]) -> Value {
    json!({ "Id": id, "StatusCode": status, "Timestamps": times, "Values": values })
}

/// CloudWatch with these pages, one after the other by their tokens.
fn pages(pages: Vec<Value>) -> (AwsMetrics, Log) {
    let (sdk, log) = answering(move |sent| {
        let token = sent.cbor()["NextToken"].as_str().map(str::to_owned);
        let at: usize = token.map_or(0, |token| token.parse().unwrap());
        (200, cbor(&pages[at]))
    });
    (AwsMetrics::new(&sdk), log)
}

fn one_page(results: &Value) -> (AwsMetrics, Log) {
    pages(vec![json!({ "MetricDataResults": results })])
}

async fn read(metrics: &AwsMetrics, queries: &[Query]) -> Vec<Reading> {
    metrics.fetch_series(queries, at(0), at(600)).await.unwrap()
}

#[track_caller]
fn assert_failed(reading: &Reading, why: &str) {
    let Reading::Failed(said) = reading else {
        panic!("it is a measurement: {reading:?}")
    };
    assert!(said.contains(why), "{said}");
}

#[tokio::test]
async fn asks_for_all_metrics_at_once_and_passes_percentiles_through() {
    let (metrics, log) = one_page(&json!([
        result("q0", "Complete", &["@60"], &[1.0]),
        result("q1", "Complete", &["@60"], &[2.5])
    ]));
    let latency = Query {
        metric: metric("TargetResponseTime", "p95"),
        period_seconds: 10,
    };

    let readings = read(&metrics, &[latency.clone(), query("RequestCount"), latency]).await;

    // The order of ids is that of the metrics, each of which is asked for once.
    let (count, latency) = (points(&[(60, 1.0)]), points(&[(60, 2.5)]));
    assert_eq!(readings, [latency.clone(), count, latency]);
    let sent = log.lock().unwrap();
    assert_eq!(
        (sent.len(), sent[0].operation.as_str()),
        (1, "GetMetricData")
    );
    let sent = sent[0].cbor();
    assert_eq!(
        (&sent["StartTime"], &sent["EndTime"], &sent["ScanBy"]),
        (&json!("@0"), &json!("@600"), &json!("TimestampAscending"))
    );
    assert_eq!(
        sent["MetricDataQueries"][1],
        json!({
            "Id": "q1",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/ApplicationELB",
                    "MetricName": "TargetResponseTime",
                    "Dimensions": [{ "Name": "LoadBalancer", "Value": "app/new/1" }]
                },
                "Period": 10,
                "Stat": "p95"
            },
            "ReturnData": true
        })
    );
    assert_eq!(sent["MetricDataQueries"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn reads_five_hundred_metrics_with_one_call() {
    let (sdk, log) = answering(|sent| {
        let asked = sent.cbor()["MetricDataQueries"].as_array().unwrap().clone();
        let results = asked.iter().map(|query| {
            let name = query["MetricStat"]["Metric"]["MetricName"]
                .as_str()
                .unwrap();
            let value: f64 = name.parse().unwrap();
            result(query["Id"].as_str().unwrap(), "Complete", &["@0"], &[value])
        });
        let results: Vec<_> = results.collect();
        (200, cbor(&json!({ "MetricDataResults": results })))
    });
    let queries: Vec<_> = (0..501)
        .rev()
        .map(|number| query(&number.to_string()))
        .collect();

    let readings = read(&AwsMetrics::new(&sdk), &queries).await;

    let expected: Vec<_> = (0..501)
        .rev()
        .map(|number| points(&[(0, f64::from(number))]))
        .collect();
    assert_eq!(readings, expected);
    assert_eq!(log.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn nothing_asked_for_is_no_call() {
    let (metrics, log) = pages(vec![]);

    assert_eq!(read(&metrics, &[]).await, []);
    assert_eq!(metrics.fetch_alarms(&[]).await, Ok(BTreeMap::new()));
    assert_eq!(metrics.publish(&[]).await, Ok(()));
    assert!(log.lock().unwrap().is_empty());
}

/// F40
#[tokio::test]
async fn partial_data_with_a_token_is_read_to_its_end() {
    let (metrics, log) = pages(vec![
        json!({ "NextToken": "1",
                "MetricDataResults": [result("q0", "PartialData", &["@0", "@60"], &[1.0, 2.0])] }),
        json!({ "NextToken": "2", "MetricDataResults": [result("q1", "Complete", &[], &[])] }),
        json!({ "MetricDataResults": [result("q0", "Complete", &["@120"], &[3.0])] }),
    ]);

    let readings = read(&metrics, &[query("a"), query("b")]).await;

    assert_eq!(
        readings,
        [points(&[(0, 1.0), (60, 2.0), (120, 3.0)]), points(&[])]
    );
    assert_eq!(log.lock().unwrap().len(), 3);
}

/// F40
#[tokio::test]
async fn what_was_not_read_to_its_end_is_no_measurement() {
    let queries = ["a", "b", "c", "d", "e", "f"].map(query);
    let (metrics, _) = one_page(&json!([
        result("q0", "PartialData", &["@0"], &[1.0]),
        { "Id": "q1", "StatusCode": "InternalError", "Messages": [{ "Code": "x", "Value": "try later" }] },
        result("q2", "Forbidden", &[], &[]),
        result("q3", "Complete", &["@0", "@60"], &[1.0]),
        { "Id": "q4", "Timestamps": ["@0"], "Values": [1.0] }
    ]));

    let readings = read(&metrics, &queries).await;

    assert_failed(&readings[0], "no more to come");
    assert_failed(&readings[1], "`InternalError`: try later");
    assert_failed(&readings[2], "`Forbidden`");
    assert_failed(&readings[3], "1 values came for 2 moments");
    assert_failed(&readings[4], "does not say whether it is complete");
    assert_failed(&readings[5], "the answer lacks it");
}

/// F40
#[tokio::test]
async fn an_error_on_one_page_is_not_healed_by_the_next() {
    let (metrics, _) = pages(vec![
        json!({ "NextToken": "1", "MetricDataResults": [result("q0", "InternalError", &[], &[])] }),
        json!({ "MetricDataResults": [result("q0", "Complete", &["@0"], &[1.0])] }),
    ]);

    assert_failed(&read(&metrics, &[query("a")]).await[0], "`InternalError`");
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let endless = json!({ "NextToken": "0", "MetricDataResults": [result("q0", "PartialData", &["@0"], &[1.0])] });
    let (metrics, log) = pages(vec![endless]);

    assert_failed(
        &read(&metrics, &[query("a")]).await[0],
        "as many pages as are read",
    );
    assert_eq!(log.lock().unwrap().len(), PAGES_MAX as usize);
}

/// F41 F55
#[tokio::test]
async fn a_call_that_failed_is_no_reading_at_all() {
    for (status, code, class) in [
        (500, "InternalServiceFault", FailureClass::Unknown),
        (403, "AccessDenied", FailureClass::Denied),
        (400, "Throttling", FailureClass::Throttled),
    ] {
        let (sdk, _) =
            answering(move |_| (status, cbor(&json!({ "__type": code, "message": "m" }))));

        let failure = AwsMetrics::new(&sdk)
            .fetch_series(&[query("a")], at(0), at(60))
            .await
            .unwrap_err();

        assert_eq!(
            (failure.class, failure.action),
            (class, "cloudwatch:GetMetricData")
        );
    }
}

async fn alarms(page: Value, names: &[&str]) -> (BTreeMap<String, AlarmReading>, Value) {
    let (sdk, log) = answering(move |_| (200, cbor(&page)));
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let readings = AwsMetrics::new(&sdk).fetch_alarms(&names).await.unwrap();
    let sent = log.lock().unwrap()[0].cbor();
    (readings, sent)
}

/// F43
#[tokio::test]
async fn tells_the_states_of_metric_and_composite_alarms() {
    let page = json!({
        "MetricAlarms": [
            { "AlarmName": "ok", "StateValue": "OK" },
            { "AlarmName": "none", "StateValue": "INSUFFICIENT_DATA" },
            { "AlarmName": "bad", "StateValue": "ALARM", "StateUpdatedTimestamp": "@90",
              "StateTransitionedTimestamp": "@60" },
            { "AlarmName": "odd", "StateValue": "SLEEPY" },
        ],
        "CompositeAlarms": [{ "AlarmName": "both", "StateValue": "ALARM", "StateUpdatedTimestamp": "@30" }]
    });

    let (readings, sent) = alarms(page, &["ok", "bad", "ok", "gone"]).await;

    assert_eq!(readings["ok"], AlarmReading::Quiet);
    assert_eq!(readings["none"], AlarmReading::NoData);
    assert_eq!(readings["bad"], AlarmReading::Alarm { since: at(60) });
    assert_eq!(readings["both"], AlarmReading::Alarm { since: at(30) });
    assert!(matches!(&readings["odd"], AlarmReading::Failed(why) if why.contains("`SLEEPY`")));
    assert!(!readings.contains_key("gone"));
    assert_eq!(sent["AlarmNames"], json!(["bad", "gone", "ok"]));
    assert_eq!(sent["AlarmTypes"], json!(["MetricAlarm", "CompositeAlarm"]));
    assert_eq!(sent["MaxRecords"], json!(100), "the default would be 50");
}

/// F43
#[tokio::test]
async fn an_alarm_that_was_not_evaluated_is_neither_quiet_nor_loud() {
    for state in ["PARTIAL_DATA", "EVALUATION_ERROR", "EVALUATION_FAILURE"] {
        let alarm = json!({ "AlarmName": "a", "StateValue": "OK", "EvaluationState": state });

        let (readings, _) = alarms(json!({ "MetricAlarms": [alarm] }), &["a"]).await;

        assert!(
            matches!(&readings["a"], AlarmReading::Failed(why) if why.contains(state)),
            "{readings:?}"
        );
    }
}

#[tokio::test]
async fn a_hundred_alarms_are_asked_for_with_one_call() {
    let (sdk, log) = answering(|_| (200, cbor(&json!({}))));
    let names: Vec<_> = (0..101).map(|number| number.to_string()).collect();

    AwsMetrics::new(&sdk).fetch_alarms(&names).await.unwrap();

    let asked = |sent: &Sent| sent.cbor()["AlarmNames"].as_array().unwrap().len();
    let asked: Vec<_> = log.lock().unwrap().iter().map(asked).collect();
    assert_eq!(asked, [100, 1]);
}

#[tokio::test]
async fn publishes_by_namespace() {
    let (sdk, log) = answering(|_| (200, cbor(&json!({}))));
    let value = |namespace: &str| {
        let metric = Metric {
            namespace: namespace.to_owned(),
            ..metric("Share", "Sum")
        };
        Published {
            metric,
            at: at(60),
            value: 10.5,
        }
    };

    let values = [value("Cutover"), value("Other"), value("Cutover")];
    AwsMetrics::new(&sdk).publish(&values).await.unwrap();

    let sent: Vec<_> = log.lock().unwrap().iter().map(Sent::cbor).collect();
    let datum = json!({
        "MetricName": "Share",
        "Dimensions": [{ "Name": "LoadBalancer", "Value": "app/new/1" }],
        "Timestamp": "@60",
        "Value": 10.5
    });
    assert_eq!(
        sent,
        [
            json!({ "Namespace": "Cutover", "MetricData": [datum, datum] }),
            json!({ "Namespace": "Other", "MetricData": [datum] })
        ]
    );
}

#[tokio::test]
async fn a_thousand_values_are_published_with_one_call() {
    let (sdk, log) = answering(|_| (200, cbor(&json!({}))));
    let value = Published {
        metric: metric("Share", "Sum"),
        at: at(60),
        value: 1.0,
    };

    AwsMetrics::new(&sdk)
        .publish(&vec![value; 1_001])
        .await
        .unwrap();

    assert_eq!(log.lock().unwrap().len(), 2);
}
