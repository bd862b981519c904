//! What digests find, and what they do not take for a difference.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::digest::{Key, KeyPart, Mix, Tally};
use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::plan::{Buckets, ColumnPlan, Form, Span, Strategy, TablePlan};
use cutover_core::validation::side::Side;
use cutover_driver::Database as _;
use cutover_local_db::{Options, Server};

use super::{
    BIGINT, STRATEGIES, column, hashed, id, layout, method, number, prints, ranged, row_text, rows,
    table, tallied, text, whole, word,
};
use crate::canonical::whole_row_key;
use crate::{Mysql, testing};

fn amount() -> ColumnPlan {
    let kind = Kind::Numeric {
        size: Some((12, 2)),
    };
    column("amount", "decimal(12,2)", kind, Form::Numeric)
}

fn created_at() -> ColumnPlan {
    let kind = Kind::Timestamp {
        digits: 6,
        zoned: false,
    };
    column(
        "created_at",
        "datetime(6)",
        kind,
        Form::Timestamp { digits: 6 },
    )
}

const PAYMENTS: &str = "
    CREATE TABLE old (id bigint PRIMARY KEY, amount decimal(12,2), status varchar(20), created_at datetime(6));
    INSERT INTO old SELECT seq, seq * 1.5, 'pending', '2024-03-31 00:00:00.123456' + INTERVAL seq MINUTE FROM seq_1_to_100;
    CREATE TABLE new LIKE old; INSERT INTO new SELECT * FROM old;";

/// Two tables of payments, the second one changed.
async fn payments(name: &str, change: &str) -> (Mysql, TablePlan, TablePlan) {
    let database = testing::mariadb(name, &format!("{PAYMENTS} {change}")).await;
    let columns = || vec![id(), amount(), text("status"), created_at()];
    let (old, new) = (
        table(&database, "old", columns(), 1),
        table(&database, "new", columns(), 1),
    );
    (database, old, new)
}

