//! What both databases hold, and what happens to them as time passes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::{Both, Side};

use super::failure;
use super::mover::Jobs;
use super::script::{WriterAct, WriterFault, WriterWhat};
use super::server::{Holder, LogRow, SimServer, Written};

/// Both databases, what replicates between them, and who pays.
#[derive(Debug)]
pub struct WritersState {
    /// The databases.
    pub servers: Both<SimServer>,
    /// What replicates away from each of them.
    pub links: Both<SimLink>,
    /// How long every call takes before its effect.
    pub call_takes: Duration,
    /// Payments that were acknowledged, and by which side.
    pub acknowledged: BTreeMap<u64, Side>,
    /// When payments were refused, and by which side.
    pub refused: Vec<(Timestamp, Side)>,
    /// What each is called, by which endpoints of DMS find it: `source.example.com` and `target.example.com`.
    pub hosts: Both<String>,
    /// The address of each opening, and who opened.
    pub opened: Vec<(Side, String)>,
    pub(super) now: Timestamp,
    pub(super) calls: Vec<(Side, &'static str)>,
    pub(super) complaints: Vec<String>,
    pub(super) script: Vec<WriterFault>,
    pub(super) acts: Vec<(Timestamp, WriterAct)>,
    pub(super) payer: Option<Payer>,
    pub(super) jobs: Jobs,
    /// Runs by their sessions.
    sessions: BTreeMap<u64, String>,
    broken: BTreeSet<u64>,
    occurrences: BTreeMap<(Side, &'static str), usize>,
}

/// What replicates away from a side.
#[derive(Clone, Debug)]
pub struct SimLink {
    /// Whether it runs.
    pub running: bool,
    /// How late it is; `None` while nothing is applied but by [`WritersState::step`].
    pub lag: Option<Duration>,
    /// How many of the next payments it drops without a word, but for the count of exceptions.
    pub drops: usize,
    /// Whether dropping is counted there.
    pub counts_drops: bool,
    /// Payments that were there already when it applied them: it began too early, or runs in a circle.
    pub echoes: Vec<u64>,
    /// How many rows of the log it has passed.
    next: usize,
}

/// An application that pays again and again.
#[derive(Clone, Debug)]
pub(super) struct Payer {
    pub(super) side: Side,
    pub(super) every: Duration,
    pub(super) next: Timestamp,
}

/// What happens next by itself.
enum Due {
    Applied(Side),
    Act(usize),
    Payment,
}

impl WritersState {
    pub(super) fn new(servers: Both<SimServer>, now: Timestamp) -> Self {
        let links = Both::of(|side| SimLink {
            running: side == Side::Source,
            lag: Some(Duration::from_millis(200)),
            drops: 0,
            counts_drops: true,
            echoes: Vec::new(),
            next: 0,
        });
        Self {
            servers,
            links,
            call_takes: Duration::from_millis(2),
            acknowledged: BTreeMap::new(),
            refused: Vec::new(),
            hosts: Both::of(|side| format!("{side}.example.com")),
            opened: Vec::new(),
            now,
            calls: Vec::new(),
            complaints: Vec::new(),
            script: Vec::new(),
            acts: Vec::new(),
            payer: None,
            jobs: Jobs::default(),
            sessions: BTreeMap::new(),
            broken: BTreeSet::new(),
            occurrences: BTreeMap::new(),
        }
    }

    /// Returns the side that writes: what the row with the higher epoch says, and the source while there is none.
    pub fn writer(&self) -> Side {
        let rows = Side::BOTH.map(|side| self.servers.get(side).state.as_ref());
        let newest = rows.into_iter().flatten().max_by_key(|row| row.epoch);
        newest.map_or(Side::Source, |row| row.writer)
    }

    /// Pays under a number. Returns whether that was acknowledged.
    pub fn pay(&mut self, side: Side, id: u64) -> bool {
        let (now, server) = (self.now, self.servers.get_mut(side));
        let passes = server.fence_at(now).lets_through() || !server.unfenced.is_empty();
        if server.down.is_some() || !passes {
            self.refused.push((now, side));
            return false;
        }
        if !server.payments.insert(id) {
            let complaint = format!("payment {id} is there already on the {side}");
            self.complaints.push(complaint);
            return false;
        }
        server.log.push(Written {
            at: now,
            row: LogRow::Payment(id),
        });
        if let Some(counter) = server.identities.first_mut() {
            counter.next = counter.next.max(i128::from(id) + 1);
        }
        self.acknowledged.insert(id, side);
        true
    }

    /// Pays under the number that the side counts up to. Returns it if that was acknowledged.
    pub fn pay_next(&mut self, side: Side) -> Option<u64> {
        let counter = self.servers.get(side).identities.first();
        let id = counter.map_or(1, |counter| counter.next);
        let id = u64::try_from(id).expect("numbers of payments are positive and fit");
        self.pay(side, id).then_some(id)
    }

    /// Ends the session that holds the lock of a side.
    pub fn break_session(&mut self, side: Side) {
        let holder = self.servers.get_mut(side).holder.take();
        self.broken.extend(holder.and_then(|holder| holder.session));
    }

    /// Ends all sessions of a run, as its death would.
    pub fn end_run(&mut self, run: &str) {
        let sessions = self.sessions.iter().filter(|(_, of)| *of == run);
        let sessions: Vec<u64> = sessions.map(|(session, _)| *session).collect();
        for session in sessions {
            self.end_session(session);
        }
    }

    /// Has somebody else hold the lock of a side, or nobody.
    pub fn hold_lock(&mut self, side: Side, by: Option<&str>) {
        self.break_session(side);
        self.servers.get_mut(side).holder = by.map(|by| Holder {
            session: None,
            by: by.to_owned(),
        });
    }

    /// Begins to replicate away from a side, from a place of its log named as DMS wants it: what was written after it is
    /// replayed, and nothing before.
    ///
    /// # Errors
    /// What is wrong with the place: not readable, or its log is gone.
    pub fn replicate(&mut self, from: Side, cdc_start: &str) -> Result<(), String> {
        let next = self.servers.get(from).place(cdc_start)?;
        let link = self.links.get_mut(from);
        (link.next, link.running) = (next, true);
        Ok(())
    }

    /// Empties the other side, copies everything that is there, and has the link go on from here.
    pub(super) fn load(&mut self, from: Side) {
        let payments = self.servers.get(from).payments.clone();
        self.servers.get_mut(from.other()).payments = payments;
        self.replicate_from_now(from);
    }

    /// Has a link pass everything that was written until now.
    pub(super) fn replicate_from_now(&mut self, from: Side) {
        self.links.get_mut(from).next = self.servers.get(from).log.len();
    }

    /// Returns the age of the oldest row that waits to be applied on the other side; zero when none does.
    pub(super) fn oldest_waiting(&mut self, from: Side) -> Duration {
        self.pass_foreign(from);
        let row = self.servers.get(from).log.get(self.links.get(from).next);
        row.map_or(Duration::ZERO, |row| self.now.since(row.at))
    }

    /// Applies the next row that a side replicates, however late the link is. Returns whether there was one.
    pub fn step(&mut self, from: Side) -> bool {
        self.pass_foreign(from);
        let row = self.waiting(from);
        if let Some(row) = row {
            self.apply(from, row);
        }
        row.is_some()
    }

    /// Returns how many rows wait to be applied on the other side.
    pub fn behind(&mut self, from: Side) -> usize {
        self.pass_foreign(from);
        let rows = self.servers.get(from).log[self.links.get(from).next..].iter();
        rows.filter(|written| is_carried(from, written)).count()
    }

    /// Lets everything happen that was to happen until now, in its order.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        while let Some((at, due)) = self.due().filter(|(at, _)| *at <= now) {
            self.now = at.max(self.now);
            match due {
                Due::Applied(from) => {
                    self.step(from);
                }
                Due::Act(index) => {
                    let (_, act) = self.acts.remove(index);
                    act.run(self);
                }
                Due::Payment => self.pay_in_time(at),
            }
            self.watch();
        }
        self.now = now.max(self.now);
    }

