//! What people may wish for beyond the plan, what is put back, and what happens when the router is out of reach.

use std::time::Duration;

use super::super::super::events::{Drift, Pause, What};
use super::super::super::facts::{Control, JournalRead};
use super::super::super::journal::Mark;
use super::super::super::spec::{DriftPolicy, Policy};
use super::super::{Desired, Orders, Outcome, PhaseName, standing, worst};
use super::world::{Fault, START, World, a_shift, a_short_spec, log, on_a_rule, run, run_until};

fn at_once() -> Orders {
    Orders {
        desired: Desired::New,
        ..Orders::default()
    }
}

#[test]
fn a_step_is_approved_through_the_switch() {
    let mut spec = a_short_spec();
    spec.steps[1].pause = true;
    spec.policy.control_poll = Some(Duration::from_secs(10));
    let mut world = World {
        control: vec![(20, 30, Control::parse("approve: 2"))],
        ..World::new()
    };
    let mut shift = a_shift(spec, Orders::default(), "run-1", START);

    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
    let entered = world.weights[2].0.since(START);
    assert!(
        (Duration::from_mins(20)..Duration::from_mins(21)).contains(&entered),
        "{entered:?}"
    );
}

#[test]
fn steps_are_skipped_only_where_the_policy_allows_it() {
    let refused = run(
        &mut a_shift(a_short_spec(), at_once(), "run-1", START),
        &mut World::new(),
    );
    let Outcome::Refused(problems) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(problems[0].code.to_string(), "CUT-132");

    let mut spec = a_short_spec();
    spec.policy.allow_skip = true;
    let mut world = World::new();
    // From the middle of a bake that an earlier run has left.
    let mut first = a_shift(spec.clone(), Orders::default(), "run-1", START);
    run_until(&mut first, &mut world, |_, world| world.minute() >= 5);
    let began = world.now;
    let mut shift = a_shift(spec.clone(), at_once(), "run-2", world.now);
    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
    assert_eq!(world.shares(), ["100/0", "50/50", "0/100"]);
    assert!(world.weights[2].0.since(began) < Duration::from_mins(1));
}

#[test]
fn a_jump_goes_to_the_last_step_and_is_watched_there() {
    let mut spec = a_short_spec();
    spec.policy.allow_skip = true;
    let mut world = World {
        failures: vec![(5, 60, (30.0, 0.5))],
        ..World::new()
    };
    let mut shift = a_shift(spec, at_once(), "run-1", START);

    run_until(&mut shift, &mut world, |shift, _| !shift.causes.is_empty());

    assert_eq!(world.shares(), ["100/0", "0/100"]);
    assert_eq!(shift.causes[0].to_string(), "GateBreached:paymentFailures");
}

#[test]
fn a_jump_past_the_point_of_no_return_takes_the_way_back_away() {
    let mut spec = a_short_spec();
    (spec.policy.allow_skip, spec.policy.commit_after) = (true, Some(0));
    let mut world = World {
        failures: vec![(5, 600, (30.0, 0.5))],
        ..World::new()
    };
    let mut shift = a_shift(spec, at_once(), "run-1", START);

    let outcome = run(&mut shift, &mut world);

    assert!(
        matches!(outcome, Outcome::Paused(Pause::Committed(_))),
        "{outcome:?}"
    );
    assert_eq!(world.shares(), ["100/0", "0/100"]);
}

#[test]
fn what_somebody_has_changed_is_put_back_once_where_that_is_asked_for() {
    let mut spec = a_short_spec();
    spec.policy.drift = DriftPolicy::Revert;
    let mut world = World::new();
    let mut shift = a_shift(spec, Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 6);
    (world.old, world.new) = (Some(20), Some(80));

    run_until(&mut shift, &mut world, |_, world| world.new == Some(50));

    assert!(
        log(&shift).iter().all(|line| !line.contains("paused")),
        "{:#?}",
        log(&shift)
    );
    // The bake begins again, and a second time is one too many.
    run_until(&mut shift, &mut world, |shift, _| {
        shift.status().phase == PhaseName::Baking
    });
    assert!(
        log(&shift)
            .iter()
            .any(|line| line.contains("new gets more than planned"))
    );
    world.weights.pop();
    (world.old, world.new) = (Some(20), Some(80));
    let outcome = loop {
        if let Some(outcome) = super::world::step(&mut shift, &mut world) {
            break outcome;
        }
    };
    assert_eq!(outcome, Outcome::Paused(Pause::Drift(Drift::Raised)));
    assert_eq!(world.new, Some(80));
}

