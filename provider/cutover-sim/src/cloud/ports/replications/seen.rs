//! What DMS says, in the words of the decisions.

use cutover_core::replication::facts::AssessmentSeen;
use cutover_core::replication::task::{InstanceSeen, TableSeen, TaskSeen};

use super::super::super::{AssessmentRun, ReplicationInstance, ReplicationTask, TableStatistics};

/// Stands before every reason.
const REASON: &str = "Stop Reason ";

/// Says how a task is, its instance apart.
pub(super) fn task(task: &ReplicationTask) -> TaskSeen {
    let stats = &task.stats;
    let reason = task.stop_reason.as_deref();
    TaskSeen {
        arn: task.arn.clone(),
        identifier: task.identifier.clone(),
        status: task.status.clone(),
        stop_reason: reason.map(|text| text.strip_prefix(REASON).unwrap_or(text).to_owned()),
        failure: task.failure.clone(),
        migration_type: task.migration_type.clone(),
        started_at: stats.started_at,
        has_run: task.has_run(),
        loaded_at: stats.load_finished_at,
        load_percent: stats.load_percent,
        tables_errored: u32::try_from(task.tables_in(&["Table error"])).unwrap_or(u32::MAX),
        cdc_start: task.cdc_start.clone(),
        source_endpoint_arn: task.source_endpoint_arn.clone(),
        target_endpoint_arn: task.target_endpoint_arn.clone(),
        instance: None,
    }
}

pub(super) fn instance(instance: ReplicationInstance) -> InstanceSeen {
    // What has no moment waits for a person to ask for it.
    let pending = instance.maintenance.iter().filter_map(|pending| {
        let at = pending.apply_at?.to_utc();
        Some(format!(
            "`{}` at {at}: {}",
            pending.action, pending.description
        ))
    });
    let maintenance = pending.collect();
    InstanceSeen {
        arn: instance.arn,
        status: instance.status,
        class: instance.class,
        maintenance,
    }
}

pub(super) fn table(table: TableStatistics) -> TableSeen {
    TableSeen {
        changes: table.inserts + table.updates + table.deletes,
        schema: table.schema,
        name: table.table,
        state: table.state,
        rows: table.rows,
        error_rows: table.error_rows,
        validation: table.validation_state,
        validation_failed: table.failed_records,
    }
}

pub(super) fn assessment(run: AssessmentRun) -> AssessmentSeen {
    let amiss = |status: &str| !matches!(status, "passed" | "running" | "pending" | "skipped");
    let checks = run.checks.into_iter();
    AssessmentSeen {
        status: run.status,
        findings: checks
            .filter(|check| amiss(&check.status))
            .map(|check| (check.name, check.status))
            .collect(),
        failure: None,
    }
}
