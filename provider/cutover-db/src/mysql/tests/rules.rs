//! Sums, rows that are wrong, and values.

use cutover_core::validation::catalog::{Kind, TableName};
use cutover_core::validation::digest::{Key, KeyPart};
use cutover_core::validation::facts::{DbFailureClass, Figures};
use cutover_core::validation::plan::{Form, RulePlan, RuleQuery, SumsPlan};
use cutover_core::validation::side::Both;
use cutover_driver::Database as _;

use super::{column, id, number, table, text, word};
use crate::testing;

fn named(database: &crate::Mysql, name: &str) -> TableName {
    TableName {
        schema: database.address.database.clone(),
        name: name.to_owned(),
    }
}

fn rule(query: RuleQuery) -> RulePlan {
    RulePlan {
        name: "rule".to_owned(),
        query,
    }
}

fn both(names: &[&str]) -> Vec<Both<String>> {
    names
        .iter()
        .map(|&name| Both::of(|_| name.to_owned()))
        .collect()
}

#[tokio::test]
async fn sums_are_exact_and_groups_are_told_apart_by_their_bytes() {
    let script = "CREATE TABLE t (id bigint PRIMARY KEY, currency varchar(5), live tinyint(1), amount decimal(30,3), at datetime(6));
        INSERT INTO t VALUES (1, 'EUR', 1, 0.100, '2024-01-01'), (2, 'EUR', 1, 9007199254740993.200, '2024-01-02 00:00:00.5'),
            (3, 'eur', 1, 1, '2024-01-03'), (4, 'EUR ', 1, 2, NULL), (5, NULL, 0, NULL, NULL)";
    let database = testing::mariadb("rules_sums", script).await;
    let moment = Kind::Timestamp {
        digits: 6,
        zoned: false,
    };
    let columns = vec![
        id(),
        text("currency"),
        column("live", "tinyint(1)", Kind::Boolean, Form::Integer),
        column(
            "amount",
            "decimal(30,3)",
            Kind::Numeric {
                size: Some((30, 3)),
            },
            Form::Numeric,
        ),
        column("at", "datetime(6)", moment, Form::Timestamp { digits: 6 }),
    ];
    let plan = table(&database, "t", columns, 1);
    let sums = SumsPlan {
        group_by: both(&["currency", "live"]),
        sums: both(&["amount", "id"]),
        latest: both(&["at"]),
    };

    let groups = database
        .sums(&plan, &sums)
        .await
        .expect("the table can be summed up");

    let group = |currency: Option<&str>, live: &str| {
        groups[&vec![currency.map(ToOwned::to_owned), Some(live.to_owned())]].clone()
    };
    let figures = |rows, amount: Option<&str>, id: &str, latest: Option<&str>| Figures {
        rows,
        sums: vec![amount.map(ToOwned::to_owned), Some(id.to_owned())],
        latest: vec![latest.map(ToOwned::to_owned)],
    };
    assert_eq!(groups.len(), 4);
    assert_eq!(
        group(Some("EUR"), "1"),
        figures(
            2,
            Some("9007199254740993.3"),
            "3",
            Some("2024-01-02 00:00:00.5")
        )
    );
    assert_eq!(
        group(Some("eur"), "1"),
        figures(1, Some("1"), "3", Some("2024-01-03 00:00:00"))
    );
    assert_eq!(group(Some("EUR "), "1"), figures(1, Some("2"), "4", None));
    assert_eq!(group(None, "0"), figures(1, None, "5", None));

    let ungrouped = SumsPlan {
        group_by: Vec::new(),
        ..sums
    };
    let all = database
        .sums(&plan, &ungrouped)
        .await
        .expect("the table can be summed up");
    assert_eq!(all[&Vec::new()].rows, 5);
}

#[tokio::test]
async fn floating_point_is_not_summed() {
    let script = "CREATE TABLE t (id bigint PRIMARY KEY, f double)";
    let database = testing::mariadb("rules_float", script).await;
    let value = column("f", "double", Kind::Float { bits: 64 }, Form::Float);
    let plan = table(&database, "t", vec![id(), value], 1);
    let sums = SumsPlan {
        group_by: Vec::new(),
        sums: both(&["f"]),
        latest: Vec::new(),
    };

    let refused = database
        .sums(&plan, &sums)
        .await
        .expect_err("it has no exact sum");

    assert_eq!(refused.class, DbFailureClass::Unsupported);
}

