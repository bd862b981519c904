//! Catalogs of a real MariaDB.

use cutover_core::validation::side::Side;
use cutover_driver::Hidden;
use cutover_local_db::Server;

use super::catalog;
use crate::Mysql;
use crate::mysql::look::look;
use crate::testing::{database_of, mariadb, printed};

#[tokio::test]
async fn everything_that_a_database_can_hold_is_found_also_by_a_user_that_may_only_read() {
    let database = mariadb("catalog_everything", include_str!("everything.sql")).await;
    let asked = ["catalog_everything".to_owned()];

    let found = catalog(&database, &asked)
        .await
        .expect("the superuser may read all of it");
    insta::assert_snapshot!(printed(&found));

    Server::shared_mariadb()
        .run_script(
            "catalog_everything",
            "CREATE USER catalog_reader IDENTIFIED BY 'p'; GRANT SELECT, TRIGGER ON catalog_everything.* TO catalog_reader",
        )
        .expect("the superuser may do that");
    let mut at = database.address.clone();
    (at.user, at.password) = ("catalog_reader".to_owned(), Hidden::new("p"));
    let reader = Mysql::open(Side::Source, &at).await.expect("it may log in");
    let read = catalog(&reader, &[]).await.expect("it may read all of it");
    assert_eq!(printed(&read), printed(&found));
    assert!(!look(&reader).await.expect("it may be asked").can_write);
}

#[tokio::test]
async fn what_the_user_may_not_read_is_marked() {
    let mut at = database_of(
        Server::shared_mariadb(),
        "catalog_rights",
        "CREATE TABLE closed (id int); CREATE TABLE half (id int, secret int); CREATE TABLE open (id int); \
         CREATE TABLE by_role (id int); CREATE ROLE catalog_role; GRANT SELECT ON catalog_rights.by_role TO catalog_role; \
         CREATE USER catalog_rights IDENTIFIED BY 'p'; GRANT INSERT ON catalog_rights.closed TO catalog_rights; \
         GRANT SELECT (id) ON catalog_rights.half TO catalog_rights; GRANT SELECT ON catalog_rights.open TO catalog_rights; \
         GRANT catalog_role TO catalog_rights; SET DEFAULT ROLE catalog_role FOR catalog_rights",
    );
    (at.user, at.password) = ("catalog_rights".to_owned(), Hidden::new("p"));
    let database = Mysql::open(Side::Source, &at).await.expect("it may log in");

    let found = catalog(&database, &["catalog_rights".to_owned()])
        .await
        .expect("catalogs are open to all");

    let rights: Vec<_> = found
        .tables
        .iter()
        .map(|table| (table.name.name.as_str(), table.readable))
        .collect();
    assert_eq!(
        rights,
        [
            ("by_role", true),
            ("closed", false),
            ("half", false),
            ("open", true)
        ]
    );
    assert!(look(&database).await.expect("it may be asked").can_write);
}

#[tokio::test]
async fn the_next_value_of_a_counter_is_fresh() {
    let database = mariadb(
        "catalog_counter",
        "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY)",
    )
    .await;
    let asked = ["catalog_counter".to_owned()];
    let next = |found: &cutover_core::validation::catalog::Catalog| found.sequences[0].next;
    let before = catalog(&database, &asked).await.expect("it may be read");
    assert_eq!(next(&before), 1);

    Server::shared_mariadb()
        .run_script(
            "catalog_counter",
            "INSERT INTO t VALUES (NULL), (NULL), (41)",
        )
        .expect("it is there");

    let after = catalog(&database, &asked).await.expect("it may be read");
    assert_eq!(next(&after), 42);
}
