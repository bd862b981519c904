//! Replication by AWS Database Migration Service: tasks on instances, and replications without server.

mod assessments;
mod seen;
mod serverless;
#[cfg(test)]
mod tests;

use aws_sdk_databasemigration::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_databasemigration::types::{
    MigrationTypeValue, PostgreSqlSettings, ReloadOptionValue, ReplicationTask,
    ResourcePendingMaintenanceActions, StartReplicationTaskTypeValue, TableToReload, Tag,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use cutover_core::Failure;
use cutover_core::replication::facts::AssessmentSeen;
use cutover_core::replication::spec::Assessment;
use cutover_core::replication::task::{
    ConnectionSeen, InstanceSeen, NewTask, StartKind, TableSeen, TaskMetrics, TaskSeen,
};
use cutover_driver::{Answered, Replications};
use futures_util::future::try_join;

use crate::dms::{self, Dms, LATENCY_SOURCE, LATENCY_TARGET, NOT_FOUND, NOT_NOW};
use crate::failure::{classify, unexpected};
use crate::sdk::Sdk;
use serverless::is_serverless;

/// How many tables one call loads again. Source: docs/FIGURES.md, "DMS tasks".
const RELOADS_MAX: usize = 10;

/// The processor's load of an instance, in percent.
const CPU: &str = "CPUUtilization";

/// Replication in the configured account and region.
#[derive(Debug)]
pub struct AwsReplications {
    dms: Dms,
}

impl AwsReplications {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        Self { dms: Dms::new(sdk) }
    }

    async fn by_arn(&self, arn: &str) -> Result<Option<TaskSeen>, Failure> {
        if is_serverless(arn) {
            return self.replication(arn).await;
        }
        let found = self.dms.task("replication-task-arn", arn).await?;
        self.with_instance(found).await
    }

    async fn by_identifier(&self, identifier: &str) -> Result<Option<TaskSeen>, Failure> {
        let found = self.dms.task("replication-task-id", identifier).await?;
        self.with_instance(found).await
    }

    async fn with_instance(
        &self,
        task: Option<ReplicationTask>,
    ) -> Result<Option<TaskSeen>, Failure> {
        let Some(task) = task else { return Ok(None) };
        let action = "dms:DescribeReplicationTasks";
        let instance = task.replication_instance_arn();
        let instance = instance.ok_or_else(|| unexpected(action))?;
        let instance = self.instance(instance).await?;
        let seen = seen::task(&task, instance).ok_or_else(|| unexpected(action))?;
        Ok(Some(seen))
    }

    async fn instance(&self, arn: &str) -> Result<InstanceSeen, Failure> {
        let (instance, maintenance) =
            try_join(self.dms.instance(arn), Box::pin(self.maintenance(arn))).await?;
        let instance = instance.ok_or_else(|| unexpected("dms:DescribeReplicationInstances"))?;
        Ok(seen::instance(arn, &instance, maintenance))
    }

    async fn maintenance(&self, instance_arn: &str) -> Result<Vec<String>, Failure> {
        let action = "dms:DescribePendingMaintenanceActions";
        let call = self.dms.client(action).await?;
        let call = call
            .describe_pending_maintenance_actions()
            .replication_instance_arn(instance_arn);
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some(NOT_FOUND) => return Ok(Vec::new()),
            Err(error) => return Err(classify(action, &error)),
        };
        let pending = answer.pending_maintenance_actions().iter();
        let pending =
            pending.flat_map(ResourcePendingMaintenanceActions::pending_maintenance_action_details);
        Ok(pending.filter_map(seen::maintenance).collect())
    }

    async fn tables(&self, arn: &str) -> Result<Vec<TableSeen>, Failure> {
        let tables = if is_serverless(arn) {
            self.replication_tables(arn).await?
        } else {
            self.dms.tables(arn, false).await?
        };
        tables
            .iter()
            .map(|table| {
                seen::table(table).ok_or_else(|| unexpected("dms:DescribeTableStatistics"))
            })
            .collect()
    }

    /// Reads figures of a task on an instance. By which name those of a replication without server go is not known.
    async fn metrics(&self, task: &TaskSeen) -> Result<TaskMetrics, Failure> {
        let Some(instance) = &task.instance else {
            return Ok(TaskMetrics::default());
        };
        // Metrics go by the name of the instance, the task knows its ARN only.
        let instance = self.dms.instance(&instance.arn).await?;
        let Some(name) = instance.and_then(|found| found.replication_instance_identifier) else {
            return Ok(TaskMetrics::default());
        };
        let mut queries = dms::lag_queries(&name, &task.arn, Some(&task.identifier));
        let dimensions = [("ReplicationInstanceIdentifier", name.as_str())];
        queries.push(dms::query(CPU, "Average", &dimensions));
        let readings = self.dms.read(&queries).await?;
        Ok(TaskMetrics {
            latency_source: dms::newest_time(LATENCY_SOURCE, &queries, &readings),
            latency_target: dms::newest_time(LATENCY_TARGET, &queries, &readings),
            cpu: dms::newest(CPU, &queries, &readings),
        })
    }

    async fn begin_test(&self, instance_arn: &str, endpoint_arn: &str) -> Result<(), Failure> {
        let action = "dms:TestConnection";
        let call = self.dms.client(action).await?.test_connection();
        let call = call.replication_instance_arn(instance_arn);
        let sent = call.endpoint_arn(endpoint_arn).send().await;
        done(action, sent)
    }

    async fn connection(
        &self,
        instance_arn: &str,
        endpoint_arn: &str,
    ) -> Result<Option<ConnectionSeen>, Failure> {
        let action = "dms:DescribeConnections";
        let call = self.dms.client(action).await?.describe_connections();
        let call = call
            .filters(dms::only("endpoint-arn", endpoint_arn))
            .filters(dms::only("replication-instance-arn", instance_arn));
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some(NOT_FOUND) => return Ok(None),
            Err(error) => return Err(classify(action, &error)),
        };
        let found = answer.connections().iter().find(|found| {
            found.endpoint_arn() == Some(endpoint_arn)
                && found.replication_instance_arn() == Some(instance_arn)
        });
        found
            .map(|found| seen::connection(found).ok_or_else(|| unexpected(action)))
            .transpose()
    }

    async fn start_task(&self, arn: &str, kind: StartKind) -> Result<(), Failure> {
        if is_serverless(arn) {
            return self.start_replication(arn, kind).await;
        }
        let action = "dms:StartReplicationTask";
        let kind = match kind {
            StartKind::Start => StartReplicationTaskTypeValue::StartReplication,
            StartKind::Resume => StartReplicationTaskTypeValue::ResumeProcessing,
            StartKind::Reload => StartReplicationTaskTypeValue::ReloadTarget,
        };
        let call = self.dms.client(action).await?.start_replication_task();
        let call = call.replication_task_arn(arn);
        done(action, call.start_replication_task_type(kind).send().await)
    }

    async fn stop_task(&self, arn: &str) -> Result<(), Failure> {
        if is_serverless(arn) {
            return self.stop_replication(arn).await;
        }
        let action = "dms:StopReplicationTask";
        let call = self.dms.client(action).await?.stop_replication_task();
        let sent = call.replication_task_arn(arn).send().await;
        done_unless(NOT_NOW, action, sent)
    }

    async fn reload_tables(&self, arn: &str, tables: &[(String, String)]) -> Result<(), Failure> {
        for some in tables.chunks(RELOADS_MAX) {
            let some = some.iter().map(to_reload).collect();
            if is_serverless(arn) {
                self.reload_replication_tables(arn, some).await?;
                continue;
            }
            let action = "dms:ReloadTables";
            let call = self.dms.client(action).await?.reload_tables();
            let call = call
                .replication_task_arn(arn)
                .set_tables_to_reload(Some(some))
                .reload_option(ReloadOptionValue::DataReload);
            done(action, call.send().await)?;
        }
        Ok(())
    }

    async fn create_task(&self, task: &NewTask) -> Result<String, Failure> {
        if let Some(slot) = &task.slot {
            Box::pin(self.use_slot(task, slot)).await?;
        }
        let action = "dms:CreateReplicationTask";
        let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build();
        let call = self.dms.client(action).await?.create_replication_task();
        let call = call
            .replication_task_identifier(&task.identifier)
            .source_endpoint_arn(&task.source_endpoint_arn)
            .target_endpoint_arn(&task.target_endpoint_arn)
            .replication_instance_arn(&task.instance_arn)
            .migration_type(MigrationTypeValue::Cdc)
            .cdc_start_position(&task.cdc_start)
            .table_mappings(&task.table_mappings)
            .replication_task_settings(&task.settings)
            .set_tags(Some(task.tags.iter().map(tag).collect()));
        let answer = call.send().await;
        let answer = answer.map_err(|error| classify(action, &error))?;
        let made = answer.replication_task;
        made.and_then(|made| made.replication_task_arn)
            .ok_or_else(|| unexpected(action))
    }

    /// Has the source endpoint read a slot, and its other settings as they are. DMS starts no task over an endpoint that was
    /// not tested since it was changed, so a test is begun; by the time that the task is made it is over.
    async fn use_slot(&self, task: &NewTask, slot: &str) -> Result<(), Failure> {
        let action = "dms:ModifyEndpoint";
        let settings = PostgreSqlSettings::builder().slot_name(slot).build();
        let call = self.dms.client(action).await?.modify_endpoint();
        let call = call
            .endpoint_arn(&task.source_endpoint_arn)
            .postgre_sql_settings(settings)
            .exact_settings(false);
        done(action, Box::pin(call.send()).await)?;
        Box::pin(self.begin_test(&task.instance_arn, &task.source_endpoint_arn)).await
    }

    async fn delete_task(&self, arn: &str) -> Result<(), Failure> {
        if is_serverless(arn) {
            return self.delete_config(arn).await;
        }
        let action = "dms:DeleteReplicationTask";
        let call = self.dms.client(action).await?.delete_replication_task();
        let sent = call.replication_task_arn(arn).send().await;
        done_unless(NOT_FOUND, action, sent)
    }

    async fn remove_instance(&self, arn: &str) -> Result<(), Failure> {
        let action = "dms:DeleteReplicationInstance";
        let call = self.dms.client(action).await?.delete_replication_instance();
        let sent = call.replication_instance_arn(arn).send().await;
        done_unless(NOT_FOUND, action, sent)
    }
}

