//! Whose a control schema is, and who may change it.

use std::time::Duration;

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{Fence, Told};
use cutover_core::writer_switch::facts::Row;
use cutover_driver::{Fenced, Noted, WriterControl as _};
use cutover_local_db::Server;

use super::{
    AMPLE, AT_FIRST, INSERT, TABLE, a_source, a_target, a_writer, entry, fenced, rig, run,
    until_accepted,
};
use crate::testing::address;

#[tokio::test]
async fn a_second_runner_is_told_who_holds_the_lock_until_that_one_leaves() {
    let rig = a_source("lock_twice", TABLE, &["payments"]).await;
    let of = Fenced {
        run: "run 2".to_owned(),
        ..fenced(rig.name, &["payments"])
    };
    let second = a_writer(&address(rig.server, rig.name), &of, Side::Source).await;
    let process = rig.ask(
        "SELECT MIN(ID) FROM information_schema.PROCESSLIST WHERE DB = 'lock_twice' AND ID <> CONNECTION_ID()",
    );

    let told = second.lock().await;

    let by = format!("process {process} of superuser@127.0.0.1, run 1");
    assert_eq!(told, Ok(Err(by)));
    assert_eq!(rig.writer.lock().await, Ok(Ok(())), "it still has it");
    let step = entry("fence");
    let lost = second.fence(AMPLE, AMPLE, &step).await;
    let class = lost.map_err(|failure| failure.class);
    assert_eq!(class, Err(DbFailureClass::Lost));
    let seen = second.look(AMPLE).await.expect("that needs no lock");
    assert_eq!(seen.fence, Fence::Open);
    rig.writer.leave().await;
    assert_eq!(second.lock().await, Ok(Ok(())));
    assert_eq!(second.probe().await, Ok(true));
}

#[tokio::test]
async fn a_killed_session_frees_the_lock_and_its_pause_ends_by_itself() {
    let rig = a_source("lock_killed", TABLE, &["payments"]).await;
    rig.pause(Duration::from_secs(2)).await;
    let process = rig.ask(
        "SELECT MIN(ID) FROM information_schema.PROCESSLIST WHERE DB = 'lock_killed' AND ID <> CONNECTION_ID()",
    );
    let mut client = rig.client().await;
    assert_eq!(run(&mut client, INSERT).await, Err(1290));
    rig.ask(&format!("KILL {process}"));

    let note = rig.writer.note(&entry("drain")).await;

    let class = note.map_err(|failure| failure.class);
    assert_eq!(class, Err(DbFailureClass::Lost));
    let again = rig.writer.mark(1).await.map_err(|failure| failure.class);
    assert_eq!(again, Err(DbFailureClass::Lost));
    let at = address(rig.server, rig.name);
    let next = a_writer(&at, &fenced(rig.name, &["payments"]), Side::Source).await;
    assert_eq!(next.lock().await, Ok(Ok(())));
    let told = rig.writer.lock().await.expect("the server answers");
    assert!(told.is_err(), "the next has it");
    until_accepted(&mut client).await;
    let seen = next.look(AMPLE).await.expect("it may be asked");
    assert_eq!(seen.fence, Fence::Expired);
}

