//! What can go wrong, each with a code and advice. `docs/errors.md` explains every code.

use cutover_core::service_roles::Obstacle;
use cutover_core::{Failure, FailureClass};
use pulumi_host::{Error, ErrorKind, Guidance};
use thiserror::Error as ThisError;

pub use crate::code::Code;

/// Why the service roles cannot be had.
#[derive(Debug, ThisError)]
pub(crate) enum ServiceRolesError {
    #[error("{}", told(.0))]
    Failed(Failure),
    #[error("DMS may not assume the existing role `{role}`")]
    NotTrusted { role: String, arn: String },
    #[error("the policy `{policy_arn}` is not attached to the existing role `{role}`")]
    PolicyMissing {
        role: String,
        arn: String,
        policy_arn: String,
    },
    #[error("`{role}` was made or changed but not seen so in IAM after {looks} looks")]
    NotSeen { role: String, looks: u32 },
    #[error("the credentials belong to account `{found}`, the resource to account `{expected}`")]
    OtherAccount { expected: String, found: String },
    #[error("the id `{0}` is not an account id")]
    MalformedId(String),
    #[error("{0}")]
    Stopped(String),
}

/// What became of a call, with the call's name.
pub(crate) fn told(failure: &Failure) -> String {
    let Failure {
        class,
        action,
        message,
    } = failure;
    match class {
        FailureClass::Unconfigured => format!("`{action}` could not be called: {message}"),
        FailureClass::Denied => format!("`{action}` is not allowed: {message}"),
        FailureClass::Refused => format!("`{action}` was refused: {message}"),
        FailureClass::Throttled => format!("`{action}` was throttled again and again: {message}"),
        FailureClass::Unavailable => format!("`{action}` could not be served: {message}"),
        FailureClass::Unknown => format!("`{action}` was not answered: {message}"),
    }
}

/// The code of a failed call.
pub(crate) fn code_of(failure: &Failure) -> Code {
    match failure.class {
        FailureClass::Unconfigured => Code::Unconfigured,
        FailureClass::Denied => Code::Denied,
        FailureClass::Refused => Code::Refused,
        FailureClass::Throttled => Code::Throttled,
        FailureClass::Unavailable => Code::Unavailable,
        FailureClass::Unknown => Code::Unanswered,
    }
}

/// What to do about a failed call.
pub(crate) fn advice_on(failure: &Failure) -> String {
    match failure.class {
        FailureClass::Unconfigured => {
            "configure `cutover:region` and credentials, or their AWS_ variables; \
             what is configured for the aws provider does not reach this one"
                .to_owned()
        }
        FailureClass::Denied => format!(
            "allow `{}` to the credentials that cutover uses",
            failure.action
        ),
        FailureClass::Refused => "mend what AWS names, then run `pulumi up` again".to_owned(),
        FailureClass::Throttled | FailureClass::Unavailable | FailureClass::Unknown => {
            "run `pulumi up` again later; it looks first and does nothing twice".to_owned()
        }
    }
}

/// What the caller can conclude from a failed call.
pub(crate) fn kind_of(failure: &Failure) -> ErrorKind {
    match failure.class {
        FailureClass::Unconfigured | FailureClass::Denied => ErrorKind::PermissionDenied,
        FailureClass::Throttled => ErrorKind::Exhausted,
        FailureClass::Unavailable | FailureClass::Unknown => ErrorKind::Unavailable,
        FailureClass::Refused => ErrorKind::Refused,
    }
}

impl From<Obstacle> for ServiceRolesError {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Failed(failure) => Self::Failed(failure),
            Obstacle::NotTrusted { role, arn } => Self::NotTrusted {
                role: role.to_string(),
                arn,
            },
            Obstacle::PolicyMissing {
                role,
                arn,
                policy_arn,
            } => Self::PolicyMissing {
                role: role.to_string(),
                arn,
                policy_arn,
            },
            Obstacle::NotSeen { role, looks } => Self::NotSeen {
                role: role.to_string(),
                looks,
            },
            Obstacle::OtherAccount { expected, found } => Self::OtherAccount { expected, found },
        }
    }
}

impl ServiceRolesError {
    fn stable_code(&self) -> Code {
        match self {
            Self::Failed(failure) => code_of(failure),
            Self::NotTrusted { .. } => Code::RoleNotTrusted,
            Self::PolicyMissing { .. } => Code::RolePolicyMissing,
            Self::NotSeen { .. } => Code::RoleNotSeen,
            Self::OtherAccount { .. } => Code::OtherAccount,
            Self::MalformedId(_) => Code::MalformedId,
            Self::Stopped(_) => Code::Stopped,
        }
    }

    /// The error as a person reads it, for the list of reasons why something is not finished.
    pub(crate) fn into_reason(self) -> String {
        Error::from(self).to_string()
    }
}

impl Guidance for ServiceRolesError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed(failure) => kind_of(failure),
            Self::NotSeen { .. } => ErrorKind::Unavailable,
            Self::MalformedId(_) => ErrorKind::InvalidInput,
            Self::Stopped(_) => ErrorKind::Cancelled,
            Self::OtherAccount { .. } | Self::NotTrusted { .. } | Self::PolicyMissing { .. } => {
                ErrorKind::Refused
            }
        }
    }

    fn code(&self) -> Option<String> {
        Some(self.stable_code().to_string())
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::NotTrusted { arn, .. } | Self::PolicyMissing { arn, .. } => {
                Some(format!("role `{arn}`"))
            }
            Self::NotSeen { role, .. } => Some(format!("role `{role}`")),
            Self::Failed(_)
            | Self::OtherAccount { .. }
            | Self::MalformedId(_)
            | Self::Stopped(_) => None,
        }
    }

    fn next(&self) -> Option<String> {
        Some(match self {
            Self::Failed(failure) => advice_on(failure),
            Self::NotTrusted { role, .. } => format!(
                "nothing was changed; allow `dms.amazonaws.com` to assume `{role}` in its trust policy, beside whoever \
                 may now, then run `pulumi up` again"
            ),
            Self::PolicyMissing { role, policy_arn, .. } => format!(
                "set `repair: true` to have it attached, or run \
                 `aws iam attach-role-policy --role-name {role} --policy-arn {policy_arn}`"
            ),
            Self::NotSeen { .. } => "run `pulumi up` again in some minutes; it adopts what was made".to_owned(),
            Self::OtherAccount { .. } => {
                "use credentials of the resource's account; nothing was looked at or changed in the other one".to_owned()
            }
            Self::MalformedId(_) => {
                "give the id of the account, 12 digits: `pulumi import cutover:index:DmsServiceRoles roles 123456789012`"
                    .to_owned()
            }
            Self::Stopped(_) => "run `pulumi up` again; it goes on where this one stopped".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_and_what_next() {
        let failure = Failure {
            class: FailureClass::Denied,
            action: "iam:CreateRole",
            message: "`AccessDenied`: no".to_owned(),
        };

        assert_eq!(
            ServiceRolesError::Failed(failure).into_reason(),
            "CUT-002: `iam:CreateRole` is not allowed: `AccessDenied`: no\n  \
             next:  allow `iam:CreateRole` to the credentials that cutover uses"
        );
    }
}
