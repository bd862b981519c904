//! Every failure at every command.

use super::super::super::facts::{Command, Fact};
use super::super::super::task::{StartKind, TaskMetrics};
use super::super::{Outcome, Replicate};
use super::world::{Fault, START, World, a_short_spec, a_spec, a_world, name_of};
use crate::machine::{Machine, Next};
use crate::validation::facts::DbFailureClass;
use crate::{Failure, FailureClass};

const CLASSES: [FailureClass; 6] = [
    FailureClass::Unconfigured,
    FailureClass::Denied,
    FailureClass::Refused,
    FailureClass::Throttled,
    FailureClass::Unavailable,
    FailureClass::Unknown,
];

const DATABASE_CLASSES: [DbFailureClass; 6] = [
    DbFailureClass::Unreachable,
    DbFailureClass::Lost,
    DbFailureClass::Busy,
    DbFailureClass::Login,
    DbFailureClass::Changed,
    DbFailureClass::Denied,
];

/// A task in which something of everything happens: a table in error, a lag that shrinks.
fn a_busy_world() -> World {
    let mut world = a_world();
    world.after(15, |world| world.state_of(1, "Table error"));
    world
}

/// D14: whatever fails, once, and at whatever command: what passes by itself changes nothing in the end, no start or reload is
/// accepted twice for one, and what does not pass is reported with its call.
#[test]
fn a_failure_that_passes_changes_nothing_in_the_end() {
    let whole = a_busy_world().run(&a_spec());
    assert_eq!(whole.outcome, Outcome::Replicating);
    for number in 0..whole.world.asked.len() {
        let mut faults = CLASSES.map(Fault::Call).to_vec();
        faults.extend(DATABASE_CLASSES.map(Fault::Database));
        faults.push(Fault::AnswerLost);
        for fault in faults {
            let mut world = a_busy_world();
            world.faults.insert(number, fault);

            let ran = world.run(&a_spec());

            let at = (number, name_of(&ran.world.asked[number]), fault);
            match ran.outcome {
                Outcome::Replicating => {
                    assert_eq!(ran.world.starts, [StartKind::Start], "{at:?}");
                }
                Outcome::Failed(failure) => {
                    assert_eq!(Fault::Call(failure.class), fault, "{at:?}");
                    assert!(!failure.class.may_pass(), "{at:?}");
                }
                Outcome::Impossible { failure, .. } => {
                    assert_eq!(Fault::Database(failure.class), fault, "{at:?}");
                    assert!(!failure.class.may_pass(), "{at:?}");
                }
                other => panic!("{at:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_process_that_dies_is_followed_by_one_that_goes_on() {
    let whole = a_busy_world().run(&a_spec());
    for number in 0..whole.world.asked.len() {
        let mut world = a_busy_world();
        world.faults.insert(number, Fault::Killed);

        let ran = world.run(&a_spec());

        assert_eq!(ran.outcome, Outcome::Replicating, "{number}");
        assert_eq!(ran.world.starts, [StartKind::Start], "{number}");
    }
}

#[test]
fn what_always_fails_does_not_keep_a_run_from_ending() {
    let whole = a_busy_world().run(&a_spec());
    for command in &whole.world.asked {
        let is_marker = matches!(command, Command::Mark(_) | Command::Seek(..));
        let mut faults = CLASSES.map(Fault::Call).to_vec();
        if is_marker {
            faults = DATABASE_CLASSES.map(Fault::Database).to_vec();
        }
        for fault in faults {
            let mut world = a_busy_world();
            world.always.insert(name_of(command), fault);

            let ran = world.run(&a_spec());

            let at = (name_of(command), fault);
            match ran.outcome {
                Outcome::Failed(failure) => assert_eq!(Fault::Call(failure.class), fault),
                Outcome::Impossible { failure, .. } => {
                    assert_eq!(Fault::Database(failure.class), fault);
                }
                Outcome::Held { .. } => assert!(!is_marker, "{at:?}"),
                other => panic!("{at:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_fact_that_was_not_asked_for_changes_nothing() {
    let every_fact = || {
        [
            Fact::Task(None),
            Fact::Tables(Vec::new()),
            Fact::Connection(None),
            Fact::Assessment(None),
            Fact::Metrics(TaskMetrics::default()),
            Fact::Done,
            Fact::Sought(true),
        ]
    };
    let mut machine = Replicate::new(a_short_spec(), "run-1".to_owned(), START);
    let before = machine.next();

    for fact in every_fact().into_iter().skip(1) {
        let illegal = machine
            .record(fact, START)
            .expect_err("it was not asked for");
        assert!(illegal.expected.contains("ReadTask"), "{illegal}");
        assert_eq!(machine.next(), before);
    }
    machine.wake(START).expect_err("nothing was waited for");
    machine
        .record(Fact::Task(None), START)
        .expect("this was asked for");
    for fact in every_fact() {
        machine.record(fact, START).expect_err("it is over");
    }
    assert!(matches!(machine.next(), Next::Done(Outcome::Held { .. })));
}

#[test]
fn a_call_of_dms_does_not_fail_like_a_database_and_the_other_way_round() {
    let mut machine = Replicate::new(a_short_spec(), "run-1".to_owned(), START);
    let failure = crate::validation::facts::DbFailure {
        class: DbFailureClass::Lost,
        doing: "markers".to_owned(),
        code: None,
        message: "gone".to_owned(),
    };
    let of_database = Fact::Failed(crate::validation::side::Side::Source, failure);
    let of_dms = Fact::Refused(Failure::refused("dms:StartReplicationTask", "no"));

    machine
        .record(of_database, START)
        .expect_err("DMS was asked");
    machine.record(of_dms, START).expect("DMS may refuse");
    assert!(matches!(machine.next(), Next::Done(Outcome::Failed(_))));
}
