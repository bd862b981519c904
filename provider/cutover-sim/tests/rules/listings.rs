//! Listings, changes on their way, limits on requests.

use std::time::Duration;

use cutover_sim::CloudConfig;
use cutover_sim::cloud::{CreateHealthCheck, ListRecordSets};

use crate::{START, ZONE, cloud, create, make, member, seconds, simple, upsert, with};

#[test]
fn record_sets_are_listed_by_labels_from_the_right_then_type_then_identifier() {
    let mut cloud = cloud();
    let sets = [
        simple("z.example.com", "A", "192.0.2.1"),
        member("b.a.example.com", "old", 1),
        member("b.a.example.com", "new", 1),
        simple("a.example.com", "TXT", "\"x\""),
        simple("a.example.com", "A", "192.0.2.1"),
        simple("*.example.com", "A", "192.0.2.1"),
    ];
    make(&mut cloud, START, &sets.map(create));

    let page = cloud
        .list_resource_record_sets(START, ZONE, &ListRecordSets::default())
        .unwrap();

    let listed: Vec<String> = page
        .sets
        .iter()
        .map(|set| {
            format!(
                "{} {} {}",
                set.name,
                set.record_type,
                set.set_identifier.as_deref().unwrap_or("-")
            )
        })
        .collect();
    assert_eq!(
        listed,
        [
            "example.com. NS -",
            "example.com. SOA -",
            "\\052.example.com. A -",
            "a.example.com. A -",
            "a.example.com. TXT -",
            "b.a.example.com. A new",
            "b.a.example.com. A old",
            "z.example.com. A -",
        ]
    );
}

#[test]
fn pages_lead_to_each_other_without_gap_or_repetition() {
    let mut cloud = cloud();
    let sets: Vec<_> = (0..7)
        .map(|n| create(member("a.example.com", &n.to_string(), 1)))
        .collect();
    make(&mut cloud, START, &sets);
    let (mut found, mut from) = (Vec::new(), ListRecordSets::default());
    loop {
        from.max_items = Some(2);
        let page = cloud.list_resource_record_sets(START, ZONE, &from).unwrap();
        assert!(page.sets.len() <= 2);
        found.extend(page.sets);
        if !page.is_truncated {
            break;
        }
        from = ListRecordSets {
            start_name: page.next_name,
            start_type: page.next_type,
            start_identifier: page.next_identifier,
            max_items: None,
        };
    }
    assert_eq!(found, cloud.records(ZONE));
}

#[test]
fn a_listing_from_a_type_needs_a_name() {
    let from = ListRecordSets {
        start_type: Some("A".to_owned()),
        ..ListRecordSets::default()
    };
    let error = cloud()
        .list_resource_record_sets(START, ZONE, &from)
        .unwrap_err();
    assert_eq!(error.code, "InvalidInput");
}

#[test]
fn a_change_is_pending_until_it_has_spread() {
    let mut cloud = cloud();
    let id = make(
        &mut cloud,
        START,
        &[create(member("a.example.com", "old", 1))],
    );

    assert!(!cloud.get_change(seconds(29), &id).unwrap().insync);
    assert!(cloud.get_change(seconds(30), &id).unwrap().insync);
    assert_eq!(
        cloud.get_change(START, "C404").unwrap_err().code,
        "NoSuchChange"
    );
}

#[test]
fn a_change_may_stay_pending_though_it_is_answered() {
    let mut cloud = with(CloudConfig {
        insync: None,
        ..CloudConfig::default()
    });
    let id = make(
        &mut cloud,
        START,
        &[create(simple("a.example.com", "A", "192.0.2.1"))],
    );

    assert!(!cloud.get_change(seconds(86_400), &id).unwrap().insync);
    let answer = cloud.answer(ZONE, "a.example.com", "A", seconds(30), 0);
    assert!(format!("{answer:?}").contains("192.0.2.1"));
}

#[test]
fn the_sixth_request_of_a_second_is_throttled() {
    let mut cloud = with(CloudConfig::default());
    for _ in 0..5 {
        cloud.get_hosted_zone(START, ZONE).unwrap();
    }

    assert_eq!(
        cloud.get_hosted_zone(START, ZONE).unwrap_err().code,
        "Throttling"
    );
    assert_eq!(
        cloud.get_hosted_zone(seconds(1), ZONE).unwrap().name,
        "example.com."
    );
    assert_eq!(
        cloud.peak(Duration::from_secs(1), |request| request.error.is_none()),
        5
    );
}

#[test]
fn a_zone_that_is_taking_a_change_in_refuses_another() {
    let mut cloud = with(CloudConfig {
        accepting: Duration::from_secs(2),
        ..CloudConfig::default()
    });
    make(
        &mut cloud,
        START,
        &[create(member("a.example.com", "old", 1))],
    );
    let next = [upsert(member("a.example.com", "old", 2))];

    let error = cloud
        .change_resource_record_sets(seconds(1), ZONE, &next)
        .unwrap_err();

    assert_eq!(error.code, "PriorRequestNotComplete");
    make(&mut cloud, seconds(2), &next);
}

#[test]
fn a_zone_that_is_not_there_is_said_so() {
    let error = cloud().get_hosted_zone(START, "Z404").unwrap_err();
    assert_eq!((error.code, error.status), ("NoSuchHostedZone", 404));
}

#[test]
fn the_same_reference_makes_one_health_check() {
    let mut cloud = cloud();
    cloud.put_alarm(START, "guard", None);
    let check = CreateHealthCheck {
        caller_reference: "once".to_owned(),
        kind: "CLOUDWATCH_METRIC".to_owned(),
        alarm_name: "guard".to_owned(),
        alarm_region: "eu-central-1".to_owned(),
        ..CreateHealthCheck::default()
    };
    let first = cloud.create_health_check(START, &check).unwrap();
    let second = cloud.create_health_check(START, &check).unwrap();
    let other = CreateHealthCheck {
        inverted: true,
        ..check
    };

    assert_eq!(first, second);
    assert_eq!(
        cloud.create_health_check(START, &other).unwrap_err().code,
        "HealthCheckAlreadyExists"
    );
    cloud.delete_health_check(START, &first.id).unwrap();
    assert_eq!(
        cloud
            .delete_health_check(START, &first.id)
            .unwrap_err()
            .code,
        "NoSuchHealthCheck"
    );
}
