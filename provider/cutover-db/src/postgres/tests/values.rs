//! Odd values of all kinds: how they come over the wire, how the server prints them, and which are equal.

use super::*;
use crate::canonical::Printer;
use crate::postgres::part::Reader;
use crate::postgres::reading::Reading;
use crate::postgres::sql::column::Own;
use crate::postgres::sql::text;

/// Reads a literal in both ways: as we write what came in binary, and as the server prints it.
async fn both_ways(database: &Postgres, literal: &str, kind: &Kind, form: &Form) -> [String; 2] {
    let column = column("v", kind.clone(), form.clone());
    let own = Own {
        plan: &column,
        side: Side::Source,
    };
    let there = text::value("v", own).expect("not floating point");
    let mut reading = Reading::now(database, "reading a literal".to_owned())
        .await
        .expect("the server is there");
    let mut reader = Reader::new(&[own], Printer::new(vec![form.clone()], vec![0], 0));
    let mut found = None;
    let query = format!(
        "SELECT {}, {there} FROM (SELECT {literal} AS v) AS l",
        own.selected()
    );
    reading
        .copy(&query, |mut fields| {
            reader.read(&mut fields)?;
            let printed = fields.take()?.expect("not null");
            let here = reader.printer.canonical()[5..].to_vec();
            found = Some([here, printed.to_vec()]);
            Ok(())
        })
        .await
        .unwrap_or_else(|failure| panic!("{literal}: {failure:?}"));
    reading.finish().await.expect("the connection goes back");
    found
        .expect("one row")
        .map(|bytes| String::from_utf8(bytes).expect("text"))
}

/// Each literal is to be this text in both ways.
async fn check(name: &str, cases: Vec<(&str, Kind, Form, &str)>) {
    let database = crate::testing::postgres(name, "").await;
    for (literal, kind, form, expected) in cases {
        let [here, there] = both_ways(&database, literal, &kind, &form).await;
        assert_eq!(here, expected, "{literal} over the wire");
        assert_eq!(there, expected, "{literal} as the server prints it");
    }
}

#[tokio::test]
async fn numbers_are_written_of_the_wire_as_the_server_prints_them() {
    let cases = vec![
        ("(-32768)::int2", BIGINT, Form::Integer, "-32768"),
        ("2147483647::int4", BIGINT, Form::Integer, "2147483647"),
        (
            "'-9223372036854775808'::int8",
            BIGINT,
            Form::Integer,
            "-9223372036854775808",
        ),
        ("true", Kind::Boolean, Form::Integer, "1"),
        ("0.00::numeric(10,2)", NUMERIC, Form::Numeric, "0"),
        ("'-0.0000010'::numeric", NUMERIC, Form::Numeric, "-0.000001"),
        ("1200.00::numeric", NUMERIC, Form::Numeric, "1200"),
        (
            "12345678901234567890.123456789::numeric",
            NUMERIC,
            Form::Numeric,
            "12345678901234567890.123456789",
        ),
        ("100000000::numeric", NUMERIC, Form::Numeric, "100000000"),
        ("0.00010001::numeric", NUMERIC, Form::Numeric, "0.00010001"),
        (
            "1e-20::numeric",
            NUMERIC,
            Form::Numeric,
            "0.00000000000000000001",
        ),
        ("'NaN'::numeric", NUMERIC, Form::Numeric, "NaN"),
        ("'-Infinity'::numeric", NUMERIC, Form::Numeric, "-Infinity"),
    ];
    check("wire_numbers", cases).await;
}

#[tokio::test]
async fn texts_are_written_of_the_wire_as_the_server_prints_them() {
    let cases = vec![
        ("''::text", TEXT, PLAIN, ""),
        (
            "E'it''s \"quoted\"\\n\\x01\\x1f 😀 é '::text",
            TEXT,
            PLAIN,
            "it's \"quoted\"\n\u{1}\u{1f} 😀 é ",
        ),
        (
            "'EUR'::char(5)",
            Kind::Text {
                length: Some(5),
                padded: true,
            },
            Form::Text { padded: true },
            "EUR",
        ),
        ("'EUR  '::varchar", TEXT, Form::Text { padded: true }, "EUR"),
    ];
    check("wire_texts", cases).await;
}

