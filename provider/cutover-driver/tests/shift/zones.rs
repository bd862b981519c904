//! Zones, records, and what name servers answer of them.

use cutover_core::shift::events::Pause;
use cutover_core::shift::facts::{Command, Fact};
use cutover_core::shift::machine::{PhaseName, standing};
use cutover_core::shift::spec::{Adopt, RouterWish, ZeroMeans};
use cutover_core::weights::Share;
use cutover_driver::{Perform, Shifting};
use cutover_sim::CloudFault;
use cutover_sim::cloud::{Endpoint, ResourceRecordSet, What};
use cutover_sim::shop::steps;

use super::*;

/// Changes what is wished of the records.
fn wish_of(program: &mut Program, adopts: Adopt, means: ZeroMeans) {
    if let RouterWish::Route53 {
        adopt, zero_means, ..
    } = &mut program.wish.router
    {
        (*adopt, *zero_means) = (adopts, means);
    }
}

/// Tells at how many of the moments in seconds somebody got no answer.
fn unanswered(shop: &Shop, site: &Site, until: u64) -> usize {
    let mut cloud = shop.sim.cloud();
    let asked = (0..until).filter(|second| {
        let (_, _, none) = site.ask(&mut cloud, shop.at(seconds(*second)), 5);
        none > 0
    });
    asked.count()
}

/// F23
#[tokio::test(start_paused = true)]
async fn without_its_zone_nothing_is_begun() {
    let (shop, site, program) = pay();
    shop.sim.cloud().delete_hosted_zone(&site.zone_id);

    let conducted = program.up("run-1").await.ended();

    assert!(
        matches!(conducted.outcome, Some(Outcome::Refused(_))),
        "{:?}",
        conducted.outcome
    );
    assert_eq!(shop.calls("ChangeResourceRecordSets").len(), 0);
}

/// F23
#[tokio::test(start_paused = true)]
async fn a_zone_that_is_deleted_in_mid_shift_is_stuck_and_people_are_called() {
    let (shop, site, program) = pay();
    let zone = site.zone_id.clone();
    let act = shop.then(minutes(8), |cloud, _| cloud.delete_hosted_zone(&zone));

    let (life, ()) = tokio::join!(program.up("run-1"), act);
    let conducted = life.ended();

    assert!(
        matches!(conducted.outcome, Some(Outcome::Stuck(_))),
        "{:?}",
        conducted.outcome
    );
    let stuck = when(&shop, &conducted, "rollback is stuck").unwrap();
    // The router is read every minute.
    assert!(stuck <= 8.0 * 60.0 + 60.0 + 31.0, "{stuck}");
    let subjects = subjects(&shop);
    assert!(
        subjects.iter().any(|it| it.contains("Stuck")),
        "{subjects:?}"
    );
}

/// A site with a simple record of each type.
fn simple() -> (Shop, Site, Program) {
    let (shop, site, program) = pay();
    let mut cloud = shop.sim.cloud();
    let members = ["A", "AAAA"].map(|of| {
        [
            site.member(of, Side::Old, 100),
            site.member(of, Side::New, 0),
        ]
    });
    let records = members.clone().map(|[old, _]| ResourceRecordSet {
        set_identifier: None,
        weight: None,
        ..old
    });
    site.remove(&mut cloud, shop.start, members.as_flattened());
    site.write(&mut cloud, shop.start, &records);
    drop(cloud);
    (shop, site, program)
}

/// F24
#[tokio::test(start_paused = true)]
async fn a_simple_record_is_left_alone_without_leave_to_convert_it() {
    let (shop, site, mut program) = simple();
    wish_of(&mut program, Adopt::None, ZeroMeans::Standby);
    let before = shop.sim.cloud().records(&site.zone_id);

    let Some(Outcome::Refused(problems)) = program.up("run-1").await.ended().outcome else {
        panic!("it was not refused")
    };

    assert_eq!(problems[0].code.0, 116);
    assert_eq!(shop.sim.cloud().records(&site.zone_id), before);
}

/// F24
#[tokio::test(start_paused = true)]
async fn a_simple_record_is_converted_without_a_moment_without_an_answer() {
    for means in [ZeroMeans::Standby, ZeroMeans::Isolated] {
        let (shop, site, mut program) = simple();
        wish_of(&mut program, Adopt::Simple, means);

        let conducted = program.up("run-1").await.ended();

        assert_eq!(conducted.outcome, Some(Outcome::Completed));
        assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE, "{means:?}");
        assert_eq!(unanswered(&shop, &site, 16 * 60), 0, "{means:?}");
        let converted = shop.calls("ChangeResourceRecordSets");
        assert!(converted.iter().all(|(_, error)| error.is_none()));
    }
}

