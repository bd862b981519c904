//! How a run begins and ends.

use cutover_core::Timestamp;

use super::course::Then;
use super::mappings::Mappings;
use super::{
    AwsError, Cloud, Job, JobStart, ReplicationTask, StartTask, TableStatistics, TaskStats,
    invalid, wrong_state,
};

impl Cloud {
    /// Starts a task, or a replication without server, that stands still and is as given.
    pub(super) fn start(
        &mut self,
        now: Timestamp,
        input: &StartTask,
        task: &ReplicationTask,
    ) -> Result<ReplicationTask, AwsError> {
        check_start(task, input)?;
        let mut task = task.clone();
        task.cdc_start = input.cdc_start.clone().or(task.cdc_start);
        task.cdc_stop = input.cdc_stop.clone().or(task.cdc_stop);
        let has_endpoints = self.dms.endpoints.contains_key(&task.source_endpoint_arn);
        let mover = self.dms.mover.clone().filter(|_| has_endpoints);
        if let Some(mover) = &mover {
            mover.start(self.job(&task, &input.start_type)?);
        }
        begin(&mut task, &input.start_type, now);
        let pace = self.config.dms;
        let kept = self.kept(&input.arn, task.serverless)?;
        let former = std::mem::replace(&mut kept.task, task);
        if !pace.former.is_zero() {
            kept.former = Some((now.after(pace.former), Box::new(former)));
        }
        kept.moved = mover.is_some();
        kept.loads = None;
        kept.pass(now, pace.starting, "starting", Then::Running);
        Ok(kept.task.clone())
    }

    /// Stops a task, or a replication without server.
    pub(super) fn stop(
        &mut self,
        now: Timestamp,
        arn: &str,
        serverless: bool,
    ) -> Result<ReplicationTask, AwsError> {
        let mover = self.dms.mover.clone();
        let takes = self.config.dms.stopping;
        let kept = self.kept(arn, serverless)?;
        if kept.task.status != "running" {
            return Err(wrong_state(format!(
                "{arn} is not running, its status is {}",
                kept.task.status
            )));
        }
        if let Some(mover) = mover.filter(|_| kept.moved) {
            mover.stop(arn);
        }
        kept.pass(now, takes, "stopping", Then::Stopped);
        Ok(kept.task.clone())
    }

    /// Says what is to be moved.
    fn job(&self, task: &ReplicationTask, start_type: &str) -> Result<Job, AwsError> {
        let mappings = Mappings::parse(&task.table_mappings)?;
        let start = match (start_type, &task.cdc_start) {
            ("resume-processing", _) => JobStart::Resume,
            (_, Some(position)) if !task.loads() => JobStart::At(position.clone()),
            _ => JobStart::Anew,
        };
        Ok(Job {
            task_arn: task.arn.clone(),
            source: self.moved_database(&task.source_endpoint_arn)?,
            target: self.moved_database(&task.target_endpoint_arn)?,
            start,
            load: task.loads(),
            changes: task.follows(),
            include: mappings.include,
            exclude: mappings.exclude,
        })
    }
}

/// Checks whether a start type fits what a task has been through. AWS: API Reference, `StartReplicationTask`.
fn check_start(task: &ReplicationTask, input: &StartTask) -> Result<(), AwsError> {
    let wrong = |why: &str| {
        let name = input.start_type.to_ascii_uppercase().replace('-', "_");
        let message = format!("Start Type : {name}, {why}");
        Err(AwsError::bad(
            "InvalidParameterCombinationException",
            message,
        ))
    };
    let may_begin_elsewhere = !task.loads() && input.cdc_start.is_some();
    match input.start_type.as_str() {
        "start-replication" if task.has_run() && !may_begin_elsewhere => {
            wrong("valid only for tasks running for the first time")
        }
        "resume-processing" | "reload-target" if !task.has_run() => {
            wrong("valid only for tasks that have run")
        }
        "resume-processing" if !task.follows() => wrong("not valid for tasks of type full-load"),
        "reload-target" if !task.loads() => wrong("not valid for tasks of type cdc"),
        "start-replication" | "resume-processing" | "reload-target" => Ok(()),
        other => Err(invalid(format!("{other} is no start type"))),
    }
}

/// Makes a task one whose run begins.
fn begin(task: &mut ReplicationTask, start_type: &str, now: Timestamp) {
    task.start_type = Some(start_type.to_owned());
    task.stop_reason = None;
    task.failure = None;
    task.recovery_checkpoint = None;
    task.stats.stopped_at = None;
    if start_type != "resume-processing" {
        task.stats = TaskStats {
            fresh_start_at: Some(now),
            ..TaskStats::default()
        };
        let named = Mappings::parse(&task.table_mappings).map(|mappings| mappings.named());
        let table = |(schema, name): &(String, String)| TableStatistics::named(schema, name);
        task.tables = match named {
            Ok(named) if !named.is_empty() => named.iter().map(table).collect(),
            // Which tables there are only the database knows, and those that are known already.
            _ => {
                let known = task.tables.iter();
                known
                    .map(|known| TableStatistics {
                        rows: known.rows,
                        ..TableStatistics::named(&known.schema, &known.table)
                    })
                    .collect()
            }
        };
    }
    task.stats.started_at = Some(now);
}
