//! What the loop reaches the world through.

mod database;
mod replication;
mod traffic;
mod writers;

use std::fmt::Debug;
use std::sync::Arc;

use cutover_core::service_roles::{Act, Command, Fact, Look};
use futures_util::future::BoxFuture;

use crate::Clock;
pub use database::{
    Address, Asked, Database, Databases, Hidden, Piece, Printed, Secrets, Snapshot, Tallied,
    TlsWish,
};
pub use replication::Replications;
pub use traffic::{
    Answered, Applied, Batch, Credentials, HealthCheck, HostedZones, ListenerRules, Locks, Message,
    Metrics, NameServers, Parameters, Published, Question, ReplicationTasks, Sample, Targets,
    Topics, Traffic, Zone,
};
pub use writers::{Closing, Fenced, Noted, WriterControl, Writers};

/// The service roles of DMS, in whichever account the adapter's credentials belong to.
pub trait ServiceRoles: Debug + Send + Sync {
    /// Looks.
    fn fetch<'a>(&'a self, look: &'a Look) -> BoxFuture<'a, Fact>;

    /// Changes something.
    ///
    /// # Cancellation
    /// Must not be dropped: the change may or may not have taken effect then.
    fn apply<'a>(&'a self, act: &'a Act) -> BoxFuture<'a, Fact>;
}

/// Everything outside of this process that decisions are about.
#[derive(Clone, Debug)]
pub struct World {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The service roles of DMS.
    pub service_roles: Arc<dyn ServiceRoles>,
    /// What directs traffic, and what is known about it.
    pub traffic: Traffic,
    /// Databases that are compared.
    pub databases: Arc<dyn Databases>,
    /// Secrets that programs only name.
    pub secrets: Arc<dyn Secrets>,
    /// Databases whose writer changes.
    pub writers: Arc<dyn Writers>,
    /// Replication by DMS.
    pub replications: Arc<dyn Replications>,
}

/// Performs the commands of one kind of machine.
pub trait Perform<C, F>: Sync {
    /// Performs a command. It never fails: a failure is a fact.
    fn perform<'a>(&'a self, command: &'a C) -> BoxFuture<'a, F>;

    /// Tells whether a command only looks, so that it may be dropped before its answer has come.
    fn only_looks(&self, command: &C) -> bool;
}

/// Performs what [`cutover_core::service_roles::Survey`] asks for: nothing that changes anything.
#[derive(Clone, Copy, Debug)]
pub struct Surveying<'w>(pub &'w dyn ServiceRoles);

impl Perform<Look, Fact> for Surveying<'_> {
    fn perform<'a>(&'a self, look: &'a Look) -> BoxFuture<'a, Fact> {
        self.0.fetch(look)
    }

    fn only_looks(&self, _look: &Look) -> bool {
        true
    }
}

/// Performs what [`cutover_core::service_roles::Ensure`] asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ensuring<'w>(pub &'w dyn ServiceRoles);

impl Perform<Command, Fact> for Ensuring<'_> {
    fn perform<'a>(&'a self, command: &'a Command) -> BoxFuture<'a, Fact> {
        match command {
            Command::Fetch(look) => self.0.fetch(look),
            Command::Apply(act) => self.0.apply(act),
        }
    }

    fn only_looks(&self, command: &Command) -> bool {
        matches!(command, Command::Fetch(_))
    }
}