/// F20: where drift is put back, who sends everything back to old is still not overruled; and it is told once.
#[test]
fn who_sends_everything_back_is_never_overruled_and_the_fence_is_released() {
    let mut spec = a_short_spec();
    spec.policy.drift = DriftPolicy::Revert;
    let mut world = World::new();
    let mut shift = a_shift(spec.clone(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 6);
    world.set(100, 0);

    let outcome = run(&mut shift, &mut world);

    assert!(matches!(
        outcome,
        Outcome::RolledBack {
            external: true,
            known: false,
            ..
        }
    ));
    assert!(matches!(&world.journal, JournalRead::Entry(entry) if entry.mark == Mark::RolledBack));
    let again = run(
        &mut a_shift(spec, Orders::default(), "run-2", world.now),
        &mut world,
    );
    assert!(!again.is_failure(&Policy::new()), "{again:?}");
    assert!(
        again.is_failure(&Policy {
            strict_after_rollback: true,
            ..Policy::new()
        }),
        "unless the policy is strict about it"
    );
}

/// F67, its second half.
#[test]
fn a_cold_old_side_does_not_stop_the_way_back_and_is_told() {
    let mut world = World {
        failures: vec![(5, 60, (9.0, 0.5))],
        ..World::new()
    };
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 6);
    world.old_is_cold = true;

    let outcome = run(&mut shift, &mut world);

    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
    let log = log(&shift);
    let at = |text: &str| log.iter().position(|line| line.contains(text)).unwrap();
    assert!(
        at("accepted") < at("old cannot take everything"),
        "{log:#?}"
    );
}

/// F23, F69: the zone or the rule is gone while traffic is split.
#[test]
fn a_router_that_is_gone_is_stuck_and_calls_people() {
    let mut world = World {
        outages: vec![(5, 100_000, ("live", Fault::Refused))],
        ..World::new()
    };
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);

    run_until(&mut shift, &mut world, |shift, _| {
        shift.status().phase == PhaseName::Stuck
    });

    let told = shift
        .events()
        .iter()
        .find(|event| matches!(event.what, What::Stuck(_)))
        .unwrap();
    assert!(told.at.since(START) < Duration::from_mins(7), "{told:?}");
    let outcome = run(&mut shift, &mut world);
    assert!(matches!(outcome, Outcome::Stuck(_)), "{outcome:?}");
    assert_eq!(world.shares(), ["100/0", "50/50"], "nothing was written");
}

/// F75: an hour without the control plane.
#[test]
fn a_router_out_of_reach_holds_and_says_what_is_left_within_half_a_minute() {
    let kinds = ["live", "move", "renew", "return"];
    let mut world = World {
        outages: kinds
            .map(|kind| (5, 65, (kind, Fault::Unavailable)))
            .to_vec(),
        ..World::new()
    };
    let mut spec = a_short_spec();
    spec.policy.gate_timeout = Duration::from_hours(2);
    let mut shift = a_shift(spec, Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| {
        world.minute() >= 5 && world.calls["live"] > 3
    });
    let noticed = world.now;

    run_until(&mut shift, &mut world, |_, world| world.minute() >= 64);

    assert_eq!(world.shares(), ["100/0", "50/50"], "it holds");
    let told = shift
        .events()
        .iter()
        .find(|event| matches!(event.what, What::RouterUnreachable { guarded: true }))
        .unwrap();
    assert!(
        told.at.since(noticed) <= Duration::from_secs(30),
        "{told:?}"
    );
    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
    assert!(
        log(&shift)
            .iter()
            .any(|line| line.contains("can be reached again"))
    );
}

/// A rule's tags are written before its weights. Whoever dies in between has announced a step that is not on.
#[test]
fn a_step_that_was_announced_and_not_made_is_made_by_the_next_run() {
    for nth in [1, 2] {
        let mut world = World::new();
        let mut shift = a_shift(on_a_rule(), Orders::default(), "run-1", START);
        let is_about_to_move = |world: &World, shift: &super::super::Shift| {
            world.calls.get("move").copied().unwrap_or(0) == nth - 1
                && matches!(crate::machine::Machine::next(shift), crate::machine::Next::Do(command) if World::kind(&command) == "move")
        };
        run_until(&mut shift, &mut world, |shift, world| {
            is_about_to_move(world, shift)
        });
        let crate::machine::Next::Do(super::super::Command::Apply(change)) =
            crate::machine::Machine::next(&shift)
        else {
            panic!("it moves")
        };
        world.journal = JournalRead::Entry(change.entry.clone());
        world.now = world.now.after(Duration::from_mins(1));
        let before = world.shares();
        let mut later = a_shift(on_a_rule(), Orders::default(), "run-2", world.now);

        run_until(&mut later, &mut world, |shift, _| {
            shift.status().phase != PhaseName::Pending
        });
        assert_eq!(
            later.status().step,
            nth.checked_sub(2),
            "the step before is on"
        );

        assert_eq!(run(&mut later, &mut world), Outcome::Completed, "{nth}");
        assert_eq!(before.len(), nth);
        assert_eq!(world.shares(), ["100/0", "50/50", "0/100"]);
    }
}

