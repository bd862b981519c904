use super::super::catalog::Kind;
use super::super::given_catalogs::{
    BIGINT, INT, MOMENT, TEXT, a_catalog, a_column, a_name, a_spec, a_table, a_unique_index, owned,
    servers, twice, two_postgres, varchar,
};
use super::super::plan::{Form, KeyPlan};
use super::super::spec::Spec;
use super::*;

fn both(
    source: impl IntoIterator<Item = Table>,
    target: impl IntoIterator<Item = Table>,
) -> Both<Catalog> {
    Both {
        source: a_catalog(source),
        target: a_catalog(target),
    }
}

/// The key of the only table, by the names of its columns; empty where equal rows are counted.
fn key_of(spec: &Spec, catalogs: &Both<Catalog>) -> Vec<String> {
    let planned = tables(spec, catalogs, &two_postgres());
    let plan = planned.tables.first().expect("there is a table");
    let columns = plan.key_columns();
    columns
        .iter()
        .map(|column| column.names.source.clone())
        .collect()
}

fn a_keyless_table() -> Table {
    a_table("payments")
        .with(a_column("code", TEXT).not_null())
        .with(a_column("note", TEXT))
        .keyless()
}

#[test]
fn columns_are_paired_by_name_in_the_order_of_the_source() {
    let source = a_table("shop.payments")
        .with(a_column("paidAt", MOMENT))
        .with(a_column("amount", INT));
    let target = a_table("public.payments")
        .with(a_column("AMOUNT", BIGINT))
        .with(a_column("paidat", MOMENT));

    let planned = tables(
        &a_spec(),
        &both([source], [target]),
        &servers(Engine::Mysql, Engine::Postgres),
    );

    let plan = &planned.tables[0];
    let names: Vec<_> = plan
        .columns
        .iter()
        .map(|column| (column.names.source.as_str(), column.names.target.as_str()))
        .collect();
    assert_eq!(
        names,
        [("amount", "AMOUNT"), ("id", "id"), ("paidAt", "paidat")]
    );
    assert_eq!(plan.key, KeyPlan::Columns(vec![1]));
    assert_eq!(plan.columns[0].form, Form::Integer);
    assert_eq!(planned.reasons, [""; 0]);
}

#[test]
fn the_largest_table_comes_first() {
    let small = a_table("a").bytes(1);
    let large = a_table("b").bytes(100);

    let planned = tables(&a_spec(), &twice([small, large]), &two_postgres());

    let labels: Vec<_> = planned
        .tables
        .iter()
        .map(|plan| plan.label.as_str())
        .collect();
    assert_eq!(labels, ["b", "a"]);
}

#[test]
fn a_missing_table_and_a_pattern_without_tables_leave_the_verdict_open() {
    let mut spec = a_spec();
    spec.scope.include = owned(&["payments", "ledger*"]);

    let planned = tables(&spec, &both([a_table("payments")], []), &two_postgres());

    assert_eq!(
        planned.reasons,
        [
            "no table of the source is called `ledger*`",
            "payments: the target does not have this table"
        ]
    );
    assert_eq!(planned.findings[0].kind, "unmatched_pattern");
}

#[test]
fn rows_that_may_be_out_of_sight_refuse_their_table() {
    let hidden = Table {
        hides_rows: true,
        ..a_table("payments")
    };
    let closed = Table {
        readable: false,
        ..a_table("customers")
    };
    let catalogs = both(
        [a_table("customers"), a_table("payments")],
        [closed, hidden],
    );

    let planned = tables(&a_spec(), &catalogs, &two_postgres());

    assert_eq!(planned.tables, []);
    assert_eq!(
        planned.reasons,
        [
            "customers: the user may not read `public.customers` of the target; grant it `SELECT`",
            "payments: row-level security may hide rows of `public.payments` of the target from the user; give it \
             `BYPASSRLS`"
        ]
    );
}

/// D20
#[test]
fn a_column_that_cannot_be_compared_is_named_and_the_others_are_compared() {
    let source = a_table("payments")
        .with(a_column("place", Kind::Inet).called("inet"))
        .with(a_column("gone", INT));
    let target = a_table("payments").with(a_column("place", TEXT).called("text"));

    let planned = tables(&a_spec(), &both([source], [target]), &two_postgres());

    assert_eq!(planned.tables[0].columns.len(), 1);
    assert_eq!(
        planned.reasons,
        [
            "payments.gone: the target does not have this column",
            "payments.place: there is no form in which `inet` of PostgreSQL and `text` of PostgreSQL can be compared"
        ]
    );
}

#[test]
fn a_column_left_out_on_purpose_is_accepted_with_its_reason() {
    let mut spec = a_spec();
    spec.scope.exclude_columns = [
        (
            "payments.cache".to_owned(),
            "rebuilt every night".to_owned(),
        ),
        ("public.payments.added".to_owned(), "new".to_owned()),
        ("payments.typo".to_owned(), "?".to_owned()),
    ]
    .into();
    let source = a_table("payments").with(a_column("cache", TEXT));
    let target = a_table("payments").with(a_column("added", TEXT));

    let planned = tables(&spec, &both([source], [target]), &two_postgres());

    let excluded = &planned.tables[0].excluded;
    assert_eq!(excluded.len(), 2);
    assert!(excluded.iter().all(|column| column.accepted));
    assert_eq!(planned.reasons, [""; 0]);
    assert_eq!(planned.findings.len(), 1);
    assert_eq!(planned.findings[0].place, "payments.typo");
}

