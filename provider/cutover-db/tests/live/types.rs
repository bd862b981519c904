//! Every type with its odd values: equal where they are, found where they are not.

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::report::{RowDifferenceKind, Verdict};
use cutover_core::validation::side::Side;

use crate::given::{Pair, differences, rows_of_all_tables, table};

/// A type with values, as PostgreSQL and MariaDB write them.
struct Odd {
    name: &'static str,
    postgres: &'static str,
    mariadb: &'static str,
    /// The same value for both.
    values: &'static [(&'static str, &'static str)],
    /// What the first value becomes so that it is another.
    other: (&'static str, &'static str),
}

/// Types that both engines have.
const SHARED: &[Odd] = &[
    Odd {
        name: "integers",
        postgres: "integer",
        mariadb: "int",
        values: &[
            ("0", "0"),
            ("-1", "-1"),
            ("2147483647", "2147483647"),
            ("-2147483648", "-2147483648"),
        ],
        other: ("1", "1"),
    },
    Odd {
        name: "bigints",
        postgres: "bigint",
        mariadb: "bigint",
        values: &[
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
        ],
        other: ("9223372036854775806", "9223372036854775806"),
    },
    Odd {
        name: "unsigned_bigints",
        postgres: "numeric(20)",
        mariadb: "bigint unsigned",
        values: &[("18446744073709551615", "18446744073709551615"), ("0", "0")],
        other: ("18446744073709551614", "18446744073709551614"),
    },
    Odd {
        name: "decimals",
        postgres: "numeric(38,10)",
        mariadb: "decimal(38,10)",
        values: &[
            ("0", "0"),
            ("-0.0000000001", "-0.0000000001"),
            ("0.1000000000", "0.1"),
            (
                "1234567890123456789012345678.0000000001",
                "1234567890123456789012345678.0000000001",
            ),
            ("-100", "-100.0000000000"),
        ],
        other: ("0.0000000001", "0.0000000001"),
    },
    Odd {
        name: "doubles",
        postgres: "double precision",
        mariadb: "double",
        values: &[
            ("1e21", "1e21"),
            ("-0.0", "0"),
            ("0.1", "0.1"),
            ("1.7976931348623157e308", "1.7976931348623157e308"),
            ("2.2250738585072014e-308", "2.2250738585072014e-308"),
        ],
        other: ("1.0000000000000002e21", "1.0000000000000002e21"),
    },
    Odd {
        name: "reals",
        postgres: "real",
        mariadb: "float",
        values: &[("0.1", "0.1"), ("16777217", "16777216"), ("-1.5", "-1.5")],
        other: ("0.10000001", "0.10000001"),
    },
    Odd {
        name: "flags",
        postgres: "boolean",
        mariadb: "boolean",
        values: &[("true", "true"), ("false", "false")],
        other: ("false", "false"),
    },
    Odd {
        name: "texts",
        postgres: "text",
        mariadb: "text",
        values: &[
            ("''", "''"),
            ("'it''s'", "'it''s'"),
            ("' leading and trailing  '", "' leading and trailing  '"),
            ("E'tab\\tnew\\nline\\x01'", "'tab\\tnew\\nline\u{1}'"),
            ("'Grüße, 支付 💶'", "'Grüße, 支付 💶'"),
            ("'back\\slash'", "'back\\\\slash'"),
            // Composed and decomposed are not the same bytes.
            ("'\u{e9}'", "'\u{e9}'"),
            ("'e\u{301}'", "'e\u{301}'"),
        ],
        other: ("' '", "' '"),
    },
    Odd {
        name: "chars",
        postgres: "char(8)",
        mariadb: "char(8)",
        values: &[
            ("'EUR'", "'EUR'"),
            ("''", "''"),
            ("'full8888'", "'full8888'"),
        ],
        other: ("'EUS'", "'EUS'"),
    },
    Odd {
        name: "bytes",
        postgres: "bytea",
        mariadb: "blob",
        values: &[
            ("'\\x'", "x''"),
            ("'\\x00'", "x'00'"),
            ("'\\x00ff7f80'", "x'00ff7f80'"),
        ],
        other: ("'\\x00'", "x'00'"),
    },
    Odd {
        name: "days",
        postgres: "date",
        mariadb: "date",
        values: &[
            ("'2024-02-29'", "'2024-02-29'"),
            ("'0001-01-01'", "'0001-01-01'"),
            ("'9999-12-31'", "'9999-12-31'"),
            ("'1970-01-01'", "'1970-01-01'"),
        ],
        other: ("'2024-02-28'", "'2024-02-28'"),
    },
    Odd {
        name: "times",
        postgres: "time(6)",
        mariadb: "time(6)",
        values: &[
            ("'00:00:00'", "'00:00:00'"),
            ("'23:59:59.999999'", "'23:59:59.999999'"),
            ("'12:00:00.5'", "'12:00:00.500000'"),
        ],
        other: ("'00:00:00.000001'", "'00:00:00.000001'"),
    },
    Odd {
        name: "clocks",
        postgres: "timestamp(6)",
        mariadb: "datetime(6)",
        values: &[
            (
                "'2024-02-29 23:59:59.999999'",
                "'2024-02-29 23:59:59.999999'",
            ),
            ("'1000-01-01 00:00:00'", "'1000-01-01 00:00:00'"),
            // An hour that a change to summer time leaves out somewhere.
            ("'2024-03-31 02:30:00'", "'2024-03-31 02:30:00'"),
        ],
        other: (
            "'2024-02-29 23:59:59.999998'",
            "'2024-02-29 23:59:59.999998'",
        ),
    },
    Odd {
        name: "moments",
        postgres: "timestamptz(6)",
        mariadb: "timestamp(6)",
        values: &[
            (
                "'2024-02-29 12:00:00.000001+00'",
                "'2024-02-29 12:00:00.000001'",
            ),
            ("'2024-07-01 14:00:00+02'", "'2024-07-01 12:00:00'"),
            ("'1999-12-31 23:30:00-01:30'", "'2000-01-01 01:00:00'"),
        ],
        // An hour late, as a wrong time zone makes it.
        other: (
            "'2024-02-29 13:00:00.000001+00'",
            "'2024-02-29 13:00:00.000001'",
        ),
    },
    Odd {
        name: "cut_moments",
        postgres: "timestamp(6)",
        mariadb: "datetime(3)",
        values: &[("'2024-01-01 00:00:00.123456'", "'2024-01-01 00:00:00.123'")],
        other: ("'2024-01-01 00:00:00.124456'", "'2024-01-01 00:00:00.124'"),
    },
    Odd {
        name: "uuids",
        postgres: "uuid",
        mariadb: "char(36)",
        values: &[
            (
                "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
                "'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'",
            ),
            (
                "'00000000-0000-0000-0000-000000000000'",
                "'00000000-0000-0000-0000-000000000000'",
            ),
        ],
        other: (
            "'ffffffff-ffff-ffff-ffff-fffffffffffe'",
            "'ffffffff-ffff-ffff-ffff-fffffffffffe'",
        ),
    },
    Odd {
        name: "jsons",
        postgres: "jsonb",
        mariadb: "json",
        values: &[
            (
                r#"'{"b": 1, "a": [1, 2.50, null, true]}'"#,
                r#"'{"a": [1, 2.5, null, true], "b": 1.0}'"#,
            ),
            (
                r#"'{"text": "Gr\u00fc\u00dfe \"quoted\""}'"#,
                r#"'{"text": "Grüße \\"quoted\\""}'"#,
            ),
            ("'[]'", "'[ ]'"),
            (
                "'12345678901234567890.123456789'",
                "'12345678901234567890.123456789'",
            ),
            ("'null'", "'null'"),
        ],
        other: (
            r#"'{"b": 1, "a": [1, 2.51, null, true]}'"#,
            r#"'{"a": [1, 2.51, null, true], "b": 1.0}'"#,
        ),
    },
    Odd {
        name: "words",
        postgres: "varchar(20)",
        mariadb: "enum('pending','settled','')",
        values: &[
            ("'pending'", "'pending'"),
            ("'settled'", "'settled'"),
            ("''", "''"),
        ],
        other: ("'settled'", "'settled'"),
    },
];

