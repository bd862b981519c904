use std::fmt::Write as _;

use super::super::given_catalogs::{
    BIGINT, INT, MOMENT, TEXT, a_column, an_enum, numeric, varchar,
};
use super::*;

fn engines(source: Engine, target: Engine) -> Both<Engine> {
    Both { source, target }
}

fn kinds() -> Vec<(&'static str, Kind)> {
    let other = |name: &str| Kind::Other {
        name: name.to_owned(),
    };
    let unsigned = Kind::Integer {
        bits: 64,
        unsigned: true,
    };
    let digits = |digits| Kind::Timestamp {
        digits,
        zoned: false,
    };
    let time = |digits, zoned| Kind::Time { digits, zoned };
    let padded = Kind::Text {
        length: Some(40),
        padded: true,
    };
    let bytes = |length, padded| Kind::Bytes { length, padded };
    let bits = |length| Kind::Bits {
        length: Some(length),
    };
    vec![
        ("int", INT),
        ("bigint unsigned", unsigned),
        ("numeric(20)", numeric(20, 0)),
        ("numeric", Kind::Numeric { size: None }),
        ("boolean", Kind::Boolean),
        ("bit(1)", bits(1)),
        ("bit(8)", bits(8)),
        ("year", Kind::Year),
        ("real", Kind::Float { bits: 32 }),
        ("double", Kind::Float { bits: 64 }),
        ("text", TEXT),
        ("varchar(20)", varchar(20)),
        ("char(40)", padded),
        ("enum", an_enum(&["EUR"])),
        ("set", Kind::Set { words: Vec::new() }),
        ("uuid", Kind::Uuid),
        ("bytes", bytes(None, false)),
        ("binary(16)", bytes(Some(16), true)),
        ("json", Kind::Json { parsed: false }),
        ("jsonb", Kind::Json { parsed: true }),
        ("date", Kind::Date),
        ("time(0)", time(0, false)),
        ("timetz(6)", time(6, true)),
        ("datetime(3)", digits(3)),
        ("timestamptz(6)", MOMENT),
        ("interval", Kind::Interval),
        ("inet", Kind::Inet),
        ("int[]", Kind::Array(Box::new(INT))),
        ("bigint[]", Kind::Array(Box::new(BIGINT))),
        ("double[]", Kind::Array(Box::new(Kind::Float { bits: 64 }))),
        ("point", other("point")),
        ("xml", other("xml")),
    ]
}

fn form_of(source: &Kind, target: &Kind, engines: Both<Engine>) -> Option<Form> {
    form(
        &a_column("a", source.clone()),
        &a_column("a", target.clone()),
        &engines,
    )
    .ok()
}

/// Every pair that has a form, once, where both are the same or the first stands before the second.
fn table(engines: Both<Engine>) -> String {
    let kinds = kinds();
    let mut table = String::new();
    for (place, (one, of_one)) in kinds.iter().enumerate() {
        for (other, of_other) in kinds.iter().skip(place) {
            if let Some(form) = form_of(of_one, of_other, engines) {
                writeln!(table, "{one} + {other}: {form:?}").expect("text can be written");
            }
        }
    }
    table
}

#[test]
fn across_engines_these_pairs_are_compared_and_no_others() {
    insta::assert_snapshot!(table(engines(Engine::Mysql, Engine::Postgres)));
}

#[test]
fn kin_engines_compare_besides_what_they_print_alike() {
    let across = table(engines(Engine::Mariadb, Engine::Postgres));
    let besides = |engines: Both<Engine>| -> Vec<String> {
        table(engines)
            .lines()
            .filter(|line| !across.lines().any(|other| other == *line))
            .map(str::to_owned)
            .collect()
    };

    assert_eq!(
        besides(engines(Engine::Postgres, Engine::Postgres)),
        [
            "bit(1) + bit(1): Printed",
            "bit(1) + bit(8): Printed",
            "bit(8) + bit(8): Printed",
            "year + year: Printed",
            "set + set: Printed",
            "interval + interval: Printed",
            "inet + inet: Printed",
            "int[] + int[]: Printed",
            "int[] + bigint[]: Printed",
            "bigint[] + bigint[]: Printed",
            "double[] + double[]: Printed",
            "point + point: Printed",
            "xml + xml: Printed",
        ]
    );
    assert_eq!(
        besides(engines(Engine::Mysql, Engine::Mariadb)),
        [
            "bit(1) + bit(1): Printed",
            "bit(1) + bit(8): Printed",
            "bit(8) + bit(8): Printed",
            "year + year: Printed",
            "set + set: Printed",
            "interval + interval: Printed",
            "inet + inet: Printed",
        ]
    );
}

#[test]
fn the_form_is_the_same_in_both_directions() {
    for (source, target) in [
        (Engine::Postgres, Engine::Postgres),
        (Engine::Postgres, Engine::Mysql),
        (Engine::Mysql, Engine::Mariadb),
    ] {
        for (_, one) in kinds() {
            for (_, other) in kinds() {
                assert_eq!(
                    form_of(&one, &other, engines(source, target)),
                    form_of(&other, &one, engines(target, source)),
                    "{one:?} and {other:?}"
                );
            }
        }
    }
}

#[test]
fn of_differing_digits_the_fewer_count() {
    let coarse = Kind::Timestamp {
        digits: 0,
        zoned: true,
    };

    let form = form_of(&MOMENT, &coarse, engines(Engine::Postgres, Engine::Mysql));

    assert_eq!(form, Some(Form::Timestamp { digits: 0 }));
}

#[test]
fn a_generated_column_is_compared_by_its_values() {
    use super::super::catalog::Made;
    let made = |stored| {
        a_column("total", INT).made(Made::Generated {
            expression: "a + b".to_owned(),
            stored,
        })
    };

    let form = form(
        &made(false),
        &made(true),
        &engines(Engine::Mysql, Engine::Postgres),
    );

    assert_eq!(form, Ok(Form::Integer));
}

/// D20
#[test]
fn a_pair_that_is_not_listed_is_refused_by_name() {
    let source = a_column(
        "place",
        Kind::Other {
            name: "geometry".to_owned(),
        },
    )
    .called("geometry");
    let target = a_column("place", TEXT).called("text");

    let refusal = form(&source, &target, &engines(Engine::Mysql, Engine::Postgres));

    assert_eq!(
        refusal.expect_err("there is no form").to_string(),
        "there is no form in which `geometry` of MySQL and `text` of PostgreSQL can be compared"
    );
}
