use std::time::Duration;

use super::super::super::events::Pause;
use super::super::super::facts::Control;
use super::super::super::given::{RUNBOOK, with_steps};
use super::super::super::spec::{Interrupt, Mode, Policy, Spec};
use super::super::{Desired, Order, Orders, Outcome};
use super::world::{Fault, START, World, a_shift, a_short_spec, gates, log, run, run_until};
use crate::machine::{Machine, Next};

fn the_runbook() -> Spec {
    with_steps(&RUNBOOK, gates())
}

/// Runs a spec in a world from the start.
fn tell(spec: Spec, world: &mut World) -> (Outcome, Vec<String>) {
    let mut shift = a_shift(spec, Orders::default(), "run-1", START);
    let outcome = run(&mut shift, world);
    (outcome, log(&shift))
}

/// F74
#[test]
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it is about real time"
)]
fn three_hours_and_twelve_minutes_pass_in_under_two_seconds_with_the_same_log_each_time() {
    let before = std::time::Instant::now();
    let (mut world, mut again) = (World::new(), World::new());

    let told = tell(the_runbook(), &mut world);
    assert!(
        before.elapsed() < Duration::from_secs(2),
        "{:?}",
        before.elapsed()
    );

    assert_eq!(told.0, Outcome::Completed);
    assert_eq!(world.now.since(START), Duration::from_mins(192));
    assert_eq!(
        world.shares(),
        ["100/0", "90/10", "50/50", "10/90", "0/100"]
    );
    assert_eq!(tell(the_runbook(), &mut again), told);
    insta::assert_snapshot!(told.1.join("\n"), @"
      0:00 fence taken
      0:00 step 1 entered: 90/10
      1:00 step 1 is INSYNC
      3:00 bake of step 1 begins, 10 % seen on new
     33:00 step 1 has baked
     33:00 step 2 entered: 50/50
     34:00 step 2 is INSYNC
     36:00 bake of step 2 begins, 50 % seen on new
     96:00 step 2 has baked
     96:00 step 3 entered: 10/90
     97:00 step 3 is INSYNC
     99:00 bake of step 3 begins, 90 % seen on new
    159:00 step 3 has baked
    159:00 step 4 entered: 0/100
    160:00 step 4 is INSYNC
    162:00 bake of step 4 begins, 100 % seen on new
    192:00 step 4 has baked
    192:00 completed
    ");
}

#[test]
fn a_moment_before_the_end_of_a_bake_the_next_step_has_not_begun() {
    let mut world = World::new();
    let mut shift = a_shift(the_runbook(), Orders::default(), "run-1", START);

    run_until(&mut shift, &mut world, |_, world| world.shares().len() == 3);

    assert_eq!(world.weights[2].0.since(START), Duration::from_mins(33));
}

/// F4
#[test]
fn a_change_that_stays_pending_pauses_and_is_never_baked() {
    let mut world = World {
        insync_after: Duration::from_hours(100),
        ..World::new()
    };

    let (outcome, log) = tell(a_short_spec(), &mut world);

    assert_eq!(outcome, Outcome::Paused(Pause::InsyncTimeout));
    assert!(
        log.contains(&"  5:00 paused: InsyncTimeout".to_owned()),
        "{log:#?}"
    );
    assert!(!log.iter().any(|line| line.contains("bake")), "{log:#?}");
}

/// F6
#[test]
fn a_change_that_cannot_be_asked_about_shows_in_the_answers() {
    let mut world = World {
        outages: vec![(0, 60, ("change", Fault::Refused))],
        ..World::new()
    };

    assert_eq!(tell(a_short_spec(), &mut world).0, Outcome::Completed);
    assert_eq!(world.calls["move"], 2, "no second change is made");
}

/// F1
#[test]
fn three_throttled_moves_are_one_change() {
    let mut world = World::new();
    for nth in 1..=3 {
        world.faults.insert(("move", nth), Fault::Throttled);
    }
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);

    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
    assert_eq!(shift.throttled(), 3);
    assert_eq!(world.shares(), ["100/0", "50/50", "0/100"]);
}

/// F3
#[test]
fn a_batch_that_has_to_wait_for_another_is_sent_again_as_it_was() {
    let mut world = World::new();
    let mut batches = Vec::new();
    for nth in 1..=12 {
        world.faults.insert(("move", nth), Fault::Throttled);
    }
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    loop {
        if let Next::Do(command) = shift.next()
            && World::kind(&command) == "move"
        {
            batches.push(command);
        }
        if batches.len() == 13 {
            break;
        }
        assert_eq!(super::world::step(&mut shift, &mut world), None);
    }

    assert!(batches.iter().all(|batch| *batch == batches[0]));
}

