//! Metrics and alarms of Amazon CloudWatch.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::types as sdk;
use aws_sdk_cloudwatch::types::{AlarmType, ScanBy, StateValue};
use aws_smithy_types::DateTime;
use cutover_core::shift::gates::{AlarmReading, Reading};
use cutover_core::shift::sources::{Metric, Query};
use cutover_core::{Failure, Timestamp};
use cutover_driver::{Answered, Metrics, Published};

use crate::failure::classify;
use crate::sdk::{Client, Sdk};
use crate::series::Collected;

/// How many metrics one call reads. Source: docs/FIGURES.md, "CloudWatch".
const QUERIES_MAX: usize = 500;

/// How many alarms one call is asked for by name. Source: docs/FIGURES.md, "CloudWatch".
const ALARMS_MAX: usize = 100;

/// The largest page of alarms. Source: docs/FIGURES.md, "CloudWatch".
const PAGE_OF_ALARMS: i32 = 100;

/// How many values one call publishes. Source: docs/FIGURES.md, "CloudWatch".
const VALUES_MAX: usize = 1_000;

/// How many pages of one answer are read: ours. A day of 500 metrics by the minute is 8 pages; an answer without end is
/// a fault.
const PAGES_MAX: u32 = 100;

/// The metrics and alarms of the configured account and region.
#[derive(Debug)]
pub struct AwsMetrics {
    cloudwatch: Client<aws_sdk_cloudwatch::Client>,
}

