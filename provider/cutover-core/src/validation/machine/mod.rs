//! The whole validation: what is next, and what each fact leads to.
//!
//! It meets both servers and reads their catalogs (`open`), then takes one table after the other (`table`): how it is
//! read (`pass`), what changed since a former proof (`delta`), numbers and sums (`totals`); then rules and invariants
//! (`rules`), and then the report. What fails is put up with as far as that is honest (`faults`): one table that cannot be
//! read leaves the others as they are, and a server that was lost is met once more and must be the same.

mod delta;
mod faults;
mod open;
mod pass;
mod rules;
mod table;
mod totals;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::catalog::Server;
use super::checkpoint::{Checkpoint, FinishedTable};
use super::facts::{Command, DbFailure, Fact, Position};
use super::plan::{SumsPlan, TablePlan};
use super::report::{ProofKind, Report, SchemaFinding, Verdict};
use super::settle::{Settlement, Want};
use super::side::{Both, Side};
use super::spec::{Proof, Spec};
use super::verdict::{self, Found};
use crate::machine::{IllegalFact, Machine, Next, Why};
use crate::{Backoff, Timestamp};
use faults::Trouble;
use rules::RulesRun;
use table::TableRun;

/// What came of a validation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was made.
    Finished {
        /// What was found.
        report: Box<Report>,
        /// What a later run may build upon; only where everything was proven equal.
        proof: Option<Proof>,
    },
    /// A database could not be asked at all, or is another than before.
    Impossible(Side, DbFailure),
}

/// A validation on its way.
#[derive(Clone, Debug)]
pub struct Validation {
    spec: Arc<Spec>,
    began_at: Timestamp,
    now: Timestamp,
    resumed: Option<Checkpoint>,
    servers: Option<Both<Server>>,
    /// A digest of both catalogs.
    schemas: Both<String>,
    stage: Stage,
    trouble: Trouble,
    /// What is planned and not begun.
    tables: VecDeque<Arc<TablePlan>>,
    sums: BTreeMap<String, Vec<SumsPlan>>,
    rules: Option<RulesRun>,
    finished: Vec<FinishedTable>,
    schema: Vec<SchemaFinding>,
    reasons: Vec<String>,
    position: Option<Position>,
    /// Why a former proof is of no use, if one was given and is not.
    void: Option<String>,
}

#[derive(Clone, Debug)]
enum Stage {
    Looking,
    ReadingCatalogs,
    Table(Box<TableRun>),
    Rules(Box<RulesRun>),
    Done(Box<Outcome>),
}

/// Where a validation stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<'a> {
    /// The part of the operation.
    pub phase: &'static str,
    /// One line, the most important words first.
    pub text: String,
    /// The label of the table in hand.
    pub table: Option<&'a str>,
    /// How many tables are finished.
    pub tables_done: usize,
    /// How many tables there are.
    pub tables: usize,
    /// How many rows the table in hand has, as far as the servers know.
    pub of_rows: Both<u64>,
}

impl Validation {
    /// Begins with a look at both servers.
    pub fn new(spec: Spec, began_at: Timestamp) -> Self {
        Self {
            spec: Arc::new(spec),
            began_at,
            now: began_at,
            resumed: None,
            servers: None,
            schemas: Both::default(),
            stage: Stage::Looking,
            trouble: Trouble::default(),
            tables: VecDeque::new(),
            sums: BTreeMap::new(),
            rules: None,
            finished: Vec::new(),
            schema: Vec::new(),
            reasons: Vec::new(),
            position: None,
            void: None,
        }
    }

    /// Takes over what an earlier run has finished, if the databases and schemas turn out to be the same. The seed must be
    /// that of the earlier run, or the checkpoint is void.
    #[must_use]
    pub fn resuming(mut self, checkpoint: Checkpoint) -> Self {
        self.resumed = Some(checkpoint);
        self
    }

