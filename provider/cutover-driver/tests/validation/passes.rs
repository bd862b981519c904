//! Reading all of both sides.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::facts::{Command, DbFailureClass, Fact};
use cutover_core::validation::side::{Both, Side};
use cutover_driver::{PassProgress, Perform};
use cutover_sim::bank::{Bank, BankFault, BankWhat, Kept, SimTable};

use crate::given::{Run, a_bank, a_plan, a_spec, assert_whole, hashed, key, passed, ranges, table};

const KEPT: [(Engine, Kept); 3] = [
    (Engine::Postgres, Kept::Heap),
    (Engine::Mysql, Kept::Clustered),
    (Engine::Mysql, Kept::Chain),
];

/// Slows servers down so that a pass takes some ten seconds.
fn slow(bank: &Bank, rows_per_second: u64) {
    bank.with(|state| {
        for side in Side::BOTH {
            state.servers.get_mut(side).rows_per_second = rows_per_second;
        }
    });
}

fn sessions(side: Side, sessions: u32) -> impl FnOnce(&mut cutover_sim::bank::BankState) + Send {
    move |state| state.servers.get_mut(side).active_sessions = sessions
}

#[tokio::test(start_paused = true)]
async fn both_sides_are_read_whole_however_they_keep_their_rows() {
    for (engine, kept) in KEPT {
        let run = Run::new(a_bank(engine, kept, 50_000), a_spec());

        let passed = run.pass(&hashed(64)).await.expect("nothing fails");

        assert_whole(&passed, 50_000);
        assert_eq!(passed.source.one_snapshot, engine == Engine::Postgres);
        run.assert_tidy();
    }
}

#[tokio::test(start_paused = true)]
async fn sides_that_keep_their_rows_differently_give_the_same_buckets() {
    let run = Run::new(a_bank(Engine::Postgres, Kept::Heap, 30_000), a_spec());
    run.bank.with(|state| {
        let clustered = SimTable::new(Kept::Clustered, 1..=30_000);
        state.servers.target.tables.insert(table(), clustered);
    });

    assert_whole(
        &run.pass(&ranges(500, 64)).await.expect("nothing fails"),
        30_000,
    );
}

#[tokio::test(start_paused = true)]
async fn as_many_connections_read_as_are_allowed_and_no_more() {
    let run = Run::new(a_bank(Engine::Mysql, Kept::Clustered, 100_000), a_spec());
    slow(&run.bank, 10_000);

    let passed = run.pass(&hashed(64)).await.expect("nothing fails");

    let connections = Both::of(|side| passed.get(side).work.connections);
    assert_eq!((connections.source, connections.target), (2, 4));
    run.assert_tidy();
}

/// D47.
#[tokio::test(start_paused = true)]
async fn reading_stops_within_two_seconds_after_sessions_rise_and_goes_on_when_they_fall() {
    let run = Run::new(a_bank(Engine::Mysql, Kept::Clustered, 200_000), a_spec());
    slow(&run.bank, 10_000);
    let began_at = run.bank.now();
    let (rise, fall) = (Duration::from_millis(3_100), Duration::from_secs(20));
    run.bank.after(rise, sessions(Side::Source, 50));
    run.bank.after(fall, sessions(Side::Source, 5));

    let passed = run.pass(&hashed(64)).await.expect("nothing fails");

    assert_whole(&passed, 200_000);
    let calls = run.bank.calls().into_iter();
    let busy = calls.filter(|called| (called.side, called.call) == (Side::Source, "tally"));
    let running: Vec<_> = busy
        .filter(|called| {
            let ended = called.ended_at.map(|at| at.since(began_at));
            called.began_at.since(began_at) < fall
                && ended.is_none_or(|ended| ended > rise + Duration::from_secs(2))
        })
        .collect();
    assert_eq!(running, []);
    assert_eq!(
        (passed.source.work.pauses, passed.target.work.pauses),
        (1, 0)
    );
    assert!(passed.source.work.paused_seconds > 15.0);
    assert!(passed.source.work.paused_seconds < 19.0);
}

/// D18, D47.
#[tokio::test(start_paused = true)]
async fn both_sides_wait_for_replication_that_is_late() {
    let mut spec = a_spec();
    spec.limits.source.max_lag = Some(Duration::from_secs(2));
    spec.limits.target.max_lag = Some(Duration::from_secs(2));
    let run = Run::new(a_bank(Engine::Mysql, Kept::Clustered, 100_000), spec);
    slow(&run.bank, 10_000);
    let now = run.bank.now();
    run.bank.with(|state| {
        state.lag = Duration::from_mins(3);
        // Five writes that show up on the target three minutes later.
        for id in 1..=5 {
            state.write(now, &table(), id, Some(vec![1, 1]));
        }
    });

    let passed = run.pass(&hashed(64)).await.expect("nothing fails");

    for side in Side::BOTH {
        assert_eq!(passed.get(side).work.pauses, 1, "{side}");
        assert!(passed.get(side).work.paused_seconds > 100.0, "{side}");
    }
}

