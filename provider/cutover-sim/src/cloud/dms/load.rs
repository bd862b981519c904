//! The load, where no rows really move.

use std::time::Duration;

use cutover_core::Timestamp;

use super::course::{Kept, percent};

/// When a table is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Load {
    schema: String,
    table: String,
    rows: u64,
    from: Timestamp,
    until: Timestamp,
    again: bool,
}

/// How many rows a table has of which nothing is said: ours.
const ROWS: u64 = 1000;

impl Kept {
    /// Plans the load of a run that begins: every table that is not loaded, one after the other.
    pub(super) fn plan_load(&mut self, at: Timestamp, loading: Duration) {
        let mut loads = Vec::new();
        let mut from = at;
        let loads_rows = self.task.loads();
        for table in &mut self.task.tables {
            if !loads_rows {
                "Table completed".clone_into(&mut table.state);
            }
            if table.state == "Table completed" {
                continue;
            }
            let until = from.after(loading);
            loads.push(Load {
                schema: table.schema.clone(),
                table: table.table.clone(),
                rows: if table.rows == 0 { ROWS } else { table.rows },
                from,
                until,
                again: false,
            });
            from = until;
        }
        self.loads = Some(loads);
        let is_loaded = !loads_rows || self.task.stats.load_finished_at.is_some();
        if is_loaded {
            self.catch_up(at);
        }
    }

    /// Lets tables be loaded again.
    pub(super) fn load_again(
        &mut self,
        now: Timestamp,
        tables: &[(String, String)],
        loading: Duration,
    ) {
        for (schema, name) in tables {
            self.broken.remove(&(schema.clone(), name.clone()));
            let mut all = self.task.tables.iter_mut();
            let Some(table) = all.find(|table| table.is(schema, name)) else {
                continue;
            };
            table.reloaded = true;
            "Table is being reloaded".clone_into(&mut table.state);
            if self.moved {
                continue;
            }
            let loads = self.loads.get_or_insert_default();
            loads.retain(|load| (&load.schema, &load.table) != (schema, name));
            loads.push(Load {
                schema: schema.clone(),
                table: name.clone(),
                rows: if table.rows == 0 { ROWS } else { table.rows },
                from: now,
                until: now.after(loading),
                again: true,
            });
        }
    }

    /// Lets the load go on until a moment.
    pub(super) fn load_on(&mut self, now: Timestamp) {
        let Some(loads) = &self.loads else {
            self.show_broken();
            return;
        };
        for load in loads {
            let mut tables = self.task.tables.iter_mut();
            let found = tables.find(|table| table.is(&load.schema, &load.table));
            if let Some(table) = found {
                load.state(now).clone_into(&mut table.state);
                table.rows = load.rows_at(now);
            }
        }
        let last = loads.iter().map(|load| load.until).max();
        self.show_broken();
        let (completed, all) = (self.completed(), self.task.tables.len());
        let stats = &mut self.task.stats;
        if !self.task.migration_type.starts_with("full-load") || stats.load_finished_at.is_some() {
            return;
        }
        let ended = last.or(stats.load_started_at).unwrap_or(now);
        if now < ended {
            stats.load_percent = percent(completed, all);
            return;
        }
        stats.load_percent = 100;
        stats.load_finished_at = Some(ended);
        if self.task.follows() {
            self.catch_up(ended);
        } else {
            self.end(ended, "stopped", "FULL_LOAD_ONLY_FINISHED", None);
        }
    }

    /// Tells from a moment on how far the task is behind, which is nothing when nobody says otherwise.
    fn catch_up(&mut self, at: Timestamp) {
        if self.task.follows() {
            let lag = self.task.lag.unwrap_or_default();
            self.lags.push((at, Some(lag)));
        }
    }
}

impl Load {
    fn state(&self, now: Timestamp) -> &'static str {
        if now >= self.until {
            "Table completed"
        } else if self.again {
            "Table is being reloaded"
        } else if now >= self.from {
            "Full load"
        } else {
            "Before load"
        }
    }

    /// Returns how many rows are loaded at a moment: evenly over the time.
    fn rows_at(&self, now: Timestamp) -> u64 {
        let whole = self.until.since(self.from).as_millis().max(1);
        let gone = now.since(self.from).as_millis();
        if now >= self.until {
            return self.rows;
        }
        u64::try_from(u128::from(self.rows) * gone / whole).unwrap_or(self.rows)
    }
}