/// F7
#[test]
fn a_lost_answer_is_looked_up_in_the_journal_and_the_change_adopted() {
    let mut world = World::new();
    world.faults.insert(("move", 1), Fault::LostAfter);

    assert_eq!(tell(a_short_spec(), &mut world).0, Outcome::Completed);
    assert_eq!(world.calls["move"], 2, "one batch a step");
}

/// F31
#[test]
fn a_side_that_gets_no_requests_is_never_passed() {
    let mut world = World {
        new_unreachable: true,
        ..World::new()
    };

    let (outcome, log) = tell(a_short_spec(), &mut world);

    assert!(
        matches!(outcome, Outcome::Paused(Pause::SplitMismatch(_))),
        "{outcome:?}"
    );
    assert!(
        log.contains(&"  5:00 paused: SplitMismatch:0 %".to_owned()),
        "{log:#?}"
    );
}

/// F33
#[test]
fn a_high_ttl_is_lowered_waited_out_and_restored() {
    let mut world = World {
        ttl_seconds: Some(300),
        ..World::new()
    };

    assert_eq!(tell(a_short_spec(), &mut world).0, Outcome::Completed);
    assert_eq!(
        world.weights[1].0.since(START),
        Duration::from_mins(6),
        "INSYNC, and then the former TTL"
    );
    assert_eq!(world.ttl_seconds, Some(300));
}

/// F35, F36
#[test]
fn a_bake_without_data_is_extended_and_then_pauses() {
    let mut world = World {
        silent: vec![(0, 1_000, ())],
        ..World::new()
    };

    let (outcome, log) = tell(a_short_spec(), &mut world);

    let names = vec!["errorRate".to_owned(), "paymentFailures".to_owned()];
    assert_eq!(outcome, Outcome::Paused(Pause::Inconclusive(names)));
    assert!(
        log.contains(&" 23:00 paused: Inconclusive:errorRate,paymentFailures".to_owned()),
        "{log:#?}"
    );
}

/// Invariant (f): what could not be judged is not credited.
#[test]
fn a_bake_takes_as_much_longer_as_it_was_silent() {
    let mut world = World {
        silent: vec![(5, 8, ())],
        ..World::new()
    };
    let mut usual = World::new();

    tell(a_short_spec(), &mut world);
    tell(a_short_spec(), &mut usual);

    assert_eq!(
        world.weights[2].0.since(usual.weights[2].0),
        Duration::from_mins(3)
    );
}

/// F41, the first two: a short outage does nothing, a longer one is told.
#[test]
fn a_short_blindness_changes_nothing_but_is_told_after_three_minutes() {
    let mut short = World {
        blind: vec![(4, 6, ())],
        ..World::new()
    };
    let mut long = World {
        blind: vec![(4, 9, ())],
        ..World::new()
    };

    let (outcome, told) = tell(a_short_spec(), &mut short);
    assert_eq!(outcome, Outcome::Completed);
    assert!(
        !told.iter().any(|line| line.contains("nothing measured")),
        "{told:#?}"
    );

    let (outcome, told) = tell(a_short_spec(), &mut long);
    assert_eq!(outcome, Outcome::Completed);
    assert_eq!(
        told.iter()
            .filter(|line| line.contains("nothing measured"))
            .count(),
        1,
        "{told:#?}"
    );
}

/// F59
#[test]
fn an_unreadable_switch_keeps_its_last_value_and_is_told_once() {
    let mut spec = a_short_spec();
    spec.policy.control_poll = Some(Duration::from_secs(10));
    let mut world = World {
        outages: vec![(4, 6, ("control", Fault::Unavailable))],
        ..World::new()
    };
    world.control = vec![(7, 9, Control::Garbage("maybe".to_owned()))];

    let (outcome, log) = tell(spec, &mut world);

    assert_eq!(outcome, Outcome::Completed);
    assert_eq!(
        log.iter()
            .filter(|line| line.contains("kill switch unclear"))
            .count(),
        2,
        "{log:#?}"
    );
}

#[test]
fn a_switch_that_says_hold_is_heeded_before_the_first_share_and_lets_go_again() {
    let mut spec = a_short_spec();
    spec.policy.control_poll = Some(Duration::from_mins(1));
    let mut world = World {
        control: vec![(0, 20, Control::Hold("not tonight".to_owned()))],
        ..World::new()
    };

    let (outcome, log) = tell(spec, &mut world);

    assert_eq!(outcome, Outcome::Completed, "{log:#?}");
    let first = world.weights[1].0.since(START);
    assert!(first >= Duration::from_mins(20), "{first:?}: {log:#?}");
    assert!(log.iter().any(|line| line.contains("resumed")), "{log:#?}");
}

