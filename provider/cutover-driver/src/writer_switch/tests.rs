mod replication;
mod stopping;

use std::sync::Arc;
use std::time::Duration;

use cutover_core::replication::mappings::table_mappings;
use cutover_core::replication::settings::changes_only;
use cutover_core::validation::catalog::TableName;
use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::{Both, Side};
use cutover_core::writer_switch::control::Entry;
use cutover_core::writer_switch::facts::{Command, Fact, Row};
use cutover_core::writer_switch::spec::{Back, Drain, Pause, Setting, SettingKind, Spec};
use tokio::time::Instant;

use super::fakes::{Fake, World, a_position};
use super::{BackTask, Switching};
use crate::{Clock as _, Closing, Hidden, Perform as _, WriterControl};

/// Something that must never be shown.
const PASSWORD: &str = "open-sesame";

fn a_table() -> TableName {
    TableName {
        schema: "public".to_owned(),
        name: "payments".to_owned(),
    }
}

fn a_spec() -> Spec {
    Spec {
        migration: "pay".to_owned(),
        writer: Side::Target,
        tables: Both::of(|_| vec![a_table()]),
        pause: Pause::default(),
        max_lag: Duration::from_secs(10),
        max_transaction_age: Duration::from_secs(10),
        identity_gap: 10_000,
        check: false,
        setting: Some(Setting {
            kind: SettingKind::Parameter,
            name: "/pay/writer".to_owned(),
        }),
        drain: Some(Drain {
            arn: "arn:forward".to_owned(),
            stop: true,
        }),
        back: Some(Back {
            identifier: "pay-back".to_owned(),
            source_endpoint_arn: "arn:t".to_owned(),
            target_endpoint_arn: "arn:s".to_owned(),
            instance_arn: "arn:machine".to_owned(),
            limit: Duration::from_mins(15),
        }),
    }
}

fn switching(world: &Arc<World>) -> Switching {
    let writer = |side| -> Arc<dyn WriterControl> { Arc::new(Fake(side, Arc::clone(world))) };
    let tables = [Both::of(|_| a_table())];
    Switching {
        writers: Both::of(writer),
        replications: world.clone(),
        parameters: world.clone(),
        secrets: world.clone(),
        spec: a_spec(),
        values: Both::of(|side| Hidden::new(format!("{side}:{PASSWORD}"))),
        back: Some(BackTask {
            mappings: table_mappings(Side::Target, &tables, "cutover_control"),
            settings: changes_only("cutover_control"),
            tags: vec![("migration".to_owned(), "pay".to_owned())],
        }),
        check: None,
        clock: world.clone(),
    }
}

fn an_entry(step: &str) -> Entry {
    Entry {
        run: "run".to_owned(),
        epoch: 0,
        step: step.to_owned(),
        text: String::new(),
    }
}

fn look() -> Command {
    Command::Look {
        older_than: Duration::from_secs(10),
    }
}

fn fence() -> Command {
    Command::Fence {
        side: Side::Source,
        lock: Duration::from_secs(2),
        expires_in: Duration::from_secs(30),
        entry: an_entry("fence"),
    }
}

fn close() -> Command {
    Command::Close {
        side: Side::Source,
        lock: Duration::from_secs(2),
        entry: an_entry("close"),
    }
}

fn open() -> Command {
    Command::Open {
        side: Side::Target,
        expected: 0,
        row: a_row(),
        entry: an_entry("commit"),
    }
}

fn a_row() -> Row {
    Row {
        writer: Side::Target,
        epoch: 1,
    }
}

