//! Two databases, and a validation of them.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::report::{Report, RowDifferenceKind, TableReport};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::{Checks, Limits, RowCheck, Spec};
use cutover_db::Connections;
use cutover_driver::{
    Address, Database, Databases as _, Hidden, SystemClock, TlsWish, Validated, validate,
};
use cutover_local_db::Server;

/// Every pair of databases has names of its own.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Source and target.
#[derive(Debug)]
pub(crate) struct Pair {
    servers: Both<&'static Server>,
    databases: Both<String>,
}

impl Pair {
    /// Makes two empty databases on the servers that all tests share.
    pub(crate) fn new(source: Engine, target: Engine) -> Self {
        let server = |engine| match engine {
            Engine::Postgres => Server::shared_postgres(),
            Engine::Mysql | Engine::Mariadb => Server::shared_mariadb(),
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let pair = Self::of(
            Both {
                source: server(source),
                target: server(target),
            },
            Both::of(|side| format!("live_{number}_{side}")),
        );
        for side in Side::BOTH {
            let server = pair.servers.get(side);
            server
                .create_database(pair.databases.get(side))
                .expect("the name is new");
        }
        pair
    }

    /// Takes two databases that are there.
    pub(crate) fn of(servers: Both<&'static Server>, databases: Both<String>) -> Self {
        Self { servers, databases }
    }

    /// Returns the engine of a side.
    pub(crate) fn engine(&self, side: Side) -> Engine {
        match self.servers.get(side).engine() {
            cutover_local_db::Engine::Postgres => Engine::Postgres,
            cutover_local_db::Engine::MariaDb => Engine::Mariadb,
        }
    }

    /// Runs statements on one side.
    pub(crate) fn run(&self, side: Side, script: &str) {
        self.servers
            .get(side)
            .run_script(self.databases.get(side), script)
            .unwrap_or_else(|error| panic!("{error:?}\n{script}"));
    }

    /// Opens one side as a validation does.
    pub(crate) async fn open(&self, side: Side) -> Arc<dyn Database> {
        let server = self.servers.get(side);
        let address = Address {
            engine: self.engine(side),
            host: server.host().to_owned(),
            port: server.port(),
            database: self.databases.get(side).clone(),
            user: server.superuser().to_owned(),
            password: Hidden::new(server.password()),
            tls: TlsWish::Off,
            connections: 3,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(30),
        };
        Connections
            .open(side, &address)
            .await
            .expect("the server is there")
    }

    /// Validates to the end.
    pub(crate) async fn validate(&self, spec: Spec) -> Report {
        let databases = Both {
            source: self.open(Side::Source).await,
            target: self.open(Side::Target).await,
        };
        match to_the_end(spec, databases).await {
            Validated::Done { report, .. } => *report,
            other => panic!("the validation did not come to its end: {other:?}"),
        }
    }
}

/// Validates two databases until there is nothing more to do.
pub(crate) async fn to_the_end(spec: Spec, databases: Both<Arc<dyn Database>>) -> Validated<()> {
    validate(spec, databases, &SystemClock, None, pending(), &|_| {}).await
}

/// A wish to compare all rows of all tables, which stand still.
pub(crate) fn rows_of_all_tables() -> Spec {
    let limits = Limits {
        connections: 2,
        unit_target: Duration::from_millis(200),
        duty: 100,
        ..Limits::of(Side::Target)
    };
    Spec {
        checks: Checks::rows(RowCheck::Full),
        limits: Both::of(|_| limits.clone()),
        require_tls: false,
        max_keys: 1_000,
        ..Spec::new(0x00c0_ffee)
    }
}

/// Finds a table in a report.
pub(crate) fn table<'r>(report: &'r Report, label: &str) -> &'r TableReport {
    report
        .data_validation
        .tables
        .iter()
        .find(|table| table.table == label)
        .unwrap_or_else(|| panic!("{label} is not in the report: {:?}", report.reasons))
}

/// What differs in a table, in order: how, the key, and the columns.
pub(crate) fn differences(table: &TableReport) -> Vec<(RowDifferenceKind, String, Vec<String>)> {
    let mut found: Vec<_> = table
        .differences
        .rows
        .iter()
        .map(|row| {
            (
                row.kind,
                row.key.clone().unwrap_or_default(),
                row.columns.clone(),
            )
        })
        .collect();
    found.sort();
    found
}
