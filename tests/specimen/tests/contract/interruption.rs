//! Long operations that are cancelled, run out of time, lose their engine, or are asked for twice.

use std::time::{Duration, Instant};

use pulumi_testkit::{Failure, Harness, InitFailed, Stored, Subject, until};
use pulumi_value::PropertyMap;
use tokio::task::JoinHandle;
use tonic::Code;

use super::given::{Journal, ROLLOUT, a_specimen, number};

fn creating(rollout: &Subject, inputs: &PropertyMap) -> JoinHandle<Result<Stored, Failure>> {
    let (rollout, inputs) = (rollout.clone(), inputs.clone());
    tokio::spawn(async move { rollout.create(&inputs).await })
}

async fn ended<T>(call: JoinHandle<Result<T, Failure>>) -> Result<T, Failure> {
    call.await.expect("the call does not panic")
}

/// What the engine stores of an unfinished resource.
fn stored(unfinished: &InitFailed, inputs: &PropertyMap) -> Stored {
    Stored {
        id: unfinished.id.clone(),
        inputs: inputs.clone(),
        outputs: unfinished.outputs.clone(),
    }
}

async fn next_run<A: Send + Sync + 'static>(specimen: &Harness<A>) {
    specimen
        .client
        .handshake(specimen.engine.address())
        .await
        .expect("a handshake");
    specimen
        .client
        .configure(PropertyMap::new())
        .await
        .expect("a configuration");
}

/// Begins a rollout and cancels it after a few steps.
async fn interrupted<A: Send + Sync + 'static>(
    specimen: &Harness<A>,
    journal: &Journal,
    inputs: &PropertyMap,
) -> InitFailed {
    let creation = creating(&specimen.resource(ROLLOUT, "a"), inputs);
    journal.reaches(2).await;
    let began = Instant::now();
    specimen.client.cancel().await.expect("a cancel");
    let unfinished = ended(creation)
        .await
        .expect_err("it was interrupted")
        .unfinished();
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    unfinished
}

#[tokio::test]
async fn an_interrupted_creation_returns_what_was_observed_and_says_how_to_go_on() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());

    let unfinished = interrupted(&specimen, &journal, &journal.rollout(100, 10)).await;

    assert_eq!(unfinished.id, journal.id());
    let done = number(&unfinished.outputs, "done");
    assert_eq!(done, journal.done(), "what is saved is what is");
    assert_eq!(journal.steps(), done);
    assert!(done < 100);
    assert_eq!(
        unfinished.outputs["target"],
        "oak".into(),
        "the inputs are in the outputs"
    );
    let [reason] = unfinished.reasons.as_slice() else {
        panic!("one reason: {:?}", unfinished.reasons)
    };
    assert!(
        reason.contains("interrupted") && reason.contains("run `pulumi up` to continue"),
        "{reason}"
    );
    assert!(
        unfinished.refresh_before_update,
        "the next run looks before it plans"
    );
}

#[tokio::test]
async fn the_next_run_says_why_it_updates_and_goes_on_where_the_last_one_stopped() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let inputs = journal.rollout(20, 10);
    let left = stored(&interrupted(&specimen, &journal, &inputs).await, &inputs);
    let rollout = specimen.resource(ROLLOUT, "a");
    next_run(&specimen).await;

    // A refresh keeps what it knows about the interruption.
    let refreshed = rollout
        .read(&left)
        .await
        .expect_err("it is not finished")
        .unfinished();
    assert_eq!(
        (refreshed.inputs.clone(), refreshed.outputs.clone()),
        (inputs.clone(), left.outputs.clone())
    );
    assert!(refreshed.refresh_before_update);
    let difference = rollout.diff(&left, &inputs).await.expect("a difference");
    assert!(
        !difference.detailed["done"].1,
        "it is a difference of what is, and not of what is asked for"
    );
    assert_eq!(difference.replaces, [""; 0]);
    rollout
        .preview_update(&left, &inputs)
        .await
        .expect("a preview");
    let logs = specimen.engine.logs();
    assert!(
        logs.iter()
            .any(|line| line.message.starts_with("resuming") && !line.ephemeral),
        "{logs:?}"
    );

    let finished = rollout
        .update(&left, &inputs)
        .await
        .expect("the rest of it");

    assert_eq!(number(&finished.outputs, "done"), 20);
    assert_eq!(
        (journal.begun(), journal.steps()),
        (1, 20),
        "nothing was done twice"
    );
    assert_eq!(
        rollout.read(&finished).await.expect("a refresh"),
        Some(finished.clone())
    );
    assert!(
        rollout
            .diff(&finished, &inputs)
            .await
            .expect("a difference")
            .is_none()
    );
}

