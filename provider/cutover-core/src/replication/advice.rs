//! What a status, a stop reason or a state of a table means, and what to do about it.
//!
//! Names: AWS DMS User Guide, "Task status" and "Table state during tasks"; AWS DMS API Reference, `ReplicationTask`
//! (`StopReason`) and `TableStatistics` (`ValidationState`). Whatever is not known here is in progress, with a limit, where
//! it is a status, and needs a person where it is a stop reason.

use super::task::{TableSeen, TaskSeen};

/// What a status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It waits for its first start.
    Ready,
    /// It is on its way to another status by itself.
    InProgress,
    /// It is at work.
    Running,
    /// It does not run.
    Ended,
    /// It will not come back by itself; what to do.
    Broken(&'static str),
}

/// Says what the status of a task means.
pub fn meaning_of(status: &str) -> Meaning {
    match status {
        "ready" | "created" => Meaning::Ready,
        "running" => Meaning::Running,
        "stopped" | "failed" => Meaning::Ended,
        "failed-move" => Meaning::Broken(
            "the task could not be moved to another instance: move it again, or back, in the console of DMS",
        ),
        "deleting" => {
            Meaning::Broken("somebody is deleting the task: make it anew, or name another one")
        }
        _ => Meaning::InProgress,
    }
}

/// What comes after a task has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It has done what it was made for.
    Finished,
    /// It stopped where it was told to, and goes on when it is resumed.
    Resume,
    /// It may go on when it is resumed; if it ends again, a person is needed.
    ResumeOnce,
    /// A person is needed; what to do.
    Person(&'static str),
    /// The instance is too small.
    TooSmall,
}

/// Says what comes after a task has ended.
pub fn after(task: &TaskSeen) -> After {
    let Some(reason) = task.stop_reason.as_deref() else {
        return After::ResumeOnce;
    };
    match reason {
        "FULL_LOAD_ONLY_FINISHED" if task.migration_type == "full-load" => After::Finished,
        "STOPPED_AFTER_FULL_LOAD" | "STOPPED_AFTER_CACHED_EVENTS" => After::Resume,
        "RECOVERABLE_ERROR" | "RECONFIGURATION_RESTART" | "RECYCLE_TASK" | "NORMAL" => {
            After::ResumeOnce
        }
        "STOPPED_DUE_TO_LOW_MEMORY" | "STOPPED_DUE_TO_LOW_DISK" => After::TooSmall,
        "STOPPED_AFTER_DDL_APPLY" => After::Person(
            "tables were changed on the source: change them on the target in the same way, then resume the task",
        ),
        "STOPPED_AT_SERVER_TIME" | "STOPPED_AT_COMMIT_TIME" => After::Person(
            "the task has a `CdcStopPosition`: take it out, then run `pulumi up` again",
        ),
        "EXPRESS_LICENSE_LIMITS_REACHED" => {
            After::Person("the licence of this task is used up: make a task without it")
        }
        _ => After::Person(
            "read the task's log in CloudWatch, mend what it names, then run `pulumi up` again",
        ),
    }
}

/// Tells whether the message of a failure says that the log was not kept from where the task stopped. Fragments of messages of
/// PostgreSQL ("replication slot … does not exist", "requested WAL segment … has already been removed", "can no longer get
/// changes from replication slot") and MySQL (error 1236, "could not find first log file name in binary log index file",
/// "the master has purged binary logs"), which DMS quotes.
pub fn says_log_is_gone(message: &str) -> bool {
    let message = message.to_lowercase();
    let has = |part: &str| message.contains(part);
    let slot = has("replication slot")
        && (has("does not exist") || has("can no longer get changes") || has("invalidated"));
    let wal = has("wal segment") && has("already been removed");
    let binlog = has("could not find first log file name")
        || (has("purged") && has("binary log"))
        || (has("binlog") && has("purged"));
    slot || wal || binlog
}

/// What the state of a table means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableMeaning {
    /// It waits, or is being loaded.
    Loading,
    /// It is loaded.
    Completed,
    /// It is left behind; loading it again may help.
    Faulty,
    /// Nothing that a reload could mend.
    Missing,
}

/// Says what the state of a table means. Unknown states are still loading, for which there is a limit.
pub fn meaning_of_table(state: &str) -> TableMeaning {
    match state {
        "Table completed" => TableMeaning::Completed,
        "Table error" | "Table cancelled" | "Table suspended" => TableMeaning::Faulty,
        "Table does not exist" => TableMeaning::Missing,
        _ => TableMeaning::Loading,
    }
}

