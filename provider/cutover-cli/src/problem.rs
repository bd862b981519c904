//! What can go wrong, and how the command exits.

use std::fmt;
use std::process::ExitCode;

use cutover_core::shift::problem::Code;
use cutover_core::{Failure, FailureClass};
use serde::Serialize;

/// How the command exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or there was nothing to do: 0.
    Done,
    /// What was looked at is not as it should be: 1.
    Finding,
    /// What was typed cannot be meant: 2.
    Usage,
    /// It could not be done: 3.
    Failed,
}

impl Exit {
    /// Returns the number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Finding => 1,
            Self::Usage => 2,
            Self::Failed => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its number, listed with advice in `docs/errors.md`.
    pub code: Code,
    /// What happened.
    pub message: String,
    /// Where.
    pub place: Option<String>,
    /// What to do next.
    pub next: Option<String>,
    /// How the command exits.
    pub exit: Exit,
}

/// A problem in JSON.
#[derive(Debug, Serialize)]
struct Told<'a> {
    code: String,
    message: &'a str,
    #[serde(rename = "where")]
    place: Option<&'a str>,
    next: Option<&'a str>,
}

impl Problem {
    /// Makes a problem that ends the command without having done anything wrong.
    pub(crate) fn new(code: u16, exit: Exit, message: impl Into<String>) -> Self {
        Self {
            code: Code(code),
            message: message.into(),
            place: None,
            next: None,
            exit,
        }
    }

    /// Says where.
    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Says what to do next.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Says it as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let told = Told {
            code: self.code.to_string(),
            message: &self.message,
            place: self.place.as_deref(),
            next: self.next.as_deref(),
        };
        serde_json::json!({ "error": told })
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let Failure {
            class,
            action,
            message,
        } = failure;
        let again = "run the command again; it looks first and does nothing twice";
        let (code, what, next) = match class {
            FailureClass::Unconfigured => (
                1,
                format!("`{action}` could not be called: {message}"),
                "give `--region` and `--profile`, or the variables and files that every AWS tool reads".to_owned(),
            ),
            FailureClass::Denied => (
                2,
                format!("`{action}` is not allowed: {message}"),
                format!("allow `{action}` to the credentials in use"),
            ),
            FailureClass::Throttled => (
                3,
                format!("`{action}` was throttled again and again: {message}"),
                again.to_owned(),
            ),
            FailureClass::Unavailable => (
                4,
                format!("`{action}` could not be served: {message}"),
                again.to_owned(),
            ),
            FailureClass::Refused => (
                5,
                format!("`{action}` was refused: {message}"),
                "mend what AWS names, then run the command again".to_owned(),
            ),
            FailureClass::Unknown => (
                6,
                format!("`{action}` was not answered: {message}"),
                again.to_owned(),
            ),
        };
        Self::new(code, Exit::Failed, what).next(next)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        if let Some(place) = &self.place {
            write!(f, "\n  where: {place}")?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  next:  {next}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_and_what_next_as_the_provider_does() {
        let failure = Failure {
            class: FailureClass::Denied,
            action: "route53:GetHostedZone",
            message: "`AccessDenied`: no".to_owned(),
        };

        let problem = Problem::from(failure).at("hosted zone `Z0AB`");

        assert_eq!(
            problem.to_string(),
            "CUT-002: `route53:GetHostedZone` is not allowed: `AccessDenied`: no\n  \
             where: hosted zone `Z0AB`\n  \
             next:  allow `route53:GetHostedZone` to the credentials in use"
        );
        assert_eq!(problem.exit.code(), 3);
    }
}
