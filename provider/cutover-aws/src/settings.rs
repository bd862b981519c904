//! How to reach AWS.

use std::fmt;
use std::time::Duration;

/// How to reach AWS. What is `None` is looked for where every AWS tool looks: environment, shared files, the machine's
/// own role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The region.
    pub region: Option<String>,
    /// The profile of the shared files.
    pub profile: Option<String>,
    /// Credentials given outright.
    pub keys: Option<Keys>,
    /// A role to assume with whichever credentials there are.
    pub assume_role: Option<AssumeRole>,
    /// Where to send calls instead of to AWS.
    pub endpoints: Endpoints,
    /// How often the SDK repeats a call by itself.
    pub retries: u32,
}

/// Credentials given outright.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The id of the key.
    pub access_key: String,
    /// The secret of the key.
    pub secret_key: String,
    /// The session's token, for temporary credentials.
    pub token: Option<String>,
}

impl fmt::Debug for Keys {
    /// Shows nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A role to assume.
#[derive(Clone, PartialEq, Eq)]
pub struct AssumeRole {
    /// Its ARN.
    pub role_arn: String,
    /// What the session is called in the audit log.
    pub session_name: Option<String>,
    /// The id that the role's owner asks for.
    pub external_id: Option<String>,
    /// How long a session lasts.
    pub duration: Option<Duration>,
}

impl fmt::Debug for AssumeRole {
    /// Leaves out the external id, which some treat as a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRole")
            .field("role_arn", &self.role_arn)
            .finish_non_exhaustive()
    }
}

/// Where to send calls instead of to AWS, one entry for each service that has an adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Identity and Access Management.
    pub iam: Option<String>,
    /// Security Token Service.
    pub sts: Option<String>,
}
