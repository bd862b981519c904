//! Elastic Load Balancing through its real client.

use aws_sdk_elasticloadbalancingv2::error::ProvideErrorMetadata as _;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, Rule, Tag, TargetGroupStickinessConfig,
    TargetGroupTuple, TargetHealthStateEnum,
};

use crate::world::{NAME, NEW_GROUP, OLD_GROUP, RULE, World};

async fn fetch(world: &World) -> Rule {
    let found = world
        .elb()
        .describe_rules()
        .rule_arns(RULE)
        .send()
        .await
        .unwrap();
    found.rules.unwrap().pop().unwrap()
}

fn weighted(arn: &str, weight: i32) -> TargetGroupTuple {
    TargetGroupTuple::builder()
        .target_group_arn(arn)
        .weight(weight)
        .build()
}

fn forward(groups: &[TargetGroupTuple; 2]) -> ForwardActionConfig {
    let stickiness = TargetGroupStickinessConfig::builder()
        .enabled(true)
        .duration_seconds(300)
        .build();
    ForwardActionConfig::builder()
        .set_target_groups(Some(groups.to_vec()))
        .target_group_stickiness_config(stickiness)
        .build()
}

#[tokio::test]
async fn a_rule_is_read_with_all_of_its_actions() {
    let world = World::start().await;

    let rule = fetch(&world).await;

    assert_eq!((rule.rule_arn(), rule.priority()), (Some(RULE), Some("10")));
    assert_eq!(rule.is_default(), Some(false));
    let condition = &rule.conditions()[0];
    assert_eq!(
        (condition.field(), condition.values()),
        (Some("host-header"), &[NAME.to_owned()][..])
    );
    let [sign_in, forward] = rule.actions() else {
        panic!("two actions, and not {:?}", rule.actions());
    };
    assert_eq!(sign_in.r#type(), Some(&ActionTypeEnum::AuthenticateOidc));
    let oidc = sign_in.authenticate_oidc_config().unwrap();
    assert_eq!(
        (oidc.issuer(), oidc.client_id()),
        (Some("https://id.example.com"), Some("pay"))
    );
    assert_eq!((sign_in.order(), forward.order()), (Some(1), Some(2)));
    assert_eq!(
        forward.forward_config().unwrap().target_groups(),
        [weighted(OLD_GROUP, 100), weighted(NEW_GROUP, 0)]
    );
}

#[tokio::test]
async fn new_weights_keep_the_rest_of_the_actions() {
    let world = World::start().await;
    let before = fetch(&world).await;
    let mut actions = before.actions().to_vec();
    actions[1] = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .order(2)
        .forward_config(forward(&[weighted(OLD_GROUP, 90), weighted(NEW_GROUP, 10)]))
        .build();

    let modify = world
        .elb()
        .modify_rule()
        .rule_arn(RULE)
        .set_actions(Some(actions));
    let answered = modify.send().await.unwrap().rules.unwrap().pop().unwrap();
    let after = fetch(&world).await;

    assert_eq!(answered, after);
    assert_eq!(after.actions()[0], before.actions()[0]);
    let config = after.actions()[1].forward_config().unwrap();
    assert_eq!(
        config.target_groups(),
        [weighted(OLD_GROUP, 90), weighted(NEW_GROUP, 10)]
    );
    let stickiness = config.target_group_stickiness_config().unwrap();
    assert_eq!(
        (stickiness.enabled(), stickiness.duration_seconds()),
        (Some(true), Some(300))
    );
    assert_eq!(after.conditions(), before.conditions());
}

#[tokio::test]
async fn a_weight_beyond_999_is_refused_and_nothing_changes() {
    let world = World::start().await;
    let before = fetch(&world).await;
    let action = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .forward_config(forward(&[
            weighted(OLD_GROUP, 1000),
            weighted(NEW_GROUP, 0),
        ]))
        .build();

    let refused = world
        .elb()
        .modify_rule()
        .rule_arn(RULE)
        .actions(action)
        .send()
        .await;

    let error = refused.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ValidationError"));
    assert_eq!(fetch(&world).await, before);
}

#[tokio::test]
async fn a_rule_that_is_not_there_is_its_own_error() {
    let world = World::start().await;

    let found = world
        .elb()
        .describe_rules()
        .rule_arns(format!("{RULE}0"))
        .send()
        .await;

    let error = found.unwrap_err().into_service_error();
    assert!(error.is_rule_not_found_exception(), "{error:?}");
}

#[tokio::test]
async fn tags_are_added_read_and_removed() {
    let world = World::start().await;
    let client = world.elb();
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let read = || async {
        let found = client
            .describe_tags()
            .resource_arns(RULE)
            .send()
            .await
            .unwrap();
        let described = found.tag_descriptions.unwrap().pop().unwrap();
        assert_eq!(described.resource_arn(), Some(RULE));
        described.tags.unwrap_or_default()
    };
    assert_eq!(read().await, []);

    let tags = vec![tag("cutover:run", "a/b c=1"), tag("team", "")];
    client
        .add_tags()
        .resource_arns(RULE)
        .set_tags(Some(tags.clone()))
        .send()
        .await
        .unwrap();
    assert_eq!(read().await, tags);

    client
        .remove_tags()
        .resource_arns(RULE)
        .tag_keys("team")
        .send()
        .await
        .unwrap();
    assert_eq!(read().await, tags[..1]);
}

#[tokio::test]
async fn targets_are_read_with_their_health() {
    let world = World::start().await;

    let health = world
        .elb()
        .describe_target_health()
        .target_group_arn(OLD_GROUP)
        .send()
        .await;

    let health = health.unwrap();
    let states: Vec<_> = health
        .target_health_descriptions()
        .iter()
        .map(|described| {
            let target = described.target().unwrap();
            let state = described.target_health().unwrap().state().unwrap().clone();
            (target.id().unwrap_or_default(), target.port(), state)
        })
        .collect();
    assert_eq!(
        states,
        [
            ("i-1", Some(8443), TargetHealthStateEnum::Healthy),
            ("i-2", Some(8443), TargetHealthStateEnum::Unhealthy)
        ]
    );
}
