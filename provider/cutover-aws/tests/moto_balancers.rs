//! A second opinion on the wire: the adapter for listener rules against moto's load balancers over HTTP.

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::config::{BehaviorVersion, Region};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, ProtocolEnum, RuleCondition,
    TargetGroupStickinessConfig, TargetGroupTuple,
};
use common::Moto;
use cutover_aws::AwsListenerRules;
use cutover_core::shift::rules::{GroupWeight, JOURNAL_TAG, RuleChange};
use cutover_driver::{Applied, ListenerRules as _, Targets};

/// A load balancer with a rule and a listener that both send everybody to old.
struct Balancer {
    listener: String,
    rule: String,
    old: String,
    new: String,
}

fn client(moto: &Moto) -> Client {
    let config = aws_sdk_elasticloadbalancingv2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .region(Region::new("eu-central-1"))
        .endpoint_url(moto.url())
        .build();
    Client::from_conf(config)
}

/// Asks moto's EC2, for which there is no client here, for a network: its id and those of two of its subnets.
fn network(moto: &Moto) -> (String, Vec<String>) {
    let host = moto.url().trim_start_matches("http://");
    let body = "Action=DescribeSubnets&Version=2016-11-15";
    let scope = "test/20260101/eu-central-1/ec2/aws4_request";
    let mut stream = TcpStream::connect(host).expect("moto makes it");
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n\r\n{body}",
        body.len()
    )
    .expect("moto makes it");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("moto makes it");
    let all = |tag: &str| -> Vec<String> {
        let tag = format!("<{tag}>");
        let parts = answer.split(&tag).skip(1);
        let values = parts.filter_map(|part| part.split('<').next());
        values.map(str::to_owned).collect()
    };
    (
        all("vpcId").swap_remove(0),
        all("subnetId").into_iter().take(2).collect(),
    )
}

async fn make_group(client: &Client, name: &str, network: &str) -> String {
    let made = client.create_target_group().name(name).vpc_id(network);
    let made = made.protocol(ProtocolEnum::Http).port(80).send().await;
    let group = made.expect("moto makes it").target_groups()[0].clone();
    group.target_group_arn.expect("moto makes it")
}

fn forward(old: &str, new: &str) -> Action {
    let group = |arn: &str, weight| {
        TargetGroupTuple::builder()
            .target_group_arn(arn)
            .weight(weight)
            .build()
    };
    let stickiness = TargetGroupStickinessConfig::builder()
        .enabled(true)
        .duration_seconds(120)
        .build();
    let config = ForwardActionConfig::builder()
        .target_groups(group(old, 100))
        .target_groups(group(new, 0))
        .target_group_stickiness_config(stickiness)
        .build();
    Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .order(1)
        .forward_config(config)
        .build()
}

async fn make_balancer(moto: &Moto) -> Balancer {
    let client = client(moto);
    let (network, subnets) = network(moto);
    let made = client.create_load_balancer().name("shop");
    let made = made
        .set_subnets(Some(subnets))
        .send()
        .await
        .expect("moto makes it");
    let balancer = made.load_balancers()[0]
        .load_balancer_arn()
        .expect("moto makes it");
    let old = make_group(&client, "old", &network).await;
    let new = make_group(&client, "new", &network).await;
    let listener = client
        .create_listener()
        .load_balancer_arn(balancer)
        .protocol(ProtocolEnum::Http)
        .port(80)
        .default_actions(forward(&old, &new))
        .send()
        .await
        .expect("moto makes it");
    let listener = listener.listeners()[0]
        .listener_arn()
        .expect("moto makes it")
        .to_owned();
    let path = RuleCondition::builder()
        .field("path-pattern")
        .values("/pay/*");
    let rule = client
        .create_rule()
        .listener_arn(&listener)
        .priority(1)
        .conditions(path.build())
        .actions(forward(&old, &new))
        .send()
        .await
        .expect("moto makes it");
    let rule = rule.rules()[0]
        .rule_arn()
        .expect("moto makes it")
        .to_owned();
    Balancer {
        listener,
        rule,
        old,
        new,
    }
}

impl Balancer {
    fn groups(&self, old: u16, new: u16) -> Vec<GroupWeight> {
        [(&self.old, old), (&self.new, new)]
            .map(|(arn, weight)| GroupWeight {
                arn: arn.clone(),
                weight,
            })
            .into()
    }

    /// From everybody on old to a tenth on new.
    fn step(&self, arn: &str) -> RuleChange {
        RuleChange {
            rule_arn: arn.to_owned(),
            expected: Some(self.groups(100, 0)),
            expected_tag: Some(None),
            groups: Some(self.groups(90, 10)),
            tags: [(JOURNAL_TAG.to_owned(), "v1 1".to_owned())].into(),
            tags_first: true,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_and_a_listener_get_weights_and_a_journal_once() {
    let moto = Moto::start();
    let rules = AwsListenerRules::new(&moto.sdk());
    let balancer = make_balancer(&moto).await;

    for arn in [&balancer.rule, &balancer.listener] {
        let before = rules.fetch_rule(arn).await.unwrap().unwrap();
        assert_eq!(before.groups, balancer.groups(100, 0));
        assert_eq!(before.stickiness, Some(Duration::from_mins(2)));

        let step = balancer.step(arn);
        let applied = rules.apply(&step).await.unwrap();
        assert!(matches!(applied, Applied::Accepted { .. }), "{applied:?}");

        let after = rules.fetch_rule(arn).await.unwrap().unwrap();
        assert_eq!(after.groups, balancer.groups(90, 10));
        assert_eq!(after.stickiness, before.stickiness);
        assert_eq!(after.tags[JOURNAL_TAG], "v1 1");

        let again = rules.apply(&step).await.unwrap();
        assert!(matches!(again, Applied::Conflict { .. }), "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_so() {
    let moto = Moto::start();
    let rules = AwsListenerRules::new(&moto.sdk());
    let balancer = make_balancer(&moto).await;

    let other = balancer
        .rule
        .replace(":listener-rule/app/shop/", ":listener-rule/app/gone/");
    assert_eq!(rules.fetch_rule(&other).await, Ok(None));
    assert_eq!(
        rules.fetch_targets(&balancer.new).await,
        Ok(Targets::default())
    );
}
