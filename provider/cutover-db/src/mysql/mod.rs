//! MySQL and MariaDB.

mod session;

pub use session::Mysql;
