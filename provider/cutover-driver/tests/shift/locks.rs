//! The fence of a listener rule in a table.

use std::convert::Infallible;

use cutover_core::shift::events::{Drift, Pause};
use cutover_core::shift::journal::{Mark, RunId};
use cutover_core::shift::locks::KEY;
use cutover_core::shift::spec::HEARTBEAT_OF_TABLE;
use cutover_sim::CloudFault;
use cutover_sim::cloud::{Attribute, Item, PutItem, Rival, What};

use super::*;

const TABLE: &str = "cutover-locks";

/// A shop behind a rule, and the program that moves it with its fence in a table.
fn pay_locked() -> (Shop, Site, Program) {
    let (shop, site, program) = without_table();
    shop.sim.cloud().create_table(TABLE, KEY);
    (shop, site, program)
}

fn without_table() -> (Shop, Site, Program) {
    let (shop, site, mut program) = over(Site::behind_a_rule());
    program.wish.policy.lock_table = Some(TABLE.to_owned());
    program.wish.policy.heartbeat = HEARTBEAT_OF_TABLE;
    (shop, site, program)
}

fn another(program: &Program) -> Program {
    let mut other = program.clone();
    "other-1".clone_into(&mut other.wish.id);
    Program::with_its_own_life(other)
}

fn key(site: &Site) -> Item {
    let arn = site.rule_arn.clone().unwrap();
    Item::from([(KEY.to_owned(), Attribute::Text(arn))])
}

/// Reads the entry in the table.
fn held(shop: &Shop, site: &Site) -> Entry {
    let now = shop.clock.now();
    let mut cloud = shop.sim.cloud();
    let item = cloud.by_others(|cloud| cloud.get_item(now, TABLE, &key(site)));
    let item = item.unwrap().unwrap();
    let Some(Attribute::Text(text)) = item.get("journal") else {
        panic!("{item:?}")
    };
    Entry::decode(text).unwrap()
}

/// Writes an entry as another run of whichever shift.
fn steal(cloud: &mut Cloud, now: Timestamp, site: &Site, shift: &str) {
    let item = cloud.by_others(|cloud| cloud.get_item(now, TABLE, &key(site)));
    let item = item.unwrap().unwrap();
    let Some(Attribute::Text(text)) = item.get("journal") else {
        panic!("{item:?}")
    };
    let before = Entry::decode(text).unwrap();
    let entry = Entry {
        shift: shift.to_owned(),
        run: RunId::new("thief"),
        seq: before.seq + 1,
        at: now,
        ..before
    };
    let mut item = key(site);
    item.insert("journal".to_owned(), Attribute::Text(entry.encode()));
    let input = PutItem {
        table: TABLE.to_owned(),
        item,
        condition: None,
    };
    cloud
        .by_others(|cloud| cloud.put_item(now, &input))
        .unwrap();
}

/// Gives the groups of the rule other weights, as a deployment of somebody else does.
fn reweigh(cloud: &mut Cloud, now: Timestamp, site: &Site, old: u64, new: u64) {
    let arn = site.rule_arn.clone().unwrap();
    cloud.by_others(|cloud| {
        let arns = std::slice::from_ref(&arn);
        let mut rule = cloud.describe_rules(now, arns).unwrap().remove(0);
        let forward = rule.actions[0].forward.as_mut().unwrap();
        for group in &mut forward.groups {
            let is_new = group.arn == Site::group_arn(Side::New);
            group.weight = Some(if is_new { new } else { old });
        }
        let changed = cloud.modify_rule(now, &arn, Some(&rule.actions), None);
        changed.unwrap();
    });
}

/// Returns how often an operation has taken effect.
fn done(shop: &Shop, operation: &str) -> usize {
    let calls = shop.calls(operation);
    calls.iter().filter(|(_, error)| error.is_none()).count()
}

