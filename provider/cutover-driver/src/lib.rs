//! Walks the machines of `cutover-core` through ports.
//!
//! [`run`] is the one loop: it asks a machine what is next, has it performed, tells the machine what came of it, and
//! stops between two commands when it is told to. It decides nothing, and it names no cloud and no database.
//!
//! Ports are small and named by their subject; adapters implement them elsewhere, and fakes do in tests. They are
//! gathered in [`World`]. Calls through a port never fail: what went wrong is a fact as well.
//!
//! # Where things are
//!
//! | Module | Subject |
//! | --- | --- |
//! | `run` | the loop, and how it stops |
//! | `ports` | what the world is reached through |
//! | `clock` | the only place that reads a clock |
//! | `validation` | two databases compared: commands over the ports, paced, and resumed where it was stopped |
//! | `teardown` | what is stopped and removed at the end of a migration: its commands over the ports |
//! | `shift` | a shift of traffic: its commands over the ports, the request budget, messages, and stopping it in time |
//! | `replication` | one direction of replication by DMS: its commands over the ports |
//! | `writer_switch` | a move of the writer: its commands over the ports, the comparison in the pause, and stopping it in time |

mod clock;
mod ports;
mod replication;
mod run;
mod shift;
mod teardown;
mod validation;
mod writer_switch;

pub use clock::{Clock, SystemClock, Wait};
pub use ports::{
    Address, Answered, Applied, Asked, Batch, Closing, Credentials, Database, Databases, Ensuring,
    Fenced, HealthCheck, Hidden, HostedZones, ListenerRules, Locks, Message, Metrics, NameServers,
    Noted, Parameters, Perform, Piece, Printed, Published, Question, ReplicationTasks,
    Replications, Sample, Secrets, ServiceRoles, Snapshot, Surveying, Tallied, Targets, TlsWish,
    Topics, Traffic, World, WriterControl, Writers, Zone,
};
pub use replication::Replicating;
pub use run::{Ended, run};
pub use shift::{
    Allowance, Budgeted, Conducted, Guard, Herald, Notify, Shifting, Tell, Undelivered, conduct,
};
pub use teardown::TearingDown;
pub use validation::{Checkpoint, PassProgress, Progress, Validated, Validating, validate};
pub use writer_switch::{BackTask, FinalCheck, Moved, SwitchTell, Switching, switch_writer};
