//! An account with a zone, a rule, a topic and a task, behind its endpoints.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use cutover_core::Timestamp;
use cutover_driver::{Clock, SystemClock};
use cutover_local_aws::{LocalAws, Options};
use cutover_sim::cloud::{
    Action, Cloud, CloudConfig, CloudFault, Forward, ListenerRule, ReplicationTask,
    ResourceRecordSet, TableStatistics, TargetGroup, TargetHealth, WeightedGroup,
};

pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const ZONE: &str = "Z0123456789EXAMPLE";
pub(crate) const NAME: &str = "pay.example.com";
pub(crate) const RULE: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/pay/50dc6c495c0c9188/\
                        f2f7dc8efc522ab2/9683b2d02a6cabee";
pub(crate) const OLD_GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/old/73e2d6bc24d8a067";
pub(crate) const NEW_GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/new/73e2d6bc24d8a068";
pub(crate) const TASK: &str = "arn:aws:dms:eu-central-1:123456789012:task:REVERSE";
pub(crate) const INSTANCE: &str = "arn:aws:dms:eu-central-1:123456789012:rep:INSTANCE";
pub(crate) const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:shifts";

/// An account that answers.
pub(crate) struct World {
    pub(crate) aws: LocalAws,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_on(Arc::new(SystemClock), Options::default()).await
    }

    pub(crate) async fn start_on(clock: Arc<dyn Clock>, options: Options) -> Self {
        let cloud = account(clock.now());
        let aws = LocalAws::start(cloud, clock, options)
            .await
            .expect("a port is free");
        Self { aws }
    }

    /// Follows a script from now on.
    pub(crate) fn script(&self, faults: impl IntoIterator<Item = CloudFault>) {
        self.aws.cloud().script(faults);
    }

    pub(crate) fn weights(&self) -> BTreeMap<String, u64> {
        let records = self.aws.cloud().records(ZONE);
        records
            .into_iter()
            .filter(|set| set.name == format!("{NAME}."))
            .filter_map(|set| Some((set.set_identifier?, set.weight?)))
            .collect()
    }

    pub(crate) fn route53(&self) -> aws_sdk_route53::Client {
        aws_sdk_route53::Client::from_conf(configure!(aws_sdk_route53, self.aws.url()))
    }

    pub(crate) fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        aws_sdk_cloudwatch::Client::from_conf(configure!(aws_sdk_cloudwatch, self.aws.url()))
    }

    pub(crate) fn elb(&self) -> aws_sdk_elasticloadbalancingv2::Client {
        aws_sdk_elasticloadbalancingv2::Client::from_conf(configure!(
            aws_sdk_elasticloadbalancingv2,
            self.aws.url()
        ))
    }

    pub(crate) fn sns(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::from_conf(configure!(aws_sdk_sns, self.aws.url()))
    }

    pub(crate) fn ssm(&self) -> aws_sdk_ssm::Client {
        aws_sdk_ssm::Client::from_conf(configure!(aws_sdk_ssm, self.aws.url()))
    }

    pub(crate) fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::from_conf(configure!(aws_sdk_sts, self.aws.url()))
    }

    pub(crate) fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::from_conf(configure!(
            aws_sdk_secretsmanager,
            self.aws.url()
        ))
    }

    pub(crate) fn dms(&self) -> aws_sdk_databasemigration::Client {
        aws_sdk_databasemigration::Client::from_conf(configure!(
            aws_sdk_databasemigration,
            self.aws.url()
        ))
    }
}

/// Configures a client of any service for our endpoint: no repeats, so that every answer is seen.
macro_rules! configure {
    ($service:ident, $url:expr) => {
        $service::Config::builder()
            .behavior_version($service::config::BehaviorVersion::v2026_01_12())
            .region($service::config::Region::new($crate::world::REGION))
            .credentials_provider($crate::world::credentials())
            .http_client($crate::world::plain_http())
            .retry_config($service::config::retry::RetryConfig::disabled())
            .endpoint_url($url)
            .build()
    };
}
pub(crate) use configure;

pub(crate) fn credentials() -> Credentials {
    Credentials::new("AKIAEXAMPLE", "secret", None, None, "test")
}

