//! What may be in the way, and what comes of it.

use super::*;
use crate::validation::report::Verdict;
use crate::writer_switch::control::Told;
use crate::writer_switch::events::What;
use crate::writer_switch::facts::{Command, Fact};
use world::Trouble;

/// What happens to a world.
type Change = fn(&mut World);

pub(super) fn count(world: &World, is_it: impl Fn(&Command) -> bool) -> usize {
    world
        .performed
        .iter()
        .filter(|command| is_it(command))
        .count()
}

pub(super) fn place_of(is_it: impl Fn(&Command) -> bool) -> usize {
    let mut world = a_world();
    run(&mut world);
    world.performed.iter().position(is_it).expect("it is done")
}

pub(super) fn is_commit(command: &Command) -> bool {
    matches!(command, Command::Open { row, .. } if row.epoch == 1)
}

pub(super) fn fences(world: &World) -> usize {
    count(world, |command| matches!(command, Command::Fence { .. }))
}

/// D41: two runners at once: one has the lock, and the second says who, and ends.
#[test]
fn another_runner_that_holds_the_lock_is_named_and_left_alone() {
    let mut world = a_world();
    world.rival = Some("process 4711 of 10.0.3.7, run of another".to_owned());

    let (outcome, _) = run(&mut world);

    let Outcome::NotHolder { side, by } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((side, by.contains("4711")), (Side::Source, true));
    assert_eq!(world.performed.len(), 1);
}

/// D4: a transaction holds a table when the fence wants its lock: writers queue for one attempt of two seconds at most, three
/// attempts are made, and it is called off with the transaction's name.
#[test]
fn locks_that_are_not_to_be_had_are_tried_three_times_and_whoever_is_in_the_way_is_named() {
    let mut world = a_world();
    world.blocked = 3;

    let (outcome, _) = run(&mut world);

    assert!(reason_of(&outcome).contains("app@10.0.3.7 (checkout), process 4711"));
    assert_eq!((fences(&world), world.refused), (3, Duration::ZERO));
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
    let waits: Vec<_> = world
        .performed
        .iter()
        .filter_map(|command| match command {
            Command::Fence { lock, .. } => Some(*lock),
            _ => None,
        })
        .collect();
    assert_eq!(waits, [Duration::from_secs(2); 3]);

    let mut world = a_world();
    world.blocked = 2;
    let begin = world.now;
    let (outcome, _) = run(&mut world);
    assert_eq!(outcome, Outcome::Switched);
    assert!(world.now.since(begin) >= Duration::from_secs(40));
}

#[test]
fn an_old_transaction_keeps_the_fence_away_and_is_named() {
    let mut world = a_world();
    world.sides.target.old_until = Some(world.now.after(Duration::from_mins(10)));
    let (outcome, _) = run(&mut world);
    let Outcome::Refused(reasons) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        reasons,
        [
            "a transaction on the target has been open for 44 s: app@10.0.3.7 (checkout), process 4711"
        ]
    );
    assert_eq!(fences(&world), 0);

    let mut world = a_world();
    world.sides.source.old_until = Some(world.now.after(Duration::from_secs(15)));
    let (outcome, _) = run(&mut world);
    assert_eq!(outcome, Outcome::Switched);
}

/// D7: the marker arrives, and a payment was dropped with an exception noted, before or in the pause: refused, or called off.
#[test]
fn a_payment_that_replication_has_dropped_is_found() {
    let mut world = a_world();
    world.drops = world.acknowledged.last().map(|last| last + 1);
    world.pass(Duration::from_secs(1));
    world.spec.check = false;
    let (outcome, _) = run(&mut world);
    assert!(reason_of(&outcome).contains("could not be applied on the target"));
    assert_eq!(fences(&world), 0);

    let mut world = a_world();
    world.spec.check = false;
    let (outcome, _) = run_with(&mut world, usize::MAX, |_, world| {
        if fences(world) == 0 && world.drops.is_none() && world.performed.len() == 5 {
            // The next payment that is on its way.
            world.drops = world.acknowledged.last().map(|last| last + 1);
        }
    });
    let outcome = outcome.expect("it ends");
    assert!(matches!(outcome, Outcome::CalledOff { .. }));
    assert!(reason_of(&outcome).contains("could not be applied on the target"));
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
}

