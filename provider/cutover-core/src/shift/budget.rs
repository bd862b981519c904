//! How many requests may be made to Route 53, whose limit is shared by everybody in an account, and which changes of a
//! zone wait for each other.
//!
//! Whoever wants to make a request takes a place in the queue, asks whether it may go, and leaves when it does not want
//! to any more. Requests go in their order; one whose zone is still busy lets others pass.
//!
//! | What | Waits for what of its zone | Keeps its zone |
//! | --- | --- | --- |
//! | a look | nothing | no |
//! | an entry of a journal | what is being sent | while it is sent |
//! | a change of weights | what is being sent, and changes of weights that are not INSYNC | until it is INSYNC |
//! | the way back | nothing, not even its place in the queue | until it is INSYNC |

use std::collections::BTreeMap;
use std::time::Duration;

use super::facts::ChangeState;
use super::plan::INSYNC_EXPECTED;
use super::records::RecordChange;
use crate::Timestamp;

/// Between two requests of everyday: stated, two a second.
const INTERVAL: Duration = Duration::from_millis(500);

/// Between two urgent requests. Source: Route 53 developer guide, "Quotas": five requests a second for an account.
const INTERVAL_URGENT: Duration = Duration::from_millis(200);

/// How many urgent requests may go at once: ours, a second's worth.
const BURST_URGENT: u32 = 5;

/// Between two questions about a change that others wait for: stated for a shift's own questions.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// For how long a change keeps its zone when nobody learns what became of it: stated, the time after which a pending
/// change stops its shift. So who waits gets its turn after this time for each change before it, whatever happens.
const PENDING_MAX: Duration = Duration::from_mins(5);

/// For how long the place of a change is kept that went away to look after its shift: ours, a few times as long as that
/// takes.
const PLACE_KEPT: Duration = Duration::from_mins(2);

/// What a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only looks, or changes nothing in a zone.
    Look,
    /// It writes the entry of a journal and nothing else, so that no answer to anybody changes.
    Entry {
        /// The zone's id.
        zone: String,
    },
    /// It changes what is answered.
    Change {
        /// The zone's id.
        zone: String,
        /// The journal's name, by which its place is kept.
        journal: String,
    },
    /// It overtakes everything that waits: the way back.
    Urgent {
        /// The zone's id.
        zone: String,
    },
}

impl Kind {
    /// Tells what a batch is.
    pub fn of_batch(zone: &str, urgent: bool, changes: &[RecordChange]) -> Self {
        let zone = zone.to_owned();
        // Only journals are of this type: what is directed by weights is an address or another name.
        let mut texts = changes
            .iter()
            .filter(|change| change.set.record_type == "TXT");
        let journal = texts.next().map(|change| change.set.name.clone());
        let texts = usize::from(journal.is_some()).saturating_add(texts.count());
        if urgent {
            Self::Urgent { zone }
        } else if texts > 0 && texts == changes.len() {
            Self::Entry { zone }
        } else {
            let journal = journal.unwrap_or_default();
            Self::Change { zone, journal }
        }
    }

    const fn zone(&self) -> Option<&String> {
        match self {
            Self::Look => None,
            Self::Entry { zone } | Self::Change { zone, .. } | Self::Urgent { zone } => Some(zone),
        }
    }

    const fn changes_answers(&self) -> bool {
        matches!(self, Self::Change { .. } | Self::Urgent { .. })
    }
}

/// A place in the queue, and then the request that was made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// Whether a request may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Now. The place in the queue is given up.
    Granted,
    /// Not yet. A question about the change that it waits for may be made now instead; it is counted.
    Poll {
        /// The change.
        id: String,
    },
    /// Not before this moment, or before something changes.
    Wait {
        /// `None`: only when something changes.
        until: Option<Timestamp>,
    },
}

/// The requests of an account.
#[derive(Clone, Debug)]
pub struct Budget {
    everyday: Rate,
    urgent: Rate,
    waiting: BTreeMap<Ticket, Kind>,
    next: u64,
    /// The places of changes that went away without their turn, by zone and journal, and until when they are kept.
    kept: BTreeMap<(String, String), (Ticket, Timestamp)>,
    zones: BTreeMap<String, Zone>,
}

