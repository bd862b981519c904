use std::time::Duration;

use super::super::super::events::{Cause, Pause};
use super::super::super::facts::Control;
use super::super::super::gates::Severity;
use super::super::super::spec::{DataPolicy, Interrupt, Policy, RowsReturn};
use super::super::{Desired, Order, Orders, Outcome, PhaseName, Shift};
use super::world::{Fault, START, World, a_shift, a_short_spec, log, run, run_until};

fn a_spike(from: u64, until: u64) -> World {
    World {
        failures: vec![(from, until, (9.0, 0.5))],
        ..World::new()
    }
}

fn tell(world: &mut World) -> (Shift, Outcome) {
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    let outcome = run(&mut shift, world);
    (shift, outcome)
}

fn causes(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::RolledBack {
            causes,
            external: false,
            known: false,
        } => causes.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn five_minutes_of_errors_send_everything_back_within_the_promised_times() {
    let mut world = a_spike(5, 60);

    let (shift, outcome) = tell(&mut world);

    assert_eq!(causes(&outcome), ["GateBreached:errorRate"]);
    assert!(outcome.is_failure(&Policy::new()));
    let returned = world.weights[2].0.since(START);
    assert!(
        returned <= Duration::from_secs(5 * 60 + 7 * 60 + 30),
        "{returned:?}"
    );
    insta::assert_snapshot!(log(&shift).join("\n"), @"
      0:00 fence taken
      0:00 step 1 entered: 50/50
      1:00 step 1 is INSYNC
      3:00 bake of step 1 begins, 50 % seen on new
     11:00 rollback: GateBreached:errorRate
     11:00 rollback accepted
     12:00 rollback is INSYNC
     13:00 rolled back
    ");
}

#[test]
fn a_rollback_fails_a_run_once_and_the_next_only_says_so() {
    let mut world = a_spike(5, 60);
    tell(&mut world);

    let again = run(
        &mut a_shift(a_short_spec(), Orders::default(), "run-2", world.now),
        &mut world,
    );
    assert_eq!(
        again,
        Outcome::RolledBack {
            causes: Vec::new(),
            external: false,
            known: true
        }
    );
    assert!(!again.is_failure(&Policy::new()));

    world.now = world.now.after(Duration::from_hours(1));
    world.weights.truncate(1);
    let orders = Orders {
        attempt: 2,
        ..Orders::default()
    };
    assert_eq!(
        run(
            &mut a_shift(a_short_spec(), orders, "run-3", world.now),
            &mut world
        ),
        Outcome::Completed
    );
}

/// F2
#[test]
fn a_minute_of_throttling_delays_the_way_back_and_is_told_after_half() {
    let mut world = a_spike(5, 60);
    let begins = {
        let mut clean = a_spike(5, 60);
        tell(&mut clean);
        clean.weights[2].0.since(START).as_secs() / 60
    };
    world.outages = vec![(begins, begins + 1, ("return", Fault::Throttled))];

    let (shift, outcome) = tell(&mut world);

    assert_eq!(causes(&outcome), ["GateBreached:errorRate"]);
    assert!(shift.throttled() >= 8);
    let log = log(&shift);
    let at = |text: &str| {
        log.iter()
            .position(|line| line.contains(text))
            .unwrap_or_else(|| panic!("{text}: {log:#?}"))
    };
    assert!(at("stuck") < at("accepted"), "{log:#?}");
}

/// F5
#[test]
fn a_way_back_that_stays_pending_is_over_when_the_servers_answer() {
    let mut world = a_spike(5, 60);
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.shares().len() == 3);
    world.insync_after = Duration::from_mins(8);

    let outcome = run(&mut shift, &mut world);

    assert_eq!(causes(&outcome), ["GateBreached:errorRate"]);
    assert!(
        log(&shift)
            .iter()
            .any(|line| line.contains("longer than promised")),
        "{:#?}",
        log(&shift)
    );
}

/// F12, F13: without a guard a stop goes back, and is over as soon as that is accepted.
#[test]
fn a_stop_goes_back_where_nobody_else_watches() {
    for minute in [1, 2, 4, 9, 14, 20] {
        let mut spec = a_short_spec();
        spec.policy.interrupt = Some(Interrupt::Rollback);
        let mut world = World::new();
        let mut shift = a_shift(spec, Orders::default(), "run-1", START);
        run_until(&mut shift, &mut world, |_, world| world.minute() >= minute);
        let stopped = world.now;

        shift.stop(world.now);

        assert_eq!(
            run(&mut shift, &mut world),
            Outcome::Interrupted { back: true }
        );
        assert_eq!(world.shares().last().unwrap(), "100/0");
        assert!(world.now.since(stopped) < Duration::from_secs(10));
    }
}

/// F13
#[test]
fn a_stop_during_a_rollback_lets_it_be_accepted_first() {
    let mut world = a_spike(5, 60);
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |shift, _| !shift.causes.is_empty());

    shift.stop(world.now);

    assert_eq!(
        run(&mut shift, &mut world),
        Outcome::Interrupted { back: true }
    );
    assert_eq!(world.shares().last().unwrap(), "100/0");
    // The next run brings it to its end.
    let outcome = run(
        &mut a_shift(a_short_spec(), Orders::default(), "run-2", world.now),
        &mut world,
    );
    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
}

