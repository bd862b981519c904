//! A process that is killed before or after any of its commands, and one that takes up what it left.

use std::time::Duration;

use cutover_core::validation::side::Side;
use cutover_core::writer_switch::machine::Outcome;
use cutover_local_db::Engine;

use crate::ground::{Ground, close_shop};
use crate::meddling::Meddle;

/// Every other command is killed before its effect, the others after it: between two commands there is one moment, and
/// both sides of each effect are met.
async fn killed_at_every_command(engine: Engine) {
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(5));
    let mut drain = ground.forward.clone();
    let mut writer = Side::Target;
    let mut survived = false;
    let mut epoch = 0;
    for fatal in 0.. {
        let before = ground.ledger.count();
        let mut number = 0;
        let mut killed_at = String::new();
        let spec = ground.spec(writer, &drain);
        let killed = ground.go_through(spec.clone(), "killed", |command| {
            number += 1;
            if number <= fatal {
                return Meddle::Nothing;
            }
            killed_at = format!("{command:?}");
            if fatal % 2 == 0 {
                Meddle::KillBefore
            } else {
                Meddle::KillAfter
            }
        });
        survived = killed.await.is_some();

        let (machine, outcome) = ground.go(spec, "next").await;

        assert_eq!(
            outcome,
            Outcome::Switched,
            "killed at {killed_at}: {:#?}",
            machine.log()
        );
        ground.payments(10).await;
        assert_eq!(
            ground.ledger.overlaps(before, writer.other()),
            [],
            "killed at {killed_at}"
        );
        epoch += 1;
        drain = ground.back(writer, epoch).await;
        writer = writer.other();
        if survived {
            break;
        }
    }
    assert!(survived, "every command was met");

    close_shop(shop).await;
    ground.reckon(writer.other());
}

/// D1, D2, D3
#[tokio::test(flavor = "multi_thread")]
async fn a_move_on_postgresql_that_is_killed_at_any_command_is_taken_up_and_loses_nothing() {
    killed_at_every_command(Engine::Postgres).await;
}

/// D1, D2, D3
#[tokio::test(flavor = "multi_thread")]
async fn a_move_on_mariadb_that_is_killed_at_any_command_is_taken_up_and_loses_nothing() {
    killed_at_every_command(Engine::MariaDb).await;
}
