//! What replication by DMS is driven through.

use std::fmt::Debug;

use cutover_core::replication::facts::AssessmentSeen;
use cutover_core::replication::spec::Assessment;
use cutover_core::replication::task::{
    ConnectionSeen, NewTask, StartKind, TableSeen, TaskMetrics, TaskSeen,
};

use super::Answered;

/// Replication by DMS: tasks on instances, and replications without server, told apart by their ARNs.
///
/// What changes something must not be dropped: it may or may not have taken effect then.
pub trait Replications: Debug + Send + Sync {
    /// Reads a task by its ARN, its instance included; `None` when there is none.
    fn fetch<'a>(&'a self, arn: &'a str) -> Answered<'a, Option<TaskSeen>>;

    /// Finds a task by its identifier; `None` when there is none.
    fn find<'a>(&'a self, identifier: &'a str) -> Answered<'a, Option<TaskSeen>>;

    /// Reads the tables of a task; none while it has not come far enough to have any.
    fn fetch_tables<'a>(&'a self, arn: &'a str) -> Answered<'a, Vec<TableSeen>>;

    /// Reads the newest figures of a task.
    fn fetch_metrics<'a>(&'a self, task: &'a TaskSeen) -> Answered<'a, TaskMetrics>;

    /// Begins a test of the connection from an instance to an endpoint.
    fn test_connection<'a>(
        &'a self,
        instance_arn: &'a str,
        endpoint_arn: &'a str,
    ) -> Answered<'a, ()>;

    /// Reads what the last test gave; `None` when there was none.
    fn fetch_connection<'a>(
        &'a self,
        instance_arn: &'a str,
        endpoint_arn: &'a str,
    ) -> Answered<'a, Option<ConnectionSeen>>;

    /// Begins an assessment under a name.
    fn assess<'a>(
        &'a self,
        arn: &'a str,
        name: &'a str,
        assessment: &'a Assessment,
    ) -> Answered<'a, ()>;

    /// Reads what an assessment gave; `None` when there is none of that name.
    fn fetch_assessment<'a>(
        &'a self,
        arn: &'a str,
        name: &'a str,
    ) -> Answered<'a, Option<AssessmentSeen>>;

    /// Starts a task.
    fn start<'a>(&'a self, arn: &'a str, kind: StartKind) -> Answered<'a, ()>;

    /// Stops a task. One that runs no more is refused by DMS; that is no failure here.
    fn stop<'a>(&'a self, arn: &'a str) -> Answered<'a, ()>;

    /// Loads tables of a running task again.
    fn reload<'a>(&'a self, arn: &'a str, tables: &'a [(String, String)]) -> Answered<'a, ()>;

    /// Makes a task for changes only, and has its source endpoint read the slot, if there is one. Returns its ARN. One that is
    /// there under the same identifier is a refusal.
    fn create<'a>(&'a self, task: &'a NewTask) -> Answered<'a, String>;

    /// Removes a task that does not run; without effect when it is gone already.
    fn delete<'a>(&'a self, arn: &'a str) -> Answered<'a, ()>;

    /// Removes a replication instance; without effect when it is gone already.
    fn delete_instance<'a>(&'a self, arn: &'a str) -> Answered<'a, ()>;
}
