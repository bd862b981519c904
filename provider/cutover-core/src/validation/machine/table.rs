//! One table: the steps, and which command each asks for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::catalog::Server;
use super::super::checkpoint::FinishedTable;
use super::super::digest::{Key, RowPrint};
use super::super::facts::{Command, Fact, Figures, Horizon, Position};
use super::super::plan::{Chosen, KeyPlan, Layout, Method, SumsPlan, TablePlan};
use super::super::report::ProofKind;
use super::super::settle::{Settlement, Want};
use super::super::side::Both;
use super::super::spec::{RowCheck, Spec};
use super::super::strategy;
use super::super::verdict::TableFound;
use super::{Next, Timestamp, passing, wait};

/// How many keys are read again with one statement: design, section 5.7.
const BATCH: usize = 1_000;

/// What the rows of a group share.
pub(super) type Group = Vec<Option<String>>;

/// A table on its way.
#[derive(Clone, Debug)]
pub(super) struct TableRun {
    pub(super) spec: Arc<Spec>,
    pub(super) servers: Both<Server>,
    pub(super) plan: Arc<TablePlan>,
    /// What is summed up and was not yet.
    pub(super) sums: VecDeque<SumsPlan>,
    /// What changed since is enough: from where on, and keys that were still changing then.
    pub(super) since: Option<(Both<Option<Horizon>>, Vec<Key>)>,
    /// Said in front of the reason for the strategy.
    pub(super) remark: String,
    pub(super) layouts: Arc<Both<Layout>>,
    pub(super) candidates: BTreeSet<Key>,
    /// What is to be drilled into after something else.
    pub(super) later: VecDeque<Chosen>,
    /// Candidates that are known to be there and are not among those.
    pub(super) more: u64,
    pub(super) position: Option<Position>,
    pub(super) step: Step,
    pub(super) found: TableFound,
}

/// What is being done.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Lay,
    Calibrate,
    Time(Vec<Method>),
    Pass,
    Horizons,
    /// The horizons that are asked about, and whether that is all that is read.
    Touched(Both<Option<Horizon>>),
    Keys,
    /// What is left to drill into; the first is next.
    Drill(VecDeque<Chosen>),
    Rows(Settlement<Key>),
    /// The numbers that were counted last.
    Count(Settlement<()>, Option<Both<u64>>),
    Sum(Box<Summing>),
    Over,
}

/// Sums on their way.
#[derive(Clone, Debug)]
pub(super) struct Summing {
    pub(super) plan: SumsPlan,
    /// `None` until groups are known.
    pub(super) settlement: Option<Settlement<Group>>,
    /// The figures by which a group was last judged.
    pub(super) figures: BTreeMap<Group, Both<Option<Figures>>>,
}

