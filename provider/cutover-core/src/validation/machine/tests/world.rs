//! Two databases in memory, one of which follows the other, and a clock that jumps.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::catalog::{Catalog, Engine, Server, Table};
use super::super::super::checkpoint::Checkpoint;
use super::super::super::digest::{Bucket, Key, KeyPart, Mix, RowPrint, Tally};
use super::super::super::facts::{
    Command, Cost, DbFailure, DbFailureClass, Drilled, Fact, Figures, Horizon, Passed, Position,
    Sought, Work,
};
use super::super::super::fingerprint::Fingerprint;
use super::super::super::given_catalogs::{
    BIGINT, TEXT, a_column, a_server, a_spec, a_table, twice,
};
use super::super::super::plan::{Buckets, KeyPlan, Layout, Method, TablePlan};
use super::super::super::report::{Report, TableReport};
use super::super::super::side::{Both, Side};
use super::super::super::spec::{Follow, Proof, Spec};
use super::super::{Outcome, Validation};
use crate::Timestamp;
use crate::machine::{Machine, Next};

pub(super) const START: i64 = 1_700_000_000_000;

/// How many moves a story may take before it counts as one that never settles.
const MOVES_MAX: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) amount: u64,
    pub(super) status: u64,
}

pub(super) fn row(id: i64, amount: u64) -> Row {
    Row {
        id,
        amount,
        status: 0,
    }
}

type Rows = BTreeMap<String, Vec<Row>>;

/// A row of a table with a key becomes another on the source, or goes.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) at: i64,
    pub(super) table: &'static str,
    pub(super) id: i64,
    pub(super) row: Option<Row>,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) now: i64,
    pub(super) servers: Both<Server>,
    pub(super) catalogs: Both<Catalog>,
    pub(super) rows: Both<Rows>,
    pub(super) writes: Vec<Write>,
    /// How many of the writes each side has had.
    had: Both<usize>,
    /// Milliseconds, from when on.
    pub(super) lags: Vec<(i64, i64)>,
    pub(super) one_snapshot: bool,
    /// Whether rows that changed can be told.
    pub(super) tells_touched: bool,
    touched: Both<BTreeMap<(String, i64), u64>>,
    pub(super) calibrated: bool,
    pub(super) estimate: u64,
    pub(super) wrong: BTreeMap<(Side, String), Vec<Vec<i64>>>,
    pub(super) values: Both<Vec<Option<String>>>,
    /// What fails: the number of the command, and how.
    pub(super) fails: BTreeMap<usize, (Side, DbFailureClass)>,
    /// What fails each time that it is asked, by its name.
    pub(super) fails_always: BTreeMap<&'static str, (Side, DbFailureClass)>,
    /// Another identity of the target, from the so-manieth command on.
    pub(super) other_target_from: Option<usize>,
    pub(super) asked: Vec<&'static str>,
}

/// Two PostgreSQL servers with equal tables `payments`, of ten rows, and `refunds`, of three.
pub(super) fn a_world() -> World {
    let table = |name: &str| -> Table {
        a_table(name)
            .with(a_column("amount", BIGINT))
            .with(a_column("status", TEXT))
    };
    let mut payments = table("payments");
    payments.bytes = 1 << 20;
    let rows: Rows = BTreeMap::from([
        (
            "payments".to_owned(),
            (1..=10).map(|id| row(id, 100)).collect(),
        ),
        ("refunds".to_owned(), (1..=3).map(|id| row(id, 5)).collect()),
    ]);
    World {
        now: START,
        servers: Both::of(|side| Server {
            identity: side.to_string(),
            ..a_server(Engine::Postgres)
        }),
        catalogs: twice([payments, table("refunds")]),
        rows: Both {
            source: rows.clone(),
            target: rows,
        },
        writes: Vec::new(),
        had: Both::default(),
        lags: vec![(0, 0)],
        one_snapshot: true,
        tells_touched: true,
        touched: Both::default(),
        calibrated: true,
        estimate: 10,
        wrong: BTreeMap::new(),
        values: Both::of(|_| vec![Some("1".to_owned())]),
        fails: BTreeMap::new(),
        fails_always: BTreeMap::new(),
        other_target_from: None,
        asked: Vec::new(),
    }
}

/// A wish for everything, before the switch, while replication runs.
pub(super) fn a_wish() -> Spec {
    let mut spec = a_spec();
    spec.follow = Follow::Native;
    spec
}

