//! How busy a server is, how far its log is, and what has been applied of another's.
//!
//! # The marker
//!
//! A table with a column `id bigint PRIMARY KEY`, and no other that must be given. Each marker is a row, its `id` one more
//! than the last.
//!
//! # What was applied
//!
//! `pg_stat_subscription.received_lsn` is what *arrived*; it says nothing about what can be read. Two figures are about
//! what was applied, and either is enough:
//! - `pg_replication_origin_status.remote_lsn`: the end of the last transaction that was committed here. It stands still
//!   while the source writes what is not published, and may be seen by superusers only.
//! - `pg_stat_subscription.latest_end_lsn`: set when a keepalive is worked on, to how far the source had sent. One worker
//!   works on messages one after the other, so whatever was sent before is committed.
//!
//! A table that is still being copied, or catching up with a worker of its own, is behind both: every table must be ready.

use std::time::Duration;

use cutover_core::validation::catalog::TableName;
use cutover_core::validation::facts::{DbFailure, Load, Position};

use super::quote;
use super::reading::{Reading, other, unsupported};
use super::session::Postgres;

/// Sessions of others that are at work; and how many seconds we are behind whom we follow, if anyone: 0 where all that
/// arrived was worked on, else since the last moment of which that is known.
const LOAD: &str = "SELECT (SELECT count(*) FROM pg_catalog.pg_stat_activity \
    WHERE state = 'active' AND backend_type = 'client backend' \
    AND application_name <> current_setting('application_name')), \
  (CASE WHEN pg_is_in_recovery() THEN CASE \
      WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 \
      ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END \
   ELSE (SELECT max(CASE WHEN latest_end_lsn >= received_lsn THEN 0 \
      ELSE extract(epoch FROM now() - latest_end_time) END) \
      FROM pg_catalog.pg_stat_subscription WHERE relid IS NULL AND pid IS NOT NULL) \
   END)::float8";

/// Where the next record of the log begins, and the sizes of its pages and files. Transactions can be seen before they are
/// written to disk (`synchronous_commit`), so that only this place is behind all that we read.
const END_OF_LOG: &str = "SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
    ELSE pg_current_wal_insert_lsn() END)::text, \
  (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'wal_block_size'), \
  (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size')";

/// Subscriptions of this database, and how far each is; empty without any. A worker that does not run is nowhere.
const APPLIED: &str = "SELECT s.latest_end_lsn::text, p.oid::bigint, \
    EXISTS (SELECT 1 FROM pg_catalog.pg_subscription_rel r WHERE r.srsubid = p.oid AND r.srsubstate <> 'r'), \
    has_function_privilege('pg_catalog.pg_show_replication_origin_status()', 'EXECUTE'), \
    pg_is_in_recovery(), pg_last_wal_replay_lsn()::text \
  FROM (SELECT) one \
  LEFT JOIN pg_catalog.pg_subscription p ON p.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) \
  LEFT JOIN pg_catalog.pg_stat_subscription s ON s.subid = p.oid AND s.relid IS NULL \
    AND coalesce(to_jsonb(s)->>'leader_pid', '') = ''";

impl Postgres {
    /// Sees what the server is busy with. Sessions that the user may not see do not count.
    pub(super) async fn see_load(&self) -> Result<Load, DbFailure> {
        let mut reading =
            Reading::now(self, "seeing what the server is busy with".to_owned()).await?;
        let row = reading.one(LOAD).await?;
        let active: i64 = reading.get(&row, 0)?;
        let lag: Option<f64> = reading.get(&row, 1)?;
        reading.finish().await?;
        Ok(Load {
            active_sessions: u32::try_from(active).unwrap_or(u32::MAX),
            lag: lag.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()),
        })
    }

    /// Notes how far the server is.
    pub(super) async fn note_position(
        &self,
        marker: Option<&TableName>,
    ) -> Result<Position, DbFailure> {
        match marker {
            Some(marker) => self.write_marker(marker).await.map(Position::Marker),
            None => self.end_of_log().await,
        }
    }

    async fn write_marker(&self, marker: &TableName) -> Result<u64, DbFailure> {
        let mut reading = Reading::now(self, format!("writing a marker to {marker}")).await?;
        reading.begin("BEGIN READ WRITE").await?;
        let table = quote::table(marker);
        let sql = format!(
            "INSERT INTO {table} (id) SELECT coalesce(max(id), 0) + 1 FROM {table} RETURNING id::bigint"
        );
        let row = reading.one(&sql).await?;
        let number: i64 = reading.get(&row, 0)?;
        reading.finish().await?;
        Ok(number.unsigned_abs())
    }

    async fn end_of_log(&self) -> Result<Position, DbFailure> {
        let mut reading = Reading::now(self, "reading how far the log is".to_owned()).await?;
        let row = reading.one(END_OF_LOG).await?;
        let text: String = reading.get(&row, 0)?;
        let page: i64 = reading.get(&row, 1)?;
        let file: i64 = reading.get(&row, 2)?;
        let place = lsn(&reading, &text)?;
        reading.finish().await?;
        let end = end_of_records(place, page.unsigned_abs(), file.unsigned_abs());
        Ok(Position::Lsn(format!(
            "{:X}/{:X}",
            end >> 32,
            end & 0xffff_ffff
        )))
    }

    /// Tells whether everything up to a position of the source is here.
    pub(super) async fn see_passed(
        &self,
        position: &Position,
        marker: Option<&TableName>,
    ) -> Result<bool, DbFailure> {
        match (position, marker) {
            (Position::Lsn(text), _) => self.has_applied(text).await,
            (Position::Marker(number), Some(marker)) => {
                Ok(self.last_marker(marker).await? >= *number)
            }
            (Position::Marker(_) | Position::Gtid(_), _) => Err(unsupported(
                "seeing what has been replicated",
                &format!("{position:?} is no position that this server could have had"),
            )),
        }
    }

    async fn last_marker(&self, marker: &TableName) -> Result<u64, DbFailure> {
        let mut reading = Reading::now(self, format!("reading the marker in {marker}")).await?;
        let sql = format!(
            "SELECT coalesce(max(id), 0)::bigint FROM {}",
            quote::table(marker)
        );
        let row = reading.one(&sql).await?;
        let number: i64 = reading.get(&row, 0)?;
        reading.finish().await?;
        Ok(number.unsigned_abs())
    }

    async fn has_applied(&self, position: &str) -> Result<bool, DbFailure> {
        let mut reading = Reading::now(self, "seeing what has been replicated".to_owned()).await?;
        let wanted = lsn(&reading, position)?;
        let mut has_all = true;
        for row in reading.all(APPLIED).await? {
            let passed = match reading.get::<Option<i64>>(&row, 1)? {
                Some(subscription) => {
                    let is_copying: bool = reading.get(&row, 2)?;
                    !is_copying
                        && Self::has_subscription_applied(&mut reading, &row, subscription, wanted)
                            .await?
                }
                None if reading.get(&row, 4)? => {
                    let replayed: Option<String> = reading.get(&row, 5)?;
                    reaches(&reading, replayed, wanted)?
                }
                None => {
                    return Err(unsupported(
                        reading.doing(),
                        "this database has no subscription and is no replica; say how it follows its source: by a marker, or a longest delay",
                    ));
                }
            };
            has_all &= passed;
        }
        reading.finish().await?;
        Ok(has_all)
    }

    async fn has_subscription_applied(
        reading: &mut Reading,
        row: &sqlx::postgres::PgRow,
        subscription: i64,
        wanted: u64,
    ) -> Result<bool, DbFailure> {
        let worked_on: Option<String> = reading.get(row, 0)?;
        if reaches(reading, worked_on, wanted)? {
            return Ok(true);
        }
        let may_see: bool = reading.get(row, 3)?;
        if !may_see {
            return Ok(false);
        }
        let sql = format!(
            "SELECT remote_lsn::text FROM pg_catalog.pg_replication_origin_status WHERE external_id = 'pg_{subscription}'"
        );
        let rows = reading.all(&sql).await?;
        let committed = match rows.first() {
            Some(row) => reading.get(row, 0)?,
            None => None,
        };
        reaches(reading, committed, wanted)
    }
}

