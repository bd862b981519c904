//! Databases, plans and performers with boring values.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::validation::catalog::{Engine, Kind, TableName};
use cutover_core::validation::digest::{Key, KeyPart, Mix};
use cutover_core::validation::facts::{Command, DbFailureClass, Fact, Passed};
use cutover_core::validation::plan::{
    Buckets, ColumnPlan, Form, KeyPlan, Layout, Method, Strategy, TablePlan,
};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::{Checks, Follow, Limits, RowCheck, Spec};
use cutover_driver::{PassProgress, Perform, Progress, Validating};
use cutover_sim::PausedClock;
use cutover_sim::bank::{Bank, Kept, SimTable};

pub(crate) fn table() -> TableName {
    TableName {
        schema: "public".to_owned(),
        name: "payments".to_owned(),
    }
}

/// A spec that reads as fast as it can: 2 connections on the source, 4 on the target.
pub(crate) fn a_spec() -> Spec {
    Spec {
        checks: Checks {
            schema: true,
            ..Checks::rows(RowCheck::Full)
        },
        follow: Follow::Native,
        limits: Both::of(|side| Limits {
            duty: 100,
            max_active_sessions: Some(20),
            max_lag: Some(Duration::from_mins(1)),
            ..Limits::of(side)
        }),
        ..Spec::new(7)
    }
}

/// Two databases with one table of so many rows on both sides.
pub(crate) fn a_bank(engine: Engine, kept: Kept, rows: i64) -> Bank {
    let bank = Bank::new(Arc::new(PausedClock::default()), &Both::of(|_| engine));
    bank.with(|state| state.add_table(&table(), &SimTable::new(kept, 1..=rows)));
    bank
}

/// The plan of that table, as `tables` would make it.
pub(crate) fn a_plan(keyed: bool) -> TablePlan {
    let kind = Kind::Integer {
        bits: 64,
        unsigned: false,
    };
    let column = |name: &str| ColumnPlan {
        names: Both::of(|_| name.to_owned()),
        kinds: Both::of(|_| kind.clone()),
        types: Both::of(|_| "bigint".to_owned()),
        form: Form::Integer,
        nullable: Both::of(|_| false),
        deterministic: Both::of(|_| true),
    };
    let names: &[&str] = if keyed {
        &["id", "amount", "status"]
    } else {
        &["amount", "status"]
    };
    TablePlan {
        label: "payments".to_owned(),
        names: Both::of(|_| table()),
        columns: names.iter().map(|name| column(name)).collect(),
        key: if keyed {
            KeyPlan::Columns(vec![0])
        } else {
            KeyPlan::WholeRow
        },
        excluded: Vec::new(),
    }
}

pub(crate) fn hashed(count: u32) -> Method {
    a_method(Buckets::Hashed { count })
}

pub(crate) fn ranges(width: u64, count: u32) -> Method {
    a_method(Buckets::Ranges {
        first: 1,
        width,
        count,
    })
}

fn a_method(buckets: Buckets) -> Method {
    Method {
        strategy: Strategy::Stream,
        buckets,
        mix: Mix::Sum,
        seed: 7,
        every: 1,
    }
}

pub(crate) fn key(id: i64) -> Key {
    Key(vec![KeyPart::Integer(id.into())])
}

/// A performer over a bank, and what it is asked.
pub(crate) struct Run {
    pub(crate) bank: Bank,
    pub(crate) spec: Spec,
    pub(crate) plan: Arc<TablePlan>,
    clock: PausedClock,
}

fn quiet(_: &Progress) {}

impl Run {
    pub(crate) fn new(bank: Bank, spec: Spec) -> Self {
        Self {
            bank,
            spec,
            plan: Arc::new(a_plan(true)),
            clock: PausedClock::default(),
        }
    }

    pub(crate) fn world(&self, pass: Option<PassProgress>) -> Validating<'_> {
        let databases = self.bank.databases();
        Validating::new(databases, &self.clock, self.spec.clone(), pass, &quiet)
    }

    pub(crate) async fn ask(&self, command: Command) -> Fact {
        self.world(None).perform(&command).await
    }

    pub(crate) async fn layouts(&self, world: &Validating<'_>) -> Arc<Both<Layout>> {
        match world.perform(&Command::Lay(Arc::clone(&self.plan))).await {
            Fact::Laid(layouts) => Arc::new(layouts),
            other => panic!("the table can be seen, but: {other:?}"),
        }
    }

    pub(crate) async fn pass_command(&self, world: &Validating<'_>, method: &Method) -> Command {
        let layouts = self.layouts(world).await;
        Command::Pass(Arc::clone(&self.plan), layouts, method.clone())
    }

    /// Reads all of both sides.
    pub(crate) async fn pass(&self, method: &Method) -> Result<Both<Passed>, DbFailureClass> {
        let world = self.world(None);
        let command = self.pass_command(&world, method).await;
        passed(world.perform(&command).await)
    }

    /// Asserts what must be true after every run.
    pub(crate) fn assert_tidy(&self) {
        assert_eq!(self.bank.complaints(), Vec::<String>::new());
        assert_eq!(self.bank.open_snapshots(), 0);
    }
}

pub(crate) fn passed(fact: Fact) -> Result<Both<Passed>, DbFailureClass> {
    match fact {
        Fact::Passed(passed) => Ok(*passed),
        Fact::Failed(_, failure) => Err(failure.class),
        other => panic!("a pass was asked for, not {other:?}"),
    }
}

/// Asserts that both sides were read whole, each row once.
pub(crate) fn assert_whole(passed: &Both<Passed>, rows: u64) {
    for side in Side::BOTH {
        let passed = passed.get(side);
        assert_eq!(
            (side, passed.tally.rows(), passed.work.rows),
            (side, rows, rows)
        );
    }
    assert_eq!(
        passed.source.tally.differing(&passed.target.tally),
        Vec::<u32>::new()
    );
}
