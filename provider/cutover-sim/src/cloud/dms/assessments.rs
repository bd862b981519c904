//! Assessments before a migration.

use cutover_core::Timestamp;

use super::course::Then;
use super::listing::{Known, RECORDS_MAX};
use super::{AwsError, Cloud, DmsPage, DmsQuery, exists, invalid};
use crate::cloud::Service;

/// An assessment to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartAssessment {
    /// The task.
    pub task_arn: String,
    /// The name, which is not taken yet.
    pub name: String,
    /// The role that may write the result.
    pub role_arn: String,
    /// The bucket that it goes to.
    pub bucket: String,
    /// The only checks that are made; all when none is given.
    pub include_only: Vec<String>,
    /// Checks that are left out.
    pub exclude: Vec<String>,
}

/// An assessment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssessmentRun {
    /// Its ARN.
    pub arn: String,
    /// The task.
    pub task_arn: String,
    /// Its name.
    pub name: String,
    /// `running`, `passed`, `failed`, `warning`, `error-executing`.
    pub status: String,
    /// The role that may write the result.
    pub role_arn: String,
    /// The bucket that it goes to.
    pub bucket: String,
    /// When it began.
    pub created_at: Timestamp,
    /// What is checked.
    pub checks: Vec<Assessed>,
}

/// One thing that is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessed {
    /// Its ARN.
    pub arn: String,
    /// The assessment.
    pub run_arn: String,
    /// The task.
    pub task_arn: String,
    /// Its name: `unsupported-data-types-in-source`.
    pub name: String,
    /// `pending`, `running`, `passed`, `failed`, `warning`, `error`.
    pub status: String,
    /// When the assessment began.
    pub started_at: Timestamp,
}

#[derive(Clone, Debug)]
pub(super) struct Kept {
    run: AssessmentRun,
    until: Timestamp,
}

const RUN_FILTERS: Known<'_, AssessmentRun> = &[
    ("replication-task-assessment-run-arn", |it| &it.arn),
    ("replication-task-arn", |it| &it.task_arn),
    ("status", |it| &it.status),
];

const CHECK_FILTERS: Known<'_, Assessed> = &[
    ("replication-task-assessment-run-arn", |it| &it.run_arn),
    ("replication-task-arn", |it| &it.task_arn),
    ("status", |it| &it.status),
];

/// What is checked: three of many. AWS: DMS User Guide, "Individual assessments".
const CHECKS: [&str; 3] = [
    "unsupported-data-types-in-source",
    "table-with-lob-but-without-primary-key-or-unique-constraint",
    "table-with-no-primary-key-or-unique-constraint",
];

impl Cloud {
    /// Says what assessments of a task will find from now on: checks and their status. All others pass.
    pub fn put_assessment_findings(&mut self, task_arn: &str, findings: Vec<(String, String)>) {
        self.dms.findings.insert(task_arn.to_owned(), findings);
    }

    /// DMS: begins an assessment of a task that stands still.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`, `InvalidResourceStateFault`, `ResourceAlreadyExistsFault` for a name that is taken.
    pub fn start_replication_task_assessment_run(
        &mut self,
        now: Timestamp,
        input: &StartAssessment,
    ) -> Result<AssessmentRun, AwsError> {
        let operation = "StartReplicationTaskAssessmentRun";
        self.call(Service::Other, operation, &input.name, now, |cloud| {
            let takes = cloud.config.dms.assessing;
            let checks = cloud.checks(input)?;
            let arn = cloud.dms_arn("assessment-run", None)?;
            let mut all = cloud.dms.assessments.values();
            if all.any(|kept| kept.run.name == input.name) {
                return Err(exists(format!("{} already exists.", input.name)));
            }
            let kept = cloud.still(&input.task_arn, false, "assessed")?;
            let back = Then::Still(kept.task.status.clone());
            kept.pass(now, takes, "testing", back);
            let check = |name: String| Assessed {
                arn: arn.replace(":assessment-run:", ":individual-assessment:") + "-" + &name,
                run_arn: arn.clone(),
                task_arn: input.task_arn.clone(),
                status: "running".to_owned(),
                started_at: now,
                name,
            };
            let run = AssessmentRun {
                task_arn: input.task_arn.clone(),
                name: input.name.clone(),
                status: "running".to_owned(),
                role_arn: input.role_arn.clone(),
                bucket: input.bucket.clone(),
                created_at: now,
                checks: checks.into_iter().map(check).collect(),
                arn: arn.clone(),
            };
            let kept = Kept {
                run: run.clone(),
                until: now.after(takes),
            };
            cloud.dms.assessments.insert(arn, kept);
            Ok(run)
        })
    }

