use std::sync::Arc;
use std::time::Duration;

use cutover_core::replication::facts::{Command, Fact};
use cutover_core::replication::spec::{Assessment, Lag, Spec};
use cutover_core::replication::task::{InstanceSeen, StartKind, TaskSeen};
use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::{Both, Side};

use super::Replicating;
use crate::writer_switch::fakes::{Fake, World};
use crate::{Clock as _, Perform as _, WriterControl};

fn a_spec() -> Spec {
    Spec {
        arn: "arn:forward".to_owned(),
        test_connections: true,
        assessment: Some(Assessment {
            role_arn: "arn:role".to_owned(),
            bucket: "findings".to_owned(),
        }),
        lag: Lag::default(),
        load_limit: Duration::from_hours(12),
        catch_up_limit: Duration::from_hours(4),
        poll: Duration::from_secs(30),
        reloads: 2,
        markers: true,
        allow_reload: false,
    }
}

fn replicating(world: &Arc<World>) -> Replicating {
    let writer = |side| -> Arc<dyn WriterControl> { Arc::new(Fake(side, Arc::clone(world))) };
    let markers = Some(Both::of(writer));
    Replicating::new(world.clone(), markers, a_spec(), world.clone())
}

fn there(world: &World, instance: Option<&str>) {
    let instance = instance.map(|arn| InstanceSeen {
        arn: arn.to_owned(),
        ..InstanceSeen::default()
    });
    let task = TaskSeen {
        arn: "arn:forward".to_owned(),
        source_endpoint_arn: "arn:s".to_owned(),
        target_endpoint_arn: "arn:t".to_owned(),
        instance,
        ..TaskSeen::default()
    };
    world.with(|state| state.tasks.insert("forward".to_owned(), task));
}

#[tokio::test(start_paused = true)]
async fn every_command_is_one_call_once_the_task_is_known() {
    let world = World::new();
    there(&world, Some("arn:machine"));
    let replicating = replicating(&world);
    let read = replicating.perform(&Command::ReadTask).await;
    assert!(matches!(read, Fact::Task(Some(_))), "{read:?}");
    let tables = vec![("public".to_owned(), "payments".to_owned())];
    let run = || "run".to_owned();
    for (command, call, looks) in [
        (Command::ReadTask, "fetch arn:forward", true),
        (Command::ReadTables, "tables arn:forward", true),
        (
            Command::TestConnection(Side::Source),
            "test arn:machine arn:s",
            false,
        ),
        (
            Command::ReadConnection(Side::Target),
            "connection arn:machine arn:t",
            true,
        ),
        (Command::Assess(run()), "assess run findings", false),
        (Command::ReadAssessment(run()), "assessment run", true),
        (
            Command::Start(StartKind::Resume),
            "start arn:forward Resume",
            false,
        ),
        (Command::Stop, "stop arn:forward", false),
        (Command::Reload(tables), "reload arn:forward 1", false),
        (Command::ReadMetrics, "metrics arn:forward", true),
    ] {
        world.with(|state| state.calls.clear());

        let fact = replicating.perform(&command).await;

        assert!(
            !matches!(fact, Fact::Refused(_) | Fact::Failed(..)),
            "{command:?}: {fact:?}"
        );
        assert_eq!(world.calls(), [call]);
        assert_eq!(replicating.only_looks(&command), looks, "{command:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_marker_is_written_under_the_lock_which_also_replaces_a_lost_session() {
    let world = World::new();
    let replicating = replicating(&world);

    let mark = Command::Mark(7);
    let fact = replicating.perform(&mark).await;

    assert_eq!(fact, Fact::Done);
    assert_eq!(world.calls(), ["source.lock", "source.mark 7"]);
    assert!(!replicating.only_looks(&mark));
}

#[tokio::test(start_paused = true)]
async fn a_marker_written_on_the_source_is_sought_on_the_target() {
    let world = World::new();
    let arrives = world.now().after(Duration::from_secs(1));
    world.with(|state| state.marker_at = Some(arrives));
    let replicating = replicating(&world);

    let early = Command::Seek(7, Duration::from_millis(500));
    assert_eq!(replicating.perform(&early).await, Fact::Sought(false));
    let patient = Command::Seek(7, Duration::from_secs(10));
    assert_eq!(replicating.perform(&patient).await, Fact::Sought(true));

    assert!(replicating.only_looks(&patient));
    assert_eq!(world.now(), arrives);
}

#[tokio::test(start_paused = true)]
async fn a_replication_without_server_has_no_connections_to_test() {
    let world = World::new();
    there(&world, None);
    let replicating = replicating(&world);

    for command in [
        Command::TestConnection(Side::Source),
        Command::ReadConnection(Side::Source),
    ] {
        let fact = replicating.perform(&command).await;
        assert!(matches!(fact, Fact::Refused(_)), "{fact:?}");
    }
    assert_eq!(world.calls(), ["fetch arn:forward"]);
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_apart_by_who_could_not_be_asked() {
    let world = World::new();
    let replicating = replicating(&world);
    let fails = ["stop", "source.mark", "target.hasMarker"];
    let fails = fails.map(|call| (call.to_owned(), DbFailureClass::Lost));
    world.with(|state| state.fails.extend(fails));

    let stop = replicating.perform(&Command::Stop).await;
    let mark = replicating.perform(&Command::Mark(7)).await;
    let seek = replicating
        .perform(&Command::Seek(7, Duration::from_secs(1)))
        .await;
    let metrics = replicating.perform(&Command::ReadMetrics).await;

    assert!(matches!(stop, Fact::Refused(_)), "{stop:?}");
    assert!(matches!(mark, Fact::Failed(Side::Source, _)), "{mark:?}");
    assert!(matches!(seek, Fact::Failed(Side::Target, _)), "{seek:?}");
    let Fact::Refused(failure) = metrics else {
        panic!("there is no task")
    };
    assert!(failure.message.contains("`arn:forward`"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn without_databases_and_without_a_place_for_findings_nobody_is_called() {
    let world = World::new();
    let spec = Spec {
        assessment: None,
        ..a_spec()
    };
    let replicating = Replicating::new(world.clone(), None, spec, world.clone());

    for command in [
        Command::Mark(7),
        Command::Seek(7, Duration::from_secs(1)),
        Command::Assess("run".to_owned()),
    ] {
        let fact = replicating.perform(&command).await;
        assert!(matches!(fact, Fact::Refused(_)), "{command:?}: {fact:?}");
    }
    assert!(world.calls().is_empty());
}
