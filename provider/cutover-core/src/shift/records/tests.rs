//! What is read from record sets and what becomes of them, against a zone that refuses what Route 53 refuses.

use proptest::prelude::*;

use super::super::facts::JournalRead;
use super::super::given::{a_record, a_spec};
use super::super::journal::{Entry, Mark, NotAnEntry, RunId};
use super::super::spec::{RecordWish, RouterWish, Wish};
use super::*;
use crate::Timestamp;
use crate::weights::Scale;

const ZONE: &str = "pay.example.com";

fn a_router(change: impl FnOnce(&mut Vec<RecordWish>, &mut ZeroMeans, &mut Adopt)) -> Router {
    a_spec(|wish: &mut Wish| {
        if let RouterWish::Route53 {
            records,
            zero_means,
            adopt,
            ..
        } = &mut wish.router
        {
            change(records, zero_means, adopt);
        }
    })
    .router
}

/// Two names, one of them with both types.
fn two_names(zero_means: ZeroMeans) -> Router {
    a_router(|records, meaning, _| {
        let mut other = a_record("Card.Example.com.");
        other.types = vec![RecordType::Aaaa, RecordType::A];
        (other.old.value, other.new.value) = (None, None);
        let alias = |name: &str| Alias {
            dns_name: format!("{name}.elb.amazonaws.com"),
            zone_id: "Z35SX".to_owned(),
            evaluate_target_health: false,
        };
        (other.old.alias, other.new.alias) = (Some(alias("old")), Some(alias("new")));
        records.push(other);
        *meaning = zero_means;
    })
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
    WeightPair::new(old, new, Scale::Route53).unwrap()
}

fn moved(act: Act, expected: Option<Live>) -> Change {
    let seq = match expected.as_ref().map(|live| &live.journal) {
        Some(JournalRead::Entry(entry)) => entry.seq + 1,
        _ => 1,
    };
    Change {
        act,
        entry: an_entry(seq),
        expected,
    }
}

const PREPARE: Act = Act::Prepare { ttl_seconds: None };
const FINISH: Act = Act::Finish {
    ttl_seconds: None,
    remove_new: false,
};

/// A weighted record set of the first name.
fn a_set(set_identifier: &str, value: &str, weight: u16) -> RecordSet {
    RecordSet {
        name: ZONE.to_owned(),
        record_type: "A".to_owned(),
        routing: Routing::Weighted {
            set_identifier: set_identifier.to_owned(),
            weight,
        },
        ttl_seconds: Some(60),
        values: vec![value.to_owned()],
        alias: None,
        health_check: None,
    }
}

fn a_simple_set() -> RecordSet {
    RecordSet {
        routing: Routing::Simple,
        ttl_seconds: Some(300),
        ..a_set("", "192.0.2.1", 0)
    }
}

/// Makes all changes or none, as strictly as the service.
fn apply(zone: &[RecordSet], batch: &[RecordChange]) -> Result<Vec<RecordSet>, String> {
    let mut sets = zone.to_vec();
    let is_same = |one: &RecordSet, other: &RecordSet| sorting(one) == sorting(other);
    for change in batch {
        let set = &change.set;
        let place = sets.iter().position(|stored| is_same(stored, set));
        match (change.verb, place) {
            (Verb::Delete, Some(place)) if sets[place] == *set => drop(sets.remove(place)),
            (Verb::Create | Verb::Upsert, None) => sets.push(set.clone()),
            (Verb::Upsert, Some(place)) => sets[place] = set.clone(),
            (verb, _) => return Err(format!("{verb:?} of {} does not fit", show(set))),
        }
    }
    for set in &sets {
        let simple = |other: &&RecordSet| {
            other.name == set.name
                && other.record_type == set.record_type
                && (other.routing == Routing::Simple) != (set.routing == Routing::Simple)
        };
        if let Some(other) = sets.iter().find(simple) {
            return Err(format!("{} beside {}", show(set), show(other)));
        }
    }
    Ok(sets)
}

fn show(set: &RecordSet) -> String {
    let routing = match &set.routing {
        Routing::Simple => "simple".to_owned(),
        Routing::Weighted {
            set_identifier,
            weight,
        } => format!("{set_identifier}={weight}"),
        Routing::Other { policy, .. } => policy.clone(),
    };
    let ttl = set
        .ttl_seconds
        .map_or(String::new(), |ttl| format!(" {ttl} s"));
    let check = set
        .health_check
        .as_ref()
        .map_or(String::new(), |id| format!(" check {id}"));
    format!("{} {} {routing}{ttl}{check}", set.record_type, set.name)
}

