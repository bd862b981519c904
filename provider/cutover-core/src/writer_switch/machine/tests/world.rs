//! Two databases, replication between them in both directions, and applications that never stop to pay.
//!
//! Applications try both sides at every moment, as services with stale settings do; only the fences keep them apart. Every
//! payment that was accepted is remembered. Time passes with each command.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::a_control;
use super::database::{Change, Db};
use super::dms::{Task, refused};
use crate::validation::facts::{DbFailure, DbFailureClass};
use crate::validation::report::{ProofKind, Verdict};
use crate::validation::side::{Both, Side};
use crate::writer_switch::control::{Control, Fence, LogPosition, OldTransaction, Told};
use crate::writer_switch::facts::{Checked, Command, Fact};
use crate::writer_switch::spec::Spec;
use crate::{FailureClass, Timestamp};

/// How long a command takes.
const COMMAND: Duration = Duration::from_millis(20);

/// Between two payments.
const PAYMENT: Duration = Duration::from_millis(10);

/// What happens to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Its session is lost before it takes effect.
    LostBefore,
    /// It takes effect, and the answer is lost with the session.
    LostAfter,
    /// It is refused, for ever.
    Denied,
    /// There is no session to spare, or a service has too many calls.
    Busy,
    /// It takes a long time.
    Slow(Duration),
}

/// An order in which commands take effect that would be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The last marker is written before the fence.
    MarkerBeforeFence,
    /// The place in the log is noted after applications have begun to write.
    PlaceTooLate,
    /// The place in the log is noted before everything has arrived.
    PlaceTooEarly,
}

/// Everything.
pub(super) struct World {
    pub(super) spec: Spec,
    pub(super) now: Timestamp,
    pub(super) sides: Both<Db>,
    /// From the former writer, which a move drains through.
    pub(super) drain: Task,
    pub(super) back: Option<Task>,
    pub(super) lag: Duration,
    pub(super) setting: Option<Side>,
    /// Payments that an application was told are made.
    pub(super) acknowledged: BTreeSet<u64>,
    next_payment: u64,
    paid_at: Timestamp,
    /// Whether the sessions, and the locks with them, are gone.
    pub(super) is_lost: bool,
    /// Who else holds the lock.
    pub(super) rival: Option<String>,
    /// A side that cannot be reached.
    pub(super) unreachable: Option<Side>,
    /// What happens to commands, counted from 0 over all runs.
    pub(super) troubles: BTreeMap<usize, Trouble>,
    pub(super) performed: Vec<Command>,
    pub(super) wrong: Option<Wrong>,
    /// How often the locks for a fence are not to be had.
    pub(super) blocked: u32,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) setting_fails: u32,
    /// How often the replication back is refused to start, as while its connection is tested.
    pub(super) start_fails: u32,
    /// For how long neither side took writes, in all.
    pub(super) refused: Duration,
    /// What both sides took at once, if that ever happened.
    pub(super) split: Option<String>,
    /// A payment that replication leaves out, noting it as an exception.
    pub(super) drops: Option<u64>,
}

impl World {
    pub(super) fn new(spec: Spec) -> Self {
        let start = Timestamp::from_unix_millis(1_800_000_000_000);
        Self {
            spec,
            now: start,
            sides: Both::of(|_| Db::new()),
            drain: Task {
                has_run: true,
                ..Task::new("running")
            },
            back: None,
            lag: Duration::from_millis(150),
            setting: None,
            acknowledged: BTreeSet::new(),
            next_payment: 1,
            paid_at: start,
            is_lost: true,
            rival: None,
            unreachable: None,
            troubles: BTreeMap::new(),
            performed: Vec::new(),
            wrong: None,
            blocked: 0,
            verdicts: Vec::new(),
            setting_fails: 0,
            start_fails: 0,
            refused: Duration::ZERO,
            split: None,
            drops: None,
        }
    }

    /// Makes the move the other way round: what led back is what is drained through now.
    pub(super) fn turn(&mut self) {
        self.spec.writer = self.spec.writer.other();
        self.drain = self.back.take().expect("it was begun");
        self.spec.back = None;
    }

