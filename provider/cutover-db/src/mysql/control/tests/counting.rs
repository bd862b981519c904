//! The place in the binary log, and what counts up.

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::Side;
use cutover_core::writer_switch::control::{Captured, LogPosition};
use cutover_driver::WriterControl as _;
use cutover_local_db::{Options, Server};

use super::{AT_FIRST, INSERT, TABLE, a_source, a_target, rig, run};

#[tokio::test]
async fn what_is_written_after_a_place_was_noted_is_in_the_log_from_there_and_nothing_from_before()
{
    let server = Server::mariadb(&Options::default().replicating()).expect("it starts");
    let rig = rig(&server, "shop", TABLE, &["payments"], Side::Source).await;
    rig.writer.prepare(&AT_FIRST).await.expect("it may be made");
    let mut client = rig.client().await;
    assert_eq!(run(&mut client, INSERT).await, Ok(1));

    let place = rig.writer.capture("back_1").await.expect("it can be read");
    assert_eq!(run(&mut client, INSERT).await, Ok(1));

    let LogPosition::Binlog { file, position } = &place else {
        panic!("it has a binary log: {place:?}");
    };
    let payments = |from: &str| {
        let events = server.rows("shop", &format!("SHOW BINLOG EVENTS IN '{file}' {from}"));
        let events = events.expect("it is the start of an event");
        let of_payments = |event: &&Vec<Option<String>>| {
            event[2].as_deref() == Some("Table_map")
                && event[5]
                    .as_deref()
                    .is_some_and(|info| info.contains("(shop.payments)"))
        };
        events.iter().filter(of_payments).count()
    };
    assert_eq!(payments(&format!("FROM {position}")), 1, "the second");
    assert_eq!(payments(""), 2, "the first is before the place");
    assert_eq!(place.cdc_start(), format!("{file}:{position}"));
}

#[tokio::test]
async fn a_noted_place_is_kept_until_it_is_replaced_or_given_up() {
    let server = Server::mariadb(&Options::default().replicating()).expect("it starts");
    let rig = rig(&server, "shop", TABLE, &["payments"], Side::Source).await;
    rig.writer.prepare(&AT_FIRST).await.expect("it may be made");

    let first = rig.writer.capture("back_1").await.expect("it can be read");
    let kept = rig.look().await.captured;
    let name = "back_1".to_owned();
    let position = first.clone();
    assert_eq!(kept, Some(Captured { name, position }));

    let other = rig.writer.release("back_0").await;
    other.expect("it is no place of ours");
    assert!(rig.look().await.captured.is_some());
    let second = rig.writer.capture("back_1").await.expect("it can be read");
    assert_ne!(second, first);
    let kept = rig.look().await.captured.map(|kept| kept.position);
    assert_eq!(kept, Some(second));
    let released = rig.writer.release("back_1").await;
    released.expect("it may be given up");
    assert_eq!(rig.look().await.captured, None);
}

#[tokio::test]
async fn a_log_that_replication_cannot_read_is_refused_with_what_must_be_different() {
    let unfit = Options::default()
        .replicating()
        .set("binlog-format", "MIXED")
        .set("binlog-row-image", "MINIMAL");
    let without = Options::default().set("binlog-format", "ROW");
    for (options, expected) in [
        (
            unfit,
            "replication cannot read the binary log: `binlog_format` is `MIXED` and must be `ROW`; \
             `binlog_row_image` is `MINIMAL` and must be `FULL`",
        ),
        (
            without,
            "replication cannot read the binary log: `log_bin` is `OFF` and must be `ON`",
        ),
    ] {
        let server = Server::mariadb(&options).expect("it starts");
        let rig = rig(&server, "shop", TABLE, &["payments"], Side::Source).await;
        rig.writer.prepare(&AT_FIRST).await.expect("it may be made");

        let refused = rig.writer.capture("back_1").await;

        let refused = refused.expect_err("it is unfit");
        assert_eq!(refused.class, DbFailureClass::Unsupported);
        assert_eq!(refused.message, expected);
        assert_eq!(rig.look().await.captured, None);
    }
}

#[tokio::test]
async fn counters_are_read_with_what_they_fill_and_set_to_what_is_given_next() {
    let script = "
        CREATE TABLE payments (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, amount int);
        INSERT INTO payments VALUES (41, 1);
        CREATE TABLE empty (id smallint AUTO_INCREMENT PRIMARY KEY);
        CREATE SEQUENCE numbers START WITH 10 INCREMENT BY 5 MAXVALUE 1000 NOCACHE;
        CREATE TABLE invoices (id int PRIMARY KEY DEFAULT NEXTVAL(numbers), amount int);
        INSERT INTO invoices (amount) VALUES (1), (1);
        CREATE TABLE plain (id int PRIMARY KEY);
        CREATE TABLE apart (id int AUTO_INCREMENT PRIMARY KEY)";
    let tables = ["empty", "invoices", "payments", "plain"];
    let rig = a_source("identities", script, &tables).await;

    let read = rig.writer.identities().await.expect("they may be read");

    let seen: Vec<_> = read
        .iter()
        .map(|one| {
            let name = &one.name[..];
            (name, one.next, one.greatest, one.increment, one.limit)
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("empty.id", 1, None, 1, 32_767),
            ("invoices.id", 20, Some(15), 5, 1_000),
            ("payments.id", 42, Some(41), 1, i128::from(u64::MAX)),
        ]
    );
    let next: Vec<(String, i128)> = read
        .iter()
        .map(|one| (one.name.clone(), one.next + 100))
        .collect();
    let set = rig.writer.set_identities(&next).await;
    set.expect("they may be set");
    let mut client = rig.client().await;
    for insert in [
        "INSERT INTO empty VALUES (NULL)",
        "INSERT INTO invoices (amount) VALUES (2)",
        INSERT,
    ] {
        assert_eq!(run(&mut client, insert).await, Ok(1), "{insert}");
    }
    let greatest = "SELECT (SELECT MAX(id) FROM empty), (SELECT MAX(id) FROM invoices), (SELECT MAX(id) FROM payments)";
    assert_eq!(rig.ask(greatest), "101 120 142");
    let unknown = [("plain.id".to_owned(), 5)];
    let refused = rig.writer.set_identities(&unknown).await;
    let class = refused.map_err(|failure| failure.class);
    assert_eq!(class, Err(DbFailureClass::Missing));
}

#[tokio::test]
async fn counters_can_be_set_while_the_fence_holds() {
    let rig = a_target("identities_closed", TABLE, &["payments"]).await;

    let next = [("payments.id".to_owned(), 500)];
    let set = rig.writer.set_identities(&next).await;

    set.expect("they may be set");
    let read = rig.writer.identities().await.expect("they may be read");
    assert_eq!(read[0].next, 500);
}
