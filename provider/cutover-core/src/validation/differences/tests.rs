use std::fmt::Write as _;

use super::super::catalog::{ForeignKey, Index, Kind, Made, Partitioning, Sequence};
use super::super::given_catalogs::{
    BIGINT, INT, MOMENT, TEXT, a_catalog, a_column, a_name, a_sequence, a_spec, a_table,
    a_unique_index, an_enum, an_index, numeric, owned, servers, twice, two_postgres, varchar,
};
use super::super::spec::Follow;
use super::*;

const MYSQL_TO_POSTGRES: (Engine, Engine) = (Engine::Mysql, Engine::Postgres);

fn read(findings: &[SchemaFinding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let SchemaFinding {
            severity,
            kind,
            place,
            text: what,
        } = finding;
        writeln!(text, "{severity:?} {kind} at {place}: {what}").expect("text can be written");
    }
    text
}

/// The findings between two tables of PostgreSQL, as severity and kind.
fn kinds(source: Table, target: Table, mode: Mode) -> Vec<String> {
    let spec = Spec { mode, ..a_spec() };
    let catalogs = Both {
        source: a_catalog([source]),
        target: a_catalog([target]),
    };
    found(&spec, &catalogs, &two_postgres())
}

fn found(spec: &Spec, catalogs: &Both<Catalog>, servers: &Both<Server>) -> Vec<String> {
    compare(spec, catalogs, servers)
        .iter()
        .map(|finding| format!("{:?} {}", finding.severity, finding.kind))
        .collect()
}

/// The same before the switch, between two columns of that kind.
fn between(source: &Kind, target: &Kind) -> Vec<String> {
    let with = |kind: &Kind| a_table("payments").with(a_column("a", kind.clone()));
    kinds(with(source), with(target), Mode::PreMigration)
}

fn payments() -> Table {
    a_table("payments")
        .with(a_column("amount", numeric(12, 2)).not_null())
        .with(a_column("status", varchar(20)).or("'new'::character varying"))
        .with(a_column("created_at", MOMENT).or("now()"))
        .index(a_unique_index(&["status"]))
        .index(an_index(&["created_at DESC"]))
        .check("positive", "(amount > (0)::numeric)")
        .referring(&["status"], "payments")
}

#[test]
fn the_same_schema_twice_has_no_findings() {
    let mut catalogs = twice([payments()]);
    catalogs.source.sequences = vec![a_sequence("payments")];
    catalogs.target.sequences = vec![a_sequence("payments")];

    assert_eq!(found(&a_spec(), &catalogs, &two_postgres()), [""; 0]);
}

#[test]
fn what_is_expected_between_engines_is_no_finding() {
    let counted = || {
        a_column("id", BIGINT)
            .not_null()
            .made(Made::Identity { always: false })
    };
    let mysql = a_table("shop.payments")
        .with(a_column("status", varchar(20)).or("new"))
        .with(a_column("fee", numeric(8, 2)).or("0.00"))
        .with(a_column("active", Kind::Boolean).or("1"))
        .index(an_index(&["fee"]));
    let postgres = a_table("public.payments")
        .with(a_column("status", varchar(20)).or("'new'::character varying"))
        .with(a_column("fee", numeric(8, 2)).or("0"))
        .with(a_column("active", Kind::Boolean).or("true"))
        .index(an_index(&["fee"]));
    let with_counter = |mut table: Table| {
        table.columns[0] = counted();
        table
    };
    let catalogs = Both {
        source: a_catalog([with_counter(mysql)]),
        target: a_catalog([with_counter(postgres)]),
    };

    let findings = compare(
        &a_spec(),
        &catalogs,
        &servers(MYSQL_TO_POSTGRES.0, MYSQL_TO_POSTGRES.1),
    );

    assert_eq!(
        findings
            .iter()
            .map(|finding| finding.kind.as_str())
            .collect::<Vec<_>>(),
        ["nul_in_text", "tinyint_as_boolean"]
    );
    assert!(
        findings
            .iter()
            .all(|finding| finding.severity == Severity::Informs)
    );
}

