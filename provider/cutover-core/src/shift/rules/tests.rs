//! What is read from a listener rule and what becomes of it.

use super::super::events::Drift;
use super::super::given::a_spec;
use super::super::journal::{Mark, RunId};
use super::super::machine::drift;
use super::super::spec::RouterWish;
use super::*;
use crate::Timestamp;
use crate::weights::Scale;

fn a_router() -> Router {
    a_spec(|wish| {
        wish.router = RouterWish::Alb {
            rule_arn: "rule".to_owned(),
            old_arn: "old".to_owned(),
            new_arn: "new".to_owned(),
        };
    })
    .router
}

fn group(arn: &str, weight: u16) -> GroupWeight {
    GroupWeight {
        arn: arn.to_owned(),
        weight,
    }
}

fn a_rule(groups: &[GroupWeight]) -> Rule {
    Rule {
        groups: groups.to_vec(),
        stickiness: None,
        tags: BTreeMap::from([("team".to_owned(), "pay".to_owned())]),
    }
}

fn an_entry(seq: u64) -> Entry {
    Entry {
        shift: "pay-1".to_owned(),
        run: RunId::new("run-1"),
        seq,
        attempt: 1,
        mark: Mark::Going,
        step: 0,
        at: Timestamp::from_unix_millis(1_700_000_000_000),
        exposed: Timestamp::from_unix_millis(1_700_000_000_000),
        bake: None,
        plan: 1,
        ttl_seconds: None,
    }
}

fn pair(old: u16, new: u16) -> WeightPair {
    WeightPair::new(old, new, Scale::Alb).unwrap()
}

fn changed(act: Act, expected: Option<Live>) -> RuleChange {
    change(
        &a_router(),
        &Change {
            act,
            entry: an_entry(2),
            expected,
        },
    )
}

#[test]
fn a_rule_that_forwards_to_old_alone_is_prepared_for_both() {
    let live = read(&a_router(), &a_rule(&[group("old", 1)]));
    assert_eq!((live.old, live.new, live.intact), (Some(1), None, true));

    let change = changed(Act::Prepare { ttl_seconds: None }, Some(live));

    assert_eq!(change.expected, Some(vec![group("old", 1)]));
    assert_eq!(
        change.expected_tag,
        Some(None),
        "there must be no journal yet"
    );
    assert_eq!(
        change.groups,
        Some(vec![group("old", 100), group("new", 0)])
    );
    assert!(change.tags_first);
}

#[test]
fn a_step_names_what_was_there_and_keeps_the_order_of_groups() {
    let mut rule = a_rule(&[group("new", 0), group("old", 100)]);
    rule.tags
        .insert(JOURNAL_TAG.to_owned(), an_entry(1).encode());
    let live = read(&a_router(), &rule);
    assert_eq!(live.journal, JournalRead::Entry(an_entry(1)));

    let change = changed(Act::Move(pair(50, 50)), Some(live));

    assert_eq!(change.expected, Some(rule.groups));
    assert_eq!(change.expected_tag, Some(Some(an_entry(1).encode())));
    assert_eq!(
        change.groups,
        Some(vec![group("new", 50), group("old", 50)])
    );
    assert_eq!(change.tags[JOURNAL_TAG], an_entry(2).encode());
    assert!(change.tags[JOURNAL_TAG].len() <= 256);
}

#[test]
fn the_way_back_asks_nobody_and_is_noted_after() {
    let change = changed(Act::Return(WeightPair::ALL_OLD), None);

    assert_eq!((change.expected, change.expected_tag), (None, None));
    assert_eq!(
        change.groups,
        Some(vec![group("old", 100), group("new", 0)])
    );
    assert!(!change.tags_first);
}

#[test]
fn a_renewal_leaves_the_weights_alone() {
    let live = read(&a_router(), &a_rule(&[group("old", 100), group("new", 0)]));

    assert_eq!(changed(Act::Renew, Some(live)).groups, None);
}

/// F70: what a deployment of somebody else makes of the rule is drift, whatever it is.
#[test]
fn a_rule_that_somebody_has_rewritten_is_drift() {
    let planned = pair(50, 50);
    let found = |groups: &[GroupWeight]| drift(&read(&a_router(), &a_rule(groups)), planned);

    assert_eq!(found(&[group("old", 50), group("new", 50)]), None);
    assert_eq!(found(&[group("blue", 100)]), Some(Drift::Removed));
    assert_eq!(found(&[group("old", 100)]), Some(Drift::Removed));
    assert_eq!(
        found(&[group("old", 10), group("new", 90)]),
        Some(Drift::Raised)
    );
    assert_eq!(
        found(&[group("old", 50), group("new", 50), group("green", 5)]),
        Some(Drift::Fields)
    );
}
