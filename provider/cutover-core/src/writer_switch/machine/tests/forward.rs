//! After the commit point: what does not get on, and the replication back.

use super::faults::{count, is_commit, place_of};
use super::*;
use crate::writer_switch::events::What;
use crate::writer_switch::facts::Command;
use crate::writer_switch::plan::Step;
use world::Trouble;

/// D35: the setting cannot be written after the commit point: tried again without an end, with an alarm; the fence keeps it safe.
#[test]
fn a_setting_that_cannot_be_written_is_tried_again_until_it_is() {
    let mut world = a_world();
    world.setting_fails = 200;

    let (outcome, mut switch) = run(&mut world);

    assert_eq!(outcome, Outcome::Switched);
    assert_eq!(world.setting, Some(Side::Target));
    let events = switch.take_events();
    let alarms = events.iter().filter(|event| event.what.is_alarm()).count();
    assert_eq!(alarms, 1);
    assert_eq!(check_payments(&mut world), Ok(Side::Target));
}

#[test]
fn a_replication_back_is_started_again_while_its_connection_is_tested_and_not_for_ever() {
    for (refusals, is_waited_for) in [(10, true), (30, false)] {
        let mut world = a_world();
        world.start_fails = refusals;

        let (outcome, mut switch) = run(&mut world);

        assert_eq!(outcome == Outcome::Switched, is_waited_for, "{outcome:?}");
        let events = switch.take_events();
        assert!(!events.iter().any(|event| event.what.is_alarm()));
        assert_eq!(check_payments(&mut world), Ok(Side::Target));
    }
}

#[test]
fn what_does_not_pass_after_the_commit_point_is_left_and_said() {
    let mut world = a_world();
    let tell = place_of(|command| matches!(command, Command::Tell(_)));
    world.troubles.insert(tell, Trouble::Denied);

    let (outcome, _) = run(&mut world);

    assert!(matches!(
        outcome,
        Outcome::Pending {
            step: Step::Tell,
            ..
        }
    ));
    assert_eq!(check_payments(&mut world), Ok(Side::Target));
    let (outcome, _) = run(&mut world);
    assert_eq!(outcome, Outcome::Switched);
}

/// D37: the replication back begins at a wrong place: found, removed and made again; no echo and no gap.
#[test]
fn a_replication_back_from_a_wrong_place_is_made_again() {
    for status in ["ready", "running", "stopped"] {
        let mut world = a_world();
        let commit = place_of(is_commit);
        run_for(&mut world, commit + 1);
        let place = dms::a_task(status, 3);
        world.back = Some(place);
        world.back.as_mut().expect("set").next = world.sides.target.log.len();

        let (outcome, mut switch) = run(&mut world);

        assert_eq!(outcome, Outcome::Switched, "{status}");
        let events = switch.take_events();
        let remade = events
            .iter()
            .filter(|event| matches!(event.what, What::BackRemade { .. }));
        assert_eq!(remade.count(), 1);
        assert_eq!(
            count(&world, |command| matches!(command, Command::MakeBack(..))),
            1
        );
        assert_eq!(check_payments(&mut world), Ok(Side::Target), "{status}");
    }
}

/// D38: the replication back has stopped: it is let go on. Rows that it could not apply leave the way back not ready, and a
/// rollback is refused.
#[test]
fn a_replication_back_that_has_stopped_goes_on_and_one_with_exceptions_is_not_ready() {
    for status in ["stopped", "failed"] {
        let mut world = a_switched_world();
        world.back.as_mut().expect("it runs").status = status;
        world.pass(Duration::from_secs(10));
        let (outcome, _) = run(&mut world);
        assert_eq!(outcome, Outcome::Switched);
        assert_eq!(check_payments(&mut world), Ok(Side::Target));
    }

    let mut world = a_switched_world();
    world.sides.source.exceptions = 2;
    let (outcome, _) = run(&mut world);
    assert!(matches!(
        outcome,
        Outcome::Pending {
            step: Step::AwaitBack,
            ..
        }
    ));
    world.turn();
    let (outcome, _) = run(&mut world);
    assert!(matches!(outcome, Outcome::Refused(_)));
    assert!(reason_of(&outcome).contains("2 rows or tables could not be applied on the source"));
}

/// D17: the place from which replication back begins is gone: it is said at once, and never begun from elsewhere.
#[test]
fn a_replication_back_is_never_begun_from_another_place_than_the_noted_one() {
    let mut world = a_world();
    run_for(&mut world, place_of(is_commit) + 1);
    world.sides.target.captured = None;

    let (outcome, _) = run(&mut world);

    assert!(matches!(
        outcome,
        Outcome::Pending {
            step: Step::StartBack,
            ..
        }
    ));
    assert!(reason_of(&outcome).contains("not noted any more"));
    assert!(world.back.is_none());
}

#[test]
fn a_replication_back_that_does_not_catch_up_is_left_to_people_in_time() {
    let mut world = a_world();
    let begin = world.now;
    let (outcome, _) = run_with(&mut world, usize::MAX, |_, world| {
        if count(world, is_commit) == 1 {
            world.lag = Duration::from_hours(1);
        }
    });

    let outcome = outcome.expect("it ends");
    assert!(
        reason_of(&outcome).contains("has not caught up within 15 min"),
        "{outcome:?}"
    );
    assert!(world.now.since(begin) < Duration::from_mins(17));
}