/// What came of it, and where it could be gone on with after each move.
pub(super) struct Ran {
    pub(super) outcome: Outcome,
    pub(super) world: World,
    pub(super) checkpoints: Vec<Checkpoint>,
}

impl Ran {
    pub(super) fn report(&self) -> &Report {
        match &self.outcome {
            Outcome::Finished { report, .. } => report,
            Outcome::Impossible(side, failure) => panic!("{side}: {failure:?}"),
        }
    }

    pub(super) fn proof(&self) -> Option<&Proof> {
        match &self.outcome {
            Outcome::Finished { proof, .. } => proof.as_ref(),
            Outcome::Impossible(..) => None,
        }
    }

    pub(super) fn table(&self, label: &str) -> &TableReport {
        let tables = &self.report().data_validation.tables;
        let found = tables.iter().find(|table| table.table == label);
        found.unwrap_or_else(|| panic!("no table {label} in {tables:?}"))
    }
}

impl World {
    pub(super) fn rows_of(&mut self, side: Side, table: &str) -> &mut Vec<Row> {
        self.rows.get_mut(side).entry(table.to_owned()).or_default()
    }

    /// Runs a validation to its end.
    pub(super) fn run(self, spec: Spec) -> Ran {
        self.run_from(spec, None)
    }

    pub(super) fn run_from(mut self, spec: Spec, from: Option<Checkpoint>) -> Ran {
        let mut machine = Validation::new(spec, Timestamp::from_unix_millis(self.now));
        if let Some(from) = from {
            machine = machine.resuming(from);
        }
        let mut checkpoints = Vec::new();
        for _ in 0..MOVES_MAX {
            let standing = machine.standing();
            assert!(standing.tables_done <= standing.tables);
            match machine.next() {
                Next::Done(outcome) => {
                    return Ran {
                        outcome,
                        world: self,
                        checkpoints,
                    };
                }
                Next::Do(command) => {
                    let fact = self.perform(&command);
                    let now = Timestamp::from_unix_millis(self.now);
                    machine.record(fact, now).expect("the fact belongs to it");
                    checkpoints.extend(machine.checkpoint());
                }
                Next::WaitUntil { at, .. } => {
                    self.pass_to(at.unix_millis());
                    machine.wake(at).expect("it waits");
                }
            }
        }
        panic!("it never settles: {:?}", machine.standing());
    }

    fn lag(&self) -> i64 {
        let begun = |(from, _): &&(i64, i64)| START + from <= self.now;
        let lag = self.lags.iter().rfind(begun);
        lag.map_or(0, |(_, lag)| *lag)
    }

    fn pass_to(&mut self, now: i64) {
        self.now = self.now.max(now);
        let until = Both {
            source: self.now,
            target: self.now - self.lag(),
        };
        for side in Side::BOTH {
            while let Some(write) = self.writes.get(*self.had.get(side)).cloned() {
                if write.at > *until.get(side) {
                    break;
                }
                *self.had.get_mut(side) += 1;
                let rows = self.rows_of(side, write.table);
                rows.retain(|row| row.id != write.id);
                rows.extend(write.row);
                let number = count(*self.had.get(side));
                let key = (write.table.to_owned(), write.id);
                self.touched.get_mut(side).insert(key, number);
            }
        }
    }

    fn perform(&mut self, command: &Command) -> Fact {
        let number = self.asked.len();
        let name = name(command);
        self.asked.push(name);
        self.pass_to(self.now + 10);
        if self.other_target_from.is_some_and(|from| number >= from) {
            "another".clone_into(&mut self.servers.target.identity);
        }
        let fault = self.fails.get(&number).or(self.fails_always.get(name));
        if let Some((side, class)) = fault {
            let failure = DbFailure {
                class: *class,
                doing: name.to_owned(),
                code: None,
                message: "it failed".to_owned(),
            };
            return Fact::Failed(*side, failure);
        }
        self.answer(command)
    }

