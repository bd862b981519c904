//! Why a finalization did not come to its end, with advice.

use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::Side;
use cutover_core::{Failure, IllegalFact};
use pulumi_host::{Error, ErrorKind, Guidance};
use thiserror::Error as ThisError;

use crate::code::Code;
use crate::data_validation::ValidationError;
use crate::error::{advice_on, code_of, kind_of, told};

/// Why a finalization did not come to its end.
#[derive(Debug, ThisError)]
pub(super) enum FinalizationError {
    #[error("{}", told(.0))]
    Failed(Failure),
    #[error(transparent)]
    Database(ValidationError),
    #[error("the migration cannot be finalized: {0}")]
    Refused(String),
    #[error("the {side} is held by {by}")]
    NotHolder { side: Side, by: String },
    #[error("the finalization has not come to its end: {0}")]
    Unfinished(String),
    #[error("a fact did not fit: {0}")]
    Broken(IllegalFact),
}

impl FinalizationError {
    /// Of a database that could not be asked.
    pub(super) fn database(side: Side, failure: DbFailure) -> Self {
        Self::Database(ValidationError::Database(side, failure))
    }

    /// The error as a person reads it, for the list of reasons why something is not finished.
    pub(super) fn into_reason(self) -> String {
        Error::from(self).to_string()
    }
}

impl Guidance for FinalizationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed(failure) => kind_of(failure),
            Self::Database(error) => error.kind(),
            Self::NotHolder { .. } => ErrorKind::Conflict,
            Self::Refused(_) | Self::Unfinished(_) => ErrorKind::Refused,
            Self::Broken(_) => ErrorKind::Bug,
        }
    }

    fn code(&self) -> Option<String> {
        let code = match self {
            Self::Failed(failure) => code_of(failure),
            Self::Database(error) => error.stable_code(),
            Self::Refused(_) => Code::FinalizationRefused,
            Self::NotHolder { .. } => Code::SwitchNotHolder,
            Self::Unfinished(_) => Code::FinalizationUnfinished,
            Self::Broken(_) => Code::FinalizationBroken,
        };
        Some(code.to_string())
    }

    fn next(&self) -> Option<String> {
        Some(match self {
            Self::Failed(failure) => advice_on(failure),
            Self::Database(error) => error.next()?,
            Self::Refused(_) => {
                "nothing was changed; switch the writer to the target first, then run `pulumi up` again".to_owned()
            }
            Self::NotHolder { .. } => "wait until the other run has ended, then run `pulumi up` again".to_owned(),
            Self::Unfinished(_) => "run `pulumi up` again, which does what is left".to_owned(),
            Self::Broken(_) => "report it; run `pulumi up` again, it does what is left".to_owned(),
        })
    }
}
