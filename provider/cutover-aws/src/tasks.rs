//! Replication tasks of AWS Database Migration Service, and how far they are behind.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_databasemigration::error::ProvideErrorMetadata;
use aws_sdk_databasemigration::types::{Filter, ReplicationTask, TableStatistics};
use cutover_core::Failure;
use cutover_core::shift::gates::Reading;
use cutover_core::shift::sources::{Metric, Query, Task};
use cutover_driver::{Answered, ReplicationTasks};

use crate::failure::{classify, unexpected};
use crate::metrics::AwsMetrics;
use crate::sdk::{Client, Sdk};

/// How old a lag may be and still be told: ours; five of the periods that DMS publishes by.
const LAG_AGE_MAX: Duration = Duration::from_mins(5);

/// The period by which DMS publishes, in seconds. Source: docs/FIGURES.md, "DMS tasks".
const PERIOD_SECONDS: u32 = 60;

/// How many tables one call tells of. Source: docs/FIGURES.md, "DMS tasks".
const TABLES_PER_PAGE: i32 = 500;

/// How many pages of tables are read: ours. They hold 50,000 tables; an answer without end is a fault.
const PAGES_MAX: u32 = 100;

/// What DMS says of a thing that is not there.
const NOT_FOUND: &str = "ResourceNotFoundFault";

/// What DMS says when a task has not come far enough to be asked.
const NOT_NOW: &str = "InvalidResourceStateFault";

/// The status of a task at work.
const RUNNING: &str = "running";

/// The replication tasks of the configured account and region.
#[derive(Debug)]
pub struct AwsReplicationTasks {
    sdk: Sdk,
    dms: Client<aws_sdk_databasemigration::Client>,
    metrics: AwsMetrics,
}

impl AwsReplicationTasks {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        let connect = aws_sdk_databasemigration::Client::new;
        Self {
            sdk: sdk.clone(),
            dms: Client::new(sdk, |to| to.dms.as_ref(), connect),
            metrics: AwsMetrics::new(sdk),
        }
    }

    async fn read(&self, arn: &str) -> Result<Option<Task>, Failure> {
        let action = "dms:DescribeReplicationTasks";
        let call = self.dms.get(action).await?.describe_replication_tasks();
        let call = call
            .filters(only("replication-task-arn", arn))
            .without_settings(true);
        let found = match call.send().await {
            Ok(answer) => answer
                .replication_tasks
                .unwrap_or_default()
                .into_iter()
                .next(),
            Err(error) if error.code() == Some(NOT_FOUND) => None,
            Err(error) => return Err(classify(action, &error)),
        };
        let Some(found) = found else { return Ok(None) };
        let status = found.status().ok_or_else(|| unexpected(action))?.to_owned();
        let lag = self.lag(arn, &found).await?;
        let tables_in_error = self.tables_in_error(arn, status == RUNNING).await?;
        Ok(Some(Task {
            status,
            lag,
            tables_in_error,
        }))
    }

    /// Reads how far a task is behind, from the metrics that DMS publishes.
    ///
    /// DMS counts what has not been read from the source and what has not been applied to the target. The two overlap,
    /// so their sum is never too small.
    async fn lag(&self, arn: &str, task: &ReplicationTask) -> Result<Option<Duration>, Failure> {
        let Some(instance) = self.instance_of(task).await? else {
            return Ok(None);
        };
        let queries = lag_queries(&instance, &names_of(arn, task));
        // The newest period is asked for as well, though it is not over.
        let now = self.sdk.now();
        let from = now.before(LAG_AGE_MAX);
        let readings = self.metrics.read(&queries, from, now).await?;
        Ok(lag_of(&queries, &readings))
    }

    /// Asks for the name of the instance that a task runs on: metrics go by it, the task knows its ARN only.
    async fn instance_of(&self, task: &ReplicationTask) -> Result<Option<String>, Failure> {
        let action = "dms:DescribeReplicationInstances";
        let Some(arn) = task.replication_instance_arn() else {
            return Ok(None);
        };
        let call = self.dms.get(action).await?.describe_replication_instances();
        match call
            .filters(only("replication-instance-arn", arn))
            .send()
            .await
        {
            Ok(answer) => {
                let found = answer.replication_instances().first();
                Ok(found.and_then(|found| found.replication_instance_identifier.clone()))
            }
            Err(error) if error.code() == Some(NOT_FOUND) => Ok(None),
            Err(error) => Err(classify(action, &error)),
        }
    }

    /// Counts the tables that are not as they should be. A task that has never run has no tables yet.
    async fn tables_in_error(&self, arn: &str, running: bool) -> Result<u32, Failure> {
        let action = "dms:DescribeTableStatistics";
        let client = self.dms.get(action).await?;
        let (mut count, mut marker) = (0_u32, None);
        for _ in 0..PAGES_MAX {
            let call = client
                .describe_table_statistics()
                .replication_task_arn(arn)
                .max_records(TABLES_PER_PAGE)
                .set_marker(marker.take());
            let page = match call.send().await {
                Ok(page) => page,
                Err(error) if !running && error.code() == Some(NOT_NOW) => return Ok(count),
                Err(error) => return Err(classify(action, &error)),
            };
            let amiss = page
                .table_statistics()
                .iter()
                .filter(|table| is_amiss(table))
                .count();
            count = count.saturating_add(u32::try_from(amiss).unwrap_or(u32::MAX));
            marker = page.marker;
            if marker.is_none() {
                return Ok(count);
            }
        }
        Err(unexpected(action))
    }
}