fn reaches(reading: &Reading, seen: Option<String>, wanted: u64) -> Result<bool, DbFailure> {
    match seen {
        Some(seen) => Ok(lsn(reading, &seen)? >= wanted),
        None => Ok(false),
    }
}

fn lsn(reading: &Reading, text: &str) -> Result<u64, DbFailure> {
    let parsed = text.split_once('/').and_then(|(high, low)| {
        let high = u64::from(u32::from_str_radix(high, 16).ok()?);
        let low = u64::from(u32::from_str_radix(low, 16).ok()?);
        Some(high << 32 | low)
    });
    parsed.ok_or_else(|| other(reading.doing(), &format!("`{text}` is no place in a log")))
}

/// Where the last record ends, given where the next one begins. That is the same place, but at the beginning of a page: the
/// next record begins behind the page's header (40 bytes in a file's first page, 24 in the others; `xlog_internal.h`), which
/// is not there before it. A target would not get beyond the page before while the source is idle.
fn end_of_records(next: u64, page: u64, file: u64) -> u64 {
    let (of_page, of_file) = (next.checked_rem(page), next.checked_rem(file));
    match (of_page, of_file) {
        (_, Some(40)) => next - 40,
        (Some(24), Some(of_file)) if of_file != 24 => next - 24,
        _ => next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_would_begin_behind_a_header_is_not_waited_for() {
        let (page, file) = (8_192, 16 << 20);

        assert_eq!(end_of_records(0x0301_2345, page, file), 0x0301_2345);
        assert_eq!(end_of_records((3 << 24) + 40, page, file), 3 << 24);
        assert_eq!(
            end_of_records((3 << 24) + 8_192 + 24, page, file),
            (3 << 24) + 8_192
        );
        // What goes on from the page before may end at 40 in any page but a file's first.
        assert_eq!(
            end_of_records((3 << 24) + 8_192 + 40, page, file),
            (3 << 24) + 8_192 + 40
        );
    }
}
