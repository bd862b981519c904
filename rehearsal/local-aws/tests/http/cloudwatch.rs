//! `CloudWatch` through its real client.

use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::error::ProvideErrorMetadata as _;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, Metric, MetricDataQuery, MetricDatum, MetricStat, ScanBy,
    StandardUnit, StateValue, Statistic, StatusCode,
};
use cutover_core::Timestamp;
use cutover_driver::{Clock as _, SystemClock};

use crate::world::World;

/// The beginning of a minute that has been over for several.
fn past_minute() -> i64 {
    (SystemClock.now().unix_millis() / 60_000 - 10) * 60
}

fn dimension() -> Dimension {
    Dimension::builder().name("Side").value("new").build()
}

fn datum(at: i64, value: f64) -> MetricDatum {
    MetricDatum::builder()
        .metric_name("Failed")
        .dimensions(dimension())
        .timestamp(DateTime::from_secs(at))
        .value(value)
        .unit(StandardUnit::Count)
        .build()
}

fn query(id: &str, stat: &str, period: i32) -> MetricDataQuery {
    let metric = Metric::builder()
        .namespace("Pay")
        .metric_name("Failed")
        .dimensions(dimension())
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .period(period)
        .stat(stat)
        .build();
    MetricDataQuery::builder().id(id).metric_stat(stat).build()
}

