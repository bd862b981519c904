//! Making what is ours, and removing it.

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::writer_switch::control::Fence;

use super::*;

/// Everything of ours in a database.
const OURS: &str = "
    SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'cutover_control')
         + (SELECT count(*) FROM pg_proc WHERE proname = 'fence')
         + (SELECT count(*) FROM pg_trigger WHERE tgname = 'cutover_fence')
         + (SELECT count(*) FROM pg_replication_slots WHERE database = current_database())";

#[tokio::test]
async fn preparing_again_keeps_state_and_row_and_makes_what_is_missing() {
    let rig = Rig::shop("prepare").await;
    rig.close_for_long().await;
    let recorded = rig.control.record(&MOVED, &entry("record")).await;
    assert_eq!(recorded, Ok(()));
    let before = rig.look().await;

    rig.control.prepare(&WRITER).await.expect("it is there");

    let after = rig.look().await;
    assert_eq!(after.state, before.state);
    assert!(matches!(after.fence, Fence::Paused { .. }));
    pass(
        &mut rig.client().await,
        "DROP FUNCTION cutover_control.fence() CASCADE; DROP TABLE cutover_control.marker_reverse",
    )
    .await;
    assert_eq!(rig.look().await.fence, Fence::Absent);
    rig.control.prepare(&WRITER).await.expect("it is mended");
    let mended = rig.look().await;
    assert!(matches!(mended.fence, Fence::Paused { .. }));
    assert_eq!(mended.unfenced, []);
    assert_eq!(run(&mut rig.client().await, INSERT).await, read_only());
    assert!(!rig.control.probe().await.expect("it may be tried"));
}

#[tokio::test]
async fn preparing_what_is_whole_waits_for_nobody_and_what_is_not_waits_for_writers() {
    let rig = Rig::shop("prepare_whole").await;
    let mut writer = rig.client().await;
    pass(&mut writer, &format!("BEGIN; {INSERT}")).await;

    let whole = rig.control.prepare(&WRITER).await;

    assert_eq!(whole, Ok(()));
    let bare = Rig::bare(server(), "prepare_busy", SHOP, &SHOP_TABLES).await;
    let mut writer = bare.client().await;
    pass(&mut writer, &format!("BEGIN; {INSERT}")).await;
    let busy = bare.control.prepare(&WRITER).await;
    let busy = busy.expect_err("a table is in use");
    assert_eq!(busy.class, DbFailureClass::Busy);
    assert!(busy.message.contains("(checkout), process"), "{busy:?}");
    pass(&mut writer, "COMMIT").await;
    bare.control.prepare(&WRITER).await.expect("nobody writes");
    assert_eq!(bare.look().await.unfenced, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_prepare_at_once_do_not_get_in_each_others_way() {
    let rig = Rig::bare(server(), "prepare_twice", SHOP, &SHOP_TABLES).await;
    let other = rig.runner("run 2").await;

    let (one, two) = tokio::join!(rig.control.prepare(&WRITER), other.prepare(&WRITER));

    assert_eq!((one, two), (Ok(()), Ok(())));
    assert_eq!(rig.look().await.fence, Fence::Open);
}

#[tokio::test]
async fn the_control_schema_of_another_migration_is_left_alone() {
    let rig = Rig::shop("prepare_other").await;
    let of = Fenced {
        migration: "other".to_owned(),
        ..rig.of.clone()
    };
    let other = open(Side::Source, &rig.at, &of).await;
    take_lock(&other).await;

    let line = entry("never");
    let refusals = [
        other.prepare(&WRITER).await.err(),
        other.fence(LOCK, LONG, &line).await.err(),
        other.close(LOCK, &line).await.err(),
        other.open(0, &MOVED, &line).await.err(),
        other.record(&MOVED, &line).await.err(),
        other.capture("prepare_other").await.err(),
        other.remove().await.err(),
    ];

    for refused in refusals {
        let refused = refused.expect("it is another's");
        assert_eq!(refused.class, DbFailureClass::Changed, "{refused:?}");
        assert!(
            refused
                .message
                .contains("the migration `shop`, not to `other`"),
            "{refused:?}"
        );
    }
    let seen = other.look(LONG).await.expect("it may be asked");
    assert_eq!(seen.state.expect("it is there").migration, "shop");
    assert_eq!(seen.fence, Fence::Open);
    pass(&mut rig.client().await, INSERT).await;
}

#[tokio::test]
async fn removing_waits_for_nobody_and_leaves_nothing_of_ours() {
    for server in [quiet_server(), quiet_other_server()] {
        let rig = Rig::on(server, "removed").await;
        rig.control.capture("removed").await.expect("it may");
        rig.close_for_long().await;
        let opened = rig.control.open(0, &MOVED, &entry("commit")).await;
        assert_eq!(opened, Ok(Ok(())));
        let mut reader = rig.client().await;
        pass(&mut reader, "BEGIN; SELECT count(*) FROM payments").await;

        let busy = rig.control.remove().await;

        let busy = busy.expect_err("a table is in use");
        assert_eq!(busy.class, DbFailureClass::Busy);
        pass(&mut reader, "COMMIT").await;
        rig.control.remove().await.expect("nobody uses a table");
        assert_eq!(rig.value(OURS).as_deref(), Some("0"));
        rig.control.remove().await.expect("there is nothing");
        pass(&mut rig.client().await, INSERT).await;
        let seen = rig.look().await;
        assert_eq!((seen.fence, seen.state), (Fence::Absent, None));
        rig.control
            .prepare(&WRITER)
            .await
            .expect("another one can begin");
        rig.close_for_long().await;
    }
}

#[tokio::test]
async fn names_that_must_be_quoted_are() {
    let script = "CREATE SCHEMA \"Shop's\"; CREATE TABLE \"Shop's\".\"Order \"\"A\"\"\" (id int)";
    let tables = ["Shop's.Order \"A\""];
    let rig = Rig::bare(server(), "quoted", script, &tables).await;
    let of = Fenced {
        migration: "it's".to_owned(),
        schema: "Control \"x\" 'y'".to_owned(),
        ..rig.of.clone()
    };
    let control = open(Side::Source, &rig.at, &of).await;
    take_lock(&control).await;
    control.prepare(&WRITER).await.expect("it is made");

    let closing = control.fence(LOCK, LONG, &entry("fence")).await;

    assert!(matches!(closing, Ok(Closing::Closed { .. })), "{closing:?}");
    let write = "INSERT INTO \"Shop's\".\"Order \"\"A\"\"\" VALUES (1)";
    assert_eq!(run(&mut rig.client().await, write).await, read_only());
    let opened = control.open(0, &WRITER, &entry("call off")).await;
    assert_eq!(opened, Ok(Ok(())));
    pass(&mut rig.client().await, write).await;
    control.remove().await.expect("it may");
}
