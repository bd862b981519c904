//! From the configuration to a world with AWS and databases in it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cutover_aws::{
    AssumeRole, AwsReplications, AwsSecrets, AwsServiceRoles, Endpoints, Keys, Sdk, Settings,
    traffic,
};
use cutover_db::Connections;
use cutover_driver::{Allowance, Clock, SystemClock, World};
use cutover_resources::Config;
use pulumi_value::Secret;

use crate::environment::{NAME_SERVER, SESSION_END, variable};

/// Makes a world of a checked configuration, without calling anyone.
pub(crate) fn connect(config: &Config) -> World {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sdk = Sdk::new(settings(config), clock);
    World {
        clock: Arc::new(sdk.service_clock()),
        service_roles: Arc::new(AwsServiceRoles::new(&sdk)),
        traffic: traffic(&sdk, &allowance()),
        databases: Arc::new(Connections),
        secrets: Arc::new(AwsSecrets::new(&sdk)),
        writers: Arc::new(Connections),
        replications: Arc::new(AwsReplications::new(&sdk)),
    }
}

/// The requests that this process may make, however often it is configured.
fn allowance() -> Arc<Allowance> {
    static ALLOWANCE: OnceLock<Arc<Allowance>> = OnceLock::new();
    Arc::clone(ALLOWANCE.get_or_init(|| Arc::new(Allowance::new(Arc::new(SystemClock)))))
}

fn settings(config: &Config) -> Settings {
    let keys = config.access_key.as_ref().zip(config.secret_key.as_ref());
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
        session_end: variable(SESSION_END),
        endpoints: endpoints(config.endpoints.as_ref()),
        retries: config.retries,
    }
}

fn endpoints(given: Option<&cutover_resources::Endpoints>) -> Endpoints {
    let given = given.cloned().unwrap_or_default();
    Endpoints {
        cloudwatch: given.cloudwatch,
        dms: given.databasemigration,
        dynamodb: given.dynamodb,
        elbv2: given.elasticloadbalancingv2,
        iam: given.iam,
        route53: given.route53,
        secrets: given.secretsmanager,
        sns: given.sns,
        ssm: given.ssm,
        sts: given.sts,
        name_server: given.name_server.or_else(|| variable(NAME_SERVER)),
    }
}
