use super::super::compare::Comparison;
use super::super::gates::Datapoints;
use super::super::given::{a_record, a_step, a_wish};
use super::super::spec::{Alias, Policy, RecordType, RecordWish};
use super::*;

fn found(change: impl FnOnce(&mut Wish)) -> Vec<String> {
    let mut wish = a_wish();
    change(&mut wish);
    check(&wish)
        .problems
        .iter()
        .map(|problem| format!("{} {}", problem.code, problem.path))
        .collect()
}

fn route53(wish: &mut Wish) -> (&mut Option<u32>, &mut Vec<RecordWish>) {
    match &mut wish.router {
        RouterWish::Route53 {
            ttl_seconds,
            records,
            ..
        } => (ttl_seconds, records),
        RouterWish::Alb { .. } => panic!("tests begin with Route 53"),
    }
}

fn alias() -> Alias {
    Alias {
        dns_name: "lb.example.net".to_owned(),
        zone_id: "Z1".to_owned(),
        evaluate_target_health: false,
    }
}

#[test]
fn the_boring_wish_has_no_problems() {
    assert_eq!(found(|_| ()), [""; 0]);
}

/// F29
#[test]
fn shares_must_rise_to_100_and_be_expressible() {
    let with = |shares: &[f64]| {
        found(|wish| {
            wish.steps = shares
                .iter()
                .map(|share| a_step(*share, Some(30).filter(|_| !share.eq(&100.0))))
                .collect();
        })
    };

    assert_eq!(with(&[33.3, 100.0]), [""; 0]);
    assert_eq!(with(&[0.1, 100.0]), ["CUT-101 steps[0].share"]);
    assert_eq!(with(&[50.0, 50.0, 100.0]), ["CUT-101 steps[1].share"]);
    assert_eq!(with(&[f64::NAN, 100.0]), ["CUT-101 steps[0].share"]);
    assert_eq!(
        with(&[10.0])[..],
        ["CUT-101 steps[0].bake", "CUT-101 steps"]
    );
    assert_eq!(with(&[]), ["CUT-101 steps"]);
}

#[test]
fn all_problems_are_reported_together_in_the_order_of_the_inputs() {
    let problems = found(|wish| {
        wish.steps[0].bake = None;
        route53(wish).1[0].new.set_identifier = "old-system".to_owned();
        wish.gates[1].name = "errorRate".to_owned();
        wish.policy = Policy {
            control_parameter: Some("switch".to_owned()),
            guarded: true,
            ..Policy::new()
        };
    });

    assert_eq!(
        problems,
        [
            "CUT-103 router.route53.records[0].new.setIdentifier",
            "CUT-101 steps[0].bake",
            "CUT-112 gates[1].name",
            "CUT-111 rollback",
            "CUT-113 control.ssmParameter",
        ]
    );
}

#[test]
fn a_side_is_an_alias_or_a_value_and_an_alias_has_no_ttl() {
    assert_eq!(
        found(|wish| route53(wish).1[0].old.alias = Some(alias())),
        ["CUT-104 router.route53.records[0].old"]
    );
    assert_eq!(
        found(|wish| {
            let record = &mut route53(wish).1[0];
            for side in [&mut record.old, &mut record.new] {
                (side.alias, side.value) = (Some(alias()), None);
            }
        }),
        ["CUT-104 router.route53.ttl"]
    );
}

#[test]
fn a_cname_is_refused_at_the_apex_and_beside_other_types() {
    assert_eq!(
        found(|wish| {
            let record = RecordWish {
                types: vec![RecordType::Cname],
                ..a_record("Example.com.")
            };
            *route53(wish).1 = vec![record];
        }),
        ["CUT-104 router.route53.records[0].types"]
    );
}

#[test]
fn mixed_members_with_another_ttl_are_warned_about() {
    assert_eq!(
        found(|wish| {
            let (ttl, records) = route53(wish);
            *ttl = Some(30);
            let old = &mut records[0].old;
            (old.alias, old.value) = (Some(alias()), None);
        }),
        ["CUT-105 router.route53.ttl"]
    );
}

/// F33
#[test]
fn a_ttl_that_breaks_the_promise_is_refused_with_the_one_that_keeps_it() {
    let mut wish = a_wish();
    *route53(&mut wish).0 = Some(300);

    let problems = check(&wish).problems;

    assert_eq!(problems[0].code, Code(106));
    assert!(
        problems[0].message.contains("a TTL of 140 s would keep it"),
        "{}",
        problems[0].message
    );
}

#[test]
fn a_gate_that_can_never_fire_in_a_bake_is_refused() {
    assert_eq!(
        found(|wish| wish.steps[0].bake = Some(Duration::from_mins(10))),
        ["CUT-107 steps[0].bake"],
        "latency needs ten minutes and a lag"
    );
    assert_eq!(
        found(|wish| {
            wish.gates.truncate(1);
            wish.gates[0].sustained = Duration::ZERO;
            wish.soak = Duration::from_mins(4);
        }),
        ["CUT-108 soak"]
    );
}

