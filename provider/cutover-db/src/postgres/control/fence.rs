//! Closing and opening.
//!
//! What closes is a new body of the function under the locks of all tables: a body that is replaced without them is not seen
//! by a transaction that holds its locks already. What opens needs no locks, for a stale view only refuses a little longer.

use std::time::{Duration, Instant};

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::writer_switch::control::{Entry, Told};
use cutover_core::writer_switch::facts::Row as Wanted;
use cutover_driver::{Closing, Fenced};
use sqlx::{AssertSqlSafe, Row};

use super::session::Session;
use super::state::{self, line, stored_ours};
use super::tables::{self, Carrier, Locking};
use super::text::{self, Body};
use super::{PostgresControl, failure, ours};

impl PostgresControl {
    pub(super) async fn pause(
        &self,
        lock: Duration,
        expires_in: Duration,
        entry: &Entry,
    ) -> Result<Closing, DbFailure> {
        let mut session = self.sessions.locked("pausing writes").await?;
        let done = pause(&mut session, &self.of, lock, expires_in, entry).await;
        session.finish(done).await
    }

    pub(super) async fn close_for_good(
        &self,
        lock: Duration,
        entry: &Entry,
    ) -> Result<Closing, DbFailure> {
        let mut session = self.sessions.locked("closing the fence").await?;
        let done = close(&mut session, &self.of, lock, entry).await;
        session.finish(done).await
    }

    pub(super) async fn let_through(
        &self,
        expected: u64,
        row: Wanted,
        entry: &Entry,
    ) -> Result<Result<(), u64>, DbFailure> {
        let mut session = self.sessions.locked("opening the fence").await?;
        let done = open(&mut session, &self.of, expected, row, entry).await;
        session.finish(done).await
    }
}

async fn pause(
    session: &mut Session<'_>,
    of: &Fenced,
    lock: Duration,
    expires_in: Duration,
    entry: &Entry,
) -> Result<Closing, DbFailure> {
    let began = Instant::now();
    if let Locking::NoLock(blockers) = tables::begin_locked(session, of, lock).await? {
        return Ok(Closing::NoLock { blockers });
    }
    if stored_ours(session, of).await?.state.told == Told::Closed {
        return Err(failure(
            DbFailureClass::Changed,
            session.doing,
            "the fence is closed for good, and a pause would let it open by itself: another run has gone further",
        ));
    }
    let carriers = tables::carriers(session, of).await?;
    let moment = sqlx::query("SELECT (clock_timestamp() + make_interval(secs => $1))::text");
    let row = session.one(moment.bind(expires_in.as_secs_f64())).await?;
    let until: String = session.read(&row, |row| row.try_get(0))?;
    let sql = format!(
        "{}; {}{}; {}; COMMIT",
        text::function(of, Body::Paused(&until)),
        tables::missing_triggers(of, &carriers),
        state::told(of, Told::Paused, Some(&until), None),
        line(of, entry)
    );
    session.run(&sql).await?;
    Ok(Closing::Closed {
        locked: began.elapsed(),
    })
}

/// Under the locks nothing is written any more: what the clock says then is so until the new body is there.
async fn close(
    session: &mut Session<'_>,
    of: &Fenced,
    lock: Duration,
    entry: &Entry,
) -> Result<Closing, DbFailure> {
    let began = Instant::now();
    if let Locking::NoLock(blockers) = tables::begin_locked(session, of, lock).await? {
        return Ok(Closing::NoLock { blockers });
    }
    let stored = stored_ours(session, of).await?;
    let holds = match stored.state.told {
        Told::Open => false,
        Told::Paused => stored.left.is_some(),
        Told::Closed => true,
    };
    if !holds {
        session.run("ROLLBACK").await?;
        return Ok(Closing::Expired);
    }
    let carriers = tables::carriers(session, of).await?;
    refuse_gaps(session, &carriers)?;
    let sql = format!(
        "{}; {}; {}; COMMIT",
        text::function(of, Body::Closed),
        state::told(of, Told::Closed, None, None),
        line(of, entry)
    );
    session.run(&sql).await?;
    Ok(Closing::Closed {
        locked: began.elapsed(),
    })
}

/// A table that lost its fence during the pause may have been written to.
fn refuse_gaps(session: &Session<'_>, carriers: &[Carrier]) -> Result<(), DbFailure> {
    let gaps: Vec<_> = carriers
        .iter()
        .filter(|carrier| !carrier.is_fenced)
        .map(|carrier| carrier.name.to_string())
        .collect();
    if gaps.is_empty() {
        return Ok(());
    }
    Err(failure(
        DbFailureClass::Changed,
        session.doing,
        format!(
            "these tables have no fence, so that they may have been written to during the pause: {}",
            gaps.join(", ")
        ),
    ))
}

async fn open(
    session: &mut Session<'_>,
    of: &Fenced,
    expected: u64,
    row: Wanted,
    entry: &Entry,
) -> Result<Result<(), u64>, DbFailure> {
    session.run("BEGIN").await?;
    let lock = format!("SELECT epoch FROM {} FOR UPDATE", ours(of, "state"));
    session.all(sqlx::query(AssertSqlSafe(lock))).await?;
    let epoch = stored_ours(session, of).await?.state.epoch;
    if epoch != expected {
        session.run("ROLLBACK").await?;
        return Ok(Err(epoch));
    }
    let sql = format!(
        "{}; {}; {}; COMMIT",
        text::function(of, Body::Open),
        state::told(of, Told::Open, None, Some(row)),
        line(of, entry)
    );
    session.run(&sql).await?;
    Ok(Ok(()))
}
