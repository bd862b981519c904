//! The actions of a rule: which groups they forward to, and the same actions with other groups.

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, TargetGroupTuple,
};
use cutover_core::shift::rules::GroupWeight;

/// The weight of a group that is written without one. Any weight is as good, since it is the only group then.
const WEIGHT_WHEN_ALONE: u16 = 1;

/// The groups of the forward action, in their order.
pub(super) fn groups_of(actions: &[Action]) -> Vec<GroupWeight> {
    let Some(forward) = actions.iter().find(|action| forwards(action)) else {
        return vec![];
    };
    let config = forward.forward_config();
    let weighted = config.map_or(&[][..], ForwardActionConfig::target_groups);
    let groups = weighted.iter().filter_map(|group| {
        let weight = group.weight().and_then(|weight| u16::try_from(weight).ok());
        Some(GroupWeight {
            arn: group.target_group_arn()?.to_owned(),
            weight: weight.unwrap_or(WEIGHT_WHEN_ALONE),
        })
    });
    let groups: Vec<GroupWeight> = groups.collect();
    if !groups.is_empty() {
        return groups;
    }
    // A forward to one group may be written without a list.
    let only = forward.target_group_arn().map(|arn| GroupWeight {
        arn: arn.to_owned(),
        weight: WEIGHT_WHEN_ALONE,
    });
    only.into_iter().collect()
}

/// How long a client stays with a group, when that is on.
pub(super) fn stickiness_of(actions: &[Action]) -> Option<Duration> {
    let forward = actions.iter().find(|action| forwards(action))?;
    let config = forward.forward_config()?.target_group_stickiness_config()?;
    let seconds = u64::try_from(config.duration_seconds().unwrap_or_default()).unwrap_or_default();
    (config.enabled() == Some(true)).then(|| Duration::from_secs(seconds))
}

/// The actions with other groups in the forward action, and everything else as it was; `None` when nothing forwards.
pub(super) fn with_groups(mut actions: Vec<Action>, groups: &[GroupWeight]) -> Option<Vec<Action>> {
    let forward = actions.iter_mut().find(|action| forwards(action))?;
    let tuples = groups.iter().map(|group| {
        let tuple = TargetGroupTuple::builder().target_group_arn(&group.arn);
        tuple.weight(i32::from(group.weight)).build()
    });
    let stickiness = forward
        .forward_config()
        .and_then(|config| config.target_group_stickiness_config())
        .cloned();
    forward.forward_config = Some(
        ForwardActionConfig::builder()
            .set_target_groups(Some(tuples.collect()))
            .set_target_group_stickiness_config(stickiness)
            .build(),
    );
    // It may stand beside a list of one only.
    forward.target_group_arn = None;
    for action in &mut actions {
        if let Some(oidc) = &mut action.authenticate_oidc_config {
            // The secret is not told by the service; it keeps the one it has when asked to.
            oidc.client_secret = None;
            oidc.use_existing_client_secret = Some(true);
        }
    }
    Some(actions)
}

fn forwards(action: &Action) -> bool {
    action.r#type() == Some(&ActionTypeEnum::Forward)
}