/// Keys whose prints differ, found as a drill does it: buckets first.
async fn differing(
    database: &Mysql,
    old: &TablePlan,
    new: &TablePlan,
    strategy: Strategy,
) -> Vec<Key> {
    let method = ranged(strategy);
    let buckets = whole(database, old, &method)
        .await
        .differing(&whole(database, new, &method).await);
    let old = prints(database, old, &method, buckets.iter().copied()).await;
    let new = prints(database, new, &method, buckets).await;
    let mut keys: Vec<Key> = old
        .iter()
        .filter(|row| !new.contains(row))
        .chain(new.iter().filter(|row| !old.contains(row)))
        .map(|(key, _)| key.clone())
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

/// D22: two rows that exchanged a value, two that changed alike, an hour lost, microseconds cut.
#[tokio::test]
async fn changes_that_cancel_in_a_linear_checksum_are_found() {
    let changes = [
        (
            "exchanged",
            "UPDATE new SET amount = IF(id = 3, 6.00, 4.50) WHERE id IN (3, 4)",
            vec![3, 4],
        ),
        (
            "alike",
            "UPDATE new SET status = 'settled' WHERE id IN (5, 17)",
            vec![5, 17],
        ),
        (
            "hour",
            "UPDATE new SET created_at = created_at - INTERVAL 1 HOUR WHERE id <= 8",
            (1..=8).collect(),
        ),
        (
            "cut",
            "UPDATE new SET created_at = '2024-03-31 01:40:00' WHERE id = 100",
            vec![100],
        ),
    ];
    for (what, change, expected) in changes {
        let (database, old, new) = payments(&format!("digests_{what}"), change).await;
        for strategy in STRATEGIES {
            let found = differing(&database, &old, &new, strategy).await;
            let expected: Vec<Key> = expected.iter().map(|&id| number(id)).collect();
            assert_eq!(found, expected, "{what} by {strategy:?}");
        }
    }
}

/// D22: what CRC32 with XOR calls equal, which is how tools for MySQL usually compare, is found here.
#[tokio::test]
async fn crc32_with_xor_calls_two_different_tables_equal_and_we_do_not() {
    let change = "UPDATE new SET status = 'settled' WHERE id IN (5, 17);
        UPDATE new SET created_at = created_at - INTERVAL 1 HOUR WHERE id BETWEEN 21 AND 28";
    let (database, old, new) = payments("digests_linear", change).await;
    let linear = async |name: &str| {
        let query = format!(
            "SELECT CONCAT(COUNT(*), ' ', BIT_XOR(CRC32(CONCAT_WS('#', id, amount, status, created_at)))) FROM {name}"
        );
        database
            .value(&query)
            .await
            .expect("the query gives one value")
    };

    assert_eq!(linear("old").await, linear("new").await);
    for strategy in STRATEGIES {
        let expected: Vec<Key> = [5, 17].into_iter().chain(21..=28).map(number).collect();
        assert_eq!(differing(&database, &old, &new, strategy).await, expected);
    }
}

/// D23: one missing, one extra, one different, in the first, the last and a middle bucket; an empty table; all different.
#[tokio::test]
async fn rows_that_are_missing_extra_or_different_are_named() {
    let change =
        "DELETE FROM new WHERE id = 1; UPDATE new SET amount = amount + 0.01 WHERE id = 50;
        INSERT INTO new VALUES (-7, 1, 'x', '2024-01-01'), (100000, 1, 'x', '2024-01-01')";
    let (database, old, new) = payments("digests_three", change).await;
    for strategy in STRATEGIES {
        let found = differing(&database, &old, &new, strategy).await;
        assert_eq!(found, [-7, 1, 50, 100_000].map(number));
    }

    let (database, old, new) = payments("digests_none", "DELETE FROM new").await;
    for strategy in STRATEGIES {
        assert_eq!(
            whole(&database, &new, &ranged(strategy)).await,
            Tally::default()
        );
        assert_eq!(differing(&database, &old, &new, strategy).await.len(), 100);
    }
}

#[tokio::test]
async fn a_bucket_of_text_is_the_sum_of_the_hashes_of_its_rows() {
    let script = "CREATE TABLE t (id varchar(20) PRIMARY KEY, v varchar(100));
        INSERT INTO t VALUES ('a', 'x'), ('b', NULL), ('c', '')";
    let database = testing::mariadb("digests_text", script).await;
    let plan = table(&database, "t", vec![text("id"), text("v")], 1);
    let rows = [("1:a", "1:x"), ("1:b", "\u{1}"), ("1:c", "0:")];

    for mix in [Mix::Xor, Mix::Sum] {
        let method = cutover_core::validation::plan::Method {
            mix,
            ..method(Strategy::TextDigest)
        };
        let mut expected = Tally::default();
        for (key, value) in rows {
            let text = row_text(&[key.to_owned(), value.to_owned()]);
            let bucket = hashed(&row_text(&[key.to_owned()])).digest[0] % 8;
            let bucket = u32::try_from(bucket).expect("below eight");
            expected
                .0
                .entry(bucket)
                .or_default()
                .add(&hashed(&text), mix);
        }
        assert_eq!(whole(&database, &plan, &method).await, expected);
    }
}

#[tokio::test]
async fn empty_text_is_not_null() {
    let change =
        "UPDATE old SET status = '' WHERE id = 9; UPDATE new SET status = NULL WHERE id = 9";
    let (database, old, new) = payments("digests_null", change).await;
    for strategy in STRATEGIES {
        assert_eq!(
            differing(&database, &old, &new, strategy).await,
            [number(9)]
        );
    }
}

/// D30: three equal rows and two of them are told apart, and counted.
#[tokio::test]
async fn equal_rows_without_a_key_are_counted() {
    let script = "CREATE TABLE old (a varchar(100), b varchar(100)); INSERT INTO old VALUES ('x', NULL), ('x', NULL), ('x', NULL), ('y', 'z');
        CREATE TABLE new LIKE old; INSERT INTO new VALUES ('y', 'z'), ('x', NULL), ('x', NULL)";
    let database = testing::mariadb("digests_keyless", script).await;
    let columns = || vec![text("a"), text("b")];
    let (old, new) = (
        table(&database, "old", columns(), 0),
        table(&database, "new", columns(), 0),
    );
    for strategy in STRATEGIES {
        let method = method(strategy);
        let sums = (
            whole(&database, &old, &method).await,
            whole(&database, &new, &method).await,
        );
        let buckets = sums.0.differing(&sums.1);
        assert_eq!(buckets.len(), 1, "{strategy:?}");

        let listed = prints(&database, &old, &method, buckets).await;
        let (key, print) = listed.first().expect("the bucket has rows").clone();
        assert_eq!(key, whole_row_key(print));
        let counted = async |plan: &TablePlan| {
            let found = rows(&database, plan, &method, std::slice::from_ref(&key)).await;
            found.into_iter().map(|row| row.columns).collect::<Vec<_>>()
        };
        assert_eq!(counted(&old).await, [[3]]);
        assert_eq!(counted(&new).await, [[2]]);
        let other = [whole_row_key(1)];
        assert_eq!(rows(&database, &old, &method, &other).await, []);
    }
}

#[tokio::test]
async fn digests_of_keys_do_not_see_other_columns() {
    let change = "UPDATE new SET amount = 0; DELETE FROM new WHERE id = 77";
    let (database, old, new) = payments("digests_keys", change).await;
    let layout = layout();
    for strategy in STRATEGIES {
        let method = ranged(strategy);
        let keys = async |plan: &TablePlan| {
            let piece = cutover_driver::Piece {
                layout: &layout,
                span: &Span::Whole,
                snapshot: None,
            };
            let tallied = database.key_tally(plan, &method, piece).await;
            tallied.expect("the table can be read").tally
        };
        assert_eq!(keys(&old).await.differing(&keys(&new).await), [7]);
    }
}

#[tokio::test]
async fn a_sample_reads_its_buckets_and_no_other() {
    let (database, old, _) = payments("digests_sample", "").await;
    for strategy in STRATEGIES {
        let all = whole(&database, &old, &ranged(strategy)).await;
        let sampled = cutover_core::validation::plan::Method {
            every: 4,
            ..ranged(strategy)
        };
        let some = whole(&database, &old, &sampled).await;
        assert_eq!(some.0.keys().copied().collect::<Vec<_>>(), [0, 4, 8]);
        assert!(
            some.0
                .iter()
                .all(|(number, bucket)| all.0[number] == *bucket)
        );
    }
}

#[tokio::test]
async fn prints_are_of_the_buckets_that_were_asked_for() {
    let (database, old, _) = payments("digests_buckets", "").await;
    for strategy in STRATEGIES {
        let found = prints(&database, &old, &ranged(strategy), [1, 2, 9]).await;
        let expected: Vec<Key> = (11..=30).chain(91..=100).map(number).collect();
        let found: Vec<Key> = found.into_iter().map(|(key, _)| key).collect();
        assert_eq!(found, expected);
    }
}

/// D26: case, accents, blanks at the end and emoji make a difference, and collations none.
#[tokio::test]
async fn text_differs_by_its_bytes_and_not_by_its_collation() {
    let script = "CREATE TABLE old (id varchar(20) COLLATE utf8mb4_unicode_ci PRIMARY KEY, v varchar(100) COLLATE utf8mb4_bin);
        CREATE TABLE new (id varchar(20) COLLATE utf8mb4_bin PRIMARY KEY, v varchar(100) CHARACTER SET utf8mb3);
        INSERT INTO old VALUES ('a', 'é'), ('B', 'x '), ('c', 'X'), ('💶', 'same'); INSERT INTO new VALUES ('a', 'e'), ('B', 'x'), ('c', 'x'), ('💶', 'same')";
    let database = testing::mariadb("digests_collations", script).await;
    let columns = || vec![text("id"), text("v")];
    let (old, new) = (
        table(&database, "old", columns(), 1),
        table(&database, "new", columns(), 1),
    );
    for strategy in STRATEGIES {
        let method = method(strategy);
        let keys = ["a", "B", "c", "💶"].map(word);
        let found = (
            rows(&database, &old, &method, &keys).await,
            rows(&database, &new, &method, &keys).await,
        );
        let same: Vec<&Key> = found
            .0
            .iter()
            .filter(|row| found.1.contains(row))
            .map(|row| &row.key)
            .collect();
        assert_eq!(same, [&word("💶")]);
        let listed = (
            prints(&database, &old, &method, 0..8).await,
            prints(&database, &new, &method, 0..8).await,
        );
        assert_eq!(
            listed.0.iter().filter(|row| listed.1.contains(row)).count(),
            1
        );
    }
}

/// D27: a row whose text the server cannot make is an error and not a row that counts for nothing; a stream reads it.
#[tokio::test]
async fn a_row_that_is_too_large_for_a_text_is_an_error() {
    let server = Server::mariadb(&Options::default().set("max_allowed_packet", "1M"))
        .expect("MariaDB starts");
    let script = "CREATE TABLE t (id bigint PRIMARY KEY, a longtext, b longtext);
        INSERT INTO t VALUES (1, 'a', 'b'), (2, REPEAT('x', 700000), REPEAT('y', 700000))";
    let at = testing::database_of(&server, "large", script);
    let database = Mysql::open(Side::Source, &at)
        .await
        .expect("the server answers");
    let plan = table(&database, "t", vec![id(), text("a"), text("b")], 1);

    for method in [method(Strategy::TextDigest), ranged(Strategy::TextDigest)] {
        let refused = tallied(&database, &plan, &method, &Span::Whole)
            .await
            .expect_err("no hash is no digest");
        assert_eq!(refused.class, DbFailureClass::TooBig, "{refused:?}");
    }
    let small = Span::Range {
        from: None,
        until: Some(2),
    };
    let some = tallied(&database, &plan, &ranged(Strategy::TextDigest), &small).await;
    assert_eq!(some.expect("that row is small").tally.rows(), 1);
    assert_eq!(
        whole(&database, &plan, &method(Strategy::Stream))
            .await
            .rows(),
        2
    );
}

#[tokio::test]
async fn zero_filled_and_wide_keys_fall_into_their_buckets() {
    let script = "CREATE TABLE t (id bigint(12) unsigned zerofill PRIMARY KEY); INSERT INTO t VALUES (0), (5), (18446744073709551615)";
    let database = testing::mariadb("digests_wide", script).await;
    let kind = Kind::Integer {
        bits: 64,
        unsigned: true,
    };
    let key = column("id", "bigint(12) unsigned zerofill", kind, Form::Integer);
    let plan = table(&database, "t", vec![key], 1);
    for strategy in STRATEGIES {
        let method = cutover_core::validation::plan::Method {
            buckets: Buckets::Ranges {
                first: -9_223_372_036_854_775_808,
                width: 1 << 62,
                count: 8,
            },
            ..ranged(strategy)
        };
        let tally = whole(&database, &plan, &method).await;
        assert_eq!(
            tally
                .0
                .iter()
                .map(|(&number, bucket)| (number, bucket.rows))
                .collect::<Vec<_>>(),
            [(2, 2), (5, 1)]
        );
        let listed = prints(&database, &plan, &method, [5]).await;
        assert_eq!(listed[0].0, Key(vec![KeyPart::Integer(u64::MAX.into())]));
    }
}

#[tokio::test]
async fn a_number_is_the_same_key_whatever_type_holds_it() {
    let script =
        "CREATE TABLE old (id int PRIMARY KEY); CREATE TABLE new (id bigint unsigned PRIMARY KEY);
        INSERT INTO old VALUES (7); INSERT INTO new VALUES (7)";
    let database = testing::mariadb("digests_types", script).await;
    let narrow = column("id", "int(11)", BIGINT, Form::Integer);
    let wide = column("id", "bigint(20) unsigned", BIGINT, Form::Integer);
    for strategy in STRATEGIES {
        let method = method(strategy);
        let old = table(&database, "old", vec![narrow.clone()], 1);
        let new = table(&database, "new", vec![wide.clone()], 1);
        assert_eq!(
            whole(&database, &old, &method).await,
            whole(&database, &new, &method).await
        );
    }
}
