//! Validations of real databases: time as a ratio to one plain aggregate scan of the same table on both sides at once,
//! and to the peers, in the same run.
//!
//! Both servers and this process share the machine's cores, as the figures in `docs/data-validation.md` say. How many rows
//! is said by `BENCH_ROWS`, such as `1000000,5000000`; 20 million need about 12 GB of disk.

mod data;
mod peers;
mod probe;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use cutover_core::validation::catalog::Engine;
use cutover_core::validation::report::{Report as Found, Verdict};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::{Checks, Limits, RowCheck, Spec};
use cutover_db::Connections;
use cutover_driver::{
    Address, Database, Databases as _, Hidden, SystemClock, TlsWish, Validated, validate,
};
use cutover_local_db::{Options, Server};
use futures_util::future::join;

use crate::report::Report;

/// The database on both servers.
const DATABASE: &str = "bench";

/// How many rows are made to differ.
const CHANGED: u64 = 10;

/// The most that a validation may take, in plain scans: design, 5.11. One connection a side, then two on free cores.
const BUDGET: [(Engine, f64); 2] = [(Engine::Postgres, 3.5), (Engine::Mariadb, 2.5)];

/// The most memory, in MB: design, 5.10.
const MEMORY: f64 = 100.0;

/// Adds the figures of validations.
pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let sizes = std::env::var("BENCH_ROWS").unwrap_or_else(|_| "1000000,5000000,20000000".into());
    let sizes = sizes
        .split(',')
        .map(|size| size.trim().parse::<u64>())
        .collect::<Result<Vec<_>, _>>()
        .context("BENCH_ROWS is a list of numbers")?;
    for (engine, budget) in BUDGET {
        let servers = Servers::start(engine)?;
        for &rows in &sizes {
            servers.fill(rows)?;
            servers.measure(rows, budget, report).await?;
        }
    }
    Ok(())
}

/// Source and target.
struct Servers {
    engine: Engine,
    both: Both<Server>,
}

impl Servers {
    fn start(engine: Engine) -> Result<Self> {
        let server = || match engine {
            Engine::Postgres => Server::postgres(
                &Options::default()
                    .set("shared_buffers", "1GB")
                    .set("max_wal_size", "4GB"),
            ),
            Engine::Mysql | Engine::Mariadb => Server::mariadb(
                &Options::default()
                    .set("innodb_buffer_pool_size", "4G")
                    .set("innodb_log_file_size", "512M"),
            ),
        };
        let both = Both {
            source: server()?,
            target: server()?,
        };
        for side in Side::BOTH {
            both.get(side).create_database(DATABASE)?;
        }
        Ok(Self { engine, both })
    }

    fn fill(&self, rows: u64) -> Result<()> {
        for side in Side::BOTH {
            let server = self.both.get(side);
            for statement in data::fill(self.engine, rows) {
                server.run_script(DATABASE, &statement)?;
            }
        }
        Ok(())
    }

    async fn measure(&self, rows: u64, budget: f64, report: &mut Report) -> Result<()> {
        let name = |what: &str| format!("{}, {} rows: {what}", self.engine, millions(rows));
        // Twice, so that both sides are in memory where they fit.
        self.scan().await?;
        let scan = self.scan().await?;
        report.figure(name("plain scan of both sides"), "s", scan);

        let one = self.validate(1, 100, Verdict::Matched).await?;
        report.add(
            name("equal, 1 connection a side"),
            "s",
            one.seconds,
            Some(scan),
            Some(scan * budget),
        );
        report.budget(name("peak memory"), "MB", one.peak_mb, MEMORY);
        let two = self.validate(2, 100, Verdict::Matched).await?;
        report.compare(name("equal, 2 connections a side"), "s", two.seconds, scan);
        report.compare(
            name("2 connections beside 1"),
            "s",
            two.seconds,
            one.seconds,
        );

        let probed = probe::latency(&self.both.source, self.engine).await?;
        let full = self.probed(100).await?;
        let half = self.probed(50).await?;
        report.compare(
            name("p95 of a source's query, no throttle"),
            "ms",
            full,
            probed,
        );
        report.compare(
            name("p95 of a source's query, duty 50 %"),
            "ms",
            half,
            probed,
        );

        let peer = peers::reladiff(&self.both, self.engine, DATABASE)?;
        report.compare(name("equal, beside reladiff"), "s", one.seconds, peer);
        if self.engine != Engine::Postgres {
            for (function, seconds) in peers::pt_table_checksum(&self.both.source, DATABASE)? {
                report.compare(
                    name(&format!(
                        "equal, beside pt-table-checksum {function} of one side"
                    )),
                    "s",
                    one.seconds,
                    seconds,
                );
            }
        }

        self.both
            .target
            .run_script(DATABASE, &data::change(CHANGED, rows))?;
        let changed = self.validate(1, 100, Verdict::Mismatched).await?;
        report.add(
            name("10 rows differ, beside equal"),
            "s",
            changed.seconds,
            Some(one.seconds),
            Some(one.seconds * 1.1),
        );
        let peer = peers::reladiff(&self.both, self.engine, DATABASE)?;
        report.compare(
            name("10 rows differ, beside reladiff"),
            "s",
            changed.seconds,
            peer,
        );
        Ok(())
    }

