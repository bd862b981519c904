//! Runs that die at each command, that are stopped there, and whose commands fail there.

use std::time::Duration;

use super::faults::is_commit;
use super::*;
use crate::writer_switch::facts::Command;
use world::Trouble;

/// The most that applications are refused by so many attempts: each ends by itself, after its locks were waited for.
fn refused_max(world: &World, attempts: u32) -> Duration {
    let pause = world.spec.pause;
    (pause.max + pause.lock) * attempts
}

/// Returns how many commands an undisturbed move takes.
fn commands_of_a_move() -> usize {
    let mut world = a_world();
    run(&mut world);
    world.performed.len()
}

/// D1: the process dies at each command, before or after it took effect, at once or a minute before the next run: the end is
/// the same as without, and the pause is bounded.
#[test]
fn a_run_that_dies_at_any_command_is_followed_by_one_that_comes_to_the_same_end() {
    let commands = commands_of_a_move();
    for pause in [
        Duration::ZERO,
        Duration::from_secs(20),
        Duration::from_mins(1),
    ] {
        for last in 0..commands {
            let mut world = a_world();
            let (outcome, _) = run_for(&mut world, last);
            assert_eq!(outcome, None);
            let is_closed = world
                .performed
                .iter()
                .any(|command| matches!(command, Command::Close { .. }));
            world.pass(pause);

            let (outcome, _) = run(&mut world);

            assert_eq!(outcome, Outcome::Switched, "dies after {last} commands");
            assert_eq!(
                check_payments(&mut world),
                Ok(Side::Target),
                "dies after {last} commands"
            );
            assert_eq!(world.setting, Some(Side::Target));
            // Between closing for good and the commit nothing ends by itself.
            let more = if is_closed { pause } else { Duration::ZERO };
            assert!(world.refused <= refused_max(&world, 2) + more);
        }
    }
}

#[test]
fn a_rollback_that_dies_at_any_command_is_followed_by_one_that_comes_to_the_same_end() {
    let mut whole = a_switched_world();
    whole.turn();
    let before = whole.performed.len();
    run(&mut whole);
    let commands = whole.performed.len() - before;
    for last in 0..commands {
        let mut world = a_switched_world();
        world.turn();
        run_for(&mut world, last);
        world.pass(Duration::from_secs(5));

        let (outcome, _) = run(&mut world);

        assert_eq!(outcome, Outcome::Switched, "dies after {last} commands");
        assert_eq!(
            check_payments(&mut world),
            Ok(Side::Source),
            "dies after {last} commands"
        );
    }
}

/// The other way round: what an attempt to go back has left behind is called off by a run that wishes to stay.
#[test]
fn a_rollback_that_died_is_called_off_by_a_run_that_wishes_to_stay() {
    let mut whole = a_switched_world();
    whole.turn();
    let before = whole.performed.len();
    run(&mut whole);
    let commit = whole.performed[before..]
        .iter()
        .position(|command| matches!(command, Command::Open { .. }))
        .expect("it was opened");
    for last in 0..=commit {
        let mut world = a_switched_world();
        let (there, drain) = (world.spec.clone(), world.drain.clone());
        world.turn();
        run_for(&mut world, last);
        world.back = Some(std::mem::replace(&mut world.drain, drain));
        world.spec = there;

        let (outcome, _) = run(&mut world);

        assert_eq!(outcome, Outcome::Switched, "died after {last} commands");
        assert_eq!(
            check_payments(&mut world),
            Ok(Side::Target),
            "died after {last} commands"
        );
    }
}

/// D49: it is told to stop before each command. Before the commit point the former writer takes writes again within two
/// seconds; after it the step in hand is finished, and what is left is for the next run.
#[test]
fn a_stop_leaves_one_writer_within_two_seconds_wherever_it_comes() {
    let commands = commands_of_a_move();
    for at in 0..commands {
        let mut world = a_world();
        let mut stopped_at = None;
        let (outcome, switch) = run_with(&mut world, usize::MAX, |switch, world| {
            if world.performed.len() == at && stopped_at.is_none() {
                switch.stop(world.now);
                stopped_at = Some(world.now);
            }
        });
        let time = world.now.since(stopped_at.expect("it was stopped"));

        let has_moved = switch.known().committed_at.is_some();
        match outcome {
            Some(Outcome::Stopped) => assert!(!has_moved),
            Some(Outcome::Pending { ref reason, .. }) => {
                assert!(has_moved && reason == "it was told to stop");
            }
            Some(Outcome::Switched) => assert_eq!(at, commands - 1),
            other => panic!("{other:?} after a stop before command {at}"),
        }
        assert!(
            time <= Duration::from_secs(2),
            "{time:?} before command {at}"
        );
        let writer = if has_moved {
            Side::Target
        } else {
            Side::Source
        };
        assert_eq!(check_payments(&mut world), Ok(writer));
        let (outcome, _) = run(&mut world);
        assert_eq!(outcome, Outcome::Switched);
        assert_eq!(check_payments(&mut world), Ok(Side::Target));
    }
}