/// Types that only PostgreSQL has, or has in its own way.
const POSTGRES: &[Odd] = &[
    Odd {
        name: "endless",
        postgres: "numeric",
        mariadb: "",
        values: &[
            ("'NaN'", ""),
            ("'Infinity'", ""),
            ("'-Infinity'", ""),
            ("1e-20", ""),
            ("1.50", ""),
        ],
        other: ("0", ""),
    },
    Odd {
        name: "floats",
        postgres: "double precision",
        mariadb: "",
        values: &[
            ("'NaN'", ""),
            ("'Infinity'", ""),
            ("'-Infinity'", ""),
            ("'-0'", ""),
        ],
        other: ("0", ""),
    },
    Odd {
        name: "boundless",
        postgres: "timestamptz",
        mariadb: "",
        values: &[
            ("'infinity'", ""),
            ("'-infinity'", ""),
            ("'0044-03-15 12:00:00 BC'", ""),
            ("'294276-12-31 23:59:59.999999+00'", ""),
        ],
        other: ("'2024-01-01'", ""),
    },
    Odd {
        name: "far_days",
        postgres: "date",
        mariadb: "",
        values: &[
            ("'infinity'", ""),
            ("'4713-01-01 BC'", ""),
            ("'5874897-12-31'", ""),
        ],
        other: ("'-infinity'", ""),
    },
    Odd {
        name: "spans",
        postgres: "interval",
        mariadb: "",
        values: &[
            ("'1 year 2 months -3 days 04:05:06.789'", ""),
            ("'-1 second'", ""),
        ],
        other: ("'1 year 2 months -3 days 04:05:06.788'", ""),
    },
    Odd {
        name: "offsets",
        postgres: "timetz",
        mariadb: "",
        values: &[("'12:00:00+02'", ""), ("'23:59:59.999999-12'", "")],
        other: ("'12:00:01+02'", ""),
    },
    Odd {
        name: "addresses",
        postgres: "inet",
        mariadb: "",
        values: &[("'10.0.0.1/8'", ""), ("'::1'", "")],
        other: ("'10.0.0.1/9'", ""),
    },
    Odd {
        name: "lists",
        postgres: "text[]",
        mariadb: "",
        values: &[
            ("ARRAY['a,b', NULL, 'c\"d', '']", ""),
            ("'{}'", ""),
            ("'{{a,b},{c,d}}'", ""),
        ],
        other: ("ARRAY['a','b']", ""),
    },
    Odd {
        name: "bits",
        postgres: "bit varying(70)",
        mariadb: "",
        values: &[("B'101'", ""), ("B''", "")],
        other: ("B'1010'", ""),
    },
    Odd {
        name: "enums",
        postgres: "payment_status",
        mariadb: "",
        values: &[("'pending'", ""), ("'settled'", "")],
        other: ("'settled'", ""),
    },
    Odd {
        name: "written_json",
        postgres: "json",
        mariadb: "",
        values: &[("'{\"a\":1}'", "")],
        other: ("'{\"a\":2}'", ""),
    },
    Odd {
        name: "xmls",
        postgres: "xml",
        mariadb: "",
        values: &[("'<a>b</a>'", "")],
        other: ("'<a>c</a>'", ""),
    },
    Odd {
        name: "money_in_a_domain",
        postgres: "amount",
        mariadb: "",
        values: &[("1.50", ""), ("0", "")],
        other: ("1.51", ""),
    },
];

