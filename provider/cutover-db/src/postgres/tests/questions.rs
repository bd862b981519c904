//! Sums, rows that are wrong, and values that users ask for.

use std::collections::BTreeMap;

use cutover_core::validation::facts::{DbFailureClass, Figures};
use cutover_core::validation::plan::{RulePlan, RuleQuery, SumsPlan};

use super::*;

const SHOP: &str = "
    CREATE TABLE customers (id int PRIMARY KEY);
    INSERT INTO customers VALUES (1), (2);
    CREATE TABLE one (id bigint PRIMARY KEY, customer int, currency char(5), amount numeric, at timestamp);
    INSERT INTO one VALUES (1, 1, 'EUR', 0.10, '2024-01-01 10:00:00.5'), (2, 2, 'EUR', 0.20, '2024-01-01 09:00:00'),
        (3, 9, 'USD', -5, NULL), (4, NULL, NULL, NULL, NULL), (5, 8, 'USD', 5.00, NULL);";

fn table() -> TableName {
    TableName {
        schema: "public".to_owned(),
        name: "one".to_owned(),
    }
}

fn rule(query: RuleQuery) -> RulePlan {
    RulePlan {
        name: "a rule".to_owned(),
        query,
    }
}

#[tokio::test]
async fn sums_are_exact_and_their_groups_are_named_in_canonical_form() {
    let database = crate::testing::postgres("sums", SHOP).await;
    let plan = plan(
        vec![
            column("amount", NUMERIC, Form::Numeric),
            column(
                "at",
                Kind::Timestamp {
                    digits: 6,
                    zoned: false,
                },
                Form::Timestamp { digits: 0 },
            ),
            column(
                "currency",
                Kind::Text {
                    length: Some(5),
                    padded: true,
                },
                Form::Text { padded: true },
            ),
            column("id", BIGINT, Form::Integer),
        ],
        &[3],
    );
    let both = |name: &str| Both::of(|_| name.to_owned());
    let sums = SumsPlan {
        group_by: vec![both("currency")],
        sums: vec![both("amount"), both("customer")],
        latest: vec![both("at")],
    };
    let some = |text: &str| Some(text.to_owned());
    let figures = |rows, amount, customer, latest| Figures {
        rows,
        sums: vec![amount, customer],
        latest: vec![latest],
    };

    let found = database.sums(&plan, &sums).await.expect("sums");

    let expected = BTreeMap::from([
        (vec![None], figures(1, None, None, None)),
        (
            vec![some("EUR")],
            figures(2, some("0.3"), some("3"), some("2024-01-01 10:00:00")),
        ),
        (vec![some("USD")], figures(2, some("0"), some("17"), None)),
    ]);
    assert_eq!(found, expected);

    let whole = SumsPlan {
        group_by: Vec::new(),
        ..sums
    };
    let found = database.sums(&plan, &whole).await.expect("sums");
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        [&Vec::<Option<String>>::new()]
    );
    assert_eq!(found[&Vec::new()].rows, 5);
}

#[tokio::test]
async fn rows_that_are_wrong_are_counted_and_the_first_are_named() {
    let database = crate::testing::postgres("wrong_rows", SHOP).await;
    let seek = async |query, limit| database.seek(&rule(query), limit).await.expect("rows");

    let below = seek(
        RuleQuery::Where {
            table: table(),
            key: vec!["id".to_owned()],
            condition: "amount < 1 -- nobody pays less".to_owned(),
        },
        2,
    )
    .await;
    assert_eq!((below.count, below.keys), (3, vec![number(1), number(2)]));

    let orphans = seek(
        RuleQuery::Orphans {
            table: table(),
            key: vec!["id".to_owned()],
            columns: vec!["customer".to_owned()],
            referred: TableName {
                name: "customers".to_owned(),
                ..table()
            },
            referred_columns: vec!["id".to_owned()],
        },
        100,
    )
    .await;
    assert_eq!(
        (orphans.count, orphans.keys),
        (2, vec![number(3), number(5)])
    );

    // As users write it: names of their own search path, a semicolon, a comment.
    let custom = seek(
        RuleQuery::Custom("SELECT currency, id FROM one WHERE amount = -5; \n".to_owned()),
        100,
    )
    .await;
    let usd = Key(vec![KeyPart::Text("USD".to_owned())]);
    assert_eq!((custom.count, custom.keys), (1, vec![usd]));

    let nothing = seek(RuleQuery::Custom("SELECT 1 WHERE false".to_owned()), 100).await;
    assert_eq!((nothing.count, nothing.keys), (0, Vec::new()));
}

#[tokio::test]
async fn a_query_of_the_users_gives_one_value_and_can_change_nothing() {
    let database = crate::testing::postgres("one_value", SHOP).await;
    let value = async |query: &str| database.value(query).await;

    assert_eq!(
        value("SELECT sum(amount) FROM one;").await,
        Ok(Some("0.3".to_owned()))
    );
    assert_eq!(
        value("SELECT max(at) FROM one WHERE id = 1").await,
        Ok(Some("2024-01-01 10:00:00.5".to_owned()))
    );
    assert_eq!(value("SELECT NULL").await, Ok(None));
    assert_eq!(value("SELECT 1 WHERE false").await, Ok(None));
    let failure = value("SELECT id FROM one").await.expect_err("five rows");
    assert_eq!(failure.class, DbFailureClass::Malformed);
    for harmful in [
        "WITH gone AS (DELETE FROM one RETURNING id) SELECT count(*) FROM gone",
        "SELECT 1) AS a(value); COMMIT; SET default_transaction_read_only = off; DELETE FROM one; SELECT 1 FROM (SELECT 1",
        "SELECT nextval('counter')",
    ] {
        value(harmful).await.expect_err("it would change something");
    }
    assert_eq!(
        value("SELECT count(*) FROM one").await,
        Ok(Some("5".to_owned()))
    );
}
