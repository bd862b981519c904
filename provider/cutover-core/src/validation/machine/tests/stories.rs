//! Validations told from beginning to end.

use std::time::Duration;

use super::super::super::facts::DbFailureClass;
use super::super::super::given_catalogs::{BIGINT, a_column, a_rule, a_sum, a_table, twice};
use super::super::super::plan::Strategy;
use super::super::super::report::{Differences, ProofKind, RowDifferenceKind, Verdict};
use super::super::super::side::{Both, Side};
use super::super::super::spec::{Expectation, Follow, Invariant, Mode, RowCheck, Spec};
use super::super::Outcome;
use super::world::{Ran, Row, START, World, Write, a_wish, a_world, key, row};

fn verdicts(ran: &Ran) -> (Verdict, ProofKind) {
    (ran.report().verdict, ran.report().proof)
}

fn kinds(found: &Differences) -> (u64, u64, u64) {
    (found.missing, found.extra, found.different)
}

#[test]
fn equal_tables_match_and_give_a_proof() {
    let ran = a_world().run(a_wish());

    assert_eq!(ran.report().reasons, [""; 0]);
    assert_eq!(verdicts(&ran), (Verdict::Matched, ProofKind::Full));
    assert!(ran.report().data_validation.is_valid);
    let tables: Vec<_> = ran
        .proof()
        .expect("all is proven")
        .horizons
        .keys()
        .collect();
    assert_eq!(tables, ["payments", "refunds"]);
    assert!(
        !ran.world.asked.contains(&"reread"),
        "{:?}",
        ran.world.asked
    );
}

/// D23: one row missing, one too many and one different, in a table and with the column's name.
#[test]
fn each_kind_of_difference_is_named() {
    let mut world = a_world();
    let target = world.rows_of(Side::Target, "payments");
    target.remove(0);
    target[3].amount = 101;
    target.push(row(77, 1));

    let ran = world.run(a_wish());

    assert_eq!(verdicts(&ran), (Verdict::Mismatched, ProofKind::Full));
    let found = &ran.table("payments").differences;
    assert_eq!(kinds(found), (1, 1, 1));
    let rows: Vec<_> = found
        .rows
        .iter()
        .map(|row| (row.kind, row.key.as_deref(), row.columns.join(",")))
        .collect();
    assert_eq!(
        rows,
        [
            (RowDifferenceKind::Missing, Some("1"), String::new()),
            (RowDifferenceKind::Different, Some("5"), "amount".to_owned()),
            (RowDifferenceKind::Extra, Some("77"), String::new()),
        ]
    );
    assert_eq!(ran.table("refunds").verdict, Verdict::Matched);
    assert_eq!(ran.proof(), None);
}

/// D22: two rows that exchanged their amounts are two rows that differ.
#[test]
fn exchanged_amounts_are_two_differences() {
    let mut world = a_world();
    world.rows_of(Side::Source, "payments")[1].amount = 7;
    world.rows_of(Side::Target, "payments")[2].amount = 7;

    let ran = world.run(a_wish());

    assert_eq!(kinds(&ran.table("payments").differences), (0, 0, 2));
}

/// D23: a table in which all rows differ is settled in one go, and the list of rows is capped.
#[test]
fn the_list_of_rows_is_capped_and_the_count_is_not() {
    let mut world = a_world();
    for row in world.rows_of(Side::Target, "payments") {
        row.amount += 1;
    }
    let mut spec = a_wish();
    spec.max_keys = 4;

    let ran = world.run(spec);

    let found = &ran.table("payments").differences;
    assert_eq!((found.different, found.rows.len()), (10, 4));
}

/// D23: an empty table, and one that is empty on one side only.
#[test]
fn empty_tables_are_compared_as_any_other() {
    let mut world = a_world();
    world.rows_of(Side::Source, "refunds").clear();
    world.rows_of(Side::Target, "refunds").clear();
    world.rows_of(Side::Target, "payments").clear();

    let ran = world.run(a_wish());

    assert_eq!(ran.table("refunds").verdict, Verdict::Matched);
    assert_eq!(kinds(&ran.table("payments").differences), (10, 0, 0));
}

