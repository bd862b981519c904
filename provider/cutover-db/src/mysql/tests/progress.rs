//! Load, positions and markers.

use cutover_core::validation::catalog::TableName;
use cutover_core::validation::facts::{DbFailureClass, Position};
use cutover_core::validation::side::Side;
use cutover_driver::Database as _;
use cutover_local_db::{Options, Replication, Server};

use crate::{Mysql, testing};

#[tokio::test]
async fn nobody_else_is_at_work_on_an_idle_server() {
    let server = Server::mariadb(&Options::default()).expect("MariaDB starts");
    let at = testing::database_of(&server, "idle", "SELECT 1");
    let database = Mysql::open(Side::Source, &at)
        .await
        .expect("the server answers");

    let load = database.load().await.expect("the server answers");

    assert_eq!((load.active_sessions, load.lag), (0, None));
}

#[tokio::test]
async fn markers_are_numbered_and_seen() {
    let database = testing::mariadb(
        "progress_marker",
        "CREATE TABLE marker (id bigint PRIMARY KEY)",
    )
    .await;
    let marker = TableName {
        schema: "progress_marker".to_owned(),
        name: "marker".to_owned(),
    };
    let passed = async |number| {
        let position = Position::Marker(number);
        database
            .has_passed(&position, Some(&marker))
            .await
            .expect("the table is there")
    };

    assert!(!passed(1).await);
    for number in 1..=2 {
        let written = database
            .position(Some(&marker))
            .await
            .expect("it can be written");
        assert_eq!(written, Position::Marker(number));
    }
    assert!(passed(2).await);
    assert!(!passed(3).await);
}

#[tokio::test]
async fn a_server_without_a_log_has_no_position() {
    let database = testing::mariadb("progress_without", "SELECT 1").await;

    let failure = database.position(None).await.expect_err("it has no log");

    assert_eq!(failure.class, DbFailureClass::Unsupported, "{failure:?}");
    let foreign = Position::Lsn("0/1".to_owned());
    let failure = database
        .has_passed(&foreign, None)
        .await
        .expect_err("it is PostgreSQL's");
    assert_eq!(failure.class, DbFailureClass::Unsupported);
}

#[tokio::test]
async fn a_replica_has_passed_what_it_has_applied_and_nothing_else() {
    let options = Options::default().replicating();
    let source = Server::mariadb(&options).expect("MariaDB starts");
    let target = Server::mariadb(&options).expect("MariaDB starts");
    let replication = Replication::start(&source, &target, "shop").expect("they replicate");
    let at = testing::database_of(&source, "shop", "CREATE TABLE t (id bigint PRIMARY KEY)");
    replication.catch_up().expect("the target follows");
    let old = Mysql::open(Side::Source, &at)
        .await
        .expect("the source answers");
    let new = Mysql::open(Side::Target, &testing::address(&target, "shop"))
        .await
        .expect("the target answers");
    let passed = async |position: &Position| {
        new.has_passed(position, None)
            .await
            .expect("the target answers")
    };

    let before = old.position(None).await.expect("the source has a log");
    assert!(passed(&before).await);
    assert!(new.load().await.expect("the target answers").lag.is_some());

    replication.pause().expect("the target stops");
    source
        .run_script("shop", "INSERT INTO t VALUES (1)")
        .expect("it is SQL");
    let after = old.position(None).await.expect("the source has a log");
    assert_ne!(before, after);
    assert!(passed(&before).await);
    assert!(!passed(&after).await);

    replication.resume().expect("the target goes on");
    replication.catch_up().expect("the target follows");
    assert!(passed(&after).await);
}
