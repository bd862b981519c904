//! DMS: replication tasks, their instances and tables.

use cutover_sim::cloud::{Cloud, ReplicationTask, TableStatistics};
use serde::{Deserialize, Serialize};

use super::{Call, Operation, Service, answer_json};
use crate::answer::Answer;
use crate::protocol::Protocol;
use crate::refusal::Refusal;

pub(super) const SERVICE: Service = Service {
    scope: "dms",
    protocol: Protocol::Json,
    namespace: "AmazonDMSv20160101.",
    version: "2016-01-01",
    operations: &[
        Operation {
            name: "DescribeReplicationTasks",
            serve: describe_replication_tasks,
        },
        Operation {
            name: "DescribeReplicationInstances",
            serve: describe_replication_instances,
        },
        Operation {
            name: "DescribeTableStatistics",
            serve: describe_table_statistics,
        },
    ],
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Describe {
    #[serde(default)]
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    name: String,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeTables {
    replication_task_arn: String,
    #[serde(default)]
    filters: Vec<Filter>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tasks {
    replication_tasks: Vec<Task>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Task {
    replication_task_identifier: String,
    replication_task_arn: String,
    replication_instance_arn: String,
    status: String,
    replication_task_stats: TaskStats,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TaskStats {
    tables_loaded: usize,
    tables_errored: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Instances {
    replication_instances: Vec<Instance>,
}

#[derive(Serialize)]
struct Instance {
    #[serde(rename = "ReplicationInstanceIdentifier")]
    identifier: String,
    #[serde(rename = "ReplicationInstanceArn")]
    arn: String,
    #[serde(rename = "ReplicationInstanceStatus")]
    status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tables {
    replication_task_arn: String,
    table_statistics: Vec<Statistics>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statistics {
    schema_name: String,
    table_name: String,
    table_state: String,
    validation_state: String,
    validation_pending_records: u64,
    validation_failed_records: u64,
    validation_suspended_records: u64,
}

fn describe_replication_tasks(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Describe = call.json()?;
    let arns = only_filter(input.filters, "replication-task-arn")?;
    let tasks = cloud.describe_replication_tasks(call.now, &arns)?;
    Ok(answer_json(&Tasks {
        replication_tasks: tasks.into_iter().map(render_task).collect(),
    }))
}

fn describe_replication_instances(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Describe = call.json()?;
    let arns = only_filter(input.filters, "replication-instance-arn")?;
    let instances = cloud.describe_replication_instances(call.now, &arns)?;
    let instances = instances.into_iter().map(|(arn, identifier)| Instance {
        identifier,
        arn,
        status: "available",
    });
    Ok(answer_json(&Instances {
        replication_instances: instances.collect(),
    }))
}

fn describe_table_statistics(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: DescribeTables = call.json()?;
    if let Some(filter) = input.filters.first() {
        return Err(unknown_filter(filter));
    }
    let tables = cloud.describe_table_statistics(call.now, &input.replication_task_arn)?;
    Ok(answer_json(&Tables {
        replication_task_arn: input.replication_task_arn,
        table_statistics: tables.into_iter().map(render_table).collect(),
    }))
}

/// Returns the values of the one filter that is known here.
fn only_filter(filters: Vec<Filter>, name: &str) -> Result<Vec<String>, Refusal> {
    let mut values = Vec::new();
    for filter in filters {
        if filter.name != name {
            return Err(unknown_filter(&filter));
        }
        values.extend(filter.values);
    }
    Ok(values)
}

fn unknown_filter(filter: &Filter) -> Refusal {
    let message = format!("Filter {} is not supported", filter.name);
    Refusal::sender("InvalidParameterValueException", message)
}

fn render_task(task: ReplicationTask) -> Task {
    let tables_errored = task
        .tables
        .iter()
        .filter(|table| table.state == "Table error")
        .count();
    Task {
        replication_task_identifier: task.identifier,
        replication_task_arn: task.arn,
        replication_instance_arn: task.instance_arn,
        status: task.status,
        replication_task_stats: TaskStats {
            tables_loaded: task.tables.len() - tables_errored,
            tables_errored,
        },
    }
}

fn render_table(table: TableStatistics) -> Statistics {
    Statistics {
        schema_name: table.schema,
        table_name: table.table,
        table_state: table.state,
        validation_state: table.validation_state,
        validation_pending_records: 0,
        validation_failed_records: table.failed_records,
        validation_suspended_records: table.suspended_records,
    }
}
