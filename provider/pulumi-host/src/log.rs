//! The bridge to the engine's log.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use pulumi_proto::engine_client::EngineClient;
use pulumi_proto::{LogRequest, LogSeverity};
use pulumi_value::Urn;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::cadence::Cadence;
use crate::engine::EngineLink;
use crate::secrecy::Secrets;

/// How many messages may wait for the engine before status lines are dropped: ours, far above what any operation
/// says while one message is under way.
const WAITING_MAX: usize = 1024;

/// How long one message may take: ours; the engine is on the same machine.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a finished call waits for its last messages: ours, not felt by people.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Speaks to the person at the terminal about one resource.
///
/// Two voices: *permanent* lines ([`Log::info`], [`Log::warn`]) stay in the output and are worth reading tomorrow;
/// the *status* line ([`Log::status`]) shows what is going on right now. Sending never waits and never fails. There
/// is no error voice: a call that fails returns its error.
#[derive(Clone, Debug)]
pub struct Log {
    outbox: Outbox,
    urn: String,
    cadence: Arc<Mutex<Cadence<Instant>>>,
    secrets: Arc<OnceLock<Secrets>>,
}

impl Log {
    pub(crate) fn new(outbox: Outbox, urn: impl Into<String>) -> Self {
        Self {
            outbox,
            urn: urn.into(),
            cadence: Arc::default(),
            secrets: Arc::default(),
        }
    }

    /// Returns a voice about another resource.
    pub(crate) fn about(&self, urn: &Urn) -> Self {
        Self {
            secrets: Arc::clone(&self.secrets),
            ..Self::new(self.outbox.clone(), urn.as_str())
        }
    }

    /// Has these secrets blacked out in whatever is said from now on; the first ones count.
    pub(crate) fn hide(&self, secrets: Secrets) {
        let _ = self.secrets.set(secrets);
    }

    /// Says something worth reading tomorrow: a change of phase, an id by which to find a thing again.
    pub fn info(&self, message: impl Into<String>) {
        self.send(LogSeverity::Info, message.into(), false);
    }

    /// Says something worth a person's attention that does not fail the call.
    pub fn warn(&self, message: impl Into<String>) {
        self.send(LogSeverity::Warning, message.into(), false);
    }

    /// Says something that only shows with `--debug`.
    pub fn debug(&self, message: impl Into<String>) {
        self.send(LogSeverity::Debug, message.into(), false);
    }

    /// Shows what is going on, in one line with the most important words first.
    ///
    /// May be called as often as there is news: a line of a new phase is sent at once, a changed one at most every
    /// 30 seconds, and an unchanged one every four minutes as a sign of life.
    pub fn status(&self, phase: &str, text: &str) {
        let now = Instant::now();
        let due = {
            let mut cadence = self.cadence.lock().unwrap_or_else(PoisonError::into_inner);
            cadence.speak(phase, text, now, |at| now.duration_since(at))
        };
        if due {
            self.send(LogSeverity::Info, text.to_owned(), true);
        }
    }

    /// Repeats the status line if nothing was said for too long; called by the framework on long calls.
    pub(crate) fn breathe(&self) {
        let now = Instant::now();
        let text = {
            let mut cadence = self.cadence.lock().unwrap_or_else(PoisonError::into_inner);
            cadence.repeat(now, |at| now.duration_since(at))
        };
        if let Some(text) = text {
            self.send(LogSeverity::Info, text, true);
        }
    }

    fn send(&self, severity: LogSeverity, message: String, ephemeral: bool) {
        let message = match self.secrets.get() {
            Some(secrets) if !secrets.is_empty() => secrets.conceal(&message),
            _ => message,
        };
        self.outbox.post(LogRequest {
            severity: severity.into(),
            message,
            urn: self.urn.clone(),
            stream_id: 0,
            ephemeral,
        });
    }
}

/// Messages on their way to the engine, in order.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    sender: mpsc::Sender<Item>,
}

#[derive(Debug)]
enum Item {
    Message(LogRequest),
    Flush(oneshot::Sender<()>),
}

impl Outbox {
    /// Makes an outbox and the task that empties it; the task ends when the last outbox is gone.
    pub(crate) fn new(link: Arc<EngineLink>) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self { sender }, deliver(link, receiver))
    }

    fn post(&self, message: LogRequest) {
        if self.sender.try_send(Item::Message(message)).is_err() {
            tracing::debug!("a message to the engine was dropped");
        }
    }

    /// Waits until what was posted so far has been sent, but not for long.
    pub(crate) async fn flush(&self) {
        let (done, sent) = oneshot::channel();
        if self.sender.try_send(Item::Flush(done)).is_ok() {
            // Late is as good as lost here: the call must not fail or hang because of a log line.
            let _ = tokio::time::timeout(FLUSH_TIMEOUT, sent).await;
        }
    }
}

async fn deliver(link: Arc<EngineLink>, mut receiver: mpsc::Receiver<Item>) {
    while let Some(item) = receiver.recv().await {
        match item {
            Item::Flush(done) => drop(done.send(())),
            Item::Message(message) => {
                let Some(channel) = link.channel() else {
                    tracing::info!(urn = message.urn, "{}", message.message);
                    continue;
                };
                let mut client = EngineClient::new(channel);
                match tokio::time::timeout(SEND_TIMEOUT, client.log(message)).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(status)) => {
                        tracing::debug!(code = ?status.code(), "the engine did not take a message");
                    }
                    Err(_) => tracing::debug!("the engine took too long over a message"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_hour_of_work_is_told_in_at_most_two_lines_a_minute_and_at_least_one_in_five() {
        let (sender, mut receiver) = mpsc::channel(WAITING_MAX);
        let log = Log::new(Outbox { sender }, "");
        let mut said = Vec::new();

        for second in 0..3600_u64 {
            // Busy for half an hour, then quiet; the framework looks once a minute, at a time of its own.
            if second < 1800 {
                log.status("bake", &format!("{second} s"));
            }
            if second % 60 == 59 {
                log.breathe();
            }
            while receiver.try_recv().is_ok() {
                said.push(second);
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }

        for minute in 0..60 {
            let lines = said.iter().filter(|second| **second / 60 == minute);
            assert!(lines.count() <= 2, "in minute {minute}: {said:?}");
        }
        assert!(
            said.windows(2).all(|pair| pair[1] - pair[0] <= 300),
            "{said:?}"
        );
        assert!(
            3600 - said.last().expect("something was said") <= 300,
            "{said:?}"
        );
    }
}
