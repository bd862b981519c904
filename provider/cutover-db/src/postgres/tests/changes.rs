//! Rows read again, rows that changed, moments that several share, and how tables are kept.

use cutover_core::validation::facts::Horizon;
use cutover_local_db::Server;

use super::*;

fn run(database: &str, script: &str) {
    Server::shared_postgres()
        .run_script(database, script)
        .expect("the script is SQL");
}

fn simple() -> TablePlan {
    plan(
        vec![
            column("id", BIGINT, Form::Integer),
            column("v", TEXT, PLAIN),
        ],
        &[0],
    )
}

#[tokio::test]
async fn rows_are_found_by_keys_of_every_kind_and_what_no_row_can_have_is_not_there() {
    let script = r"
        CREATE TYPE state AS ENUM ('open', 'paid');
        CREATE TABLE one (a int, b varchar(9), c char(4), d date, e timestamptz(3), f uuid, g numeric, h bytea, i boolean,
            j state, k real, l time, PRIMARY KEY (a, b, c, d, e, f, g, h, i, j, k, l));
        INSERT INTO one VALUES (1, 'O''Neill\', 'ab', '0044-03-15 BC', 'infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
            1.500, '\x00', true, 'paid', '-Infinity', '24:00:00'), (2, '', '', 'infinity', '2024-05-01 00:00:00.5+02',
            'ffffffff-ffff-ffff-ffff-ffffffffffff', 'NaN', '', false, 'open', 0.1, '01:02:03.5');";
    let sides = Sides::open("odd_keys", script).await;
    let moment = Kind::Timestamp {
        digits: 3,
        zoned: true,
    };
    let mut columns = vec![
        column(
            "a",
            Kind::Integer {
                bits: 32,
                unsigned: false,
            },
            Form::Integer,
        ),
        column("b", TEXT, PLAIN),
        column(
            "c",
            Kind::Text {
                length: Some(4),
                padded: true,
            },
            Form::Text { padded: true },
        ),
        column("d", Kind::Date, Form::Date),
        // The other side has whole seconds, so that this one's are compared as such.
        column("e", moment, Form::Timestamp { digits: 0 }),
        column("f", Kind::Uuid, Form::Uuid),
        column("g", NUMERIC, Form::Numeric),
        column(
            "h",
            Kind::Bytes {
                length: None,
                padded: false,
            },
            Form::Bytes { padded: false },
        ),
        column("i", Kind::Boolean, Form::Integer),
        column("j", Kind::Enum { words: Vec::new() }, Form::Printed),
        column("k", Kind::Float { bits: 32 }, Form::Float),
        column(
            "l",
            Kind::Time {
                digits: 6,
                zoned: false,
            },
            Form::Time { digits: 6 },
        ),
    ];
    for column in &mut columns {
        column.nullable = Both::of(|_| false);
    }
    let plan = plan(columns, &(0..12).collect::<Vec<usize>>());
    let method = method(Strategy::Stream, HASHED);
    let all: Chosen = (0..64).collect();
    let layout = layout(&sides.one, &plan).await;
    let piece = Piece {
        layout: &layout,
        span: &Span::Whole,
        snapshot: None,
    };
    let printed = sides
        .one
        .prints(&plan, &method, piece, &all)
        .await
        .expect("prints");
    let mut keys: Vec<Key> = printed.rows.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), 2);
    // Of the other engine: a number too large, a day in no calendar, a word that is none of these.
    for (place, part) in [
        (0, KeyPart::Integer(1 << 40)),
        (3, KeyPart::Text("0000-00-00".to_owned())),
        (9, KeyPart::Text("gone".to_owned())),
        (11, KeyPart::Text("838:59:59".to_owned())),
    ] {
        let mut key = keys[0].clone();
        key.0[place] = part;
        keys.push(key);
    }

    let rows = sides.one.rows(&plan, &method, &keys).await.expect("rows");

    let mut found: Vec<&Key> = rows.iter().map(|row| &row.key).collect();
    let mut expected: Vec<&Key> = keys[..2].iter().collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn only_rows_that_were_written_since_the_horizon_count_as_touched() {
    let script = "
        CREATE TABLE one (id bigint PRIMARY KEY, v text) PARTITION BY RANGE (id);
        CREATE TABLE low PARTITION OF one FOR VALUES FROM (0) TO (100);
        CREATE TABLE high PARTITION OF one FOR VALUES FROM (100) TO (1000);
        INSERT INTO one SELECT n, 'x' FROM generate_series(0, 200) n; VACUUM FREEZE one;";
    let sides = Sides::open("touched", "").await;
    for statement in script
        .split_inclusive(';')
        .filter(|one| !one.trim().is_empty())
    {
        run("touched", statement);
    }
    let horizon = sides
        .one
        .horizon()
        .await
        .expect("running transactions")
        .expect("known");
    let untouched = sides.one.touched(&simple(), &horizon).await.expect("keys");
    assert_eq!(untouched, Some(Vec::new()));

    run(
        "touched",
        "UPDATE one SET v = 'y' WHERE id IN (3, 150); INSERT INTO one VALUES (999, 'new'); DELETE FROM one WHERE id = 7",
    );
    let mut keys = sides
        .one
        .touched(&simple(), &horizon)
        .await
        .expect("keys")
        .expect("known");
    keys.sort();
    assert_eq!(keys, [number(3), number(150), number(999)]);

    let Horizon::Transaction(now) = horizon;
    // A horizon half of all numbers ago cannot be told from the future.
    let Some(long_ago) = now.checked_sub(1 << 31) else {
        return;
    };
    let answer = sides
        .one
        .touched(&simple(), &Horizon::Transaction(long_ago))
        .await;
    assert_eq!(answer, Ok(None));
}

