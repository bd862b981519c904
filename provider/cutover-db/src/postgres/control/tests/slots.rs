//! The place in the log.

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::writer_switch::control::{Captured, LogPosition};

use super::*;

/// What a slot has of a table, without taking it out.
const KEPT: &str = "SELECT string_agg(data, ' ') FROM pg_logical_slot_peek_changes('way_back_1', NULL, NULL) \
                     WHERE data LIKE '%payments%'";

#[tokio::test]
async fn a_place_in_the_log_has_what_is_written_after_it_and_nothing_from_before() {
    let rig = Rig::on(quiet_server(), "slot").await;
    let mut client = rig.client().await;
    pass(&mut client, "INSERT INTO payments (id) VALUES (100)").await;

    let position = rig.control.capture("way_back_1").await.expect("it may");

    let LogPosition::Slot { name, lsn } = &position else {
        panic!("{position:?}");
    };
    assert_eq!(name, "way_back_1");
    let confirmed =
        "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'way_back_1'";
    assert_eq!(rig.value(confirmed).as_ref(), Some(lsn));
    pass(&mut client, "INSERT INTO payments (id) VALUES (200)").await;
    let kept = rig.value(KEPT).expect("something is in it");
    assert!(kept.contains("200") && !kept.contains("100"), "{kept}");

    // Anew under the same name, as after a run that was broken off.
    let again = rig.control.capture("way_back_1").await.expect("it may");
    assert_ne!(again, position);
    pass(&mut client, "INSERT INTO payments (id) VALUES (300)").await;
    let kept = rig.value(KEPT).expect("something is in it");
    assert!(kept.contains("300") && !kept.contains("200"), "{kept}");
}

#[tokio::test]
async fn a_place_is_found_by_the_next_runner_until_it_is_given_up_or_gone() {
    let rig = Rig::on(quiet_server(), "slot_kept").await;
    let position = rig.control.capture("slot_kept").await.expect("it may");
    rig.control.leave().await;
    let next = rig.runner("run 2").await;

    let captured = Captured {
        name: "slot_kept".to_owned(),
        position,
    };
    let seen = next.look(LONG).await.expect("it may be asked");
    assert_eq!(seen.captured, Some(captured));

    take_lock(&next).await;
    next.release("another").await.expect("there is none");
    next.release("slot_kept").await.expect("it may");
    next.release("slot_kept").await.expect("there is none");
    let seen = next.look(LONG).await.expect("it may be asked");
    assert_eq!(seen.captured, None);
    let slots = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'slot_kept'";
    assert_eq!(rig.value(slots).as_deref(), Some("0"));

    // One that somebody dropped is no place any more.
    next.capture("slot_kept").await.expect("it may");
    rig.value("SELECT pg_drop_replication_slot('slot_kept')");
    let seen = next.look(LONG).await.expect("it may be asked");
    assert_eq!(seen.captured, None);
}

#[tokio::test]
async fn the_slot_of_an_earlier_move_goes_when_another_is_made() {
    let rig = Rig::on(quiet_server(), "slot_former").await;
    rig.control.capture("slot_former_1").await.expect("it may");

    rig.control.capture("slot_former_3").await.expect("it may");

    let slots = "SELECT string_agg(slot_name, ' ') FROM pg_replication_slots WHERE slot_name LIKE 'slot_former%'";
    assert_eq!(rig.value(slots).as_deref(), Some("slot_former_3"));
    rig.value("SELECT pg_drop_replication_slot('slot_former_3')");
}

#[tokio::test]
async fn a_slot_that_is_in_use_or_not_ours_is_left_alone() {
    let rig = Rig::on(quiet_server(), "slot_foreign").await;
    rig.value("SELECT pg_create_physical_replication_slot('slot_foreign')");

    let failed = rig.control.capture("slot_foreign").await;
    let failed = failed.expect_err("it is physical");
    assert_eq!(failed.class, DbFailureClass::Changed);
    let failed = rig.control.release("slot_foreign").await;
    let failed = failed.expect_err("it is physical");
    assert_eq!(failed.class, DbFailureClass::Changed);
    rig.value("SELECT pg_drop_replication_slot('slot_foreign')");

    let follower = follow(&rig, "slot_foreign");
    rig.until("SELECT active FROM pg_replication_slots WHERE slot_name = 'slot_foreign'")
        .await;
    let failed = rig.control.release("slot_foreign").await;
    let failed = failed.expect_err("it is in use");
    assert_eq!(failed.class, DbFailureClass::Busy);
    assert!(
        failed.message.contains("stop the replication"),
        "{failed:?}"
    );
    unfollow(follower, "slot_foreign");
}

/// Lets another server follow payments. Its slot has the name of the database.
pub(super) fn follow(rig: &Rig, name: &str) -> &'static Server {
    let publish = format!("CREATE PUBLICATION {name} FOR TABLE payments");
    rig.server.run_script(name, &publish).expect("it is SQL");
    let follower = quiet_other_server();
    follower.create_database(name).expect("the name is free");
    follower.run_script(name, SHOP).expect("it is SQL");
    let subscribe = format!(
        "CREATE SUBSCRIPTION {name} CONNECTION 'host={} port={} user={} password={} dbname={name}' \
         PUBLICATION {name} WITH (copy_data = false)",
        rig.server.host(),
        rig.server.port(),
        rig.server.superuser(),
        rig.server.password()
    );
    follower.run_script(name, &subscribe).expect("it is SQL");
    follower
}

/// Ends it, and the slot with it.
pub(super) fn unfollow(follower: &Server, name: &str) {
    let end = format!("DROP SUBSCRIPTION {name}");
    follower.run_script(name, &end).expect("it is SQL");
}

#[tokio::test]
async fn a_transaction_that_keeps_a_slot_from_being_made_is_not_waited_for_in_vain() {
    // Nobody else makes slots there.
    let rig = Rig::shop("slot_late").await;
    let mut writer = rig.client().await;
    pass(&mut writer, &format!("BEGIN; {INSERT}")).await;

    let began = Instant::now();
    let failed = rig.control.capture("slot_late").await;

    let failed = failed.expect_err("it waits");
    assert_eq!(failed.class, DbFailureClass::TimedOut);
    assert!(began.elapsed() < Duration::from_secs(10));
    pass(&mut writer, "COMMIT").await;
    assert_eq!(rig.look().await.captured, None);
}
