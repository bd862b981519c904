//! Shifts that go back to old: a gate that breaks, a kill switch, a person who presses Ctrl-C.

use std::time::{Duration, Instant};

use cutover_core::shift::journal::Mark;
use serde_json::json;

use super::super::pulumi::text;
use super::world::{PARAMETER, SHIFT, World, a_zone, args, lines, set_parameter, two_steps};

/// How long a kill switch may take until the way back is accepted: stated.
const SWITCH_MAX: Duration = Duration::from_secs(15);

/// How long an interrupted shift may take until its run has ended: stated.
const STOP_MAX: Duration = Duration::from_secs(10);

#[test]
fn an_error_spike_in_the_second_step_sends_everything_back_and_fails_once_until_the_next_attempt() {
    let world = World::of(&args(json!({})));
    let running = world.under_way("Baking step 2 of 3");
    world.break_new(0.3);

    let run = running.finish().fails();

    run.says("CUT-160")
        .says("errorRate was ")
        .says("allowed up to 5 %")
        .says("since 20")
        .says("set `attempt: 2`");
    assert_eq!(world.shares(), [0, 10, 50, 0]);
    world.has_ended(Mark::RolledBack);
    let stored = world.stored();
    assert_eq!(text(&stored["reason"]), "GateBreached:errorRate");
    assert_eq!(
        text(&stored["lastRollback"]["cause"]),
        "GateBreached:errorRate"
    );
    assert!(stored["lastRollback"]["submitMs"].is_number(), "{stored:#}");

    world.mend();
    let writes = world.writes();
    // The engine looks before it compares, and the look tells what a retry takes.
    for run in [world.stack.preview(), world.stack.up()] {
        let run = run.changes_nothing();
        assert!(
            run.messages()
                .iter()
                .any(|(severity, message, _)| severity == "warning"
                    && message.contains("nothing happens until `attempt` is more than 1")),
            "{run}"
        );
    }
    assert_eq!(world.writes(), writes);

    world.ask(&args(json!({ "attempt": 2 })));
    let preview = world.stack.preview().succeeds();
    preview.says("attempt 2 begins again from step 1");
    world.stack.up().succeeds();
    assert_eq!(world.shares(), [0, 10, 50, 0, 10, 50, 100]);
    world.has_ended(Mark::Completed);
}

/// F12
#[test]
fn ctrl_c_in_a_bake_sends_everything_back_and_the_next_up_ends_it() {
    let world = World::of(&two_steps(json!({})));
    let running = world.under_way("Baking step 1 of 2");

    let pressed = Instant::now();
    let run = running.interrupted().finish().fails();

    let took = pressed.elapsed();
    assert!(took < STOP_MAX, "it took {took:?}:\n{run}");
    run.says("CUT-162").says("everything was sent back to old");
    assert_eq!(world.shares(), [0, 50, 0]);
    let state = world.stack.state();
    let reasons = state.resource(SHIFT)["initErrors"].to_string();
    assert!(reasons.contains("CUT-162"), "{reasons}");
    assert_eq!(state.pending(), 0);
    assert_eq!(world.journal().map(|entry| entry.mark), Some(Mark::Back));

    let preview = world.stack.preview().succeeds();
    preview.says("`pulumi up` finishes the way back to old");
    world.stack.up().fails().says("CUT-160");
    world.has_ended(Mark::RolledBack);
    let up = world.stack.up().succeeds();
    assert!(
        lines(&up)
            .iter()
            .any(|line| line.contains("nothing happens until `attempt`")),
        "{up}"
    );
    assert_eq!(world.shares(), [0, 50, 0]);
}

/// F59
#[test]
fn a_kill_switch_that_is_thrown_in_a_bake_is_heeded_within_fifteen_seconds() {
    let mut cloud = a_zone(100, 0, 1);
    set_parameter(&mut cloud, "run");
    let world = World::over(
        cloud,
        &two_steps(json!({
            "steps": [{ "share": 50, "bake": "1m" }, { "share": 100 }],
            "control": { "ssmParameter": PARAMETER },
        })),
    );
    let running = world.under_way("Baking step 1 of 2");

    let thrown_at = world.set_parameter("rollback: drill");
    let run = running.finish().fails();

    run.says("CUT-160").says("drill");
    let shares = world.shares_over_time();
    let percent: Vec<u64> = shares.iter().map(|(_, share)| *share).collect();
    assert_eq!(percent, [0, 50, 0]);
    let took = shares.last().map(|(at, _)| at.since(thrown_at));
    assert!(took.is_some_and(|took| took <= SWITCH_MAX), "{took:?}");
    world.has_ended(Mark::RolledBack);
}
