//! What the server makes of our statements. `docs/captures/explain-postgres.txt` is what this test compares with.

use super::*;
use crate::postgres::part::Columns;
use crate::postgres::reading::Reading;
use crate::postgres::sql::hashed::Hashed;
use crate::postgres::sql::key;

const PAYMENTS: &str = "
    CREATE TABLE one (id bigint PRIMARY KEY, amount numeric(12,2) NOT NULL, status text, created_at timestamptz);
    INSERT INTO one SELECT n, n * 1.25, 'pending', timestamptz '2024-05-01 12:00:00+00' + n * interval '1 second'
        FROM generate_series(1, 50000) n;
    ANALYZE one;";

fn payments() -> TablePlan {
    plan(
        vec![
            column("amount", NUMERIC, Form::Numeric),
            column("created_at", MOMENT, Form::Timestamp { digits: 6 }),
            column("id", BIGINT, Form::Integer),
            column("status", TEXT, PLAIN),
        ],
        &[2],
    )
}

async fn explain(database: &Postgres, sql: &str) -> String {
    let mut reading = Reading::now(database, "explaining".to_owned())
        .await
        .expect("a connection");
    let rows = reading
        .all(&format!("EXPLAIN (COSTS OFF) {sql}"))
        .await
        .expect("a plan");
    let lines: Vec<String> = rows
        .iter()
        .map(|row| reading.get::<String>(row, 0).expect("text"))
        .collect();
    reading.finish().await.expect("the connection goes back");
    lines.join("\n") + "\n"
}

#[tokio::test]
async fn digests_are_aggregated_by_hash_over_one_scan_and_nothing_is_sorted() {
    let database = crate::testing::postgres("plans", PAYMENTS).await;
    let plan = payments();
    let columns = Columns::of(&plan, Side::Source);
    let ranges = Buckets::Ranges {
        first: 1,
        width: 4_096,
        count: 16,
    };
    let pieces: [(&str, &str, Vec<String>); 3] = [
        ("the whole table", "\"public\".\"one\"", Vec::new()),
        (
            "a range of blocks",
            "ONLY \"public\".\"one\"",
            vec![
                "ctid >= '(10,0)'::tid".to_owned(),
                "ctid < '(20,0)'::tid".to_owned(),
            ],
        ),
        (
            "a range of keys",
            "\"public\".\"one\"",
            vec![
                "\"id\" >= '1000'::bigint".to_owned(),
                "\"id\" < '2000'::bigint".to_owned(),
            ],
        ),
    ];
    let mut shown = String::new();
    for strategy in [Strategy::RecordHash, Strategy::TextDigest] {
        for (what, from, conditions) in &pieces {
            let sql = Hashed {
                method: &method(strategy, ranges.clone()),
                columns: &columns.all,
                key: &columns.key,
                from,
                conditions,
            }
            .tally()
            .expect("no floating point");
            let explained = explain(&database, &sql).await;
            assert!(!explained.contains("Sort"), "{explained}");
            shown.push_str(
                &[&format!("{strategy:?}, {what}"), sql.as_str(), &explained].join("\n\n"),
            );
            shown.push('\n');
        }
    }
    let keys: Vec<Key> = [5, 900, 33_000].map(number).to_vec();
    let by_key = format!(
        "SELECT * FROM public.one WHERE {}",
        key::is_one_of(&columns.key, &keys)
    );
    let explained = explain(&database, &by_key).await;
    assert!(explained.contains("Index Scan"), "{explained}");
    shown.push_str(&["rows by their keys", &by_key, &explained].join("\n\n"));

    assert_eq!(
        shown,
        include_str!("../../../../../docs/captures/explain-postgres.txt"),
        "write what is on the left into the file if that is as it should be"
    );
}

#[tokio::test]
async fn rows_are_found_by_the_index_of_a_key_of_several_columns() {
    let script = "CREATE TABLE one (shop text, n int, v text, PRIMARY KEY (shop, n));
        INSERT INTO one SELECT 's' || n % 100, n, 'x' FROM generate_series(1, 100000) n; ANALYZE one;";
    let database = crate::testing::postgres("plans_of_keys", script).await;
    let plan = plan(
        vec![
            column(
                "n",
                Kind::Integer {
                    bits: 32,
                    unsigned: false,
                },
                Form::Integer,
            ),
            column("shop", TEXT, PLAIN),
        ],
        &[1, 0],
    );
    let columns = Columns::of(&plan, Side::Source);
    let keys: Vec<Key> = (1..=1_000)
        .map(|n| {
            Key(vec![
                KeyPart::Text(format!("s{}", n % 100)),
                KeyPart::Integer(n),
            ])
        })
        .collect();

    let condition = key::is_one_of(&columns.key, &keys);
    let explained = explain(
        &database,
        &format!("SELECT * FROM public.one WHERE {condition}"),
    )
    .await;

    assert!(explained.contains("one_pkey"), "{explained}");
    assert!(!explained.contains("Seq Scan"), "{explained}");
}