pub(crate) fn plain_http() -> SharedHttpClient {
    Builder::new().build_http()
}

/// Makes a member of the group of weighted records.
pub(crate) fn member(set_identifier: &str, weight: u64, value: &str) -> ResourceRecordSet {
    ResourceRecordSet {
        name: format!("{NAME}."),
        record_type: "A".to_owned(),
        set_identifier: Some(set_identifier.to_owned()),
        weight: Some(weight),
        ttl: Some(60),
        values: vec![value.to_owned()],
        ..ResourceRecordSet::default()
    }
}

fn account(now: Timestamp) -> Cloud {
    let config = CloudConfig {
        insync: Some(Duration::ZERO),
        ..CloudConfig::default()
    };
    let mut cloud = Cloud::new(config);
    cloud.put_hosted_zone(now, ZONE, "example.com", false);
    cloud.by_others(|cloud| {
        let made = [
            member("old", 100, "192.0.2.1"),
            member("new", 0, "192.0.2.2"),
        ];
        let changes = made.map(|set| cutover_sim::cloud::Change {
            action: cutover_sim::cloud::ChangeAction::Create,
            set,
        });
        cloud
            .change_resource_record_sets(now, ZONE, &changes)
            .expect("the zone takes weighted records");
    });
    for arn in [OLD_GROUP, NEW_GROUP] {
        cloud.put_target_group(group(arn));
    }
    cloud.put_rule(now, rule());
    cloud.create_topic("shifts");
    cloud.put_replication_task(now, task());
    cloud
}

fn group(arn: &str) -> TargetGroup {
    let target = |id: &str, state: &str| TargetHealth {
        id: id.to_owned(),
        port: 8443,
        state: state.to_owned(),
    };
    TargetGroup {
        arn: arn.to_owned(),
        name: "pay".to_owned(),
        targets: vec![target("i-1", "healthy"), target("i-2", "unhealthy")],
        ..TargetGroup::default()
    }
}

fn rule() -> ListenerRule {
    let sign_in = Action {
        kind: "authenticate-oidc".to_owned(),
        order: Some(1),
        rest: BTreeMap::from([
            ("AuthenticateOidcConfig.Issuer", "https://id.example.com"),
            (
                "AuthenticateOidcConfig.AuthorizationEndpoint",
                "https://id.example.com/a",
            ),
            (
                "AuthenticateOidcConfig.TokenEndpoint",
                "https://id.example.com/t",
            ),
            (
                "AuthenticateOidcConfig.UserInfoEndpoint",
                "https://id.example.com/u",
            ),
            ("AuthenticateOidcConfig.ClientId", "pay"),
        ])
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect(),
        ..Action::default()
    };
    let weighted = |arn: &str, weight| WeightedGroup {
        arn: arn.to_owned(),
        weight: Some(weight),
    };
    let forward = Action {
        kind: "forward".to_owned(),
        order: Some(2),
        forward: Some(Forward {
            groups: vec![weighted(OLD_GROUP, 100), weighted(NEW_GROUP, 0)],
            stickiness: None,
        }),
        ..Action::default()
    };
    ListenerRule {
        arn: RULE.to_owned(),
        priority: "10".to_owned(),
        conditions: vec![("host-header".to_owned(), vec![NAME.to_owned()])],
        actions: vec![sign_in, forward],
        is_default: false,
    }
}

fn task() -> ReplicationTask {
    let table = |name: &str, state: &str, failed_records| TableStatistics {
        schema: "pay".to_owned(),
        table: name.to_owned(),
        state: state.to_owned(),
        validation_state: "Validated".to_owned(),
        failed_records,
        ..TableStatistics::default()
    };
    ReplicationTask {
        arn: TASK.to_owned(),
        identifier: "reverse".to_owned(),
        instance_arn: INSTANCE.to_owned(),
        instance_identifier: "instance".to_owned(),
        status: "running".to_owned(),
        tables: vec![
            table("payments", "Table completed", 0),
            table("refunds", "Table completed", 3),
            table("notes", "Table error", 0),
        ],
        lag: Some(Duration::from_secs(2)),
        ..ReplicationTask::default()
    }
}
