//! What counts of item and tag, and what is written to which.

use super::super::given::a_spec;
use super::super::journal::{Mark, RunId};
use super::super::rules::GroupWeight;
use super::super::spec::RouterWish;
use super::*;
use crate::Timestamp;
use crate::weights::{Scale, WeightPair};

const TABLE: &str = "cutover-locks";

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

fn a_rule(tag: Option<&str>) -> Rule {
    let group = |arn: &str, weight| GroupWeight {
        arn: arn.to_owned(),
        weight,
    };
    Rule {
        groups: vec![group("old", 100), group("new", 0)],
        stickiness: None,
        tags: tag
            .map(|value| (JOURNAL_TAG.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
    }
}

fn an_entry(seq: u64, mark: Mark) -> Entry {
    Entry {
        shift: "pay-1".to_owned(),
        run: RunId::new("run-1"),
        seq,
        attempt: 1,
        mark,
        step: 0,
        at: Timestamp::from_unix_millis(1_700_000_000_000),
        exposed: Timestamp::from_unix_millis(1_700_000_000_000),
        bake: None,
        plan: 1,
        ttl_seconds: None,
    }
}

fn an_item(entry: &Entry) -> LockItem {
    LockItem {
        journal: entry.encode(),
        members: Vec::new(),
    }
}

fn seen(tag: Option<&str>, item: Option<&LockItem>) -> (Live, Seen) {
    read(&a_router(), &a_rule(tag), TABLE, item)
}

fn journal(tag: Option<&str>, item: Option<&LockItem>) -> JournalRead {
    seen(tag, item).0.journal
}

fn changed(act: Act, mark: Mark, on: Option<(Live, Seen)>) -> LockedChange {
    let (expected, seen) = on.unzip();
    let entry = an_entry(8, mark);
    let wanted = Change {
        act,
        entry,
        expected,
    };
    change(&a_router(), TABLE, &wanted, seen.as_ref())
}

fn a_move() -> Act {
    Act::Move(WeightPair::new(90, 10, Scale::Alb).unwrap())
}

#[test]
fn the_item_counts_where_the_tag_points_at_its_table() {
    let pointer = "dynamodb cutover-locks";
    let entry = an_entry(7, Mark::Going);

    assert_eq!(
        journal(Some(pointer), Some(&an_item(&entry))),
        JournalRead::Entry(entry)
    );
    assert_eq!(journal(Some(pointer), None), JournalRead::Absent);
    assert_eq!(journal(None, None), JournalRead::Absent);
}

#[test]
fn a_run_without_the_table_or_with_another_one_cannot_read_the_tag() {
    let live = rules::read(&a_router(), &a_rule(Some("dynamodb cutover-locks")));
    assert!(matches!(live.journal, JournalRead::Unreadable(_)));

    let over = an_item(&an_entry(7, Mark::Completed));
    let elsewhere = journal(Some("dynamodb other-locks"), Some(&over));
    assert!(matches!(elsewhere, JournalRead::Unreadable(_)));
    let damaged = LockItem {
        journal: String::new(),
        members: Vec::new(),
    };
    assert!(matches!(
        journal(None, Some(&damaged)),
        JournalRead::Unreadable(_)
    ));
}

#[test]
fn a_live_run_without_a_table_is_not_overlooked() {
    let (over, live) = (an_entry(7, Mark::Completed), an_entry(8, Mark::Going));
    let tag = live.encode();

    assert_eq!(journal(Some(&tag), None), JournalRead::Entry(live.clone()));
    assert_eq!(
        journal(Some(&tag), Some(&an_item(&over))),
        JournalRead::Entry(live.clone())
    );
    // What the tag tells of is over, or was before the item.
    let later = an_entry(9, Mark::Preparing);
    assert_eq!(
        journal(Some(&tag), Some(&an_item(&later))),
        JournalRead::Entry(later.clone())
    );
    assert_eq!(
        journal(Some(&over.encode()), Some(&an_item(&later))),
        JournalRead::Entry(later)
    );
}

#[test]
fn a_step_names_the_item_that_was_read() {
    let before = an_entry(7, Mark::Preparing);
    let on = seen(Some("dynamodb cutover-locks"), Some(&an_item(&before)));

    let made = changed(a_move(), Mark::Going, Some(on));

    assert!(made.put_first);
    assert_eq!(made.put.expected, Expected::Journal(before.encode()));
    assert_eq!(made.put.members, ["old old", "new new"]);
    let rule = made.rule.unwrap();
    assert_eq!((rule.expected_tag, rule.tags.len()), (None, 0));
    assert!(rule.expected.is_some() && rule.groups.is_some());
}

#[test]
fn the_first_change_wants_no_item_and_lets_the_tag_point_at_the_table() {
    let made = changed(
        Act::Prepare { ttl_seconds: None },
        Mark::Preparing,
        Some(seen(None, None)),
    );

    assert_eq!(made.put.expected, Expected::Nothing);
    let rule = made.rule.unwrap();
    assert_eq!(rule.tags[JOURNAL_TAG], "dynamodb cutover-locks");
}

#[test]
fn what_a_run_without_a_table_began_goes_on_in_the_table() {
    let left = an_entry(7, Mark::Going).encode();
    let old = an_item(&an_entry(3, Mark::RolledBack));

    let nowhere = changed(a_move(), Mark::Going, Some(seen(Some(&left), None)));
    let over = changed(a_move(), Mark::Going, Some(seen(Some(&left), Some(&old))));

    assert_eq!(nowhere.put.expected, Expected::Nothing);
    assert_eq!(over.put.expected, Expected::Journal(old.journal));
}

#[test]
fn what_was_read_before_another_look_is_not_taken_for_the_item() {
    let (live, _) = seen(None, Some(&an_item(&an_entry(7, Mark::Going))));
    let (_, other) = seen(None, Some(&an_item(&an_entry(9, Mark::Going))));

    let made = changed(a_move(), Mark::Going, Some((live, other)));

    assert_eq!(
        made.put.expected,
        Expected::Journal(an_entry(7, Mark::Going).encode())
    );
}

#[test]
fn a_renewal_is_one_write_and_the_way_back_is_made_before_it_is_noted() {
    let on = seen(
        Some("dynamodb cutover-locks"),
        Some(&an_item(&an_entry(7, Mark::Going))),
    );

    assert_eq!(changed(Act::Renew, Mark::Going, Some(on)).rule, None);
    let back = changed(Act::Return(WeightPair::ALL_OLD), Mark::Back, None);
    assert!(!back.put_first);
    assert_eq!(back.put.expected, Expected::Anything);
    assert!(back.rule.unwrap().tags.is_empty());
}

#[test]
fn the_end_is_told_to_runs_without_the_table_too() {
    let on = seen(
        Some("dynamodb cutover-locks"),
        Some(&an_item(&an_entry(7, Mark::Baked))),
    );
    let finish = Act::Finish {
        ttl_seconds: None,
        remove_new: false,
    };

    let made = changed(finish, Mark::Completed, Some(on));

    let tag = &made.rule.unwrap().tags[JOURNAL_TAG];
    assert_eq!(*tag, an_entry(8, Mark::Completed).encode());
}

#[test]
fn a_missing_table_is_told_with_the_command_that_makes_it() {
    let text = no_table(TABLE);

    assert!(text.contains("create-table --table-name cutover-locks "));
    assert!(text.contains("--key-schema AttributeName=id,KeyType=HASH"));
    assert!(is_table_name(TABLE) && !is_table_name("ab") && !is_table_name("a/b c"));
}
