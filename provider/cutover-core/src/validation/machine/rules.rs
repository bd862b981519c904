//! Rows that are wrong, and queries with one value.
//!
//! The target is asked first; only if rows of it are wrong is the source asked as well, to see who is to blame. While
//! replication runs, a row may be wrong on the target for as long as what it needs is under way. So rows that are wrong on
//! the target alone are looked for once more after the target has had everything that the source had at the first look:
//! by then what they need is there, if it ever was, and only rows that are among both looks count.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::super::facts::{Command, Fact, Position, Sought};
use super::super::fingerprint::Fingerprint;
use super::super::passage::{self, Passage};
use super::super::plan::{RulePlan, RuleQuery};
use super::super::report::{InvariantReport, RuleReport};
use super::super::settle::{Settlement, Want};
use super::super::shown::shown;
use super::super::side::{Both, Side};
use super::super::spec::{Expectation, Invariant, Spec};
use super::super::tables::RuleKind;
use super::super::verdict::stands_still;
use super::{Next, Timestamp, passing, wait};

/// What was found by rules and invariants.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reports {
    pub(super) orphans: Vec<RuleReport>,
    pub(super) invalid: Vec<RuleReport>,
    pub(super) invariants: Vec<InvariantReport>,
}

/// Rules and invariants on their way.
#[derive(Clone, Debug)]
pub(super) struct RulesRun {
    spec: Arc<Spec>,
    rules: VecDeque<Rule>,
    invariants: VecDeque<Invariant>,
    position: Option<Position>,
    step: Step,
    reports: Reports,
}

/// A rule of one or both sides.
#[derive(Clone, Debug)]
struct Rule {
    kind: RuleKind,
    plans: Both<Option<RulePlan>>,
    sought: Both<Option<Sought>>,
}

#[derive(Clone, Debug)]
enum Step {
    Seek(Rule, Side),
    Passing(Rule, Passage),
    /// The target once more.
    Again(Rule),
    Value(Invariant, Settlement<()>),
    Over,
}

