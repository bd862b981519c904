//! Moments that several connections read.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover_core::validation::facts::DbFailure;
use cutover_driver::Snapshot;
use tokio::sync::Mutex;

use super::reading::Reading;
use super::session::Postgres;

/// The connections that keep snapshots open, by their names. A snapshot lasts as long as the transaction that exported it.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshots(Arc<Mutex<BTreeMap<String, Reading>>>);

impl Postgres {
    /// Opens a snapshot, with a connection that does nothing but keep it.
    pub(super) async fn export_snapshot(&self) -> Result<Snapshot, DbFailure> {
        let mut keeper = Reading::now(self, "opening a snapshot".to_owned()).await?;
        keeper
            .begin("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .await?;
        let row = keeper.one("SELECT pg_export_snapshot()").await?;
        let name: String = keeper.get(&row, 0)?;
        self.snapshots.0.lock().await.insert(name.clone(), keeper);
        Ok(Snapshot(name))
    }

    /// Closes a snapshot, if it is open.
    pub(super) async fn forget_snapshot(&self, snapshot: &Snapshot) -> Result<(), DbFailure> {
        let keeper = self.snapshots.0.lock().await.remove(&snapshot.0);
        match keeper {
            Some(keeper) => keeper.finish().await,
            None => Ok(()),
        }
    }
}
