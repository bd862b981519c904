//! Tells people and metrics what happens, beside the shift and never in its way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cutover_core::shift::events::Event;
use cutover_core::shift::machine::{Shift, Status};
use cutover_core::shift::notice::{Figure, Gravity, Notice, Teller};
use cutover_core::{Backoff, Timestamp};
use tokio::sync::watch;

use crate::{Clock, Message, Metrics, Published, Topics};

/// Attempts at a message: stated, five; the waits between them are ours.
const ATTEMPTS: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(8), 5);

/// The longest that one attempt is waited for: ours; a call that hangs must not keep the messages behind it for ever.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// How often it is told that the program is alive: stated.
const HEARTBEAT: Duration = Duration::from_mins(1);

/// The most figures of one call. Source: Amazon CloudWatch API, `PutMetricData`: 1,000 metrics; ours is far below.
const FIGURES_MAX: usize = 100;

/// What people and metrics are told.
#[derive(Clone, Debug)]
pub struct Notify {
    /// Where messages go; `None`: nowhere.
    pub topic_arn: Option<String>,
    /// Messages less grave than this are not sent.
    pub severity_min: Gravity,
    /// The events that are sent, by their names; empty: all.
    pub events: Vec<String>,
    /// The namespace of the figures; `None`: none are published.
    pub namespace: Option<String>,
}

/// What could not be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undelivered {
    /// Keys of messages that did not arrive, in their order.
    pub messages: Vec<String>,
    /// How many calls that publish figures have failed.
    pub figures: u32,
}

/// Tells people and metrics what happens.
#[derive(Debug)]
pub struct Herald {
    notify: Notify,
    topics: Arc<dyn Topics>,
    metrics: Arc<dyn Metrics>,
    clock: Arc<dyn Clock>,
    /// Never held across an await.
    desk: Mutex<Desk>,
    /// Raised whenever something is put on the desk; the value says whether that was the last.
    news: watch::Sender<bool>,
}

#[derive(Debug)]
struct Desk {
    teller: Teller,
    /// The one that is being sent stays in front.
    messages: VecDeque<Message>,
    figures: Vec<Published>,
    undelivered: Undelivered,
    /// What a heartbeat tells: how it stands, and how often a call was throttled.
    standing: Option<(Status, u32)>,
}

