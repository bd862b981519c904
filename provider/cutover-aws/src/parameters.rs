//! Parameters of AWS Systems Manager.

#[cfg(test)]
mod tests;

use aws_sdk_ssm::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_ssm::operation::put_parameter::PutParameterError;
use aws_sdk_ssm::types::ParameterType;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use cutover_core::{Failure, FailureClass};
use cutover_driver::{Answered, Parameters};

use crate::failure::{classify, unexpected};
use crate::sdk::{Client, Sdk};

/// What a service calls a request that is not complete.
const INCOMPLETE: &str = "ValidationException";

/// The parameters of the configured account and region. Values may be secrets: none is ever part of an error.
#[derive(Debug)]
pub struct AwsParameters {
    ssm: Client<aws_sdk_ssm::Client>,
}

impl AwsParameters {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        Self {
            ssm: Client::new(sdk, |to| to.ssm.as_ref(), aws_sdk_ssm::Client::new),
        }
    }

    async fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        let action = "ssm:GetParameter";
        let call = self.ssm.get(action).await?.get_parameter();
        match call.name(name).with_decryption(true).send().await {
            Ok(answer) => {
                let value = answer.parameter().and_then(|found| found.value());
                let value = value.ok_or_else(|| unexpected(action))?;
                Ok(Some(value.to_owned()))
            }
            Err(error) if error.code() == Some("ParameterNotFound") => Ok(None),
            Err(error) => Err(classify(action, &error)),
        }
    }

    /// Sets the value of a parameter that is there, of whatever type. Only one that has to be made needs a type, and one
    /// of another type would be refused, so the type is named when the service misses it.
    async fn set(&self, name: &str, value: &str) -> Result<(), Failure> {
        let action = "ssm:PutParameter";
        let failed = |error: &_| without(value, classify(action, error));
        match self.try_set(action, name, value, None).await? {
            Err(error) if error.code() == Some(INCOMPLETE) => {
                let made = self
                    .try_set(action, name, value, Some(ParameterType::String))
                    .await?;
                made.map_err(|second| match second.code() {
                    // It was not the type that was amiss: the first error says more.
                    Some("HierarchyTypeMismatchException" | INCOMPLETE) => failed(&error),
                    _ => failed(&second),
                })
            }
            answer => answer.map_err(|error| failed(&error)),
        }
    }

    async fn try_set(
        &self,
        action: &'static str,
        name: &str,
        value: &str,
        kind: Option<ParameterType>,
    ) -> Result<Result<(), SdkError<PutParameterError, HttpResponse>>, Failure> {
        let call = self.ssm.get(action).await?.put_parameter();
        let call = call.name(name).value(value).overwrite(true);
        Ok(call.set_type(kind).send().await.map(|_| ()))
    }
}

/// Leaves out what a service said when it repeats the value.
fn without(value: &str, failure: Failure) -> Failure {
    if failure.class == FailureClass::Refused && failure.message.contains(value) {
        let message = "the value was refused".to_owned();
        return Failure { message, ..failure };
    }
    failure
}

impl Parameters for AwsParameters {
    fn fetch<'a>(&'a self, name: &'a str) -> Answered<'a, Option<String>> {
        Box::pin(self.get(name))
    }

    fn put<'a>(&'a self, name: &'a str, value: &'a str) -> Answered<'a, ()> {
        Box::pin(self.set(name, value))
    }
}