    fn answer(&mut self, command: &Command) -> Fact {
        match command {
            Command::Look => Fact::Met(Box::new(self.servers.clone())),
            Command::ReadCatalogs => Fact::Catalogs(Box::new(self.catalogs.clone())),
            Command::Lay(_) => Fact::Laid(Both::of(|_| self.layout())),
            Command::Calibrate(..) => Fact::Calibrated(Both {
                source: 1,
                target: 1 + u64::from(!self.calibrated),
            }),
            Command::Time(_, _, methods) => {
                let cost = |seconds| Cost {
                    rows: 1_000,
                    seconds,
                };
                let times = (1_u8..).map(|time| Both::of(|_| cost(f64::from(time))));
                Fact::Timed(
                    methods
                        .iter()
                        .zip(times)
                        .map(|(_, cost)| Some(cost))
                        .collect(),
                )
            }
            Command::Pass(plan, _, method) => {
                Fact::Passed(Box::new(self.each(|world, side| Passed {
                    tally: world.tally(plan, method, side, false),
                    horizon: world.horizon(side),
                    one_snapshot: world.one_snapshot,
                    work: Work::default(),
                })))
            }
            Command::Keys(plan, _, method) => {
                Fact::Keys(self.each(|world, side| world.tally(plan, method, side, true)))
            }
            Command::Drill(plan, _, method, chosen) => {
                let prints = self.each(|world, side| world.prints(plan, method, side));
                let of = |side: &BTreeMap<Key, (u32, u64)>, key: &Key| side.get(key).copied();
                let all: BTreeSet<_> = prints.source.keys().chain(prints.target.keys()).collect();
                let keys = all.into_iter().filter(|key| {
                    let (source, target) = (of(&prints.source, key), of(&prints.target, key));
                    let bucket = source.or(target).map_or(0, |(bucket, _)| bucket);
                    chosen.contains(&bucket) && source != target
                });
                Fact::Drilled(Drilled {
                    keys: keys.cloned().collect(),
                    more: 0,
                    rows: Both::default(),
                })
            }
            Command::Count(plan) => {
                Fact::Counted(self.each(|world, side| count(world.of(plan, side).len())))
            }
            Command::Note => Fact::Noted(Position::Marker(self.now.cast_unsigned())),
            Command::HasPassed(Position::Marker(noted)) => Fact::HasPassed {
                passed: self.now - self.lag() >= noted.cast_signed(),
                lag: None,
            },
            Command::HasPassed(position) => panic!("{position:?} was never noted"),
            Command::Reread(plan, _, keys) => Fact::Reread(self.each(|world, side| {
                let rows = world.row_prints(plan, side);
                rows.into_iter()
                    .filter(|row| keys.contains(&row.key))
                    .collect()
            })),
            Command::Horizons(_) => Fact::Horizons(self.each(|world, side| world.horizon(side))),
            Command::Touched(plan, since) => Fact::Touched(self.each(|world, side| {
                let Some(Horizon::Transaction(since)) = since.get(side) else {
                    return None;
                };
                let touched = world.touched.get(side).iter();
                let keys =
                    touched.filter(|((table, _), number)| *table == plan.label && *number > since);
                world
                    .tells_touched
                    .then(|| keys.map(|((_, id), _)| key(*id)).collect())
            })),
            Command::Sum(..) | Command::Seek(..) | Command::Value(_) => {
                self.answer_about_all(command)
            }
        }
    }

    fn answer_about_all(&mut self, command: &Command) -> Fact {
        match command {
            Command::Sum(plan, sums) => Fact::Summed(self.each(|world, side| {
                let mut groups: BTreeMap<_, Figures> = BTreeMap::new();
                for row in world.of(plan, side) {
                    let group = sums.group_by.iter().map(|_| Some(row.status.to_string()));
                    let figures = groups.entry(group.collect()).or_default();
                    figures.rows += 1;
                    let before = figures.sums.pop().flatten();
                    let before: u64 = before.map_or(0, |sum| sum.parse().unwrap());
                    figures.sums = vec![Some((before + row.amount).to_string())];
                }
                groups
            })),
            Command::Seek(side, rule) => {
                let looks = self.wrong.get_mut(&(*side, rule.name.clone()));
                let ids = looks.map_or_else(Vec::new, |looks| match looks.len() {
                    0 => Vec::new(),
                    1 => looks[0].clone(),
                    _ => looks.remove(0),
                });
                Fact::Sought(Sought {
                    count: count(ids.len()),
                    keys: ids.into_iter().map(key).collect(),
                })
            }
            Command::Value(_) => Fact::Valued(self.each(|world, side| {
                let values = world.values.get_mut(side);
                if values.len() > 1 {
                    values.remove(0)
                } else {
                    values[0].clone()
                }
            })),
            other => panic!("{other:?} is answered elsewhere"),
        }
    }

    /// Asks both sides, with time between them.
    fn each<T>(&mut self, mut ask: impl FnMut(&mut Self, Side) -> T) -> Both<T> {
        Both::of(|side| {
            let answer = ask(self, side);
            self.pass_to(self.now + 20);
            answer
        })
    }

