//! The user of the page about validations: made with the very SQL that people paste, and used as a validation does.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::side::Side;
use cutover_db::Connections;
use cutover_driver::{Address, Database, Databases as _, Hidden, TlsWish};
use cutover_local_db::Server;

const PAGE: &str = include_str!("../../../../docs/data-validation.md");

/// What no error, report or log may show.
pub(crate) const PASSWORD: &str = "seen-by-nobody-7c41";

/// A user of a server, and the database that it reads.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) server: &'static Server,
    pub(crate) side: Side,
    pub(crate) database: String,
    pub(crate) user: String,
}

impl Reader {
    /// Runs a block of SQL of the page as the superuser, with the names of this user and of its database.
    pub(crate) fn paste(&self, block: &str) {
        let sql = block_of_the_page(block)
            .replace('…', PASSWORD)
            .replace("cutover_reader", &self.user)
            .replace("shop", &self.database);
        self.run(&sql);
    }

    /// Runs statements as the superuser; `@user` in them stands for this user as the engine writes it.
    pub(crate) fn run(&self, script: &str) {
        let user = match self.server.engine() {
            cutover_local_db::Engine::Postgres => self.user.clone(),
            cutover_local_db::Engine::MariaDb => format!("'{}'@'%'", self.user),
        };
        let script = script.replace("@user", &user);
        self.server
            .run_script(&self.database, &script)
            .unwrap_or_else(|error| panic!("{error:?}\n{script}"));
    }

    /// Opens the database as a validation does, as this user and encrypted.
    pub(crate) async fn open(&self) -> Arc<dyn Database> {
        let address = Address {
            engine: match self.server.engine() {
                cutover_local_db::Engine::Postgres => Engine::Postgres,
                cutover_local_db::Engine::MariaDb => Engine::Mariadb,
            },
            host: self.server.host().to_owned(),
            port: self.server.port(),
            database: self.database.clone(),
            user: self.user.clone(),
            password: Hidden::new(PASSWORD),
            tls: TlsWish::Verified {
                authorities: self.server.authority().map(str::to_owned),
            },
            connections: 3,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(30),
        };
        Connections
            .open(self.side, &address)
            .await
            .expect("the user of the page is let in")
    }
}

/// Reads a block of SQL that the page marks: `<!-- sql: postgres-user -->` stands right before it.
fn block_of_the_page(name: &str) -> &'static str {
    let mark = format!("<!-- sql: {name} -->\n```sql\n");
    let (_, block) = PAGE
        .split_once(&mark)
        .unwrap_or_else(|| panic!("the page has no block `{name}`"));
    let (block, _) = block.split_once("```").expect("a block ends");
    block
}
