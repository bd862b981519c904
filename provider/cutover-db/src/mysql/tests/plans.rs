//! How the server reads what is asked: by the key, and without sorting rows.

use std::fmt::Write as _;

use cutover_core::validation::digest::{Key, KeyPart};
use cutover_core::validation::plan::{Method, Span, Strategy, TablePlan};
use cutover_core::validation::side::Side;
use sqlx::{AssertSqlSafe, Row};

use super::{id, ranged, table, text};
use crate::mysql::bind::arguments;
use crate::mysql::read::{Read, Width};
use crate::mysql::{digest, spans};
use crate::{Mysql, testing};

const SCRIPT: &str = "
    CREATE TABLE payments (id bigint PRIMARY KEY, v varchar(100)); INSERT INTO payments SELECT seq, CONCAT('v', seq) FROM seq_1_to_20000;
    CREATE TABLE items (a varchar(20), b bigint, v varchar(100), PRIMARY KEY (a, b));
    INSERT INTO items SELECT CONCAT('p', seq DIV 10), seq, 'v' FROM seq_1_to_20000; ANALYZE TABLE payments, items";

/// Explains a statement: for each table its name, access, key and what else is done, one a line.
async fn explained(database: &Mysql, sql: &str, read: &Read<'_>) -> String {
    let mut connection = database
        .session("explaining")
        .await
        .expect("the server answers");
    let sql = format!("EXPLAIN {sql}");
    let rows = sqlx::query_with(AssertSqlSafe(sql), arguments(&read.rows.binds))
        .fetch_all(&mut *connection)
        .await
        .expect("the statement is SQL");
    let lines = rows.iter().map(|row| {
        let [table, access, key, extra] = ["table", "type", "key", "Extra"].map(|column| {
            let value: Option<String> = row.try_get_unchecked(column).expect("it is a column");
            value
                .filter(|value| !value.is_empty())
                .unwrap_or_else(|| "-".to_owned())
        });
        format!("{table} | {access} | {key} | {extra}\n")
    });
    lines.collect()
}

async fn explain(database: &Mysql, plan: &TablePlan, method: &Method, span: &Span) -> String {
    let mut read = database.whole(plan, method, Width::Rows);
    read.rows = spans::condition(plan, Side::Source, span).expect("the span is one of this table");
    let sql = match method.strategy {
        Strategy::TextDigest => digest::tally_sql(&read).expect("all columns are text"),
        _ => read.select(),
    };
    explained(database, &sql, &read).await
}

#[tokio::test]
async fn pieces_are_read_by_ranges_of_the_primary_key() {
    let database = testing::mariadb("plans_pieces", SCRIPT).await;
    let payments = table(&database, "payments", vec![id(), text("v")], 1);
    let b = super::column(
        "b",
        "bigint(20)",
        super::BIGINT,
        cutover_core::validation::plan::Form::Integer,
    );
    let items = table(&database, "items", vec![text("a"), b, text("v")], 2);
    let range = Span::Range {
        from: Some(100),
        until: Some(600),
    };
    let after = Span::After {
        key: Some(Key(vec![
            KeyPart::Text("p1995".to_owned()),
            KeyPart::Integer(19_955),
        ])),
        rows: 500,
    };
    let mut shown = String::new();
    for strategy in [Strategy::Stream, Strategy::TextDigest] {
        let method = ranged(strategy);
        for (plan, span, what) in [
            (&payments, &Span::Whole, "the whole table"),
            (&payments, &range, "a range of keys"),
            (&items, &after, "rows after a key of two columns"),
        ] {
            // Of a key that is text there are no ranges.
            let method = Method {
                buckets: if span == &after {
                    super::method(strategy).buckets
                } else {
                    method.buckets.clone()
                },
                ..method.clone()
            };
            writeln!(shown, "{strategy:?}, {what}").expect("text takes text");
            shown += &explain(&database, plan, &method, span).await;
        }
    }

    assert_eq!(
        shown,
        include_str!("../../../../../docs/captures/explain-mariadb.txt")
    );
}

#[tokio::test]
async fn rows_are_found_by_the_index_of_their_key() {
    let database = testing::mariadb("plans_named", SCRIPT).await;
    let b = super::column(
        "b",
        "bigint(20)",
        super::BIGINT,
        cutover_core::validation::plan::Form::Integer,
    );
    let items = table(&database, "items", vec![text("a"), b, text("v")], 2);
    let method = ranged(Strategy::Stream);
    let keys: Vec<Key> = (1..=100)
        .map(|id| {
            Key(vec![
                KeyPart::Text(format!("p{}", id / 10)),
                KeyPart::Integer(id),
            ])
        })
        .collect();
    let mut read = database.whole(&items, &method, Width::Rows);
    read.rows = crate::mysql::again::named(&read.key, &keys).expect("the keys are of this table");

    let plan = explained(&database, &read.select(), &read).await;

    assert!(
        plan.lines().all(|line| line.contains("| PRIMARY |")),
        "{plan}"
    );
    assert!(!plan.contains("| ALL |"), "{plan}");
}