/// D30: three equal rows against two are one row missing.
#[test]
fn rows_of_a_table_without_a_key_are_counted() {
    let mut world = a_world();
    world.catalogs = twice([a_table("notes").with(a_column("amount", BIGINT)).keyless()]);
    *world.rows_of(Side::Source, "notes") = vec![row(1, 1), row(1, 1), row(1, 1), row(2, 2)];
    *world.rows_of(Side::Target, "notes") = vec![row(1, 1), row(2, 2), row(1, 1)];

    let ran = world.run(a_wish());

    let found = &ran.table("notes").differences;
    assert_eq!(kinds(found), (1, 0, 0));
    let copies = Both {
        source: 3,
        target: 2,
    };
    assert_eq!(found.rows[0].copies, Some(copies));
}

/// Row 3 is written every 200 ms until `until`, 10 ms after the target is read for the first time.
fn written_to(lag: i64, until: i64) -> World {
    let mut world = a_world();
    world.lags = vec![(0, lag)];
    world.writes = (0..until / 200)
        .map(|n| Write {
            at: START + n * 200,
            table: "payments",
            id: 3,
            row: Some(row(3, 1_000 + n.cast_unsigned())),
        })
        .collect();
    world
}

/// D24, D25: what only lags is no difference, however long it lags.
#[test]
fn rows_under_way_converge() {
    let ran = written_to(500, 1_000).run(a_wish());

    assert_eq!(verdicts(&ran), (Verdict::Matched, ProofKind::Full));
    let payments = ran.table("payments");
    assert_eq!((payments.candidates, payments.converged), (1, 1));
    assert!(ran.report().position.is_some());
}

/// D24: a row that is written to all the time is hot, which leaves a match possible, and the proof names it.
#[test]
fn a_row_that_never_rests_is_hot() {
    let ran = written_to(500, 1_000_000).run(a_wish());

    assert_eq!(verdicts(&ran), (Verdict::Matched, ProofKind::Full));
    assert_eq!(ran.table("payments").hot, 1);
    // Twelve rounds, of four times the lag at most.
    assert!(
        ran.report().seconds < 12.0 * 4.0 * 0.7,
        "{}",
        ran.report().seconds
    );
    assert_eq!(
        ran.proof().expect("all is proven").hot["payments"],
        [key(3)]
    );
}

#[test]
fn too_many_hot_rows_are_inconclusive() {
    let mut spec = a_wish();
    spec.settling.max_hot = 0;

    let ran = written_to(500, 1_000_000).run(spec);

    assert_eq!(ran.report().verdict, Verdict::Inconclusive);
}

/// D25: when the lag jumps to a minute, the wait is as long, and the row converges.
#[test]
fn a_lag_that_jumps_is_waited_for() {
    let mut world = written_to(300, 400);
    world.lags.push((350, 60_000));

    let ran = world.run(a_wish());

    assert_eq!(verdicts(&ran), (Verdict::Matched, ProofKind::Full));
    assert!(ran.report().seconds > 59.0, "{}", ran.report().seconds);
}

#[test]
fn a_target_that_does_not_follow_is_inconclusive() {
    let ran = written_to(10_000_000, 400).run(a_wish());

    assert_eq!(ran.report().verdict, Verdict::Inconclusive);
    assert!(ran.report().reasons[0].contains("had not had within 300 s"));
}

#[test]
fn candidates_beyond_the_limit_are_counted_as_at_least() {
    let mut world = a_world();
    world.rows_of(Side::Target, "payments").clear();
    let mut spec = a_wish();
    spec.settling.max_candidates = 4;

    let ran = world.run(spec);

    let found = &ran.table("payments").differences;
    assert_eq!((found.missing, found.at_least), (4, true));
}

/// Rows that were written while a side was read piece by piece may have moved between pieces.
#[test]
fn rows_that_may_have_moved_are_read_again() {
    let mut world = written_to(0, 200);
    world.one_snapshot = false;
    world.writes[0].at = START + 45;

    let ran = world.run(a_wish());

    assert_eq!(verdicts(&ran), (Verdict::Matched, ProofKind::Full));
    assert!(ran.world.asked.contains(&"touched"));
}

#[test]
fn a_sample_finds_what_it_reads_and_proves_nothing() {
    let mut spec = a_wish();
    spec.checks.rows = RowCheck::Sample { every: 2 };
    let mut world = a_world();
    // Of the ranges of one key each, those with odd keys have even numbers.
    world.rows_of(Side::Target, "payments")[3].amount = 1;
    let unseen = world.clone().run(spec.clone());
    world.rows_of(Side::Target, "payments")[2].amount = 1;
    let seen = world.run(spec);

    assert_eq!(verdicts(&unseen), (Verdict::Matched, ProofKind::Sample));
    assert!(!unseen.report().data_validation.is_valid);
    assert_eq!(unseen.proof(), None);
    assert_eq!(kinds(&seen.table("payments").differences), (0, 0, 1));
}