fn to_reload((schema, table): &(String, String)) -> TableToReload {
    let table = TableToReload::builder()
        .schema_name(schema)
        .table_name(table)
        .build();
    table.expect("schema and name are all that a table needs")
}

/// What an SDK call gave.
type Sent<T, E> = Result<T, SdkError<E, HttpResponse>>;

fn done<T, E>(action: &'static str, sent: Sent<T, E>) -> Result<(), Failure>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    sent.map(|_| ()).map_err(|error| classify(action, &error))
}

/// As [`done`], where one refusal says that there was nothing to do.
fn done_unless<T, E>(code: &str, action: &'static str, sent: Sent<T, E>) -> Result<(), Failure>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match sent {
        Err(error) if error.code() == Some(code) => Ok(()),
        sent => done(action, sent),
    }
}

impl Replications for AwsReplications {
    fn fetch<'a>(&'a self, arn: &'a str) -> Answered<'a, Option<TaskSeen>> {
        Box::pin(self.by_arn(arn))
    }

    fn find<'a>(&'a self, identifier: &'a str) -> Answered<'a, Option<TaskSeen>> {
        Box::pin(self.by_identifier(identifier))
    }

    fn fetch_tables<'a>(&'a self, arn: &'a str) -> Answered<'a, Vec<TableSeen>> {
        Box::pin(self.tables(arn))
    }