#[tokio::test]
async fn nothing_is_changed_without_the_lock() {
    let server = Server::shared_mariadb();
    let rig = rig(server, "lock_none", TABLE, &["payments"], Side::Source).await;
    rig.writer.leave().await;

    let prepared = rig.writer.prepare(&AT_FIRST).await;

    let class = prepared.map_err(|failure| failure.class);
    assert_eq!(class, Err(DbFailureClass::Lost));
    let seen = rig.look().await;
    assert_eq!((seen.fence, seen.state), (Fence::Absent, None));
    assert_eq!(rig.writer.journal(9).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_target_is_closed_by_being_prepared_and_a_source_is_open() {
    let source = a_source("prepare_source", TABLE, &["payments"]).await;
    let target = a_target("prepare_target", TABLE, &["payments"]).await;

    for (rig, told, inserted) in [
        (source, Told::Open, Ok(1)),
        (target, Told::Closed, Err(1290)),
    ] {
        let seen = rig.look().await;
        let state = seen.state.expect("it is prepared");
        assert_eq!((state.told, state.writer), (told, Side::Source));
        assert_eq!((state.epoch, seen.unfenced), (0, Vec::new()));
        assert_eq!(run(&mut rig.client().await, INSERT).await, inserted);
    }
}

#[tokio::test]
async fn preparing_again_keeps_state_and_row_and_mends_the_fence() {
    let script = format!("{TABLE}; CREATE TABLE refunds (id int PRIMARY KEY)");
    let rig = a_target("prepare_again", &script, &["payments", "refunds"]).await;
    let row = Row {
        writer: Side::Source,
        epoch: 4,
    };
    let recorded = rig.writer.record(&row, &entry("record")).await;
    recorded.expect("it may be written");
    let trigger = rig.ask(
        "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = 'prepare_again' \
          AND EVENT_OBJECT_TABLE = 'refunds' AND EVENT_MANIPULATION = 'INSERT'",
    );
    rig.ask(&format!("DROP TRIGGER {trigger}"));
    let broken = rig.look().await.unfenced;

    rig.writer.prepare(&AT_FIRST).await.expect("it may be made");

    let names: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["prepare_again.refunds"]);
    let seen = rig.look().await;
    assert_eq!(seen.unfenced, []);
    assert_eq!(seen.state.map(|state| state.epoch), Some(4));
    let insert = "INSERT INTO refunds VALUES (1)";
    assert_eq!(run(&mut rig.client().await, insert).await, Err(1290));
    let lines = rig.writer.journal(9).await.expect("it may be read");
    assert_eq!(lines.len(), 1);
}

#[tokio::test]
async fn a_row_with_a_higher_epoch_is_left_alone() {
    let rig = a_source("record_higher", TABLE, &["payments"]).await;
    for (writer, epoch, expected) in [
        (Side::Target, 2, 2),
        (Side::Source, 1, 2),
        (Side::Source, 3, 3),
    ] {
        let row = Row { writer, epoch };
        let recorded = rig.writer.record(&row, &entry("record")).await;
        recorded.expect("it may be written");
        let state = rig.look().await.state.expect("it is prepared");
        assert_eq!((state.epoch, state.told), (expected, Told::Open));
    }
}

#[tokio::test]
async fn the_journal_gives_its_last_lines_the_oldest_first_with_whatever_is_in_them() {
    let rig = a_source("journal_lines", TABLE, &["payments"]).await;
    for step in ["one", "two", "three"] {
        let noted = rig.writer.note(&entry(step)).await;
        noted.expect("it may be written");
    }

    let lines = rig.writer.journal(2).await.expect("it may be read");

    let [two, three] = &lines[..] else {
        panic!("two were asked for: {lines:?}");
    };
    assert_eq!((two.number, three.number), (2, 3));
    assert_eq!(two.entry, entry("two"));
    let Noted { at, .. } = three;
    assert!(
        at.len() == 27 && at.ends_with('Z') && at.contains('T'),
        "{at}"
    );
}

#[tokio::test]
async fn what_belongs_to_another_migration_is_left_alone() {
    let rig = a_source("other_migration", TABLE, &["payments"]).await;
    let of = Fenced {
        migration: "another".to_owned(),
        run: "run 2".to_owned(),
        ..fenced(rig.name, &["payments"])
    };
    let other = a_writer(&address(rig.server, rig.name), &of, Side::Source).await;
    let row = "SELECT * FROM other_migration_control.state";
    let before = rig.ask(row);
    assert_eq!(other.lock().await, Ok(Ok(())), "it is another lock");

    let step = entry("fence");
    let refused = [
        other.prepare(&AT_FIRST).await,
        other.fence(AMPLE, AMPLE, &step).await.map(drop),
        other.close(AMPLE, &step).await.map(drop),
        other.open(0, &AT_FIRST, &step).await.map(drop),
        other.record(&AT_FIRST, &step).await,
        other.remove().await,
    ];

    for refused in refused {
        let failure = refused.expect_err("it is not its own");
        assert_eq!(failure.class, DbFailureClass::Changed);
        let named = failure.message.contains("`m_other_migration`");
        assert!(named, "{failure:?}");
    }
    assert_eq!(other.release("x").await, Ok(()));
    assert_eq!(rig.ask(row), before);
    let seen = other.look(AMPLE).await.expect("it may look");
    let migration = seen.state.map(|state| state.migration);
    assert_eq!(migration.as_deref(), Some("m_other_migration"));
    assert_eq!(rig.look().await.unfenced, []);
}

#[tokio::test]
async fn removing_leaves_nothing_and_twice_is_once() {
    let rig = a_target("remove_all", TABLE, &["payments"]).await;
    rig.ask(
        "CREATE TRIGGER theirs BEFORE INSERT ON payments FOR EACH ROW SET NEW.amount = 5; \
         CREATE TABLE remove_all_control.awsdms_status (id int)",
    );

    rig.writer.remove().await.expect("it may be removed");
    rig.writer.remove().await.expect("there is nothing");

    let left = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA LIKE 'remove_all%'";
    assert_eq!(rig.ask(left), "theirs");
    let left =
        "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'remove_all_control'";
    assert_eq!(rig.ask(left), "0");
    assert_eq!(run(&mut rig.client().await, INSERT).await, Ok(1));
    assert_eq!(rig.look().await.fence, Fence::Absent);
}

#[tokio::test]
async fn a_control_schema_that_somebody_else_uses_too_loses_only_what_is_ours() {
    let rig = a_source("remove_ours", TABLE, &["payments"]).await;
    rig.ask("CREATE TABLE remove_ours_control.theirs (id int)");

    rig.writer.remove().await.expect("it may be removed");

    let left = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'remove_ours_control'";
    assert_eq!(rig.ask(left), "theirs");
    assert_eq!(rig.look().await.state, None);
}
