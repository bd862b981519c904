//! Runs that end in the middle.

use cutover_core::shift::events::Cause;
use cutover_driver::Guard;
use cutover_sim::cloud::AlarmState;

use super::*;

/// Kills a run when a batch has been accepted and nothing of it saved; a second run goes on. Returns what came of that,
/// with the shop.
async fn killed_after_batch(
    occurrence: usize,
) -> (Shop, Site, Conducted<std::convert::Infallible>) {
    let (shop, site, program) = pay();
    let death = program.killed_after("ChangeResourceRecordSets", occurrence);
    shop.sim.cloud().script([death]);

    assert!(matches!(program.up("run-1").await, Life::Died));
    let second = program.up("run-2").await.ended();
    (shop, site, second)
}

/// F8
#[tokio::test(start_paused = true)]
async fn a_batch_that_was_accepted_before_a_kill_is_not_sent_again() {
    // The fence in the first create, the first share, a renewal, and everything on new.
    for occurrence in [1, 2, 3, 6] {
        let (shop, site, second) = killed_after_batch(occurrence).await;

        assert_eq!(second.outcome, Some(Outcome::Completed), "{occurrence}");
        assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE, "{occurrence}");
        let journal = journal(&site, &shop.sim.cloud());
        let numbers: Vec<u64> = journal.iter().map(|entry| entry.seq).collect();
        let expected: Vec<u64> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "{occurrence}");
        assert_eq!(numbers.len(), batches(&shop), "{occurrence}");
        // What the first run had written is gone on with, not written again.
        let of_first = journal.iter().filter(|entry| entry.run.as_str() == "run-1");
        assert_eq!(of_first.count(), occurrence);
        assert!(told(&second, "fence taken from run run-1"));
    }
}

/// F8: the step whose batch was accepted is gone on with, and watched in full
#[tokio::test(start_paused = true)]
async fn a_step_that_was_entered_before_a_kill_is_watched_in_full() {
    let (shop, site, _) = killed_after_batch(2).await;

    let weights = site.weights_of(&shop.sim.cloud(), "A");
    let stood = weights[2].0.since(weights[1].0);
    assert!(stood >= minutes(12), "{stood:?}");
}

/// F9
#[tokio::test(start_paused = true)]
async fn a_bake_nobody_watched_for_forty_minutes_begins_anew() {
    let (shop, site, program) = pay();
    let (life, ()) = tokio::join!(program.up("run-1"), program.killed_at(minutes(8)));
    assert!(matches!(life, Life::Died));
    shop.wait(minutes(48)).await;
    let second = program.up("run-2").await.ended();

    assert_eq!(second.outcome, Some(Outcome::Completed));
    let everything = site.weights_of(&shop.sim.cloud(), "A")[2].0;
    let stood = everything.since(shop.at(minutes(48)));
    assert!(stood >= minutes(10), "{stood:?}");
}

/// F10
#[tokio::test(start_paused = true)]
async fn a_breach_nobody_watched_goes_back_within_the_first_tick() {
    let (shop, site, program) = pay();
    breaks(&shop, Side::New, minutes(10));
    let (life, ()) = tokio::join!(program.up("run-1"), program.killed_at(minutes(8)));
    assert!(matches!(life, Life::Died));
    shop.wait(minutes(48)).await;
    let second = program.up("run-2").await.ended();

    assert!(matches!(
        second.outcome,
        Some(Outcome::RolledBack {
            external: false,
            ..
        })
    ));
    let weights = site.weights_of(&shop.sim.cloud(), "A");
    assert_eq!(site.pairs(&shop.sim.cloud()), BACK);
    let back = weights[2].0.since(shop.at(minutes(48)));
    assert!(back <= seconds(30), "{back:?}");
}

