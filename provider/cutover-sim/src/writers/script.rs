//! Faults of databases whose writer changes, on script.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::Side;

use super::WritersState;

/// A line of a script.
#[derive(Clone, Debug)]
pub struct WriterFault {
    /// Of which side.
    pub side: Side,
    /// The method of the port: `fence`; `*` is any.
    pub call: &'static str,
    /// The first of its calls that is hit, from 1. For `*` calls of each method are counted by themselves.
    pub first: usize,
    /// How many in a row.
    pub times: usize,
    /// What happens.
    pub what: WriterWhat,
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub enum WriterWhat {
    /// It fails before its effect. After [`DbFailureClass::Lost`] the session is gone, and the lock with it.
    Fails(DbFailureClass),
    /// It fails after its effect. After [`DbFailureClass::Lost`] the session is gone, and the lock with it.
    AnswerLost(DbFailureClass),
    /// Its effect comes so much later.
    Slow(Duration),
    /// Whoever called dies before its effect: there is never an answer, and all sessions of that run end.
    DiesBefore,
    /// Whoever called dies after its effect: there is never an answer, and all sessions of that run end.
    DiesAfter,
    /// Something else happens just before its effect.
    Meanwhile(WriterAct),
}

impl WriterWhat {
    /// Has something else happen just before the effect of the first call that is hit.
    pub fn meanwhile(act: impl FnOnce(&mut WritersState) + Send + 'static) -> Self {
        Self::Meanwhile(WriterAct::new(act))
    }
}

/// Something that happens once.
#[derive(Clone)]
pub struct WriterAct(Arc<Mutex<Option<Happens>>>);

type Happens = Box<dyn FnOnce(&mut WritersState) + Send>;

impl WriterAct {
    /// Makes it of what happens.
    pub fn new(act: impl FnOnce(&mut WritersState) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(act)))))
    }

    pub(super) fn run(&self, state: &mut WritersState) {
        let act = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(act) = act {
            act(state);
        }
    }
}

impl fmt::Debug for WriterAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriterAct")
    }
}

impl WriterFault {
    /// Makes a line about one call, counted from 1.
    pub fn nth(side: Side, call: &'static str, nth: usize, what: WriterWhat) -> Self {
        Self {
            side,
            call,
            first: nth,
            times: 1,
            what,
        }
    }

    pub(super) fn hits(&self, side: Side, call: &str, occurrence: usize) -> bool {
        self.side == side
            && (self.call == call || self.call == "*")
            && (self.first..self.first.saturating_add(self.times)).contains(&occurrence)
    }
}
