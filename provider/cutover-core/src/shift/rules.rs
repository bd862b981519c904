//! Weighted target groups of a listener rule: what is read from them, and the change that sets them.

use std::collections::BTreeMap;
use std::time::Duration;

/// A listener rule as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The target groups of its forward action, in their order.
    pub groups: Vec<GroupWeight>,
    /// How long a client stays with a target group, when that is on.
    pub stickiness: Option<Duration>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A target group and its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupWeight {
    /// Its ARN.
    pub arn: String,
    /// From 0 to 999.
    pub weight: u16,
}

/// A change of a listener rule. Everything of the rule but the forward action's weights stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleChange {
    /// The rule's ARN.
    pub rule_arn: String,
    /// The groups as they must be for the change to be made; `None`: whatever they are.
    pub expected: Option<Vec<GroupWeight>>,
    /// The groups as they become; `None`: they stay.
    pub groups: Option<Vec<GroupWeight>>,
    /// Tags that are set, in the same go, after the weights.
    pub tags: BTreeMap<String, String>,
}
