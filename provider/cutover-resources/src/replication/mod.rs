//! `Replication`: a task of DMS, loaded, caught up, and held there.

mod args;
mod conduct;
mod diff;
mod error;
mod look;
mod narrate;
mod resource;
mod state;
mod wish;

pub use args::{ReplicationArgs, ReplicationAssessment, ReplicationMarkers};
pub use resource::Replication;
pub(crate) use state::count;
pub use state::{ReplicatedTable, ReplicationPhase, ReplicationState};
