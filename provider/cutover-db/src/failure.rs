//! What can be concluded from an error, without a value of a row in it.

use cutover_core::validation::facts::{DbFailure, DbFailureClass};

/// Says what became of a statement that failed. `doing` is what was being done: `reading public.payments`.
pub(crate) fn failed(doing: &str, error: &sqlx::Error) -> DbFailure {
    DbFailure {
        class: DbFailureClass::Other,
        doing: doing.to_owned(),
        code: error
            .as_database_error()
            .and_then(|error| error.code().map(Into::into)),
        message: String::new(),
    }
}
