//! Change batches.

use cutover_sim::cloud::{Change, ResourceRecordSet};
use proptest::prelude::*;

use crate::{START, ZONE, alias, change, cloud, create, delete, make, member, simple, upsert};
use cutover_sim::cloud::ChangeAction;

const APP: &str = "app.example.com";

/// Makes changes of a zone with one weighted name; returns code and messages, and checks that nothing was changed.
fn refused(changes: &[Change]) -> (&'static str, Vec<String>) {
    let mut cloud = cloud();
    let set_up = [
        create(member(APP, "old", 100)),
        create(member(APP, "new", 0)),
        create(simple("www.example.com", "CNAME", "app.example.com")),
    ];
    make(&mut cloud, START, &set_up);
    let before = cloud.records(ZONE);
    let error = cloud
        .change_resource_record_sets(START, ZONE, changes)
        .unwrap_err();
    assert_eq!(cloud.records(ZONE), before);
    (error.code, error.messages)
}

#[track_caller]
fn assert_refused(changes: &[Change], code: &str, part: &str) {
    let (found, messages) = refused(changes);
    assert_eq!(found, code, "{messages:?}");
    assert!(
        messages.iter().any(|message| message.contains(part)),
        "{messages:?}"
    );
}

#[track_caller]
fn assert_invalid(set: ResourceRecordSet, part: &str) {
    assert_refused(&[create(set)], "InvalidChangeBatch", part);
}

#[test]
fn a_batch_with_one_wrong_change_changes_nothing() {
    let changes = [
        upsert(member(APP, "old", 90)),
        create(member(APP, "new", 10)),
        delete(simple("gone.example.com", "A", "192.0.2.9")),
    ];

    let (code, messages) = refused(&changes);

    assert_eq!(code, "InvalidChangeBatch");
    assert_eq!(
        messages,
        [
            "Tried to create resource record set [name='app.example.com.', type='A', set identifier='new'] but it \
             already exists",
            "Tried to delete resource record set [name='gone.example.com.', type='A'] but it was not found",
        ]
    );
}

#[test]
fn deleting_takes_the_exact_record_set() {
    let almost = [
        member(APP, "old", 99),
        ResourceRecordSet {
            ttl: Some(61),
            ..member(APP, "old", 100)
        },
        ResourceRecordSet {
            values: vec!["192.0.2.9".to_owned()],
            ..member(APP, "old", 100)
        },
    ];
    for set in almost {
        assert_refused(
            &[delete(set)],
            "InvalidChangeBatch",
            "but the values provided do not match the current values",
        );
    }
    let mut cloud = cloud();
    make(&mut cloud, START, &[create(member(APP, "old", 100))]);
    make(
        &mut cloud,
        START,
        &[delete(member("APP.Example.COM.", "old", 100))],
    );
    assert_eq!(cloud.records(ZONE).len(), 2);
}

#[test]
fn each_change_sees_what_those_before_it_left() {
    let mut cloud = cloud();
    make(&mut cloud, START, &[create(simple(APP, "A", "192.0.2.1"))]);

    let conversion = [
        delete(simple(APP, "A", "192.0.2.1")),
        create(member(APP, "old", 100)),
        create(member(APP, "new", 0)),
    ];
    make(&mut cloud, START, &conversion);

    assert_eq!(cloud.records(ZONE).len(), 4);
}

#[test]
fn a_simple_record_set_does_not_stand_beside_weighted_ones() {
    assert_invalid(
        simple(APP, "A", "192.0.2.1"),
        "because a weighted RRSet exists",
    );
}

#[test]
fn routing_policies_are_not_mixed_under_a_name() {
    let latency = ResourceRecordSet {
        weight: None,
        region: Some("eu-central-1".to_owned()),
        ..member(APP, "third", 0)
    };
    assert_invalid(latency.clone(), "because a weighted RRSet exists");
    let both = ResourceRecordSet {
        weight: Some(1),
        ..latency
    };
    assert_refused(&[create(both)], "InvalidInput", "more than one");
}

#[test]
fn a_weight_ends_at_255() {
    assert_refused(
        &[upsert(member(APP, "old", 256))],
        "InvalidInput",
        "less than or equal to 255",
    );
    make(&mut cloud(), START, &[create(member(APP, "old", 255))]);
}

