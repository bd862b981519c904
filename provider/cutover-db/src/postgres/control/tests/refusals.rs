//! What a closed fence refuses, and whom it lets through.

use super::super::text::{Body, function};
use super::*;

/// Every way to write that a client has.
const WRITES: [&str; 14] = [
    INSERT,
    "UPDATE payments SET amount = 2",
    "UPDATE payments SET amount = 2 WHERE false",
    "DELETE FROM payments",
    "TRUNCATE payments",
    "TRUNCATE customers CASCADE",
    "INSERT INTO payments (id) VALUES (1) ON CONFLICT DO NOTHING",
    "INSERT INTO payments (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET amount = 3",
    "WITH gone AS (DELETE FROM payments RETURNING 1) SELECT count(*) FROM gone",
    "DELETE FROM customers",
    "INSERT INTO events VALUES (2, 2)",
    "INSERT INTO events_2 VALUES (2, 2)",
    "UPDATE events SET day = 2",
    "TRUNCATE events_1",
];

/// A transaction that sees the past.
const OLD_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM payments";

/// D34: all of it is tried by a superuser, who owns the tables.
#[tokio::test]
async fn after_the_fence_nobody_writes_in_whatever_way() {
    for server in [server(), other_server()] {
        let rig = Rig::on(server, "refused").await;
        let mut client = rig.client().await;
        let prepare = format!("PREPARE writing AS {INSERT}; EXECUTE writing");
        pass(&mut client, &prepare).await;
        let mut reader = rig.client().await;
        pass(&mut reader, OLD_SNAPSHOT).await;
        let mut caching = rig.client().await;
        sqlx::query(INSERT)
            .execute(&mut caching)
            .await
            .expect("it is open");

        rig.close_for_long().await;

        assert_eq!(run(&mut reader, INSERT).await, read_only());
        pass(&mut reader, "ROLLBACK").await;
        assert_eq!(run(&mut client, "EXECUTE writing").await, read_only());
        sqlx::query(INSERT)
            .execute(&mut caching)
            .await
            .expect_err("a plan that is kept is no way around it");
        for write in WRITES {
            assert_eq!(run(&mut client, write).await, read_only(), "{write}");
            let in_transaction = format!("BEGIN; {write}; COMMIT");
            let refused = run(&mut client, &in_transaction).await;
            assert_eq!(refused, read_only(), "{write}");
            pass(&mut client, "ROLLBACK").await;
        }
        let copied = copy(&mut client).await;
        assert!(format!("{copied:?}").contains("25006"), "{copied:?}");
        assert_eq!(rig.count("payments"), "3");
        assert_eq!(rig.count("events"), "1");
        assert!(!rig.control.probe().await.expect("it may be tried"));
    }
}

async fn copy(client: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut copying = client
        .copy_in_raw("COPY payments (amount) FROM STDIN")
        .await?;
    copying.send("7\n".as_bytes()).await?;
    copying.finish().await.map(drop)
}

#[tokio::test]
async fn who_is_refused_reads_why_and_what_to_do_and_no_value() {
    let rig = Rig::shop("refused_why").await;
    rig.close_for_long().await;

    let refused = sqlx::query("INSERT INTO payments (amount) VALUES (4711)")
        .execute(&mut rig.client().await)
        .await
        .expect_err("it is closed");

    let refused = refused.into_database_error().expect("the server refused");
    let refused = refused.downcast::<sqlx::postgres::PgDatabaseError>();
    assert_eq!(
        refused.message(),
        "writes to this database are paused for a moment, while the database that takes them changes (migration shop)"
    );
    assert_eq!(
        refused.hint(),
        Some(
            "Reconnect to the database that the service's setting names, and repeat the transaction."
        )
    );
    assert!(!format!("{refused:?}").contains("4711"));
}

/// A fence that is closed by a row, which its function reads: what an obvious one would be.
const BY_A_ROW: &str = "
    CREATE TABLE open (yes bool); INSERT INTO open VALUES (true);
    CREATE OR REPLACE FUNCTION cutover_control.fence() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NOT (SELECT yes FROM public.open) THEN RAISE SQLSTATE '25006'; END IF; RETURN NULL; END $$";

/// The real fence refuses the same session in `after_the_fence_nobody_writes_in_whatever_way`.
#[tokio::test]
async fn a_fence_that_is_closed_by_a_row_alone_would_let_an_old_snapshot_write() {
    let rig = Rig::shop("mutant_row").await;
    let mut client = rig.client().await;
    pass(&mut client, BY_A_ROW).await;
    let mut reader = rig.client().await;
    pass(&mut reader, OLD_SNAPSHOT).await;

    pass(&mut client, "UPDATE open SET yes = false").await;

    assert_eq!(run(&mut client, INSERT).await, read_only());
    pass(&mut reader, &format!("{INSERT}; COMMIT")).await;
    assert_eq!(rig.count("payments"), "2");
}

