//! What DMS says, in the words that decisions are made in. What an answer must hold and does not is `None`.

use aws_sdk_databasemigration::types::{
    Connection, PendingMaintenanceAction, Replication, ReplicationInstance, ReplicationTask,
    TableStatistics,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use cutover_core::Timestamp;
use cutover_core::replication::task::{ConnectionSeen, InstanceSeen, TableSeen, TaskSeen};

/// What every reason of a stop begins with.
const STOP_REASON: &str = "Stop Reason ";

/// The states of a replication without server, and what they are for a task. Their spelling in answers is not documented, so
/// case and separators are not looked at. Source: docs/FIGURES.md, "DMS tasks".
const STATES: [(&str, &str); 8] = [
    ("created", "ready"),
    ("initializing", "starting"),
    ("preparing metadata resources", "starting"),
    ("testing connection", "starting"),
    ("fetching metadata", "starting"),
    ("calculating capacity", "starting"),
    ("provisioning capacity", "starting"),
    ("replication starting", "starting"),
];

pub(super) fn task(task: &ReplicationTask, instance: InstanceSeen) -> Option<TaskSeen> {
    let stats = task.replication_task_stats();
    let of_stats = stats.and_then(|stats| stats.start_date());
    let started_at = of_stats.or(task.replication_task_start_date());
    Some(TaskSeen {
        arn: task.replication_task_arn()?.to_owned(),
        identifier: task.replication_task_identifier()?.to_owned(),
        status: task.status()?.to_owned(),
        stop_reason: task.stop_reason().map(reason),
        failure: said(task.last_failure_message()),
        migration_type: task.migration_type()?.as_str().to_owned(),
        started_at: started_at.and_then(moment),
        has_run: started_at.is_some(),
        loaded_at: stats
            .and_then(|stats| stats.full_load_finish_date())
            .and_then(moment),
        load_percent: stats.map_or(0, |stats| percent(stats.full_load_progress_percent())),
        tables_errored: stats.map_or(0, |stats| count(stats.tables_errored().into())),
        cdc_start: said(task.cdc_start_position()),
        source_endpoint_arn: task.source_endpoint_arn()?.to_owned(),
        target_endpoint_arn: task.target_endpoint_arn()?.to_owned(),
        instance: Some(instance),
    })
}

pub(super) fn replication(found: &Replication) -> Option<TaskSeen> {
    let stats = found.replication_stats();
    let started_at = stats.and_then(|stats| stats.start_date());
    let stopped_at = found.replication_last_stop_time();
    let failures = found.failure_messages().join("; ");
    Some(TaskSeen {
        arn: found.replication_config_arn()?.to_owned(),
        identifier: found.replication_config_identifier()?.to_owned(),
        status: state(found.status()?),
        stop_reason: found.stop_reason().map(reason),
        failure: said(Some(&failures)),
        migration_type: found.replication_type()?.as_str().to_owned(),
        started_at: started_at.and_then(moment),
        has_run: started_at.or(stopped_at).is_some(),
        loaded_at: stats
            .and_then(|stats| stats.full_load_finish_date())
            .and_then(moment),
        load_percent: stats.map_or(0, |stats| percent(stats.full_load_progress_percent())),
        tables_errored: stats.map_or(0, |stats| count(stats.tables_errored().into())),
        cdc_start: said(found.cdc_start_position()),
        source_endpoint_arn: found.source_endpoint_arn()?.to_owned(),
        target_endpoint_arn: found.target_endpoint_arn()?.to_owned(),
        instance: None,
    })
}

/// The state of a replication without server as that of a task.
fn state(said: &str) -> String {
    let plain = said.to_lowercase().replace(['_', '-'], " ");
    let known = STATES.iter().find(|(state, _)| *state == plain);
    known.map_or(plain.clone(), |(_, state)| (*state).to_owned())
}

pub(super) fn instance(
    arn: &str,
    found: &ReplicationInstance,
    maintenance: Vec<String>,
) -> InstanceSeen {
    let text = |said: Option<&str>| said.unwrap_or_default().to_owned();
    InstanceSeen {
        arn: arn.to_owned(),
        status: text(found.replication_instance_status()),
        class: text(found.replication_instance_class()),
        maintenance,
    }
}

/// Maintenance that comes by itself, with its moment. What has none waits for a person to ask for it.
pub(super) fn maintenance(action: &PendingMaintenanceAction) -> Option<String> {
    let at = action
        .current_apply_date()
        .or(action.forced_apply_date())
        .or(action.auto_applied_after_date())?;
    let at = at.fmt(Format::DateTime).ok()?;
    let name = action.action().unwrap_or("maintenance");
    let text = action.description().unwrap_or("not described");
    Some(format!("`{name}` at {at}: {text}"))
}

pub(super) fn table(table: &TableStatistics) -> Option<TableSeen> {
    let changes = [table.inserts(), table.updates(), table.deletes()];
    let text = |said: Option<&str>| said.unwrap_or_default().to_owned();
    Some(TableSeen {
        schema: text(table.schema_name()),
        name: table.table_name()?.to_owned(),
        state: table.table_state()?.to_owned(),
        rows: positive(table.full_load_rows()),
        error_rows: positive(table.full_load_error_rows()),
        changes: changes
            .into_iter()
            .fold(0, |sum, some| sum.saturating_add(positive(some))),
        validation: text(table.validation_state()),
        validation_failed: positive(table.validation_failed_records()),
    })
}

pub(super) fn connection(found: &Connection) -> Option<ConnectionSeen> {
    Some(ConnectionSeen {
        status: found.status()?.to_owned(),
        failure: said(found.last_failure_message()),
    })
}

fn reason(said: &str) -> String {
    said.strip_prefix(STOP_REASON).unwrap_or(said).to_owned()
}

/// A text that says something.
fn said(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn moment(at: &DateTime) -> Option<Timestamp> {
    at.to_millis().ok().map(Timestamp::from_unix_millis)
}

fn percent(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 100)).unwrap_or_default()
}

fn positive(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

fn count(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}
