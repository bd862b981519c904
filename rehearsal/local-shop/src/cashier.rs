//! Somebody who takes payments all the while.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cutover_core::validation::side::{Both, Side};
use cutover_local_db::Server;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::ledger::{Ledger, Taken};
use crate::till::{Place, Said, Till};

/// How long to leave a database alone that refuses: ours, as a service with a short retry would.
const BREATH: Duration = Duration::from_millis(5);

/// Tells which database to write to. Asked before each payment that was refused, and each connection.
pub type Setting = Arc<dyn Fn() -> Side + Send + Sync>;

/// Takes one payment after the other until it is told to go home. A payment that was not acknowledged is sent again under
/// the same reference, until it is.
pub struct Cashier {
    go_home: watch::Sender<bool>,
    work: JoinHandle<()>,
}

impl fmt::Debug for Cashier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cashier").finish_non_exhaustive()
    }
}

impl Cashier {
    /// Begins to work, under a name that no other has, where the setting says; `every` is the time between two payments.
    /// Must be called within a runtime.
    pub fn start(
        name: impl Into<String>,
        servers: Both<&Server>,
        setting: Setting,
        every: Duration,
        ledger: &Ledger,
    ) -> Self {
        let (go_home, is_over) = watch::channel(false);
        let places = Both::of(|side| Place::of(servers.get(side)));
        let work = Work {
            name: name.into(),
            places,
            setting,
            every,
            ledger: ledger.clone(),
            is_over,
        };
        Self {
            go_home,
            work: tokio::spawn(work.run()),
        }
    }

    /// Begins to work at one side for ever, whatever anybody says: a service with a stale configuration.
    pub fn stubborn(
        name: impl Into<String>,
        servers: Both<&Server>,
        side: Side,
        every: Duration,
        ledger: &Ledger,
    ) -> Self {
        Self::start(name, servers, Arc::new(move || side), every, ledger)
    }

    /// Ends after the payment in hand, which may stay without acknowledgement.
    pub async fn stop(self) {
        // It may have ended in a panic, which is what is told then.
        let _ = self.go_home.send(true);
        self.work.await.expect("a cashier does not panic");
    }
}

struct Work {
    name: String,
    places: Both<Place>,
    setting: Setting,
    every: Duration,
    ledger: Ledger,
    is_over: watch::Receiver<bool>,
}

impl Work {
    async fn run(self) {
        let mut till: Option<(Side, Till)> = None;
        let mut number = 0_u64;
        while !*self.is_over.borrow() {
            number = number.saturating_add(1);
            let reference = format!("{}-{number}", self.name);
            self.see_through(&reference, &mut till).await;
            sleep(self.every).await;
        }
        if let Some((_, till)) = till {
            till.close().await;
        }
    }

    /// Sends a payment until it is acknowledged.
    async fn see_through(&self, reference: &str, till: &mut Option<(Side, Till)>) {
        while !*self.is_over.borrow() {
            let side = (self.setting)();
            if till.as_ref().is_none_or(|(at, _)| *at != side) {
                if let Some((_, old)) = till.take() {
                    old.close().await;
                }
                *till = self
                    .places
                    .get(side)
                    .open()
                    .await
                    .ok()
                    .map(|till| (side, till));
            }
            let Some((_, open)) = till else {
                sleep(BREATH).await;
                continue;
            };
            let sent = Instant::now();
            match open.take(reference).await {
                Said::Taken => {
                    return self.ledger.take(Taken {
                        reference: reference.to_owned(),
                        side,
                        sent,
                        acknowledged: Instant::now(),
                    });
                }
                Said::Fenced => self.ledger.refuse(),
                Said::Lost => *till = None,
                Said::Odd(said) => {
                    self.ledger.wonder(said);
                    *till = None;
                }
            }
            sleep(BREATH).await;
        }
    }
}
