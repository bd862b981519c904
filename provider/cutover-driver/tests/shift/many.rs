//! Many shifts at once.

use std::sync::Arc;

use cutover_driver::Allowance;
use cutover_sim::cloud::Request;
use futures_util::future::join_all;

use super::*;

fn is_route53(request: &Request) -> bool {
    matches!(
        request.operation,
        "ChangeResourceRecordSets" | "ListResourceRecordSets" | "GetChange" | "GetHostedZone"
    )
}

/// F73
#[tokio::test(start_paused = true)]
async fn twenty_shifts_in_one_zone_keep_within_the_allowance_and_a_rollback_overtakes_them() {
    let sites: Vec<Site> = (0..20).map(|number| Site::numbered(0, number)).collect();
    let shop = Shop::with_all(CloudConfig::default(), &sites);
    let allowance = Arc::new(Allowance::new(Arc::new(shop.clock)));
    let begun = shop.clock.now();
    // One of them breaks while the others are still entering their first step.
    shop.sim.cloud().change_traffic(begun, |model| {
        if model.measured[0].key.namespace == "Shop0" {
            model.new.error_rate = 0.2;
            model.new.payment_failure_rate = 0.2;
        }
    });
    let ups = sites.iter().map(|site| {
        let mut program = Program::of(&shop, site);
        program.tells = false;
        program.allowance = Some(Arc::clone(&allowance));
        async move { program.up("run-1").await.ended() }
    });

    let all = join_all(ups).await;

    let back = &all[0];
    assert!(
        matches!(back.outcome, Some(Outcome::RolledBack { .. })),
        "{:?}",
        back.outcome
    );
    let decided = when(&shop, back, "rollback: ").unwrap();
    let accepted = when(&shop, back, "rollback accepted").unwrap();
    assert!(accepted - decided <= 2.0, "{decided} {accepted}");
    for (site, one) in sites.iter().zip(&all).skip(1) {
        assert_eq!(one.outcome, Some(Outcome::Completed), "{}", site.name);
        assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
    }
    let cloud = shop.sim.cloud();
    // The service's own limit is five a second; urgent ones are the only ones that may use more than two.
    let throttled = cloud
        .requests()
        .iter()
        .filter(|request| request.error == Some("Throttling"));
    assert_eq!(throttled.count(), 0);
    let minute = cloud.peak(minutes(1), is_route53);
    assert!(minute <= 2 * 60 + 8, "{minute} requests in a minute");
    // Changes of weights never overlap, but for the way back: each waits until the former is everywhere.
    let mut moves: Vec<Timestamp> = sites
        .iter()
        .flat_map(|site| site.weights_of(&cloud, "A"))
        .map(|(at, _, _)| at)
        .filter(|at| *at > begun)
        .collect();
    moves.sort();
    let urgent = shop.start.after(Duration::from_secs_f64(accepted));
    let far = |at: &Timestamp| at.since(urgent).max(urgent.since(*at)) > minutes(1);
    for pair in moves.windows(2).filter(|pair| pair.iter().all(far)) {
        assert!(pair[1].since(pair[0]) >= seconds(29), "{pair:?}");
    }
    assert_eq!(moves.len(), 40);
}