/// F28
#[tokio::test(start_paused = true)]
async fn a_protected_record_is_told_before_the_beginning() {
    let (shop, site, program) = pay();
    let record = site.member("A", Side::New, 0);
    shop.sim
        .cloud()
        .protect(&site.zone_id, &record, "managed by another service");

    let conducted = program.up("run-1").await.ended();

    let text = format!("{:?}", conducted.outcome);
    assert!(text.contains("managed by another service"), "{text}");
    assert_eq!(site.pairs(&shop.sim.cloud()), [(100, 0)]);
    assert_eq!(journal(&site, &shop.sim.cloud()).len(), 0);
}

/// F28
#[tokio::test(start_paused = true)]
async fn a_record_that_is_protected_in_mid_shift_pauses_with_the_protections_words() {
    let (shop, site, program) = pay();
    let record = site.member("AAAA", Side::New, 10);
    let act = shop.then(minutes(8), |cloud, _| {
        cloud.protect(&site.zone_id, &record, "managed by another service");
    });

    let (life, ()) = tokio::join!(program.up("run-1"), act);

    let outcome = life.ended().outcome;
    let Some(Outcome::Paused(Pause::Refused(message))) = &outcome else {
        panic!("{outcome:?}")
    };
    assert!(message.contains("managed by another service"), "{message}");
    assert_eq!(site.pairs(&shop.sim.cloud()), [(100, 0), (90, 10)]);
}

fn unhealthy(shop: &Shop, site: &Site, whose: Side, from: Duration) {
    let endpoint = Endpoint {
        addresses: vec!["192.0.2.9".to_owned(), "2001:db8::9".to_owned()],
        healthy: false,
        ttl: 60,
    };
    shop.sim
        .cloud()
        .put_endpoint(shop.at(from), &site.balancer(whose), endpoint);
}

/// F31
#[tokio::test(start_paused = true)]
async fn new_that_gets_no_traffic_because_it_is_unhealthy_is_never_passed() {
    let evaluating = Site {
        evaluates: true,
        ..Site::pay()
    };
    for from in [Duration::ZERO, minutes(2), minutes(5)] {
        let (shop, site, program) = over(evaluating.clone());
        unhealthy(&shop, &site, Side::New, from);

        let conducted = program.up("run-1").await.ended();

        assert!(
            matches!(conducted.outcome, Some(Outcome::Paused(_))),
            "{from:?}: {:?}",
            conducted.outcome
        );
        assert!(!told(&conducted, "step 1 has baked"), "{from:?}");
        assert_eq!(site.pairs(&shop.sim.cloud()), [(100, 0), (90, 10)]);
    }
}

/// F32
#[tokio::test(start_paused = true)]
async fn isolated_answers_stay_on_an_unhealthy_old_and_standing_by_they_do_not() {
    let mut answers = Vec::new();
    for means in [ZeroMeans::Isolated, ZeroMeans::Standby] {
        let (shop, site, mut program) = over(Site {
            evaluates: means == ZeroMeans::Standby,
            ..Site::pay()
        });
        wish_of(&mut program, Adopt::Weighted, means);
        breaks(&shop, Side::New, minutes(5));
        let conducted = program.up("run-1").await.ended();
        assert!(matches!(
            conducted.outcome,
            Some(Outcome::RolledBack { .. })
        ));
        let over = shop.clock.now().since(shop.start) + minutes(2);
        unhealthy(&shop, &site, Side::Old, over);

        let records = shop.sim.cloud().records(&site.zone_id);
        let of_new = records
            .iter()
            .filter(|set| set.set_identifier.as_deref() == Some("new-system"));
        let (old, new, none) = site.ask(&mut shop.sim.cloud(), shop.at(over + minutes(1)), 100);
        answers.push((of_new.count(), old > 0, new > 0, none > 0));
    }

    assert_eq!(answers, [(0, true, false, false), (2, false, true, false)]);
}

