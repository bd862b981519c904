//! Elastic Load Balancing: listener rules and target groups.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::Timestamp;

use super::{AwsError, Cloud, Service};

/// A rule of a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenerRule {
    /// Its ARN.
    pub arn: String,
    /// `default`, or a number as text.
    pub priority: String,
    /// Its conditions: a field, and its values.
    pub conditions: Vec<(String, Vec<String>)>,
    /// Its actions.
    pub actions: Vec<Action>,
    /// Whether it is the listener's default.
    pub is_default: bool,
}

/// An action of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// `forward`, `authenticate-oidc`, `fixed-response`.
    pub kind: String,
    /// Its place among the actions, from 1.
    pub order: Option<u32>,
    /// The target group of a forward action that has one.
    pub target_group_arn: Option<String>,
    /// The target groups of a forward action.
    pub forward: Option<Forward>,
    /// Whatever else it has, by its member's path as the query protocol writes it:
    /// `AuthenticateOidcConfig.Issuer`.
    pub rest: BTreeMap<String, String>,
}

/// Where a forward action leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// The target groups.
    pub groups: Vec<WeightedGroup>,
    /// Whether clients stay with a target group.
    pub stickiness: Option<Stickiness>,
}

/// A target group and its weight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeightedGroup {
    /// The target group's ARN.
    pub arn: String,
    /// From 0 to 999; 1 when it is not given.
    pub weight: Option<u64>,
}

/// Whether clients stay with a target group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stickiness {
    /// Whether they do.
    pub enabled: bool,
    /// For how long, in seconds: from 1 to 604800.
    pub duration_seconds: Option<u64>,
}

/// A target group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetGroup {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The load balancers that use it.
    pub load_balancer_arns: Vec<String>,
    /// Its targets.
    pub targets: Vec<TargetHealth>,
}

/// A target, and how it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetHealth {
    /// Its id.
    pub id: String,
    /// Its port.
    pub port: u16,
    /// `healthy`, `unhealthy`, `initial`, `draining`, `unused`.
    pub state: String,
}

/// The ARN of a resource, and its tags.
pub type TagsOf = (String, BTreeMap<String, String>);

#[derive(Clone, Debug, Default)]
pub(super) struct Elb {
    rules: BTreeMap<String, ListenerRule>,
    groups: BTreeMap<String, TargetGroup>,
    tags: BTreeMap<String, BTreeMap<String, String>>,
    history: BTreeMap<String, Vec<(Timestamp, Vec<Action>)>>,
}

/// The heaviest weight, the most target groups of an action, and the longest stickiness in seconds: AWS's limits.
const WEIGHT_MAX: u64 = 999;
const GROUPS_MAX: usize = 5;
const STICKY_SECONDS_MAX: u64 = 604_800;

/// The most tags of a resource, and the longest key and value, in characters: AWS's limits.
const TAGS_MAX: usize = 50;
const TAG_KEY_MAX: usize = 128;
const TAG_VALUE_MAX: usize = 256;

impl Cloud {
    /// Puts a target group there, or replaces it.
    pub fn put_target_group(&mut self, group: TargetGroup) {
        self.elb.groups.insert(group.arn.clone(), group);
    }

    /// Puts a rule there as it is.
    pub fn put_rule(&mut self, now: Timestamp, rule: ListenerRule) {
        let history = self.elb.history.entry(rule.arn.clone()).or_default();
        history.push((now, rule.actions.clone()));
        self.elb.rules.insert(rule.arn.clone(), rule);
    }

    /// Removes a rule.
    pub fn delete_rule(&mut self, arn: &str) {
        self.elb.rules.remove(arn);
    }

    /// Returns what the weights of a rule's target groups were, and from when on, by their ARNs.
    pub fn rule_weights_over_time(&self, arn: &str) -> Vec<(Timestamp, BTreeMap<String, u64>)> {
        let history = self.elb.history.get(arn).map_or(&[][..], Vec::as_slice);
        let weights = |actions: &[Action]| {
            let groups = actions.iter().flat_map(Action::groups);
            groups
                .map(|group| (group.arn, group.weight.unwrap_or(1)))
                .collect()
        };
        history
            .iter()
            .map(|(at, actions)| (*at, weights(actions)))
            .collect()
    }

    /// Elastic Load Balancing: reads rules by their ARNs.
    ///
    /// # Errors
    /// `RuleNotFound` when one of them does not exist.
    pub fn describe_rules(
        &mut self,
        now: Timestamp,
        arns: &[String],
    ) -> Result<Vec<ListenerRule>, AwsError> {
        self.call(
            Service::Other,
            "DescribeRules",
            &arns.join(","),
            now,
            |cloud| arns.iter().map(|arn| cloud.rule(arn).cloned()).collect(),
        )
    }