/// D20
#[test]
fn a_target_that_was_made_in_a_hurry_reads_like_this() {
    let source = [
        a_table("shop.customers"),
        a_table("shop.ledger"),
        payments()
            .with(a_column("kind", an_enum(&["card", "sepa"])).called("enum('card','sepa')"))
            .with(a_column("note", TEXT)),
    ];
    let source = source.map(|table| Table {
        name: a_name(&format!("shop.{}", table.name.name)),
        ..table
    });
    let target = [
        a_table("customers").keyless(),
        a_table("payments")
            .with(a_column("amount", numeric(10, 0)).called("numeric(10)"))
            .with(a_column("status", varchar(10)).called("varchar(10)"))
            .with(
                a_column(
                    "created_at",
                    Kind::Timestamp {
                        digits: 0,
                        zoned: false,
                    },
                )
                .called("timestamp(0)"),
            )
            .with(a_column("kind", TEXT).called("text"))
            .with(a_column("tenant", INT).not_null())
            .trigger("audit", true),
        a_table("stray"),
    ];
    let catalogs = Both {
        source: a_catalog(source),
        target: a_catalog(target),
    };

    let findings = compare(
        &a_spec(),
        &catalogs,
        &servers(MYSQL_TO_POSTGRES.0, MYSQL_TO_POSTGRES.1),
    );

    insta::assert_snapshot!(read(&findings));
}

#[test]
fn what_dms_leaves_out_warns_before_the_switch_and_blocks_from_then_on() {
    let bare = || {
        let mut table = payments();
        table.indexes.clear();
        table.checks.clear();
        table.foreign_keys.clear();
        table.columns[1].nullable = true;
        table
    };
    let at = |mode| kinds(payments(), bare(), mode);

    assert_eq!(
        at(Mode::PreMigration),
        [
            "Warns lost_not_null",
            "Warns missing_check",
            "Warns missing_foreign_key",
            "Warns missing_index",
            "Warns missing_unique_index",
        ]
    );
    for mode in [Mode::Final, Mode::PostMigration] {
        assert_eq!(
            at(mode),
            [
                "Blocks lost_not_null",
                "Blocks missing_check",
                "Blocks missing_foreign_key",
                "Blocks missing_unique_index",
                "Warns missing_index",
            ]
        );
    }
}

/// D20
#[test]
fn a_type_that_holds_less_blocks_and_one_that_holds_more_informs() {
    let unsigned = |bits| Kind::Integer {
        bits,
        unsigned: true,
    };
    let unbounded = Kind::Numeric { size: None };
    let float = |bits| Kind::Float { bits };
    let digits = |digits| Kind::Timestamp {
        digits,
        zoned: true,
    };
    for (narrow, wide, kind) in [
        (INT, BIGINT, "narrower_type"),
        (numeric(10, 2), numeric(12, 2), "smaller_precision"),
        (numeric(12, 0), numeric(14, 2), "smaller_scale"),
        (INT, numeric(10, 0), "smaller_precision"),
        (varchar(10), varchar(20), "shorter_type"),
        (varchar(10), TEXT, "shorter_type"),
        (float(32), float(64), "narrower_type"),
        (digits(3), digits(6), "fewer_digits"),
    ] {
        assert_eq!(
            between(&wide, &narrow),
            [format!("Blocks {kind}")],
            "{wide:?} to {narrow:?}"
        );
        assert!(
            between(&narrow, &wide)
                .iter()
                .all(|found| found.starts_with("Informs")),
            "{narrow:?} to {wide:?}"
        );
    }
    assert_eq!(between(&INT, &unsigned(32)), ["Blocks lost_sign"]);
    assert_eq!(between(&unsigned(64), &BIGINT), ["Blocks narrower_type"]);
    assert_eq!(between(&unsigned(64), &numeric(20, 0)), [""; 0]);
    assert_eq!(between(&unsigned(16), &INT), ["Informs wider_type"]);
    assert_eq!(
        between(&unbounded, &numeric(28, 6)),
        ["Blocks bounded_numeric", "Warns unbounded_numeric"]
    );
    assert_eq!(between(&Kind::Inet, &TEXT), ["Blocks unlike_types"]);
}

