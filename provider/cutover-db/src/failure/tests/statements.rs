//! Statements that fail.

use std::time::Duration;

use cutover_core::validation::facts::DbFailureClass as Class;
use cutover_core::validation::side::Side;
use cutover_driver::Hidden;
use cutover_local_db::Server;

use super::{of_mariadb, of_postgres};
use crate::testing::{database_of, mariadb, postgres as a_postgres};
use crate::{Mysql, Postgres};

#[tokio::test]
async fn a_table_that_is_not_there_and_sql_that_is_none_are_told_apart() {
    let database = a_postgres("failure_missing", "").await;
    let missing = of_postgres(&database, "SELECT 1 FROM public.nothing").await;
    assert_eq!(missing.class, Class::Missing);
    assert_eq!(missing.code.as_deref(), Some("42P01"));
    assert_eq!(
        missing.message,
        "relation \"public.nothing\" does not exist"
    );
    let malformed = of_postgres(&database, "SELECT FROM WHERE").await;
    assert_eq!(malformed.class, Class::Malformed);

    let database = mariadb("failure_missing", "DO 0").await;
    let missing = of_mariadb(&database, "SELECT 1 FROM nothing").await;
    assert_eq!(missing.class, Class::Missing);
    assert_eq!(missing.code.as_deref(), Some("1146"));
    let malformed = of_mariadb(&database, "SELECT FROM WHERE").await;
    assert_eq!(malformed.class, Class::Malformed);
}

#[tokio::test]
async fn what_the_user_may_not_read_is_denied() {
    let server = Server::shared_postgres();
    let mut at = database_of(
        server,
        "failure_denied",
        "CREATE ROLE failure_denied LOGIN PASSWORD 'never-to-be-seen'; CREATE TABLE public.closed (id int); \
         CREATE TABLE public.guarded (id int); ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY; \
         GRANT SELECT ON public.guarded TO failure_denied",
    );
    (at.user, at.password) = ("failure_denied".to_owned(), Hidden::new("never-to-be-seen"));
    let database = Postgres::open(Side::Source, &at)
        .await
        .expect("it may log in");
    let closed = of_postgres(&database, "SELECT FROM public.closed").await;
    assert_eq!(closed.class, Class::Denied, "{closed:?}");
    // Rows that are hidden are an error, and not fewer rows.
    let guarded = of_postgres(&database, "SELECT FROM public.guarded").await;
    assert_eq!(guarded.class, Class::Denied, "{guarded:?}");

    let server = Server::shared_mariadb();
    let mut at = database_of(
        server,
        "failure_denied",
        "CREATE TABLE closed (id int); CREATE TABLE open (id int); \
         CREATE USER failure_denied IDENTIFIED BY 'never-to-be-seen'; GRANT SELECT ON failure_denied.open TO failure_denied",
    );
    (at.user, at.password) = ("failure_denied".to_owned(), Hidden::new("never-to-be-seen"));
    let database = Mysql::open(Side::Source, &at).await.expect("it may log in");
    let closed = of_mariadb(&database, "SELECT 1 FROM closed").await;
    assert_eq!(closed.class, Class::Denied, "{closed:?}");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cancelled_by_the_server() {
    let mut at = database_of(Server::shared_postgres(), "failure_slow", "");
    at.statement_timeout = Duration::from_millis(100);
    let database = Postgres::open(Side::Source, &at)
        .await
        .expect("it is there");
    let slow = of_postgres(&database, "SELECT pg_catalog.pg_sleep(20)").await;
    assert_eq!(slow.class, Class::TimedOut, "{slow:?}");

    let mut at = database_of(Server::shared_mariadb(), "failure_slow", "DO 0");
    at.statement_timeout = Duration::from_millis(100);
    let database = Mysql::open(Side::Source, &at).await.expect("it is there");
    let slow = of_mariadb(&database, "SELECT COUNT(*) FROM information_schema.COLLATIONS a, information_schema.COLLATIONS b, information_schema.COLLATIONS c").await;
    assert_eq!(slow.class, Class::TimedOut, "{slow:?}");
}

#[tokio::test]
async fn sessions_only_read() {
    let database = a_postgres("failure_writes", "CREATE TABLE public.t (id int)").await;
    let written = of_postgres(&database, "INSERT INTO public.t VALUES (1)").await;
    assert_eq!(written.class, Class::Changed, "{written:?}");

    let database = mariadb("failure_writes", "CREATE TABLE t (id int)").await;
    let written = of_mariadb(&database, "INSERT INTO t VALUES (1)").await;
    assert_eq!(written.class, Class::Changed, "{written:?}");
}

#[tokio::test]
async fn a_locked_table_is_waited_for_no_longer_than_a_second() {
    use sqlx::Connection as _;
    let server = Server::shared_postgres();
    let database = a_postgres("failure_locked", "CREATE TABLE public.t (id int)").await;
    let mut holder = sqlx::PgConnection::connect_with(&server.postgres_options("failure_locked"))
        .await
        .expect("it is there");
    sqlx::raw_sql("BEGIN; LOCK TABLE public.t")
        .execute(&mut holder)
        .await
        .expect("nobody else locks it");
    let locked = of_postgres(&database, "SELECT FROM public.t").await;
    assert_eq!(locked.class, Class::Busy, "{locked:?}");

    let server = Server::shared_mariadb();
    let database = mariadb("failure_locked", "CREATE TABLE t (id int)").await;
    let mut holder = sqlx::MySqlConnection::connect_with(&server.mariadb_options("failure_locked"))
        .await
        .expect("it is there");
    sqlx::raw_sql("LOCK TABLES t WRITE")
        .execute(&mut holder)
        .await
        .expect("nobody else locks it");
    let locked = of_mariadb(&database, "SELECT 1 FROM t").await;
    assert_eq!(locked.class, Class::Busy, "{locked:?}");
}

#[tokio::test]
async fn values_that_a_server_quotes_are_left_out() {
    let database = a_postgres(
        "failure_values",
        "CREATE TABLE public.t (card text); INSERT INTO public.t VALUES ('4111-1111')",
    )
    .await;
    for statement in [
        "SELECT card::int FROM public.t",
        "SELECT card::date FROM public.t",
        "SELECT card::uuid FROM public.t",
        "SELECT card::jsonb FROM public.t",
        "DO $$ BEGIN RAISE 'card %', (SELECT card FROM public.t); END $$",
    ] {
        let failure = of_postgres(&database, statement).await;
        assert_eq!(failure.class, Class::Other, "{failure:?}");
        assert!(!format!("{failure:?}").contains("4111"), "{failure:?}");
        assert!(failure.code.is_some(), "{failure:?}");
    }

    let database = mariadb(
        "failure_values",
        "CREATE TABLE t (card varchar(20) PRIMARY KEY); INSERT INTO t VALUES ('4111-1111')",
    )
    .await;
    for statement in [
        "START TRANSACTION READ WRITE; INSERT INTO t VALUES ('4111-1111')",
        "START TRANSACTION READ WRITE; INSERT INTO t SELECT CONCAT(card, REPEAT('x', 20)) FROM t",
        "BEGIN NOT ATOMIC SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'card 4111-1111'; END",
    ] {
        let failure = of_mariadb(&database, statement).await;
        assert_eq!(failure.class, Class::Other, "{failure:?}");
        assert!(!format!("{failure:?}").contains("4111"), "{failure:?}");
        assert!(failure.code.is_some(), "{failure:?}");
    }
}
