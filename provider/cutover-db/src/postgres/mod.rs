//! PostgreSQL.

mod session;

pub use session::Postgres;
