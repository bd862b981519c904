//! A fence that ends by itself, one that is closed for good, and opening.

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::writer_switch::control::{Fence, State, Told};

use super::*;

#[tokio::test]
async fn a_pause_ends_by_itself_and_cannot_be_made_permanent_afterwards() {
    for server in [server(), other_server()] {
        let rig = Rig::on(server, "expiry").await;
        let mut client = rig.client().await;
        let pause = Duration::from_secs(3);
        rig.fence(pause).await;
        assert_eq!(run(&mut client, INSERT).await, read_only());
        let fence = rig.look().await.fence;
        assert!(
            matches!(fence, Fence::Paused { left } if left <= pause),
            "{fence:?}"
        );

        rig.until_expired().await;

        assert_eq!(rig.look().await.fence, Fence::Expired);
        pass(&mut client, INSERT).await;
        let closing = rig.control.close(LOCK, &entry("close")).await;
        assert_eq!(closing, Ok(Closing::Expired));
        pass(&mut client, INSERT).await;
        let lines = rig.control.journal(10).await.expect("it is read");
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
}

#[tokio::test]
async fn a_pause_that_is_made_permanent_does_not_end() {
    let rig = Rig::shop("close").await;
    let mut client = rig.client().await;
    rig.fence(Duration::from_secs(5)).await;
    let over = "SELECT (expires_at + interval '1 s')::text FROM cutover_control.state";
    let over = rig.value(over).expect("it is paused");

    let closing = rig.control.close(LOCK, &entry("close")).await;

    assert!(matches!(closing, Ok(Closing::Closed { .. })), "{closing:?}");
    let is_over = format!("SELECT clock_timestamp() > '{over}'");
    while rig.value(&is_over).as_deref() != Some("t") {
        assert_eq!(run(&mut client, INSERT).await, read_only());
    }
    assert_eq!(run(&mut client, INSERT).await, read_only());
    assert_eq!(rig.look().await.fence, Fence::Closed);
    // Closing once more is as good as once; a pause would let it open by itself.
    let again = rig.control.close(LOCK, &entry("close")).await;
    assert!(matches!(again, Ok(Closing::Closed { .. })), "{again:?}");
    let paused = rig.control.fence(LOCK, LONG, &entry("fence")).await;
    let refused = paused.expect_err("it is closed");
    assert_eq!(refused.class, DbFailureClass::Changed);
    assert_eq!(run(&mut client, INSERT).await, read_only());
}

#[tokio::test]
async fn what_is_open_cannot_be_closed_for_good_without_a_pause() {
    let rig = Rig::shop("close_open").await;

    let closing = rig.control.close(LOCK, &entry("close")).await;

    assert_eq!(closing, Ok(Closing::Expired));
    pass(&mut rig.client().await, INSERT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_for_good_waits_for_who_wrote_after_the_pause_and_says_that_it_was_over() {
    let rig = Rig::shop("close_late").await;
    rig.fence(Duration::from_millis(1)).await;
    rig.until_expired().await;
    let mut writer = rig.client().await;
    pass(&mut writer, &format!("BEGIN; {INSERT}")).await;
    let control = Arc::clone(&rig.control);
    let closing = tokio::spawn(async move { control.close(LOCK, &entry("close")).await });
    rig.until_fence_waits().await;

    pass(&mut writer, "COMMIT").await;

    assert_eq!(closing.await.expect("it ends"), Ok(Closing::Expired));
}

#[tokio::test]
async fn opening_sets_row_and_fence_at_once_and_only_from_the_expected_epoch() {
    for server in [server(), other_server()] {
        let rig = Rig::on(server, "open").await;
        rig.close_for_long().await;
        let mut client = rig.client().await;

        let refused = rig.control.open(3, &MOVED, &entry("commit")).await;
        assert_eq!(refused, Ok(Err(0)));
        assert_eq!(run(&mut client, INSERT).await, read_only());

        let opened = rig.control.open(0, &MOVED, &entry("commit")).await;
        assert_eq!(opened, Ok(Ok(())));
        pass(&mut client, INSERT).await;
        assert!(rig.control.probe().await.expect("it may be tried"));
        assert_eq!(rig.count("cutover_control.probe"), "0");
        let seen = rig.look().await;
        assert_eq!(seen.fence, Fence::Open);
        let state = State {
            migration: "shop".to_owned(),
            writer: Side::Target,
            epoch: 1,
            told: Told::Open,
        };
        assert_eq!(seen.state, Some(state));
        let again = rig.control.open(0, &MOVED, &entry("commit")).await;
        assert_eq!(again, Ok(Err(1)));
        let lines = rig.control.journal(1).await.expect("it is read");
        assert_eq!(lines[0].entry, entry("commit"));
        let at = &lines[0].at;
        assert!(at.ends_with('Z') && at.len() == 24, "{at}");
    }
}

#[tokio::test]
async fn opening_asks_for_no_lock_of_a_table() {
    let rig = Rig::shop("open_busy").await;
    rig.close_for_long().await;
    let mut holder = rig.client().await;
    let lock = "BEGIN; LOCK TABLE payments IN ACCESS EXCLUSIVE MODE";
    pass(&mut holder, lock).await;

    let opened = rig.control.open(0, &WRITER, &entry("call off")).await;

    assert_eq!(opened, Ok(Ok(())));
    pass(&mut holder, "COMMIT").await;
    pass(&mut holder, INSERT).await;
}

/// Whoever asked is gone while the server is at it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_a_commit_whose_answer_is_lost_took_effect_shows_in_the_next_look() {
    let rig = Rig::shop("answer_lost").await;
    rig.close_for_long().await;
    let mut blocker = rig.client().await;
    let lock = "BEGIN; LOCK TABLE cutover_control.journal IN EXCLUSIVE MODE";
    pass(&mut blocker, lock).await;
    let control = Arc::clone(&rig.control);
    let opening = tokio::spawn(async move { control.open(0, &MOVED, &entry("commit")).await });
    rig.until_fence_waits().await;
    opening.abort();
    let dropped = opening.await.expect_err("it was dropped");
    assert!(dropped.is_cancelled());

    let lost = rig.control.open(0, &MOVED, &entry("commit")).await;
    let lost = lost.expect_err("its session is gone");
    assert_eq!(lost.class, DbFailureClass::Lost);
    pass(&mut blocker, "COMMIT").await;
    rig.until(
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
          AND application_name LIKE 'cutover-switch%')",
    )
    .await;

    let seen = rig.look().await;
    let state = seen.state.expect("it is there");
    assert_eq!(state.epoch == 1, seen.fence == Fence::Open, "{state:?}");
    take_lock(&rig.control).await;
    let again = rig
        .control
        .open(state.epoch, &MOVED, &entry("commit"))
        .await;
    assert_eq!(again, Ok(Ok(())));
    assert_eq!(rig.look().await.fence, Fence::Open);
}

#[tokio::test]
async fn recording_the_writer_leaves_the_fence_and_a_higher_epoch_alone() {
    let rig = Rig::shop("record").await;
    rig.close_for_long().await;

    let recorded = rig.control.record(&MOVED, &entry("record")).await;

    assert_eq!(recorded, Ok(()));
    let seen = rig.look().await;
    assert!(matches!(seen.fence, Fence::Paused { .. }));
    let recorded = rig.control.record(&WRITER, &entry("late")).await;
    assert_eq!(recorded, Ok(()));
    let state = rig.look().await.state.expect("it is there");
    assert_eq!((state.writer, state.epoch), (Side::Target, 1));
    let lines = rig.control.journal(10).await.expect("it is read");
    let steps: Vec<_> = lines.iter().map(|line| line.entry.step.as_str()).collect();
    assert_eq!(steps, ["fence", "record"]);
}
