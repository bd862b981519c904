//! Other runs, other stacks, and people who change the same records.

use cutover_core::shift::events::{Drift, Pause};
use cutover_sim::CloudFault;
use cutover_sim::cloud::{Rival, What};

use super::*;

/// The same records moved by another stack: another shift.
fn another(program: &Program) -> Program {
    let mut other = program.clone();
    "other-1".clone_into(&mut other.wish.id);
    Program::with_its_own_life(other)
}

/// The same shift run a second time beside the first.
fn again(program: &Program) -> Program {
    Program::with_its_own_life(program.clone())
}

fn runs(site: &Site, shop: &Shop) -> Vec<String> {
    let entries = journal(site, &shop.sim.cloud());
    let mut runs: Vec<_> = entries
        .iter()
        .map(|entry| entry.run.as_str().to_owned())
        .collect();
    runs.dedup();
    runs
}

/// F15
#[tokio::test(start_paused = true)]
async fn of_two_runs_one_moves_traffic_and_the_other_writes_nothing() {
    let (shop, site, program) = pay();
    let other = another(&program);
    let later = async {
        shop.wait(seconds(10)).await;
        other.up("run-b").await
    };

    let (first, second) = tokio::join!(program.up("run-a"), later);

    assert_eq!(first.ended().outcome, Some(Outcome::Completed));
    let Some(Outcome::Refused(problems)) = second.ended().outcome else {
        panic!("the second run was not refused")
    };
    assert_eq!(problems[0].code.0, 153);
    assert_eq!(runs(&site, &shop), ["run-a"]);
    assert_eq!(batches(&shop), journal(&site, &shop.sim.cloud()).len());
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
}

/// F15, F16
#[tokio::test(start_paused = true)]
async fn two_stacks_in_the_same_second_have_one_winner_and_a_batch_refused_whole() {
    let (shop, site, program) = pay();
    let other = another(&program);

    let (first, second) = tokio::join!(program.up("run-a"), other.up("run-b"));

    let outcomes = [
        first.ended().outcome.unwrap(),
        second.ended().outcome.unwrap(),
    ];
    let completed = outcomes.iter().filter(|one| **one == Outcome::Completed);
    assert_eq!(completed.count(), 1, "{outcomes:?}");
    let lost = outcomes
        .iter()
        .find(|one| **one != Outcome::Completed)
        .unwrap();
    let Outcome::NotHolder { run: Some(winner) } = lost else {
        panic!("{lost:?}")
    };
    let refused = shop.calls("ChangeResourceRecordSets");
    let refused: Vec<_> = refused.iter().filter_map(|(_, error)| *error).collect();
    assert_eq!(refused, ["InvalidChangeBatch"]);
    assert_eq!(runs(&site, &shop), [winner.as_str()]);
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
}

/// F17
#[tokio::test(start_paused = true)]
async fn who_loses_the_fence_in_mid_bake_stops_writing_and_leaves_the_other_alone() {
    let (shop, site, program) = pay();
    let thief = again(&program);
    // New breaks when both could go back for it.
    breaks(&shop, Side::New, minutes(9));
    let later = async {
        shop.wait(minutes(8)).await;
        thief.up("run-b").await
    };

    let (loser, holder) = tokio::join!(program.up("run-a"), later);
    let (loser, holder) = (loser.ended(), holder.ended());

    let run = Some("run-b".to_owned());
    assert_eq!(loser.outcome, Some(Outcome::NotHolder { run }));
    assert!(!told(&loser, "rollback"), "{:?}", loser.shift.events());
    assert!(matches!(holder.outcome, Some(Outcome::RolledBack { .. })));
    assert_eq!(runs(&site, &shop), ["run-a", "run-b"]);
    assert_eq!(site.pairs(&shop.sim.cloud()), BACK);
}

/// F18
#[tokio::test(start_paused = true)]
async fn a_fence_left_behind_is_taken_at_once_by_the_same_shift() {
    let (shop, site, program) = pay();
    let death = program.killed_after("ChangeResourceRecordSets", 1);
    shop.sim.cloud().script([death]);
    assert!(matches!(program.up("run-a").await, Life::Died));
    let began = shop.clock.now();

    let same = again(&program).up("run-b").await.ended();

    let taken = when(&shop, &same, "fence taken from run run-a").unwrap();
    assert!(taken - began.since(shop.start).as_secs_f64() < 2.0);
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
}