fn outcome(life: Life<Infallible>) -> Outcome {
    life.ended().outcome.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_rule_is_moved_with_its_journal_in_the_table() {
    let (shop, site, program) = pay_locked();

    let conducted = program.up("run-a").await.ended();

    assert_eq!(conducted.outcome, Some(Outcome::Completed));
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
    let entry = held(&shop, &site);
    assert_eq!(entry.mark, Mark::Completed);
    // Every number was written once, and the tag was set at the beginning and at the end.
    assert_eq!(usize::try_from(entry.seq).unwrap(), done(&shop, "PutItem"));
    assert_eq!(done(&shop, "AddTags"), 2);
    // Renewed every half minute for some forty minutes.
    assert!(entry.seq >= 40, "{}", entry.seq);
}

/// F15, F16
#[tokio::test(start_paused = true)]
async fn two_stacks_in_the_same_second_have_one_winner_and_the_other_writes_nothing() {
    let (shop, site, program) = pay_locked();
    let other = another(&program);

    let (first, second) = tokio::join!(program.up("run-a"), other.up("run-b"));

    let outcomes = [outcome(first), outcome(second)];
    let completed = outcomes.iter().filter(|one| **one == Outcome::Completed);
    assert_eq!(completed.count(), 1, "{outcomes:?}");
    let lost = outcomes.iter().find(|one| **one != Outcome::Completed);
    let Some(Outcome::NotHolder { run: Some(winner) }) = lost else {
        panic!("{lost:?}")
    };
    assert_eq!(held(&shop, &site).run.as_str(), winner);
    let refused: Vec<_> = shop
        .calls("PutItem")
        .iter()
        .filter_map(|(_, error)| *error)
        .collect();
    assert_eq!(refused, ["ConditionalCheckFailedException"]);
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
    assert_eq!(done(&shop, "AddTags"), 2);
}

/// F15
#[tokio::test(start_paused = true)]
async fn who_comes_later_is_refused_before_any_write() {
    let (shop, site, program) = pay_locked();
    let other = another(&program);
    let later = async {
        shop.wait(seconds(10)).await;
        other.up("run-b").await
    };

    let (first, second) = tokio::join!(program.up("run-a"), later);

    assert_eq!(outcome(first), Outcome::Completed);
    let Outcome::Refused(problems) = outcome(second) else {
        panic!("the second run was not refused")
    };
    assert_eq!(problems[0].code.0, 153);
    let seq = usize::try_from(held(&shop, &site).seq).unwrap();
    assert_eq!(seq, shop.calls("PutItem").len());
}

/// F15
#[tokio::test(start_paused = true)]
async fn a_run_without_the_table_is_refused_while_one_with_it_is_under_way() {
    let (shop, _, program) = pay_locked();
    let mut other = another(&program);
    other.wish.policy.lock_table = None;
    let later = async {
        shop.wait(minutes(5)).await;
        other.up("run-b").await
    };

    let (first, second) = tokio::join!(program.up("run-a"), later);

    assert_eq!(outcome(first), Outcome::Completed);
    let Outcome::Refused(problems) = outcome(second) else {
        panic!("the second run was not refused")
    };
    assert_eq!(problems[0].code.0, 152);
    assert_eq!(done(&shop, "AddTags"), 2);
}

/// F8
#[tokio::test(start_paused = true)]
async fn a_step_that_was_announced_before_a_kill_is_made_by_the_next_run() {
    for occurrence in [1, 2, 3] {
        let (shop, site, program) = pay_locked();
        let death = program.killed_after("PutItem", occurrence);
        shop.sim.cloud().script([death]);
        assert!(matches!(program.up("run-1").await, Life::Died));

        let again = Program::with_its_own_life(program.clone());
        let second = again.up("run-2").await.ended();

        assert_eq!(second.outcome, Some(Outcome::Completed), "{occurrence}");
        assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE, "{occurrence}");
        assert!(told(&second, "fence taken from run run-1"), "{occurrence}");
    }
}

/// F17
#[tokio::test(start_paused = true)]
async fn who_loses_the_fence_in_mid_bake_stops_writing() {
    let (shop, site, program) = pay_locked();
    // New breaks when a run that does not know of its loss would go back for it.
    breaks(&shop, Side::New, minutes(9));
    let theft = shop.then(minutes(8), |cloud, now| steal(cloud, now, &site, "pay-1"));

    let (loser, ()) = tokio::join!(program.up("run-a"), theft);
    let loser = loser.ended();

    let run = Some("thief".to_owned());
    assert_eq!(loser.outcome, Some(Outcome::NotHolder { run }));
    assert!(!told(&loser, "rollback"), "{:?}", loser.shift.events());
    assert_eq!(site.pairs(&shop.sim.cloud()), [(100, 0), (90, 10)]);
    assert_eq!(held(&shop, &site).run.as_str(), "thief");
}

/// F17
#[tokio::test(start_paused = true)]
async fn a_fence_stolen_between_look_and_write_is_noticed_by_the_condition() {
    let (shop, site, program) = pay_locked();
    let thief = site.clone();
    let theft = Rival::new(move |cloud, now| steal(cloud, now, &thief, "other-1"));
    // The first write takes the fence; the second announces the first step.
    let fault = CloudFault::nth("PutItem", 2, 1, What::Rival(theft));
    shop.sim.cloud().script([fault]);

    let outcome = outcome(program.up("run-a").await);

    let run = Some("thief".to_owned());
    assert_eq!(outcome, Outcome::NotHolder { run });
    assert_eq!(site.pairs(&shop.sim.cloud()), [(100, 0)]);
}

