//! One of the two databases.

use std::collections::{BTreeMap, BTreeSet};

use crate::Timestamp;
use crate::validation::catalog::TableName;
use crate::validation::side::Side;
use crate::writer_switch::control::{Captured, Fence, Identity, LogPosition, State, Told};
use crate::writer_switch::facts::Row;

/// What replication carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Payment(u64),
    Marker(u64),
}

pub(super) struct Db {
    pub(super) state: Option<State>,
    pub(super) pause_until: Option<Timestamp>,
    /// How often each payment was written: once, if all is well.
    pub(super) rows: BTreeMap<u64, u32>,
    /// Every change of this side in its order, those that replication has applied as well.
    pub(super) log: Vec<(Timestamp, Change)>,
    /// Markers that have arrived from the other side.
    pub(super) markers: BTreeSet<u64>,
    pub(super) captured: Option<Captured>,
    pub(super) exceptions: u64,
    pub(super) identity: Identity,
    /// Until when an old transaction is open.
    pub(super) old_until: Option<Timestamp>,
    pub(super) unfenced: Vec<TableName>,
    pub(super) is_replica: bool,
    /// Whether somebody has dropped our schema; the fence is still there.
    pub(super) is_dropped: bool,
}

impl Db {
    pub(super) fn new() -> Self {
        Self {
            state: None,
            pause_until: None,
            rows: BTreeMap::new(),
            log: Vec::new(),
            markers: BTreeSet::new(),
            captured: None,
            exceptions: 0,
            identity: Identity {
                name: "public.payments.id".to_owned(),
                next: 1,
                greatest: None,
                increment: 1,
                limit: 9_223_372_036_854_775_807,
            },
            old_until: None,
            unfenced: Vec::new(),
            is_replica: false,
            is_dropped: false,
        }
    }

    pub(super) fn fence(&self, now: Timestamp) -> Fence {
        let Some(state) = &self.state else {
            return Fence::Absent;
        };
        match (state.told, self.pause_until) {
            (Told::Open, _) => Fence::Open,
            (Told::Closed, _) => Fence::Closed,
            (Told::Paused, Some(until)) if until > now => Fence::Paused {
                left: until.since(now),
            },
            (Told::Paused, _) => Fence::Expired,
        }
    }

    pub(super) fn set(&mut self, told: Told) {
        self.state.as_mut().expect("it was prepared").told = told;
    }

    /// Writes as an application, or as we do with markers.
    pub(super) fn write(&mut self, now: Timestamp, change: Change) {
        if let Change::Payment(payment) = change {
            *self.rows.entry(payment).or_default() += 1;
            self.identity.next += 1;
        }
        self.log.push((now, change));
    }

    /// Writes as replication.
    pub(super) fn apply(&mut self, now: Timestamp, change: Change, drops: Option<u64>) {
        match change {
            Change::Payment(payment) if drops == Some(payment) => {
                self.exceptions += 1;
                return;
            }
            Change::Payment(payment) => {
                *self.rows.entry(payment).or_default() += 1;
                let greatest = i128::from(payment);
                self.identity.greatest = self.identity.greatest.max(Some(greatest));
            }
            Change::Marker(number) => {
                self.markers.insert(number);
                // Tables of markers that arrive are not replicated on.
                return;
            }
        }
        self.log.push((now, change));
    }

    pub(super) fn prepare(&mut self, side: Side, migration: &str, row: Row) {
        self.is_dropped = false;
        let told = if row.writer == side {
            Told::Open
        } else {
            Told::Closed
        };
        self.state.get_or_insert(State {
            migration: migration.to_owned(),
            writer: row.writer,
            epoch: row.epoch,
            told,
        });
    }

    /// Opens if the row has this epoch; returns the one that it had.
    pub(super) fn open(&mut self, expected: u64, row: Row) -> u64 {
        let state = self.state.as_mut().expect("it was prepared");
        let found = state.epoch;
        if found == expected {
            (state.writer, state.epoch, state.told) = (row.writer, row.epoch, Told::Open);
        }
        found
    }

    pub(super) fn record(&mut self, row: Row) {
        let state = self.state.as_mut().expect("it was prepared");
        if state.epoch <= row.epoch {
            (state.writer, state.epoch) = (row.writer, row.epoch);
        }
    }

    pub(super) fn capture(&mut self, name: &str) -> LogPosition {
        let position = LogPosition::Slot {
            name: name.to_owned(),
            lsn: self.log.len().to_string(),
        };
        self.captured = Some(Captured {
            name: name.to_owned(),
            position: position.clone(),
        });
        position
    }

    pub(super) fn release(&mut self, name: &str) {
        self.captured.take_if(|captured| captured.name == name);
    }
}
