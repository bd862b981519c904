//! How simulated databases are reached.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::Side;
use cutover_driver::{Address, Asked, Database, Databases};

use crate::bank::Bank;

/// Opens the databases of a [`Bank`], whatever their addresses, and keeps these. Without a bank nothing can be reached.
/// Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct SimDatabases {
    bank: Option<Bank>,
    state: Arc<Mutex<Reach>>,
}

#[derive(Debug, Default)]
struct Reach {
    opened: Vec<(Side, Address)>,
    refusing: BTreeMap<Side, DbFailureClass>,
    silent: bool,
}

impl SimDatabases {
    /// Leads to the databases of a bank.
    pub fn of(bank: Bank) -> Self {
        Self {
            bank: Some(bank),
            state: Arc::default(),
        }
    }

    /// Returns the addresses that were opened, or should have been.
    pub fn opened(&self) -> Vec<(Side, Address)> {
        self.lock().opened.clone()
    }

    /// Has one side refuse whoever comes.
    pub fn refuse(&self, side: Side, class: DbFailureClass) {
        self.lock().refusing.insert(side, class);
    }

    /// Has neither side answer from now on.
    pub fn fall_silent(&self) {
        self.lock().silent = true;
    }

    fn lock(&self) -> MutexGuard<'_, Reach> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Databases for SimDatabases {
    fn open<'a>(&'a self, side: Side, at: &'a Address) -> Asked<'a, Arc<dyn Database>> {
        Box::pin(async move {
            let (refusing, silent) = {
                let mut state = self.lock();
                state.opened.push((side, at.clone()));
                (state.refusing.get(&side).copied(), state.silent)
            };
            if silent {
                return std::future::pending().await;
            }
            let refused = |class| DbFailure {
                class,
                doing: "connecting".to_owned(),
                code: None,
                message: format!("simulated: {class:?}"),
            };
            match (&self.bank, refusing) {
                (_, Some(class)) => Err(refused(class)),
                (None, None) => Err(refused(DbFailureClass::Unreachable)),
                (Some(bank), None) => Ok(Arc::clone(bank.databases().get(side))),
            }
        })
    }
}
