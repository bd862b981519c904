//! What becomes of a task as time goes on.

use std::collections::BTreeSet;
use std::time::Duration;

use cutover_core::Timestamp;

use super::load::Load;
use super::{Cloud, JobSeen, Mover, ReplicationTask, TableStatistics};

/// A task, and where it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub(super) task: ReplicationTask,
    pub(super) stage: Stage,
    /// What is described in its place, and until when.
    pub(super) former: Option<(Timestamp, Box<ReplicationTask>)>,
    /// Whether a mover has a job of it.
    pub(super) moved: bool,
    /// Tables that failed on script, until they are loaded again.
    pub(super) broken: BTreeSet<(String, String)>,
    /// The load of the run, where nobody moves rows; none for a task that was put there at work.
    pub(super) loads: Option<Vec<Load>>,
    /// How far it is behind, and since when, where nobody moves rows.
    pub(super) lags: Vec<(Timestamp, Option<Duration>)>,
    /// How far it was behind when the mover was asked.
    pub(super) samples: Vec<Sample>,
}

/// Where a task stands.
#[derive(Clone, Debug, Default)]
pub(super) enum Stage {
    /// Nothing happens until somebody acts.
    #[default]
    Still,
    /// Something takes its time.
    Passing {
        since: Timestamp,
        until: Timestamp,
        then: Then,
    },
    /// It is at work.
    Running,
}

/// What comes then.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// It stands still, with this status.
    Still(String),
    /// It is at work.
    Running,
    /// It has stopped.
    Stopped,
    /// It is gone.
    Gone,
}

/// How far a task was behind at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) at: Timestamp,
    pub(super) source: Option<Duration>,
    pub(super) target: Option<Duration>,
}

/// What a replication without server goes through before it runs, in this order.
const ON_THE_WAY: [&str; 7] = [
    "initializing",
    "preparing metadata resources",
    "testing connection",
    "fetching metadata",
    "calculating capacity",
    "provisioning capacity",
    "replication starting",
];

impl Kept {
    /// Tells whether nothing happens to the task, so that it can be changed.
    pub(super) fn is_still(&self) -> bool {
        matches!(self.stage, Stage::Still)
    }

    /// Tells whether the task reads or writes, or is about to, or has not ended to.
    pub(super) fn is_at_work(&self) -> bool {
        match &self.stage {
            Stage::Still => false,
            Stage::Passing { then, .. } => matches!(then, Then::Running | Then::Stopped),
            Stage::Running => true,
        }
    }

    /// Returns the task as it is described at a moment.
    pub(super) fn described(&self, now: Timestamp) -> ReplicationTask {
        match &self.former {
            Some((until, former)) if now < *until => (**former).clone(),
            _ => self.task.clone(),
        }
    }

    /// Lets something take its time.
    pub(super) fn pass(&mut self, now: Timestamp, takes: Duration, status: &str, then: Then) {
        status.clone_into(&mut self.task.status);
        self.stage = Stage::Passing {
            since: now,
            until: now.after(takes),
            then,
        };
    }

    /// Lets the task become what it is at a moment. Returns whether it is still there.
    fn advance(&mut self, now: Timestamp, mover: Option<&dyn Mover>, loading: Duration) -> bool {
        // A step leads to another one at most a few times: starting, running, stopped.
        while let Stage::Passing { since, until, then } = &self.stage {
            let (since, until, then) = (*since, *until, then.clone());
            if now < until {
                self.name_step(since, until, now, &then);
                break;
            }
            let seen = mover.filter(|_| self.moved);
            let seen = seen.and_then(|mover| mover.seen(&self.task.arn));
            match then {
                Then::Gone => return false,
                Then::Still(status) => {
                    self.task.status = status;
                    self.stage = Stage::Still;
                }
                Then::Stopped if seen.as_ref().is_some_and(|seen| seen.running) => break,
                Then::Stopped => {
                    if let Some(seen) = seen {
                        self.show(until, &seen);
                    }
                    self.end(until, "stopped", "NORMAL", None);
                }
                Then::Running if !self.moved => self.run(until, loading),
                Then::Running => match seen {
                    Some(seen) if self.has_begun(&seen) => self.run(now, loading),
                    _ => break,
                },
            }
        }
        if matches!(self.stage, Stage::Running) {
            match mover.filter(|_| self.moved) {
                Some(mover) => self.follow(now, mover.seen(&self.task.arn).unwrap_or_default()),
                None => self.load_on(now),
            }
        }
        true
    }

    /// Tells how far a replication without server is on its way.
    fn name_step(&mut self, since: Timestamp, until: Timestamp, now: Timestamp, then: &Then) {
        if self.task.serverless && matches!(then, Then::Running) {
            let (whole, gone) = (until.since(since), now.since(since));
            let step = gone.as_millis() * ON_THE_WAY.len() as u128 / whole.as_millis().max(1);
            let step = usize::try_from(step).unwrap_or_default();
            let name = ON_THE_WAY[step.min(ON_THE_WAY.len() - 1)];
            name.clone_into(&mut self.task.status);
        }
    }

