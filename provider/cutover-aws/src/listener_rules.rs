//! Rules of application load balancers.
//!
//! A rule is named by its ARN. The default rule of a listener has one too, but it is only changed through its listener:
//! for it, give the listener's ARN, which is read with `DescribeListeners` and changed with `ModifyListener`. Tags are
//! then those of the listener.

mod actions;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::Client as Balancers;
use aws_sdk_elasticloadbalancingv2::error::ProvideErrorMetadata as _;
use aws_sdk_elasticloadbalancingv2::operation::RequestId as _;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, Tag, TagDescription, TargetHealth, TargetHealthDescription, TargetHealthReasonEnum,
    TargetHealthStateEnum,
};
use cutover_core::shift::rules::{GroupWeight, JOURNAL_TAG, Rule, RuleChange};
use cutover_core::{Failure, FailureClass};
use cutover_driver::{Answered, Applied, ListenerRules, Targets};

use crate::failure::{classify, unexpected};
use crate::sdk::{Client, Sdk};
use actions::{groups_of, stickiness_of, with_groups};

/// What only the ARN of a listener holds, where that of a rule says `:listener-rule/`.
const OF_A_LISTENER: &str = ":listener/";

/// Error codes for a rule or a listener that is not there.
const MISSING: [&str; 2] = ["RuleNotFound", "ListenerNotFound"];

/// The rules of the load balancers in the account of the configured credentials.
#[derive(Debug)]
pub struct AwsListenerRules {
    balancers: Client<Balancers>,
}

/// What a rule does, as the service stores it.
struct Stored {
    actions: Vec<Action>,
    /// It can only be changed through its listener, and was not named by that.
    out_of_reach: bool,
}

