//! What is wished.

use std::time::Duration;

use crate::validation::catalog::TableName;
use crate::validation::side::{Both, Side};

/// A move of the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Which migration it belongs to: what both control schemas are marked with. Small letters, digits and `_`, beginning
    /// with a letter, at most 30: it is part of the names of replication slots.
    pub migration: String,
    /// Who shall write. The target, or for a rollback the source.
    pub writer: Side,
    /// The tables that are fenced, in the order of their names, as each side names them.
    pub tables: Both<Vec<TableName>>,
    /// How long applications may be refused.
    pub pause: Pause,
    /// Above which lag nothing is begun: how long a marker may take to arrive just before the fence.
    pub max_lag: Duration,
    /// Above which age an open transaction keeps the fence away.
    pub max_transaction_age: Duration,
    /// By how much the new writer's identities jump over everything that either side has given.
    pub identity_gap: u64,
    /// Whether everything is compared once more while nobody writes.
    pub check: bool,
    /// Where services read which database to write to.
    pub setting: Option<Setting>,
    /// The replication from the former writer to the new one, which everything drains through.
    pub drain: Option<Drain>,
    /// The replication from the new writer back to the former one, which is begun after the switch.
    pub back: Option<Back>,
}

impl Spec {
    /// Returns the side that stops to write.
    pub fn former(&self) -> Side {
        self.writer.other()
    }
}

/// How long applications may be refused, and how that time is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// From the first lock of an attempt to the first write that the new writer accepts; the fence ends by itself then.
    pub max: Duration,
    /// How long a fence waits for those who are writing.
    pub lock: Duration,
    /// How often the fence is tried.
    pub attempts: u32,
    /// How long applications are left alone between two attempts.
    pub spacing: Duration,
    /// How much time must be left for the last two steps, else it is called off.
    pub reserve: Duration,
}

impl Default for Pause {
    /// Thirty seconds; three attempts of two seconds for a lock, 20 seconds apart. The design's figures.
    fn default() -> Self {
        Self {
            max: Duration::from_secs(30),
            lock: Duration::from_secs(2),
            attempts: 3,
            spacing: Duration::from_secs(20),
            reserve: Duration::from_secs(2),
        }
    }
}

/// Where services read which database to write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The kind of place.
    pub kind: SettingKind,
    /// The parameter's name, or the secret's ARN or name.
    pub name: String,
}

/// A kind of place for a setting. What is written for each side stays with whoever writes it, since it may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// A parameter of Systems Manager.
    Parameter,
    /// A secret of Secrets Manager.
    Secret,
}

/// A replication that everything drains through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// The ARN of the task, or of the configuration of a replication without server.
    pub arn: String,
    /// Whether it is stopped once the writer has changed.
    pub stop: bool,
}

/// How the replication back is made, or found where it was made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    /// The identifier of the task that is made. The epoch is added to it: another position is another task.
    pub identifier: String,
    /// The endpoint that it reads: the new writer's.
    pub source_endpoint_arn: String,
    /// The endpoint that it writes: the former writer's.
    pub target_endpoint_arn: String,
    /// The instance that it runs on.
    pub instance_arn: String,
    /// How long to wait until it has caught up, before people are called. Payments are not affected.
    pub limit: Duration,
}
