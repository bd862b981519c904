//! What digests see, and that it does not matter how a table is cut.

use super::*;

/// Payments as they look in both tables, whose rows lie in different orders and whose columns do as well.
const PAYMENTS: &str = "
    CREATE TABLE one (id bigint PRIMARY KEY, amount numeric(12,2), status text, created_at timestamptz);
    CREATE TABLE other (gone int, created_at timestamptz, status text, amount numeric, id bigint PRIMARY KEY);
    ALTER TABLE other DROP COLUMN gone;
    INSERT INTO one SELECT n, n * 1.25, 'pending', timestamptz '2024-05-01 12:00:00.123456+00' + n * interval '1 second'
        FROM generate_series(1, 3000) n;
    INSERT INTO other (id, amount, status, created_at) SELECT id, amount, status, created_at FROM one ORDER BY id DESC;
    ANALYZE one; ANALYZE other;";

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

const RANGES: Buckets = Buckets::Ranges {
    first: 1,
    width: 47,
    count: 64,
};

fn run(script: &str, database: &str) {
    cutover_local_db::Server::shared_postgres()
        .run_script(database, script)
        .expect("the script is SQL");
}

#[tokio::test]
async fn equal_tables_have_equal_digests_whatever_the_strategy_and_the_buckets() {
    let sides = Sides::open("equal_tables", PAYMENTS).await;

    for strategy in STRATEGIES {
        for buckets in [HASHED, RANGES] {
            let [one, other] = sides
                .tallies(&payments(), &method(strategy, buckets.clone()))
                .await;
            assert_eq!(one, other, "{strategy:?} {buckets:?}");
            assert_eq!(one.rows(), 3_000);
            assert_eq!(one.0.len(), 64, "{strategy:?} {buckets:?}");
        }
    }
}

#[tokio::test]
async fn pieces_add_up_to_the_whole_however_they_are_cut() {
    let sides = Sides::open("pieces", PAYMENTS).await;
    let plan = payments();
    let blocks = |from, until| Span::Blocks {
        piece: 0,
        from,
        until,
    };
    let range = |from, until| Span::Range { from, until };
    let cuts = [
        vec![blocks(0, Some(3)), blocks(3, Some(4)), blocks(4, None)],
        vec![
            range(None, Some(700)),
            range(Some(700), Some(701)),
            range(Some(701), None),
        ],
    ];

    for strategy in STRATEGIES {
        let method = method(strategy, RANGES);
        let whole = tally(&sides.other, &plan, &method, &Span::Whole).await;
        for cut in &cuts {
            let mut sum = Tally::default();
            for span in cut {
                sum.add(&tally(&sides.other, &plan, &method, span).await, method.mix);
            }
            assert_eq!(sum, whole, "{strategy:?} {cut:?}");
        }
    }
}

