//! What goes wrong on the way, and what is promised then.

use std::time::{Duration, Instant};

use cutover_core::validation::side::Side;
use cutover_core::writer_switch::facts::Command;
use cutover_core::writer_switch::machine::Outcome;
use cutover_core::writer_switch::spec::Pause;
use cutover_local_db::Engine;

use crate::ground::{Ground, close_shop};
use crate::meddling::Meddle;

/// A replication that stands still from the last marker on: the marker never arrives, so the move is called off within the
/// pause, and the source takes payments again.
async fn late_in_the_pause(engine: Engine) {
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(5));
    ground.payments(20).await;
    let mut spec = ground.spec(Side::Target, &ground.forward);
    spec.pause = Pause {
        max: Duration::from_secs(6),
        attempts: 1,
        ..spec.pause
    };
    let (replications, task) = (ground.replications.clone(), ground.forward.clone());
    let mut is_fenced = false;
    let began = Instant::now();

    let (machine, outcome) = ground
        .go_through(spec, "late", move |command| {
            is_fenced |= matches!(command, Command::Fence { .. });
            if !is_fenced || !matches!(command, Command::Mark(..)) {
                return Meddle::Nothing;
            }
            let (replications, task) = (replications.clone(), task.clone());
            Meddle::First(Box::pin(async move {
                use cutover_driver::Replications as _;
                replications.stop(&task).await.expect("it runs");
                crate::ground::until("it stands still", async || {
                    let seen = replications.fetch(&task).await.expect("it answers");
                    (seen?.status == "stopped").then_some(())
                })
                .await;
            }))
        })
        .await
        .expect("nobody kills it");

    let Outcome::CalledOff { reason } = &outcome else {
        panic!("{outcome:?} {:#?}", machine.log())
    };
    assert!(reason.contains("marker"), "{reason}");
    assert!(began.elapsed() < Duration::from_secs(60));
    // The source writes again.
    ground.payments(20).await;
    let silence = ground.ledger.longest_silence(0);
    assert!(silence < Duration::from_secs(8), "{silence:?}");
    close_shop(shop).await;
    ground.reckon(Side::Source);
}

/// D8
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_of_postgresql_that_lags_has_the_move_called_off_within_its_pause() {
    late_in_the_pause(Engine::Postgres).await;
}

/// D8
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_of_mariadb_that_lags_has_the_move_called_off_within_its_pause() {
    late_in_the_pause(Engine::MariaDb).await;
}

/// A replication that stands still before: nothing is begun, and nobody is refused.
async fn late_before(engine: Engine) {
    use cutover_driver::Replications as _;
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(5));
    ground.payments(20).await;
    ground
        .replications
        .stop(&ground.forward)
        .await
        .expect("it runs");
    ground.task_that(|task| task.status == "stopped").await;

    let (machine, outcome) = ground
        .go(ground.spec(Side::Target, &ground.forward), "late")
        .await;

    assert!(
        matches!(outcome, Outcome::Refused(_)),
        "{outcome:?} {:#?}",
        machine.log()
    );
    ground.payments(20).await;
    close_shop(shop).await;
    ground.reckon(Side::Source);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_begun_on_postgresql_while_replication_stands_still() {
    late_before(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_begun_on_mariadb_while_replication_stands_still() {
    late_before(Engine::MariaDb).await;
}
