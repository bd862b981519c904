//! Real servers for the tests of this crate.

use std::fmt::Write as _;
use std::time::Duration;

use cutover_core::validation::catalog::{Catalog, Engine};
use cutover_core::validation::side::Side;
use cutover_driver::{Address, Hidden, TlsWish};
use cutover_local_db::Server;

use crate::{Mysql, Postgres};

/// Where a server's database is, for the superuser, unencrypted.
pub(crate) fn address(server: &Server, database: &str) -> Address {
    Address {
        engine: match server.engine() {
            cutover_local_db::Engine::Postgres => Engine::Postgres,
            cutover_local_db::Engine::MariaDb => Engine::Mariadb,
        },
        host: server.host().to_owned(),
        port: server.port(),
        database: database.to_owned(),
        user: server.superuser().to_owned(),
        password: Hidden::new(server.password()),
        tls: TlsWish::Off,
        connections: 2,
        connect_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_secs(30),
    }
}

/// A database of its own on the PostgreSQL that all tests share, with what the script makes in it.
pub(crate) async fn postgres(name: &str, script: &str) -> Postgres {
    let at = database_of(Server::shared_postgres(), name, script);
    Postgres::open(Side::Source, &at)
        .await
        .expect("the shared PostgreSQL answers")
}

/// A database of its own on the MariaDB that all tests share, with what the script makes in it.
pub(crate) async fn mariadb(name: &str, script: &str) -> Mysql {
    let at = database_of(Server::shared_mariadb(), name, script);
    Mysql::open(Side::Source, &at)
        .await
        .expect("the shared MariaDB answers")
}

/// Makes a database with what the script makes in it, and says where it is.
pub(crate) fn database_of(server: &Server, name: &str, script: &str) -> Address {
    server.create_database(name).expect("the name is not taken");
    server.run_script(name, script).expect("the script is SQL");
    address(server, name)
}

/// A catalog as a person reads it, a line for each thing; without sizes, which hang on how a server keeps rows.
pub(crate) fn printed(catalog: &Catalog) -> String {
    print(catalog).expect("a text takes what is written to it")
}

fn print(catalog: &Catalog) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    for table in &catalog.tables {
        write!(out, "table {} key {:?}", table.name, table.primary_key)?;
        write!(out, "{}", if table.readable { "" } else { " unreadable" })?;
        writeln!(out, "{}", if table.hides_rows { " hides rows" } else { "" })?;
        if let Some(partitioning) = &table.partitioning {
            let names: Vec<_> = partitioning
                .partitions
                .iter()
                .map(ToString::to_string)
                .collect();
            writeln!(
                out,
                "  partitioned {} into {}",
                partitioning.rule,
                names.join(", ")
            )?;
        }
        for column in &table.columns {
            write!(
                out,
                "  {} {:?} `{}`",
                column.name, column.kind, column.type_name
            )?;
            write!(out, "{}", if column.nullable { "" } else { " not null" })?;
            if let Some(default) = &column.default {
                write!(out, " default {default}")?;
            }
            write!(out, " {:?}", column.made)?;
            if let Some(collation) = &column.collation {
                write!(out, " collate {collation}")?;
            }
            writeln!(
                out,
                "{}",
                if column.deterministic {
                    ""
                } else {
                    " not deterministic"
                }
            )?;
        }
        for index in &table.indexes {
            writeln!(out, "  {index:?}")?;
        }
        for key in &table.foreign_keys {
            writeln!(out, "  {key:?}")?;
        }
        for check in &table.checks {
            writeln!(out, "  {check:?}")?;
        }
        for trigger in &table.triggers {
            writeln!(out, "  {trigger:?}")?;
        }
    }
    for sequence in &catalog.sequences {
        writeln!(out, "{sequence:?}")?;
    }
    Ok(out)
}
