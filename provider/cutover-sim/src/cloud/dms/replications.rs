//! Replications without server.

use cutover_core::Timestamp;

use super::course::{Kept, Then};
use super::listing::{Known, RECORDS_MAX};
use super::{AwsError, Cloud, DmsPage, DmsQuery, NewReplicationTask, ReplicationTask, StartTask};
use crate::cloud::Service;

const FILTERS: Known<'_, ReplicationTask> = &[
    ("replication-config-arn", |it| &it.arn),
    ("replication-config-id", |it| &it.identifier),
];

impl Cloud {
    /// DMS: makes a replication without server, which does nothing yet.
    ///
    /// # Errors
    /// As [`Cloud::create_replication_task`].
    pub fn create_replication_config(
        &mut self,
        now: Timestamp,
        input: &NewReplicationTask,
    ) -> Result<ReplicationTask, AwsError> {
        let operation = "CreateReplicationConfig";
        self.call(Service::Other, operation, &input.identifier, now, |cloud| {
            let task = cloud.new_task(now, input, "replication-config", true)?;
            let kept = Kept {
                task: ReplicationTask {
                    status: "created".to_owned(),
                    ..task
                },
                ..Kept::default()
            };
            Ok(cloud.keep(kept))
        })
    }

    /// DMS: reads replications without server. Filters: `replication-config-arn`, `replication-config-id`.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` when there is none of those that are asked for.
    pub fn describe_replications(
        &mut self,
        now: Timestamp,
        query: &DmsQuery,
    ) -> Result<DmsPage<ReplicationTask>, AwsError> {
        let operation = "DescribeReplications";
        self.call(Service::Other, operation, &query.about(), now, |cloud| {
            let found = query.pick(cloud.dms_tasks(now, true), FILTERS)?;
            query.page(query.some(found, "Replications")?, RECORDS_MAX)
        })
    }

    /// DMS: starts a replication without server, which finds its capacity and tests its connections by itself.
    ///
    /// # Errors
    /// As [`Cloud::start_replication_task`].
    pub fn start_replication(
        &mut self,
        now: Timestamp,
        input: &StartTask,
    ) -> Result<ReplicationTask, AwsError> {
        let operation = "StartReplication";
        self.call(Service::Other, operation, &input.arn, now, |cloud| {
            let task = cloud.still(&input.arn, true, "started")?.task.clone();
            let started = cloud.start(now, input, &task)?;
            "initializing".clone_into(&mut cloud.kept(&input.arn, true)?.task.status);
            Ok(ReplicationTask {
                status: "initializing".to_owned(),
                ..started
            })
        })
    }

    /// DMS: stops a replication without server that runs.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`, `InvalidResourceStateFault` when it does not run.
    pub fn stop_replication(
        &mut self,
        now: Timestamp,
        arn: &str,
    ) -> Result<ReplicationTask, AwsError> {
        self.call(Service::Other, "StopReplication", arn, now, |cloud| {
            cloud.stop(now, arn, true)
        })
    }

    /// DMS: removes a replication without server that stands still.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`, `InvalidResourceStateFault`.
    pub fn delete_replication_config(
        &mut self,
        now: Timestamp,
        arn: &str,
    ) -> Result<ReplicationTask, AwsError> {
        let operation = "DeleteReplicationConfig";
        self.call(Service::Other, operation, arn, now, |cloud| {
            let takes = cloud.config.dms.deleting;
            let kept = cloud.still(arn, true, "deleted")?;
            kept.pass(now, takes, "deleting", Then::Gone);
            Ok(kept.task.clone())
        })
    }
}