impl Herald {
    /// Makes the herald of a shift.
    pub fn new(
        shift: &str,
        notify: Notify,
        topics: Arc<dyn Topics>,
        metrics: Arc<dyn Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let namespace = notify.namespace.clone().unwrap_or_default();
        Self {
            notify,
            topics,
            metrics,
            clock,
            desk: Mutex::new(Desk {
                teller: Teller::new(shift, &namespace),
                messages: VecDeque::new(),
                figures: Vec::new(),
                undelivered: Undelivered::default(),
                standing: None,
            }),
            news: watch::Sender::new(false),
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what is to be told; returns at once.
    pub(super) fn take(&self, events: &[Event], shift: &Shift) {
        let status = shift.status();
        {
            let mut desk = self.desk();
            for event in events {
                let notice = desk.teller.notice(event, &status);
                if let Some(message) = self.message(&notice) {
                    desk.messages.push_back(message);
                }
                if self.notify.namespace.is_some() {
                    let figures = desk.teller.figures(event, &status);
                    desk.figures.extend(figures.into_iter().map(published));
                }
            }
            desk.standing = Some((status, shift.throttled()));
        }
        if !events.is_empty() {
            self.news.send_modify(|_| {});
        }
    }

    /// Says that nothing more will come.
    pub(super) fn close(&self) {
        self.news.send_replace(true);
    }

    fn message(&self, notice: &Notice) -> Option<Message> {
        let is_asked_for = self.notify.events.is_empty()
            || self.notify.events.iter().any(|name| name == notice.event);
        if self.notify.topic_arn.is_none()
            || notice.severity < self.notify.severity_min
            || !is_asked_for
        {
            return None;
        }
        let body = serde_json::to_string(notice)
            .expect("a notice has string keys alone, so that it always has a JSON form");
        Some(Message {
            subject: notice.subject(),
            body,
            key: notice.key.clone(),
        })
    }

    /// Delivers until everything is told after [`close`](Self::close).
    ///
    /// # Cancellation
    /// May be dropped at any point; what was in hand then counts as undelivered.
    pub(super) async fn deliver(&self) {
        tokio::join!(self.deliver_messages(), self.deliver_figures());
    }

    /// Returns what could not be told, with everything that is still to be.
    pub(super) fn undelivered(&self) -> Undelivered {
        let desk = self.desk();
        let mut undelivered = desk.undelivered.clone();
        let left = desk.messages.iter().map(|message| message.key.clone());
        undelivered.messages.extend(left);
        undelivered
    }

    async fn deliver_messages(&self) {
        let mut news = self.news.subscribe();
        loop {
            let is_last = *news.borrow_and_update();
            let message = self.desk().messages.front().cloned();
            match message {
                Some(message) => self.deliver_message(message).await,
                None if is_last => return,
                None => {
                    if news.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn deliver_message(&self, message: Message) {
        let mut failures: u32 = 0;
        let arrived = loop {
            if self.send(&message).await {
                break true;
            }
            failures = failures.saturating_add(1);
            let Some(wait) = ATTEMPTS.wait_after(failures) else {
                break false;
            };
            let again_at = self.clock.now().after(wait);
            self.clock.sleep_until(again_at).await;
        };
        let mut desk = self.desk();
        desk.messages.pop_front();
        if !arrived {
            desk.undelivered.messages.push(message.key);
        }
    }

    async fn send(&self, message: &Message) -> bool {
        let Some(topic) = &self.notify.topic_arn else {
            return true;
        };
        self.in_time(self.topics.publish(topic, message))
            .await
            .is_some_and(|sent| sent.is_ok())
    }

    async fn deliver_figures(&self) {
        if self.notify.namespace.is_none() {
            return;
        }
        let mut news = self.news.subscribe();
        let mut beat_at = self.clock.now();
        loop {
            // With a clock that jumps over every wait nobody else would have a turn.
            tokio::task::yield_now().await;
            let is_last = *news.borrow_and_update();
            beat_at = self.beat(beat_at);
            let figures = self.next_figures();
            if !figures.is_empty() {
                let sent = self.in_time(self.metrics.publish(&figures)).await;
                if sent.is_none_or(|sent| sent.is_err()) {
                    let failed = &mut self.desk().undelivered.figures;
                    *failed = failed.saturating_add(1);
                }
                continue;
            }
            if is_last {
                return;
            }
            tokio::select! {
                changed = news.changed() => if changed.is_err() {
                    return;
                },
                () = self.clock.sleep_until(beat_at) => {}
            }
        }
    }

    /// Makes a heartbeat when one is due; returns when the next is.
    fn beat(&self, beat_at: Timestamp) -> Timestamp {
        let now = self.clock.now();
        if now < beat_at {
            return beat_at;
        }
        let desk = &mut *self.desk();
        if let Some((status, throttled)) = &desk.standing {
            let figures = desk.teller.heartbeat(now, status, *throttled);
            desk.figures.extend(figures.into_iter().map(published));
        }
        now.after(HEARTBEAT)
    }

    fn next_figures(&self) -> Vec<Published> {
        let mut desk = self.desk();
        let count = desk.figures.len().min(FIGURES_MAX);
        desk.figures.drain(..count).collect()
    }

    async fn in_time<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let late = self.clock.sleep_until(self.clock.now().after(ATTEMPT_MAX));
        tokio::select! {
            biased;
            answer = call => Some(answer),
            () = late => None,
        }
    }
}

fn published(figure: Figure) -> Published {
    let Figure { metric, at, value } = figure;
    Published { metric, at, value }
}
