//! Sessions and servers as they are met, of both engines.

use std::time::{Duration, Instant};

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::side::Side;
use cutover_driver::{Database as _, Databases as _, TlsWish};
use cutover_local_db::{Options, Server};
use futures_util::future::join_all;
use sqlx::Row;
use tokio::time::timeout;

use crate::testing::{address, database_of, mariadb, postgres};
use crate::{Connections, Mysql, Postgres};

#[tokio::test]
async fn sessions_of_postgresql_are_set_up_however_the_server_is() {
    let mut at = database_of(
        Server::shared_postgres(),
        "session_settings",
        "ALTER DATABASE session_settings SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE session_settings SET DateStyle = 'German'; \
         ALTER DATABASE session_settings SET bytea_output = 'escape'; ALTER DATABASE session_settings SET jit = on",
    );
    at.statement_timeout = Duration::from_millis(1500);
    let database = Postgres::open(Side::Source, &at)
        .await
        .expect("it is there");
    let mut session = database.session("looking").await.expect("it is open");

    for (name, expected) in [
        ("application_name", "cutover-validation"),
        ("TimeZone", "UTC"),
        ("DateStyle", "ISO, MDY"),
        ("IntervalStyle", "postgres"),
        ("bytea_output", "hex"),
        ("extra_float_digits", "1"),
        ("jit", "off"),
        ("statement_timeout", "1500ms"),
        ("lock_timeout", "1s"),
        ("idle_in_transaction_session_timeout", "11min"),
        ("default_transaction_read_only", "on"),
        ("max_parallel_workers_per_gather", "0"),
        ("row_security", "off"),
        ("search_path", ""),
        ("client_connection_check_interval", "1s"),
        ("client_encoding", "UTF8"),
    ] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(&mut *session)
            .await
            .expect("every setting is there");
        assert_eq!(value, expected, "{name}");
    }
}

#[tokio::test]
async fn sessions_of_mariadb_are_set_up_however_the_server_is() {
    let options = Options::default()
        .set(
            "sql_mode",
            "PAD_CHAR_TO_FULL_LENGTH,ANSI_QUOTES,PIPES_AS_CONCAT",
        )
        .set("default_time_zone", "+09:00")
        .set("character_set_server", "latin1");
    let server = Server::mariadb(&options).expect("it starts");
    let mut at = address(&server, "mysql");
    at.statement_timeout = Duration::from_millis(1500);
    let database = Mysql::open(Side::Source, &at).await.expect("it is there");
    let mut session = database.session("looking").await.expect("it is open");

    let row = sqlx::raw_sql(
        "SELECT @@time_zone, @@sql_mode, @@character_set_client, @@character_set_results, @@character_set_connection, \
                @@max_statement_time, @@tx_isolation, @@tx_read_only, @@lock_wait_timeout, @@autocommit",
    )
    .fetch_one(&mut *session)
    .await
    .expect("every variable is there");

    let values: Vec<String> = (0..row.len())
        .map(|index| row.try_get_unchecked(index).expect("it is text"))
        .collect();
    assert_eq!(
        values,
        [
            "+00:00",
            "NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES",
            "utf8mb4",
            "utf8mb4",
            "utf8mb4",
            "1.500000",
            "READ-COMMITTED",
            "1",
            "1",
            "1",
        ]
    );
}

#[tokio::test]
async fn a_transaction_of_its_own_may_write_a_marker() {
    let database = postgres("session_marker", "CREATE TABLE public.marker (n int)").await;
    let mut session = database.session("marking").await.expect("it is open");
    sqlx::raw_sql("BEGIN READ WRITE; INSERT INTO public.marker VALUES (1); COMMIT")
        .execute(&mut *session)
        .await
        .expect("it says that it writes");

    let database = mariadb("session_marker", "CREATE TABLE marker (n int)").await;
    let mut session = database.session("marking").await.expect("it is open");
    sqlx::raw_sql("START TRANSACTION READ WRITE; INSERT INTO marker VALUES (1); COMMIT")
        .execute(&mut *session)
        .await
        .expect("it says that it writes");
}

