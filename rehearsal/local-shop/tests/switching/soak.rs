//! A way back that is not there when it is needed.

use std::time::Duration;

use cutover_core::replication::task::StartKind;
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::machine::Outcome;
use cutover_driver::Replications as _;
use cutover_local_db::Engine;

use crate::ground::{Ground, close_shop, until};

impl Ground {
    /// Tries to roll back, and returns why that is refused. The target goes on.
    async fn refused_rollback(&self, back: &str) -> String {
        let before = self.ledger.count();
        let (machine, outcome) = self.go(self.spec(Side::Source, back), "roll back").await;
        let Outcome::Refused(reasons) = outcome else {
            panic!("{outcome:?} {:#?}", machine.log())
        };
        self.only_writer(Side::Target, before).await;
        reasons.join("; ")
    }
}

/// The replication back is stopped while everybody pays on the target: a rollback is refused, and succeeds once it goes on.
async fn stopped_during_the_soak(engine: Engine) {
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(5));
    let (_, back) = ground.succeed(Side::Target, &ground.forward, 1).await;
    ground.replications.stop(&back).await.expect("it runs");
    ground.task_is(&back, "stopped").await;

    let reason = ground.refused_rollback(&back).await;
    assert!(reason.contains("is stopped"), "{reason}");

    let resumed = ground.replications.start(&back, StartKind::Resume).await;
    resumed.expect("it can go on");
    ground.task_is(&back, "running").await;
    ground.succeed(Side::Source, &back, 2).await;
    close_shop(shop).await;
    ground.reckon(Side::Source);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_of_postgresql_that_is_stopped_holds_a_rollback_up_and_loses_nothing() {
    stopped_during_the_soak(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_of_mariadb_that_is_stopped_holds_a_rollback_up_and_loses_nothing() {
    stopped_during_the_soak(Engine::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_refused_once_the_slot_of_its_way_back_is_lost() {
    let ground = Ground::of(Engine::Postgres).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(5));
    let (_, back) = ground.succeed(Side::Target, &ground.forward, 1).await;
    until("the slot is dropped", async || {
        // Whoever reads it comes back at once.
        let dropped = ground.servers.target.run_script(
            cutover_local_shop::DATABASE,
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 'cutover_shop_1' AND active; \
             SELECT pg_drop_replication_slot('cutover_shop_1')",
        );
        dropped.ok()
    })
    .await;
    ground.task_is(&back, "failed").await;

    ground.refused_rollback(&back).await;

    close_shop(shop).await;
    ground.reckon(Side::Target);
}
