//! How a job is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cutover_sim::cloud::{JobSeen, JobTable};

use crate::tables::Table;

/// Below this age of the last look a source counts as read right now: ours, above the time between two looks or heartbeats.
const FRESH: Duration = Duration::from_secs(1);

/// How a table is, as DMS writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing was loaded yet.
    Before,
    /// It is being loaded.
    Loading,
    /// It is loaded, or is only followed.
    Completed,
    /// It could not be loaded, or a change could not be applied.
    Error,
}

impl Stage {
    fn text(self) -> &'static str {
        match self {
            Self::Before => "Before load",
            Self::Loading => "Full load",
            Self::Completed => "Table completed",
            Self::Error => "Table error",
        }
    }
}

/// How a job is, between its task and those who ask.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<Mutex<Option<Progress>>>);

#[derive(Clone, Debug, Default)]
struct Progress {
    running: bool,
    failure: Option<String>,
    loaded: bool,
    following: bool,
    tables: BTreeMap<Table, (Stage, u64)>,
    read_at: Option<Instant>,
    pending_since: Option<Instant>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Progress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        // Forgotten meanwhile: nobody asks any more.
        if let Some(progress) = self.lock().as_mut() {
            change(progress);
        }
    }

    /// A job was begun, or is to go on. What is known of its tables is kept for the latter.
    pub(crate) fn begin(&self, goes_on: bool) {
        let mut held = self.lock();
        let progress = held.get_or_insert_default();
        if progress.running {
            return;
        }
        if goes_on {
            progress.failure = None;
        } else {
            *progress = Progress::default();
        }
        progress.running = true;
    }

    /// The job was removed.
    pub(crate) fn forget(&self) {
        *self.lock() = None;
    }

    /// These are its tables, each at the same stage.
    pub(crate) fn set_tables(&self, tables: &[Table], stage: Stage) {
        self.change(|progress| {
            progress.loaded = false;
            progress.tables = tables
                .iter()
                .map(|table| (table.clone(), (stage, 0)))
                .collect();
        });
    }

    /// A table is at another stage.
    pub(crate) fn set_stage(&self, table: &Table, stage: Stage) {
        self.change(|progress| {
            progress.tables.entry(table.clone()).or_insert((stage, 0)).0 = stage;
        });
    }

    /// So many rows of a table were loaded.
    pub(crate) fn set_rows(&self, table: &Table, rows: u64) {
        self.change(|progress| {
            if let Some(entry) = progress.tables.get_mut(table) {
                entry.1 = rows;
            }
        });
    }

    /// Tells whether it is known how many rows of a table were loaded, and at what stage it is.
    pub(crate) fn table(&self, table: &Table) -> Option<(Stage, u64)> {
        self.lock().as_ref()?.tables.get(table).copied()
    }

    /// The tables that are not loaded yet, by name.
    pub(crate) fn unfinished(&self) -> Vec<Table> {
        let held = self.lock();
        let tables = held.iter().flat_map(|progress| &progress.tables);
        tables
            .filter(|(_, (stage, _))| *stage != Stage::Completed)
            .map(|(table, _)| table.clone())
            .collect()
    }

    /// Whether everything is loaded, and what changed meanwhile is applied.
    pub(crate) fn set_loaded(&self, loaded: bool) {
        self.change(|progress| progress.loaded = loaded);
    }

    /// Tells whether everything was loaded.
    pub(crate) fn is_loaded(&self) -> bool {
        self.lock().as_ref().is_some_and(|progress| progress.loaded)
    }

    /// The source was read right now, to its end or not.
    pub(crate) fn read(&self, at: Instant) {
        self.change(|progress| {
            progress.following = true;
            progress.read_at = Some(at);
        });
    }

    /// The oldest change that is not applied is from this moment; `None` when there is none.
    pub(crate) fn set_pending(&self, since: Option<Instant>) {
        self.change(|progress| progress.pending_since = since);
    }

    /// It has come to an end, or was stopped.
    pub(crate) fn end(&self, failure: Option<String>) {
        self.change(|progress| {
            progress.running = false;
            progress.following = false;
            progress.failure = failure;
        });
    }

    /// Tells how the job is; `None` when it was removed.
    pub(crate) fn seen(&self, now: Instant) -> Option<JobSeen> {
        let held = self.lock();
        let progress = held.as_ref()?;
        let age = |at: Instant| now.saturating_duration_since(at);
        let source = progress
            .read_at
            .filter(|_| progress.following)
            .map(|at| match age(at) {
                fresh if fresh < FRESH => Duration::ZERO,
                age => age,
            });
        // What was not read is not applied either.
        let target =
            source.map(|source| source.max(progress.pending_since.map_or(Duration::ZERO, age)));
        let tables = progress
            .tables
            .iter()
            .map(|(table, (stage, rows))| JobTable {
                schema: table.schema.clone(),
                name: table.name.clone(),
                state: stage.text().to_owned(),
                rows: *rows,
                ..JobTable::default()
            });
        Some(JobSeen {
            running: progress.running,
            failure: progress.failure.clone(),
            loaded: progress.loaded,
            tables: tables.collect(),
            latency_source: source,
            latency_target: target,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Shared, Stage};
    use crate::tables::Table;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn nothing_is_seen_of_a_job_before_it_begins_and_after_it_was_removed() {
        let (shared, now) = (Shared::default(), Instant::now());

        assert!(shared.seen(now).is_none());
        shared.begin(false);
        assert!(shared.seen(now).is_some_and(|seen| seen.running));
        shared.forget();
        shared.end(None);
        assert!(shared.seen(now).is_none());
    }

    #[test]
    fn what_is_not_read_is_not_applied_either() {
        let (shared, now) = (Shared::default(), Instant::now());
        shared.begin(false);
        let latencies = |later: Duration| {
            let seen = shared.seen(now + later).expect("it has begun");
            (seen.latency_source, seen.latency_target)
        };

        assert_eq!(latencies(SECOND), (None, None));
        shared.read(now);
        assert_eq!(
            latencies(SECOND / 2),
            (Some(Duration::ZERO), Some(Duration::ZERO))
        );
        assert_eq!(latencies(5 * SECOND), (Some(5 * SECOND), Some(5 * SECOND)));
        shared.set_pending(Some(now));
        shared.read(now + 5 * SECOND);
        assert_eq!(
            latencies(5 * SECOND),
            (Some(Duration::ZERO), Some(5 * SECOND))
        );
        shared.end(None);
        assert_eq!(latencies(5 * SECOND), (None, None));
    }

    #[test]
    fn a_job_that_goes_on_knows_its_tables_and_one_that_begins_anew_does_not() {
        let (shared, table) = (Shared::default(), Table::new("public", "payments"));
        shared.begin(false);
        shared.set_tables(std::slice::from_ref(&table), Stage::Loading);
        shared.set_rows(&table, 7);

        shared.end(Some("it broke".to_owned()));
        shared.begin(true);
        assert_eq!(shared.table(&table), Some((Stage::Loading, 7)));
        assert_eq!(
            shared.seen(Instant::now()).and_then(|seen| seen.failure),
            None
        );

        shared.end(None);
        shared.begin(false);
        assert_eq!(shared.table(&table), None);
    }
}
