//! Why a switch did not come to what was asked for, with advice.

use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::side::Side;
use cutover_core::{Failure, IllegalFact};
use pulumi_host::{Error, ErrorKind, Guidance};
use thiserror::Error as ThisError;

use crate::code::Code;
use crate::data_validation::ValidationError;
use crate::error::{advice_on, code_of, kind_of, told};

/// Why a switch did not come to what was asked for.
#[derive(Debug, ThisError)]
pub(super) enum SwitchError {
    #[error("{}", told(.0))]
    Failed(Failure),
    #[error(transparent)]
    Database(ValidationError),
    #[error("the writer cannot be changed: {}", listed(.0))]
    Refused(Vec<String>),
    #[error("the switch was called off: {0}")]
    CalledOff(String),
    #[error("the writer has changed, and `{step}` is left: {reason}")]
    Pending { step: &'static str, reason: String },
    #[error("the {side} is held by {by}")]
    NotHolder { side: Side, by: String },
    #[error("the two databases contradict each other: {0}")]
    Conflict(String),
    #[error("the switch was {stop}; the {writer} writes, as before")]
    Stopped { stop: String, writer: Side },
    #[error("the {0} is the writer now")]
    Deleted(Side),
    #[error("the migration is finalized: the source is closed for good, and what led back is gone")]
    Final,
    #[error("a fact did not fit: {0}")]
    Broken(IllegalFact),
    #[error(
        "the switch was cut short ({0}), and what it was doing may or may not have taken effect"
    )]
    Cut(String),
}

/// One reason as it is, several as a list.
fn listed(reasons: &[String]) -> String {
    match reasons {
        [] => "it was refused without a reason".to_owned(),
        [only] => only.clone(),
        several => {
            let lines = several.iter().map(|reason| format!("\n  - {reason}"));
            format!(
                "{} things are in the way:{}",
                several.len(),
                lines.collect::<String>()
            )
        }
    }
}

impl SwitchError {
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
            Self::Refused(_) => Code::SwitchRefused,
            Self::CalledOff(_) => Code::SwitchCalledOff,
            Self::Pending { .. } => Code::SwitchPending,
            Self::NotHolder { .. } => Code::SwitchNotHolder,
            Self::Conflict(_) => Code::WriterConflict,
            Self::Stopped { .. } | Self::Cut(_) => Code::SwitchStopped,
            Self::Deleted(_) => Code::SwitchDeleted,
            Self::Final => Code::SwitchFinal,
            Self::Broken(_) => Code::SwitchBroken,
        }
    }
}

impl Guidance for SwitchError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed(failure) => kind_of(failure),
            Self::Database(error) => error.kind(),
            Self::NotHolder { .. } => ErrorKind::Conflict,
            Self::Stopped { .. } | Self::Cut(_) => ErrorKind::Cancelled,
            Self::Broken(_) => ErrorKind::Bug,
            Self::Refused(_)
            | Self::CalledOff(_)
            | Self::Pending { .. }
            | Self::Conflict(_)
            | Self::Deleted(_)
            | Self::Final => ErrorKind::Refused,
        }
    }

    fn code(&self) -> Option<String> {
        Some(self.stable_code().to_string())
    }

    fn next(&self) -> Option<String> {
        Some(match self {
            Self::Failed(failure) => advice_on(failure),
            Self::Database(error) => error.next()?,
            Self::Refused(_) => "nothing was changed; mend what is named and run `pulumi up` again".to_owned(),
            Self::CalledOff(_) => "the former writer takes writes again, and no row is lost; see \
                 docs/runbooks/switch-called-off.md, then run `pulumi up`, which tries again"
                .to_owned(),
            Self::Pending { .. } => "applications write to the new writer meanwhile; see docs/runbooks/switch-pending.md and \
                 run `pulumi up`, which goes on from there"
                .to_owned(),
            Self::NotHolder { .. } => "wait until the other run has ended, then run `pulumi up` again".to_owned(),
            Self::Conflict(_) => "nothing was changed; see docs/runbooks/writer-conflict.md before anything else".to_owned(),
            Self::Stopped { .. } => "run `pulumi up` again, which begins anew".to_owned(),
            Self::Cut(_) => "a fence that is left behind opens by itself; run `pulumi up`, which looks at both databases and \
                 goes on from there"
                .to_owned(),
            Self::Deleted(_) => "nothing was changed; finalize the migration, or go back with `writer: \"source\"`, or set \
                 `onDelete: \"keep\"` and run `pulumi up` first"
                .to_owned(),
            Self::Final => "nothing was changed; restore `writer: \"target\"`".to_owned(),
            Self::Broken(_) => "report it; run `pulumi up` again, it looks at both databases and goes on".to_owned(),
        })
    }
}
