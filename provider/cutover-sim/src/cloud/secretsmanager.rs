//! Secrets Manager: the text of secrets.

use std::collections::BTreeMap;

use cutover_core::Timestamp;
use cutover_driver::Hidden;

use super::{AwsError, Cloud, Service, mix};

/// A secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub text: Hidden,
    /// The id of the current version.
    pub version_id: String,
    /// When it was put.
    pub put_at: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SecretsManager {
    /// By name.
    secrets: BTreeMap<String, Secret>,
}

/// The longest text, in bytes: AWS's limit.
const TEXT_MAX: usize = 65_536;

impl Cloud {
    /// Puts a secret there, or replaces it; returns its ARN.
    pub fn put_secret(&mut self, now: Timestamp, name: &str, text: &str) -> String {
        let serial = self.next_serial();
        let (region, account) = (&self.config.region, &self.config.account);
        let before = self.secretsmanager.secrets.get(name);
        // AWS adds six characters, so that a name that is used again has another ARN.
        let arn = before.map_or_else(
            || {
                let end = format!("{:06x}", mix(serial) & 0xff_ffff);
                format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{end}")
            },
            |before| before.arn.clone(),
        );
        let secret = Secret {
            arn: arn.clone(),
            name: name.to_owned(),
            text: Hidden::new(text),
            version_id: version(serial),
            put_at: now,
        };
        self.secretsmanager.secrets.insert(name.to_owned(), secret);
        arn
    }

    /// Secrets Manager: reads the current version of a secret, by its ARN or name.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is none.
    pub fn get_secret_value(&mut self, now: Timestamp, id: &str) -> Result<Secret, AwsError> {
        self.call(Service::Other, "GetSecretValue", id, now, |cloud| {
            cloud.secret(id).cloned()
        })
    }

    /// Secrets Manager: makes a text the current version of a secret; returns it.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is none, `InvalidParameterException` for a text that cannot be put.
    pub fn put_secret_value(
        &mut self,
        now: Timestamp,
        id: &str,
        text: &Hidden,
    ) -> Result<Secret, AwsError> {
        self.call(Service::Other, "PutSecretValue", id, now, |cloud| {
            let name = cloud.secret(id)?.name.clone();
            if text.reveal().is_empty() || text.reveal().len() > TEXT_MAX {
                let message = format!("SecretString must have 1 to {TEXT_MAX} bytes.");
                return Err(AwsError::bad("InvalidParameterException", message));
            }
            cloud.put_secret(now, &name, text.reveal());
            cloud.secret(&name).cloned()
        })
    }

    fn secret(&self, id: &str) -> Result<&Secret, AwsError> {
        let mut secrets = self.secretsmanager.secrets.values();
        let found = secrets.find(|secret| secret.arn == id || secret.name == id);
        found.ok_or_else(|| {
            let message = "Secrets Manager can't find the specified secret.";
            AwsError::bad("ResourceNotFoundException", message)
        })
    }

    /// Returns the members of a secret that is a JSON object, numbers as texts, as a service reads it that may.
    pub(super) fn secret_members(&self, id: &str) -> Result<BTreeMap<String, String>, AwsError> {
        let text = &self.secret(id)?.text;
        let read: Result<BTreeMap<String, serde_json::Value>, _> =
            serde_json::from_str(text.reveal());
        // What is wrong is not said, since it would quote the secret.
        let members = read.map_err(|_| {
            AwsError::bad(
                "InvalidParameterValueException",
                "The secret is no JSON object",
            )
        })?;
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        Ok(members
            .into_iter()
            .map(|(name, value)| (name, text(value)))
            .collect())
    }
}

/// Makes the id of a version.
fn version(serial: u64) -> String {
    format!("5ec4e700-0000-4000-8000-{serial:012x}")
}
