//! The port of listener rules.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::shift::rules::{GroupWeight, JOURNAL_TAG, Rule, RuleChange};
use cutover_core::{Failure, FailureClass};
use cutover_driver::{Applied, ListenerRules, Targets};

use super::super::{Action, Forward, ListenerRule, WeightedGroup};
use super::{Answered, SimTraffic, count, failed, optional};

const MODIFY: &str = "elasticloadbalancing:ModifyRule";
const DESCRIBE: &str = "elasticloadbalancing:DescribeRules";

impl ListenerRules for SimTraffic {
    fn fetch_rule<'a>(&'a self, rule_arn: &'a str) -> Answered<'a, Option<Rule>> {
        Box::pin(async move {
            let Some(rule) = self.rule(rule_arn).await? else {
                return Ok(None);
            };
            let arns = [rule_arn.to_owned()];
            let answer = self
                .call("DescribeTags", |cloud, now| cloud.describe_tags(now, &arns))
                .await;
            let tags = optional(
                answer,
                &["RuleNotFound"],
                "elasticloadbalancing:DescribeTags",
            )?;
            Ok(tags.map(|tags| {
                let tags = tags.into_iter().next().map(|(_, tags)| tags);
                of_aws(&rule, tags.unwrap_or_default())
            }))
        })
    }

    fn apply<'a>(&'a self, change: &'a RuleChange) -> Answered<'a, Applied> {
        Box::pin(self.change(change))
    }

    fn remove_journal<'a>(&'a self, rule_arn: &'a str, expected: &'a str) -> Answered<'a, Applied> {
        Box::pin(async move {
            let accepted = Applied::Accepted {
                id: rule_arn.to_owned(),
            };
            match self.tags(rule_arn).await?.get(JOURNAL_TAG) {
                None => return Ok(accepted),
                Some(found) if found != expected => {
                    return Ok(Applied::Conflict {
                        message: "the tags that hold the journal are not as expected".to_owned(),
                    });
                }
                Some(_) => {}
            }
            let (arns, keys) = ([rule_arn.to_owned()], [JOURNAL_TAG.to_owned()]);
            self.call("RemoveTags", |cloud, now| {
                cloud.remove_tags(now, &arns, &keys)
            })
            .await
            .map_err(failed("elasticloadbalancing:RemoveTags"))?;
            Ok(accepted)
        })
    }

    fn fetch_targets<'a>(&'a self, group_arn: &'a str) -> Answered<'a, Targets> {
        Box::pin(async move {
            let targets = self
                .call("DescribeTargetHealth", |cloud, now| {
                    cloud.describe_target_health(now, group_arn)
                })
                .await
                .map_err(failed("elasticloadbalancing:DescribeTargetHealth"))?;
            let of = |counts: fn(&str) -> bool| {
                count(
                    targets
                        .iter()
                        .filter(|target| counts(&target.state))
                        .count(),
                )
            };
            // Those on their way out get no new requests.
            Ok(Targets {
                healthy: of(|state| state == "healthy"),
                registered: of(|state| !state.ends_with("draining")),
                unchecked: of(|state| ["initial", "unused"].contains(&state)),
            })
        })
    }
}

impl SimTraffic {
    async fn rule(&self, arn: &str) -> Result<Option<ListenerRule>, Failure> {
        let arns = [arn.to_owned()];
        let answer = self
            .call("DescribeRules", |cloud, now| {
                cloud.describe_rules(now, &arns)
            })
            .await;
        let rules = optional(answer, &["RuleNotFound"], DESCRIBE)?;
        Ok(rules.and_then(|rules| rules.into_iter().next()))
    }

    async fn tags(&self, arn: &str) -> Result<BTreeMap<String, String>, Failure> {
        let arns = [arn.to_owned()];
        let tags = self
            .call("DescribeTags", |cloud, now| cloud.describe_tags(now, &arns))
            .await
            .map_err(failed("elasticloadbalancing:DescribeTags"))?;
        Ok(tags
            .into_iter()
            .next()
            .map(|(_, tags)| tags)
            .unwrap_or_default())
    }

