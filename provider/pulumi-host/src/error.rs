//! What can go wrong in a provider, and how the engine is told.

use std::fmt;

use prost::Message as _;
use prost_types::Any;
use pulumi_proto::google::rpc::Status as RpcStatus;
use pulumi_proto::{ConfigureErrorMissingKeys, ErrorResourceInitFailed, InputPropertiesError};
use pulumi_value::PropertyMap;
use pulumi_value::schema::Problem;
use pulumi_value::wire::{Dialect, WireError, encode};
use tonic::{Code, Status};

use crate::scope::Stop;
use crate::secrecy::Secrets;

/// What went wrong in a call, as the person at the terminal will read it.
///
/// For a call that changes things an error means that *nothing was changed*. Where something was, the call returns
/// [`crate::Settled::Unfinished`] instead, so that the engine saves what there is.
///
/// Boxed, so that results stay small on the way where nothing goes wrong.
#[derive(Debug)]
pub struct Error(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: ErrorKind,
    message: String,
    code: Option<String>,
    place: Option<String>,
    next: Option<String>,
    problems: Vec<Problem>,
    missing: Vec<(String, String)>,
}

/// What the caller can conclude from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The inputs are wrong; the same call fails again.
    InvalidInput,
    /// The world is not in the state that the call needs.
    Refused,
    /// The thing does not exist.
    NotFound,
    /// The credentials do not allow it.
    PermissionDenied,
    /// A service could not be reached or did not answer; a later call may succeed.
    Unavailable,
    /// A limit of a service is used up; a later call may succeed.
    Exhausted,
    /// Somebody else is doing the same thing.
    Conflict,
    /// The operator interrupted the call.
    Cancelled,
    /// The time limit of the call has passed.
    TimedOut,
    /// The provider does not offer it.
    Unsupported,
    /// The provider has a bug.
    Bug,
}

/// An error that tells a person what to do.
///
/// Error types of a domain implement it and become an [`Error`] with `?`.
pub trait Guidance: std::error::Error {
    /// What the caller can conclude.
    fn kind(&self) -> ErrorKind;

    /// A stable code by which documentation finds the error, such as `CUT-204`.
    fn code(&self) -> Option<String> {
        None
    }

    /// The thing that the error is about: a resource, a step, an object in a cloud.
    fn place(&self) -> Option<String> {
        None
    }

    /// What a person should do next.
    fn next(&self) -> Option<String> {
        None
    }
}

impl<E: Guidance> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !message.ends_with(&text) {
                message = format!("{message}: {text}");
            }
            source = cause.source();
        }
        let mut made = Self::new(error.kind(), message);
        made.0.code = error.code();
        made.0.place = error.place();
        made.0.next = error.next();
        made
    }
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        let kind = match stop {
            Stop::Cancelled => ErrorKind::Cancelled,
            Stop::TimedOut { .. } => ErrorKind::TimedOut,
        };
        Self::new(kind, stop.to_string())
    }
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        Self::new(ErrorKind::InvalidInput, error.to_string())
    }
}

impl Error {
    /// Makes an error of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            message: message.into(),
            code: None,
            place: None,
            next: None,
            problems: Vec::new(),
            missing: Vec::new(),
        }))
    }

    /// Makes an error that lists what is wrong with the inputs.
    pub fn invalid(message: impl Into<String>, problems: Vec<Problem>) -> Self {
        let mut error = Self::new(ErrorKind::InvalidInput, message);
        error.0.problems = problems;
        error
    }

    /// Makes an error about a mistake in the provider itself.
    pub fn bug(message: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::Bug,
            format!("bug in the provider, please report it: {message}"),
        )
    }

    /// Makes an error that the Pulumi CLI turns into a hint for each missing configuration key; keys come with what
    /// they are for.
    pub(crate) fn missing_configuration(missing: Vec<(String, String)>) -> Self {
        let names: Vec<_> = missing
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let message = format!("required configuration is missing: {}", names.join(", "));
        let mut error = Self::new(ErrorKind::InvalidInput, message);
        error.0.missing = missing;
        error
    }

    /// Says what a person should do next.
    #[must_use]
    pub fn with_next(mut self, next: impl Into<String>) -> Self {
        self.0.next = Some(next.into());
        self
    }

    /// Says what the error is about.
    #[must_use]
    pub fn with_place(mut self, place: impl Into<String>) -> Self {
        self.0.place = Some(place.into());
        self
    }

    /// Blacks out secrets in everything that a person will read.
    pub(crate) fn concealing(mut self, secrets: &Secrets) -> Self {
        if !secrets.is_empty() {
            let Parts {
                message,
                place,
                next,
                problems,
                ..
            } = &mut *self.0;
            let reasons = problems.iter_mut().map(|problem| &mut problem.reason);
            let texts = [Some(message), place.as_mut(), next.as_mut()];
            for text in texts.into_iter().flatten().chain(reasons) {
                *text = secrets.conceal(text);
            }
        }
        self
    }

    /// Returns what the caller can conclude.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns what is wrong with the inputs, where that is what went wrong.
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// Puts the error on the wire.
    pub(crate) fn into_status(self) -> Status {
        let code = self.0.kind.code();
        let message = self.to_string();
        if !self.0.missing.is_empty() {
            let missing_keys = self.0.missing.into_iter();
            let missing_keys =
                missing_keys
                    .map(|(name, description)| {
                        pulumi_proto::configure_error_missing_keys::MissingKey { name, description }
                    })
                    .collect();
            return detailed(code, message, &ConfigureErrorMissingKeys { missing_keys });
        }
        if !self.0.problems.is_empty() {
            let errors = self.0.problems.iter().map(property_error).collect();
            return detailed(code, message, &InputPropertiesError { errors });
        }
        Status::new(code, message)
    }
}

