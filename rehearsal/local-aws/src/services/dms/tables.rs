//! Tables of tasks.

use cutover_sim::cloud::{Cloud, DmsPage, TableStatistics};
use serde::{Deserialize, Serialize};

use super::{Describe, answer_one};
use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::services::{Call, answer_json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeTables {
    replication_task_arn: String,
    #[serde(flatten)]
    asked: Describe,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Again {
    replication_task_arn: String,
    tables_to_reload: Vec<Named>,
    reload_option: Option<String>,
}

/// A table that is loaded again.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    schema_name: String,
    table_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tables {
    replication_task_arn: String,
    table_statistics: Vec<Statistics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

/// What is known of a table.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statistics {
    schema_name: String,
    table_name: String,
    table_state: String,
    full_load_rows: u64,
    full_load_error_rows: u64,
    full_load_reloaded: bool,
    inserts: u64,
    updates: u64,
    deletes: u64,
    applied_inserts: u64,
    applied_updates: u64,
    applied_deletes: u64,
    validation_state: String,
    validation_pending_records: u64,
    validation_failed_records: u64,
    validation_suspended_records: u64,
}

impl From<TableStatistics> for Statistics {
    fn from(table: TableStatistics) -> Self {
        Self {
            schema_name: table.schema,
            table_name: table.table,
            table_state: table.state,
            full_load_rows: table.rows,
            full_load_error_rows: table.error_rows,
            full_load_reloaded: table.reloaded,
            inserts: table.inserts,
            updates: table.updates,
            deletes: table.deletes,
            applied_inserts: table.inserts,
            applied_updates: table.updates,
            applied_deletes: table.deletes,
            validation_state: table.validation_state,
            validation_pending_records: 0,
            validation_failed_records: table.failed_records,
            validation_suspended_records: table.suspended_records,
        }
    }
}

/// Says what is known of some tables.
pub(super) fn statistics(page: DmsPage<TableStatistics>) -> (Vec<Statistics>, Option<String>) {
    let tables = page.items.into_iter().map(Statistics::from);
    (tables.collect(), page.marker)
}

/// Reads which tables are loaded again.
pub(super) fn named(tables: Vec<Named>) -> Vec<(String, String)> {
    let tables = tables.into_iter();
    tables
        .map(|table| (table.schema_name, table.table_name))
        .collect()
}

/// Refuses to do anything to tables but to load them.
pub(super) fn check_option(option: Option<&str>) -> Result<(), Refusal> {
    match option {
        None | Some("data-reload") => Ok(()),
        Some(other) => {
            let message = format!("ReloadOption {other} is not supported without validation");
            Err(Refusal::sender("InvalidParameterValueException", message))
        }
    }
}

pub(super) fn describe(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: DescribeTables = call.json()?;
    let arn = input.replication_task_arn;
    let page = cloud.describe_table_statistics(call.now, &arn, &input.asked.into())?;
    let (table_statistics, marker) = statistics(page);
    Ok(answer_json(&Tables {
        replication_task_arn: arn,
        table_statistics,
        marker,
    }))
}

pub(super) fn reload(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Again = call.json()?;
    check_option(input.reload_option.as_deref())?;
    let tables = named(input.tables_to_reload);
    cloud.reload_tables(call.now, &input.replication_task_arn, &tables)?;
    Ok(answer_one(
        "ReplicationTaskArn",
        &input.replication_task_arn,
    ))
}
