//! Whose fence it is, who else changes the router, and what an earlier run has left.

use std::time::Duration;

use super::super::super::events::{Drift, Pause};
use super::super::super::facts::JournalRead;
use super::super::super::journal::{Mark, NotAnEntry, RunId};
use super::super::{Orders, Outcome, Shift, Stage};
use super::world::{Fault, START, World, a_shift, a_short_spec, log, run, run_until, step};
use crate::machine::{Machine, Next};

/// F15, F18: the fence of another shift is respected while it is fresh and taken when it is stale.
#[test]
fn a_fresh_fence_of_another_shift_refuses_and_a_stale_one_is_taken() {
    let mut world = World::new();
    let mut other = a_shift(a_short_spec(), Orders::default(), "run-0", START);
    run_until(&mut other, &mut world, |shift, _| shift.entry().is_some());
    let mut mine = a_short_spec();
    mine.id = "pay-2".to_owned();
    let writes = world.calls.clone();

    let outcome = run(
        &mut a_shift(mine.clone(), Orders::default(), "run-1", world.now),
        &mut world,
    );

    let Outcome::Refused(problems) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(problems[0].code.to_string(), "CUT-153");
    assert!(
        problems[0].message.contains("`run-0`"),
        "{}",
        problems[0].message
    );
    assert_eq!(
        world.calls.get("prepare"),
        writes.get("prepare"),
        "nothing was written"
    );

    // Three heartbeats later nothing has been heard of it.
    (world.old, world.new) = (Some(100), Some(0));
    world.now = world.now.after(Duration::from_mins(16));
    let mut shift = a_shift(mine, Orders::default(), "run-1", world.now);
    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
    assert!(
        log(&shift)[0].ends_with("fence taken from run run-0"),
        "{:?}",
        log(&shift)
    );
}

/// F15, in the same second: the later batch finds another's journal and is refused.
#[test]
fn of_two_runs_that_start_together_one_gets_the_fence() {
    let mut world = World::new();
    let is_about_to_write = |shift: &Shift| matches!(shift.next(), Next::Do(command) if World::kind(&command) == "prepare");
    let mut shifts =
        ["run-1", "run-2"].map(|run| a_shift(a_short_spec(), Orders::default(), run, START));
    for shift in &mut shifts {
        run_until(shift, &mut world, |shift, _| is_about_to_write(shift));
    }
    let [mut first, mut second] = shifts;

    step(&mut first, &mut world);

    assert_eq!(
        run(&mut second, &mut world),
        Outcome::NotHolder {
            run: Some("run-1".to_owned())
        }
    );
    assert_eq!(run(&mut first, &mut world), Outcome::Completed);
}

/// F17
#[test]
fn who_loses_the_fence_writes_nothing_more() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 6);
    let JournalRead::Entry(entry) = &mut world.journal else {
        panic!("there is a journal")
    };
    entry.run = RunId::new("thief");
    let (shares, renewals) = (world.shares(), world.calls.get("renew").copied());

    assert_eq!(
        run(&mut shift, &mut world),
        Outcome::NotHolder {
            run: Some("thief".to_owned())
        }
    );
    assert_eq!(
        (world.shares(), world.calls.get("renew").copied()),
        (shares, renewals)
    );
}

/// F16
#[test]
fn of_two_batches_on_the_same_record_the_second_is_refused_whole() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    let is_about_to_move = |shift: &Shift| matches!(shift.next(), Next::Do(command) if World::kind(&command) == "move");
    run_until(&mut shift, &mut world, |shift, _| is_about_to_move(shift));
    let mut other = shift.clone();
    other.run = RunId::new("run-2");
    if let Stage::Writing(writing) = &mut other.stage {
        writing.change.entry.run = other.run.clone();
    }

    run_until(&mut other, &mut world, |shift, _| !is_about_to_move(shift));

    assert_eq!(
        run(&mut shift, &mut world),
        Outcome::NotHolder {
            run: Some("run-2".to_owned())
        }
    );
    assert_eq!(world.shares(), ["100/0", "50/50"]);
}

/// A renewal whose answer and whose look were both lost is still ours.
#[test]
fn a_lost_renewal_is_not_taken_for_a_thief() {
    let mut world = World::new();
    world.faults.insert(("renew", 1), Fault::LostAfter);
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| {
        world.calls.contains_key("renew")
    });
    let looks = world.calls["live"];
    world.faults.insert(("live", looks + 1), Fault::Unavailable);

    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
}

/// F19
#[test]
fn a_share_that_somebody_raised_pauses_and_is_not_overwritten() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 6);
    (world.old, world.new) = (Some(20), Some(80));

    assert_eq!(
        run(&mut shift, &mut world),
        Outcome::Paused(Pause::Drift(Drift::Raised))
    );
    assert_eq!(world.live().new, Some(80));
}

/// F20
#[test]
fn a_person_who_sends_everything_back_is_not_overruled() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 6);
    world.set(100, 0);

    assert_eq!(
        run(&mut shift, &mut world),
        Outcome::RolledBack {
            causes: Vec::new(),
            external: true,
            known: false
        }
    );
    assert_eq!(world.shares(), ["100/0", "50/50", "100/0"]);
}

