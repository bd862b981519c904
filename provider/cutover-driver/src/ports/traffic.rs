//! What a shift of traffic reaches the world through.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use cutover_core::shift::facts::ChangeState;
use cutover_core::shift::gates::{AlarmReading, Reading};
use cutover_core::shift::locks::{LockItem, LockPut};
use cutover_core::shift::records::{RecordChange, RecordSet};
use cutover_core::shift::rules::{Rule, RuleChange};
pub use cutover_core::shift::sources::Targets;
use cutover_core::shift::sources::{Metric, Query, Task};
use cutover_core::shift::spec::Answer;
use cutover_core::{Failure, Timestamp};
use futures_util::future::BoxFuture;

/// An answer through a port, or why there is none.
pub type Answered<'a, T> = BoxFuture<'a, Result<T, Failure>>;

/// Everything that a shift of traffic reads and changes. A clone reaches the same.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Record sets of hosted zones.
    pub zones: Arc<dyn HostedZones>,
    /// The answers of authoritative name servers.
    pub name_servers: Arc<dyn NameServers>,
    /// Rules of load balancers.
    pub rules: Arc<dyn ListenerRules>,
    /// Tables that hold the fences of listener rules.
    pub locks: Arc<dyn Locks>,
    /// Metrics and alarms.
    pub metrics: Arc<dyn Metrics>,
    /// Parameters: the kill switch.
    pub parameters: Arc<dyn Parameters>,
    /// Topics for notifications.
    pub topics: Arc<dyn Topics>,
    /// Replication tasks.
    pub tasks: Arc<dyn ReplicationTasks>,
    /// The credentials in use.
    pub credentials: Arc<dyn Credentials>,
}

/// Hosted zones of Route 53.
pub trait HostedZones: Debug + Send + Sync {
    /// Reads a zone; `None` when there is none.
    fn fetch_zone<'a>(&'a self, zone_id: &'a str) -> Answered<'a, Option<Zone>>;

    /// Reads every record set under exactly these names, of all types.
    fn fetch_record_sets<'a>(
        &'a self,
        zone_id: &'a str,
        names: &'a [String],
    ) -> Answered<'a, Vec<RecordSet>>;

    /// Makes all changes of a batch, or none.
    ///
    /// # Cancellation
    /// Must not be dropped: the batch may or may not have taken effect then.
    fn apply<'a>(&'a self, batch: &'a Batch) -> Answered<'a, Applied>;

    /// Asks what became of a batch.
    fn fetch_change<'a>(&'a self, id: &'a str) -> Answered<'a, ChangeState>;

    /// Makes a health check that follows an alarm, or finds the one that was made under the same reference; returns
    /// its id.
    ///
    /// # Cancellation
    /// Must not be dropped, as above.
    fn ensure_health_check<'a>(&'a self, check: &'a HealthCheck) -> Answered<'a, String>;

    /// Removes a health check; one that is gone already counts as removed.
    ///
    /// # Cancellation
    /// Must not be dropped, as above.
    fn delete_health_check<'a>(&'a self, id: &'a str) -> Answered<'a, ()>;
}

/// A hosted zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name, in lower case, without the dot at its end.
    pub name: String,
    /// Whether it answers only inside of VPCs.
    pub private: bool,
    /// The names of its authoritative servers.
    pub name_servers: Vec<String>,
}

/// Changes of record sets that are made together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The zone.
    pub zone_id: String,
    /// The changes, in their order.
    pub changes: Vec<RecordChange>,
    /// Whether it overtakes everything that waits: the way back.
    pub urgent: bool,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was accepted, under this name.
    Accepted {
        /// As the service names it.
        id: String,
    },
    /// It was refused as a whole, since something was not as expected.
    Conflict {
        /// What the service said.
        message: String,
    },
    /// It was not sent: changes of others come first. Asked again it goes on waiting where it was.
    Queued,
}

/// A health check that follows an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Makes asking twice the same as asking once.
    pub reference: String,
    /// The alarm's name.
    pub alarm: String,
    /// The alarm's region; `None`: the region of the credentials.
    pub region: Option<String>,
}

/// Authoritative name servers.
pub trait NameServers: Debug + Send + Sync {
    /// Asks so many times what is answered, and counts whose answers came.
    fn sample<'a>(&'a self, question: &'a Question) -> Answered<'a, Sample>;
}

/// What is asked of name servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The names of the servers.
    pub servers: Vec<String>,
    /// The name asked about.
    pub name: String,
    /// The type asked about, as Route 53 writes it.
    pub record_type: String,
    /// What old answers.
    pub old: Answer,
    /// What new answers.
    pub new: Answer,
    /// How often each server is asked.
    pub times: u32,
}