#[test]
fn a_column_of_the_target_alone_leaves_the_verdict_open_unless_it_is_made_there() {
    let made = Made::Generated {
        expression: "id + 1".to_owned(),
        stored: true,
    };
    let target = a_table("payments")
        .with(a_column("extra", TEXT))
        .with(a_column("total", INT).made(made));

    let planned = tables(
        &a_spec(),
        &both([a_table("payments")], [target]),
        &two_postgres(),
    );

    assert_eq!(
        planned.reasons,
        ["payments.extra: the source does not have this column"]
    );
}

#[test]
fn a_count_needs_no_columns_to_be_comparable() {
    let mut spec = a_spec();
    spec.checks.rows = RowCheck::Count;
    let source = a_table("payments").with(a_column("place", Kind::Inet));
    let target = a_table("payments").with(a_column("place", TEXT));

    assert_eq!(
        tables(&spec, &both([source], [target]), &two_postgres()).reasons,
        [""; 0]
    );
}

#[test]
fn the_primary_key_tells_rows_apart() {
    let table = a_table("payments").with(a_column("code", TEXT).not_null());
    let mut spec = a_spec();
    spec.scope.keys = [("payments".to_owned(), owned(&["code"]))].into();

    assert_eq!(key_of(&spec, &twice([table])), ["id"]);
}

/// D30
#[test]
fn a_table_without_a_key_is_compared_by_whole_rows() {
    assert_eq!(key_of(&a_spec(), &twice([a_keyless_table()])), [""; 0]);
}

/// D30
#[test]
fn a_unique_index_without_nulls_on_both_sides_is_as_good_as_a_key() {
    let with = |parts: &[&str]| a_keyless_table().index(a_unique_index(parts));
    let partial = a_keyless_table().index(super::super::catalog::Index {
        predicate: Some("note is null".to_owned()),
        ..a_unique_index(&["code"])
    });

    assert_eq!(key_of(&a_spec(), &twice([with(&["code DESC"])])), ["code"]);
    assert_eq!(key_of(&a_spec(), &twice([with(&["note"])])), [""; 0]);
    assert_eq!(key_of(&a_spec(), &twice([with(&["lower(code)"])])), [""; 0]);
    assert_eq!(key_of(&a_spec(), &twice([partial])), [""; 0]);
    assert_eq!(
        key_of(&a_spec(), &both([with(&["code"])], [a_keyless_table()])),
        [""; 0]
    );
}

/// D30
#[test]
fn the_users_key_must_be_unique_somewhere_or_equal_rows_could_cancel() {
    let mut spec = a_spec();
    spec.scope.keys = [("payments".to_owned(), owned(&["code"]))].into();
    let indexed = a_keyless_table().index(a_unique_index(&["code"]));

    assert_eq!(
        key_of(&spec, &both([indexed], [a_keyless_table()])),
        ["code"]
    );
    let planned = tables(&spec, &twice([a_keyless_table()]), &two_postgres());
    assert_eq!(planned.tables[0].key, KeyPlan::WholeRow);
    assert_eq!(
        planned.findings[0].text,
        "the columns given as its key are not used: neither side has a unique index over them"
    );
}

#[test]
fn a_key_that_loses_digits_on_the_way_is_none() {
    let with = |digits| {
        let at = Kind::Timestamp {
            digits,
            zoned: true,
        };
        let mut table = a_table("payments").with(a_column("at", at).not_null());
        table.primary_key = Some(owned(&["at"]));
        table
    };

    assert_eq!(key_of(&a_spec(), &both([with(6)], [with(6)])), ["at"]);
    assert_eq!(key_of(&a_spec(), &both([with(6)], [with(0)])), [""; 0]);
}

/// D26
#[test]
fn a_text_key_that_a_collation_folds_is_a_key_by_its_bytes() {
    let with = |fold: bool| {
        let code = a_column("code", varchar(20)).not_null();
        let code = if fold { code.folding_case() } else { code };
        let mut table = a_table("payments").with(code);
        table.primary_key = Some(owned(&["code"]));
        table
    };
    let catalogs = both([with(false)], [with(true)]);

    let planned = tables(&a_spec(), &catalogs, &two_postgres());

    let plan = &planned.tables[0];
    assert_eq!(plan.key, KeyPlan::Columns(vec![0]));
    assert_eq!(
        plan.columns[0].deterministic,
        Both {
            source: true,
            target: false
        }
    );
}

/// D31
#[test]
fn a_partitioned_table_is_compared_as_one_however_it_is_cut() {
    use super::super::catalog::Partitioning;
    let cut = |partitions: &[&str]| Table {
        partitioning: Some(Partitioning {
            rule: "RANGE (id)".to_owned(),
            partitions: partitions.iter().map(|name| a_name(name)).collect(),
        }),
        ..a_table("payments")
    };

    let planned = tables(
        &a_spec(),
        &both([cut(&["p1"])], [cut(&["p1", "p2"])]),
        &two_postgres(),
    );

    assert_eq!(planned.tables.len(), 1);
    assert_eq!(planned.reasons, [""; 0]);
}
