//! Two databases in memory, of which one follows the other: what a validation reads in tests.
//!
//! [`Bank`] holds tables of whole numbers, a replication link that is late, writers that change rows as time passes, and
//! a script of faults. It stands behind the port of the driver as [`SimDatabase`]. It is strict: pieces that are read at
//! the same time and overlap, and a snapshot that was closed before it was read, are [complaints](Bank::complaints).

mod answers;
mod database;
mod rows;
mod script;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::validation::catalog::{Engine, TableName};
use cutover_core::validation::facts::{DbFailure, DbFailureClass, Sought};
use cutover_core::validation::plan::Span;
use cutover_core::validation::side::{Both, Side};
use cutover_driver::{Clock, Database};

pub use database::SimDatabase;
pub use rows::{Kept, SimRow, SimTable};
pub use script::{BankFault, BankWhat};

/// Two databases. Clones are the same.
#[derive(Clone, Debug)]
pub struct Bank {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<BankState>>,
}

/// What both databases hold, and what happens to them.
#[derive(Debug)]
pub struct BankState {
    /// The servers.
    pub servers: Both<SimServer>,
    /// How late the link is: a change on the source shows on the target so much later.
    pub lag: Duration,
    /// Values of queries, by their text; those that are not here give `1`.
    pub values: BTreeMap<String, String>,
    /// What rules find, by their names; those that are not here find nothing.
    pub sought: BTreeMap<String, Sought>,
    /// Changes that the target has not had.
    link: Vec<Change>,
    /// How many changes were written on the source, and applied on the target.
    positions: Both<u64>,
    writers: Vec<Writer>,
    acts: Vec<(Timestamp, script::Act)>,
    script: Vec<BankFault>,
    occurrences: BTreeMap<(Side, &'static str), usize>,
    calls: Vec<Called>,
    complaints: Vec<String>,
    reading: BTreeMap<u64, (Side, &'static str, TableName, Span)>,
    next: u64,
}

/// A server.
#[derive(Debug)]
pub struct SimServer {
    /// Its software.
    pub engine: Engine,
    /// What tells it from others.
    pub identity: String,
    /// Sessions at work besides those of the validation.
    pub active_sessions: u32,
    /// How many rows one connection reads in a second.
    pub rows_per_second: u64,
    /// After how long a statement is cancelled.
    pub statement_timeout: Duration,
    /// Its tables.
    pub tables: BTreeMap<TableName, SimTable>,
    /// Rises with every restart, which breaks what is running and all snapshots.
    epoch: u64,
    /// The server that connections were made to, once one was.
    met: Option<String>,
    snapshots: BTreeMap<String, Moment>,
    /// The next transaction.
    transaction: u64,
}

/// A snapshot.
#[derive(Debug)]
struct Moment {
    tables: BTreeMap<TableName, SimTable>,
    closed: bool,
}

/// A row that was written on the source; `None` when it was deleted.
#[derive(Clone, Debug)]
struct Change {
    at: Timestamp,
    table: TableName,
    id: i64,
    values: Option<Vec<i64>>,
}

/// Somebody who changes one row again and again.
#[derive(Debug)]
struct Writer {
    table: TableName,
    id: i64,
    every: Duration,
    next: Timestamp,
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    /// Of which side.
    pub side: Side,
    /// The method of the port.
    pub call: &'static str,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended; `None` when it was dropped or is running.
    pub ended_at: Option<Timestamp>,
    /// The piece that was read.
    pub span: Option<Span>,
    /// How it failed.
    pub failed: Option<DbFailureClass>,
}

impl Bank {
    /// Makes two empty databases of these engines. A connection reads 100,000 rows a second; the link is 200 ms late.
    pub fn new(clock: Arc<dyn Clock>, engines: &Both<Engine>) -> Self {
        let server = |side| SimServer {
            engine: *engines.get(side),
            identity: format!("{side}-1"),
            active_sessions: 1,
            rows_per_second: 100_000,
            statement_timeout: Duration::from_secs(30),
            tables: BTreeMap::new(),
            epoch: 0,
            met: None,
            snapshots: BTreeMap::new(),
            transaction: 1_000,
        };
        let state = BankState {
            servers: Both::of(server),
            lag: Duration::from_millis(200),
            values: BTreeMap::new(),
            sought: BTreeMap::new(),
            link: Vec::new(),
            positions: Both::default(),
            writers: Vec::new(),
            acts: Vec::new(),
            script: Vec::new(),
            occurrences: BTreeMap::new(),
            calls: Vec::new(),
            complaints: Vec::new(),
            reading: BTreeMap::new(),
            next: 0,
        };
        Self {
            clock,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Returns both databases as the driver reaches them.
    pub fn databases(&self) -> Both<Arc<dyn Database>> {
        Both::of(|side| -> Arc<dyn Database> { Arc::new(SimDatabase::new(self.clone(), side)) })
    }

    /// Tells the time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Looks at the state and changes it, as of now.
    pub fn with<T>(&self, act: impl FnOnce(&mut BankState) -> T) -> T {
        let now = self.clock.now();
        let mut state = self.lock();
        state.catch_up(now);
        act(&mut state)
    }

    /// Adds a line to the script.
    pub fn fault(&self, fault: BankFault) {
        self.lock().script.push(fault);
    }

    /// Has something happen so long from now.
    pub fn after(&self, wait: Duration, act: impl FnOnce(&mut BankState) + Send + 'static) {
        let at = self.clock.now().after(wait);
        self.lock().acts.push((at, script::Act::new(act)));
    }

    /// Returns the calls that were made.
    pub fn calls(&self) -> Vec<Called> {
        self.lock().calls.clone()
    }

    /// Returns what was done that must not be.
    pub fn complaints(&self) -> Vec<String> {
        self.lock().complaints.clone()
    }

    /// Returns how many snapshots are open.
    pub fn open_snapshots(&self) -> usize {
        let state = self.lock();
        let open = |side| {
            let moments = state.servers.get(side).snapshots.values();
            moments.filter(|moment| !moment.closed).count()
        };
        Side::BOTH.into_iter().map(open).sum()
    }

    fn lock(&self) -> MutexGuard<'_, BankState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BankState {
    /// Adds a table with the same rows on both sides.
    pub fn add_table(&mut self, name: &TableName, table: &SimTable) {
        for side in Side::BOTH {
            let tables = &mut self.servers.get_mut(side).tables;
            tables.insert(name.clone(), table.clone());
        }
    }

    /// Writes a row of one side alone; `None` deletes it. What is written on the source is not carried to the target.
    pub fn put(&mut self, side: Side, table: &TableName, id: i64, values: Option<Vec<i64>>) {
        let server = self.servers.get_mut(side);
        server.transaction += 1;
        let transaction = server.transaction;
        if let Some(table) = server.tables.get_mut(table) {
            table.put(id, values, transaction);
        }
    }

    /// Writes a row of the source, which the link carries to the target; `None` deletes it.
    pub fn write(&mut self, at: Timestamp, table: &TableName, id: i64, values: Option<Vec<i64>>) {
        self.put(Side::Source, table, id, values.clone());
        self.positions.source += 1;
        let table = table.clone();
        self.link.push(Change {
            at,
            table,
            id,
            values,
        });
    }

    /// Has somebody change a row of the source again and again, beginning at a moment.
    pub fn add_writer(&mut self, begin: Timestamp, table: &TableName, id: i64, every: Duration) {
        self.writers.push(Writer {
            table: table.clone(),
            id,
            every,
            next: begin,
        });
    }

    /// Ends all writers.
    pub fn stop_writers(&mut self) {
        self.writers.clear();
    }

    /// Restarts a server: what runs is broken, and snapshots are gone.
    pub fn restart(&mut self, side: Side) {
        let server = self.servers.get_mut(side);
        server.epoch += 1;
        server.snapshots.clear();
    }

    /// Has another server take a server's place.
    pub fn fail_over(&mut self, side: Side) {
        self.restart(side);
        let server = self.servers.get_mut(side);
        server.identity = format!("{}-next", server.identity);
    }

    /// Lets everything happen that was to happen until now, in its order.
    fn catch_up(&mut self, now: Timestamp) {
        loop {
            let act = self.acts.iter().map(|(at, _)| *at).min();
            let write = self.writers.iter().map(|writer| writer.next).min();
            let next = [act, write].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= now) else {
                break;
            };
            self.apply(at);
            if let Some(due) = self.acts.iter().position(|(when, _)| *when == at) {
                let (_, act) = self.acts.remove(due);
                act.run(self);
            } else if let Some(due) = self.writers.iter().position(|writer| writer.next == at) {
                self.rewrite(due, at);
            }
        }
        self.apply(now);
    }

    fn rewrite(&mut self, writer: usize, at: Timestamp) {
        let writer = &mut self.writers[writer];
        writer.next = at.after(writer.every);
        let (table, id) = (writer.table.clone(), writer.id);
        let row = self
            .servers
            .source
            .tables
            .get(&table)
            .and_then(|table| table.rows.get(&id));
        let values = row.map(|row| row.values.iter().map(|value| value + 1).collect());
        self.write(at, &table, id, values);
    }

    /// Applies what the link has carried by now.
    fn apply(&mut self, now: Timestamp) {
        let lag = self.lag;
        while self
            .link
            .first()
            .is_some_and(|change| change.at.after(lag) <= now)
        {
            let Change {
                table, id, values, ..
            } = self.link.remove(0);
            self.put(Side::Target, &table, id, values);
            self.positions.target += 1;
        }
    }

    /// How far the target is behind.
    fn late(&self, now: Timestamp) -> Duration {
        self.link
            .first()
            .map_or(Duration::ZERO, |change| now.since(change.at))
    }

    fn complain(&mut self, what: String) -> DbFailureClass {
        self.complaints.push(what);
        DbFailureClass::Malformed
    }
}

fn failure(class: DbFailureClass, doing: &str) -> DbFailure {
    DbFailure {
        class,
        doing: doing.to_owned(),
        code: None,
        message: format!("simulated: {class:?}"),
    }
}
