//! Catalogs of real servers.

use cutover_core::validation::side::Side;
use cutover_driver::{Database as _, Hidden};
use cutover_local_db::{Options, Server};

use super::catalog;
use crate::Postgres;
use crate::testing::{database_of, printed};

/// Two schemas of the three that the script makes.
fn asked() -> [String; 2] {
    ["pay".to_owned(), "Odd \"names\"".to_owned()]
}

#[tokio::test]
async fn everything_that_a_schema_can_hold_is_found() {
    let script = include_str!("everything.sql");
    let database = crate::testing::postgres("catalog_everything", script).await;

    let found = catalog(&database, &asked())
        .await
        .expect("the superuser may read all of it");

    insta::assert_snapshot!(printed(&found));
}

#[tokio::test]
async fn all_schemas_are_read_when_none_is_asked_for_and_none_of_the_servers_own() {
    let script = "CREATE SCHEMA a; CREATE TABLE a.t (id int); CREATE TABLE public.t (id int); CREATE TEMP TABLE t (id int)";
    let database = crate::testing::postgres("catalog_all", script).await;

    let found = catalog(&database, &[]).await.expect("it may be read");

    let names: Vec<String> = found
        .tables
        .iter()
        .map(|table| table.name.to_string())
        .collect();
    assert_eq!(names, ["a.t", "public.t"]);
}

#[tokio::test]
async fn what_the_user_may_not_read_or_sees_in_part_only_is_marked() {
    let mut at = database_of(
        Server::shared_postgres(),
        "catalog_rights",
        "CREATE ROLE catalog_rights LOGIN PASSWORD 'p'; CREATE SCHEMA shut; CREATE TABLE shut.t (id int); \
         GRANT SELECT ON shut.t TO catalog_rights; \
         CREATE TABLE public.closed (id int); CREATE TABLE public.half (id int, secret int); \
         GRANT SELECT (id) ON public.half TO catalog_rights; \
         CREATE TABLE public.guarded (id int); ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY; \
         CREATE TABLE public.open (id int); GRANT SELECT ON public.open, public.guarded TO catalog_rights",
    );
    (at.user, at.password) = ("catalog_rights".to_owned(), Hidden::new("p"));
    let database = Postgres::open(Side::Source, &at)
        .await
        .expect("it may log in");

    let found = catalog(&database, &[])
        .await
        .expect("catalogs are open to all");

    let rights: Vec<_> = found
        .tables
        .iter()
        .map(|table| (table.name.to_string(), table.readable, table.hides_rows))
        .collect();
    assert_eq!(
        rights,
        [
            ("public.closed".to_owned(), false, false),
            ("public.guarded".to_owned(), true, true),
            ("public.half".to_owned(), false, false),
            ("public.open".to_owned(), true, false),
            ("shut.t".to_owned(), false, false),
        ]
    );
    let seen = database.look().await.expect("it may be asked");
    assert!(!seen.can_write);
}

#[tokio::test]
async fn a_failed_concurrent_build_leaves_an_index_that_is_not_valid() {
    let server = Server::shared_postgres();
    let script = "CREATE TABLE public.t (id int); INSERT INTO public.t VALUES (1), (1)";
    let database = crate::testing::postgres("catalog_invalid", script).await;
    server
        .run_script(
            "catalog_invalid",
            "CREATE UNIQUE INDEX CONCURRENTLY twice ON public.t (id)",
        )
        .expect_err("the same value is there twice");

    let found = catalog(&database, &[]).await.expect("it may be read");

    assert!(!found.tables[0].indexes[0].valid);
}

#[tokio::test]
async fn sizes_are_estimated_before_and_after_the_first_analysis_and_over_partitions() {
    let server = Server::shared_postgres();
    let script = "CREATE TABLE public.t (id int) PARTITION BY RANGE (id); \
                  CREATE TABLE public.t1 PARTITION OF public.t FOR VALUES FROM (0) TO (500); \
                  CREATE TABLE public.t2 PARTITION OF public.t FOR VALUES FROM (500) TO (5000); \
                  INSERT INTO public.t SELECT generate_series(0, 1999)";
    let database = crate::testing::postgres("catalog_sizes", script).await;
    server
        .run_script("catalog_sizes", "ANALYZE public.t")
        .expect("it is there");

    let found = catalog(&database, &[]).await.expect("it may be read");

    assert_eq!(found.tables.len(), 1);
    assert_eq!(found.tables[0].estimated_rows, 2000);
    assert!(found.tables[0].bytes >= 2000 * 28);
}

#[tokio::test]
async fn another_major_version_is_read_the_same_way() {
    let options = Options::default().other_version();
    let server = Server::postgres(&options).expect("it starts");
    let script = "CREATE TABLE public.t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n numeric(5, 2) CHECK (n > 0), \
                  twice numeric GENERATED ALWAYS AS (n * 2) STORED, s text DEFAULT 'a')";
    let at = database_of(&server, "catalog_other", script);
    let database = Postgres::open(Side::Source, &at)
        .await
        .expect("it is there");

    let found = catalog(&database, &[]).await.expect("it may be read");

    insta::assert_snapshot!(printed(&found));
}
