//! From the configuration to a world with AWS in it.

use std::sync::Arc;
use std::time::Duration;

use cutover_aws::{AssumeRole, AwsServiceRoles, Endpoints, Keys, Sdk, Settings};
use cutover_driver::{Clock, SystemClock, World};
use cutover_resources::Config;
use pulumi_value::Secret;

/// Makes a world of a checked configuration, without calling anyone.
pub(crate) fn connect(config: &Config) -> World {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sdk = Sdk::new(settings(config), Arc::clone(&clock));
    World {
        clock,
        service_roles: Arc::new(AwsServiceRoles::new(sdk)),
    }
}

fn settings(config: &Config) -> Settings {
    let keys = config.access_key.as_ref().zip(config.secret_key.as_ref());
    let endpoints = config.endpoints.as_ref();
    Settings {
        region: config.region.clone(),
        profile: config.profile.clone(),
        keys: keys.map(|(access_key, secret_key)| Keys {
            access_key: access_key.expose().clone(),
            secret_key: secret_key.expose().clone(),
            token: config.token.as_ref().map(Secret::expose).cloned(),
        }),
        assume_role: config.assume_role.as_ref().map(|role| AssumeRole {
            role_arn: role.role_arn.clone(),
            session_name: role.session_name.clone(),
            external_id: role.external_id.clone(),
            duration: role
                .duration_seconds
                .map(|seconds| Duration::from_secs(seconds.into())),
        }),
        endpoints: Endpoints {
            iam: endpoints.and_then(|endpoints| endpoints.iam.clone()),
            sts: endpoints.and_then(|endpoints| endpoints.sts.clone()),
        },
        retries: config.retries,
    }
}