#[tokio::test(start_paused = true)]
async fn the_locks_are_taken_source_first_before_both_sides_are_looked_at_together() {
    let world = World::new();
    world.with(|state| state.takes = Duration::from_secs(1));
    let began = Instant::now();

    let fact = switching(&world).perform(&look()).await;

    assert!(matches!(fact, Fact::Seen(_)), "{fact:?}");
    assert_eq!(
        world.calls(),
        ["source.lock", "target.lock", "source.look", "target.look"]
    );
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_a_lock_taken_looks_at_nothing_and_takes_no_other() {
    for (side, calls) in [
        (Side::Source, vec!["source.lock"]),
        (Side::Target, vec!["source.lock", "target.lock"]),
    ] {
        let world = World::new();
        let holder = (side.to_string(), "run other".to_owned());
        world.with(|state| state.holders.extend([holder]));

        let fact = switching(&world).perform(&look()).await;

        let by = "run other".to_owned();
        assert_eq!(fact, Fact::Held { side, by });
        assert_eq!(world.calls(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn every_command_is_one_call_to_its_side_and_fails_as_that_side() {
    let entry = || an_entry("record");
    for (command, call) in [
        (Command::Prepare(Side::Source, a_row()), "source.prepare 1"),
        (Command::Mark(Side::Source, 7), "source.mark 7"),
        (fence(), "source.fence fence"),
        (close(), "source.close close"),
        (open(), "target.open 1"),
        (
            Command::Record(Side::Source, a_row(), entry()),
            "source.record 1",
        ),
        (
            Command::Capture(Side::Target, "back_1".to_owned()),
            "target.capture back_1",
        ),
        (
            Command::Release(Side::Target, "back_1".to_owned()),
            "target.release back_1",
        ),
        (
            Command::SetIdentities(Side::Target, vec![("id".to_owned(), 7)]),
            "target.setIdentities 1",
        ),
    ] {
        let world = World::new();
        let switching = switching(&world);

        let fact = switching.perform(&command).await;

        assert!(!matches!(fact, Fact::Failed(..)), "{command:?}: {fact:?}");
        assert_eq!(world.calls(), [call]);
        assert!(!switching.only_looks(&command), "{command:?}");
        let (name, _) = call.split_once(' ').unwrap();
        world.with(|state| state.fails.insert(name.to_owned(), DbFailureClass::Lost));
        let fact = switching.perform(&command).await;
        let side = if name.starts_with("source") {
            Side::Source
        } else {
            Side::Target
        };
        match fact {
            Fact::Failed(failed, failure) => {
                assert_eq!((failed, failure.class), (side, DbFailureClass::Lost));
            }
            other => panic!("{command:?}: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fence_that_could_not_be_closed_says_why() {
    let world = World::new();
    let switching = switching(&world);
    let blockers = vec!["app@10.0.3.7".to_owned()];
    let locked = Duration::from_millis(18);
    for (closing, expected) in [
        (Closing::Closed { locked }, Fact::Fenced { locked }),
        (
            Closing::NoLock {
                blockers: blockers.clone(),
            },
            Fact::NoLock { blockers },
        ),
        (Closing::Expired, Fact::Expired),
    ] {
        world.with(|state| state.closing = Some(closing));

        assert_eq!(switching.perform(&fence()).await, expected);
        assert_eq!(switching.perform(&close()).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_side_of_another_epoch_is_not_opened() {
    let world = World::new();
    let switching = switching(&world);

    assert_eq!(switching.perform(&open()).await, Fact::Done);
    world.with(|state| state.epoch = 4);
    assert_eq!(switching.perform(&open()).await, Fact::OtherEpoch(4));
}

#[tokio::test(start_paused = true)]
async fn both_sides_are_tried_and_their_identities_read_at_the_same_time() {
    let world = World::new();
    world.with(|state| state.takes = Duration::from_secs(1));
    let switching = switching(&world);
    let began = Instant::now();

    let probed = switching.perform(&Command::Probe).await;
    let identities = switching.perform(&Command::ReadIdentities).await;

    let accepted = Both {
        source: false,
        target: true,
    };
    assert_eq!(probed, Fact::Probed(accepted));
    assert_eq!(identities, Fact::Identities(Both::default()));
    assert_eq!(began.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_marker_is_asked_for_every_twenty_milliseconds_until_it_is_there() {
    let world = World::new();
    let arrives = world.now().after(Duration::from_millis(50));
    world.with(|state| state.marker_at = Some(arrives));
    let seek = Command::Seek(Side::Target, 7, Duration::from_secs(10));
    let began = Instant::now();

    let fact = switching(&world).perform(&seek).await;

    assert_eq!(fact, Fact::Sought(true));
    assert_eq!(began.elapsed(), Duration::from_millis(60));
    assert_eq!(world.calls(), ["target.hasMarker 7"; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_marker_that_does_not_come_is_sought_no_longer_than_the_limit() {
    let seek = Command::Seek(Side::Target, 7, Duration::from_millis(50));
    for hangs in [false, true] {
        let world = World::new();
        if hangs {
            world.with(|state| state.hangs.push("target.hasMarker".to_owned()));
        }
        let began = Instant::now();

        let fact = switching(&world).perform(&seek).await;

        assert_eq!(fact, Fact::Sought(false), "{hangs}");
        assert_eq!(began.elapsed(), Duration::from_millis(50), "{hangs}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_marker_that_cannot_be_asked_for_is_told_at_once() {
    let world = World::new();
    let lost = ("target.hasMarker".to_owned(), DbFailureClass::Lost);
    world.with(|state| state.fails.extend([lost]));
    let seek = Command::Seek(Side::Target, 7, Duration::from_secs(10));

    let fact = switching(&world).perform(&seek).await;

    assert!(matches!(fact, Fact::Failed(Side::Target, _)), "{fact:?}");
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_setting_is_changed_once_and_then_left_alone() {
    for (kind, name, read, put) in [
        (
            SettingKind::Parameter,
            "/pay/writer",
            "readParameter",
            "putParameter",
        ),
        (SettingKind::Secret, "pay/writer", "readSecret", "putSecret"),
    ] {
        let world = World::new();
        let mut switching = switching(&world);
        let name = name.to_owned();
        switching.spec.setting = Some(Setting {
            kind,
            name: name.clone(),
        });
        assert!(!format!("{switching:?}").contains(PASSWORD));

        for _ in 0..2 {
            let fact = switching.perform(&Command::Tell(Side::Target)).await;
            assert_eq!(fact, Fact::Done);
        }

        let said = world.with(|state| state.settings.get(&name).cloned());
        assert_eq!(said, Some(format!("target:{PASSWORD}")));
        let [read, put] = [read, put].map(|call| format!("{call} {name}"));
        assert_eq!(world.calls(), [read.clone(), put, read]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_cannot_be_read_or_put_is_a_refusal_without_its_value() {
    for call in ["readParameter", "putParameter"] {
        let world = World::new();
        let failure = (call.to_owned(), DbFailureClass::Denied);
        world.with(|state| state.fails.extend([failure]));

        let fact = switching(&world)
            .perform(&Command::Tell(Side::Target))
            .await;

        let Fact::Refused(failure) = fact else {
            panic!("{fact:?}")
        };
        assert_eq!(failure.action, call);
        assert!(!failure.message.contains(PASSWORD));
    }
}