/// D47.
#[tokio::test(start_paused = true)]
async fn a_server_whose_load_cannot_be_seen_is_not_read_for_long() {
    let run = Run::new(a_bank(Engine::Mysql, Kept::Clustered, 200_000), a_spec());
    slow(&run.bank, 10_000);
    let lost = BankWhat::Fails(DbFailureClass::Denied);
    run.bank
        .fault(BankFault::nth(Side::Source, "load", 1, 100, lost));

    assert_eq!(run.pass(&hashed(64)).await, Err(DbFailureClass::Denied));
}

/// D27.
#[tokio::test(start_paused = true)]
async fn pieces_that_fail_are_read_again_and_counted_once() {
    use DbFailureClass::{Busy, Lost, TimedOut, TooBig};
    for (engine, kept) in KEPT {
        let run = Run::new(a_bank(engine, kept, 50_000), a_spec());
        for (nth, class) in [(1, TimedOut), (2, Lost), (4, TooBig), (5, Busy)] {
            for side in Side::BOTH {
                let fault = BankFault::nth(side, "tally", nth, 1, BankWhat::Fails(class));
                run.bank.fault(fault);
            }
        }

        let passed = run.pass(&hashed(64)).await.expect("all of it passes");

        assert_whole(&passed, 50_000);
        assert_eq!(
            (passed.source.work.repeated, passed.target.work.repeated),
            (4, 4)
        );
        run.assert_tidy();
    }
}

/// D27.
#[tokio::test(start_paused = true)]
async fn pieces_that_outlast_the_statement_timeout_become_smaller_until_they_fit() {
    let run = Run::new(a_bank(Engine::Mysql, Kept::Clustered, 40_000), a_spec());
    slow(&run.bank, 1_000);
    run.bank.with(|state| {
        state.servers.source.statement_timeout = Duration::from_secs(3);
    });

    let passed = run.pass(&hashed(64)).await.expect("smaller pieces fit");

    assert_whole(&passed, 40_000);
    assert!(passed.source.work.repeated >= 3);
}

/// D28.
#[tokio::test(start_paused = true)]
async fn a_restart_amid_a_pass_is_outlasted_and_nothing_counted_twice() {
    for (engine, kept) in KEPT {
        let run = Run::new(a_bank(engine, kept, 100_000), a_spec());
        slow(&run.bank, 10_000);
        run.bank
            .after(Duration::from_secs(3), |state| state.restart(Side::Source));

        let passed = run.pass(&hashed(64)).await.expect("it comes back");

        assert_whole(&passed, 100_000);
        assert!(passed.source.work.repeated >= 1);
        assert!(!passed.source.one_snapshot);
        run.assert_tidy();
    }
}

/// D28.
#[tokio::test(start_paused = true)]
async fn what_was_read_of_another_server_is_of_no_use() {
    for side in Side::BOTH {
        let run = Run::new(a_bank(Engine::Postgres, Kept::Heap, 100_000), a_spec());
        slow(&run.bank, 10_000);
        run.bank
            .after(Duration::from_secs(3), move |state| state.fail_over(side));
        let world = run.world(None);
        let command = run.pass_command(&world, &hashed(64)).await;

        let failed = passed(world.perform(&command).await);

        assert_eq!(failed, Err(DbFailureClass::Changed));
        assert_eq!(world.pass_progress(), None);
        run.assert_tidy();
    }
}

