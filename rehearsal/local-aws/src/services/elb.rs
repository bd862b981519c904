//! Elastic Load Balancing v2: listener rules and the health of targets.

use std::collections::BTreeMap;

use cutover_sim::cloud::{
    Action, Cloud, Forward, ListenerRule, Stickiness, TargetHealth, WeightedGroup,
};
use serde::Serialize;

use super::{Call, Members, Nothing, Operation, Service};
use crate::answer::Answer;
use crate::form::Form;
use crate::protocol::Protocol;
use crate::refusal::Refusal;

const NAMESPACE: &str = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";

pub(super) const SERVICE: Service = Service {
    scope: "elasticloadbalancing",
    protocol: Protocol::Query,
    namespace: NAMESPACE,
    version: "2015-12-01",
    operations: &[
        Operation {
            name: "DescribeRules",
            serve: describe_rules,
        },
        Operation {
            name: "ModifyRule",
            serve: modify_rule,
        },
        Operation {
            name: "DescribeTags",
            serve: describe_tags,
        },
        Operation {
            name: "AddTags",
            serve: add_tags,
        },
        Operation {
            name: "RemoveTags",
            serve: remove_tags,
        },
        Operation {
            name: "DescribeTargetHealth",
            serve: describe_target_health,
        },
    ],
};

/// What the members of an action are called that are read one by one.
const READ_OF_ACTION: [&str; 3] = ["Type", "Order", "TargetGroupArn"];
const FORWARD: &str = "ForwardConfig";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rules {
    rules: Members<Described>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    rule_arn: String,
    priority: String,
    conditions: Members<Condition>,
    actions: Members<Tree>,
    is_default: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    field: String,
    values: Members<String>,
}