impl TableRun {
    pub(super) fn new(
        spec: Arc<Spec>,
        servers: Both<Server>,
        plan: Arc<TablePlan>,
        sums: Vec<SumsPlan>,
    ) -> Self {
        let proof = match spec.checks.rows {
            RowCheck::Full => ProofKind::Full,
            RowCheck::Sample { .. } => ProofKind::Sample,
            RowCheck::Count => ProofKind::Count,
            RowCheck::Skip => ProofKind::None,
        };
        let unknown = Layout {
            pieces: Vec::new(),
            estimated_rows: 0,
            bytes: 0,
            keys: None,
            clustered: false,
            has_blocks: false,
        };
        let mut run = Self {
            servers,
            sums: sums.into(),
            since: None,
            remark: String::new(),
            layouts: Arc::new(Both::of(|_| unknown.clone())),
            candidates: BTreeSet::new(),
            later: VecDeque::new(),
            more: 0,
            position: None,
            step: Step::Over,
            found: TableFound::new(Arc::clone(&plan), proof),
            plan,
            spec,
        };
        match run.spec.checks.rows {
            RowCheck::Full | RowCheck::Sample { .. } => run.step = Step::Lay,
            RowCheck::Count => run.begin_count(),
            RowCheck::Skip => run.begin_sum(),
        }
        run
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.step, Step::Over)
    }

    pub(super) fn label(&self) -> &str {
        &self.plan.label
    }

    pub(super) fn estimated_rows(&self) -> Both<u64> {
        self.layouts
            .as_ref()
            .as_ref()
            .map(|layout| layout.estimated_rows)
    }

    pub(super) fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    pub(super) fn standing(&self) -> (&'static str, String) {
        let label = &self.plan.label;
        match &self.step {
            Step::Lay | Step::Calibrate | Step::Time(_) => {
                ("plan", format!("{label}: seeing how it is best read"))
            }
            Step::Pass => ("pass", format!("{label}: reading both sides")),
            Step::Horizons | Step::Touched(_) => {
                ("delta", format!("{label}: finding what changed"))
            }
            Step::Keys => ("delta", format!("{label}: comparing keys")),
            Step::Drill(left) => (
                "drill",
                format!("{label}: finding rows that differ, {} to go", left.len()),
            ),
            Step::Rows(settlement) => ("settle", settling(label, "rows", settlement)),
            Step::Count(..) => ("count", format!("{label}: counting")),
            Step::Sum(_) => ("sum", format!("{label}: summing up")),
            Step::Over => ("done", format!("{label}: finished")),
        }
    }

    pub(super) fn method(&self) -> Method {
        self.found.method.clone().unwrap_or_else(|| {
            let stream = super::super::plan::Strategy::Stream;
            strategy::method(stream, &self.plan, &self.layouts, self.spec.seed, 1)
        })
    }

    pub(super) fn next(&self) -> Next<Command, ()> {
        let plan = || Arc::clone(&self.plan);
        let layouts = || Arc::clone(&self.layouts);
        Next::Do(match &self.step {
            Step::Lay => Command::Lay(plan()),
            Step::Calibrate => Command::Calibrate(plan(), self.method().seed),
            Step::Time(methods) => Command::Time(plan(), layouts(), methods.clone()),
            Step::Pass => Command::Pass(plan(), layouts(), self.method()),
            Step::Horizons => Command::Horizons(plan()),
            Step::Touched(horizons) => Command::Touched(plan(), horizons.clone()),
            Step::Keys => Command::Keys(plan(), layouts(), self.method()),
            Step::Drill(batches) => {
                let chosen = batches.front().cloned().unwrap_or_default();
                Command::Drill(plan(), layouts(), self.method(), chosen)
            }
            Step::Rows(settlement) => {
                return self.next_of(settlement, |keys| {
                    Command::Reread(plan(), self.method(), keys)
                });
            }
            Step::Count(settlement, _) => {
                return self.next_of(settlement, |_| Command::Count(plan()));
            }
            Step::Sum(summing) => {
                let sum = || Command::Sum(plan(), summing.plan.clone());
                match &summing.settlement {
                    Some(settlement) => return self.next_of(settlement, |_| sum()),
                    None => sum(),
                }
            }
            Step::Over => return Next::Done(()),
        })
    }

    fn next_of<K: Clone + Ord>(
        &self,
        settlement: &Settlement<K>,
        read: impl FnOnce(Arc<Vec<K>>) -> Command,
    ) -> Next<Command, ()> {
        match settlement.want() {
            Want::Note => Next::Do(Command::Note),
            Want::HasPassed(position) => Next::Do(Command::HasPassed(position)),
            Want::WaitUntil(at) => {
                let (phase, text) = self.standing();
                wait(at, phase, text)
            }
            Want::Read(keys) => Next::Do(read(keys)),
            Want::Over => Next::Done(()),
        }
    }

    pub(super) fn record(&mut self, fact: Fact, at: Timestamp) -> Result<(), Box<Fact>> {
        match (&mut self.step, fact) {
            (Step::Lay, Fact::Laid(layouts)) => self.laid(layouts),
            (Step::Calibrate, Fact::Calibrated(hashes)) => {
                self.calibrated(hashes.source == hashes.target);
            }
            (Step::Time(methods), Fact::Timed(costs)) => {
                let methods = std::mem::take(methods);
                self.timed(&methods, &costs);
            }
            (Step::Pass, Fact::Passed(passed)) => self.passed(*passed),
            (Step::Horizons, Fact::Horizons(horizons)) => self.horizons(horizons),
            (Step::Touched(_), Fact::Touched(keys)) => self.touched(keys),
            (Step::Keys, Fact::Keys(tallies)) => self.compare(&tallies),
            (Step::Drill(_), Fact::Drilled(drilled)) => self.drilled(drilled),
            (Step::Rows(settlement), fact) => {
                passing(settlement, fact, at).or_else(|fact| match (settlement.want(), *fact) {
                    (Want::Read(_), Fact::Reread(rows)) => {
                        settlement.read(rows.map(by_key), at);
                        Ok(())
                    }
                    (_, fact) => Err(Box::new(fact)),
                })?;
                self.rows_settled();
            }
            (Step::Count(..), fact) => self.counting(fact, at)?,
            (Step::Sum(_), fact) => self.summing(fact, at)?,
            (_, fact) => return Err(Box::new(fact)),
        }
        Ok(())
    }

    pub(super) fn woke(&mut self, at: Timestamp) {
        match &mut self.step {
            Step::Rows(settlement) => settlement.woke(at),
            Step::Count(settlement, _) => settlement.woke(at),
            Step::Sum(summing) => {
                if let Some(settlement) = &mut summing.settlement {
                    settlement.woke(at);
                }
            }
            _ => {}
        }
        self.settled();
    }

    /// Forgets what may be of another server.
    pub(super) fn forget(&mut self, at: Timestamp) {
        match &mut self.step {
            Step::Rows(settlement) => settlement.forget(at),
            Step::Count(settlement, _) => settlement.forget(at),
            Step::Sum(summing) => {
                if let Some(settlement) = &mut summing.settlement {
                    settlement.forget(at);
                }
            }
            _ => {}
        }
        self.settled();
    }

    fn settled(&mut self) {
        self.rows_settled();
        self.count_settled();
        self.sums_settled();
    }

    /// Leaves out what could not be done. What is confirmed already stays so.
    pub(super) fn failed(&mut self, told: String) {
        match &self.step {
            // Without these nothing is lost but speed.
            Step::Calibrate => return self.calibrated(false),
            Step::Time(methods) => {
                let methods = methods.clone();
                return self.timed(&methods, &[]);
            }
            _ => {}
        }
        self.found.gaps.push(told);
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Rows(settlement) => self.take_rows(&settlement),
            Step::Sum(_) => self.begin_sum(),
            Step::Count(..) => {
                self.found.rows = Both::default();
                self.begin_sum();
            }
            _ => {}
        }
    }

    /// Begins to read again what differed.
    pub(super) fn begin_rows(&mut self) {
        let max = self.spec.settling.max_candidates;
        let left = self.candidates.len().saturating_sub(max);
        self.more = self
            .more
            .saturating_add(u64::try_from(left).unwrap_or(u64::MAX));
        let candidates: BTreeSet<_> = std::mem::take(&mut self.candidates)
            .into_iter()
            .take(max)
            .collect();
        if self.more > 0 {
            self.found.at_least = true;
            self.found.gaps.push(format!(
                "more keys differed at first than the {max} that are followed"
            ));
        }
        let batch = match self.plan.key {
            KeyPlan::Columns(_) => BATCH,
            // Each reading is one of the whole table.
            KeyPlan::WholeRow => max,
        };
        let spec = &self.spec;
        self.step = Step::Rows(Settlement::new(
            candidates,
            spec.follow.clone(),
            spec.settling,
            batch,
        ));
        self.rows_settled();
    }

    fn rows_settled(&mut self) {
        let Step::Rows(settlement) = &self.step else {
            return;
        };
        if settlement.want() != Want::Over {
            return;
        }
        if let Step::Rows(settlement) = std::mem::replace(&mut self.step, Step::Over) {
            self.take_rows(&settlement);
            self.begin_witness();
        }
    }

    fn take_rows(&mut self, settlement: &Settlement<Key>) {
        let found = &mut self.found;
        found.candidates = settlement.candidates().saturating_add(self.more);
        found.converged = settlement.converged();
        found.rounds = settlement.rounds();
        found.confirmed = settlement.confirmed().to_vec();
        found.hot = settlement.hot().to_vec();
        if settlement.is_stalled() {
            let open = settlement.open();
            let wait = self.spec.settling.max_wait.as_secs();
            found.gaps.push(format!(
                "{open} rows stay open: the target had not had within {wait} s what the source had"
            ));
        }
        self.position = settlement.position().cloned().or(self.position.take());
    }

    /// Makes the result of it, once it is over.
    pub(super) fn finish(&self) -> FinishedTable {
        FinishedTable {
            report: self.found.report(&self.spec),
            proof: self.found.proof,
            horizons: self.found.horizons.clone(),
            hot: self.found.hot.clone(),
        }
    }
}

fn by_key(rows: Vec<RowPrint>) -> BTreeMap<Key, Vec<u64>> {
    rows.into_iter().map(|row| (row.key, row.columns)).collect()
}

fn settling<K: Clone + Ord>(label: &str, what: &str, settlement: &Settlement<K>) -> String {
    format!(
        "{label}: reading {what} again, {} open, round {}",
        settlement.open(),
        settlement.rounds().saturating_add(1)
    )
}
