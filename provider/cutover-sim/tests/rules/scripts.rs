//! Faults on script.

use std::time::Duration;

use cutover_core::FailureClass;
use cutover_sim::CloudFault;
use cutover_sim::cloud::{Rival, What};

use crate::{START, ZONE, cloud, create, make, member, minutes, seconds, upsert};

const CHANGE: &str = "ChangeResourceRecordSets";
const APP: &str = "app.example.com";

#[test]
fn each_fault_has_the_effect_and_the_class_that_it_is_named_for() {
    let cases = [
        (What::Throttled, FailureClass::Throttled, false),
        (
            What::Refused("InvalidInput", "no"),
            FailureClass::Refused,
            false,
        ),
        (What::Denied, FailureClass::Denied, false),
        (What::Expired, FailureClass::Unconfigured, false),
        (What::Broken, FailureClass::Unknown, false),
        (What::Unavailable, FailureClass::Unavailable, false),
        (What::LostBefore, FailureClass::Unknown, false),
        (What::AnswerLost, FailureClass::Unknown, true),
    ];
    for (what, class, takes_effect) in cases {
        let mut cloud = cloud();
        cloud.script([CloudFault::nth(CHANGE, 1, 1, what.clone())]);
        let changes = [create(member(APP, "old", 1))];

        let error = cloud
            .change_resource_record_sets(START, ZONE, &changes)
            .unwrap_err();

        assert_eq!(error.class(), class, "{what:?}");
        assert_eq!(cloud.records(ZONE).len() == 3, takes_effect, "{what:?}");
        assert_eq!(
            error.is_lost(),
            matches!(what, What::LostBefore | What::AnswerLost)
        );
        let again = cloud.change_resource_record_sets(START, ZONE, &changes);
        assert_eq!(again.is_ok(), !takes_effect);
    }
}

#[test]
fn a_fault_hits_the_calls_that_it_names_and_no_others() {
    let mut cloud = cloud();
    cloud.script([
        CloudFault::nth("GetHostedZone", 2, 2, What::Broken),
        CloudFault::during("*", minutes(1), minutes(2), What::Denied),
    ]);
    let mut code = |at| {
        cloud
            .get_hosted_zone(at, ZONE)
            .err()
            .map(|error| error.code)
    };

    assert_eq!(
        [code(START), code(START), code(START), code(START)],
        [None, Some("InternalFailure"), Some("InternalFailure"), None]
    );
    assert_eq!(
        [
            code(seconds(59)),
            code(seconds(60)),
            code(seconds(119)),
            code(seconds(120))
        ],
        [None, Some("AccessDenied"), Some("AccessDenied"), None]
    );
    let errors: Vec<_> = cloud
        .requests()
        .iter()
        .filter_map(|request| request.error)
        .collect();
    assert_eq!(errors.len(), 4);
}

#[test]
fn a_rival_acts_just_before_the_call_and_is_not_recorded() {
    let mut cloud = cloud();
    make(&mut cloud, START, &[create(member(APP, "old", 100))]);
    let rival = Rival::new(|cloud, now| {
        make(cloud, now, &[upsert(member(APP, "old", 50))]);
    });
    cloud.script([CloudFault::nth(CHANGE, 2, 1, What::Rival(rival))]);

    let changes = [crate::delete(member(APP, "old", 100))];
    let error = cloud
        .change_resource_record_sets(minutes(1), ZONE, &changes)
        .unwrap_err();

    assert!(error.message().contains("do not match the current values"));
    assert_eq!(cloud.requests().len(), 2);
}

#[test]
fn a_call_that_hangs_says_for_how_long() {
    let mut cloud = cloud();
    cloud.script([CloudFault::nth(
        "GetHostedZone",
        1,
        1,
        What::Hang(Duration::from_secs(9)),
    )]);

    assert_eq!(cloud.delay("GetHostedZone", START), Duration::from_secs(9));
    assert!(cloud.get_hosted_zone(seconds(9), ZONE).is_ok());
    assert_eq!(cloud.delay("GetHostedZone", START), Duration::ZERO);
}

#[test]
fn credentials_that_have_ended_are_let_in_nowhere() {
    let mut cloud = cloud();
    cloud.credentials_end = Some(minutes(1));

    assert!(cloud.get_caller_identity(seconds(59)).is_ok());
    assert_eq!(
        cloud.get_caller_identity(minutes(1)).unwrap_err().class(),
        FailureClass::Unconfigured
    );
}
