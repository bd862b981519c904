//! Replication tasks of AWS Database Migration Service, and how far they are behind.

#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_sdk_databasemigration::types::{ReplicationTask, TableStatistics};
use cutover_core::Failure;
use cutover_core::shift::gates::Reading;
use cutover_core::shift::sources::{Query, Task};
use cutover_driver::{Answered, ReplicationTasks};

use crate::dms::{self, Dms, LATENCY_SOURCE, LATENCY_TARGET};
use crate::failure::unexpected;
use crate::sdk::Sdk;

/// The status of a task at work.
const RUNNING: &str = "running";

/// The replication tasks of the configured account and region.
#[derive(Debug)]
pub struct AwsReplicationTasks {
    dms: Dms,
}

impl AwsReplicationTasks {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        Self { dms: Dms::new(sdk) }
    }

    async fn read(&self, arn: &str) -> Result<Option<Task>, Failure> {
        let Some(found) = self.dms.task("replication-task-arn", arn).await? else {
            return Ok(None);
        };
        let status = found
            .status()
            .ok_or_else(|| unexpected("dms:DescribeReplicationTasks"))?
            .to_owned();
        let lag = self.lag(arn, &found).await?;
        // A task that has never run has no tables yet.
        let tables = self.dms.tables(arn, status == RUNNING).await?;
        let amiss = tables.iter().filter(|table| is_amiss(table)).count();
        Ok(Some(Task {
            status,
            lag,
            tables_in_error: u32::try_from(amiss).unwrap_or(u32::MAX),
        }))
    }

    /// Reads how far a task is behind, from the metrics that DMS publishes.
    ///
    /// DMS counts what has not been read from the source and what has not been applied to the target. The two overlap,
    /// so their sum is never too small.
    async fn lag(&self, arn: &str, task: &ReplicationTask) -> Result<Option<Duration>, Failure> {
        let Some(instance) = task.replication_instance_arn() else {
            return Ok(None);
        };
        // Metrics go by the name of the instance, the task knows its ARN only.
        let instance = self.dms.instance(instance).await?;
        let Some(instance) = instance.and_then(|found| found.replication_instance_identifier)
        else {
            return Ok(None);
        };
        let queries = dms::lag_queries(&instance, arn, task.replication_task_identifier());
        let readings = self.dms.read(&queries).await?;
        Ok(lag_of(&queries, &readings))
    }
}

/// The newest lags of source and target, together; `None` when either is not known.
fn lag_of(queries: &[Query], readings: &[Reading]) -> Option<Duration> {
    let lag = |metric| dms::newest_time(metric, queries, readings);
    lag(LATENCY_SOURCE)?.checked_add(lag(LATENCY_TARGET)?)
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
