//! One server following another.

use crate::process::{PATIENCE, until};
use crate::{Engine, Error, Server};

/// What a subscription and its publication are called.
const NAME: &str = "following";

/// A target that follows a source, by the engine's own means, until [`Replication::stop`] or as long as both live.
#[derive(Debug)]
pub struct Replication<'a> {
    source: &'a Server,
    target: &'a Server,
    database: String,
}

impl<'a> Replication<'a> {
    /// Begins to follow, and waits until the target has what the source has now. The source must have been started with
    /// [`Options::replicating`](crate::Options::replicating).
    ///
    /// - PostgreSQL: the rows of one database, through a publication of all its tables. The same tables must be there on
    ///   the target, empty; changes of tables are not followed. One replication at a time for each source and target.
    /// - MariaDB: everything that the source's binary log holds, databases and tables included, by GTID. The database
    ///   given is not looked at.
    ///
    /// # Errors
    /// When the engines differ, or one of them refuses.
    pub fn start(source: &'a Server, target: &'a Server, database: &str) -> Result<Self, Error> {
        if source.engine() != target.engine() {
            return Err(Error::Unfit {
                what: "source and target of a replication are of different engines",
            });
        }
        let replication = Self {
            source,
            target,
            database: database.to_owned(),
        };
        let (host, port) = (source.host(), source.port());
        let (user, password) = (source.superuser(), source.password());
        match source.engine() {
            Engine::Postgres => {
                let publication = format!("CREATE PUBLICATION {NAME} FOR ALL TABLES");
                source.run_script(database, &publication)?;
                replication.tell_target(&format!(
                    "CREATE SUBSCRIPTION {NAME} CONNECTION 'host={host} port={port} user={user} \
                     password={password} dbname={database}' PUBLICATION {NAME}"
                ))?;
            }
            Engine::MariaDb => replication.tell_target(&format!(
                "CHANGE MASTER TO MASTER_HOST='{host}', MASTER_PORT={port}, MASTER_USER='{user}', \
                 MASTER_PASSWORD='{password}', MASTER_USE_GTID=slave_pos; START SLAVE"
            ))?,
        }
        replication.catch_up()?;
        Ok(replication)
    }

    /// Makes the target apply nothing more until [`Replication::resume`]. What the source does meanwhile is kept.
    ///
    /// # Errors
    /// When the target refuses.
    pub fn pause(&self) -> Result<(), Error> {
        match self.target.engine() {
            Engine::MariaDb => self.tell_target("STOP SLAVE SQL_THREAD"),
            Engine::Postgres => {
                self.tell_target(&format!("ALTER SUBSCRIPTION {NAME} DISABLE"))?;
                // It returns before the process that applies has ended.
                self.wait_until(
                    "the target still applies changes",
                    self.target,
                    "SELECT count(*) = 0 FROM pg_stat_subscription WHERE pid IS NOT NULL",
                )
            }
        }
    }

    /// Makes the target go on where it was paused.
    ///
    /// # Errors
    /// When the target refuses.
    pub fn resume(&self) -> Result<(), Error> {
        self.tell_target(&match self.target.engine() {
            Engine::MariaDb => "START SLAVE SQL_THREAD".to_owned(),
            Engine::Postgres => format!("ALTER SUBSCRIPTION {NAME} ENABLE"),
        })
    }

    /// Waits until the target has applied all that the source has committed by now.
    ///
    /// # Errors
    /// When it does not within a minute, as it cannot while it is paused.
    pub fn catch_up(&self) -> Result<(), Error> {
        match self.source.engine() {
            Engine::Postgres => {
                self.wait_until(
                    "the target has not copied all tables",
                    self.target,
                    "SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate <> 'r'",
                )?;
                let position = self.position("SELECT pg_current_wal_lsn()")?;
                self.wait_until(
                    "the target has not caught up",
                    self.source,
                    &format!(
                        "SELECT confirmed_flush_lsn >= '{position}' FROM pg_replication_slots \
                         WHERE slot_name = '{NAME}'"
                    ),
                )
            }
            Engine::MariaDb => {
                let position = self.position("SELECT @@gtid_binlog_pos")?;
                self.wait_until(
                    "the target has not caught up",
                    self.target,
                    &format!("SELECT MASTER_GTID_WAIT('{position}', 0.1) = 0"),
                )
            }
        }
    }

    /// Ends it for good. What the target has stays.
    ///
    /// # Errors
    /// When one of the servers refuses.
    pub fn stop(self) -> Result<(), Error> {
        match self.target.engine() {
            Engine::MariaDb => self.tell_target("STOP SLAVE; RESET SLAVE ALL"),
            Engine::Postgres => {
                self.tell_target(&format!("DROP SUBSCRIPTION {NAME}"))?;
                self.source
                    .run_script(&self.database, &format!("DROP PUBLICATION {NAME}"))
            }
        }
    }

    /// The database to be connected to: for MariaDB one that is there before anything is replicated.
    fn database(&self) -> &str {
        match self.source.engine() {
            Engine::Postgres => &self.database,
            Engine::MariaDb => self.source.first_database(),
        }
    }

    fn tell_target(&self, script: &str) -> Result<(), Error> {
        self.target.run_script(self.database(), script)
    }

    fn position(&self, query: &str) -> Result<String, Error> {
        let found = self.source.rows(self.database(), query)?;
        let position = found.into_iter().flatten().flatten().next();
        Ok(position.unwrap_or_default())
    }

    /// Waits until the query answers with true.
    fn wait_until(&self, not_yet: &'static str, server: &Server, query: &str) -> Result<(), Error> {
        let met = until(|| match server.rows(self.database(), query) {
            Ok(rows) => {
                let answer = rows.into_iter().flatten().flatten().next();
                matches!(answer.as_deref(), Some("t" | "1")).then_some(Ok(()))
            }
            Err(error) => Some(Err(error)),
        });
        met.unwrap_or(Err(Error::Late {
            what: not_yet,
            waited: PATIENCE,
        }))
    }
}
