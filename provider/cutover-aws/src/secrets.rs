//! Secrets of AWS Secrets Manager.

#[cfg(test)]
mod tests;

use cutover_core::Failure;
use cutover_driver::{Answered, Hidden, Secrets};

use crate::failure::{classify, unexpected};
use crate::sdk::{Client, Sdk};

/// The secrets of the configured account and region, and those of others by their ARN where a policy allows it. What
/// they hold is never part of an error.
#[derive(Debug)]
pub struct AwsSecrets {
    manager: Client<aws_sdk_secretsmanager::Client>,
}

impl AwsSecrets {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        Self {
            manager: Client::new(
                sdk,
                |to| to.secrets.as_ref(),
                aws_sdk_secretsmanager::Client::new,
            ),
        }
    }

    async fn get(&self, id: &str) -> Result<Hidden, Failure> {
        let action = "secretsmanager:GetSecretValue";
        let call = self.manager.get(action).await?.get_secret_value();
        match call.secret_id(id).send().await {
            // A secret that holds bytes has no text.
            Ok(answer) => answer
                .secret_string()
                .map(Hidden::new)
                .ok_or_else(|| unexpected(action)),
            Err(error) => Err(classify(action, &error)),
        }
    }

    async fn set(&self, id: &str, value: &Hidden) -> Result<(), Failure> {
        let action = "secretsmanager:PutSecretValue";
        let call = self.manager.get(action).await?.put_secret_value();
        let call = call.secret_id(id).secret_string(value.reveal());
        let sent = call.send().await;
        sent.map(|_| ()).map_err(|error| classify(action, &error))
    }
}

impl Secrets for AwsSecrets {
    fn fetch<'a>(&'a self, id: &'a str) -> Answered<'a, Hidden> {
        Box::pin(self.get(id))
    }

    fn put<'a>(&'a self, id: &'a str, value: &'a Hidden) -> Answered<'a, ()> {
        Box::pin(self.set(id, value))
    }
}
