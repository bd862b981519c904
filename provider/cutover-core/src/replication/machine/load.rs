//! Is everything loaded?
//!
//! Loaded means that DMS gives the end of the load and every table is completed. A load of 100 percent is not enough: what
//! changed during the load may not be applied yet.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::advice::{
    Meaning, TableMeaning, is_validation_bad, meaning_of, meaning_of_table,
};
use super::super::events::What;
use super::super::facts::Command;
use super::super::plan::Step;
use super::super::task::{TableSeen, TaskSeen};
use super::{Replicate, rows_text};
use crate::Timestamp;
use crate::shift::render::render_duration;

/// How many tables one call loads again. AWS DMS API Reference, `ReloadTables`.
const RELOADED_AT_ONCE: usize = 10;

/// How long a table may be shown in error after its reload was accepted, before that counts as another error. Ours: DMS
/// refreshes its statistics with delay.
const FORMER_STATE_SHOWN_MAX: Duration = Duration::from_mins(2);

/// How long tables may be shown as not completed after their task has finished. Ours, for the same reason.
const FINISHING_MAX: Duration = Duration::from_mins(5);

/// Tables that were loaded again, by schema and name.
pub(super) type Reloads = BTreeMap<(String, String), Reloaded>;

/// A table that was loaded again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reloaded {
    times: u32,
    at: Timestamp,
    /// Whether another state was shown since.
    has_moved: bool,
}

impl Replicate {
    pub(super) fn saw_tables(&mut self, tables: Vec<TableSeen>) {
        self.known.tables = tables;
        if self.hold_for_tables() || self.reload_faulty() {
            return;
        }
        let Some(task) = self.known.task.clone() else {
            self.ask = Command::ReadTask;
            return;
        };
        self.known.loaded = self.is_loaded(&task);
        if meaning_of(&task.status) == Meaning::Ended {
            return self.finishing();
        }
        if self.step() == Step::CatchUp {
            self.ask = Command::ReadMetrics;
            return;
        }
        let follows_changes = task.migration_type != "full-load";
        if self.known.loaded && follows_changes {
            self.tell(What::Loaded);
            return self.advance_to_catch_up();
        }
        if self.is_over(self.began_at, self.spec.load_limit) {
            let limit = render_duration(self.spec.load_limit);
            return self.hold(
                format!("the load is not over after {limit}: {}", self.load_text()),
                "if it goes on, run `pulumi up` again with a longer `loadLimit`; else read the task's log in CloudWatch",
            );
        }
        self.ask_later(Command::ReadTask);
    }

    /// Holds for what a reload does not mend.
    fn hold_for_tables(&mut self) -> bool {
        let tables = &self.known.tables;
        let missing = tables
            .iter()
            .find(|table| meaning_of_table(&table.state) == TableMeaning::Missing);
        if let Some(table) = missing {
            let reason = format!("`{}` does not exist", name(table));
            self.hold(
                reason,
                "make the table on the target, or take it out of the task's mappings",
            );
            return true;
        }
        let Some(table) = tables.iter().find(|table| is_validation_bad(table)) else {
            return false;
        };
        let reason = format!(
            "DMS's validation of `{}` says `{}`, {} rows",
            name(table),
            table.validation,
            rows_text(table.validation_failed)
        );
        self.hold(
            reason,
            "see the rows in `awsdms_control.awsdms_validation_failures_v1` on the target, mend them or load the table again",
        );
        true
    }

