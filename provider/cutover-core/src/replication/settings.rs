//! How a task for changes only behaves, where the defaults of DMS would lose data quietly.
//!
//! Form: AWS DMS User Guide, "Specifying task settings for AWS Database Migration Service tasks". Whatever is not named here
//! keeps its default.

use serde::Serialize;

/// How often DMS begins again by itself after an error of the environment. Ours, and finite: a task that tries for ever looks
/// healthy. With the interval, which doubles up to the limit, it tries for some forty minutes.
const RECOVERIES_MAX: i32 = 10;

/// After how many seconds it begins again the first time: the default of DMS.
const RECOVERY_SECONDS: i32 = 5;

/// The longest of these pauses, in seconds: ours, a third of the default, so that it begins again soon after a failover.
const RECOVERY_SECONDS_MAX: i32 = 600;

/// In pieces of how many kilobytes large values travel: the default of DMS.
const LOB_CHUNK_KILOBYTES: i32 = 64;

/// The settings of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskSettings {
    target_metadata: TargetMetadata,
    full_load_settings: FullLoadSettings,
    logging: Logging,
    control_tables_settings: ControlTablesSettings,
    change_processing_ddl_handling_policy: DdlPolicy,
    error_behavior: ErrorBehavior,
    validation_settings: ValidationSettings,
}

/// The settings of a task that replicates changes and loads nothing. DMS keeps its own tables (`awsdms_status` and others) in
/// the schema `control_schema` of the database that is written to.
pub fn changes_only(control_schema: &str) -> TaskSettings {
    const STOP: &str = "STOP_TASK";
    TaskSettings {
        target_metadata: TargetMetadata {
            support_lobs: true,
            full_lob_mode: true,
            limited_size_lob_mode: false,
            lob_chunk_size: LOB_CHUNK_KILOBYTES,
            batch_apply_enabled: false,
            task_recovery_table_enabled: true,
        },
        full_load_settings: FullLoadSettings {
            target_table_prep_mode: "DO_NOTHING",
        },
        logging: Logging {
            enable_logging: true,
        },
        control_tables_settings: ControlTablesSettings {
            control_schema: control_schema.to_owned(),
            status_table_enabled: true,
            suspended_tables_table_enabled: true,
            history_table_enabled: true,
        },
        change_processing_ddl_handling_policy: DdlPolicy {
            handle_source_table_dropped: false,
            handle_source_table_truncated: false,
            handle_source_table_altered: false,
        },
        error_behavior: ErrorBehavior {
            data_error_policy: STOP,
            data_truncation_error_policy: STOP,
            apply_error_insert_policy: STOP,
            apply_error_update_policy: STOP,
            apply_error_delete_policy: "LOG_ERROR",
            apply_error_fail_on_truncation_ddl: true,
            table_error_policy: "SUSPEND_TABLE",
            fail_on_no_tables_captured: true,
            full_load_ignore_conflicts: false,
            recoverable_error_count: RECOVERIES_MAX,
            recoverable_error_interval: RECOVERY_SECONDS,
            recoverable_error_throttling: true,
            recoverable_error_throttling_max: RECOVERY_SECONDS_MAX,
        },
        validation_settings: ValidationSettings {
            enable_validation: false,
        },
    }
}

/// Large values whole, one row at a time in the order of commits, and nothing applied twice after a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "this is the form of the service, in which they are independent"
)]
struct TargetMetadata {
    support_lobs: bool,
    full_lob_mode: bool,
    limited_size_lob_mode: bool,
    lob_chunk_size: i32,
    batch_apply_enabled: bool,
    task_recovery_table_enabled: bool,
}

/// A table that is there is left as it is: nothing must ever empty it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct FullLoadSettings {
    target_table_prep_mode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Logging {
    enable_logging: bool,
}

/// What DMS could not apply is counted in its own tables, which are looked at before the writer changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ControlTablesSettings {
    control_schema: String,
    status_table_enabled: bool,
    suspended_tables_table_enabled: bool,
    history_table_enabled: bool,
}

/// Rows are replicated, and nothing else: a table dropped on one side stays on the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DdlPolicy {
    handle_source_table_dropped: bool,
    handle_source_table_truncated: bool,
    handle_source_table_altered: bool,
}

/// A row that cannot be applied stops the task: by default it would be logged, and the task would go on without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "this is the form of the service, in which they are independent"
)]
struct ErrorBehavior {
    data_error_policy: &'static str,
    data_truncation_error_policy: &'static str,
    apply_error_insert_policy: &'static str,
    apply_error_update_policy: &'static str,
    apply_error_delete_policy: &'static str,
    apply_error_fail_on_truncation_ddl: bool,
    table_error_policy: &'static str,
    fail_on_no_tables_captured: bool,
    full_load_ignore_conflicts: bool,
    recoverable_error_count: i32,
    recoverable_error_interval: i32,
    recoverable_error_throttling: bool,
    recoverable_error_throttling_max: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ValidationSettings {
    enable_validation: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_the_defaults_would_lose_quietly_is_lost() {
        let settings = serde_json::to_value(changes_only("cutover_control")).unwrap();

        assert_eq!(
            settings,
            json!({
                "TargetMetadata": {
                    "SupportLobs": true, "FullLobMode": true, "LimitedSizeLobMode": false, "LobChunkSize": 64,
                    "BatchApplyEnabled": false, "TaskRecoveryTableEnabled": true
                },
                "FullLoadSettings": { "TargetTablePrepMode": "DO_NOTHING" },
                "Logging": { "EnableLogging": true },
                "ControlTablesSettings": {
                    "ControlSchema": "cutover_control", "StatusTableEnabled": true,
                    "SuspendedTablesTableEnabled": true, "HistoryTableEnabled": true
                },
                "ChangeProcessingDdlHandlingPolicy": {
                    "HandleSourceTableDropped": false, "HandleSourceTableTruncated": false,
                    "HandleSourceTableAltered": false
                },
                "ErrorBehavior": {
                    "DataErrorPolicy": "STOP_TASK", "DataTruncationErrorPolicy": "STOP_TASK",
                    "ApplyErrorInsertPolicy": "STOP_TASK", "ApplyErrorUpdatePolicy": "STOP_TASK",
                    "ApplyErrorDeletePolicy": "LOG_ERROR", "ApplyErrorFailOnTruncationDdl": true,
                    "TableErrorPolicy": "SUSPEND_TABLE", "FailOnNoTablesCaptured": true,
                    "FullLoadIgnoreConflicts": false, "RecoverableErrorCount": 10, "RecoverableErrorInterval": 5,
                    "RecoverableErrorThrottling": true, "RecoverableErrorThrottlingMax": 600
                },
                "ValidationSettings": { "EnableValidation": false }
            })
        );
    }
}
