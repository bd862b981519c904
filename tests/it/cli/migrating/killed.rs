//! Migrations that are cut short.

use std::thread;

use cutover_core::validation::side::Side;
use serde_json::json;

use super::super::pulumi::{Running, signal, until};
use super::world::{PATIENCE, REPLICATION, SWITCH, World};

/// Kills the plugin, which the engine outlives and reports.
fn kill(running: Running) {
    let plugins = running.plugins("cutover");
    assert_eq!(plugins.len(), 1, "{plugins:?}");
    for plugin in plugins {
        signal("KILL", plugin);
    }
    running.finish_as_it_may().fails();
}

#[test]
fn a_migration_whose_plugin_is_killed_while_it_waits_and_while_nobody_writes_goes_on_to_its_end() {
    let world = World::new();
    let cashiers = world.open_shop();
    world.ask(
        "replicating",
        json!({ "replication": { "lagOver": "10m" } }),
    );

    kill(world.under_way("catching up"));

    assert!(world.stack.state().find(REPLICATION).is_none());
    world.takes_writes(Side::Source);

    world.ask("switched", json!({}));
    kill(world.under_way("source refuses applications"));

    world.stack.up().succeeds();
    world.payments(10);
    world.close_shop(cashiers);
    assert_eq!(world.stored(SWITCH)["phase"], "switched");
    assert_eq!(world.stored(SWITCH)["epoch"], 1);
    world.takes_writes(Side::Target);
    world.reckon(Side::Target);
}

#[test]
fn ctrl_c_before_the_writer_has_changed_leaves_it_where_it_is_and_the_next_up_goes_on() {
    const WRITES: &str = "UPDATE customers SET name = name WHERE id = 2";
    let world = World::new();
    world.ask("validated", json!({}));
    world.stack.up().succeeds();
    world.ask(
        "switched",
        json!({ "switch": { "maxTransactionAge": "5m" } }),
    );

    thread::scope(|scope| {
        // A service that writes and does not come to an end: the fence waits for it.
        let script = format!("BEGIN; {WRITES}; SELECT pg_sleep(300) /* dawdles */; COMMIT");
        let (source, database) = (&world.servers.source, cutover_local_shop::DATABASE);
        let service = scope.spawn(move || source.run_script(database, &script));
        until(PATIENCE, "the service writes", || {
            let query = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%/* dawdles */%' AND wait_event = 'PgSleep'";
            let rows = source.rows(database, query).expect("it answers");
            (!rows.is_empty()).then_some(())
        });

        let running = world.under_way("no locks to be had");
        let run = running.interrupted().finish().fails();

        run.says("CUT-314").says("the source writes, as before");
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%/* dawdles */%' AND pid <> pg_backend_pid()";
        source.run_script(database, end).expect("it can be ended");
        let ended = service.join().expect("it does not panic");
        assert!(ended.is_err(), "its session was ended");
    });
    assert_eq!(world.stored(SWITCH)["phase"], "calledOff");
    world.takes_writes(Side::Source);

    world.stack.up().succeeds();

    assert_eq!(world.stored(SWITCH)["phase"], "switched");
    world.takes_writes(Side::Target);
}
