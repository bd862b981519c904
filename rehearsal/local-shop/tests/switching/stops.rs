//! A run that is told to end while it performs any of its commands, and the rollback that follows where the writer has changed.

use std::time::Duration;

use cutover_core::validation::side::Side;
use cutover_core::writer_switch::machine::Outcome;
use cutover_local_db::Engine;

use crate::ground::{Ground, close_shop};
use crate::meddling::Meddle;

/// Before the commit point the source goes on as if nothing had been. After it a rollback is refused as long as its way is not
/// ready, and takes everything back once it is. `step` is 1 for every command, more for some of them.
async fn stopped_at_commands(engine: Engine, step: usize) {
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(5));
    let mut drain = ground.forward.clone();
    let (mut epoch, mut called_off, mut rolled_back) = (0, 0, 0);
    for at in (0_usize..).step_by(step) {
        let before = ground.ledger.count();
        let mut number = 0;
        let mut stopped_at = None;
        let moved = ground.go_through(ground.spec(Side::Target, &drain), "stopped", |command| {
            number += 1;
            if number != at + 1 {
                return Meddle::Nothing;
            }
            stopped_at = Some(format!("{command:?}"));
            Meddle::Stop
        });
        let (_, outcome) = moved.await.expect("nobody kills it");
        match outcome {
            Outcome::Stopped => {
                called_off += 1;
                ground.only_writer(Side::Source, before).await;
                continue;
            }
            Outcome::Pending { .. } => (),
            Outcome::Switched => assert_eq!(stopped_at, None, "it was over"),
            other => panic!("{stopped_at:?}: {other:?}"),
        }
        assert_eq!(ground.ledger.overlaps(before, Side::Source), []);
        (epoch, drain) = roll_back(&ground, &drain, epoch).await;
        rolled_back += 1;
        if stopped_at.is_none() {
            break;
        }
    }
    assert!(
        called_off * step > 10 && rolled_back * step > 5,
        "{called_off} {rolled_back}"
    );

    close_shop(shop).await;
    ground.reckon(Side::Source);
}

/// Rolls back what may not be finished; returns the epoch and the replication of a next move.
async fn roll_back(ground: &Ground, drain: &str, epoch: u64) -> (u64, String) {
    use cutover_driver::Replications as _;
    let identifier = format!("shop-to-source-{}", epoch + 1);
    let found = ground.replications.find(&identifier).await;
    let found = found.expect("it answers");
    let is_ready = found.as_ref().is_some_and(|task| task.status == "running");
    let back = if is_ready {
        found.map(|task| task.arn).expect("it was found")
    } else {
        let unfinished = found.map_or_else(|| drain.to_owned(), |task| task.arn);
        let before = ground.ledger.count();
        let early = ground
            .go(ground.spec(Side::Source, &unfinished), "early")
            .await;
        let (machine, outcome) = early;
        assert!(
            matches!(outcome, Outcome::Refused(_)),
            "{outcome:?} {:#?}",
            machine.log()
        );
        assert_eq!(ground.ledger.overlaps(before, Side::Source), []);
        ground.succeed(Side::Target, drain, epoch + 1).await.1
    };
    let (_, forward) = ground.succeed(Side::Source, &back, epoch + 2).await;
    (epoch + 2, forward)
}

/// Every fourth command; each is met in the model of `cutover-core`.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_on_postgresql_can_be_ended_and_rolled_back_on_the_way() {
    stopped_at_commands(Engine::Postgres, 4).await;
}

/// Every third command, as above.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_on_mariadb_can_be_ended_and_rolled_back_on_the_way() {
    stopped_at_commands(Engine::MariaDb, 3).await;
}
