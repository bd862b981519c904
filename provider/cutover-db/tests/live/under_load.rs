//! The source is written to all the while, and the target follows by the engine's own replication.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::report::{RowDifferenceKind, Verdict};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::{Follow, Spec};
use cutover_local_db::{Options, Replication, Server};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::given::{Pair, differences, rows_of_all_tables, table};

/// The database on both servers.
const DATABASE: &str = "load";

/// Rows that are there from the beginning.
const ROWS: u64 = 60_000;

/// Rows that the writer leaves alone, so that what differs there is known: the first so many.
const COLD: u64 = 20_000;

/// The row that is written to at every turn.
const HOT: u64 = COLD + 1;

/// The source under a load, and what it has written so far.
struct Load<'a> {
    stop: &'a AtomicBool,
    writes: &'a AtomicU64,
}

impl Load<'_> {
    /// Writes until told to stop: new payments, changed ones, removed ones, and one row again and again.
    fn run(&self, server: &Server, engine: Engine) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let done = match engine {
            Engine::Postgres => runtime.block_on(async {
                let mut session = server.postgres_options(DATABASE).connect().await?;
                while !self.stop.load(Ordering::Relaxed) {
                    let statements = self.turn();
                    sqlx::raw_sql(AssertSqlSafe(statements))
                        .execute(&mut session)
                        .await?;
                }
                session.close().await
            }),
            Engine::Mysql | Engine::Mariadb => runtime.block_on(async {
                let mut session = server.mariadb_options(DATABASE).connect().await?;
                while !self.stop.load(Ordering::Relaxed) {
                    let statements = self.turn();
                    sqlx::raw_sql(AssertSqlSafe(statements))
                        .execute(&mut session)
                        .await?;
                }
                session.close().await
            }),
        };
        done.expect("the source takes writes");
    }

    /// The statements of the next turn.
    fn turn(&self) -> String {
        let turn = self.writes.fetch_add(4, Ordering::Relaxed);
        // Scattered over all rows but the cold ones.
        let scattered = |salt: u64| COLD + 2 + (turn * 7_919 + salt * 104_729) % (ROWS - COLD - 2);
        let new = ROWS + 1 + turn;
        format!(
            "INSERT INTO payments VALUES ({new}, {turn} / 100.0, 'pending', 'written under load');
             UPDATE payments SET amount = amount + 1, status = 'settled' WHERE id = {};
             DELETE FROM payments WHERE id = {};
             UPDATE payments SET amount = amount + 1 WHERE id = {HOT};",
            scattered(1),
            scattered(2)
        )
    }
}

fn servers(engine: Engine) -> Both<Server> {
    let options = Options::default().replicating();
    let start = || match engine {
        Engine::Postgres => Server::postgres(&options),
        Engine::Mysql | Engine::Mariadb => Server::mariadb(&options),
    };
    Both {
        source: start().expect("the source starts"),
        target: start().expect("the target starts"),
    }
}

fn create(engine: Engine) -> (&'static str, String) {
    let table = "CREATE TABLE payments (id bigint PRIMARY KEY, amount decimal(14,2) NOT NULL,
                 status varchar(20) NOT NULL, note varchar(80))";
    let series = match engine {
        Engine::Postgres => format!("generate_series(1, {ROWS}) i"),
        Engine::Mysql | Engine::Mariadb => format!("(SELECT seq i FROM seq_1_to_{ROWS}) s"),
    };
    (
        table,
        format!(
            "INSERT INTO payments SELECT i, i / 100.0, 'pending', 'there before' FROM {series}"
        ),
    )
}

fn following() -> Spec {
    Spec {
        follow: Follow::Native,
        ..rows_of_all_tables()
    }
}

/// Validates twice under a load: the copy as it is, and with differences among the cold rows.
fn check(engine: Engine) {
    let servers: &'static Both<Server> = Box::leak(Box::new(servers(engine)));
    let (table_statement, rows) = create(engine);
    servers
        .source
        .create_database(DATABASE)
        .expect("the name is new");
    let pair = Pair::of(servers.as_ref(), Both::of(|_| DATABASE.to_owned()));
    pair.run(Side::Source, table_statement);
    if engine == Engine::Postgres {
        // Its replication carries rows alone.
        servers
            .target
            .create_database(DATABASE)
            .expect("the name is new");
        pair.run(Side::Target, table_statement);
    }
    pair.run(Side::Source, &rows);
    let replication =
        Replication::start(&servers.source, &servers.target, DATABASE).expect("the target follows");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (stop, writes) = (AtomicBool::new(false), AtomicU64::new(0));
    let load = Load {
        stop: &stop,
        writes: &writes,
    };

    let (equal, changed) = thread::scope(|scope| {
        let loading = scope.spawn(|| load.run(&servers.source, engine));
        // A writer that failed must not be waited for.
        let stopping = Stopping(&stop);
        let equal = runtime.block_on(pair.validate(following()));
        pair.run(Side::Target, &planted());
        let changed = runtime.block_on(pair.validate(following()));
        drop(stopping);
        loading.join().expect("the writer ends");
        (equal, changed)
    });

    let found = table(&equal, "payments");
    assert_eq!(differences(found), [], "{:?}", equal.reasons);
    assert_eq!(equal.verdict, Verdict::Matched, "{:?}", equal.reasons);
    assert!(writes.load(Ordering::Relaxed) > 1_000, "there was no load");
    assert_eq!(differences(table(&changed, "payments")), expected());
    assert_eq!(changed.verdict, Verdict::Mismatched);
    replication.stop().expect("the target stops to follow");
    servers.source.stop();
    servers.target.stop();
}

/// Lets the writer end also when the test fails.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Differences among the rows that are not written to: four of them changed, three gone, three new.
fn planted() -> String {
    "UPDATE payments SET amount = amount + 0.01 WHERE id IN (1, 5000, 12345, 20000);
     DELETE FROM payments WHERE id IN (2, 9999, 19999);
     INSERT INTO payments VALUES (-1, 1, 'pending', NULL), (-2, 1, 'pending', NULL),
         (9000000000, 1, 'pending', NULL);"
        .to_owned()
}

fn expected() -> Vec<(RowDifferenceKind, String, Vec<String>)> {
    let row = |kind, key: &str, columns: &[&str]| {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        (kind, key.to_owned(), columns)
    };
    let mut rows: Vec<_> = ["2", "9999", "19999"]
        .map(|key| row(RowDifferenceKind::Missing, key, &[]))
        .into_iter()
        .chain(["-1", "-2", "9000000000"].map(|key| row(RowDifferenceKind::Extra, key, &[])))
        .chain(
            ["1", "5000", "12345", "20000"]
                .map(|key| row(RowDifferenceKind::Different, key, &["amount"])),
        )
        .collect();
    rows.sort();
    rows
}

/// D24, D25
#[test]
fn a_busy_postgresql_that_is_followed_gives_no_false_alarm_and_hides_nothing() {
    check(Engine::Postgres);
}

/// D24, D25
#[test]
fn a_busy_mariadb_that_is_followed_gives_no_false_alarm_and_hides_nothing() {
    check(Engine::Mariadb);
}
