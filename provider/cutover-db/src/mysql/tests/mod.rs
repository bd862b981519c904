//! Rows of a real MariaDB.

mod digests;
mod pieces;
mod plans;
mod progress;
mod rules;
mod values;

use cutover_core::validation::catalog::{Kind, TableName};
use cutover_core::validation::digest::{Bucket, Key, KeyPart, Mix, RowPrint, Tally};
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::plan::{
    Buckets, Chosen, ColumnPlan, Form, KeyPlan, Layout, Method, Span, Strategy, TablePlan,
};
use cutover_core::validation::side::Both;
use cutover_driver::{Database, Piece, Tallied};
use sha2::{Digest as _, Sha256};

use crate::Mysql;

pub(super) const SEED: u64 = 0xfeed;

pub(super) const TEXT: Kind = Kind::Text {
    length: None,
    padded: false,
};
pub(super) const AS_TEXT: Form = Form::Text { padded: false };
pub(super) const BIGINT: Kind = Kind::Integer {
    bits: 64,
    unsigned: false,
};

/// A column that both sides have alike.
pub(super) fn column(name: &str, type_name: &str, kind: Kind, form: Form) -> ColumnPlan {
    let both = |text: &str| Both::of(|_| text.to_owned());
    ColumnPlan {
        names: both(name),
        kinds: Both {
            source: kind.clone(),
            target: kind,
        },
        types: both(type_name),
        form,
        nullable: Both::of(|_| true),
        deterministic: Both::of(|_| true),
    }
}

/// A column of whole numbers that is called `id`.
pub(super) fn id() -> ColumnPlan {
    column("id", "bigint(20)", BIGINT, Form::Integer)
}

/// A column of text.
pub(super) fn text(name: &str) -> ColumnPlan {
    column(name, "varchar(100)", TEXT, AS_TEXT)
}

/// A table whose first columns are its key, so many of them.
pub(super) fn table(
    database: &Mysql,
    name: &str,
    columns: Vec<ColumnPlan>,
    key: usize,
) -> TablePlan {
    let name = TableName {
        schema: database.address.database.clone(),
        name: name.to_owned(),
    };
    TablePlan {
        label: name.name.clone(),
        names: Both::of(|_| name.clone()),
        columns,
        key: if key == 0 {
            KeyPlan::WholeRow
        } else {
            KeyPlan::Columns((0..key).collect())
        },
        excluded: Vec::new(),
    }
}

/// Hashed buckets, the mix that fits any table.
pub(super) fn method(strategy: Strategy) -> Method {
    Method {
        strategy,
        buckets: Buckets::Hashed { count: 8 },
        mix: Mix::Sum,
        seed: SEED,
        every: 1,
    }
}

/// The same with buckets by ranges of ten keys from 1.
pub(super) fn ranged(strategy: Strategy) -> Method {
    Method {
        buckets: Buckets::Ranges {
            first: 1,
            width: 10,
            count: 16,
        },
        mix: Mix::Xor,
        ..method(strategy)
    }
}

pub(super) const STRATEGIES: [Strategy; 2] = [Strategy::Stream, Strategy::TextDigest];

/// A layout that readers of `InnoDB` have no use for.
pub(super) fn layout() -> Layout {
    Layout {
        pieces: Vec::new(),
        estimated_rows: 0,
        bytes: 0,
        keys: None,
        clustered: true,
        has_blocks: false,
    }
}

pub(super) async fn tallied(
    database: &Mysql,
    plan: &TablePlan,
    method: &Method,
    span: &Span,
) -> Result<Tallied, DbFailure> {
    let layout = layout();
    let piece = Piece {
        layout: &layout,
        span,
        snapshot: None,
    };
    database.tally(plan, method, piece).await
}

/// Adds up a whole table.
pub(super) async fn whole(database: &Mysql, plan: &TablePlan, method: &Method) -> Tally {
    tallied(database, plan, method, &Span::Whole)
        .await
        .expect("the table can be read")
        .tally
}

/// Keys and prints of the rows in some buckets, in the order of keys.
pub(super) async fn prints(
    database: &Mysql,
    plan: &TablePlan,
    method: &Method,
    buckets: impl IntoIterator<Item = u32>,
) -> Vec<(Key, u128)> {
    let layout = layout();
    let piece = Piece {
        layout: &layout,
        span: &Span::Whole,
        snapshot: None,
    };
    let chosen: Chosen = buckets.into_iter().collect();
    let mut prints = database
        .prints(plan, method, piece, &chosen)
        .await
        .expect("the table can be read")
        .rows;
    prints.sort();
    prints
}

pub(super) async fn rows(
    database: &Mysql,
    plan: &TablePlan,
    method: &Method,
    keys: &[Key],
) -> Vec<RowPrint> {
    database
        .rows(plan, method, keys)
        .await
        .expect("the table can be read")
}

pub(super) fn number(number: i128) -> Key {
    Key(vec![KeyPart::Integer(number)])
}

pub(super) fn word(text: &str) -> Key {
    Key(vec![KeyPart::Text(text.to_owned())])
}

/// The text of a row as `canonical::text` says it is, of its fields.
pub(super) fn row_text(fields: &[String]) -> String {
    let mut text = format!("{SEED:016x}");
    for field in fields {
        text.push('\u{1f}');
        text.push_str(field);
    }
    text
}

/// The hash of the text of a row.
pub(super) fn sha(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// What one row adds to its bucket.
pub(super) fn hashed(text: &str) -> Bucket {
    let half = |start: usize| {
        let bytes = sha(text);
        let half = bytes[start..start + 8].try_into().expect("eight bytes");
        u64::from_be_bytes(half)
    };
    Bucket {
        rows: 1,
        digest: [half(0), half(8)],
    }
}
