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
    /// When the credentials of the environment end, as the tool that put them there wrote it (RFC 3339). Nothing else
    /// knows that of them.
    pub session_end: Option<String>,
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

/// Where to send calls instead of to AWS: a URL for each service that has an adapter. What is `None` is looked for where
/// every AWS tool looks: `AWS_ENDPOINT_URL_ROUTE_53` and the like, `AWS_ENDPOINT_URL`, shared files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// `CloudWatch`.
    pub cloudwatch: Option<String>,
    /// Database Migration Service.
    pub dms: Option<String>,
    /// `DynamoDB`.
    pub dynamodb: Option<String>,
    /// Elastic Load Balancing, version 2.
    pub elbv2: Option<String>,
    /// Identity and Access Management.
    pub iam: Option<String>,
    /// Route 53.
    pub route53: Option<String>,
    /// Secrets Manager.
    pub secrets: Option<String>,
    /// Simple Notification Service.
    pub sns: Option<String>,
    /// Systems Manager.
    pub ssm: Option<String>,
    /// Security Token Service.
    pub sts: Option<String>,
    /// The one name server to ask instead of all others: `host:port`.
    pub name_server: Option<String>,
}