#[test]
fn a_set_identifier_has_1_to_128_characters() {
    for id in [String::new(), "x".repeat(129)] {
        assert_refused(
            &[create(member(APP, &id, 0))],
            "InvalidInput",
            "between 1 and 128",
        );
    }
    let without = ResourceRecordSet {
        set_identifier: None,
        ..member(APP, "x", 0)
    };
    assert_refused(
        &[create(without)],
        "InvalidInput",
        "Missing field 'SetIdentifier'",
    );
    let alone = ResourceRecordSet {
        weight: None,
        ..member(APP, "x", 0)
    };
    assert_refused(&[create(alone)], "InvalidInput", "but found none");
}

#[test]
fn a_group_has_one_ttl() {
    let shorter = |id: &str, weight| ResourceRecordSet {
        ttl: Some(30),
        ..member(APP, id, weight)
    };
    assert_refused(
        &[upsert(shorter("old", 100))],
        "InvalidChangeBatch",
        "must have the same TTL",
    );
    let mut cloud = cloud();
    make(
        &mut cloud,
        START,
        &[create(member(APP, "old", 1)), create(member(APP, "new", 1))],
    );
    make(
        &mut cloud,
        START,
        &[upsert(shorter("old", 1)), upsert(shorter("new", 1))],
    );
}

#[test]
fn a_group_has_at_most_100_members() {
    let mut cloud = cloud();
    let many: Vec<Change> = (0..100)
        .map(|n| create(member(APP, &n.to_string(), 1)))
        .collect();
    make(&mut cloud, START, &many);

    let error = cloud
        .change_resource_record_sets(START, ZONE, &[create(member(APP, "one more", 1))])
        .unwrap_err();

    assert!(error.message().contains("limit of 100"), "{error}");
}

#[test]
fn an_alias_has_no_ttl_and_others_need_one() {
    let both = ResourceRecordSet {
        ttl: Some(60),
        ..alias("lb.example.com", "old", 1, "lb-1.elb.amazonaws.com")
    };
    assert_refused(&[create(both)], "InvalidInput", "more than one");
    let without = ResourceRecordSet {
        ttl: None,
        ..simple("x.example.com", "A", "192.0.2.1")
    };
    assert_refused(&[create(without)], "InvalidInput", "Missing field 'TTL'");
}

#[test]
fn a_cname_stands_neither_at_the_apex_nor_beside_others() {
    assert_invalid(
        simple("example.com", "CNAME", "a.example.net"),
        "not permitted at apex",
    );
    assert_invalid(
        simple("www.example.com", "TXT", "\"x\""),
        "conflicting RRSet of type CNAME",
    );
    assert_invalid(
        simple(APP, "CNAME", "a.example.net"),
        "conflicting RRSet of type A",
    );
}

#[test]
fn a_name_belongs_to_the_zone() {
    assert_invalid(
        simple("example.net", "A", "192.0.2.1"),
        "is not permitted in zone example.com.",
    );
    assert_invalid(
        simple("myexample.com", "A", "192.0.2.1"),
        "is not permitted in zone",
    );
}

#[test]
fn text_is_quoted_and_its_strings_end_at_255_characters() {
    let text = |value: &str| simple("t.example.com", "TXT", value);
    assert_invalid(text("bare"), "should be enclosed in quotation marks");
    assert_invalid(text("\"open"), "should be enclosed in quotation marks");
    assert_invalid(
        text(&format!("\"{}\"", "x".repeat(256))),
        "CharacterStringTooLong",
    );
    let right = format!("\"{}\" \"a \\\" b\" \"\\052\"", "x".repeat(255));
    make(&mut cloud(), START, &[create(text(&right))]);
}

#[test]
fn values_are_of_their_type() {
    assert_invalid(
        simple("x.example.com", "A", "192.0.2.256"),
        "not a valid IPv4 address",
    );
    assert_invalid(
        simple("x.example.com", "AAAA", "192.0.2.1"),
        "not a valid IPv6 address",
    );
    assert_invalid(simple("x.example.com", "CNAME", "a..b"), "DomainLabelEmpty");
    assert_refused(
        &[create(simple("x.example.com", "BOGUS", "x"))],
        "InvalidInput",
        "enum value set",
    );
}

