//! Who wrote before the fence, and how long others wait for it.

use super::*;

/// D5: the barrier waits, so that there is no transaction that could commit after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_was_open_before_the_fence_ends_before_it_and_its_rows_are_there() {
    for server in [server(), other_server()] {
        let rig = Rig::on(server, "barrier").await;
        let mut writer = rig.client().await;
        pass(&mut writer, &format!("BEGIN; {INSERT}")).await;
        let control = Arc::clone(&rig.control);
        let fencing = tokio::spawn(async move { control.fence(LOCK, LONG, &entry("fence")).await });
        rig.until_fence_waits().await;

        pass(&mut writer, &format!("{INSERT}; COMMIT")).await;

        let closing = fencing.await.expect("it ends").expect("it may");
        let Closing::Closed { locked } = closing else {
            panic!("{closing:?}");
        };
        assert!(locked < LOCK, "{locked:?}");
        assert_eq!(run(&mut writer, INSERT).await, read_only());
        assert_eq!(rig.count("payments"), "3");
    }
}

/// One attempt of the design's case 4, whose further attempts are the machine's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fence_without_its_lock_names_who_is_in_the_way_changes_nothing_and_holds_nobody_up_for_longer()
 {
    let rig = Rig::shop("no_lock").await;
    let before = rig.look().await;
    let mut holder = rig.client().await;
    pass(&mut holder, &format!("BEGIN; {INSERT}")).await;
    let process: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut holder)
        .await
        .expect("it has one");
    let mut writer = rig.client().await;
    let control = Arc::clone(&rig.control);
    let lock = Duration::from_secs(1);
    let fencing = tokio::spawn(async move { control.fence(lock, LONG, &entry("fence")).await });
    rig.until_fence_waits().await;

    let queued = Instant::now();
    pass(&mut writer, INSERT).await;
    let held_up = queued.elapsed();

    let closing = fencing.await.expect("it ends").expect("it may");
    let Closing::NoLock { blockers } = closing else {
        panic!("{closing:?}");
    };
    let who = format!("superuser@127.0.0.1 (checkout), process {process}, for ");
    assert!(blockers[0].starts_with(&who), "{blockers:?}");
    assert!(!format!("{blockers:?}").contains("INSERT"), "{blockers:?}");
    assert!(held_up < lock + Duration::from_secs(1), "{held_up:?}");
    let after = rig.look().await;
    assert_eq!((after.fence, after.state), (before.fence, before.state));
    assert_eq!(rig.control.journal(10).await.expect("it is read"), []);
    pass(&mut holder, "COMMIT").await;
    assert_eq!(rig.count("payments"), "3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_for_locks_is_one_for_all_tables_together() {
    let rig = Rig::shop("no_lock_in_sum").await;
    let mut first = rig.client().await;
    let mut second = rig.client().await;
    pass(&mut first, "BEGIN; INSERT INTO customers VALUES (2)").await;
    pass(&mut second, &format!("BEGIN; {INSERT}")).await;
    let control = Arc::clone(&rig.control);
    let lock = Duration::from_secs(3);
    let began = Instant::now();
    let fencing = tokio::spawn(async move { control.fence(lock, LONG, &entry("fence")).await });
    rig.until_fence_waits().await;

    // The first table is given away late, and the wait for the other does not begin anew.
    pass(&mut first, "SELECT pg_sleep(2); COMMIT").await;
    let closing = fencing.await.expect("it ends").expect("it may");

    assert!(matches!(closing, Closing::NoLock { .. }), "{closing:?}");
    assert!(began.elapsed() < Duration::from_millis(4500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_takes_the_tables_in_another_order_is_waited_for_and_nobody_is_killed() {
    let rig = Rig::shop("order").await;
    let mut writer = rig.client().await;
    pass(&mut writer, &format!("BEGIN; {INSERT}")).await;
    let control = Arc::clone(&rig.control);
    let fencing = tokio::spawn(async move { control.fence(LOCK, LONG, &entry("fence")).await });
    rig.until_fence_waits().await;

    // We have `customers` or had it, and wait for `payments`.
    pass(&mut writer, "INSERT INTO customers VALUES (2); COMMIT").await;

    let closing = fencing.await.expect("it ends").expect("it may");
    assert!(matches!(closing, Closing::Closed { .. }), "{closing:?}");
    assert_eq!(rig.count("customers"), "2");
}

#[tokio::test]
async fn a_transaction_that_is_prepared_for_two_phase_commit_is_named_by_its_name() {
    let rig = Rig::shop("no_lock_prepared").await;
    let mut writer = rig.client().await;
    let prepare = format!("BEGIN; {INSERT}; PREPARE TRANSACTION 'order 7'");
    pass(&mut writer, &prepare).await;

    let lock = Duration::from_millis(100);
    let closing = rig.control.fence(lock, LONG, &entry("fence")).await;

    pass(&mut writer, "ROLLBACK PREPARED 'order 7'").await;
    let Ok(Closing::NoLock { blockers }) = closing else {
        panic!("{closing:?}");
    };
    let who = "superuser, prepared transaction `order 7`, for ";
    assert!(blockers[0].starts_with(who), "{blockers:?}");
    rig.close_for_long().await;
}
