//! Assessments.

use cutover_sim::cloud::{Assessed, AssessmentRun, Cloud, StartAssessment};
use serde::{Deserialize, Serialize};

use super::{Describe, answer_one, answer_page};
use crate::answer::Answer;
use crate::moments;
use crate::refusal::Refusal;
use crate::services::Call;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begin {
    replication_task_arn: String,
    service_access_role_arn: String,
    result_location_bucket: String,
    assessment_run_name: String,
    #[serde(default)]
    include_only: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Run {
    replication_task_assessment_run_arn: String,
    replication_task_arn: String,
    status: String,
    replication_task_assessment_run_creation_date: f64,
    assessment_progress: Progress,
    service_access_role_arn: String,
    result_location_bucket: String,
    assessment_run_name: String,
    result_statistic: Statistic,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Progress {
    individual_assessment_count: usize,
    individual_assessment_completed_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statistic {
    passed: usize,
    failed: usize,
    error: usize,
    warning: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Check {
    replication_task_individual_assessment_arn: String,
    replication_task_assessment_run_arn: String,
    individual_assessment_name: String,
    status: String,
    replication_task_individual_assessment_start_date: f64,
}

impl From<AssessmentRun> for Run {
    fn from(run: AssessmentRun) -> Self {
        let count = |status: &str| run.checks.iter().filter(|it| it.status == status).count();
        Self {
            assessment_progress: Progress {
                individual_assessment_count: run.checks.len(),
                individual_assessment_completed_count: run.checks.len() - count("running"),
            },
            result_statistic: Statistic {
                passed: count("passed"),
                failed: count("failed"),
                error: count("error"),
                warning: count("warning"),
            },
            replication_task_assessment_run_arn: run.arn,
            replication_task_arn: run.task_arn,
            status: run.status,
            replication_task_assessment_run_creation_date: moments::seconds(run.created_at),
            service_access_role_arn: run.role_arn,
            result_location_bucket: run.bucket,
            assessment_run_name: run.name,
        }
    }
}

impl From<Assessed> for Check {
    fn from(check: Assessed) -> Self {
        Self {
            replication_task_individual_assessment_arn: check.arn,
            replication_task_assessment_run_arn: check.run_arn,
            individual_assessment_name: check.name,
            status: check.status,
            replication_task_individual_assessment_start_date: moments::seconds(check.started_at),
        }
    }
}

pub(super) fn start(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Begin = call.json()?;
    let start = StartAssessment {
        task_arn: input.replication_task_arn,
        name: input.assessment_run_name,
        role_arn: input.service_access_role_arn,
        bucket: input.result_location_bucket,
        include_only: input.include_only,
        exclude: input.exclude,
    };
    let run = cloud.start_replication_task_assessment_run(call.now, &start)?;
    Ok(answer_one("ReplicationTaskAssessmentRun", &Run::from(run)))
}

pub(super) fn describe_runs(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Describe = call.json()?;
    let page = cloud.describe_replication_task_assessment_runs(call.now, &input.into())?;
    let runs = page.items.into_iter().map(Run::from).collect();
    Ok(answer_page(
        "ReplicationTaskAssessmentRuns",
        runs,
        page.marker,
    ))
}

pub(super) fn describe_checks(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Describe = call.json()?;
    let page = cloud.describe_replication_task_individual_assessments(call.now, &input.into())?;
    let checks = page.items.into_iter().map(Check::from).collect();
    let name = "ReplicationTaskIndividualAssessments";
    Ok(answer_page(name, checks, page.marker))
}
