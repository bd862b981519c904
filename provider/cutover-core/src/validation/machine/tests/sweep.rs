//! Every failure at every command.

use super::super::super::facts::DbFailureClass;
use super::super::super::given_catalogs::{a_rule, a_sum};
use super::super::super::report::Verdict;
use super::super::super::side::Side;
use super::super::super::spec::{Expectation, Invariant, Mode, Spec};
use super::super::Outcome;
use super::world::{START, World, Write, a_wish, a_world, row};

const CLASSES: [DbFailureClass; 14] = [
    DbFailureClass::Unreachable,
    DbFailureClass::Untrusted,
    DbFailureClass::NoTls,
    DbFailureClass::Login,
    DbFailureClass::NoDatabase,
    DbFailureClass::Denied,
    DbFailureClass::Missing,
    DbFailureClass::Unsupported,
    DbFailureClass::Malformed,
    DbFailureClass::TimedOut,
    DbFailureClass::TooBig,
    DbFailureClass::Lost,
    DbFailureClass::Busy,
    DbFailureClass::Changed,
];

fn everything(mode: Mode) -> Spec {
    let mut spec = a_wish();
    spec.mode = mode;
    spec.checks.sums = vec![a_sum("payments", &["status"], &["amount"])];
    spec.checks.rules = vec![a_rule("positive", "payments", "amount < 0")];
    spec.checks.invariants = vec![Invariant {
        name: "balance".to_owned(),
        query: "SELECT 1".to_owned(),
        target_query: None,
        expect: Expectation::Equal,
    }];
    spec
}

/// Something for each command to do: a large table, one row that lags, and one that is wrong unless `equal`.
fn a_busy_world(equal: bool) -> World {
    let mut world = a_world();
    world.estimate = 1_000_000;
    world.one_snapshot = false;
    world.lags = vec![(0, 400)];
    world.writes = vec![Write {
        at: START + 60,
        table: "payments",
        id: 3,
        row: Some(row(3, 7)),
    }];
    if !equal {
        world.rows_of(Side::Target, "payments")[8].amount = 1;
    }
    world
}

/// D28: whatever fails, and whenever, once or for good: the run ends, nothing that is wrong is called matched, and nothing
/// that is right is called mismatched.
#[test]
fn no_failure_turns_into_a_verdict() {
    for equal in [true, false] {
        let right = if equal {
            Verdict::Matched
        } else {
            Verdict::Mismatched
        };
        let whole = a_busy_world(equal).run(everything(Mode::PreMigration));
        assert_eq!(
            whole.report().verdict,
            right,
            "{:?}",
            whole.report().reasons
        );
        for number in 0..whole.world.asked.len() {
            for class in CLASSES {
                for side in Side::BOTH {
                    let mut world = a_busy_world(equal);
                    world.fails.insert(number, (side, class));
                    let ran = world.run(everything(Mode::PreMigration));
                    if let Outcome::Finished { report, .. } = &ran.outcome {
                        let at = (number, class, side);
                        assert!(
                            report.verdict == right || report.verdict == Verdict::Inconclusive,
                            "{at:?}: {:?}",
                            report.reasons
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_command_that_always_fails_does_not_keep_a_run_from_ending() {
    let whole = a_busy_world(false).run(everything(Mode::PreMigration));
    for name in whole.world.asked {
        for class in CLASSES {
            let mut world = a_busy_world(true);
            world.fails_always.insert(name, (Side::Source, class));

            let ran = world.run(everything(Mode::PreMigration));

            if let Outcome::Finished { report, .. } = &ran.outcome {
                assert_ne!(report.verdict, Verdict::Mismatched, "{name} {class:?}");
            }
        }
    }
}

/// A server that was lost once, at whatever command, changes nothing in the end.
#[test]
fn a_lost_connection_changes_nothing() {
    let whole = a_busy_world(false).run(everything(Mode::PreMigration));
    for number in 1..whole.world.asked.len() {
        let mut world = a_busy_world(false);
        world
            .fails
            .insert(number, (Side::Source, DbFailureClass::Lost));

        let ran = world.run(everything(Mode::PreMigration));

        let (expected, found) = (whole.report(), ran.report());
        assert_eq!(found.verdict, expected.verdict, "{number}");
        let differences = |of: &super::super::Report| {
            let tables = of.data_validation.tables.iter();
            tables
                .map(|table| table.differences.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(differences(found), differences(expected), "{number}");
    }
}

/// Each command that may be asked for is asked for in the sweep, or in the pause.
#[test]
fn the_sweep_meets_every_command() {
    let first = a_busy_world(true).run(everything(Mode::PreMigration));
    let mut spec = everything(Mode::Final);
    spec.since = first.proof().cloned();
    let second = first.world.run(spec);

    for name in [
        "look",
        "catalogs",
        "lay",
        "calibrate",
        "time",
        "pass",
        "drill",
        "count",
        "note",
        "has passed",
        "reread",
        "horizons",
        "touched",
        "keys",
        "sum",
        "seek",
        "value",
    ] {
        assert!(second.world.asked.contains(&name), "{name}");
    }
}
