//! A simulated database behind the port of the driver.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{
    Captured, Control, Entry, Identity, LogPosition, OldTransaction, State, Told,
};
use cutover_core::writer_switch::facts::Row;
use cutover_driver::{Asked, Closing, Fenced, Noted, WriterControl};
use futures_util::future::{BoxFuture, pending, ready};

use super::script::WriterWhat;
use super::server::{LogRow, SimFence, SimServer, Written};
use super::{SimWriters, WritersState, failure};

/// One side, by a session of its own.
#[derive(Debug)]
pub(super) struct SimWriter {
    pub(super) writers: SimWriters,
    pub(super) side: Side,
    pub(super) of: Fenced,
    pub(super) session: u64,
}

/// How long locks of tables were waited for, or who kept them.
type Locks = Result<Duration, Vec<String>>;

impl SimWriter {
    /// Looks at the side.
    fn see<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        effect: impl FnOnce(&mut WritersState) -> Result<T, DbFailure> + Send + 'a,
    ) -> Asked<'a, T> {
        self.run(call, None, |state, _| effect(state))
    }

    /// Changes something of ours, for which the lock of the migration is to be held.
    fn change<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        effect: impl FnOnce(&mut WritersState) -> Result<T, DbFailure> + Send + 'a,
    ) -> Asked<'a, T> {
        self.run(call, None, move |state, _| {
            state.expect_lock(self.side, call, self.session);
            effect(state)
        })
    }

    /// Makes a call: its time passes, then its effect comes, and the script has its way before and after.
    fn run<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        lock: Option<Duration>,
        effect: impl FnOnce(&mut WritersState, Locks) -> Result<T, DbFailure> + Send + 'a,
    ) -> Asked<'a, T> {
        Box::pin(async move {
            let (clock, session) = (Arc::clone(&self.writers.clock), self.session);
            let (script, mut takes) = self
                .writers
                .with(|state| (state.begin(self.side, call), state.call_takes));
            for what in &script {
                if let WriterWhat::Slow(more) = what {
                    takes += *more;
                }
            }
            clock.sleep_until(clock.now().after(takes)).await;
            for what in &script {
                match what {
                    WriterWhat::Meanwhile(act) => self.writers.with(|state| act.run(state)),
                    WriterWhat::Fails(class) => {
                        return Err(self.writers.with(|state| state.fail(*class, call, session)));
                    }
                    WriterWhat::DiesBefore => {
                        self.writers.with(|state| state.die(session));
                        return pending().await;
                    }
                    WriterWhat::Slow(_) | WriterWhat::AnswerLost(_) | WriterWhat::DiesAfter => {}
                }
            }
            let locks = match lock {
                Some(lock) => self.wait_for_locks(lock).await,
                None => Ok(Duration::ZERO),
            };
            let answer = self.writers.with(|state| {
                state.reach(self.side, call, session)?;
                let answer = effect(state, locks);
                state.watch();
                answer
            });
            for what in &script {
                match what {
                    WriterWhat::AnswerLost(class) => {
                        return Err(self.writers.with(|state| state.fail(*class, call, session)));
                    }
                    WriterWhat::DiesAfter => {
                        self.writers.with(|state| state.die(session));
                        return pending().await;
                    }
                    WriterWhat::Slow(_)
                    | WriterWhat::Fails(_)
                    | WriterWhat::DiesBefore
                    | WriterWhat::Meanwhile(_) => {}
                }
            }
            answer
        })
    }

    async fn wait_for_locks(&self, lock: Duration) -> Locks {
        let began = self.writers.now();
        let latest = began.after(lock);
        let (free_at, blockers) = self.writers.with(|state| {
            let blockers = &mut state.servers.get_mut(self.side).blockers;
            blockers.retain(|(until, _)| until.is_none_or(|until| until > began));
            let mut ends = blockers
                .iter()
                .map(|(until, _)| until.filter(|at| *at < latest));
            let free_at = ends.try_fold(began, |latest, end| Some(latest.max(end?)));
            let names: Vec<String> = blockers.iter().map(|(_, who)| who.clone()).collect();
            (free_at, names)
        });
        let until = free_at.unwrap_or(latest);
        self.writers.clock.sleep_until(until).await;
        match free_at {
            Some(_) => Ok(until.since(began)),
            None => Err(blockers),
        }
    }

    /// Our control schema on this side.
    fn ours<'s>(
        &self,
        state: &'s mut WritersState,
        call: &str,
    ) -> Result<(&'s mut SimServer, State), DbFailure> {
        let server = state.servers.get_mut(self.side);
        let row = server.state.clone();
        let row = row.filter(|row| row.migration == self.of.migration);
        let row = row.ok_or_else(|| failure(DbFailureClass::Missing, call))?;
        Ok((server, row))
    }

    fn row(&self, row: &Row, told: Told) -> State {
        State {
            migration: self.of.migration.clone(),
            writer: row.writer,
            epoch: row.epoch,
            told,
        }
    }
}

