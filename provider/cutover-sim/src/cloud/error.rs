//! How services say no.

use std::fmt;

use cutover_core::{Failure, FailureClass};

/// An answer of a service that is not the one asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// The code as AWS names it: `InvalidChangeBatch`.
    pub code: &'static str,
    /// The status of the HTTP answer; 0 when no answer comes at all, see [`AwsError::is_lost`].
    pub status: u16,
    /// What is said, in the order in which it is said; most errors have one message.
    pub messages: Vec<String>,
}

impl AwsError {
    /// Makes an error with one message.
    pub fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            status,
            messages: vec![message.into()],
        }
    }

    /// Makes an error of a request that is not right.
    pub(crate) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, 400, message)
    }

    /// Makes the absence of an answer.
    pub(crate) fn lost() -> Self {
        Self::new("", 0, "no answer came")
    }

    /// Tells whether no answer comes: whoever stands in for the network closes the connection without one.
    pub fn is_lost(&self) -> bool {
        self.status == 0
    }

    /// Returns everything that is said as one text.
    pub fn message(&self) -> String {
        self.messages.join("; ")
    }

    /// Classifies the error as the adapters for AWS do.
    pub fn class(&self) -> FailureClass {
        match (self.code, self.status) {
            (
                "Throttling"
                | "ThrottlingException"
                | "ThrottledException"
                | "RequestLimitExceeded"
                | "TooManyRequestsException"
                | "RequestThrottled"
                | "Throttled"
                | "KMSThrottling"
                | "KMSThrottlingFault"
                | "PriorRequestNotComplete"
                | "ProvisionedThroughputExceededException",
                _,
            )
            | (_, 429) => FailureClass::Throttled,
            (
                "AccessDenied"
                | "AccessDeniedException"
                | "AccessDeniedFault"
                | "AuthorizationError"
                | "KMSAccessDenied"
                | "KMSAccessDeniedFault"
                | "UnauthorizedOperation",
                _,
            ) => FailureClass::Denied,
            (
                "InvalidClientTokenId"
                | "UnrecognizedClientException"
                | "SignatureDoesNotMatch"
                | "IncompleteSignature"
                | "InvalidSignatureException"
                | "MissingAuthenticationToken"
                | "AuthFailure"
                | "ExpiredToken"
                | "ExpiredTokenException"
                | "RequestExpired",
                _,
            ) => FailureClass::Unconfigured,
            (
                "ServiceUnavailable" | "ServiceUnavailableException" | "ConcurrentModification",
                _,
            )
            | (_, 503) => FailureClass::Unavailable,
            (_, 400..=499) => FailureClass::Refused,
            _ => FailureClass::Unknown,
        }
    }

    /// Makes a failure of it, as the ports of the driver report one.
    pub fn into_failure(self, action: &'static str) -> Failure {
        let class = self.class();
        let message = match (self.is_lost(), class) {
            (true, _) => self.message(),
            (false, FailureClass::Unconfigured) => format!("`{}`", self.code),
            (false, _) => format!("`{}`: {}", self.code, self.message()),
        };
        Failure {
            class,
            action,
            message,
        }
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.message())
    }
}

impl std::error::Error for AwsError {}
