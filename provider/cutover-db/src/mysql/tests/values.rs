//! Values of all kinds, and what is compared of them.

use std::fmt::Write as _;

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::plan::{Form, Strategy};

use super::{
    AS_TEXT, STRATEGIES, TEXT, column, id, method, number, prints, row_text, rows, sha, table,
};
use crate::canonical::Printer;
use crate::testing;

/// A column, what is inserted into it, and the canonical bytes of that; `None` for null.
struct Case {
    /// The type, as the catalog prints it.
    type_name: &'static str,
    kind: Kind,
    form: Form,
    values: Vec<(&'static str, Option<Vec<u8>>)>,
}

fn case(type_name: &'static str, kind: Kind, form: Form, values: &[(&'static str, &str)]) -> Case {
    let mut values: Vec<_> = values
        .iter()
        .map(|(literal, canonical)| (*literal, Some(canonical.as_bytes().to_vec())))
        .collect();
    values.push(("NULL", None));
    Case {
        type_name,
        kind,
        form,
        values,
    }
}

fn integer(bits: u8, unsigned: bool) -> Kind {
    Kind::Integer { bits, unsigned }
}

fn numeric(precision: u16, scale: i16) -> Kind {
    Kind::Numeric {
        size: Some((precision, scale)),
    }
}

fn timestamp(digits: u8) -> Kind {
    Kind::Timestamp {
        digits,
        zoned: false,
    }
}

