use super::super::given::a_spec;
use super::super::plan::plan;
use super::super::spec::{RouterWish, Wish};
use super::*;

const NOW: Timestamp = Timestamp::from_unix_millis(0);

fn found_by(change: impl FnOnce(&mut Wish), around: &Surroundings) -> Vec<String> {
    let spec = a_spec(change);
    let problems = check_surroundings(&spec, &plan(&spec, None), around, NOW);
    problems
        .iter()
        .map(|problem| format!("{} {}: {}", problem.code, problem.path, problem.message))
        .collect()
}

fn a_found(record_type: &str, routing: Routing) -> Surroundings {
    let found = RecordSet {
        name: "Pay.example.com.".to_owned(),
        record_type: record_type.to_owned(),
        routing,
        ttl_seconds: Some(60),
        values: vec!["192.0.2.1".to_owned()],
        alias: None,
        health_check: None,
    };
    Surroundings {
        records: vec![found],
        ..Surroundings::default()
    }
}

fn weighted(set_identifier: &str, weight: u16) -> Routing {
    Routing::Weighted {
        set_identifier: set_identifier.to_owned(),
        weight,
    }
}

fn adopting(adopt: Adopt) -> impl FnOnce(&mut Wish) {
    move |wish| {
        if let RouterWish::Route53 { adopt: wished, .. } = &mut wish.router {
            *wished = adopt;
        }
    }
}

#[test]
fn nothing_around_is_nothing_wrong() {
    assert_eq!(found_by(|_| (), &Surroundings::default()), [""; 0]);
    assert_eq!(
        found_by(|_| (), &a_found("A", weighted("old-system", 100))),
        [""; 0]
    );
}

/// F24
#[test]
fn a_simple_record_is_converted_on_request_only() {
    let message = "CUT-116 router.route53.records[0]: there is a simple record of type A; `adopt: simple` converts it";

    assert_eq!(
        found_by(adopting(Adopt::None), &a_found("A", Routing::Simple)),
        [message]
    );
    assert_eq!(
        found_by(adopting(Adopt::Simple), &a_found("A", Routing::Simple)),
        [""; 0]
    );
}

/// F25
#[test]
fn another_routing_policy_is_refused_by_name() {
    let routing = Routing::Other {
        policy: "latency".to_owned(),
        set_identifier: "eu".to_owned(),
    };

    assert_eq!(
        found_by(|_| (), &a_found("A", routing)),
        ["CUT-116 router.route53.records[0]: `eu` is chosen by latency, not by weight"]
    );
}

/// F26
#[test]
fn a_third_member_with_a_weight_is_refused_unless_allowed() {
    let around = a_found("A", weighted("other", 50));

    assert_eq!(
        found_by(|_| (), &around),
        ["CUT-114 router.route53.records[0]: `other` is a further member with weight 50"]
    );
    assert_eq!(
        found_by(|wish| wish.policy.allow_others = true, &around),
        [""; 0]
    );
    assert_eq!(
        found_by(|_| (), &a_found("A", weighted("other", 0))),
        [""; 0]
    );
}

/// F27
#[test]
fn a_companion_that_would_stay_behind_is_refused() {
    for companion in ["AAAA", "HTTPS"] {
        let found = found_by(|_| (), &a_found(companion, Routing::Simple));
        assert!(
            found[0].starts_with("CUT-115 router.route53.records[0].types"),
            "{found:?}"
        );
    }
    assert_eq!(found_by(|_| (), &a_found("MX", Routing::Simple)), [""; 0]);
}

/// F28
#[test]
fn a_protection_is_told_in_its_own_words() {
    let around = Surroundings {
        protected: Some("protected by `change-freeze`".to_owned()),
        ..Surroundings::default()
    };

    assert_eq!(
        found_by(|_| (), &around),
        ["CUT-117 router: protected by `change-freeze`"]
    );
}

/// F44
#[test]
fn an_alarm_that_rings_already_is_refused_and_silence_on_new_is_not() {
    let codes = |found| {
        let around = Surroundings {
            gates: vec![Probe {
                gate: "alarm".to_owned(),
                found,
            }],
            ..Surroundings::default()
        };
        let spec = a_spec(|_| ());
        let problems = check_surroundings(&spec, &plan(&spec, None), &around, NOW);
        problems
            .iter()
            .map(|problem| (problem.code.0, problem.level))
            .collect::<Vec<_>>()
    };

    assert_eq!(codes(Probed::InAlarm), [(118, Level::Error)]);
    assert_eq!(codes(Probed::NoAlarm), [(118, Level::Error)]);
    assert_eq!(codes(Probed::NoDataOnOld), [(118, Level::Error)]);
    assert_eq!(codes(Probed::NoDataOnNew), [(118, Level::Warning)]);
    assert_eq!(codes(Probed::Data), []);
}

/// F68
#[test]
fn a_rule_of_somebody_else_and_clients_that_stay_too_long_are_refused() {
    let around = Surroundings {
        rule_taken_by: Some("ecs-svc/1".to_owned()),
        stickiness: Some(Duration::from_hours(1)),
        ..Surroundings::default()
    };

    let found = found_by(|_| (), &around);

    assert!(
        found.len() == 2 && found.iter().all(|problem| problem.starts_with("CUT-119")),
        "{found:?}"
    );
}

#[test]
fn credentials_must_outlast_the_plan() {
    let around = |hours| Surroundings {
        credentials_end: Some(NOW.after(Duration::from_hours(hours))),
        ..Surroundings::default()
    };

    assert!(found_by(|_| (), &around(3))[0].starts_with("CUT-120 mode"));
    assert_eq!(found_by(|_| (), &around(4)), [""; 0]);
}

#[test]
fn new_must_be_fit_and_large_enough_for_each_step() {
    let around = Surroundings {
        new_unfit: Some("no target of new is healthy".to_owned()),
        requests_per_second: Some(100.0),
        ..Surroundings::default()
    };

    assert_eq!(
        found_by(|wish| wish.policy.capacity = Some(60.0), &around),
        [
            "CUT-121 router: no target of new is healthy",
            "CUT-121 steps[2].share: 90 requests/s are expected on new, which takes 60",
            "CUT-121 steps[3].share: 100 requests/s are expected on new, which takes 60",
        ]
    );
}