/// D8: the marker never arrives, since the task hangs in `running`: it is called off in time, and the former writer writes.
#[test]
fn a_marker_that_never_arrives_calls_it_off_within_the_pause() {
    let mut world = a_world();
    let (outcome, _) = run_with(&mut world, usize::MAX, |_, world| {
        if fences(world) == 1 {
            world.lag = Duration::from_hours(1);
        }
    });

    let outcome = outcome.expect("it ends");
    assert!(reason_of(&outcome).contains("the last marker of the source was not on the target"));
    assert!(world.refused < Duration::from_secs(30));
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
}

#[test]
fn a_lag_above_the_limit_keeps_the_fence_away() {
    let mut world = a_world();
    world.lag = Duration::from_secs(11);

    let (outcome, _) = run(&mut world);

    assert!(reason_of(&outcome).starts_with("the lag is above 10 s"));
    assert!(matches!(outcome, Outcome::Refused(_)));
    assert_eq!(fences(&world), 0);
}

#[test]
fn a_comparison_that_does_not_match_calls_it_off() {
    for verdict in [Verdict::Mismatched, Verdict::Inconclusive] {
        let mut world = a_world();
        world.verdicts.push(verdict);

        let (outcome, switch) = run(&mut world);

        assert!(matches!(outcome, Outcome::CalledOff { .. }));
        let checked = switch.known().checked.as_ref().expect("it was compared");
        assert_eq!(checked.verdict, Some(verdict));
        assert_eq!(check_payments(&mut world), Ok(Side::Source));
    }
}

/// D46: maintenance of the instance is pending, or the instance fails over: the fence is kept away; in the pause it is called off.
#[test]
fn a_replication_that_is_not_well_keeps_the_fence_away_or_calls_it_off() {
    let changes: [(Change, &str); 3] = [
        (
            |world| world.drain.maintenance.push("os-upgrade".to_owned()),
            "os-upgrade",
        ),
        (|world| world.drain.status = "failed", "is failed"),
        (
            |world| world.drain.tables_errored = 1,
            "has given up 1 tables",
        ),
    ];
    for (change, text) in changes {
        let mut world = a_world();
        change(&mut world);
        let (outcome, _) = run(&mut world);
        assert!(matches!(outcome, Outcome::Refused(_)) && reason_of(&outcome).contains(text));
        assert_eq!(fences(&world), 0);

        let mut world = a_world();
        let look = place_of(|command| matches!(command, Command::Fence { .. })) + 3;
        let (outcome, _) = run_with(&mut world, usize::MAX, |_, world| {
            if world.performed.len() == look {
                change(world);
            }
        });
        let outcome = outcome.expect("it ends");
        assert!(matches!(outcome, Outcome::CalledOff { .. }), "{outcome:?}");
        assert!(reason_of(&outcome).contains(text));
        assert_eq!(check_payments(&mut world), Ok(Side::Source));
    }
}

#[test]
fn tables_without_their_fence_are_named_and_keep_the_move_away() {
    let mut world = a_world();
    world.sides.target.unfenced = vec![world.spec.tables.target[1].clone()];

    let (outcome, switch) = run(&mut world);

    assert_eq!(
        reason_of(&outcome),
        "the fence of the target is missing on public.payments"
    );
    assert_eq!(switch.known().unfenced, world.sides.target.unfenced);
}

#[test]
fn an_identity_that_would_pass_its_end_keeps_the_move_away() {
    let mut world = a_world();
    for side in Side::BOTH {
        world.sides.get_mut(side).identity.limit = 10_000;
    }

    let (outcome, _) = run(&mut world);

    assert!(matches!(outcome, Outcome::Refused(_)));
    assert!(reason_of(&outcome).contains("ends at 10000"));
    assert_eq!(fences(&world), 0);
}