impl AwsListenerRules {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        Self {
            balancers: Client::new(sdk, |to| to.elbv2.as_ref(), Balancers::new),
        }
    }

    async fn read(&self, arn: &str) -> Result<Option<Rule>, Failure> {
        let Some(stored) = self.find(arn).await? else {
            return Ok(None);
        };
        let Some(tags) = self.tags(arn).await? else {
            return Ok(None);
        };
        Ok(Some(Rule {
            groups: groups_of(&stored.actions),
            stickiness: stickiness_of(&stored.actions),
            tags,
        }))
    }

    async fn find(&self, arn: &str) -> Result<Option<Stored>, Failure> {
        if arn.contains(OF_A_LISTENER) {
            self.find_listener(arn).await
        } else {
            self.find_rule(arn).await
        }
    }

    async fn find_rule(&self, arn: &str) -> Result<Option<Stored>, Failure> {
        let action = "elasticloadbalancing:DescribeRules";
        let call = self.balancers.get(action).await?.describe_rules();
        match call.rule_arns(arn).send().await {
            Ok(answer) => Ok(answer.rules().first().map(|rule| Stored {
                actions: rule.actions().to_vec(),
                out_of_reach: rule.is_default() == Some(true),
            })),
            Err(error) if is_missing(error.code()) => Ok(None),
            Err(error) => Err(classify(action, &error)),
        }
    }

    async fn find_listener(&self, arn: &str) -> Result<Option<Stored>, Failure> {
        let action = "elasticloadbalancing:DescribeListeners";
        let call = self.balancers.get(action).await?.describe_listeners();
        match call.listener_arns(arn).send().await {
            Ok(answer) => Ok(answer.listeners().first().map(|listener| Stored {
                actions: listener.default_actions().to_vec(),
                out_of_reach: false,
            })),
            Err(error) if is_missing(error.code()) => Ok(None),
            Err(error) => Err(classify(action, &error)),
        }
    }

    async fn tags(&self, arn: &str) -> Result<Option<BTreeMap<String, String>>, Failure> {
        let action = "elasticloadbalancing:DescribeTags";
        let call = self.balancers.get(action).await?.describe_tags();
        let answer = match call.resource_arns(arn).send().await {
            Ok(answer) => answer,
            Err(error) if is_missing(error.code()) => return Ok(None),
            Err(error) => return Err(classify(action, &error)),
        };
        let described = answer.tag_descriptions().iter();
        let tags = described.flat_map(TagDescription::tags).filter_map(|tag| {
            let value = tag.value().unwrap_or_default();
            Some((tag.key()?.to_owned(), value.to_owned()))
        });
        Ok(Some(tags.collect()))
    }

    /// Looks, and then makes the one or two calls that there is something to do for.
    async fn change(&self, change: &RuleChange) -> Result<Applied, Failure> {
        let arn = &change.rule_arn;
        let action = "elasticloadbalancing:ModifyRule";
        let missing = || Failure::refused(action, format!("`{arn}` is not there"));
        let stored = self.find(arn).await?.ok_or_else(missing)?;
        if !change.fits(&groups_of(&stored.actions)) {
            return Ok(conflict("the target groups or their weights"));
        }
        if let Some(expected) = &change.expected_tag {
            let tags = self.tags(arn).await?.ok_or_else(missing)?;
            if tags.get(JOURNAL_TAG) != expected.as_ref() {
                return Ok(conflict("the tags that hold the journal"));
            }
        }
        let groups = change.groups.as_ref();
        let actions = groups
            .map(|groups| changeable(arn, stored, groups))
            .transpose()?;
        let mut done: Option<String> = None;
        for tags_now in [change.tags_first, !change.tags_first] {
            let outcome = if tags_now {
                if change.tags.is_empty() {
                    continue;
                }
                self.set_tags(arn, &change.tags).await
            } else {
                let Some(actions) = actions.clone() else {
                    continue;
                };
                self.set_actions(arn, actions).await
            };
            let id = outcome.map_err(|failure| after(done.is_some(), failure))?;
            // The call that moves traffic is the one to name.
            done = done.filter(|_| tags_now).or(Some(id));
        }
        let id = done.unwrap_or_else(|| arn.clone());
        Ok(Applied::Accepted { id })
    }

    /// Sets the actions; returns the request's id.
    async fn set_actions(&self, arn: &str, actions: Vec<Action>) -> Result<String, Failure> {
        if arn.contains(OF_A_LISTENER) {
            return self.set_defaults(arn, actions).await;
        }
        let action = "elasticloadbalancing:ModifyRule";
        let call = self.balancers.get(action).await?.modify_rule();
        let call = call.rule_arn(arn).set_actions(Some(actions));
        let answer = call
            .send()
            .await
            .map_err(|error| classify(action, &error))?;
        Ok(answer.request_id().unwrap_or(arn).to_owned())
    }

    async fn set_defaults(&self, arn: &str, actions: Vec<Action>) -> Result<String, Failure> {
        let action = "elasticloadbalancing:ModifyListener";
        let call = self.balancers.get(action).await?.modify_listener();
        let call = call.listener_arn(arn).set_default_actions(Some(actions));
        let answer = call
            .send()
            .await
            .map_err(|error| classify(action, &error))?;
        Ok(answer.request_id().unwrap_or(arn).to_owned())
    }

    /// Sets tags; returns the request's id.
    async fn set_tags(
        &self,
        arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Failure> {
        let action = "elasticloadbalancing:AddTags";
        let mut call = self.balancers.get(action).await?.add_tags();
        call = call.resource_arns(arn);
        for (key, value) in tags {
            call = call.tags(Tag::builder().key(key).value(value).build());
        }
        let answer = call
            .send()
            .await
            .map_err(|error| classify(action, &error))?;
        Ok(answer.request_id().unwrap_or(arn).to_owned())
    }

    /// Looks at the journal, and removes its tag when it says what is expected.
    async fn forget(&self, arn: &str, expected: &str) -> Result<Applied, Failure> {
        let action = "elasticloadbalancing:RemoveTags";
        let tags = self.tags(arn).await?.unwrap_or_default();
        match tags.get(JOURNAL_TAG) {
            None => return Ok(Applied::Accepted { id: arn.to_owned() }),
            Some(found) if found != expected => {
                return Ok(conflict("the tags that hold the journal"));
            }
            Some(_) => {}
        }
        let call = self.balancers.get(action).await?.remove_tags();
        let call = call.resource_arns(arn).tag_keys(JOURNAL_TAG);
        let answer = call
            .send()
            .await
            .map_err(|error| classify(action, &error))?;
        let id = answer.request_id().unwrap_or(arn).to_owned();
        Ok(Applied::Accepted { id })
    }

    async fn count_targets(&self, group_arn: &str) -> Result<Targets, Failure> {
        let action = "elasticloadbalancing:DescribeTargetHealth";
        let call = self.balancers.get(action).await?.describe_target_health();
        let answer = call
            .target_group_arn(group_arn)
            .send()
            .await
            .map_err(|error| classify(action, &error))?;
        let mut targets = Targets::default();
        for target in answer.target_health_descriptions() {
            let health = target.target_health().and_then(|health| health.state());
            match health.ok_or_else(|| unexpected(action))? {
                // They are on their way out, and get no new requests.
                TargetHealthStateEnum::Draining | TargetHealthStateEnum::UnhealthyDraining => {}
                TargetHealthStateEnum::Healthy => {
                    targets.registered += 1;
                    targets.healthy += 1;
                }
                TargetHealthStateEnum::Initial => {
                    targets.registered += 1;
                    targets.unchecked += 1;
                }
                // A target that cannot be used is never checked, and one without a rule is not checked yet.
                TargetHealthStateEnum::Unused if !is_unusable(target) => {
                    targets.registered += 1;
                    targets.unchecked += 1;
                }
                _ => targets.registered += 1,
            }
        }
        Ok(targets)
    }
}