#[tokio::test]
async fn days_and_times_are_written_of_the_wire_as_the_server_prints_them() {
    let day = |digits| Kind::Time {
        digits,
        zoned: false,
    };
    let cases = vec![
        ("'2024-02-29'::date", Kind::Date, Form::Date, "2024-02-29"),
        (
            "'0044-03-15 BC'::date",
            Kind::Date,
            Form::Date,
            "0044-03-15 BC",
        ),
        ("'infinity'::date", Kind::Date, Form::Date, "infinity"),
        (
            "'5874897-12-31'::date",
            Kind::Date,
            Form::Date,
            "5874897-12-31",
        ),
        (
            "'24:00:00'::time",
            day(6),
            Form::Time { digits: 6 },
            "24:00:00",
        ),
        (
            "'01:02:03.450600'::time",
            day(6),
            Form::Time { digits: 6 },
            "01:02:03.4506",
        ),
        (
            "'01:02:03.999999'::time",
            day(6),
            Form::Time { digits: 3 },
            "01:02:03.999",
        ),
        (
            "'01:02:03.000999'::time",
            day(6),
            Form::Time { digits: 3 },
            "01:02:03",
        ),
        (
            "'01:02:03.999999'::time",
            day(6),
            Form::Time { digits: 0 },
            "01:02:03",
        ),
        (
            "'23:30:00.5-02:00'::timetz",
            Kind::Time {
                digits: 6,
                zoned: true,
            },
            Form::Time { digits: 6 },
            "01:30:00.5",
        ),
        (
            "'00:30:00+05:30'::timetz",
            Kind::Time {
                digits: 6,
                zoned: true,
            },
            Form::Time { digits: 6 },
            "19:00:00",
        ),
    ];
    check("wire_days_and_times", cases).await;
}

#[tokio::test]
async fn moments_are_written_of_the_wire_as_the_server_prints_them() {
    let clock = |digits| Kind::Timestamp {
        digits,
        zoned: false,
    };
    let six = || Form::Timestamp { digits: 6 };
    let cases = vec![
        (
            "'1969-12-31 23:59:59.999999'::timestamp",
            clock(6),
            six(),
            "1969-12-31 23:59:59.999999",
        ),
        (
            "'0001-01-01 00:00:00'::timestamp",
            clock(6),
            six(),
            "0001-01-01 00:00:00",
        ),
        (
            "'0044-03-15 12:00:00.5 BC'::timestamp",
            clock(6),
            six(),
            "0044-03-15 12:00:00.5 BC",
        ),
        (
            "'0044-03-15 12:00:00.120456 BC'::timestamp",
            clock(6),
            Form::Timestamp { digits: 3 },
            "0044-03-15 12:00:00.12 BC",
        ),
        (
            "'1969-12-31 23:59:59.999999'::timestamp",
            clock(6),
            Form::Timestamp { digits: 3 },
            "1969-12-31 23:59:59.999",
        ),
        (
            "'2024-01-01 00:00:00.100900'::timestamp",
            clock(6),
            Form::Timestamp { digits: 4 },
            "2024-01-01 00:00:00.1009",
        ),
        (
            "'2024-01-01 00:00:00.000090'::timestamp",
            clock(6),
            Form::Timestamp { digits: 4 },
            "2024-01-01 00:00:00",
        ),
        (
            "'2024-01-01 10:20:00.9'::timestamp",
            clock(6),
            Form::Timestamp { digits: 0 },
            "2024-01-01 10:20:00",
        ),
        (
            "'infinity'::timestamp",
            clock(6),
            Form::Timestamp { digits: 0 },
            "infinity",
        ),
        ("'-infinity'::timestamptz", MOMENT, six(), "-infinity"),
        (
            "'2024-03-31 03:00:00+02'::timestamptz",
            MOMENT,
            six(),
            "2024-03-31 01:00:00",
        ),
        (
            "'294276-12-31 23:59:59.999999'::timestamp",
            clock(6),
            six(),
            "294276-12-31 23:59:59.999999",
        ),
    ];
    check("wire_moments", cases).await;
}

#[tokio::test]
async fn what_else_there_is_is_written_of_the_wire_as_the_server_prints_it() {
    let cases = vec![
        (
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid",
            Kind::Uuid,
            Form::Uuid,
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ),
        (
            "'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'::text",
            TEXT,
            Form::Uuid,
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ),
        (
            "decode('00112233445566778899aabbccddeeff', 'hex')",
            Kind::Bytes {
                length: None,
                padded: false,
            },
            Form::Uuid,
            "00112233-4455-6677-8899-aabbccddeeff",
        ),
        (
            "'192.0.2.1/24'::inet",
            Kind::Inet,
            Form::Printed,
            "192.0.2.1/24",
        ),
        (
            "'1 mon -3 days 04:05:06.7'::interval",
            Kind::Interval,
            Form::Printed,
            "1 mon -3 days +04:05:06.7",
        ),
        (
            "ARRAY[1, NULL, 3]",
            Kind::Array(Box::new(BIGINT)),
            Form::Printed,
            "{1,NULL,3}",
        ),
        (
            "B'1010'",
            Kind::Bits { length: None },
            Form::Printed,
            "1010",
        ),
    ];
    check("wire_what_else_there_is", cases).await;
}