#[tokio::test(start_paused = true)]
async fn one_snapshot_shows_one_moment_while_rows_change_and_move() {
    let run = Run::new(a_bank(Engine::Postgres, Kept::Heap, 50_000), a_spec());
    slow(&run.bank, 10_000);
    let begin = run.bank.now().after(Duration::from_millis(100));
    run.bank.with(|state| {
        for id in 1..=20 {
            state.add_writer(begin, &table(), id * 2_000, Duration::from_millis(150));
        }
    });

    let passed = run.pass(&hashed(64)).await.expect("nothing fails");

    assert_eq!(passed.source.tally.rows(), 50_000);
    assert!(passed.source.one_snapshot && passed.target.one_snapshot);
    assert!(passed.source.horizon.is_some());
    run.assert_tidy();
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_would_hold_a_snapshot_for_long_does_without() {
    let run = Run::new(a_bank(Engine::Postgres, Kept::Heap, 50_000), a_spec());
    slow(&run.bank, 20);
    let world = run.world(None);
    let layouts = run.layouts(&world).await;
    let methods = vec![hashed(64)];
    let time = Command::Time(Arc::clone(&run.plan), Arc::clone(&layouts), methods);
    run.bank.with(|state| {
        for side in Side::BOTH {
            state.servers.get_mut(side).statement_timeout = Duration::from_hours(1);
        }
    });
    let Fact::Timed(timed) = world.perform(&time).await else {
        panic!("the time was asked for")
    };
    assert!(timed[0].is_some());
    slow(&run.bank, 100_000);

    let pass = Command::Pass(Arc::clone(&run.plan), layouts, hashed(64));
    let passed = passed(world.perform(&pass).await).expect("nothing fails");

    assert!(!passed.source.one_snapshot);
    assert!(
        run.bank
            .calls()
            .iter()
            .all(|called| called.call != "open_snapshot")
    );
}

/// Interrupts a pass after so long; returns what is left of it, as text that a state could hold.
async fn interrupted(run: &Run, after: Duration) -> Option<PassProgress> {
    let world = run.world(None);
    let Fact::Met(_) = world.perform(&Command::Look).await else {
        panic!("both servers are there")
    };
    let command = run.pass_command(&world, &hashed(64)).await;
    tokio::select! {
        fact = world.perform(&command) => panic!("it takes longer than that: {fact:?}"),
        () = tokio::time::sleep(after) => {}
    }
    world.close().await;
    run.assert_tidy();
    let text = serde_json::to_string(&world.pass_progress()?).expect("it can be written");
    Some(serde_json::from_str(&text).expect("and read"))
}

/// D49.
#[tokio::test(start_paused = true)]
async fn an_interrupted_pass_is_taken_up_and_reads_no_row_twice() {
    for (engine, kept) in KEPT {
        for millis in [100, 2_000, 4_000] {
            let run = Run::new(a_bank(engine, kept, 100_000), a_spec());
            slow(&run.bank, 10_000);
            let left = interrupted(&run, Duration::from_millis(millis)).await;
            assert!(left.is_some(), "after {millis} ms");

            let world = run.world(left);
            let Fact::Met(_) = world.perform(&Command::Look).await else {
                panic!("both servers are there")
            };
            let command = run.pass_command(&world, &hashed(64)).await;
            let whole = passed(world.perform(&command).await).expect("nothing fails");

            assert_whole(&whole, 100_000);
            assert!(!whole.source.one_snapshot);
            run.assert_tidy();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn progress_of_other_servers_is_dropped() {
    let run = Run::new(a_bank(Engine::Mysql, Kept::Clustered, 100_000), a_spec());
    slow(&run.bank, 10_000);
    let left = interrupted(&run, Duration::from_secs(2)).await;
    run.bank.with(|state| state.fail_over(Side::Target));

    let world = run.world(left);
    let Fact::Met(_) = world.perform(&Command::Look).await else {
        panic!("both servers are there")
    };

    assert_eq!(world.pass_progress(), None);
}

#[tokio::test(start_paused = true)]
async fn rows_are_read_again_on_the_source_first_and_never_at_the_same_time() {
    let run = Run::new(a_bank(Engine::Mysql, Kept::Clustered, 5_000), a_spec());
    let keys: Vec<_> = (1..=2_500).map(key).collect();
    let command = Command::Reread(Arc::clone(&run.plan), hashed(64), Arc::new(keys));

    let Fact::Reread(rows) = run.ask(command).await else {
        panic!("rows were asked for")
    };

    assert_eq!((rows.source.len(), rows.target.len()), (2_500, 2_500));
    let calls = run.bank.calls();
    let sides: Vec<_> = calls.iter().map(|called| called.side).collect();
    assert_eq!(sides, [Side::Source, Side::Target].repeat(3));
    for pair in calls.windows(2) {
        assert!(
            pair[0]
                .ended_at
                .is_some_and(|ended| ended <= pair[1].began_at)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn equal_rows_without_a_key_are_counted_by_one_reading_of_each_side() {
    let mut run = Run::new(a_bank(Engine::Mysql, Kept::Clustered, 1), a_spec());
    run.plan = Arc::new(a_plan(false));
    run.bank.with(|state| {
        let mut pile = SimTable::new(Kept::Heap, []).without_key();
        pile.kept = Kept::Chain;
        state.add_table(&table(), &pile);
        for (id, side) in [(1, None), (2, None), (3, Some(Side::Source))] {
            for side in side.map_or(Side::BOTH.to_vec(), |side| vec![side]) {
                state.put(side, &table(), id, Some(vec![5, 5]));
            }
        }
    });
    let world = run.world(None);
    let layouts = run.layouts(&world).await;
    let buckets = (0..64).collect();
    let drill = Command::Drill(Arc::clone(&run.plan), layouts, hashed(64), buckets);
    let Fact::Drilled(drilled) = world.perform(&drill).await else {
        panic!("a drill was asked for")
    };
    assert_eq!(drilled.keys.len(), 1);

    let keys = Arc::new(drilled.keys);
    let Fact::Reread(rows) = world
        .perform(&Command::Reread(Arc::clone(&run.plan), hashed(64), keys))
        .await
    else {
        panic!("rows were asked for")
    };

    let copies = rows.map(|rows| rows.first().map(|row| row.columns.clone()));
    assert_eq!(
        (copies.source, copies.target),
        (Some(vec![3]), Some(vec![2]))
    );
}
