//! Making, reading, changing and removing tasks, and what starting and stopping one takes.

use cutover_core::Timestamp;

use super::course::{Kept, Stage, Then};
use super::listing::{Known, RECORDS_MAX};
use super::mappings::Mappings;
use super::{
    AwsError, Cloud, DmsPage, DmsQuery, IDENTIFIER_MAX, NewReplicationTask, ReplicationInstance,
    ReplicationTask, StartTask, check_identifier, exists, invalid, not_found, wrong_state,
};
use crate::cloud::Service;

/// What changes of a task; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModifyReplicationTask {
    /// Which.
    pub arn: String,
    /// `full-load`, `cdc` or `full-load-and-cdc`.
    pub migration_type: Option<String>,
    /// Which tables it has, as JSON.
    pub table_mappings: Option<String>,
    /// Its settings, as JSON: what is named is set, the rest stays.
    pub settings: Option<String>,
    /// Where it begins to read changes.
    pub cdc_start: Option<String>,
    /// Where it ends to read changes.
    pub cdc_stop: Option<String>,
}

const FILTERS: Known<'_, ReplicationTask> = &[
    ("replication-task-arn", |it| &it.arn),
    ("replication-task-id", |it| &it.identifier),
    ("replication-instance-arn", |it| &it.instance_arn),
    ("migration-type", |it| &it.migration_type),
];

const MIGRATION_TYPES: [&str; 3] = ["full-load", "cdc", "full-load-and-cdc"];

impl Cloud {
    /// Puts a replication task there as it is, or replaces it, at a moment; and its instance, if that is not there.
    pub fn put_replication_task(&mut self, now: Timestamp, task: ReplicationTask) {
        let is_known = self.dms.instances.contains_key(&task.instance_arn);
        if !is_known && !task.instance_arn.is_empty() {
            let (arn, identifier) = (&task.instance_arn, &task.instance_identifier);
            self.put_replication_instance(ReplicationInstance::usual(arn, identifier));
        }
        let before = self.dms.tasks.remove(&task.arn);
        let mut lags = before.map(|before| before.lags).unwrap_or_default();
        lags.push((now, task.lag));
        let stage = if task.status == "running" {
            Stage::Running
        } else {
            Stage::Still
        };
        let kept = Kept {
            task,
            stage,
            lags,
            ..Kept::default()
        };
        self.dms.tasks.insert(kept.task.arn.clone(), kept);
    }

    /// Removes a replication task at once.
    pub fn remove_replication_task(&mut self, arn: &str) {
        self.dms.tasks.remove(arn);
    }

    /// DMS: reads replication tasks. Filters: `replication-task-arn`, `replication-task-id`, `replication-instance-arn`,
    /// `migration-type`.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` when there is none of those that are asked for.
    pub fn describe_replication_tasks(
        &mut self,
        now: Timestamp,
        query: &DmsQuery,
    ) -> Result<DmsPage<ReplicationTask>, AwsError> {
        let operation = "DescribeReplicationTasks";
        self.call(Service::Other, operation, &query.about(), now, |cloud| {
            let found = query.pick(cloud.dms_tasks(now, false), FILTERS)?;
            query.page(query.some(found, "Tasks")?, RECORDS_MAX)
        })
    }

    /// DMS: makes a replication task.
    ///
    /// # Errors
    /// `ResourceAlreadyExistsFault` when there is one of this identifier, `ResourceNotFoundFault` without its endpoints or
    /// instance, `InvalidParameterValueException` for what cannot be made.
    pub fn create_replication_task(
        &mut self,
        now: Timestamp,
        input: &NewReplicationTask,
    ) -> Result<ReplicationTask, AwsError> {
        let operation = "CreateReplicationTask";
        self.call(Service::Other, operation, &input.identifier, now, |cloud| {
            let instance = cloud.instance(&input.instance_arn)?.clone();
            if instance.status != "available" {
                return Err(wrong_state("The replication instance is not available"));
            }
            let mut task = cloud.new_task(now, input, "task", false)?;
            task.instance_identifier = instance.identifier;
            let mut kept = Kept {
                task,
                ..Kept::default()
            };
            let takes = cloud.config.dms.creating;
            kept.pass(now, takes, "creating", Then::Still("ready".to_owned()));
            Ok(cloud.keep(kept))
        })
    }

