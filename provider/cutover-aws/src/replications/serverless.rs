//! Replications without server. Their states are told as those of a task.

use aws_sdk_databasemigration::error::ProvideErrorMetadata;
use aws_sdk_databasemigration::types::{ReloadOptionValue, TableStatistics, TableToReload};
use cutover_core::Failure;
use cutover_core::replication::task::{StartKind, TaskSeen};

use super::{AwsReplications, done, done_unless, seen};
use crate::dms::{self, NOT_FOUND, NOT_NOW, PAGES_MAX, TABLES_PER_PAGE};
use crate::failure::{classify, unexpected};

/// The kind of thing that the ARN of a replication without server names.
const KIND: &str = "replication-config";

/// Tells replications without server from tasks: `arn:aws:dms:eu-central-1:123456789012:replication-config:ABC`.
pub(super) fn is_serverless(arn: &str) -> bool {
    arn.split(':').nth(5) == Some(KIND)
}

impl AwsReplications {
    pub(super) async fn replication(&self, arn: &str) -> Result<Option<TaskSeen>, Failure> {
        let action = "dms:DescribeReplications";
        let call = self.dms.client(action).await?.describe_replications();
        let call = call.filters(dms::only("replication-config-arn", arn));
        let found = match call.send().await {
            Ok(answer) => answer.replications.unwrap_or_default().into_iter().next(),
            Err(error) if error.code() == Some(NOT_FOUND) => None,
            Err(error) => return Err(classify(action, &error)),
        };
        found
            .map(|found| seen::replication(&found).ok_or_else(|| unexpected(action)))
            .transpose()
    }

    pub(super) async fn replication_tables(
        &self,
        arn: &str,
    ) -> Result<Vec<TableStatistics>, Failure> {
        let action = "dms:DescribeReplicationTableStatistics";
        let client = self.dms.client(action).await?;
        let (mut tables, mut marker) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let call = client
                .describe_replication_table_statistics()
                .replication_config_arn(arn)
                .max_records(TABLES_PER_PAGE)
                .set_marker(marker.take());
            let page = match call.send().await {
                Ok(page) => page,
                Err(error) if error.code() == Some(NOT_NOW) => return Ok(tables),
                Err(error) => return Err(classify(action, &error)),
            };
            tables.extend(page.replication_table_statistics.unwrap_or_default());
            marker = page.marker;
            if marker.is_none() {
                return Ok(tables);
            }
        }
        Err(unexpected(action))
    }

    pub(super) async fn start_replication(
        &self,
        arn: &str,
        kind: StartKind,
    ) -> Result<(), Failure> {
        let action = "dms:StartReplication";
        let kind = match kind {
            StartKind::Start => "start-replication",
            StartKind::Resume => "resume-processing",
            StartKind::Reload => "reload-target",
        };
        let call = self.dms.client(action).await?.start_replication();
        let call = call.replication_config_arn(arn);
        done(action, call.start_replication_type(kind).send().await)
    }

    pub(super) async fn stop_replication(&self, arn: &str) -> Result<(), Failure> {
        let action = "dms:StopReplication";
        let call = self.dms.client(action).await?.stop_replication();
        let sent = call.replication_config_arn(arn).send().await;
        done_unless(NOT_NOW, action, sent)
    }

    pub(super) async fn reload_replication_tables(
        &self,
        arn: &str,
        tables: Vec<TableToReload>,
    ) -> Result<(), Failure> {
        let action = "dms:ReloadReplicationTables";
        let call = self.dms.client(action).await?.reload_replication_tables();
        let call = call
            .replication_config_arn(arn)
            .set_tables_to_reload(Some(tables))
            .reload_option(ReloadOptionValue::DataReload);
        done(action, call.send().await)
    }

    pub(super) async fn delete_config(&self, arn: &str) -> Result<(), Failure> {
        let action = "dms:DeleteReplicationConfig";
        let call = self.dms.client(action).await?.delete_replication_config();
        let sent = call.replication_config_arn(arn).send().await;
        done_unless(NOT_FOUND, action, sent)
    }
}
