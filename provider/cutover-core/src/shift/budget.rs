//! How many requests may be made to Route 53, whose limit is shared by everybody in an account.
//!
//! Whoever wants to make a request takes a place in the queue, asks whether it may go, and leaves when it does not want
//! to any more. Requests go in their order; one whose zone is still busy with an earlier change lets others pass.

use std::collections::BTreeMap;
use std::time::Duration;

use super::facts::ChangeState;
use super::plan::INSYNC_EXPECTED;
use crate::Timestamp;

/// Between two requests of everyday: stated, two a second.
const INTERVAL: Duration = Duration::from_millis(500);

/// How many requests of everyday may go at once after a pause: ours, a look and the change that builds on it.
const BURST: u32 = 2;

/// Between two urgent requests. Source: Route 53 developer guide, "Quotas": five requests a second for an account.
const INTERVAL_URGENT: Duration = Duration::from_millis(200);

/// How many urgent requests may go at once: ours, a second's worth.
const BURST_URGENT: u32 = 5;

/// Between two questions about a change that others wait for: stated for a shift's own questions.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// For how long a change keeps its zone when nobody learns what became of it: stated, the time after which a pending
/// change stops its shift.
const PENDING_MAX: Duration = Duration::from_mins(5);

/// What a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only looks, or changes nothing in a zone.
    Look,
    /// It changes records of a zone, and waits for the zone's former change.
    Change {
        /// The zone's id.
        zone: String,
    },
    /// It overtakes everything that waits, and waits for no former change: the way back.
    Urgent,
}

/// A place in the queue.
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
    zones: BTreeMap<String, InFlight>,
}

/// A change on its way to the name servers.
#[derive(Clone, Debug)]
struct InFlight {
    /// `None` while it is being submitted, or when the answer was lost.
    id: Option<String>,
    /// Until when it keeps its zone at most.
    until: Timestamp,
    ask_at: Timestamp,
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
        let millis = i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_unix_millis(self.due.unix_millis().saturating_sub(millis))
    }

    fn take(&mut self, now: Timestamp) {
        self.due = self.due.max(now).after(self.interval);
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            everyday: Rate::new(INTERVAL, BURST),
            urgent: Rate::new(INTERVAL_URGENT, BURST_URGENT),
            waiting: BTreeMap::new(),
            next: 0,
            zones: BTreeMap::new(),
        }
    }
}

impl Budget {
    /// Takes a place at the end of the queue.
    pub fn enter(&mut self, kind: Kind) -> Ticket {
        let ticket = Ticket(self.next);
        self.next = self.next.saturating_add(1);
        self.waiting.insert(ticket, kind);
        ticket
    }

    /// Gives up a place, when it was not granted before.
    pub fn leave(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
    }