impl WriterControl for SimWriter {
    fn lock(&self) -> Asked<'_, Result<(), String>> {
        self.see("lock", |state| Ok(state.take_lock(self.side, self.session)))
    }

    fn look(&self, older_than: Duration) -> Asked<'_, Control> {
        self.see("look", move |state| {
            let now = state.now;
            let server = state.servers.get(self.side);
            let mut old: Vec<OldTransaction> = (server.transactions.iter())
                .map(|(since, who)| OldTransaction {
                    age: now.since(*since),
                    who: who.clone(),
                })
                .filter(|open| open.age > older_than)
                .collect();
            old.sort_by_key(|open| std::cmp::Reverse(open.age));
            Ok(Control {
                engine: server.engine,
                identity: server.identity.clone(),
                is_replica: server.is_replica,
                state: server.state.clone(),
                fence: server.fence_at(now),
                captured: server.captured.clone(),
                unfenced: server.unfenced.clone(),
                old_transactions: old,
                clients: server.clients.clone(),
                exceptions: server.exceptions,
            })
        })
    }

    fn prepare<'a>(&'a self, row: &'a Row) -> Asked<'a, ()> {
        self.change("prepare", move |state| {
            let server = state.servers.get_mut(self.side);
            if let Some(there) = &server.state
                && there.migration != self.of.migration
            {
                return Err(failure(DbFailureClass::Other, "prepare"));
            }
            let (fence, told) = if row.writer == self.side {
                (SimFence::Open, Told::Open)
            } else {
                (SimFence::Closed, Told::Closed)
            };
            if server.fence == SimFence::Absent {
                server.fence = fence;
            }
            server.state.get_or_insert_with(|| self.row(row, told));
            server.unfenced.clear();
            Ok(())
        })
    }

    fn note<'a>(&'a self, entry: &'a Entry) -> Asked<'a, ()> {
        self.change("note", move |state| {
            let now = state.now;
            self.ours(state, "note")?.0.note(now, entry);
            Ok(())
        })
    }

    fn journal(&self, limit: u32) -> Asked<'_, Vec<Noted>> {
        self.see("journal", move |state| {
            let (server, _) = self.ours(state, "journal")?;
            let skipped = server.journal.len().saturating_sub(limit as usize);
            Ok(server.journal[skipped..].to_vec())
        })
    }

    fn mark(&self, number: u64) -> Asked<'_, ()> {
        self.see("mark", move |state| {
            let at = state.now;
            let (server, _) = self.ours(state, "mark")?;
            let row = LogRow::Marker(self.side, number);
            server.log.push(Written { at, row });
            Ok(())
        })
    }

    fn has_marker(&self, number: u64) -> Asked<'_, bool> {
        self.see("has_marker", move |state| {
            Ok(self.ours(state, "has_marker")?.0.markers.contains(&number))
        })
    }

    fn fence<'a>(
        &'a self,
        lock: Duration,
        expires_in: Duration,
        entry: &'a Entry,
    ) -> Asked<'a, Closing> {
        self.run("fence", Some(lock), move |state, locks| {
            state.expect_lock(self.side, "fence", self.session);
            let now = state.now;
            let (server, row) = self.ours(state, "fence")?;
            let locked = match locks {
                Ok(locked) => locked,
                Err(blockers) => return Ok(Closing::NoLock { blockers }),
            };
            if server.fence != SimFence::Closed {
                server.fence = SimFence::Paused(now.after(expires_in));
                let told = Told::Paused;
                server.state = Some(State { told, ..row });
            }
            server.note(now, entry);
            Ok(Closing::Closed { locked })
        })
    }

    fn close<'a>(&'a self, lock: Duration, entry: &'a Entry) -> Asked<'a, Closing> {
        self.run("close", Some(lock), move |state, locks| {
            state.expect_lock(self.side, "close", self.session);
            let now = state.now;
            let (server, row) = self.ours(state, "close")?;
            let locked = match locks {
                Ok(locked) => locked,
                Err(blockers) => return Ok(Closing::NoLock { blockers }),
            };
            if server.fence_at(now).lets_through() {
                return Ok(Closing::Expired);
            }
            server.fence = SimFence::Closed;
            let told = Told::Closed;
            server.state = Some(State { told, ..row });
            server.note(now, entry);
            Ok(Closing::Closed { locked })
        })
    }

    fn open<'a>(
        &'a self,
        expected: u64,
        row: &'a Row,
        entry: &'a Entry,
    ) -> Asked<'a, Result<(), u64>> {
        self.change("open", move |state| {
            let now = state.now;
            let (server, there) = self.ours(state, "open")?;
            if there.epoch != expected {
                return Ok(Err(there.epoch));
            }
            server.fence = SimFence::Open;
            server.state = Some(self.row(row, Told::Open));
            server.note(now, entry);
            Ok(Ok(()))
        })
    }

    fn record<'a>(&'a self, row: &'a Row, entry: &'a Entry) -> Asked<'a, ()> {
        self.change("record", move |state| {
            let now = state.now;
            let (server, there) = self.ours(state, "record")?;
            if there.epoch <= row.epoch {
                server.state = Some(self.row(row, there.told));
            }
            server.note(now, entry);
            Ok(())
        })
    }

    fn probe(&self) -> Asked<'_, bool> {
        self.see("probe", |state| {
            let now = state.now;
            Ok(self.ours(state, "probe")?.0.fence_at(now).lets_through())
        })
    }

    fn capture<'a>(&'a self, name: &'a str) -> Asked<'a, LogPosition> {
        self.change("capture", move |state| {
            let (server, _) = self.ours(state, "capture")?;
            let rows = server.log.len();
            let position = server.position(name, rows);
            server.kept.insert(name.to_owned(), rows);
            server.captured = Some(Captured {
                name: name.to_owned(),
                position: position.clone(),
            });
            Ok(position)
        })
    }

    fn release<'a>(&'a self, name: &'a str) -> Asked<'a, ()> {
        self.change("release", move |state| {
            let server = state.servers.get_mut(self.side);
            server.kept.remove(name);
            server.captured.take_if(|noted| noted.name == name);
            Ok(())
        })
    }

    fn identities(&self) -> Asked<'_, Vec<Identity>> {
        self.see("identities", |state| {
            let server = state.servers.get(self.side);
            let mut identities = server.identities.clone();
            if let Some(first) = identities.first_mut() {
                first.greatest = server.payments.last().map(|id| i128::from(*id));
            }
            Ok(identities)
        })
    }

    fn set_identities<'a>(&'a self, next: &'a [(String, i128)]) -> Asked<'a, ()> {
        self.change("set_identities", move |state| {
            let identities = &mut state.servers.get_mut(self.side).identities;
            for (name, next) in next {
                let found = identities.iter_mut().find(|there| there.name == *name);
                let found = found.ok_or_else(|| failure(DbFailureClass::Missing, name))?;
                found.next = *next;
            }
            Ok(())
        })
    }

    fn remove(&self) -> Asked<'_, ()> {
        self.change("remove", |state| {
            let server = state.servers.get_mut(self.side);
            if let Some(there) = &server.state
                && there.migration != self.of.migration
            {
                return Err(failure(DbFailureClass::Other, "remove"));
            }
            server.state = None;
            server.fence = SimFence::Absent;
            server.journal.clear();
            server.markers.clear();
            server.kept.clear();
            server.captured = None;
            Ok(())
        })
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        self.writers.with(|state| state.end_session(self.session));
        Box::pin(ready(()))
    }
}