fn time(digits: u8) -> Kind {
    Kind::Time {
        digits,
        zoned: false,
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn bits(length: u64) -> Kind {
    Kind::Bits {
        length: Some(length),
    }
}

fn bytes(padded: bool) -> (Kind, Form) {
    (
        Kind::Bytes {
            length: None,
            padded,
        },
        Form::Bytes { padded },
    )
}

fn numbers() -> Vec<Case> {
    vec![
        case(
            "bigint(20) unsigned",
            integer(64, true),
            Form::Integer,
            &[("18446744073709551615", "18446744073709551615"), ("0", "0")],
        ),
        case(
            "bigint(20)",
            integer(64, false),
            Form::Integer,
            &[("-9223372036854775808", "-9223372036854775808"), ("7", "7")],
        ),
        case(
            "mediumint(9)",
            integer(24, false),
            Form::Integer,
            &[("-8388608", "-8388608")],
        ),
        case(
            "smallint(6)",
            integer(16, false),
            Form::Numeric,
            &[("-100", "-100")],
        ),
        case(
            "int(8) unsigned zerofill",
            integer(32, true),
            Form::Integer,
            &[("42", "42"), ("4294967295", "4294967295")],
        ),
        // A tinyint(1) is a boolean by custom only.
        case(
            "tinyint(1)",
            Kind::Boolean,
            Form::Integer,
            &[("0", "0"), ("1", "1"), ("7", "7"), ("-1", "-1")],
        ),
        case(
            "tinyint(1) unsigned",
            Kind::Boolean,
            Form::Integer,
            &[("200", "200")],
        ),
        case(
            "decimal(20,6)",
            numeric(20, 6),
            Form::Numeric,
            &[
                ("-0.000001", "-0.000001"),
                ("-0.0", "0"),
                ("123.450000", "123.45"),
                ("100", "100"),
                ("-12345678901234.5", "-12345678901234.5"),
            ],
        ),
        case(
            "decimal(10,0)",
            numeric(10, 0),
            Form::Numeric,
            &[("1000", "1000"), ("0", "0")],
        ),
        case(
            "decimal(65,30)",
            numeric(65, 30),
            Form::Numeric,
            &[(
                "12345678901234567890123456789012345.123456789012345678901234567890",
                "12345678901234567890123456789012345.12345678901234567890123456789",
            )],
        ),
        case(
            "year(4)",
            Kind::Year,
            Form::Printed,
            &[("2024", "2024"), ("0", "0000")],
        ),
        case(
            "year(4)",
            Kind::Year,
            Form::Integer,
            &[("2024", "2024"), ("0", "0")],
        ),
        case("bit(9)", bits(9), Form::Printed, &[("b'101'", "000000101")]),
        case(
            "bit(1)",
            bits(1),
            Form::Integer,
            &[("b'1'", "1"), ("b'0'", "0")],
        ),
        case(
            "bit(64)",
            bits(64),
            Form::Integer,
            &[("0xffffffffffffffff", "18446744073709551615")],
        ),
    ]
}

fn moments() -> Vec<Case> {
    let all = Form::Timestamp { digits: 6 };
    vec![
        case(
            "date",
            Kind::Date,
            Form::Date,
            &[
                ("'0000-00-00'", "0000-00-00"),
                ("'2024-00-00'", "2024-00-00"),
                ("'2024-02-29'", "2024-02-29"),
                ("'0001-01-01'", "0001-01-01"),
                ("'9999-12-31'", "9999-12-31"),
            ],
        ),
        case(
            "date",
            Kind::Date,
            all.clone(),
            &[("'2024-02-29'", "2024-02-29 00:00:00")],
        ),
        case(
            "datetime(6)",
            timestamp(6),
            all.clone(),
            &[
                ("'0000-00-00'", "0000-00-00 00:00:00"),
                ("'2024-02-29 10:20:30.120000'", "2024-02-29 10:20:30.12"),
                ("'1969-12-31 23:59:59.999999'", "1969-12-31 23:59:59.999999"),
                ("'2024-02-29 10:20:30'", "2024-02-29 10:20:30"),
            ],
        ),
        case(
            "datetime(6)",
            timestamp(6),
            Form::Timestamp { digits: 3 },
            &[
                ("'2024-02-29 10:20:30.999999'", "2024-02-29 10:20:30.999"),
                ("'2024-02-29 10:20:30.000999'", "2024-02-29 10:20:30"),
            ],
        ),
        case(
            "datetime(3)",
            timestamp(3),
            Form::Timestamp { digits: 0 },
            &[("'2024-02-29 10:20:30.999'", "2024-02-29 10:20:30")],
        ),
        case(
            "datetime",
            timestamp(0),
            all.clone(),
            &[("'2024-02-29 10:20:30'", "2024-02-29 10:20:30")],
        ),
        // The script's session is five hours ahead of UTC.
        case(
            "timestamp(6)",
            timestamp(6),
            all,
            &[
                ("'2024-02-29 03:00:00.5'", "2024-02-28 22:00:00.5"),
                ("'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
            ],
        ),
        case(
            "time(3)",
            time(3),
            Form::Time { digits: 3 },
            &[
                ("'-838:59:59.999'", "-838:59:59.999"),
                ("'838:59:59'", "838:59:59"),
                ("'25:00:00.5'", "25:00:00.5"),
                ("'-00:00:01.25'", "-00:00:01.25"),
                ("'00:00:00'", "00:00:00"),
            ],
        ),
        case(
            "time(3)",
            time(3),
            Form::Time { digits: 0 },
            &[("'-10:20:30.999'", "-10:20:30")],
        ),
        case(
            "time",
            time(0),
            Form::Time { digits: 0 },
            &[("'100:00:00'", "100:00:00")],
        ),
    ]
}

fn texts() -> Vec<Case> {
    let padded = Form::Text { padded: true };
    let char_kind = Kind::Text {
        length: Some(5),
        padded: true,
    };
    vec![
        case(
            "varchar(100)",
            TEXT,
            AS_TEXT,
            &[
                ("''", ""),
                ("'a  '", "a  "),
                ("'it''s 💶 \"\\\\ €'", "it's 💶 \"\\ €"),
                ("_utf8mb4 0x61001f0162", "a\u{0}\u{1f}\u{1}b"),
            ],
        ),
        case(
            "varchar(100) character set latin1",
            TEXT,
            AS_TEXT,
            &[("'né'", "né")],
        ),
        case(
            "varchar(100) collate utf8mb4_bin",
            TEXT,
            AS_TEXT,
            &[("'né'", "né")],
        ),
        case("longtext", TEXT, AS_TEXT, &[("REPEAT('ab', 3)", "ababab")]),
        case(
            "char(5)",
            char_kind,
            padded.clone(),
            &[("'ab'", "ab"), ("''", "")],
        ),
        case("varchar(100)", TEXT, padded, &[("'ab   '", "ab")]),
        case(
            "enum('new','paid')",
            Kind::Enum {
                words: words(&["new", "paid"]),
            },
            Form::Printed,
            &[("'paid'", "paid")],
        ),
        case(
            "set('x','y')",
            Kind::Set {
                words: words(&["x", "y"]),
            },
            Form::Printed,
            &[("'y,x'", "x,y"), ("''", "")],
        ),
        case("inet6", Kind::Inet, Form::Printed, &[("'::1'", "::1")]),
    ]
}

fn identifiers_and_bytes() -> Vec<Case> {
    const UUID: &str = "550e8400-e29b-41d4-a716-446655440000";
    let (binary, padded) = bytes(true);
    let (blob, whole) = bytes(false);
    let mut cases = vec![
        case(
            "uuid",
            Kind::Uuid,
            Form::Uuid,
            &[("'550E8400-E29B-41D4-A716-446655440000'", UUID)],
        ),
        case(
            "binary(16)",
            Kind::Bytes {
                length: Some(16),
                padded: true,
            },
            Form::Uuid,
            &[("0x550e8400e29b41d4a716446655440000", UUID)],
        ),
        case(
            "char(36)",
            TEXT,
            Form::Uuid,
            &[("'550E8400-e29b-41D4-a716-446655440000'", UUID)],
        ),
        case(
            "binary(4)",
            binary,
            padded,
            &[("'a'", "a"), ("0x6100ff00", "")],
        ),
        case(
            "longblob",
            blob,
            whole,
            &[("''", ""), ("0x00", "\u{0}"), ("'a '", "a ")],
        ),
    ];
    // Bytes that are not UTF-8, and more of them than are written out.
    if let [.., binary, blob] = cases.as_mut_slice() {
        binary.values[1].1 = Some(vec![0x61, 0, 0xff]);
        blob.values.push(("0xff00", Some(vec![0xff, 0])));
        blob.values
            .push(("REPEAT('x', 1024)", Some(vec![b'x'; 1_024])));
        blob.values
            .push(("REPEAT('x', 1025)", Some(vec![b'x'; 1_025])));
    }
    cases
}

/// Makes a table of each case, in a session that is not in UTC and lets zero dates in.
fn script(cases: &[Case]) -> String {
    let mut script = "SET sql_mode = '', time_zone = '+05:00';\n".to_owned();
    for (place, case) in cases.iter().enumerate() {
        let type_name = case.type_name;
        let null = if type_name.starts_with("timestamp") {
            " NULL DEFAULT NULL"
        } else {
            ""
        };
        writeln!(
            script,
            "CREATE TABLE t{place} (id bigint PRIMARY KEY, v {type_name}{null}) CHARSET utf8mb4;"
        )
        .expect("text takes text");
        for (id, (literal, _)) in case.values.iter().enumerate() {
            writeln!(script, "INSERT INTO t{place} VALUES ({id}, {literal});")
                .expect("text takes text");
        }
    }
    script
}

/// Reads every value by both strategies, and compares with what it must be.
async fn check(name: &str, cases: Vec<Case>) {
    let database = testing::mariadb(name, &script(&cases)).await;
    for (place, case) in cases.iter().enumerate() {
        let value = column("v", case.type_name, case.kind.clone(), case.form.clone());
        let plan = table(&database, &format!("t{place}"), vec![id(), value], 1);
        let stream = method(Strategy::Stream);
        let hashed = prints(&database, &plan, &method(Strategy::TextDigest), 0..8).await;
        for (id, (literal, canonical)) in (0_i128..).zip(&case.values) {
            let what = format!("{literal} in {} as {:?}", case.type_name, case.form);
            let found = rows(&database, &plan, &stream, &[number(id)]).await;
            assert_eq!(found.len(), 1, "{what}");
            assert_eq!(
                found[0].columns,
                expected(case, id, canonical.as_deref()),
                "{what}"
            );

            let text = row_text(&[id.to_string(), field(&case.form, canonical.as_deref())]);
            let print = u128::from_be_bytes(sha(&text)[..16].try_into().expect("16 bytes"));
            assert!(
                hashed.contains(&(number(id), print)),
                "{what}: not the hash of {text:?}"
            );
        }
    }
}

/// The prints of a row's columns, of the canonical bytes of its value.
fn expected(case: &Case, id: i128, canonical: Option<&[u8]>) -> Vec<u64> {
    let mut printer = Printer::new(vec![Form::Integer, case.form.clone()], vec![0], super::SEED);
    printer.begin();
    printer.integer(id);
    match canonical {
        Some(canonical) => printer.printed(canonical),
        None => printer.null(),
    }
    printer.columns()
}

/// The field of a value in the text of a row, of its canonical bytes.
fn field(form: &Form, canonical: Option<&[u8]>) -> String {
    let Some(canonical) = canonical else {
        return "\u{1}".to_owned();
    };
    let hex = |bytes: &[u8]| {
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.concat()
    };
    let text = || String::from_utf8(canonical.to_vec()).expect("only bytes are not UTF-8");
    match form {
        Form::Bytes { .. } if canonical.len() > 1_024 => {
            use sha2::Digest as _;
            format!("#{}", hex(&sha2::Sha256::digest(canonical)))
        }
        Form::Bytes { .. } => hex(canonical),
        Form::Text { .. } | Form::Printed => format!("{}:{}", canonical.len(), text()),
        _ => text(),
    }
}

#[tokio::test]
async fn numbers_are_exact() {
    check("values_numbers", numbers()).await;
}

/// D20: zero dates are compared as they are, and moments in UTC.
#[tokio::test]
async fn moments_are_those_of_utc_cut_to_the_digits_that_count() {
    check("values_moments", moments()).await;
}

#[tokio::test]
async fn text_is_compared_as_bytes_of_utf8() {
    check("values_texts", texts()).await;
}

#[tokio::test]
async fn bytes_and_identifiers_are_compared_whatever_keeps_them() {
    check("values_bytes", identifiers_and_bytes()).await;
}

#[tokio::test]
async fn floating_point_is_compared_by_its_bits() {
    let script = "CREATE TABLE t (id bigint PRIMARY KEY, f float, d double);
        INSERT INTO t VALUES (1, 0.1, 1e21), (2, -0.0, -0.0), (3, 16777216, 1e-300), (4, 16777217, 1.0000000000000002e-300)";
    let database = testing::mariadb("values_floats", script).await;
    let columns = vec![
        id(),
        column("f", "float", Kind::Float { bits: 32 }, Form::Float),
        column("d", "double", Kind::Float { bits: 64 }, Form::Float),
    ];
    let plan = table(&database, "t", columns, 1);
    let found = rows(
        &database,
        &plan,
        &method(Strategy::Stream),
        &[1, 2, 3, 4].map(number),
    )
    .await;

    let of = |id: i128, f: f64, d: f64| {
        let forms = vec![Form::Integer, Form::Float, Form::Float];
        let mut printer = Printer::new(forms, vec![0], super::SEED);
        printer.begin();
        printer.integer(id);
        printer.float(f);
        printer.float(d);
        printer.columns()
    };
    assert_eq!(found[0].columns, of(1, f64::from(0.1_f32), 1e21));
    assert_eq!(found[1].columns, of(2, 0.0, 0.0));
    assert_eq!(
        found[2].columns[1], found[3].columns[1],
        "a float has no more digits"
    );
    assert_ne!(
        found[2].columns[2], found[3].columns[2],
        "a double has them"
    );
}

#[tokio::test]
async fn floating_point_has_no_text_to_hash() {
    let script = "CREATE TABLE t (id bigint PRIMARY KEY, f float)";
    let database = testing::mariadb("values_float_text", script).await;
    let value = column("f", "float", Kind::Float { bits: 32 }, Form::Float);
    let plan = table(&database, "t", vec![id(), value], 1);

    let refused = super::tallied(
        &database,
        &plan,
        &method(Strategy::TextDigest),
        &cutover_core::validation::plan::Span::Whole,
    )
    .await
    .expect_err("floating point cannot be hashed as text");

    assert!(refused.message.contains("floating point"), "{refused:?}");
}

#[tokio::test]
async fn json_is_compared_by_its_meaning() {
    let script = r#"CREATE TABLE t (id bigint PRIMARY KEY, j json);
        INSERT INTO t VALUES (1, '{"b": 1.0, "a": ["é", null]}'), (2, '{"a":["\\u00e9",null],"b":1}'), (3, '{"a":["e",null],"b":1}')"#;
    let database = testing::mariadb("values_json", script).await;
    let value = column("j", "longtext", Kind::Json { parsed: false }, Form::Json);
    let plan = table(&database, "t", vec![id(), value], 1);

    let found = rows(
        &database,
        &plan,
        &method(Strategy::Stream),
        &[1, 2, 3].map(number),
    )
    .await;

    assert_eq!(found[0].columns[1], found[1].columns[1]);
    assert_ne!(found[0].columns[1], found[2].columns[1]);
}

#[tokio::test]
async fn generated_columns_are_compared_as_any_other() {
    let script = "CREATE TABLE t (id bigint PRIMARY KEY, a int, kept int AS (a * 2) STORED, made int AS (a + 1) VIRTUAL);
        INSERT INTO t (id, a) VALUES (1, 5)";
    let database = testing::mariadb("values_generated", script).await;
    let whole = |name: &str| column(name, "int(11)", integer(32, false), Form::Integer);
    let plan = table(&database, "t", vec![id(), whole("kept"), whole("made")], 1);

    for strategy in STRATEGIES {
        let found = prints(&database, &plan, &method(strategy), 0..8).await;
        assert_eq!(found.len(), 1);
    }
    let hashed = prints(&database, &plan, &method(Strategy::TextDigest), 0..8).await;
    let text = row_text(&["1".to_owned(), "10".to_owned(), "6".to_owned()]);
    assert_eq!(hashed[0].1.to_be_bytes(), sha(&text)[..16]);
}