    /// DMS: changes a replication task that stands still.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`, `InvalidResourceStateFault`, `InvalidParameterValueException`.
    pub fn modify_replication_task(
        &mut self,
        now: Timestamp,
        input: &ModifyReplicationTask,
    ) -> Result<ReplicationTask, AwsError> {
        let operation = "ModifyReplicationTask";
        self.call(Service::Other, operation, &input.arn, now, |cloud| {
            let takes = cloud.config.dms.modifying;
            let kept = cloud.still(&input.arn, false, "modified")?;
            let mut task = kept.task.clone();
            let text = |kept: &mut String, given: &Option<String>| {
                if let Some(given) = given {
                    kept.clone_from(given);
                }
            };
            text(&mut task.migration_type, &input.migration_type);
            text(&mut task.table_mappings, &input.table_mappings);
            if let Some(settings) = &input.settings {
                task.settings = merged(&task.settings, settings)?;
            }
            task.cdc_start = input.cdc_start.clone().or(task.cdc_start);
            task.cdc_stop = input.cdc_stop.clone().or(task.cdc_stop);
            check_kind(&task.migration_type, &task.table_mappings)?;
            let back = Then::Still(task.status.clone());
            kept.task = task;
            kept.pass(now, takes, "modifying", back);
            Ok(kept.task.clone())
        })
    }

    /// DMS: starts a replication task.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`; `InvalidResourceStateFault` when it is at work, or connections are not tested well;
    /// `InvalidParameterCombinationException` for a start type that does not fit.
    pub fn start_replication_task(
        &mut self,
        now: Timestamp,
        input: &StartTask,
    ) -> Result<ReplicationTask, AwsError> {
        let operation = "StartReplicationTask";
        self.call(Service::Other, operation, &input.arn, now, |cloud| {
            let task = cloud.still(&input.arn, false, "started")?.task.clone();
            for endpoint in [&task.source_endpoint_arn, &task.target_endpoint_arn] {
                let is_known = cloud.dms.endpoints.contains_key(endpoint);
                if is_known && !cloud.is_connected(&task.instance_arn, endpoint) {
                    let message = "Test connection for replication instance and endpoint should be \
                                   successful for starting the replication task";
                    return Err(wrong_state(message));
                }
            }
            cloud.start(now, input, &task)
        })
    }

    /// DMS: stops a replication task that runs.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`, `InvalidResourceStateFault` when it does not run.
    pub fn stop_replication_task(
        &mut self,
        now: Timestamp,
        arn: &str,
    ) -> Result<ReplicationTask, AwsError> {
        let operation = "StopReplicationTask";
        self.call(Service::Other, operation, arn, now, |cloud| {
            cloud.stop(now, arn, false)
        })
    }

    /// DMS: removes a replication task that stands still.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`, `InvalidResourceStateFault`.
    pub fn delete_replication_task(
        &mut self,
        now: Timestamp,
        arn: &str,
    ) -> Result<ReplicationTask, AwsError> {
        let operation = "DeleteReplicationTask";
        self.call(Service::Other, operation, arn, now, |cloud| {
            let takes = cloud.config.dms.deleting;
            let kept = cloud.still(arn, false, "deleted")?;
            kept.pass(now, takes, "deleting", Then::Gone);
            Ok(kept.task.clone())
        })
    }

    /// Returns all tasks, or all replications without server, as they are described.
    pub(super) fn dms_tasks(&self, now: Timestamp, serverless: bool) -> Vec<ReplicationTask> {
        let all = self.dms.tasks.values();
        all.filter(|kept| kept.task.serverless == serverless)
            .map(|kept| kept.described(now))
            .collect()
    }

