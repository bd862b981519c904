use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use super::super::given::{Mood, World};
use super::*;

fn zones(world: &Arc<World>) -> Budgeted {
    let allowance = Arc::new(Allowance::new(world.clock.clone()));
    Budgeted::new(world.clone(), allowance)
}

fn a_batch(urgent: bool) -> Batch {
    Batch {
        zone_id: "Z1".to_owned(),
        changes: vec![],
        urgent,
    }
}

/// Applies as a shift does: what did not get its turn waits again.
async fn apply(zones: &Budgeted) {
    while zones.apply(&a_batch(false)).await.unwrap() == Applied::Queued {}
}

/// Returns the most calls within any span of so many seconds.
fn busiest(times: &[f64], seconds: f64) -> usize {
    let within = |from: &f64| {
        let span = *from..*from + seconds;
        times.iter().filter(|at| span.contains(*at)).count()
    };
    times.iter().map(within).max().unwrap()
}

/// F73
#[tokio::test(start_paused = true)]
async fn twenty_shifts_of_a_zone_share_two_requests_a_second_and_change_one_after_the_other() {
    let world = World::new();
    let zones = zones(&world);

    let shifts = (0..20).map(|_| async {
        let names = ["pay.example.com".to_owned()];
        zones.fetch_record_sets("Z1", &names).await.unwrap();
        apply(&zones).await;
    });
    join_all(shifts).await;

    let changes = world.times_of("change");
    assert_eq!(changes.len(), 20);
    world.check_flights();
    let mut all = ["change", "sets", "poll"]
        .map(|kind| world.times_of(kind))
        .concat();
    all.sort_by(f64::total_cmp);
    assert!(busiest(&all, 1.0) <= 2, "{all:?}");
}

/// F73
#[tokio::test(start_paused = true)]
async fn a_rollback_overtakes_the_queue() {
    let world = World::new();
    let zones = zones(&world);
    let names = ["pay.example.com".to_owned()];
    let queue = join_all((0..20).map(|_| zones.fetch_record_sets("Z1", &names)));
    let batch = a_batch(false);
    let forward = join_all((0..5).map(|_| zones.apply(&batch)));
    let rollback = async {
        sleep(Duration::from_secs(2)).await;
        let asked = world.now();
        zones.apply(&a_batch(true)).await.unwrap();
        world.now().since(asked)
    };

    let (_, _, took) = tokio::join!(queue, forward, rollback);

    assert!(took <= Duration::from_millis(100), "{took:?}");
    let returned = world.times_of("return")[0];
    let later = world
        .times_of("sets")
        .iter()
        .filter(|at| **at > returned)
        .count();
    assert!(later >= 10, "the queue was not over: {later}");
}

/// F66
#[tokio::test(start_paused = true)]
async fn a_rollback_does_not_wait_for_a_pending_change() {
    let world = World::new();
    let zones = zones(&world);
    zones.apply(&a_batch(false)).await.unwrap();

    let asked = world.now();
    zones.apply(&a_batch(true)).await.unwrap();

    assert!(world.now().since(asked) <= Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_does_not_get_its_turn_had_no_effect() {
    let world = World::new();
    let zones = zones(&world);
    zones.apply(&a_batch(false)).await.unwrap();
    world.mood("poll", Mood::Fails(FailureClass::Unavailable));

    let asked = world.now();
    let applied = zones.apply(&a_batch(false)).await;

    assert_eq!(applied, Ok(Applied::Queued));
    assert_eq!(world.now().since(asked), TURN_MAX);
    assert_eq!(world.times_of("change").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_holds_nobody_up() {
    let world = World::new();
    let zones = zones(&world);
    zones.apply(&a_batch(false)).await.unwrap();
    {
        let batch = a_batch(false);
        let waiting = zones.apply(&batch);
        tokio::select! {
            _ = waiting => panic!("the zone is busy"),
            () = sleep(Duration::from_secs(1)) => {}
        }
    }

    let asked = world.now();
    zones.fetch_zone("Z1").await.unwrap();

    assert!(world.now().since(asked) <= Duration::from_millis(600));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_dropped_in_the_services_hands_keeps_its_zone_for_a_minute() {
    let world = World::new();
    let zones = zones(&world);
    world.mood("change", Mood::Hangs);
    {
        let batch = a_batch(false);
        let lost = zones.apply(&batch);
        tokio::select! {
            _ = lost => panic!("it hangs"),
            () = sleep(Duration::from_secs(5)) => {}
        }
    }
    world.mood("change", Mood::Well);
    let asked = world.now();

    apply(&zones).await;

    let waited = world.now().since(asked);
    assert!(
        (Duration::from_mins(1)..Duration::from_secs(62)).contains(&waited),
        "{waited:?}"
    );
}