fn lines(batch: &[RecordChange]) -> String {
    let line = |change: &RecordChange| format!("{:?} {}", change.verb, show(&change.set));
    batch.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Carries acts out one after another, each over what the one before has left.
fn carried_out(
    router: &Router,
    health_check: Option<&str>,
    mut zone: Vec<RecordSet>,
    acts: &[Act],
) -> Vec<RecordSet> {
    for act in acts {
        let live = read(router, health_check, &zone);
        let batch = batch(router, health_check, &moved(*act, Some(live)));
        zone = apply(&zone, &batch).unwrap();
    }
    zone
}

#[test]
fn every_name_and_the_journal_beside_the_first_are_read() {
    assert_eq!(
        names(&two_names(ZeroMeans::Isolated)),
        ["_cutover.pay.example.com", "card.example.com", ZONE]
    );
    let wildcard = a_router(|records, _, _| records[0].name = "*.Example.com.".to_owned());
    assert_eq!(
        journal_name(&wildcard).unwrap(),
        "_cutover._any.example.com"
    );
}

#[test]
fn an_empty_zone_is_prepared_with_old_alone() {
    let router = two_names(ZeroMeans::Isolated);
    let live = read(&router, None, &[]);
    assert_eq!(
        (live.old, live.new, &live.journal),
        (None, None, &JournalRead::Absent)
    );

    let batch = batch(&router, None, &moved(PREPARE, Some(live)));

    insta::assert_snapshot!(lines(&batch), @"
    Create TXT _cutover.pay.example.com simple 60 s
    Create A card.example.com old-system=100
    Create AAAA card.example.com old-system=100
    Create A pay.example.com old-system=100 60 s
    ");
    let live = read(&router, None, &apply(&[], &batch).unwrap());
    assert!(
        live.has(WeightPair::ALL_OLD) && live.even && live.intact,
        "{live:?}"
    );
    assert_eq!(
        (live.old, live.new, live.ttl_seconds),
        (Some(100), None, Some(60))
    );
}

#[test]
fn a_step_repeats_everything_that_was_there_and_deletes_before_it_creates() {
    let router = two_names(ZeroMeans::Isolated);
    let zone = carried_out(
        &router,
        None,
        Vec::new(),
        &[PREPARE, Act::Move(pair(50, 50))],
    );
    let live = read(&router, None, &zone);
    assert!(live.has(pair(50, 50)) && live.intact, "{live:?}");

    let batch = batch(&router, None, &moved(Act::Move(pair(0, 100)), Some(live)));

    insta::assert_snapshot!(lines(&batch), @"
    Delete TXT _cutover.pay.example.com simple 60 s
    Delete A card.example.com old-system=50
    Delete A card.example.com new-system=50
    Delete AAAA card.example.com old-system=50
    Delete AAAA card.example.com new-system=50
    Delete A pay.example.com old-system=50 60 s
    Delete A pay.example.com new-system=50 60 s
    Create TXT _cutover.pay.example.com simple 60 s
    Create A card.example.com old-system=0
    Create A card.example.com new-system=100
    Create AAAA card.example.com old-system=0
    Create AAAA card.example.com new-system=100
    Create A pay.example.com old-system=0 60 s
    Create A pay.example.com new-system=100 60 s
    ");
    let live = read(&router, None, &apply(&zone, &batch).unwrap());
    assert!(
        live.has(pair(0, 100)),
        "old stays, with a weight of 0: {live:?}"
    );
    assert_eq!(live.old, Some(0));
}

/// F21: whatever anybody has changed, the whole batch is refused.
#[test]
fn a_batch_no_longer_fits_after_any_edit() {
    let router = two_names(ZeroMeans::Isolated);
    let zone = carried_out(
        &router,
        None,
        Vec::new(),
        &[PREPARE, Act::Move(pair(50, 50))],
    );
    let live = read(&router, None, &zone);
    let forward = batch(&router, None, &moved(Act::Move(pair(0, 100)), Some(live)));
    assert!(apply(&zone, &forward).is_ok());

    for place in 0..zone.len() {
        let mut edited = zone.clone();
        edited[place].ttl_seconds = Some(61);
        assert!(apply(&edited, &forward).is_err(), "{}", show(&zone[place]));
        let mut gone = zone.clone();
        gone.remove(place);
        assert!(apply(&gone, &forward).is_err(), "{}", show(&zone[place]));
    }
}

#[test]
fn a_renewal_is_about_the_journal_alone() {
    let router = two_names(ZeroMeans::Isolated);
    let zone = carried_out(&router, None, Vec::new(), &[PREPARE]);
    let live = read(&router, None, &zone);

    let batch = batch(&router, None, &moved(Act::Renew, Some(live)));

    insta::assert_snapshot!(lines(&batch), @"
    Delete TXT _cutover.pay.example.com simple 60 s
    Create TXT _cutover.pay.example.com simple 60 s
    ");
    let JournalRead::Entry(entry) = read(&router, None, &apply(&zone, &batch).unwrap()).journal
    else {
        panic!("there is an entry")
    };
    assert_eq!(entry, an_entry(2));
}

/// F24: one atomic conversion, no moment without an answer.
#[test]
fn a_simple_record_becomes_old_in_one_batch() {
    let router = a_router(|_, _, adopt| *adopt = Adopt::Simple);
    let zone = [a_simple_set()];
    let live = read(&router, None, &zone);
    assert_eq!(
        (live.old, live.ttl_seconds, live.intact),
        (Some(100), Some(300), true)
    );

    let act = Act::Prepare {
        ttl_seconds: Some(60),
    };
    let batch = batch(&router, None, &moved(act, Some(live)));

    insta::assert_snapshot!(lines(&batch), @"
    Delete A pay.example.com simple 300 s
    Create TXT _cutover.pay.example.com simple 60 s
    Create A pay.example.com old-system=100 60 s
    ");
    assert!(apply(&zone, &batch).is_ok());
    let cautious = a_router(|_, _, adopt| *adopt = Adopt::Weighted);
    assert_eq!(
        read(&cautious, None, &zone).old,
        None,
        "not without being asked"
    );
    let other = [RecordSet {
        values: vec!["192.0.2.9".to_owned()],
        ..a_simple_set()
    }];
    assert!(
        !read(&router, None, &other).intact,
        "it answers something else"
    );
}

/// F22, F66: whatever is there, and without having looked.
#[test]
fn the_way_back_fits_whatever_is_there() {
    let router = two_names(ZeroMeans::Isolated);
    let back = batch(
        &router,
        Some("hc-1"),
        &moved(Act::Return(WeightPair::ALL_OLD), None),
    );
    insta::assert_snapshot!(lines(&back), @"
    Upsert A card.example.com old-system=100
    Upsert A card.example.com new-system=0 check hc-1
    Upsert AAAA card.example.com old-system=100
    Upsert AAAA card.example.com new-system=0 check hc-1
    Upsert A pay.example.com old-system=100 60 s
    Upsert A pay.example.com new-system=0 60 s check hc-1
    Upsert TXT _cutover.pay.example.com simple 60 s
    ");
    let zone = carried_out(
        &router,
        Some("hc-1"),
        Vec::new(),
        &[PREPARE, Act::Move(pair(10, 90))],
    );

    for place in 0..=zone.len() {
        let mut edited = zone.clone();
        if place < zone.len() {
            edited.remove(place);
        }
        let live = read(&router, Some("hc-1"), &apply(&edited, &back).unwrap());
        assert!(live.has(WeightPair::ALL_OLD) && live.intact, "{live:?}");
    }
}

/// F32
#[test]
fn an_isolated_side_has_no_record_without_a_share_and_one_that_stands_by_keeps_it() {
    let acts = [
        PREPARE,
        Act::Move(pair(50, 50)),
        Act::Return(WeightPair::ALL_OLD),
        Act::Finish {
            ttl_seconds: None,
            remove_new: true,
        },
    ];
    let isolated = two_names(ZeroMeans::Isolated);
    let standby = two_names(ZeroMeans::Standby);

    let left = carried_out(&isolated, None, Vec::new(), &acts);
    assert_eq!(read(&isolated, None, &left).new, None);
    let kept = carried_out(&standby, None, Vec::new(), &acts[..1]);
    assert_eq!(read(&standby, None, &kept).new, Some(0));
    // Adopted with a record of new: it goes at once.
    let zone = [
        a_set("old-system", "192.0.2.1", 7),
        a_set("new-system", "198.51.100.1", 0),
    ];
    let router = a_router(|_, _, _| ());
    let live = read(
        &router,
        None,
        &carried_out(&router, None, zone.to_vec(), &[PREPARE]),
    );
    assert_eq!((live.old, live.new), (Some(100), None));
}

#[test]
fn the_guards_check_is_put_on_new_and_taken_off_at_the_end() {
    let router = a_router(|_, zero_means, _| *zero_means = ZeroMeans::Standby);
    let guard = Some("hc-1");
    let zone = vec![
        a_set("old-system", "192.0.2.1", 100),
        a_set("new-system", "198.51.100.1", 0),
    ];
    assert!(
        read(&router, guard, &zone).intact,
        "without a weight it may lack"
    );

    let zone = carried_out(&router, guard, zone, &[PREPARE, Act::Move(pair(50, 50))]);

    let check = |zone: &[RecordSet]| {
        let is_new = |set: &&RecordSet| sorting(set).2 == "new-system";
        zone.iter().find(is_new).unwrap().health_check.clone()
    };
    assert_eq!(check(&zone).as_deref(), guard);
    let mut edited = zone.clone();
    for set in &mut edited {
        set.health_check = None;
    }
    assert!(!read(&router, guard, &edited).intact);
    let zone = carried_out(&router, guard, zone, &[Act::Move(pair(0, 100)), FINISH]);
    assert_eq!(check(&zone), None);
    assert!(read(&router, None, &zone).has(pair(0, 100)));
}

#[test]
fn a_ttl_is_lowered_kept_and_restored() {
    let router = a_router(|_, _, _| ());
    let mut old = a_set("old-system", "192.0.2.1", 100);
    old.ttl_seconds = Some(300);
    let ttl = |zone: &[RecordSet]| read(&router, None, zone).ttl_seconds;

    let lower = Act::Prepare {
        ttl_seconds: Some(60),
    };
    let zone = carried_out(&router, None, vec![old], &[lower]);
    assert_eq!(ttl(&zone), Some(60));
    let zone = carried_out(&router, None, zone, &[Act::Move(pair(50, 50))]);
    assert_eq!(ttl(&zone), Some(60));
    let restore = Act::Finish {
        ttl_seconds: Some(300),
        remove_new: false,
    };
    assert_eq!(
        ttl(&carried_out(&router, None, zone, &[restore])),
        Some(300)
    );
}

#[test]
fn names_and_types_that_differ_are_uneven_and_the_highest_share_is_told() {
    let router = two_names(ZeroMeans::Isolated);
    let mut zone = carried_out(
        &router,
        None,
        Vec::new(),
        &[PREPARE, Act::Move(pair(50, 50))],
    );
    for set in &mut zone {
        if let Routing::Weighted { weight, .. } = &mut set.routing
            && set.record_type == "AAAA"
        {
            let is_new = set
                .alias
                .as_ref()
                .is_some_and(|alias| alias.dns_name.starts_with("new"));
            *weight = if is_new { 80 } else { 20 };
        }
    }

    let live = read(&router, None, &zone);

    assert!(!live.even);
    assert_eq!((live.old, live.new), (Some(20), Some(80)));
}

#[test]
fn spellings_of_one_answer_are_the_same_answer() {
    let same = |kind, one, other| same_value(kind, one, other);

    assert!(same(RecordType::Aaaa, "2001:db8::1", "2001:0DB8:0:0::0001"));
    assert!(same(
        RecordType::Cname,
        "New.example.com",
        "new.example.com."
    ));
    assert!(!same(RecordType::A, "192.0.2.1", "192.0.2.10"));
}

#[test]
fn a_journal_of_the_first_form_is_read_and_what_is_no_journal_is_not_written_over() {
    let router = a_router(|_, _, _| ());
    let txt = |values: &[&str]| RecordSet {
        name: "_cutover.pay.example.com".to_owned(),
        record_type: "TXT".to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        ..a_simple_set()
    };
    let journal = |values: &[&str]| read(&router, None, &[txt(values)]).journal;
    let alone = format!("\"{}\"", an_entry(3).encode());

    assert_eq!(journal(&[&alone]), JournalRead::Entry(an_entry(3)));
    assert_eq!(members(&[txt(&[&alone])]), None);
    let damaged = JournalRead::Unreadable(NotAnEntry::Damaged);
    assert_eq!(journal(&["\"v=spf1 -all\""]), damaged);
    assert_eq!(journal(&[&alone, &alone]), damaged);
    assert_eq!(journal(&["no quotes"]), damaged);
}

/// A person with zone, name and credentials alone.
#[test]
fn whoever_has_the_zone_and_the_name_can_go_back() {
    let router = two_names(ZeroMeans::Isolated);
    let zone = carried_out(
        &router,
        None,
        Vec::new(),
        &[PREPARE, Act::Move(pair(10, 90))],
    );
    let journal = journal_name(&router).unwrap();

    let members = members(&zone).unwrap();
    let back = return_batch(&journal, &members, &an_entry(9), &zone);

    let after = apply(&zone, &back).unwrap();
    let live = read(&router, None, &after);
    assert!(live.has(WeightPair::ALL_OLD) && live.intact, "{live:?}");
    assert_eq!(live.journal, JournalRead::Entry(an_entry(9)));
    assert_eq!(super::members(&after), Some(members.clone()));
    // Without old there is nothing to go back to, and zero alone would still be answered.
    let mut lacking = zone.clone();
    lacking.retain(|set| sorting(set) != (ZONE, "A", "old-system"));
    assert_eq!(without_old(&members, &lacking), ["pay.example.com A"]);
    let back = return_batch(&journal, &members, &an_entry(9), &lacking);
    assert!(!back.iter().any(|change| change.set.name == ZONE));
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9.-]{1,60}", "\\PC{1,128}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn names_of_members_read_back_as_they_were_whatever_they_are(
        names in prop::collection::vec((any_name(), any_name(), any_name()), 1..12),
    ) {
        let written: Vec<Member> = names
            .into_iter()
            .map(|(name, old, new)| Member { name, types: vec![RecordType::A, RecordType::Aaaa], old, new })
            .collect();

        let set = journal_set("_cutover.x", &an_entry(1), &written);

        for value in &set.values {
            prop_assert!(value.len() <= 4_000);
            for string in value.split("\" \"") {
                prop_assert!(string.trim_matches('"').len() <= 255, "{string}");
            }
            prop_assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'\\'));
        }
        prop_assert_eq!(members(std::slice::from_ref(&set)), Some(written));
        prop_assert_eq!(read_journal(&[&set]), JournalRead::Entry(an_entry(1)));
    }

    /// F30: whatever is stored and whatever is asked for, no batch leaves a group of two zeros behind that it has
    /// touched, and names and types stay together.
    #[test]
    fn no_batch_makes_both_weights_zero(
        stored in prop::collection::vec((prop::option::of(0_u16..=2), prop::option::of(0_u16..=2)), 3),
        simple: bool, standby: bool, kind in 0_usize..6, new in 0_u16..=100, remove_new: bool, look: bool,
    ) {
        let mut router = two_names(if standby { ZeroMeans::Standby } else { ZeroMeans::Isolated });
        if let Router::Route53 { adopt, .. } = &mut router {
            *adopt = Adopt::Simple;
        }
        let mut zone = Vec::new();
        for (slot, (old, new)) in Slot::all(&router).iter().zip(stored) {
            if simple && slot.kind == RecordType::A {
                zone.push(RecordSet { routing: Routing::Simple, ..slot.declared(Side::Old, 0, 60) });
                continue;
            }
            zone.extend(old.map(|weight| slot.declared(Side::Old, weight, 60)));
            zone.extend(new.map(|weight| slot.declared(Side::New, weight, 60)));
        }
        let to = pair(100 - new, new);
        let act = [
            PREPARE, Act::Move(to), Act::Renew, Act::Return(to),
            Act::Finish { ttl_seconds: Some(30), remove_new }, Act::Return(WeightPair::ALL_OLD),
        ][kind];
        let live = Some(read(&router, None, &zone)).filter(|_| look);

        let batch = batch(&router, None, &moved(act, live));

        for slot in Slot::all(&router) {
            let made: Vec<u16> = batch
                .iter()
                .filter(|change| change.verb != Verb::Delete && slot.is_here(&change.set))
                .filter_map(|change| weight_of(&change.set))
                .collect();
            prop_assert!(made.is_empty() || made.iter().any(|weight| *weight > 0), "{:?}: {}", act, lines(&batch));
        }
        if look {
            let after = apply(&zone, &batch).unwrap();
            let live = read(&router, None, &after);
            if matches!(act, Act::Prepare { .. } | Act::Move(_) | Act::Return(_)) {
                prop_assert!(live.even && live.intact, "{live:?}");
            }
        }
    }
}
