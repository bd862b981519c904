//! Servers that are killed while clients write to them, and what is there afterwards.

use std::collections::BTreeSet;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use cutover_local_db::{Engine, Options, Server};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection, Executor};
use tokio::task::LocalSet;

/// How many clients write at once: ours; more than one, as commits may be written together.
const CLIENTS: usize = 4;

/// How many rows are confirmed before the server is killed: ours; all clients are in the midst of it then.
const CONFIRMED: usize = 400;

const DATABASE: &str = "shop";

#[test]
fn postgresql_has_every_row_that_it_has_confirmed_when_it_is_killed_under_load() {
    for options in [Options::default(), Options::default().replicating()] {
        let server = Server::postgres(&options).unwrap();

        assert_nothing_is_lost(&server);
    }
}

#[test]
fn mariadb_has_every_row_that_it_has_confirmed_when_it_is_killed_under_load() {
    for options in [Options::default(), Options::default().replicating()] {
        let server = Server::mariadb(&options).unwrap();

        assert_nothing_is_lost(&server);
    }
}

fn assert_nothing_is_lost(server: &Server) {
    let table = "CREATE TABLE payments (id bigint PRIMARY KEY)";
    let made = server.create_database(DATABASE);
    made.and_then(|()| server.run_script(DATABASE, table))
        .expect("the server is new");

    let confirmed = kill_under_load(server);
    server.restart().expect("it started before");

    let rows = server.rows(DATABASE, "SELECT id FROM payments");
    let rows = rows.expect("the table is there");
    let kept: BTreeSet<String> = rows.into_iter().flatten().flatten().collect();
    let lost: Vec<usize> = confirmed
        .iter()
        .filter(|id| !kept.contains(&id.to_string()))
        .copied()
        .collect();
    assert!(confirmed.len() >= CONFIRMED, "the clients were held up");
    assert!(lost.is_empty(), "confirmed and not there: {lost:?}");
}

/// Lets clients write until enough is confirmed, and kills the server; returns all that was confirmed until it was dead.
fn kill_under_load(server: &Server) -> Vec<usize> {
    let (tell, told) = channel();
    thread::scope(|scope| {
        scope.spawn(move || load(server, &tell));
        let mut confirmed: Vec<usize> = told.iter().take(CONFIRMED).collect();
        server.kill();
        confirmed.extend(told);
        confirmed
    })
}

/// Connects all clients, and then lets them write until the server is gone.
#[tokio::main(flavor = "current_thread")]
async fn load(server: &Server, tell: &Sender<usize>) {
    // Nothing in it runs before it is waited for.
    let clients = LocalSet::new();
    for client in 0..CLIENTS {
        let tell = tell.clone();
        match server.engine() {
            Engine::Postgres => {
                let connected = server.postgres_options(DATABASE).connect().await;
                let connection = connected.expect("the server runs");
                clients.spawn_local(pay(connection, client, tell));
            }
            Engine::MariaDb => {
                let connected = server.mariadb_options(DATABASE).connect().await;
                let connection = connected.expect("the server runs");
                clients.spawn_local(pay(connection, client, tell));
            }
        }
    }
    clients.await;
}

/// Writes rows, each in a transaction of its own.
async fn pay<C>(mut connection: C, client: usize, tell: Sender<usize>)
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c>,
{
    for id in (client..).step_by(CLIENTS) {
        let insert = format!("INSERT INTO payments VALUES ({id})");
        if connection.execute(AssertSqlSafe(insert)).await.is_err() {
            return;
        }
        // Nobody listens any more only once a test has failed.
        let _ = tell.send(id);
    }
}
