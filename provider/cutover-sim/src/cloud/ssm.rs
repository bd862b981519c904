//! SSM: parameters.

use std::collections::BTreeMap;

use cutover_core::Timestamp;

use super::{AwsError, Cloud, Service};

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// Its value.
    pub value: String,
    /// Counts from 1.
    pub version: u64,
    /// When it was set.
    pub modified_at: Timestamp,
    /// Its ARN.
    pub arn: String,
}

/// A parameter to be set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutParameter {
    /// Its name.
    pub name: String,
    /// `String`, `StringList` or `SecureString`; needed for one that does not exist.
    pub kind: Option<String>,
    /// Its value.
    pub value: String,
    /// Whether one that exists is replaced.
    pub overwrite: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Ssm {
    parameters: BTreeMap<String, Parameter>,
}

/// The longest value of a standard parameter, in bytes: AWS's limit.
const VALUE_MAX: usize = 4096;

impl Cloud {
    /// SSM: reads a parameter. Without `with_decryption` the value of a `SecureString` is not the plain one.
    ///
    /// # Errors
    /// `ParameterNotFound` when there is none.
    pub fn get_parameter(
        &mut self,
        now: Timestamp,
        name: &str,
        with_decryption: bool,
    ) -> Result<Parameter, AwsError> {
        self.call(Service::Other, "GetParameter", name, now, |cloud| {
            let none =
                || AwsError::bad("ParameterNotFound", format!("Parameter {name} not found."));
            let mut parameter = cloud.ssm.parameters.get(name).cloned().ok_or_else(none)?;
            if parameter.kind == "SecureString" && !with_decryption {
                parameter.value = format!("AQICAHencrypted{}", parameter.version);
            }
            Ok(parameter)
        })
    }

    /// SSM: sets a parameter; returns its version.
    ///
    /// # Errors
    /// `ParameterAlreadyExists` when it exists and is not to be replaced, `ValidationException` for what cannot be set.
    pub fn put_parameter(&mut self, now: Timestamp, input: &PutParameter) -> Result<u64, AwsError> {
        self.call(Service::Other, "PutParameter", &input.name, now, |cloud| {
            let before = cloud.ssm.parameters.get(&input.name);
            if before.is_some() && !input.overwrite {
                let message = "The parameter already exists. To overwrite this value, set the \
                               overwrite option in the request to true.";
                return Err(AwsError::bad("ParameterAlreadyExists", message));
            }
            let kind = before.map(|before| &before.kind).or(input.kind.as_ref());
            let kind = input.checked(kind)?;
            let version = before.map_or(0, |before| before.version) + 1;
            let parameter = Parameter {
                arn: format!(
                    "arn:aws:ssm:{}:{}:parameter/{}",
                    cloud.config.region,
                    cloud.config.account,
                    input.name.trim_start_matches('/')
                ),
                name: input.name.clone(),
                kind,
                value: input.value.clone(),
                version,
                modified_at: now,
            };
            cloud.ssm.parameters.insert(input.name.clone(), parameter);
            Ok(version)
        })
    }

    /// Removes a parameter.
    pub fn delete_parameter(&mut self, name: &str) {
        self.ssm.parameters.remove(name);
    }
}

impl PutParameter {
    /// Checks what is set; returns its kind.
    fn checked(&self, kind: Option<&String>) -> Result<String, AwsError> {
        let invalid = |message: &str| Err(AwsError::bad("ValidationException", message));
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
        if self.name.is_empty() || !self.name.chars().all(allowed) {
            return invalid(
                "Parameter name must only contain letters, numbers, and the symbols _.-/",
            );
        }
        if self.value.is_empty() {
            return invalid("Value must have length greater than or equal to 1");
        }
        if self.value.len() > VALUE_MAX {
            return invalid("Standard tier parameters support a maximum of 4096 characters.");
        }
        match kind.map(String::as_str) {
            Some(kind @ ("String" | "StringList" | "SecureString")) => Ok(kind.to_owned()),
            Some(_) => invalid("Type must be one of String, StringList, SecureString"),
            None => invalid("A parameter type is required when you create a parameter."),
        }
    }
}
