//! There and back, from places in the log.

use cutover_local_db::{Engine, Server};
use cutover_sim::cloud::{Job, JobStart, Mover as _};

use crate::world::{
    BACK, BOTH, FORWARD, World, Writer, pay, rows, run, unfence, until_true, value,
};

#[test]
fn goes_back_from_a_captured_place_and_forward_again_without_loops_or_doubles() {
    for engine in BOTH {
        let world = World::new(engine);
        let writer = Writer::start(&world.source, 1);
        world.load();
        let on_source = writer.finish();
        world.until_equal();

        // The writer moves to the target.
        let place = capture(&world.target, "way_back");
        unfence(&world.target);
        world.stop(FORWARD);
        let writer = Writer::start(&world.target, 100_000);
        let back = world.back(JobStart::At(place.clone()));
        world.mover.start(through(back, "way_back"));
        world.until_seen(BACK, "it follows", |seen| seen.latency_target.is_some());
        let on_target = writer.finish();
        world.until_equal();

        // And back to the source.
        let place = capture(&world.source, "way_forward");
        world.stop(BACK);
        let writer = Writer::start(&world.source, 200_000);
        let forward = world.forward(JobStart::At(place));
        world.mover.start(through(forward, "way_forward"));
        world.until_seen(FORWARD, "it follows", |seen| seen.latency_target.is_some());
        let again = writer.finish();
        world.until_equal();

        let made = 2_000 + on_source + on_target + again;
        assert_eq!(
            rows(&world.source, "payments").len() as u64,
            made,
            "{engine}"
        );
        assert_eq!(world.seen(FORWARD).failure, None, "{engine}");
        assert_eq!(world.seen(BACK).failure, None, "{engine}");
    }
}

#[test]
fn moves_what_came_after_a_place_and_nothing_before_it() {
    for engine in BOTH {
        let world = World::new(engine);
        world.load();
        world.until_equal();
        world.stop(FORWARD);
        unfence(&world.target);

        let slot = capture(&world.target, "way_back");
        pay(&world.target, 100_001);
        let place = here(&world.target, &slot);
        pay(&world.target, 100_002);
        world
            .mover
            .start(through(world.back(JobStart::At(place)), "way_back"));
        until_true("the later payment arrives", || {
            value(
                &world.source,
                "SELECT count(*) FROM payments WHERE id = 100002",
            ) == "1"
        });

        let before = "SELECT count(*) FROM payments WHERE id = 100001";
        assert_eq!(value(&world.source, before), "0", "{engine}");
    }
}

#[test]
fn keeps_a_slot_that_it_was_given() {
    let world = World::new(Engine::Postgres);
    world.load();
    world.until_equal();
    world.stop(FORWARD);
    let place = capture(&world.target, "way_back");
    world
        .mover
        .start(through(world.back(JobStart::At(place)), "way_back"));
    world.until_seen(BACK, "it follows", |seen| seen.latency_target.is_some());

    world.mover.remove(BACK);

    until_true("the subscription is gone", || {
        value(&world.source, "SELECT count(*) FROM pg_subscription") == "0"
    });
    let slots = "SELECT string_agg(slot_name, ',') FROM pg_replication_slots";
    assert_eq!(value(&world.target, slots), "way_back");
}

/// Notes where the log stands: with PostgreSQL by a slot, which keeps it.
fn capture(server: &Server, slot: &str) -> String {
    match server.engine() {
        Engine::Postgres => value(
            server,
            &format!("SELECT lsn FROM pg_create_logical_replication_slot('{slot}', 'pgoutput')"),
        ),
        Engine::MariaDb => here(server, ""),
    }
}

/// Where the log stands now.
fn here(server: &Server, _slot: &str) -> String {
    match server.engine() {
        Engine::Postgres => value(server, "SELECT pg_current_wal_insert_lsn()"),
        Engine::MariaDb => {
            let status = server
                .rows("shop", "SHOW MASTER STATUS")
                .expect("it keeps a log");
            let told = |at: usize| status[0][at].clone().unwrap_or_default();
            format!("{}:{}", told(0), told(1))
        }
    }
}

fn through(mut job: Job, slot: &str) -> Job {
    if job.source.engine == "postgres" {
        job.source.slot = Some(slot.to_owned());
    }
    job
}

#[test]
fn does_not_send_back_what_came_from_there() {
    // Only MariaDB can tell; with PostgreSQL one way ends before the other begins.
    let world = World::new(Engine::MariaDb);
    world.load();
    world.until_equal();
    let place = here(&world.target, "");
    unfence(&world.target);
    world.mover.start(world.back(JobStart::At(place)));

    pay(&world.source, 1);
    pay(&world.target, 100_000);
    run(
        &world.source,
        "UPDATE payments SET amount = amount + 1 WHERE id = 1",
    );
    world.until_equal();

    assert_eq!(
        value(&world.target, "SELECT amount FROM payments WHERE id = 1"),
        "2.5000"
    );
    assert!(world.seen(FORWARD).running && world.seen(BACK).running);
}