/// What happens to a zone.
#[derive(Clone, Debug, Default)]
struct Zone {
    /// What is being sent; the zone takes one request at a time.
    sending: BTreeMap<Ticket, Sending>,
    /// Changes of answers on their way to the name servers.
    pending: Vec<Pending>,
}

#[derive(Clone, Copy, Debug)]
struct Sending {
    changes_answers: bool,
    /// Until when it keeps its zone at most.
    until: Timestamp,
}

#[derive(Clone, Debug)]
struct Pending {
    /// `None` when the answer was lost.
    id: Option<String>,
    /// Until when it keeps its zone at most.
    until: Timestamp,
    ask_at: Timestamp,
}

impl Zone {
    fn is_free_for(&self, kind: &Kind) -> bool {
        match kind {
            Kind::Look | Kind::Urgent { .. } => true,
            Kind::Entry { .. } => self.sending.is_empty(),
            Kind::Change { .. } => self.sending.is_empty() && self.pending.is_empty(),
        }
    }

    /// Returns when the first of what keeps it gives it up by itself.
    fn until(&self) -> Option<Timestamp> {
        let sending = self.sending.values().map(|sending| sending.until);
        sending
            .chain(self.pending.iter().map(|change| change.until))
            .min()
    }
}

/// An even rate with a burst: the generic cell rate algorithm.
#[derive(Clone, Copy, Debug)]
struct Rate {
    interval: Duration,
    burst: u32,
    /// When a request would be exactly in time.
    due: Timestamp,
}

impl Rate {
    const fn new(interval: Duration, burst: u32) -> Self {
        Self {
            interval,
            burst,
            due: Timestamp::from_unix_millis(i64::MIN),
        }
    }

    fn free_at(&self) -> Timestamp {
        let ahead = self.interval.saturating_mul(self.burst.saturating_sub(1));
        self.due.before(ahead)
    }

    fn take(&mut self, now: Timestamp) {
        self.due = self.due.max(now).after(self.interval);
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            everyday: Rate::new(INTERVAL, 1),
            urgent: Rate::new(INTERVAL_URGENT, BURST_URGENT),
            waiting: BTreeMap::new(),
            next: 0,
            kept: BTreeMap::new(),
            zones: BTreeMap::new(),
        }
    }
}

impl Budget {
    /// Takes a place at the end of the queue; a change that was here a while ago gets its former one.
    pub fn enter(&mut self, now: Timestamp, kind: Kind) -> Ticket {
        self.forget(now);
        let former = match &kind {
            Kind::Change { zone, journal } => self.kept.remove(&(zone.clone(), journal.clone())),
            Kind::Look | Kind::Entry { .. } | Kind::Urgent { .. } => None,
        };
        let ticket = former.map_or(Ticket(self.next), |(ticket, _)| ticket);
        self.next = self.next.saturating_add(1);
        self.waiting.insert(ticket, kind);
        ticket
    }

    /// Gives up a place, when it was not granted before. That of a change is kept for a while.
    pub fn leave(&mut self, now: Timestamp, ticket: Ticket) {
        if let Some(Kind::Change { zone, journal }) = self.waiting.remove(&ticket) {
            let until = now.after(PLACE_KEPT);
            self.kept.insert((zone, journal), (ticket, until));
        }
    }

    /// Asks whether a request may be made now.
    pub fn ask(&mut self, now: Timestamp, ticket: Ticket) -> Answer {
        self.forget(now);
        let Some(kind) = self.waiting.get(&ticket).cloned() else {
            return Answer::Wait { until: None };
        };
        let is_urgent = |kind: &Kind| matches!(kind, Kind::Urgent { .. });
        if is_urgent(&kind) {
            let at = self.urgent.free_at();
            if at > now {
                return Answer::Wait { until: Some(at) };
            }
            return self.grant(now, ticket, &kind);
        }
        if self.waiting.values().any(is_urgent) {
            return Answer::Wait { until: None };
        }
        let free_at = self.everyday.free_at().max(self.urgent.free_at());
        if !self.is_free_for(&kind) {
            return self.behind_others(now, &kind, free_at);
        }
        if self.is_behind(ticket) {
            return Answer::Wait { until: None };
        }
        if free_at > now {
            return Answer::Wait {
                until: Some(free_at),
            };
        }
        self.grant(now, ticket, &kind)
    }

