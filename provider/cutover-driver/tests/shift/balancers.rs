//! Rules of load balancers, and the targets behind them.

use cutover_core::shift::events::{Drift, Pause};
use cutover_sim::CloudFault;
use cutover_sim::cloud::{Action, Stickiness, What};
use cutover_sim::shop::target_group;

use super::*;

fn behind_a_rule() -> (Shop, Site, Program) {
    over(Site::behind_a_rule())
}

/// Returns the rule's actions.
fn actions(shop: &Shop, site: &Site) -> Vec<Action> {
    let arn = site.rule_arn.clone().unwrap();
    let mut cloud = shop.sim.cloud();
    let now = shop.clock.now();
    let rules = cloud
        .by_others(|cloud| cloud.describe_rules(now, &[arn]))
        .unwrap();
    rules[0].actions.clone()
}

/// Changes the rule's actions as somebody else.
fn rewrite(site: &Site, cloud: &mut Cloud, now: Timestamp, change: impl FnOnce(&mut Vec<Action>)) {
    let arn = site.rule_arn.clone().unwrap();
    cloud.by_others(|cloud| {
        let rule = cloud
            .describe_rules(now, std::slice::from_ref(&arn))
            .unwrap()
            .remove(0);
        let mut actions = rule.actions;
        change(&mut actions);
        cloud.modify_rule(now, &arn, Some(&actions), None).unwrap();
    });
}

/// F67
#[tokio::test(start_paused = true)]
async fn a_step_is_not_entered_once_old_was_scaled_down() {
    let (shop, site, program) = behind_a_rule();
    let act = shop.then(minutes(8), |cloud, _| {
        cloud.put_target_group(target_group(Side::Old, 2, 2));
    });

    let (life, ()) = tokio::join!(program.up("run-1"), act);

    assert_eq!(
        life.ended().outcome,
        Some(Outcome::Paused(Pause::OldIsCold))
    );
    assert_eq!(site.pairs(&shop.sim.cloud()), [(100, 0), (90, 10)]);
}

/// F67
#[tokio::test(start_paused = true)]
async fn a_rollback_to_a_cold_old_side_goes_and_warns() {
    let (shop, site, program) = behind_a_rule();
    breaks(&shop, Side::New, minutes(7));
    let act = shop.then(minutes(6), |cloud, _| {
        cloud.put_target_group(target_group(Side::Old, 2, 2));
    });

    let (life, ()) = tokio::join!(program.up("run-1"), act);
    let conducted = life.ended();

    assert!(matches!(
        conducted.outcome,
        Some(Outcome::RolledBack { .. })
    ));
    assert!(told(&conducted, "old cannot take everything at once"));
    assert_eq!(site.pairs(&shop.sim.cloud()), BACK);
    let accepted = when(&shop, &conducted, "rollback accepted").unwrap();
    assert!(accepted - when(&shop, &conducted, "rollback: ").unwrap() < 2.0);
}

/// F68
#[tokio::test(start_paused = true)]
async fn other_actions_of_a_rule_stay_as_they_are() {
    let (shop, site, program) = behind_a_rule();
    let kept = |kind: &str, order: u32, rest: &[(&str, &str)]| Action {
        kind: kind.to_owned(),
        order: Some(order),
        rest: rest
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..Action::default()
    };
    let others = [
        kept(
            "authenticate-oidc",
            1,
            &[("AuthenticateOidcConfig.Issuer", "https://id.example.com")],
        ),
        kept(
            "authenticate-cognito",
            2,
            &[("AuthenticateCognitoConfig.UserPoolDomain", "pay")],
        ),
    ];
    let sticky = Stickiness {
        enabled: true,
        duration_seconds: Some(120),
    };
    let before = others.clone();
    rewrite(&site, &mut shop.sim.cloud(), shop.start, move |actions| {
        actions[0].order = Some(3);
        actions[0].forward.as_mut().unwrap().stickiness = Some(sticky);
        for (index, other) in before.into_iter().enumerate() {
            actions.insert(index, other);
        }
    });

    let conducted = program.up("run-1").await.ended();

    assert_eq!(conducted.outcome, Some(Outcome::Completed));
    let after = actions(&shop, &site);
    assert_eq!(after[..2], others);
    let forward = after[2].forward.clone().unwrap();
    assert_eq!(forward.stickiness, Some(sticky));
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
}

/// F68
#[tokio::test(start_paused = true)]
async fn a_cookie_that_outlives_the_budget_is_refused() {
    let (shop, site, program) = behind_a_rule();
    rewrite(&site, &mut shop.sim.cloud(), shop.start, |actions| {
        actions[0].forward.as_mut().unwrap().stickiness = Some(Stickiness {
            enabled: true,
            duration_seconds: Some(86_400),
        });
    });

    let Some(Outcome::Refused(problems)) = program.up("run-1").await.ended().outcome else {
        panic!("it was not refused")
    };

    assert_eq!(problems[0].code.0, 119);
    assert_eq!(site.pairs(&shop.sim.cloud()), [(100, 0)]);
}

/// F69
#[tokio::test(start_paused = true)]
async fn three_throttled_changes_of_a_rule_are_one_change() {
    let (shop, site, program) = behind_a_rule();
    let fault = CloudFault::nth("ModifyRule", 1, 3, What::Throttled);
    shop.sim.cloud().script([fault]);

    let conducted = program.up("run-1").await.ended();

    assert_eq!(conducted.outcome, Some(Outcome::Completed));
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
    let calls = shop.calls("ModifyRule");
    let errors: Vec<_> = calls.iter().map(|(_, error)| *error).collect();
    let throttled = Some("Throttling");
    assert_eq!(errors, [throttled, throttled, throttled, None, None]);
    let waits = calls.windows(2).take(3).map(|pair| pair[1].0 - pair[0].0);
    assert!(waits.into_iter().all(|wait| wait > 0.2), "{calls:?}");
}

/// F69
#[tokio::test(start_paused = true)]
async fn a_rule_that_is_deleted_in_mid_shift_is_stuck() {
    let (shop, site, program) = behind_a_rule();
    let arn = site.rule_arn.clone().unwrap();
    let act = shop.then(minutes(8), |cloud, _| cloud.delete_rule(&arn));

    let (life, ()) = tokio::join!(program.up("run-1"), act);
    let conducted = life.ended();

    assert!(
        matches!(conducted.outcome, Some(Outcome::Stuck(_))),
        "{:?}",
        conducted.outcome
    );
    assert!(told(&conducted, "rollback is stuck"));
}

/// F70
#[tokio::test(start_paused = true)]
async fn a_deployment_of_somebody_else_that_rewrites_the_rule_pauses() {
    let (shop, site, program) = behind_a_rule();
    let act = shop.then(minutes(8), |cloud, now| {
        rewrite(&site, cloud, now, |actions| {
            let groups = &mut actions[0].forward.as_mut().unwrap().groups;
            (groups[0].weight, groups[1].weight) = (Some(0), Some(100));
        });
    });

    let (life, ()) = tokio::join!(program.up("run-1"), act);

    let drift = Outcome::Paused(Pause::Drift(Drift::Raised));
    assert_eq!(life.ended().outcome, Some(drift));
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
    let calls = shop.calls("ModifyRule");
    assert!(calls.iter().all(|(at, _)| *at < 480.0), "{calls:?}");
}