    /// How long one plain aggregate scan takes, of both sides at once.
    async fn scan(&self) -> Result<f64> {
        let started = Instant::now();
        let (source, target) = join(
            probe::scan(&self.both.source, self.engine),
            probe::scan(&self.both.target, self.engine),
        )
        .await;
        source?;
        target?;
        Ok(started.elapsed().as_secs_f64())
    }

    /// The 95th percentile of a query of one row on the source while a validation runs, in milliseconds.
    async fn probed(&self, duty: u8) -> Result<f64> {
        let ((), latency) = probe::while_running(&self.both.source, self.engine, async {
            self.validate(2, duty, Verdict::Matched).await.map(drop)
        })
        .await?;
        Ok(latency)
    }

    async fn validate(&self, connections: u32, duty: u8, expected: Verdict) -> Result<Run> {
        let databases = Both {
            source: self.open(Side::Source, connections).await?,
            target: self.open(Side::Target, connections).await?,
        };
        reset_peak()?;
        let started = Instant::now();
        let done = Box::pin(validate(
            spec(connections, duty),
            databases,
            &SystemClock,
            None,
            std::future::pending::<()>(),
            &|_| {},
        ))
        .await;
        let seconds = started.elapsed().as_secs_f64();
        let report = found(done)?;
        if report.verdict != expected {
            bail!(
                "{:?} where {expected:?} was expected: {:?}",
                report.verdict,
                report.reasons
            );
        }
        Ok(Run {
            seconds,
            peak_mb: peak_mb()?,
        })
    }

    async fn open(&self, side: Side, connections: u32) -> Result<Arc<dyn Database>> {
        let server = self.both.get(side);
        let address = Address {
            engine: self.engine,
            host: server.host().to_owned(),
            port: server.port(),
            database: DATABASE.to_owned(),
            user: server.superuser().to_owned(),
            password: Hidden::new(server.password()),
            tls: TlsWish::Off,
            connections: connections + 1,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_mins(1),
        };
        Connections
            .open(side, &address)
            .await
            .map_err(|failure| anyhow::anyhow!("{failure:?}"))
    }
}

/// What a validation took.
struct Run {
    seconds: f64,
    peak_mb: f64,
}

fn found(done: Validated<()>) -> Result<Found> {
    match done {
        Validated::Done { report, .. } => Ok(*report),
        other => bail!("the validation did not come to its end: {other:?}"),
    }
}

fn spec(connections: u32, duty: u8) -> Spec {
    let limits = Limits {
        connections,
        duty,
        ..Limits::of(Side::Source)
    };
    Spec {
        checks: Checks::rows(RowCheck::Full),
        limits: Both::of(|_| limits.clone()),
        require_tls: false,
        ..Spec::new(0x5eed)
    }
}

fn millions(rows: u64) -> String {
    if rows.is_multiple_of(1_000_000) {
        format!("{} million", rows / 1_000_000)
    } else {
        rows.to_string()
    }
}

/// Begins to look for the peak of this process's memory anew.
fn reset_peak() -> Result<()> {
    // 5 resets the high-water mark: proc(5).
    std::fs::write("/proc/self/clear_refs", "5").context("the peak of memory cannot be reset")
}

/// The peak of this process's memory since then, in MB.
fn peak_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next())
        .context("no high-water mark in /proc/self/status")?;
    Ok(kib.parse::<f64>()? * 1024.0 / 1e6)
}