#[tokio::test]
async fn rows_that_break_a_rule_are_counted_and_some_are_named() {
    let script = "CREATE TABLE t (id bigint PRIMARY KEY, code varchar(5), v int); INSERT INTO t SELECT seq, CONCAT('c', seq), -seq FROM seq_1_to_20";
    let database = testing::mariadb("rules_seek", script).await;
    let broken = |key: &[&str], condition: &str| {
        rule(RuleQuery::Where {
            table: named(&database, "t"),
            key: key.iter().map(|&name| name.to_owned()).collect(),
            condition: condition.to_owned(),
        })
    };
    let seek = async |rule: RulePlan| database.seek(&rule, 2).await.expect("the rule is SQL");

    let found = seek(broken(&["id"], "v < -5 -- too low")).await;
    assert_eq!((found.count, found.keys), (15, vec![number(6), number(7)]));
    let found = seek(broken(&["code", "id"], "v = -3")).await;
    let key = Key(vec![KeyPart::Text("c3".to_owned()), KeyPart::Integer(3)]);
    assert_eq!((found.count, found.keys), (1, vec![key]));
    let found = seek(broken(&[], "v < 0")).await;
    assert_eq!((found.count, found.keys), (20, vec![]));
    assert_eq!(seek(broken(&["id"], "v > 0")).await.count, 0);
    let found = seek(rule(RuleQuery::Custom(
        "SELECT code, id FROM t WHERE v > -2;".to_owned(),
    )))
    .await;
    assert_eq!((found.count, found.keys), (1, vec![word("c1")]));

    let failure = database
        .seek(&broken(&["id"], "v <"), 2)
        .await
        .expect_err("that is no SQL");
    assert_eq!(failure.class, DbFailureClass::Malformed, "{failure:?}");
}

#[tokio::test]
async fn orphans_refer_to_nothing_and_nulls_refer_to_none() {
    let script = "CREATE TABLE parent (a int, b varchar(10), PRIMARY KEY (a, b)); INSERT INTO parent VALUES (1, 'x'), (2, 'y');
        CREATE TABLE child (id bigint PRIMARY KEY, pa int, pb varchar(10));
        INSERT INTO child VALUES (1, 1, 'x'), (2, 1, 'y'), (3, NULL, 'y'), (4, 2, NULL), (5, 3, 'z')";
    let database = testing::mariadb("rules_orphans", script).await;
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let orphans = rule(RuleQuery::Orphans {
        table: named(&database, "child"),
        key: words(&["id"]),
        columns: words(&["pa", "pb"]),
        referred: named(&database, "parent"),
        referred_columns: words(&["a", "b"]),
    });

    let found = database
        .seek(&orphans, 10)
        .await
        .expect("both tables are there");

    assert_eq!((found.count, found.keys), (2, vec![number(2), number(5)]));
}

#[tokio::test]
async fn a_query_gives_one_value_and_changes_nothing() {
    let database = testing::mariadb("rules_value", "CREATE TABLE t (id bigint PRIMARY KEY)").await;
    let value = async |query: &str| database.value(query).await;

    assert_eq!(
        value("SELECT SUM(1.50)").await.expect("it is SQL"),
        Some("1.50".to_owned())
    );
    assert_eq!(
        value("SELECT COUNT(*) FROM t").await.expect("it is SQL"),
        Some("0".to_owned())
    );
    assert_eq!(value("SELECT NULL").await.expect("it is SQL"), None);
    assert_eq!(
        value("SELECT TIMESTAMP'2024-01-01 10:00:00.250000'")
            .await
            .expect("it is SQL"),
        Some("2024-01-01 10:00:00.25".to_owned())
    );
    for query in [
        "SELECT 1 UNION SELECT 2",
        "SELECT 1, 2",
        "SELECT 1; SELECT 2",
        "SELEC 1",
    ] {
        let failure = value(query).await.expect_err(query);
        assert_eq!(
            failure.class,
            DbFailureClass::Malformed,
            "{query}: {failure:?}"
        );
    }
    for query in ["INSERT INTO t VALUES (1)", "DROP TABLE t"] {
        value(query).await.expect_err(query);
    }
    assert_eq!(
        value("SELECT COUNT(*) FROM t").await.expect("it is SQL"),
        Some("0".to_owned())
    );
}

#[tokio::test]
async fn rows_are_counted() {
    let script =
        "CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t SELECT seq FROM seq_1_to_1234";
    let database = testing::mariadb("rules_count", script).await;
    let plan = table(&database, "t", vec![id()], 1);

    assert_eq!(
        database.count(&plan).await.expect("the table is there"),
        1_234
    );
}
