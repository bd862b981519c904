//! Pieces of a table add up to the whole, however it is carved.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::digest::{Key, KeyPart, Tally};
use cutover_core::validation::plan::{ColumnPlan, Form, Method, Span, TablePlan};

use super::{
    AS_TEXT, BIGINT, STRATEGIES, TEXT, column, id, method, prints, ranged, table, tallied, text,
    whole,
};
use crate::{Mysql, testing};

/// Reads a table in pieces of so many rows, each after the one before.
async fn in_steps(
    database: &Mysql,
    plan: &TablePlan,
    method: &Method,
    rows: u32,
) -> (Tally, usize) {
    let (mut sum, mut key, mut pieces) = (Tally::default(), None, 0);
    loop {
        let span = Span::After { key, rows };
        let piece = tallied(database, plan, method, &span)
            .await
            .expect("the piece can be read");
        assert!(piece.tally.rows() <= u64::from(rows));
        sum.add(&piece.tally, method.mix);
        pieces += 1;
        key = piece.last;
        if key.is_none() {
            return (sum, pieces);
        }
    }
}

/// Carves tables by ten keys, and by the order of the key, and compares with the whole.
async fn check(database: &Mysql, plan: &TablePlan, rows: u64) {
    for strategy in STRATEGIES {
        let method = method(strategy);
        let all = whole(database, plan, &method).await;
        assert_eq!(all.rows(), rows, "{}", plan.label);
        for step in [1, 3, 1_000] {
            let (sum, pieces) = in_steps(database, plan, &method, step).await;
            assert_eq!(sum, all, "{} in steps of {step}", plan.label);
            assert_eq!(pieces as u64, rows / u64::from(step) + 1);
        }
    }
}

#[tokio::test]
async fn ranges_of_an_unsigned_key_add_up_beyond_64_bits_with_a_sign() {
    let script = "CREATE TABLE t (id bigint unsigned PRIMARY KEY, v varchar(100));
        INSERT INTO t VALUES (0, 'a'), (1, 'b'), (9223372036854775807, 'c'), (9223372036854775808, 'd'), (18446744073709551615, 'e')";
    let database = testing::mariadb("pieces_unsigned", script).await;
    let unsigned = Kind::Integer {
        bits: 64,
        unsigned: true,
    };
    let key = column("id", "bigint(20) unsigned", unsigned, Form::Integer);
    let plan = table(&database, "t", vec![key, text("v")], 1);

    check(&database, &plan, 5).await;
    for strategy in STRATEGIES {
        let method = ranged(strategy);
        let mut sum = Tally::default();
        let ends = [None, Some(-5), Some(1), Some(2), Some(i64::MAX), None];
        for pair in ends.windows(2) {
            let span = Span::Range {
                from: pair[0],
                until: pair[1],
            };
            let piece = tallied(&database, &plan, &method, &span)
                .await
                .expect("it can be read");
            sum.add(&piece.tally, method.mix);
        }
        assert_eq!(sum, whole(&database, &plan, &method).await);
        assert_eq!(sum.0[&0].rows, 2);
        assert_eq!(sum.0[&15].rows, 3, "what lies beyond is in the last bucket");
    }
}

/// D26: keys that a collation takes for equal, or sorts its own way, are cut by that collation and compared by their bytes.
#[tokio::test]
async fn text_keys_are_cut_in_the_order_of_their_collation() {
    let keys = "('a'), ('B'), ('Ö'), ('z'), ('é '), ('💶'), ('')";
    let script = format!(
        "CREATE TABLE caseless (id varchar(20) COLLATE utf8mb4_unicode_ci PRIMARY KEY, v int DEFAULT 1);
         CREATE TABLE bytewise (id varchar(20) COLLATE utf8mb4_bin PRIMARY KEY, v int DEFAULT 1);
         CREATE TABLE nopad (id varchar(20) COLLATE utf8mb4_nopad_bin PRIMARY KEY, v int DEFAULT 1);
         CREATE TABLE latin (id varchar(20) CHARACTER SET latin1 PRIMARY KEY, v int DEFAULT 1);
         INSERT INTO caseless (id) VALUES {keys}; INSERT INTO bytewise (id) VALUES {keys}, ('A');
         INSERT INTO nopad (id) VALUES {keys}, ('A'), ('a ');
         INSERT INTO latin (id) VALUES ('a'), ('B'), ('Ö'), ('z')"
    );
    let database = testing::mariadb("pieces_text", &script).await;
    for (name, rows) in [("caseless", 7), ("bytewise", 8), ("nopad", 9), ("latin", 4)] {
        let value = column("v", "int(11)", BIGINT, Form::Integer);
        let plan = table(&database, name, vec![text("id"), value], 1);
        check(&database, &plan, rows).await;
    }
}

