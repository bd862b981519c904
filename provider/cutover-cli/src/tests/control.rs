//! The kill switch and the fence.

use std::time::Duration;

use cutover_core::shift::journal::Mark;
use cutover_sim::CloudFault;
use cutover_sim::cloud::{Change, ChangeAction, Rival, What};

use super::bench::{Bench, ZONE};
use crate::Exit;

const UNLOCK: &str = "unlock --zone Z0AB --name pay.example.com";

async fn with_switch(value: &str) -> Bench {
    let bench = Bench::new();
    let put = bench
        .here
        .traffic
        .parameters
        .put("/cutover/pay", value)
        .await;
    put.expect("is set");
    bench
}

async fn check(before: &str, line: &str, exit: Exit, after: &str) {
    let bench = with_switch(before).await;

    let typed = bench
        .types(&format!("{line} --parameter /cutover/pay"))
        .await;

    assert_eq!(typed.exit, exit, "{typed:?}");
    let value = bench.here.traffic.parameters.fetch("/cutover/pay").await;
    assert_eq!(value, Ok(Some(after.to_owned())));
}

#[tokio::test]
async fn the_switch_is_set_to_what_a_shift_reads() {
    check("run", "hold --reason freeze", Exit::Done, "hold: freeze").await;
    check("hold: freeze", "resume", Exit::Done, "run").await;
    check("run", "approve --step 2", Exit::Done, "approve: 2").await;
    check(
        "run",
        "rollback --reason slow",
        Exit::Done,
        "rollback: slow",
    )
    .await;
    check(
        "hold: freeze",
        "approve --step 2 --force",
        Exit::Done,
        "approve: 2",
    )
    .await;
}

#[tokio::test]
async fn what_somebody_asked_for_is_not_undone_by_accident() {
    check("rollback: slow", "resume", Exit::Finding, "rollback: slow").await;
    check(
        "hold: freeze",
        "approve --step 2",
        Exit::Finding,
        "hold: freeze",
    )
    .await;
}

#[tokio::test]
async fn a_switch_that_nobody_reads_is_not_made() {
    let bench = Bench::new();

    let typed = bench.types("hold --parameter /cutover/pya").await;

    assert_eq!(typed.exit, Exit::Failed);
    assert!(typed.err.contains("CUT-186"), "{}", typed.err);
    assert_eq!(
        bench.here.traffic.parameters.fetch("/cutover/pya").await,
        Ok(None)
    );
}

#[tokio::test]
async fn the_fence_of_a_run_that_is_gone_is_taken_away() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 20).await;

    let typed = bench.types(&format!("{UNLOCK} --json")).await;

    assert_eq!(typed.exit, Exit::Done, "{typed:?}");
    assert_eq!(typed.json()["run"], "ci-42");
    assert!(bench.sets().await.iter().all(|set| set.record_type == "A"));
    assert_eq!(bench.weights().await, [50, 50, 50, 50]);
}

#[tokio::test]
async fn a_fence_that_is_held_is_taken_away_by_force_only() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 3).await;

    let held = bench.types(UNLOCK).await;
    let forced = bench.types(&format!("{UNLOCK} --force")).await;
    let free = bench.types(UNLOCK).await;

    assert_eq!(
        (held.exit, forced.exit, free.exit),
        (Exit::Finding, Exit::Done, Exit::Done)
    );
    assert!(
        held.err
            .contains("run `ci-42` of shift `pay-1` holds the fence, renewed 3 min"),
        "{}",
        held.err
    );
    assert!(free.out.contains("nobody holds a fence"), "{}", free.out);
}

#[tokio::test]
async fn a_fence_that_is_renewed_in_the_same_moment_stays() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 20).await;
    let renews = Rival::new(|cloud, now| {
        let journal = cloud
            .records(ZONE)
            .into_iter()
            .find(|set| set.record_type == "TXT");
        let mut journal = journal.expect("there is a journal");
        journal.values = vec!["\"renewed\"".to_owned()];
        let renewed = Change {
            action: ChangeAction::Upsert,
            set: journal,
        };
        cloud
            .by_others(|cloud| cloud.change_resource_record_sets(now, ZONE, &[renewed]))
            .expect("is accepted");
    });
    let next = bench.changes() + 1;
    bench.sim.cloud().script([CloudFault::nth(
        "ChangeResourceRecordSets",
        next,
        1,
        What::Rival(renews),
    )]);

    let typed = bench.types(UNLOCK).await;

    assert_eq!(typed.exit, Exit::Finding);
    assert!(typed.err.contains("CUT-190"), "{}", typed.err);
    assert!(
        bench
            .sets()
            .await
            .iter()
            .any(|set| set.record_type == "TXT")
    );
}

#[tokio::test]
async fn heartbeats_of_another_length_are_counted_by_it() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 3).await;
    bench.clock.pass(Duration::from_secs(1));

    let typed = bench.types(&format!("{UNLOCK} --heartbeat 1m")).await;

    assert_eq!(typed.exit, Exit::Done, "{typed:?}");
}