/// F11
#[tokio::test(start_paused = true)]
async fn a_guard_sends_everything_back_when_nobody_is_at_the_wheel() {
    let (shop, site, mut program) = pay();
    shop.sim.cloud().put_alarm(shop.start, "pay-bell", None);
    shop.sim
        .cloud()
        .set_alarm_data(shop.start, "pay-bell", AlarmState::Ok);
    program.wish.policy.guarded = true;
    program.guard = Some(Guard {
        alarm: "pay-bell".to_owned(),
        region: None,
    });
    breaks(&shop, Side::New, minutes(10));

    let (life, ()) = tokio::join!(program.up("run-1"), program.killed_at(minutes(8)));
    assert!(matches!(life, Life::Died));
    let calls = shop.sim.cloud().requests().len();
    let before = site.ask(&mut shop.sim.cloud(), shop.at(minutes(9)), 200);
    shop.wait(minutes(12)).await;
    shop.sim
        .cloud()
        .set_alarm_data(shop.at(minutes(12)), "pay-bell", AlarmState::Alarm);
    shop.wait(minutes(20)).await;

    assert!(before.1 > 0, "{before:?}");
    assert!(is_old(&shop, &site, shop.at(minutes(20))));
    assert_eq!(shop.sim.cloud().requests().len(), calls);

    let second = program.up("run-2").await.ended();
    let Some(Outcome::RolledBack { causes, .. }) = &second.outcome else {
        panic!("{:?}", second.outcome)
    };
    assert!(matches!(&causes[0], Cause::Gate { .. }), "{causes:?}");
    assert!(told(&second, "rolled back"));
    assert_eq!(site.pairs(&shop.sim.cloud()), BACK);
}

/// F13
#[tokio::test(start_paused = true)]
async fn a_stop_in_a_rollback_lets_it_be_accepted_first() {
    let (shop, _, program) = pay();
    breaks(&shop, Side::New, minutes(5));
    let clean = program.up("run-1").await.ended();
    let decided = when(&shop, &clean, "rollback: ").unwrap();

    let (shop, site, program) = pay();
    breaks(&shop, Side::New, minutes(5));
    let interrupt = async {
        shop.wait(Duration::from_secs_f64(decided) + Duration::from_millis(10))
            .await;
        "interrupted"
    };
    let stopped = program.up_until("run-1", interrupt).await.ended();

    assert_eq!(stopped.stop, Some("interrupted"));
    assert!(told(&stopped, "rollback accepted"));
    assert_eq!(site.pairs(&shop.sim.cloud()), BACK);
    assert!(shop.clock.now().since(shop.start).as_secs_f64() - decided <= 10.1);
}

/// F12
#[tokio::test(start_paused = true)]
async fn a_stop_brings_everything_back_within_ten_seconds_wherever_it_comes() {
    // On its way, settling, baking, and entering the last step.
    for at in [
        seconds(40),
        minutes(2),
        minutes(8),
        minutes(13) + seconds(4),
        minutes(14),
    ] {
        let (shop, site, program) = pay();
        let interrupt = shop.wait(at);
        let stopped = program.up_until("run-1", interrupt).await.ended();

        let took = shop.clock.now().since(shop.at(at));
        assert!(took <= seconds(10), "{at:?}: {took:?}");
        assert_eq!(
            stopped.outcome,
            Some(Outcome::Interrupted { back: true }),
            "{at:?}"
        );
        let weights = site.weights_of(&shop.sim.cloud(), "A");
        let after: Vec<_> = weights
            .iter()
            .filter(|(when, _, _)| *when >= shop.at(at))
            .collect();
        assert!(
            matches!(after.as_slice(), [(_, Some(100), Some(0))]),
            "{at:?}: {after:?}"
        );
        assert!(is_old(&shop, &site, shop.at(at + minutes(2))), "{at:?}");
    }
}

/// F14
#[tokio::test(start_paused = true)]
async fn without_a_saved_state_the_journal_says_where_to_go_on() {
    let (shop, site, mut program) = pay();
    program.wish.policy.mode = cutover_core::shift::spec::Mode::Staged;
    // Nothing of the first run is handed to the second: only the journal is.
    let first = program.up("run-1").await.ended();
    let second = program.up("run-2").await.ended();

    assert!(
        matches!(first.outcome, Some(Outcome::Paused(_))),
        "{:?}",
        first.outcome
    );
    assert_eq!(second.outcome, Some(Outcome::Completed));
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
}
