//! Why a call came to nothing, in the classes that decisions tell apart.

/// A call that did not do what it was meant to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What can be concluded.
    pub class: FailureClass,
    /// The call, as permissions name it: `iam:CreateRole`.
    pub action: &'static str,
    /// What the service said, for people; never holds a credential.
    pub message: String,
}

impl Failure {
    /// Makes the failure of a call that was refused for a reason that does not pass by itself.
    pub fn refused(action: &'static str, message: impl Into<String>) -> Self {
        Self {
            class: FailureClass::Refused,
            action,
            message: message.into(),
        }
    }
}

/// What can be concluded from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureClass {
    /// No region or no credentials were to be had, or the credentials are not valid: no call was made, or none was let in.
    Unconfigured,
    /// The credentials do not allow the call; it had no effect.
    Denied,
    /// The service refused the call for another reason that does not pass by itself; it had no effect.
    Refused,
    /// Too many calls; it had no effect.
    Throttled,
    /// The service was not reached, or answered that it cannot serve now; the call had no effect.
    Unavailable,
    /// No usable answer came; the call may have taken effect. Look before doing anything else.
    Unknown,
}

impl FailureClass {
    /// Tells whether the same call may succeed a little later.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Unknown)
    }
}
