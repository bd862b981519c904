//! The port of metrics and alarms.

use std::collections::BTreeMap;

use cutover_core::Timestamp;
use cutover_core::shift::gates::{AlarmReading, Point, Reading};
use cutover_core::shift::sources::{Metric, Query};
use cutover_driver::{Metrics, Published};

use super::super::{
    Alarm, AlarmState, Datum, GetMetricData, MetricDataQuery, MetricDatum, MetricKey, MetricStat,
    StatusCode,
};
use super::{Answered, SimTraffic, failed};

impl Metrics for SimTraffic {
    fn fetch_series<'a>(
        &'a self,
        queries: &'a [Query],
        from: Timestamp,
        until: Timestamp,
    ) -> Answered<'a, Vec<Reading>> {
        Box::pin(async move {
            let mut readings = Vec::with_capacity(queries.len());
            // A call takes 500 queries.
            for some in queries.chunks(500) {
                readings.extend(self.some_series(some, from, until).await?);
            }
            Ok(readings)
        })
    }

    fn fetch_alarms<'a>(
        &'a self,
        names: &'a [String],
    ) -> Answered<'a, BTreeMap<String, AlarmReading>> {
        Box::pin(async move {
            let mut readings = BTreeMap::new();
            // A call takes 100 names.
            for some in names.chunks(100) {
                let alarms = self
                    .call("DescribeAlarms", |cloud, now| {
                        cloud.describe_alarms(now, some)
                    })
                    .await
                    .map_err(failed("cloudwatch:DescribeAlarms"))?;
                readings.extend(
                    alarms
                        .into_iter()
                        .map(|alarm| (alarm.name.clone(), reading(&alarm))),
                );
            }
            Ok(readings)
        })
    }

    fn publish<'a>(&'a self, values: &'a [Published]) -> Answered<'a, ()> {
        Box::pin(async move {
            let mut by_namespace: BTreeMap<&str, Vec<MetricDatum>> = BTreeMap::new();
            for value in values {
                let metric = &value.metric;
                by_namespace
                    .entry(&metric.namespace)
                    .or_default()
                    .push(MetricDatum {
                        name: metric.name.clone(),
                        dimensions: metric.dimensions.clone(),
                        timestamp: Some(value.at),
                        datum: Datum::Value(value.value),
                        unit: None,
                    });
            }
            for (namespace, data) in by_namespace {
                self.call("PutMetricData", |cloud, now| {
                    cloud.put_metric_data(now, namespace, &data)
                })
                .await
                .map_err(failed("cloudwatch:PutMetricData"))?;
            }
            Ok(())
        })
    }
}

impl SimTraffic {
    async fn some_series(
        &self,
        queries: &[Query],
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Reading>, cutover_core::Failure> {
        let asked = |(index, query): (usize, &Query)| {
            let stat = MetricStat {
                key: key(&query.metric),
                period_seconds: query.period_seconds,
                stat: query.metric.stat.clone(),
            };
            MetricDataQuery::of(&format!("q{index}"), stat)
        };
        let mut input = GetMetricData {
            queries: queries.iter().enumerate().map(asked).collect(),
            from,
            until,
            ascending: true,
            ..GetMetricData::default()
        };
        let mut points: Vec<Vec<Point>> = vec![Vec::new(); queries.len()];
        let mut last: Vec<StatusCode> = vec![StatusCode::Complete; queries.len()];
        loop {
            let page = self
                .call("GetMetricData", |cloud, now| {
                    cloud.get_metric_data(now, &input)
                })
                .await
                .map_err(failed("cloudwatch:GetMetricData"))?;
            for (index, result) in page.results.into_iter().enumerate() {
                let found = result.timestamps.into_iter().zip(result.values);
                points[index].extend(found.map(|(start, value)| Point { start, value }));
                last[index] = result.status;
            }
            input.next_token = page.next_token;
            if input.next_token.is_none() {
                break;
            }
        }
        let reading = |(points, status): (Vec<Point>, StatusCode)| match status {
            StatusCode::Complete => Reading::Points(points),
            other => Reading::Failed(format!("CloudWatch answered {}", other.as_str())),
        };
        Ok(points.into_iter().zip(last).map(reading).collect())
    }
}

fn key(metric: &Metric) -> MetricKey {
    MetricKey {
        namespace: metric.namespace.clone(),
        name: metric.name.clone(),
        dimensions: metric.dimensions.clone(),
    }
}

fn reading(alarm: &Alarm) -> AlarmReading {
    match (alarm.evaluation_state.as_deref(), alarm.state) {
        (Some(state @ ("EVALUATION_FAILURE" | "EVALUATION_ERROR")), _) => {
            AlarmReading::Failed(format!("CloudWatch says {state}"))
        }
        (_, AlarmState::Ok) => AlarmReading::Quiet,
        (_, AlarmState::Alarm) => AlarmReading::Alarm {
            since: alarm.state_updated_at,
        },
        (_, AlarmState::InsufficientData) => AlarmReading::NoData,
    }
}
