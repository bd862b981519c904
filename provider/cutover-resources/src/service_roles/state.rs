//! What the program gets back.

use cutover_core::service_roles::{
    Account, Found, Journal, Origin, Owner, Role, Standing, Surveyed,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The roles as they were last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DmsServiceRolesState {
    /// The account of the roles: 12 digits. The same as the resource's id.
    pub account_id: String,
    /// The role by which DMS places replication instances in a VPC.
    pub vpc_role: ServiceRole,
    /// The role by which DMS writes the logs of replication tasks.
    pub cloudwatch_logs_role: ServiceRole,
}

/// One of the roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRole {
    /// Its name.
    pub name: String,
    /// Its ARN; for a role that is missing the one that it will have.
    pub arn: String,
    /// Where it comes from, or what it lacks.
    pub status: ServiceRoleStatus,
}

/// Where a role comes from, or what it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ServiceRoleStatus {
    /// It is fit for DMS, and was there before or made by another stack.
    Adopted,
    /// It is fit for DMS, and was made by this resource.
    Created,
    /// It does not exist.
    Missing,
    /// It exists, and its managed policy is not attached.
    PolicyMissing,
    /// It exists, and DMS may not assume it.
    NotTrusted,
}

impl ServiceRole {
    pub(super) fn is_fit(&self) -> bool {
        matches!(
            self.status,
            ServiceRoleStatus::Adopted | ServiceRoleStatus::Created
        )
    }

    pub(super) fn new(role: Role, found: &Found, account: &Account, owner: &Owner) -> Self {
        let (arn, status) = match found {
            Found::Missing => {
                let arn = format!("arn:{}:iam::{}:role/{role}", account.partition, account.id);
                (arn, ServiceRoleStatus::Missing)
            }
            Found::There { fact, standing } => {
                let status = match (standing, fact.origin(owner)) {
                    (Standing::Ready, Origin::Adopted) => ServiceRoleStatus::Adopted,
                    (Standing::Ready, Origin::Created) => ServiceRoleStatus::Created,
                    (Standing::PolicyMissing, _) => ServiceRoleStatus::PolicyMissing,
                    (Standing::NotTrusted, _) => ServiceRoleStatus::NotTrusted,
                };
                (fact.arn.clone(), status)
            }
        };
        Self {
            name: role.name().to_owned(),
            arn,
            status,
        }
    }
}

impl DmsServiceRolesState {
    /// Returns both roles.
    pub(super) fn roles(&self) -> [&ServiceRole; 2] {
        [&self.vpc_role, &self.cloudwatch_logs_role]
    }

    /// Says what is in a journal; `None` before everything was looked at.
    pub(super) fn of_journal(journal: &Journal, owner: &Owner) -> Option<Self> {
        let account = journal.account.as_ref()?;
        let role = |role: Role| {
            Some(ServiceRole::new(
                role,
                journal.roles.get(&role)?,
                account,
                owner,
            ))
        };
        Some(Self {
            account_id: account.id.clone(),
            vpc_role: role(Role::Vpc)?,
            cloudwatch_logs_role: role(Role::CloudwatchLogs)?,
        })
    }

    /// Says what a survey has found.
    pub(super) fn of_survey(surveyed: Surveyed, owner: &Owner) -> Option<Self> {
        let Surveyed { account, roles } = surveyed;
        Self::of_journal(
            &Journal {
                account: Some(account),
                roles,
                changed: false,
            },
            owner,
        )
    }
}