#[tokio::test]
async fn an_operation_that_runs_out_of_time_names_the_option_that_gives_it_more() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");

    let result = rollout
        .create_within(&journal.rollout(1000, 10), Duration::from_millis(100))
        .await;

    let unfinished = result.expect_err("it takes ten seconds").unfinished();
    assert_eq!(number(&unfinished.outputs, "done"), journal.done());
    let reason = &unfinished.reasons[0];
    assert!(
        reason.contains("not finished within 0.1 s") && reason.contains("`customTimeouts.create`"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_interrupted_update_keeps_the_old_inputs_so_that_the_difference_stays() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");
    let old = rollout
        .create(&journal.rollout(2, 1))
        .await
        .expect("a rollout");
    let news = journal.rollout(200, 10);

    let (subject, stored_before, wish) = (rollout.clone(), old.clone(), news.clone());
    let update = tokio::spawn(async move { subject.update(&stored_before, &wish).await });
    journal.reaches(5).await;
    specimen.client.cancel().await.expect("a cancel");
    let unfinished = ended(update)
        .await
        .expect_err("it was interrupted")
        .unfinished();

    assert_eq!(number(&unfinished.outputs, "done"), journal.done());
    assert_eq!(
        unfinished.outputs["steps"], old.inputs["steps"],
        "what was asked for before"
    );
    let left = stored(&unfinished, &old.inputs);
    let difference = rollout.diff(&left, &news).await.expect("a difference");
    assert!(
        difference.diffs.contains(&"steps".to_owned()),
        "{difference:?}"
    );
}

#[tokio::test]
async fn after_a_cancel_nothing_new_is_begun() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");
    specimen.client.cancel().await.expect("a cancel");

    let refusal = rollout
        .create(&journal.rollout(2, 1))
        .await
        .expect_err("the run is over");

    assert_eq!(refusal.code, Code::Cancelled);
    assert_eq!(journal.events(), [""; 0]);
    next_run(&specimen).await;
    rollout
        .create(&journal.rollout(2, 1))
        .await
        .expect("another run");
}

#[tokio::test]
async fn a_second_creation_of_the_same_resource_is_refused_while_the_first_one_runs() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let (rollout, inputs) = (specimen.resource(ROLLOUT, "a"), journal.rollout(10, 10));
    let first = creating(&rollout, &inputs);
    journal.reaches(1).await;

    let refusal = rollout.create(&inputs).await.expect_err("one is enough");

    assert_eq!(refusal.code, Code::Aborted);
    assert!(
        refusal.message.contains("still running"),
        "{}",
        refusal.message
    );
    assert!(
        refusal.message.contains(rollout.urn().as_str()),
        "{}",
        refusal.message
    );
    ended(first)
        .await
        .expect("the first one goes on undisturbed");
    assert_eq!((journal.begun(), journal.steps()), (1, 10));
}

#[tokio::test]
async fn a_creation_that_is_asked_for_again_adopts_what_the_first_one_left() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let (rollout, inputs) = (specimen.resource(ROLLOUT, "a"), journal.rollout(20, 5));
    let short = Duration::from_millis(30);
    rollout
        .create_within(&inputs, short)
        .await
        .expect_err("it takes longer")
        .unfinished();

    let stored = rollout.create(&inputs).await.expect("the rest of it");

    assert_eq!(stored.id, journal.id());
    assert_eq!((journal.begun(), journal.steps()), (1, 20));
}

#[tokio::test]
async fn other_resources_and_other_ids_do_not_wait() {
    let (specimen, journal, other) = (a_specimen().await, Journal::empty(), Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");
    let old = rollout
        .create(&other.rollout(1, 1))
        .await
        .expect("the resource that is replaced");
    let first = creating(&rollout, &journal.rollout(1000, 10));
    journal.reaches(1).await;

    // The old one of the same URN can go while the new one comes.
    rollout.delete(&old).await.expect("a deletion");
    rollout
        .import(&journal.id())
        .await
        .expect_err("a look, which finds it unfinished")
        .unfinished();
    let another = Journal::empty();
    specimen
        .resource(ROLLOUT, "b")
        .create(&another.rollout(1, 1))
        .await
        .expect("another resource");

    specimen.client.cancel().await.expect("a cancel");
    ended(first).await.expect_err("it was interrupted");
}

#[tokio::test]
async fn an_operation_that_nobody_waits_for_comes_to_a_safe_point() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let engines_own = specimen.another_client().await;
    let creation = creating(
        &engines_own.resource(ROLLOUT, "a"),
        &journal.rollout(1000, 10),
    );
    journal.reaches(2).await;

    creation.abort();
    drop(engines_own);

    until("the operation to stop", || {
        (!specimen.service.is_changing()).then_some(())
    })
    .await;
    assert_eq!(journal.done(), journal.steps());
    assert!(journal.steps() < 1000);
    // Nothing holds the next one up.
    let inputs = journal.rollout(i32::try_from(journal.steps()).expect("few steps") + 1, 1);
    specimen
        .resource(ROLLOUT, "a")
        .create(&inputs)
        .await
        .expect("it is adopted");
    assert_eq!(journal.begun(), 1);
}
