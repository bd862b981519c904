//! Which strategies are possible, how buckets lie, and what a forecast says.

use std::time::Duration;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::super::catalog::TableName;
use super::super::given_catalogs::{BIGINT, INT, MOMENT, TEXT, numeric, servers, two_postgres};
use super::*;

fn a_column(name: &str, kinds: (Kind, Kind), form: Form) -> ColumnPlan {
    ColumnPlan {
        names: Both::of(|_| name.to_owned()),
        kinds: Both {
            source: kinds.0,
            target: kinds.1,
        },
        types: Both::of(|_| name.to_owned()),
        form,
        nullable: Both::of(|_| false),
        deterministic: Both::of(|_| true),
    }
}

fn a_plan(columns: Vec<ColumnPlan>, key: KeyPlan) -> TablePlan {
    TablePlan {
        label: "payments".to_owned(),
        names: Both::of(|_| TableName {
            schema: "public".to_owned(),
            name: "payments".to_owned(),
        }),
        columns,
        key,
        excluded: Vec::new(),
    }
}

fn with(kinds: (Kind, Kind), form: Form) -> TablePlan {
    let id = a_column("id", (BIGINT, BIGINT), Form::Integer);
    a_plan(
        vec![id, a_column("value", kinds, form)],
        KeyPlan::Columns(vec![0]),
    )
}

fn a_layout(rows: u64, keys: Option<(i64, i64)>) -> Layout {
    Layout {
        pieces: Vec::new(),
        estimated_rows: rows,
        bytes: rows * 100,
        keys,
        clustered: true,
        has_blocks: true,
    }
}

fn both(layout: Layout) -> Both<Layout> {
    Both {
        source: layout.clone(),
        target: layout,
    }
}

const ALL: [Strategy; 3] = [Strategy::RecordHash, Strategy::Stream, Strategy::TextDigest];

#[test]
fn each_strategy_has_its_conditions() {
    let text = with((TEXT, TEXT), Form::Text { padded: false });
    let check = |plan: &TablePlan, calibrated| admissible(plan, &two_postgres(), Some(calibrated));
    let float = Kind::Float { bits: 64 };
    let json = |parsed| Kind::Json { parsed };

    assert_eq!(check(&text, true), ALL);
    assert_eq!(check(&text, false), ALL[1..]);
    assert_eq!(
        check(&with((float.clone(), float), Form::Float), true),
        ALL[..2]
    );
    assert_eq!(
        check(&with((json(true), json(true)), Form::Json), true),
        ALL[..2]
    );
    assert_eq!(
        check(&with((json(true), json(false)), Form::Json), true),
        ALL[1..2]
    );
    assert_eq!(
        check(&with((numeric(10, 2), numeric(12, 4)), Form::Numeric), true),
        ALL
    );
    assert_eq!(
        check(&with((INT, numeric(10, 0)), Form::Numeric), true),
        ALL[1..]
    );
    let cut = Kind::Timestamp {
        digits: 3,
        zoned: true,
    };
    assert_eq!(
        check(&with((MOMENT, cut), Form::Timestamp { digits: 3 }), true),
        ALL[1..]
    );
}

#[test]
fn hashing_in_servers_needs_two_of_postgresql_14() {
    let text = with((TEXT, TEXT), Form::Text { padded: false });
    let mut old = two_postgres();
    old.source.version_number = 130_020;
    let mixed = servers(Engine::Postgres, Engine::Mysql);

    assert_eq!(admissible(&text, &old, Some(true)), ALL[1..]);
    assert_eq!(admissible(&text, &mixed, Some(true)), ALL[1..]);
}

fn laid(plan: &TablePlan, rows: u64, keys: Option<(i64, i64)>) -> Buckets {
    method(Strategy::Stream, plan, &both(a_layout(rows, keys)), 1, 1).buckets
}