#[test]
fn words_are_compared_as_words() {
    let words = |words: &[&str]| an_enum(words);

    assert_eq!(
        between(&words(&["a", "b"]), &words(&["a"])),
        ["Blocks missing_words"]
    );
    assert_eq!(
        between(&words(&["a", "b"]), &words(&["b", "a"])),
        ["Warns order_of_words"]
    );
    assert_eq!(
        between(&words(&["a"]), &words(&["a", "b"])),
        ["Informs extra_words"]
    );
    assert_eq!(
        between(&words(&["abc"]), &varchar(2)),
        ["Blocks shorter_type", "Informs enum_as_text"]
    );
}

/// D26
#[test]
fn a_collation_that_folds_case_blocks_where_it_would_make_two_keys_one() {
    let with = |column: Column| {
        a_table("payments")
            .with(column)
            .index(a_unique_index(&["code"]))
    };
    let plain = || with(a_column("code", TEXT));
    let folding = || with(a_column("code", TEXT).folding_case());
    let mut without_index = folding();
    without_index.indexes.clear();

    assert_eq!(
        kinds(plain(), folding(), Mode::PreMigration),
        ["Blocks folded_key"]
    );
    assert_eq!(
        kinds(folding(), plain(), Mode::PreMigration),
        ["Warns collation_equality"]
    );
    assert!(
        kinds(plain(), without_index, Mode::PreMigration)
            .contains(&"Warns collation_equality".to_owned())
    );
}

#[test]
fn an_index_is_there_whatever_it_is_called_and_if_a_longer_one_serves() {
    let with = |indexes: &[Index]| {
        indexes.iter().fold(
            a_table("payments")
                .with(a_column("a", INT))
                .with(a_column("b", INT)),
            |table, index| table.index(index.clone()),
        )
    };
    let renamed = Index {
        name: "other".to_owned(),
        ..an_index(&["a", "b"])
    };
    let broken = Index {
        valid: false,
        ..an_index(&["a"])
    };
    let partial = Index {
        predicate: Some("(b > 0)".to_owned()),
        ..a_unique_index(&["a"])
    };
    let found =
        |source: &[Index], target: &[Index]| kinds(with(source), with(target), Mode::PreMigration);

    assert_eq!(found(&[an_index(&["a"])], &[renamed]), [""; 0]);
    assert_eq!(found(&[an_index(&["id"])], &[]), [""; 0]);
    assert_eq!(
        found(&[an_index(&["b"])], &[an_index(&["a", "b"])]),
        ["Warns missing_index"]
    );
    assert_eq!(
        found(&[an_index(&["a"])], &[broken]),
        ["Warns invalid_index", "Warns missing_index"]
    );
    assert_eq!(
        found(&[a_unique_index(&["a"])], &[partial]),
        ["Warns missing_unique_index"]
    );
    assert_eq!(
        found(&[], &[a_unique_index(&["a"])]),
        ["Blocks extra_unique_index"]
    );
}

#[test]
fn primary_keys_are_compared_by_their_columns() {
    let keyed = |columns: &[&str]| {
        let mut table = a_table("payments").with(a_column("tenant", INT).not_null());
        table.primary_key = Some(owned(columns));
        table
    };
    let none = || keyed(&[]).keyless();
    let found = |source, target| kinds(source, target, Mode::PreMigration);

    assert_eq!(
        found(keyed(&["id"]), none()),
        ["Blocks missing_primary_key"]
    );
    assert_eq!(
        found(keyed(&["id"]), keyed(&["tenant", "id"])),
        ["Blocks primary_key"]
    );
    assert_eq!(
        found(keyed(&["id", "tenant"]), keyed(&["tenant", "id"])),
        ["Informs primary_key_order"]
    );
    assert_eq!(found(none(), none()), ["Warns no_primary_key"]);
}