#[test]
fn a_gate_says_what_it_means() {
    assert_eq!(
        found(|wish| wish.gates[3].samples_min = 999),
        ["CUT-109 gates[3].minSamples"]
    );
    assert_eq!(
        found(|wish| wish.gates[0].limit = Limit::Max(f64::NAN)),
        ["CUT-112 gates[0].threshold"]
    );
    assert_eq!(
        found(|wish| wish.gates[0].datapoints = Some(Datapoints {
            breaching: 4,
            of: 3
        })),
        ["CUT-112 gates[0].datapoints"]
    );
}

#[test]
fn latency_is_not_compared_over_a_few_minutes() {
    assert_eq!(
        found(|wish| {
            wish.gates.clear();
            wish.compare = vec![Comparison::of_latency("latency")];
            wish.soak = Duration::from_mins(19);
        }),
        ["CUT-110 compare[0]"]
    );
}

#[test]
fn the_way_back_for_rows_must_be_said() {
    assert_eq!(
        found(|wish| wish.policy.rollback.rows = RowsReturn::Unsaid),
        ["CUT-111 rollback"]
    );
    assert_eq!(
        found(|wish| {
            wish.policy.rollback.rows = RowsReturn::Unsaid;
            wish.policy.commit_after = Some(0);
        }),
        [""; 0]
    );
    assert_eq!(
        found(|wish| wish.policy.rollback.data = DataPolicy::FenceFirst),
        ["CUT-111 rollback.writeFence"]
    );
}

#[test]
fn a_shift_without_a_guard_is_warned_about_and_still_carried_out() {
    let mut wish = a_wish();
    wish.policy.guarded = false;

    let checked = check(&wish);

    assert!(checked.spec.is_some());
    assert_eq!(checked.problems[0].level, Level::Warning);
}

#[test]
fn a_timeout_below_the_plan_is_refused() {
    let hours = Duration::from_hours;

    assert_eq!(check_timeout(hours(4), hours(3)), None);
    assert_eq!(
        check_timeout(hours(2), hours(3)).map(|problem| problem.code),
        Some(Code(140))
    );
}

#[test]
fn both_sides_of_a_rule_must_differ() {
    assert_eq!(
        found(|wish| {
            let arn = "arn:tg".to_owned();
            wish.router = RouterWish::Alb {
                rule_arn: "arn:rule".to_owned(),
                old_arn: arn.clone(),
                new_arn: arn,
            };
            wish.policy.lock_table = Some("cutover-locks".to_owned());
        }),
        ["CUT-103 router.alb.newTargetGroupArn"]
    );
}

#[test]
fn what_one_batch_cannot_hold_is_refused() {
    let names = |count: usize| {
        found(|wish| {
            *route53(wish).1 = (0..count)
                .map(|index| a_record(&format!("n{index}.example.com")))
                .collect();
        })
    };

    assert_eq!(names(50), [""; 0]);
    assert_eq!(names(51), ["CUT-103 router.route53.records"]);
}

#[test]
fn the_fence_of_a_rule_may_be_in_a_table_and_that_of_records_may_not() {
    let on_a_rule = |table: Option<&str>| {
        found(|wish| {
            wish.router = RouterWish::Alb {
                rule_arn: "rule".to_owned(),
                old_arn: "old".to_owned(),
                new_arn: "new".to_owned(),
            };
            wish.policy.lock_table = table.map(str::to_owned);
        })
    };

    assert_eq!(on_a_rule(Some("cutover-locks")), [""; 0]);
    assert_eq!(on_a_rule(None), ["CUT-154 lock"]);
    assert_eq!(on_a_rule(Some("a b")), ["CUT-155 lock.dynamodb.tableName"]);
    assert_eq!(
        found(|wish| wish.policy.lock_table = Some("cutover-locks".to_owned())),
        ["CUT-155 lock.dynamodb"]
    );
}

/// D36
#[test]
fn traffic_goes_nowhere_where_nothing_can_be_written() {
    let refused = |accepted, desired| check_write_policy(accepted, desired).is_some();
    for (accepted, to_new, to_old) in [
        (Accepted::Any, false, false),
        (Accepted::Old, true, false),
        (Accepted::New, false, true),
        (Accepted::None, true, true),
    ] {
        assert_eq!(refused(accepted, Desired::Shift), to_new, "{accepted:?}");
        assert_eq!(refused(accepted, Desired::New), to_new, "{accepted:?}");
        assert_eq!(refused(accepted, Desired::Old), to_old, "{accepted:?}");
        assert!(!refused(accepted, Desired::Hold), "{accepted:?}");
    }
    let problem = check_write_policy(Accepted::Old, Desired::Shift).expect("it is refused");
    assert_eq!(problem.code, Code(122));
    assert_eq!(
        problem.message,
        "traffic would go to new, whose writes are refused: the databases accept those of old only"
    );
}
