//! Metrics and alarms.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_sim::Cloud;
use cutover_sim::cloud::{
    AlarmMetric, AlarmState, Comparison, Datum, GetMetricData, MetricDataQuery, MetricDatum,
    MetricKey, MetricStat, StatusCode,
};

use crate::{START, cloud, minutes, seconds};

fn key() -> MetricKey {
    MetricKey {
        namespace: "Shop".to_owned(),
        name: "Errors".to_owned(),
        dimensions: BTreeMap::from([("Side".to_owned(), "new".to_owned())]),
    }
}

fn put(cloud: &mut Cloud, at: Timestamp, value: f64) {
    let datum = MetricDatum {
        name: "Errors".to_owned(),
        dimensions: key().dimensions,
        timestamp: Some(at),
        datum: Datum::Value(value),
        unit: None,
    };
    cloud.put_metric_data(at, "Shop", &[datum]).unwrap();
}

fn stat(key: MetricKey, stat: &str) -> MetricStat {
    MetricStat {
        key,
        period_seconds: 60,
        stat: stat.to_owned(),
    }
}

/// Five minutes with the values 1 to 5, each put twice.
fn filled() -> Cloud {
    let mut cloud = cloud();
    for (minute, value) in [1.0, 2.0, 3.0, 4.0, 5.0].into_iter().enumerate() {
        let at = minutes(minute as u64);
        put(&mut cloud, at, value);
        put(&mut cloud, at.after(Duration::from_secs(30)), value);
    }
    cloud
}

fn ask(queries: Vec<MetricDataQuery>) -> GetMetricData {
    GetMetricData {
        queries,
        from: START,
        until: minutes(5),
        ascending: true,
        ..GetMetricData::default()
    }
}

fn values(cloud: &mut Cloud, statistic: &str) -> Vec<f64> {
    let input = ask(vec![MetricDataQuery::of("m1", stat(key(), statistic))]);
    cloud
        .get_metric_data(minutes(6), &input)
        .unwrap()
        .results
        .remove(0)
        .values
}

