//! Long operations that are interrupted, run out of time, or lose a process, and are then taken up again.
//!
//! The operation is a rollout whose journal lies in a folder: a line for everything that was done, so that whatever
//! is done twice shows.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::pulumi::{Run, Running, Stack, is_running, signal, text, until};

/// Longer than it takes to start the program and begin the operation.
const START_MAX: Duration = Duration::from_mins(1);

/// How long a plugin may take to notice that its engine has gone, and to end.
const ORPHAN_MAX: Duration = Duration::from_secs(90);

/// A stack whose one resource is a rollout.
struct Rollout {
    stack: Stack,
    journal: PathBuf,
    steps: u32,
}

fn a_rollout(steps: u32, step_milliseconds: u32) -> Rollout {
    let stack = Stack::of("rollout");
    let journal = stack.folder("journal");
    stack
        .config(
            "journal",
            journal.to_str().expect("temporary paths are text"),
        )
        .config("stepMilliseconds", &step_milliseconds.to_string())
        .config("steps", &steps.to_string());
    Rollout {
        stack,
        journal,
        steps,
    }
}

impl Rollout {
    /// Returns what was done so far, line by line.
    fn events(&self) -> Vec<String> {
        let log = fs::read_to_string(self.journal.join("events.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Returns how many steps were done so far.
    fn done(&self) -> usize {
        self.events()
            .iter()
            .filter(|event| event.starts_with("step "))
            .count()
    }

    /// Starts the operation and waits until some of its steps are done.
    fn under_way(&self, steps: usize) -> Running {
        self.watch(steps, self.stack.start(&["up", "--skip-preview"]))
    }

    /// Waits until some of the steps are done.
    fn watch(&self, steps: usize, running: Running) -> Running {
        until(START_MAX, "the rollout is under way", || {
            (self.done() >= steps).then_some(())
        });
        running
    }

    /// Starts the operation and interrupts it.
    fn interrupted(&self) -> Run {
        Self::interrupt(self.under_way(2))
    }

    /// Interrupts a run, which must end soon.
    fn interrupt(running: Running) -> Run {
        let interrupted = Instant::now();
        let run = running.interrupted().finish().fails();
        let took = interrupted.elapsed();
        assert!(
            took < Duration::from_secs(5),
            "it took {took:?} to stop:\n{run}"
        );
        run
    }

    /// Demands that the operation was begun once and did every step once, in order.
    fn is_complete(&self) {
        let mut expected = vec!["begin rollout-shift".to_owned()];
        expected.extend((1..=self.steps).map(|step| format!("step {step} of rollout-shift")));
        assert_eq!(self.events(), expected);
        let state = self.stack.state();
        let shift = state.resource("shift");
        assert_eq!(shift["outputs"]["done"], self.steps);
        assert!(shift["initErrors"].is_null(), "{shift:#}");
        assert!(shift["refreshBeforeUpdate"].is_null(), "{shift:#}");
        self.stack.preview().changes_nothing();
    }

    /// Demands that the state holds the unfinished operation as it is.
    fn is_held(&self) {
        let state = self.stack.state();
        let shift = state.resource("shift");
        assert_eq!(shift["id"], self.journal.to_str().unwrap_or_default());
        assert_eq!(shift["outputs"]["done"], self.done(), "{shift:#}");
        assert!(
            self.done() < self.steps as usize,
            "it was over before it was stopped"
        );
        assert!(
            shift["initErrors"].to_string().contains("stands at step"),
            "{shift:#}"
        );
        assert_eq!(state.pending(), 0);
    }
}

#[test]
fn an_interrupted_operation_is_held_and_the_next_up_carries_on() {
    let rollout = a_rollout(12, 150);

    let run = rollout.interrupted();

    let done = rollout.done();
    let run = run.says(&format!(
        "interrupted: `rollout-shift` stands at step {done} of 12"
    ));
    let run = run.says("run `pulumi up` to continue from there");
    rollout.is_held();
    // Every step of the rollout is a phase of its own, so each is told of once.
    let status = run
        .messages()
        .into_iter()
        .filter(|(.., ephemeral)| *ephemeral);
    let status = status.filter(|(_, message, _)| message.starts_with("step "));
    assert_eq!(status.count(), done, "{run}");

    let preview = rollout.stack.preview().succeeds();
    assert_eq!(preview.step("shift"), "update");
    preview.says(&format!("resuming `rollout-shift` from step {done} of 12"));

    let up = rollout.stack.up().succeeds();
    assert_eq!(up.step("shift"), "update");
    rollout.is_complete();
}

/// In a terminal Ctrl-C reaches everything in the foreground, the program's processes among them.
#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_in_a_terminal_holds_the_operation_too() {
    let rollout = a_rollout(12, 150);
    let terminal = rollout.stack.start_in_terminal(&["up", "--skip-preview"]);

    let run = Rollout::interrupt(rollout.watch(2, terminal));

    run.says("run `pulumi up` to continue from there");
    rollout.is_held();
    rollout.stack.up().succeeds();
    rollout.is_complete();
}

#[test]
fn an_interrupted_operation_carries_on_after_a_refresh_too() {
    let rollout = a_rollout(12, 150);
    rollout.interrupted();

    rollout.stack.refresh().says("not finished");
    rollout.is_held();

    rollout
        .stack
        .pulumi(&["up", "--skip-preview", "--refresh"])
        .succeeds();
    rollout.is_complete();
}

#[test]
fn an_operation_that_was_given_up_twice_is_found_again_by_the_id_that_was_logged() {
    let rollout = a_rollout(12, 150);
    let mut running = rollout.under_way(2);
    let printed = running.printed();
    let (_, id) = printed
        .split_once("its id is `")
        .expect("the id was logged");
    let (id, _) = id.split_once('`').expect("the id was logged in quotes");

    // A plugin that does not react is what makes people press Ctrl-C again.
    let plugins = running.plugins("specimen");
    for plugin in &plugins {
        signal("STOP", *plugin);
    }
    running.interrupt();
    running.has_printed("^C received; cancelling");
    running.interrupt();
    running.has_printed("^C received; terminating");
    for plugin in &plugins {
        signal("CONT", *plugin);
    }
    running.finish().fails();
    for plugin in plugins {
        until(ORPHAN_MAX, "the plugin ends", || {
            (!is_running(plugin)).then_some(())
        });
    }

    let stack = &rollout.stack;
    let state = stack.state();
    assert!(state.find("shift").is_none());
    assert_eq!(state.pending(), 1);
    let urn = text(&state.0["pending_operations"][0]["resource"]["urn"]);
    let import = "--import-pending-creates";
    stack
        .pulumi(&["refresh", "--skip-preview", import, &urn, import, id])
        .succeeds();
    // This engine takes the entry out without importing anything, so it is the next update that finds the operation.
    assert_eq!(stack.state().pending(), 0);
    stack.up().succeeds();
    assert_eq!(stack.state().resource("shift")["id"], id);
    rollout.is_complete();
}

#[test]
fn an_operation_whose_plugin_was_killed_is_adopted_by_the_next_up() {
    let rollout = a_rollout(12, 150);
    let running = rollout.under_way(2);

    let plugins = running.plugins("specimen");
    assert_eq!(plugins.len(), 1);
    for plugin in plugins {
        signal("KILL", plugin);
    }
    running.finish_as_it_may().fails();
    assert!(rollout.stack.state().find("shift").is_none());

    let up = rollout.stack.up().succeeds();
    assert_eq!(up.step("shift"), "create");
    rollout.is_complete();
}

#[test]
fn an_operation_whose_cli_was_killed_stops_by_itself_and_is_adopted() {
    let rollout = a_rollout(100, 100);
    let running = rollout.under_way(2);
    let plugins = running.plugins("specimen");
    assert_eq!(plugins.len(), 1);

    running.killed().finish_as_it_may().fails();

    for plugin in plugins {
        until(ORPHAN_MAX, "the plugin notices", || {
            (!is_running(plugin)).then_some(())
        });
    }
    assert!(rollout.done() < 100, "it went on without its engine");
    rollout.stack.pulumi(&["cancel"]).succeeds();
    assert_eq!(rollout.stack.state().pending(), 1);
    rollout.stack.up().succeeds();
    rollout
        .stack
        .pulumi(&["refresh", "--skip-preview", "--clear-pending-creates"])
        .succeeds();
    assert_eq!(rollout.stack.state().pending(), 0);
    rollout.is_complete();
}

#[test]
fn an_operation_that_runs_out_of_time_names_the_option_and_carries_on() {
    let rollout = a_rollout(12, 150);
    rollout.stack.config("createTimeout", "1s");

    let run = rollout.stack.up().fails();

    run.says("`customTimeouts.create` sets the limit")
        .says("run `pulumi up` to continue");
    rollout.is_held();
    rollout.stack.up().succeeds();
    rollout.is_complete();
}

#[test]
fn an_interrupted_update_shows_its_real_difference_again() {
    let mut rollout = a_rollout(2, 150);
    rollout.stack.up().succeeds();
    rollout.stack.config("steps", "14").config("target", "blue");
    rollout.steps = 14;

    let running = rollout.under_way(4);
    running.interrupted().finish().fails().says("interrupted");

    rollout.is_held();
    let state = rollout.stack.state();
    let shift = state.resource("shift");
    assert_eq!(shift["inputs"]["steps"], 2);
    assert_eq!(shift["inputs"]["target"], "green");
    let preview = rollout.stack.preview().succeeds();
    let changed = preview.changed("shift");
    assert!(changed.contains(&"steps".to_owned()), "{changed:?}");
    assert!(changed.contains(&"target".to_owned()), "{changed:?}");
    rollout.stack.up().succeeds();
    rollout.is_complete();
}
