use cutover_core::replication::task::{StartKind, TaskSeen};
use cutover_core::writer_switch::control::LogPosition;
use serde_json::Value;

use super::*;

fn there(world: &World, identifier: &str, arn: &str) {
    let task = TaskSeen {
        arn: arn.to_owned(),
        identifier: identifier.to_owned(),
        ..TaskSeen::default()
    };
    world.with(|state| state.tasks.insert(identifier.to_owned(), task));
}

async fn perform(world: &Arc<World>, command: Command) -> Fact {
    switching(world).perform(&command).await
}

#[tokio::test(start_paused = true)]
async fn the_way_back_is_made_of_its_epoch_and_begins_at_the_place_that_was_noted() {
    let world = World::new();

    let fact = perform(&world, Command::MakeBack(1, a_position())).await;

    assert_eq!(fact, Fact::Done);
    assert_eq!(world.calls(), ["find pay-back-1", "create pay-back-1"]);
    let made = world.with(|state| state.made.remove(0));
    assert_eq!(made.cdc_start, "0/16B3748");
    assert_eq!(made.slot.as_deref(), Some("back_1"));
    assert_eq!(
        (
            made.source_endpoint_arn.as_str(),
            made.target_endpoint_arn.as_str(),
            made.instance_arn.as_str()
        ),
        ("arn:t", "arn:s", "arn:machine")
    );
    let mappings: Value = serde_json::from_str(&made.table_mappings).unwrap();
    let locator = &mappings["rules"][1]["object-locator"];
    assert_eq!(locator["table-name"], "marker_reverse");
    let settings: Value = serde_json::from_str(&made.settings).unwrap();
    assert_eq!(
        settings["FullLoadSettings"]["TargetTablePrepMode"],
        "DO_NOTHING"
    );
    assert_eq!(made.tags, [("migration".to_owned(), "pay".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_place_in_a_binary_log_needs_no_slot() {
    let world = World::new();
    let place = LogPosition::Binlog {
        file: "binlog.000024".to_owned(),
        position: 373,
    };

    perform(&world, Command::MakeBack(3, place)).await;

    let made = world.with(|state| state.made.remove(0));
    assert_eq!(
        (made.identifier.as_str(), made.cdc_start.as_str(), made.slot),
        ("pay-back-3", "binlog.000024:373", None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_that_an_unanswered_call_has_made_is_not_made_twice() {
    let world = World::new();
    there(&world, "pay-back-1", "arn:back");

    let fact = perform(&world, Command::MakeBack(1, a_position())).await;

    assert_eq!(fact, Fact::Done);
    assert_eq!(world.calls(), ["find pay-back-1"]);
}

#[tokio::test(start_paused = true)]
async fn the_way_back_is_found_by_its_epoch_and_driven_by_its_arn() {
    let world = World::new();
    there(&world, "pay-back-1", "arn:back");

    for (command, call) in [
        (
            Command::StartBack(1, StartKind::Start),
            "start arn:back Start",
        ),
        (Command::StopBack(1), "stop arn:back"),
        (Command::RemoveBack(1), "delete arn:back"),
    ] {
        world.with(|state| state.calls.clear());

        assert_eq!(perform(&world, command).await, Fact::Done);
        assert_eq!(world.calls(), ["find pay-back-1", call]);
    }
    let found = perform(&world, Command::ReadBack(1)).await;
    assert!(matches!(found, Fact::Task(Some(_))), "{found:?}");
    assert_eq!(
        perform(&world, Command::ReadBack(2)).await,
        Fact::Task(None)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_removed_already_and_cannot_be_started() {
    let world = World::new();

    assert_eq!(perform(&world, Command::RemoveBack(1)).await, Fact::Done);
    for command in [
        Command::StartBack(1, StartKind::Start),
        Command::StopBack(1),
    ] {
        let Fact::Refused(failure) = perform(&world, command).await else {
            panic!("there is none")
        };
        assert!(failure.message.contains("`pay-back-1`"), "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_replication_that_drains_is_read_and_stopped_by_its_arn() {
    let world = World::new();
    there(&world, "forward", "arn:forward");

    let found = perform(&world, Command::ReadDrain).await;
    let stopped = perform(&world, Command::StopDrain).await;

    assert!(matches!(found, Fact::Task(Some(_))), "{found:?}");
    assert_eq!(stopped, Fact::Done);
    assert_eq!(world.calls(), ["fetch arn:forward", "stop arn:forward"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_wished_is_refused_and_nobody_is_called() {
    let world = World::new();
    let mut switching = switching(&world);
    switching.spec.drain = None;
    switching.spec.back = None;
    switching.spec.setting = None;

    assert_eq!(
        switching.perform(&Command::ReadDrain).await,
        Fact::Task(None)
    );
    for command in [
        Command::StopDrain,
        Command::ReadBack(1),
        Command::MakeBack(1, a_position()),
        Command::Tell(Side::Target),
        Command::Check(Duration::from_secs(1)),
    ] {
        let fact = switching.perform(&command).await;
        assert!(matches!(fact, Fact::Refused(_)), "{command:?}: {fact:?}");
    }
    assert!(world.calls().is_empty());
}
