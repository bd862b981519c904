//! Databases: PostgreSQL, MySQL and MariaDB behind the ports of a validation.
//!
//! An adapter makes statements of plans, runs one, and reports what came of it. It does not decide and does not repeat.
//! Values of rows exist only between the wire and [`canonical`], which turns them into hashes.
//!
//! # Where things are
//!
//! | Module | Subject |
//! | --- | --- |
//! | `open` | an address becomes a database |
//! | `failure` | what can be concluded from an error, without a value of a row in it |
//! | `identity` | what tells a server's database from any other |
//! | [`canonical`] | values in their canonical form, and prints of them |
//! | `postgres` | PostgreSQL: `session` how it is spoken to, `catalog` what it holds, the rest reads rows |
//! | `mysql` | MySQL and MariaDB, in the same rooms |

pub mod canonical;
mod failure;
mod identity;
mod mysql;
mod open;
mod postgres;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod testing;

pub use mysql::Mysql;
pub use open::Connections;
pub use postgres::Postgres;