/// D28: another server answers in the pause than before it, as after a failover: called off.
#[test]
fn a_server_that_has_become_a_replica_in_the_pause_calls_it_off() {
    let mut world = a_world();
    let (outcome, _) = run_with(&mut world, usize::MAX, |_, world| {
        if fences(world) == 1 {
            world.sides.target.is_replica = true;
        }
    });

    let outcome = outcome.expect("it ends");
    assert!(reason_of(&outcome).contains("another server answers for the target"));
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
}

/// D42: the runner is suspended for five minutes in the pause: the fence ends by itself, and the runner does nothing but call off.
#[test]
fn a_runner_that_slept_through_the_pause_calls_it_off() {
    for at in ["mark", "check"] {
        let mut world = a_world();
        let place = match at {
            "mark" => place_of(|command| matches!(command, Command::Fence { .. })) + 1,
            _ => place_of(|command| matches!(command, Command::Check(_))),
        };
        world
            .troubles
            .insert(place, Trouble::Slow(Duration::from_mins(5)));

        let (outcome, _) = run(&mut world);

        assert!(
            reason_of(&outcome).contains("the pause of 30 s is used up"),
            "{outcome:?}"
        );
        assert_eq!(count(&world, is_commit), 0);
        assert!(world.refused <= Duration::from_secs(32) + Duration::from_secs(6));
        assert_eq!(check_payments(&mut world), Ok(Side::Source));
    }
}

#[test]
fn less_time_than_the_last_two_steps_need_calls_it_off() {
    let mut world = a_world();
    let mark = place_of(|command| matches!(command, Command::Fence { .. })) + 1;
    let most = world
        .spec
        .pause
        .max
        .saturating_sub(Duration::from_millis(1_500));
    world.troubles.insert(mark, Trouble::Slow(most));

    let (outcome, _) = run(&mut world);

    assert!(reason_of(&outcome).contains("but for the 2 s that the last two steps need"));
    assert!(world.refused < world.spec.pause.max);
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
}

#[test]
fn closing_for_good_is_refused_once_the_fence_has_opened_by_itself() {
    let mut world = a_world();
    let close = place_of(|command| matches!(command, Command::Close { .. }));
    let (outcome, _) = run_with(&mut world, usize::MAX, |_, world| {
        if world.performed.len() == close {
            world.sides.source.pause_until = Some(world.now);
        }
    });

    let outcome = outcome.expect("it ends");
    assert_eq!(
        reason_of(&outcome),
        "the fence has opened by itself already"
    );
    assert!(world.sides.target.captured.is_none());
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
    assert_eq!(
        world.sides.source.state.map(|state| state.told),
        Some(Told::Open)
    );
}

#[test]
fn a_former_writer_that_cannot_be_opened_again_opens_by_itself_and_that_is_said() {
    let mut world = a_world();
    world.verdicts.push(Verdict::Mismatched);
    let check = place_of(|command| matches!(command, Command::Check(_)));
    for at in check + 1..check + 500 {
        world.troubles.insert(at, Trouble::Denied);
    }

    let (outcome, _) = run(&mut world);

    assert!(matches!(outcome, Outcome::CalledOff { .. }));
    assert!(reason_of(&outcome).ends_with("has opened by itself meanwhile"));
    assert_eq!(world.sides.source.fence(world.now), Fence::Expired);
    assert!(world.refused <= Duration::from_secs(32));
}

#[test]
fn a_former_writer_is_opened_again_though_the_other_side_is_not_there_any_more() {
    let mut world = a_world();
    let check = place_of(|command| matches!(command, Command::Check(_)));
    let (outcome, _) = run_with(&mut world, usize::MAX, |_, world| {
        if world.performed.len() == check {
            world.unreachable = Some(Side::Target);
            world.is_lost = true;
        }
    });

    assert!(matches!(outcome, Some(Outcome::CalledOff { .. })));
    assert!(
        world.refused < Duration::from_secs(3),
        "{:?}",
        world.refused
    );
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
}