/// Tells whether DMS's own validation has found something in a table that a person must see.
pub fn is_validation_bad(table: &TableSeen) -> bool {
    matches!(
        table.validation.as_str(),
        "Mismatched records" | "Suspended records" | "Error" | "Table error"
    )
}

/// What to do about an instance whose status does not pass by itself; `None` for those that do.
pub fn advice_on_instance(status: &str) -> Option<&'static str> {
    Some(match status {
        "storage-full" => {
            "give the replication instance more storage, or find out why changes pile up on it"
        }
        "incompatible-credentials" | "incompatible-network" => {
            "mend what DMS says about the replication instance, or make another one"
        }
        "failed" | "deleting" => "make another replication instance, and move the task to it",
        _ => return None,
    })
}

/// Sizes of each family of instance classes, the smallest first. AWS DMS User Guide, "Choosing the right AWS DMS replication
/// instance for your migration": families seen 2026-11-21 in a stored copy; sizes from public lists of that day, not yet held
/// against the page.
const FAMILIES: [(&str, &[&str]); 5] = [
    ("t3", &["micro", "small", "medium", "large"]),
    (
        "c5",
        &[
            "large", "xlarge", "2xlarge", "4xlarge", "9xlarge", "12xlarge", "18xlarge", "24xlarge",
        ],
    ),
    (
        "r5",
        &[
            "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge",
        ],
    ),
    ("c6i", SIXTH),
    ("r6i", SIXTH),
];

const SIXTH: &[&str] = &[
    "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge",
    "32xlarge",
];

/// Names the next larger instance class: in the same family, and after the largest burstable one the first with more
/// processors that do not have to be saved up for. `None` when there is no larger one, or the class is not known.
pub fn next_class(class: &str) -> Option<String> {
    if class == "dms.t3.large" {
        return Some("dms.c6i.xlarge".to_owned());
    }
    let (family, size) = class.strip_prefix("dms.")?.split_once('.')?;
    let (_, sizes) = FAMILIES.iter().find(|(name, _)| *name == family)?;
    let mut larger = sizes.iter().skip_while(|known| **known != size);
    larger.next()?;
    larger.next().map(|size| format!("dms.{family}.{size}"))
}

/// Says which class to take instead of this one.
pub fn advice_on_class(class: &str) -> String {
    match next_class(class) {
        Some(next) => {
            format!("move the task to a larger instance: `{next}` is the next after `{class}`")
        }
        None => format!(
            "move the task to a larger instance than `{class}`, or share the tables between several tasks"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_statuses_are_in_progress_and_unknown_stop_reasons_need_a_person() {
        let task = TaskSeen {
            stop_reason: Some("MARTIANS".to_owned()),
            ..TaskSeen::default()
        };

        assert_eq!(
            meaning_of("preparing metadata resources"),
            Meaning::InProgress
        );
        assert!(matches!(after(&task), After::Person(_)));
    }

    #[test]
    fn a_finished_load_is_an_end_only_for_a_task_that_was_made_for_it() {
        let ended = |migration_type: &str| {
            after(&TaskSeen {
                stop_reason: Some("FULL_LOAD_ONLY_FINISHED".to_owned()),
                migration_type: migration_type.to_owned(),
                ..TaskSeen::default()
            })
        };

        assert_eq!(ended("full-load"), After::Finished);
        assert!(matches!(ended("full-load-and-cdc"), After::Person(_)));
    }

    #[test]
    fn the_messages_of_a_lost_log_are_known() {
        for message in [
            "ERROR: replication slot \"abc\" does not exist",
            "requested WAL segment 00000001 has already been removed",
            "can no longer get changes from replication slot \"abc\"",
            "1236: Could not find first log file name in binary log index file",
            "the master has purged binary logs containing GTIDs",
        ] {
            assert!(says_log_is_gone(message), "{message}");
        }
        assert!(!says_log_is_gone("the table has no primary key"));
    }

    #[test]
    fn the_next_larger_class_is_named() {
        assert_eq!(next_class("dms.t3.medium").as_deref(), Some("dms.t3.large"));
        assert_eq!(
            next_class("dms.t3.large").as_deref(),
            Some("dms.c6i.xlarge")
        );
        assert_eq!(
            next_class("dms.r5.4xlarge").as_deref(),
            Some("dms.r5.8xlarge")
        );
        assert_eq!(next_class("dms.r6i.32xlarge"), None);
        assert_eq!(next_class("dms.x9.large"), None);
        assert_eq!(next_class("dms.c5.huge"), None);
    }
}
