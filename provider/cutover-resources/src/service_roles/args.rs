//! What the program passes in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The two IAM roles that AWS DMS needs in every account: `dms-vpc-role` and `dms-cloudwatch-logs-role`. The names are
/// DMS's, so every stack of an account shares the roles. They are adopted where they exist, made where they do not,
/// and waited for until DMS can use them. They stay when the resource is deleted, since others may need them.
///
/// An existing role that DMS may not assume is refused and never changed. Import with the id of the account, 12
/// digits. Creating and updating take at most 10 minutes unless `customTimeouts` says otherwise.
///
/// Needs `sts:GetCallerIdentity`, `iam:GetRole` and `iam:ListAttachedRolePolicies`; `iam:CreateRole`, `iam:TagRole`
/// and `iam:AttachRolePolicy` where a role is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DmsServiceRolesArgs {
    /// Whether to attach the managed policy to an existing role that lacks it, although somebody else made the role.
    /// By default such a role is left alone and the resource is refused.
    #[serde(default)]
    pub repair: bool,
}
