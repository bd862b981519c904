//! Following the log of the source.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use cutover_sim::cloud::Job;
use tokio::sync::mpsc::{self, Sender, UnboundedReceiver};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::apply::Target;
use super::events::{Assembler, Item, Position, Transaction};
use super::log::Log;
use super::{Skips, connect, load};
use crate::problem::Problem;
use crate::progress::{Shared, Stage};
use crate::tables::{Table, number};

/// How many transactions wait at most to be applied: ours. The reader waits then, and its lag shows.
const QUEUE: usize = 1_000;

/// How long to leave a server alone that cannot be reached: ours.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// What is followed.
#[derive(Debug)]
pub(super) struct Follow {
    pub(super) job: Job,
    pub(super) tables: BTreeSet<Table>,
    pub(super) shared: Shared,
    pub(super) skips: Skips,
    /// Where everything counts as loaded; `None` when it does already.
    pub(super) goal: Option<Position>,
}

/// Something that was read, and when.
type Read = Result<(Instant, Item), Problem>;

/// Follows until it is stopped or cannot go on.
pub(super) async fn follow(
    mut what: Follow,
    mut target: Target,
    mut from: Position,
    mut stop: watch::Receiver<bool>,
    mut reloads: UnboundedReceiver<Vec<Table>>,
) -> Result<(), Problem> {
    let own = target.server_number().await?;
    loop {
        let followed = what
            .follow_from(from, own, &mut target, &mut stop, &mut reloads)
            .await;
        match followed {
            Err(problem) if problem.is_passing() => {}
            ended => return ended,
        }
        // What was being applied when a server died may have counted or not. The target's own position says where to go on.
        loop {
            if *stop.borrow() {
                return Ok(());
            }
            match what.reopened(&mut target).await {
                Ok(position) => break from = position,
                Err(problem) if problem.is_passing() => sleep(AGAIN_AFTER).await,
                Err(problem) => return Err(problem),
            }
        }
    }
}

impl Follow {
    /// Follows until it is stopped, or the target goes away, which is a problem that passes.
    async fn follow_from(
        &mut self,
        from: Position,
        own: u32,
        target: &mut Target,
        stop: &mut watch::Receiver<bool>,
        reloads: &mut UnboundedReceiver<Vec<Table>>,
    ) -> Result<(), Problem> {
        let (out, mut read) = mpsc::channel(QUEUE);
        // The reader ends when this function does.
        let mut reader = JoinSet::new();
        reader.spawn(keep_reading(
            self.job.clone(),
            from,
            self.shared.clone(),
            out,
        ));
        loop {
            // Whichever comes first, nothing is lost of the others.
            tokio::select! {
                () = told_to_stop(stop) => return Ok(()),
                Some(tables) = reloads.recv() => self.reload(&tables).await?,
                item = read.recv() => match item {
                    Some(item) => self.take(item?, own, target, read.is_empty()).await?,
                    None => return Err(Problem::lasting("the mover has a bug: its reader has ended")),
                },
            }
        }
    }

    async fn take(
        &mut self,
        (at, item): (Instant, Item),
        own: u32,
        target: &mut Target,
        last: bool,
    ) -> Result<(), Problem> {
        match item {
            Item::Idle => {
                target.ping().await?;
                self.reached(None);
            }
            Item::Commit(mut transaction) => {
                self.keep_ours(&mut transaction, own);
                self.shared.set_pending(Some(at));
                if let Err((table, problem)) = target.apply(&transaction).await {
                    if let Some(table) = table.filter(|_| !problem.is_passing()) {
                        self.shared.set_stage(&table, Stage::Error);
                    }
                    return Err(problem);
                }
                self.reached(Some(&transaction.end));
            }
        }
        if last {
            self.shared.set_pending(None);
        }
        Ok(())
    }

