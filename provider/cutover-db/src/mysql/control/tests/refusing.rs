//! What the fence refuses, and what it lets through.

use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::Fence;
use cutover_core::writer_switch::facts::Row;
use cutover_driver::{Closing, WriterControl as _};
use cutover_local_db::{Options, Replication, Server};
use sqlx::ConnectOptions as _;

use super::{AMPLE, AT_FIRST, INSERT, TABLE, a_source, a_target, entry, number_of, rig, run};

/// Begins a transaction that sees everything as it is now, whatever is committed later.
const SNAPSHOT: &str = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT";

/// D34: the clients of these tests are superusers.
#[tokio::test]
async fn every_kind_of_write_of_a_superuser_is_refused_with_the_number_of_read_only() {
    let script = format!(
        "{TABLE}; INSERT INTO payments VALUES (1, 10), (2, 20); \
         CREATE TABLE other (id int PRIMARY KEY, amount int); INSERT INTO other VALUES (1, 1), (3, 3); \
         CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id) \
             (PARTITION low VALUES LESS THAN (10), PARTITION high VALUES LESS THAN MAXVALUE); \
         INSERT INTO parts VALUES (1); \
         CREATE TABLE child (id int PRIMARY KEY, of_payment int, \
             FOREIGN KEY (of_payment) REFERENCES payments (id) ON DELETE CASCADE ON UPDATE CASCADE); \
         INSERT INTO child VALUES (1, 1)"
    );
    let rig = a_source("fence_kinds", &script, &["payments", "parts", "child"]).await;
    let mut client = rig.client().await;
    let all = "SELECT GROUP_CONCAT(p.id, p.amount), (SELECT COUNT(*) FROM parts), (SELECT COUNT(*) FROM child) FROM payments p";
    let before = rig.ask(all);

    rig.pause(AMPLE).await;

    for statement in [
        INSERT,
        "UPDATE payments SET amount = 1 WHERE id = 1",
        "DELETE FROM payments WHERE id = 2",
        "REPLACE INTO payments VALUES (1, 5)",
        "INSERT INTO payments VALUES (1, 5) ON DUPLICATE KEY UPDATE amount = 5",
        "INSERT IGNORE INTO payments VALUES (9, 5)",
        "INSERT INTO payments (amount) SELECT amount FROM other",
        "UPDATE payments JOIN other USING (id) SET payments.amount = 1, other.amount = 1",
        "DELETE payments, other FROM payments JOIN other USING (id)",
        "INSERT INTO parts VALUES (11)",
        "UPDATE parts SET id = 12",
        "DELETE FROM payments WHERE id = 1",
        "UPDATE payments SET id = 7 WHERE id = 1",
        "INSERT INTO child VALUES (2, 2)",
    ] {
        assert_eq!(run(&mut client, statement).await, Err(1290), "{statement}");
    }
    assert_eq!(rig.ask(all), before);
    let other = "SELECT GROUP_CONCAT(id, amount) FROM other";
    assert_eq!(rig.ask(other), "11,33");
    // What is not fenced can be written.
    let update = "UPDATE other SET amount = 9";
    assert_eq!(run(&mut client, update).await, Ok(2));
}

#[tokio::test]
async fn a_file_that_is_loaded_is_refused() {
    let rig = a_source("fence_load", TABLE, &["payments"]).await;
    let file = rig.server.data_folder().join("fence_load.csv");
    std::fs::write(&file, "1\t2\n").expect("the folder is there");
    rig.pause(AMPLE).await;

    let load = format!("LOAD DATA INFILE '{}' INTO TABLE payments", file.display());
    let refused = run(&mut rig.client().await, &load).await;

    assert_eq!(refused, Err(1290));
    assert_eq!(rig.ask("SELECT COUNT(*) FROM payments"), "0");
}

#[tokio::test]
async fn a_statement_that_was_prepared_before_the_fence_is_refused_after_it() {
    let rig = a_source("fence_prepared", TABLE, &["payments"]).await;
    let mut client = rig.client().await;
    let insert = "INSERT INTO payments (amount) VALUES (?)";
    let before = sqlx::query(insert).bind(1).execute(&mut client).await;
    before.expect("the fence is open");

    rig.pause(AMPLE).await;

    let after = sqlx::query(insert).bind(2).execute(&mut client).await;
    assert_eq!(number_of(after.map(drop)), Err(1290));
    assert_eq!(rig.ask("SELECT COUNT(*) FROM payments"), "1");
}

