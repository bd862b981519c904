//! Following changes, with interruptions.

use std::time::Duration;

use cutover_local_db::Engine;
use cutover_sim::cloud::{JobStart, Mover as _};

use crate::world::{BOTH, FORWARD, World, Writer, pay, rows, run, until_true, value};

#[test]
fn carries_changes_and_knows_that_it_has_caught_up() {
    for engine in BOTH {
        let world = World::new(engine);
        world.load();

        let writer = Writer::start(&world.source, 1);
        until_true("payments arrive", || {
            rows(&world.target, "payments").len() > 2_010
        });
        writer.finish();
        world.until_equal();

        world.until_seen(FORWARD, "it has caught up", |seen| {
            seen.latency_source == Some(Duration::ZERO)
                && seen.latency_target == Some(Duration::ZERO)
        });
    }
}

#[test]
fn applies_nothing_while_it_is_stopped_and_everything_after() {
    for engine in BOTH {
        let world = World::new(engine);
        world.load();
        let writer = Writer::start(&world.source, 1);

        world.stop(FORWARD);
        let before = rows(&world.target, "payments").len();
        let reached = value(&world.source, "SELECT max(id) FROM payments");
        until_true("payments go on", || {
            value(&world.source, "SELECT max(id) FROM payments") != reached
        });
        let after = rows(&world.target, "payments").len();
        world.mover.start(world.forward(JobStart::Resume));
        let payments = writer.finish();
        world.until_equal();

        assert_eq!(before, after, "{engine}");
        assert_eq!(
            rows(&world.target, "payments").len() as u64,
            2_000 + payments,
            "{engine}"
        );
        assert!(world.seen(FORWARD).loaded, "{engine}");
    }
}

#[test]
fn loses_nothing_when_servers_die_and_come_back() {
    for engine in BOTH {
        let world = World::new(engine);
        world.load();

        world.source.kill();
        world.source.restart().expect("it started before");
        pay(&world.source, 1);
        world.until_equal();
        world.target.kill();
        pay(&world.source, 2);
        world.target.restart().expect("it started before");
        world.until_equal();

        let seen = world.seen(FORWARD);
        assert_eq!((seen.failure, seen.running), (None, true), "{engine}");
    }
}

#[test]
fn grows_late_while_the_target_is_away() {
    for engine in BOTH {
        let world = World::new(engine);
        world.load();

        world.target.stop();
        pay(&world.source, 1);
        world.until_seen(FORWARD, "it is late", |seen| {
            seen.latency_target > Some(Duration::from_secs(1))
        });
        world.target.restart().expect("it started before");

        world.until_equal();
        world.until_seen(FORWARD, "it has caught up", |seen| {
            seen.latency_target == Some(Duration::ZERO)
        });
    }
}

#[test]
fn leaves_triggers_where_they_were_made() {
    for engine in BOTH {
        let world = World::new(engine);
        world.load();

        run(
            &world.source,
            match engine {
                Engine::Postgres => {
                    "CREATE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
                     CREATE TRIGGER theirs BEFORE INSERT ON customers EXECUTE FUNCTION refuse_all()"
                }
                Engine::MariaDb => {
                    "CREATE TRIGGER theirs BEFORE INSERT ON customers FOR EACH ROW SIGNAL SQLSTATE '45000';
                     CREATE OR REPLACE TRIGGER fence BEFORE INSERT ON audit_log FOR EACH ROW SET @there = 1"
                }
            },
        );
        pay(&world.source, 1);
        world.until_equal();

        let triggers =
            "SELECT count(*) FROM information_schema.triggers WHERE trigger_name = 'theirs'";
        assert_eq!(value(&world.source, triggers), "1", "{engine}");
        assert_eq!(value(&world.target, triggers), "0", "{engine}");
    }
}

#[test]
fn follows_a_log_with_checksums_and_without() {
    let world = World::new(Engine::MariaDb);
    world.load();

    for (id, checksums) in [(1, "NONE"), (2, "CRC32"), (3, "NONE")] {
        run(
            &world.source,
            &format!("SET GLOBAL binlog_checksum = {checksums}"),
        );
        pay(&world.source, id);
        world.until_equal();
        world.stop(FORWARD);
        pay(&world.source, 10 + id);
        world.mover.start(world.forward(JobStart::Resume));
        world.until_equal();
    }

    assert_eq!(world.seen(FORWARD).failure, None);
}

#[test]
fn follows_from_one_file_of_the_log_to_the_next() {
    let world = World::new(Engine::MariaDb);
    world.load();

    for id in 1..=3 {
        run(&world.source, "FLUSH BINARY LOGS");
        pay(&world.source, id);
        world.until_equal();
        world.stop(FORWARD);
        world.mover.start(world.forward(JobStart::Resume));
    }
    pay(&world.source, 4);

    world.until_equal();
    assert_eq!(world.seen(FORWARD).failure, None);
}

#[test]
fn takes_everything_with_it_when_it_is_removed() {
    for engine in BOTH {
        let world = World::new(engine);
        world.load();
        let servers = [&world.source, &world.target];
        assert_ne!(servers.map(|server| left(server)).concat(), "", "{engine}");

        world.mover.remove(FORWARD);

        assert!(world.mover.seen(FORWARD).is_none(), "{engine}");
        until_true("nothing is left", || {
            servers.iter().all(|server| left(server).is_empty())
        });
        // What follows a removal begins on clean ground, even at once.
        world.load();
        world.until_equal();
    }
}

/// What a job has left in a server.
fn left(server: &cutover_local_db::Server) -> String {
    let query = match server.engine() {
        Engine::Postgres => {
            "SELECT coalesce(string_agg(what, ', '), '') FROM (
                SELECT 'subscription' AS what FROM pg_subscription UNION ALL SELECT 'publication' FROM pg_publication
                UNION ALL SELECT 'slot' FROM pg_replication_slots UNION ALL SELECT 'origin' FROM pg_replication_origin
             ) AS things"
        }
        Engine::MariaDb => {
            "SELECT COALESCE(GROUP_CONCAT(schema_name), '') FROM information_schema.schemata WHERE schema_name LIKE 'cutover%'"
        }
    };
    value(server, query)
}
