//! Assessments of tasks before they run.

use aws_sdk_databasemigration::error::ProvideErrorMetadata;
use aws_sdk_databasemigration::types::ReplicationTaskAssessmentRun;
use cutover_core::Failure;
use cutover_core::replication::facts::AssessmentSeen;
use cutover_core::replication::spec::Assessment;

use super::{AwsReplications, done, is_serverless};
use crate::dms::{self, NOT_FOUND, PAGES_MAX};
use crate::failure::{classify, unexpected};

/// What single checks say that have nothing to tell. Source: the API Reference, `ReplicationTaskIndividualAssessment`.
const NO_FINDINGS: [&str; 3] = ["passed", "pending", "running"];

impl AwsReplications {
    pub(super) async fn begin_assessment(
        &self,
        arn: &str,
        name: &str,
        assessment: &Assessment,
    ) -> Result<(), Failure> {
        let action = "dms:StartReplicationTaskAssessmentRun";
        if is_serverless(arn) {
            let message = "a replication without server is assessed by its own settings when it starts: leave it out";
            return Err(Failure::refused(action, message));
        }
        let call = self.dms.client(action).await?;
        let call = call
            .start_replication_task_assessment_run()
            .replication_task_arn(arn)
            .assessment_run_name(name)
            .service_access_role_arn(&assessment.role_arn)
            .result_location_bucket(&assessment.bucket);
        done(action, call.send().await)
    }

    pub(super) async fn assessment(
        &self,
        arn: &str,
        name: &str,
    ) -> Result<Option<AssessmentSeen>, Failure> {
        let action = "dms:DescribeReplicationTaskAssessmentRuns";
        let Some(run) = self.assessment_run(action, arn, name).await? else {
            return Ok(None);
        };
        let status = run.status().ok_or_else(|| unexpected(action))?;
        let run_arn = run.replication_task_assessment_run_arn();
        let run_arn = run_arn.ok_or_else(|| unexpected(action))?;
        Ok(Some(AssessmentSeen {
            status: status.to_owned(),
            findings: self.findings(run_arn).await?,
            failure: run.last_failure_message().map(str::to_owned),
        }))
    }

    async fn assessment_run(
        &self,
        action: &'static str,
        arn: &str,
        name: &str,
    ) -> Result<Option<ReplicationTaskAssessmentRun>, Failure> {
        let client = self.dms.client(action).await?;
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let call = client
                .describe_replication_task_assessment_runs()
                .filters(dms::only("replication-task-arn", arn))
                .set_marker(marker.take());
            let page = match call.send().await {
                Ok(page) => page,
                Err(error) if error.code() == Some(NOT_FOUND) => return Ok(None),
                Err(error) => return Err(classify(action, &error)),
            };
            let runs = page.replication_task_assessment_runs.unwrap_or_default();
            let mut runs = runs.into_iter();
            let found = runs.find(|run| run.assessment_run_name() == Some(name));
            marker = page.marker;
            if found.is_some() || marker.is_none() {
                return Ok(found);
            }
        }
        Err(unexpected(action))
    }

    async fn findings(&self, run_arn: &str) -> Result<Vec<(String, String)>, Failure> {
        let action = "dms:DescribeReplicationTaskIndividualAssessments";
        let client = self.dms.client(action).await?;
        let (mut findings, mut marker) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let call = client
                .describe_replication_task_individual_assessments()
                .filters(dms::only("replication-task-assessment-run-arn", run_arn))
                .set_marker(marker.take());
            let page = call.send().await;
            let page = page.map_err(|error| classify(action, &error))?;
            let checks = page
                .replication_task_individual_assessments
                .unwrap_or_default();
            findings.extend(checks.into_iter().filter_map(|check| {
                let status = check
                    .status
                    .filter(|is| !NO_FINDINGS.contains(&is.as_str()))?;
                Some((check.individual_assessment_name?, status))
            }));
            marker = page.marker;
            if marker.is_none() {
                return Ok(findings);
            }
        }
        Err(unexpected(action))
    }
}
