//! Faults of databases on script.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::Side;

use super::BankState;

/// A line of a script.
#[derive(Clone, Debug)]
pub struct BankFault {
    /// Of which side.
    pub side: Side,
    /// The method of the port: `tally`; `*` is any.
    pub call: &'static str,
    /// The first of its calls that is hit, from 1. For `*` calls of each method are counted by themselves.
    pub first: usize,
    /// How many in a row.
    pub times: usize,
    /// What happens.
    pub what: BankWhat,
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub enum BankWhat {
    /// It fails, after the time that it would have taken.
    Fails(DbFailureClass),
    /// It takes so much longer.
    Slow(Duration),
    /// Something else happens just before it.
    Before(Act),
}

/// Something that happens once.
#[derive(Clone)]
pub struct Act(Arc<Mutex<Option<Happens>>>);

type Happens = Box<dyn FnOnce(&mut BankState) + Send>;

impl Act {
    /// Makes it of what happens.
    pub fn new(act: impl FnOnce(&mut BankState) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(act)))))
    }

    pub(super) fn run(&self, state: &mut BankState) {
        let act = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(act) = act {
            act(state);
        }
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Act")
    }
}

impl BankFault {
    /// Makes a line about some calls in a row, the first of them counted from 1.
    pub fn nth(side: Side, call: &'static str, first: usize, times: usize, what: BankWhat) -> Self {
        Self {
            side,
            call,
            first,
            times,
            what,
        }
    }

    pub(super) fn hits(&self, side: Side, call: &str, occurrence: usize) -> bool {
        self.side == side
            && (self.call == call || self.call == "*")
            && (self.first..self.first.saturating_add(self.times)).contains(&occurrence)
    }
}