/// Each command fails once in each way: one side writes in the end, with every payment, and the next run gets through.
#[test]
fn a_failure_of_any_command_leaves_one_writer_with_every_payment() {
    let commands = commands_of_a_move();
    let troubles = [
        Trouble::LostBefore,
        Trouble::LostAfter,
        Trouble::Busy,
        Trouble::Denied,
        Trouble::Slow(Duration::from_secs(5)),
        Trouble::Slow(Duration::from_mins(1)),
    ];
    for trouble in troubles {
        for at in 0..commands {
            let mut world = a_world();
            world.troubles.insert(at, trouble);

            let (outcome, switch) = run(&mut world);

            let what = format!(
                "{trouble:?} at {at}: {:?}: {outcome:?}",
                world.performed[at]
            );
            let has_moved = switch.known().committed_at.is_some();
            let writer = if has_moved {
                Side::Target
            } else {
                Side::Source
            };
            assert_eq!(check_payments(&mut world), Ok(writer), "{what}");
            assert!(
                matches!(outcome, Outcome::Switched | Outcome::Pending { .. }) == has_moved,
                "{what}"
            );
            assert!(!matches!(outcome, Outcome::Conflict(_)), "{what}");
            // What takes long after it has closed for good, or opened, is beyond every limit.
            let is_last = matches!(world.performed[at], Command::Close { .. })
                || is_commit(&world.performed[at]);
            let more = match trouble {
                Trouble::Slow(time) if is_last => time,
                _ => Duration::ZERO,
            };
            assert!(world.refused <= refused_max(&world, 1) + more, "{what}");
            let (outcome, _) = run(&mut world);
            assert_eq!(outcome, Outcome::Switched, "{what}");
            assert_eq!(check_payments(&mut world), Ok(Side::Target), "{what}");
        }
    }
}

/// Numbers that look random and are the same with each run: xorshift, by its description.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// D1: histories of troubles, deaths, stops and rollbacks that follow each other at random.
#[test]
fn whatever_happens_in_whatever_order_no_payment_is_lost_and_no_two_sides_write() {
    for seed in 1..=200 {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut world = a_world();
        for _ in 0..6 {
            disturb(&mut world, &mut dice);
            let last = usize::try_from(dice.roll(60)).expect("a small number");
            let stop_at = world.performed.len() + usize::try_from(dice.roll(60)).expect("as well");
            let (outcome, _) = run_with(&mut world, last, |switch, world| {
                if world.performed.len() == stop_at {
                    switch.stop(world.now);
                }
            });
            assert!(
                !matches!(outcome, Some(Outcome::Conflict(_))),
                "seed {seed}: {outcome:?}"
            );
            world.pass(Duration::from_secs(dice.roll(40)));
        }
        world.troubles.clear();
        (world.blocked, world.setting_fails) = (0, 0);

        let (outcome, _) = run(&mut world);

        assert_eq!(outcome, Outcome::Switched, "seed {seed}");
        let writer = world.spec.writer;
        assert_eq!(check_payments(&mut world), Ok(writer), "seed {seed}");
        if world
            .back
            .as_ref()
            .is_some_and(|back| back.status == "running")
        {
            world.turn();
            let (outcome, _) = run(&mut world);
            assert_eq!(outcome, Outcome::Switched, "seed {seed}");
            assert_eq!(check_payments(&mut world), Ok(Side::Source), "seed {seed}");
        }
    }
}

fn disturb(world: &mut World, dice: &mut Dice) {
    for _ in 0..dice.roll(3) {
        let at = world.performed.len() + usize::try_from(dice.roll(50)).expect("a small number");
        let trouble = match dice.roll(5) {
            0 => Trouble::LostBefore,
            1 => Trouble::LostAfter,
            2 => Trouble::Busy,
            3 => Trouble::Denied,
            _ => Trouble::Slow(Duration::from_millis(dice.roll(40_000))),
        };
        world.troubles.insert(at, trouble);
    }
    world.lag = Duration::from_millis(50 + dice.roll(3_000));
    world.blocked = u32::try_from(dice.roll(3)).expect("a small number");
    world.setting_fails = u32::try_from(dice.roll(3)).expect("a small number");
}
