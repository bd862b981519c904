//! Loading.

use cutover_sim::cloud::{JobStart, Mover as _};

use crate::world::{BOTH, FORWARD, TABLES, World, Writer, rows, run, until, until_true, value};

#[test]
fn loads_every_table_under_writes_and_past_a_fence() {
    for engine in BOTH {
        let world = World::new(engine);
        let writer = Writer::start(&world.source, 1);

        world.mover.start(world.forward(JobStart::Anew));
        let mut states: Vec<Vec<String>> = vec![Vec::new(); TABLES.len()];
        until("it is loaded", || {
            let seen = world.seen(FORWARD);
            assert_eq!(seen.failure, None, "{engine}");
            for (states, table) in states.iter_mut().zip(&seen.tables) {
                if states.last() != Some(&table.state) {
                    states.push(table.state.clone());
                }
            }
            if seen.loaded {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        });
        let payments = writer.finish();
        world.until_equal();

        let seen = world.seen(FORWARD);
        let names: Vec<&str> = seen
            .tables
            .iter()
            .map(|table| table.name.as_str())
            .collect();
        assert_eq!(names, TABLES, "{engine}");
        let order = ["Before load", "Full load", "Table completed"];
        for states in &states {
            let places = states
                .iter()
                .map(|state| order.iter().position(|known| known == state));
            assert!(places.is_sorted(), "{engine}: {states:?}");
            assert_eq!(states.last().map(String::as_str), Some("Table completed"));
        }
        assert!(payments > 0, "{engine}");
        assert!(seen.running, "{engine}");
        assert!(seen.tables[2].rows >= 2_000, "{engine}: {:?}", seen.tables);
        assert_eq!(
            rows(&world.target, "payments").len() as u64,
            2_000 + payments,
            "{engine}"
        );
        assert!(rows(&world.target, "sessions").is_empty(), "{engine}");
    }
}

#[test]
fn ends_after_the_load_when_changes_are_not_followed() {
    for engine in BOTH {
        let world = World::new(engine);
        let mut job = world.forward(JobStart::Anew);
        job.changes = false;

        world.mover.start(job);
        let seen = world.until_seen(FORWARD, "it has ended", |seen| !seen.running);

        assert_eq!(seen.failure, None, "{engine}");
        assert!(seen.loaded, "{engine}");
        assert!(world.is_equal(), "{engine}");
        assert_eq!(seen.latency_target, None, "{engine}");
    }
}

#[test]
fn loads_anew_over_what_was_there() {
    for engine in BOTH {
        let world = World::new(engine);
        world.load();
        world.stop(FORWARD);
        run(
            &world.source,
            "DELETE FROM transactions WHERE id = -1; UPDATE payments SET amount = 7 WHERE id = -1",
        );

        world.load();

        world.until_equal();
    }
}

#[test]
fn loads_a_table_again_while_the_others_go_on() {
    for engine in BOTH {
        let world = World::new(engine);
        world.load();
        damage(&world);
        let writer = Writer::start(&world.source, 1);

        let table = (world.schema().to_owned(), "payments".to_owned());
        world.mover.reload(FORWARD, &[table]);

        until_true("the damage is undone", || {
            value(&world.target, "SELECT amount FROM payments WHERE id = -1") == "1.2345"
        });
        writer.finish();
        world.until_equal();
        assert_eq!(world.seen(FORWARD).failure, None, "{engine}");
    }
}

#[test]
fn carries_values_of_mariadb_as_they_are() {
    let world = World::new(cutover_local_db::Engine::MariaDb);
    let table = "CREATE TABLE odd (id int PRIMARY KEY AUTO_INCREMENT, f float, d double, b bit(10), y year, z date, t time(6),
        e enum('ä', 'b'), s set('x', 'y'), l varchar(20) CHARACTER SET latin1, c char(5), bin binary(4), u uuid,
        g point, lob longblob, sum int AS (y + 1) STORED)";
    let mode = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'";
    let inserts = "INSERT INTO odd (id, f, d, b, y, z, t, e, s, l, c, bin, u, g, lob) VALUES
        (0, 1.23456789, 0.1, b'1000000001', 2026, '0000-00-00', '-12:34:56.789012', 'ä', 'x,y', 'é', 'a ', x'00ff0000',
         '123e4567-e89b-12d3-a456-426655440000', ST_GeomFromText('POINT(1 2)'), REPEAT(x'00ff', 1000000)),
        (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)";
    for server in [&world.source, &world.target] {
        run(server, table);
    }
    run(&world.source, &format!("{mode}; {inserts}"));

    world.load();

    let read = "SELECT GROUP_CONCAT(CONCAT_WS('|', id, CAST(f AS DOUBLE), d, HEX(b), y, z, t, e, s, HEX(l), HEX(c), HEX(bin), u,
        HEX(g), MD5(lob), sum) ORDER BY id) FROM odd";
    assert_eq!(value(&world.target, read), value(&world.source, read));
    assert!(value(&world.target, read).starts_with("0|"));
}

/// Makes a row of the target differ, as nothing should have.
fn damage(world: &World) {
    run(
        &world.target,
        match world.engine {
            cutover_local_db::Engine::Postgres => {
                "SET session_replication_role = replica; UPDATE payments SET amount = 0 WHERE id = -1"
            }
            cutover_local_db::Engine::MariaDb => "UPDATE payments SET amount = 0 WHERE id = -1",
        },
    );
}
