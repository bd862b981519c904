//! Why a shift did not come to its wished end, with advice.

use cutover_core::shift::problem::{Level, Problem};
use cutover_core::{Failure, IllegalFact};
use pulumi_host::{Error, ErrorKind, Guidance};
use thiserror::Error as ThisError;

use crate::code::Code;
use crate::error::{advice_on, code_of, kind_of, told};

/// Why a shift did not come to its wished end.
#[derive(Debug, ThisError)]
pub(super) enum ShiftError {
    #[error("{}", told(.0))]
    Failed(Failure),
    #[error("the id `{0}` is not one of a shift")]
    MalformedId(String),
    #[error("{}", listed(.0))]
    Refused(Vec<Problem>),
    #[error("the router was changed of a shift that is {0}")]
    Replaced(&'static str),
    #[error("the shift is live: {0}")]
    Deleted(String),
    #[error("going back before deleting has failed: {0}")]
    NotBack(String),
    #[error("everything is on old: {why}")]
    RolledBack {
        why: String,
        /// The attempt that would begin anew.
        next_attempt: u32,
        /// Whether every later run fails as well.
        strict: bool,
    },
    #[error("the shift has stopped at {share} on new: {why}")]
    Paused {
        why: String,
        share: String,
        advice: &'static str,
    },
    #[error("the shift was {stop}; {rest}")]
    Interrupted { stop: String, rest: String },
    #[error("going back cannot be written, and {share} of traffic is on new: {why}")]
    Stuck {
        why: String,
        share: String,
        break_glass: String,
    },
    #[error("another run{} has taken the fence; nothing more was written", of(.0.as_deref()))]
    FenceLost(Option<String>),
    #[error("a fact did not fit: {0}")]
    Broken(IllegalFact),
}

fn of(run: Option<&str>) -> String {
    run.map(|run| format!(", `{run}`,")).unwrap_or_default()
}

/// One problem as it is, several as a list.
fn listed(problems: &[Problem]) -> String {
    match problems {
        [] => "it was refused without a reason".to_owned(),
        [only] => only.message.clone(),
        several => {
            let lines = several.iter().map(|problem| {
                format!(
                    "\n  - {}: {}: {}",
                    problem.code, problem.path, problem.message
                )
            });
            format!(
                "{} things stand against it:{}",
                several.len(),
                lines.collect::<String>()
            )
        }
    }
}

impl ShiftError {
    /// Makes an error of what refuses a shift; warnings are told elsewhere.
    pub(super) fn refused(problems: Vec<Problem>) -> Self {
        Self::Refused(
            problems
                .into_iter()
                .filter(|problem| problem.level == Level::Error)
                .collect(),
        )
    }

    fn stable_code(&self) -> Code {
        match self {
            Self::Failed(failure) => code_of(failure),
            Self::MalformedId(_) => Code::MalformedId,
            Self::Refused(problems) => problems
                .first()
                .and_then(|problem| Code::numbered(problem.code.0))
                .unwrap_or(Code::ShiftRouter),
            Self::Replaced(_) => Code::ShiftReplaced,
            Self::Deleted(_) | Self::NotBack(_) => Code::ShiftDeleted,
            Self::RolledBack { .. } => Code::ShiftRolledBack,
            Self::Paused { .. } => Code::ShiftPaused,
            Self::Interrupted { .. } => Code::ShiftInterrupted,
            Self::Stuck { .. } => Code::ShiftStuck,
            Self::FenceLost(_) => Code::ShiftFenceLost,
            Self::Broken(_) => Code::ShiftBroken,
        }
    }

    /// The error as a person reads it, for the list of reasons why something is not finished.
    pub(super) fn into_reason(self) -> String {
        Error::from(self).to_string()
    }
}

impl Guidance for ShiftError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed(failure) => kind_of(failure),
            Self::MalformedId(_) => ErrorKind::InvalidInput,
            Self::FenceLost(_) => ErrorKind::Conflict,
            Self::Refused(_) if self.stable_code() == Code::ShiftHeld => ErrorKind::Conflict,
            Self::Interrupted { .. } => ErrorKind::Cancelled,
            Self::Broken(_) => ErrorKind::Bug,
            Self::Refused(_)
            | Self::Replaced(_)
            | Self::Deleted(_)
            | Self::NotBack(_)
            | Self::RolledBack { .. }
            | Self::Paused { .. }
            | Self::Stuck { .. } => ErrorKind::Refused,
        }
    }

    fn code(&self) -> Option<String> {
        Some(self.stable_code().to_string())
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Refused(problems) => match problems.as_slice() {
                [only] => Some(format!("`{}`", only.path)),
                _ => None,
            },
            _ => None,
        }
    }

    fn next(&self) -> Option<String> {
        let again = "mend it and run `pulumi up` again";
        Some(match self {
            Self::Failed(failure) => advice_on(failure),
            Self::MalformedId(_) => "give `zoneId/name/type/oldSetIdentifier/newSetIdentifier`, or \
                 `ruleArn,oldTargetGroupArn,newTargetGroupArn`"
                .to_owned(),
            Self::Refused(_) => match self.stable_code() {
                Code::ShiftHeld => "nothing was written; wait for the other run, or see who it is and run \
                     `cutover unlock --force`"
                    .to_owned(),
                Code::ShiftEdited => "nothing was written; restore those steps as they were".to_owned(),
                Code::ShiftTimeout => "nothing was written; raise it, or leave it out".to_owned(),
                _ => format!("nothing was written; {again}"),
            },
            Self::Replaced(_) => "nothing was written; restore the router, or send everything back with `desired: \"old\"` \
                 first"
                .to_owned(),
            Self::Deleted(_) => "nothing was changed; finish it, or set `onDestroy` to \"old\" or \"retain\" and run \
                 `pulumi up` first"
                .to_owned(),
            Self::NotBack(_) => "the resource stays; run the command again".to_owned(),
            Self::RolledBack { next_attempt, strict, .. } => format!(
                "traffic is safe where it is; mend the cause and set `attempt: {next_attempt}` to begin again; until then \
                 `pulumi up` {}",
                if *strict { "fails" } else { "only warns" }
            ),
            Self::Paused { advice, .. } => format!(
                "weights stay as they are; {advice}; the next `pulumi up` goes on from there, and `desired: \"old\"` \
                 sends everything back"
            ),
            Self::Interrupted { .. } => "run `pulumi up` again; it looks at weights and journal and goes on".to_owned(),
            Self::Stuck { break_glass, .. } => {
                format!("run this with any credentials that may do it, then `pulumi up`:\n{break_glass}")
            }
            Self::FenceLost(_) => "see who the other run is; `pulumi up` goes on once it has ended".to_owned(),
            Self::Broken(_) => "report it; run `pulumi up` again, it looks at weights and journal and goes on".to_owned(),
        })
    }
}
