//! Making, stopping and removing a subscription.

use std::time::Duration;

use cutover_sim::cloud::MovedDatabase;
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use super::{Worker, only, run};
use crate::problem::Problem;
use crate::progress::Stage;
use crate::tables::Table;

/// How long the processes of a subscription may take to end: ours. They end between two changes.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// How long to leave processes alone that have not ended: ours.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// Whether a process of a subscription is there on the target. Those that copy tables count.
const AT_WORK: &str =
    "SELECT EXISTS (SELECT FROM pg_stat_subscription WHERE subname = $1 AND pid IS NOT NULL)";

/// Whether a slot is being read.
const IN_USE: &str =
    "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND active)";

impl Worker {
    /// Makes the target follow a publication: from now on, through a slot of its own; or from a position of one that is given.
    pub(super) async fn subscribe(
        &mut self,
        publication: &str,
        from: Option<(&str, &str)>,
    ) -> Result<(), Problem> {
        let options = match from {
            None => format!("copy_data = {}", self.job.load),
            Some((slot, _)) => format!(
                "copy_data = false, create_slot = false, enabled = false, slot_name = {}",
                literal(slot)
            ),
        };
        let statement = format!(
            "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {publication} WITH ({options})",
            self.name,
            literal(&conninfo(&self.job.source))
        );
        let name = self.name.clone();
        let target = self.target().await?;
        run(target, "making a subscription", &statement).await?;
        if let Some((_, position)) = from {
            sqlx::query(
                "SELECT pg_replication_origin_advance('pg_' || oid, $2::pg_lsn) FROM pg_subscription WHERE subname = $1",
            )
            .bind(&name)
            .bind(position)
            .execute(&mut *target)
            .await
            .map_err(|error| Problem::sql("setting where the subscription begins", &error))?;
            run(
                target,
                "starting a subscription",
                &format!("ALTER SUBSCRIPTION {name} ENABLE"),
            )
            .await?;
        }
        // There is nothing to load where nothing is loaded.
        let loaded = from.is_some() || !self.job.load;
        self.shared.set_loaded(loaded);
        Ok(())
    }

    /// Lets a subscription go on that was stopped.
    pub(super) async fn enable(&mut self) -> Result<(), Problem> {
        if self.subscription().await?.is_none() {
            return Err(Problem::lasting(
                "there is nothing to go on with on the target: the task must be started anew",
            ));
        }
        let enable = format!("ALTER SUBSCRIPTION {} ENABLE", self.name);
        run(self.target().await?, "starting a subscription", &enable).await
    }

    /// Stops a subscription, if there is one, and waits for its processes to end.
    pub(super) async fn disable(&mut self) -> Result<(), Problem> {
        if self.subscription().await?.is_none() {
            return Ok(());
        }
        let name = self.name.clone();
        let target = self.target().await?;
        let disable = format!("ALTER SUBSCRIPTION {name} DISABLE");
        run(target, "stopping a subscription", &disable).await?;
        until_not(target, AT_WORK, &name, "the target still applies changes").await
    }

    /// Removes the subscription, its publication, and the slot that was made for it.
    pub(super) async fn take_away(&mut self) -> Result<(), Problem> {
        let name = self.name.clone();
        self.disable().await?;
        if self.subscription().await?.is_some() {
            let target = self.target().await?;
            // With its slot it could not be dropped when the slot is gone.
            let leave_slot = format!("ALTER SUBSCRIPTION {name} SET (slot_name = NONE)");
            run(target, "removing a subscription", &leave_slot).await?;
            let drop = format!("DROP SUBSCRIPTION {name}");
            run(target, "removing a subscription", &drop).await?;
        }
        let source = self.source().await?;
        until_not(source, IN_USE, &name, "the source's slot is still read").await?;
        sqlx::query(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1",
        )
        .bind(&name)
        .execute(&mut *source)
        .await
        .map_err(|error| Problem::sql("removing a slot", &error))?;
        let drop = format!("DROP PUBLICATION IF EXISTS {name}");
        run(source, "removing a publication", &drop).await
    }