fn only(name: &str, value: &str) -> Filter {
    let filter = Filter::builder().name(name).values(value).build();
    filter.expect("name and values are all that a filter needs")
}

/// The names that a task may have in metrics: the last part of its ARN, as DMS has it; and its identifier, as the
/// documentation says.
fn names_of(arn: &str, task: &ReplicationTask) -> Vec<String> {
    let resource = arn.rsplit(':').next().map(str::to_owned);
    let identifier = task.replication_task_identifier().map(str::to_owned);
    resource.into_iter().chain(identifier).collect()
}

/// The queries for both kinds of lag under each name; the worst of a period counts.
fn lag_queries(instance: &str, names: &[String]) -> Vec<Query> {
    let query = |metric: &str, name: &String| {
        let dimensions = [
            ("ReplicationInstanceIdentifier", instance),
            ("ReplicationTaskIdentifier", name),
        ];
        let dimensions = dimensions.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Query {
            metric: Metric {
                namespace: "AWS/DMS".to_owned(),
                name: metric.to_owned(),
                dimensions: BTreeMap::from(dimensions),
                stat: "Maximum".to_owned(),
            },
            period_seconds: PERIOD_SECONDS,
        }
    };
    ["CDCLatencySource", "CDCLatencyTarget"]
        .into_iter()
        .flat_map(|metric| names.iter().map(move |name| query(metric, name)))
        .collect()
}

/// The newest lags of source and target, together; `None` when either is not known.
fn lag_of(queries: &[Query], readings: &[Reading]) -> Option<Duration> {
    let mut newest = BTreeMap::new();
    for (query, reading) in queries.iter().zip(readings) {
        let Reading::Points(points) = reading else {
            return None;
        };
        for point in points {
            let known = newest.entry(query.metric.name.as_str()).or_insert(*point);
            if point.start >= known.start {
                *known = *point;
            }
        }
    }
    let lag = |metric| Duration::try_from_secs_f64(newest.get(metric)?.value).ok();
    lag("CDCLatencySource")?.checked_add(lag("CDCLatencyTarget")?)
}

/// Tells whether a table has failed, or has rows that validation found different or could not compare. States: the API
/// Reference, `TableStatistics`.
fn is_amiss(table: &TableStatistics) -> bool {
    let says = |said: Option<&str>, bad: &[&str]| {
        said.is_some_and(|said| bad.iter().any(|bad| said.eq_ignore_ascii_case(bad)))
    };
    says(table.table_state(), &["Table error", "Error"])
        || says(
            table.validation_state(),
            &[
                "Mismatched records",
                "Suspended records",
                "Table error",
                "Error",
            ],
        )
        || table.validation_failed_records() > 0
        || table.validation_suspended_records() > 0
}

impl ReplicationTasks for AwsReplicationTasks {
    fn fetch<'a>(&'a self, arn: &'a str) -> Answered<'a, Option<Task>> {
        Box::pin(self.read(arn))
    }
}