/// Types that only MariaDB has, or has in its own way.
const MARIADB: &[Odd] = &[
    Odd {
        name: "zero_days",
        postgres: "",
        mariadb: "date",
        values: &[("", "'0000-00-00'"), ("", "'2024-00-00'")],
        other: ("", "'2024-01-00'"),
    },
    Odd {
        name: "zero_moments",
        postgres: "",
        mariadb: "datetime(6)",
        values: &[
            ("", "'0000-00-00 00:00:00'"),
            ("", "'2024-01-01 00:00:00.000001'"),
        ],
        other: ("", "'0000-00-00 00:00:00.000001'"),
    },
    Odd {
        name: "long_times",
        postgres: "",
        mariadb: "time(6)",
        values: &[
            ("", "'-838:59:59'"),
            ("", "'838:59:59.999999'"),
            ("", "'-00:00:00.5'"),
        ],
        other: ("", "'-838:59:58'"),
    },
    Odd {
        name: "years",
        postgres: "",
        mariadb: "year",
        values: &[("", "0"), ("", "1901"), ("", "2155")],
        other: ("", "1902"),
    },
    Odd {
        name: "bits",
        postgres: "",
        mariadb: "bit(12)",
        values: &[("", "b'101'"), ("", "b'0'")],
        other: ("", "b'100'"),
    },
    Odd {
        name: "sets",
        postgres: "",
        mariadb: "set('a','b','c')",
        values: &[("", "'a,c'"), ("", "''")],
        other: ("", "'a'"),
    },
    Odd {
        name: "binaries",
        postgres: "",
        mariadb: "binary(4)",
        values: &[("", "x'00'"), ("", "x'0000ff'")],
        other: ("", "x'01'"),
    },
    Odd {
        name: "old_texts",
        postgres: "",
        mariadb: "varchar(20) character set latin1",
        values: &[("", "'Grüße'"), ("", "'trailing  '")],
        other: ("", "'Gruße'"),
    },
    Odd {
        name: "native_uuids",
        postgres: "",
        mariadb: "uuid",
        values: &[("", "'123e4567-e89b-12d3-a456-426655440000'")],
        other: ("", "'123e4567-e89b-12d3-a456-426655440001'"),
    },
    Odd {
        name: "native_addresses",
        postgres: "",
        mariadb: "inet6",
        values: &[("", "'::1'"), ("", "'2001:db8::ff00:42:8329'")],
        other: ("", "'::2'"),
    },
    Odd {
        name: "mediums",
        postgres: "",
        mariadb: "mediumint unsigned",
        values: &[("", "16777215"), ("", "0")],
        other: ("", "1"),
    },
];

