//! What can go wrong, by what a person does about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::Engine;

/// Why there is no server, or why it did not do as it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A program that `make setup` installs is not there.
    #[error("`{}` is not there: run `make setup`", program.display())]
    NotInstalled {
        /// The program, or the file that comes with it.
        program: PathBuf,
    },
    /// A file or a process could not be had from the operating system.
    #[error("cannot {doing}")]
    System {
        /// What was being done.
        doing: String,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// A program that prepares a server failed.
    #[error("`{}` failed: {said}", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// The end of what it said.
        said: String,
    },
    /// The server ended by itself. A setting that it does not know is the usual reason.
    #[error("{engine} ended by itself; the end of its log:\n{log}")]
    Ended {
        /// Which server.
        engine: Engine,
        /// The end of its log.
        log: String,
    },
    /// The server runs and does not answer.
    #[error("{engine} does not answer after {} s; the end of its log:\n{log}", waited.as_secs())]
    Silent {
        /// Which server.
        engine: Engine,
        /// For how long it was asked.
        waited: Duration,
        /// The end of its log.
        log: String,
        /// Why the last attempt failed.
        #[source]
        source: Option<sqlx::Error>,
    },
    /// The server is stopped, or was killed, and `restart` was not called.
    #[error("{engine} is not running: call `restart` first")]
    Stopped {
        /// Which server.
        engine: Engine,
    },
    /// A statement failed, or its connection.
    #[error("{engine} did not do what it was asked in database `{database}`")]
    Sql {
        /// Which server.
        engine: Engine,
        /// The database of the connection.
        database: String,
        /// The driver's error, with the server's in it.
        #[source]
        source: sqlx::Error,
    },
    /// What was waited for did not come.
    #[error("{what} after {} s", waited.as_secs())]
    Late {
        /// What is still not so.
        what: &'static str,
        /// For how long it was waited for.
        waited: Duration,
    },
    /// Two servers of different engines, or an engine that cannot do this.
    #[error("{what}")]
    Unfit {
        /// What does not fit.
        what: &'static str,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
}

impl Error {
    /// Makes an error of the operating system's answer.
    pub(crate) fn system(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::System { doing, source }
    }
}
