//! The way back.

use cutover_core::shift::facts::JournalRead;
use cutover_core::shift::journal::Mark;
use cutover_core::shift::records::read_journal;
use cutover_sim::CloudFault;
use cutover_sim::cloud::{What, When};

use super::bench::Bench;
use crate::Exit;

const ROLLBACK: &str = "rollback --zone Z0AB --name pay.example.com --yes";

#[tokio::test]
async fn sends_every_name_back_in_one_batch_and_says_the_timings() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 3).await;
    let before = bench.changes();

    let typed = bench.types(&format!("{ROLLBACK} --json")).await;

    assert_eq!(typed.exit, Exit::Done, "{typed:?}");
    assert_eq!(bench.weights().await, [100, 0, 100, 0]);
    assert_eq!(bench.changes() - before, 1);
    let json = typed.json();
    assert_eq!(json["outcome"], "insync");
    assert_eq!(json["acceptedMillis"], 40);
    assert!(
        json["insyncMillis"]
            .as_u64()
            .is_some_and(|millis| (30_000..40_000).contains(&millis)),
        "{json}"
    );
    assert_eq!(json["records"].as_array().map(Vec::len), Some(2));
    assert!(typed.err.contains("pending"), "{}", typed.err);
}

#[tokio::test]
async fn tells_the_next_run_of_the_shift_in_its_journal() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 3).await;

    bench.types(ROLLBACK).await;

    let sets = bench.sets().await;
    let journals: Vec<_> = sets.iter().filter(|set| set.record_type == "TXT").collect();
    let JournalRead::Entry(entry) = read_journal(&journals) else {
        panic!("{journals:?}")
    };
    assert_eq!(
        (entry.shift.as_str(), entry.seq, entry.mark),
        ("pay-1", 8, Mark::Back)
    );
    assert!(entry.run.as_str().starts_with("cli-"), "{entry:?}");
}

#[tokio::test]
async fn the_second_time_says_so_and_writes_nothing() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 3).await;
    bench.types(ROLLBACK).await;
    let before = bench.changes();

    let typed = bench.types(ROLLBACK).await;

    assert_eq!(typed.exit, Exit::Done);
    assert_eq!(bench.changes(), before);
    assert!(
        typed.out.contains("already at old, nothing was written"),
        "{}",
        typed.out
    );
}

#[tokio::test]
async fn says_that_a_live_run_may_go_on_when_everything_is_on_old_already() {
    let bench = Bench::with_journal(100, 0, Mark::Preparing, 3).await;

    let typed = bench.types(ROLLBACK).await;

    assert!(typed.out.contains("run ci-42"), "{}", typed.out);
}

#[tokio::test]
async fn without_a_journal_a_person_says_which_side_is_which() {
    let bench = Bench::at(10, 90).await;

    let unsaid = bench.types(ROLLBACK).await;
    let said = bench
        .types(&format!("{ROLLBACK} --old old-system --new new-system"))
        .await;

    assert_eq!(unsaid.exit, Exit::Usage);
    assert!(
        unsaid.err.contains("`new-system`, `old-system`"),
        "{}",
        unsaid.err
    );
    assert_eq!(said.exit, Exit::Done, "{said:?}");
    // The journal would have named the second one as well.
    assert_eq!(bench.weights().await, [100, 0, 10, 90]);
    assert!(bench.sets().await.iter().all(|set| set.record_type == "A"));
}

#[tokio::test]
async fn sides_that_the_journal_contradicts_are_refused() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 3).await;

    let typed = bench
        .types(&format!("{ROLLBACK} --old new-system --new old-system"))
        .await;

    assert_eq!(typed.exit, Exit::Usage);
    assert_eq!(bench.weights().await, [50, 50, 50, 50]);
}

#[tokio::test]
async fn asks_a_person_and_does_nothing_without_a_yes() {
    let mut bench = Bench::with_journal(50, 50, Mark::Going, 3).await;
    let unasked = ROLLBACK.trim_end_matches(" --yes");

    let nobody = bench.types(unasked).await;
    bench.answer = Some("y\n");
    let unsure = bench.types(unasked).await;
    let split = bench.weights().await;
    bench.answer = Some("yes\n");
    let sure = bench.types(unasked).await;

    assert_eq!(
        (nobody.exit, unsure.exit, sure.exit),
        (Exit::Usage, Exit::Usage, Exit::Done)
    );
    assert!(nobody.err.contains("--yes"), "{}", nobody.err);
    assert_eq!(split, [50, 50, 50, 50]);
    assert_eq!(bench.weights().await, [100, 0, 100, 0]);
}

#[tokio::test]
async fn is_tried_again_when_throttled_and_when_the_answer_is_lost() {
    for what in [What::Throttled, What::AnswerLost, What::Unavailable] {
        let bench = Bench::with_journal(50, 50, Mark::Going, 3).await;
        let first = bench.changes() + 1;
        let fault = CloudFault::nth("ChangeResourceRecordSets", first, 3, what.clone());
        bench.sim.cloud().script([fault]);

        let typed = bench.types(ROLLBACK).await;

        assert_eq!(typed.exit, Exit::Done, "{what:?}: {typed:?}");
        assert_eq!(bench.weights().await, [100, 0, 100, 0], "{what:?}");
    }
}

#[tokio::test]
async fn when_it_is_not_let_in_the_way_without_this_program_is_shown() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 3).await;
    bench.sim.cloud().script([CloudFault {
        operation: "ChangeResourceRecordSets",
        when: When::Always,
        what: What::Denied,
    }]);

    let typed = bench.types(ROLLBACK).await;

    assert_eq!(typed.exit, Exit::Failed);
    assert!(typed.err.contains("CUT-002"), "{}", typed.err);
    assert!(
        typed
            .err
            .contains("aws route53 change-resource-record-sets --hosted-zone-id Z0AB"),
        "{}",
        typed.err
    );
    assert!(
        typed.err.contains(r#""SetIdentifier":"old-system""#),
        "{}",
        typed.err
    );
}

#[tokio::test]
async fn what_is_not_seen_everywhere_in_time_is_a_finding() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 3).await;
    bench.sim.cloud().config.insync = None;

    let typed = bench.types(ROLLBACK).await;

    assert_eq!(typed.exit, Exit::Finding);
    assert!(typed.err.contains("CUT-188"), "{}", typed.err);
    assert_eq!(bench.weights().await, [100, 0, 100, 0]);
}