    /// Returns what another run could take over; `None` while nothing is finished.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let servers = self.servers.as_ref()?;
        (!self.finished.is_empty()).then(|| Checkpoint {
            began_at: self.began_at.unix_millis(),
            identities: servers.as_ref().map(|server| server.identity.clone()),
            schemas: self.schemas.clone(),
            seed: self.spec.seed,
            finished: self.finished.clone(),
        })
    }

    /// Tells where it stands.
    pub fn standing(&self) -> Standing<'_> {
        let run = match &self.stage {
            Stage::Table(run) => Some(run),
            Stage::Looking | Stage::ReadingCatalogs | Stage::Rules(_) | Stage::Done(_) => None,
        };
        let (phase, text) = match &self.stage {
            Stage::Looking => ("look", "meeting both servers".to_owned()),
            Stage::ReadingCatalogs => ("plan", "reading both catalogs".to_owned()),
            Stage::Table(run) => run.standing(),
            Stage::Rules(run) => ("rules", run.standing()),
            Stage::Done(_) => ("done", "finished".to_owned()),
        };
        let tables_done = self.finished.len();
        Standing {
            phase,
            text,
            table: run.map(|run| run.label()),
            tables_done,
            tables: tables_done
                .saturating_add(self.tables.len())
                .saturating_add(usize::from(run.is_some())),
            of_rows: run.map(|run| run.estimated_rows()).unwrap_or_default(),
        }
    }

    /// Begins what comes next, once what is in hand is over.
    fn advance(&mut self) {
        loop {
            match &mut self.stage {
                Stage::Table(run) if run.is_over() => {
                    self.position = run.position().cloned().or(self.position.take());
                    let finished = run.finish();
                    self.finished.push(finished);
                    self.begin_next();
                }
                Stage::Rules(run) if run.is_over() => {
                    let rules = (**run).clone();
                    self.position = rules.position().cloned().or(self.position.take());
                    return self.finish(Some(rules));
                }
                Stage::Looking
                | Stage::ReadingCatalogs
                | Stage::Table(_)
                | Stage::Rules(_)
                | Stage::Done(_) => return,
            }
        }
    }

    fn begin_next(&mut self) {
        self.trouble.begins_anew();
        if let Some(plan) = self.tables.pop_front() {
            let run = self.begin_table(plan);
            self.stage = Stage::Table(Box::new(run));
        } else if let Some(rules) = self.rules.take() {
            self.stage = Stage::Rules(Box::new(rules));
        } else {
            self.finish(None);
        }
    }

    /// Ends with a report.
    fn finish(&mut self, rules: Option<RulesRun>) {
        let Some(servers) = self.servers.clone() else {
            return;
        };
        let rules = rules.map(RulesRun::into_reports).unwrap_or_default();
        let found = Found {
            times: (self.began_at, self.now),
            servers,
            position: self.position.clone(),
            tables: self
                .finished
                .iter()
                .map(|table| (table.report.clone(), table.proof))
                .collect(),
            schema: std::mem::take(&mut self.schema),
            reasons: std::mem::take(&mut self.reasons),
            orphans: rules.orphans,
            invalid: rules.invalid,
            invariants: rules.invariants,
        };
        let report = Box::new(verdict::report(&self.spec, found));
        let proof = self.proof(&report);
        self.stage = Stage::Done(Box::new(Outcome::Finished { report, proof }));
    }

    /// Returns what a later run may build upon: nothing unless rows are proven equal, all of them.
    fn proof(&self, report: &Report) -> Option<Proof> {
        let servers = self.servers.as_ref()?;
        let is_proven = report.data_validation.is_valid
            && report.verdict == Verdict::Matched
            && matches!(report.proof, ProofKind::Full | ProofKind::Delta);
        is_proven.then(|| Proof {
            identities: servers.as_ref().map(|server| server.identity.clone()),
            began_at: self.began_at.unix_millis(),
            horizons: self
                .finished
                .iter()
                .map(|table| (table.report.table.clone(), table.horizons.clone()))
                .collect(),
            hot: self
                .finished
                .iter()
                .filter(|table| !table.hot.is_empty())
                .map(|table| (table.report.table.clone(), table.hot.clone()))
                .collect(),
            schemas: self.schemas.clone(),
        })
    }

    fn next_of_stage(&self) -> Next<Command, Outcome> {
        let next = match &self.stage {
            Stage::Looking => return Next::Do(Command::Look),
            Stage::ReadingCatalogs => return Next::Do(Command::ReadCatalogs),
            Stage::Done(outcome) => return Next::Done((**outcome).clone()),
            Stage::Table(run) => run.next(),
            Stage::Rules(run) => run.next(),
        };
        match next {
            Next::Do(command) => Next::Do(command),
            Next::WaitUntil { at, why } => Next::WaitUntil { at, why },
            Next::Done(()) => unreachable!("`advance` leaves nothing in hand that is over"),
        }
    }

    fn illegal(&self, fact: &dyn std::fmt::Debug) -> IllegalFact {
        IllegalFact::new(&self.next(), fact)
    }
}