    /// Makes a task of what is wished, which is kept by nobody yet.
    pub(super) fn new_task(
        &mut self,
        now: Timestamp,
        input: &NewReplicationTask,
        kind: &str,
        serverless: bool,
    ) -> Result<ReplicationTask, AwsError> {
        check_identifier("Identifier", &input.identifier, IDENTIFIER_MAX)?;
        check_kind(&input.migration_type, &input.table_mappings)?;
        let identifier = input.identifier.to_ascii_lowercase();
        let mut all = self.dms.tasks.values().map(|kept| &kept.task);
        if all.any(|task| task.serverless == serverless && task.identifier == identifier) {
            return Err(exists(format!("{identifier} already exists.")));
        }
        for (arn, kind) in [
            (&input.source_endpoint_arn, "source"),
            (&input.target_endpoint_arn, "target"),
        ] {
            if self.dms_endpoint(arn)?.endpoint_type != kind {
                return Err(invalid(format!("Endpoint {arn} is no {kind}")));
            }
        }
        let is_cdc = input.migration_type.ends_with("cdc");
        if input.cdc_start.is_some() && !is_cdc {
            let message = "CdcStartPosition is only for tasks that replicate changes";
            return Err(AwsError::bad(
                "InvalidParameterCombinationException",
                message,
            ));
        }
        let arn = self.dms_arn(kind, input.resource.as_deref())?;
        if self.dms.tasks.contains_key(&arn) {
            return Err(exists(format!("{arn} already exists.")));
        }
        Ok(ReplicationTask {
            arn,
            identifier,
            serverless,
            instance_arn: input.instance_arn.clone(),
            source_endpoint_arn: input.source_endpoint_arn.clone(),
            target_endpoint_arn: input.target_endpoint_arn.clone(),
            migration_type: input.migration_type.clone(),
            table_mappings: input.table_mappings.clone(),
            settings: merged("{}", input.settings.as_deref().unwrap_or("{}"))?,
            cdc_start: input.cdc_start.clone(),
            cdc_stop: input.cdc_stop.clone(),
            created_at: now,
            tags: input.tags.clone(),
            ..ReplicationTask::default()
        })
    }

    /// Keeps a new task; returns it.
    pub(super) fn keep(&mut self, kept: Kept) -> ReplicationTask {
        let task = kept.task.clone();
        self.dms.tasks.insert(task.arn.clone(), kept);
        task
    }

    pub(super) fn kept(&mut self, arn: &str, serverless: bool) -> Result<&mut Kept, AwsError> {
        let kept = self.dms.tasks.get_mut(arn);
        let kept = kept.filter(|kept| kept.task.serverless == serverless);
        kept.ok_or_else(|| not_found(format!("{arn} not found.")))
    }

    /// Returns a task that nothing happens to; `done` says what it is to be.
    pub(super) fn still(
        &mut self,
        arn: &str,
        serverless: bool,
        done: &str,
    ) -> Result<&mut Kept, AwsError> {
        let kept = self.kept(arn, serverless)?;
        if kept.is_still() {
            return Ok(kept);
        }
        Err(wrong_state(format!(
            "{arn} cannot be {done}, its status is {}",
            kept.task.status
        )))
    }

    pub(super) fn tasks_of_endpoint<'c>(&'c self, arn: &'c str) -> impl Iterator<Item = &'c Kept> {
        let all = self.dms.tasks.values();
        all.filter(move |kept| {
            kept.task.source_endpoint_arn == arn || kept.task.target_endpoint_arn == arn
        })
    }
}

fn check_kind(migration_type: &str, table_mappings: &str) -> Result<(), AwsError> {
    if !MIGRATION_TYPES.contains(&migration_type) {
        let known = MIGRATION_TYPES.join(", ");
        return Err(invalid(format!("MigrationType must be one of {known}")));
    }
    Mappings::parse(table_mappings).map(|_| ())
}

/// Sets what `given` names in settings; groups are merged, everything else is replaced.
fn merged(before: &str, given: &str) -> Result<String, AwsError> {
    let read = |text: &str| {
        let object: Result<serde_json::Map<String, serde_json::Value>, _> =
            serde_json::from_str(text);
        object.map_err(|error| invalid(format!("Invalid task settings: {error}")))
    };
    let mut settings = read(before).unwrap_or_default();
    for (name, value) in read(given)? {
        match (settings.get_mut(&name), value) {
            (Some(serde_json::Value::Object(group)), serde_json::Value::Object(given)) => {
                group.extend(given);
            }
            (_, value) => {
                settings.insert(name, value);
            }
        }
    }
    Ok(serde_json::Value::Object(settings).to_string())
}