#[test]
fn a_count_is_compared_until_it_is_equal_or_stands_still() {
    let mut spec = a_wish();
    spec.checks.rows = RowCheck::Count;
    let mut world = a_world();
    world.rows_of(Side::Target, "refunds").pop();
    world.rows_of(Side::Target, "payments")[3].amount = 1;

    let ran = world.run(spec);

    assert_eq!(verdicts(&ran), (Verdict::Mismatched, ProofKind::Count));
    assert_eq!(ran.table("payments").verdict, Verdict::Matched);
    assert_eq!(kinds(&ran.table("refunds").differences), (1, 0, 0));
    assert!(!ran.world.asked.contains(&"pass"));
}

#[test]
fn where_nobody_writes_a_count_bears_witness() {
    let mut spec = a_wish();
    spec.follow = Follow::None;

    let ran = a_world().run(spec);

    assert_eq!(verdicts(&ran), (Verdict::Matched, ProofKind::Full));
    let counts = ran.world.asked.iter().filter(|name| **name == "count");
    assert_eq!(counts.count(), 2);
}

fn with_sums(mut spec: Spec) -> Spec {
    spec.checks.sums = vec![a_sum("payments", &["status"], &["amount"])];
    spec
}

#[test]
fn sums_that_differ_are_a_mismatch_even_where_rows_are_not_read() {
    let mut spec = with_sums(a_wish());
    spec.checks.rows = RowCheck::Skip;
    let mut world = a_world();
    world.rows_of(Side::Target, "payments")[0].amount = 1;

    let ran = world.run(spec);

    assert_eq!(verdicts(&ran), (Verdict::Mismatched, ProofKind::None));
    let sums = &ran.table("payments").sums;
    assert_eq!((sums.len(), sums[0].equal), (1, false));
    assert_eq!(sums[0].group, "status=0");
}

#[test]
fn sums_that_only_lag_are_equal_in_the_end() {
    let ran = written_to(500, 1_000).run(with_sums(a_wish()));

    assert_eq!(ran.report().verdict, Verdict::Matched);
    assert!(ran.table("payments").sums[0].equal);
}

#[test]
fn sums_that_never_rest_are_no_doubt_where_rows_are_proven() {
    let ran = written_to(500, 1_000_000).run(with_sums(a_wish()));

    assert_eq!(ran.report().verdict, Verdict::Matched);
    let sum = &ran.table("payments").sums[0];
    assert_eq!((sum.equal, sum.moving), (false, true));
}

fn with_rule(mut spec: Spec) -> Spec {
    spec.checks.rules = vec![a_rule("positive", "payments", "amount < 0")];
    spec
}

#[test]
fn rows_that_break_a_rule_on_the_target_alone_are_a_mismatch() {
    let mut world = a_world();
    let at = (Side::Target, "positive".to_owned());
    world.wrong.insert(at, vec![vec![4, 5]]);

    let ran = world.run(with_rule(a_wish()));

    assert_eq!(ran.report().verdict, Verdict::Mismatched);
    let section = &ran.report().invalid_records;
    assert_eq!((section.is_valid, section.count), (false, 2));
    assert_eq!(section.rules[0].keys, ["4", "5"]);
}

#[test]
fn rows_that_break_a_rule_on_both_sides_are_inherited() {
    let mut world = a_world();
    for side in Side::BOTH {
        let at = (side, "positive".to_owned());
        world.wrong.insert(at, vec![vec![4]]);
    }

    let ran = world.run(with_rule(a_wish()));

    assert_eq!(ran.report().verdict, Verdict::Matched);
    assert!(ran.report().invalid_records.rules[0].inherited);
}

/// Two looks find different rows: each was wrong only for as long as what it needed was under way.
#[test]
fn rows_that_break_a_rule_for_a_while_do_not_count() {
    let mut world = a_world();
    let at = (Side::Target, "positive".to_owned());
    world.wrong.insert(at, vec![vec![4], vec![9]]);

    let ran = world.run(with_rule(a_wish()));

    assert_eq!(ran.report().verdict, Verdict::Matched);
    assert_eq!(ran.report().invalid_records.count, 0);
}

