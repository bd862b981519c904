//! Somebody who meddles with the commands of a move.

use std::sync::{Mutex, PoisonError};

use cutover_core::writer_switch::facts::{Command, Fact};
use cutover_driver::{Perform, Switching};
use futures_util::future::{BoxFuture, pending};
use tokio::sync::oneshot;

/// What is done before a command.
pub(crate) enum Meddle {
    /// Nothing.
    Nothing,
    /// Something that must be over before the command is performed.
    First(BoxFuture<'static, ()>),
    /// The process is killed instead of performing it.
    KillBefore,
    /// The process is killed once it is performed, before anybody hears of it.
    KillAfter,
    /// The program is told to end while it is performed.
    Stop,
}

/// Holds a move up just before a command, until it is let go; tells when it is there.
pub(crate) fn held_up(
    mut before: impl FnMut(&Command) -> bool + Send,
) -> (
    impl FnMut(&Command) -> Meddle + Send,
    oneshot::Receiver<()>,
    oneshot::Sender<()>,
) {
    let (there, is_there) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel();
    let mut once = Some((there, may_go_on));
    let meddle = move |command: &Command| {
        if !before(command) {
            return Meddle::Nothing;
        }
        let Some((there, may_go_on)) = once.take() else {
            return Meddle::Nothing;
        };
        there.send(()).expect("somebody waits for it");
        Meddle::First(Box::pin(async move {
            may_go_on.await.expect("it is let go");
        }))
    };
    (meddle, is_there, go_on)
}

/// What can be done to a run from inside one of its commands.
pub(crate) struct Signals {
    killer: Mutex<Option<oneshot::Sender<()>>>,
    stopper: Mutex<Option<oneshot::Sender<()>>>,
}

impl Signals {
    /// Returns them with what resolves when the run is killed, and when it is told to end.
    pub(crate) fn new() -> (Self, impl Future<Output = ()>, impl Future<Output = ()>) {
        let (killer, death) = oneshot::channel();
        let (stopper, end) = oneshot::channel();
        let signals = Self {
            killer: Mutex::new(Some(killer)),
            stopper: Mutex::new(Some(stopper)),
        };
        (signals, heard(death), heard(end))
    }
}

async fn heard(signal: oneshot::Receiver<()>) {
    if signal.await.is_err() {
        // Nobody is left who could give it.
        pending::<()>().await;
    }
}

fn give(signal: &Mutex<Option<oneshot::Sender<()>>>) {
    let signal = signal.lock().unwrap_or_else(PoisonError::into_inner).take();
    let given = signal.expect("it is given once").send(());
    given.expect("somebody waits for it");
}

/// Performs commands, and lets somebody meddle with each.
pub(crate) struct Meddling<M> {
    inner: Switching,
    meddle: Mutex<M>,
    signals: Signals,
}

impl<M: FnMut(&Command) -> Meddle> Meddling<M> {
    pub(crate) fn new(inner: Switching, meddle: M, signals: Signals) -> Self {
        Self {
            inner,
            meddle: Mutex::new(meddle),
            signals,
        }
    }

    pub(crate) fn inner(&self) -> &Switching {
        &self.inner
    }

    async fn die<T>(&self) -> T {
        give(&self.signals.killer);
        pending().await
    }
}

impl<M: FnMut(&Command) -> Meddle + Send> Perform<Command, Fact> for Meddling<M> {
    fn perform<'a>(&'a self, command: &'a Command) -> BoxFuture<'a, Fact> {
        Box::pin(async move {
            let meddle = {
                let mut meddle = self.meddle.lock().unwrap_or_else(PoisonError::into_inner);
                (*meddle)(command)
            };
            match meddle {
                Meddle::Nothing => {}
                Meddle::First(first) => first.await,
                Meddle::Stop => give(&self.signals.stopper),
                Meddle::KillBefore => return self.die().await,
                Meddle::KillAfter => {
                    self.inner.perform(command).await;
                    return self.die().await;
                }
            }
            self.inner.perform(command).await
        })
    }

    fn only_looks(&self, command: &Command) -> bool {
        self.inner.only_looks(command)
    }
}
