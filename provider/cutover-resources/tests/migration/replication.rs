//! A replication from its creation to its end.

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::Side;
use serde_json::json;

use crate::given::{REPLICATION, SWITCH, TASK, at, given, map, replication, switch, text};

#[tokio::test]
async fn a_task_is_loaded_and_caught_up_and_the_target_is_closed_from_the_beginning() {
    let given = given().await;

    let stored = given.replicating().await;

    let outputs = &stored.outputs;
    assert_eq!(text(outputs, "phase"), "replicating");
    assert_eq!(text(outputs, "status"), "running");
    assert!(at(outputs, "loadPercent") == pulumi_value::Value::Number(100.0));
    assert!(!text(outputs, "caughtUpAt").is_empty());
    assert!(!given.writers.pay(Side::Target, 99), "the target is closed");
    assert!(given.writers.pay(Side::Source, 11), "the source is open");
    given.said("applications cannot write to it from now on");
    assert_eq!(given.drift(REPLICATION, &stored).await, [""; 0]);
    assert_eq!(given.writers.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_preview_reaches_nothing_and_says_what_would_be_done() {
    let given = given().await;

    let checked = given
        .resource(REPLICATION)
        .check(&map(&replication(json!({}))))
        .await;
    let inputs = checked.expect("an answer").accepted();
    given
        .resource(REPLICATION)
        .preview_create(&inputs)
        .await
        .expect("a preview");

    given.said("wait until the lag is below 10 s");
    given.said("close 1 tables of the target to applications");
    assert_eq!(given.writers.calls(), []);
    assert_eq!(given.status(TASK).await, "ready");
}

#[tokio::test]
async fn inputs_that_cannot_be_kept_are_refused_in_their_places() {
    let given = given().await;
    let inputs = replication(json!({ "taskArn": "forth", "poll": "1ms" }));
    let checked = given
        .resource(REPLICATION)
        .check(&map(&inputs))
        .await
        .expect("an answer");

    let places: Vec<_> = checked
        .failures
        .iter()
        .map(|(place, _)| place.as_str())
        .collect();
    assert_eq!(places, ["taskArn", "poll"]);
    assert!(
        checked.failures[0].1.starts_with("CUT-240: "),
        "{:?}",
        checked.failures
    );

    let inputs = replication(json!({ "markers": crate::given::with(
        crate::given::place(), json!({ "migration": "Shop", "tables": ["payments", "public.*"] })) }));
    let checked = given
        .resource(REPLICATION)
        .check(&map(&inputs))
        .await
        .expect("an answer");
    let places: Vec<_> = checked
        .failures
        .iter()
        .map(|(place, _)| place.as_str())
        .collect();
    assert_eq!(
        places,
        [
            "markers.migration",
            "markers.tables[0]",
            "markers.tables[1]"
        ]
    );
}

#[tokio::test]
async fn a_task_that_has_stopped_is_drift_and_the_next_run_lets_it_go_on() {
    let given = given().await;
    let stored = given.replicating().await;
    let now = given.clock.clone();
    {
        use cutover_driver::Clock as _;
        let mut cloud = given.sim.cloud();
        cloud
            .stop_replication_task(now.now(), TASK)
            .expect("it is stopped");
    }
    now.pass(std::time::Duration::from_mins(1));

    let drifted = given.refreshed(REPLICATION, &stored).await;
    assert_eq!(text(&drifted.outputs, "phase"), "held");
    assert!(
        text(&drifted.outputs, "reasons[0]").contains("`stopped`"),
        "{drifted:?}"
    );
    assert_eq!(given.drift(REPLICATION, &drifted).await, ["phase"]);

    let again = given
        .update(REPLICATION, &drifted, &replication(json!({})))
        .await;
    assert_eq!(
        text(&again.expect("it goes on").outputs, "phase"),
        "replicating"
    );
    assert_eq!(given.status(TASK).await, "running");
}

#[tokio::test]
async fn a_task_that_is_to_be_stopped_is_stopped_and_kept() {
    let given = given().await;
    let stored = given.replicating().await;

    let inputs = replication(json!({ "stopped": true }));
    let stopped = given
        .update(REPLICATION, &stored, &inputs)
        .await
        .expect("it stops");

    assert_eq!(text(&stopped.outputs, "phase"), "stopped");
    assert_eq!(given.status(TASK).await, "stopped");
    assert_eq!(given.drift(REPLICATION, &stopped).await, [""; 0]);
    // And deleting it leaves even that alone.
    given
        .resource(REPLICATION)
        .delete(&stopped)
        .await
        .expect("it is forgotten");
    assert_eq!(given.status(TASK).await, "stopped");
}

#[tokio::test]
async fn once_the_writer_has_changed_the_task_is_never_started_again() {
    let given = given().await;
    let stored = given.replicating().await;
    given.created(SWITCH, &switch(json!({}))).await;
    assert_eq!(given.status(TASK).await, "stopped");

    let refreshed = given.refreshed(REPLICATION, &stored).await;
    assert_eq!(text(&refreshed.outputs, "phase"), "drained");
    assert_eq!(given.drift(REPLICATION, &refreshed).await, [""; 0]);
    // Neither when an input changes, nor when nothing was refreshed.
    let inputs = replication(json!({ "triggers": { "again": "1" } }));
    let updated = given
        .update(REPLICATION, &stored, &inputs)
        .await
        .expect("nothing to do");
    assert_eq!(text(&updated.outputs, "phase"), "drained");
    assert_eq!(given.status(TASK).await, "stopped");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_told_before_the_task_is_started() {
    let given = given().await;
    given.writers.with(|state| {
        state.servers.get_mut(Side::Target).down = Some(DbFailureClass::Unreachable);
    });

    let failure = given.create(REPLICATION, &replication(json!({}))).await;

    let message = failure.expect_err("it fails").to_string();
    assert!(message.contains("CUT-210"), "{message}");
    assert_eq!(given.status(TASK).await, "ready");
}

#[tokio::test]
async fn another_run_at_the_migration_is_waited_for_by_a_person() {
    let given = given().await;
    given
        .writers
        .with(|state| state.hold_lock(Side::Source, Some("process 7 of 10.0.3.7")));

    let failure = given.create(REPLICATION, &replication(json!({}))).await;

    let message = failure.expect_err("it fails").to_string();
    assert!(message.contains("CUT-313"), "{message}");
    assert!(message.contains("process 7 of 10.0.3.7"), "{message}");
    assert_eq!(given.status(TASK).await, "ready");
}