/// F18
#[tokio::test(start_paused = true)]
async fn a_fence_left_behind_is_free_after_three_missed_heartbeats_of_half_a_minute() {
    let (shop, site, program) = pay_locked();
    let death = program.killed_after("PutItem", 1);
    shop.sim.cloud().script([death]);
    assert!(matches!(program.up("run-a").await, Life::Died));

    shop.wait(seconds(80)).await;
    let early = outcome(another(&program).up("run-b").await);
    shop.wait(seconds(95)).await;
    let late = another(&program).up("run-c").await.ended();

    assert!(matches!(early, Outcome::Refused(_)), "{early:?}");
    assert!(told(&late, "fence taken from run run-a"));
    assert_eq!(late.outcome, Some(Outcome::Completed));
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_throttled_for_a_while_delays_and_a_lost_answer_is_looked_after() {
    let (shop, site, program) = pay_locked();
    shop.sim.cloud().script([
        CloudFault::nth("PutItem", 1, 3, What::Throttled),
        CloudFault::nth("PutItem", 5, 1, What::AnswerLost),
        CloudFault::nth("GetItem", 4, 2, What::Broken),
    ]);

    let outcome = outcome(program.up("run-a").await);

    assert_eq!(outcome, Outcome::Completed);
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
}

#[tokio::test(start_paused = true)]
async fn without_the_table_nothing_is_written_and_the_command_that_makes_it_is_told() {
    let (shop, _, program) = without_table();

    let Outcome::Refused(problems) = outcome(program.up("run-a").await) else {
        panic!("it was not refused")
    };

    let message = &problems[0].message;
    assert!(message.contains("aws dynamodb create-table --table-name cutover-locks"));
    for operation in ["PutItem", "AddTags", "ModifyRule"] {
        assert_eq!(shop.calls(operation).len(), 0, "{operation}");
    }
}

/// F69
#[tokio::test(start_paused = true)]
async fn a_throttled_rule_is_changed_once_it_can_be_and_a_deleted_one_leaves_it_stuck() {
    let (shop, site, program) = pay_locked();
    shop.sim
        .cloud()
        .script([CloudFault::nth("ModifyRule", 2, 2, What::Throttled)]);
    assert_eq!(outcome(program.up("run-a").await), Outcome::Completed);
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);

    let (shop, site, program) = pay_locked();
    breaks(&shop, Side::New, minutes(6));
    let arn = site.rule_arn.clone().unwrap();
    let deleted = shop.then(minutes(7), move |cloud, _| cloud.delete_rule(&arn));
    let (life, ()) = tokio::join!(program.up("run-b"), deleted);
    assert!(matches!(outcome(life), Outcome::Stuck(_)));
}

/// F70
#[tokio::test(start_paused = true)]
async fn a_deployment_that_rewrites_the_rule_in_mid_shift_is_drift_and_stays() {
    let (shop, site, program) = pay_locked();
    let rewrite = shop.then(minutes(8), |cloud, now| {
        reweigh(cloud, now, &site, 40, 60);
    });

    let (life, ()) = tokio::join!(program.up("run-a"), rewrite);

    let drift = Outcome::Paused(Pause::Drift(Drift::Raised));
    assert_eq!(outcome(life), drift);
    assert_eq!(site.pairs(&shop.sim.cloud()).last(), Some(&(40, 60)));
}

#[tokio::test(start_paused = true)]
async fn traffic_goes_back_in_time_although_the_table_is_gone() {
    let (shop, _, program) = pay_locked();
    breaks(&shop, Side::New, minutes(6));
    let clean = program.up("run-1").await.ended();
    let in_time = when(&shop, &clean, "rollback accepted").unwrap();

    let (shop, site, program) = pay_locked();
    breaks(&shop, Side::New, minutes(6));
    let gone = shop.then(minutes(6), |cloud, _| cloud.delete_table(TABLE));
    let (life, ()) = tokio::join!(program.up("run-1"), gone);
    let conducted = life.ended();

    assert_eq!(site.pairs(&shop.sim.cloud()), BACK);
    assert!(matches!(
        conducted.outcome,
        Some(Outcome::RolledBack { .. })
    ));
    let accepted = when(&shop, &conducted, "rollback accepted").unwrap();
    assert!((accepted - in_time).abs() < 2.0, "{accepted} {in_time}");
}