    /// Tells whether a job has come to where the task runs, or beyond.
    fn has_begun(&self, seen: &JobSeen) -> bool {
        let is_over = seen.loaded && !self.task.follows();
        seen.running || seen.failure.is_some() || is_over
    }

    fn run(&mut self, at: Timestamp, loading: Duration) {
        "running".clone_into(&mut self.task.status);
        self.stage = Stage::Running;
        let stats = &mut self.task.stats;
        if self.task.migration_type.starts_with("full-load") && stats.load_started_at.is_none() {
            stats.load_started_at = Some(at);
        }
        if !self.moved {
            self.plan_load(at, loading);
        }
    }

    /// Takes over how a job is, and ends with it.
    fn follow(&mut self, now: Timestamp, seen: JobSeen) {
        self.show(now, &seen);
        match seen.failure {
            Some(message) => self.end(now, "failed", "FATAL_ERROR", Some(message)),
            None if seen.running => {}
            None if seen.loaded && !self.task.follows() => {
                self.end(now, "stopped", "FULL_LOAD_ONLY_FINISHED", None);
            }
            None => self.end(now, "stopped", "NORMAL", None),
        }
    }

    /// Shows what a job has done.
    fn show(&mut self, now: Timestamp, seen: &JobSeen) {
        let before = |schema: &str, name: &str| {
            let mut tables = self.task.tables.iter();
            let known = tables.find(|table| table.is(schema, name)).cloned();
            known.unwrap_or_else(|| TableStatistics::named(schema, name))
        };
        let tables = seen.tables.iter().map(|job| TableStatistics {
            rows: job.rows,
            inserts: job.inserts,
            updates: job.updates,
            deletes: job.deletes,
            state: job.state.clone(),
            ..before(&job.schema, &job.name)
        });
        self.task.tables = tables.collect();
        self.show_broken();
        let (completed, all) = (self.completed(), self.task.tables.len());
        let stats = &mut self.task.stats;
        if seen.loaded {
            stats.load_percent = 100;
            stats.load_finished_at.get_or_insert(now);
        } else if stats.load_finished_at.is_none() {
            stats.load_percent = percent(completed, all);
        }
        self.sample(now, seen.latency_source, seen.latency_target);
    }

    pub(super) fn completed(&self) -> usize {
        self.task.tables_in(&["Table completed"])
    }

    /// Keeps tables in error that failed on script.
    pub(super) fn show_broken(&mut self) {
        for table in &mut self.task.tables {
            let key = (table.schema.clone(), table.table.clone());
            if self.broken.contains(&key) {
                "Table error".clone_into(&mut table.state);
            }
        }
    }

    /// Keeps a sample of each second, the newest.
    fn sample(&mut self, at: Timestamp, source: Option<Duration>, target: Option<Duration>) {
        let is_same = |last: &Sample| last.at.whole_second() == at.whole_second();
        if self.samples.last().is_some_and(is_same) {
            self.samples.pop();
        }
        let sample = Sample { at, source, target };
        if source.is_some() || target.is_some() {
            self.samples.push(sample);
        }
    }

    /// Ends a run.
    pub(super) fn end(
        &mut self,
        at: Timestamp,
        status: &str,
        reason: &str,
        message: Option<String>,
    ) {
        let task = &mut self.task;
        status.clone_into(&mut task.status);
        task.stop_reason = Some(stop_reason(reason));
        task.failure = message;
        task.stats.stopped_at = Some(at);
        if task.follows() {
            task.recovery_checkpoint = Some(format!("checkpoint:V1#{}", at.unix_millis()));
        }
        self.lags.push((at, None));
        self.stage = Stage::Still;
    }
}

/// Writes why a task stopped as DMS does, which names the level of an error once more.
fn stop_reason(reason: &str) -> String {
    match reason {
        "FATAL_ERROR" => "Stop Reason FATAL_ERROR Error Level FATAL".to_owned(),
        "RECOVERABLE_ERROR" => "Stop Reason RECOVERABLE_ERROR Error Level RECOVERABLE".to_owned(),
        _ => format!("Stop Reason {reason}"),
    }
}

pub(super) fn percent(part: usize, whole: usize) -> u8 {
    let percent = (part * 100).checked_div(whole).unwrap_or_default();
    u8::try_from(percent).unwrap_or(100)
}

impl Cloud {
    pub(super) fn advance_tasks(&mut self, now: Timestamp) {
        let mover = self.dms.mover.clone();
        let mover = mover.as_deref();
        let loading = self.config.dms.loading;
        self.dms.tasks.retain(|arn, kept| {
            let stays = kept.advance(now, mover, loading);
            if let Some(mover) = mover.filter(|_| !stays && kept.moved) {
                mover.remove(arn);
            }
            stays
        });
    }
}
