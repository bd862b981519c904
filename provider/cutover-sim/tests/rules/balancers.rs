//! Listener rules.

use std::collections::BTreeMap;

use cutover_sim::Cloud;
use cutover_sim::cloud::{Action, Forward, ListenerRule, Stickiness, TargetGroup, WeightedGroup};

use crate::{START, cloud, minutes};

const RULE: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/shop/1/2/3";
const OLD: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/old/1";
const NEW: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/new/2";

fn forward(old: u64, new: u64) -> Action {
    let group = |arn: &str, weight| WeightedGroup {
        arn: arn.to_owned(),
        weight: Some(weight),
    };
    Action {
        kind: "forward".to_owned(),
        order: Some(2),
        forward: Some(Forward {
            groups: vec![group(OLD, old), group(NEW, new)],
            stickiness: None,
        }),
        ..Action::default()
    }
}

fn login() -> Action {
    Action {
        kind: "authenticate-oidc".to_owned(),
        order: Some(1),
        ..Action::default()
    }
}

fn balanced() -> Cloud {
    let mut cloud = cloud();
    for arn in [OLD, NEW] {
        cloud.put_target_group(TargetGroup {
            arn: arn.to_owned(),
            ..TargetGroup::default()
        });
    }
    cloud.put_rule(
        START,
        ListenerRule {
            arn: RULE.to_owned(),
            priority: "1".to_owned(),
            actions: vec![login(), forward(100, 0)],
            ..ListenerRule::default()
        },
    );
    cloud
}

#[track_caller]
fn assert_refused(actions: &[Action], code: &str) {
    let mut cloud = balanced();
    let before = cloud.describe_rules(START, &[RULE.to_owned()]).unwrap();
    let error = cloud
        .modify_rule(START, RULE, Some(actions), None)
        .unwrap_err();
    assert_eq!(error.code, code, "{error}");
    assert_eq!(
        cloud.describe_rules(START, &[RULE.to_owned()]).unwrap(),
        before
    );
}

#[test]
fn modifying_a_rule_replaces_all_of_its_actions() {
    let mut cloud = balanced();
    cloud
        .modify_rule(minutes(1), RULE, Some(&[forward(90, 10)]), None)
        .unwrap();

    let rule = cloud
        .describe_rules(minutes(1), &[RULE.to_owned()])
        .unwrap()
        .remove(0);

    assert_eq!(rule.actions.len(), 1);
    let past = cloud.rule_weights_over_time(RULE);
    assert_eq!(
        past[1].1,
        BTreeMap::from([(OLD.to_owned(), 90), (NEW.to_owned(), 10)])
    );
}

#[test]
fn a_weight_of_a_target_group_ends_at_999() {
    assert_refused(&[forward(1000, 0)], "ValidationError");
    balanced()
        .modify_rule(START, RULE, Some(&[forward(999, 0)]), None)
        .unwrap();
}

#[test]
fn actions_end_with_one_that_answers() {
    assert_refused(&[login()], "InvalidLoadBalancerAction");
    assert_refused(&[], "InvalidLoadBalancerAction");
    assert_refused(&[forward(1, 1), forward(1, 1)], "InvalidLoadBalancerAction");
}

#[test]
fn several_actions_need_their_order() {
    let unordered = Action {
        order: None,
        ..login()
    };
    assert_refused(&[unordered, forward(1, 1)], "InvalidLoadBalancerAction");
}

#[test]
fn a_target_group_must_exist() {
    let mut elsewhere = forward(1, 1);
    elsewhere.forward.as_mut().unwrap().groups[1].arn = "arn:targetgroup/none".to_owned();
    assert_refused(&[elsewhere], "TargetGroupNotFound");
}

#[test]
fn stickiness_lasts_from_a_second_to_a_week() {
    for seconds in [None, Some(0), Some(604_801)] {
        let mut sticky = forward(1, 1);
        sticky.forward.as_mut().unwrap().stickiness = Some(Stickiness {
            enabled: true,
            duration_seconds: seconds,
        });
        assert_refused(&[sticky], "ValidationError");
    }
}

#[test]
fn a_rule_that_is_gone_is_not_found() {
    let mut cloud = balanced();
    cloud.delete_rule(RULE);
    let arns = [RULE.to_owned()];

    assert_eq!(
        cloud.describe_rules(START, &arns).unwrap_err().code,
        "RuleNotFound"
    );
    assert_eq!(
        cloud.modify_rule(START, RULE, None, None).unwrap_err().code,
        "RuleNotFound"
    );
    assert_eq!(
        cloud.describe_tags(START, &arns).unwrap_err().code,
        "RuleNotFound"
    );
}

#[test]
fn tags_have_limits_and_are_set_all_or_none() {
    let mut cloud = balanced();
    let arns = [RULE.to_owned()];
    let one = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    cloud
        .add_tags(START, &arns, &one("cutover:journal", "1"))
        .unwrap();
    let wrong = [
        one("aws:x", "y"),
        one("", "y"),
        one(&"k".repeat(129), "y"),
        one("k", &"v".repeat(257)),
        one("k", "{}"),
    ];
    for tags in wrong {
        assert_eq!(
            cloud.add_tags(START, &arns, &tags).unwrap_err().code,
            "ValidationError"
        );
    }
    let many = (0..50).map(|n| (format!("k{n}"), String::new())).collect();
    assert_eq!(
        cloud.add_tags(START, &arns, &many).unwrap_err().code,
        "TooManyTags"
    );
    assert_eq!(
        cloud.describe_tags(START, &arns).unwrap()[0].1,
        one("cutover:journal", "1")
    );
    cloud
        .remove_tags(START, &arns, &["cutover:journal".to_owned()])
        .unwrap();
    assert!(cloud.describe_tags(START, &arns).unwrap()[0].1.is_empty());
}