/// F22: the way back makes again what is gone.
#[test]
fn a_record_that_is_gone_does_not_stop_the_way_back() {
    let mut world = a_spike(5, 60);
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |shift, _| !shift.causes.is_empty());
    (world.old, world.new) = (None, Some(50));

    assert_eq!(
        causes(&run(&mut shift, &mut world)),
        ["GateBreached:errorRate"]
    );
    assert_eq!(world.old, Some(100));
}

/// F41, the last: eleven minutes.
#[test]
fn blindness_beyond_its_budget_goes_back() {
    let mut world = World {
        blind: vec![(4, 40, ())],
        ..World::new()
    };

    let (shift, outcome) = tell(&mut world);

    assert_eq!(causes(&outcome), ["Blind"]);
    let log = log(&shift);
    assert!(
        log.iter()
            .any(|line| line.contains("nothing measured for 3 min")),
        "{log:#?}"
    );
    let blind = world.weights[2].0.since(START);
    assert!(
        blind >= Duration::from_mins(13) && blind <= Duration::from_mins(15),
        "{blind:?}"
    );
}

#[test]
fn blindness_of_gates_that_only_hold_pauses() {
    let mut spec = a_short_spec();
    for step in &mut spec.steps {
        for gate in &mut step.gates {
            gate.severity = Severity::Hold;
        }
    }
    let mut world = World {
        blind: vec![(4, 400, ())],
        ..World::new()
    };

    assert_eq!(
        run(
            &mut a_shift(spec, Orders::default(), "run-1", START),
            &mut world
        ),
        Outcome::Paused(Pause::Blind)
    );
}

/// F49
#[test]
fn a_fault_of_both_sides_goes_back_by_default_and_holds_on_request() {
    let shared = || World {
        failures: vec![(5, 600, (9.0, 9.0))],
        ..World::new()
    };
    let mut spec = a_short_spec();
    spec.policy.rollback.hold_on_shared_fault = true;

    assert_eq!(causes(&tell(&mut shared()).1), ["SharedFault:errorRate"]);
    assert_eq!(
        run(
            &mut a_shift(spec, Orders::default(), "run-1", START),
            &mut shared()
        ),
        Outcome::Paused(Pause::SharedFault("errorRate".to_owned()))
    );
}

/// F50
#[test]
fn a_gate_on_trial_is_told_and_has_no_effect() {
    let mut spec = a_short_spec();
    for step in &mut spec.steps {
        step.gates[0].severity = Severity::DryRun;
    }
    let mut world = a_spike(5, 600);
    let mut shift = a_shift(spec, Orders::default(), "run-1", START);

    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
    assert!(
        log(&shift)
            .iter()
            .any(|line| line.contains("gate errorRate is broken, without effect"))
    );
}

/// F55
#[test]
fn permissions_lost_for_measuring_alone_make_it_blind() {
    let mut world = World {
        outages: vec![(4, 100, ("measure", Fault::Refused))],
        ..World::new()
    };

    assert_eq!(causes(&tell(&mut world).1), ["Blind"]);
}

/// F59: at most fifteen seconds.
#[test]
fn the_kill_switch_goes_back_within_fifteen_seconds() {
    let mut spec = a_short_spec();
    spec.policy.control_poll = Some(Duration::from_secs(10));
    let mut world = World {
        control: vec![(7, 100, Control::Rollback("fraud".to_owned()))],
        ..World::new()
    };

    let outcome = run(
        &mut a_shift(spec, Orders::default(), "run-1", START),
        &mut world,
    );

    assert_eq!(causes(&outcome), ["KillSwitch:fraud"]);
    assert!(world.weights[2].0.since(START) <= Duration::from_secs(7 * 60 + 15));
}