    /// Notes that a batch was accepted under a name.
    pub fn accepted(&mut self, now: Timestamp, ticket: Ticket, id: &str) {
        let pending = Pending {
            id: Some(id.to_owned()),
            until: now.after(PENDING_MAX),
            ask_at: now.after(ASK_AGAIN),
        };
        self.sent(ticket, Some(&pending));
    }

    /// Notes that a batch had no effect.
    pub fn refused(&mut self, ticket: Ticket) {
        self.sent(ticket, None);
    }

    /// Notes that nobody knows what became of a batch: one that changes answers keeps its zone for as long as changes
    /// usually take.
    pub fn lost(&mut self, now: Timestamp, ticket: Ticket) {
        let until = now.after(INSYNC_EXPECTED);
        let pending = Pending {
            id: None,
            until,
            ask_at: until,
        };
        self.sent(ticket, Some(&pending));
    }

    /// Notes what was said about a change, whoever asked.
    pub fn heard(&mut self, now: Timestamp, id: &str, state: ChangeState) {
        let is_it = |change: &Pending| change.id.as_deref() == Some(id);
        for zone in self.zones.values_mut() {
            if state != ChangeState::Pending {
                zone.pending.retain(|change| !is_it(change));
            }
            for change in zone.pending.iter_mut().filter(|change| is_it(change)) {
                change.ask_at = now.after(ASK_AGAIN);
            }
        }
    }

    /// Ends what keeps a zone, or a place, for too long.
    fn forget(&mut self, now: Timestamp) {
        self.kept.retain(|_, (_, until)| *until > now);
        for zone in self.zones.values_mut() {
            zone.sending.retain(|_, sending| sending.until > now);
            zone.pending.retain(|change| change.until > now);
        }
        self.zones
            .retain(|_, zone| !zone.sending.is_empty() || !zone.pending.is_empty());
    }

    fn sent(&mut self, ticket: Ticket, pending: Option<&Pending>) {
        for zone in self.zones.values_mut() {
            if let Some(sending) = zone.sending.remove(&ticket) {
                let pending = pending.filter(|_| sending.changes_answers);
                zone.pending.extend(pending.cloned());
            }
        }
    }

    fn is_free_for(&self, kind: &Kind) -> bool {
        let zone = kind.zone().and_then(|zone| self.zones.get(zone));
        zone.is_none_or(|zone| zone.is_free_for(kind))
    }

    /// Answers a request whose zone is still busy.
    fn behind_others(&mut self, now: Timestamp, kind: &Kind, free_at: Timestamp) -> Answer {
        let zone = kind.zone().and_then(|zone| self.zones.get_mut(zone));
        let Some(zone) = zone else {
            return Answer::Wait { until: None };
        };
        let until = zone.until();
        let named = |change: &&mut Pending| change.id.is_some();
        let asked = zone.pending.iter_mut().filter(named);
        let next = asked.min_by_key(|change| change.ask_at);
        let Some(change) = next.filter(|_| zone.sending.is_empty()) else {
            return Answer::Wait { until };
        };
        let at = change.ask_at.max(free_at);
        match change.id.clone() {
            Some(id) if at <= now => {
                change.ask_at = now.after(ASK_AGAIN);
                self.everyday.take(now);
                self.urgent.take(now);
                Answer::Poll { id }
            }
            _ => Answer::Wait {
                until: Some(until.map_or(at, |until| until.min(at))),
            },
        }
    }

    /// Tells whether somebody who could go now came earlier.
    fn is_behind(&self, ticket: Ticket) -> bool {
        self.waiting
            .range(..ticket)
            .any(|(_, earlier)| self.is_free_for(earlier))
    }

    fn grant(&mut self, now: Timestamp, ticket: Ticket, kind: &Kind) -> Answer {
        self.waiting.remove(&ticket);
        // What is urgent uses up the rate of everyday as well.
        self.everyday.take(now);
        self.urgent.take(now);
        if let Some(zone) = kind.zone() {
            let sending = Sending {
                changes_answers: kind.changes_answers(),
                until: now.after(PENDING_MAX),
            };
            let zone = self.zones.entry(zone.clone()).or_default();
            zone.sending.insert(ticket, sending);
        }
        Answer::Granted
    }
}

#[cfg(test)]
mod tests;