#[tokio::test]
async fn keys_of_several_columns_of_any_kind_are_cut_exactly() {
    let script = "SET sql_mode = '';
        CREATE TABLE t (e enum('z','a'), n decimal(30,3), d datetime(6), y date, b binary(2), m time(3), u uuid, w bit(3), f float,
            PRIMARY KEY (e, n, d, y, b, m, u, w, f));
        INSERT INTO t SELECT 1 + s.seq % 2, 9007199254740993.001 + (s.seq DIV 2) % 3,
            '2024-01-01' + INTERVAL s.seq DIV 6 % 3 MICROSECOND, IF(s.seq % 5 = 0, '0000-00-00', '2024-02-29'),
            CHAR(s.seq % 3, s.seq % 2), SEC_TO_TIME(-s.seq / 1000), CONCAT(LPAD(HEX(s.seq), 8, '0'), '-0000-0000-0000-000000000000'),
            s.seq % 8, s.seq / 7
        FROM seq_1_to_40 s";
    let database = testing::mariadb("pieces_composite", script).await;
    let kind = |digits| Kind::Timestamp {
        digits,
        zoned: false,
    };
    let columns: Vec<ColumnPlan> = vec![
        column(
            "e",
            "enum('z','a')",
            Kind::Enum {
                words: vec!["z".to_owned(), "a".to_owned()],
            },
            Form::Printed,
        ),
        column(
            "n",
            "decimal(30,3)",
            Kind::Numeric {
                size: Some((30, 3)),
            },
            Form::Numeric,
        ),
        // Of fewer digits than it has, so that the canonical key does not tell rows apart.
        column("d", "datetime(6)", kind(6), Form::Timestamp { digits: 3 }),
        column("y", "date", Kind::Date, Form::Date),
        column(
            "b",
            "binary(2)",
            Kind::Bytes {
                length: Some(2),
                padded: true,
            },
            Form::Bytes { padded: true },
        ),
        column(
            "m",
            "time(3)",
            Kind::Time {
                digits: 3,
                zoned: false,
            },
            Form::Time { digits: 3 },
        ),
        column("u", "uuid", Kind::Uuid, Form::Uuid),
        column("w", "bit(3)", Kind::Bits { length: Some(3) }, Form::Printed),
    ];
    let plan = table(&database, "t", columns, 8);

    check(&database, &plan, 40).await;
}

#[tokio::test]
async fn rows_are_found_by_keys_of_any_kind() {
    let script = "SET sql_mode = '';
        CREATE TABLE t (e enum('z','a'), n decimal(30,3), d datetime(6), y date, b binary(4), m time(3), u uuid, w bit(3), c char(36) COLLATE utf8mb4_bin,
            PRIMARY KEY (e, n, d, y, b, m, u, w, c));
        INSERT INTO t VALUES ('a', 9007199254740993.001, '2024-01-01 00:00:00.000001', '0000-00-00', 0x61ff0000, '-25:00:00.5',
            '550e8400-e29b-41d4-a716-446655440000', b'101', '550E8400-E29B-41D4-A716-446655440000'),
            ('a', 9007199254740993.002, '2024-01-01 00:00:00.000001', '0000-00-00', 0x61ff0000, '-25:00:00.5',
            '550e8400-e29b-41d4-a716-446655440000', b'101', '550e8400-e29b-41d4-a716-446655440000')";
    let database = testing::mariadb("pieces_named", script).await;
    let moment = Kind::Timestamp {
        digits: 6,
        zoned: false,
    };
    let columns = vec![
        column(
            "e",
            "enum('z','a')",
            Kind::Enum {
                words: vec!["z".to_owned(), "a".to_owned()],
            },
            Form::Printed,
        ),
        column(
            "n",
            "decimal(30,3)",
            Kind::Numeric {
                size: Some((30, 3)),
            },
            Form::Numeric,
        ),
        column("d", "datetime(6)", moment, Form::Timestamp { digits: 6 }),
        column("y", "date", Kind::Date, Form::Date),
        column(
            "b",
            "binary(4)",
            Kind::Bytes {
                length: Some(4),
                padded: true,
            },
            Form::Bytes { padded: false },
        ),
        column(
            "m",
            "time(3)",
            Kind::Time {
                digits: 3,
                zoned: false,
            },
            Form::Time { digits: 3 },
        ),
        column("u", "uuid", Kind::Uuid, Form::Uuid),
        column("w", "bit(3)", Kind::Bits { length: Some(3) }, Form::Printed),
        column("c", "char(36)", TEXT, Form::Uuid),
    ];
    let plan = table(&database, "t", columns, 9);
    for strategy in STRATEGIES {
        let method = method(strategy);
        let listed = prints(&database, &plan, &method, 0..8).await;
        let keys: Vec<Key> = listed.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), 2);

        let found = super::rows(&database, &plan, &method, &keys).await;

        let found: Vec<Key> = found.into_iter().map(|row| row.key).collect();
        assert_eq!(found, keys);
    }
}

