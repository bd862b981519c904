//! Two runners at once, and one that has lost its sessions in the pause.

use std::time::Duration;

use cutover_core::validation::side::Side;
use cutover_core::writer_switch::facts::Command;
use cutover_core::writer_switch::machine::Outcome;
use cutover_core::writer_switch::spec::Pause;
use cutover_local_db::Engine;

use crate::ground::{Ground, close_shop};
use crate::meddling::held_up;

/// Ends every session that moves the writer or compares, on both sides, as a server that is told to by somebody else.
fn end_sessions(ground: &Ground) {
    for side in Side::BOTH {
        let server = ground.servers.get(side);
        let superuser = server.superuser();
        match server.engine() {
            Engine::Postgres => server.run_script(
                "postgres",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'cutover-switch%'",
            ),
            Engine::MariaDb => server
                .rows(
                    "mysql",
                    &format!(
                        "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{superuser}' AND ID <> CONNECTION_ID()"
                    ),
                )
                .map(|found| {
                    for number in found.into_iter().flatten().flatten() {
                        // One that has ended by itself meanwhile is as good.
                        server.run_script("mysql", &format!("KILL {number}")).ok();
                    }
                }),
        }
        .expect("the superuser may");
    }
}

/// The second runner sees that there is a first, and does nothing.
async fn second_runner(ground: &Ground) {
    let before = ground.ledger.count();
    let spec = ground.spec(Side::Target, &ground.forward);
    let (meddle, is_there, go_on) = held_up(|command| matches!(command, Command::Fence { .. }));
    let first = ground.go_through(spec.clone(), "first", meddle);
    let second = async {
        is_there.await.expect("it comes to the fence");
        let (_, outcome) = ground.go(spec.clone(), "second").await;
        go_on.send(()).expect("the first waits");
        outcome
    };

    let (first, second) = tokio::join!(first, second);

    let Outcome::NotHolder { by, .. } = &second else {
        panic!("{second:?}")
    };
    assert!(by.contains("first"), "{by}");
    let (machine, outcome) = first.expect("nobody kills it");
    assert_eq!(outcome, Outcome::Switched, "{:#?}", machine.log());
    ground.payments(10).await;
    assert_eq!(ground.ledger.overlaps(before, Side::Source), []);
}

/// The machine of a runner sleeps in the pause until the fence is over, with its sessions or without: payments go on by
/// themselves, and the runner does nothing any more when it wakes.
async fn asleep_in_the_pause(ground: &Ground, loses_its_sessions: bool) {
    let before = ground.ledger.count();
    let mut spec = ground.spec(Side::Target, &ground.forward);
    // Short, without what a busy machine may take too long for.
    spec.check = false;
    spec.pause = Pause {
        max: Duration::from_secs(8),
        ..spec.pause
    };
    let (meddle, is_there, go_on) = held_up(|command| matches!(command, Command::Close { .. }));
    let asleep = ground.go_through(spec, "asleep", meddle);
    let meanwhile = async {
        is_there.await.expect("it comes to the last steps");
        if loses_its_sessions {
            end_sessions(ground);
        }
        // Nobody but the server can have opened it.
        let fenced = ground.ledger.count();
        ground.payments(10).await;
        go_on.send(()).expect("it waits");
        fenced
    };

    let (asleep, fenced) = tokio::join!(asleep, meanwhile);

    let (machine, outcome) = asleep.expect("nobody kills it");
    assert!(
        matches!(outcome, Outcome::CalledOff { .. }),
        "{outcome:?} {:#?}",
        machine.log()
    );
    ground.only_writer(Side::Source, before).await;
    assert!(ground.ledger.count() > fenced);
    let silence = ground.ledger.longest_silence(before);
    assert!(silence < Duration::from_secs(11), "{silence:?}");
}

/// A runner whose sessions were ended in the pause, and another that has moved the writer before the first hears of anything.
async fn overtaken(ground: &Ground) {
    let before = ground.ledger.count();
    let spec = ground.spec(Side::Target, &ground.forward);
    let (meddle, is_there, go_on) = held_up(|command| matches!(command, Command::Close { .. }));
    let first = ground.go_through(spec.clone(), "overtaken", meddle);
    let second = async {
        is_there.await.expect("it comes to the last steps");
        end_sessions(ground);
        let second = ground.take_up(&spec).await;
        go_on.send(()).expect("the first waits");
        second
    };

    let (first, (second, second_outcome)) = tokio::join!(first, second);

    assert_eq!(second_outcome, Outcome::Switched, "{:#?}", second.log());
    let (first, outcome) = first.expect("nobody kills it");
    assert_eq!(outcome, Outcome::Switched, "{:#?}", first.log());
    // The writer has changed once.
    assert!(ground.replications_back(1).await);
    assert!(!ground.replications_back(2).await);
    ground.payments(10).await;
    assert_eq!(ground.ledger.overlaps(before, Side::Source), []);
}

async fn two_runners(engine: Engine) {
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(5));
    ground.payments(20).await;
    second_runner(&ground).await;
    close_shop(shop).await;
    ground.reckon(Side::Target);
}

async fn lost_sessions(engine: Engine) {
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(5));
    ground.payments(20).await;
    Box::pin(asleep_in_the_pause(&ground, false)).await;
    Box::pin(asleep_in_the_pause(&ground, true)).await;
    Box::pin(overtaken(&ground)).await;
    close_shop(shop).await;
    ground.reckon(Side::Target);
}

/// D41
#[tokio::test(flavor = "multi_thread")]
async fn of_two_runners_on_postgresql_the_second_reports_the_first_and_does_nothing() {
    two_runners(Engine::Postgres).await;
}

/// D41
#[tokio::test(flavor = "multi_thread")]
async fn of_two_runners_on_mariadb_the_second_reports_the_first_and_does_nothing() {
    two_runners(Engine::MariaDb).await;
}

/// D42
#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_sleeps_or_loses_its_sessions_in_the_pause_changes_nothing_more_on_postgresql()
 {
    lost_sessions(Engine::Postgres).await;
}

/// D42
#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_sleeps_or_loses_its_sessions_in_the_pause_changes_nothing_more_on_mariadb() {
    lost_sessions(Engine::MariaDb).await;
}
