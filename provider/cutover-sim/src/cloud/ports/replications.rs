//! The port of replication by DMS.

mod seen;

use std::sync::MutexGuard;
use std::time::Duration;

use cutover_core::replication::facts::AssessmentSeen;
use cutover_core::replication::spec::Assessment;
use cutover_core::replication::task::{
    ConnectionSeen, NewTask, StartKind, TableSeen, TaskMetrics, TaskSeen,
};
use cutover_core::{Failure, Timestamp};
use cutover_driver::{Answered, Clock, Replications};

use super::super::{
    AwsError, Cloud, DmsPage, DmsQuery, GetMetricData, MetricDataQuery, MetricKey, MetricStat,
    ModifyEndpoint, NewReplicationTask, ReplicationTask, StartAssessment, StartTask,
};
use super::{SimTraffic, failed, optional};

/// Replication by DMS, over a cloud. Clones show the same cloud.
#[derive(Clone, Debug)]
pub struct SimReplications(SimTraffic);

/// What DMS says of a thing that is not there.
const NOT_FOUND: &[&str] = &["ResourceNotFoundFault"];

/// What DMS says when a task is not in the state for something.
const NOT_NOW: &[&str] = &["InvalidResourceStateFault"];

/// How many tables are asked for at once: AWS's limit.
const TABLES_PER_PAGE: u32 = 500;

/// How many tables one call loads again: AWS's limit.
const RELOADS_MAX: usize = 10;

/// How far back figures are looked for: ours, a few periods of a minute.
const LOOKED_BACK: Duration = Duration::from_mins(5);

impl SimReplications {
    /// Puts a cloud behind the port.
    pub fn new(cloud: Cloud, clock: impl Clock + 'static) -> Self {
        Self(SimTraffic::new(cloud, clock))
    }

    /// Puts the cloud that is behind other ports behind this one as well.
    pub fn over(traffic: &SimTraffic) -> Self {
        Self(traffic.clone())
    }

