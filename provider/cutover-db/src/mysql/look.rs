//! Meeting a MySQL or MariaDB server.

use std::collections::BTreeMap;

use cutover_core::validation::catalog::{Engine, Server, Tls};
use cutover_core::validation::facts::DbFailure;
use cutover_driver::{Address, TlsWish};
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use super::Mysql;
use super::session::is_mariadb;
use crate::failure::failed;
use crate::identity;

/// Variables of both engines; those that a server has not are not in the answer.
const VARIABLES: &str = "
    SHOW GLOBAL VARIABLES WHERE Variable_name IN
        ('version', 'hostname', 'port', 'server_id', 'server_uuid', 'datadir', 'read_only', 'super_read_only',
         'innodb_read_only', 'max_allowed_packet')";

/// TLS of this session.
const STATUS: &str = "SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_version', 'Ssl_cipher')";

/// Rights that let rows be changed; `DROP` empties tables, and partitions.
const WRITING: [&str; 5] = ["ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "DROP"];

/// Meets the server.
///
/// MySQL has a UUID of its own. MariaDB has none: its number, host name, port and data folder stand for it. So a MariaDB
/// that moved to another host is another server, and what was seen on the old one is not carried over.
///
/// # Errors
/// That it could not be reached or asked.
pub(crate) async fn look(database: &Mysql) -> Result<Server, DbFailure> {
    let doing = "meeting the server";
    let mut session = database.session(doing).await?;
    ask(&database.address, &mut session)
        .await
        .map_err(|error| failed(doing, &error))
}

/// Asks it, in any session. `at` is how it was reached.
pub(super) async fn ask(
    at: &Address,
    session: &mut MySqlConnection,
) -> Result<Server, sqlx::Error> {
    let variables = pairs(session, VARIABLES).await?;
    let status = pairs(session, STATUS).await?;
    let can_write = can_write(session).await?;
    let variable = |name: &str| variables.get(name).map(String::as_str).unwrap_or_default();
    let version = variable("version");
    let engine = if is_mariadb(version) {
        Engine::Mariadb
    } else {
        Engine::Mysql
    };
    let server = match variable("server_uuid") {
        "" => ["server_id", "hostname", "port", "datadir"]
            .map(variable)
            .to_vec(),
        uuid => vec![uuid],
    };
    let on = |name| !matches!(variable(name), "" | "OFF" | "0");
    let cipher = status.get("ssl_cipher").filter(|cipher| !cipher.is_empty());
    Ok(Server {
        engine,
        version: version.split('-').next().unwrap_or_default().to_owned(),
        version_number: version_number(version),
        identity: identity::of(&[&server[..], &[&at.database[..]]].concat()),
        database: at.database.clone(),
        // Readers of Aurora show it by the last of these.
        is_replica: on("read_only") || on("super_read_only") || on("innodb_read_only"),
        tls: cipher.map(|cipher| Tls {
            version: status.get("ssl_version").cloned().unwrap_or_default(),
            cipher: cipher.clone(),
            verified: matches!(at.tls, TlsWish::Verified { .. }),
        }),
        can_write,
        max_packet: variable("max_allowed_packet").parse().ok(),
    })
}

/// Whether any grant to the user, or to a role that it has, lets rows be changed. MariaDB's grants are those of the roles
/// too; MySQL wants them named.
async fn can_write(session: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
    let role = sqlx::raw_sql("SELECT CURRENT_ROLE(), VERSION()")
        .fetch_one(&mut *session)
        .await?;
    let statement = match (text(&role, 0)?, text(&role, 1)?) {
        (Some(roles), Some(version)) if !is_mariadb(&version) && roles != "NONE" => {
            // The server quotes the names in its answer as they must be in a statement.
            format!("SHOW GRANTS FOR CURRENT_USER() USING {roles}")
        }
        _ => "SHOW GRANTS".to_owned(),
    };
    let grants = sqlx::raw_sql(AssertSqlSafe(statement))
        .fetch_all(session)
        .await?;
    for grant in &grants {
        if text(grant, 0)?.is_some_and(|grant| lets_write(&grant)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn lets_write(grant: &str) -> bool {
    let rights = grant.split(" ON ").next().unwrap_or_default();
    WRITING.iter().any(|right| rights.contains(right))
}

/// Reads names and values; names in lower case, as engines differ in that.
async fn pairs(
    session: &mut MySqlConnection,
    statement: &'static str,
) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let rows = sqlx::raw_sql(statement).fetch_all(session).await?;
    rows.iter()
        .map(|row| {
            let name = text(row, 0)?.unwrap_or_default().to_ascii_lowercase();
            Ok((name, text(row, 1)?.unwrap_or_default()))
        })
        .collect()
}

/// Reads a column of an answer in text, whatever type the server says it is of: what one calls text is bytes to the other.
pub(super) fn text(row: &MySqlRow, index: usize) -> Result<Option<String>, sqlx::Error> {
    row.try_get_unchecked(index)
}

/// Makes a number of a version: `10.11.19-MariaDB` is 101119, `8.0.36` is 80036.
fn version_number(version: &str) -> u32 {
    let mut parts = version
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse().unwrap_or(0_u32));
    let mut part = || parts.next().unwrap_or(0).min(99);
    part() * 10_000 + part() * 100 + part()
}

#[cfg(test)]
mod tests {
    use super::{lets_write, version_number};

    #[test]
    fn grants_that_let_rows_be_changed_are_told_from_those_that_do_not() {
        for (grant, expected) in [
            ("GRANT SELECT, SHOW VIEW ON `pay`.* TO `reader`@`%`", false),
            ("GRANT USAGE ON *.* TO `reader`@`%`", false),
            ("GRANT `writer`@`%` TO `reader`@`%`", false),
            ("GRANT SELECT ON `ALL DROP`.`INSERT` TO `reader`@`%`", false),
            ("GRANT ALL PRIVILEGES ON *.* TO `admin`@`%`", true),
            (
                "GRANT SELECT (`id`), UPDATE (`id`) ON `pay`.`t` TO `u`@`%`",
                true,
            ),
        ] {
            assert_eq!(lets_write(grant), expected, "{grant}");
        }
    }

    #[test]
    fn versions_of_both_engines_become_numbers_that_can_be_compared() {
        for (version, number) in [
            ("8.0.36", 80_036),
            ("8.4.3-log", 80_403),
            ("10.11.19-MariaDB-ubu2204", 101_119),
            ("11.4-MariaDB", 110_400),
        ] {
            assert_eq!(version_number(version), number, "{version}");
        }
    }
}
