//! Moves as they go, step by step.

use super::*;
use crate::writer_switch::events::What;
use crate::writer_switch::facts::{Command, Fact};
use crate::writer_switch::plan::{Step, plan};
use crate::writer_switch::render;
use world::{Trouble, Wrong};

/// What is told on the way, as people read it.
fn told(switch: &mut Switch) -> String {
    let events: Vec<_> = switch
        .take_events()
        .iter()
        .map(|event| event.what.to_string())
        .collect();
    events.join("\n")
}

#[test]
fn an_undisturbed_move_does_what_the_plan_says_and_nothing_else() {
    let mut world = a_world();

    let (outcome, switch) = run(&mut world);

    assert_eq!(outcome, Outcome::Switched);
    assert_eq!(switch.log(), render::lines(&world.spec));
    assert_eq!(check_payments(&mut world), Ok(Side::Target));
    assert_eq!(world.setting, Some(Side::Target));
    assert_eq!(world.drain.status, "stopped");
}

#[test]
fn a_move_tells_how_long_the_pause_was_and_where_replication_back_begins() {
    let mut world = a_world();

    let (_, mut switch) = run(&mut world);

    insta::assert_snapshot!(told(&mut switch), @r"
    a marker arrived after 0.19 s
    source refuses applications, tables were locked for 0.018 s
    drained: the last marker arrived after 0.19 s
    both sides are equal
    replication back begins at 77
    target writes, epoch 1, after a pause of 0.37 s
    the way back is ready
    ");
    let known = switch.known();
    assert_eq!(known.called_off, 0);
    assert!(known.position.is_some() && known.checked.is_some());
    let pause = known.pause.expect("it has moved");
    // As applications have seen it, to a payment.
    assert!(pause >= world.refused && pause <= world.refused + Duration::from_millis(60));
    assert_eq!(switch.take_events(), []);
}

#[test]
fn the_first_look_makes_the_fences_and_leaves_the_source_open() {
    let mut world = World::new(a_spec());
    world.pass(Duration::from_secs(1));

    let (outcome, switch) = run(&mut world);

    assert_eq!(outcome, Outcome::Switched);
    assert_eq!(
        switch.log()[..2],
        [
            "prepare: the control schema and the fence of the source are made",
            "prepare: the control schema and the fence of the target are made"
        ]
    );
    assert_eq!(check_payments(&mut world), Ok(Side::Target));
}

/// D39: 5,000 payments after the switch the writer goes back: all of them are on the source, the pause keeps its limit, the epoch
/// is 2, and a new way there could begin from the place that was noted.
#[test]
fn a_rollback_is_the_same_move_the_other_way_round() {
    let mut world = a_switched_world();
    let before = world.acknowledged.len();
    for _ in 0..100 {
        world.pass(Duration::from_millis(500));
    }
    assert!(world.acknowledged.len() >= before + 5_000);
    world.turn();

    let (outcome, switch) = run(&mut world);

    assert_eq!(outcome, Outcome::Switched);
    assert_eq!(switch.log(), render::lines(&world.spec));
    assert_eq!((switch.epoch(), switch.writer()), (2, Some(Side::Source)));
    assert!(switch.known().pause < Some(world.spec.pause.max));
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
    let captured = world.sides.source.captured.as_ref().expect("it was noted");
    assert_eq!(captured.name, "cutover_payments_2");
}

#[test]
fn a_move_that_is_made_already_only_repeats_what_follows_it() {
    let mut world = a_switched_world();
    let before = world.performed.len();

    let (outcome, switch) = run(&mut world);

    assert_eq!(outcome, Outcome::Switched);
    let steps = plan(&world.spec);
    let after: Vec<_> = steps.iter().filter(|step| step.is_after_commit()).collect();
    assert_eq!(switch.log().len(), after.len());
    let opens = |command: &Command| matches!(command, Command::Open { .. } | Command::Fence { .. });
    assert!(!world.performed[before..].iter().any(opens));
}

#[test]
fn whatever_is_done_when_something_is_in_the_way_is_a_line_of_the_plan_or_of_the_lines_for_that() {
    let spec = a_spec();
    let (plan, recovery) = (render::lines(&spec), render::recovery_lines(&spec));
    let mut found = std::collections::BTreeSet::new();
    for trouble in [Trouble::LostBefore, Trouble::LostAfter, Trouble::Busy] {
        for at in 0..30 {
            let mut world = a_world();
            world.blocked = 1;
            world.troubles.insert(at, trouble);
            for _ in 0..2 {
                let (_, switch) = run(&mut world);
                for line in switch.log() {
                    assert!(plan.contains(line) || recovery.contains(line), "{line}");
                    found.insert(line.clone());
                }
            }
        }
    }
    assert!(plan.iter().all(|line| found.contains(line)));
    assert!(found.len() > plan.len() + 2);
}

#[test]
fn asked_twice_it_says_the_same() {
    let mut world = a_world();
    run_with(&mut world, usize::MAX, |switch, _| {
        assert_eq!(switch.next(), switch.next());
        assert!(!switch.standing().text.is_empty());
    });
}

#[test]
fn a_fact_that_does_not_belong_is_refused_and_changes_nothing() {
    let mut world = a_world();
    let strange = [
        Fact::Expired,
        Fact::Sought(true),
        Fact::Task(None),
        Fact::OtherEpoch(7),
        Fact::Probed(Both::of(|_| true)),
    ];
    let mut refused = 0;
    run_with(&mut world, usize::MAX, |switch, world| {
        let before = switch.clone();
        for fact in &strange {
            let mut copy = before.clone();
            if copy.record(fact.clone(), world.now).is_err() {
                refused += 1;
                assert_eq!(copy, before);
            }
        }
        if matches!(switch.next(), Next::Do(_)) {
            assert!(switch.wake(world.now).is_err());
        }
    });
    assert!(refused > 4 * 20);
}

/// The marker that counts is one from after the fence: were it written before, a payment made in between would be missed by a
/// move without a final comparison, and called off by one with it.
#[test]
fn a_marker_from_before_the_fence_would_lose_a_payment() {
    let mut world = a_world();
    world.spec.check = false;
    world.lag = Duration::from_secs(2);
    world.wrong = Some(Wrong::MarkerBeforeFence);
    run(&mut world);
    let lost = check_payments(&mut world).expect_err("the order is wrong");
    assert!(lost.contains("lost on the target"), "{lost}");

    let mut world = a_world();
    world.lag = Duration::from_secs(2);
    world.wrong = Some(Wrong::MarkerBeforeFence);
    let (outcome, _) = run(&mut world);
    assert!(reason_of(&outcome).contains("not equal"));
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
}

#[test]
fn a_place_that_is_noted_at_another_moment_would_lose_or_double_payments_on_the_way_back() {
    let mut world = a_world();
    world.wrong = Some(Wrong::PlaceTooLate);
    // The next run only knows the place that was noted.
    let commit = a_world_until(&mut world, |command| {
        matches!(command, Command::Open { .. })
    });
    assert!(commit > 0);
    run(&mut world);
    let lost = check_payments(&mut world).expect_err("rows are missed");
    assert!(lost.contains("lost on the source"), "{lost}");

    let mut world = a_world();
    world.wrong = Some(Wrong::PlaceTooEarly);
    run(&mut world);
    let twice = check_payments(&mut world).expect_err("rows come back");
    assert!(twice.contains("2 times on the source"), "{twice}");
}

/// Runs until a command was performed, and lets the run die there.
fn a_world_until(world: &mut World, is_it: impl Fn(&Command) -> bool) -> usize {
    let mut whole = a_world();
    run(&mut whole);
    let at = whole.performed.iter().position(is_it).expect("it is done");
    run_for(world, at + 1);
    at
}

#[test]
fn identities_of_the_new_writer_go_on_beyond_those_of_the_former() {
    let mut world = a_world();

    run(&mut world);

    let (source, target) = (&world.sides.source.identity, &world.sides.target.identity);
    assert!(target.next >= source.next + 10_000);
}

#[test]
fn a_place_is_named_after_the_migration_and_the_epoch() {
    let mut world = a_world();

    run(&mut world);

    let captured = world.sides.target.captured.expect("it was noted");
    assert_eq!(captured.name, "cutover_payments_1");
}

#[test]
fn markers_of_two_runs_are_never_the_same() {
    let mut world = a_world();
    let mut numbers = Vec::new();
    run(&mut world);
    run(&mut world);
    for command in &world.performed {
        if let Command::Mark(_, number) = command {
            numbers.push(*number);
        }
    }

    assert!(numbers.iter().all(|number| i64::try_from(*number).is_ok()));
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!((numbers.len(), count), (4, 4));
}

#[test]
fn where_it_stands_is_said_in_the_words_of_the_plan() {
    let mut world = a_world();
    let mut phases: Vec<&str> = Vec::new();
    run_with(&mut world, usize::MAX, |switch, _| {
        let phase = switch.standing().phase;
        if phases.last() != Some(&phase) {
            phases.push(phase);
        }
    });

    let mut steps: Vec<_> = plan(&world.spec).into_iter().map(Step::name).collect();
    steps.insert(0, "look");
    steps.push("done");
    assert_eq!(phases, steps);
}

#[test]
fn people_are_called_for_what_needs_them_only() {
    assert!(What::NobodyWrites(Duration::from_secs(11)).is_alarm());
    assert!(!What::BackReady.is_alarm());
}
