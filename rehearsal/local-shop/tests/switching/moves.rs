//! There and back.

use std::time::Duration;

use cutover_core::validation::side::Side;
use cutover_local_db::Engine;
use cutover_local_shop::{DATABASE, schema};

use crate::ground::{Ground, close_shop};

async fn there_and_back(engine: Engine) {
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 3, Duration::from_millis(5));
    ground.payments(50).await;
    let mut drain = ground.forward.clone();

    for (epoch, writer) in [(1, Side::Target), (2, Side::Source), (3, Side::Target)] {
        let refused = ground.ledger.refused();
        (_, drain) = ground.succeed(writer, &drain, epoch).await;
        if epoch == 1 {
            many_payments(&ground);
        }
        // All of them are on the side that a next move goes to.
        ground.payments(50).await;
        assert!(
            ground.ledger.refused() > refused,
            "who still knocks is refused"
        );
    }

    close_shop(shop).await;
    ground.reckon(Side::Target);
    // What was paid on the target before the rollback is on both sides.
    for side in Side::BOTH {
        assert_eq!(count_many(&ground, side), MANY.to_string(), "{side}");
    }
}

/// How many payments are made at once between a switch and the rollback.
const MANY: u32 = 5_000;

/// Takes many payments on the target.
fn many_payments(ground: &Ground) {
    let schema = schema(ground.engine());
    // MariaDB would lock what it reads, and be in the way of those who pay.
    let (before, numbers) = match ground.engine() {
        Engine::Postgres => ("", format!("SELECT n FROM generate_series(1, {MANY}) n")),
        Engine::MariaDb => (
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; ",
            format!("SELECT seq AS n FROM seq_1_to_{MANY}"),
        ),
    };
    let found = format!("FROM {schema}.payments WHERE reference LIKE 'many-%'");
    let script = format!(
        "{before}INSERT INTO {schema}.payments (reference, customer_id, amount, currency, status) \
         SELECT CONCAT('many-', n), 1, 1.00, 'EUR', 'captured' FROM ({numbers}) numbers; \
         INSERT INTO {schema}.transactions (payment_id, kind, amount) SELECT id, 'capture', amount {found}; \
         INSERT INTO {schema}.audit_log (payment_id, event) SELECT id, 'captured' {found}"
    );
    let taken = ground.servers.target.run_script(DATABASE, &script);
    taken.expect("the target is the writer");
}

fn count_many(ground: &Ground, side: Side) -> String {
    let schema = schema(ground.engine());
    let query = format!("SELECT count(*) FROM {schema}.payments WHERE reference LIKE 'many-%'");
    let rows = ground.servers.get(side).rows(DATABASE, &query);
    let rows = rows.expect("it answers");
    rows.into_iter().flatten().flatten().collect()
}

/// D39
#[tokio::test(flavor = "multi_thread")]
async fn payments_of_postgresql_survive_a_switch_the_way_back_and_another_switch() {
    there_and_back(Engine::Postgres).await;
}

/// D39
#[tokio::test(flavor = "multi_thread")]
async fn payments_of_mariadb_survive_a_switch_the_way_back_and_another_switch() {
    there_and_back(Engine::MariaDb).await;
}