impl Odd {
    fn column(&self, engine: Engine) -> &'static str {
        if engine == Engine::Postgres {
            self.postgres
        } else {
            self.mariadb
        }
    }

    fn value(engine: Engine, value: &(&'static str, &'static str)) -> &'static str {
        if engine == Engine::Postgres {
            value.0
        } else {
            value.1
        }
    }
}

/// Types that tables may need, and sessions that write whatever a type can hold.
fn prepare(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => {
            "CREATE TYPE payment_status AS ENUM ('pending', 'settled');
             CREATE DOMAIN amount AS numeric(12,2) CHECK (VALUE >= 0);"
        }
        Engine::Mysql | Engine::Mariadb => "DO 0",
    }
}

/// Makes a table of each type on both sides, validates, changes one value of each on the target, validates again.
fn check(source: Engine, target: Engine, types: &[&Odd]) {
    let pair = Pair::new(source, target);
    for side in Side::BOTH {
        let engine = pair.engine(side);
        pair.run(side, prepare(engine));
        for odd in types {
            pair.run(side, &written(odd, engine));
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");

    let equal = runtime.block_on(pair.validate(rows_of_all_tables()));

    for odd in types {
        let found = table(&equal, odd.name);
        let refused: Vec<_> = found.excluded.iter().map(|column| &column.reason).collect();
        assert_eq!(
            (differences(found), refused),
            (vec![], vec![]),
            "{}",
            odd.name
        );
    }
    assert_eq!(equal.verdict, Verdict::Matched, "{:?}", equal.reasons);

    let engine = pair.engine(Side::Target);
    for odd in types {
        let value = Odd::value(engine, &odd.other);
        let lenient = lenient(engine);
        pair.run(
            Side::Target,
            &format!("{lenient}UPDATE {} SET v = {value} WHERE id = 1", odd.name),
        );
    }

    let changed = runtime.block_on(pair.validate(rows_of_all_tables()));

    for odd in types {
        assert_eq!(
            differences(table(&changed, odd.name)),
            [(
                RowDifferenceKind::Different,
                "1".to_owned(),
                vec!["v".to_owned()]
            )],
            "{}",
            odd.name
        );
    }
}

/// The statements that make the table of a type: a row for each value, and one without.
fn written(odd: &Odd, engine: Engine) -> String {
    let create = format!(
        "{}CREATE TABLE {} (id int PRIMARY KEY, v {} NULL);",
        lenient(engine),
        odd.name,
        odd.column(engine)
    );
    let values = odd.values.iter().map(|value| Odd::value(engine, value));
    let rows = (1..).zip(values).chain([(1_000, "NULL")]);
    let inserts =
        rows.map(|(id, value)| format!("INSERT INTO {} VALUES ({id}, {value});", odd.name));
    std::iter::once(create).chain(inserts).collect()
}

/// Sets up a session of MariaDB so that zero dates can be written, and moments are UTC.
fn lenient(engine: Engine) -> &'static str {
    if engine == Engine::Postgres {
        ""
    } else {
        "SET sql_mode = '', time_zone = '+00:00', NAMES utf8mb4;"
    }
}

/// D20, D26
#[test]
fn every_type_of_postgresql_is_compared_with_its_odd_values() {
    let types: Vec<_> = SHARED.iter().chain(POSTGRES).collect();
    check(Engine::Postgres, Engine::Postgres, &types);
}

/// D20, D26
#[test]
fn every_type_of_mariadb_is_compared_with_its_odd_values() {
    let types: Vec<_> = SHARED.iter().chain(MARIADB).collect();
    check(Engine::Mariadb, Engine::Mariadb, &types);
}

/// D20, D26
#[test]
fn types_that_both_engines_have_are_compared_across_them() {
    let types: Vec<_> = SHARED.iter().collect();
    check(Engine::Mariadb, Engine::Postgres, &types);
    check(Engine::Postgres, Engine::Mariadb, &types);
}
