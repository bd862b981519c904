//! The links as what moves rows for replication tasks, so that DMS in the simulated cloud drives them.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::validation::side::Side;

use super::SimWriters;
use super::state::WritersState;
use crate::cloud::{Job, JobSeen, JobStart, JobTable, MovedDatabase, Mover};

/// What is known of tests and jobs.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// What tests came to, by endpoint.
    tests: BTreeMap<String, Result<(), String>>,
    jobs: BTreeMap<String, Kept>,
}

/// A job, by its task's ARN.
#[derive(Debug)]
struct Kept {
    from: Side,
    job: Job,
    failure: Option<String>,
    loaded: bool,
}

impl Mover for SimWriters {
    fn test(&self, database: &MovedDatabase) {
        self.with(|state| {
            let result = state.side_of(database);
            let result = result.and_then(|side| match state.servers.get(side).down {
                Some(class) => Err(format!("{}: {class:?}", database.host)),
                None => Ok(()),
            });
            let endpoint = database.endpoint_arn.clone();
            state.jobs.tests.insert(endpoint, result);
        });
    }

    fn tested(&self, endpoint_arn: &str) -> Option<Result<(), String>> {
        self.with(|state| state.jobs.tests.get(endpoint_arn).cloned())
    }

    fn start(&self, job: Job) {
        self.with(|state| state.start_job(job));
    }

    fn stop(&self, task_arn: &str) {
        self.with(|state| state.stop_job(task_arn));
    }

    fn reload(&self, task_arn: &str, _tables: &[(String, String)]) {
        self.with(|state| {
            let from = state.jobs.jobs.get(task_arn).map(|kept| kept.from);
            if let Some(from) = from {
                state.load(from);
            }
        });
    }

    fn seen(&self, task_arn: &str) -> Option<JobSeen> {
        self.with(|state| state.see_job(task_arn))
    }

    fn remove(&self, task_arn: &str) {
        self.with(|state| {
            state.stop_job(task_arn);
            state.jobs.jobs.remove(task_arn);
        });
    }
}

impl WritersState {
    fn side_of(&self, database: &MovedDatabase) -> Result<Side, String> {
        let is_at = |side: &Side| *self.hosts.get(*side) == database.host;
        let side = Side::BOTH.into_iter().find(is_at);
        side.ok_or_else(|| format!("no host is called `{}`", database.host))
    }

    fn start_job(&mut self, job: Job) {
        let arn = job.task_arn.clone();
        let former = self.jobs.jobs.get(&arn);
        let loaded = former.is_some_and(|former| former.loaded) && job.start != JobStart::Anew;
        let (from, failure) = match self.side_of(&job.source) {
            Ok(from) => (from, self.begin_job(from, &job).err()),
            Err(failure) => (Side::Source, Some(failure)),
        };
        let is_loading = job.load && failure.is_none();
        let kept = Kept {
            from,
            loaded: loaded || is_loading,
            job,
            failure,
        };
        self.jobs.jobs.insert(arn, kept);
    }

    /// Has a link do what a job says.
    fn begin_job(&mut self, from: Side, job: &Job) -> Result<(), String> {
        if let Some(slot) = &job.source.slot
            && !self.servers.get(from).kept.contains_key(slot)
        {
            return Err(format!("replication slot \"{slot}\" does not exist"));
        }
        match &job.start {
            JobStart::At(place) => return self.replicate(from, place),
            JobStart::Anew if job.load => self.load(from),
            JobStart::Anew => self.replicate_from_now(from),
            JobStart::Resume => {}
        }
        self.links.get_mut(from).running = job.changes;
        Ok(())
    }

    fn stop_job(&mut self, task_arn: &str) {
        if let Some(kept) = self.jobs.jobs.get(task_arn) {
            self.links.get_mut(kept.from).running = false;
        }
    }

    fn see_job(&mut self, task_arn: &str) -> Option<JobSeen> {
        let from = self.jobs.jobs.get(task_arn)?.from;
        let age = self.oldest_waiting(from);
        let rows = self.servers.get(from.other()).payments.len() as u64;
        let kept = self.jobs.jobs.get(task_arn)?;
        let is_running = self.links.get(from).running && kept.failure.is_none();
        let tables = kept.job.include.iter();
        let tables = tables.filter(|(schema, name)| !schema.contains('%') && !name.contains('%'));
        Some(JobSeen {
            running: is_running,
            failure: kept.failure.clone(),
            loaded: kept.loaded,
            tables: tables
                .map(|(schema, name)| JobTable {
                    schema: schema.clone(),
                    name: name.clone(),
                    state: "Table completed".to_owned(),
                    rows,
                    ..JobTable::default()
                })
                .collect(),
            latency_source: is_running.then_some(Duration::ZERO),
            latency_target: is_running.then_some(age),
        })
    }
}
