//! Meeting a PostgreSQL server.

use cutover_core::validation::catalog::{Engine, Server, Tls};
use cutover_core::validation::facts::DbFailure;
use cutover_driver::{Address, TlsWish};
use sqlx::{PgConnection, Row};

use super::Postgres;
use crate::failure::failed;
use crate::identity;

/// One row about the server and this session. A user may write if any table lets it, whatever this session may do.
const SERVER: &str = "
    SELECT current_setting('server_version') AS version,
           current_setting('server_version_num')::int4 AS number,
           pg_is_in_recovery() AS follows,
           d.datname::text AS database,
           d.oid::int8 AS database_oid,
           coalesce(inet_server_addr()::text, '') || ':' || coalesce(inet_server_port(), 0) AS listens,
           s.ssl IS TRUE AS encrypted, s.version AS tls_version, s.cipher AS tls_cipher,
           EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relkind IN ('r', 'p')
                      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                      AND has_schema_privilege(n.oid, 'USAGE')
                      AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                           OR has_any_column_privilege(c.oid, 'INSERT, UPDATE'))) AS can_write
      FROM pg_database d LEFT JOIN pg_stat_ssl s ON s.pid = pg_backend_pid()
     WHERE d.datname = current_database()";

/// The number that `initdb` gave the cluster. Its replicas have the same, and so has a copy that was restored from a snapshot
/// of it and lives on by itself.
const SYSTEM: &str = "SELECT system_identifier::text FROM pg_control_system()";

/// Meets the server.
///
/// Its identity is the cluster's system identifier, the address that the server itself listens at, and the database's number.
/// Where the identifier may not be read, the address that we were given stands for it.
///
/// # Errors
/// That it could not be reached or asked.
pub(crate) async fn look(database: &Postgres) -> Result<Server, DbFailure> {
    let doing = "meeting the server";
    let mut session = database.session(doing).await?;
    meet(&mut session, &database.address)
        .await
        .map_err(|error| failed(doing, &error))
}

/// Meets the server that a connection leads to.
pub(super) async fn meet(
    session: &mut PgConnection,
    address: &Address,
) -> Result<Server, sqlx::Error> {
    let row = sqlx::query(SERVER).fetch_one(&mut *session).await?;
    let system = system(session, address).await;
    read(address, &row, &system)
}

fn read(
    address: &Address,
    row: &sqlx::postgres::PgRow,
    system: &str,
) -> Result<Server, sqlx::Error> {
    let version: String = row.try_get("version")?;
    let number: i32 = row.try_get("number")?;
    let oid: i64 = row.try_get("database_oid")?;
    let listens: String = row.try_get("listens")?;
    let tls = if row.try_get("encrypted")? {
        Some(Tls {
            version: row.try_get("tls_version")?,
            cipher: row.try_get("tls_cipher")?,
            verified: matches!(address.tls, TlsWish::Verified { .. }),
        })
    } else {
        None
    };
    Ok(Server {
        engine: Engine::Postgres,
        // `15.18 (Debian 15.18-0+deb12u1)`.
        version: version.split(' ').next().unwrap_or_default().to_owned(),
        version_number: u32::try_from(number).unwrap_or_default(),
        identity: identity::of(&["postgres", system, &listens, &oid.to_string()]),
        database: row.try_get("database")?,
        is_replica: row.try_get("follows")?,
        tls,
        can_write: row.try_get("can_write")?,
        max_packet: None,
    })
}

async fn system(session: &mut PgConnection, address: &Address) -> String {
    match sqlx::query_scalar(SYSTEM).fetch_one(session).await {
        Ok(identifier) => identifier,
        Err(_) => format!("{}:{}", address.host, address.port),
    }
}
