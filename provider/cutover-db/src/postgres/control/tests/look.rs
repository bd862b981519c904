//! What a look tells.

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::writer_switch::control::{Fence, State, Told};
use cutover_driver::{Database, Hidden};

use super::slots::{follow, unfollow};
use super::*;

#[tokio::test]
async fn a_database_without_anything_of_ours_can_be_looked_at() {
    let tables = ["customers", "payments", "refunds"];
    let rig = Rig::bare(server(), "look_bare", SHOP, &tables).await;

    let seen = rig.look().await;

    assert_eq!(
        (seen.state, seen.fence, seen.captured),
        (None, Fence::Absent, None)
    );
    // What is not there cannot be fenced.
    assert_eq!(seen.unfenced, [named("refunds")]);
    assert!(!seen.is_replica);
    assert_eq!(seen.exceptions, None);
    let validated = crate::Postgres::open(Side::Source, &rig.at)
        .await
        .expect("it is there");
    let met = Database::look(&validated).await.expect("it may be asked");
    assert_eq!(met.identity, seen.identity);
}

#[tokio::test]
async fn the_side_that_does_not_write_is_closed_from_the_beginning() {
    let rig = Rig::bare(server(), "look_target", SHOP, &SHOP_TABLES).await;
    let target = open(Side::Target, &rig.at, &rig.of).await;

    target.prepare(&WRITER).await.expect("it is made");

    let seen = target.look(LONG).await.expect("it may be asked");
    assert_eq!(seen.fence, Fence::Closed);
    assert_eq!(seen.unfenced, []);
    let state = State {
        migration: "shop".to_owned(),
        writer: Side::Source,
        epoch: 0,
        told: Told::Closed,
    };
    assert_eq!(seen.state, Some(state));
    assert_eq!(run(&mut rig.client().await, INSERT).await, read_only());
}

#[tokio::test]
async fn a_fence_that_somebody_removed_or_switched_off_or_that_a_new_partition_lacks_is_told() {
    let rig = Rig::shop("look_gaps").await;
    rig.close_for_long().await;
    assert_eq!(rig.look().await.unfenced, []);
    pass(
        &mut rig.client().await,
        "DROP TRIGGER cutover_fence ON customers; ALTER TABLE payments DISABLE TRIGGER cutover_fence; \
         ALTER TABLE events_1 ENABLE REPLICA TRIGGER cutover_fence; \
         CREATE TABLE events_3 PARTITION OF events FOR VALUES IN (3); \
         DROP TRIGGER cutover_fence ON events_2; \
         CREATE TRIGGER cutover_fence BEFORE INSERT ON events_2 EXECUTE FUNCTION cutover_control.fence()",
    )
    .await;

    let unfenced = rig.look().await.unfenced;

    let gaps = ["customers", "events_1", "events_2", "events_3", "payments"];
    assert_eq!(unfenced, gaps.map(named));
    // It may have been written to meanwhile, so that the pause is not made permanent; the next one begins whole.
    let closing = rig.control.close(LOCK, &entry("close")).await;
    let refused = closing.expect_err("there are gaps");
    assert_eq!(refused.class, DbFailureClass::Changed);
    rig.close_for_long().await;
    assert_eq!(rig.look().await.unfenced, []);
    let write = "DELETE FROM payments";
    assert_eq!(run(&mut rig.client().await, write).await, read_only());
}

#[tokio::test]
async fn a_function_that_is_not_ours_counts_as_no_fence() {
    let rig = Rig::shop("look_function").await;
    rig.close_for_long().await;
    pass(
        &mut rig.client().await,
        "CREATE OR REPLACE FUNCTION cutover_control.fence() RETURNS trigger LANGUAGE plpgsql \
         AS 'BEGIN RETURN NULL; END'",
    )
    .await;

    assert_eq!(rig.look().await.fence, Fence::Absent);
}