    /// Gives access to the cloud. Whoever holds it must not wait.
    pub fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.0.cloud()
    }

    /// Reads the first task that a filter lets through, or a replication without server.
    async fn first(&self, arn: &str, query: &DmsQuery) -> Result<Option<TaskSeen>, Failure> {
        let found = if is_serverless(arn) {
            let answer = self
                .0
                .call("DescribeReplications", |cloud, now| {
                    cloud.describe_replications(now, query)
                })
                .await;
            optional(answer, NOT_FOUND, "dms:DescribeReplications")?
        } else {
            let answer = self
                .0
                .call("DescribeReplicationTasks", |cloud, now| {
                    cloud.describe_replication_tasks(now, query)
                })
                .await;
            optional(answer, NOT_FOUND, "dms:DescribeReplicationTasks")?
        };
        let Some(task) = found.and_then(first_of) else {
            return Ok(None);
        };
        let mut seen = seen::task(&task);
        if !task.serverless {
            seen.instance = self.instance(&task.instance_arn).await?;
        }
        Ok(Some(seen))
    }

    async fn instance(
        &self,
        arn: &str,
    ) -> Result<Option<cutover_core::replication::task::InstanceSeen>, Failure> {
        let query = DmsQuery::only("replication-instance-arn", arn);
        let answer = self
            .0
            .call("DescribeReplicationInstances", |cloud, now| {
                cloud.describe_replication_instances(now, &query)
            })
            .await;
        let found = optional(answer, NOT_FOUND, "dms:DescribeReplicationInstances")?;
        Ok(found.and_then(first_of).map(seen::instance))
    }

    /// Reads the identifier of the instance that metrics go by, as the adapter for AWS does.
    async fn dimensions(&self, task: &TaskSeen) -> Result<Option<[(String, String); 2]>, Failure> {
        let Some(instance) = &task.instance else {
            return Ok(None);
        };
        let query = DmsQuery::only("replication-instance-arn", &instance.arn);
        let answer = self
            .0
            .call("DescribeReplicationInstances", |cloud, now| {
                cloud.describe_replication_instances(now, &query)
            })
            .await;
        let found = optional(answer, NOT_FOUND, "dms:DescribeReplicationInstances")?;
        Ok(found.and_then(first_of).map(|found| {
            [
                ("ReplicationInstanceIdentifier".to_owned(), found.identifier),
                (
                    "ReplicationTaskIdentifier".to_owned(),
                    task.identifier.clone(),
                ),
            ]
        }))
    }

    async fn metrics(&self, task: &TaskSeen) -> Result<TaskMetrics, Failure> {
        let Some(dimensions) = self.dimensions(task).await? else {
            return Ok(TaskMetrics::default());
        };
        let query = |(id, name): (&str, &str)| {
            let stat = MetricStat {
                key: MetricKey {
                    namespace: "AWS/DMS".to_owned(),
                    name: name.to_owned(),
                    dimensions: dimensions.clone().into(),
                },
                period_seconds: 60,
                stat: "Maximum".to_owned(),
            };
            MetricDataQuery::of(id, stat)
        };
        let queries = [
            ("source", "CDCLatencySource"),
            ("target", "CDCLatencyTarget"),
            ("cpu", "CPUUtilization"),
        ];
        let data = self
            .0
            .call("GetMetricData", |cloud, now| {
                let input = GetMetricData {
                    queries: queries.into_iter().map(query).collect(),
                    from: now.before(LOOKED_BACK),
                    until: now,
                    ..GetMetricData::default()
                };
                cloud.get_metric_data(now, &input)
            })
            .await
            .map_err(failed("cloudwatch:GetMetricData"))?;
        let newest = |id: &str| {
            let mut results = data.results.iter();
            let result = results.find(|result| result.id == id)?;
            result.values.first().copied()
        };
        let latency = |id| newest(id).and_then(|value| Duration::try_from_secs_f64(value).ok());
        Ok(TaskMetrics {
            latency_source: latency("source"),
            latency_target: latency("target"),
            cpu: newest("cpu"),
        })
    }

    async fn tables(&self, arn: &str) -> Result<Vec<TableSeen>, Failure> {
        let mut tables = Vec::new();
        let mut query = DmsQuery {
            max_records: Some(TABLES_PER_PAGE),
            ..DmsQuery::default()
        };
        loop {
            let page = if is_serverless(arn) {
                let answer = self
                    .0
                    .call("DescribeReplicationTableStatistics", |cloud, now| {
                        cloud.describe_replication_table_statistics(now, arn, &query)
                    })
                    .await;
                optional(answer, NOT_NOW, "dms:DescribeReplicationTableStatistics")?
            } else {
                let answer = self
                    .0
                    .call("DescribeTableStatistics", |cloud, now| {
                        cloud.describe_table_statistics(now, arn, &query)
                    })
                    .await;
                optional(answer, NOT_NOW, "dms:DescribeTableStatistics")?
            };
            let page = page.unwrap_or_default();
            tables.extend(page.items.into_iter().map(seen::table));
            query.marker = page.marker;
            if query.marker.is_none() {
                return Ok(tables);
            }
        }
    }

    /// Has the endpoint that a task is to read read a slot, and its connection tested again.
    async fn set_slot(&self, task: &NewTask, slot: &str) -> Result<(), Failure> {
        let endpoint_arn = &task.source_endpoint_arn;
        let settings = [("SlotName".to_owned(), slot.into())];
        let input = ModifyEndpoint {
            arn: endpoint_arn.clone(),
            settings: settings.into_iter().collect(),
            ..ModifyEndpoint::default()
        };
        let modify = |cloud: &mut Cloud, now| cloud.modify_endpoint(now, &input);
        let answer = self.0.call("ModifyEndpoint", modify).await;
        answer.map(drop).map_err(failed("dms:ModifyEndpoint"))?;
        self.test_connection(&task.instance_arn, endpoint_arn).await
    }

    /// Makes a call of an operation that a task and a replication without server have each of their own.
    async fn on_task(
        &self,
        operation: (&'static str, &'static str),
        serve: impl FnOnce(&mut Cloud, Timestamp) -> Result<ReplicationTask, AwsError>,
        absent: &[&str],
    ) -> Result<(), Failure> {
        let (name, action) = operation;
        let answer = self.0.call(name, serve).await;
        optional(answer, absent, action).map(drop)
    }
}