    /// Elastic Load Balancing: replaces the actions of a rule, all of them, when they are given, and its conditions likewise.
    ///
    /// # Errors
    /// `RuleNotFound`, `TargetGroupNotFound`, or what is wrong with the actions.
    pub fn modify_rule(
        &mut self,
        now: Timestamp,
        arn: &str,
        actions: Option<&[Action]>,
        conditions: Option<&[(String, Vec<String>)]>,
    ) -> Result<ListenerRule, AwsError> {
        self.call(Service::Other, "ModifyRule", arn, now, |cloud| {
            let mut rule = cloud.rule(arn)?.clone();
            if let Some(actions) = actions {
                cloud.check_actions(actions)?;
                rule.actions = actions.iter().map(Action::as_stored).collect();
            }
            if let Some(conditions) = conditions {
                rule.conditions = conditions.to_vec();
            }
            cloud.put_rule(now, rule.clone());
            Ok(rule)
        })
    }

    /// Elastic Load Balancing: reads the tags of resources, by their ARNs.
    ///
    /// # Errors
    /// `RuleNotFound` or `TargetGroupNotFound` when one of them does not exist.
    pub fn describe_tags(
        &mut self,
        now: Timestamp,
        arns: &[String],
    ) -> Result<Vec<TagsOf>, AwsError> {
        self.call(
            Service::Other,
            "DescribeTags",
            &arns.join(","),
            now,
            |cloud| {
                let tags = |arn: &String| {
                    cloud.check_taggable(arn)?;
                    let tags = cloud.elb.tags.get(arn).cloned().unwrap_or_default();
                    Ok((arn.clone(), tags))
                };
                arns.iter().map(tags).collect()
            },
        )
    }

    /// Elastic Load Balancing: sets tags of resources; the others stay.
    ///
    /// # Errors
    /// `TooManyTags`, or what is wrong with a tag.
    pub fn add_tags(
        &mut self,
        now: Timestamp,
        arns: &[String],
        tags: &BTreeMap<String, String>,
    ) -> Result<(), AwsError> {
        self.call(Service::Other, "AddTags", &arns.join(","), now, |cloud| {
            for (key, value) in tags {
                check_tag(key, value)?;
            }
            for arn in arns {
                cloud.check_taggable(arn)?;
                let before = cloud.elb.tags.get(arn).into_iter().flat_map(BTreeMap::keys);
                let keys: BTreeSet<&String> = before.chain(tags.keys()).collect();
                if keys.len() > TAGS_MAX {
                    let message = "You've reached the limit on the number of tags per resource";
                    return Err(AwsError::bad("TooManyTags", message));
                }
            }
            for arn in arns {
                let kept = cloud.elb.tags.entry(arn.clone()).or_default();
                kept.extend(tags.clone());
            }
            Ok(())
        })
    }

    /// Elastic Load Balancing: removes tags of resources.
    ///
    /// # Errors
    /// `RuleNotFound` or `TargetGroupNotFound` when one of them does not exist.
    pub fn remove_tags(
        &mut self,
        now: Timestamp,
        arns: &[String],
        keys: &[String],
    ) -> Result<(), AwsError> {
        self.call(
            Service::Other,
            "RemoveTags",
            &arns.join(","),
            now,
            |cloud| {
                for arn in arns {
                    cloud.check_taggable(arn)?;
                }
                for arn in arns {
                    if let Some(kept) = cloud.elb.tags.get_mut(arn) {
                        kept.retain(|key, _| !keys.contains(key));
                    }
                }
                Ok(())
            },
        )
    }

    /// Elastic Load Balancing: reads target groups by their ARNs.
    ///
    /// # Errors
    /// `TargetGroupNotFound` when one of them does not exist.
    pub fn describe_target_groups(
        &mut self,
        now: Timestamp,
        arns: &[String],
    ) -> Result<Vec<TargetGroup>, AwsError> {
        self.call(
            Service::Other,
            "DescribeTargetGroups",
            &arns.join(","),
            now,
            |cloud| arns.iter().map(|arn| cloud.group(arn).cloned()).collect(),
        )
    }

    /// Elastic Load Balancing: reads how the targets of a target group are.
    ///
    /// # Errors
    /// `TargetGroupNotFound` without the group.
    pub fn describe_target_health(
        &mut self,
        now: Timestamp,
        arn: &str,
    ) -> Result<Vec<TargetHealth>, AwsError> {
        self.call(Service::Other, "DescribeTargetHealth", arn, now, |cloud| {
            Ok(cloud.group(arn)?.targets.clone())
        })
    }

    fn rule(&self, arn: &str) -> Result<&ListenerRule, AwsError> {
        let none = || AwsError::bad("RuleNotFound", "One or more rules not found");
        self.elb.rules.get(arn).ok_or_else(none)
    }

    fn group(&self, arn: &str) -> Result<&TargetGroup, AwsError> {
        let none = || AwsError::bad("TargetGroupNotFound", "One or more target groups not found");
        self.elb.groups.get(arn).ok_or_else(none)
    }