// What was dropped is put away by a task of the runtime, while the test waits for the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_is_dropped_is_cancelled_by_postgresql() {
    let server = Server::shared_postgres();
    let database = postgres("session_dropped", "").await;
    let mut session = database.session("reading").await.expect("it is open");
    let statement = sqlx::raw_sql("SELECT pg_sleep(60)").execute(&mut *session);
    timeout(Duration::from_millis(100), statement)
        .await
        .expect_err("it sleeps for longer");
    drop(session);

    // Each question takes the server a tenth of a second.
    let question = "SELECT count(*)::text FROM pg_sleep(0.1), pg_stat_activity \
                    WHERE datname = 'session_dropped' AND query LIKE '%sleep(60)%' AND state = 'active' \
                      AND pid <> pg_backend_pid()";
    let mut asked = 0;
    while running(server, question) {
        asked += 1;
        assert!(asked < 100, "it still runs");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_is_dropped_is_killed_on_mariadb_within_two_seconds() {
    let server = Server::shared_mariadb();
    let database = mariadb("session_dropped", "DO 0").await;
    let marked = |query: &str| format!("{query} /* is dropped */");
    for query in [
        marked("SELECT SLEEP(25)"),
        marked("SELECT SUM(CRC32(seq)) FROM seq_1_to_100000000000"),
    ] {
        // The server has it before it is dropped, however slow this machine is.
        let is_at_it = "SELECT COUNT(*) > 0 FROM information_schema.PROCESSLIST
                        WHERE ID <> CONNECTION_ID() AND INFO LIKE '%is dropped%'";
        let seen = || server.rows("session_dropped", is_at_it).expect("it is SQL")[0][0].clone();
        let begun = async {
            while seen().as_deref() != Some("1") {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            value = database.value(&query) => panic!("it takes longer: {value:?}"),
            () = begun => {}
        }

        let dropped = Instant::now();
        while seen().as_deref() == Some("1") {
            assert!(dropped.elapsed() < Duration::from_secs(2), "{query}");
        }
        // All three connections can be had again.
        let sessions = join_all((0..3).map(|_| database.session("reading"))).await;
        assert!(sessions.iter().all(Result::is_ok), "{sessions:?}");
    }
}

fn running(server: &Server, question: &str) -> bool {
    let rows = server.rows("session_dropped", question).expect("it is SQL");
    rows[0][0].as_deref() != Some("0")
}

#[tokio::test]
async fn a_postgresql_is_met() {
    let database = postgres("look_at", "CREATE TABLE public.t (id int)").await;

    let server = database.look().await.expect("it may be asked");

    assert_eq!(server.engine, Engine::Postgres);
    assert!(server.version_number >= 140_000, "{server:?}");
    let major = (server.version_number / 10_000).to_string();
    assert!(server.version.starts_with(&major), "{server:?}");
    assert_eq!(server.database, "look_at");
    assert!(!server.is_replica && server.can_write && server.tls.is_none());
    assert_eq!(server.max_packet, None);
    let again = database.look().await.expect("it may be asked");
    assert_eq!(again.identity, server.identity);
    let beside = postgres("look_beside", "").await;
    let beside = beside.look().await.expect("it may be asked");
    assert_ne!(beside.identity, server.identity);
}

#[tokio::test]
async fn a_mariadb_is_met_before_and_after_it_is_closed_to_writes() {
    let server = Server::mariadb(&Options::default()).expect("it starts");
    let database = Mysql::open(Side::Target, &address(&server, "mysql"))
        .await
        .expect("it is there");

    let met = database.look().await.expect("it may be asked");

    assert_eq!(met.engine, Engine::Mariadb);
    assert!(met.version_number >= 100_600, "{met:?}");
    assert!(!met.is_replica && met.can_write && met.tls.is_none());
    assert_eq!(met.max_packet, Some(16 * 1024 * 1024));
    server
        .run_script("mysql", "SET GLOBAL read_only = ON")
        .expect("the superuser may do that");
    let closed = database.look().await.expect("it may be asked");
    assert!(closed.is_replica);
    assert_eq!(closed.identity, met.identity);

    let other = mariadb("look_at", "DO 0").await;
    let other = other.look().await.expect("it may be asked");
    assert_ne!(other.identity, met.identity);
}

#[tokio::test]
async fn tls_is_seen_as_the_server_sees_it_with_what_was_verified() {
    for verified in [false, true] {
        let wish = |server: &Server| {
            if verified {
                TlsWish::Verified {
                    authorities: server.authority().map(str::to_owned),
                }
            } else {
                TlsWish::Unverified
            }
        };
        let mut at = address(Server::shared_postgres(), "postgres");
        at.tls = wish(Server::shared_postgres());
        let database = Postgres::open(Side::Source, &at).await.expect("it has TLS");
        let tls = database.look().await.expect("it may be asked").tls;
        let tls = tls.expect("it is encrypted");
        assert_eq!((tls.version.as_str(), tls.verified), ("TLSv1.3", verified));
        assert!(
            tls.cipher.contains("AES") || tls.cipher.contains("CHACHA"),
            "{tls:?}"
        );

        let mut at = address(Server::shared_mariadb(), "mysql");
        at.tls = wish(Server::shared_mariadb());
        let database = Mysql::open(Side::Source, &at).await.expect("it has TLS");
        let tls = database.look().await.expect("it may be asked").tls;
        let tls = tls.expect("it is encrypted");
        assert_eq!((tls.version.as_str(), tls.verified), ("TLSv1.3", verified));
    }
    // Nothing is left to chance where several providers of cryptography are linked.
    assert!(rustls::crypto::CryptoProvider::get_default().is_some());
}

#[tokio::test]
async fn mysql_and_mariadb_stand_for_each_other_and_the_server_says_which_it_is() {
    let mut at = address(Server::shared_mariadb(), "mysql");
    at.engine = Engine::Mysql;

    let opened = Connections.open(Side::Source, &at).await;

    let server = opened.expect("it is there").look().await;
    assert_eq!(server.expect("it may be asked").engine, Engine::Mariadb);
}