    /// Empties tables of the target and has them copied again, while the others go on.
    pub(crate) async fn reload(&mut self, tables: &[(String, String)]) -> Result<(), Problem> {
        let tables: Vec<Table> = tables
            .iter()
            .map(|(schema, name)| Table::new(schema, name))
            .filter(|table| self.shared.table(table).is_some())
            .collect();
        let Some((_, slot)) = self.subscription().await? else {
            return Ok(());
        };
        if tables.is_empty() {
            return Ok(());
        }
        let publication = if slot.as_deref() == Some(&self.name) {
            self.name.clone()
        } else {
            self.pair.clone()
        };
        let refresh = format!("ALTER SUBSCRIPTION {} REFRESH PUBLICATION", self.name);
        let drop = format!(
            "ALTER PUBLICATION {publication} DROP TABLE {}",
            only(&tables)
        );
        let add = format!(
            "ALTER PUBLICATION {publication} ADD TABLE {}",
            only(&tables)
        );
        // Deleted, as rows of other tables may refer to them, which a replica may overlook.
        let deletes: Vec<String> = tables
            .iter()
            .map(|table| format!("DELETE FROM ONLY {}", table.in_postgres()))
            .collect();
        let empty = format!(
            "SET session_replication_role = replica; {}; RESET session_replication_role",
            deletes.join("; ")
        );
        let doing = "loading tables again";
        run(self.source().await?, doing, &drop).await?;
        run(self.target().await?, doing, &refresh).await?;
        run(self.target().await?, doing, &empty).await?;
        run(self.source().await?, doing, &add).await?;
        self.shared.set_loaded(false);
        for table in &tables {
            self.shared.set_stage(table, Stage::Before);
        }
        run(self.target().await?, doing, &refresh).await
    }

    /// Reads the number of our subscription and the name of its slot; `None` when there is none.
    pub(super) async fn subscription(&mut self) -> Result<Option<(i64, Option<String>)>, Problem> {
        let name = self.name.clone();
        sqlx::query_as(
            "SELECT oid::bigint, subslotname::text FROM pg_subscription WHERE subname = $1",
        )
        .bind(name)
        .fetch_optional(self.target().await?)
        .await
        .map_err(|error| Problem::sql("reading subscriptions", &error))
    }

    /// Checks that a slot can be read from a position on.
    pub(super) async fn check_slot(&mut self, slot: &str, position: &str) -> Result<(), Problem> {
        let found: Option<(String, bool, bool)> = sqlx::query_as(
            "SELECT plugin::text, coalesce(confirmed_flush_lsn <= $2::pg_lsn, false), active
             FROM pg_replication_slots WHERE slot_name = $1",
        )
        .bind(slot)
        .bind(position)
        .fetch_optional(self.source().await?)
        .await
        .map_err(|error| Problem::sql("reading slots", &error))?;
        let problem = match found {
            None => format!("replication slot \"{slot}\" does not exist"),
            Some((plugin, ..)) if plugin != "pgoutput" => format!(
                "replication slot \"{slot}\" was made for `{plugin}`: a subscription reads `pgoutput`"
            ),
            Some((_, _, true)) => format!("replication slot \"{slot}\" is read by somebody else"),
            Some((_, false, _)) => {
                format!("replication slot \"{slot}\" does not go back to {position}")
            }
            Some(_) => return Ok(()),
        };
        Err(Problem::lasting(problem))
    }
}

/// Waits until the answer is no.
async fn until_not(
    connection: &mut PgConnection,
    query: &'static str,
    about: &str,
    still: &str,
) -> Result<(), Problem> {
    let end = Instant::now() + ENDS_WITHIN;
    loop {
        let so: bool = sqlx::query_scalar(query)
            .bind(about)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| Problem::sql("waiting for replication to end", &error))?;
        if !so {
            return Ok(());
        }
        if Instant::now() >= end {
            return Err(Problem::passing(format!(
                "{still} after {} s",
                ENDS_WITHIN.as_secs()
            )));
        }
        sleep(ASK_EVERY).await;
    }
}

/// How the target reaches the source, as libpq reads it.
fn conninfo(database: &MovedDatabase) -> String {
    let value = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    format!(
        "host={} port={} user={} password={} dbname={} connect_timeout=5",
        value(&database.host),
        database.port,
        value(&database.user),
        value(&database.password),
        value(&database.database)
    )
}

/// A text in SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
