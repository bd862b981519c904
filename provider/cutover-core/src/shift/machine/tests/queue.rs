//! Waiting for a turn among the changes of others.

use std::time::Duration;

use super::super::super::events::Pause;
use super::super::super::facts::JournalRead;
use super::super::{Orders, Outcome, Shift};
use super::world::{START, World, a_shift, a_short_spec, run, run_until};

/// A world in which nobody gets a turn from one minute to another.
fn crowded(from: u64, until: u64) -> World {
    World {
        queued: vec![(from, until, ())],
        ..World::new()
    }
}

fn the_shift() -> Shift {
    a_shift(a_short_spec(), Orders::default(), "run-1", START)
}

/// F73
#[test]
fn waiting_for_a_turn_is_no_failure() {
    let mut world = crowded(0, 20);

    assert_eq!(run(&mut the_shift(), &mut world), Outcome::Completed);

    assert_eq!(world.shares(), ["100/0", "50/50", "0/100"]);
    let entered = world.weights[1].0.since(START);
    assert!(entered >= Duration::from_mins(20), "{entered:?}");
}

/// F73
#[test]
fn gates_are_watched_while_the_next_step_waits_for_its_turn() {
    let mut world = World {
        failures: vec![(20, 60, (30.0, 0.5))],
        ..crowded(5, 60)
    };

    let outcome = run(&mut the_shift(), &mut world);

    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
    assert_eq!(world.shares(), ["100/0", "50/50", "100/0"]);
    let returned = world.weights[2].0.since(START);
    assert!(returned <= Duration::from_mins(24), "{returned:?}");
}

#[test]
fn the_fence_is_renewed_and_conditions_are_read_again_while_a_step_waits_for_its_turn() {
    let mut world = crowded(5, 60);
    let mut shift = the_shift();
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 20);
    let readings = world.calls["ready"];

    run_until(&mut shift, &mut world, |_, world| {
        let JournalRead::Entry(entry) = &world.journal else {
            panic!("there is no entry")
        };
        let age = world.now.since(entry.at);
        assert!(age <= Duration::from_mins(6), "{age:?}");
        world.minute() >= 55
    });

    assert!(world.calls["ready"] >= readings + 5);
    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
}

#[test]
fn who_never_gets_a_turn_stops_where_it_is() {
    let mut world = crowded(5, 10_000);

    let outcome = run(&mut the_shift(), &mut world);

    let Outcome::Paused(Pause::Refused(message)) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(message.contains("every turn"), "{message}");
    assert_eq!(world.shares(), ["100/0", "50/50"]);
    let waited = world.now.since(START);
    assert!(
        (Duration::from_mins(130)..Duration::from_mins(200)).contains(&waited),
        "{waited:?}"
    );
}
