//! What the adapters of DMS share: how tasks, their instances and tables are read, and the metrics that they publish.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_databasemigration::error::ProvideErrorMetadata;
use aws_sdk_databasemigration::types::{
    Filter, ReplicationInstance, ReplicationTask, TableStatistics,
};
use cutover_core::Failure;
use cutover_core::shift::gates::{Point, Reading};
use cutover_core::shift::sources::{Metric, Query};
use cutover_driver::Answered;

use crate::failure::{classify, unexpected};
use crate::metrics::AwsMetrics;
use crate::sdk::{Client, Sdk};

/// How old a figure may be and still be told: ours; five of the periods that DMS publishes by.
const AGE_MAX: Duration = Duration::from_mins(5);

/// The period by which DMS publishes, in seconds. Source: docs/FIGURES.md, "DMS tasks".
const PERIOD_SECONDS: u32 = 60;

/// How many tables one call tells of. Source: docs/FIGURES.md, "DMS tasks".
pub(crate) const TABLES_PER_PAGE: i32 = 500;

/// How many pages of an answer are read: ours. Of tables they hold 50,000; an answer without end is a fault.
pub(crate) const PAGES_MAX: u32 = 100;

/// What DMS says of a thing that is not there.
pub(crate) const NOT_FOUND: &str = "ResourceNotFoundFault";

/// What DMS says of a thing that is not in a state for what is asked: it has not come far enough, or is past it.
pub(crate) const NOT_NOW: &str = "InvalidResourceStateFault";

/// The age of the last change that was read from the source.
pub(crate) const LATENCY_SOURCE: &str = "CDCLatencySource";

/// The age of the oldest change that is not applied to the target.
pub(crate) const LATENCY_TARGET: &str = "CDCLatencyTarget";

/// DMS, and CloudWatch for what it publishes. What is put together from several calls is kept on the heap: a call of the SDK
/// takes 16 KB.
#[derive(Debug)]
pub(crate) struct Dms {
    sdk: Sdk,
    client: Client<aws_sdk_databasemigration::Client>,
    metrics: AwsMetrics,
}

impl Dms {
    /// Makes it; does not call anyone.
    pub(crate) fn new(sdk: &Sdk) -> Self {
        let connect = aws_sdk_databasemigration::Client::new;
        Self {
            sdk: sdk.clone(),
            client: Client::new(sdk, |to| to.dms.as_ref(), connect),
            metrics: AwsMetrics::new(sdk),
        }
    }

    /// Returns the client for a call.
    pub(crate) async fn client(
        &self,
        action: &'static str,
    ) -> Result<&aws_sdk_databasemigration::Client, Failure> {
        self.client.get(action).await
    }