    /// Looks, and then makes the one or two calls that there is something to do for.
    async fn change(&self, change: &RuleChange) -> Result<Applied, Failure> {
        let arn = &change.rule_arn;
        let conflict = |what: &str| {
            Ok(Applied::Conflict {
                message: format!("{what} are not as expected"),
            })
        };
        let missing = || Failure::refused(MODIFY, format!("`{arn}` is not there"));
        let rule = self.rule(arn).await?.ok_or_else(missing)?;
        if !change.fits(&of_aws(&rule, BTreeMap::new()).groups) {
            return conflict("the target groups or their weights");
        }
        if let Some(expected) = &change.expected_tag
            && self.tags(arn).await?.get(JOURNAL_TAG) != expected.as_ref()
        {
            return conflict("the tags that hold the journal");
        }
        let mut done = false;
        for tags_now in [change.tags_first, !change.tags_first] {
            let outcome = if tags_now {
                self.set_tags(change).await
            } else {
                self.set_actions(change, &rule).await
            };
            done |= outcome.map_err(|failure| Failure {
                // What was done before has taken effect.
                class: if done {
                    FailureClass::Unknown
                } else {
                    failure.class
                },
                ..failure
            })?;
        }
        Ok(Applied::Accepted { id: arn.clone() })
    }

    /// Sets the tags of a change; tells whether there was anything to do.
    async fn set_tags(&self, change: &RuleChange) -> Result<bool, Failure> {
        if change.tags.is_empty() {
            return Ok(false);
        }
        let arns = [change.rule_arn.clone()];
        self.call("AddTags", |cloud, now| {
            cloud.add_tags(now, &arns, &change.tags)
        })
        .await
        .map_err(failed("elasticloadbalancing:AddTags"))?;
        Ok(true)
    }

    /// Sets the target groups of a change; tells whether there was anything to do.
    async fn set_actions(&self, change: &RuleChange, rule: &ListenerRule) -> Result<bool, Failure> {
        let Some(groups) = &change.groups else {
            return Ok(false);
        };
        let actions = rule
            .actions
            .iter()
            .map(|action| with_groups(action, groups));
        let actions: Vec<Action> = actions.collect();
        let arn = &change.rule_arn;
        self.call("ModifyRule", |cloud, now| {
            cloud.modify_rule(now, arn, Some(&actions), None)
        })
        .await
        .map_err(failed(MODIFY))?;
        Ok(true)
    }
}

/// Replaces the groups of a forward action; everything else stays.
fn with_groups(action: &Action, groups: &[GroupWeight]) -> Action {
    if action.kind != "forward" {
        return action.clone();
    }
    let groups = groups.iter().map(|group| WeightedGroup {
        arn: group.arn.clone(),
        weight: Some(u64::from(group.weight)),
    });
    Action {
        target_group_arn: None,
        forward: Some(Forward {
            groups: groups.collect(),
            stickiness: action
                .forward
                .as_ref()
                .and_then(|forward| forward.stickiness),
        }),
        ..action.clone()
    }
}

fn of_aws(rule: &ListenerRule, tags: BTreeMap<String, String>) -> Rule {
    let forward = rule.actions.iter().find(|action| action.kind == "forward");
    let groups = forward.map(Action::groups).unwrap_or_default();
    let stickiness = forward
        .and_then(|action| action.forward.as_ref()?.stickiness)
        .filter(|stickiness| stickiness.enabled)
        .and_then(|stickiness| stickiness.duration_seconds);
    Rule {
        groups: groups
            .into_iter()
            .map(|group| GroupWeight {
                arn: group.arn,
                // At most 999.
                weight: u16::try_from(group.weight.unwrap_or(1)).unwrap_or(u16::MAX),
            })
            .collect(),
        stickiness: stickiness.map(Duration::from_secs),
        tags,
    }
}