#[tokio::test]
async fn several_connections_read_one_moment_until_it_is_closed() {
    let script = "CREATE TABLE one (id bigint PRIMARY KEY, v text); INSERT INTO one SELECT n, 'x' FROM generate_series(1, 9) n;";
    let sides = Sides::open("snapshots", script).await;
    let snapshot = sides
        .one
        .open_snapshot()
        .await
        .expect("a snapshot")
        .expect("PostgreSQL has them");
    run("snapshots", "DELETE FROM one WHERE id > 4");
    let layout = layout(&sides.one, &simple()).await;
    let rows_at = async |snapshot| {
        let piece = Piece {
            layout: &layout,
            span: &Span::Whole,
            snapshot,
        };
        let mut counts = Vec::new();
        for strategy in STRATEGIES {
            let found = sides
                .one
                .tally(&simple(), &method(strategy, HASHED), piece)
                .await;
            counts.push(found.map(|found| found.tally.rows()));
        }
        counts
    };

    assert_eq!(rows_at(Some(&snapshot)).await, [Ok(9), Ok(9), Ok(9)]);
    assert_eq!(rows_at(None).await, [Ok(4), Ok(4), Ok(4)]);

    for _ in 0..2 {
        sides
            .one
            .close_snapshot(snapshot.clone())
            .await
            .expect("closing is safe to repeat");
    }
    assert!(rows_at(Some(&snapshot)).await.iter().all(Result::is_err));
    assert_eq!(rows_at(None).await, [Ok(4), Ok(4), Ok(4)]);
}

#[tokio::test]
async fn a_reader_that_is_dropped_leaves_nothing_behind_for_the_next_one() {
    let script = "CREATE TABLE one (id bigint PRIMARY KEY, v text); INSERT INTO one SELECT n, repeat('x', 500) FROM generate_series(1, 20000) n;";
    let sides = Sides::open("dropped", script).await;
    let layout = layout(&sides.one, &simple()).await;
    let piece = Piece {
        layout: &layout,
        span: &Span::Whole,
        snapshot: None,
    };

    for strategy in STRATEGIES {
        let method = method(strategy, HASHED);
        for polls in 1..6 {
            let plan = simple();
            let mut reading = sides.one.tally(&plan, &method, piece);
            for _ in 0..polls {
                tokio::select! {
                    biased;
                    _ = &mut reading => break,
                    () = tokio::task::yield_now() => {}
                }
            }
            drop(reading);
            assert_eq!(sides.one.count(&simple()).await, Ok(20_000));
        }
    }
}

#[tokio::test]
async fn a_layout_says_where_rows_lie_and_in_what_order() {
    let script = "
        CREATE TABLE one (id bigint PRIMARY KEY, v text) PARTITION BY RANGE (id);
        CREATE TABLE low PARTITION OF one FOR VALUES FROM (MINVALUE) TO (100);
        CREATE TABLE high PARTITION OF one FOR VALUES FROM (100) TO (MAXVALUE);
        CREATE TABLE other (id bigint PRIMARY KEY, v text);
        INSERT INTO one SELECT n, repeat('x', 100) FROM generate_series(-5, 999) n;
        INSERT INTO other SELECT id, v FROM one ORDER BY md5(id::text);
        ANALYZE one; ANALYZE low; ANALYZE high; ANALYZE other;";
    let sides = Sides::open("layouts", script).await;

    let one = layout(&sides.one, &simple()).await;
    let names: Vec<&str> = one
        .pieces
        .iter()
        .map(|(table, _)| table.name.as_str())
        .collect();
    assert_eq!(names, ["high", "low"]);
    assert!(one.pieces.iter().all(|(_, blocks)| *blocks > 0));
    assert_eq!((one.estimated_rows, one.keys), (1_005, Some((-5, 999))));
    assert!(one.clustered && one.has_blocks);

    let other = layout(&sides.other, &simple()).await;
    assert!(!other.clustered, "rows lie in no order");
    let method = method(Strategy::RecordHash, HASHED);
    let mut sum = Tally::default();
    for piece in 0..2 {
        let span = Span::Blocks {
            piece,
            from: 0,
            until: None,
        };
        sum.add(
            &tally(&sides.one, &simple(), &method, &span).await,
            method.mix,
        );
    }
    assert_eq!(
        sum,
        tally(&sides.other, &simple(), &method, &Span::Whole).await
    );
}
