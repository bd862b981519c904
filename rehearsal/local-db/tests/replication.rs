//! One server following another.

use cutover_local_db::{Engine, Error, Options, Replication, Server};

#[test]
fn carries_rows_to_a_target_of_the_same_engine() {
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let (source, target) = (start(engine), start(engine));
        make_table(&source, &target);
        insert(&source, 1);

        let replication = Replication::start(&source, &target, "shop").unwrap();
        insert(&source, 2);
        replication.catch_up().unwrap();

        assert_eq!(ids(&target), ["1", "2"], "{engine}");
    }
}

#[test]
fn carries_rows_to_another_major_version_of_postgresql() {
    let options = Options::default().replicating();
    let (source, target) = (
        start(Engine::Postgres),
        Server::postgres(&options.other_version()).unwrap(),
    );
    make_table(&source, &target);

    let replication = Replication::start(&source, &target, "shop").unwrap();
    insert(&source, 1);
    replication.catch_up().unwrap();

    assert_eq!(ids(&target), ["1"]);
}

#[test]
fn applies_nothing_while_it_is_paused_and_everything_after() {
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let (source, target) = (start(engine), start(engine));
        make_table(&source, &target);
        let replication = Replication::start(&source, &target, "shop").unwrap();

        replication.pause().unwrap();
        insert(&source, 1);
        let while_paused = ids(&target);
        replication.resume().unwrap();
        replication.catch_up().unwrap();

        assert_eq!(while_paused, [""; 0], "{engine}");
        assert_eq!(ids(&target), ["1"], "{engine}");
    }
}

#[test]
fn carries_nothing_any_more_when_it_is_stopped_and_can_be_started_anew() {
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let (source, target) = (start(engine), start(engine));
        make_table(&source, &target);
        let replication = Replication::start(&source, &target, "shop").unwrap();

        replication.stop().unwrap();
        insert(&source, 1);

        assert_eq!(ids(&target), [""; 0], "{engine}");
        Replication::start(&source, &target, "shop").unwrap();
        assert_eq!(ids(&target), ["1"], "{engine}");
    }
}

#[test]
fn refuses_servers_of_different_engines() {
    let source = Server::shared_postgres();

    let refused = Replication::start(source, Server::shared_mariadb(), "shop");

    assert!(matches!(refused, Err(Error::Unfit { .. })), "{refused:?}");
}

fn start(engine: Engine) -> Server {
    let options = Options::default().replicating();
    let started = match engine {
        Engine::Postgres => Server::postgres(&options),
        Engine::MariaDb => Server::mariadb(&options),
    };
    started.unwrap_or_else(|error| panic!("{error}"))
}

/// Makes the table where the engine does not carry it itself.
fn make_table(source: &Server, target: &Server) {
    let targets = (target.engine() == Engine::Postgres).then_some(target);
    for server in [source].into_iter().chain(targets) {
        server.create_database("shop").expect("the server is new");
        let table = "CREATE TABLE payments (id int PRIMARY KEY)";
        server
            .run_script("shop", table)
            .expect("the database is new");
    }
}

fn insert(source: &Server, id: u32) {
    let statement = format!("INSERT INTO payments VALUES ({id})");
    source
        .run_script("shop", &statement)
        .expect("the row is new");
}

fn ids(target: &Server) -> Vec<String> {
    let rows = target.rows("shop", "SELECT id FROM payments ORDER BY id");
    let rows = rows.expect("the table is there");
    rows.into_iter().flatten().flatten().collect()
}
