//! What a look sees.

use std::time::Duration;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::Fence;
use cutover_driver::{Database as _, WriterControl as _};
use cutover_local_db::{Options, Server};
use sqlx::ConnectOptions as _;

use super::{AMPLE, AT_FIRST, TABLE, a_source, rig, run};
use crate::Mysql;
use crate::testing::address;

#[tokio::test]
async fn a_look_works_without_a_control_schema_and_names_tables_that_do_not_exist() {
    let server = Server::shared_mariadb();
    let tables = ["payments", "typo"];
    let rig = rig(server, "look_bare", TABLE, &tables, Side::Source).await;

    let seen = rig.look().await;

    assert_eq!(seen.engine, Engine::Mariadb);
    assert_eq!((seen.state, seen.fence), (None, Fence::Absent));
    let names: Vec<String> = seen.unfenced.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["look_bare.typo"]);
    assert_eq!((seen.captured, seen.exceptions), (None, None));
    assert!(!seen.is_replica);
    let database = Mysql::open(Side::Source, &address(server, rig.name)).await;
    let met = database.expect("it answers").look().await;
    let identity = met.expect("it may be asked").identity;
    assert_eq!(seen.identity, identity, "validations know it by the same");
}

#[tokio::test]
async fn transactions_that_have_been_open_for_long_are_named_without_their_statements() {
    let rig = a_source("look_old", TABLE, &["payments"]).await;
    let mut client = rig.client().await;
    let begin = "BEGIN; INSERT INTO payments (amount) VALUES (4711)";
    run(&mut client, begin).await.expect("it is open");
    let process = rig.ask(
        "SELECT MAX(ID) FROM information_schema.PROCESSLIST WHERE DB = 'look_old' AND ID <> CONNECTION_ID()",
    );

    let seen = rig.writer.look(Duration::ZERO).await;

    let old = seen.expect("it may be asked").old_transactions;
    let who = format!("superuser@127.0.0.1 (look_old), process {process}");
    let ours = old.iter().find(|one| one.who == who);
    assert!(ours.is_some_and(|one| one.age < AMPLE), "{who}: {old:?}");
    let none = rig.look().await.old_transactions;
    assert_eq!(none, [], "none is an hour old");
}

#[tokio::test]
async fn clients_are_counted_by_user_and_host_and_we_are_not_among_them() {
    let server = Server::mariadb(&Options::default()).expect("it starts");
    let rig = rig(&server, "shop", TABLE, &["payments"], Side::Source).await;
    let password = server.password();
    rig.ask(&format!(
        "CREATE USER checkout@'127.0.0.1' IDENTIFIED BY '{password}'"
    ));
    let options = server.mariadb_options("").username("checkout");
    let mut connections = Vec::new();
    for _ in 0..3 {
        let connection = options.connect().await;
        connections.push(connection.expect("it is let in"));
    }

    let clients = rig.look().await.clients;

    // Connections of this test as the superuser may be on their way out.
    let checkout = &clients[0];
    assert_eq!(checkout.user, "checkout");
    assert_eq!(checkout.host.as_deref(), Some("127.0.0.1"));
    assert_eq!(checkout.connections, 3);
}

#[tokio::test]
async fn what_dms_could_not_apply_is_counted_and_a_closed_server_is_told() {
    let server = Server::mariadb(&Options::default()).expect("it starts");
    let rig = rig(&server, "shop", TABLE, &["payments"], Side::Target).await;
    rig.writer.prepare(&AT_FIRST).await.expect("it may be made");
    assert_eq!(rig.look().await.exceptions, None);

    rig.ask(
        "CREATE TABLE shop_control.awsdms_apply_exceptions (error text); \
         INSERT INTO shop_control.awsdms_apply_exceptions VALUES ('a'), ('b'); \
         CREATE TABLE shop_control.awsdms_suspended_tables (name text); \
         INSERT INTO shop_control.awsdms_suspended_tables VALUES ('c'); SET GLOBAL read_only = ON",
    );

    let seen = rig.look().await;
    assert_eq!(seen.exceptions, Some(3));
    assert!(seen.is_replica);
}