    /// Leaves out changes of other tables, changes that are in what was loaded again, and those of the target itself.
    fn keep_ours(&self, transaction: &mut Transaction, own: u32) {
        if transaction.server == own {
            transaction.changes.clear();
        }
        let skips = self.skips.lock().unwrap_or_else(PoisonError::into_inner);
        let end = &transaction.end;
        transaction.changes.retain(|change| {
            let loaded = skips.get(&change.table).is_some_and(|until| end <= until);
            self.tables.contains(&change.table) && !loaded
        });
    }

    /// Connects to the target again, and reads how far it is.
    async fn reopened(&self, target: &mut Target) -> Result<Position, Problem> {
        *target = Target::open(&self.job).await?;
        let position = target.position().await?;
        position.ok_or_else(|| Problem::lasting("the target has lost the position of the task"))
    }

    /// Everything up to a position is applied; `None`: all that there is.
    fn reached(&mut self, position: Option<&Position>) {
        if self.goal.is_some() && position >= self.goal.as_ref() || position.is_none() {
            self.goal = None;
            self.shared.set_loaded(true);
        }
    }

    fn skip(&self, table: &Table, until: &Position) {
        let mut skips = self.skips.lock().unwrap_or_else(PoisonError::into_inner);
        skips.insert(table.clone(), until.clone());
    }

    /// Empties tables and loads them again from a snapshot, up to which their changes are not to be applied.
    async fn reload(&self, tables: &[Table]) -> Result<(), Problem> {
        // A table that is half loaded must not be gone on with, so that nothing passes here.
        self.try_reload(tables)
            .await
            .map_err(|problem| Problem::lasting(problem.to_string()))
    }

    async fn try_reload(&self, tables: &[Table]) -> Result<(), Problem> {
        let mut target = connect(&self.job.target).await?;
        load::prepare(&mut target).await?;
        load::empty(&mut target, tables).await?;
        let mut source = connect(&self.job.source).await?;
        let position = load::snapshot(&mut source).await?;
        for table in tables {
            self.skip(table, &position);
            // What was begun is finished.
            let (_never, on) = watch::channel(false);
            if let Err(problem) =
                load::copy(&mut source, &mut target, table, &self.shared, &on).await
            {
                self.shared.set_stage(table, Stage::Error);
                return Err(problem);
            }
        }
        Ok(())
    }
}

async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    // When nobody is left to tell, that is as good.
    let _ = stop.wait_for(|stop| *stop).await.map(drop);
}

/// Reads the log for as long as somebody takes what it says, whatever happens to the connection.
async fn keep_reading(job: Job, from: Position, shared: Shared, out: Sender<Read>) {
    let mut at = from;
    loop {
        match read(&job, &mut at, &shared, &out).await {
            Ok(()) => return,
            Err(problem) if problem.is_passing() => sleep(AGAIN_AFTER).await,
            Err(problem) => {
                // Nobody takes it where the job was stopped.
                let _ = out.send(Err(problem)).await;
                return;
            }
        }
    }
}

async fn read(
    job: &Job,
    at: &mut Position,
    shared: &Shared,
    out: &Sender<Read>,
) -> Result<(), Problem> {
    let mut log = Log::open(&job.source, replica_number(job), at).await?;
    let mut assembler = Assembler::new(at);
    loop {
        let event = log.next().await?;
        let now = Instant::now();
        shared.read(now);
        let Some(item) = assembler.take(&event)? else {
            continue;
        };
        let end = match &item {
            Item::Commit(transaction) => Some(transaction.end.clone()),
            Item::Idle => None,
        };
        if out.send(Ok((now, item))).await.is_err() {
            return Ok(());
        }
        if let Some(end) = end {
            *at = end;
        }
    }
}

/// A number that no server or other job has: ours begin beyond a billion.
fn replica_number(job: &Job) -> u32 {
    let low = number(&job.task_arn).to_le_bytes();
    u32::from_le_bytes([low[0], low[1], low[2], low[3] & 0x3f]) | 0x4000_0000
}