/// F60
#[test]
fn conditions_that_flap_are_not_open() {
    let mut spec = a_short_spec();
    spec.steps[1].entry_gates = vec!["dmsTask".to_owned()];
    let mut world = World {
        closed: vec![(0, 20, ())],
        ..World::new()
    };

    assert_eq!(tell(spec, &mut world).0, Outcome::Completed);
    assert_eq!(
        world.weights[2].0.since(START),
        Duration::from_secs(20 * 60 + 10),
        "open twice in a row"
    );
}

/// F61
#[test]
fn conditions_that_never_open_pause_with_weights_unchanged() {
    let mut spec = a_short_spec();
    spec.steps[1].entry_gates = vec!["dmsTask".to_owned()];
    let mut world = World {
        outages: vec![(0, 1_000, ("gates", Fault::Unavailable))],
        ..World::new()
    };

    assert_eq!(
        tell(spec, &mut world).0,
        Outcome::Paused(Pause::GateClosed(vec!["dmsTask".to_owned()]))
    );
    assert_eq!(world.shares(), ["100/0", "50/50"]);
}

/// F67, the first half
#[test]
fn a_step_is_not_entered_when_old_could_not_take_everything_back() {
    let mut world = World {
        old_is_cold: true,
        ..World::new()
    };

    assert_eq!(
        tell(a_short_spec(), &mut world).0,
        Outcome::Paused(Pause::OldIsCold)
    );
    assert_eq!(world.shares(), ["100/0"]);
}

#[test]
fn an_approval_is_waited_for_and_the_gates_are_watched_meanwhile() {
    let mut spec = a_short_spec();
    spec.steps[1].pause = true;
    let mut world = World::new();
    let mut shift = a_shift(spec.clone(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 20);
    let measured = world.calls["measure"];
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 25);
    assert!(world.calls["measure"] > measured + 5);

    shift.order(Order::Approve(1), world.now);

    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);

    let mut world = World::new();
    let outcome = tell(spec, &mut world).0;
    assert_eq!(outcome, Outcome::Paused(Pause::Approval(1)));
    assert!(
        !outcome.is_failure(&Policy::new()),
        "a pause by design is a success"
    );
}

#[test]
fn staged_runs_do_one_step_each() {
    let mut spec = a_short_spec();
    spec.policy.mode = Mode::Staged;
    let mut world = World::new();

    let first = run(
        &mut a_shift(spec.clone(), Orders::default(), "run-1", world.now),
        &mut world,
    );
    assert_eq!(first, Outcome::Paused(Pause::Staged(0)));
    assert!(!first.is_failure(&Policy::new()));
    world.now = world.now.after(Duration::from_hours(5));

    let second = run(
        &mut a_shift(spec, Orders::default(), "run-2", world.now),
        &mut world,
    );

    assert_eq!(second, Outcome::Completed);
    assert_eq!(world.shares(), ["100/0", "50/50", "0/100"]);
}

#[test]
fn a_person_holds_and_lets_go_on() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 6);
    shift.order(Order::Hold("lunch".to_owned()), world.now);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 30);
    assert_eq!(world.shares(), ["100/0", "50/50"]);

    shift.order(Order::Resume, world.now);

    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
    assert!(
        world.weights[2].0.since(START) >= Duration::from_mins(40),
        "the bake began again"
    );
}

#[test]
fn the_program_asks_to_hold() {
    let mut world = World::new();
    let orders = Orders {
        desired: Desired::Hold,
        ..Orders::default()
    };

    let outcome = run(
        &mut a_shift(a_short_spec(), orders, "run-1", START),
        &mut world,
    );

    assert!(
        matches!(outcome, Outcome::Paused(Pause::Held(_))),
        "{outcome:?}"
    );
    assert_eq!(world.shares(), ["100/0"]);
}

/// F12: with a guard, weights stay.
#[test]
fn a_stop_holds_where_somebody_else_watches() {
    for minute in [0, 1, 2, 4, 9, 14, 20] {
        let mut spec = a_short_spec();
        spec.policy.interrupt = Some(Interrupt::Hold);
        let mut world = World::new();
        let mut shift = a_shift(spec, Orders::default(), "run-1", START);
        run_until(&mut shift, &mut world, |_, world| world.minute() >= minute);
        let before = world.shares();

        shift.stop(world.now);

        assert_eq!(
            run(&mut shift, &mut world),
            Outcome::Interrupted { back: false }
        );
        assert_eq!(world.shares(), before);
    }
}

