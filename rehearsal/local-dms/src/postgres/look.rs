//! Looking how a subscription is.

use std::time::Instant;

use super::{Lsn, Worker};
use crate::problem::Problem;
use crate::progress::Stage;
use crate::tables::Table;

/// How many marks are kept: ours. With one for each look they reach back for some minutes; of older ones every other goes.
const MARKS: usize = 4_096;

/// How many errors in a row, without anything applied in between, end a job: ours. One may be a lock that came too late.
const ERRORS: i64 = 3;

/// The tables of a subscription with their states.
const STATES: &str = "
    SELECT n.nspname::text, c.relname::text, r.srsubstate::text
    FROM pg_subscription_rel r
    JOIN pg_subscription s ON s.oid = r.srsubid
    JOIN pg_class c ON c.oid = r.srrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE s.subname = $1";

/// How often a subscription failed. The view is there from PostgreSQL 15 on.
const COUNTED: &str = "
    SELECT apply_error_count, sync_error_count FROM pg_stat_subscription_stats WHERE subname = $1";

/// Where the log stands, where it was read and confirmed to, whether it is kept, and whether it is being read.
const SLOT: &str = "
    SELECT (pg_current_wal_lsn() - '0/0')::bigint, (s.confirmed_flush_lsn - '0/0')::bigint,
           (r.sent_lsn - '0/0')::bigint, s.wal_status = 'lost', s.active
    FROM pg_replication_slots s
    LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid
    WHERE s.slot_name = $1";

/// What [`SLOT`] answers.
type Slot = (Lsn, Option<Lsn>, Option<Lsn>, Option<bool>, bool);

impl Worker {
    /// Looks at the tables, and whether they are loaded.
    pub(super) async fn look_at_target(&mut self) -> Result<(), Problem> {
        if self.shared.is_loaded() {
            return Ok(());
        }
        let name = self.name.clone();
        let states: Vec<(String, String, String)> = sqlx::query_as(STATES)
            .bind(name)
            .fetch_all(self.target().await?)
            .await
            .map_err(|error| Problem::sql("reading how far tables are", &error))?;
        let mut all_ready = !states.is_empty();
        for (schema, name, state) in states {
            let table = Table::new(schema, name);
            all_ready &= state == "r";
            let stage = match state.as_str() {
                "i" => Stage::Before,
                "d" => Stage::Loading,
                _ => Stage::Completed,
            };
            let before = self.shared.table(&table).map(|(stage, _)| stage);
            if stage == Stage::Completed && before != Some(Stage::Completed) {
                self.count(&table).await?;
            }
            self.shared.set_stage(&table, stage);
        }
        self.shared.set_loaded(all_ready);
        Ok(())
    }

    async fn count(&mut self, table: &Table) -> Result<(), Problem> {
        let query = format!("SELECT count(*) FROM ONLY {}", table.in_postgres());
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .fetch_one(self.target().await?)
            .await
            .map_err(|error| Problem::sql("counting rows", &error))?;
        self.shared
            .set_rows(table, u64::try_from(rows).unwrap_or_default());
        Ok(())
    }

    /// Looks at the slot: how far behind the target is, and whether it can go on.
    pub(super) async fn look_at_source(&mut self) -> Result<(), Problem> {
        let Some((_, Some(slot))) = self.subscription().await? else {
            return Err(Problem::lasting(format!(
                "subscription \"{}\" does not exist on the target any more",
                self.name
            )));
        };
        let found: Option<Slot> = sqlx::query_as(SLOT)
            .bind(&slot)
            .fetch_optional(self.source().await?)
            .await
            .map_err(|error| Problem::sql("reading slots", &error))?;
        let Some((end, confirmed, sent, lost, active)) = found else {
            return Err(Problem::lasting(format!(
                "replication slot \"{slot}\" does not exist"
            )));
        };
        if lost == Some(true) {
            return Err(Problem::lasting(format!(
                "replication slot \"{slot}\" has lost the log that it was to keep"
            )));
        }
        let confirmed = confirmed.unwrap_or_default();
        self.note(end, confirmed, sent.filter(|_| active));
        self.judge_errors(confirmed).await
    }

    /// Takes in where both sides are.
    fn note(&mut self, end: Lsn, confirmed: Lsn, sent: Option<Lsn>) {
        let now = Instant::now();
        let marks = &mut self.watch.marks;
        if marks.back().is_none_or(|(newest, _)| *newest < end) {
            marks.push_back((end, now));
        }
        if let Some(sent) = sent {
            let unsent = marks.iter().find(|(mark, _)| *mark > sent);
            self.shared.read(unsent.map_or(now, |(_, at)| *at));
        }
        while marks.front().is_some_and(|(mark, _)| *mark <= confirmed) {
            marks.pop_front();
        }
        self.shared.set_pending(marks.front().map(|(_, at)| *at));
        if marks.len() > MARKS {
            let mut keep = false;
            marks.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }

    /// Gives up where the target fails again and again at the same place.
    async fn judge_errors(&mut self, confirmed: Lsn) -> Result<(), Problem> {
        let name = self.name.clone();
        let target = self.target().await?;
        if target
            .server_version_num()
            .is_none_or(|version| version < 150_000)
        {
            return Ok(());
        }
        let counted: Option<(i64, i64)> = sqlx::query_as(COUNTED)
            .bind(name)
            .fetch_optional(target)
            .await
            .map_err(|error| Problem::sql("reading errors of replication", &error))?;
        let (apply, load) = counted.unwrap_or_default();
        let watch = &mut self.watch;
        if confirmed > watch.confirmed {
            watch.confirmed = confirmed;
            watch.apply_errors = apply;
        }
        let load_errors = *watch.load_errors.get_or_insert(load);
        if apply < watch.apply_errors + ERRORS && load < load_errors + ERRORS {
            return Ok(());
        }
        let mut unfinished = Vec::new();
        for table in self.shared.unfinished() {
            self.shared.set_stage(&table, Stage::Error);
            unfinished.push(table.to_string());
        }
        Err(Problem::lasting(if unfinished.is_empty() {
            "the target could not apply changes, again and again: its log says why".to_owned()
        } else {
            format!(
                "the target could not load {}, again and again: its log says why",
                unfinished.join(", ")
            )
        }))
    }
}