    fn check_taggable(&self, arn: &str) -> Result<(), AwsError> {
        if arn.contains(":targetgroup/") {
            self.group(arn).map(|_| ())
        } else {
            self.rule(arn).map(|_| ())
        }
    }

    fn check_actions(&self, actions: &[Action]) -> Result<(), AwsError> {
        let invalid = |code, message: String| Err(AwsError::bad(code, message));
        let last = actions
            .iter()
            .max_by_key(|action| action.order.unwrap_or(0));
        if !last.is_some_and(Action::is_final)
            || actions.iter().filter(|action| action.is_final()).count() != 1
        {
            let message = "The action list must end with exactly one forward, redirect or fixed-response action";
            return invalid("InvalidLoadBalancerAction", message.to_owned());
        }
        let orders: BTreeSet<u32> = actions.iter().filter_map(|action| action.order).collect();
        let all_ordered = orders.len() == actions.len() && !orders.contains(&0);
        if actions.len() > 1 && !all_ordered {
            let message = "You must specify a unique order for each action, from 1";
            return invalid("InvalidLoadBalancerAction", message.to_owned());
        }
        for action in actions.iter().filter(|action| action.kind == "forward") {
            self.check_forward(action)?;
        }
        Ok(())
    }

    fn check_forward(&self, action: &Action) -> Result<(), AwsError> {
        let invalid = |message: String| Err(AwsError::bad("ValidationError", message));
        let groups = action.groups();
        if groups.is_empty() {
            return invalid("A forward action must have a target group".to_owned());
        }
        if groups.len() > GROUPS_MAX {
            let message = "You've reached the limit on the number of target groups per action";
            return Err(AwsError::bad("TooManyTargetGroups", message));
        }
        if let (Some(arn), Some(forward)) = (&action.target_group_arn, &action.forward)
            && (forward.groups.len() != 1 || forward.groups[0].arn != *arn)
        {
            return invalid(
                "TargetGroupArn and ForwardConfig must name the same, single target group"
                    .to_owned(),
            );
        }
        let distinct: BTreeSet<&String> = groups.iter().map(|group| &group.arn).collect();
        if distinct.len() != groups.len() {
            return invalid("A target group may occur once in an action".to_owned());
        }
        for group in &groups {
            self.group(&group.arn)?;
            let weight = group.weight.unwrap_or(1);
            if weight > WEIGHT_MAX {
                return invalid(format!(
                    "Weight '{weight}' must be between 0 and {WEIGHT_MAX}"
                ));
            }
        }
        let stickiness = action
            .forward
            .as_ref()
            .and_then(|forward| forward.stickiness);
        match stickiness {
            Some(Stickiness {
                enabled: true,
                duration_seconds,
            }) if !duration_seconds.is_some_and(|it| (1..=STICKY_SECONDS_MAX).contains(&it)) => {
                invalid(format!(
                    "The stickiness duration must be between 1 and {STICKY_SECONDS_MAX} seconds"
                ))
            }
            _ => Ok(()),
        }
    }
}

impl Action {
    /// Returns the target groups of a forward action, however they are written.
    pub fn groups(&self) -> Vec<WeightedGroup> {
        match (&self.forward, &self.target_group_arn) {
            (Some(forward), _) => forward.groups.clone(),
            (None, Some(arn)) if self.kind == "forward" => vec![WeightedGroup {
                arn: arn.clone(),
                weight: Some(1),
            }],
            _ => Vec::new(),
        }
    }

    fn is_final(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "forward" | "redirect" | "fixed-response"
        )
    }

    /// Writes a forward action as AWS returns it: with weights, with stickiness, and with the short form when there is
    /// one group.
    fn as_stored(&self) -> Self {
        if self.kind != "forward" {
            return self.clone();
        }
        let mut groups = self.groups();
        for group in &mut groups {
            group.weight.get_or_insert(1);
        }
        let stickiness = self.forward.as_ref().and_then(|forward| forward.stickiness);
        Self {
            target_group_arn: (groups.len() == 1).then(|| groups[0].arn.clone()),
            forward: Some(Forward {
                groups,
                stickiness: Some(stickiness.unwrap_or_default()),
            }),
            ..self.clone()
        }
    }
}

fn check_tag(key: &str, value: &str) -> Result<(), AwsError> {
    let invalid = |message: String| Err(AwsError::bad("ValidationError", message));
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "+-=._:/@".contains(c);
    if key.is_empty() || key.chars().count() > TAG_KEY_MAX {
        return invalid(format!("A tag key must have 1 to {TAG_KEY_MAX} characters"));
    }
    if value.chars().count() > TAG_VALUE_MAX {
        return invalid(format!(
            "A tag value must have at most {TAG_VALUE_MAX} characters"
        ));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return invalid("System tags (aws:) cannot be added or updated by requester".to_owned());
    }
    if !key.chars().all(allowed) || !value.chars().all(allowed) {
        return invalid(
            "A tag may contain letters, spaces, numbers, and + - = . _ : / @".to_owned(),
        );
    }
    Ok(())
}
