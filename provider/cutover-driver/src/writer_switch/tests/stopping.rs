use std::future::pending;

use cutover_core::writer_switch::machine::{Outcome, Switch};

use super::*;
use crate::{Moved, SwitchTell, switch_writer};

/// Runs a move that is told to stop after a second; returns how it ended, after how long, and the phases that were told.
async fn stopped_after_a_second(world: &Arc<World>) -> (Moved<&'static str>, u64, Vec<String>) {
    let machine = Switch::new(a_spec(), "run".to_owned(), world.now());
    let (began, mut told) = (Instant::now(), vec![]);
    let stop = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        "interrupted"
    };
    let moved = switch_writer(machine, &switching(world), &**world, stop, |_, tell| {
        if let SwitchTell::Doing(standing) = tell {
            told.push(standing.phase.to_owned());
        }
    })
    .await;
    (moved, began.elapsed().as_secs(), told)
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_is_dropped_for_a_stop() {
    let world = World::new();
    world.with(|state| state.hangs.push("source.look".to_owned()));

    let (moved, seconds, _) = stopped_after_a_second(&world).await;

    assert_eq!(
        (moved.stop, moved.outcome),
        (Some("interrupted"), Some(Outcome::Stopped))
    );
    assert_eq!(seconds, 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_in_hand_is_finished_before_a_stop_and_none_is_begun_after() {
    let world = World::new();
    world.with(|state| state.takes = Duration::from_millis(450));

    let (moved, seconds, told) = stopped_after_a_second(&world).await;

    // Two locks and a look took 1.35 s, so that the look was cut; with the stop a little later the change is in hand.
    assert_eq!((moved.outcome, seconds), (Some(Outcome::Stopped), 1));
    assert!(told.is_empty(), "{told:?}");

    let world = World::new();
    world.with(|state| state.takes = Duration::from_millis(300));
    let (moved, _, told) = stopped_after_a_second(&world).await;

    assert_eq!(moved.outcome, Some(Outcome::Stopped));
    assert_eq!(told, ["prepare", "prepare"]);
    let calls = world.calls();
    assert_eq!(
        calls.last().map(String::as_str),
        Some("source.prepare 0"),
        "{calls:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_change_that_hangs_nothing_is_done_and_nobody_waits_for_longer_than_ten_seconds() {
    let world = World::new();
    world.with(|state| state.hangs.push("source.prepare".to_owned()));

    let (moved, seconds, _) = stopped_after_a_second(&world).await;

    assert_eq!((moved.stop, moved.outcome), (Some("interrupted"), None));
    assert_eq!(seconds, 11);
    let calls = world.calls();
    assert_eq!(calls.last().map(String::as_str), Some("source.prepare 0"));
}

#[tokio::test(start_paused = true)]
async fn events_are_told_once_and_the_outcome_is_returned() {
    let world = World::new();
    let holder = ("source".to_owned(), "run other".to_owned());
    world.with(|state| state.holders.extend([holder]));
    let machine = Switch::new(a_spec(), "run".to_owned(), world.now());

    let moved = switch_writer(
        machine,
        &switching(&world),
        &*world,
        pending::<()>(),
        |_, _| {},
    )
    .await;

    let expected = Outcome::NotHolder {
        side: Side::Source,
        by: "run other".to_owned(),
    };
    assert_eq!(moved.outcome, Some(expected));
    assert!(moved.stop.is_none() && moved.broken.is_none());
}