#[tokio::test]
async fn a_session_with_a_snapshot_from_before_the_fence_is_refused_after_it() {
    let rig = a_source("fence_snapshot", TABLE, &["payments"]).await;
    let mut client = rig.client().await;
    run(&mut client, SNAPSHOT).await.expect("it may begin");

    rig.pause(AMPLE).await;

    assert_eq!(run(&mut client, INSERT).await, Err(1290));
    // Once the fence is open it is refused a little longer, until its next transaction.
    let opened = rig.writer.open(0, &AT_FIRST, &entry("open")).await;
    assert_eq!(opened, Ok(Ok(())));
    assert_eq!(run(&mut client, INSERT).await, Err(1290));
    run(&mut client, "COMMIT").await.expect("it goes on");
    assert_eq!(run(&mut client, INSERT).await, Ok(1));
}

// What closing would be without a change of the catalog: the row alone.
#[tokio::test]
async fn a_fence_that_was_closed_by_its_row_alone_would_let_an_old_snapshot_write() {
    let rig = a_source("fence_by_row", TABLE, &["payments"]).await;
    let mut client = rig.client().await;
    run(&mut client, SNAPSHOT).await.expect("it may begin");

    rig.ask("UPDATE fence_by_row_control.state SET opened_generation = 0");

    assert_eq!(run(&mut rig.client().await, INSERT).await, Err(1290));
    assert_eq!(run(&mut client, INSERT).await, Ok(1));
}

#[tokio::test]
async fn a_transaction_that_meets_the_fence_keeps_nothing_of_the_refused_statement() {
    let script = format!("{TABLE}; CREATE TABLE log (id int PRIMARY KEY)");
    let rig = a_source("fence_whole", &script, &["payments"]).await;
    rig.pause(AMPLE).await;
    let mut client = rig.client().await;

    // What it has written to a table without a fence is the application's to undo, as after any error.
    let begin = "BEGIN; INSERT INTO log VALUES (1)";
    run(&mut client, begin).await.expect("it is not fenced");
    let both = "INSERT INTO payments VALUES (1, 1), (2, 2)";
    assert_eq!(run(&mut client, both).await, Err(1290));
    run(&mut client, "COMMIT").await.expect("it goes on");

    assert_eq!(rig.ask("SELECT COUNT(*) FROM payments"), "0");
    assert_eq!(rig.ask("SELECT COUNT(*) FROM log"), "1");
}

#[tokio::test]
async fn the_fence_comes_before_triggers_of_the_application() {
    let script = format!(
        "{TABLE}; CREATE TABLE audit (id int AUTO_INCREMENT PRIMARY KEY) ENGINE = MyISAM; \
         CREATE TRIGGER audited BEFORE INSERT ON payments FOR EACH ROW INSERT INTO audit VALUES (NULL)"
    );
    let rig = a_source("fence_first", &script, &["payments"]).await;
    let mut client = rig.client().await;
    assert_eq!(run(&mut client, INSERT).await, Ok(1));

    rig.pause(AMPLE).await;

    assert_eq!(run(&mut client, INSERT).await, Err(1290));
    assert_eq!(rig.ask("SELECT COUNT(*) FROM audit"), "1");
}

#[tokio::test]
async fn the_user_by_whom_replication_applies_passes_and_nobody_with_a_name_like_it() {
    let rig = a_target("fence_apply", TABLE, &["payments"]).await;
    for (user, expected) in [
        ("applies", Ok(1)),
        ("Applies", Err(1290)),
        ("applies@", Err(1290)),
    ] {
        let password = rig.server.password();
        rig.ask(&format!(
            "CREATE USER '{user}'@'127.0.0.1' IDENTIFIED BY '{password}'; \
             GRANT INSERT ON fence_apply.* TO '{user}'@'127.0.0.1'"
        ));
        let options = rig.server.mariadb_options(rig.name).username(user);
        let mut client = options.connect().await.expect("it is let in");
        assert_eq!(run(&mut client, INSERT).await, expected, "{user}");
    }
}