    /// Has tables in error loaded again, or holds where that was done often enough.
    fn reload_faulty(&mut self) -> bool {
        let now = self.now;
        let mut again = Vec::new();
        let mut given_up = Vec::new();
        for table in &self.known.tables {
            let key = (table.schema.clone(), table.name.clone());
            let reloaded = self.reloads.get_mut(&key);
            if meaning_of_table(&table.state) != TableMeaning::Faulty {
                if let Some(reloaded) = reloaded {
                    reloaded.has_moved = true;
                }
                continue;
            }
            match reloaded {
                Some(reloaded)
                    if !reloaded.has_moved && now.since(reloaded.at) <= FORMER_STATE_SHOWN_MAX => {}
                Some(reloaded) if reloaded.times >= self.spec.reloads => given_up.push(table),
                None if self.spec.reloads == 0 => given_up.push(table),
                _ => again.push(key),
            }
        }
        let task = self.known.task.as_ref();
        let has_ended = task.is_some_and(|task| meaning_of(&task.status) == Meaning::Ended);
        if !given_up.is_empty() || (has_ended && !again.is_empty()) {
            let tables = self.known.tables.iter();
            let tables =
                tables.filter(|table| meaning_of_table(&table.state) == TableMeaning::Faulty);
            let tables: Vec<_> = tables
                .map(|table| format!("`{}`: {}", name(table), table.state))
                .collect();
            let reloads = self.spec.reloads;
            let reason = if has_ended {
                format!("the task has ended without {}", tables.join(", "))
            } else {
                format!("{} after {reloads} reloads", tables.join(", "))
            };
            self.hold(
                reason,
                "read the task's log in CloudWatch, mend what it names for these tables, then run `pulumi up` again",
            );
            return true;
        }
        again.truncate(RELOADED_AT_ONCE);
        let is_any = !again.is_empty();
        if is_any {
            self.ask = Command::Reload(again);
        }
        is_any
    }

    /// A reload was accepted, or may have been.
    pub(super) fn reloading(&mut self, tables: Vec<(String, String)>) {
        let names = tables.iter();
        let names = names.map(|(schema, table)| format!("`{schema}.{table}`"));
        let names = names.collect();
        self.tell(What::Reloading(names));
        for table in tables {
            let times = self.reloads.get(&table).map_or(0, |former| former.times);
            let reloaded = Reloaded {
                times: times.saturating_add(1),
                at: self.now,
                has_moved: false,
            };
            self.reloads.insert(table, reloaded);
        }
        self.ask_later(Command::ReadTask);
    }

    /// The task has finished by itself: everything must be there.
    fn finishing(&mut self) {
        let all_completed = is_all_completed(&self.known.tables);
        if all_completed && !self.known.tables.is_empty() {
            self.known.loaded = true;
            self.tell(What::Loaded);
            self.outcome = Some(super::Outcome::Loaded);
        } else if self.is_over(
            self.running.finished_since.unwrap_or(self.now),
            FINISHING_MAX,
        ) {
            let text = self.load_text();
            self.hold(
                format!("the task has finished, and not every table is completed: {text}"),
                "read the task's log in CloudWatch, then run `pulumi up` again",
            );
        } else {
            self.ask_later(Command::ReadTables);
        }
    }

    /// Tells whether everything is loaded. A task that only follows changes has nothing to load.
    fn is_loaded(&self, task: &TaskSeen) -> bool {
        if task.migration_type == "cdc" {
            return true;
        }
        let is_of_this_load = task.loaded_at != self.running.former_loaded_at;
        task.loaded_at.is_some()
            && is_of_this_load
            && task.tables_errored == 0
            && !self.known.tables.is_empty()
            && is_all_completed(&self.known.tables)
    }

    fn advance_to_catch_up(&mut self) {
        self.advance();
        self.catch_up_begins();
        self.ask = Command::ReadMetrics;
    }

    pub(super) fn load_text(&self) -> String {
        let tables = &self.known.tables;
        let percent = self.known.task.as_ref().map_or(0, |task| task.load_percent);
        let completed = tables
            .iter()
            .filter(|table| meaning_of_table(&table.state) == TableMeaning::Completed);
        let rows = tables
            .iter()
            .fold(0_u64, |sum, table| sum.saturating_add(table.rows));
        format!(
            "full load {percent} %, {} of {} tables, {} rows",
            completed.count(),
            tables.len(),
            rows_text(rows)
        )
    }
}

/// Tells whether every table is completed.
pub(super) fn is_all_completed(tables: &[TableSeen]) -> bool {
    tables
        .iter()
        .all(|table| meaning_of_table(&table.state) == TableMeaning::Completed)
}

fn name(table: &TableSeen) -> String {
    format!("{}.{}", table.schema, table.name)
}