/// D21
#[test]
fn a_trigger_that_writes_for_replicated_rows_is_named() {
    let found = kinds(
        a_table("payments").trigger("audit", false),
        a_table("payments").trigger("audit", true),
        Mode::PreMigration,
    );

    assert_eq!(found, ["Warns trigger_fires_on_apply"]);
    assert_eq!(
        kinds(
            a_table("payments").trigger("audit", false),
            a_table("payments"),
            Mode::PreMigration
        ),
        ["Warns missing_trigger"]
    );
}

/// D31
#[test]
fn where_rows_lie_only_informs() {
    let cut = |names: &[&str]| Table {
        partitioning: Some(Partitioning {
            rule: "RANGE (id)".to_owned(),
            partitions: names.iter().map(|name| a_name(name)).collect(),
        }),
        ..a_table("payments")
    };

    assert_eq!(
        kinds(cut(&["p1"]), cut(&["p1", "p2"]), Mode::Final),
        ["Informs partitioning"]
    );
    assert_eq!(
        kinds(cut(&["p1"]), a_table("payments"), Mode::Final),
        ["Informs partitioning"]
    );
}

fn with_sequences(source: Sequence, target: Sequence) -> Both<Catalog> {
    let mut catalogs = twice([a_table("payments")]);
    catalogs.source.sequences = vec![source];
    catalogs.target.sequences = vec![target];
    catalogs
}

/// D32
#[test]
fn a_counter_behind_that_of_the_source_warns_before_the_switch_and_blocks_after() {
    let at = |mode, next| {
        let target = Sequence {
            next,
            ..a_sequence("payments")
        };
        let spec = Spec { mode, ..a_spec() };
        let catalogs = with_sequences(a_sequence("payments"), target);
        found(&spec, &catalogs, &two_postgres())
    };

    assert_eq!(at(Mode::PreMigration, 1), ["Warns sequence_behind"]);
    assert_eq!(at(Mode::Final, 99), ["Blocks sequence_behind"]);
    assert_eq!(at(Mode::PostMigration, 1), ["Blocks sequence_behind"]);
    assert_eq!(at(Mode::PostMigration, 100), [""; 0]);
    assert_eq!(at(Mode::Final, 10_100), [""; 0]);
}

/// D32
#[test]
fn counters_that_count_in_another_way_or_run_out_are_named() {
    let found = |target: Sequence, mode| {
        let spec = Spec { mode, ..a_spec() };
        let catalogs = with_sequences(a_sequence("payments"), target);
        found(&spec, &catalogs, &two_postgres())
    };
    let stepping = Sequence {
        increment: 2,
        cycles: true,
        ..a_sequence("payments")
    };
    let short = Sequence {
        max: 10_099,
        ..a_sequence("payments")
    };

    assert_eq!(
        found(stepping, Mode::PreMigration),
        ["Warns sequence_cycle", "Warns sequence_increment"]
    );
    assert_eq!(
        found(short.clone(), Mode::PreMigration),
        ["Blocks sequence_exhausted", "Warns sequence_max"]
    );
    assert_eq!(
        found(
            Sequence {
                max: 10_100,
                ..short
            },
            Mode::PreMigration
        ),
        ["Warns sequence_max"]
    );
}

/// D32
#[test]
fn a_counter_has_room_only_as_far_as_the_type_of_its_column() {
    let with = |kind: Kind| {
        let mut table = a_table("payments");
        table.columns[0].kind = kind;
        let next = Sequence {
            next: 2_147_480_000,
            ..a_sequence("payments")
        };
        let mut catalog = a_catalog([table]);
        catalog.sequences = vec![next];
        Both {
            source: catalog.clone(),
            target: catalog,
        }
    };

    assert_eq!(
        found(&a_spec(), &with(INT), &two_postgres()),
        ["Blocks sequence_exhausted"]
    );
    assert_eq!(found(&a_spec(), &with(BIGINT), &two_postgres()), [""; 0]);
}

