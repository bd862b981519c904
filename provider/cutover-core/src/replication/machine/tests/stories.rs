//! What happens to tasks, told one by one.

use std::time::Duration;

use super::super::super::events::What;
use super::super::super::facts::AssessmentSeen;
use super::super::super::plan::{Step, plan};
use super::super::super::spec::Spec;
use super::super::super::task::StartKind;
use super::super::{Outcome, Replicate};
use super::world::{START, World, a_short_spec, a_spec, a_world, an_ended, name_of};
use crate::machine::{Machine, Next};
use crate::validation::side::Side;

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn a_new_task_is_tested_assessed_started_loaded_and_caught_up() {
    let ran = a_world().run(&a_spec());

    assert_eq!(ran.outcome, Outcome::Replicating);
    assert_eq!(ran.world.starts, [StartKind::Start]);
    assert_eq!(
        ran.told,
        [
            What::Started(StartKind::Start),
            What::Loaded,
            What::CaughtUp
        ]
    );
    assert_eq!(ran.count("TestConnection"), 2);
    let known = ran.machine.known();
    assert!(known.loaded && known.samples >= 3, "{known:?}");
    assert!(known.lag.is_some_and(|lag| lag < Duration::from_secs(1)));
    insta::assert_snapshot!(distinct(&ran.standings).join("\n"), @"
    testing the connection to the source
    testing the connection to the target
    DMS assesses the migration
    waiting for the task to run: `ready`, 0 s
    full load 0 %, 0 of 2 tables, 1,200,000 rows
    catching up: lag 0.1 s (1 of 3 samples below 10 s)
    catching up: lag 0.1 s (2 of 3 samples below 10 s)
    ");
}

#[test]
fn the_steps_are_those_of_the_plan_in_their_order() {
    let mut world = a_world();
    let mut machine = Replicate::new(a_spec(), "run-1".to_owned(), START);
    assert_eq!(machine.standing().phase, "look");
    let ran = world.clone().run(&a_spec());
    assert_eq!(ran.machine.standing().phase, "catchUp");

    world.set("running");
    world.begin_load();
    let names: Vec<_> = plan(&a_spec()).into_iter().map(Step::name).collect();
    assert_eq!(
        names,
        [
            "look",
            "testSource",
            "testTarget",
            "assess",
            "run",
            "load",
            "catchUp"
        ]
    );
    assert!(machine.take_events().is_empty());
}

#[test]
fn a_task_that_runs_already_is_only_watched() {
    let mut world = an_ended("running", None, None);
    world.finish_load();

    let ran = world.run(&a_spec());

    assert_eq!(ran.outcome, Outcome::Replicating);
    for name in ["TestConnection", "Assess", "Start"] {
        assert_eq!(ran.count(name), 0, "{name}");
    }
}

#[test]
fn what_is_not_there_is_held() {
    let mut world = a_world();
    world.task = None;

    let ran = world.run(&a_spec());

    assert!(ran.held().0.starts_with("there is no task"));
}

#[test]
fn a_connection_that_fails_is_held_with_what_dms_says() {
    let mut world = a_world();
    world
        .connects
        .insert(Side::Target, Err("no pg_hba.conf entry for host"));

    let ran = world.run(&a_spec());

    assert_eq!(
        ran.held().0,
        "the replication instance cannot connect to the target endpoint: no pg_hba.conf entry for host"
    );
    assert_eq!(ran.world.starts, []);
}

#[test]
fn an_assessment_that_fails_is_held_with_the_names_of_its_checks() {
    let seen = |status: &str| AssessmentSeen {
        status: status.to_owned(),
        findings: vec![(
            "full-lob-not-nullable-at-target".to_owned(),
            "failed".to_owned(),
        )],
        failure: None,
    };
    let mut world = a_world();
    world.assesses = seen("failed");
    let failed = world.run(&a_spec());
    let mut world = a_world();
    world.assesses = seen("warning");
    let warned = world.run(&a_spec());

    assert!(
        failed
            .held()
            .0
            .contains("`full-lob-not-nullable-at-target`")
    );
    assert_eq!(warned.outcome, Outcome::Replicating);
    assert!(matches!(&warned.told[0], What::AssessmentWarned(checks) if checks.len() == 1));
}

/// D11: an error that may pass is followed by one resume, a second one by a person who is told what DMS says.
#[test]
fn a_recoverable_error_is_resumed_once_and_a_fatal_one_is_held() {
    let recoverable = Some("RECOVERABLE_ERROR");
    let once = an_ended("failed", recoverable, Some("connection reset")).run(&a_short_spec());
    let mut world = an_ended("failed", recoverable, Some("connection reset"));
    world.on_start = |world, _| {
        world.begin_load();
        world.ends("failed", "RECOVERABLE_ERROR", Some("connection reset"));
    };
    let twice = world.run(&a_short_spec());
    let fatal = an_ended("failed", Some("FATAL_ERROR"), Some("out of range"));
    let fatal = fatal.run(&a_short_spec());

    assert_eq!(once.outcome, Outcome::Replicating);
    assert_eq!(once.world.starts, [StartKind::Resume]);
    assert_eq!(twice.world.starts, [StartKind::Resume]);
    assert!(
        twice.held().0.contains("connection reset again"),
        "{:?}",
        twice.held()
    );
    assert_eq!(fatal.world.starts, []);
    assert_eq!(
        fatal.held().0,
        "the task is `failed` with `FATAL_ERROR`: out of range"
    );
}

/// D12: a task with so few rows that it was never seen running has ended well all the same.
#[test]
fn a_task_that_is_over_at_once_is_loaded() {
    let mut world = a_world();
    world.task().migration_type = "full-load".to_owned();
    world.on_start = |world, _| {
        world.begin_load();
        world.finish_load();
        world.ends("stopped", "FULL_LOAD_ONLY_FINISHED", None);
    };

    let ran = world.run(&a_short_spec());

    assert_eq!(ran.outcome, Outcome::Loaded);
    assert!(ran.machine.known().loaded);
    assert_eq!(ran.world.starts, [StartKind::Start]);
}

#[test]
fn a_task_that_finished_without_a_table_is_not_loaded() {
    let mut world = an_ended("stopped", Some("FULL_LOAD_ONLY_FINISHED"), None);
    world.task().migration_type = "full-load".to_owned();
    world.finish_load();
    let mut in_error = world.clone();
    in_error.state_of(1, "Table error");
    let mut unfinished = world;
    unfinished.state_of(1, "Full load");

    let in_error = in_error.run(&a_short_spec());
    let unfinished = unfinished.run(&a_short_spec());

    assert!(in_error.held().0.contains("`shop.payments`: Table error"));
    assert!(unfinished.held().0.contains("1 of 2 tables"));
    assert!(unfinished.lasted() < 10 * MINUTE);
}

/// D13: the former status is shown for a while after a start, which is no failure and no reason to start again.
#[test]
fn a_status_that_is_shown_late_is_no_failure() {
    let mut world = an_ended("failed", Some("RECOVERABLE_ERROR"), None);
    world.show_late = 2 * MINUTE;
    let late = world.clone().run(&a_short_spec());
    world.show_late = 60 * MINUTE;
    let never = world.run(&a_short_spec());

    assert_eq!(late.outcome, Outcome::Replicating);
    assert_eq!(late.world.starts, [StartKind::Resume]);
    assert!(never.held().0.contains("still shows it as `failed`"));
    assert!(never.lasted() < 10 * MINUTE);
}

#[test]
fn a_task_goes_on_after_each_point_at_which_it_was_told_to_stop() {
    let mut world = a_world();
    world.on_start = |world, kind| {
        world.begin_load();
        world.finish_load();
        match (kind, world.starts.len()) {
            (StartKind::Start, _) => world.ends("stopped", "STOPPED_AFTER_FULL_LOAD", None),
            (_, 2) => world.ends("stopped", "STOPPED_AFTER_CACHED_EVENTS", None),
            _ => world.set("running"),
        }
    };

    let ran = world.run(&a_short_spec());

    assert_eq!(ran.outcome, Outcome::Replicating);
    assert_eq!(
        ran.world.starts,
        [StartKind::Start, StartKind::Resume, StartKind::Resume]
    );
}

#[test]
fn a_task_that_stops_again_and_again_is_not_started_for_ever() {
    let mut world = a_world();
    world.on_start = |world, _| {
        world.begin_load();
        world.ends("stopped", "STOPPED_AFTER_FULL_LOAD", None);
    };

    let ran = world.run(&a_short_spec());

    assert!(ran.held().0.contains("was started 6 times"));
}

#[test]
fn an_instance_without_memory_is_held_with_the_next_larger_class() {
    let ran = an_ended("stopped", Some("STOPPED_DUE_TO_LOW_MEMORY"), None).run(&a_short_spec());

    assert!(ran.held().1.contains("`dms.t3.large`"), "{:?}", ran.held());
}

#[test]
fn a_stop_reason_that_nobody_knows_needs_a_person() {
    let ran = an_ended("stopped", Some("SOMETHING_NEW"), None).run(&a_short_spec());

    assert!(ran.held().0.contains("`SOMETHING_NEW`"));
}

#[test]
fn what_is_in_progress_has_a_limit() {
    for status in ["modifying", "provisioning capacity", "something new"] {
        let mut world = a_world();
        world.set(status);

        let ran = world.run(&a_short_spec());

        assert!(ran.held().0.contains(status), "{:?}", ran.held());
        assert!(ran.lasted() > 30 * MINUTE && ran.lasted() < 32 * MINUTE);
    }
}

#[test]
fn a_task_that_is_still_being_made_is_waited_for() {
    let mut world = a_world();
    world.set("creating");
    world.after(4, |world| world.set("ready"));

    let ran = world.run(&a_spec());

    assert_eq!(ran.outcome, Outcome::Replicating);
    assert_eq!(ran.count("TestConnection"), 2, "as for any new task");
}

#[test]
fn a_load_of_a_hundred_percent_is_not_over_while_its_end_is_not_given() {
    let mut world = an_ended("running", None, None);
    world.finish_load();
    world.task().loaded_at = None;
    world.after(20, World::finish_load);

    let ran = world.run(&a_short_spec());

    assert_eq!(ran.outcome, Outcome::Replicating);
    assert!(ran.lasted() > 20 * MINUTE);
    assert!(ran.standings[0].starts_with("full load 100 %, 2 of 2 tables"));
}

#[test]
fn a_load_that_takes_too_long_is_held() {
    let world = an_ended("running", None, None);

    let ran = world.run(&a_short_spec());

    assert!(ran.held().0.starts_with("the load is not over after 12 h"));
    assert!(ran.lasted() < Duration::from_hours(12) + 2 * MINUTE);
}

/// D15: a table in error is loaded again as often as wished, then a person is told which; it is never left out in silence.
#[test]
fn a_table_in_error_is_loaded_again_twice_and_then_held() {
    for state in ["Table error", "Table cancelled", "Table suspended"] {
        let mut world = an_ended("running", None, None);
        world.finish_load();
        world.state_of(1, state);
        let mended = world.clone().run(&a_short_spec());
        world.on_reload = |world| {
            world.state_of(1, "Table is being reloaded");
            world.after(3, |world| world.state_of(1, "Table error"));
        };
        let kept = world.run(&a_short_spec());

        assert_eq!(mended.outcome, Outcome::Replicating, "{state}");
        assert_eq!(mended.count("Reload"), 1);
        assert_eq!(kept.count("Reload"), 2);
        assert_eq!(
            kept.held().0,
            "`shop.payments`: Table error after 2 reloads"
        );
    }
}

#[test]
fn a_table_that_is_shown_in_error_a_little_longer_is_not_loaded_twice() {
    let mut world = an_ended("running", None, None);
    world.finish_load();
    world.state_of(1, "Table error");
    world.on_reload = |world| world.after(1, |world| world.state_of(1, "Table completed"));

    let ran = world.run(&a_short_spec());

    assert_eq!(ran.count("Reload"), 1);
    assert_eq!(ran.outcome, Outcome::Replicating);
}

#[test]
fn a_table_in_error_while_it_catches_up_takes_its_samples_with_it() {
    let mut world = an_ended("running", None, None);
    world.finish_load();
    world.acts.push((MINUTE / 2, |world| {
        world.state_of(1, "Table error");
    }));

    let ran = world.run(&a_short_spec());

    assert_eq!(ran.outcome, Outcome::Replicating);
    assert_eq!(ran.count("Reload"), 1);
    assert!(ran.lasted() >= 4 * MINUTE, "the reload takes three minutes");
}

#[test]
fn a_table_that_dms_finds_different_is_held() {
    for state in ["Mismatched records", "Suspended records", "Error"] {
        let mut world = an_ended("running", None, None);
        world.finish_load();
        world.tables[0].validation = state.to_owned();
        world.tables[0].validation_failed = 12;

        let ran = world.run(&a_short_spec());

        assert!(ran.held().0.contains("`shop.customers`"));
        assert!(ran.held().0.contains(state));
    }
}

/// D17: without its log a task is loaded anew where that is allowed, and a person is asked where it is not.
#[test]
fn a_lost_slot_is_loaded_anew_only_where_that_is_allowed() {
    let gone = Some("ERROR: replication slot \"abc\" does not exist");
    let mut world = an_ended("failed", Some("FATAL_ERROR"), gone);
    world.finish_load();
    world.set("failed");
    let held = world.clone().run(&a_short_spec());
    world.on_start = |world, _| {
        world.set("running");
        world.begin_load();
        // Statistics are refreshed late: for a while they are those of the former load.
        world.after(5, |world| world.state_of(1, "Full load"));
        world.after(10, World::finish_load);
    };
    let allowed = Spec {
        allow_reload: true,
        ..a_short_spec()
    };
    let loaded = world.run(&allowed);

    assert_eq!(held.world.starts, []);
    assert!(held.held().1.contains("`allowReload`"));
    assert_eq!(loaded.world.starts, [StartKind::Reload]);
    assert_eq!(loaded.outcome, Outcome::Replicating);
    assert!(
        loaded.lasted() > 10 * MINUTE,
        "the former load does not count"
    );
}

#[test]
fn a_log_that_is_lost_again_is_not_loaded_anew_for_ever() {
    let gone = Some("ERROR: replication slot \"abc\" does not exist");
    let mut world = an_ended("failed", Some("FATAL_ERROR"), gone);
    world.on_start = |world, _| {
        world.begin_load();
        let gone = Some("ERROR: replication slot \"abc\" does not exist");
        world.ends("failed", "FATAL_ERROR", gone);
    };
    let spec = Spec {
        allow_reload: true,
        ..a_short_spec()
    };

    let ran = world.run(&spec);

    assert_eq!(ran.world.starts, [StartKind::Reload]);
    assert!(ran.held().1.contains("loaded anew already"));
}

#[test]
fn a_task_for_changes_alone_has_nothing_to_load() {
    let mut world = a_world();
    world.task().migration_type = "cdc".to_owned();
    world.on_start = |world, _| {
        world.set("running");
        world.begin_load();
    };

    let ran = world.run(&a_short_spec());

    assert_eq!(ran.outcome, Outcome::Replicating);
    assert!(ran.lasted() < 4 * MINUTE);
}

#[test]
fn a_replication_without_server_has_no_connections_to_test() {
    let mut world = a_world();
    world.task().instance = None;
    world.set("created");
    world.on_start = |world, _| {
        world.set("running");
        world.begin_load();
        world.finish_load();
    };
    world.task().status = "ready".to_owned();

    let ran = world.run(&Spec {
        assessment: None,
        ..a_spec()
    });

    assert_eq!(ran.outcome, Outcome::Replicating);
    assert_eq!(ran.count("TestConnection"), 0);
}

#[test]
fn an_instance_whose_storage_is_full_is_held_before_anything_is_started() {
    let mut world = a_world();
    world.task().instance.as_mut().expect("there is one").status = "storage-full".to_owned();

    let ran = world.run(&a_spec());

    assert!(ran.held().0.contains("`storage-full`"));
    assert_eq!(ran.world.starts, []);
}

#[test]
fn asked_twice_it_answers_the_same() {
    let mut world = a_world();
    let mut machine = Replicate::new(a_spec(), "run-1".to_owned(), START);
    for _ in 0..50 {
        assert_eq!(machine.next(), machine.next());
        match machine.next() {
            Next::Done(_) => return,
            Next::WaitUntil { at, .. } => {
                world.now = at;
                machine.wake(at).expect("a wait was asked for");
            }
            Next::Do(command) => {
                let fact = world.perform(&command);
                let at = (name_of(&command), fact.clone());
                machine
                    .record(fact, world.now)
                    .unwrap_or_else(|illegal| panic!("{at:?}: {illegal}"));
            }
        }
    }
}

/// Lines that differ from the one before.
fn distinct(lines: &[String]) -> Vec<String> {
    let mut lines = lines.to_vec();
    lines.dedup();
    lines
}