/// F34
#[test]
fn clients_that_keep_answers_too_long_delay_the_bake_or_pause_it() {
    let sticky = |minutes| World {
        sticky: Duration::from_mins(minutes),
        ..World::new()
    };
    let mut a_little = sticky(3);

    let (outcome, log) = tell(a_short_spec(), &mut a_little);
    assert_eq!(outcome, Outcome::Completed);
    assert!(
        log.contains(&"  4:00 bake of step 1 begins, 50 % seen on new".to_owned()),
        "{log:#?}"
    );

    let (outcome, _) = tell(a_short_spec(), &mut sticky(8));
    assert!(
        matches!(outcome, Outcome::Paused(Pause::SplitMismatch(_))),
        "{outcome:?}"
    );
}

/// F53: a clock that is set back shortens and lengthens nothing.
#[test]
fn a_clock_that_is_set_back_does_not_undo_what_was_waited_for() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |shift, world| {
        world.minute() >= 6 && matches!(shift.next(), Next::WaitUntil { .. })
    });
    let before = shift.clone();

    shift.wake(START).unwrap();

    assert_eq!(shift, before, "it still waits for the same moment");
    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
}

/// F56
#[test]
fn rights_that_were_lost_are_noticed_before_the_next_step() {
    let mut world = World {
        problems: vec![(2, 1_000, 117)],
        ..World::new()
    };

    let (outcome, _) = tell(a_short_spec(), &mut world);

    assert!(
        matches!(&outcome, Outcome::Paused(Pause::NotReady(problems)) if problems[0].code.0 == 117),
        "{outcome:?}"
    );
    assert_eq!(world.shares(), ["100/0", "50/50"]);
}

#[test]
fn its_phases_follow_one_another_as_stated() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    let mut phases = vec![shift.status().phase];
    while super::world::step(&mut shift, &mut world).is_none() {
        phases.push(shift.status().phase);
    }
    phases.dedup();

    let names: Vec<_> = phases.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(names.join(" "), @"Pending Preflight Preparing Entering Shifting Settling Baking Deciding Entering Shifting Settling Soaking Deciding Completed");
}

#[test]
fn its_status_says_when_it_decides_and_on_what_grounds() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 9);

    let status = shift.status();

    assert_eq!(
        (status.step, status.requested.to_string().as_str()),
        (Some(0), "50 %")
    );
    assert_eq!(status.observed, Some(status.requested));
    assert_eq!(
        status.bake_ends_at,
        Some(START.after(Duration::from_mins(13)))
    );
    assert_eq!(status.assessments.len(), 2);
    assert!((status.assessments[0].value.unwrap() - 0.005).abs() < 1e-9);
}

/// The first runbook watches everything on new for a day before old may go.
#[test]
fn a_day_of_soak_is_watched_to_its_end() {
    let mut spec = a_short_spec();
    spec.steps[1].bake = Duration::from_hours(24);
    let mut world = World::new();

    assert_eq!(tell(spec, &mut world).0, Outcome::Completed);
    assert_eq!(
        world.now.since(START),
        Duration::from_mins(13 + 3 + 24 * 60)
    );
}

/// A breach in the last minutes of a day is seen as well.
#[test]
fn a_breach_late_in_the_soak_goes_back() {
    let mut spec = a_short_spec();
    spec.steps[1].bake = Duration::from_hours(24);
    let mut world = World {
        failures: vec![(24 * 60, 24 * 60 + 30, (9.0, 0.5))],
        ..World::new()
    };

    let outcome = tell(spec, &mut world).0;

    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
    assert!(world.weights[3].0.since(START) <= Duration::from_secs(24 * 3_600 + 7 * 60 + 30));
}

/// F53
#[test]
fn the_first_answer_tells_what_time_it_is_and_a_clock_that_is_set_back_later_undoes_nothing() {
    let mut world = World::new();
    let ahead = START.after(Duration::from_mins(5));
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", ahead);
    run_until(&mut shift, &mut world, |shift, _| {
        !shift.events().is_empty()
    });
    assert_eq!(shift.events()[0].at, START);

    run_until(&mut shift, &mut world, |_, world| world.minute() >= 5);
    let told = shift.events().len();
    world.now = START;
    run_until(&mut shift, &mut world, |shift, _| {
        shift.events().len() > told
    });

    assert!(shift.events()[told].at >= START.after(Duration::from_mins(5)));
}
