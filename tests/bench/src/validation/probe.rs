//! Questions to a server besides the validation's.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use cutover_core::validation::catalog::Engine;
use cutover_local_db::Server;
use futures_util::future::{Either, select};
use sqlx::{Connection as _, Executor as _, MySqlConnection, PgConnection};

/// How long the source is probed when nothing else happens.
const IDLE: Duration = Duration::from_secs(3);

/// How long to wait between two queries.
const PAUSE: Duration = Duration::from_millis(5);

const SCAN: &str = "SELECT count(*), sum(amount), max(created_at) FROM payments";
const PROBE: &str = "SELECT amount FROM payments WHERE id = 4711";

enum Session {
    Postgres(PgConnection),
    Mysql(MySqlConnection),
}

impl Session {
    async fn open(server: &Server, engine: Engine) -> Result<Self> {
        Ok(match engine {
            Engine::Postgres => {
                let options = server.postgres_options(super::DATABASE);
                let mut session = PgConnection::connect_with(&options).await?;
                // One connection is one core, as it is for ours.
                session
                    .execute("SET max_parallel_workers_per_gather = 0")
                    .await?;
                Self::Postgres(session)
            }
            Engine::Mysql | Engine::Mariadb => {
                let options = server.mariadb_options(super::DATABASE);
                Self::Mysql(MySqlConnection::connect_with(&options).await?)
            }
        })
    }

    async fn ask(&mut self, query: &'static str) -> Result<()> {
        match self {
            Self::Postgres(session) => drop(session.fetch_all(query).await?),
            Self::Mysql(session) => drop(session.fetch_all(query).await?),
        }
        Ok(())
    }
}

/// Reads the whole table with one plain aggregate.
pub(super) async fn scan(server: &Server, engine: Engine) -> Result<()> {
    Session::open(server, engine).await?.ask(SCAN).await
}

/// The 95th percentile of a query of one row when nothing else happens, in milliseconds.
pub(super) async fn latency(server: &Server, engine: Engine) -> Result<f64> {
    let idle = async {
        tokio::time::sleep(IDLE).await;
        Ok(())
    };
    while_running(server, engine, idle)
        .await
        .map(|((), p95)| p95)
}

/// The same while something else happens, with what that gave.
pub(super) async fn while_running<T>(
    server: &Server,
    engine: Engine,
    work: impl Future<Output = Result<T>>,
) -> Result<(T, f64)> {
    let mut session = Session::open(server, engine).await?;
    let mut taken = Vec::new();
    let mut work = std::pin::pin!(work);
    let done = loop {
        let started = Instant::now();
        session.ask(PROBE).await?;
        taken.push(started.elapsed().as_secs_f64() * 1e3);
        match select(work, std::pin::pin!(tokio::time::sleep(PAUSE))).await {
            Either::Left((done, _)) => break done?,
            Either::Right(((), rest)) => work = rest,
        }
    };
    ensure!(taken.len() >= 20, "only {} queries were timed", taken.len());
    taken.sort_by(f64::total_cmp);
    let p95 = taken[taken.len() * 95 / 100];
    Ok((done, p95))
}
