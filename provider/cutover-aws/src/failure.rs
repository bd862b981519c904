//! What can be concluded from an error of the SDK.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use cutover_core::{Failure, FailureClass};

/// Error codes for calls that came too fast. Sources of this and the lists below: docs/FIGURES.md, "AWS error codes".
const THROTTLED: [&str; 11] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "RequestThrottled",
    "Throttled",
    "KMSThrottling",
    "KMSThrottlingFault",
    // Route 53: an earlier change of the same zone is still being taken in.
    "PriorRequestNotComplete",
    // DynamoDB.
    "ProvisionedThroughputExceededException",
];

/// Error codes for credentials that may not do this.
const DENIED: [&str; 7] = [
    "AccessDenied",
    "AccessDeniedException",
    "AccessDeniedFault",
    "AuthorizationError",
    "KMSAccessDenied",
    "KMSAccessDeniedFault",
    "UnauthorizedOperation",
];

/// Error codes for credentials that are not valid, or not any more.
const INVALID_CREDENTIALS: [&str; 10] = [
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
];

/// Error codes for a service that refuses for now, without having done anything.
const BUSY: [&str; 3] = [
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "ConcurrentModification",
];

/// Classifies an error of a call.
pub(crate) fn classify<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let failure = |class, message| Failure {
        class,
        action,
        message,
    };
    if let Some(cause) = credentials_error(error) {
        return failure(FailureClass::Unconfigured, cause);
    }
    match error {
        SdkError::ServiceError(service) => {
            let (class, message) = of_service(service.err(), service.raw().status().as_u16());
            failure(class, message)
        }
        SdkError::ConstructionFailure(_) => failure(FailureClass::Refused, chain(error)),
        SdkError::DispatchFailure(_) if never_left(error) => {
            failure(FailureClass::Unavailable, chain(error))
        }
        // Whatever else went wrong, the request may have arrived.
        _ => failure(FailureClass::Unknown, chain(error)),
    }
}

/// An answer that lacks what the service's description promises.
pub(crate) fn unexpected(action: &'static str) -> Failure {
    Failure::refused(action, "the answer lacks what it should hold")
}

/// The failure to find credentials.
pub(crate) fn no_credentials(action: &'static str, error: &CredentialsError) -> Failure {
    Failure {
        class: FailureClass::Unconfigured,
        action,
        message: chain(error),
    }
}

fn of_service(error: &impl ProvideErrorMetadata, status: u16) -> (FailureClass, String) {
    let code = error.code().unwrap_or("no error code");
    let class = match status {
        _ if THROTTLED.contains(&code) => FailureClass::Throttled,
        _ if DENIED.contains(&code) => FailureClass::Denied,
        _ if INVALID_CREDENTIALS.contains(&code) => FailureClass::Unconfigured,
        _ if BUSY.contains(&code) => FailureClass::Unavailable,
        429 => FailureClass::Throttled,
        503 => FailureClass::Unavailable,
        400..=499 => FailureClass::Refused,
        // The server failed on the way, or said yes in a form that cannot be read.
        _ => FailureClass::Unknown,
    };
    // What a service says about a bad signature repeats the signed headers, and a session's token is one of them.
    let said = error
        .message()
        .filter(|_| class != FailureClass::Unconfigured);
    let message = said.map_or_else(|| format!("`{code}`"), |said| format!("`{code}`: {said}"));
    (class, message)
}

/// Finds out that credentials were not to be had; says why.
fn credentials_error(error: Cause<'_>) -> Option<String> {
    causes(error)
        .find_map(|cause| cause.downcast_ref::<CredentialsError>())
        .map(|cause| chain(cause))
}

/// Tells whether no connection came about.
fn never_left(error: Cause<'_>) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| {
            matches!(
                cause.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::NetworkDown
            )
        })
        || causes(error).any(|cause| cause.to_string().contains("dns error"))
}

type Cause<'e> = &'e (dyn Error + 'static);

/// The error, its cause, the cause of that, and so on.
fn causes(error: Cause<'_>) -> impl Iterator<Item = Cause<'_>> {
    fn cause_of<'e>(error: &Cause<'e>) -> Option<Cause<'e>> {
        (*error).source()
    }
    std::iter::successors(Some(error), cause_of)
}

/// The error with its causes, each said once.
fn chain(error: Cause<'_>) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in causes(error).map(ToString::to_string) {
        if !texts.iter().any(|said| said.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}
