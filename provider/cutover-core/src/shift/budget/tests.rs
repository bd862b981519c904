use super::super::preflight::Routing;
use super::super::records::{RecordSet, Verb};
use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn wait(millis: i64) -> Answer {
    Answer::Wait {
        until: Some(at(millis)),
    }
}

const SOMETHING: Answer = Answer::Wait { until: None };

fn a_change_of(journal: &str) -> Kind {
    Kind::Change {
        zone: "Z1".to_owned(),
        journal: journal.to_owned(),
    }
}

fn a_change() -> Kind {
    a_change_of("_cutover.pay")
}

fn an_entry() -> Kind {
    Kind::Entry {
        zone: "Z1".to_owned(),
    }
}

fn urgent() -> Kind {
    Kind::Urgent {
        zone: "Z1".to_owned(),
    }
}

/// A budget, and a change of its zone that is being sent.
fn sending(kind: Kind) -> (Budget, Ticket) {
    let mut budget = Budget::default();
    let ticket = budget.enter(at(0), kind);
    assert_eq!(budget.ask(at(0), ticket), Answer::Granted);
    (budget, ticket)
}

/// A budget whose zone has a change on its way, accepted at 0.
fn pending() -> Budget {
    let (mut budget, first) = sending(a_change());
    budget.accepted(at(0), first, "C1");
    budget
}

/// Returns when each of so many requests went, asked every 10 ms.
fn times(kind: &Kind, count: usize) -> Vec<i64> {
    let mut budget = Budget::default();
    let mut tickets: Vec<_> = (0..count)
        .map(|_| budget.enter(at(0), kind.clone()))
        .collect();
    let mut times = Vec::new();
    for millis in (0..60_000).step_by(10) {
        tickets.retain(|ticket| match budget.ask(at(millis), *ticket) {
            Answer::Granted => {
                times.push(millis);
                false
            }
            Answer::Poll { .. } | Answer::Wait { .. } => true,
        });
    }
    times
}

#[test]
fn two_requests_go_in_a_second() {
    assert_eq!(times(&Kind::Look, 5), [0, 500, 1_000, 1_500, 2_000]);
}

#[test]
fn urgent_requests_have_the_whole_allowance_of_the_account() {
    assert_eq!(times(&urgent(), 7), [0, 0, 0, 0, 0, 200, 400]);
}

#[test]
fn requests_go_in_their_order() {
    let mut budget = Budget::default();
    let first = budget.enter(at(0), Kind::Look);
    let second = budget.enter(at(0), Kind::Look);

    assert_eq!(budget.ask(at(0), second), SOMETHING);
    assert_eq!(budget.ask(at(0), first), Answer::Granted);
    assert_eq!(budget.ask(at(0), second), wait(500));
    assert_eq!(budget.ask(at(500), second), Answer::Granted);
}

#[test]
fn what_is_urgent_overtakes_everything_that_waits_and_everyday_pays_for_it() {
    let mut budget = Budget::default();
    let everyday = budget.enter(at(0), Kind::Look);
    let urgent = budget.enter(at(0), urgent());

    assert_eq!(budget.ask(at(0), everyday), SOMETHING);
    assert_eq!(budget.ask(at(0), urgent), Answer::Granted);
    assert_eq!(budget.ask(at(0), everyday), wait(500));
}

#[test]
fn a_change_waits_for_the_former_one_of_its_zone_and_lets_others_pass() {
    let mut budget = pending();
    let second = budget.enter(at(600), a_change());
    let elsewhere = Kind::Change {
        zone: "Z2".to_owned(),
        journal: String::new(),
    };
    let elsewhere = budget.enter(at(600), elsewhere);

    assert_eq!(budget.ask(at(600), second), wait(5_000));
    assert_eq!(budget.ask(at(600), elsewhere), Answer::Granted);
    let id = "C1".to_owned();
    assert_eq!(budget.ask(at(5_000), second), Answer::Poll { id });
    budget.heard(at(5_100), "C1", ChangeState::Pending);
    assert_eq!(budget.ask(at(5_100), second), wait(10_100));
    budget.heard(at(10_000), "C1", ChangeState::Insync);
    assert_eq!(budget.ask(at(10_000), second), Answer::Granted);
}

