//! The service roles of DMS in IAM: one call for each command.

use std::collections::BTreeMap;

use aws_sdk_iam::types::Tag;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use cutover_core::service_roles::{
    Act, Fact, Look, OWNER_TAG, Role, RoleFact, TrustPolicy, account_of, partition_of,
};
use cutover_core::{Failure, FailureClass, Timestamp};
use cutover_driver::ServiceRoles;
use futures_util::future::BoxFuture;

use crate::failure::{classify, unexpected};
use crate::sdk::{Client, Sdk};
use crate::trust;

/// The path of the managed policies that are looked for; it keeps the answer to one page.
const POLICY_PATH: &str = "/service-role/";

/// What is written beside a role that is made, for people in the console.
const DESCRIPTION: &str =
    "Used by AWS DMS in this account; shared by everything that uses DMS. Made by cutover.";

/// The service roles of DMS in the account of the configured credentials.
#[derive(Debug)]
pub struct AwsServiceRoles {
    iam: Client<aws_sdk_iam::Client>,
    sts: Client<aws_sdk_sts::Client>,
}

impl AwsServiceRoles {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        Self {
            iam: Client::new(sdk, |to| to.iam.as_ref(), aws_sdk_iam::Client::new),
            sts: Client::new(sdk, |to| to.sts.as_ref(), aws_sdk_sts::Client::new),
        }
    }

    async fn fetch_account(&self) -> Result<Fact, Failure> {
        let action = "sts:GetCallerIdentity";
        let answer = self
            .sts
            .get(action)
            .await?
            .get_caller_identity()
            .send()
            .await;
        let answer = answer.map_err(|error| classify(action, &error))?;
        let arn = answer.arn().unwrap_or_default();
        match (partition_of(arn), account_of(arn)) {
            (Some(partition), Some(account)) => Ok(Fact::Account {
                partition: partition.to_owned(),
                account: account.to_owned(),
            }),
            _ => Err(unexpected(action)),
        }
    }

    async fn fetch_role(&self, role: Role) -> Result<Fact, Failure> {
        let action = "iam:GetRole";
        let answer = self
            .iam
            .get(action)
            .await?
            .get_role()
            .role_name(role.name())
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let found = answer.role().ok_or_else(|| unexpected(action))?;
                let trust = found
                    .assume_role_policy_document()
                    .map_or(TrustPolicy::Unreadable, trust::parse);
                role_fact(found, trust)
                    .map(|fact| Fact::Role(Some(fact)))
                    .ok_or_else(|| unexpected(action))
            }
            Err(error) if is_missing(&error) => Ok(Fact::Role(None)),
            Err(error) => Err(classify(action, &error)),
        }
    }

    async fn fetch_policies(&self, role: Role) -> Result<Fact, Failure> {
        let action = "iam:ListAttachedRolePolicies";
        let call = self.iam.get(action).await?.list_attached_role_policies();
        match call
            .role_name(role.name())
            .path_prefix(POLICY_PATH)
            .send()
            .await
        {
            Ok(answer) => {
                let arns = answer
                    .attached_policies()
                    .iter()
                    .filter_map(|policy| policy.policy_arn());
                Ok(Fact::Policies(Some(arns.map(str::to_owned).collect())))
            }
            Err(error) if is_missing(&error) => Ok(Fact::Policies(None)),
            Err(error) => Err(classify(action, &error)),
        }
    }

    async fn create(
        &self,
        role: Role,
        trust: &TrustPolicy,
        tags: &BTreeMap<String, String>,
    ) -> Result<Fact, Failure> {
        let action = "iam:CreateRole";
        let document = trust::render(trust).ok_or_else(|| unexpected(action))?;
        let tags = tags
            .iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tags: Result<Vec<_>, _> = tags.collect();
        let tags = tags.map_err(|_| unexpected(action))?;
        let call = self.iam.get(action).await?.create_role();
        let call = call
            .role_name(role.name())
            .assume_role_policy_document(document)
            .description(DESCRIPTION);
        match call.set_tags(Some(tags)).send().await {
            Ok(answer) => {
                let made = answer
                    .role()
                    .and_then(|made| role_fact(made, trust.clone()));
                // Made, but not told as it should be: the next look will tell.
                made.map(Fact::Made).ok_or_else(|| Failure {
                    class: FailureClass::Unknown,
                    ..unexpected(action)
                })
            }
            Err(error) if error.code() == Some("EntityAlreadyExists") => Ok(Fact::AlreadyThere),
            Err(error) => Err(classify(action, &error)),
        }
    }

    async fn attach(&self, role: Role, policy_arn: &str) -> Result<Fact, Failure> {
        let action = "iam:AttachRolePolicy";
        let call = self.iam.get(action).await?.attach_role_policy();
        match call
            .role_name(role.name())
            .policy_arn(policy_arn)
            .send()
            .await
        {
            Ok(_) => Ok(Fact::Attached(true)),
            // The same code tells of a policy that does not exist in the partition; no wait helps there.
            Err(error)
                if is_missing(&error)
                    && !error.message().unwrap_or_default().contains(policy_arn) =>
            {
                Ok(Fact::Attached(false))
            }
            Err(error) => Err(classify(action, &error)),
        }
    }
}

fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code() == Some("NoSuchEntity")
}

fn role_fact(found: &aws_sdk_iam::types::Role, trust: TrustPolicy) -> Option<RoleFact> {
    account_of(found.arn())?;
    let owner = found.tags().iter().find(|tag| tag.key() == OWNER_TAG);
    Some(RoleFact {
        arn: found.arn().to_owned(),
        trust,
        owner: owner.map(|tag| tag.value().to_owned()),
        made_at: Timestamp::from_unix_millis(found.create_date().to_millis().unwrap_or_default()),
    })
}

impl ServiceRoles for AwsServiceRoles {
    fn fetch<'a>(&'a self, look: &'a Look) -> BoxFuture<'a, Fact> {
        Box::pin(async move {
            let fact = match look {
                Look::Account => self.fetch_account().await,
                Look::Role(role) => self.fetch_role(*role).await,
                Look::Policies(role) => self.fetch_policies(*role).await,
            };
            fact.unwrap_or_else(Fact::Failed)
        })
    }

    fn apply<'a>(&'a self, act: &'a Act) -> BoxFuture<'a, Fact> {
        Box::pin(async move {
            let fact = match act {
                Act::Create { role, trust, tags } => self.create(*role, trust, tags).await,
                Act::Attach { role, policy_arn } => self.attach(*role, policy_arn).await,
            };
            fact.unwrap_or_else(Fact::Failed)
        })
    }
}
