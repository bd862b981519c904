//! What name servers answer.

use std::collections::BTreeMap;

use cutover_sim::Cloud;
use cutover_sim::cloud::{AlarmState, CreateHealthCheck, DnsAnswer, Endpoint, ResourceRecordSet};

use crate::{
    START, ZONE, alias, cloud, create, delete, make, member, minutes, seconds, simple, upsert,
};

const APP: &str = "app.example.com";

/// How often each member is answered in 2000 draws.
fn drawn(cloud: &mut Cloud, at: cutover_core::Timestamp) -> BTreeMap<String, u32> {
    let mut drawn = BTreeMap::new();
    for draw in 0..2000 {
        if let DnsAnswer::Values {
            set_identifier: Some(id),
            ..
        } = cloud.answer(ZONE, APP, "A", at, draw)
        {
            *drawn.entry(id).or_default() += 1;
        }
    }
    drawn
}

fn only(id: &str) -> BTreeMap<String, u32> {
    BTreeMap::from([(id.to_owned(), 2000)])
}

fn weighted(old: u64, new: u64) -> Cloud {
    let mut cloud = cloud();
    make(
        &mut cloud,
        START,
        &[
            create(member(APP, "old", old)),
            create(member(APP, "new", new)),
        ],
    );
    cloud
}

/// Gives the members aliases whose targets' health counts.
fn balanced(old: (u64, bool), new: (u64, bool)) -> Cloud {
    let mut cloud = cloud();
    let (first, second) = ("lb-old.elb.amazonaws.com", "lb-new.elb.amazonaws.com");
    for (name, healthy, address) in [(first, old.1, "192.0.2.1"), (second, new.1, "192.0.2.2")] {
        let endpoint = Endpoint {
            addresses: vec![address.to_owned()],
            healthy,
            ttl: 60,
        };
        cloud.put_endpoint(START, name, endpoint);
    }
    let changes = [
        create(alias(APP, "old", old.0, first)),
        create(alias(APP, "new", new.0, second)),
    ];
    make(&mut cloud, START, &changes);
    cloud
}

#[test]
fn members_are_answered_by_their_weights() {
    let drawn = drawn(&mut weighted(75, 25), minutes(1));
    assert!((440..560).contains(&drawn["new"]), "{drawn:?}");
}

#[test]
fn a_change_is_answered_only_when_it_has_spread() {
    let mut cloud = weighted(100, 0);
    make(
        &mut cloud,
        minutes(1),
        &[
            upsert(member(APP, "old", 0)),
            upsert(member(APP, "new", 100)),
        ],
    );

    assert_eq!(drawn(&mut cloud, seconds(89)), only("old"));
    assert_eq!(drawn(&mut cloud, seconds(90)), only("new"));
}

#[test]
fn a_later_change_is_answered_though_an_earlier_one_is_pending_for_ever() {
    let mut cloud = weighted(100, 0);
    cloud.config.insync = None;
    make(&mut cloud, minutes(1), &[upsert(member(APP, "new", 100))]);
    make(&mut cloud, seconds(61), &[upsert(member(APP, "new", 0))]);

    assert_eq!(drawn(&mut cloud, minutes(2)), only("old"));
}

#[test]
fn all_weights_zero_means_equal_chances() {
    let drawn = drawn(&mut weighted(0, 0), minutes(1));
    assert!((900..1100).contains(&drawn["new"]), "{drawn:?}");
}

#[test]
fn an_unhealthy_member_is_left_out() {
    assert_eq!(
        drawn(&mut balanced((90, true), (10, false)), minutes(1)),
        only("old")
    );
}

#[test]
fn a_member_of_weight_zero_is_considered_when_all_others_are_unhealthy() {
    assert_eq!(
        drawn(&mut balanced((100, false), (0, true)), minutes(1)),
        only("new")
    );
}

#[test]
fn when_all_are_unhealthy_all_count_as_healthy() {
    assert_eq!(
        drawn(&mut balanced((100, false), (0, false)), minutes(1)),
        only("old")
    );
}

