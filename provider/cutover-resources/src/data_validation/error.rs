//! Why a validation did not come to what was asked for, with advice.

use cutover_core::validation::advice::{advice_on as advice_on_database, render_failure};
use cutover_core::validation::facts::{DbFailure, DbFailureClass};
use cutover_core::validation::side::Side;
use cutover_core::{Failure, IllegalFact};
use pulumi_host::{Error, ErrorKind, Guidance};
use thiserror::Error as ThisError;

use crate::code::Code;
use crate::error::{advice_on, kind_of, told};

/// Why a validation did not come to what was asked for.
#[derive(Debug, ThisError)]
pub(crate) enum ValidationError {
    #[error("the secret of the {} cannot be read: {}", .0, told(.1))]
    Secret(Side, Failure),
    #[error("the connection to the {0} is not complete: {1}")]
    Unusable(Side, String),
    #[error("{}", render_failure(*.0, .1))]
    Database(Side, DbFailure),
    #[error("the report cannot be written to `{path}`: {why}")]
    ReportFile { path: String, why: String },
    #[error("source and target are not the same: {0}")]
    Mismatched(String),
    #[error("it cannot be told whether source and target are the same: {0}")]
    Inconclusive(String),
    #[error("the validation was {stop}; {rest}")]
    Stopped { stop: String, rest: &'static str },
    #[error("a fact did not fit: {0}")]
    Broken(IllegalFact),
}

impl ValidationError {
    pub(crate) fn stable_code(&self) -> Code {
        match self {
            Self::Secret(..) | Self::Unusable(..) => Code::ValidationCredentials,
            Self::Database(_, failure) => {
                let code = Code::numbered(advice_on_database(failure.class).code);
                code.unwrap_or(Code::DatabaseRefused)
            }
            Self::ReportFile { .. } => Code::ValidationReport,
            Self::Mismatched(_) => Code::ValidationMismatched,
            Self::Inconclusive(_) => Code::ValidationInconclusive,
            Self::Stopped { .. } => Code::ValidationStopped,
            Self::Broken(_) => Code::ValidationBroken,
        }
    }

    /// The error as a person reads it, for the list of reasons why something is not finished.
    pub(crate) fn into_reason(self) -> String {
        Error::from(self).to_string()
    }
}

impl Guidance for ValidationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Secret(_, failure) => kind_of(failure),
            Self::Database(_, failure) => kind_of_database(failure.class),
            Self::Stopped { .. } => ErrorKind::Cancelled,
            Self::Broken(_) => ErrorKind::Bug,
            Self::Unusable(..)
            | Self::ReportFile { .. }
            | Self::Mismatched(_)
            | Self::Inconclusive(_) => ErrorKind::Refused,
        }
    }

    fn code(&self) -> Option<String> {
        Some(self.stable_code().to_string())
    }

    fn next(&self) -> Option<String> {
        Some(match self {
            Self::Secret(_, failure) => advice_on(failure),
            Self::Unusable(..) => {
                "give what is missing in the program, or mend the secret, the variable or the file".to_owned()
            }
            Self::Database(_, failure) => advice_on_database(failure.class).next.to_owned(),
            Self::ReportFile { .. } => {
                "make the directory, or name another place in `reportFile`".to_owned()
            }
            Self::Mismatched(_) => "do not switch; the output `report` names tables, columns and keys: mend the target or \
                 the replication as docs/runbooks/validation-mismatched.md says, then run `pulumi up`, which looks again"
                .to_owned(),
            Self::Inconclusive(_) => "mend what stands against a proof as docs/runbooks/validation-inconclusive.md says and run \
                 `pulumi up`, which looks again; where the rest is proof enough, set `allowInconclusive: true`"
                .to_owned(),
            Self::Stopped { .. } => "run `pulumi up` again".to_owned(),
            Self::Broken(_) => "report it; nothing was written to either database".to_owned(),
        })
    }
}

/// What the caller can conclude from a database that could not be asked.
fn kind_of_database(class: DbFailureClass) -> ErrorKind {
    match class {
        DbFailureClass::Login | DbFailureClass::Denied => ErrorKind::PermissionDenied,
        DbFailureClass::Unreachable
        | DbFailureClass::TimedOut
        | DbFailureClass::Lost
        | DbFailureClass::Busy => ErrorKind::Unavailable,
        DbFailureClass::Untrusted
        | DbFailureClass::NoTls
        | DbFailureClass::NoDatabase
        | DbFailureClass::Missing
        | DbFailureClass::Unsupported
        | DbFailureClass::Malformed
        | DbFailureClass::TooBig
        | DbFailureClass::Changed
        | DbFailureClass::Other => ErrorKind::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_of_a_database_has_a_code_of_its_own_page() {
        for class in [
            DbFailureClass::Unreachable,
            DbFailureClass::Untrusted,
            DbFailureClass::NoTls,
            DbFailureClass::Login,
            DbFailureClass::NoDatabase,
            DbFailureClass::Denied,
            DbFailureClass::Missing,
            DbFailureClass::Unsupported,
            DbFailureClass::Malformed,
            DbFailureClass::TimedOut,
            DbFailureClass::TooBig,
            DbFailureClass::Lost,
            DbFailureClass::Busy,
            DbFailureClass::Changed,
            DbFailureClass::Other,
        ] {
            let number = advice_on_database(class).code;
            assert!(Code::numbered(number).is_some(), "{class:?}: {number}");
        }
    }
}
