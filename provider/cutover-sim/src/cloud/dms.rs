//! DMS: endpoints, instances, tasks and replications without server, which are one thing here.
//!
//! | File | Subject |
//! |---|---|
//! | `task.rs` | a task and its tables as DMS describes them |
//! | `tasks.rs` | making, reading, changing, starting, stopping and removing tasks |
//! | `starts.rs` | how a run begins and ends |
//! | `replications.rs` | the same for replications without server |
//! | `tables.rs` | reading tables, and loading them again |
//! | `course.rs` | what becomes of a task as time goes on; `load.rs` the load, where no rows move |
//! | `endpoints.rs`, `instances.rs`, `connections.rs` | what a task needs |
//! | `assessments.rs` | assessments before a migration |
//! | `metrics.rs` | what CloudWatch is told |
//! | `mappings.rs` | which tables a task has |
//! | `listing.rs` | filters and pages |
//! | `events.rs` | what happens on script |
//! | `pace.rs` | how long everything takes |
//! | `mover.rs` | what moves rows, where rows really move |

mod assessments;
mod connections;
mod course;
mod endpoints;
mod events;
mod instances;
mod listing;
mod load;
mod mappings;
mod metrics;
mod mover;
mod pace;
mod replications;
mod starts;
mod tables;
mod task;
mod tasks;

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover_core::Timestamp;

use super::{AwsError, Cloud, mix};
pub use assessments::{Assessed, AssessmentRun, StartAssessment};
pub use connections::DmsConnection;
pub use endpoints::{DmsEndpoint, ModifyEndpoint};
pub use events::DmsEvent;
pub use instances::{Maintenance, ReplicationInstance};
pub use listing::{DmsPage, DmsQuery};
pub use mover::{Job, JobSeen, JobStart, JobTable, MovedDatabase, Mover};
pub use pace::DmsPace;
pub use task::{NewReplicationTask, ReplicationTask, StartTask, TableStatistics, TaskStats};
pub use tasks::ModifyReplicationTask;

/// Everything that DMS holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Dms {
    mover: Option<Arc<dyn Mover>>,
    endpoints: BTreeMap<String, DmsEndpoint>,
    instances: BTreeMap<String, instances::Kept>,
    /// By instance and endpoint.
    connections: BTreeMap<(String, String), connections::Kept>,
    tasks: BTreeMap<String, course::Kept>,
    assessments: BTreeMap<String, assessments::Kept>,
    /// What assessments of a task will find: checks and their status.
    findings: BTreeMap<String, Vec<(String, String)>>,
    /// Endpoints that no test reaches, and what it says.
    unreachable: BTreeMap<String, String>,
    /// What is to come, in no order.
    events: Vec<(Timestamp, DmsEvent)>,
}

/// How many letters name a resource in its ARN when nobody chose a name; AWS's, as seen in its examples.
const RESOURCE_LETTERS: u32 = 26;

/// The longest identifier of a task or an endpoint, and the longest last part of an ARN that can be chosen: AWS's limits.
const IDENTIFIER_MAX: usize = 255;
const RESOURCE_MAX: usize = 31;

impl Cloud {
    /// Has rows of tasks that are started from now on moved for real. Without this, tasks only appear to.
    pub fn move_rows_by(&mut self, mover: Arc<dyn Mover>) {
        self.dms.mover = Some(mover);
    }

    /// Lets everything become what it is at a moment.
    pub(super) fn advance_dms(&mut self, now: Timestamp) {
        while let Some((at, event)) = self.dms.next_event(now) {
            self.advance_all_of_dms(at);
            self.let_happen(at, event);
        }
        self.advance_all_of_dms(now);
    }

    fn advance_all_of_dms(&mut self, now: Timestamp) {
        self.advance_instances(now);
        self.advance_connections(now);
        self.advance_assessments(now);
        self.advance_tasks(now);
    }

    /// Makes an ARN of a kind: `task`, `endpoint`, `rep`.
    fn dms_arn(&mut self, kind: &str, chosen: Option<&str>) -> Result<String, AwsError> {
        let resource = match chosen {
            Some(name) => {
                check_identifier("ResourceIdentifier", name, RESOURCE_MAX)?;
                name.to_owned()
            }
            None => letters(mix(self.next_serial())),
        };
        let (region, account) = (&self.config.region, &self.config.account);
        Ok(format!("arn:aws:dms:{region}:{account}:{kind}:{resource}"))
    }
}

/// Makes letters of a number, as the last part of ARNs has them.
fn letters(mut number: u64) -> String {
    let next = |_| {
        number = mix(number);
        let letter = u8::try_from(number % 26).unwrap_or_default();
        char::from(b'A' + letter)
    };
    (0..RESOURCE_LETTERS).map(next).collect()
}

/// Checks an identifier by the rules that all of them have: a letter first, then letters, digits and hyphens, not two of
/// them together and none at the end.
fn check_identifier(member: &str, text: &str, longest: usize) -> Result<(), AwsError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_right = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(allowed)
        && text.len() <= longest
        && !text.contains("--")
        && !text.ends_with('-');
    if is_right {
        return Ok(());
    }
    Err(invalid(format!(
        "The parameter {member} is not valid. Identifiers must begin with a letter; must contain only ASCII letters, \
         digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
    )))
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::bad("InvalidParameterValueException", message)
}

fn not_found(message: impl Into<String>) -> AwsError {
    AwsError::bad("ResourceNotFoundFault", message)
}

fn wrong_state(message: impl Into<String>) -> AwsError {
    AwsError::bad("InvalidResourceStateFault", message)
}

fn exists(message: impl Into<String>) -> AwsError {
    AwsError::bad("ResourceAlreadyExistsFault", message)
}