#[test]
fn the_health_of_a_target_does_not_count_unless_it_is_evaluated() {
    let mut cloud = balanced((100, false), (0, true));
    let set = |id, weight, target| {
        let mut set = alias(APP, id, weight, target);
        set.alias.as_mut().unwrap().evaluate_target_health = false;
        set
    };
    make(
        &mut cloud,
        START,
        &[upsert(set("old", 100, "lb-old.elb.amazonaws.com"))],
    );

    assert_eq!(drawn(&mut cloud, minutes(1)), only("old"));
}

#[test]
fn a_health_check_follows_the_data_of_its_alarm_and_not_a_state_set_by_hand() {
    let mut cloud = weighted(50, 50);
    cloud.put_alarm(START, "guard", None);
    cloud.set_alarm_data(START, "guard", AlarmState::Ok);
    let check = CreateHealthCheck {
        caller_reference: "guard".to_owned(),
        kind: "CLOUDWATCH_METRIC".to_owned(),
        alarm_name: "guard".to_owned(),
        alarm_region: "eu-central-1".to_owned(),
        ..CreateHealthCheck::default()
    };
    let id = cloud.create_health_check(START, &check).unwrap().id;
    let guarded = ResourceRecordSet {
        health_check_id: Some(id),
        ..member(APP, "new", 50)
    };
    make(&mut cloud, START, &[upsert(guarded)]);

    cloud
        .set_alarm_state(minutes(2), "guard", AlarmState::Alarm, "by hand")
        .unwrap();
    assert!(drawn(&mut cloud, minutes(2)).contains_key("new"));
    cloud.set_alarm_data(minutes(3), "guard", AlarmState::Alarm);
    assert_eq!(drawn(&mut cloud, minutes(3)), only("old"));
    cloud.set_alarm_data(minutes(4), "guard", AlarmState::InsufficientData);
    assert_eq!(drawn(&mut cloud, minutes(4)), only("old"));
    cloud.set_alarm_data(minutes(5), "guard", AlarmState::Ok);
    assert!(drawn(&mut cloud, minutes(5)).contains_key("new"));
}

#[test]
fn no_name_no_data_and_no_zone_are_told_apart() {
    let mut cloud = weighted(1, 1);
    let mut ask = |zone, name, kind| cloud.answer(zone, name, kind, minutes(1), 0);

    assert_eq!(ask(ZONE, "none.example.com", "A"), DnsAnswer::NoName);
    assert_eq!(ask(ZONE, APP, "AAAA"), DnsAnswer::NoData);
    assert_eq!(ask(ZONE, "example.net", "A"), DnsAnswer::Refused);
    assert_eq!(ask("Z404", APP, "A"), DnsAnswer::Refused);
}

#[test]
fn a_wildcard_answers_for_names_that_are_not_there() {
    let mut cloud = cloud();
    let sets = [
        simple("*.example.com", "A", "192.0.2.7"),
        simple("x.there.example.com", "A", "192.0.2.8"),
    ];
    make(&mut cloud, START, &sets.map(create));
    let mut ask = |name| format!("{:?}", cloud.answer(ZONE, name, "A", minutes(1), 0));

    assert!(ask("any.example.com").contains("192.0.2.7"));
    assert!(ask("a.b.example.com").contains("192.0.2.7"));
    assert!(ask("x.there.example.com").contains("192.0.2.8"));
    assert_eq!(ask("y.there.example.com"), "NoName");
    assert_eq!(ask("there.example.com"), "NoData");
}

#[test]
fn the_past_of_weights_is_kept() {
    let mut cloud = weighted(100, 0);
    make(
        &mut cloud,
        minutes(1),
        &[
            upsert(member(APP, "old", 90)),
            upsert(member(APP, "new", 10)),
        ],
    );
    make(&mut cloud, minutes(2), &[delete(member(APP, "new", 10))]);

    let past: Vec<Vec<u64>> = cloud
        .weights_over_time(ZONE, APP, "A")
        .into_iter()
        .map(|(_, weights)| weights.into_values().collect())
        .collect();

    assert_eq!(past, [vec![], vec![0, 100], vec![10, 90], vec![90]]);
}