#[tokio::test]
async fn rows_in_the_order_of_a_key_of_text_follow_each_other_without_a_gap() {
    let script = "
        CREATE TABLE one (shop text, n int, paid boolean, PRIMARY KEY (shop, n));
        INSERT INTO one SELECT chr(65 + n % 7) || '''s', n, n % 2 = 0 FROM generate_series(1, 100) n;";
    let sides = Sides::open("after", script).await;
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
            column("paid", Kind::Boolean, Form::Integer),
            column("shop", TEXT, PLAIN),
        ],
        &[2, 0],
    );
    let layout = layout(&sides.one, &plan).await;

    for strategy in STRATEGIES {
        let method = method(strategy, HASHED);
        let whole = tally(&sides.one, &plan, &method, &Span::Whole).await;
        let (mut sum, mut key, mut pieces) = (Tally::default(), None, 0);
        loop {
            let span = Span::After { key, rows: 30 };
            let piece = Piece {
                layout: &layout,
                span: &span,
                snapshot: None,
            };
            let found = sides.one.tally(&plan, &method, piece).await.expect("rows");
            sum.add(&found.tally, method.mix);
            pieces += 1;
            key = found.last;
            if key.is_none() {
                break;
            }
        }
        assert_eq!((sum, pieces), (whole, 4), "{strategy:?}");
    }
}

/// D22
#[tokio::test]
async fn exchanged_amounts_statuses_changed_alike_hours_off_and_cut_microseconds_are_found() {
    let stories = [
        (
            "exchanged",
            "UPDATE other SET amount = CASE id WHEN 7 THEN (SELECT amount FROM one WHERE id = 9) \
             ELSE (SELECT amount FROM one WHERE id = 7) END WHERE id IN (7, 9)",
            vec![7, 9],
        ),
        (
            "settled",
            "UPDATE other SET status = 'settled' WHERE id IN (11, 2000)",
            vec![11, 2_000],
        ),
        (
            "an_hour",
            "UPDATE other SET created_at = created_at + interval '1 hour' WHERE id BETWEEN 100 AND 107",
            (100..=107).collect(),
        ),
        (
            "cut",
            "UPDATE other SET created_at = date_trunc('milliseconds', created_at) WHERE id = 3000",
            vec![3_000],
        ),
    ];
    for (name, change, keys) in stories {
        let sides = Sides::open(&format!("d22_{name}"), PAYMENTS).await;
        run(change, &format!("d22_{name}"));
        let expected: Vec<Key> = keys.into_iter().map(number).collect();
        for strategy in STRATEGIES {
            // One bucket, so that nothing but the digest tells.
            for buckets in [HASHED, RANGES, Buckets::Hashed { count: 1 }] {
                let found = sides
                    .differing(&payments(), &method(strategy, buckets))
                    .await;
                assert_eq!(found, expected, "{name} {strategy:?}");
            }
        }
    }
}

/// D22
#[tokio::test]
async fn a_sum_of_record_hashes_misses_what_our_digests_find() {
    let sides = Sides::open("linear", PAYMENTS).await;
    run(
        "UPDATE other SET amount = 3001.25 - amount WHERE id IN (1, 2400)",
        "linear",
    );
    // Row 1 now has 3000, what row 2400 had, and the other way round.
    let sums = |table: &str| {
        let sql = format!(
            "SELECT sum(hash_record_extended(ROW(amount, created_at, id, status), 5)::numeric) % 18446744073709551616 FROM {table}"
        );
        cutover_local_db::Server::shared_postgres()
            .rows("linear", &sql)
            .expect("a sum")
    };
    let modulo = |rows: Vec<Vec<Option<String>>>| {
        let text = rows[0][0].clone().expect("a number");
        text.parse::<i128>().expect("whole").rem_euclid(1 << 64)
    };

    assert_eq!(
        modulo(sums("one")),
        modulo(sums("other")),
        "the sum is blind"
    );
    let found = sides
        .differing(
            &payments(),
            &method(Strategy::RecordHash, Buckets::Hashed { count: 1 }),
        )
        .await;
    assert_eq!(found, [number(1), number(2_400)]);
}

#[tokio::test]
async fn enums_made_in_another_order_are_equal_by_their_words() {
    let rows = |order: &str| {
        format!(
            "CREATE TYPE filler AS ENUM ('x'); CREATE TYPE state AS ENUM ({order}); \
             CREATE TABLE one (id bigint PRIMARY KEY, s state); CREATE TABLE other (id bigint PRIMARY KEY, s state); \
             INSERT INTO one VALUES (1, 'paid'), (2, 'open'); INSERT INTO other TABLE one"
        )
    };
    let here = Sides::open("enum_here", &rows("'open', 'paid'")).await;
    let there = Sides::open("enum_there", &rows("'paid', 'new', 'open'")).await;
    let words = Kind::Enum { words: Vec::new() };
    let plan = plan(
        vec![
            column("id", BIGINT, Form::Integer),
            column("s", words, Form::Printed),
        ],
        &[0],
    );

    for strategy in STRATEGIES {
        let method = method(strategy, HASHED);
        assert_eq!(
            tally(&here.one, &plan, &method, &Span::Whole).await,
            tally(&there.other, &plan, &method, &Span::Whole).await,
            "{strategy:?}"
        );
    }
    // Their numbers, which `hash_record_extended` would take, are not.
    let raw = |database: &str| {
        cutover_local_db::Server::shared_postgres()
            .rows(
                database,
                "SELECT hash_record_extended(ROW(s), 5) FROM one ORDER BY id",
            )
            .expect("hashes")
    };
    assert_ne!(raw("enum_here"), raw("enum_there"));
}

#[tokio::test]
async fn a_quick_look_reads_the_same_buckets_on_both_sides_and_no_others() {
    let sides = Sides::open("every", PAYMENTS).await;

    for strategy in STRATEGIES {
        for buckets in [HASHED, RANGES] {
            let mut method = method(strategy, buckets);
            let [whole, _] = sides.tallies(&payments(), &method).await;
            method.every = 4;
            let [one, other] = sides.tallies(&payments(), &method).await;
            assert_eq!(one, other, "{method:?}");
            let expected = whole
                .0
                .into_iter()
                .filter(|(number, _)| number % 4 == 0)
                .collect();
            assert_eq!(one, Tally(expected), "{method:?}");
        }
    }
}

#[tokio::test]
async fn keys_alone_have_digests_that_other_columns_do_not_change() {
    let sides = Sides::open("keys_alone", PAYMENTS).await;
    run(
        "UPDATE other SET status = 'settled'; DELETE FROM other WHERE id = 5",
        "keys_alone",
    );

    for strategy in STRATEGIES {
        let method = method(strategy, RANGES);
        let mut tallies = Vec::new();
        for database in sides.each() {
            let layout = layout(database, &payments()).await;
            let piece = Piece {
                layout: &layout,
                span: &Span::Whole,
                snapshot: None,
            };
            tallies.push(
                database
                    .key_tally(&payments(), &method, piece)
                    .await
                    .expect("keys")
                    .tally,
            );
        }
        assert_eq!(tallies[0].differing(&tallies[1]), [0], "{strategy:?}");
    }
}

#[tokio::test]
async fn ranges_of_the_server_are_those_of_the_definition_at_the_ends_of_64_bits() {
    let script = "CREATE TABLE one (id bigint PRIMARY KEY); INSERT INTO one VALUES \
        (-9223372036854775808), (-9223372036854775807), (-1), (0), (1), (9223372036854775806), (9223372036854775807);";
    let sides = Sides::open("ends", script).await;
    let plan = plan(vec![column("id", BIGINT, Form::Integer)], &[0]);

    for (first, width) in [
        (i64::MIN, 1_u64 << 58),
        (i64::MAX - 3, 1),
        (0, u64::MAX),
        (-1, 1),
    ] {
        let buckets = Buckets::Ranges {
            first,
            width,
            count: 64,
        };
        let counts = |tally: Tally| -> Vec<(u32, u64)> {
            tally
                .0
                .into_iter()
                .map(|(number, bucket)| (number, bucket.rows))
                .collect()
        };
        let by_us = tally(
            &sides.one,
            &plan,
            &method(Strategy::Stream, buckets.clone()),
            &Span::Whole,
        )
        .await;
        let by_it = tally(
            &sides.one,
            &plan,
            &method(Strategy::RecordHash, buckets.clone()),
            &Span::Whole,
        )
        .await;
        assert_eq!(counts(by_it), counts(by_us), "{first} {width}");
    }
}

#[tokio::test]
async fn two_servers_are_calibrated_if_they_hash_literals_of_all_kinds_alike() {
    let one = crate::testing::postgres("calibrate_one", "").await;
    let other = crate::testing::postgres("calibrate_other", "").await;
    let kinds = [
        BIGINT,
        NUMERIC,
        Kind::Float { bits: 64 },
        Kind::Boolean,
        TEXT,
        Kind::Bytes {
            length: None,
            padded: false,
        },
        Kind::Date,
        Kind::Time {
            digits: 6,
            zoned: true,
        },
        MOMENT,
        Kind::Uuid,
        Kind::Json { parsed: true },
        Kind::Json { parsed: false },
        Kind::Interval,
        Kind::Inet,
        Kind::Array(Box::new(NUMERIC)),
        Kind::Enum { words: Vec::new() },
    ];
    let small = Kind::Integer {
        bits: 32,
        unsigned: false,
    };

    let hash = one.calibrate(&kinds, 9).await;
    assert!(hash.is_ok(), "{hash:?}");
    assert_eq!(other.calibrate(&kinds, 9).await, hash);
    assert_ne!(one.calibrate(&kinds, 10).await, hash);
    assert_ne!(one.calibrate(&kinds[1..], 9).await, hash);
    assert_eq!(
        one.calibrate(&[small], 9).await,
        other.calibrate(&[BIGINT], 9).await
    );
}

/// D26
#[tokio::test]
async fn text_that_a_collation_finds_alike_is_not_equal() {
    let script = "
        CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE one (k text COLLATE blind PRIMARY KEY, v text COLLATE blind);
        CREATE TABLE other (LIKE one INCLUDING ALL);
        INSERT INTO one VALUES ('Anna', 'x'), ('ß', 'y '), ('😀', 'é');
        INSERT INTO other VALUES ('anna', 'x'), ('ß', 'y'), ('😀', 'É');";
    let sides = Sides::open("collations", script).await;
    let mut blind = [column("k", TEXT, PLAIN), column("v", TEXT, PLAIN)];
    for column in &mut blind {
        column.deterministic = Both::of(|_| false);
    }
    let plan = plan(blind.to_vec(), &[0]);
    let key = |text: &str| Key(vec![KeyPart::Text(text.to_owned())]);

    for strategy in STRATEGIES {
        let method = method(strategy, HASHED);
        let mut expected = [key("Anna"), key("anna"), key("ß"), key("😀")];
        expected.sort();
        assert_eq!(
            sides.differing(&plan, &method).await,
            expected,
            "{strategy:?}"
        );
        // The index finds `anna` for `Anna`; it is another key.
        let found = sides
            .other
            .rows(&plan, &method, &[key("Anna"), key("ß")])
            .await
            .expect("rows");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].key, key("ß"));
    }
}