    /// Complains when both sides take writes.
    pub(super) fn watch(&mut self) {
        let takes = |side| {
            let server: &SimServer = self.servers.get(side);
            server.state.is_some() && server.fence_at(self.now).lets_through()
        };
        if Side::BOTH.into_iter().all(takes) {
            let complaint = format!("both sides take writes at {}", self.now.to_utc());
            self.complaints.push(complaint);
        }
    }

    fn due(&mut self) -> Option<(Timestamp, Due)> {
        let mut all = Vec::new();
        for from in Side::BOTH {
            self.pass_foreign(from);
            let lag = self.links.get(from).lag;
            let row = self.waiting(from);
            all.extend(
                row.zip(lag)
                    .map(|(row, lag)| (row.at.after(lag), Due::Applied(from))),
            );
        }
        let acts = self.acts.iter().enumerate();
        all.extend(acts.map(|(index, (at, _))| (*at, Due::Act(index))));
        all.extend(self.payer.iter().map(|payer| (payer.next, Due::Payment)));
        all.into_iter().min_by_key(|(at, _)| *at)
    }

    fn pay_in_time(&mut self, at: Timestamp) {
        let Some(payer) = &mut self.payer else {
            return;
        };
        payer.next = at.after(payer.every);
        let side = payer.side;
        self.pay_next(side);
    }

