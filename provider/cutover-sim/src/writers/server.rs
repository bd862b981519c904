//! One of two databases whose writer changes.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::Timestamp;
use cutover_core::validation::catalog::{Engine, TableName};
use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{
    Captured, Client, Entry, Fence, Identity, LogPosition, State,
};
use cutover_driver::Noted;

/// The place of the first row in a log of PostgreSQL; any would do.
const FIRST_LSN: usize = 0x1000;
/// The place of the first row in a binary log, after its magic number.
const FIRST_POSITION: usize = 4;
/// The only file of binary logs here.
const FILE: &str = "binlog.000001";

/// One of the two databases.
#[derive(Debug)]
pub struct SimServer {
    /// Its software.
    pub engine: Engine,
    /// What tells it from others.
    pub identity: String,
    /// Whether it follows another server.
    pub is_replica: bool,
    /// Every call fails so, no payment is taken, and nothing is replicated from it or to it.
    pub down: Option<DbFailureClass>,
    /// The row; `None` while there is no control schema.
    pub state: Option<State>,
    /// The fence as it was last set.
    pub fence: SimFence,
    /// Tables whose fence is missing. While there are any, payments pass.
    pub unfenced: Vec<TableName>,
    /// Transactions that are open: since when, and whose.
    pub transactions: Vec<(Timestamp, String)>,
    /// Who keeps the locks of tables: until when, if that will end, and who.
    pub blockers: Vec<(Option<Timestamp>, String)>,
    /// Who is connected.
    pub clients: Vec<Client>,
    /// Rows that replication could not apply.
    pub exceptions: Option<u64>,
    /// What counts values up. The first one gives the numbers of payments.
    pub identities: Vec<Identity>,
    /// Numbers of payments that it holds.
    pub payments: BTreeSet<u64>,
    /// Markers that have arrived from the other side.
    pub markers: BTreeSet<u64>,
    /// Places from which the log is kept, by their names: how many rows come before each.
    pub kept: BTreeMap<String, usize>,
    /// The place that was noted last, as the control schema has it.
    pub captured: Option<Captured>,
    pub(super) log: Vec<Written>,
    /// How many rows at the beginning of the log are not kept any more.
    pub(super) purged: usize,
    pub(super) journal: Vec<Noted>,
    pub(super) holder: Option<Holder>,
}

/// A fence as it was last set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimFence {
    /// There is none.
    Absent,
    /// It lets writes through.
    Open,
    /// It refuses them until then.
    Paused(Timestamp),
    /// It refuses them.
    Closed,
}

/// Who holds the lock of the migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// Its session; `None` for somebody outside of this simulation.
    pub(super) session: Option<u64>,
    pub(super) by: String,
}

/// A row in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) at: Timestamp,
    pub(super) row: LogRow,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogRow {
    /// A payment.
    Payment(u64),
    /// A marker, by the side that it was written on.
    Marker(Side, u64),
}

impl SimServer {
    pub(super) fn new(engine: Engine, side: Side) -> Self {
        Self {
            engine,
            identity: format!("{side}-1"),
            is_replica: false,
            down: None,
            state: None,
            fence: SimFence::Absent,
            unfenced: Vec::new(),
            transactions: Vec::new(),
            blockers: Vec::new(),
            clients: Vec::new(),
            exceptions: Some(0),
            identities: vec![Identity {
                name: "shop.payments.id".to_owned(),
                next: 1,
                greatest: None,
                increment: 1,
                limit: i64::MAX.into(),
            }],
            payments: BTreeSet::new(),
            markers: BTreeSet::new(),
            kept: BTreeMap::new(),
            captured: None,
            log: Vec::new(),
            purged: 0,
            journal: Vec::new(),
            holder: None,
        }
    }

    /// Returns what the fence does at a moment.
    pub fn fence_at(&self, now: Timestamp) -> Fence {
        match self.fence {
            SimFence::Absent => Fence::Absent,
            SimFence::Open => Fence::Open,
            SimFence::Paused(until) if until <= now => Fence::Expired,
            SimFence::Paused(until) => Fence::Paused {
                left: until.since(now),
            },
            SimFence::Closed => Fence::Closed,
        }
    }

    /// Returns the lines of its journal, oldest first.
    pub fn journal(&self) -> &[Noted] {
        &self.journal
    }

    /// Loses everything that the log holds, though places in it were noted.
    pub fn lose_log(&mut self) {
        self.purged = self.log.len();
        self.kept.clear();
    }

    pub(super) fn note(&mut self, at: Timestamp, entry: &Entry) {
        let number = self.journal.last().map_or(1, |last| last.number + 1);
        self.journal.push(Noted {
            number,
            at: at.to_utc(),
            entry: entry.clone(),
        });
    }

    /// Names a place of the log as the engine does.
    pub(super) fn position(&self, name: &str, rows: usize) -> LogPosition {
        match self.engine {
            Engine::Postgres => LogPosition::Slot {
                name: name.to_owned(),
                lsn: format!("0/{:X}", FIRST_LSN + rows),
            },
            Engine::Mysql | Engine::Mariadb => LogPosition::Binlog {
                file: FILE.to_owned(),
                position: (FIRST_POSITION + rows) as u64,
            },
        }
    }

    /// Finds the place of the log that is named as DMS wants it; how many rows come before it.
    pub(super) fn place(&self, cdc_start: &str) -> Result<usize, String> {
        let unreadable = || format!("`{cdc_start}` is no place in a log of {}", self.engine);
        let rows = match self.engine {
            Engine::Postgres => cdc_start
                .strip_prefix("0/")
                .and_then(|lsn| usize::from_str_radix(lsn, 16).ok())
                .and_then(|lsn| lsn.checked_sub(FIRST_LSN)),
            Engine::Mysql | Engine::Mariadb => cdc_start
                .strip_prefix(FILE)
                .and_then(|rest| rest.strip_prefix(':'))
                .and_then(|position| position.parse::<usize>().ok())
                .and_then(|position| position.checked_sub(FIRST_POSITION)),
        };
        let rows = rows.filter(|rows| *rows <= self.log.len());
        let rows = rows.ok_or_else(unreadable)?;
        let kept = match self.engine {
            Engine::Postgres => self.kept.values().any(|kept| *kept <= rows),
            Engine::Mysql | Engine::Mariadb => rows >= self.purged,
        };
        if kept {
            Ok(rows)
        } else {
            Err(format!("the log from `{cdc_start}` on is gone"))
        }
    }
}