/// D26: a key is found under another spelling where the collation says so, and is reported as it is.
#[tokio::test]
async fn a_row_is_named_by_its_own_key() {
    let script = "CREATE TABLE t (id varchar(20) COLLATE utf8mb4_unicode_ci PRIMARY KEY, v int);
        INSERT INTO t VALUES ('ABC', 1), ('é', 2)";
    let database = testing::mariadb("pieces_own_key", script).await;
    let value = column("v", "int(11)", BIGINT, Form::Integer);
    let plan = table(&database, "t", vec![text("id"), value], 1);
    let asked = ["abc", "ABC", "x", "é"].map(super::word);

    let found = super::rows(&database, &plan, &method(STRATEGIES[0]), &asked).await;

    let found: Vec<Key> = found.into_iter().map(|row| row.key).collect();
    assert_eq!(found, [super::word("ABC"), super::word("é")]);
}

#[tokio::test]
async fn more_keys_than_one_statement_names_are_all_found() {
    let script =
        "CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT seq FROM seq_1_to_2500";
    let database = testing::mariadb("pieces_many", script).await;
    let plan = table(&database, "t", vec![id()], 1);
    let keys: Vec<Key> = (1..=2_600)
        .map(|id| Key(vec![KeyPart::Integer(id)]))
        .collect();

    let found = super::rows(&database, &plan, &method(STRATEGIES[0]), &keys).await;

    assert_eq!(found.len(), 2_500);
}

/// D31: a partitioned table gives the digest of one that is not, wherever its rows are.
#[tokio::test]
async fn partitions_are_read_through_their_table() {
    let script = "CREATE TABLE t (id bigint PRIMARY KEY, v varchar(100)) PARTITION BY HASH (id) PARTITIONS 4;
        INSERT INTO t SELECT seq, CONCAT('v', seq) FROM seq_1_to_50; CREATE TABLE plain (id bigint PRIMARY KEY, v varchar(100));
        INSERT INTO plain SELECT * FROM t; ANALYZE TABLE t";
    let database = testing::mariadb("pieces_partitions", script).await;
    let plan = table(&database, "t", vec![id(), text("v")], 1);
    let other = table(&database, "plain", vec![id(), text("v")], 1);

    check(&database, &plan, 50).await;
    for strategy in STRATEGIES {
        let method = ranged(strategy);
        assert_eq!(
            whole(&database, &plan, &method).await,
            whole(&database, &other, &method).await
        );
    }
    let layout = database
        .see_layout(&plan)
        .await
        .expect("the table is there");
    assert_eq!(layout.pieces.len(), 1);
    assert_eq!(layout.keys, Some((1, 50)));
    assert_eq!(layout.estimated_rows, 50);
}

#[tokio::test]
async fn layouts_tell_what_can_be_cut() {
    let script = "CREATE TABLE beyond (id bigint unsigned PRIMARY KEY); INSERT INTO beyond VALUES (3), (18446744073709551615);
        CREATE TABLE secondary (id bigint UNIQUE NOT NULL, other varchar(20) PRIMARY KEY); INSERT INTO secondary VALUES (-5, 'a'), (9, 'b');
        CREATE TABLE empty (id bigint PRIMARY KEY);
        CREATE TABLE words (id varchar(20) PRIMARY KEY) ENGINE MyISAM";
    let database = testing::mariadb("pieces_layout", script).await;
    let layout = async |name: &str, column: ColumnPlan| {
        let plan = table(&database, name, vec![column], 1);
        database
            .see_layout(&plan)
            .await
            .expect("the table is there")
    };

    let unsigned = layout("beyond", id()).await;
    assert_eq!((unsigned.keys, unsigned.clustered), (None, true));
    let secondary = layout("secondary", id()).await;
    assert_eq!(
        (secondary.keys, secondary.clustered),
        (Some((-5, 9)), false)
    );
    assert_eq!(layout("empty", id()).await.keys, None);
    let words = layout("words", column("id", "varchar(20)", TEXT, AS_TEXT)).await;
    assert_eq!(
        (words.keys, words.clustered, words.has_blocks),
        (None, false, false)
    );

    let plan = table(&database, "nowhere", vec![id()], 1);
    let missing = database
        .see_layout(&plan)
        .await
        .expect_err("there is no such table");
    assert_eq!(
        missing.class,
        cutover_core::validation::facts::DbFailureClass::Missing
    );
}