/// F73
#[test]
fn an_entry_neither_waits_for_a_pending_change_nor_holds_the_zone() {
    let mut budget = pending();
    let entry = budget.enter(at(500), an_entry());
    assert_eq!(budget.ask(at(500), entry), Answer::Granted);

    let other = budget.enter(at(1_000), an_entry());
    assert_eq!(
        budget.ask(at(1_000), other),
        wait(300_000),
        "one at a time is sent"
    );
    budget.accepted(at(1_100), entry, "C2");
    assert_eq!(budget.ask(at(1_100), other), Answer::Granted);
    budget.accepted(at(1_200), other, "C3");
    budget.heard(at(1_300), "C1", ChangeState::Insync);
    let change = budget.enter(at(1_700), a_change());
    assert_eq!(budget.ask(at(1_700), change), Answer::Granted);
}

#[test]
fn the_way_back_waits_for_nothing_and_others_wait_for_it() {
    let mut budget = pending();
    let back = budget.enter(at(0), urgent());
    assert_eq!(budget.ask(at(0), back), Answer::Granted);
    let entry = budget.enter(at(1_000), an_entry());

    assert_eq!(budget.ask(at(1_000), entry), wait(300_000));
    budget.accepted(at(1_000), back, "C2");
    budget.heard(at(1_000), "C1", ChangeState::Insync);
    let change = budget.enter(at(1_000), a_change());

    assert_eq!(budget.ask(at(1_000), entry), Answer::Granted);
    budget.refused(entry);
    assert_eq!(budget.ask(at(1_500), change), wait(6_000));
}

#[test]
fn a_refused_change_leaves_its_zone_at_once_and_a_lost_one_after_a_while() {
    let (mut budget, first) = sending(a_change());
    budget.refused(first);
    let second = budget.enter(at(500), a_change());
    assert_eq!(budget.ask(at(500), second), Answer::Granted);

    budget.lost(at(1_000), second);
    let third = budget.enter(at(2_000), a_change());

    assert_eq!(budget.ask(at(2_000), third), wait(61_000));
    assert_eq!(budget.ask(at(61_000), third), Answer::Granted);
}

#[test]
fn a_lost_entry_holds_nobody_up() {
    let (mut budget, first) = sending(an_entry());
    budget.lost(at(100), first);
    let change = budget.enter(at(500), a_change());

    assert_eq!(budget.ask(at(500), change), Answer::Granted);
}

#[test]
fn a_change_that_stays_pending_keeps_its_zone_for_five_minutes() {
    let mut budget = pending();
    let second = budget.enter(at(0), a_change());
    budget.ask(at(299_999), second);

    assert_eq!(budget.ask(at(300_000), second), wait(300_499));
    assert_eq!(budget.ask(at(300_499), second), Answer::Granted);
}

#[test]
fn who_leaves_holds_nobody_up() {
    let mut budget = Budget::default();
    let first = budget.enter(at(0), urgent());
    let second = budget.enter(at(0), Kind::Look);
    assert_eq!(budget.ask(at(0), second), SOMETHING);

    budget.leave(at(0), first);

    assert_eq!(budget.ask(at(0), second), Answer::Granted);
}

/// F73
#[test]
fn a_change_that_goes_away_for_a_while_finds_its_place_again() {
    let mut budget = pending();
    let first = budget.enter(at(0), a_change_of("first"));
    let second = budget.enter(at(0), a_change_of("second"));
    budget.leave(at(30_000), first);
    let first = budget.enter(at(40_000), a_change_of("first"));
    budget.heard(at(50_000), "C1", ChangeState::Insync);

    assert_eq!(budget.ask(at(50_000), second), SOMETHING);
    assert_eq!(budget.ask(at(50_000), first), Answer::Granted);
    budget.refused(first);

    budget.leave(at(50_000), second);
    let other = budget.enter(at(51_000), a_change_of("other"));
    let second = budget.enter(at(171_000), a_change_of("second"));
    assert_eq!(
        budget.ask(at(171_000), second),
        SOMETHING,
        "it was away for too long"
    );
    assert_eq!(budget.ask(at(171_000), other), Answer::Granted);
}

#[test]
fn a_batch_is_known_by_what_is_in_it() {
    let change = |record_type: &str, name: &str| RecordChange {
        verb: Verb::Create,
        set: RecordSet {
            name: name.to_owned(),
            record_type: record_type.to_owned(),
            routing: Routing::Simple,
            ttl_seconds: Some(60),
            values: vec![],
            alias: None,
            health_check: None,
        },
    };
    let (entry, member) = (change("TXT", "_cutover.pay"), change("A", "pay"));
    let both = [entry.clone(), member];

    assert_eq!(Kind::of_batch("Z1", false, &both), a_change());
    assert_eq!(Kind::of_batch("Z1", true, &both), urgent());
    assert_eq!(
        Kind::of_batch("Z1", false, &[entry.clone(), entry]),
        an_entry()
    );
    assert_eq!(Kind::of_batch("Z1", false, &[]), a_change_of(""));
}
