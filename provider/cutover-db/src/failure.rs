//! What can be concluded from an error, without a value of a row in it.
//!
//! A server's message is kept only where its code is one that we know, and that speaks of objects: tables, users, locks.
//! Every other message may quote a value (`invalid input syntax for type date: "…"`), so what the code means is said instead.

mod connection;
mod mysql;
mod postgres;

#[cfg(test)]
mod tests;

use std::time::Duration;

use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;

/// Says what became of a statement that failed. `doing` is what was being done: `reading public.payments`.
pub(crate) fn failed(doing: &str, error: &Error) -> DbFailure {
    let Concluded { class, message } = conclude(error);
    DbFailure {
        class,
        doing: doing.to_owned(),
        code: code(error),
        message,
    }
}

/// Says that the server did not answer in time.
pub(crate) fn no_answer(doing: &str, waited: Duration) -> DbFailure {
    DbFailure {
        class: DbFailureClass::Unreachable,
        doing: doing.to_owned(),
        code: None,
        message: format!(
            "the server did not answer within {} s: check the address, and that firewalls and security groups let it through",
            waited.as_secs_f32()
        ),
    }
}

/// A class, and why it is that one, for people.
#[derive(Debug, PartialEq, Eq)]
struct Concluded {
    class: DbFailureClass,
    message: String,
}

impl Concluded {
    fn new(class: DbFailureClass, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { class, message }
    }
}

/// The server's code: an SQLSTATE of PostgreSQL, a number of MySQL, which says more than its SQLSTATE.
fn code(error: &Error) -> Option<String> {
    let error = error.as_database_error()?;
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return Some(error.number().to_string());
    }
    error.code().map(Into::into)
}

fn conclude(error: &Error) -> Concluded {
    match error {
        Error::Database(error) => {
            if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
                return postgres::conclude(error.code(), error.message());
            }
            if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
                return mysql::conclude(error.number(), error.code(), error.message());
            }
            Concluded::new(DbFailureClass::Other, "the server refused it")
        }
        Error::Io(error) => connection::broken(error),
        Error::Tls(error) => connection::without_tls(error.as_ref()),
        Error::PoolTimedOut => Concluded::new(
            DbFailureClass::Busy,
            "every connection that may be used at a time was in use",
        ),
        Error::PoolClosed | Error::WorkerCrashed => {
            Concluded::new(DbFailureClass::Lost, "the connections were closed")
        }
        // The names of columns are ours or the catalog's; what follows them may quote a value.
        Error::ColumnDecode { index, .. } => Concluded::new(
            DbFailureClass::Other,
            format!("the value of {index} is not of the type that was expected"),
        ),
        Error::RowNotFound => Concluded::new(DbFailureClass::Other, "there was no row"),
        Error::Protocol(_) => Concluded::new(
            DbFailureClass::Other,
            "the server's answer is not in its protocol, or this way of logging in is not supported",
        ),
        _ => Concluded::new(
            DbFailureClass::Other,
            "what was sent or what came back is not of the type that was expected",
        ),
    }
}
