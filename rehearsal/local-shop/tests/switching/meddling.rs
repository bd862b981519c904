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
}

/// Performs commands, and lets somebody meddle with each.
pub(crate) struct Meddling<M> {
    inner: Switching,
    meddle: Mutex<M>,
    killer: Mutex<Option<oneshot::Sender<()>>>,
}

impl<M: FnMut(&Command) -> Meddle> Meddling<M> {
    pub(crate) fn new(inner: Switching, meddle: M, killer: oneshot::Sender<()>) -> Self {
        Self {
            inner,
            meddle: Mutex::new(meddle),
            killer: Mutex::new(Some(killer)),
        }
    }

    pub(crate) fn inner(&self) -> &Switching {
        &self.inner
    }

    async fn die<T>(&self) -> T {
        let killer = self
            .killer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        killer
            .expect("one dies once")
            .send(())
            .expect("somebody waits for it");
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
