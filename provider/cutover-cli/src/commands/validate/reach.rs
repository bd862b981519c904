//! From a connection as it was asked for to an address that is complete.

use std::time::Duration;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::side::Side;
use cutover_driver::{Address, Hidden, TlsWish};
use serde::Deserialize;
use serde_json::Value as Json;

use super::file::{ConnectionForm, TlsForm, TlsModeForm};
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// How long to wait for a connection: ours, as of the resource.
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

/// Completes an address from its secret, variables and files. The database is not reached.
///
/// # Errors
/// What is missing or cannot be read, with its side.
pub(super) async fn complete(
    here: &Here,
    side: Side,
    given: &ConnectionForm,
    connections: u32,
    statement_timeout: Duration,
) -> Result<Address, Problem> {
    let kept = match &given.secret_arn {
        Some(id) => fetch(here, side, id).await?,
        None => Kept::default(),
    };
    let lacks = |what: &str| {
        lacking(side, format!("nothing names the {what}"))
            .next(format!("give `--{side} postgres://user@host:5432/database`, a secret that has all of it, or a file"))
    };
    let engine = given.engine.ok_or_else(|| lacks("engine"))?;
    Ok(Address {
        engine,
        port: port(side, given.port, kept.port.as_ref(), engine)?,
        host: given
            .host
            .clone()
            .or(kept.host)
            .ok_or_else(|| lacks("host"))?,
        database: given
            .database
            .clone()
            .or(kept.dbname)
            .ok_or_else(|| lacks("database"))?,
        user: given
            .user
            .clone()
            .or(kept.username)
            .ok_or_else(|| lacks("user"))?,
        password: password(here, side, given, kept.password)?,
        tls: tls(side, &given.tls)?,
        // One more is used for questions in between.
        connections: connections.saturating_add(1),
        connect_timeout: CONNECT_TIMEOUT,
        statement_timeout,
    })
}

fn lacking(side: Side, what: impl std::fmt::Display) -> Problem {
    Problem::new(
        219,
        Exit::Failed,
        format!("the connection to the {side} is not complete: {what}"),
    )
}

async fn fetch(here: &Here, side: Side, id: &str) -> Result<Kept, Problem> {
    let text = here.secrets.fetch(id).await;
    let place = format!("secret `{id}` of the {side}");
    let text = text.map_err(|failure| Problem::from(failure).at(place))?;
    // What serde says could quote the secret.
    serde_json::from_str(text.reveal()).map_err(|_| {
        lacking(
            side,
            format!("the secret `{id}` is not JSON with `username` and `password`"),
        )
        .next("give a secret as Amazon RDS keeps it, or address and `--…-password-env`")
    })
}

fn port(
    side: Side,
    given: Option<u16>,
    kept: Option<&Json>,
    engine: Engine,
) -> Result<u16, Problem> {
    if let Some(port) = given {
        return Ok(port);
    }
    let read = |kept: &Json| match kept {
        Json::Number(number) => number.as_u64().and_then(|port| u16::try_from(port).ok()),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    match kept {
        None | Some(Json::Null) => Ok(match engine {
            Engine::Postgres => 5432,
            Engine::Mysql | Engine::Mariadb => 3306,
        }),
        Some(kept) => read(kept).ok_or_else(|| {
            lacking(side, "the `port` of its secret is not a port")
                .next("mend the secret, or give the port in the address")
        }),
    }
}

/// A variable that is named goes before the secret, and the secret before the variable of the usual name.
fn password(
    here: &Here,
    side: Side,
    given: &ConnectionForm,
    kept: Option<String>,
) -> Result<Hidden, Problem> {
    let usual = format!("CUTOVER_{}_PASSWORD", side.to_string().to_uppercase());
    let variable = |name: &str| (here.variable)(name).map(Hidden::new);
    let found = match &given.password_env {
        Some(name) => variable(name),
        None => kept.map(Hidden::new).or_else(|| variable(&usual)),
    };
    found.ok_or_else(|| {
        let name = given.password_env.as_ref().unwrap_or(&usual);
        lacking(side, format!("the variable `{name}` with its password is not set"))
            .next(format!("set it, or name another with `--{side}-password-env`, or a secret with `--{side}-secret`"))
    })
}

fn tls(side: Side, given: &TlsForm) -> Result<TlsWish, Problem> {
    let authorities = match &given.ca_file {
        Some(path) => Some(authorities(side, path)?),
        None => given.ca.clone(),
    };
    let is_idle = matches!(given.mode, TlsModeForm::Require | TlsModeForm::Off);
    if is_idle && authorities.is_some() {
        return Err(Problem::new(
            194,
            Exit::Usage,
            format!("certificates are given for the {side}, and its mode of TLS verifies none"),
        )
        .next("leave out `--ca-file`, or give `--tls verifyFull`"));
    }
    Ok(match given.mode {
        TlsModeForm::VerifyFull => TlsWish::Verified { authorities },
        TlsModeForm::VerifyCa => TlsWish::AnyName { authorities },
        TlsModeForm::Require => TlsWish::Unverified,
        TlsModeForm::Off => TlsWish::Off,
    })
}

fn authorities(side: Side, path: &str) -> Result<String, Problem> {
    let unusable = |why: &str| {
        lacking(side, format!("`{path}` {why}"))
            .next("give a file with certificates in PEM as `--ca-file`")
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| unusable(&format!("cannot be read: {error}")))?;
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(text)
    } else {
        Err(unusable("holds no certificate in PEM"))
    }
}