#[tokio::test]
async fn long_transactions_and_clients_are_named_without_their_statements() {
    let rig = Rig::shop("look_others").await;
    let mut old = rig.client().await;
    pass(&mut old, "BEGIN; SELECT 'never-to-be-seen'").await;
    let mut idle = rig.client().await;
    pass(&mut idle, "SELECT 1").await;
    rig.runner("run 2").await;

    // What the test itself has asked may be a client for a moment longer.
    let began = Instant::now();
    let seen = loop {
        let seen = rig.control.look(Duration::ZERO).await;
        let seen = seen.expect("it may be asked");
        if seen.clients.iter().all(|client| client.connections == 2) {
            break seen;
        }
        assert!(began.elapsed() < PATIENCE, "{seen:?}");
    };

    assert_eq!(seen.old_transactions.len(), 1, "{seen:?}");
    let who = &seen.old_transactions[0].who;
    let expected = "superuser@127.0.0.1 (checkout), process ";
    assert!(who.starts_with(expected), "{who}");
    assert!(!format!("{seen:?}").contains("never-to-be-seen"));
    let [client] = seen.clients.as_slice() else {
        panic!("{:?}", seen.clients);
    };
    assert_eq!(client.user, "superuser");
    assert_eq!(client.host.as_deref(), Some("127.0.0.1"));
    assert_eq!(rig.look().await.old_transactions, []);
}

#[tokio::test]
async fn a_user_that_cannot_see_long_transactions_does_not_pass_for_one_that_sees_none() {
    let rig = Rig::bare(server(), "look_blind", SHOP, &SHOP_TABLES).await;
    let tell = |sql: &str| {
        rig.server
            .run_script(&rig.at.database, sql)
            .expect("it is SQL");
    };
    tell("CREATE ROLE look_blind LOGIN PASSWORD 'sees-little'");
    let mut at = rig.at.clone();
    (at.user, at.password) = ("look_blind".to_owned(), Hidden::new("sees-little"));
    let blind = open(Side::Source, &at, &rig.of).await;

    let failed = blind.look(LONG).await.expect_err("it sees nobody");

    assert_eq!(failed.class, DbFailureClass::Denied);
    assert!(
        failed.message.contains("GRANT pg_read_all_stats"),
        "{failed:?}"
    );
    tell("GRANT pg_read_all_stats TO look_blind");
    blind.look(LONG).await.expect("it sees everybody");
}

#[tokio::test]
async fn what_replication_could_not_apply_is_counted_where_it_is_kept() {
    let rig = Rig::shop("look_exceptions").await;
    assert_eq!(rig.look().await.exceptions, None);
    let mut client = rig.client().await;
    pass(
        &mut client,
        "CREATE TABLE awsdms_apply_exceptions (n int); CREATE TABLE cutover_control.awsdms_suspended_tables (n int)",
    )
    .await;
    assert_eq!(rig.look().await.exceptions, Some(0));

    pass(
        &mut client,
        "INSERT INTO awsdms_apply_exceptions VALUES (1), (2); \
         INSERT INTO cutover_control.awsdms_suspended_tables VALUES (1)",
    )
    .await;

    assert_eq!(rig.look().await.exceptions, Some(3));
}

/// A row that is there already stops a subscription, which tries again and again.
#[tokio::test]
async fn what_a_subscription_cannot_apply_is_counted_as_well() {
    let rig = Rig::on(quiet_server(), "look_apply").await;
    let follower = follow(&rig, "look_apply");
    let target = open(Side::Target, &address(follower, "look_apply"), &rig.of).await;
    let exceptions = async || {
        let seen = target.look(LONG).await.expect("it may be asked");
        seen.exceptions
    };
    assert_eq!(exceptions().await, Some(0));

    let insert = "INSERT INTO payments (id) VALUES (90)";
    follower
        .run_script("look_apply", insert)
        .expect("it is SQL");
    pass(&mut rig.client().await, insert).await;

    let began = Instant::now();
    while exceptions().await == Some(0) {
        assert!(began.elapsed() < PATIENCE, "no error is counted");
    }
    unfollow(follower, "look_apply");
}