impl Machine for Validation {
    type Command = Command;
    type Fact = Fact;
    type Outcome = Outcome;

    fn next(&self) -> Next<Command, Outcome> {
        if let Some(next) = self.trouble.next() {
            return next;
        }
        self.next_of_stage()
    }

    fn record(&mut self, fact: Fact, at: Timestamp) -> Result<(), IllegalFact> {
        if !matches!(self.next(), Next::Do(_)) {
            return Err(self.illegal(&fact));
        }
        let before = self.now;
        self.now = self.now.max(at);
        let recorded = match fact {
            Fact::Failed(side, failure) => {
                self.failed(side, failure);
                Ok(())
            }
            fact if self.trouble.is_looking() => self.met_again(fact),
            fact => self.succeeded(fact),
        };
        match recorded {
            Ok(()) => {
                self.advance();
                Ok(())
            }
            Err(fact) => {
                self.now = before;
                Err(self.illegal(&fact))
            }
        }
    }

    fn wake(&mut self, at: Timestamp) -> Result<(), IllegalFact> {
        let Next::WaitUntil { .. } = self.next() else {
            return Err(self.illegal(&"the end of a wait"));
        };
        self.now = self.now.max(at);
        if !self.trouble.woke(self.now) {
            match &mut self.stage {
                Stage::Table(run) => run.woke(self.now),
                Stage::Rules(run) => run.woke(self.now),
                Stage::Looking | Stage::ReadingCatalogs | Stage::Done(_) => {}
            }
            self.advance();
        }
        Ok(())
    }
}

impl Validation {
    fn succeeded(&mut self, fact: Fact) -> Result<(), Box<Fact>> {
        match (&mut self.stage, fact) {
            (Stage::Looking, Fact::Met(servers)) => self.met(*servers),
            (Stage::ReadingCatalogs, Fact::Catalogs(catalogs)) => self.planned(&catalogs),
            (Stage::Table(run), fact) => run.record(fact, self.now)?,
            (Stage::Rules(run), fact) => run.record(fact, self.now)?,
            (Stage::Looking | Stage::ReadingCatalogs | Stage::Done(_), fact) => {
                return Err(Box::new(fact));
            }
        }
        self.trouble.over();
        Ok(())
    }
}

/// Records what came of waiting for the target; gives other facts back.
fn passing<K: Clone + Ord>(
    settlement: &mut Settlement<K>,
    fact: Fact,
    at: Timestamp,
) -> Result<(), Box<Fact>> {
    match (settlement.want(), fact) {
        (Want::Note, Fact::Noted(position)) => settlement.noted(position, at),
        (Want::HasPassed(_), Fact::HasPassed { passed, lag }) => {
            settlement.answered(passed, lag, at);
        }
        (_, fact) => return Err(Box::new(fact)),
    }
    Ok(())
}

/// Makes a wait.
fn wait(at: Timestamp, phase: &'static str, text: String) -> Next<Command, ()> {
    Next::WaitUntil {
        at,
        why: Why { phase, text },
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests;
