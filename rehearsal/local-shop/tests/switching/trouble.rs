//! What goes wrong on the way, and what is promised then.

use std::time::Duration;

use cutover_core::validation::side::Side;
use cutover_core::writer_switch::facts::Command;
use cutover_core::writer_switch::machine::Outcome;
use cutover_core::writer_switch::spec::Pause;
use cutover_driver::Replications as _;
use cutover_local_db::Engine;

use crate::ground::{Ground, close_shop};
use crate::meddling::held_up;

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
    let mut is_fenced = false;
    let (meddle, is_there, go_on) = held_up(move |command| {
        is_fenced |= matches!(command, Command::Fence { .. });
        is_fenced && matches!(command, Command::Mark(..))
    });
    let moving = ground.go_through(spec, "late", meddle);
    let stopping = async {
        is_there.await.expect("it comes to the last marker");
        ground
            .replications
            .stop(&ground.forward)
            .await
            .expect("it runs");
        ground.task_is(&ground.forward, "stopped").await;
        go_on.send(()).expect("it waits");
    };

    let (moved, ()) = tokio::join!(moving, stopping);

    let (machine, outcome) = moved.expect("nobody kills it");
    let Outcome::CalledOff { reason } = &outcome else {
        panic!("{outcome:?} {:#?}", machine.log())
    };
    assert!(reason.contains("marker"), "{reason}");
    ground.only_writer(Side::Source, 0).await;
    let silence = ground.ledger.longest_silence(0);
    assert!(silence < Duration::from_secs(9), "{silence:?}");
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
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(5));
    ground.payments(20).await;
    ground
        .replications
        .stop(&ground.forward)
        .await
        .expect("it runs");
    ground.task_is(&ground.forward, "stopped").await;

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
