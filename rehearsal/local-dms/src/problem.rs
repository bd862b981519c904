//! What went wrong.

use std::fmt;

use sqlx::mysql::MySqlDatabaseError;

/// Codes whose message speaks of objects, users and places in logs. Others may quote a value of a row, and are told by
/// their code alone.
const SPEAKS_OF_OBJECTS: &[&str] = &[
    "08", "28", "3D", "3F", "42501", "42704", "42710", "42P01", "42P07", "55", "0A000", "57", "58",
    "1044", "1045", "1049", "1064", "1142", "1146", "1193", "1227", "1236", "1701",
];

/// Why a job, or a step of it, came to nothing. It holds no password and no value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    text: String,
    passing: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Problem {
    /// One that stays as long as nobody does something about it.
    pub(crate) fn lasting(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            text,
            passing: false,
        }
    }

    /// A connection that was lost, or was not to be had.
    pub(crate) fn passing(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            text,
            passing: true,
        }
    }

    /// Tells whether it may pass by itself, as a server that starts again does.
    pub(crate) fn is_passing(&self) -> bool {
        self.passing
    }

    /// What a statement came to. `doing` is what was being done: `copying shop.payments`.
    pub(crate) fn sql(doing: &str, error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(refused) => {
                let code = refused
                    .try_downcast_ref::<MySqlDatabaseError>()
                    .map(|error| error.number().to_string())
                    .or_else(|| refused.code().map(Into::into))
                    .unwrap_or_default();
                let message = refused.message();
                let text = if SPEAKS_OF_OBJECTS
                    .iter()
                    .any(|known| code.starts_with(known))
                {
                    format!("{doing}: {message} ({code})")
                } else {
                    format!("{doing}: the server refused it with error {code}")
                };
                // A server that shuts down says so before it closes the connection.
                let passing = code.starts_with("57P") || code == "1927" || code == "1053";
                Self { text, passing }
            }
            sqlx::Error::Io(error) => Self::passing(format!("{doing}: {error}")),
            other => Self::lasting(format!("{doing}: {other}")),
        }
    }
}