/// F62
#[test]
fn rows_are_waited_for_once_traffic_is_back_and_those_left_are_told() {
    let mut spec = a_short_spec();
    spec.policy.rollback.rows = RowsReturn::Reverse;
    let mut quick = World {
        reverse_lag: Duration::from_mins(1),
        ..a_spike(5, 60)
    };
    let mut broken = World {
        outages: vec![(0, 1_000, ("lag", Fault::Unavailable))],
        ..a_spike(5, 60)
    };

    let mut shift = a_shift(spec.clone(), Orders::default(), "run-1", START);
    assert_eq!(
        causes(&run(&mut shift, &mut quick)),
        ["GateBreached:errorRate"]
    );
    assert!(!log(&shift).iter().any(|line| line.contains("on new only")));

    let mut shift = a_shift(spec, Orders::default(), "run-1", START);
    assert_eq!(
        causes(&run(&mut shift, &mut broken)),
        ["GateBreached:errorRate"]
    );
    assert!(
        log(&shift).iter().any(|line| line.contains("on new only")),
        "{:#?}",
        log(&shift)
    );
}

#[test]
fn what_comes_before_traffic_has_a_limit() {
    for (data, kind) in [
        (DataPolicy::FenceFirst, "close"),
        (DataPolicy::DrainFirst, "lag"),
    ] {
        let mut spec = a_short_spec();
        spec.policy.rollback.data = data;
        let mut world = World {
            outages: vec![(0, 1_000, (kind, Fault::Unavailable))],
            ..a_spike(5, 60)
        };
        let mut shift = a_shift(spec, Orders::default(), "run-1", START);
        run_until(&mut shift, &mut world, |shift, _| !shift.causes.is_empty());
        let decided = world.now;

        assert_eq!(
            causes(&run(&mut shift, &mut world)),
            ["GateBreached:errorRate"]
        );
        assert!(
            world.weights[2].0.since(decided) <= Duration::from_secs(65),
            "{data:?}"
        );
    }
}

/// F63
#[test]
fn after_the_point_of_no_return_a_breach_holds() {
    let mut spec = a_short_spec();
    spec.policy.commit_after = Some(0);
    let mut world = a_spike(17, 600);
    let mut shift = a_shift(spec.clone(), Orders::default(), "run-1", START);

    let outcome = run(&mut shift, &mut world);

    assert!(
        matches!(
            outcome,
            Outcome::Paused(Pause::Committed(Cause::Gate { .. }))
        ),
        "{outcome:?}"
    );
    assert!(outcome.is_failure(&Policy::new()));
    assert_eq!(world.shares(), ["100/0", "50/50", "0/100"]);

    // Neither a person nor a later run finds a way back that is not there.
    let mut shift = a_shift(spec, Orders::default(), "run-2", world.now);
    shift.order(Order::Rollback("try".to_owned()), world.now);
    run(&mut shift, &mut world);
    assert_eq!(world.shares(), ["100/0", "50/50", "0/100"]);
}

/// F64
#[test]
fn of_a_breach_and_the_end_of_a_bake_in_the_same_tick_the_breach_wins() {
    // The fifth bad minute is a minute old exactly when the bake of ten minutes ends, at 13.
    let mut world = a_spike(7, 60);

    let (_, outcome) = tell(&mut world);

    assert_eq!(causes(&outcome), ["GateBreached:errorRate"]);
    assert_eq!(world.weights[2].0.since(START), Duration::from_mins(13));
}

/// F65
#[test]
fn a_second_cause_is_noted_and_nothing_runs_twice() {
    let mut world = a_spike(5, 60);
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |shift, _| !shift.causes.is_empty());

    shift.order(Order::Rollback("me too".to_owned()), world.now);

    assert_eq!(
        causes(&run(&mut shift, &mut world)),
        ["GateBreached:errorRate", "Requested:me too"]
    );
    assert_eq!(world.calls["return"], 1);
}

/// F66
#[test]
fn a_rollback_does_not_wait_for_a_pending_change() {
    let mut world = World {
        insync_after: Duration::from_mins(4),
        ..World::new()
    };
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 1);

    shift.order(Order::Rollback("now".to_owned()), world.now);
    run_until(&mut shift, &mut world, |_, world| world.shares().len() == 3);

    assert_eq!(world.now.since(START), Duration::from_mins(1));
    assert_eq!(causes(&run(&mut shift, &mut world)), ["Requested:now"]);
}