fn with_invariant(expect: Expectation) -> Spec {
    let mut spec = a_wish();
    spec.checks.invariants = vec![Invariant {
        name: "balance".to_owned(),
        query: "SELECT 1".to_owned(),
        target_query: None,
        expect,
    }];
    spec
}

fn valued(source: &[&str], target: &[&str], expect: Expectation) -> Option<bool> {
    let of = |values: &[&str]| {
        values
            .iter()
            .map(|value| Some((*value).to_owned()))
            .collect()
    };
    let mut world = a_world();
    world.values = Both {
        source: of(source),
        target: of(target),
    };
    let ran = world.run(with_invariant(expect));
    ran.report().invariants.invariants[0].holds
}

#[test]
fn invariants_hold_fail_or_cannot_be_told() {
    let ten = || Expectation::Value("10".to_owned());

    assert_eq!(valued(&["7"], &["7"], Expectation::Equal), Some(true));
    assert_eq!(valued(&["7"], &["8"], Expectation::Equal), Some(false));
    assert_eq!(
        valued(&["7", "8", "9"], &["6", "7", "9"], Expectation::Equal),
        Some(true)
    );
    assert_eq!(valued(&["10"], &["10"], ten()), Some(true));
    assert_eq!(valued(&["9"], &["9"], ten()), Some(false));
    let moving: Vec<_> = (0..40).map(|n| n.to_string()).collect();
    let moving: Vec<_> = moving.iter().map(String::as_str).collect();
    assert_eq!(valued(&moving, &["x"], Expectation::Equal), None);
}

#[test]
fn tls_that_is_required_and_not_there_keeps_rows_where_they_are() {
    let mut spec = a_wish();
    spec.require_tls = true;

    let ran = a_world().run(spec);

    assert_eq!(verdicts(&ran), (Verdict::Inconclusive, ProofKind::None));
    assert_eq!(ran.report().tls.without, [Side::Source, Side::Target]);
    assert_eq!(ran.world.asked, ["look"]);
}

#[test]
fn a_database_is_not_compared_with_itself() {
    let mut world = a_world();
    world.servers.target = world.servers.source.clone();

    let ran = world.run(a_wish());

    assert_eq!(
        ran.report().reasons,
        ["source and target are the same database"]
    );
}

#[test]
fn a_large_table_is_read_by_the_quickest_strategy_and_says_why() {
    let mut world = a_world();
    world.estimate = 1_000_000;
    let calibrated = world.clone().run(a_wish());
    world.calibrated = false;
    let not_calibrated = world.run(a_wish());

    let table = calibrated.table("payments");
    assert_eq!(table.strategy, Some(Strategy::RecordHash));
    assert!(
        table
            .strategy_reason
            .starts_with("recordHash by forecast: ")
    );
    assert_eq!(
        not_calibrated.table("payments").strategy,
        Some(Strategy::Stream)
    );
}

/// The write pause, with what an earlier run has proven.
fn in_the_pause(world: World, change: impl FnOnce(&mut World)) -> Ran {
    let before = world.run(a_wish());
    let mut spec = a_wish();
    spec.mode = Mode::Final;
    spec.since = before.proof().cloned();
    let mut world = before.world;
    world.asked.clear();
    change(&mut world);
    world.run(spec)
}

/// D7: a payment that replication dropped after the proof, a row that it altered and one that it did not delete.
#[test]
fn what_went_wrong_since_the_proof_is_found_without_reading_all_rows() {
    let ran = in_the_pause(a_world(), |world| {
        let at = world.now + 1;
        let write = |id, row: Option<Row>| Write {
            at,
            table: "payments",
            id,
            row,
        };
        world.writes = vec![write(11, Some(row(11, 1))), write(4, None)];
        world.rows_of(Side::Target, "payments")[6].amount = 9;
        // The row of the target that somebody changed is young.
        world.writes.push(write(7, Some(row(7, 100))));
        world.lags = vec![(0, 0), (world.now - START + 2, 0)];
    });

    // Replication carried all of it over in the end.
    assert_eq!(verdicts(&ran), (Verdict::Matched, ProofKind::Delta));
    assert!(!ran.world.asked.contains(&"pass"));
    assert!(ran.proof().is_some());
}

