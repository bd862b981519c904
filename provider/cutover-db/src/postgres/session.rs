//! How PostgreSQL is spoken to.

use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::Side;
use cutover_driver::Address;
use sqlx::PgPool;
use sqlx::pool::PoolConnection;

use crate::failure::failed;

/// One PostgreSQL database.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// Which side of the plans it is.
    pub(crate) side: Side,
    /// Where it is.
    pub(crate) address: Address,
    /// Its connections. Every one of them is set up as `session` says before it is handed out.
    pub(crate) pool: PgPool,
}

impl Postgres {
    /// Takes a connection out of the pool; it goes back when dropped.
    pub(crate) async fn session(
        &self,
        doing: &str,
    ) -> Result<PoolConnection<sqlx::Postgres>, DbFailure> {
        self.pool
            .acquire()
            .await
            .map_err(|error| failed(doing, &error))
    }
}