impl fmt::Display for Error {
    /// The message with its code, and what is known of place and next step on lines of their own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = &self.0.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.0.message)?;
        if let Some(place) = &self.0.place {
            write!(f, "\n  where: {place}")?;
        }
        if let Some(next) = &self.0.next {
            write!(f, "\n  next:  {next}")?;
        }
        Ok(())
    }
}

impl ErrorKind {
    /// Chooses the status. The engine takes `INTERNAL` and `UNKNOWN` for "may have happened", all others for
    /// "nothing happened" (Pulumi v3.245, `resource/plugin`), so only bugs are `INTERNAL`.
    fn code(self) -> Code {
        match self {
            ErrorKind::InvalidInput => Code::InvalidArgument,
            ErrorKind::Refused => Code::FailedPrecondition,
            ErrorKind::NotFound => Code::NotFound,
            ErrorKind::PermissionDenied => Code::PermissionDenied,
            ErrorKind::Unavailable => Code::Unavailable,
            ErrorKind::Exhausted => Code::ResourceExhausted,
            ErrorKind::Conflict => Code::Aborted,
            ErrorKind::Cancelled => Code::Cancelled,
            ErrorKind::TimedOut => Code::DeadlineExceeded,
            ErrorKind::Unsupported => Code::Unimplemented,
            ErrorKind::Bug => Code::Internal,
        }
    }
}

/// What the engine saves of a resource that exists but is not what was asked for.
pub(crate) struct InitFailed<'s> {
    pub(crate) id: &'s str,
    pub(crate) properties: &'s PropertyMap,
    /// What a refresh saves as inputs; empty elsewhere, where the engine knows them.
    pub(crate) inputs: &'s PropertyMap,
    pub(crate) reasons: Vec<String>,
    pub(crate) refresh_before_update: bool,
}

impl InitFailed<'_> {
    pub(crate) fn into_status(self) -> Status {
        let detail = ErrorResourceInitFailed {
            id: self.id.to_owned(),
            properties: Some(encode(self.properties, Dialect::Custom)),
            inputs: Some(encode(self.inputs, Dialect::Custom)),
            reasons: self.reasons,
            refresh_before_update: self.refresh_before_update,
        };
        // The CLI shows the reasons and not this message.
        detailed(
            Code::FailedPrecondition,
            "the resource is there but not finished".to_owned(),
            &detail,
        )
    }
}

/// Splits a problem into the path and the reason that may be printed.
///
/// The CLI prints the offending value beside the path. So for a secret the path is left empty and named in the
/// reason instead.
pub(crate) fn path_and_reason(problem: &Problem) -> (String, String) {
    if problem.secret {
        (
            String::new(),
            format!("`{}` (secret) {}", problem.path, problem.reason),
        )
    } else {
        (problem.path.to_string(), problem.reason.clone())
    }
}

fn property_error(problem: &Problem) -> pulumi_proto::input_properties_error::PropertyError {
    let mut property_path = problem.path.to_string();
    if problem.secret {
        // The engine prints the value to which the path leads, and all inputs for an empty one, whether secret or not
        // (Pulumi v3.245, `resource/deploy`, `errorToMessage`). This one leads nowhere.
        property_path.push_str(" (secret)");
    }
    pulumi_proto::input_properties_error::PropertyError {
        property_path,
        reason: problem.reason.clone(),
    }
}

/// A status with a detail, as Go's gRPC reads it: a whole status inside the trailer, with the same code.
fn detailed<M: prost::Message + prost::Name>(code: Code, message: String, detail: &M) -> Status {
    let any = Any {
        type_url: M::type_url(),
        value: detail.encode_to_vec(),
    };
    let status = RpcStatus {
        code: code.into(),
        message: message.clone(),
        details: vec![any],
    };
    Status::with_details(code, message, status.encode_to_vec().into())
}

#[cfg(test)]
mod tests {
    use pulumi_value::PropertyPath;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("weights for `{0}` were not seen in time")]
    struct Unseen(&'static str);

    impl Guidance for Unseen {
        fn kind(&self) -> ErrorKind {
            ErrorKind::Unavailable
        }
        fn code(&self) -> Option<String> {
            Some("CUT-204".to_owned())
        }
        fn place(&self) -> Option<String> {
            Some("hosted zone `Z0AB`".to_owned())
        }
        fn next(&self) -> Option<String> {
            Some("run `pulumi up` to continue".to_owned())
        }
    }

    #[test]
    fn says_what_where_and_what_next() {
        let error = Error::from(Unseen("pay.example.com"));

        assert_eq!(
            error.to_string(),
            "CUT-204: weights for `pay.example.com` were not seen in time\n  \
             where: hosted zone `Z0AB`\n  \
             next:  run `pulumi up` to continue"
        );
        assert_eq!(error.into_status().code(), Code::Unavailable);
    }

    #[test]
    fn a_problem_with_a_secret_does_not_name_the_property_to_the_cli() {
        let path = PropertyPath::root().key("password");
        let problem = Problem {
            path,
            reason: "is too short".to_owned(),
            secret: true,
        };

        assert_eq!(
            path_and_reason(&problem),
            (String::new(), "`password` (secret) is too short".to_owned())
        );
    }

    #[test]
    fn the_detail_carries_the_same_code_as_the_status() {
        let problem = Problem::new(PropertyPath::root().key("a"), "is required but missing");

        let status = Error::invalid("1 problem", vec![problem]).into_status();

        let inner = RpcStatus::decode(status.details()).expect("a status inside");
        assert_eq!(inner.code, i32::from(status.code()));
        assert_eq!(
            inner.details[0].type_url,
            "type.googleapis.com/pulumirpc.InputPropertiesError"
        );
    }
}
