//! An address becomes a database.

use std::sync::Arc;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::side::Side;
use cutover_driver::{Address, Asked, Database, Databases, Fenced, WriterControl, Writers};

use crate::mysql::{self, Mysql};
use crate::postgres::{self, Postgres};

/// Opens databases by their addresses.
#[derive(Clone, Copy, Debug)]
pub struct Connections;

impl Databases for Connections {
    fn open<'a>(&'a self, side: Side, at: &'a Address) -> Asked<'a, Arc<dyn Database>> {
        Box::pin(async move {
            let opened: Arc<dyn Database> = match at.engine {
                Engine::Postgres => Arc::new(Postgres::open(side, at).await?),
                Engine::Mysql | Engine::Mariadb => Arc::new(Mysql::open(side, at).await?),
            };
            Ok(opened)
        })
    }
}

impl Writers for Connections {
    fn open<'a>(
        &'a self,
        side: Side,
        at: &'a Address,
        of: &'a Fenced,
    ) -> Asked<'a, Arc<dyn WriterControl>> {
        Box::pin(async move {
            match at.engine {
                Engine::Postgres => postgres::control::open(side, at, of).await,
                Engine::Mysql | Engine::Mariadb => mysql::control::open(side, at, of).await,
            }
        })
    }
}

/// Settles on ring for whatever in the process asks for *the* provider of cryptography: with several of them linked and
/// none settled on, rustls panics at the first certificate whose name is not to be verified.
pub(crate) fn settle_on_ring() {
    // Whoever settled on one before us is fine too.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}