#[test]
fn the_program_asks_for_old() {
    let mut world = World::new();
    let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |_, world| world.minute() >= 9);
    let orders = Orders {
        desired: Desired::Old,
        ..Orders::default()
    };

    let outcome = run(
        &mut a_shift(a_short_spec(), orders.clone(), "run-2", world.now),
        &mut world,
    );

    assert_eq!(causes(&outcome), ["Requested:the program asks for it"]);
    // Where everything is on old already, that is said and nothing is done.
    let mut idle = World::new();
    run(
        &mut a_shift(a_short_spec(), orders, "run-1", START),
        &mut idle,
    );
    assert_eq!(idle.performed, 1);
}

/// F75: nothing can be written for an hour.
#[test]
fn an_outage_of_the_router_is_told_within_half_a_minute_and_outlasted() {
    let mut world = a_spike(5, 60);
    world.outages = vec![(8, 68, ("return", Fault::Unavailable))];

    let (shift, outcome) = tell(&mut world);

    assert_eq!(causes(&outcome), ["GateBreached:errorRate"]);
    let decided = shift
        .events()
        .iter()
        .find(|event| event.what.to_string().starts_with("rollback: "))
        .unwrap()
        .at;
    let stuck = shift
        .events()
        .iter()
        .find(|event| event.what.to_string().contains("stuck"))
        .unwrap()
        .at;
    assert!(stuck.since(decided) <= Duration::from_secs(30));
    assert!(world.weights[2].0.since(START) >= Duration::from_mins(68));
}

#[test]
fn an_outage_without_an_end_ends_the_run_with_a_call_for_a_person() {
    let mut world = a_spike(5, 60);
    world.outages = vec![(8, 100_000, ("return", Fault::Refused))];

    let (_, outcome) = tell(&mut world);

    assert!(matches!(outcome, Outcome::Stuck(_)), "{outcome:?}");
}

/// F42
#[test]
fn the_blindness_of_one_gate_counts_alone() {
    let blind = |from, until| World {
        blind_gate: vec![(from, until, "paymentFailures")],
        ..World::new()
    };
    let mut changing = World {
        blind_gate: vec![(4, 9, "paymentFailures"), (9, 14, "errorRate")],
        ..World::new()
    };

    assert_eq!(causes(&tell(&mut blind(4, 40)).1), ["Blind"]);
    assert_eq!(
        tell(&mut changing).1,
        Outcome::Completed,
        "five minutes each are not ten of one"
    );
}

/// F12: while rows are waited for.
#[test]
fn a_stop_does_not_wait_for_rows() {
    let mut spec = a_short_spec();
    spec.policy.rollback.rows = RowsReturn::Reverse;
    let mut world = World {
        reverse_lag: Duration::from_hours(1),
        ..a_spike(5, 60)
    };
    let mut shift = a_shift(spec, Orders::default(), "run-1", START);
    run_until(&mut shift, &mut world, |shift, _| {
        shift.status().phase == PhaseName::Draining
    });

    shift.stop(world.now);

    assert_eq!(
        run(&mut shift, &mut world),
        Outcome::Interrupted { back: true }
    );
}

#[test]
fn a_gate_of_a_single_period_reacts_within_three_and_a_half_minutes() {
    for second in [0, 15, 30, 45] {
        let mut world = World {
            failures: vec![(5, 60, (30.0, 0.5))],
            ..World::new()
        };
        world.now = START.after(Duration::from_secs(second));
        let mut shift = a_shift(a_short_spec(), Orders::default(), "run-1", world.now);

        assert_eq!(
            causes(&run(&mut shift, &mut world)),
            ["GateBreached:paymentFailures"]
        );
        assert!(world.weights[2].0.since(START) <= Duration::from_secs(5 * 60 + 3 * 60 + 30));
    }
}

/// F7, on the way back
#[test]
fn a_way_back_whose_answer_was_lost_is_looked_up_and_not_sent_twice() {
    let mut world = a_spike(5, 60);
    world.faults.insert(("return", 1), Fault::LostAfter);

    let (_, outcome) = tell(&mut world);

    assert_eq!(causes(&outcome), ["GateBreached:errorRate"]);
    assert_eq!(world.calls["return"], 1);
}

#[test]
fn the_record_of_new_goes_only_when_nobody_can_know_it_any_more() {
    let mut world = World {
        insync_after: Duration::from_secs(5),
        ..a_spike(5, 60)
    };

    let (_, outcome) = tell(&mut world);

    assert_eq!(causes(&outcome), ["GateBreached:errorRate"]);
    assert_eq!(
        world.new, None,
        "at no share there is no record that health checks could choose"
    );
    let accepted = world.weights[2].0;
    assert!(
        world.now.since(accepted) >= Duration::from_mins(2),
        "twice the TTL"
    );
}
