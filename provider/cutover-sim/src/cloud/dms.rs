//! DMS: replication tasks, as far as they are read.

mod mover;

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::Timestamp;

use super::{AwsError, Cloud, Service};
pub use mover::{Job, JobSeen, JobStart, JobTable, MovedDatabase, Mover};

/// A replication task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicationTask {
    /// Its ARN.
    pub arn: String,
    /// Its identifier.
    pub identifier: String,
    /// The ARN of its instance.
    pub instance_arn: String,
    /// The identifier of its instance, which is a dimension of its metrics.
    pub instance_identifier: String,
    /// Its status as DMS writes it: `running`.
    pub status: String,
    /// How many tables it has, and how many are in error.
    pub tables: Vec<TableStatistics>,
    /// How far it is behind, as `CDCLatencyTarget` shows it (which includes the source's); `None`: no metric is there.
    pub lag: Option<Duration>,
}

/// What DMS says of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableStatistics {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// `Table completed`, `Table error`.
    pub state: String,
    /// `Validated`, `Mismatched records`, `Suspended records`, `Error`, `Not enabled`.
    pub validation_state: String,
    /// Rows that validation found different.
    pub failed_records: u64,
    /// Rows that validation could not compare.
    pub suspended_records: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Dms {
    tasks: BTreeMap<String, ReplicationTask>,
    /// Since when the lag is what it is, for each task.
    lags: BTreeMap<String, Vec<(Timestamp, Option<Duration>)>>,
}

impl Cloud {
    /// Puts a replication task there, or replaces it, at a moment.
    pub fn put_replication_task(&mut self, now: Timestamp, task: ReplicationTask) {
        let lags = self.dms.lags.entry(task.arn.clone()).or_default();
        lags.push((now, task.lag));
        self.dms.tasks.insert(task.arn.clone(), task);
    }

    /// Removes a replication task.
    pub fn delete_replication_task(&mut self, arn: &str) {
        self.dms.tasks.remove(arn);
    }

    /// DMS: reads replication tasks by their ARNs; all when none is named.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` when none of the named exists.
    pub fn describe_replication_tasks(
        &mut self,
        now: Timestamp,
        arns: &[String],
    ) -> Result<Vec<ReplicationTask>, AwsError> {
        let about = arns.join(",");
        self.call(
            Service::Other,
            "DescribeReplicationTasks",
            &about,
            now,
            |cloud| {
                let tasks = cloud.dms.tasks.values();
                let found: Vec<_> = tasks
                    .filter(|task| arns.is_empty() || arns.contains(&task.arn))
                    .cloned()
                    .collect();
                if found.is_empty() && !arns.is_empty() {
                    return Err(no_task());
                }
                Ok(found)
            },
        )
    }

    /// DMS: reads the instances of replication tasks by their ARNs, all when none is named; returns each with its
    /// identifier.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` when none of the named exists.
    pub fn describe_replication_instances(
        &mut self,
        now: Timestamp,
        arns: &[String],
    ) -> Result<BTreeMap<String, String>, AwsError> {
        let about = arns.join(",");
        self.call(
            Service::Other,
            "DescribeReplicationInstances",
            &about,
            now,
            |cloud| {
                let tasks = cloud.dms.tasks.values();
                let found: BTreeMap<_, _> = tasks
                    .filter(|task| arns.is_empty() || arns.contains(&task.instance_arn))
                    .map(|task| (task.instance_arn.clone(), task.instance_identifier.clone()))
                    .collect();
                if found.is_empty() && !arns.is_empty() {
                    let message = "No Instances found matching provided filters";
                    return Err(AwsError::bad("ResourceNotFoundFault", message));
                }
                Ok(found)
            },
        )
    }

    /// DMS: reads what is known of a task's tables.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` without the task.
    pub fn describe_table_statistics(
        &mut self,
        now: Timestamp,
        arn: &str,
    ) -> Result<Vec<TableStatistics>, AwsError> {
        self.call(
            Service::Other,
            "DescribeTableStatistics",
            arn,
            now,
            |cloud| {
                let task = cloud.dms.tasks.get(arn).ok_or_else(no_task)?;
                Ok(task.tables.clone())
            },
        )
    }

    /// Returns the lag in seconds that DMS publishes for a task at a moment, when the metric is one of its.
    pub(super) fn task_lag(
        &self,
        name: &str,
        dimensions: &BTreeMap<String, String>,
        at: Timestamp,
    ) -> Option<f64> {
        let of = |task: &&ReplicationTask| {
            dimensions.len() == 2
                && dimensions.get("ReplicationInstanceIdentifier")
                    == Some(&task.instance_identifier)
                && dimensions.get("ReplicationTaskIdentifier") == Some(&task.identifier)
        };
        let task = self.dms.tasks.values().find(of)?;
        let known = self.dms.lags.get(&task.arn)?;
        let (_, lag) = known.iter().rev().find(|(from, _)| *from <= at)?;
        match name {
            "CDCLatencyTarget" => lag.map(|lag| lag.as_secs_f64()),
            "CDCLatencySource" => lag.map(|_| 0.0),
            _ => None,
        }
    }
}

fn no_task() -> AwsError {
    AwsError::bad(
        "ResourceNotFoundFault",
        "No Tasks found matching provided filters",
    )
}
