use proptest::prelude::*;

use super::super::given_catalogs::{
    a_catalog, a_name, a_spec, a_table, servers, twice, two_postgres,
};
use super::*;

fn is_match(pattern: &str, name: &str) -> bool {
    Pattern::parse(pattern).is_some_and(|pattern| pattern.matches(&a_name(name)))
}

fn pairs(spec: &Spec, catalogs: &Both<Catalog>, servers: &Both<Server>) -> Vec<String> {
    Scoped::new(spec, catalogs, servers)
        .pairs
        .iter()
        .map(|pair| format!("{} = {}", pair.source.name, pair.target.name))
        .collect()
}

fn names(tables: &[&Table]) -> Vec<String> {
    tables.iter().map(|table| table.name.to_string()).collect()
}

#[test]
fn a_star_stands_for_any_run_of_letters() {
    assert!(is_match("payments", "other.payments"));
    assert!(is_match("pay*", "payments"));
    assert!(is_match("public.*", "payments"));
    assert!(is_match("*.pay*s", "payments"));
    assert!(is_match("a*b*c", "abc"));
    assert!(!is_match("public.payments", "other.payments"));
    assert!(!is_match("pay", "payments"));
    assert!(!is_match("a*b", "ab_c"));
    assert!(!is_match("ab*ba", "aba"));
}

#[test]
fn what_is_no_pattern_is_told() {
    for text in ["", ".", "a.", ".b", "a.b.c", " a", "a. b"] {
        assert_eq!(Pattern::parse(text), None, "{text:?}");
    }
}

/// The slow way, which tries every length for every star.
fn matches_by_trying(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skip| matches_by_trying(rest, &text[skip..])),
        Some((letter, rest)) => text
            .split_first()
            .is_some_and(|(first, after)| first == letter && matches_by_trying(rest, after)),
    }
}

proptest! {
    #[test]
    fn a_pattern_means_what_trying_every_length_finds(
        pattern in "[ab*]{0,8}", text in "[ab]{0,10}"
    ) {
        let slowly = matches_by_trying(
            &pattern.chars().collect::<Vec<_>>(),
            &text.chars().collect::<Vec<_>>(),
        );
        prop_assert_eq!(matches(&pattern, &text), slowly);
    }
}

#[test]
fn public_stands_for_the_database_of_mysql() {
    let catalogs = Both {
        source: a_catalog([a_table("shop.Payments"), a_table("audit.log")]),
        target: a_catalog([a_table("public.payments"), a_table("audit.log")]),
    };
    let mut spec = a_spec();
    spec.scope.include = vec!["*.*".to_owned()];

    let pairs = pairs(&spec, &catalogs, &servers(Engine::Mysql, Engine::Postgres));

    assert_eq!(
        pairs,
        ["shop.Payments = public.payments", "audit.log = audit.log"]
    );
}

#[test]
fn a_schema_goes_where_the_wish_sends_it() {
    let mut spec = a_spec();
    spec.scope.schemas = [("public".to_owned(), "pay".to_owned())].into();
    let catalogs = Both {
        source: a_catalog([a_table("payments")]),
        target: a_catalog([a_table("pay.payments"), a_table("public.payments")]),
    };

    assert_eq!(
        pairs(&spec, &catalogs, &two_postgres()),
        ["public.payments = pay.payments"]
    );
}

#[test]
fn of_a_mysql_server_only_the_database_in_use_and_named_ones_are_compared() {
    let servers = servers(Engine::Mariadb, Engine::Mariadb);
    let database = servers.source.database.clone();
    let catalogs = twice([
        a_table(&format!("{database}.payments")),
        a_table("ledger.entries"),
        a_table("wiki.pages"),
    ]);

    let by_default = pairs(&a_spec(), &catalogs, &servers);
    let mut spec = a_spec();
    spec.scope.include = vec!["payments".to_owned(), "led*.*".to_owned()];
    let named = pairs(&spec, &catalogs, &servers);

    let own = format!("{database}.payments = {}.payments", servers.target.database);
    assert_eq!(by_default, [own.as_str()]);
    assert_eq!(named, [own.as_str(), "ledger.entries = ledger.entries"]);
}

#[test]
fn names_that_differ_in_case_belong_together_only_without_doubt() {
    let catalogs = Both {
        source: a_catalog([a_table("shop.log"), a_table("shop.LOG")]),
        target: a_catalog([a_table("public.Log")]),
    };
    let one = Both {
        source: a_catalog([a_table("public.LOG")]),
        target: a_catalog([a_table("public.log")]),
    };

    assert_eq!(
        pairs(
            &a_spec(),
            &catalogs,
            &servers(Engine::Mysql, Engine::Postgres)
        ),
        [""; 0]
    );
    assert_eq!(pairs(&a_spec(), &one, &two_postgres()), [""; 0]);
}

#[test]
fn the_wish_says_which_tables_are_compared() {
    let mut spec = a_spec();
    spec.scope.include = vec!["pay*".to_owned(), "ledger".to_owned()];
    spec.scope.exclude = vec!["public.payouts".to_owned()];
    let catalogs = Both {
        source: a_catalog(["customers", "paychecks", "payments", "payouts"].map(a_table)),
        target: a_catalog(["customers", "payees", "payments", "zones"].map(a_table)),
    };
    let servers = two_postgres();

    let scoped = Scoped::new(&spec, &catalogs, &servers);

    assert_eq!(
        pairs(&spec, &catalogs, &servers),
        ["public.payments = public.payments"]
    );
    assert_eq!(names(&scoped.missing), ["public.paychecks"]);
    assert_eq!(names(&scoped.extra), ["public.payees"]);
    assert_eq!(
        names(&scoped.left_out),
        ["public.customers", "public.payouts"]
    );
    assert_eq!(scoped.unmatched, ["ledger"]);
}

#[test]
fn our_own_tables_and_those_of_dms_are_not_compared() {
    let mut spec = a_spec();
    spec.follow = Follow::Marker {
        table: "public.tick".to_owned(),
    };
    let catalogs = Both {
        source: a_catalog(["cutover_control.journal", "payments", "tick"].map(a_table)),
        target: a_catalog(["awsdms_apply_exceptions", "payments", "tick"].map(a_table)),
    };
    let servers = two_postgres();

    let scoped = Scoped::new(&spec, &catalogs, &servers);

    assert_eq!(scoped.pairs.len(), 1);
    assert_eq!(names(&scoped.missing), [""; 0]);
    assert_eq!(names(&scoped.extra), [""; 0]);
}

#[test]
fn a_table_is_called_without_its_schema_where_there_is_only_one() {
    let one = twice([a_table("payments")]);
    let two = twice([a_table("audit.log"), a_table("payments")]);
    let (spec, servers) = (a_spec(), two_postgres());

    let label = |catalogs| Scoped::new(&spec, catalogs, &servers).label(&a_name("payments"));

    assert_eq!(label(&one), "payments");
    assert_eq!(label(&two), "public.payments");
}
