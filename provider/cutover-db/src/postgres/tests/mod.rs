//! Rows of a real server.

mod changes;
mod digests;
mod follow;
mod keyless;
mod plans;
mod questions;
mod values;

use cutover_core::validation::catalog::{Kind, TableName};
use cutover_core::validation::digest::{Key, KeyPart, Mix, Tally};
use cutover_core::validation::plan::{
    Buckets, Chosen, ColumnPlan, Form, KeyPlan, Layout, Method, Span, Strategy, TablePlan,
};
use cutover_core::validation::side::{Both, Side};
use cutover_driver::{Database, Piece};

use super::Postgres;

const STRATEGIES: [Strategy; 3] = [Strategy::RecordHash, Strategy::Stream, Strategy::TextDigest];

const BIGINT: Kind = Kind::Integer {
    bits: 64,
    unsigned: false,
};
const TEXT: Kind = Kind::Text {
    length: None,
    padded: false,
};
const PLAIN: Form = Form::Text { padded: false };
const NUMERIC: Kind = Kind::Numeric { size: None };
const MOMENT: Kind = Kind::Timestamp {
    digits: 6,
    zoned: true,
};

/// A column with the same name and kind on both sides, that may be null.
fn column(name: &str, kind: Kind, form: Form) -> ColumnPlan {
    ColumnPlan {
        names: Both::of(|_| name.to_owned()),
        kinds: Both {
            source: kind.clone(),
            target: kind,
        },
        types: Both::of(|_| "a type".to_owned()),
        form,
        nullable: Both::of(|_| true),
        deterministic: Both::of(|_| true),
    }
}

/// A table that is called `one` on the source and `other` on the target.
fn plan(columns: Vec<ColumnPlan>, key: &[usize]) -> TablePlan {
    let named = |name: &str| TableName {
        schema: "public".to_owned(),
        name: name.to_owned(),
    };
    TablePlan {
        label: "one".to_owned(),
        names: Both {
            source: named("one"),
            target: named("other"),
        },
        columns,
        key: match key {
            [] => KeyPlan::WholeRow,
            places => KeyPlan::Columns(places.to_vec()),
        },
        excluded: Vec::new(),
    }
}

fn method(strategy: Strategy, buckets: Buckets) -> Method {
    Method {
        strategy,
        buckets,
        mix: Mix::Xor,
        seed: 0x8899_aabb_ccdd_eeff,
        every: 1,
    }
}

const HASHED: Buckets = Buckets::Hashed { count: 64 };

fn number(value: i128) -> Key {
    Key(vec![KeyPart::Integer(value)])
}

/// One database that is both sides: `one` and `other` are tables of it.
struct Sides {
    one: Postgres,
    other: Postgres,
}

impl Sides {
    async fn open(name: &str, script: &str) -> Self {
        let one = crate::testing::postgres(name, script).await;
        let mut other = one.clone();
        other.side = Side::Target;
        Self { one, other }
    }

    fn each(&self) -> [&Postgres; 2] {
        [&self.one, &self.other]
    }

    /// The sums of both sides, each read as a whole.
    async fn tallies(&self, plan: &TablePlan, method: &Method) -> [Tally; 2] {
        [
            tally(&self.one, plan, method, &Span::Whole).await,
            tally(&self.other, plan, method, &Span::Whole).await,
        ]
    }

    /// The keys of rows that are not alike, as a drill finds them.
    async fn differing(&self, plan: &TablePlan, method: &Method) -> Vec<Key> {
        let [one, other] = self.tallies(plan, method).await;
        let chosen: Chosen = one.differing(&other).into_iter().collect();
        let mut sides = Vec::new();
        for database in self.each() {
            let layout = layout(database, plan).await;
            let piece = Piece {
                layout: &layout,
                span: &Span::Whole,
                snapshot: None,
            };
            let printed = database
                .prints(plan, method, piece, &chosen)
                .await
                .expect("prints are read");
            sides.push(printed.rows);
        }
        let mut keys: Vec<Key> = Vec::new();
        for (here, there) in [(0, 1), (1, 0)] {
            let lonely = sides[here].iter().filter(|row| !sides[there].contains(row));
            keys.extend(lonely.map(|(key, _)| key.clone()));
        }
        keys.sort();
        keys.dedup();
        keys
    }
}

async fn layout(database: &Postgres, plan: &TablePlan) -> Layout {
    database.layout(plan).await.expect("the table is there")
}

async fn tally(database: &Postgres, plan: &TablePlan, method: &Method, span: &Span) -> Tally {
    let layout = layout(database, plan).await;
    let piece = Piece {
        layout: &layout,
        span,
        snapshot: None,
    };
    database
        .tally(plan, method, piece)
        .await
        .expect("rows are read")
        .tally
}
