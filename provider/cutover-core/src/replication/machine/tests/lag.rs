//! When a target has caught up, and when not.

use std::time::Duration;

use super::super::super::events::What;
use super::super::super::spec::Spec;
use super::super::super::task::{StartKind, TaskMetrics};
use super::super::{Known, Outcome};
use super::world::{a_short_spec, an_ended};

const MINUTE: Duration = Duration::from_mins(1);

/// D9: CloudWatch says zero while the task reads nothing; the marker that does not arrive says more.
#[test]
fn a_latency_of_zero_is_not_believed_while_a_marker_does_not_arrive() {
    let mut world = an_ended("running", None, None);
    world.finish_load();
    world.lag = None;
    world.metrics = TaskMetrics {
        latency_source: Some(Duration::ZERO),
        latency_target: Some(Duration::ZERO),
        cpu: Some(1.0),
    };

    let ran = world.run(&a_short_spec());

    assert!(
        ran.held().0.contains("is not on the target"),
        "{:?}",
        ran.held()
    );
    let Known { lag, samples, .. } = ran.machine.known();
    assert_eq!(*samples, 0);
    assert!(*lag > Some(Duration::from_hours(4)), "it grows: {lag:?}");
    assert_eq!(ran.count("Mark"), 1, "the same marker is looked for");
}

/// D10: no figure is unknown and never good; where markers flow that is not fatal.
#[test]
fn missing_figures_are_unknown_and_not_fatal_while_markers_flow() {
    let mut world = an_ended("running", None, None);
    world.finish_load();
    world.metrics = TaskMetrics::default();
    let by_markers = world.clone().run(&a_short_spec());
    let by_figures = Spec {
        markers: false,
        ..a_short_spec()
    };
    world.metrics.latency_source = Some(Duration::ZERO);
    let alone = world.run(&by_figures);

    assert_eq!(by_markers.outcome, Outcome::Replicating);
    assert!(alone.held().0.contains("no figure of CDCLatencyTarget"));
    assert_eq!(alone.machine.known().lag, None);
}

#[test]
fn both_latencies_are_held_against_the_limit() {
    for (source, target) in [(12, 1), (1, 12)] {
        let mut world = an_ended("running", None, None);
        world.finish_load();
        world.metrics.latency_source = Some(Duration::from_secs(source));
        world.metrics.latency_target = Some(Duration::from_secs(target));
        world.after(30, |world| world.metrics.latency_source = Some(MINUTE / 60));
        world.after(30, |world| world.metrics.latency_target = Some(MINUTE / 60));

        let ran = world.run(&a_short_spec());

        assert_eq!(ran.outcome, Outcome::Replicating);
        assert!(ran.lasted() > 30 * MINUTE);
    }
}

#[test]
fn samples_must_be_good_in_a_row() {
    let mut world = an_ended("running", None, None);
    world.finish_load();
    world.acts.push((MINUTE, |world| world.lag = Some(MINUTE)));
    world.acts.push((2 * MINUTE, |world| {
        world.lag = Some(Duration::from_millis(100));
    }));

    let ran = world.run(&a_short_spec());

    assert_eq!(ran.outcome, Outcome::Replicating);
    assert!(ran.lasted() >= 3 * MINUTE, "{:?}", ran.lasted());
}

#[test]
fn quick_samples_are_no_proof_before_their_time_has_passed() {
    let mut world = an_ended("running", None, None);
    world.finish_load();
    let spec = Spec {
        poll: Duration::from_secs(5),
        ..a_short_spec()
    };

    let ran = world.run(&spec);

    assert_eq!(ran.outcome, Outcome::Replicating);
    assert!(ran.lasted() >= MINUTE, "{:?}", ran.lasted());
    assert!(ran.machine.known().samples > 3);
}

#[test]
fn a_task_that_stops_while_it_catches_up_proves_itself_anew() {
    let mut world = an_ended("running", None, None);
    world.finish_load();
    world.acts.push((MINUTE, |world| {
        world.ends("stopped", "RECYCLE_TASK", None);
    }));

    let ran = world.run(&a_short_spec());

    assert_eq!(ran.outcome, Outcome::Replicating);
    assert_eq!(ran.world.starts, [StartKind::Resume]);
    assert!(ran.lasted() >= 2 * MINUTE);
}

#[test]
fn catching_up_has_a_limit_which_is_put_off_while_the_lag_shrinks() {
    let spec = Spec {
        catch_up_limit: 30 * MINUTE,
        markers: false,
        ..a_short_spec()
    };
    let mut world = an_ended("running", None, None);
    world.finish_load();
    world.metrics.latency_target = Some(Duration::from_hours(10));
    let stuck = world.clone().run(&spec);
    for minutes in 1..=60 {
        world.after(minutes, |world| {
            let lag = world.metrics.latency_target.unwrap_or_default();
            world.metrics.latency_target = Some(lag.mul_f64(0.8));
        });
    }
    let shrinking = world.run(&spec);

    assert!(stuck.held().0.contains("has not caught up after 30 min"));
    assert_eq!(shrinking.outcome, Outcome::Replicating);
    assert!(shrinking.lasted() > 35 * MINUTE);
}

#[test]
fn an_instance_that_cannot_keep_up_is_told_once_with_the_next_larger_class() {
    let spec = Spec {
        catch_up_limit: 30 * MINUTE,
        ..a_short_spec()
    };
    let mut world = an_ended("running", None, None);
    world.finish_load();
    world.metrics = TaskMetrics {
        latency_source: Some(2 * MINUTE),
        latency_target: Some(3 * MINUTE),
        cpu: Some(97.0),
    };

    let ran = world.run(&spec);

    let told: Vec<_> = ran
        .told
        .iter()
        .filter(|what| matches!(what, What::TooSmall(_)))
        .collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].to_string().contains("`dms.t3.large`"));
    assert!(ran.held().1.contains("`dms.t3.large`"));
    assert!(
        ran.standings
            .iter()
            .any(|text| text.contains("`dms.t3.large`"))
    );
}

/// Lag is measured on our clock alone, which may be wrong by any amount; markers of an earlier run never count, not even
/// after the clock was set back.
#[test]
fn markers_do_not_mind_a_clock_that_is_wrong() {
    let mut world = an_ended("running", None, None);
    world.finish_load();
    world.lag = Some(Duration::from_secs(4));
    let first = world.run(&a_short_spec());
    let mut later = first.world.clone();
    later.skew = 10 * MINUTE;

    let second = later.run(&a_short_spec());

    for ran in [first, second] {
        assert_eq!(ran.outcome, Outcome::Replicating);
        let lag = ran.machine.known().lag.expect("a marker has arrived");
        assert_eq!(lag.as_secs(), 4);
    }
}
