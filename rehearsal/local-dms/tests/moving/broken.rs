//! What cannot go on, and says why.

use cutover_local_db::Engine;
use cutover_sim::cloud::{JobStart, Mover as _};

use crate::world::{BACK, BOTH, FORWARD, World, database, run, until, until_true, value};

#[test]
fn names_the_slot_that_is_gone() {
    let world = World::new(Engine::Postgres);
    world.load();
    world.stop(FORWARD);
    let slot = value(&world.source, "SELECT slot_name FROM pg_replication_slots");
    until_true("nobody reads the slot", || {
        value(&world.source, "SELECT active FROM pg_replication_slots") == "f"
    });

    run(
        &world.source,
        &format!("SELECT pg_drop_replication_slot('{slot}')"),
    );
    world.mover.start(world.forward(JobStart::Resume));

    let seen = world.until_seen(FORWARD, "it has failed", |seen| !seen.running);
    assert_eq!(
        seen.failure,
        Some(format!("replication slot \"{slot}\" does not exist"))
    );
    // What is left can be removed all the same.
    world.mover.remove(FORWARD);
    until_true("the subscription is gone", || {
        value(&world.target, "SELECT count(*) FROM pg_subscription") == "0"
    });
}

#[test]
fn names_the_slot_that_was_never_there() {
    let world = World::new(Engine::Postgres);
    let mut job = world.back(JobStart::At("0/1".to_owned()));
    job.source.slot = Some("way_back".to_owned());

    world.mover.start(job);

    let seen = world.until_seen(BACK, "it has failed", |seen| !seen.running);
    assert_eq!(
        seen.failure.as_deref(),
        Some("replication slot \"way_back\" does not exist")
    );
}

#[test]
fn says_that_the_log_was_purged() {
    let world = World::new(Engine::MariaDb);
    world.load();
    world.until_equal();
    world.stop(FORWARD);

    // A file that is being read is not purged.
    let readers =
        "SELECT count(*) FROM information_schema.processlist WHERE command = 'Binlog Dump'";
    until_true("nobody reads the log", || {
        value(&world.source, readers) == "0"
    });
    run(&world.source, "FLUSH BINARY LOGS");
    until_true("the old file is gone", || {
        // Not before what it says is written to the tables' own log.
        run(
            &world.source,
            "PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY",
        );
        let files = world.source.rows("shop", "SHOW BINARY LOGS");
        files.is_ok_and(|files| files.len() == 1)
    });
    world.mover.start(world.forward(JobStart::Resume));

    let seen = world.until_seen(FORWARD, "it has failed", |seen| !seen.running);
    let failure = seen.failure.expect("it has failed");
    assert!(failure.contains("1236"), "{failure}");
}

#[test]
fn ends_when_a_change_cannot_be_applied_and_goes_on_when_it_can() {
    for engine in BOTH {
        let world = World::new(engine);
        world.load();
        world.until_equal();
        let columns = "INSERT INTO audit_log (id, what) VALUES (77, ";

        run(&world.target, &format!("{columns}'in the way')"));
        run(&world.source, &format!("{columns}'a secret')"));
        let seen = world.until_seen(FORWARD, "it has failed", |seen| !seen.running);
        let failure = seen.failure.expect("it has failed");
        run(&world.target, "DELETE FROM audit_log WHERE id = 77");
        world.mover.start(world.forward(JobStart::Resume));
        world.until_equal();

        assert!(!failure.contains("secret"), "{failure}");
        assert_eq!(world.seen(FORWARD).failure, None, "{engine}");
    }
}

#[test]
fn refuses_tables_that_are_not_on_both_sides() {
    for engine in BOTH {
        let world = World::new(engine);
        run(&world.source, "CREATE TABLE extra (id int PRIMARY KEY)");

        world.mover.start(world.forward(JobStart::Anew));

        let seen = world.until_seen(FORWARD, "it has failed", |seen| !seen.running);
        let expected = format!(
            "table `{}.extra` is not there on the target",
            world.schema()
        );
        assert_eq!(seen.failure, Some(expected));
        let states: Vec<&str> = seen
            .tables
            .iter()
            .map(|table| table.state.as_str())
            .collect();
        assert_eq!(states[2], "Table error", "{engine}: {:?}", seen.tables);
    }
}

#[test]
fn tests_whether_a_database_lets_it_in_and_keeps_the_password_to_itself() {
    for engine in BOTH {
        let world = World::new(engine);
        let right = database(&world.source);
        let mut wrong = database(&world.target);
        wrong.password = "not-the-password".to_owned();

        assert_eq!(world.mover.tested(&right.endpoint_arn), None);
        for database in [&right, &wrong] {
            world.mover.test(database);
        }
        let tested = |arn: &str| {
            until("it is tested", || {
                world.mover.tested(arn).ok_or("it goes on")
            })
        };

        assert_eq!(tested(&right.endpoint_arn), Ok(()), "{engine}");
        let refused = tested(&wrong.endpoint_arn).expect_err("the password is wrong");
        assert!(refused.contains("superuser"), "{refused}");
        assert!(!refused.contains("not-the-password"), "{refused}");
    }
}