    /// DMS: reads assessments. Filters: `replication-task-assessment-run-arn`, `replication-task-arn`, `status`.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` when there is none of those that are asked for.
    pub fn describe_replication_task_assessment_runs(
        &mut self,
        now: Timestamp,
        query: &DmsQuery,
    ) -> Result<DmsPage<AssessmentRun>, AwsError> {
        let operation = "DescribeReplicationTaskAssessmentRuns";
        self.call(Service::Other, operation, &query.about(), now, |cloud| {
            let all = cloud.dms.assessments.values();
            let all = all.map(|kept| kept.run.clone()).collect();
            let found = query.pick(all, RUN_FILTERS)?;
            query.page(query.some(found, "Assessment runs")?, RECORDS_MAX)
        })
    }

    /// DMS: reads what assessments checked. Filters as those of assessments.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` when there is none of those that are asked for.
    pub fn describe_replication_task_individual_assessments(
        &mut self,
        now: Timestamp,
        query: &DmsQuery,
    ) -> Result<DmsPage<Assessed>, AwsError> {
        let operation = "DescribeReplicationTaskIndividualAssessments";
        self.call(Service::Other, operation, &query.about(), now, |cloud| {
            let all = cloud.dms.assessments.values();
            let all = all.flat_map(|kept| kept.run.checks.clone()).collect();
            let found = query.pick(all, CHECK_FILTERS)?;
            query.page(query.some(found, "Individual assessments")?, RECORDS_MAX)
        })
    }

    /// Returns the names of what an assessment checks.
    fn checks(&self, input: &StartAssessment) -> Result<Vec<String>, AwsError> {
        if input.name.is_empty() || input.role_arn.is_empty() || input.bucket.is_empty() {
            let message = "AssessmentRunName, ServiceAccessRoleArn and ResultLocationBucket are \
                           required";
            return Err(invalid(message));
        }
        if !input.include_only.is_empty() && !input.exclude.is_empty() {
            let message = "IncludeOnly and Exclude cannot be given together";
            return Err(AwsError::bad(
                "InvalidParameterCombinationException",
                message,
            ));
        }
        let found = self.dms.findings.get(&input.task_arn);
        let found = found.into_iter().flatten().map(|(name, _)| name.as_str());
        let mut names: Vec<&str> = CHECKS.into_iter().chain(found).collect();
        names.sort_unstable();
        names.dedup();
        let is_meant = |name: &&str| {
            let is_in = |list: &[String]| list.iter().any(|listed| listed == name);
            (input.include_only.is_empty() || is_in(&input.include_only)) && !is_in(&input.exclude)
        };
        let meant = names.into_iter().filter(is_meant);
        Ok(meant.map(str::to_owned).collect())
    }

    pub(super) fn advance_assessments(&mut self, now: Timestamp) {
        let dms = &mut self.dms;
        for kept in dms.assessments.values_mut() {
            if kept.run.status == "running" && kept.until <= now {
                let findings = dms.findings.get(&kept.run.task_arn);
                kept.run.end(findings.map_or(&[], Vec::as_slice));
            }
        }
    }
}

impl AssessmentRun {
    /// Gives every check its result, and the whole the worst of them.
    fn end(&mut self, findings: &[(String, String)]) {
        for check in &mut self.checks {
            let found = findings.iter().find(|(name, _)| *name == check.name);
            let status = found.map_or("passed", |(_, status)| status.as_str());
            status.clone_into(&mut check.status);
        }
        let has = |status: &str| self.checks.iter().any(|check| check.status == status);
        let status = if has("failed") {
            "failed"
        } else if has("error") {
            "error-executing"
        } else if has("warning") {
            "warning"
        } else {
            "passed"
        };
        status.clone_into(&mut self.status);
    }
}