    fn fetch_metrics<'a>(&'a self, task: &'a TaskSeen) -> Answered<'a, TaskMetrics> {
        Box::pin(self.metrics(task))
    }

    fn test_connection<'a>(
        &'a self,
        instance_arn: &'a str,
        endpoint_arn: &'a str,
    ) -> Answered<'a, ()> {
        Box::pin(self.begin_test(instance_arn, endpoint_arn))
    }

    fn fetch_connection<'a>(
        &'a self,
        instance_arn: &'a str,
        endpoint_arn: &'a str,
    ) -> Answered<'a, Option<ConnectionSeen>> {
        Box::pin(self.connection(instance_arn, endpoint_arn))
    }

    fn assess<'a>(
        &'a self,
        arn: &'a str,
        name: &'a str,
        assessment: &'a Assessment,
    ) -> Answered<'a, ()> {
        Box::pin(self.begin_assessment(arn, name, assessment))
    }

    fn fetch_assessment<'a>(
        &'a self,
        arn: &'a str,
        name: &'a str,
    ) -> Answered<'a, Option<AssessmentSeen>> {
        Box::pin(self.assessment(arn, name))
    }

    fn start<'a>(&'a self, arn: &'a str, kind: StartKind) -> Answered<'a, ()> {
        Box::pin(self.start_task(arn, kind))
    }

    fn stop<'a>(&'a self, arn: &'a str) -> Answered<'a, ()> {
        Box::pin(self.stop_task(arn))
    }

    fn reload<'a>(&'a self, arn: &'a str, tables: &'a [(String, String)]) -> Answered<'a, ()> {
        Box::pin(self.reload_tables(arn, tables))
    }

    fn create<'a>(&'a self, task: &'a NewTask) -> Answered<'a, String> {
        Box::pin(self.create_task(task))
    }

    fn delete<'a>(&'a self, arn: &'a str) -> Answered<'a, ()> {
        Box::pin(self.delete_task(arn))
    }

    fn delete_instance<'a>(&'a self, arn: &'a str) -> Answered<'a, ()> {
        Box::pin(self.remove_instance(arn))
    }
}
