//! Meeting both servers, and planning from their catalogs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::super::catalog::{Catalog, Engine, Server};
use super::super::checkpoint::Checkpoint;
use super::super::differences::compare;
use super::super::fingerprint::Fingerprint;
use super::super::plan::TablePlan;
use super::super::side::{Both, Side};
use super::super::spec::{Mode, RowCheck};
use super::super::tables::tables;
use super::super::verdict::tls;
use super::rules::RulesRun;
use super::table::TableRun;
use super::{Stage, Timestamp, Validation};

/// How old a proof or a checkpoint may be. Ours: transaction numbers of PostgreSQL come round after two thousand million,
/// and a day at 20,000 a second is less.
const AGE_MAX: Duration = Duration::from_hours(24);

/// The oldest versions that tests know, from the issue: PostgreSQL 14, MySQL 8.0, MariaDB 10.11.
fn oldest(engine: Engine) -> (u32, &'static str) {
    match engine {
        Engine::Postgres => (140_000, "14"),
        Engine::Mysql => (80_000, "8.0"),
        Engine::Mariadb => (101_100, "10.11"),
    }
}

impl Validation {
    /// Decides whether these two servers are compared at all.
    pub(super) fn met(&mut self, servers: Both<Server>) {
        let mut may_read = tls(&self.spec, &servers).is_valid;
        if servers.source.identity == servers.target.identity {
            may_read = false;
            self.reasons
                .push("source and target are the same database".to_owned());
        }
        for side in Side::BOTH {
            let server = servers.get(side);
            let (number, version) = oldest(server.engine);
            if server.version_number < number {
                self.reasons.push(format!(
                    "the {side} is {} {}, and nothing before {version} is supported",
                    server.engine, server.version
                ));
            }
            if server.is_replica && self.spec.mode == Mode::Final {
                self.reasons.push(format!(
                    "the {side} follows another server, so that it proves nothing in the write pause"
                ));
            }
        }
        self.servers = Some(servers);
        if may_read {
            self.stage = Stage::ReadingCatalogs;
        } else {
            // No row leaves a server over a connection that is not as required.
            self.finish(None);
        }
    }

    /// Plans everything, and begins with the largest table.
    pub(super) fn planned(&mut self, catalogs: &Both<Catalog>) {
        let Some(servers) = self.servers.clone() else {
            return;
        };
        self.schemas = catalogs.as_ref().map(digest);
        let mut planned = tables(&self.spec, catalogs, &servers);
        self.schema.append(&mut planned.findings);
        if self.spec.checks.schema {
            self.schema.extend(compare(&self.spec, catalogs, &servers));
        }
        self.reasons.append(&mut planned.reasons);
        if planned.tables.is_empty() && self.spec.checks.rows != RowCheck::Skip {
            self.reasons
                .push("no table is compared: none is there on both sides".to_owned());
        }
        let mut sums = BTreeMap::<_, Vec<_>>::new();
        for (label, plan) in planned.sums {
            sums.entry(label).or_default().push(plan);
        }
        self.sums = sums;
        self.take_over();
        self.void = self.void();
        let is_finished = |plan: &TablePlan| {
            self.finished
                .iter()
                .any(|table| table.report.table == plan.label)
        };
        let left: VecDeque<_> = planned
            .tables
            .into_iter()
            .filter(|plan| !is_finished(plan))
            .map(Arc::new)
            .collect();
        self.tables = left;
        self.rules = Some(RulesRun::new(Arc::clone(&self.spec), planned.rules));
        self.begin_next();
    }

    pub(super) fn begin_table(&self, plan: Arc<TablePlan>) -> TableRun {
        let sums = self.sums.get(&plan.label).cloned().unwrap_or_default();
        let since = self.spec.since.as_ref();
        let since = since.filter(|_| self.void.is_none() && self.spec.mode == Mode::Final);
        let servers = self
            .servers
            .clone()
            .expect("tables are planned from the catalogs of servers that were met");
        let run = TableRun::new(Arc::clone(&self.spec), servers, plan, sums);
        run.since(since, self.void.as_deref())
    }

    /// Takes over what an earlier run has finished, unless it was of something else. What was proven before a write pause
    /// says nothing about the pause.
    fn take_over(&mut self) {
        let Some(checkpoint) = self.resumed.take() else {
            return;
        };
        let began_at = Timestamp::from_unix_millis(checkpoint.began_at);
        let is_ours = self.is_of(&checkpoint.identities, &checkpoint.schemas)
            && checkpoint.seed == self.spec.seed
            && self.spec.mode != Mode::Final
            && self.is_recent(began_at);
        if is_ours {
            let Checkpoint { finished, .. } = checkpoint;
            self.finished = finished;
            self.began_at = began_at;
        }
    }

    /// Tells why a former proof is of no use.
    fn void(&self) -> Option<String> {
        let since = self.spec.since.as_ref()?;
        let servers = self.servers.as_ref()?;
        let identities = servers.as_ref().map(|server| server.identity.clone());
        let why = if since.identities != identities {
            "it is of other databases"
        } else if since.schemas != self.schemas {
            "schemas have changed since"
        } else if !self.is_recent(Timestamp::from_unix_millis(since.began_at)) {
            "it is older than a day"
        } else {
            return None;
        };
        Some(why.to_owned())
    }

    fn is_of(&self, identities: &Both<String>, schemas: &Both<String>) -> bool {
        let servers = self.servers.as_ref();
        servers.is_some_and(|servers| {
            servers.as_ref().map(|server| server.identity.clone()) == *identities
        }) && self.schemas == *schemas
    }

    fn is_recent(&self, began_at: Timestamp) -> bool {
        began_at <= self.now && self.now.since(began_at) <= AGE_MAX
    }
}

/// Returns a digest of what a catalog says about schemas. Numbers of rows and positions of sequences, which change all the
/// time, are not in it.
fn digest(catalog: &Catalog) -> String {
    let mut print = Fingerprint::default();
    for table in &catalog.tables {
        let mut table = table.clone();
        (table.estimated_rows, table.bytes) = (0, 0);
        print.add(format!("{table:?}").as_bytes());
    }
    for sequence in &catalog.sequences {
        let mut sequence = sequence.clone();
        sequence.next = 0;
        print.add(format!("{sequence:?}").as_bytes());
    }
    format!("{:016x}", print.get())
}