/// Whose answers came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Answers of old.
    pub old: u32,
    /// Answers of new.
    pub new: u32,
    /// Answers of neither, and questions without an answer.
    pub other: u32,
}

/// Rules of application load balancers.
pub trait ListenerRules: Debug + Send + Sync {
    /// Reads a rule; `None` when there is none.
    fn fetch_rule<'a>(&'a self, rule_arn: &'a str) -> Answered<'a, Option<Rule>>;

    /// Changes a rule.
    ///
    /// # Cancellation
    /// Must not be dropped: the change may or may not have taken effect then.
    fn apply<'a>(&'a self, change: &'a RuleChange) -> Answered<'a, Applied>;

    /// Removes the journal of a rule, as long as it says what is expected. One that is gone is removed already.
    ///
    /// # Cancellation
    /// Must not be dropped: the journal may or may not be gone then.
    fn remove_journal<'a>(&'a self, rule_arn: &'a str, expected: &'a str) -> Answered<'a, Applied>;

    /// Counts the targets of a target group.
    fn fetch_targets<'a>(&'a self, group_arn: &'a str) -> Answered<'a, Targets>;
}

/// Tables of DynamoDB that hold the journals of listener rules. A table that is not there is a refusal that says how to
/// make it.
pub trait Locks: Debug + Send + Sync {
    /// Reads the item of a rule as it is now, and not as it was a moment ago; `None` when there is none.
    fn fetch<'a>(&'a self, table: &'a str, id: &'a str) -> Answered<'a, Option<LockItem>>;

    /// Writes an item when what is expected is there; else that is a conflict, and nothing was written.
    ///
    /// # Cancellation
    /// Must not be dropped: the item may or may not be written then.
    fn put<'a>(&'a self, put: &'a LockPut) -> Answered<'a, Applied>;

    /// Removes the item of a rule, as long as its entry is what is expected. One that is gone is removed already.
    ///
    /// # Cancellation
    /// Must not be dropped: the item may or may not be gone then.
    fn delete<'a>(
        &'a self,
        table: &'a str,
        id: &'a str,
        expected: &'a str,
    ) -> Answered<'a, Applied>;
}

/// Metrics and alarms.
pub trait Metrics: Debug + Send + Sync {
    /// Reads metrics, in their order, in as few calls as can be. What could be read of a metric is no failure; one that
    /// could not be read to its end is.
    fn fetch_series<'a>(
        &'a self,
        queries: &'a [Query],
        from: Timestamp,
        until: Timestamp,
    ) -> Answered<'a, Vec<Reading>>;

    /// Reads alarms by their names; those that do not exist are not in the answer.
    fn fetch_alarms<'a>(
        &'a self,
        names: &'a [String],
    ) -> Answered<'a, BTreeMap<String, AlarmReading>>;

    /// Publishes values.
    fn publish<'a>(&'a self, values: &'a [Published]) -> Answered<'a, ()>;
}

/// A value that is published.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The metric; its statistic is not looked at.
    pub metric: Metric,
    /// When.
    pub at: Timestamp,
    /// The value.
    pub value: f64,
}

/// Parameters of a parameter store.
pub trait Parameters: Debug + Send + Sync {
    /// Reads a parameter; `None` when there is none.
    fn fetch<'a>(&'a self, name: &'a str) -> Answered<'a, Option<String>>;

    /// Sets a parameter.
    ///
    /// # Cancellation
    /// Must not be dropped: it may or may not be set then.
    fn put<'a>(&'a self, name: &'a str, value: &'a str) -> Answered<'a, ()>;
}

/// Topics for notifications.
pub trait Topics: Debug + Send + Sync {
    /// Sends a message.
    fn publish<'a>(&'a self, topic_arn: &'a str, message: &'a Message) -> Answered<'a, ()>;

    /// Tells whether a topic can be sent to, without sending.
    fn fetch<'a>(&'a self, topic_arn: &'a str) -> Answered<'a, bool>;
}

/// A message to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Printable ASCII, fewer than 100 characters.
    pub subject: String,
    /// JSON.
    pub body: String,
    /// The same for the same message sent twice.
    pub key: String,
}

/// Replication tasks of DMS.
pub trait ReplicationTasks: Debug + Send + Sync {
    /// Reads a task; `None` when there is none.
    fn fetch<'a>(&'a self, arn: &'a str) -> Answered<'a, Option<Task>>;
}

/// The credentials in use.
pub trait Credentials: Debug + Send + Sync {
    /// Tells when they end; `None` when they do not, or are renewed by themselves.
    fn fetch_end(&self) -> Answered<'_, Option<Timestamp>>;
}
