//! Every command of a story, with every fault; and the process killed after every command.

use std::time::Duration;

use super::super::super::facts::JournalRead;
use super::super::super::spec::Spec;
use super::super::{Orders, Outcome, Shift};
use super::world::{
    Fault, START, World, a_shift, a_short_spec, check_history, on_a_rule, run, run_until,
};
use crate::machine::{Machine, Next};

fn a_spike() -> World {
    World {
        failures: vec![(5, 60, (9.0, 0.5))],
        ..World::new()
    }
}

/// Which calls a story makes, in their order.
fn calls(spec: &Spec, world: &World) -> Vec<(&'static str, usize)> {
    let mut world = world.clone();
    run(
        &mut a_shift(spec.clone(), Orders::default(), "run-1", START),
        &mut world,
    );
    world
        .calls
        .iter()
        .flat_map(|(kind, count)| (1..=*count).map(move |nth| (*kind, nth)))
        .collect()
}

/// How a fault comes about.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Once,
    /// The same call goes wrong again.
    Twice,
    /// The process is gone before it hears of it, and another goes on.
    Killed,
}

/// Everything that can go wrong with a call: of a rule also that only its journal is written.
fn faults(spec: &Spec, kind: &str) -> Vec<Option<Fault>> {
    let is_half = !spec.router.is_atomic() && ["prepare", "move"].contains(&kind);
    let half = is_half.then_some(None);
    Fault::ALL.map(Some).into_iter().chain(half).collect()
}

