//! Weighted target groups of a listener rule: what is read from them, and the change that sets them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::facts::{Act, Change, JournalRead, Live};
use super::journal::Entry;
use super::spec::Router;
use crate::weights::WeightPair;

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
///
/// The actions and the tags of a rule are changed by two calls, and no call is conditional. So the adapter reads the
/// rule, compares it with `expected` and `expected_tag`, and then makes the two calls in the order of `tags_first`,
/// leaving out the one that has nothing to do. When the first has taken effect and the second has not, the answer is a
/// failure of unknown effect: the machine looks, and goes on from what it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleChange {
    /// The rule's ARN.
    pub rule_arn: String,
    /// The groups as they must be for the change to be made; `None`: whatever they are.
    pub expected: Option<Vec<GroupWeight>>,
    /// What [`JOURNAL_TAG`] must say for the change to be made, and `Some(None)` that there must be no such tag; `None`:
    /// whatever it says.
    pub expected_tag: Option<Option<String>>,
    /// The groups as they become, in their order; `None`: they stay.
    pub groups: Option<Vec<GroupWeight>>,
    /// Tags that are set in the same go.
    pub tags: BTreeMap<String, String>,
    /// Whether the tags are set before the weights. A step forward is announced before it is made, so that nobody finds
    /// weights that no journal explains; the way back is made first and noted after.
    pub tags_first: bool,
}

impl RuleChange {
    /// Tells whether the groups of a rule are what the change builds on.
    pub fn fits(&self, groups: &[GroupWeight]) -> bool {
        self.expected
            .as_ref()
            .is_none_or(|expected| sorted(expected) == sorted(groups))
    }
}

/// The key of the tag that is the journal of a listener rule. Its value is the entry as text: at most 255 characters of
/// letters, digits, spaces and `-`, which tags of Elastic Load Balancing take (up to 256 characters).
pub const JOURNAL_TAG: &str = "cutover:journal";

/// Reads the router out of a rule. Groups that are not ours must have no weight.
pub fn read(router: &Router, rule: &Rule) -> Live {
    let Router::Alb {
        old_arn, new_arn, ..
    } = router
    else {
        return live(None, None, false, rule);
    };
    let weight = |arn: &str| {
        rule.groups
            .iter()
            .find(|group| group.arn == arn)
            .map(|group| group.weight)
    };
    let is_foreign = |group: &GroupWeight| group.arn != *old_arn && group.arn != *new_arn;
    let intact = !rule
        .groups
        .iter()
        .any(|group| is_foreign(group) && group.weight > 0);
    live(weight(old_arn), weight(new_arn), intact, rule)
}

fn live(old: Option<u16>, new: Option<u16>, intact: bool, rule: &Rule) -> Live {
    let journal = rule
        .tags
        .get(JOURNAL_TAG)
        .map_or(JournalRead::Absent, |text| read_journal(text));
    Live {
        old,
        new,
        even: true,
        intact,
        ttl_seconds: None,
        journal,
        sets: Vec::new(),
        groups: rule.groups.clone(),
    }
}

/// Reads the text of an entry.
pub(super) fn read_journal(text: &str) -> JournalRead {
    match Entry::decode(text) {
        Ok(entry) => JournalRead::Entry(entry),
        Err(reason) => JournalRead::Unreadable(reason),
    }
}

/// Makes the change of a rule. A change that builds on what was there names it; the way back asks nobody, and its forward
/// action has the two groups alone. A group of a side without a weight stays in the rule: of a listener rule zero means
/// that nobody is sent there.
pub fn change(router: &Router, change: &Change) -> RuleChange {
    let (rule_arn, old_arn, new_arn) = match router {
        Router::Alb {
            rule_arn,
            old_arn,
            new_arn,
        } => (rule_arn.clone(), old_arn.as_str(), new_arn.as_str()),
        Router::Route53 { .. } => (String::new(), "", ""),
    };
    let found = change.expected.as_ref().map(|live| live.groups.clone());
    let pair = match change.act {
        Act::Prepare { .. } => Some(WeightPair::ALL_OLD),
        Act::Move(pair) | Act::Return(pair) => Some(pair),
        Act::Renew | Act::Finish { .. } => None,
    };
    let becomes = |pair: WeightPair| {
        let ours = [
            (old_arn, pair.old().get()),
            (new_arn, pair.new_side().get()),
        ];
        let mut groups = found.clone().unwrap_or_default();
        for (arn, weight) in ours {
            match groups.iter_mut().find(|group| group.arn == arn) {
                Some(group) => group.weight = weight,
                None => groups.push(GroupWeight {
                    arn: arn.to_owned(),
                    weight,
                }),
            }
        }
        groups
    };
    let groups = pair
        .map(becomes)
        .filter(|groups| found.as_ref() != Some(groups));
    let expected_tag = change
        .expected
        .as_ref()
        .and_then(|live| match &live.journal {
            JournalRead::Absent => Some(None),
            JournalRead::Entry(entry) => Some(Some(entry.encode())),
            // Nobody writes over what cannot be read unless told to.
            JournalRead::Unreadable(_) => None,
        });
    RuleChange {
        rule_arn,
        expected: found,
        expected_tag,
        groups,
        tags: BTreeMap::from([(JOURNAL_TAG.to_owned(), change.entry.encode())]),
        tags_first: !matches!(change.act, Act::Return(_)),
    }
}

/// The groups in an order of their own, since theirs in a rule means nothing.
fn sorted(groups: &[GroupWeight]) -> Vec<(&str, u16)> {
    let mut sorted: Vec<_> = groups
        .iter()
        .map(|group| (group.arn.as_str(), group.weight))
        .collect();
    sorted.sort_unstable();
    sorted
}

#[cfg(test)]
mod tests;