#[test]
fn a_commit_into_a_side_that_is_gone_is_waited_for_since_nobody_knows_what_became_of_it() {
    let mut world = a_world();
    let commit = place_of(is_commit);
    let (outcome, mut switch) = run_with(&mut world, usize::MAX, |_, world| {
        let since = world.performed.len().saturating_sub(commit);
        world.unreachable = (world.performed.len() >= commit && since < 15).then_some(Side::Target);
        if since > 0 {
            let opened = |command: &Command| {
                matches!(
                    command,
                    Command::Open {
                        side: Side::Source,
                        ..
                    }
                )
            };
            assert!(since > 15 || count(world, opened) == 0);
        }
    });

    assert!(matches!(outcome, Some(Outcome::CalledOff { .. })));
    let events = switch.take_events();
    assert!(
        events
            .iter()
            .any(|event| matches!(event.what, What::NobodyWrites(_)))
    );
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
}

/// D50: somebody drops the control schema: before a switch it is made again; after one it is a conflict, and fences stay.
#[test]
fn a_control_schema_that_is_dropped_is_made_again_before_a_switch_and_a_conflict_after_it() {
    let mut world = a_world();
    world.sides.target.is_dropped = true;
    let (outcome, _) = run(&mut world);
    assert_eq!(outcome, Outcome::Switched);

    let mut world = a_switched_world();
    world.sides.source.is_dropped = true;
    let before = world.performed.len();
    let (outcome, _) = run(&mut world);
    assert!(matches!(outcome, Outcome::Conflict(_)));
    assert_eq!(world.performed.len(), before + 1);
    assert_eq!(world.sides.target.fence(world.now), Fence::Open);
}

#[test]
fn a_target_that_somebody_opens_is_a_conflict_and_nothing_is_done() {
    let mut world = a_world();
    world.sides.target.set(Told::Open);
    let mut switch = Switch::new(world.spec.clone(), "run".to_owned(), world.now);
    let fact = world.perform(&Command::Look {
        older_than: Duration::ZERO,
    });
    switch.record(fact, world.now).expect("it belongs");

    let Next::Done(Outcome::Conflict(text)) = switch.next() else {
        panic!("{:?}", switch.next());
    };
    assert!(text.contains("the fence of the target is open"));
}

#[test]
fn a_former_writer_that_still_takes_writes_after_the_commit_is_a_conflict() {
    let mut world = a_world();
    let probe = place_of(|command| matches!(command, Command::Probe));
    let (_, mut switch) = run_for(&mut world, probe);

    let probed = Fact::Probed(Both::of(|_| true));
    switch.record(probed, world.now).expect("it belongs");

    assert!(matches!(switch.next(), Next::Done(Outcome::Conflict(_))));
}

#[test]
fn a_database_that_cannot_be_asked_ends_it_before_anything_has_changed() {
    let mut world = a_world();
    world.unreachable = Some(Side::Target);

    let (outcome, _) = run(&mut world);

    assert!(matches!(outcome, Outcome::Impossible(Side::Target, _)));
    assert_eq!(world.performed.len(), 16);
    world.unreachable = None;
    assert_eq!(check_payments(&mut world), Ok(Side::Source));
}

#[test]
fn another_run_that_takes_over_is_left_alone() {
    let mut world = a_world();
    let check = place_of(|command| matches!(command, Command::Check(_)));
    world.troubles.insert(check, Trouble::LostBefore);
    let (outcome, _) = run_with(&mut world, usize::MAX, |_, world| {
        if world.performed.len() > check {
            world.rival = Some("process 9, run of another".to_owned());
        }
    });

    assert!(matches!(outcome, Some(Outcome::NotHolder { .. })));
    assert_eq!(world.sides.target.fence(world.now), Fence::Closed);
}