    /// Lets time pass: payments are tried, changes are replicated, fences end, tasks change.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now.after(time);
        // Fewer payments in long waits, which would only take the tests longer.
        let every = PAYMENT.max(time / 50);
        while self.paid_at.after(every) <= end {
            self.paid_at = self.paid_at.after(every);
            self.now = self.now.max(self.paid_at);
            self.pay(every);
            self.replicate();
        }
        self.now = end;
        self.replicate();
    }

    fn pay(&mut self, every: Duration) {
        let now = self.now;
        let mut taken = Vec::new();
        for side in Side::BOTH {
            let db = self.sides.get_mut(side);
            // Nobody pays into a target before it was made ready.
            let is_for_it = side == Side::Source || db.fence(now) != Fence::Absent;
            if is_for_it && db.fence(now).lets_through() {
                let payment = self.next_payment;
                self.next_payment += 1;
                db.write(now, Change::Payment(payment));
                self.acknowledged.insert(payment);
                taken.push(side);
            }
        }
        if taken.len() == 2 {
            self.split = Some(format!("both sides took a payment at {}", now.to_utc()));
        }
        if taken.is_empty() {
            self.refused += every;
        }
    }

    /// Applies what is old enough, in both directions.
    fn replicate(&mut self) {
        let (now, lag, former) = (self.now, self.lag, self.spec.former());
        let drops = self.drops;
        for (task, from) in [
            (Some(&mut self.drain), former),
            (self.back.as_mut(), former.other()),
        ] {
            let Some(task) = task else { continue };
            if let Some((at, status)) = task.becomes
                && at <= now
            {
                task.status = status;
                task.becomes = None;
            }
            if task.status != "running" {
                continue;
            }
            while let Some((at, change)) = self.sides.get(from).log.get(task.next).copied() {
                if at.after(lag) > now {
                    break;
                }
                task.next += 1;
                let to = self.sides.get_mut(from.other());
                to.apply(now, change, drops);
            }
        }
        if self.back.as_ref().is_some_and(|back| back.status == "gone") {
            self.back = None;
        }
    }

    /// Performs a command, with what happens to it.
    pub(super) fn perform(&mut self, command: &Command) -> Fact {
        let trouble = self.troubles.get(&self.performed.len()).copied();
        self.performed.push(command.clone());
        self.pass(COMMAND);
        let of_service = is_of_service(command);
        let lost = |side| Fact::Failed(side, failure(DbFailureClass::Lost));
        let side = side_of(command);
        if matches!(command, Command::Look { .. }) {
            self.is_lost = false;
        } else if self.is_lost && !of_service {
            return lost(side);
        }
        if let Some(gone) = self.unreachable
            && (side == gone || is_of_both(command))
            && !of_service
        {
            self.is_lost |= side == gone;
            return Fact::Failed(gone, failure(DbFailureClass::Unreachable));
        }
        match trouble {
            None => self.answer(command),
            Some(Trouble::Slow(time)) => {
                let answer = self.answer(command);
                self.pass(time);
                answer
            }
            Some(trouble) if of_service => {
                if trouble == Trouble::LostAfter {
                    self.answer(command);
                }
                let class = match trouble {
                    Trouble::Denied => FailureClass::Denied,
                    Trouble::Busy => FailureClass::Throttled,
                    _ => FailureClass::Unknown,
                };
                refused(class)
            }
            Some(Trouble::Denied) => Fact::Failed(side, failure(DbFailureClass::Denied)),
            Some(Trouble::Busy) => Fact::Failed(side, failure(DbFailureClass::Busy)),
            Some(Trouble::LostBefore) => {
                self.is_lost = true;
                lost(side)
            }
            Some(Trouble::LostAfter) => {
                self.answer(command);
                self.is_lost = true;
                lost(side)
            }
        }
    }

    fn answer(&mut self, command: &Command) -> Fact {
        let now = self.now;
        match command {
            Command::Look { .. } => match &self.rival {
                Some(by) => Fact::Held {
                    side: Side::Source,
                    by: by.clone(),
                },
                None => Fact::Seen(Box::new(Both::of(|side| self.look(side)))),
            },
            Command::Prepare(side, row) => {
                let migration = self.spec.migration.clone();
                self.sides.get_mut(*side).prepare(*side, &migration, *row);
                Fact::Done
            }
            Command::Mark(side, number) => {
                if self.wrong != Some(Wrong::MarkerBeforeFence) || self.performed_fence().is_none()
                {
                    let change = Change::Marker(*number);
                    self.sides.get_mut(*side).write(now, change);
                }
                Fact::Done
            }
            Command::Seek(side, number, limit) => self.seek(*side, *number, *limit),
            Command::Fence {
                side, expires_in, ..
            } => self.fence(*side, *expires_in),
            Command::Close { side, .. } => self.close(*side),
            Command::Open {
                side,
                expected,
                row,
                ..
            } => {
                let found = self.sides.get_mut(*side).open(*expected, *row);
                if found != *expected {
                    return Fact::OtherEpoch(found);
                }
                if self.wrong == Some(Wrong::PlaceTooLate) {
                    self.pass(PAYMENT * 3);
                    self.move_place(*side, |length| length);
                }
                Fact::Done
            }
            Command::Record(side, row, _) => {
                self.sides.get_mut(*side).record(*row);
                Fact::Done
            }
            Command::ReadIdentities => {
                Fact::Identities(Both::of(|side| vec![self.sides.get(side).identity.clone()]))
            }
            Command::SetIdentities(side, set) => {
                for (_, next) in set {
                    self.sides.get_mut(*side).identity.next = *next;
                }
                Fact::Done
            }
            Command::Check(_) => Fact::Checked(self.check()),
            Command::Capture(side, name) => {
                let position = self.sides.get_mut(*side).capture(name);
                if self.wrong == Some(Wrong::PlaceTooEarly) {
                    self.move_place(*side, |length| length - 3);
                    return Fact::Captured(
                        self.sides
                            .get(*side)
                            .captured
                            .clone()
                            .expect("noted")
                            .position,
                    );
                }
                Fact::Captured(position)
            }
            Command::Release(side, name) => {
                self.sides.get_mut(*side).release(name);
                Fact::Done
            }
            Command::Probe => Fact::Probed(Both::of(|side| {
                self.sides.get(side).fence(now).lets_through()
            })),
            of_service => self.serve(of_service),
        }
    }

    fn look(&self, side: Side) -> Control {
        let db = self.sides.get(side);
        Control {
            state: db.state.clone().filter(|_| !db.is_dropped),
            fence: db.fence(self.now),
            captured: db.captured.clone(),
            exceptions: Some(db.exceptions),
            old_transactions: db
                .old_until
                .filter(|until| *until > self.now)
                .map(|_| OldTransaction {
                    age: Duration::from_secs(44),
                    who: "app@10.0.3.7 (checkout), process 4711".to_owned(),
                })
                .into_iter()
                .collect(),
            unfenced: db.unfenced.clone(),
            is_replica: db.is_replica,
            ..a_control(side)
        }
    }

    fn seek(&mut self, side: Side, number: u64, limit: Duration) -> Fact {
        let end = self.now.after(limit);
        loop {
            if self.sides.get(side).markers.contains(&number) {
                return Fact::Sought(true);
            }
            if self.now >= end {
                return Fact::Sought(false);
            }
            self.pass(PAYMENT * 5);
        }
    }

    fn fence(&mut self, side: Side, expires_in: Duration) -> Fact {
        if self.blocked > 0 {
            self.blocked -= 1;
            self.pass(self.spec.pause.lock);
            return Fact::NoLock {
                blockers: vec!["app@10.0.3.7 (checkout), process 4711, for 12 s".to_owned()],
            };
        }
        if self.wrong == Some(Wrong::MarkerBeforeFence) {
            let (number, now) = (self.last_marker() + 1, self.now);
            self.sides.get_mut(side).write(now, Change::Marker(number));
            self.pass(self.lag);
        }
        let now = self.now;
        let db = self.sides.get_mut(side);
        db.set(Told::Paused);
        db.pause_until = Some(now.after(expires_in));
        Fact::Fenced {
            locked: Duration::from_millis(18),
        }
    }

    fn close(&mut self, side: Side) -> Fact {
        let now = self.now;
        let db = self.sides.get_mut(side);
        match db.fence(now) {
            Fence::Paused { .. } | Fence::Closed => {
                db.set(Told::Closed);
                Fact::Fenced {
                    locked: Duration::from_millis(18),
                }
            }
            Fence::Absent | Fence::Open | Fence::Expired => Fact::Expired,
        }
    }

    fn check(&mut self) -> Checked {
        let rows = |side: Side| &self.sides.get(side).rows;
        let is_equal = rows(Side::Source) == rows(Side::Target);
        let found = if is_equal {
            Verdict::Matched
        } else {
            Verdict::Mismatched
        };
        Checked {
            verdict: Some(self.verdicts.pop().unwrap_or(found)),
            proof: ProofKind::Delta,
            reasons: if is_equal {
                Vec::new()
            } else {
                vec!["public.payments differs".to_owned()]
            },
            report_digest: Some("digest".to_owned()),
        }
    }

    fn move_place(&mut self, side: Side, to: impl Fn(usize) -> usize) {
        let db = self.sides.get_mut(side);
        let place = to(db.log.len());
        if let Some(captured) = &mut db.captured
            && let LogPosition::Slot { lsn, .. } = &mut captured.position
        {
            *lsn = place.to_string();
        }
    }

    fn performed_fence(&self) -> Option<&Command> {
        let mut performed = self.performed.iter();
        performed.find(|command| matches!(command, Command::Fence { .. }))
    }

    fn last_marker(&self) -> u64 {
        let mut numbers = self.performed.iter().rev();
        let mark = numbers.find_map(|command| match command {
            Command::Mark(_, number) => Some(*number),
            _ => None,
        });
        mark.expect("the lag was measured")
    }
}

fn failure(class: DbFailureClass) -> DbFailure {
    DbFailure {
        class,
        doing: "doing it".to_owned(),
        code: None,
        message: format!("{class:?}"),
    }
}

/// Returns the side that a command reaches first.
fn side_of(command: &Command) -> Side {
    match command {
        Command::Mark(side, _)
        | Command::Seek(side, ..)
        | Command::Prepare(side, _)
        | Command::Fence { side, .. }
        | Command::Close { side, .. }
        | Command::Open { side, .. }
        | Command::Capture(side, _)
        | Command::Release(side, _)
        | Command::SetIdentities(side, _)
        | Command::Record(side, ..) => *side,
        _ => Side::Source,
    }
}

fn is_of_both(command: &Command) -> bool {
    matches!(
        command,
        Command::Look { .. } | Command::ReadIdentities | Command::Check(_) | Command::Probe
    )
}

fn is_of_service(command: &Command) -> bool {
    matches!(
        command,
        Command::ReadDrain
            | Command::Tell(_)
            | Command::StopDrain
            | Command::ReadBack(_)
            | Command::MakeBack(..)
            | Command::StartBack(..)
            | Command::StopBack(_)
            | Command::RemoveBack(_)
    )
}
