//! How long the credentials last.

use aws_credential_types::Credentials as Keys;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use cutover_core::{Failure, Timestamp};
use cutover_driver::{Answered, Credentials};

use crate::failure::no_credentials;
use crate::sdk::Sdk;

/// The credentials that calls are made with.
///
/// What can be known, and what cannot:
///
/// - Credentials with an end that the SDK knows of come from a source that it asks again before that end: the role of
///   the machine or container, a role that is assumed, a web identity, SSO, a program. They are taken as renewed by
///   themselves. How long the source goes on giving (an SSO login, say) nobody tells beforehand.
/// - Session keys from the environment stay as they are. They end when the tool that put them there has said
///   (`AWS_CREDENTIAL_EXPIRATION`); many tools do not say, and then nobody knows. A role that is assumed with such keys
///   cannot be assumed again after their end, so that is its end, too.
/// - Session keys from the provider's configuration or a shared file carry no end. That they have one is certain, when
///   is not known; they are not told apart from keys that last.
#[derive(Debug)]
pub struct AwsCredentials {
    sdk: Sdk,
}

impl AwsCredentials {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        Self { sdk: sdk.clone() }
    }

    /// Has the source give credentials anew, so that it is also known that it still does.
    async fn end(&self) -> Result<Option<Timestamp>, Failure> {
        let Some(source) = self.sdk.source().await else {
            return Ok(None);
        };
        let keys = source.provide_credentials().await;
        let keys = keys.map_err(|error| no_credentials("credentials", &error))?;
        let said = self.sdk.settings().session_end.as_deref();
        Ok(said
            .filter(|_| is_session_of_environment(&keys))
            .and_then(moment))
    }
}

fn is_session_of_environment(keys: &Keys) -> bool {
    let sources = keys.get_property::<Vec<AwsCredentialFeature>>();
    let of_environment =
        sources.is_some_and(|all| all.contains(&AwsCredentialFeature::CredentialsEnvVars));
    of_environment && keys.session_token().is_some()
}

/// Reads a moment; one that cannot be read says nothing.
fn moment(text: &str) -> Option<Timestamp> {
    let read = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
    read.to_millis().ok().map(Timestamp::from_unix_millis)
}

impl Credentials for AwsCredentials {
    fn fetch_end(&self) -> Answered<'_, Option<Timestamp>> {
        Box::pin(self.end())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cutover_driver::SystemClock;

    use super::*;
    use crate::Settings;
    use crate::testing::settings;

    fn keys(token: Option<&str>, source: AwsCredentialFeature) -> Keys {
        let mut keys = Keys::new("AKID", "secret", token.map(str::to_owned), None, "test");
        keys.set_property(vec![source]);
        keys
    }

    #[test]
    fn only_session_keys_of_the_environment_end_when_the_environment_says() {
        let environment = AwsCredentialFeature::CredentialsEnvVars;

        assert!(is_session_of_environment(&keys(
            Some("t"),
            environment.clone()
        )));
        assert!(!is_session_of_environment(&keys(None, environment)));
        assert!(!is_session_of_environment(&keys(
            Some("t"),
            AwsCredentialFeature::CredentialsSso
        )));
    }

    #[test]
    fn reads_moments_as_tools_write_them() {
        let expected = Some(Timestamp::from_unix_millis(1_767_225_601_000));

        assert_eq!(moment("2026-01-01T00:00:01Z"), expected);
        assert_eq!(moment("2026-01-01T00:00:01+00:00"), expected);
        assert_eq!(moment("2026-01-01T01:00:01+01:00"), expected);
        assert_eq!(moment("tomorrow"), None);
    }

    #[tokio::test]
    async fn keys_of_the_configuration_do_not_end_with_those_of_the_environment() {
        let settings = Settings {
            session_end: Some("2026-01-01T00:00:01Z".to_owned()),
            ..settings()
        };

        let credentials = AwsCredentials::new(&Sdk::new(settings, Arc::new(SystemClock)));

        assert_eq!(credentials.fetch_end().await, Ok(None));
    }
}