#[test]
fn datapoints_are_gathered_by_period() {
    let mut cloud = filled();
    assert_eq!(values(&mut cloud, "Sum"), [2.0, 4.0, 6.0, 8.0, 10.0]);
    assert_eq!(values(&mut cloud, "SampleCount"), [2.0; 5]);
    assert_eq!(values(&mut cloud, "p50"), [1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn the_newest_come_first_unless_asked_otherwise() {
    let input = GetMetricData {
        ascending: false,
        ..ask(vec![MetricDataQuery::of("m1", stat(key(), "Sum"))])
    };
    let data = filled().get_metric_data(minutes(6), &input).unwrap();
    assert_eq!(data.results[0].values, [10.0, 8.0, 6.0, 4.0, 2.0]);
    assert_eq!(data.results[0].timestamps[0], minutes(4));
}

#[test]
fn dimensions_match_exactly_or_not_at_all() {
    let mut other = key();
    other.dimensions.clear();
    let input = ask(vec![MetricDataQuery::of("m1", stat(other, "Sum"))]);
    let data = filled().get_metric_data(minutes(6), &input).unwrap();
    assert!(data.results[0].values.is_empty());
    assert_eq!(data.results[0].status, StatusCode::Complete);
}

#[test]
fn metric_math_is_computed_and_its_parts_can_stay_unanswered() {
    let part = MetricDataQuery {
        return_data: false,
        ..MetricDataQuery::of("m1", stat(key(), "Sum"))
    };
    let rate = MetricDataQuery {
        id: "e1".to_owned(),
        expression: Some("100 * m1 / m2".to_owned()),
        return_data: true,
        ..MetricDataQuery::default()
    };
    let input = ask(vec![
        rate,
        part,
        MetricDataQuery::of("m2", stat(key(), "SampleCount")),
    ]);
    let data = filled().get_metric_data(minutes(6), &input).unwrap();
    assert_eq!(data.results.len(), 2);
    assert_eq!(data.results[0].values, [100.0, 200.0, 300.0, 400.0, 500.0]);
}

#[test]
fn pages_are_partial_until_the_last() {
    let mut cloud = filled();
    let mut input = GetMetricData {
        max_datapoints: Some(2),
        ..ask(vec![MetricDataQuery::of("m1", stat(key(), "Sum"))])
    };
    let (mut found, mut statuses) = (Vec::new(), Vec::new());
    loop {
        let page = cloud.get_metric_data(minutes(6), &input).unwrap();
        found.extend(page.results[0].values.clone());
        statuses.push(page.results[0].status);
        input.next_token = page.next_token;
        if input.next_token.is_none() {
            break;
        }
    }
    assert_eq!(found, [2.0, 4.0, 6.0, 8.0, 10.0]);
    assert_eq!(
        statuses,
        [
            StatusCode::PartialData,
            StatusCode::PartialData,
            StatusCode::Complete
        ]
    );
    input.next_token = Some("2-0".to_owned());
    assert_eq!(
        cloud.get_metric_data(minutes(6), &input).unwrap_err().code,
        "InvalidNextToken"
    );
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let query = |id: &str| MetricDataQuery::of(id, stat(key(), "Sum"));
    let math = |expression: &str| MetricDataQuery {
        id: "e1".to_owned(),
        expression: Some(expression.to_owned()),
        return_data: true,
        ..MetricDataQuery::default()
    };
    let odd = MetricStat {
        period_seconds: 61,
        ..stat(key(), "Sum")
    };
    let unanswered = MetricDataQuery {
        return_data: false,
        ..query("m1")
    };
    let wrong = [
        vec![],
        vec![query("M1")],
        vec![query("m1"), query("m1")],
        vec![math("m9 * 2")],
        vec![query("m1"), math("NONSENSE(m1)")],
        vec![MetricDataQuery::of("m1", odd)],
        vec![MetricDataQuery::of("m1", stat(key(), "sum"))],
        vec![unanswered],
    ];
    for queries in wrong {
        let error = cloud()
            .get_metric_data(minutes(6), &ask(queries))
            .unwrap_err();
        assert_eq!(error.code, "ValidationError");
    }
    let backwards = GetMetricData {
        until: START,
        ..ask(vec![query("m1")])
    };
    assert_eq!(
        cloud().get_metric_data(START, &backwards).unwrap_err().code,
        "ValidationError"
    );
}

#[test]
fn neither_nan_nor_infinity_is_put() {
    for value in [f64::NAN, f64::INFINITY] {
        let datum = |value| MetricDatum {
            name: "Errors".to_owned(),
            dimensions: key().dimensions,
            timestamp: None,
            datum: Datum::Value(value),
            unit: None,
        };
        let mut cloud = cloud();
        let error = cloud
            .put_metric_data(START, "Shop", &[datum(1.0), datum(value)])
            .unwrap_err();
        assert_eq!(error.code, "InvalidParameterValue");
        assert!(cloud.put_data(&key()).is_empty());
    }
}

#[test]
fn data_can_be_seen_only_after_the_lag() {
    let mut cloud = cloud();
    cloud.config.metric_lag = Duration::from_mins(2);
    put(&mut cloud, START, 1.0);
    let input = ask(vec![MetricDataQuery::of("m1", stat(key(), "Sum"))]);
    let seen = |cloud: &mut Cloud, at| {
        cloud.get_metric_data(at, &input).unwrap().results[0]
            .values
            .len()
    };

    assert_eq!(seen(&mut cloud, seconds(119)), 0);
    assert_eq!(seen(&mut cloud, seconds(120)), 1);
}

#[test]
fn what_a_script_says_of_a_metric_is_its_status() {
    let mut cloud = filled();
    let cases = [
        (6, StatusCode::InternalError, 0),
        (7, StatusCode::Forbidden, 0),
        (8, StatusCode::PartialData, 2),
        (9, StatusCode::Complete, 0),
    ];
    for (minute, status, _) in cases {
        cloud.script_metric(key(), minutes(minute), minutes(minute + 1), status);
    }
    let input = ask(vec![MetricDataQuery::of("m1", stat(key(), "Sum"))]);
    for (minute, status, shown) in cases {
        let data = cloud.get_metric_data(minutes(minute), &input).unwrap();
        assert_eq!(
            (data.results[0].status, data.results[0].values.len()),
            (status, shown)
        );
        assert_eq!(data.next_token, None);
    }
    assert_eq!(
        cloud.get_metric_data(minutes(10), &input).unwrap().results[0]
            .values
            .len(),
        5
    );
}

fn alarm(cloud: &mut Cloud, treat_missing_data: &str) {
    let metric = AlarmMetric {
        key: key(),
        stat: "Sum".to_owned(),
        period_seconds: 60,
        evaluation_periods: 3,
        datapoints_to_alarm: 2,
        threshold: 6.0,
        comparison: Comparison::Greater,
        treat_missing_data: treat_missing_data.to_owned(),
    };
    cloud.put_alarm(START, "errors", Some(metric));
}

fn state(cloud: &mut Cloud, at: Timestamp) -> AlarmState {
    cloud.describe_alarms(at, &["errors".to_owned()]).unwrap()[0].state
}

#[test]
fn an_alarm_follows_its_metric() {
    let mut cloud = filled();
    alarm(&mut cloud, "missing");

    assert_eq!(state(&mut cloud, minutes(4)), AlarmState::Ok);
    assert_eq!(state(&mut cloud, minutes(5)), AlarmState::Alarm);
    assert_eq!(state(&mut cloud, minutes(30)), AlarmState::InsufficientData);
    let described = cloud
        .describe_alarms(minutes(6), &["errors".to_owned()])
        .unwrap();
    assert_eq!(described[0].state_updated_at, minutes(5));
}

#[test]
fn missing_data_means_what_the_alarm_says() {
    let mut cloud = filled();
    alarm(&mut cloud, "breaching");
    assert_eq!(state(&mut cloud, minutes(30)), AlarmState::Alarm);
    alarm(&mut cloud, "notBreaching");
    assert_eq!(state(&mut cloud, minutes(30)), AlarmState::Ok);
}

#[test]
fn a_state_set_by_hand_lasts_until_the_next_evaluation() {
    let mut cloud = filled();
    alarm(&mut cloud, "missing");
    cloud
        .set_alarm_state(minutes(4), "errors", AlarmState::Alarm, "drill")
        .unwrap();

    assert_eq!(state(&mut cloud, minutes(4)), AlarmState::Alarm);
    assert_eq!(state(&mut cloud, seconds(299)), AlarmState::Alarm);
    cloud
        .delete_alarms(minutes(6), &["errors".to_owned()])
        .unwrap();
    assert!(
        cloud
            .describe_alarms(minutes(6), &["errors".to_owned()])
            .unwrap()
            .is_empty()
    );
    let error = cloud
        .set_alarm_state(minutes(6), "errors", AlarmState::Ok, "")
        .unwrap_err();
    assert_eq!(error.code, "ResourceNotFound");
}
