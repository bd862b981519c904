//! Replication tasks.

use cutover_sim::cloud::{
    Cloud, ModifyReplicationTask, NewReplicationTask, ReplicationTask, StartTask,
};
use serde::{Deserialize, Serialize};

use super::{Describe, Tag, answer_one, answer_page, moment, tags};
use crate::answer::Answer;
use crate::moments;
use crate::refusal::Refusal;
use crate::services::Call;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeTasks {
    #[serde(flatten)]
    asked: Describe,
    #[serde(default)]
    without_settings: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    replication_task_identifier: String,
    source_endpoint_arn: String,
    target_endpoint_arn: String,
    replication_instance_arn: String,
    migration_type: String,
    table_mappings: String,
    replication_task_settings: Option<String>,
    cdc_start_position: Option<String>,
    cdc_stop_position: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    resource_identifier: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Modify {
    replication_task_arn: String,
    migration_type: Option<String>,
    table_mappings: Option<String>,
    replication_task_settings: Option<String>,
    cdc_start_position: Option<String>,
    cdc_stop_position: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begin {
    replication_task_arn: String,
    start_replication_task_type: String,
    cdc_start_position: Option<String>,
    cdc_stop_position: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    replication_task_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Task {
    replication_task_identifier: String,
    replication_task_arn: String,
    replication_instance_arn: String,
    source_endpoint_arn: String,
    target_endpoint_arn: String,
    migration_type: String,
    table_mappings: Option<String>,
    replication_task_settings: Option<String>,
    status: String,
    stop_reason: Option<String>,
    last_failure_message: Option<String>,
    replication_task_creation_date: f64,
    replication_task_start_date: Option<f64>,
    cdc_start_position: Option<String>,
    cdc_stop_position: Option<String>,
    recovery_checkpoint: Option<String>,
    replication_task_stats: Stats,
}

/// How far a task is, or a replication without server.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Stats {
    full_load_progress_percent: u8,
    tables_loaded: usize,
    tables_loading: usize,
    tables_queued: usize,
    tables_errored: usize,
    fresh_start_date: Option<f64>,
    start_date: Option<f64>,
    stop_date: Option<f64>,
    full_load_start_date: Option<f64>,
    full_load_finish_date: Option<f64>,
}

impl Stats {
    pub(super) fn of(task: &ReplicationTask) -> Self {
        let stats = &task.stats;
        Self {
            full_load_progress_percent: stats.load_percent,
            tables_loaded: task.tables_in(&["Table completed"]),
            tables_loading: task.tables_in(&["Full load", "Table is being reloaded"]),
            tables_queued: task.tables_in(&["Before load"]),
            tables_errored: task.tables_in(&["Table error"]),
            fresh_start_date: moment(stats.fresh_start_at),
            start_date: moment(stats.started_at),
            stop_date: moment(stats.stopped_at),
            full_load_start_date: moment(stats.load_started_at),
            full_load_finish_date: moment(stats.load_finished_at),
        }
    }
}

impl Task {
    fn of(task: ReplicationTask, settings: bool) -> Self {
        Self {
            replication_task_stats: Stats::of(&task),
            replication_task_identifier: task.identifier,
            replication_task_arn: task.arn,
            replication_instance_arn: task.instance_arn,
            source_endpoint_arn: task.source_endpoint_arn,
            target_endpoint_arn: task.target_endpoint_arn,
            migration_type: task.migration_type,
            table_mappings: settings.then_some(task.table_mappings),
            replication_task_settings: settings.then_some(task.settings),
            status: task.status,
            stop_reason: task.stop_reason,
            last_failure_message: task.failure,
            replication_task_creation_date: moments::seconds(task.created_at),
            replication_task_start_date: moment(task.stats.started_at),
            cdc_start_position: task.cdc_start,
            cdc_stop_position: task.cdc_stop,
            recovery_checkpoint: task.recovery_checkpoint,
        }
    }
}

fn answer_task(task: ReplicationTask) -> Answer {
    answer_one("ReplicationTask", &Task::of(task, true))
}

pub(super) fn describe(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: DescribeTasks = call.json()?;
    let settings = !input.without_settings;
    let page = cloud.describe_replication_tasks(call.now, &input.asked.into())?;
    let tasks = page.items.into_iter();
    let tasks = tasks.map(|task| Task::of(task, settings)).collect();
    Ok(answer_page("ReplicationTasks", tasks, page.marker))
}

pub(super) fn create(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Create = call.json()?;
    let task = NewReplicationTask {
        identifier: input.replication_task_identifier,
        resource: input.resource_identifier,
        source_endpoint_arn: input.source_endpoint_arn,
        target_endpoint_arn: input.target_endpoint_arn,
        instance_arn: input.replication_instance_arn,
        migration_type: input.migration_type,
        table_mappings: input.table_mappings,
        settings: input.replication_task_settings,
        cdc_start: input.cdc_start_position,
        cdc_stop: input.cdc_stop_position,
        tags: tags(input.tags),
    };
    let made = cloud.create_replication_task(call.now, &task)?;
    Ok(answer_task(made))
}

pub(super) fn modify(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Modify = call.json()?;
    let change = ModifyReplicationTask {
        arn: input.replication_task_arn,
        migration_type: input.migration_type,
        table_mappings: input.table_mappings,
        settings: input.replication_task_settings,
        cdc_start: input.cdc_start_position,
        cdc_stop: input.cdc_stop_position,
    };
    let changed = cloud.modify_replication_task(call.now, &change)?;
    Ok(answer_task(changed))
}

pub(super) fn start(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Begin = call.json()?;
    let start = StartTask {
        arn: input.replication_task_arn,
        start_type: input.start_replication_task_type,
        cdc_start: input.cdc_start_position,
        cdc_stop: input.cdc_stop_position,
    };
    let started = cloud.start_replication_task(call.now, &start)?;
    Ok(answer_task(started))
}

pub(super) fn stop(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Named = call.json()?;
    let stopped = cloud.stop_replication_task(call.now, &input.replication_task_arn)?;
    Ok(answer_task(stopped))
}

pub(super) fn delete(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Named = call.json()?;
    let deleted = cloud.delete_replication_task(call.now, &input.replication_task_arn)?;
    Ok(answer_task(deleted))
}