#[tokio::test]
async fn rows_that_a_replica_applies_pass_the_fence() {
    let options = Options::default().replicating();
    let source = Server::mariadb(&options).expect("it starts");
    let target = Server::mariadb(&options).expect("it starts");
    let rig = rig(&target, "shop", TABLE, &["payments"], Side::Target).await;
    rig.writer.prepare(&AT_FIRST).await.expect("it may be made");
    for (database, script) in [("mysql", "CREATE DATABASE shop"), ("shop", TABLE)] {
        let unlogged = format!("SET sql_log_bin = 0; {script}");
        source.run_script(database, &unlogged).expect("it is new");
    }

    let replication = Replication::start(&source, &target, "shop").expect("it starts");
    let script = "INSERT INTO payments VALUES (1, 10); UPDATE payments SET amount = 11";
    source.run_script("shop", script).expect("it is not fenced");
    replication.catch_up().expect("nothing stops it");

    assert_eq!(rig.ask("SELECT id, amount FROM payments"), "1 11");
    let refused = run(&mut rig.client().await, "DELETE FROM payments").await;
    assert_eq!(refused, Err(1290));
    assert_eq!(rig.look().await.exceptions, Some(0));
}

#[tokio::test]
async fn markers_pass_the_fence_and_are_found_on_the_other_side() {
    let source = a_source("marker_source", TABLE, &["payments"]).await;
    let target = a_target("marker_target", TABLE, &["payments"]).await;
    source.pause(AMPLE).await;

    source.writer.mark(7).await.expect("it is not fenced");
    source.writer.mark(7).await.expect("again is nothing new");
    target.writer.mark(8).await.expect("it is not fenced");

    let forward = "SELECT id FROM marker_source_control.marker_forward";
    assert_eq!(source.ask(forward), "7");
    let reverse = "SELECT id FROM marker_target_control.marker_reverse";
    assert_eq!(target.ask(reverse), "8");
    assert_eq!(target.writer.has_marker(7).await, Ok(false));
    target.ask("INSERT INTO marker_target_control.marker_forward VALUES (7)");
    assert_eq!(target.writer.has_marker(7).await, Ok(true));
    assert_eq!(target.writer.has_marker(8).await, Ok(false));
}

#[tokio::test]
async fn a_probe_tells_whether_writes_are_accepted_and_leaves_nothing() {
    let rig = a_source("fence_probe", TABLE, &["payments"]).await;

    assert_eq!(rig.writer.probe().await, Ok(true));
    rig.pause(AMPLE).await;
    assert_eq!(rig.writer.probe().await, Ok(false));

    let rows = "SELECT COUNT(*) FROM fence_probe_control.probe";
    assert_eq!(rig.ask(rows), "0");
}

#[tokio::test]
async fn a_fence_whose_row_is_gone_refuses_writes() {
    let rig = a_source("fence_no_row", TABLE, &["payments"]).await;

    rig.ask("DELETE FROM fence_no_row_control.state");

    assert_eq!(run(&mut rig.client().await, INSERT).await, Err(1290));
    assert_eq!(rig.look().await.fence, Fence::Absent);
    let closing = rig.writer.close(AMPLE, &entry("close")).await;
    assert!(closing.is_err(), "{closing:?}");
}

#[tokio::test]
async fn opening_is_not_held_up_by_who_was_refused_and_keeps_a_transaction_open() {
    let rig = a_source("fence_idle", TABLE, &["payments"]).await;
    rig.pause(AMPLE).await;
    let mut client = rig.client().await;
    run(&mut client, "BEGIN").await.expect("it may begin");
    assert_eq!(run(&mut client, INSERT).await, Err(1290));

    let opened = rig.writer.open(0, &AT_FIRST, &entry("open")).await;

    assert_eq!(opened, Ok(Ok(())));
}

#[tokio::test]
async fn a_pause_and_the_next_do_not_mix() {
    let rig = a_source("fence_again", TABLE, &["payments"]).await;
    let mut client = rig.client().await;
    for epoch in 0..3 {
        rig.pause(AMPLE).await;
        assert_eq!(run(&mut client, INSERT).await, Err(1290));
        let row = Row {
            epoch: epoch + 1,
            ..AT_FIRST
        };
        let opened = rig.writer.open(epoch, &row, &entry("open")).await;
        assert_eq!(opened, Ok(Ok(())));
        assert_eq!(run(&mut client, INSERT).await, Ok(1));
    }

    // Each closing has taken the triggers of the one before away.
    let triggers = "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = 'fence_again'";
    assert_eq!(rig.ask(triggers), "3");
    let closing = rig.writer.close(AMPLE, &entry("close")).await;
    assert_eq!(closing, Ok(Closing::Expired), "it was open, not paused");
}