    /// Reads a task, found by its `replication-task-arn` or `replication-task-id`.
    pub(crate) fn task<'a>(
        &'a self,
        by: &'a str,
        value: &'a str,
    ) -> Answered<'a, Option<ReplicationTask>> {
        Box::pin(self.describe_task(by, value))
    }

    async fn describe_task(
        &self,
        by: &str,
        value: &str,
    ) -> Result<Option<ReplicationTask>, Failure> {
        let action = "dms:DescribeReplicationTasks";
        let call = self.client(action).await?.describe_replication_tasks();
        let call = call.filters(only(by, value)).without_settings(true);
        match call.send().await {
            Ok(answer) => {
                let found = answer.replication_tasks.unwrap_or_default();
                Ok(found.into_iter().next())
            }
            Err(error) if error.code() == Some(NOT_FOUND) => Ok(None),
            Err(error) => Err(classify(action, &error)),
        }
    }

    /// Reads an instance.
    pub(crate) fn instance<'a>(
        &'a self,
        arn: &'a str,
    ) -> Answered<'a, Option<ReplicationInstance>> {
        Box::pin(self.describe_instance(arn))
    }

    async fn describe_instance(&self, arn: &str) -> Result<Option<ReplicationInstance>, Failure> {
        let action = "dms:DescribeReplicationInstances";
        let call = self.client(action).await?.describe_replication_instances();
        let call = call.filters(only("replication-instance-arn", arn));
        match call.send().await {
            Ok(answer) => {
                let found = answer.replication_instances.unwrap_or_default();
                Ok(found.into_iter().next())
            }
            Err(error) if error.code() == Some(NOT_FOUND) => Ok(None),
            Err(error) => Err(classify(action, &error)),
        }
    }

    /// Reads the tables of a task, all pages. A task that has not come far enough has none yet; `running` says that it has.
    pub(crate) fn tables<'a>(
        &'a self,
        arn: &'a str,
        running: bool,
    ) -> Answered<'a, Vec<TableStatistics>> {
        Box::pin(self.describe_tables(arn, running))
    }

    async fn describe_tables(
        &self,
        arn: &str,
        running: bool,
    ) -> Result<Vec<TableStatistics>, Failure> {
        let action = "dms:DescribeTableStatistics";
        let client = self.client(action).await?;
        let (mut tables, mut marker) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let call = client
                .describe_table_statistics()
                .replication_task_arn(arn)
                .max_records(TABLES_PER_PAGE)
                .set_marker(marker.take());
            let page = match call.send().await {
                Ok(page) => page,
                Err(error) if !running && error.code() == Some(NOT_NOW) => return Ok(tables),
                Err(error) => return Err(classify(action, &error)),
            };
            tables.extend(page.table_statistics.unwrap_or_default());
            marker = page.marker;
            if marker.is_none() {
                return Ok(tables);
            }
        }
        Err(unexpected(action))
    }

    /// Reads what was published in the last minutes, the period that is not over included.
    pub(crate) async fn read(&self, queries: &[Query]) -> Result<Vec<Reading>, Failure> {
        let now = self.sdk.now();
        Box::pin(self.metrics.read(queries, now.before(AGE_MAX), now)).await
    }
}

/// A filter for one value.
pub(crate) fn only(name: &str, value: &str) -> Filter {
    let filter = Filter::builder().name(name).values(value).build();
    filter.expect("name and values are all that a filter needs")
}

/// The queries for both kinds of lag of a task; the worst of a period counts.
///
/// A task may have two names in metrics: the last part of its ARN, as DMS has it; and its identifier, as the documentation
/// says. Both are asked for.
pub(crate) fn lag_queries(instance: &str, arn: &str, identifier: Option<&str>) -> Vec<Query> {
    let names = arn.rsplit(':').next().into_iter().chain(identifier);
    let names: Vec<&str> = names.collect();
    let query = |metric, name| {
        let dimensions = [
            ("ReplicationInstanceIdentifier", instance),
            ("ReplicationTaskIdentifier", name),
        ];
        query(metric, "Maximum", &dimensions)
    };
    [LATENCY_SOURCE, LATENCY_TARGET]
        .into_iter()
        .flat_map(|metric| names.iter().map(move |name| query(metric, name)))
        .collect()
}

/// A query for a metric of DMS.
pub(crate) fn query(metric: &str, stat: &str, dimensions: &[(&str, &str)]) -> Query {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Query {
        metric: Metric {
            namespace: "AWS/DMS".to_owned(),
            name: metric.to_owned(),
            dimensions: dimensions.iter().map(owned).collect::<BTreeMap<_, _>>(),
            stat: stat.to_owned(),
        },
        period_seconds: PERIOD_SECONDS,
    }
}

/// The newest value of a metric under any of its names; `None` when there is none, or when one could not be read: what is
/// newest is not known then.
pub(crate) fn newest(metric: &str, queries: &[Query], readings: &[Reading]) -> Option<f64> {
    let mut newest = None::<Point>;
    let asked = queries.iter().zip(readings);
    for (_, reading) in asked.filter(|(query, _)| query.metric.name == metric) {
        let Reading::Points(points) = reading else {
            return None;
        };
        for point in points {
            if newest.is_none_or(|known| point.start >= known.start) {
                newest = Some(*point);
            }
        }
    }
    newest.map(|point| point.value)
}

/// The newest value of a metric that is in seconds; `None` as above, and for what is no time.
pub(crate) fn newest_time(
    metric: &str,
    queries: &[Query],
    readings: &[Reading],
) -> Option<Duration> {
    Duration::try_from_secs_f64(newest(metric, queries, readings)?).ok()
}
