//! How long nobody can write.

use std::time::Duration;

use cutover_core::validation::side::Side;
use cutover_local_db::Engine;

use crate::ground::{Ground, close_shop};

/// How many moves are made: ours, enough that what is left over from one would hold up another.
const MOVES: u64 = 10;

/// Moves the writer to and fro; returns how long each pause was.
async fn to_and_fro(engine: Engine) -> Vec<Duration> {
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(10));
    let mut drain = ground.forward.clone();
    let mut writer = Side::Target;
    let mut pauses = Vec::new();
    for epoch in 1..=MOVES {
        let (machine, back) = ground.succeed(writer, &drain, epoch).await;
        pauses.push(machine.known().pause.expect("there was one"));
        drain = back;
        writer = writer.other();
    }
    close_shop(shop).await;
    ground.reckon(writer.other());
    pauses.sort();
    pauses
}

/// Prints the figures; what they may be stands in the benchmark, as a busy machine makes them what it likes. What is asserted
/// is what holds on any machine: that nothing is lost over all of them, and that no pause was longer than declared.
#[expect(clippy::print_stdout, reason = "figures are for who runs it")]
async fn measured(engine: Engine) {
    let pauses = to_and_fro(engine).await;
    let of = |percent: usize| pauses.get(pauses.len() * percent / 100).or(pauses.last());
    println!(
        "{engine:?}: median {:?}, p95 {:?}, worst {:?}",
        of(50),
        of(95),
        pauses.last()
    );
    assert!(
        pauses.iter().all(|pause| *pause < Duration::from_secs(30)),
        "{pauses:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_to_and_fro_on_postgresql_lose_nothing_and_keep_to_their_pause() {
    measured(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moves_to_and_fro_on_mariadb_lose_nothing_and_keep_to_their_pause() {
    measured(Engine::MariaDb).await;
}