impl RulesRun {
    pub(super) fn new(spec: Arc<Spec>, plans: Vec<(Side, RulePlan, RuleKind)>) -> Self {
        let mut rules: VecDeque<Rule> = VecDeque::new();
        for (side, plan, kind) in plans {
            let is_same = |rule: &&mut Rule| {
                let other = rule.plans.source.as_ref().or(rule.plans.target.as_ref());
                rule.kind == kind
                    && rule.plans.get(side).is_none()
                    && other.is_some_and(|other| other.name == plan.name)
            };
            if let Some(rule) = rules.iter_mut().find(is_same) {
                *rule.plans.get_mut(side) = Some(plan);
                continue;
            }
            let mut rule = Rule {
                kind,
                plans: Both::default(),
                sought: Both::default(),
            };
            *rule.plans.get_mut(side) = Some(plan);
            rules.push_back(rule);
        }
        let mut run = Self {
            invariants: spec.checks.invariants.clone().into(),
            spec,
            rules,
            position: None,
            step: Step::Over,
            reports: Reports::default(),
        };
        run.begin_next();
        run
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.step, Step::Over)
    }

    pub(super) fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    pub(super) fn into_reports(self) -> Reports {
        self.reports
    }

    pub(super) fn standing(&self) -> String {
        match &self.step {
            Step::Seek(rule, side) => format!("rule `{}` on the {side}", rule.name()),
            Step::Passing(rule, _) | Step::Again(rule) => {
                format!("rule `{}` on the target once more", rule.name())
            }
            Step::Value(invariant, _) => format!("invariant `{}`", invariant.name),
            Step::Over => "finished".to_owned(),
        }
    }

    fn begin_next(&mut self) {
        self.step = if let Some(rule) = self.rules.pop_front() {
            let side = match rule.plans.target {
                Some(_) => Side::Target,
                None => Side::Source,
            };
            Step::Seek(rule, side)
        } else if let Some(invariant) = self.invariants.pop_front() {
            let (follow, settling) = (self.spec.follow.clone(), self.spec.settling);
            let settlement = Settlement::new(BTreeSet::from([()]), follow, settling, 1);
            Step::Value(invariant, settlement)
        } else {
            Step::Over
        };
    }

    pub(super) fn next(&self) -> Next<Command, ()> {
        let seek = |rule: &Rule, side: Side| match rule.plans.get(side) {
            Some(plan) => Next::Do(Command::Seek(side, plan.clone())),
            None => Next::Done(()),
        };
        match &self.step {
            Step::Seek(rule, side) => seek(rule, *side),
            Step::Again(rule) => seek(rule, Side::Target),
            Step::Passing(_, passage) => match passage.step() {
                passage::Step::Note => Next::Do(Command::Note),
                passage::Step::HasPassed(position) => Next::Do(Command::HasPassed(position)),
                passage::Step::WaitUntil(at) => wait(at, "rules", self.standing()),
                passage::Step::Passed | passage::Step::Stalled => Next::Done(()),
            },
            Step::Value(invariant, settlement) => match settlement.want() {
                Want::Note => Next::Do(Command::Note),
                Want::HasPassed(position) => Next::Do(Command::HasPassed(position)),
                Want::WaitUntil(at) => wait(at, "rules", self.standing()),
                Want::Read(_) => Next::Do(Command::Value(queries(invariant))),
                Want::Over => Next::Done(()),
            },
            Step::Over => Next::Done(()),
        }
    }

    pub(super) fn record(&mut self, fact: Fact, at: Timestamp) -> Result<(), Box<Fact>> {
        match (&mut self.step, fact) {
            (Step::Seek(rule, side), Fact::Sought(sought)) => {
                let (mut rule, side) = (rule.clone(), *side);
                *rule.sought.get_mut(side) = Some(sought);
                self.sought(rule, side, at);
            }
            (Step::Again(rule), Fact::Sought(sought)) => {
                let mut rule = rule.clone();
                let first = rule.sought.target.take().unwrap_or_default();
                rule.sought.target = Some(in_both(&first, sought));
                self.tell(&rule, None);
            }
            (Step::Passing(_, passage), fact) => match (passage.step(), fact) {
                (passage::Step::Note, Fact::Noted(position)) => {
                    self.position = Some(position.clone());
                    passage.noted(position, at);
                }
                (passage::Step::HasPassed(_), Fact::HasPassed { passed, .. }) => {
                    passage.answered(passed, at);
                    self.after_passing();
                }
                (_, fact) => return Err(Box::new(fact)),
            },
            (Step::Value(invariant, settlement), fact) => {
                let expect = invariant.expect.clone();
                passing(settlement, fact, at).or_else(|fact| match (settlement.want(), *fact) {
                    (Want::Read(_), Fact::Valued(values)) => {
                        settlement.read(judged(&values, &expect), at);
                        Ok(())
                    }
                    (_, fact) => Err(Box::new(fact)),
                })?;
                self.valued();
            }
            (_, fact) => return Err(Box::new(fact)),
        }
        Ok(())
    }

    pub(super) fn woke(&mut self, at: Timestamp) {
        match &mut self.step {
            Step::Passing(_, passage) => passage.woke(at),
            Step::Value(_, settlement) => settlement.woke(at),
            Step::Seek(..) | Step::Again(_) | Step::Over => {}
        }
        self.after_passing();
        self.valued();
    }

    /// Forgets what may be of another server.
    pub(super) fn forget(&mut self, at: Timestamp) {
        match &mut self.step {
            Step::Passing(_, passage) => passage.again(&self.spec.follow, at),
            Step::Value(_, settlement) => settlement.forget(at),
            Step::Seek(..) | Step::Again(_) | Step::Over => {}
        }
        self.after_passing();
        self.valued();
    }

    /// Leaves out what could not be asked. The source is asked only for blame: without its answer the target is as wrong as
    /// it was.
    pub(super) fn failed(&mut self, side: Side, told: String) {
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Seek(rule, Side::Source)
                if rule.sought.target.is_some() && side == Side::Source =>
            {
                self.tell(&rule, None);
            }
            Step::Seek(rule, _) | Step::Passing(rule, _) | Step::Again(rule) => {
                self.tell(&rule, Some(told));
            }
            Step::Value(invariant, _) => self.hold(invariant.name, None, Some(told)),
            Step::Over => {}
        }
    }

    fn sought(&mut self, rule: Rule, side: Side, at: Timestamp) {
        let count = |side| rule.sought.get(side).as_ref().map(|sought| sought.count);
        let wrong = count(Side::Target).unwrap_or(0);
        if side == Side::Target && wrong > 0 && rule.plans.source.is_some() {
            self.step = Step::Seek(rule, Side::Source);
        } else if wrong > count(Side::Source).unwrap_or(0) && !stands_still(&self.spec) {
            let wait = self.spec.settling.max_wait;
            let passage = Passage::new(&self.spec.follow, Duration::ZERO, wait, at);
            self.step = Step::Passing(rule, passage);
            self.after_passing();
        } else {
            self.tell(&rule, None);
        }
    }

    fn after_passing(&mut self) {
        let Step::Passing(rule, passage) = &self.step else {
            return;
        };
        match passage.step() {
            passage::Step::Passed => self.step = Step::Again(rule.clone()),
            passage::Step::Stalled => {
                let rule = rule.clone();
                let told = "the target did not follow, so that rows may be wrong for a while only";
                self.tell(&rule, Some(told.to_owned()));
            }
            passage::Step::Note | passage::Step::HasPassed(_) | passage::Step::WaitUntil(_) => {}
        }
    }

    fn tell(&mut self, rule: &Rule, failed: Option<String>) {
        let count = rule
            .sought
            .as_ref()
            .map(|side| side.as_ref().map(|sought| sought.count));
        let of_target = rule.sought.target.iter().flat_map(|sought| &sought.keys);
        let report = RuleReport {
            rule: rule.name().to_owned(),
            table: rule.table(),
            keys: of_target
                .take(self.spec.max_keys)
                .filter_map(|key| shown(key, self.spec.keys, self.spec.seed))
                .collect(),
            inherited: count.target.is_some_and(|rows| rows > 0)
                && count.source.is_some_and(|rows| Some(rows) >= count.target),
            count,
            failed,
        };
        match rule.kind {
            RuleKind::Orphan => self.reports.orphans.push(report),
            RuleKind::Invalid => self.reports.invalid.push(report),
        }
        self.begin_next();
    }

    fn valued(&mut self) {
        let Step::Value(invariant, settlement) = &self.step else {
            return;
        };
        if settlement.want() != Want::Over {
            return;
        }
        self.position = settlement.position().cloned().or(self.position.take());
        let (name, holds) = (invariant.name.clone(), settlement.converged() > 0);
        if holds || !settlement.confirmed().is_empty() {
            self.hold(name, Some(holds), None);
        } else {
            let told = "its value changed each time it was asked, and was never as it should be";
            self.hold(name, None, Some(told.to_owned()));
        }
    }

    fn hold(&mut self, name: String, holds: Option<bool>, failed: Option<String>) {
        self.reports.invariants.push(InvariantReport {
            name,
            holds,
            failed,
        });
        self.begin_next();
    }
}

