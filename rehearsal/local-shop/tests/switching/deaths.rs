//! A process that is killed before or after any of its commands, and one that takes up what it left.

use std::time::Duration;

use cutover_core::validation::side::Side;
use cutover_local_db::Engine;

use crate::ground::{Ground, close_shop};
use crate::meddling::Meddle;

/// Kills one move after the other, each one command later: every other before the effect of its command, the rest after it.
/// Between two commands there is one moment, so that both sides of each effect are met. `step` is 1 for every command, more
/// for some of them.
async fn killed_at_commands(engine: Engine, step: usize) {
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(5));
    let mut drain = ground.forward.clone();
    let mut writer = Side::Target;
    let mut epoch = 0;
    let mut met = 0;
    for fatal in (0_usize..).step_by(step) {
        let before = ground.ledger.count();
        let mut number = 0;
        let mut killed_at = None;
        let spec = ground.spec(writer, &drain);
        let killed = ground.go_through(spec, "killed", |command| {
            number += 1;
            if number <= fatal {
                return Meddle::Nothing;
            }
            killed_at = Some(format!("{command:?}"));
            if fatal % 2 == 0 {
                Meddle::KillBefore
            } else {
                Meddle::KillAfter
            }
        });
        let has_survived = killed.await.is_some();
        epoch += 1;
        (_, drain) = ground.succeed(writer, &drain, epoch).await;
        assert_eq!(
            ground.ledger.overlaps(before, writer.other()),
            [],
            "{killed_at:?}"
        );
        writer = writer.other();
        if has_survived {
            break;
        }
        met += 1;
    }
    assert!(met * step > 20, "there are more commands than {met}");

    close_shop(shop).await;
    ground.reckon(writer.other());
}

/// Every third command; each command is met in the model of `cutover-core`.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_on_postgresql_that_is_killed_is_taken_up_and_loses_nothing() {
    killed_at_commands(Engine::Postgres, 3).await;
}

/// Every third command, as above.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_on_mariadb_that_is_killed_is_taken_up_and_loses_nothing() {
    killed_at_commands(Engine::MariaDb, 3).await;
}
