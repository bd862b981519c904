//! What a provider says while it works.

use std::time::{Duration, Instant};

use pulumi_testkit::proto::LogSeverity;
use pulumi_testkit::{Gate, until};

use super::given::{Journal, NOTE, ROLLOUT, a_note, a_specimen};

#[tokio::test]
async fn what_was_said_has_arrived_when_the_answer_comes() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let gate = Gate::closed();
    let held = gate.clone();
    specimen.engine.on_log(move |_| {
        let gate = held.clone();
        async move { gate.passed().await }
    });
    let (rollout, inputs) = (specimen.resource(ROLLOUT, "a"), journal.rollout(1, 1));
    let creation = tokio::spawn(async move { rollout.create(&inputs).await });
    until("a message", || (gate.waiting() > 0).then_some(())).await;
    journal.reaches(1).await;

    assert!(!creation.is_finished(), "the last words were not heard yet");
    gate.open();
    creation
        .await
        .expect("the call does not panic")
        .expect("a rollout");

    let logs = specimen.engine.logs();
    assert_eq!(logs.len(), 2, "{logs:?}");
}

#[tokio::test]
async fn an_engine_that_does_not_listen_holds_nothing_up_for_long() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    specimen.engine.on_log(|_| std::future::pending());
    let began = Instant::now();

    specimen
        .resource(ROLLOUT, "a")
        .create(&journal.rollout(1, 1))
        .await
        .expect("a rollout");

    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn an_engine_that_has_gone_is_no_reason_to_fail() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    specimen.engine.vanish();

    specimen
        .resource(ROLLOUT, "a")
        .create(&journal.rollout(1, 1))
        .await
        .expect("a rollout");
}

#[tokio::test]
async fn permanent_lines_tell_the_story_and_status_lines_the_moment() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");

    rollout
        .create(&journal.rollout(3, 1))
        .await
        .expect("a rollout");

    let logs = specimen.engine.logs();
    assert!(logs.iter().all(|line| line.urn == rollout.urn().as_str()));
    assert!(
        logs.iter().all(|line| line.severity == LogSeverity::Info),
        "an error here would fail the run: {logs:?}"
    );
    let (status, story): (Vec<_>, Vec<_>) = logs.iter().partition(|line| line.ephemeral);
    let [first] = story.as_slice() else {
        panic!("one permanent line: {logs:?}")
    };
    assert!(
        first
            .message
            .contains(&format!("its id is `{}`", journal.id())),
        "for whoever has to import it"
    );
    let status: Vec<_> = status.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(status, ["step 1 of 3", "step 2 of 3", "step 3 of 3"]);
    assert!(status.iter().all(|line| line.len() <= 80));
}

#[tokio::test]
async fn a_resource_that_has_nothing_to_say_says_nothing() {
    let specimen = a_specimen().await;

    specimen
        .resource(NOTE, "a")
        .create(&a_note("a"))
        .await
        .expect("a note");

    assert_eq!(specimen.engine.logs(), []);
}
