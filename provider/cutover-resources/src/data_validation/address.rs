//! From a connection as the program gives it to an address that is complete.

use std::time::Duration;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::side::{Both, Side};
use cutover_driver::{Address, Hidden, TlsWish, World};
use pulumi_value::{Output, Secret};
use serde::Deserialize;
use serde_json::Value as Json;

use super::args::{ValidationConnection, ValidationEngine, ValidationTls, ValidationTlsMode};
use super::error::ValidationError;
use super::files;
use crate::provider::App;

/// How long to wait for a connection: ours; a second packet lost is rare, a firewall that swallows packets is not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What RDS keeps in a secret.
#[derive(Default, Deserialize)]
struct Kept {
    username: Option<String>,
    password: Option<String>,
    host: Option<String>,
    /// A number, or a text in secrets that were written by hand.
    port: Option<Json>,
    dbname: Option<String>,
}

/// What both connections are besides what the program says of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Connections that read.
    pub(crate) connections: u32,
    /// After how long the server cancels a statement.
    pub(crate) statement_timeout: Duration,
}

/// Completes both addresses from secrets, variables and files. Neither database is reached.
///
/// # Errors
/// What is missing or cannot be read, with its side.
pub(crate) async fn complete(
    app: &App,
    given: Both<&ValidationConnection>,
    terms: Both<Terms>,
) -> Result<Both<Address>, ValidationError> {
    Ok(Both {
        source: complete_one(app, Side::Source, given.source, terms.source).await?,
        target: complete_one(app, Side::Target, given.target, terms.target).await?,
    })
}

async fn complete_one(
    app: &App,
    side: Side,
    given: &ValidationConnection,
    terms: Terms,
) -> Result<Address, ValidationError> {
    let kept = match given.secret_arn.as_ref().and_then(Output::get) {
        Some(id) => fetch(&app.world, side, id).await?,
        None => Kept::default(),
    };
    let lacks = |what: &str| {
        let what = format!("neither the program nor its secret names the {what}");
        ValidationError::Unusable(side, what)
    };
    let text = |output: &Option<Output<String>>| output.as_ref().and_then(Output::get).cloned();
    Ok(Address {
        engine: match given.engine {
            ValidationEngine::Postgres => Engine::Postgres,
            ValidationEngine::Mysql => Engine::Mysql,
            ValidationEngine::Mariadb => Engine::Mariadb,
        },
        port: port(side, given, kept.port.as_ref())?,
        host: text(&given.host)
            .or(kept.host)
            .ok_or_else(|| lacks("host"))?,
        database: text(&given.database)
            .or(kept.dbname)
            .ok_or_else(|| lacks("database"))?,
        user: text(&given.user)
            .or(kept.username)
            .ok_or_else(|| lacks("user"))?,
        password: password(app, side, given)?
            .or(kept.password.map(Hidden::new))
            .ok_or_else(|| lacks("password"))?,
        tls: tls(side, given.tls.as_ref())?,
        connections: terms.connections.saturating_add(1),
        connect_timeout: CONNECT_TIMEOUT,
        statement_timeout: terms.statement_timeout,
    })
}

async fn fetch(world: &World, side: Side, id: &str) -> Result<Kept, ValidationError> {
    let text = world.secrets.fetch(id).await;
    let text = text.map_err(|failure| ValidationError::Secret(side, failure))?;
    // What serde says could quote the secret.
    serde_json::from_str(text.reveal()).map_err(|_| {
        let what = format!("the secret `{id}` is not JSON with `username` and `password`");
        ValidationError::Unusable(side, what)
    })
}

fn port(
    side: Side,
    given: &ValidationConnection,
    kept: Option<&Json>,
) -> Result<u16, ValidationError> {
    if let Some(port) = given.port.as_ref().and_then(Output::get) {
        return Ok(*port);
    }
    let read = |kept: &Json| match kept {
        Json::Number(number) => number.as_u64().and_then(|port| u16::try_from(port).ok()),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    match kept {
        None | Some(Json::Null) => Ok(match given.engine {
            ValidationEngine::Postgres => 5432,
            ValidationEngine::Mysql | ValidationEngine::Mariadb => 3306,
        }),
        Some(kept) => read(kept).ok_or_else(|| {
            let what = "the `port` of its secret is not a port".to_owned();
            ValidationError::Unusable(side, what)
        }),
    }
}

fn password(
    app: &App,
    side: Side,
    given: &ValidationConnection,
) -> Result<Option<Hidden>, ValidationError> {
    if let Some(name) = &given.password_env {
        let value = (app.variable)(name).ok_or_else(|| {
            let what = format!("the variable `{name}` of `passwordEnv` is not set");
            ValidationError::Unusable(side, what)
        })?;
        return Ok(Some(Hidden::new(value)));
    }
    let password = given.password.as_ref().and_then(Output::get);
    Ok(password.map(Secret::expose).map(Hidden::new))
}

fn tls(side: Side, given: Option<&ValidationTls>) -> Result<TlsWish, ValidationError> {
    let given = given.cloned().unwrap_or_default();
    let authorities = match &given.ca_file {
        Some(path) => Some(files::read_authorities(side, path)?),
        None => given.ca.and_then(Output::into_known),
    };
    Ok(match given.mode.unwrap_or_default() {
        ValidationTlsMode::VerifyFull => TlsWish::Verified { authorities },
        ValidationTlsMode::VerifyCa => TlsWish::AnyName { authorities },
        ValidationTlsMode::Require => TlsWish::Unverified,
        ValidationTlsMode::Off => TlsWish::Off,
    })
}