#[tokio::test]
async fn bytes_json_and_floats_come_over_the_wire_by_their_meaning() {
    let script = r#"
        CREATE TABLE one (id bigint PRIMARY KEY, b bytea, j json, jb jsonb, f4 real, f8 double precision);
        CREATE TABLE other (LIKE one INCLUDING ALL);
        INSERT INTO one VALUES
            (1, '\x00ff', '{"b": 1.50, "a": [1e2]}', '{"a": 1.0}', '-0', 'NaN'),
            (2, '\x', '{"a":1,"a":2}', 'null', 0.5, '-Infinity'),
            (3, '\x01', '1', '1', 0, 0.1),
            (4, NULL, NULL, NULL, NULL, NULL);
        INSERT INTO other VALUES
            (1, '\x00ff', '{"a":[100],"b":1.5}', '{"a": 1}', '0', 'NaN'),
            (2, '\x', '{"a":2}', 'null', 0.5, '-Infinity'),
            (3, '\x0100', '1.0000000000000000000001', '2', 1, 0.1000000000000001),
            (4, NULL, NULL, NULL, NULL, NULL);"#;
    let sides = Sides::open("meaning", script).await;
    let bytes = Kind::Bytes {
        length: None,
        padded: false,
    };
    let plan = plan(
        vec![
            column("id", BIGINT, Form::Integer),
            column("b", bytes, Form::Bytes { padded: false }),
            column("j", Kind::Json { parsed: false }, Form::Json),
            column("jb", Kind::Json { parsed: true }, Form::Json),
            column("f4", Kind::Float { bits: 32 }, Form::Float),
            column("f8", Kind::Float { bits: 64 }, Form::Float),
        ],
        &[0],
    );
    let method = method(Strategy::Stream, HASHED);

    assert_eq!(sides.differing(&plan, &method).await, [number(3)]);
    let keys: Vec<Key> = (1..=4).map(number).collect();
    let one = sides.one.rows(&plan, &method, &keys).await.expect("rows");
    let other = sides.other.rows(&plan, &method, &keys).await.expect("rows");
    assert_eq!(one.len(), 4);
    for (one, other) in one.iter().zip(&other) {
        let differing = one
            .columns
            .iter()
            .zip(&other.columns)
            .filter(|(one, other)| one != other);
        let expected = if one.key == number(3) { 5 } else { 0 };
        assert_eq!(differing.count(), expected, "{:?}", one.key);
    }
}

#[tokio::test]
async fn long_bytes_are_hashed_before_the_row_and_differ_in_their_last_byte() {
    let script = r"
        CREATE TABLE one (id bigint PRIMARY KEY, b bytea);
        CREATE TABLE other (LIKE one INCLUDING ALL);
        INSERT INTO one SELECT n, decode(repeat('ab', 1023 + n), 'hex') FROM generate_series(1, 3) n;
        INSERT INTO other SELECT * FROM one;
        UPDATE other SET b = set_byte(b, 1025, 0) WHERE id = 3;";
    let sides = Sides::open("long_bytes", script).await;
    let bytes = Kind::Bytes {
        length: None,
        padded: false,
    };
    let plan = plan(
        vec![
            column("id", BIGINT, Form::Integer),
            column("b", bytes, Form::Bytes { padded: false }),
        ],
        &[0],
    );

    for strategy in STRATEGIES {
        let found = sides.differing(&plan, &method(strategy, HASHED)).await;
        assert_eq!(found, [number(3)], "{strategy:?}");
    }
}

/// A bit pattern of `numeric` that no server sends is not taken for a value.
#[tokio::test]
async fn a_value_that_is_not_of_its_type_is_an_error_and_no_print() {
    let script =
        "CREATE TABLE one (id bigint PRIMARY KEY, t text); INSERT INTO one VALUES (1, 'abc');";
    let sides = Sides::open("misshapen", script).await;
    // The catalog was read before somebody made it a text.
    let plan = plan(
        vec![
            column("id", BIGINT, Form::Integer),
            column("t", NUMERIC, Form::Numeric),
        ],
        &[0],
    );
    let layout = layout(&sides.one, &plan).await;
    let piece = Piece {
        layout: &layout,
        span: &Span::Whole,
        snapshot: None,
    };

    let failure = sides
        .one
        .tally(&plan, &method(Strategy::Stream, HASHED), piece)
        .await
        .expect_err("`abc` is no decimal");

    assert!(failure.message.contains("not of the types"), "{failure:?}");
    assert!(!format!("{failure:?}").contains("abc"));
    // The connection that was broken off is not used again.
    assert_eq!(sides.one.count(&plan).await, Ok(1));
}