/// The same within one run: the answer was lost after the tags and before the weights.
#[test]
fn a_step_whose_weights_were_lost_is_made_over_its_announcement() {
    let mut world = World::new();
    world.half.insert(("move", 1));
    let mut shift = a_shift(on_a_rule(), Orders::default(), "run-1", START);

    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
    assert_eq!(world.shares(), ["100/0", "50/50", "0/100"]);
    assert_eq!(world.calls["move"], 3);
}

/// What has begun to bake was on, so that lower weights are a person's.
#[test]
fn a_person_who_lowers_a_baking_step_of_a_rule_is_not_taken_for_a_lost_change() {
    let mut world = World::new();
    let mut shift = a_shift(on_a_rule(), Orders::default(), "run-1", START);
    // The first renewal of the last step notes when its bake began.
    run_until(&mut shift, &mut world, |shift, world| {
        world.shares().len() == 3
            && matches!(&world.journal, JournalRead::Entry(entry) if entry.bake.is_some())
            && shift.status().phase == PhaseName::Soaking
    });
    (world.old, world.new) = (Some(50), Some(50));

    let outcome = run(
        &mut a_shift(on_a_rule(), Orders::default(), "run-2", world.now),
        &mut world,
    );

    assert_eq!(outcome, Outcome::Paused(Pause::Drift(Drift::Lowered)));
}

/// F72: what a refresh or an import sees.
#[test]
fn the_router_alone_tells_where_a_shift_stands() {
    let spec = super::super::super::given::a_spec(|_| ());
    let stands = |old: u16, new: u16| {
        let mut world = World::new();
        (world.old, world.new) = (Some(old), Some(new));
        standing(&spec, &world.live())
    };

    assert_eq!(stands(100, 0), (PhaseName::Pending, None));
    assert_eq!(stands(95, 5), (PhaseName::Paused, None));
    assert_eq!(stands(70, 30), (PhaseName::Paused, Some(0)));
    assert_eq!(stands(50, 50), (PhaseName::Paused, Some(1)));
    assert_eq!(stands(0, 7), (PhaseName::Completed, Some(3)));
    // The journal knows more: the last step is still watched, or everything went back.
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.shares().len() == 3);
    let found = standing(&a_short_spec(), &world.live());
    assert_eq!(found, (PhaseName::Paused, Some(1)));
}

#[test]
fn a_bake_says_how_long_it_takes_and_which_gate_is_worst() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    let is_waiting = |shift: &super::super::Shift, world: &World| {
        world.minute() >= 8
            && matches!(
                crate::machine::Machine::next(shift),
                crate::machine::Next::WaitUntil { .. }
            )
    };
    run_until(&mut shift, &mut world, is_waiting);

    let crate::machine::Next::WaitUntil { why, .. } = crate::machine::Machine::next(&shift) else {
        panic!("it waits")
    };
    assert_eq!(
        why.text,
        "step 1 of 2, 50 % on new, 5 min left, worst gate errorRate 0.5 % of 5 %"
    );
    let status = shift.status();
    assert_eq!(status.next_decision_at, status.bake_ends_at);
    assert_eq!(worst(&status.assessments).unwrap().gate, "errorRate");
    assert_eq!(worst(&[]), None);
}

#[test]
fn a_cause_says_what_was_seen_and_what_is_allowed() {
    let mut world = World {
        failures: vec![(5, 60, (9.0, 0.5))],
        ..World::new()
    };
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);

    run(&mut shift, &mut world);

    assert_eq!(
        shift.causes[0].details(),
        "errorRate was 9 %, allowed up to 5 %, since 2023-11-14T22:19:00Z, 1000 samples"
    );
    assert_eq!(shift.causes[0].to_string(), "GateBreached:errorRate");
}
