use super::super::given_catalogs::{a_rule, a_spec, a_sum, owned};
use super::super::spec::{Expectation, Invariant, Reference, Rule};
use super::*;

/// The problems that a change to the boring wish brings about, by name and path.
fn found(change: impl FnOnce(&mut Spec)) -> Vec<String> {
    let mut spec = a_spec();
    change(&mut spec);
    check(&spec)
        .iter()
        .map(|problem| format!("{} {}", problem.name, problem.path))
        .collect()
}

#[test]
fn the_boring_wish_has_no_problems() {
    assert_eq!(found(|_| ()), [""; 0]);
}

#[test]
fn a_problem_reads_with_its_code_and_place() {
    let mut spec = a_spec();
    spec.limits.source.duty = 0;

    let problems = check(&spec);

    assert_eq!(
        problems[0].to_string(),
        "CUT-202: `limits.source.duty`: 0 is not a share of 1 to 100 percent"
    );
}

#[test]
fn patterns_must_be_readable_and_there_once() {
    let problems = found(|spec| {
        spec.scope.include = owned(&["a.b.c", "pay*", "pay*"]);
        spec.scope.exclude = owned(&["pay*", ""]);
    });

    assert_eq!(
        problems,
        [
            "malformed_pattern tables[0]",
            "duplicate_pattern tables[2]",
            "malformed_pattern excludeTables[1]",
            "contrary_pattern excludeTables[0]",
        ]
    );
}

#[test]
fn columns_keys_and_schemas_must_name_what_can_be_there() {
    let problems = found(|spec| {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        spec.scope.schemas = [pair("a", "c"), pair("b", "c"), pair("d", "")].into();
        spec.scope.exclude_columns = [
            pair("note", "why"),
            pair("payments.", "why"),
            pair("payments.note", " "),
        ]
        .into();
        spec.scope.keys = [
            ("pay*".to_owned(), owned(&["id"])),
            ("payments".to_owned(), owned(&["id", "id"])),
            ("refunds".to_owned(), Vec::new()),
        ]
        .into();
    });

    assert_eq!(
        problems,
        [
            "shared_schema schemas[\"b\"]",
            "empty_schema schemas[\"d\"]",
            "malformed_column excludeColumns[\"note\"]",
            "malformed_column excludeColumns[\"payments.\"]",
            "missing_reason excludeColumns[\"payments.note\"]",
            "malformed_table keys[\"pay*\"]",
            "repeated_column keys[\"payments\"]",
            "empty_key keys[\"refunds\"]",
        ]
    );
}

#[test]
fn limits_must_let_something_be_read() {
    let problems = found(|spec| {
        spec.limits.source.connections = 0;
        spec.limits.source.max_lag = Some(Duration::from_secs(1));
        spec.limits.target.duty = 101;
        spec.limits.target.unit_target = Duration::from_mins(1);
        spec.limits.target.max_active_sessions = Some(0);
        spec.settling.max_rounds = 0;
        spec.settling.max_candidates = 0;
    });

    assert_eq!(
        problems,
        [
            "no_connections limits.source.connections",
            "lag_without_follow limits.source.maxLag",
            "unit_limit_too_short limits.target.unitLimit",
            "impossible_duty limits.target.duty",
            "no_sessions limits.target.maxActiveSessions",
            "no_rounds settling.maxRounds",
            "no_candidates settling.maxCandidates",
        ]
    );
}

#[test]
fn how_the_target_follows_must_be_complete() {
    let with = |follow: Follow| found(|spec| spec.follow = follow);
    let marker = |table: &str| Follow::Marker {
        table: table.to_owned(),
    };

    assert_eq!(with(marker("cutover_control.marker")), [""; 0]);
    assert_eq!(
        with(marker(" ")),
        ["missing_marker_table follow.markerTable"]
    );
    assert_eq!(with(marker("a.*")), ["malformed_table follow.markerTable"]);
    assert_eq!(
        with(Follow::Delay {
            longest: Duration::ZERO
        }),
        ["no_delay follow.longest"]
    );
    assert_eq!(
        found(|spec| {
            spec.follow = Follow::Native;
            spec.limits.source.max_lag = Some(Duration::ZERO);
            spec.settling.max_wait = Duration::ZERO;
        }),
        ["no_lag limits.source.maxLag", "no_wait settling.maxWait"]
    );
}

#[test]
fn a_sample_is_smaller_than_all_and_nothing_is_not_asked() {
    assert_eq!(
        found(|spec| spec.checks.rows = RowCheck::Sample { every: 1 }),
        ["sample_of_all checks.sampleEvery"]
    );
    assert_eq!(
        found(|spec| {
            spec.checks.rows = RowCheck::Skip;
            spec.checks.schema = false;
            spec.checks.orphans = false;
            spec.checks.declared_checks = false;
        }),
        ["nothing_asked checks"]
    );
}

#[test]
fn a_rule_has_either_a_condition_or_a_query() {
    let bare = |name: &str| Rule {
        condition: None,
        table: None,
        ..a_rule(name, "", "")
    };
    let problems = found(|spec| {
        spec.checks.rules = vec![
            bare("none"),
            Rule {
                query: Some("SELECT 1".to_owned()),
                ..a_rule("both", "payments", "true")
            },
            Rule {
                table: None,
                ..a_rule("homeless", "", "true")
            },
            Rule {
                target_query: Some("SELECT 1".to_owned()),
                ..a_rule("homeless", "payments", "true")
            },
            a_rule("", "pay*", "true"),
        ];
    });

    assert_eq!(
        problems,
        [
            "empty_rule checks.rules[0]",
            "double_rule checks.rules[1]",
            "missing_table checks.rules[2].table",
            "duplicate_name checks.rules[3].name",
            "lonely_target_query checks.rules[3].targetQuery",
            "missing_name checks.rules[4].name",
            "malformed_table checks.rules[4].table",
        ]
    );
}

#[test]
fn a_text_in_sql_is_one_statement() {
    let problems = found(|spec| {
        spec.checks.rules = vec![
            a_rule("a", "payments", "true; DROP TABLE payments"),
            a_rule("b", "payments", "true) OR (true"),
        ];
        spec.checks.invariants = vec![Invariant {
            name: "sum".to_owned(),
            query: "SELECT 1; DELETE FROM payments".to_owned(),
            target_query: Some(" ".to_owned()),
            expect: Expectation::Equal,
        }];
    });

    assert_eq!(
        problems,
        [
            "several_statements checks.rules[0].condition",
            "unpaired_brackets checks.rules[1].condition",
            "several_statements checks.invariants[0].query",
            "empty_sql checks.invariants[0].targetQuery",
        ]
    );
}

#[test]
fn sums_and_references_name_columns() {
    let problems = found(|spec| {
        spec.checks.sums = vec![
            a_sum("payments", &["currency"], &[]),
            a_sum("pay*", &[], &["amount", "amount"]),
        ];
        spec.checks.references = vec![
            Reference {
                table: "payments".to_owned(),
                columns: owned(&["a", "b"]),
                referred: "customers".to_owned(),
                referred_columns: owned(&["id"]),
            },
            Reference {
                table: "payments".to_owned(),
                columns: Vec::new(),
                referred: "a.b.c".to_owned(),
                referred_columns: Vec::new(),
            },
        ];
    });

    assert_eq!(
        problems,
        [
            "empty_sums checks.sums[0]",
            "malformed_table checks.sums[1].table",
            "repeated_column checks.sums[1].sums",
            "uneven_reference checks.references[0].referredColumns",
            "malformed_table checks.references[1].referred",
            "empty_reference checks.references[1].columns",
        ]
    );
}
