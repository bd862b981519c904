//! Credentials that end, and rights that are taken away.

use cutover_core::shift::events::Cause;
use cutover_sim::CloudFault;
use cutover_sim::cloud::What;

use super::*;

/// Takes a right away from a moment on.
fn denies(shop: &Shop, operation: &'static str, from: Duration) {
    let until = shop.at(Duration::from_hours(24));
    let fault = CloudFault::during(operation, shop.at(from), until, What::Denied);
    shop.sim.cloud().script([fault]);
}

/// F54
#[tokio::test(start_paused = true)]
async fn credentials_that_end_are_tried_with_until_people_must_act() {
    let (shop, site, program) = pay();
    let act = shop.then(minutes(8), |cloud, now| cloud.credentials_end = Some(now));

    let (life, ()) = tokio::join!(program.up("run-1"), act);
    let conducted = life.ended();

    assert!(
        matches!(conducted.outcome, Some(Outcome::Stuck(_))),
        "{:?}",
        conducted.outcome
    );
    assert!(told(&conducted, "rollback: Blind"));
    let began = when(&shop, &conducted, "rollback: ").unwrap();
    let stuck = when(&shop, &conducted, "rollback is stuck").unwrap();
    assert!((17.5 * 60.0..=18.6 * 60.0).contains(&began), "{began}");
    assert!(stuck - began <= 40.0, "{began} {stuck}");
    assert_eq!(site.pairs(&shop.sim.cloud()), [(100, 0), (90, 10)]);
}

/// F54
#[tokio::test(start_paused = true)]
async fn credentials_that_are_renewed_change_nothing() {
    let (shop, site, program) = pay();
    let end = shop.at(minutes(8));
    shop.sim.cloud().credentials_end = None;
    let act = async {
        shop.wait(minutes(7)).await;
        shop.sim.cloud().credentials_end = Some(end);
        shop.wait(minutes(8)).await;
        shop.sim.cloud().credentials_end = Some(shop.at(Duration::from_hours(12)));
    };

    let (life, ()) = tokio::join!(program.up("run-1"), act);

    assert_eq!(life.ended().outcome, Some(Outcome::Completed));
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
}

/// F55
#[tokio::test(start_paused = true)]
async fn without_the_right_to_measure_it_goes_back_after_ten_minutes() {
    let (shop, site, program) = pay();
    denies(&shop, "GetMetricData", minutes(8));

    let conducted = program.up("run-1").await.ended();

    let Some(Outcome::RolledBack { causes, .. }) = &conducted.outcome else {
        panic!("{:?}", conducted.outcome)
    };
    assert_eq!(causes[0], Cause::Blind);
    let blind = when(&shop, &conducted, "nothing measured").unwrap();
    let began = when(&shop, &conducted, "rollback: Blind").unwrap();
    assert!((10.5 * 60.0..=11.6 * 60.0).contains(&blind), "{blind}");
    assert!((17.5 * 60.0..=18.6 * 60.0).contains(&began), "{began}");
    assert_eq!(site.pairs(&shop.sim.cloud()), BACK);
    assert!(is_old(&shop, &site, shop.clock.now()));
}

/// F56
#[tokio::test(start_paused = true)]
async fn without_the_right_to_change_records_no_step_is_entered_and_nothing_moves() {
    let (shop, site, program) = pay();
    denies(&shop, "ChangeResourceRecordSets", minutes(8));

    let conducted = program.up("run-1").await.ended();

    assert!(
        matches!(conducted.outcome, Some(Outcome::Paused(_))),
        "{:?}",
        conducted.outcome
    );
    assert!(!told(&conducted, "step 2 entered"));
    assert_eq!(site.pairs(&shop.sim.cloud()), [(100, 0), (90, 10)]);
}
