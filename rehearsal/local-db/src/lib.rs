//! Real PostgreSQL and MariaDB servers on loopback, for rehearsals and tests.
//!
//! A server has a port and a data folder of its own. It ends, and its folder goes, when its [`Server`] is dropped; and
//! also when the process that started it ends in whatever way, since a guardian waits for that. So a server in a `static`
//! leaves nothing behind either.
//!
//! Everything here **blocks**, also when it is called from asynchronous code: it is for tests, which have nothing else to
//! do meanwhile. Nothing here waits for time to pass, only for conditions, and each wait has a limit.
//!
//! What a server has confirmed survives its death, by [`Server::kill`] too, and is lost when the machine goes down: a commit
//! waits until the operating system has it, and not until a disk has.
//!
//! | File | Subject |
//! |---|---|
//! | `server.rs` | [`Server`]: starting, restarting, killing, stopping one, and what there is to know about it |
//! | `options.rs` | [`Options`]: how it differs from the others; [`Tls`] |
//! | `sql.rs` | running SQL as the superuser, and what a client needs for a connection of its own |
//! | `replication.rs` | [`Replication`]: one server following another |
//! | `installed.rs` | where `make setup` has put the programs |
//! | `template.rs` | data folders, made once and copied |
//! | `postgres.rs`, `mariadb.rs` | what only one engine needs to be told |
//! | `certificates.rs` | certificates, made on the spot |
//! | `process.rs` | processes, their guardian, and waiting for a condition |
//! | `error.rs` | [`Error`] |

mod certificates;
mod error;
mod installed;
mod mariadb;
mod options;
mod postgres;
mod process;
mod replication;
mod server;
mod sql;
mod template;

pub use error::Error;
pub use options::{Options, Tls};
pub use replication::Replication;
pub use server::{Engine, Server};
