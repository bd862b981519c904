//! One runner at a time.

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::writer_switch::control::Fence;

use super::*;

#[tokio::test]
async fn a_second_runner_is_told_who_holds_the_lock_and_can_do_nothing_without_it() {
    let rig = Rig::shop("lock").await;
    let second = rig.runner("run 2").await;

    let by = second.lock().await.expect("asked").expect_err("it is held");

    let holder = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' \
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let process = rig.value(holder).expect("somebody holds it");
    assert_eq!(by, format!("process {process}, superuser@127.0.0.1, run 1"));
    let fenced = second.fence(LOCK, LONG, &entry("fence")).await;
    let refused = fenced.expect_err("it has no lock");
    assert_eq!(refused.class, DbFailureClass::Lost);
    let seen = second.look(LONG).await.expect("that needs none");
    assert_eq!(seen.fence, Fence::Open);
    take_lock(&rig.control).await;
    rig.control.leave().await;
    take_lock(&second).await;
    let first = rig.control.lock().await.expect("asked");
    assert!(first.expect_err("it is held").ends_with("run 2"));
}

#[tokio::test]
async fn another_migration_has_another_lock() {
    let rig = Rig::shop("lock_of_another").await;
    let of = Fenced {
        migration: "other".to_owned(),
        ..rig.of.clone()
    };

    take_lock(&open(Side::Source, &rig.at, &of).await).await;
}

/// The session is ended by its server, as after a partition of the network or with a machine that sleeps.
#[tokio::test]
async fn a_runner_that_lost_its_lock_does_nothing_more_and_its_fence_ends_by_itself() {
    let rig = Rig::shop("lock_lost").await;
    let second = rig.runner("run 2").await;
    rig.fence(Duration::from_secs(5)).await;
    rig.end_session("run 1");
    rig.until(
        "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() \
                  AND application_name LIKE 'cutover-switch%'",
    )
    .await;

    take_lock(&second).await;
    let close = rig.control.close(LOCK, &entry("close")).await;
    assert_eq!(class(close), DbFailureClass::Lost);
    let open = rig.control.open(0, &MOVED, &entry("commit")).await;
    assert_eq!(class(open), DbFailureClass::Lost);
    assert_eq!(class(rig.control.mark(1).await), DbFailureClass::Lost);
    let held = rig.control.lock().await.expect("asked");
    assert!(held.expect_err("another has it").ends_with("run 2"));
    let close = rig.control.close(LOCK, &entry("close")).await;
    assert_eq!(class(close), DbFailureClass::Lost);

    // Looking is still possible, and nobody has to do anything.
    assert!(matches!(
        rig.look().await.fence,
        Fence::Paused { .. } | Fence::Expired
    ));
    let lines = rig.control.journal(9).await.expect("it is read");
    assert_eq!(lines.len(), 1);
    rig.until_expired().await;
    pass(&mut rig.client().await, INSERT).await;
    second.leave().await;
    take_lock(&rig.control).await;
    let close = rig.control.close(LOCK, &entry("close")).await;
    assert_eq!(close, Ok(Closing::Expired));
}

#[tokio::test]
async fn a_failed_statement_costs_neither_the_lock_nor_the_next_one() {
    let rig = Rig::shop("lock_kept").await;
    let mut client = rig.client().await;
    let hide = "ALTER TABLE cutover_control.journal RENAME TO hidden";
    pass(&mut client, hide).await;

    let failed = rig.control.fence(LOCK, LONG, &entry("fence")).await;

    assert_eq!(class(failed), DbFailureClass::Missing);
    pass(&mut client, INSERT).await;
    let show = "ALTER TABLE cutover_control.hidden RENAME TO journal";
    pass(&mut client, show).await;
    assert_eq!(rig.look().await.fence, Fence::Open);
    rig.close_for_long().await;
}

#[tokio::test]
async fn markers_need_no_lock_and_go_on_after_a_connection_broke() {
    let rig = Rig::shop("lock_not_needed").await;
    let watcher = rig.runner("watching").await;
    watcher.mark(1).await.expect("it may");
    rig.end_session("watching");

    let lost = watcher.mark(2).await;

    assert_eq!(class(lost), DbFailureClass::Lost);
    watcher.mark(3).await.expect("there is another one");
}

fn class<T: std::fmt::Debug>(
    failed: Result<T, cutover_core::validation::facts::DbFailure>,
) -> DbFailureClass {
    failed.expect_err("it fails").class
}