    /// Asks whether a request may be made now.
    pub fn ask(&mut self, now: Timestamp, ticket: Ticket) -> Answer {
        self.zones.retain(|_, change| change.until > now);
        let Some(kind) = self.waiting.get(&ticket).cloned() else {
            return Answer::Wait { until: None };
        };
        if kind == Kind::Urgent {
            let at = self.urgent.free_at();
            if at > now {
                return Answer::Wait { until: Some(at) };
            }
            return self.grant(now, ticket, &kind);
        }
        if self.waiting.values().any(|other| *other == Kind::Urgent) {
            return Answer::Wait { until: None };
        }
        let free_at = self.everyday.free_at().max(self.urgent.free_at());
        if let Some(answer) = self.behind_a_change(now, &kind, free_at) {
            return answer;
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

    /// Notes that a batch of a zone was accepted under a name.
    pub fn accepted(&mut self, now: Timestamp, zone: &str, id: &str) {
        let change = InFlight {
            id: Some(id.to_owned()),
            until: now.after(PENDING_MAX),
            ask_at: now.after(ASK_AGAIN),
        };
        self.zones.insert(zone.to_owned(), change);
    }

    /// Notes that a batch of a zone had no effect.
    pub fn refused(&mut self, zone: &str) {
        if self
            .zones
            .get(zone)
            .is_some_and(|change| change.id.is_none())
        {
            self.zones.remove(zone);
        }
    }

    /// Notes that nobody knows what became of a batch: it keeps its zone for as long as changes usually take.
    pub fn lost(&mut self, now: Timestamp, zone: &str) {
        if let Some(change) = self.zones.get_mut(zone)
            && change.id.is_none()
        {
            change.until = now.after(INSYNC_EXPECTED);
        }
    }

    /// Notes what was said about a change, whoever asked.
    pub fn heard(&mut self, id: &str, state: ChangeState) {
        if state != ChangeState::Pending {
            self.zones
                .retain(|_, change| change.id.as_deref() != Some(id));
        }
    }

    /// Answers a change whose zone is still busy.
    fn behind_a_change(
        &mut self,
        now: Timestamp,
        kind: &Kind,
        free_at: Timestamp,
    ) -> Option<Answer> {
        let Kind::Change { zone } = kind else {
            return None;
        };
        let change = self.zones.get_mut(zone)?;
        let Some(id) = change.id.clone() else {
            let until = Some(change.until);
            return Some(Answer::Wait { until });
        };
        let at = change.ask_at.max(free_at);
        if at > now {
            let until = Some(at.min(change.until));
            return Some(Answer::Wait { until });
        }
        change.ask_at = now.after(ASK_AGAIN);
        self.everyday.take(now);
        self.urgent.take(now);
        Some(Answer::Poll { id })
    }

    /// Tells whether somebody who could go now came earlier.
    fn is_behind(&self, ticket: Ticket) -> bool {
        let can_go = |kind: &Kind| match kind {
            Kind::Look | Kind::Urgent => true,
            Kind::Change { zone } => !self.zones.contains_key(zone),
        };
        self.waiting
            .range(..ticket)
            .any(|(_, earlier)| can_go(earlier))
    }

    fn grant(&mut self, now: Timestamp, ticket: Ticket, kind: &Kind) -> Answer {
        self.waiting.remove(&ticket);
        // What is urgent uses up the rate of everyday as well.
        self.everyday.take(now);
        self.urgent.take(now);
        if let Kind::Change { zone } = kind {
            let change = InFlight {
                id: None,
                until: now.after(PENDING_MAX),
                ask_at: now,
            };
            self.zones.insert(zone.clone(), change);
        }
        Answer::Granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    fn wait(millis: i64) -> Answer {
        Answer::Wait {
            until: Some(at(millis)),
        }
    }

    const SOMETHING: Answer = Answer::Wait { until: None };

    fn change() -> Kind {
        Kind::Change {
            zone: "Z1".to_owned(),
        }
    }

    /// Returns when each of so many requests went, asked every 10 ms.
    fn times(kind: &Kind, count: usize) -> Vec<i64> {
        let mut budget = Budget::default();
        let mut tickets: Vec<_> = (0..count).map(|_| budget.enter(kind.clone())).collect();
        let mut times = Vec::new();
        for millis in (0..60_000).step_by(10) {
            tickets.retain(|ticket| match budget.ask(at(millis), *ticket) {
                Answer::Granted => {
                    times.push(millis);
                    false
                }
                Answer::Poll { .. } | Answer::Wait { .. } => true,
            });
        }
        times
    }

    #[test]
    fn two_requests_go_at_once_and_two_a_second_after_that() {
        assert_eq!(times(&Kind::Look, 6), [0, 0, 500, 1_000, 1_500, 2_000]);
    }

    #[test]
    fn urgent_requests_have_the_whole_allowance_of_the_account() {
        assert_eq!(times(&Kind::Urgent, 7), [0, 0, 0, 0, 0, 200, 400]);
    }

    #[test]
    fn requests_go_in_their_order() {
        let mut budget = Budget::default();
        let (first, second) = (budget.enter(Kind::Look), budget.enter(Kind::Look));

        assert_eq!(budget.ask(at(0), second), SOMETHING);
        assert_eq!(budget.ask(at(0), first), Answer::Granted);
        assert_eq!(budget.ask(at(0), second), Answer::Granted);
    }

    #[test]
    fn what_is_urgent_overtakes_everything_that_waits_and_everyday_pays_for_it() {
        let mut budget = Budget::default();
        let everyday = budget.enter(Kind::Look);
        let urgent = budget.enter(Kind::Urgent);

        assert_eq!(budget.ask(at(0), everyday), SOMETHING);
        assert_eq!(budget.ask(at(0), urgent), Answer::Granted);
        assert_eq!(budget.ask(at(0), everyday), Answer::Granted);
        let next = budget.enter(Kind::Look);
        assert_eq!(budget.ask(at(0), next), wait(500));
    }

    #[test]
    fn a_change_waits_for_the_former_one_of_its_zone_and_lets_others_pass() {
        let mut budget = Budget::default();
        let first = budget.enter(change());
        assert_eq!(budget.ask(at(0), first), Answer::Granted);
        budget.accepted(at(0), "Z1", "C1");
        let second = budget.enter(change());
        let elsewhere = budget.enter(Kind::Change {
            zone: "Z2".to_owned(),
        });

        assert_eq!(budget.ask(at(100), second), wait(5_000));
        assert_eq!(budget.ask(at(100), elsewhere), Answer::Granted);
        let id = "C1".to_owned();
        assert_eq!(budget.ask(at(5_000), second), Answer::Poll { id });
        budget.heard("C1", ChangeState::Pending);
        assert_eq!(budget.ask(at(5_100), second), wait(10_000));
        budget.heard("C1", ChangeState::Insync);
        assert_eq!(budget.ask(at(10_000), second), Answer::Granted);
    }

    #[test]
    fn the_way_back_does_not_wait_for_a_former_change() {
        let mut budget = Budget::default();
        let first = budget.enter(change());
        budget.ask(at(0), first);
        budget.accepted(at(0), "Z1", "C1");
        let urgent = budget.enter(Kind::Urgent);

        assert_eq!(budget.ask(at(0), urgent), Answer::Granted);
    }

    #[test]
    fn a_refused_change_leaves_its_zone_at_once_and_a_lost_one_after_a_while() {
        let mut budget = Budget::default();
        let first = budget.enter(change());
        budget.ask(at(0), first);
        budget.refused("Z1");
        let second = budget.enter(change());
        assert_eq!(budget.ask(at(0), second), Answer::Granted);

        budget.lost(at(1_000), "Z1");
        let third = budget.enter(change());

        assert_eq!(budget.ask(at(2_000), third), wait(61_000));
        assert_eq!(budget.ask(at(61_000), third), Answer::Granted);
    }

    #[test]
    fn a_change_that_stays_pending_keeps_its_zone_for_five_minutes() {
        let mut budget = Budget::default();
        let first = budget.enter(change());
        budget.ask(at(0), first);
        budget.accepted(at(0), "Z1", "C1");
        let second = budget.enter(change());
        budget.ask(at(299_999), second);

        assert_eq!(budget.ask(at(300_000), second), Answer::Granted);
    }

    #[test]
    fn who_leaves_holds_nobody_up() {
        let mut budget = Budget::default();
        let (first, second) = (budget.enter(Kind::Urgent), budget.enter(Kind::Look));
        assert_eq!(budget.ask(at(0), second), SOMETHING);

        budget.leave(first);

        assert_eq!(budget.ask(at(0), second), Answer::Granted);
    }
}
