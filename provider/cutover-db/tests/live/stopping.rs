//! A run that is stopped leaves nothing behind on the servers.

use std::thread;
use std::time::{Duration, Instant};

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::{Checks, Expectation, Invariant, RowCheck, Spec};
use cutover_driver::{SystemClock, Validated, validate};
use cutover_local_db::Server;
use tokio::sync::oneshot;

use crate::given::{Pair, rows_of_all_tables};

/// How long a stop may take, by the promise of the page.
const WITHIN: Duration = Duration::from_secs(2);

/// How long it may take until the servers are at it: far more than it does.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks whether a server is at what its engine was given to do.
fn is_busy(engine: Engine) -> bool {
    let (server, database, query) = match engine {
        Engine::Postgres => (
            Server::shared_postgres(),
            "postgres",
            "SELECT count(*) FROM pg_stat_activity
             WHERE state = 'active' AND query LIKE '%to be stopped%' AND pid <> pg_backend_pid()",
        ),
        Engine::Mysql | Engine::Mariadb => (
            Server::shared_mariadb(),
            "mysql",
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST
             WHERE INFO LIKE '%to be stopped%' AND ID <> CONNECTION_ID()",
        ),
    };
    let rows = server.rows(database, query).expect("it is SQL");
    rows[0][0].as_deref() != Some("0")
}

fn check(engine: Engine, long: &str) {
    let pair = Pair::new(engine, engine);
    for side in Side::BOTH {
        pair.run(side, "CREATE TABLE t (id bigint PRIMARY KEY)");
    }
    let rows = rows_of_all_tables();
    let spec = Spec {
        checks: Checks {
            rows: RowCheck::Skip,
            invariants: vec![Invariant {
                name: "long".to_owned(),
                query: format!("{long} /* to be stopped */"),
                target_query: None,
                expect: Expectation::Equal,
            }],
            ..rows.checks
        },
        ..rows
    };
    let (tell, stop) = oneshot::channel();
    // On a thread of its own, as asking blocks.
    let watch = thread::spawn(move || {
        let begun = Instant::now();
        while !is_busy(engine) && begun.elapsed() < PATIENCE {}
        tell.send(Instant::now())
    });

    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let stopped = runtime.block_on(async {
        let databases = Both {
            source: pair.open(Side::Source).await,
            target: pair.open(Side::Target).await,
        };
        validate(spec, databases, &SystemClock, None, stop, &|_| {}).await
    });
    // As when the process ends: nothing of ours goes on.
    runtime.shutdown_background();

    let Validated::Stopped { why: Ok(told), .. } = stopped else {
        panic!("it was not stopped: {stopped:?}");
    };
    watch
        .join()
        .expect("it does not panic")
        .expect("somebody listens");
    assert!(told.elapsed() < WITHIN, "{:?}", told.elapsed());
    while is_busy(engine) {
        assert!(told.elapsed() < WITHIN, "the server is still at it");
    }
}

/// D49
#[test]
fn postgresql_is_at_nothing_any_more_after_a_stop() {
    check(
        Engine::Postgres,
        "SELECT count(*) FROM generate_series(1, 2000000000)",
    );
}

/// D49
#[test]
fn mariadb_is_at_nothing_any_more_after_a_stop() {
    check(
        Engine::Mariadb,
        "SELECT SUM(CRC32(seq)) FROM seq_1_to_100000000000",
    );
}
