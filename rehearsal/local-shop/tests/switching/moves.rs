//! There and back.

use std::time::Duration;

use cutover_core::validation::side::Side;
use cutover_core::writer_switch::machine::Outcome;
use cutover_local_db::Engine;

use crate::ground::{Ground, close_shop};

async fn there_and_back(engine: Engine) {
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 3, Duration::from_millis(5));
    ground.payments(50).await;
    let mut drain = ground.forward.clone();

    for (epoch, writer) in [(1, Side::Target), (2, Side::Source), (3, Side::Target)] {
        let before = ground.ledger.count();
        let refused = ground.ledger.refused();
        let (machine, outcome) = ground
            .go(ground.spec(writer, &drain), writer_name(writer))
            .await;
        assert_eq!(outcome, Outcome::Switched, "{:#?}", machine.log());
        // All of them are on the side that a next move goes to.
        ground.payments(50).await;
        assert_eq!(ground.ledger.overlaps(before, writer.other()), []);
        assert!(
            ground.ledger.refused() > refused,
            "who still knocks is refused"
        );
        drain = ground.back(writer, epoch).await;
    }

    close_shop(shop).await;
    ground.reckon(Side::Target);
}

fn writer_name(writer: Side) -> &'static str {
    match writer {
        Side::Source => "back",
        Side::Target => "there",
    }
}

/// D33, D39
#[tokio::test(flavor = "multi_thread")]
async fn payments_of_postgresql_survive_a_switch_the_way_back_and_another_switch() {
    there_and_back(Engine::Postgres).await;
}

/// D33, D39
#[tokio::test(flavor = "multi_thread")]
async fn payments_of_mariadb_survive_a_switch_the_way_back_and_another_switch() {
    there_and_back(Engine::MariaDb).await;
}
