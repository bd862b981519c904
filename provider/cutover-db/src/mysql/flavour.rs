//! What MySQL and MariaDB do not share, as far as reading rows is concerned.

use sqlx::{MySqlConnection, Row};

use super::session::is_mariadb;

/// Which of the two a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// MySQL 8, and Aurora MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
}

impl Flavour {
    /// Asks the server.
    pub(crate) async fn of(connection: &mut MySqlConnection) -> Result<Self, sqlx::Error> {
        let version: String = sqlx::query_scalar("SELECT VERSION()")
            .fetch_one(connection)
            .await?;
        Ok(if is_mariadb(&version) {
            Self::Mariadb
        } else {
            Self::Mysql
        })
    }

    /// The query for the transactions that a server has written to its log.
    ///
    /// MariaDB counts what it applied as a replica in `gtid_current_pos` alone when it does not log it again.
    pub(crate) fn position(self) -> &'static str {
        match self {
            Self::Mysql => "SELECT @@GLOBAL.gtid_executed",
            Self::Mariadb => {
                "SELECT IF(@@GLOBAL.gtid_binlog_pos = '', @@GLOBAL.gtid_current_pos, @@GLOBAL.gtid_binlog_pos)"
            }
        }
    }

    /// The query that gives 1 when a server has applied the transactions that stand for its one parameter.
    ///
    /// `MASTER_GTID_WAIT` with a limit of 0 does not wait: 0 when all are there, −1 when some are not.
    pub(crate) fn has_passed(self) -> &'static str {
        match self {
            Self::Mysql => "SELECT GTID_SUBSET(?, @@GLOBAL.gtid_executed) = 1",
            Self::Mariadb => "SELECT MASTER_GTID_WAIT(?, 0) = 0",
        }
    }

    /// The statement that says how far a replica is behind, in the column that [`Self::lag`] reads.
    pub(crate) fn replica_status(self) -> &'static str {
        match self {
            Self::Mysql => "SHOW REPLICA STATUS",
            Self::Mariadb => "SHOW ALL SLAVES STATUS",
        }
    }

    /// Reads the seconds that a replica is behind: `None` where it does not know, or applies nothing.
    pub(crate) fn lag(self, row: &sqlx::mysql::MySqlRow) -> Option<u64> {
        let column = match self {
            Self::Mysql => "Seconds_Behind_Source",
            Self::Mariadb => "Seconds_Behind_Master",
        };
        // The types of status columns differ between versions; as text all of them are the same.
        row.try_get_unchecked::<Option<String>, _>(column)
            .ok()
            .flatten()
            .and_then(|seconds| seconds.parse().ok())
    }
}
