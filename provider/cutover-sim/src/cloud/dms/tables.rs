//! Reading the tables of a task, and loading them again.

use cutover_core::Timestamp;

use super::listing::{Known, TABLES_MAX};
use super::{AwsError, Cloud, DmsPage, DmsQuery, TableStatistics, invalid, wrong_state};
use crate::cloud::Service;

const FILTERS: Known<'_, TableStatistics> = &[
    ("schema-name", |it| &it.schema),
    ("table-name", |it| &it.table),
    ("table-state", |it| &it.state),
];

/// The most tables that one call loads again: AWS's limit.
const RELOADS_MAX: usize = 10;

impl Cloud {
    /// DMS: reads what is known of a task's tables. Filters: `schema-name`, `table-name`, `table-state`.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` without the task, `InvalidResourceStateFault` when it has never run.
    pub fn describe_table_statistics(
        &mut self,
        now: Timestamp,
        arn: &str,
        query: &DmsQuery,
    ) -> Result<DmsPage<TableStatistics>, AwsError> {
        let operation = "DescribeTableStatistics";
        self.call(Service::Other, operation, arn, now, |cloud| {
            cloud.tables(arn, false, query)
        })
    }

    /// DMS: reads what is known of the tables of a replication without server, in the same way.
    ///
    /// # Errors
    /// As [`Cloud::describe_table_statistics`].
    pub fn describe_replication_table_statistics(
        &mut self,
        now: Timestamp,
        arn: &str,
        query: &DmsQuery,
    ) -> Result<DmsPage<TableStatistics>, AwsError> {
        let operation = "DescribeReplicationTableStatistics";
        self.call(Service::Other, operation, arn, now, |cloud| {
            cloud.tables(arn, true, query)
        })
    }

    /// DMS: empties tables of a task that runs, each by schema and name, and loads them again.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`, `InvalidResourceStateFault` when it does not run, `InvalidParameterValueException` for
    /// none, more than ten, or tables that it does not have.
    pub fn reload_tables(
        &mut self,
        now: Timestamp,
        arn: &str,
        tables: &[(String, String)],
    ) -> Result<(), AwsError> {
        self.call(Service::Other, "ReloadTables", arn, now, |cloud| {
            cloud.reload(now, arn, false, tables)
        })
    }

    /// DMS: loads tables of a replication without server again.
    ///
    /// # Errors
    /// As [`Cloud::reload_tables`].
    pub fn reload_replication_tables(
        &mut self,
        now: Timestamp,
        arn: &str,
        tables: &[(String, String)],
    ) -> Result<(), AwsError> {
        let operation = "ReloadReplicationTables";
        self.call(Service::Other, operation, arn, now, |cloud| {
            cloud.reload(now, arn, true, tables)
        })
    }

    fn tables(
        &mut self,
        arn: &str,
        serverless: bool,
        query: &DmsQuery,
    ) -> Result<DmsPage<TableStatistics>, AwsError> {
        let task = &self.kept(arn, serverless)?.task;
        // A task that was put there with tables has run before anybody looked.
        if task.tables.is_empty() && !task.has_run() && task.status != "running" {
            return Err(wrong_state(format!("{arn} has never run")));
        }
        let found = query.pick(task.tables.clone(), FILTERS)?;
        query.page(found, TABLES_MAX)
    }

    fn reload(
        &mut self,
        now: Timestamp,
        arn: &str,
        serverless: bool,
        tables: &[(String, String)],
    ) -> Result<(), AwsError> {
        let mover = self.dms.mover.clone();
        let loading = self.config.dms.loading;
        let kept = self.kept(arn, serverless)?;
        if kept.task.status != "running" {
            return Err(wrong_state(format!("{arn} is not running")));
        }
        if tables.is_empty() || tables.len() > RELOADS_MAX {
            let message = format!("TablesToReload must have 1 to {RELOADS_MAX} members");
            return Err(invalid(message));
        }
        for (schema, name) in tables {
            let mut known = kept.task.tables.iter();
            if !known.any(|table| table.is(schema, name)) {
                return Err(invalid(format!("{schema}.{name} is no table of {arn}")));
            }
        }
        kept.load_again(now, tables, loading);
        if let Some(mover) = mover.filter(|_| kept.moved) {
            mover.reload(arn, tables);
        }
        Ok(())
    }
}