/// F34
#[tokio::test(start_paused = true)]
async fn resolvers_that_keep_answers_for_eight_minutes_never_let_a_step_pass_unseen() {
    let (shop, site, program) = pay();
    let mut conduct = program.clone();
    conduct.wish.policy.split_points = Some(2.0);
    let now = shop.clock.now();
    shop.sim.cloud().change_traffic(now, |model| {
        model.resolvers.sticky_share = 0.8;
        model.resolvers.sticky_for = minutes(20);
    });

    let conducted = conduct.up("run-1").await.ended();

    let Some(Outcome::Paused(Pause::SplitMismatch(Some(share)))) = conducted.outcome else {
        panic!(
            "{:?} {:?}",
            conducted.outcome,
            cutover_sim::shop::log(conducted.shift.events())
        )
    };
    assert!(share.basis_points() < 800, "{share}");
    assert_eq!(site.pairs(&shop.sim.cloud()), [(100, 0), (90, 10)]);
}

/// F34
#[tokio::test(start_paused = true)]
async fn a_few_clients_that_keep_answers_are_seen_and_pass() {
    let (shop, _, program) = pay();
    let now = shop.clock.now();
    shop.sim.cloud().change_traffic(now, |model| {
        model.resolvers.sticky_share = 0.04;
        model.resolvers.sticky_for = minutes(8);
    });

    let conducted = program.up("run-1").await.ended();

    assert_eq!(conducted.outcome, Some(Outcome::Completed));
    assert!(conducted.shift.status().observed.is_some());
}

/// F72
#[tokio::test(start_paused = true)]
async fn a_look_at_a_paused_shift_writes_nothing_and_finds_the_step_at_or_below() {
    let (shop, site, mut program) = pay();
    program.wish.steps = steps(&[(10.0, 10), (25.0, 10), (50.0, 10), (100.0, 0)]);
    site.reweigh(&mut shop.sim.cloud(), shop.start, 70, 30);
    let spec = program.spec();
    let clock = std::sync::Arc::new(shop.clock);
    let shifting = Shifting::new(
        shop.sim.traffic(),
        clock,
        spec.clone(),
        program.sources.clone(),
        None,
    );

    let Fact::Live(live) = shifting.perform(&Command::FetchLive).await else {
        panic!("it could not be read")
    };

    assert_eq!(standing(&spec, &live), (PhaseName::Paused, Some(1)));
    assert_eq!(live.share(), Share::from_percent(30.0));
    let cloud = shop.sim.cloud();
    let changes = cloud.requests().iter().filter(|request| {
        !request.operation.starts_with("List") && !request.operation.starts_with("Get")
    });
    assert_eq!(changes.count(), 0);
}

/// F75
#[tokio::test(start_paused = true)]
async fn an_hour_without_the_routers_control_plane_is_told_and_outlasted() {
    for is_broken in [false, true] {
        let (shop, site, program) = pay();
        if is_broken {
            breaks(&shop, Side::New, minutes(10));
        }
        let down = |operation| {
            CloudFault::during(
                operation,
                shop.at(minutes(8)),
                shop.at(minutes(68)),
                What::Unavailable,
            )
        };
        let all = [
            "ChangeResourceRecordSets",
            "ListResourceRecordSets",
            "GetChange",
            "GetHostedZone",
        ];
        shop.sim.cloud().script(all.map(down));

        let conducted = program.up("run-1").await.ended();

        let during = site.weights_of(&shop.sim.cloud(), "A");
        let moved = during
            .iter()
            .filter(|(at, _, _)| (shop.at(minutes(8))..shop.at(minutes(68))).contains(at));
        assert_eq!(moved.count(), 0);
        let words = if is_broken {
            "rollback is stuck"
        } else {
            "the router cannot be reached"
        };
        let failed = shop.calls("ListResourceRecordSets");
        let changes = shop.calls("ChangeResourceRecordSets");
        let calls = if is_broken { changes } else { failed };
        let first = calls.iter().find(|(_, error)| error.is_some()).unwrap().0;
        let said = when(&shop, &conducted, words).unwrap();
        assert!(said - first <= 39.0, "{first} {said}");
        if is_broken {
            assert!(
                matches!(conducted.outcome, Some(Outcome::RolledBack { .. })),
                "{:?}",
                conducted.outcome
            );
            assert_eq!(site.pairs(&shop.sim.cloud()), BACK);
        } else {
            assert!(!told(&conducted, "rollback: "), "{:?}", conducted.outcome);
        }
    }
}