/// D32
#[test]
fn numbers_that_the_target_insists_on_block_what_applies_rows_by_statements() {
    let identity = |always| {
        let mut table = a_table("payments");
        table.columns[0].made = Made::Identity { always };
        table
    };
    let catalogs = Both {
        source: a_catalog([identity(false)]),
        target: a_catalog([identity(true)]),
    };
    let with = |follow| {
        let spec = Spec { follow, ..a_spec() };
        found(&spec, &catalogs, &two_postgres())
    };

    let marker = Follow::Marker {
        table: "cutover_control.marker".to_owned(),
    };
    assert_eq!(with(marker), ["Blocks identity_always"]);
    assert_eq!(with(Follow::Native), ["Informs identity_always"]);
    assert_eq!(
        kinds(identity(false), a_table("payments"), Mode::Final),
        ["Blocks lost_identity"]
    );
}

#[test]
fn generated_columns_must_be_generated_on_both_sides_and_alike() {
    let made = |expression: &str| {
        a_table("payments").with(a_column("total", INT).made(Made::Generated {
            expression: expression.to_owned(),
            stored: true,
        }))
    };
    let plain = || a_table("payments").with(a_column("total", INT));
    let found = |source, target| kinds(source, target, Mode::PreMigration);

    assert_eq!(found(made("(a + b)"), made("a+b")), [""; 0]);
    assert_eq!(
        found(made("a + b"), made("a - b")),
        ["Warns generated_expression"]
    );
    assert_eq!(found(made("a"), plain()), ["Warns lost_generation"]);
    assert_eq!(found(plain(), made("a")), ["Blocks generated_on_target"]);
}

#[test]
fn columns_that_are_left_out_on_purpose_are_not_held_against_each_other() {
    let mut spec = a_spec();
    spec.scope.exclude_columns = ["a", "b", "c"]
        .map(|name| (format!("payments.{name}"), "why".to_owned()))
        .into();
    let catalogs = Both {
        source: a_catalog([a_table("payments")
            .with(a_column("a", INT))
            .with(a_column("b", INT))]),
        target: a_catalog([a_table("payments")
            .with(a_column("b", TEXT))
            .with(a_column("c", TEXT).not_null())]),
    };

    assert_eq!(found(&spec, &catalogs, &two_postgres()), [""; 0]);
}

#[test]
fn a_foreign_key_is_the_same_by_what_it_refers_to() {
    let change = |change: fn(&mut ForeignKey)| {
        let mut table = payments();
        change(&mut table.foreign_keys[0]);
        kinds(payments(), table, Mode::Final)
    };

    assert_eq!(change(|key| key.name = "other".to_owned()), [""; 0]);
    assert_eq!(change(|key| key.actions.0 = "RESTRICT".to_owned()), [""; 0]);
    assert_eq!(
        change(|key| key.actions.0 = "CASCADE".to_owned()),
        ["Warns foreign_key_actions"]
    );
    assert_eq!(
        change(|key| key.validated = false),
        ["Warns unvalidated_foreign_key"]
    );
    assert_eq!(
        change(|key| key.columns = owned(&["amount"])),
        ["Blocks missing_foreign_key", "Warns extra_foreign_key"]
    );
}

#[test]
fn tables_that_are_not_compared_are_listed() {
    let mut spec = a_spec();
    spec.scope.include = owned(&["payments", "ledger"]);
    let catalogs = Both {
        source: a_catalog(["customers", "ledger", "payments"].map(a_table)),
        target: a_catalog(["payments"].map(a_table)),
    };

    assert_eq!(
        read(&compare(&spec, &catalogs, &two_postgres())),
        "Blocks missing_table at ledger: the target does not have this table\n\
         Informs table_left_out at public.customers: it is not compared, since the wish leaves it out; \
         the source estimates 1000 rows\n"
    );
}