/// Runs a story with a fault on one call, and gives the shift that saw its end.
fn with_fault(
    spec: &Spec,
    world: &mut World,
    (kind, nth): (&'static str, usize),
    fault: Option<Fault>,
    manner: Manner,
) -> Outcome {
    let places = match manner {
        Manner::Once | Manner::Killed => vec![nth],
        Manner::Twice => vec![nth, nth + 1],
    };
    for nth in places {
        match fault {
            Some(fault) => drop(world.faults.insert((kind, nth), fault)),
            None => drop(world.half.insert((kind, nth))),
        }
    }
    let mut shift = a_shift(spec.clone(), Orders::default(), "run-1", START);
    if matches!(manner, Manner::Killed) {
        let ended = run_until(&mut shift, world, |shift, world| {
            let count = world.calls.get(kind).copied().unwrap_or(0);
            count + 1 == nth
                && matches!(shift.next(), Next::Do(command) if World::kind(&command) == kind)
        });
        assert_eq!(ended, None, "the call is made: {kind} {nth}");
        if let Next::Do(command) = shift.next() {
            world.perform(&command);
        }
        shift = a_shift(spec.clone(), Orders::default(), "run-2", world.now);
    }
    run(&mut shift, world)
}

fn sweep(spec: &Spec, story: &World, check: impl Fn(&str, &Outcome, &mut World)) {
    let mut done = 0;
    for call in calls(spec, story) {
        for fault in faults(spec, call.0) {
            for manner in [Manner::Once, Manner::Twice, Manner::Killed] {
                let mut world = story.clone();
                let outcome = with_fault(spec, &mut world, call, fault, manner);
                let place = format!("{call:?}, {fault:?}, {manner:?}");
                check(&place, &outcome, &mut world);
                done += 1;
            }
        }
    }
    assert!(done > 1_000, "the story was shorter than thought: {done}");
}

/// F1, F6, F7, F40 at every place, once, twice, and with the process gone: what passes by itself changes nothing about
/// the end. What is refused may pause it, and the next run goes on from there.
#[test]
fn every_fault_on_every_command_of_a_clean_shift_ends_well_or_in_a_named_pause() {
    for spec in [a_short_spec(), on_a_rule()] {
        sweep(&spec, &World::new(), |place, outcome, world| {
            match outcome {
                Outcome::Completed => {}
                Outcome::Paused(_) | Outcome::Refused(_) if place.contains("Refused") => {}
                other => panic!("{place}: {other:?}"),
            }
            world.faults.clear();
            let mut next = a_shift(spec.clone(), Orders::default(), "run-3", world.now);
            assert_eq!(run(&mut next, world), Outcome::Completed, "{place}");
            assert_eq!(world.shares(), ["100/0", "50/50", "0/100"], "{place}");
        });
    }
}

#[test]
fn every_fault_on_every_command_of_a_rollback_ends_on_old() {
    for spec in [a_short_spec(), on_a_rule()] {
        sweep(&spec, &a_spike(), |place, outcome, world| {
            match outcome {
                Outcome::RolledBack { .. } => {}
                // Refused before anything was on new.
                Outcome::Paused(_) | Outcome::Refused(_)
                    if place.contains("Refused") && world.shares().len() == 1 => {}
                other => panic!("{place}: {other:?}"),
            }
            assert_eq!(world.old, Some(100), "{place}");
            assert_eq!(world.new.unwrap_or(0), 0, "{place}");
        });
    }
}

/// Runs to the command number `at`, performs it, and forgets everything.
fn killed_after(world: &mut World, at: usize) -> bool {
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    let ended = run_until(&mut shift, world, |shift, world| {
        world.performed == at && matches!(shift.next(), Next::Do(_))
    });
    if ended.is_none()
        && let Next::Do(command) = shift.next()
    {
        world.perform(&command);
    }
    ended.is_none()
}

/// F8, F14: one batch a step in all, wherever it was killed.
#[test]
fn a_kill_after_any_command_changes_nothing_about_the_weights() {
    for gap in [Duration::ZERO, Duration::from_mins(40)] {
        for at in 0.. {
            let mut world = World::new();
            if !killed_after(&mut world, at) {
                assert!(at > 50, "the story was shorter than thought");
                break;
            }
            world.now = world.now.after(gap);
            let mut shift = a_shift(a_short_spec(), Orders::default(), "run-2", world.now);

            assert_eq!(
                run(&mut shift, &mut world),
                Outcome::Completed,
                "killed after {at}"
            );
            assert_eq!(
                world.shares(),
                ["100/0", "50/50", "0/100"],
                "killed after {at}"
            );
        }
    }
}

/// F10, F14
#[test]
fn a_kill_after_any_command_of_a_rollback_still_ends_on_old() {
    for at in 0.. {
        let mut world = a_spike();
        if !killed_after(&mut world, at) {
            break;
        }
        world.now = world.now.after(Duration::from_secs(30));
        let mut shift = a_shift(a_short_spec(), Orders::default(), "run-2", world.now);

        let outcome = run(&mut shift, &mut world);

        assert!(
            matches!(outcome, Outcome::RolledBack { .. }),
            "killed after {at}: {outcome:?}"
        );
        assert_eq!(world.old, Some(100), "killed after {at}");
    }
}

/// Every command performed twice, as after an answer that was lost in the process itself.
#[test]
fn every_command_is_safe_to_repeat() {
    for world in [World::new(), a_spike()] {
        let mut once = world.clone();
        let expected = run(
            &mut a_shift(a_short_spec(), Orders::default(), "run-1", START),
            &mut once,
        );
        let mut twice = world;
        let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
        let outcome = loop {
            match shift.next() {
                Next::Do(command) => {
                    let first = twice.perform(&command);
                    // A change that builds on what was there is refused the second time, as a whole.
                    let second = twice.perform(&command);
                    let fact = if matches!(second, super::super::super::facts::Fact::Conflict) {
                        first
                    } else {
                        second
                    };
                    shift.record(fact, twice.now).unwrap();
                }
                Next::WaitUntil { at, .. } => {
                    twice.now = twice.now.max(at);
                    shift.wake(twice.now).unwrap();
                }
                Next::Done(outcome) => break outcome,
            }
        };

        assert_eq!(outcome, expected);
        let mut shares = twice.shares();
        shares.dedup();
        assert_eq!(shares, once.shares());
    }
}

/// Everything that a shift was told, told again, makes the same shift.
#[test]
fn replaying_what_was_told_gives_the_same_state_at_every_point() {
    let mut world = a_spike();
    let mut live = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    let mut replayed = live.clone();
    loop {
        match live.next() {
            Next::Do(command) => {
                let fact = world.perform(&command);
                live.record(fact.clone(), world.now).unwrap();
                replayed.record(fact, world.now).unwrap();
            }
            Next::WaitUntil { at, .. } => {
                world.now = world.now.max(at);
                live.wake(world.now).unwrap();
                replayed.wake(world.now).unwrap();
            }
            Next::Done(_) => break,
        }
        assert_eq!(live, replayed);
        // What is in DNS is what the shift believes to be there.
        if let (JournalRead::Entry(found), Some(entry)) = (&world.journal, live.entry()) {
            assert!(found.seq == entry.seq || found.seq == entry.seq + 1);
        }
        check_history(&live, &world);
    }
}

/// A command's answer to another question changes nothing.
#[test]
fn a_fact_that_was_not_asked_for_is_illegal() {
    let mut shift: Shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    let before = shift.clone();

    assert!(
        shift
            .record(super::super::super::facts::Fact::NewClosed, START)
            .is_err()
    );
    assert!(shift.wake(START).is_err());
    assert_eq!(shift, before);
}