impl Rule {
    fn plan(&self) -> Option<&RulePlan> {
        self.plans.source.as_ref().or(self.plans.target.as_ref())
    }

    fn name(&self) -> &str {
        self.plan().map_or("", |plan| &plan.name)
    }

    fn table(&self) -> Option<String> {
        match &self.plan()?.query {
            RuleQuery::Where { table, .. } | RuleQuery::Orphans { table, .. } => {
                Some(table.to_string())
            }
            RuleQuery::Custom(_) => None,
        }
    }
}

fn queries(invariant: &Invariant) -> Both<String> {
    let target = invariant.target_query.as_ref();
    Both {
        source: invariant.query.clone(),
        target: target.unwrap_or(&invariant.query).clone(),
    }
}

/// Makes prints of two values so that they are equal when they are as expected. Of a value that both sides must have, both
/// values together stand for the source, so that it rests when both do.
fn judged(values: &Both<Option<String>>, expect: &Expectation) -> Both<BTreeMap<(), Vec<u64>>> {
    let print = |value: &Option<String>| match value {
        Some(value) => vec![1, Fingerprint::of(value)],
        None => vec![0, 0],
    };
    let both = match expect {
        Expectation::Equal => values.as_ref().map(print),
        Expectation::Value(expected) => {
            let expected = print(&Some(expected.clone()));
            Both {
                source: [print(&values.source), print(&values.target)].concat(),
                target: [expected.clone(), expected].concat(),
            }
        }
    };
    both.map(|print| BTreeMap::from([((), print)]))
}

/// Returns what is wrong in both of two looks. Where not all keys are told it is as many as the smaller of them found.
fn in_both(first: &Sought, second: Sought) -> Sought {
    let is_told = |sought: &Sought| u64::try_from(sought.keys.len()) == Ok(sought.count);
    if !is_told(first) || !is_told(&second) {
        let count = first.count.min(second.count);
        return Sought { count, ..second };
    }
    let keys: Vec<_> = second
        .keys
        .into_iter()
        .filter(|key| first.keys.contains(key))
        .collect();
    Sought {
        count: u64::try_from(keys.len()).unwrap_or(u64::MAX),
        keys,
    }
}
