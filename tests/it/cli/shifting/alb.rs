//! Shifts over a rule of a load balancer.

use std::collections::BTreeMap;

use cutover_driver::{Clock as _, SystemClock};
use cutover_sim::cloud::{
    Action, Forward, ListenerRule, Routed, TargetGroup, TargetHealth, WeightedGroup,
};
use serde_json::json;

use super::super::pulumi::text;
use super::world::{World, quick_cloud, run_traffic, two_steps};

const RULE: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/pay/50dc6c495c0c9188/\
                    f2f7dc8efc522ab2/9683b2d02a6cabee";
const OLD: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/old/73e2d6bc24d8a067";
const NEW: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/new/73e2d6bc24d8a068";

/// What asks people who they are before they are forwarded.
fn authenticate() -> Action {
    let config = [
        ("Issuer", "https://login.example.com"),
        (
            "AuthorizationEndpoint",
            "https://login.example.com/authorize",
        ),
        ("TokenEndpoint", "https://login.example.com/token"),
        ("UserInfoEndpoint", "https://login.example.com/me"),
        ("ClientId", "pay"),
        ("UseExistingClientSecret", "true"),
    ];
    let config =
        config.map(|(name, value)| (format!("AuthenticateOidcConfig.{name}"), value.to_owned()));
    Action {
        kind: "authenticate-oidc".to_owned(),
        order: Some(1),
        rest: BTreeMap::from(config),
        ..Action::default()
    }
}

fn rule() -> ListenerRule {
    let group = |arn: &str, weight| WeightedGroup {
        arn: arn.to_owned(),
        weight: Some(weight),
    };
    let forward = Action {
        kind: "forward".to_owned(),
        order: Some(2),
        forward: Some(Forward {
            groups: vec![group(OLD, 100), group(NEW, 0)],
            stickiness: None,
        }),
        ..Action::default()
    };
    ListenerRule {
        arn: RULE.to_owned(),
        priority: "10".to_owned(),
        actions: vec![authenticate(), forward],
        ..ListenerRule::default()
    }
}

/// F68
#[test]
fn a_rule_is_shifted_to_its_new_target_group_and_its_other_actions_stay() {
    let mut cloud = quick_cloud();
    for arn in [OLD, NEW] {
        cloud.put_target_group(TargetGroup {
            arn: arn.to_owned(),
            targets: vec![TargetHealth {
                id: "10.0.0.1".to_owned(),
                port: 443,
                state: "healthy".to_owned(),
            }],
            ..TargetGroup::default()
        });
    }
    cloud.put_rule(SystemClock.now(), rule());
    let (arn, old, new) = (RULE.to_owned(), OLD.to_owned(), NEW.to_owned());
    run_traffic(&mut cloud, Routed::Rule { arn, old, new });
    let world = World::over(
        cloud,
        &two_steps(json!({ "router": { "alb": {
            "listenerRuleArn": RULE,
            "oldTargetGroupArn": OLD,
            "newTargetGroupArn": NEW,
        } } })),
    );

    world.stack.up().succeeds().says("everything is on new");

    let mut over_time = world.cloud().rule_weights_over_time(RULE);
    over_time.dedup_by(|(_, after), (_, before)| after == before);
    let weights = |weights: &BTreeMap<String, u64>| [OLD, NEW].map(|arn| weights[arn]);
    let seen: Vec<_> = over_time.iter().map(|(_, over)| weights(over)).collect();
    assert_eq!(seen, [[100, 0], [50, 50], [0, 100]]);
    assert_eq!(text(&world.stored()["phase"]), "Completed");
    let rules = world
        .cloud()
        .by_others(|cloud| cloud.describe_rules(SystemClock.now(), &[RULE.to_owned()]))
        .expect("the rule is there");
    assert_eq!(rules[0].actions[0], authenticate());
    assert_eq!(rules[0].actions.len(), 2);
    world.stack.up().changes_nothing();
    world.stack.destroy().succeeds();
}
