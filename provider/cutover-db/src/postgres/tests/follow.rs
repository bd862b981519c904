//! How busy a server is, how far its log is, and what was applied of another's.

use cutover_core::validation::facts::{DbFailureClass, Position};
use cutover_local_db::{Options, Replication, Server};

use super::*;
use crate::testing::database_of;

#[tokio::test]
async fn a_marker_has_passed_when_the_target_can_read_it() {
    let script =
        "CREATE TABLE one (id bigint PRIMARY KEY); CREATE TABLE two (id bigint PRIMARY KEY)";
    let database = crate::testing::postgres("markers", script).await;
    let named = |name: &str| TableName {
        schema: "public".to_owned(),
        name: name.to_owned(),
    };
    let (here, there) = (named("one"), named("two"));

    for expected in 1..=2 {
        let position = database.position(Some(&here)).await;
        assert_eq!(position, Ok(Position::Marker(expected)));
        let position = position.expect("compared above");
        assert_eq!(database.has_passed(&position, Some(&here)).await, Ok(true));
        assert_eq!(
            database.has_passed(&position, Some(&there)).await,
            Ok(false)
        );
    }
    let failure = database
        .has_passed(&Position::Marker(1), None)
        .await
        .expect_err("no table");
    assert_eq!(failure.class, DbFailureClass::Unsupported);
}

#[tokio::test]
async fn a_server_that_follows_nobody_does_not_guess() {
    let database = crate::testing::postgres("follows_nobody", "").await;
    let position = database.position(None).await.expect("a place in the log");

    let failure = database
        .has_passed(&position, None)
        .await
        .expect_err("there is no subscription");
    assert_eq!(failure.class, DbFailureClass::Unsupported);
    let load = database.load().await.expect("load");
    assert_eq!(load.lag, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_has_passed_when_it_is_applied_and_not_when_it_has_arrived() {
    let options = Options::default().replicating();
    let source = Server::postgres(&options).expect("a source");
    let target = Server::postgres(&options).expect("a target");
    let script = "CREATE TABLE one (id bigint PRIMARY KEY)";
    let at_source = database_of(&source, "shop", script);
    let at_target = database_of(&target, "shop", script);
    let following = Replication::start(&source, &target, "shop").expect("it follows");
    let one = Postgres::open(Side::Source, &at_source)
        .await
        .expect("the source");
    let other = Postgres::open(Side::Target, &at_target)
        .await
        .expect("the target");

    // Whoever holds this lock lets changes arrive, and none be applied.
    let mut holding = other.session("holding a lock").await.expect("a connection");
    sqlx::raw_sql("BEGIN READ WRITE; LOCK TABLE public.one IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *holding)
        .await
        .expect("nobody else has it");
    source
        .run_script("shop", "INSERT INTO one VALUES (1)")
        .expect("a row");
    let position = one.position(None).await.expect("a place");
    let waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND backend_type = 'logical replication worker'";
    while target.rows("shop", waiting).expect("rows")[0][0].as_deref() != Some("t") {
        tokio::task::yield_now().await;
    }
    assert_eq!(other.has_passed(&position, None).await, Ok(false));
    sqlx::raw_sql("COMMIT")
        .execute(&mut *holding)
        .await
        .expect("the lock is let go");
    drop(holding);

    while !other.has_passed(&position, None).await.expect("known") {
        tokio::task::yield_now().await;
    }
    let plan = plan(vec![column("id", BIGINT, Form::Integer)], &[0]);
    let mut at_other = plan.clone();
    at_other.names.target.name = "one".to_owned();
    assert_eq!(other.count(&at_other).await, Ok(1));
    assert!(other.load().await.expect("load").lag.is_some());

    // What is not published moves the log too, and has passed without any change of rows.
    source
        .run_script("shop", "CREATE TABLE quiet (id int)")
        .expect("a table");
    let position = one.position(None).await.expect("a place");
    while !other.has_passed(&position, None).await.expect("known") {
        tokio::task::yield_now().await;
    }
    following.pause().expect("it waits");
    source
        .run_script("shop", "INSERT INTO one VALUES (2)")
        .expect("a row");
    let position = one.position(None).await.expect("a place");
    assert_eq!(other.has_passed(&position, None).await, Ok(false));
    following.resume().expect("it goes on");
    following.catch_up().expect("it caught up");
}
