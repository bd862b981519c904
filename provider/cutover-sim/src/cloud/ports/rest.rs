//! The ports of parameters, topics, replication tasks and credentials.

use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::sources::Task;
use cutover_driver::{Credentials, Message, Parameters, ReplicationTasks, Topics};

use super::super::{
    DmsQuery, GetMetricData, MetricDataQuery, MetricKey, MetricStat, PublishInput, PutParameter,
    ReplicationTask, TableStatistics,
};
use super::{Answered, SimTraffic, count, failed, optional};

/// How the names of topics that keep order end.
const FIFO: &str = ".fifo";

impl Parameters for SimTraffic {
    fn fetch<'a>(&'a self, name: &'a str) -> Answered<'a, Option<String>> {
        Box::pin(async move {
            let answer = self
                .call("GetParameter", |cloud, now| {
                    cloud.get_parameter(now, name, true)
                })
                .await;
            let parameter = optional(answer, &["ParameterNotFound"], "ssm:GetParameter")?;
            Ok(parameter.map(|parameter| parameter.value))
        })
    }

    fn put<'a>(&'a self, name: &'a str, value: &'a str) -> Answered<'a, ()> {
        Box::pin(async move {
            let exists = Parameters::fetch(self, name).await?.is_some();
            let input = PutParameter {
                name: name.to_owned(),
                kind: (!exists).then(|| "String".to_owned()),
                value: value.to_owned(),
                overwrite: true,
            };
            let answer = self
                .call("PutParameter", |cloud, now| {
                    cloud.put_parameter(now, &input)
                })
                .await;
            answer.map(|_| ()).map_err(failed("ssm:PutParameter"))
        })
    }
}

impl Topics for SimTraffic {
    fn publish<'a>(&'a self, topic_arn: &'a str, message: &'a Message) -> Answered<'a, ()> {
        Box::pin(async move {
            let fifo = topic_arn.ends_with(FIFO);
            let input = PublishInput {
                topic_arn: topic_arn.to_owned(),
                subject: Some(message.subject.clone()),
                message: message.body.clone(),
                group_id: fifo.then(|| "cutover".to_owned()),
                deduplication_id: fifo.then(|| message.key.clone()),
            };
            let answer = self
                .call("Publish", |cloud, now| cloud.publish(now, &input))
                .await;
            answer.map(|_| ()).map_err(failed("sns:Publish"))
        })
    }

    fn fetch<'a>(&'a self, topic_arn: &'a str) -> Answered<'a, bool> {
        Box::pin(async move {
            let answer = self
                .call("GetTopicAttributes", |cloud, now| {
                    cloud.get_topic_attributes(now, topic_arn)
                })
                .await;
            let topic = optional(answer, &["NotFound"], "sns:GetTopicAttributes")?;
            Ok(topic.is_some())
        })
    }
}

/// How far back the lag of a task is looked for: ours, a few periods of a minute.
const LAG_LOOKED_BACK: Duration = Duration::from_mins(5);

impl ReplicationTasks for SimTraffic {
    fn fetch<'a>(&'a self, arn: &'a str) -> Answered<'a, Option<Task>> {
        Box::pin(async move {
            let query = DmsQuery::only("replication-task-arn", arn);
            let answer = self
                .call("DescribeReplicationTasks", |cloud, now| {
                    cloud.describe_replication_tasks(now, &query)
                })
                .await;
            let found = optional(
                answer,
                &["ResourceNotFoundFault"],
                "dms:DescribeReplicationTasks",
            )?;
            let Some(task) = found.and_then(|tasks| tasks.items.into_iter().next()) else {
                return Ok(None);
            };
            let query = DmsQuery::default();
            let answer = self
                .call("DescribeTableStatistics", |cloud, now| {
                    cloud.describe_table_statistics(now, arn, &query)
                })
                .await;
            // A task that has never run has no tables yet.
            let absent: &[&str] = match task.status.as_str() {
                "running" => &[],
                _ => &["InvalidResourceStateFault"],
            };
            let tables = optional(answer, absent, "dms:DescribeTableStatistics")?;
            let tables = tables.unwrap_or_default().items;
            Ok(Some(Task {
                lag: self.lag(&task).await?,
                status: task.status,
                tables_in_error: count(tables.iter().filter(|table| is_in_error(table)).count()),
            }))
        })
    }
}

impl SimTraffic {
    /// Reads how far a task is behind: the newest datapoints of source and target, together.
    async fn lag(&self, task: &ReplicationTask) -> Result<Option<Duration>, cutover_core::Failure> {
        let query = |id: &str, name: &str| {
            let key = MetricKey {
                namespace: "AWS/DMS".to_owned(),
                name: name.to_owned(),
                dimensions: [
                    (
                        "ReplicationInstanceIdentifier".to_owned(),
                        task.instance_identifier.clone(),
                    ),
                    (
                        "ReplicationTaskIdentifier".to_owned(),
                        task.identifier.clone(),
                    ),
                ]
                .into(),
            };
            let stat = MetricStat {
                key,
                period_seconds: 60,
                stat: "Maximum".to_owned(),
            };
            MetricDataQuery::of(id, stat)
        };
        let queries = vec![
            query("source", "CDCLatencySource"),
            query("target", "CDCLatencyTarget"),
        ];
        let data = self
            .call("GetMetricData", |cloud, now| {
                let input = GetMetricData {
                    queries,
                    from: now.before(LAG_LOOKED_BACK),
                    until: now,
                    ..GetMetricData::default()
                };
                cloud.get_metric_data(now, &input)
            })
            .await
            .map_err(failed("cloudwatch:GetMetricData"))?;
        let newest = data
            .results
            .iter()
            .map(|result| result.values.first().copied());
        let both: Option<Vec<f64>> = newest.collect();
        Ok(both.map(|both| Duration::from_secs_f64(both.iter().sum::<f64>().max(0.0))))
    }
}

fn is_in_error(table: &TableStatistics) -> bool {
    table.state == "Table error"
        || table.failed_records > 0
        || table.suspended_records > 0
        || matches!(
            table.validation_state.as_str(),
            "Mismatched records" | "Suspended records" | "Table error" | "Error"
        )
}

impl Credentials for SimTraffic {
    fn fetch_end(&self) -> Answered<'_, Option<Timestamp>> {
        let end = self.cloud().credentials_end;
        Box::pin(std::future::ready(Ok(end)))
    }
}
