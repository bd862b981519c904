//! Around the commit point: what nobody knows at first, and what is concluded.

use super::faults::{count, fences, is_commit, place_of};
use super::*;
use crate::Timestamp;
use crate::writer_switch::events::What;
use crate::writer_switch::facts::Command;
use world::Trouble;

/// D2: a run dies between closing the former writer for good and the commit point: nobody writes, whoever looks is alarmed after
/// ten seconds, and the next run opens exactly one side, the former one.
#[test]
fn between_closing_and_committing_nobody_writes_until_the_next_run_goes_back() {
    let mut world = a_world();
    let close = place_of(|command| matches!(command, Command::Close { .. }));
    run_for(&mut world, close + 1);
    world.pass(Duration::from_mins(1));
    assert!(check_payments(&mut world).is_err());
    // The next run cannot reach the former writer at first.
    for at in close + 2..close + 20 {
        world.troubles.insert(at, Trouble::LostBefore);
    }

    let mut opened = None;
    let (outcome, mut switch) = run_with(&mut world, usize::MAX, |_, world| {
        let fence = world.sides.source.fence(world.now);
        if opened.is_none() && fence == Fence::Open {
            opened = Some(world.performed.len());
            assert_eq!(world.sides.target.fence(world.now), Fence::Closed);
        }
    });

    assert_eq!(outcome, Some(Outcome::Switched));
    assert!(opened.is_some());
    let alarms = switch.take_events();
    assert!(
        alarms
            .iter()
            .any(|event| matches!(event.what, What::NobodyWrites(_)))
    );
    assert_eq!(check_payments(&mut world), Ok(Side::Target));
    assert_eq!((fences(&world), switch.known().called_off), (2, 1));
}

#[test]
fn a_run_that_dies_in_the_pause_leaves_a_fence_that_ends_by_itself() {
    let mut world = a_world();
    let close = place_of(|command| matches!(command, Command::Close { .. }));
    run_for(&mut world, close);
    world.pass(Duration::from_secs(31));

    assert_eq!(world.sides.source.fence(world.now), Fence::Expired);
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
    let (outcome, switch) = run(&mut world);
    assert_eq!(outcome, Outcome::Switched);
    assert!(switch.log()[0].contains("the source is opened again"));
    assert_eq!(check_payments(&mut world), Ok(Side::Target));
}

/// D3: the commit succeeds and its answer is lost: the row is read, it goes forward, and the epoch is raised once.
#[test]
fn a_commit_whose_answer_is_lost_goes_forward() {
    let mut world = a_world();
    world
        .troubles
        .insert(place_of(is_commit), Trouble::LostAfter);

    let (outcome, switch) = run(&mut world);

    assert_eq!(outcome, Outcome::Switched);
    assert_eq!(count(&world, is_commit), 1);
    assert_eq!(switch.epoch(), 1);
    assert!(switch.known().pause.is_some());
    assert_eq!(check_payments(&mut world), Ok(Side::Target));
}

#[test]
fn a_commit_that_is_lost_before_it_took_effect_goes_back() {
    let mut world = a_world();
    world
        .troubles
        .insert(place_of(is_commit), Trouble::LostBefore);

    let (outcome, switch) = run(&mut world);

    assert!(reason_of(&outcome).starts_with("commit: the target"));
    assert_eq!(switch.known().called_off, 1);
    assert_eq!(switch.known().position, None);
    assert!(world.sides.target.captured.is_none());
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
}

#[test]
fn a_stop_while_a_commit_is_in_doubt_waits_for_what_has_become_of_it() {
    for (trouble, expected) in [
        (Trouble::LostAfter, Side::Target),
        (Trouble::LostBefore, Side::Source),
    ] {
        let mut world = a_world();
        let commit = place_of(is_commit);
        world.troubles.insert(commit, trouble);
        let (outcome, _) = run_with(&mut world, usize::MAX, |switch, world| {
            if world.performed.len() == commit + 1 {
                switch.stop(world.now);
            }
        });

        let has_stopped = matches!(outcome, Some(Outcome::CalledOff { .. }));
        let is_pending = matches!(outcome, Some(Outcome::Pending { .. }));
        assert_eq!(
            (has_stopped, is_pending),
            (expected == Side::Source, expected == Side::Target)
        );
        assert_eq!(check_payments(&mut world), Ok(expected));
    }
}

/// As long as a session of ours that was lost still holds the lock, what it was told may take effect: nothing is concluded.
#[test]
fn nothing_is_concluded_while_a_lost_session_of_this_run_still_holds_the_lock() {
    let mut world = a_world();
    let commit = place_of(is_commit);
    world.troubles.insert(commit, Trouble::LostAfter);
    let (outcome, _) = run_with(&mut world, usize::MAX, |_, world| {
        let held = world.performed.len() > commit && world.performed.len() < commit + 4;
        let ours = format!(
            "process 12, run 0 {}",
            Timestamp::from_unix_millis(1_800_000_001_000).to_utc()
        );
        world.rival = held.then_some(ours);
    });

    assert_eq!(outcome, Some(Outcome::Switched));
    assert_eq!(
        count(&world, |command| matches!(command, Command::Open { .. })),
        1
    );
    assert_eq!(check_payments(&mut world), Ok(Side::Target));
}

/// The row of the side that is to be opened may be behind: the run that moved the writer away died before it was told.
#[test]
fn a_rollback_is_made_though_the_former_writer_was_never_told_of_the_switch() {
    let mut world = a_world();
    run_for(&mut world, place_of(is_commit) + 1);
    let row = world.sides.source.state.as_ref().expect("it is there");
    assert_eq!(row.epoch, 0);
    world.back = Some(dms::a_task("running", world.sides.target.log.len()));
    world.turn();

    let (outcome, _) = run(&mut world);

    assert_eq!(outcome, Outcome::Switched);
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
}

/// A fence that may be closed for good does not open by itself: opening it again is tried for longer than a pause.
#[test]
fn a_former_writer_that_may_be_closed_for_good_is_not_taken_to_open_by_itself() {
    let mut world = a_world();
    let close = place_of(|command| matches!(command, Command::Close { .. }));
    world.troubles.insert(close, Trouble::LostAfter);
    for at in close + 1..close + 40 {
        world.troubles.insert(at, Trouble::LostBefore);
    }
    let begin = world.now;

    let (outcome, _) = run(&mut world);

    assert!(world.now.since(begin) > world.spec.pause.max * 2);
    assert!(reason_of(&outcome).starts_with("close: the source"));
    assert!(!reason_of(&outcome).contains("by itself"));
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
}
