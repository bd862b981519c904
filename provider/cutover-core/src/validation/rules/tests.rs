use super::super::catalog::Catalog;
use super::super::given_catalogs::{
    BIGINT, INT, TEXT, a_catalog, a_column, a_rule, a_spec, a_table, an_enum, owned, servers,
    twice, two_postgres,
};
use super::super::tables::{Planned, tables};
use super::*;

/// The rules that come of it, as side, name and question.
fn read(planned: &Planned) -> Vec<String> {
    planned
        .rules
        .iter()
        .map(|(side, rule, kind)| {
            let asked = match &rule.query {
                RuleQuery::Where {
                    table,
                    key,
                    condition,
                } => format!("{table} by {}: {condition}", key.join(",")),
                RuleQuery::Orphans {
                    table,
                    columns,
                    referred,
                    referred_columns,
                    ..
                } => format!(
                    "{table}.{} in {referred}.{}",
                    columns.join(","),
                    referred_columns.join(",")
                ),
                RuleQuery::Custom(query) => query.clone(),
            };
            format!("{side} {kind:?} [{}] {asked}", rule.name)
        })
        .collect()
}

fn both(
    source: impl IntoIterator<Item = Table>,
    target: impl IntoIterator<Item = Table>,
) -> Both<Catalog> {
    Both {
        source: a_catalog(source),
        target: a_catalog(target),
    }
}

#[test]
fn a_reference_that_either_side_declares_is_looked_at_on_both() {
    let plain = || a_table("payments").with(a_column("customer_id", BIGINT));
    let expected = [
        "target Orphan [payments: (customer_id) refers to public.customers (id)] \
         public.payments.customer_id in public.customers.id",
        "source Orphan [payments: (customer_id) refers to public.customers (id)] \
         public.payments.customer_id in public.customers.id",
    ];
    let referring = || plain().referring(&["customer_id"], "customers");
    let customers = || a_table("customers");

    for (source, target) in [
        (referring(), plain()),
        (plain(), referring()),
        (referring(), referring()),
    ] {
        let catalogs = both([customers(), source], [customers(), target]);
        let planned = tables(&a_spec(), &catalogs, &two_postgres());
        assert_eq!(read(&planned), expected);
    }
}

#[test]
fn a_reference_that_the_user_declares_is_looked_at_as_well() {
    let mut spec = a_spec();
    spec.checks.orphans = false;
    spec.checks.references = vec![Reference {
        table: "payments".to_owned(),
        columns: owned(&["customer_id"]),
        referred: "customers".to_owned(),
        referred_columns: owned(&["id"]),
    }];
    let payments = a_table("payments").with(a_column("customer_id", BIGINT));

    let planned = tables(
        &spec,
        &twice([a_table("customers"), payments.clone()]),
        &two_postgres(),
    );
    let without = tables(&spec, &twice([payments]), &two_postgres());

    assert_eq!(planned.rules.len(), 2);
    assert_eq!(without.rules, []);
    assert_eq!(
        without.reasons,
        [
            "reference from `payments` to `customers`: `customers` is not among the tables that are compared"
        ]
    );
}

#[test]
fn a_reference_across_engines_is_named_as_each_side_names_it() {
    let source = [
        a_table("shop.Customers"),
        a_table("shop.Payments")
            .with(a_column("customerId", BIGINT))
            .referring(&["customerId"], "shop.Customers"),
    ];
    let target = [
        a_table("customers"),
        a_table("payments").with(a_column("customerid", BIGINT)),
    ];

    let planned = tables(
        &a_spec(),
        &both(source, target),
        &servers(Engine::Mysql, Engine::Postgres),
    );

    assert_eq!(
        read(&planned),
        [
            "target Orphan [Payments: (customerId) refers to shop.Customers (id)] \
             public.payments.customerid in public.customers.id",
            "source Orphan [Payments: (customerId) refers to shop.Customers (id)] \
             shop.Payments.customerId in shop.Customers.id",
        ]
    );
}

