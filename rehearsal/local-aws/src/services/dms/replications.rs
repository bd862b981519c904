//! Replications without server.

use cutover_sim::cloud::{Cloud, NewReplicationTask, ReplicationTask, StartTask};
use serde::{Deserialize, Serialize};

use super::tables::{self, Statistics, check_option, named, statistics};
use super::tasks::Stats;
use super::{Describe, Tag, answer_one, answer_page, moment, tags};
use crate::answer::Answer;
use crate::moments;
use crate::refusal::Refusal;
use crate::services::{Call, answer_json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    replication_config_identifier: String,
    source_endpoint_arn: String,
    target_endpoint_arn: String,
    replication_type: String,
    table_mappings: String,
    replication_settings: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    resource_identifier: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begin {
    replication_config_arn: String,
    start_replication_type: String,
    cdc_start_position: Option<String>,
    cdc_stop_position: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    replication_config_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeTables {
    replication_config_arn: String,
    #[serde(flatten)]
    asked: Describe,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Again {
    replication_config_arn: String,
    tables_to_reload: Vec<tables::Named>,
    reload_option: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    replication_config_identifier: String,
    replication_config_arn: String,
    source_endpoint_arn: String,
    target_endpoint_arn: String,
    replication_type: String,
    replication_settings: String,
    table_mappings: String,
    replication_config_create_time: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    replication_config_identifier: String,
    replication_config_arn: String,
    source_endpoint_arn: String,
    target_endpoint_arn: String,
    replication_type: String,
    status: String,
    provision_data: Provision,
    stop_reason: Option<String>,
    failure_messages: Vec<String>,
    replication_stats: Stats,
    start_replication_type: Option<String>,
    cdc_start_position: Option<String>,
    cdc_stop_position: Option<String>,
    recovery_checkpoint: Option<String>,
    replication_create_time: f64,
    replication_last_stop_time: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Provision {
    provision_state: &'static str,
    provisioned_capacity_units: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tables {
    replication_config_arn: String,
    replication_table_statistics: Vec<Statistics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

impl From<ReplicationTask> for Config {
    fn from(task: ReplicationTask) -> Self {
        Self {
            replication_config_identifier: task.identifier,
            replication_config_arn: task.arn,
            source_endpoint_arn: task.source_endpoint_arn,
            target_endpoint_arn: task.target_endpoint_arn,
            replication_type: task.migration_type,
            replication_settings: task.settings,
            table_mappings: task.table_mappings,
            replication_config_create_time: moments::seconds(task.created_at),
        }
    }
}

impl From<ReplicationTask> for Shown {
    fn from(task: ReplicationTask) -> Self {
        let is_provisioned = matches!(task.status.as_str(), "running" | "stopping");
        Self {
            provision_data: Provision {
                provision_state: if is_provisioned {
                    "provisioned"
                } else {
                    "pending"
                },
                provisioned_capacity_units: u32::from(is_provisioned),
            },
            replication_stats: Stats::of(&task),
            replication_config_identifier: task.identifier,
            replication_config_arn: task.arn,
            source_endpoint_arn: task.source_endpoint_arn,
            target_endpoint_arn: task.target_endpoint_arn,
            replication_type: task.migration_type,
            status: task.status,
            stop_reason: task.stop_reason,
            failure_messages: task.failure.into_iter().collect(),
            start_replication_type: task.start_type,
            cdc_start_position: task.cdc_start,
            cdc_stop_position: task.cdc_stop,
            recovery_checkpoint: task.recovery_checkpoint,
            replication_create_time: moments::seconds(task.created_at),
            replication_last_stop_time: moment(task.stats.stopped_at),
        }
    }
}

fn answer_replication(task: ReplicationTask) -> Answer {
    answer_one("Replication", &Shown::from(task))
}

fn answer_config(task: ReplicationTask) -> Answer {
    answer_one("ReplicationConfig", &Config::from(task))
}

pub(super) fn create(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Create = call.json()?;
    let task = NewReplicationTask {
        identifier: input.replication_config_identifier,
        resource: input.resource_identifier,
        source_endpoint_arn: input.source_endpoint_arn,
        target_endpoint_arn: input.target_endpoint_arn,
        migration_type: input.replication_type,
        table_mappings: input.table_mappings,
        settings: input.replication_settings,
        tags: tags(input.tags),
        ..NewReplicationTask::default()
    };
    let made = cloud.create_replication_config(call.now, &task)?;
    Ok(answer_config(made))
}

pub(super) fn describe(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Describe = call.json()?;
    let page = cloud.describe_replications(call.now, &input.into())?;
    let replications = page.items.into_iter().map(Shown::from).collect();
    Ok(answer_page("Replications", replications, page.marker))
}

pub(super) fn start(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Begin = call.json()?;
    let start = StartTask {
        arn: input.replication_config_arn,
        start_type: input.start_replication_type,
        cdc_start: input.cdc_start_position,
        cdc_stop: input.cdc_stop_position,
    };
    let started = cloud.start_replication(call.now, &start)?;
    Ok(answer_replication(started))
}

pub(super) fn stop(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Named = call.json()?;
    let stopped = cloud.stop_replication(call.now, &input.replication_config_arn)?;
    Ok(answer_replication(stopped))
}

pub(super) fn delete(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Named = call.json()?;
    let deleted = cloud.delete_replication_config(call.now, &input.replication_config_arn)?;
    Ok(answer_config(deleted))
}

pub(super) fn describe_tables(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: DescribeTables = call.json()?;
    let (arn, query) = (input.replication_config_arn, input.asked.into());
    let page = cloud.describe_replication_table_statistics(call.now, &arn, &query)?;
    let (replication_table_statistics, marker) = statistics(page);
    Ok(answer_json(&Tables {
        replication_config_arn: arn,
        replication_table_statistics,
        marker,
    }))
}

pub(super) fn reload(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Again = call.json()?;
    check_option(input.reload_option.as_deref())?;
    let (arn, tables) = (input.replication_config_arn, named(input.tables_to_reload));
    cloud.reload_replication_tables(call.now, &arn, &tables)?;
    Ok(answer_one("ReplicationConfigArn", &arn))
}
