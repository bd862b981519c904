//! Why a replication did not come to what was asked for, with advice.

use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::Side;
use cutover_core::{Failure, IllegalFact};
use pulumi_host::{Error, ErrorKind, Guidance};
use thiserror::Error as ThisError;

use crate::code::Code;
use crate::data_validation::ValidationError;
use crate::error::{advice_on, code_of, kind_of, told};

/// Why a replication did not come to what was asked for.
#[derive(Debug, ThisError)]
pub(super) enum ReplicationError {
    #[error("{}", told(.0))]
    Failed(Failure),
    #[error(transparent)]
    Database(ValidationError),
    #[error("the replication does not go on by itself: {reason}")]
    Held { reason: String, advice: String },
    #[error("the databases were not prepared: {0}")]
    NotPrepared(String),
    #[error("the databases were not prepared: the {side} is held by {by}")]
    NotHolder { side: Side, by: String },
    #[error("waiting for the replication was {stop}, while {at}")]
    Stopped { stop: String, at: String },
    #[error("the replication does not stop: {0}")]
    Late(String),
    #[error("a fact did not fit: {0}")]
    Broken(IllegalFact),
}

impl ReplicationError {
    /// Of a database that could not be asked.
    pub(super) fn database(side: Side, failure: DbFailure) -> Self {
        Self::Database(ValidationError::Database(side, failure))
    }

    /// The error as a person reads it, for the list of reasons why something is not finished.
    pub(super) fn into_reason(self) -> String {
        Error::from(self).to_string()
    }

    fn stable_code(&self) -> Code {
        match self {
            Self::Failed(failure) => code_of(failure),
            Self::Database(error) => error.stable_code(),
            Self::Held { .. } => Code::ReplicationHeld,
            Self::NotPrepared(_) => Code::ReplicationNotPrepared,
            Self::NotHolder { .. } => Code::SwitchNotHolder,
            Self::Stopped { .. } => Code::ReplicationStopped,
            Self::Late(_) => Code::ReplicationRuns,
            Self::Broken(_) => Code::ReplicationBroken,
        }
    }
}

impl Guidance for ReplicationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed(failure) => kind_of(failure),
            Self::Database(error) => error.kind(),
            Self::Held { .. } | Self::NotPrepared(_) | Self::Late(_) => ErrorKind::Refused,
            Self::NotHolder { .. } => ErrorKind::Conflict,
            Self::Stopped { .. } => ErrorKind::Cancelled,
            Self::Broken(_) => ErrorKind::Bug,
        }
    }

    fn code(&self) -> Option<String> {
        Some(self.stable_code().to_string())
    }

    fn next(&self) -> Option<String> {
        Some(match self {
            Self::Failed(failure) => advice_on(failure),
            Self::Database(error) => error.next()?,
            Self::Held { advice, .. } => {
                format!("{advice}; then run `pulumi up`, which goes on from there")
            }
            Self::NotPrepared(_) => {
                "no fence was made and the task was not started; mend it and run `pulumi up` again"
                    .to_owned()
            }
            Self::NotHolder { .. } => {
                "wait until the other run has ended, then run `pulumi up` again".to_owned()
            }
            Self::Stopped { .. } => {
                "the task goes on meanwhile; run `pulumi up` again, which waits for it".to_owned()
            }
            Self::Late(_) => {
                "see the task's log in CloudWatch; the next `pulumi up` looks again".to_owned()
            }
            Self::Broken(_) => "report it; the task is as it was".to_owned(),
        })
    }
}