impl Replications for SimReplications {
    fn fetch<'a>(&'a self, arn: &'a str) -> Answered<'a, Option<TaskSeen>> {
        Box::pin(async move {
            let filter = if is_serverless(arn) {
                "replication-config-arn"
            } else {
                "replication-task-arn"
            };
            self.first(arn, &DmsQuery::only(filter, arn)).await
        })
    }

    fn find<'a>(&'a self, identifier: &'a str) -> Answered<'a, Option<TaskSeen>> {
        Box::pin(async move {
            let query = DmsQuery::only("replication-task-id", identifier);
            self.first("", &query).await
        })
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
        Box::pin(async move {
            let test =
                |cloud: &mut Cloud, now| cloud.test_connection(now, instance_arn, endpoint_arn);
            let answer = self.0.call("TestConnection", test).await;
            answer.map(drop).map_err(failed("dms:TestConnection"))
        })
    }

    fn fetch_connection<'a>(
        &'a self,
        instance_arn: &'a str,
        endpoint_arn: &'a str,
    ) -> Answered<'a, Option<ConnectionSeen>> {
        Box::pin(async move {
            let mut query = DmsQuery::only("replication-instance-arn", instance_arn);
            let endpoint = DmsQuery::only("endpoint-arn", endpoint_arn);
            query.filters.extend(endpoint.filters);
            let describe = |cloud: &mut Cloud, now| cloud.describe_connections(now, &query);
            let answer = self.0.call("DescribeConnections", describe).await;
            let found = optional(answer, NOT_FOUND, "dms:DescribeConnections")?;
            Ok(found.and_then(first_of).map(|found| ConnectionSeen {
                status: found.status,
                failure: found.failure,
            }))
        })
    }

    fn assess<'a>(
        &'a self,
        arn: &'a str,
        name: &'a str,
        assessment: &'a Assessment,
    ) -> Answered<'a, ()> {
        Box::pin(async move {
            let input = StartAssessment {
                task_arn: arn.to_owned(),
                name: name.to_owned(),
                role_arn: assessment.role_arn.clone(),
                bucket: assessment.bucket.clone(),
                ..StartAssessment::default()
            };
            let start =
                |cloud: &mut Cloud, now| cloud.start_replication_task_assessment_run(now, &input);
            let operation = "StartReplicationTaskAssessmentRun";
            let answer = self.0.call(operation, start).await;
            let action = "dms:StartReplicationTaskAssessmentRun";
            answer.map(drop).map_err(failed(action))
        })
    }

    fn fetch_assessment<'a>(
        &'a self,
        arn: &'a str,
        name: &'a str,
    ) -> Answered<'a, Option<AssessmentSeen>> {
        Box::pin(async move {
            let query = DmsQuery::only("replication-task-arn", arn);
            let describe = |cloud: &mut Cloud, now| {
                cloud.describe_replication_task_assessment_runs(now, &query)
            };
            let operation = "DescribeReplicationTaskAssessmentRuns";
            let answer = self.0.call(operation, describe).await;
            let action = "dms:DescribeReplicationTaskAssessmentRuns";
            let found = optional(answer, NOT_FOUND, action)?;
            let mut runs = found.unwrap_or_default().items.into_iter();
            Ok(runs.find(|run| run.name == name).map(seen::assessment))
        })
    }

    fn start<'a>(&'a self, arn: &'a str, kind: StartKind) -> Answered<'a, ()> {
        Box::pin(async move {
            let start_type = match kind {
                StartKind::Start => "start-replication",
                StartKind::Resume => "resume-processing",
                StartKind::Reload => "reload-target",
            };
            let input = StartTask {
                arn: arn.to_owned(),
                start_type: start_type.to_owned(),
                ..StartTask::default()
            };
            if is_serverless(arn) {
                let operation = ("StartReplication", "dms:StartReplication");
                let start = |cloud: &mut Cloud, now| cloud.start_replication(now, &input);
                return self.on_task(operation, start, &[]).await;
            }
            let operation = ("StartReplicationTask", "dms:StartReplicationTask");
            let start = |cloud: &mut Cloud, now| cloud.start_replication_task(now, &input);
            self.on_task(operation, start, &[]).await
        })
    }

    fn stop<'a>(&'a self, arn: &'a str) -> Answered<'a, ()> {
        Box::pin(async move {
            if is_serverless(arn) {
                let operation = ("StopReplication", "dms:StopReplication");
                let stop = |cloud: &mut Cloud, now| cloud.stop_replication(now, arn);
                return self.on_task(operation, stop, NOT_NOW).await;
            }
            let operation = ("StopReplicationTask", "dms:StopReplicationTask");
            let stop = |cloud: &mut Cloud, now| cloud.stop_replication_task(now, arn);
            self.on_task(operation, stop, NOT_NOW).await
        })
    }

    fn reload<'a>(&'a self, arn: &'a str, tables: &'a [(String, String)]) -> Answered<'a, ()> {
        Box::pin(async move {
            for some in tables.chunks(RELOADS_MAX) {
                let reload = |cloud: &mut Cloud, now| {
                    if is_serverless(arn) {
                        cloud.reload_replication_tables(now, arn, some)
                    } else {
                        cloud.reload_tables(now, arn, some)
                    }
                };
                let (operation, action) = if is_serverless(arn) {
                    ("ReloadReplicationTables", "dms:ReloadReplicationTables")
                } else {
                    ("ReloadTables", "dms:ReloadTables")
                };
                let answer = self.0.call(operation, reload).await;
                answer.map_err(failed(action))?;
            }
            Ok(())
        })
    }

    fn create<'a>(&'a self, task: &'a NewTask) -> Answered<'a, String> {
        Box::pin(async move {
            if let Some(slot) = &task.slot {
                self.set_slot(task, slot).await?;
            }
            let input = NewReplicationTask {
                identifier: task.identifier.clone(),
                source_endpoint_arn: task.source_endpoint_arn.clone(),
                target_endpoint_arn: task.target_endpoint_arn.clone(),
                instance_arn: task.instance_arn.clone(),
                migration_type: "cdc".to_owned(),
                table_mappings: task.table_mappings.clone(),
                settings: Some(task.settings.clone()),
                cdc_start: Some(task.cdc_start.clone()),
                tags: task.tags.iter().cloned().collect(),
                ..NewReplicationTask::default()
            };
            let create = |cloud: &mut Cloud, now| cloud.create_replication_task(now, &input);
            let answer = self.0.call("CreateReplicationTask", create).await;
            let made = answer.map_err(failed("dms:CreateReplicationTask"))?;
            Ok(made.arn)
        })
    }

    fn delete<'a>(&'a self, arn: &'a str) -> Answered<'a, ()> {
        Box::pin(async move {
            if is_serverless(arn) {
                let operation = ("DeleteReplicationConfig", "dms:DeleteReplicationConfig");
                let delete = |cloud: &mut Cloud, now| cloud.delete_replication_config(now, arn);
                return self.on_task(operation, delete, NOT_FOUND).await;
            }
            let operation = ("DeleteReplicationTask", "dms:DeleteReplicationTask");
            let delete = |cloud: &mut Cloud, now| cloud.delete_replication_task(now, arn);
            self.on_task(operation, delete, NOT_FOUND).await
        })
    }

    fn delete_instance<'a>(&'a self, arn: &'a str) -> Answered<'a, ()> {
        Box::pin(async move {
            let delete = |cloud: &mut Cloud, now| cloud.delete_replication_instance(now, arn);
            let answer = self.0.call("DeleteReplicationInstance", delete).await;
            optional(answer, NOT_FOUND, "dms:DeleteReplicationInstance").map(drop)
        })
    }
}

/// Tells by an ARN whether it is that of a replication without server.
fn is_serverless(arn: &str) -> bool {
    arn.contains(":replication-config:")
}

fn first_of<T>(page: DmsPage<T>) -> Option<T> {
    page.items.into_iter().next()
}