/// F21
#[test]
fn an_edit_between_look_and_change_is_drift_and_not_lost() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    let is_about_to_move = |shift: &Shift| matches!(shift.next(), Next::Do(command) if World::kind(&command) == "move");
    run_until(&mut shift, &mut world, |shift, _| is_about_to_move(shift));
    (world.old, world.new) = (Some(70), Some(30));

    assert_eq!(
        run(&mut shift, &mut world),
        Outcome::Paused(Pause::Drift(Drift::Raised))
    );
    assert_eq!((world.old, world.new), (Some(70), Some(30)));
}

/// F22
#[test]
fn a_record_that_is_gone_pauses() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |shift, world| {
        world.minute() >= 14
            && shift.share_requested() > crate::weights::Share::ZERO
            && world.shares().len() == 3
    });
    (world.old, world.new) = (Some(100), None);

    assert_eq!(
        run(&mut shift, &mut world),
        Outcome::Paused(Pause::Drift(Drift::Removed))
    );
}

#[test]
fn a_router_that_cannot_be_read_any_more_ends_in_a_pause() {
    let mut world = World {
        outages: vec![(5, 100_000, ("live", Fault::Unavailable))],
        ..World::new()
    };

    let (outcome, _) = tell(&mut world);

    assert!(
        matches!(outcome, Outcome::Paused(Pause::Refused(_))),
        "{outcome:?}"
    );
}

/// F9
#[test]
fn a_bake_that_nobody_watched_begins_again() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 9);
    world.now = world.now.after(Duration::from_mins(40));
    let back_at = world.now;

    let outcome = run(
        &mut a_shift(a_short_spec(), Orders::default(), "run-2", world.now),
        &mut world,
    );

    assert_eq!(outcome, Outcome::Completed);
    assert!(world.weights[2].0.since(back_at) >= Duration::from_mins(10));
    assert_eq!(world.calls["move"], 2);
}

/// F10
#[test]
fn a_breach_that_nobody_watched_goes_back_at_the_first_tick() {
    let mut world = World {
        failures: vec![(20, 26, (9.0, 0.5))],
        ..World::new()
    };
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 9);
    world.now = world.now.after(Duration::from_mins(40));
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-2", world.now);

    run_until(&mut shift, &mut world, |_, world| world.shares().len() == 3);

    assert_eq!(world.shares(), ["100/0", "50/50", "100/0"]);
    assert_eq!(
        world.now.since(START),
        Duration::from_mins(49),
        "without any wait"
    );
}

/// F71
#[test]
fn the_tail_of_a_plan_may_be_edited_and_what_was_carried_out_may_not() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 9);
    let mut tail = a_short_spec();
    tail.steps[1].bake = Duration::from_mins(20);
    let mut prefix = a_short_spec();
    prefix.steps[0].bake = Duration::from_mins(20);

    let outcome = run(
        &mut a_shift(prefix, Orders::default(), "run-2", world.now),
        &mut world.clone(),
    );
    let Outcome::Refused(problems) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(problems[0].code.to_string(), "CUT-131");
    assert_eq!(
        run(
            &mut a_shift(tail, Orders::default(), "run-2", world.now),
            &mut world
        ),
        Outcome::Completed
    );
}

#[test]
fn a_journal_of_a_later_release_is_refused() {
    let mut world = World {
        journal: JournalRead::Unreadable(NotAnEntry::Newer(2)),
        ..World::new()
    };

    let (outcome, _) = tell(&mut world);

    let Outcome::Refused(problems) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(problems[0].code.to_string(), "CUT-152");
    assert_eq!(world.performed, 1);
}

#[test]
fn a_completed_shift_has_nothing_to_do() {
    let mut world = World::new();
    tell(&mut world);
    let writes = world.performed;

    assert_eq!(
        run(
            &mut a_shift(a_short_spec(), Orders::default(), "run-2", world.now),
            &mut world
        ),
        Outcome::Completed
    );
    assert_eq!(world.performed, writes + 1, "one look");
    assert!(matches!(&world.journal, JournalRead::Entry(entry) if entry.mark == Mark::Completed));
}

/// F11, F20: whoever sent everything back while nobody watched, a person or a guard, is not overruled.
#[test]
fn what_was_sent_back_between_two_runs_stays_back() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 6);
    world.set(100, 0);
    world.now = world.now.after(Duration::from_mins(5));
    let mut later = a_shift(a_short_spec(), Orders::default(), "run-2", world.now);

    assert_eq!(
        run(&mut later, &mut world),
        Outcome::RolledBack {
            causes: Vec::new(),
            external: true,
            known: false
        }
    );
    assert_eq!(world.shares().last().unwrap(), "100/0");
}

#[test]
fn weights_that_no_journal_explains_are_not_built_upon() {
    let mut world = World {
        old: Some(70),
        new: Some(30),
        ..World::new()
    };

    let (outcome, _) = tell(&mut world);

    let Outcome::Refused(problems) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(problems[0].code.to_string(), "CUT-116");
}

fn tell(world: &mut World) -> (Outcome, Vec<String>) {
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    let outcome = run(&mut shift, world);
    (outcome, log(&shift))
}
