//! What both databases say about who writes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::validation::catalog::{Engine, TableName};
use crate::validation::side::Side;

/// What one database says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Its software.
    pub engine: Engine,
    /// What tells this server and database from any other, hashed.
    pub identity: String,
    /// Whether it follows another server by physical replication, or is read-only as a whole.
    pub is_replica: bool,
    /// The row; `None` when the control schema is not there.
    pub state: Option<State>,
    /// What the fence does right now, by the clock of the server.
    pub fence: Fence,
    /// The place in its log that was noted last and not given up since, as it was noted: kept in its control schema, so that
    /// a later run finds it.
    pub captured: Option<Captured>,
    /// Tables of ours whose fence is missing, though the row says that there is one; and those that do not exist.
    pub unfenced: Vec<TableName>,
    /// Transactions that have been open for longer than was asked about, the oldest first.
    pub old_transactions: Vec<OldTransaction>,
    /// Who is connected besides us, those with the most connections first.
    pub clients: Vec<Client>,
    /// Rows that replication could not apply here, and tables that it has given up, as its own tables count them; `None`
    /// where it keeps none.
    pub exceptions: Option<u64>,
}

/// The row of one side. The row with the higher epoch is the truth about the writer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Which migration the control schema belongs to.
    pub migration: String,
    /// Who writes, as far as this side knows.
    pub writer: Side,
    /// How often the writer has changed.
    pub epoch: u64,
    /// What the fence was last told to be.
    pub told: Told,
}

/// What a fence was told to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Told {
    /// To let writes through.
    Open,
    /// To refuse them until a moment that the server knows.
    Paused,
    /// To refuse them.
    Closed,
}

/// What a fence does right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// There is none.
    Absent,
    /// It lets writes through.
    Open,
    /// It refuses them, and will stop to by itself.
    Paused {
        /// After this time.
        left: Duration,
    },
    /// It was paused, and that is over: it lets writes through.
    Expired,
    /// It refuses them.
    Closed,
}

impl Fence {
    /// Tells whether applications can write.
    pub fn lets_through(self) -> bool {
        matches!(self, Self::Absent | Self::Open | Self::Expired)
    }
}

/// A transaction that has been open for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldTransaction {
    /// How long.
    pub age: Duration,
    /// Whose: `app@10.0.3.7 (checkout), process 4711`. Never a statement, which may hold values.
    pub who: String,
}

/// Somebody who is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The user.
    pub user: String,
    /// From where, if that is known.
    pub host: Option<String>,
    /// How many connections.
    pub connections: u32,
}

/// A place in the log of a database, from which replication can begin without a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum LogPosition {
    /// PostgreSQL: a logical replication slot, which keeps the log from there on.
    Slot {
        /// Its name.
        name: String,
        /// From where it keeps the log: `0/16B3748`.
        lsn: String,
    },
    /// MySQL and MariaDB: a place in a binary log.
    Binlog {
        /// The file.
        file: String,
        /// The offset in it.
        position: u64,
    },
}

impl LogPosition {
    /// As DMS wants it for `CdcStartPosition`: an LSN, or `file:position`.
    pub fn cdc_start(&self) -> String {
        match self {
            Self::Slot { lsn, .. } => lsn.clone(),
            Self::Binlog { file, position } => format!("{file}:{position}"),
        }
    }
}

/// A place in the log of a side that was noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// The name that it was noted under, which names the epoch that it is for.
    pub name: String,
    /// The place.
    pub position: LogPosition,
}

/// What counts values up: a sequence, or the `AUTO_INCREMENT` of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The table and column that it fills, or the sequence itself where no column owns it: `payments.id`, `order_numbers`.
    /// Without the schema, which both sides may name differently, unless several of the fenced tables share a name.
    pub name: String,
    /// What it would give next.
    pub next: i128,
    /// The greatest value in the column (the least, where it counts down), where it fills one.
    pub greatest: Option<i128>,
    /// By how much it counts; negative where it counts down.
    pub increment: i64,
    /// The greatest value that it can give (the least, where it counts down).
    pub limit: i128,
}

/// A line of the journal, which is kept on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The run that wrote it.
    pub run: String,
    /// The epoch at that time.
    pub epoch: u64,
    /// The step, as the plan names it.
    pub step: String,
    /// What came of it, or what is about to be done; for people.
    pub text: String,
}
