//! The way back: `rollback --zone --name`.

use std::time::Duration;

use cutover_core::shift::facts::JournalRead;
use cutover_core::shift::journal::Mark;
use cutover_local_aws::Options;
use cutover_sim::CloudFault;
use cutover_sim::cloud::{What, When};

use crate::world::{NAMES, World, put_journal, put_weights, quick};

const ROLLBACK: &str = "rollback --zone Z0PAY --name pay.example.com --yes";
const CHANGE: &str = "ChangeResourceRecordSets";

async fn a_split() -> World {
    World::split(90, 10, Mark::Going, Duration::from_mins(2)).await
}

fn always(operation: &'static str, what: What) -> CloudFault {
    CloudFault {
        operation,
        when: When::Always,
        what,
    }
}

#[tokio::test]
async fn every_name_and_type_goes_back_in_one_batch_and_is_waited_for() {
    let world = a_split().await;

    let typed = world.types(ROLLBACK).await.exits(0);

    assert_eq!(world.calls(CHANGE), [None]);
    assert_eq!(world.weights(), [(100, 0); 4]);
    let mut accepted: Vec<_> = NAMES
        .iter()
        .flat_map(|name| ["A", "AAAA"].map(|kind| world.history(name, kind)))
        .map(|history| {
            let [.., (_, before), (at, _)] = history.as_slice() else {
                panic!("{history:?}")
            };
            assert_eq!(*before, (90, 10));
            *at
        })
        .collect();
    accepted.dedup();
    assert_eq!(accepted.len(), 1, "all of it at one moment");
    assert!(typed.out.contains("back on old"), "{}", typed.out);
    assert!(typed.out.contains("INSYNC"), "{}", typed.out);
    assert!(typed.err.contains("accepted after"), "{}", typed.err);
}

#[tokio::test]
async fn the_journal_tells_the_next_run_that_it_was_sent_back() {
    let world = a_split().await;

    world.types(ROLLBACK).await.exits(0);

    let JournalRead::Entry(entry) = world.journal() else {
        panic!("{:?}", world.journal())
    };
    assert_eq!((entry.seq, entry.mark), (8, Mark::Back));
    assert!(entry.run.as_str().starts_with("cli-"), "{entry:?}");
}

#[tokio::test]
async fn the_second_time_nothing_is_written() {
    let world = a_split().await;
    world.types(ROLLBACK).await.exits(0);

    let typed = world.types(&format!("{ROLLBACK} --json")).await.exits(0);

    assert_eq!(world.changes(), 1);
    assert_eq!(typed.json()["outcome"], "alreadyBack");
    let typed = world.types(ROLLBACK).await.exits(0);
    assert!(
        typed.out.contains("already at old, nothing was written"),
        "{}",
        typed.out
    );
    assert!(
        !typed.out.contains("may go on"),
        "it warns of itself: {}",
        typed.out
    );
}

#[tokio::test]
async fn without_a_journal_somebody_says_which_side_is_which() {
    let world = World::with(quick(), Options::default(), |cloud, now| {
        put_weights(cloud, now, 90, 10);
    })
    .await;

    let unsaid = world.types(ROLLBACK).await.exits(2);
    unsaid.complains(&["CUT-180", "`new-system`, `old-system`"]);
    assert_eq!(world.changes(), 0);

    let said = format!("{ROLLBACK} --old old-system --new new-system");
    world.types(&said).await.exits(0);

    // Nothing tells that the other name belongs to it.
    let back = [(100, 0), (100, 0), (90, 10), (90, 10)];
    assert_eq!(world.weights(), back);
    assert_eq!(world.journal(), JournalRead::Absent);
}

#[tokio::test]
async fn a_throttled_change_is_made_again_until_it_is_accepted() {
    let world = a_split().await;
    let fault = CloudFault::nth(CHANGE, 1, 4, What::Throttled);
    world.aws.cloud().script([fault]);

    world.types(ROLLBACK).await.exits(0);

    let served: Vec<_> = world.calls(CHANGE).into_iter().skip(4).collect();
    assert_eq!(served, [None]);
    assert_eq!(world.weights(), [(100, 0); 4]);
}

#[tokio::test]
async fn an_answer_that_was_lost_does_not_keep_anything_on_new() {
    let world = a_split().await;
    let fault = CloudFault::nth(CHANGE, 1, 1, What::AnswerLost);
    world.aws.cloud().script([fault]);

    world.types(ROLLBACK).await.exits(0);

    assert_eq!(world.weights(), [(100, 0); 4]);
    assert_eq!(
        world.history(NAMES[0], "A").len(),
        3,
        "{:?}",
        world.history(NAMES[0], "A")
    );
}

#[tokio::test]
async fn a_refused_change_is_told_with_the_line_that_does_it_without_this_program() {
    for what in [
        What::Refused(
            "InvalidChangeBatch",
            "the record is managed by another service",
        ),
        What::Denied,
    ] {
        let world = a_split().await;
        world.aws.cloud().script([always(CHANGE, what)]);

        let typed = world.types(ROLLBACK).await.exits(3);

        typed.complains(&[
            "aws route53 change-resource-record-sets --hosted-zone-id Z0PAY --change-batch '{",
            "\"SetIdentifier\":\"old-system\"",
            "\"Weight\":100",
            "_cutover.pay.example.com",
        ]);
        assert_eq!(typed.out, "");
        assert_eq!(world.weights(), [(90, 10); 4]);
    }
}

#[tokio::test]
async fn without_a_terminal_and_without_yes_nothing_is_written() {
    let world = a_split().await;

    let typed = world
        .types("rollback --zone Z0PAY --name pay.example.com")
        .await
        .exits(2);

    typed.complains(&["CUT-185", "--yes"]);
    assert_eq!(world.changes(), 0);
}

#[tokio::test]
async fn ctrl_c_while_waiting_leaves_the_change_and_says_so() {
    let mut config = quick();
    config.insync = None;
    let world = World::with(config, Options::default(), |cloud, now| {
        put_journal(cloud, now, Mark::Going, Duration::ZERO);
        put_weights(cloud, now, 90, 10);
    })
    .await;
    let mut running = world.begins(ROLLBACK);
    running.says("pending").await;

    running.interrupt().await;

    let typed = running.ended().await.exits(1);
    typed.complains(&["CUT-188", "was accepted"]);
    assert!(typed.out.contains("written"), "{}", typed.out);
    assert_eq!(world.weights(), [(100, 0); 4]);
}

#[tokio::test]
async fn a_change_that_stays_pending_is_a_finding_after_the_timeout() {
    let mut config = quick();
    config.insync = None;
    let world = World::with(config, Options::default(), |cloud, now| {
        put_journal(cloud, now, Mark::Going, Duration::ZERO);
        put_weights(cloud, now, 90, 10);
    })
    .await;

    let typed = world.types(&format!("{ROLLBACK} --timeout 1s")).await;

    typed.exits(1).complains(&["CUT-188", "cutover verify"]);
    assert_eq!(world.weights(), [(100, 0); 4]);
}
