//! The target follows by something that tells no positions, and markers say how far it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cutover_core::validation::facts::Position;
use cutover_core::validation::report::{Report, RowDifferenceKind, Verdict};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::{Follow, Spec};
use cutover_driver::Validated;
use cutover_local_db::{Engine, Options, Replication, Server, Tls};

use crate::given::{differences, rows_of_all_tables, table, to_the_end};
use crate::page::Reader;

/// The database, as the page calls it.
const DATABASE: &str = "shop";

/// How long a marker may keep us waiting: far more than a validation takes until it writes the first.
const PATIENCE: Duration = Duration::from_mins(1);

/// Servers with what the page says, and a target that follows the source.
fn following(engine: Engine) -> (Both<Reader>, Replication<'static>) {
    let options = Options::default().tls(Tls::Valid).replicating();
    let readers = Both::of(|side| {
        let server = match engine {
            Engine::Postgres => Server::postgres(&options),
            Engine::MariaDb => Server::mariadb(&options),
        };
        Reader {
            server: Box::leak(Box::new(server.expect("it starts"))),
            side,
            database: DATABASE.to_owned(),
            user: "cutover_reader".to_owned(),
        }
    });
    let (source, target) = (&readers.source, &readers.target);
    let payments = "CREATE TABLE payments (id bigint PRIMARY KEY, amount decimal(14,2) NOT NULL)";
    let create = |reader: &Reader, blocks: [&str; 2]| {
        reader
            .server
            .create_database(DATABASE)
            .expect("the name is new");
        reader.run(payments);
        for block in blocks {
            reader.paste(block);
        }
    };
    match engine {
        Engine::Postgres => {
            create(source, ["postgres-user", "postgres-marker"]);
            source.paste("postgres-marker-source");
            source.run("INSERT INTO payments SELECT i, i FROM generate_series(1, 5000) i");
            create(target, ["postgres-user", "postgres-marker"]);
        }
        Engine::MariaDb => {
            // Its replication brings databases, users and their rights too.
            create(source, ["mysql-user", "mysql-marker"]);
            source.paste("mysql-marker-source");
            source.run("INSERT INTO payments SELECT seq, seq FROM seq_1_to_5000");
        }
    }
    let replication =
        Replication::start(source.server, target.server, DATABASE).expect("the target follows");
    (readers, replication)
}

fn spec() -> Spec {
    Spec {
        follow: Follow::Marker {
            table: "cutover_control.marker".to_owned(),
        },
        require_tls: true,
        ..rows_of_all_tables()
    }
}

fn validated(readers: &Both<Reader>) -> Report {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let databases = Both {
            source: readers.source.open().await,
            target: readers.target.open().await,
        };
        match to_the_end(spec(), databases).await {
            Validated::Done { report, .. } => *report,
            other => panic!("the validation did not come to its end: {other:?}"),
        }
    })
}

/// How many markers the source has.
fn markers(reader: &Reader) -> u64 {
    let rows = reader
        .server
        .rows(DATABASE, "SELECT count(*) FROM cutover_control.marker")
        .expect("the table is there");
    let count = rows[0][0].as_deref().expect("a count is not null");
    count.parse().expect("a count is a number")
}

/// Changes rows while the target stands still, validates, and lets the target go on when the validation waits for a marker.
/// The source is written to all the while.
fn check(engine: Engine) {
    let (readers, replication) = following(engine);
    let (source, target) = (&readers.source, &readers.target);
    replication.pause().expect("the target can be paused");
    source.run("UPDATE payments SET amount = amount + 1 WHERE id <= 10");
    assert_eq!(markers(source), 0);
    let stop = AtomicBool::new(false);

    let late = thread::scope(|scope| {
        scope.spawn(|| {
            let begun = Instant::now();
            while markers(source) == 0 && begun.elapsed() < PATIENCE {}
            replication.resume().expect("the target can go on");
        });
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                source.run("UPDATE payments SET amount = amount + 1 WHERE id BETWEEN 100 AND 120");
            }
        });
        let stopping = Stopping(&stop);
        let late = validated(&readers);
        drop(stopping);
        late
    });
    replication.catch_up().expect("the target follows");
    target.run("UPDATE payments SET amount = amount + 1 WHERE id = 4000");
    let planted = validated(&readers);

    assert_eq!(late.verdict, Verdict::Matched, "{late:#?}");
    assert_eq!(differences(table_of(&late)), []);
    let Some(Position::Marker(number)) = late.position else {
        panic!("there was no marker: {:?}", late.position);
    };
    assert!(number >= 1 && markers(source) >= number);
    assert!(late.servers.get(Side::Source).can_write);
    assert_eq!(planted.verdict, Verdict::Mismatched);
    assert_eq!(
        differences(table_of(&planted)),
        [(
            RowDifferenceKind::Different,
            "4000".to_owned(),
            vec!["amount".to_owned()]
        )]
    );
    // The marker's table is ours, and is not compared.
    assert_eq!(late.data_validation.tables.len(), 1);
    replication.stop().expect("the target stops to follow");
    source.server.stop();
    target.server.stop();
}

fn table_of(report: &Report) -> &cutover_core::validation::report::TableReport {
    let label = &report.data_validation.tables[0].table;
    table(report, label)
}

/// Lets the writer end also when the test fails.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// D25
#[test]
fn postgresql_is_followed_by_markers_with_the_rights_of_the_page() {
    check(Engine::Postgres);
}

/// D25
#[test]
fn mariadb_is_followed_by_markers_with_the_rights_of_the_page() {
    check(Engine::MariaDb);
}