    /// Has a link pass rows that it does not carry.
    fn pass_foreign(&mut self, from: Side) {
        let (link, server) = (self.links.get_mut(from), self.servers.get(from));
        let rest = server.log.get(link.next..).unwrap_or_default();
        link.next += rest
            .iter()
            .take_while(|written| !is_carried(from, written))
            .count();
    }

    fn waiting(&self, from: Side) -> Option<Written> {
        let link = self.links.get(from);
        let is_up = |side| self.servers.get(side).down.is_none();
        let works = link.running && Side::BOTH.into_iter().all(is_up);
        let row = self.servers.get(from).log.get(link.next);
        row.copied().filter(|_| works)
    }

    fn apply(&mut self, from: Side, written: Written) {
        let (link, server) = (self.links.get_mut(from), self.servers.get_mut(from.other()));
        link.next += 1;
        let mut is_exception = false;
        match written.row {
            LogRow::Marker(_, number) => {
                server.markers.insert(number);
            }
            LogRow::Payment(_) if link.drops > 0 => {
                link.drops -= 1;
                is_exception = link.counts_drops;
            }
            LogRow::Payment(id) if !server.payments.insert(id) => {
                link.echoes.push(id);
                is_exception = true;
            }
            LogRow::Payment(id) => server.log.push(Written {
                at: self.now,
                row: LogRow::Payment(id),
            }),
        }
        if let Some(exceptions) = server.exceptions.as_mut().filter(|_| is_exception) {
            *exceptions += 1;
        }
    }
}

/// What calls of the port need.
impl WritersState {
    pub(super) fn open_session(&mut self, run: &str) -> u64 {
        let session = self.sessions.len() as u64 + 1;
        self.sessions.insert(session, run.to_owned());
        session
    }

    pub(super) fn end_session(&mut self, session: u64) {
        self.broken.insert(session);
        for side in Side::BOTH {
            let holder = &mut self.servers.get_mut(side).holder;
            if holder
                .as_ref()
                .is_some_and(|by| by.session == Some(session))
            {
                *holder = None;
            }
        }
    }

    pub(super) fn take_lock(&mut self, side: Side, session: u64) -> Result<(), String> {
        self.broken.remove(&session);
        let run = self.sessions.get(&session);
        let by = run.map_or_else(String::new, |run| format!("session {session}, {run}"));
        let holder = &mut self.servers.get_mut(side).holder;
        match holder {
            Some(other) if other.session != Some(session) => Err(other.by.clone()),
            _ => {
                let session = Some(session);
                *holder = Some(Holder { session, by });
                Ok(())
            }
        }
    }

    /// Notes that a call begins. Returns what the script says about it.
    pub(super) fn begin(&mut self, side: Side, call: &'static str) -> Vec<WriterWhat> {
        self.calls.push((side, call));
        let occurrence = self.occurrences.entry((side, call)).or_default();
        *occurrence += 1;
        let occurrence = *occurrence;
        let lines = self.script.iter();
        let hit = lines.filter(|fault| fault.hits(side, call, occurrence));
        hit.map(|fault| fault.what.clone()).collect()
    }

    /// Fails when a side, or a session of it, is not to be asked.
    pub(super) fn reach(&mut self, side: Side, call: &str, session: u64) -> Result<(), DbFailure> {
        if let Some(class) = self.servers.get(side).down {
            self.end_session(session);
            return Err(failure(class, call));
        }
        if self.broken.contains(&session) && call != "lock" {
            return Err(failure(DbFailureClass::Lost, call));
        }
        Ok(())
    }

    /// Complains about a change by somebody who does not hold the lock.
    pub(super) fn expect_lock(&mut self, side: Side, call: &str, session: u64) {
        let holder = self.servers.get(side).holder.as_ref();
        if holder.and_then(|holder| holder.session) != Some(session) {
            let complaint = format!("`{call}` on the {side} without the lock");
            self.complaints.push(complaint);
        }
    }

    pub(super) fn fail(&mut self, class: DbFailureClass, call: &str, session: u64) -> DbFailure {
        if class == DbFailureClass::Lost {
            self.end_session(session);
        }
        failure(class, call)
    }

    /// Ends the run of a session, as its death would.
    pub(super) fn die(&mut self, session: u64) {
        if let Some(run) = self.sessions.get(&session).cloned() {
            self.end_run(&run);
        }
    }
}

/// Tells whether a link away from a side carries a row: markers only of its own direction.
fn is_carried(from: Side, written: &Written) -> bool {
    match written.row {
        LogRow::Payment(_) => true,
        LogRow::Marker(side, _) => side == from,
    }
}