/// D7: a payment that replication dropped after the proof is found by the keys.
#[test]
fn a_row_that_was_dropped_since_the_proof_is_found_by_its_key() {
    let ran = in_the_pause(a_world(), |world| {
        world.rows_of(Side::Source, "payments").push(row(11, 1));
        world.rows_of(Side::Source, "refunds").pop();
    });

    assert_eq!(verdicts(&ran), (Verdict::Mismatched, ProofKind::Delta));
    assert_eq!(kinds(&ran.table("payments").differences), (1, 0, 0));
    assert_eq!(kinds(&ran.table("refunds").differences), (0, 1, 0));
    assert!(!ran.world.asked.contains(&"pass"));
}

/// D24: what was hot is settled in the pause.
#[test]
fn what_was_hot_is_read_first_in_the_pause() {
    let ran = in_the_pause(written_to(500, 1_000_000), |world| {
        let now = world.now;
        world.writes.retain(|write| write.at <= now);
    });

    assert_eq!(verdicts(&ran), (Verdict::Matched, ProofKind::Delta));
    assert_eq!(ran.table("payments").candidates, 1);
}

/// D29
#[test]
fn a_proof_of_other_schemas_or_of_another_day_is_void() {
    let changes: [fn(&mut World); 3] = [
        |world| {
            let table = a_table("payments").with(a_column("amount", BIGINT));
            world.catalogs = twice([table, a_table("refunds")]);
        },
        |world| world.now += 25 * 3_600_000,
        |world| world.servers.target.identity.push('2'),
    ];
    for void in changes {
        let ran = in_the_pause(a_world(), void);

        assert_eq!(verdicts(&ran), (Verdict::Matched, ProofKind::Full));
        let reason = &ran.table("payments").strategy_reason;
        assert!(reason.contains("the former proof is void"), "{reason}");
    }
}

#[test]
fn where_changed_rows_cannot_be_told_all_are_read_in_the_pause() {
    let mut world = a_world();
    world.tells_touched = false;

    let ran = in_the_pause(world, |_| ());

    assert_eq!(verdicts(&ran), (Verdict::Matched, ProofKind::Full));
}

#[test]
fn a_run_takes_over_what_an_earlier_one_has_finished() {
    let first = a_world().run(a_wish());
    let checkpoint = first.checkpoints[0].clone();
    assert_eq!(checkpoint.finished.len(), 1);

    let mut world = first.world;
    world.asked.clear();
    let second = world.clone().run_from(a_wish(), Some(checkpoint.clone()));
    let mut other_seed = a_wish();
    other_seed.seed = 2;
    let third = world.run_from(other_seed, Some(checkpoint));

    let passes = |ran: &Ran| {
        ran.world
            .asked
            .iter()
            .filter(|name| **name == "pass")
            .count()
    };
    assert_eq!(verdicts(&second), (Verdict::Matched, ProofKind::Full));
    assert_eq!(second.report().data_validation.tables.len(), 2);
    assert_eq!((passes(&second), passes(&third)), (1, 2));
}

/// D28: a server that comes back as another one, or as a replica, ends the run.
#[test]
fn another_server_in_the_middle_ends_the_run() {
    let mut world = a_world();
    world.fails.insert(3, (Side::Target, DbFailureClass::Lost));
    world.other_target_from = Some(3);

    let ran = world.run(a_wish());

    let Outcome::Impossible(side, failure) = ran.outcome else {
        panic!("it is another server")
    };
    assert_eq!(
        (side, failure.class),
        (Side::Target, DbFailureClass::Changed)
    );
}

/// D28: a server that restarts is waited for.
#[test]
fn a_server_that_restarts_is_waited_for() {
    let mut world = a_world();
    world.fails.insert(3, (Side::Target, DbFailureClass::Lost));
    for look in 4..8 {
        world
            .fails
            .insert(look, (Side::Target, DbFailureClass::Unreachable));
    }

    let ran = world.run(a_wish());

    assert_eq!(verdicts(&ran), (Verdict::Matched, ProofKind::Full));
    assert!(ran.report().seconds > Duration::from_secs(15).as_secs_f64());
}

#[test]
fn a_table_that_may_not_be_read_leaves_the_others_as_they_are() {
    let mut world = a_world();
    world
        .fails
        .insert(2, (Side::Target, DbFailureClass::Denied));

    let ran = world.run(a_wish());

    let verdicts: Vec<_> = ["payments", "refunds"]
        .map(|table| ran.table(table).verdict)
        .into();
    assert_eq!(ran.report().verdict, Verdict::Inconclusive);
    assert_eq!(verdicts, [Verdict::Inconclusive, Verdict::Matched]);
}