/// F18
#[tokio::test(start_paused = true)]
async fn a_fence_left_behind_is_taken_by_another_shift_after_three_missed_heartbeats() {
    let (shop, site, program) = pay();
    let death = program.killed_after("ChangeResourceRecordSets", 1);
    shop.sim.cloud().script([death]);
    assert!(matches!(program.up("run-a").await, Life::Died));

    shop.wait(minutes(14)).await;
    let early = another(&program).up("run-b").await.ended();
    shop.wait(minutes(16)).await;
    let late = another(&program).up("run-c").await.ended();

    assert!(matches!(early.outcome, Some(Outcome::Refused(_))));
    assert!(told(&late, "fence taken from run run-a"));
    assert_eq!(late.outcome, Some(Outcome::Completed));
    assert_eq!(site.pairs(&shop.sim.cloud()), WHOLE);
}

/// Conducts the boring shift while somebody writes other weights.
async fn while_somebody(
    at: Duration,
    old: u64,
    new: u64,
) -> (Shop, Site, Program, Conducted<std::convert::Infallible>) {
    let (shop, site, program) = pay();
    let act = shop.then(at, |cloud, now| site.reweigh(cloud, now, old, new));
    let (life, ()) = tokio::join!(program.up("run-1"), act);
    (shop.clone(), site.clone(), program, life.ended())
}

/// F19
#[tokio::test(start_paused = true)]
async fn a_share_that_a_person_raises_pauses_and_stays() {
    let (shop, site, _, conducted) = while_somebody(minutes(8), 50, 50).await;

    let drift = Outcome::Paused(Pause::Drift(Drift::Raised));
    assert_eq!(conducted.outcome, Some(drift));
    let seen = when(&shop, &conducted, "paused: Drift").unwrap();
    assert!(seen <= 8.0 * 60.0 + 61.0, "{seen}");
    assert_eq!(
        site.pairs(&shop.sim.cloud()),
        [(100, 0), (90, 10), (50, 50)]
    );
    let subjects = subjects(&shop);
    assert!(
        subjects.iter().any(|it| it.contains("Drift")),
        "{subjects:?}"
    );
}

/// F20
#[tokio::test(start_paused = true)]
async fn a_person_who_sends_everything_back_ends_it_and_is_not_overruled() {
    let (shop, site, program, conducted) = while_somebody(minutes(8), 100, 0).await;

    assert!(matches!(
        conducted.outcome,
        Some(Outcome::RolledBack { external: true, .. })
    ));
    let again = program.up("run-2").await.ended();
    assert!(matches!(
        again.outcome,
        Some(Outcome::RolledBack { known: true, .. })
    ));
    assert_eq!(site.pairs(&shop.sim.cloud()), BACK);
}

/// F21
#[tokio::test(start_paused = true)]
async fn an_edit_between_look_and_change_makes_the_whole_batch_refused() {
    let (shop, site, program) = pay();
    let person = site.clone();
    let edit = Rival::new(move |cloud, now| person.reweigh(cloud, now, 80, 20));
    let fault = CloudFault::nth("ChangeResourceRecordSets", 2, 1, What::Rival(edit));
    shop.sim.cloud().script([fault]);

    let conducted = program.up("run-1").await.ended();

    let drift = Outcome::Paused(Pause::Drift(Drift::Raised));
    assert_eq!(conducted.outcome, Some(drift));
    assert_eq!(site.pairs(&shop.sim.cloud()), [(100, 0), (80, 20)]);
    // Neither the weights nor the journal of the refused batch are there.
    let entries = journal(&site, &shop.sim.cloud()).len();
    assert_eq!(entries, batches(&shop));
}

fn remove_new(site: &Site, cloud: &mut Cloud, now: Timestamp) {
    let gone = ["A", "AAAA"].map(|of| site.member(of, Side::New, 10));
    site.remove(cloud, now, &gone);
}

/// F22
#[tokio::test(start_paused = true)]
async fn a_deleted_record_of_new_pauses_on_the_way_forward() {
    let (shop, site, program) = pay();
    let act = shop.then(minutes(8), |cloud, now| remove_new(&site, cloud, now));
    let (life, ()) = tokio::join!(program.up("run-1"), act);

    let drift = Outcome::Paused(Pause::Drift(Drift::Removed));
    assert_eq!(life.ended().outcome, Some(drift));
    assert!(is_old(&shop, &site, shop.at(minutes(10))));
}

/// F22
#[tokio::test(start_paused = true)]
async fn a_deleted_record_of_new_does_not_stop_the_way_back() {
    let (shop, site, program) = pay();
    breaks(&shop, Side::New, minutes(6));
    let act = shop.then(minutes(7) + seconds(40), |cloud, now| {
        remove_new(&site, cloud, now);
    });
    let (life, ()) = tokio::join!(program.up("run-1"), act);
    let conducted = life.ended();

    assert!(matches!(
        conducted.outcome,
        Some(Outcome::RolledBack { .. })
    ));
    assert_eq!(site.pairs(&shop.sim.cloud()).last(), Some(&(100, 0)));
    assert!(is_old(&shop, &site, shop.clock.now()));
}