/// Makes an alarm on more than five failures in a minute.
pub(crate) async fn put_alarm(client: &Client, name: &str) {
    client
        .put_metric_alarm()
        .alarm_name(name)
        .namespace("Pay")
        .metric_name("Failed")
        .dimensions(dimension())
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(3)
        .datapoints_to_alarm(2)
        .threshold(5.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn what_was_put_is_got_by_periods_and_in_the_order_asked_for() {
    let world = World::start().await;
    let client = world.cloudwatch();
    let minute = past_minute();
    let data =
        [(0, 1.0), (30, 2.5), (60, 4.0)].map(|(second, value)| datum(minute + second, value));
    let put = client
        .put_metric_data()
        .namespace("Pay")
        .set_metric_data(Some(data.to_vec()));
    put.send().await.unwrap();

    let got = |order| {
        client
            .get_metric_data()
            .start_time(DateTime::from_secs(minute))
            .end_time(DateTime::from_secs(minute + 180))
            .metric_data_queries(query("sum", "Sum", 60))
            .metric_data_queries(query("p50", "p50", 60))
            .scan_by(order)
            .send()
    };
    let ascending = got(ScanBy::TimestampAscending).await.unwrap();
    let descending = got(ScanBy::TimestampDescending).await.unwrap();

    let [sum, median] = ascending.metric_data_results() else {
        panic!("two results, and not {:?}", ascending.metric_data_results());
    };
    assert_eq!((sum.id(), median.id()), (Some("sum"), Some("p50")));
    assert_eq!(sum.status_code(), Some(&StatusCode::Complete));
    assert_eq!(sum.values(), [3.5, 4.0]);
    assert_eq!(
        sum.timestamps(),
        [minute, minute + 60].map(DateTime::from_secs)
    );
    assert_eq!(descending.metric_data_results()[0].values(), [4.0, 3.5]);
}

#[tokio::test]
async fn a_period_of_a_second_is_told_apart() {
    let world = World::start().await;
    let client = world.cloudwatch();
    let second = SystemClock.now().unix_millis() / 1000 - 20;
    let data = (0..10).map(|after| datum(second + after, 1.0)).collect();
    client
        .put_metric_data()
        .namespace("Pay")
        .set_metric_data(Some(data))
        .send()
        .await
        .unwrap();

    for (period, values) in [(1, vec![1.0; 10]), (10, vec![10.0])] {
        let aligned = second / i64::from(period) * i64::from(period);
        let got = client
            .get_metric_data()
            .start_time(DateTime::from_secs(aligned))
            .end_time(DateTime::from_secs(aligned + 20))
            .metric_data_queries(query("sum", "Sum", period))
            .send()
            .await
            .unwrap();
        let found: f64 = got.metric_data_results()[0].values().iter().sum();
        let expected: f64 = values.iter().sum();
        assert!((found - expected).abs() < f64::EPSILON, "{period}: {got:?}");
        if period == 1 {
            assert_eq!(got.metric_data_results()[0].values(), values);
        }
    }
}

#[tokio::test]
async fn an_expression_is_computed_over_other_queries() {
    let world = World::start().await;
    let client = world.cloudwatch();
    let minute = past_minute();
    let put = client
        .put_metric_data()
        .namespace("Pay")
        .metric_data(datum(minute, 4.0));
    put.send().await.unwrap();
    let mut sum = query("m1", "Sum", 60);
    sum.return_data = Some(false);
    let half = MetricDataQuery::builder()
        .id("half")
        .expression("m1 / 2")
        .build();

    let got = client
        .get_metric_data()
        .start_time(DateTime::from_secs(minute))
        .end_time(DateTime::from_secs(minute + 60))
        .metric_data_queries(sum)
        .metric_data_queries(half)
        .send()
        .await
        .unwrap();

    let [half] = got.metric_data_results() else {
        panic!("one result, and not {:?}", got.metric_data_results());
    };
    assert_eq!((half.id(), half.values()), (Some("half"), &[2.0][..]));
}

#[tokio::test]
async fn a_long_request_arrives_although_the_client_packs_it() {
    let world = World::start().await;
    let client = world.cloudwatch();
    let minute = past_minute();
    let data: Vec<_> = (0..500).map(|_| datum(minute, 1.0)).collect();

    let put = client
        .put_metric_data()
        .namespace("Pay")
        .set_metric_data(Some(data));
    put.send().await.unwrap();

    let key = cutover_sim::cloud::MetricKey {
        namespace: "Pay".to_owned(),
        name: "Failed".to_owned(),
        dimensions: [("Side".to_owned(), "new".to_owned())].into(),
    };
    assert_eq!(world.aws.cloud().put_data(&key).len(), 500);
}

#[tokio::test]
async fn data_that_cannot_be_put_leave_nothing_behind() {
    let world = World::start().await;
    let client = world.cloudwatch();
    let minute = past_minute();
    let old = datum(minute - 30 * 24 * 3600, 1.0);

    let data = vec![datum(minute, 1.0), old];
    let put = client
        .put_metric_data()
        .namespace("Pay")
        .set_metric_data(Some(data));
    let error = put.send().await.unwrap_err().into_service_error();

    assert_eq!(error.code(), Some("InvalidParameterValue"));
    assert!(error.is_invalid_parameter_value_exception(), "{error:?}");
    let got = client
        .get_metric_data()
        .start_time(DateTime::from_secs(minute))
        .end_time(DateTime::from_secs(minute + 60))
        .metric_data_queries(query("sum", "Sum", 60))
        .send()
        .await
        .unwrap();
    assert_eq!(got.metric_data_results()[0].values(), [0.0; 0]);
}

#[tokio::test]
async fn an_alarm_is_made_set_described_and_removed() {
    let world = World::start().await;
    let client = world.cloudwatch();
    put_alarm(&client, "failures").await;
    let describe = || async {
        let described = client
            .describe_alarms()
            .alarm_names("failures")
            .send()
            .await
            .unwrap();
        described.metric_alarms.unwrap_or_default()
    };

    let before = SystemClock.now();
    let made = describe().await.pop().unwrap();
    assert_eq!(made.state_value(), Some(&StateValue::InsufficientData));
    assert_eq!(
        (made.namespace(), made.statistic()),
        (Some("Pay"), Some(&Statistic::Sum))
    );
    assert_eq!(
        (made.period(), made.datapoints_to_alarm()),
        (Some(60), Some(2))
    );
    assert_eq!(made.dimensions(), [dimension()]);

    client
        .set_alarm_state()
        .alarm_name("failures")
        .state_value(StateValue::Alarm)
        .state_reason("a drill")
        .send()
        .await
        .unwrap();
    let set = describe().await.pop().unwrap();
    assert_eq!(
        (set.state_value(), set.state_reason()),
        (Some(&StateValue::Alarm), Some("a drill"))
    );
    let since = set.state_updated_timestamp().unwrap().to_millis().unwrap();
    let since = Timestamp::from_unix_millis(since);
    assert!(
        since >= before && since.since(before) < Duration::from_mins(1),
        "{since:?}"
    );

    client
        .delete_alarms()
        .alarm_names("failures")
        .send()
        .await
        .unwrap();
    assert!(describe().await.is_empty());
}

#[tokio::test]
async fn an_alarm_goes_off_by_what_was_put() {
    let world = World::start().await;
    let client = world.cloudwatch();
    put_alarm(&client, "failures").await;
    let minute = SystemClock.now().unix_millis() / 60_000 * 60;

    // Whole minutes that are over, even when one more ends before the look.
    let data = (1..=4).map(|back| datum(minute - 60 * back, 6.0)).collect();
    client
        .put_metric_data()
        .namespace("Pay")
        .set_metric_data(Some(data))
        .send()
        .await
        .unwrap();
    let described = client
        .describe_alarms()
        .alarm_names("failures")
        .send()
        .await
        .unwrap();

    assert_eq!(
        described.metric_alarms()[0].state_value(),
        Some(&StateValue::Alarm)
    );
}

#[tokio::test]
async fn an_alarm_that_is_not_there_is_its_own_error() {
    let world = World::start().await;

    let set = world
        .cloudwatch()
        .set_alarm_state()
        .alarm_name("none")
        .state_value(StateValue::Ok)
        .state_reason("a drill")
        .send()
        .await;

    let error = set.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found(), "{error:?}");
}
