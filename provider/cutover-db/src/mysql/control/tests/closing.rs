//! The barrier, the pause that ends by itself, and closing for good.

use std::time::{Duration, Instant};

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{Fence, Told};
use cutover_core::writer_switch::facts::Row;
use cutover_driver::{Closing, WriterControl as _};
use futures_util::future::join;

use super::super::barrier::Barrier;
use super::super::session::execute;
use super::{
    AMPLE, AT_FIRST, INSERT, TABLE, a_source, a_target, entry, run, until, until_accepted,
};

/// D5
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fence_waits_for_a_transaction_that_has_written_and_none_writes_after_it() {
    let rig = a_source("barrier_waits", TABLE, &["payments"]).await;
    let mut earlier = rig.client().await;
    run(&mut earlier, "BEGIN").await.expect("it may begin");
    assert_eq!(run(&mut earlier, INSERT).await, Ok(1));
    let mut later = rig.client().await;

    let step = entry("fence");
    let fence = rig.writer.fence(AMPLE, AMPLE, &step);
    let meanwhile = async {
        rig.until_it_waits("LOCK TABLES").await;
        let later = tokio::spawn(async move { run(&mut later, INSERT).await });
        rig.until_it_waits("INSERT").await;
        // It still may write, and it commits: the fence has not closed.
        assert_eq!(run(&mut earlier, INSERT).await, Ok(1));
        let committed = run(&mut earlier, "COMMIT").await;
        committed.expect("nothing is in its way");
        later.await.expect("it ends")
    };
    let (closing, later) = join(fence, meanwhile).await;

    assert!(matches!(closing, Ok(Closing::Closed { .. })), "{closing:?}");
    assert_eq!(later, Err(1290));
    assert_eq!(run(&mut earlier, INSERT).await, Err(1290));
    assert_eq!(rig.ask("SELECT COUNT(*) FROM payments"), "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_that_are_not_to_be_had_in_time_change_nothing_and_name_who_is_in_the_way() {
    let script = format!("{TABLE}; CREATE TABLE refunds (id int PRIMARY KEY)");
    let rig = a_source("barrier_late", &script, &["payments", "refunds"]).await;
    let mut earlier = rig.client().await;
    let begin = "BEGIN; INSERT INTO refunds VALUES (1)";
    run(&mut earlier, begin).await.expect("it may write");
    let process = rig.ask(
        "SELECT MAX(ID) FROM information_schema.PROCESSLIST WHERE DB = 'barrier_late' AND ID <> CONNECTION_ID()",
    );
    let before = rig.look().await;
    let mut later = rig.client().await;

    let step = entry("fence");
    let asked = Instant::now();
    let fence = rig.writer.fence(Duration::from_millis(1500), AMPLE, &step);
    let queued = async {
        rig.until_it_waits("LOCK TABLES").await;
        let inserted = run(&mut later, INSERT).await;
        (inserted, asked.elapsed())
    };
    let (closing, (inserted, waited)) = join(fence, queued).await;

    let Ok(Closing::NoLock { blockers }) = closing else {
        panic!("somebody is in the way: {closing:?}");
    };
    let named = format!("superuser@127.0.0.1 (barrier_late), process {process}, for ");
    assert!(
        blockers.iter().any(|one| one.starts_with(&named)),
        "{named}: {blockers:?}"
    );
    assert_eq!(inserted, Ok(1));
    // No longer than the lock was asked for, and what a busy machine takes.
    assert!(waited < Duration::from_millis(2500), "{waited:?}");
    let after = rig.look().await;
    assert_eq!((after.state, after.fence), (before.state, Fence::Open));
    assert_eq!(after.unfenced, []);
    let committed = run(&mut earlier, "COMMIT").await;
    committed.expect("nothing is locked");
    // The session is as good as before.
    rig.pause(AMPLE).await;
    assert_eq!(run(&mut later, INSERT).await, Err(1290));
}

#[tokio::test]
async fn a_pause_ends_by_itself_and_cannot_be_made_permanent_afterwards() {
    let rig = a_source("pause_ends", TABLE, &["payments"]).await;
    let mut client = rig.client().await;
    let expires_in = Duration::from_secs(2);

    rig.pause(expires_in).await;
    let refused = run(&mut client, INSERT).await;
    let during = rig.look().await.fence;
    // Nobody does anything for it.
    until_accepted(&mut client).await;

    assert_eq!(refused, Err(1290));
    assert!(
        matches!(during, Fence::Paused { left } if left <= expires_in),
        "{during:?}"
    );
    let after = rig.look().await;
    assert_eq!(after.fence, Fence::Expired);
    assert_eq!(after.state.map(|state| state.told), Some(Told::Paused));
    let closing = rig.writer.close(AMPLE, &entry("close")).await;
    assert_eq!(closing, Ok(Closing::Expired));
    assert_eq!(run(&mut client, INSERT).await, Ok(1));
}

#[tokio::test]
async fn a_pause_that_is_closed_for_good_in_time_does_not_end() {
    let rig = a_source("pause_closed", TABLE, &["payments"]).await;
    let mut client = rig.client().await;
    let expires_in = Duration::from_secs(3);
    rig.pause(expires_in).await;
    let paused_at = rig.ask("SELECT UTC_TIMESTAMP(6)");

    let closing = rig.writer.close(AMPLE, &entry("close")).await;

    assert!(matches!(closing, Ok(Closing::Closed { .. })), "{closing:?}");
    let over = format!(
        "SELECT UTC_TIMESTAMP(6) > TIMESTAMP'{paused_at}' + INTERVAL {} MICROSECOND",
        expires_in.as_micros()
    );
    until(|| rig.ask(&over) == "1").await;
    assert_eq!(run(&mut client, INSERT).await, Err(1290));
    let seen = rig.look().await;
    assert_eq!((seen.fence, seen.unfenced), (Fence::Closed, Vec::new()));
    // Again is nothing new, and opening works.
    let again = rig.writer.close(AMPLE, &entry("close")).await;
    assert!(matches!(again, Ok(Closing::Closed { .. })), "{again:?}");
    let opened = rig.writer.open(0, &AT_FIRST, &entry("open")).await;
    assert_eq!(opened, Ok(Ok(())));
    assert_eq!(run(&mut client, INSERT).await, Ok(1));
}

#[tokio::test]
async fn opening_is_refused_when_the_row_has_another_epoch_than_expected() {
    let rig = a_target("open_epoch", TABLE, &["payments"]).await;
    let mut client = rig.client().await;
    let row = Row {
        writer: Side::Target,
        epoch: 1,
    };

    let refused = rig.writer.open(4, &row, &entry("commit")).await;
    assert_eq!(refused, Ok(Err(0)));
    assert_eq!(run(&mut client, INSERT).await, Err(1290));

    let opened = rig.writer.open(0, &row, &entry("commit")).await;
    assert_eq!(opened, Ok(Ok(())));
    assert_eq!(run(&mut client, INSERT).await, Ok(1));
    let state = rig.look().await.state.expect("it is prepared");
    assert_eq!((state.writer, state.epoch), (Side::Target, 1));
    assert_eq!(state.told, Told::Open);
    let again = rig.writer.open(0, &row, &entry("commit")).await;
    assert_eq!(again, Ok(Err(1)));
    let lines = rig.writer.journal(10).await.expect("it may be read");
    let steps: Vec<&str> = lines.iter().map(|noted| &noted.entry.step[..]).collect();
    assert_eq!(steps, ["commit"]);
}

// A server as it is left by a runner that dies between two triggers.
#[tokio::test]
async fn a_closing_that_died_half_way_is_told_opens_at_once_and_can_be_begun_again() {
    let script = format!("{TABLE}; CREATE TABLE refunds (id int PRIMARY KEY)");
    let rig = a_source("died_closing", &script, &["payments", "refunds"]).await;
    let mut client = rig.client().await;
    rig.pause(AMPLE).await;
    let last = rig.ask(
        "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = 'died_closing' \
          AND EVENT_OBJECT_TABLE = 'refunds' AND EVENT_MANIPULATION = 'DELETE'",
    );
    rig.ask(&format!("DROP TRIGGER {last}"));

    let seen = rig.look().await;

    assert!(matches!(seen.fence, Fence::Paused { .. }), "{seen:?}");
    let names: Vec<&str> = seen.unfenced.iter().map(|table| &table.name[..]).collect();
    assert_eq!(names, ["refunds"]);
    assert_eq!(run(&mut client, INSERT).await, Err(1290));
    let opened = rig.writer.open(0, &AT_FIRST, &entry("open")).await;
    assert_eq!(opened, Ok(Ok(())));
    assert_eq!(run(&mut client, INSERT).await, Ok(1));
    rig.pause(AMPLE).await;
    assert_eq!(rig.look().await.unfenced, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_whose_session_is_killed_while_it_waits_leaves_nothing_locked() {
    let rig = a_source("barrier_killed", TABLE, &["payments"]).await;
    let mut earlier = rig.client().await;
    run(&mut earlier, "BEGIN").await.expect("it may begin");
    assert_eq!(run(&mut earlier, INSERT).await, Ok(1));

    let step = entry("fence");
    let fence = rig.writer.fence(AMPLE, AMPLE, &step);
    let kill = async {
        rig.until_it_waits("LOCK TABLES").await;
        let process = rig.ask(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = 'barrier_killed' AND INFO LIKE 'LOCK TABLES%'",
        );
        rig.ask(&format!("KILL {process}"));
    };
    let (closing, ()) = join(fence, kill).await;

    let failure = closing.expect_err("the session is gone");
    assert_eq!(failure.class, DbFailureClass::Lost, "{failure:?}");
    assert_eq!(run(&mut rig.client().await, INSERT).await, Ok(1));
    let probe = rig.writer.probe().await.expect_err("the lock is gone");
    assert_eq!(probe.class, DbFailureClass::Lost);
    let committed = run(&mut earlier, "COMMIT").await;
    committed.expect("nothing is locked");
    assert_eq!(rig.writer.lock().await, Ok(Ok(())));
    rig.pause(AMPLE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_writes_while_triggers_are_replaced_nor_when_the_session_dies_then() {
    let rig = a_source("barrier_holds", TABLE, &["payments"]).await;
    rig.pause(AMPLE).await;
    let mut held = rig.writer.held("closing").await.expect("it has the lock");
    let locked = rig.writer.lock_tables(&mut held.connection, AMPLE).await;
    assert!(matches!(locked, Ok(Barrier::Taken { .. })), "{locked:?}");
    // As far from safe as it can be: no trigger at all.
    let gone = rig.writer.drop_all_triggers(&mut held.connection).await;
    gone.expect("it works while tables are locked");
    let mut client = rig.client().await;
    let writing = tokio::spawn(async move { run(&mut client, INSERT).await });
    rig.until_it_waits("INSERT").await;

    let kept = rig.writer.own_row(&mut held.connection).await;
    let kept = kept.expect("it is there");
    let tables = rig.writer.carrying();
    let raised = rig.writer.raise(&mut held.connection, &kept, &tables).await;
    raised.expect("it works while tables are locked");
    let touched = execute(&mut held.connection, "DO 0").await;
    touched.expect("it goes on");
    rig.until_it_waits("INSERT").await;
    // The session dies here, and the locks with it.
    drop(held);

    assert_eq!(writing.await.expect("it ends"), Err(1290));
    assert_eq!(rig.ask("SELECT COUNT(*) FROM payments"), "0");
}
