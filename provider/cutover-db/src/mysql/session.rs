//! How MySQL and MariaDB are spoken to.

use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::Side;
use cutover_driver::Address;
use sqlx::MySqlPool;
use sqlx::pool::PoolConnection;

use crate::failure::failed;

/// One MySQL or MariaDB database.
#[derive(Clone, Debug)]
pub struct Mysql {
    /// Which side of the plans it is.
    pub(crate) side: Side,
    /// Where it is.
    pub(crate) address: Address,
    /// Its connections. Every one of them is set up as `session` says before it is handed out.
    pub(crate) pool: MySqlPool,
}

impl Mysql {
    /// Takes a connection out of the pool; it goes back when dropped.
    pub(crate) async fn session(
        &self,
        doing: &str,
    ) -> Result<PoolConnection<sqlx::MySql>, DbFailure> {
        self.pool
            .acquire()
            .await
            .map_err(|error| failed(doing, &error))
    }
}