#[test]
fn keys_that_are_dense_make_ranges_and_others_are_hashed() {
    let plan = with((TEXT, TEXT), Form::Text { padded: false });
    let hashed = |count| Buckets::Hashed { count };

    assert_eq!(
        laid(&plan, 1_000_000, Some((1, 1_000_000))),
        Buckets::Ranges {
            first: 1,
            width: 3_907,
            count: 256
        }
    );
    // Identifiers made of times.
    assert_eq!(laid(&plan, 1_000_000, Some((0, i64::MAX))), hashed(256));
    assert_eq!(laid(&plan, 1_000_000, None), hashed(256));
    // Few customers, many payments of each.
    let mut composite = plan.clone();
    composite.key = KeyPlan::Columns(vec![0, 1]);
    assert_eq!(laid(&composite, 10_000_000, Some((1, 50))), hashed(4_096));
    let mut keyless = plan;
    keyless.key = KeyPlan::WholeRow;
    assert_eq!(laid(&keyless, 10, Some((1, 10))), hashed(64));
}

#[test]
fn ranges_reach_over_the_keys_of_both_sides() {
    let plan = with((TEXT, TEXT), Form::Text { padded: false });
    let layouts = Both {
        source: a_layout(100, Some((50, 149))),
        target: a_layout(100, Some((-14, 20))),
    };

    let buckets = method(Strategy::Stream, &plan, &layouts, 1, 1).buckets;

    assert_eq!(
        buckets,
        Buckets::Ranges {
            first: -14,
            width: 3,
            count: 64
        }
    );
}

proptest! {
    #[test]
    fn buckets_are_a_power_of_two_and_reach_over_all_keys(
        rows in any::<u64>(), one in any::<i64>(), other in any::<i64>(),
    ) {
        let plan = with((TEXT, TEXT), Form::Text { padded: false });
        let (first, last) = (one.min(other), one.max(other));
        let mut layout = a_layout(0, Some((first, last)));
        layout.estimated_rows = rows;

        let buckets = method(Strategy::Stream, &plan, &both(layout), 1, 1).buckets;

        let count = buckets.count();
        prop_assert!(count.is_power_of_two() && (64..=65_536).contains(&count));
        if let Buckets::Ranges { first: from, width, count } = buckets {
            prop_assert_eq!(from, first);
            let reach = i128::from(first) + i128::from(width) * i128::from(count);
            prop_assert!(reach > i128::from(last));
        }
    }
}

#[test]
fn rows_that_may_be_there_twice_are_added_up() {
    let mut plan = with((TEXT, TEXT), Form::Text { padded: false });
    let mix = |plan: &TablePlan| method(Strategy::Stream, plan, &both(a_layout(1, None)), 1, 1).mix;

    assert_eq!(mix(&plan), Mix::Xor);
    plan.key = KeyPlan::WholeRow;
    assert_eq!(mix(&plan), Mix::Sum);
}

#[test]
fn seeds_differ_between_tables_and_runs() {
    assert_eq!(table_seed(1, "payments"), table_seed(1, "payments"));
    assert_ne!(table_seed(1, "payments"), table_seed(2, "payments"));
    assert_ne!(table_seed(1, "payments"), table_seed(1, "refunds"));
}

#[test]
fn the_quickest_by_forecast_is_chosen_with_its_figures() {
    let plan = with((TEXT, TEXT), Form::Text { padded: false });
    let layouts = both(a_layout(1_000_000, None));
    let methods: Vec<_> = ALL
        .iter()
        .map(|strategy| method(*strategy, &plan, &layouts, 1, 1))
        .collect();
    let limits = Both {
        source: limits(2, 50),
        target: limits(4, 100),
    };
    let cost = |micros: f64| Cost {
        rows: 20_000,
        seconds: 20_000.0 * micros / 1e6,
    };
    let costs = |source: f64, target: f64| {
        Some(Both {
            source: cost(source),
            target: cost(target),
        })
    };

    let choice = choose(
        &methods,
        &[None, costs(2.0, 6.0), costs(1.0, 10.0)],
        &layouts,
        &limits,
    );

    let choice = choice.expect("two could be timed");
    assert_eq!(choice.method.strategy, Strategy::Stream);
    insta::assert_snapshot!(choice.reason, @"stream by forecast: recordHash failed when it was timed; stream 2.0 s (source 2.00, target 6.00 µs a row); textDigest 2.5 s (source 1.00, target 10.00 µs a row)");
    assert_eq!(choose(&methods, &[], &layouts, &limits), None);
}

fn limits(connections: u32, duty: u8) -> Limits {
    Limits {
        connections,
        unit_target: Duration::from_millis(700),
        unit_limit: Duration::from_secs(30),
        duty,
        max_active_sessions: None,
        max_lag: None,
    }
}
