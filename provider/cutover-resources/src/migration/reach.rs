//! Opens both databases, for what is ours in them.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::validation::side::{Both, Side};
use cutover_driver::{Address, Database, Fenced, WriterControl};
use futures_util::future::join;

use super::Given;
use crate::data_validation::{Terms, ValidationError, complete};
use crate::provider::App;

/// After how long a server cancels a statement about what is ours: ours; reading the greatest value of a column that has
/// no index takes that long on a large table, everything else milliseconds.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(1);

/// Both databases, opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What is ours in each of them.
    pub(crate) writers: Both<Arc<dyn WriterControl>>,
    /// Where they are.
    pub(crate) addresses: Both<Address>,
    /// Their tables, as each side names them.
    pub(crate) tables: Both<Vec<cutover_core::validation::catalog::TableName>>,
}

/// Opens both databases for what is ours in them; `run` is told to whoever finds the lock taken.
///
/// # Errors
/// When either cannot be reached; the source is told first.
pub(crate) async fn open(
    app: &App,
    given: Given<'_>,
    run: &str,
) -> Result<Opened, ValidationError> {
    let terms = Both::of(|_| Terms {
        connections: 1,
        statement_timeout: STATEMENT_TIMEOUT,
    });
    let addresses = complete(app, given.sides, terms).await?;
    let databases = addresses
        .as_ref()
        .map(|address| Some(address.database.as_str()));
    let tables = given.tables(databases);
    let open = |side: Side| {
        let users = given.apply_users.map(|users| match side {
            Side::Source => users.source.clone(),
            Side::Target => users.target.clone(),
        });
        let fenced = Fenced {
            migration: given.migration.to_owned(),
            schema: given.control_schema.to_owned(),
            tables: tables.get(side).clone(),
            apply_users: users.unwrap_or_default(),
            slot_plugin: given.slot_plugin.to_owned(),
            run: format!("run {run}"),
        };
        let address = addresses.get(side);
        async move {
            let opened = app.world.writers.open(side, address, &fenced).await;
            opened.map_err(|failure| ValidationError::Database(side, failure))
        }
    };
    let (source, target) = join(open(Side::Source), open(Side::Target)).await;
    // One that was opened beside one that was not ends with its session.
    let writers = Both {
        source: source?,
        target: target?,
    };
    Ok(Opened {
        writers,
        addresses,
        tables,
    })
}

/// Opens both databases for reading all of their rows.
///
/// # Errors
/// When either cannot be reached; the source is told first.
pub(crate) async fn open_all(
    app: &App,
    given: Both<&crate::data_validation::ValidationConnection>,
    terms: Both<Terms>,
) -> Result<Both<Arc<dyn Database>>, ValidationError> {
    let addresses = complete(app, given, terms).await?;
    let databases = &app.world.databases;
    let open = |side: Side| {
        let address = addresses.get(side);
        async move {
            let opened = databases.open(side, address).await;
            opened.map_err(|failure| ValidationError::Database(side, failure))
        }
    };
    let (source, target) = join(open(Side::Source), open(Side::Target)).await;
    Ok(Both {
        source: source?,
        target: target?,
    })
}

/// Ends both sessions, and the locks with them.
pub(crate) async fn leave(writers: &Both<Arc<dyn WriterControl>>) {
    join(writers.source.leave(), writers.target.leave()).await;
}