/// The real fence waits for the same transaction in
/// `a_transaction_that_was_open_before_the_fence_ends_before_it_and_its_rows_are_there`.
#[tokio::test]
async fn a_fence_that_is_closed_without_the_locks_would_let_a_transaction_that_wrote_go_on() {
    let rig = Rig::shop("mutant_locks").await;
    let mut client = rig.client().await;
    let mut writer = rig.client().await;
    let prepare = format!("PREPARE writing AS {INSERT}; EXECUTE writing");
    pass(&mut writer, &prepare).await;
    pass(&mut writer, "BEGIN").await;
    pass(&mut writer, "EXECUTE writing").await;

    pass(&mut client, &function(&rig.of, Body::Closed)).await;

    assert_eq!(run(&mut client, INSERT).await, read_only());
    pass(&mut writer, "EXECUTE writing").await;
    pass(&mut writer, "COMMIT").await;
    assert_eq!(rig.count("payments"), "4");
}

#[tokio::test]
async fn users_of_replication_and_sessions_that_apply_as_replicas_pass() {
    let mut rig = Rig::bare(server(), "let_through", SHOP, &SHOP_TABLES).await;
    let roles = "
        CREATE ROLE let_through LOGIN PASSWORD 'applies'; GRANT ALL ON payments TO let_through;
        CREATE ROLE not_let_through LOGIN PASSWORD 'applies'; GRANT ALL ON payments TO not_let_through";
    rig.server
        .run_script(&rig.at.database, roles)
        .expect("it is SQL");
    rig.of.apply_users = vec!["let_through".to_owned(), "nobody's".to_owned()];
    rig.control = open(Side::Source, &rig.at, &rig.of).await;
    take_lock(&rig.control).await;
    rig.control.prepare(&WRITER).await.expect("it is made");
    rig.close_for_long().await;
    let connect = async |user: &str| {
        let options = rig.server.postgres_options(&rig.at.database);
        PgConnection::connect_with(&options.username(user).password("applies"))
            .await
            .expect("it may log in")
    };
    let mut applier = connect("let_through").await;
    let mut stranger = connect("not_let_through").await;

    pass(&mut applier, INSERT).await;
    let marker = "INSERT INTO cutover_control.marker_forward VALUES (1)";
    pass(&mut applier, marker).await;
    assert_eq!(run(&mut stranger, INSERT).await, read_only());
    // It is who logged in that counts, not whom a session takes the part of.
    let mut disguised = rig.client().await;
    pass(&mut disguised, "SET ROLE let_through").await;
    assert_eq!(run(&mut disguised, INSERT).await, read_only());
    let mut replica = rig.client().await;
    pass(&mut replica, "SET session_replication_role = replica").await;
    pass(&mut replica, INSERT).await;

    // Of what is ours everybody can write to the probe alone, and its fence knows no exception.
    let read = "SELECT count(*) FROM cutover_control.marker_forward";
    pass(&mut stranger, read).await;
    for table in ["state", "journal", "marker_forward", "marker_reverse"] {
        let write = format!("DELETE FROM cutover_control.{table}");
        let denied = run(&mut stranger, &write).await;
        assert_eq!(denied, Err("42501".to_owned()), "{table}");
    }
    let probe = "INSERT INTO cutover_control.probe DEFAULT VALUES";
    assert_eq!(run(&mut stranger, probe).await, read_only());
    assert_eq!(run(&mut applier, probe).await, read_only());
}

#[tokio::test]
async fn markers_pass_their_own_fence_and_arrive_in_the_table_of_their_direction() {
    let rig = Rig::shop("markers").await;
    let other = open(Side::Target, &rig.at, &rig.of).await;
    rig.close_for_long().await;

    rig.control
        .mark(7)
        .await
        .expect("the fence lets it through");
    rig.control.mark(7).await.expect("twice is as good as once");

    // This one database is both sides; each looks where the other's markers arrive.
    assert!(other.has_marker(7).await.expect("it may be asked"));
    assert!(!other.has_marker(8).await.expect("it may be asked"));
    assert!(!rig.control.has_marker(7).await.expect("it may be asked"));
    other.mark(8).await.expect("it may");
    assert!(rig.control.has_marker(8).await.expect("it may be asked"));
}