#[test]
fn a_protected_record_set_stays() {
    let mut cloud = cloud();
    let set = simple("svc.example.com", "A", "192.0.2.1");
    make(&mut cloud, START, &[create(set.clone())]);
    cloud.protect(ZONE, &set, "managed by AWS Cloud Map");

    let error = cloud
        .change_resource_record_sets(START, ZONE, &[delete(set)])
        .unwrap_err();

    assert_eq!(error.code, "InvalidChangeBatch");
    assert!(error.message().contains("managed by AWS Cloud Map"));
}

#[test]
fn the_zone_keeps_its_own_records() {
    let mut cloud = cloud();
    for set in cloud.records(ZONE) {
        let error = cloud
            .change_resource_record_sets(START, ZONE, &[delete(set)])
            .unwrap_err();
        assert!(
            error.message().contains("A HostedZone must contain"),
            "{error}"
        );
    }
}

#[test]
fn the_same_record_set_is_changed_once_in_a_batch() {
    let twice = [upsert(member(APP, "old", 1)), upsert(member(APP, "old", 2))];
    assert_refused(&twice, "InvalidChangeBatch", "an invalid set of changes");
}

#[test]
fn a_health_check_must_exist() {
    let checked = ResourceRecordSet {
        health_check_id: Some("nowhere".to_owned()),
        ..member(APP, "old", 1)
    };
    assert_refused(&[upsert(checked)], "NoSuchHealthCheck", "nowhere");
}

#[test]
fn an_alias_within_the_zone_leads_to_something() {
    let mut leading = alias("a.example.com", "old", 1, "nothing.example.com");
    leading.alias.as_mut().unwrap().hosted_zone_id = ZONE.to_owned();
    assert_invalid(leading, "but that target was not found");
}

fn any_change() -> impl Strategy<Value = Change> {
    let action = prop::sample::select(vec![
        ChangeAction::Create,
        ChangeAction::Delete,
        ChangeAction::Upsert,
    ]);
    let name = prop::sample::select(vec![APP, "b.example.com", "example.com", "c.example.net"]);
    let id = prop::option::of(prop::sample::select(vec!["old", "new", ""]));
    let kind = prop::sample::select(vec!["A", "CNAME", "TXT"]);
    (
        action,
        name,
        id,
        kind,
        0_u64..260,
        prop::option::of(59_u64..61),
    )
        .prop_map(|(action, name, id, kind, weight, ttl)| {
            let set = ResourceRecordSet {
                set_identifier: id.map(str::to_owned),
                weight: id.map(|_| weight),
                ttl,
                ..simple(
                    name,
                    kind,
                    if kind == "TXT" { "\"x\"" } else { "192.0.2.1" },
                )
            };
            change(action, set)
        })
}

proptest! {
    #[test]
    fn a_refused_batch_leaves_the_zone_as_it_was(
        batches in prop::collection::vec(prop::collection::vec(any_change(), 1..5), 1..12)
    ) {
        let mut cloud = cloud();
        make(&mut cloud, START, &[create(member(APP, "old", 100)), create(member(APP, "new", 0))]);
        for batch in batches {
            let before = (cloud.records(ZONE), cloud.weights_over_time(ZONE, APP, "A"));
            let serial = cloud.get_hosted_zone(START, ZONE).unwrap().record_count;
            if cloud.change_resource_record_sets(START, ZONE, &batch).is_err() {
                prop_assert_eq!(&before, &(cloud.records(ZONE), cloud.weights_over_time(ZONE, APP, "A")));
                prop_assert_eq!(serial, cloud.get_hosted_zone(START, ZONE).unwrap().record_count);
            } else {
                for change in &batch {
                    let set = &change.set;
                    let there = cloud.records(ZONE).iter().any(|stored| {
                        stored.name.trim_end_matches('.') == set.name
                            && stored.record_type == set.record_type
                            && stored.set_identifier == set.set_identifier
                            && stored.weight == set.weight
                    });
                    let comes_after = batch.iter().filter(|other| other.set.set_identifier == set.set_identifier
                        && other.set.name == set.name && other.set.record_type == set.record_type).count() > 1;
                    prop_assert!(comes_after || there == (change.action != ChangeAction::Delete));
                }
            }
        }
    }
}