#[test]
fn a_check_is_held_against_both_sides_where_both_understand_it() {
    let source = || {
        a_table("payments")
            .with(a_column("amount", INT))
            .check("positive", "(amount > 0)")
    };
    let target = || {
        a_table("payments")
            .with(a_column("amount", INT))
            .check("positive", "amount > 1")
            .check("renamed", "amount>0")
    };

    let kin = tables(&a_spec(), &both([source()], [target()]), &two_postgres());
    let across = tables(
        &a_spec(),
        &both([source()], [target()]),
        &servers(Engine::Postgres, Engine::Mysql),
    );

    assert_eq!(
        read(&kin),
        [
            "target Invalid [payments: check positive] public.payments by id: NOT ((amount > 0))",
            "source Invalid [payments: check positive] public.payments by id: NOT ((amount > 0))",
            "target Invalid [payments: check positive of the target] public.payments by id: NOT (amount > 1)",
            "source Invalid [payments: check positive of the target] public.payments by id: NOT (amount > 1)",
        ]
    );
    // MySQL's database is called `shop`, where this table is not.
    assert_eq!(read(&across), [""; 0]);
    let at_home = both(
        [source()],
        [Table {
            name: super::super::given_catalogs::a_name("shop.payments"),
            ..target()
        }],
    );
    assert_eq!(
        read(&tables(
            &a_spec(),
            &at_home,
            &servers(Engine::Postgres, Engine::Mysql)
        )),
        [
            "source Invalid [payments: check positive] public.payments by id: NOT ((amount > 0))",
            "target Invalid [payments: check positive] shop.payments by id: NOT (amount > 1)",
            "target Invalid [payments: check renamed] shop.payments by id: NOT (amount>0)",
        ]
    );
}

/// D20
#[test]
fn what_the_source_enforces_and_the_target_does_not_is_looked_for() {
    let source = a_table("shop.payments")
        .with(a_column("amount", INT).not_null())
        .with(a_column("status", an_enum(&["new", "it's"])));
    let target = a_table("payments")
        .with(a_column("amount", INT))
        .with(a_column("status", TEXT));

    let planned = tables(
        &a_spec(),
        &both([source], [target]),
        &servers(Engine::Mysql, Engine::Postgres),
    );

    assert_eq!(
        read(&planned),
        [
            "target Invalid [payments.amount is null] public.payments by id: \"amount\" IS NULL",
            "target Invalid [payments.status is none of the words of the source] public.payments by id: \
             \"status\"::text COLLATE \"C\" NOT IN ('new', 'it''s')",
            "source Invalid [payments.status is none of the words of the source] shop.payments by id: \
             CAST(CONVERT(`status` USING utf8mb4) AS BINARY) NOT IN ('new', 'it''s')",
        ]
    );
}

#[test]
fn the_users_rules_are_asked_on_both_sides() {
    let mut spec = a_spec();
    let query = Rule {
        name: "late".to_owned(),
        table: None,
        condition: None,
        query: Some("SELECT id FROM payments WHERE late".to_owned()),
        target_query: Some("SELECT id FROM payments WHERE is_late".to_owned()),
    };
    spec.checks.rules = vec![
        a_rule("fee", "payments", "fee > amount"),
        query,
        a_rule("lost", "ledger", "true"),
    ];

    let planned = tables(&spec, &twice([a_table("payments")]), &two_postgres());

    assert_eq!(
        read(&planned),
        [
            "target Invalid [fee] public.payments by id: fee > amount",
            "source Invalid [fee] public.payments by id: fee > amount",
            "target Invalid [late] SELECT id FROM payments WHERE is_late",
            "source Invalid [late] SELECT id FROM payments WHERE late",
        ]
    );
    assert_eq!(
        planned.reasons,
        ["rule `lost`: `ledger` is not among the tables that are compared"]
    );
}

#[test]
fn nothing_is_looked_for_that_was_not_asked_for() {
    let mut spec = a_spec();
    spec.checks.orphans = false;
    spec.checks.declared_checks = false;
    let payments = a_table("payments")
        .with(a_column("parent_id", BIGINT))
        .referring(&["parent_id"], "payments")
        .check("positive", "id > 0");

    assert_eq!(tables(&spec, &twice([payments]), &two_postgres()).rules, []);
}