impl AwsMetrics {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        let connect = aws_sdk_cloudwatch::Client::new;
        Self {
            cloudwatch: Client::new(sdk, |to| to.cloudwatch.as_ref(), connect),
        }
    }

    /// Reads each metric once, however often it is asked for.
    pub(crate) async fn read(
        &self,
        queries: &[Query],
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Reading>, Failure> {
        let once: Vec<&Query> = queries
            .iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let mut readings = BTreeMap::new();
        for some in once.chunks(QUERIES_MAX) {
            let read = self.read_some(some, from, until).await?;
            readings.extend(some.iter().copied().zip(read));
        }
        let of = |query| readings.get(query).cloned();
        let missing = || Reading::Failed("nothing was read".to_owned());
        Ok(queries
            .iter()
            .map(|query| of(query).unwrap_or_else(missing))
            .collect())
    }

    /// Reads as many metrics as fit into one call, page by page.
    async fn read_some(
        &self,
        queries: &[&Query],
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Reading>, Failure> {
        let action = "cloudwatch:GetMetricData";
        let client = self.cloudwatch.get(action).await?;
        let asked: Vec<_> = queries
            .iter()
            .enumerate()
            .map(|(at, query)| asked(at, query))
            .collect();
        let mut collected = Collected::default();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let call = client
                .get_metric_data()
                .set_metric_data_queries(Some(asked.clone()))
                .start_time(DateTime::from_millis(from.unix_millis()))
                .end_time(DateTime::from_millis(until.unix_millis()))
                .scan_by(ScanBy::TimestampAscending)
                .set_next_token(token.take());
            let page: GetMetricDataOutput = call
                .send()
                .await
                .map_err(|error| classify(action, &error))?;
            for result in page.metric_data_results() {
                collected.add(result);
            }
            token = page.next_token;
            if token.is_none() {
                return Ok((0..queries.len())
                    .map(|at| collected.take(&id_of(at), true))
                    .collect());
            }
        }
        Ok((0..queries.len())
            .map(|at| collected.take(&id_of(at), false))
            .collect())
    }

    async fn read_alarms(
        &self,
        names: &[String],
    ) -> Result<BTreeMap<String, AlarmReading>, Failure> {
        let once: Vec<&String> = names.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut readings = BTreeMap::new();
        for some in once.chunks(ALARMS_MAX) {
            self.read_some_alarms(some, &mut readings).await?;
        }
        Ok(readings)
    }

    async fn read_some_alarms(
        &self,
        names: &[&String],
        readings: &mut BTreeMap<String, AlarmReading>,
    ) -> Result<(), Failure> {
        let action = "cloudwatch:DescribeAlarms";
        let client = self.cloudwatch.get(action).await?;
        let names: Vec<String> = names.iter().map(|name| (*name).clone()).collect();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let call = client
                .describe_alarms()
                .set_alarm_names(Some(names.clone()))
                // Without them only metric alarms are told of.
                .alarm_types(AlarmType::MetricAlarm)
                .alarm_types(AlarmType::CompositeAlarm)
                .max_records(PAGE_OF_ALARMS)
                .set_next_token(token.take());
            let page = call
                .send()
                .await
                .map_err(|error| classify(action, &error))?;
            let metric = page.metric_alarms().iter().map(of_metric_alarm);
            let composite = page.composite_alarms().iter().map(of_composite_alarm);
            readings.extend(metric.chain(composite).flatten());
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Publishes values, namespace by namespace, since a call is about one.
    async fn put(&self, values: &[Published]) -> Result<(), Failure> {
        let action = "cloudwatch:PutMetricData";
        let mut by_namespace = BTreeMap::<&str, Vec<sdk::MetricDatum>>::new();
        for value in values {
            let namespace = value.metric.namespace.as_str();
            by_namespace
                .entry(namespace)
                .or_default()
                .push(datum(value));
        }
        for (namespace, data) in by_namespace {
            for some in data.chunks(VALUES_MAX) {
                let call = self.cloudwatch.get(action).await?.put_metric_data();
                let call = call
                    .namespace(namespace)
                    .set_metric_data(Some(some.to_vec()));
                call.send()
                    .await
                    .map_err(|error| classify(action, &error))?;
            }
        }
        Ok(())
    }
}

/// What the query at a place is called; ids begin with a small letter.
fn id_of(at: usize) -> String {
    format!("q{at}")
}

fn asked(at: usize, query: &Query) -> sdk::MetricDataQuery {
    let metric = sdk::Metric::builder()
        .namespace(&query.metric.namespace)
        .metric_name(&query.metric.name)
        .set_dimensions(Some(dimensions(&query.metric)))
        .build();
    let stat = sdk::MetricStat::builder()
        .metric(metric)
        // A period that no integer holds is refused by the service, with its reason.
        .period(i32::try_from(query.period_seconds).unwrap_or(i32::MAX))
        .stat(&query.metric.stat)
        .build();
    sdk::MetricDataQuery::builder()
        .id(id_of(at))
        .metric_stat(stat)
        .return_data(true)
        .build()
}

fn dimensions(metric: &Metric) -> Vec<sdk::Dimension> {
    let one = |(name, value)| sdk::Dimension::builder().name(name).value(value).build();
    metric.dimensions.iter().map(one).collect()
}

fn datum(value: &Published) -> sdk::MetricDatum {
    sdk::MetricDatum::builder()
        .metric_name(&value.metric.name)
        .set_dimensions(Some(dimensions(&value.metric)))
        .timestamp(DateTime::from_millis(value.at.unix_millis()))
        .value(value.value)
        .build()
}

fn of_metric_alarm(alarm: &sdk::MetricAlarm) -> Option<(String, AlarmReading)> {
    let changed = alarm
        .state_transitioned_timestamp()
        .or(alarm.state_updated_timestamp());
    let reading = match alarm.evaluation_state() {
        // Whatever its state says, it does not come from all of the data.
        Some(state) => AlarmReading::Failed(format!("it was not evaluated: `{state}`")),
        None => of_state(alarm.state_value(), changed),
    };
    Some((alarm.alarm_name()?.to_owned(), reading))
}

fn of_composite_alarm(alarm: &sdk::CompositeAlarm) -> Option<(String, AlarmReading)> {
    let changed = alarm
        .state_transitioned_timestamp()
        .or(alarm.state_updated_timestamp());
    let reading = of_state(alarm.state_value(), changed);
    Some((alarm.alarm_name()?.to_owned(), reading))
}

fn of_state(state: Option<&StateValue>, changed: Option<&DateTime>) -> AlarmReading {
    match state {
        Some(StateValue::Ok) => AlarmReading::Quiet,
        Some(StateValue::InsufficientData) => AlarmReading::NoData,
        Some(StateValue::Alarm) => match changed.and_then(|at| at.to_millis().ok()) {
            Some(millis) => AlarmReading::Alarm {
                since: Timestamp::from_unix_millis(millis),
            },
            None => AlarmReading::Failed("it is in `ALARM`, but not known since when".to_owned()),
        },
        Some(other) => AlarmReading::Failed(format!("its state `{other}` is not known")),
        None => AlarmReading::Failed("the answer lacks its state".to_owned()),
    }
}

impl Metrics for AwsMetrics {
    fn fetch_series<'a>(
        &'a self,
        queries: &'a [Query],
        from: Timestamp,
        until: Timestamp,
    ) -> Answered<'a, Vec<Reading>> {
        Box::pin(self.read(queries, from, until))
    }

    fn fetch_alarms<'a>(
        &'a self,
        names: &'a [String],
    ) -> Answered<'a, BTreeMap<String, AlarmReading>> {
        Box::pin(self.read_alarms(names))
    }

    fn publish<'a>(&'a self, values: &'a [Published]) -> Answered<'a, ()> {
        Box::pin(self.put(values))
    }
}
