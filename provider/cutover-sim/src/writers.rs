//! Two databases in memory whose writer changes, and an application that pays.
//!
//! [`SimWriters`] stands behind the ports `Writers` and `WriterControl`. Each database has a fence, a row, a journal, markers,
//! identities, and a log in which places can be noted; two links replicate rows from log to database, one in each
//! direction, late or step by step. Payments are acknowledged while the fence lets them through, and
//! [`SimWriters::assert_nothing_lost`] holds the writer against everything that was acknowledged.
//!
//! It moves rows for tasks of the simulated cloud as well ([`Cloud::move_rows_by`](crate::Cloud::move_rows_by)): endpoints are
//! told apart by their hosts, and starting and stopping tasks starts and stops links.
//!
//! It is strict: both sides taking writes at a time, and changes by somebody without the lock, are
//! [complaints](SimWriters::complaints).

mod mover;
mod script;
mod server;
mod session;
mod state;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::validation::catalog::Engine;
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::{Both, Side};
use cutover_driver::{Address, Asked, Clock, Fenced, WriterControl, Writers};

pub use script::{WriterAct, WriterFault, WriterWhat};
pub use server::{SimFence, SimServer};
use session::SimWriter;
use state::Payer;
pub use state::{SimLink, WritersState};

/// Two databases whose writer changes. Clones are the same.
#[derive(Clone, Debug)]
pub struct SimWriters {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<WritersState>>,
}

impl SimWriters {
    /// Makes two databases of these engines, without a control schema and empty. The source is replicated to the target,
    /// 200 ms late; every call takes 2 ms.
    pub fn new(clock: Arc<dyn Clock>, engines: &Both<Engine>) -> Self {
        let servers = Both::of(|side| SimServer::new(*engines.get(side), side));
        let state = WritersState::new(servers, clock.now());
        Self {
            clock,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Opens a side in a session of its own, as [`Writers::open`] does, whatever its address.
    pub fn control(&self, side: Side, of: &Fenced) -> Arc<dyn WriterControl> {
        let session = self.with(|state| state.open_session(&of.run));
        Arc::new(SimWriter {
            writers: self.clone(),
            side,
            of: of.clone(),
            session,
        })
    }

    /// Tells the time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Looks at the state and changes it, as of now.
    pub fn with<T>(&self, act: impl FnOnce(&mut WritersState) -> T) -> T {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.catch_up(now);
        act(&mut state)
    }

    /// Adds a line to the script.
    pub fn fault(&self, fault: WriterFault) {
        self.with(|state| state.script.push(fault));
    }

    /// Has something happen so long from now.
    pub fn after(&self, wait: Duration, act: impl FnOnce(&mut WritersState) + Send + 'static) {
        self.with(|state| {
            let at = state.now.after(wait);
            state.acts.push((at, WriterAct::new(act)));
        });
    }

    /// Pays under a number. Returns whether that was acknowledged.
    pub fn pay(&self, side: Side, id: u64) -> bool {
        self.with(|state| state.pay(side, id))
    }

    /// Has an application pay on a side again and again, under the numbers that the side counts up to; on that side
    /// alone from now on.
    pub fn pay_every(&self, side: Side, every: Duration) {
        self.with(|state| {
            let next = state.now.after(every);
            state.payer = Some(Payer { side, every, next });
        });
    }

    /// Ends that.
    pub fn stop_paying(&self) {
        self.with(|state| state.payer = None);
    }

    /// Applies the next row that a side replicates, however late the link is. Returns whether there was one.
    pub fn step(&self, from: Side) -> bool {
        self.with(|state| state.step(from))
    }

    /// Returns the calls that were made, in their order.
    pub fn calls(&self) -> Vec<(Side, &'static str)> {
        self.with(|state| state.calls.clone())
    }

    /// Returns what was done, or came about, that must not be.
    pub fn complaints(&self) -> Vec<String> {
        self.with(|state| state.complaints.clone())
    }

    /// Returns the payments that were acknowledged and are not on the writer.
    pub fn lost(&self) -> Vec<u64> {
        self.with(|state| {
            let kept = &state.servers.get(state.writer()).payments;
            let acknowledged = state.acknowledged.keys().copied();
            acknowledged.filter(|id| !kept.contains(id)).collect()
        })
    }

    /// Holds the writer against everything that was acknowledged.
    ///
    /// # Panics
    /// When a payment that was acknowledged is not there, one is there that nobody was told of, one was replicated to
    /// where it was already, or there are complaints.
    pub fn assert_nothing_lost(&self) {
        let lost = self.lost();
        assert!(lost.is_empty(), "lost payments: {lost:?}");
        self.with(|state| {
            let kept = &state.servers.get(state.writer()).payments;
            let extra = kept
                .iter()
                .filter(|id| !state.acknowledged.contains_key(id));
            let extra: Vec<_> = extra.collect();
            assert!(
                extra.is_empty(),
                "payments that nobody was told of: {extra:?}"
            );
            for from in Side::BOTH {
                let echoes = &state.links.get(from).echoes;
                assert!(
                    echoes.is_empty(),
                    "replicated twice away from the {from}: {echoes:?}"
                );
            }
            assert!(state.complaints.is_empty(), "{:?}", state.complaints);
        });
    }
}

impl Writers for SimWriters {
    fn open<'a>(
        &'a self,
        side: Side,
        at: &'a Address,
        of: &'a Fenced,
    ) -> Asked<'a, Arc<dyn WriterControl>> {
        Box::pin(async move {
            let down = self.with(|state| {
                let address = format!("{}:{} as {}", at.host, at.port, at.user);
                state.opened.push((side, address));
                state.servers.get(side).down
            });
            match down {
                Some(class) => Err(failure(class, "connecting")),
                None => Ok(self.control(side, of)),
            }
        })
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