impl ListenerRules for AwsListenerRules {
    fn fetch_rule<'a>(&'a self, rule_arn: &'a str) -> Answered<'a, Option<Rule>> {
        Box::pin(self.read(rule_arn))
    }

    fn apply<'a>(&'a self, change: &'a RuleChange) -> Answered<'a, Applied> {
        Box::pin(self.change(change))
    }

    fn remove_journal<'a>(&'a self, rule_arn: &'a str, expected: &'a str) -> Answered<'a, Applied> {
        Box::pin(self.forget(rule_arn, expected))
    }

    fn fetch_targets<'a>(&'a self, group_arn: &'a str) -> Answered<'a, Targets> {
        Box::pin(self.count_targets(group_arn))
    }
}

/// The actions with other groups, when the rule can be changed under this ARN and has groups at all.
fn changeable(arn: &str, stored: Stored, groups: &[GroupWeight]) -> Result<Vec<Action>, Failure> {
    let action = "elasticloadbalancing:ModifyRule";
    if stored.out_of_reach {
        let message =
            format!("`{arn}` is the default rule of its listener; name it by the listener's ARN");
        return Err(Failure::refused(action, message));
    }
    with_groups(stored.actions, groups)
        .ok_or_else(|| Failure::refused(action, format!("`{arn}` has no forward action")))
}

/// A failure of the second of two calls: whatever its class says of itself, the first has taken effect.
fn after(first_is_done: bool, failure: Failure) -> Failure {
    if first_is_done {
        Failure {
            class: FailureClass::Unknown,
            message: format!("half of the change was made: {}", failure.message),
            ..failure
        }
    } else {
        failure
    }
}

fn conflict(what: &str) -> Applied {
    Applied::Conflict {
        message: format!("{what} differ from what was expected"),
    }
}

/// Tells whether a target is unused for a reason of its own: it is stopped, or its address cannot be a target.
fn is_unusable(target: &TargetHealthDescription) -> bool {
    use TargetHealthReasonEnum::{InvalidState, IpUnusable, NotRegistered};
    let health = target.target_health();
    matches!(
        health.and_then(TargetHealth::reason),
        Some(InvalidState | IpUnusable | NotRegistered)
    )
}

fn is_missing(code: Option<&str>) -> bool {
    code.is_some_and(|code| MISSING.contains(&code))
}