    fn layout(&self) -> Layout {
        Layout {
            pieces: Vec::new(),
            estimated_rows: self.estimate,
            bytes: 1 << 20,
            keys: Some((1, 10)),
            clustered: true,
            has_blocks: true,
        }
    }

    fn horizon(&self, side: Side) -> Option<Horizon> {
        let number = count(*self.had.get(side));
        self.tells_touched.then_some(Horizon::Transaction(number))
    }

    fn of(&self, plan: &TablePlan, side: Side) -> Vec<Row> {
        let rows = self.rows.get(side).get(&plan.label);
        rows.cloned().unwrap_or_default()
    }

    /// Bucket and hash of each row; of rows that are equal, of all of them.
    fn prints(&self, plan: &TablePlan, method: &Method, side: Side) -> BTreeMap<Key, (u32, u64)> {
        let rows = self.row_prints(plan, side).into_iter();
        rows.map(|row| {
            let bucket = bucket(&row.key, &method.buckets);
            let hash = Fingerprint::of(&format!("{row:?}{}", method.seed));
            (row.key, (bucket, hash))
        })
        .collect()
    }

    fn tally(&self, plan: &TablePlan, method: &Method, side: Side, keys_only: bool) -> Tally {
        let mut tally = Tally::default();
        for row in self.row_prints(plan, side) {
            let number = bucket(&row.key, &method.buckets);
            if !method.reads(number) {
                continue;
            }
            let hash = if keys_only {
                Fingerprint::of(&format!("{:?}", row.key))
            } else {
                Fingerprint::of(&format!("{row:?}{}", method.seed))
            };
            let copies = match plan.key {
                KeyPlan::Columns(_) => 1,
                KeyPlan::WholeRow => row.columns[0],
            };
            let one = Bucket {
                rows: copies,
                digest: [hash, hash],
            };
            tally.0.entry(number).or_default().add(&one, Mix::Sum);
        }
        tally
    }

    fn row_prints(&self, plan: &TablePlan, side: Side) -> Vec<RowPrint> {
        let rows = self.of(plan, side);
        if plan.key == KeyPlan::WholeRow {
            let mut copies = BTreeMap::<Row, u64>::new();
            for row in rows {
                *copies.entry(row).or_default() += 1;
            }
            let print = |row: &Row| Fingerprint::of(&format!("{row:?}")).to_be_bytes().to_vec();
            return copies
                .into_iter()
                .map(|(row, copies)| RowPrint {
                    key: Key(vec![KeyPart::Bytes(print(&row))]),
                    columns: vec![copies],
                })
                .collect();
        }
        rows.into_iter()
            .map(|row| RowPrint {
                key: key(row.id),
                columns: plan
                    .columns
                    .iter()
                    .map(|column| match column.names.source.as_str() {
                        "id" => row.id.cast_unsigned(),
                        "amount" => row.amount,
                        _ => row.status,
                    })
                    .collect(),
            })
            .collect()
    }
}

pub(super) fn key(id: i64) -> Key {
    Key(vec![KeyPart::Integer(id.into())])
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap()
}

fn bucket(key: &Key, buckets: &Buckets) -> u32 {
    match (buckets, key.0.first()) {
        (
            Buckets::Ranges {
                first,
                width,
                count,
            },
            Some(KeyPart::Integer(id)),
        ) => {
            let number = (id - i128::from(*first)).div_euclid(i128::from(*width));
            u32::try_from(number.clamp(0, i128::from(count - 1))).unwrap()
        }
        (buckets, _) => {
            u32::try_from(Fingerprint::of(&format!("{key:?}")) % u64::from(buckets.count()))
                .unwrap()
        }
    }
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::Look => "look",
        Command::ReadCatalogs => "catalogs",
        Command::Lay(_) => "lay",
        Command::Calibrate(..) => "calibrate",
        Command::Time(..) => "time",
        Command::Pass(..) => "pass",
        Command::Drill(..) => "drill",
        Command::Count(_) => "count",
        Command::Note => "note",
        Command::HasPassed(_) => "has passed",
        Command::Reread(..) => "reread",
        Command::Horizons(_) => "horizons",
        Command::Touched(..) => "touched",
        Command::Keys(..) => "keys",
        Command::Sum(..) => "sum",
        Command::Seek(..) => "seek",
        Command::Value(_) => "value",
    }
}