/// Members below members, as the query protocol writes them into paths.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Tree {
    Leaf(String),
    Branch(BTreeMap<String, Tree>),
    List(Members<Tree>),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagDescriptions {
    tag_descriptions: Members<TagDescription>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagDescription {
    resource_arn: String,
    tags: Members<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    target_health_descriptions: Members<HealthDescription>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HealthDescription {
    target: Target,
    target_health: State,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    id: String,
    port: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    state: String,
}

fn describe_rules(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    if call.parameters.text("ListenerArn").is_some() {
        let message = "Rules are found by RuleArns here, not by ListenerArn";
        return Err(Refusal::sender("ValidationError", message));
    }
    let arns = call.parameters.texts("RuleArns");
    if arns.is_empty() {
        let message = "Either listener ARN or rule ARNs must be specified";
        return Err(Refusal::sender("ValidationError", message));
    }
    let rules = cloud.describe_rules(call.now, &arns)?;
    Ok(call.answer_query("DescribeRules", NAMESPACE, &render_rules(rules)))
}

fn modify_rule(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let arn = call.parameters.required("RuleArn")?;
    let actions = call.parameters.list("Actions");
    let actions = actions
        .iter()
        .map(read_action)
        .collect::<Result<Vec<_>, _>>()?;
    let conditions = call.parameters.list("Conditions");
    let conditions = conditions
        .iter()
        .map(read_condition)
        .collect::<Result<Vec<_>, _>>()?;
    let given = |empty: bool| (!empty).then_some(());
    let rule = cloud.modify_rule(
        call.now,
        arn,
        given(actions.is_empty()).map(|()| actions.as_slice()),
        given(conditions.is_empty()).map(|()| conditions.as_slice()),
    )?;
    Ok(call.answer_query("ModifyRule", NAMESPACE, &render_rules(vec![rule])))
}

fn describe_tags(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let arns = call.parameters.texts("ResourceArns");
    let described = cloud.describe_tags(call.now, &arns)?;
    let tag_descriptions = described
        .into_iter()
        .map(|(resource_arn, tags)| TagDescription {
            resource_arn,
            tags: tags
                .into_iter()
                .map(|(key, value)| Tag { key, value })
                .collect(),
        });
    let result = TagDescriptions {
        tag_descriptions: tag_descriptions.collect(),
    };
    Ok(call.answer_query("DescribeTags", NAMESPACE, &result))
}

fn add_tags(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let arns = call.parameters.texts("ResourceArns");
    let tags = call.parameters.list("Tags");
    let mut read = BTreeMap::new();
    for tag in &tags {
        let key = tag.required("Key")?.to_owned();
        if read.contains_key(&key) {
            let message = format!("Tag key {key} was specified more than once");
            return Err(Refusal::sender("DuplicateTagKeys", message));
        }
        read.insert(key, tag.text("Value").unwrap_or_default().to_owned());
    }
    cloud.add_tags(call.now, &arns, &read)?;
    Ok(call.answer_query("AddTags", NAMESPACE, &Nothing {}))
}

fn remove_tags(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let arns = call.parameters.texts("ResourceArns");
    let keys = call.parameters.texts("TagKeys");
    cloud.remove_tags(call.now, &arns, &keys)?;
    Ok(call.answer_query("RemoveTags", NAMESPACE, &Nothing {}))
}

fn describe_target_health(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let arn = call.parameters.required("TargetGroupArn")?;
    let targets = cloud.describe_target_health(call.now, arn)?;
    let result = Health {
        target_health_descriptions: targets.into_iter().map(render_target).collect(),
    };
    Ok(call.answer_query("DescribeTargetHealth", NAMESPACE, &result))
}

fn read_action(form: &Form) -> Result<Action, Refusal> {
    let rest = form
        .pairs()
        .filter(|(name, _)| !READ_OF_ACTION.contains(name) && !name.starts_with(FORWARD))
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Action {
        kind: form.required("Type")?.to_owned(),
        order: form.parsed("Order")?,
        target_group_arn: form.text("TargetGroupArn").map(str::to_owned),
        forward: form
            .under(FORWARD)
            .map(|form| read_forward(&form))
            .transpose()?,
        rest: rest.collect(),
    })
}

fn read_forward(form: &Form) -> Result<Forward, Refusal> {
    let group = |form: &Form| {
        Ok::<_, Refusal>(WeightedGroup {
            arn: form.required("TargetGroupArn")?.to_owned(),
            weight: form.parsed("Weight")?,
        })
    };
    let stickiness = |form: Form| {
        Ok::<_, Refusal>(Stickiness {
            enabled: form.parsed("Enabled")?.unwrap_or(false),
            duration_seconds: form.parsed("DurationSeconds")?,
        })
    };
    let groups = form.list("TargetGroups");
    Ok(Forward {
        groups: groups.iter().map(group).collect::<Result<_, _>>()?,
        stickiness: form
            .under("TargetGroupStickinessConfig")
            .map(stickiness)
            .transpose()?,
    })
}

/// Reads a condition. The values stand below its own name, or in the older place.
fn read_condition(form: &Form) -> Result<(String, Vec<String>), Refusal> {
    let field = form.required("Field")?.to_owned();
    let values = [
        "HostHeaderConfig.Values",
        "PathPatternConfig.Values",
        "Values",
    ]
    .into_iter()
    .map(|name| form.texts(name))
    .find(|values| !values.is_empty());
    let values = values.ok_or_else(|| {
        Refusal::sender(
            "ValidationError",
            format!("A condition on {field} must have values"),
        )
    })?;
    Ok((field, values))
}

fn render_rules(rules: Vec<ListenerRule>) -> Rules {
    Rules {
        rules: rules.into_iter().map(render_rule).collect(),
    }
}

fn render_rule(rule: ListenerRule) -> Described {
    let conditions = rule
        .conditions
        .into_iter()
        .map(|(field, values)| Condition {
            field,
            values: values.into_iter().collect(),
        });
    Described {
        rule_arn: rule.arn,
        priority: rule.priority,
        conditions: conditions.collect(),
        actions: rule.actions.iter().map(render_action).collect(),
        is_default: rule.is_default,
    }
}

fn render_action(action: &Action) -> Tree {
    let mut members = action.rest.clone();
    members.insert("Type".to_owned(), action.kind.clone());
    if let Some(order) = action.order {
        members.insert("Order".to_owned(), order.to_string());
    }
    if let Some(arn) = &action.target_group_arn {
        members.insert("TargetGroupArn".to_owned(), arn.clone());
    }
    if let Some(forward) = &action.forward {
        render_forward(forward, &mut members);
    }
    Tree::grow(
        members
            .iter()
            .map(|(path, value)| (path.as_str(), value.as_str())),
    )
}

fn render_forward(forward: &Forward, members: &mut BTreeMap<String, String>) {
    for (group, at) in forward.groups.iter().zip(1..) {
        let path = format!("{FORWARD}.TargetGroups.member.{at}");
        members.insert(format!("{path}.TargetGroupArn"), group.arn.clone());
        if let Some(weight) = group.weight {
            members.insert(format!("{path}.Weight"), weight.to_string());
        }
    }
    if let Some(stickiness) = forward.stickiness {
        let path = format!("{FORWARD}.TargetGroupStickinessConfig");
        members.insert(format!("{path}.Enabled"), stickiness.enabled.to_string());
        if let Some(seconds) = stickiness.duration_seconds {
            members.insert(format!("{path}.DurationSeconds"), seconds.to_string());
        }
    }
}

impl Tree {
    /// Makes a tree of paths in their order.
    fn grow<'p>(paths: impl Iterator<Item = (&'p str, &'p str)>) -> Self {
        let mut below: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for (path, value) in paths {
            let Some((first, rest)) = path.split_once('.') else {
                if path.is_empty() {
                    return Self::Leaf(value.to_owned());
                }
                below.entry(path).or_default().push(("", value));
                continue;
            };
            below.entry(first).or_default().push((rest, value));
        }
        if let (1, Some(members)) = (below.len(), below.remove("member")) {
            return Self::list(&members);
        }
        let branches = below
            .into_iter()
            .map(|(name, paths)| (name.to_owned(), Self::grow(paths.into_iter())));
        Self::Branch(branches.collect())
    }

    fn list(members: &[(&str, &str)]) -> Self {
        let mut numbered: BTreeMap<u32, Vec<(&str, &str)>> = BTreeMap::new();
        for (path, value) in members {
            let (number, rest) = path.split_once('.').unwrap_or((path, ""));
            let number = number.parse().unwrap_or(u32::MAX);
            numbered.entry(number).or_default().push((rest, value));
        }
        let members = numbered
            .into_values()
            .map(|paths| Self::grow(paths.into_iter()));
        Self::List(members.collect())
    }
}

fn render_target(target: TargetHealth) -> HealthDescription {
    HealthDescription {
        target: Target {
            id: target.id,
            port: target.port,
        },
        target_health: State {
            state: target.state,
        },
    }
}
