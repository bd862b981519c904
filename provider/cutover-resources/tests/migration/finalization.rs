//! The end of a migration.

use std::time::Duration;

use cutover_core::validation::side::Side;
use pulumi_testkit::Stored;
use serde_json::{Value as Json, json};

use crate::given::{
    FINALIZATION, Given, SWITCH, TASK, at, given, map, place, switch, text, unfinished, with,
};

/// A world whose writer has changed, with the switch.
async fn switched() -> (Given, Stored) {
    let given = given().await;
    given.replicating().await;
    let switch = given.created(SWITCH, &switch(json!({}))).await;
    (given, switch)
}

fn inputs(switch: &Stored, change: Json) -> Json {
    let parts = json!({
        "since": text(&switch.outputs, "committedAt"),
        "forwardTaskArn": TASK,
        "backTaskArn": text(&switch.outputs, "backTaskArn"),
        "safetyPeriod": "24h",
    });
    with(with(place(), parts), change)
}

#[tokio::test]
async fn before_the_safety_period_is_over_nothing_happens_and_nothing_waits() {
    let (given, switch) = switched().await;
    let back = text(&switch.outputs, "backTaskArn");

    let stored = given
        .created(FINALIZATION, &inputs(&switch, json!({})))
        .await;

    assert_eq!(text(&stored.outputs, "phase"), "waiting");
    assert!(!text(&stored.outputs, "dueAt").is_empty());
    assert_eq!(given.status(&back).await, "running");
    // Every run looks at the clock again.
    assert_eq!(given.drift(FINALIZATION, &stored).await, ["phase"]);
    let again = given
        .update(FINALIZATION, &stored, &inputs(&switch, json!({})))
        .await;
    assert_eq!(
        text(&again.expect("it waits on").outputs, "phase"),
        "waiting"
    );

    given.clock.pass(Duration::from_hours(24));
    let due = given.refreshed(FINALIZATION, &stored).await;
    assert_eq!(text(&due.outputs, "phase"), "due");
}

#[tokio::test]
async fn when_it_is_time_the_way_back_ends_and_the_source_stays_closed() {
    let (given, switch) = switched().await;
    let back = text(&switch.outputs, "backTaskArn");
    let asked = inputs(&switch, json!({ "deleteTasks": true }));
    let stored = given.created(FINALIZATION, &asked).await;
    given.clock.pass(Duration::from_hours(24));

    let done = given
        .update(FINALIZATION, &stored, &asked)
        .await
        .expect("it is time");

    assert_eq!(text(&done.outputs, "phase"), "finalized");
    assert_eq!(given.status(&back).await, "gone");
    assert_eq!(given.status(TASK).await, "gone");
    assert!(
        given
            .writers
            .with(|state| state.servers.target.captured.is_none())
    );
    assert!(
        !given.writers.pay(Side::Source, 50),
        "the source stays closed"
    );
    assert!(
        given.writers.pay(Side::Target, 51),
        "the target is the writer"
    );
    assert_eq!(given.drift(FINALIZATION, &done).await, [""; 0]);
    // A second time there is nothing left to do.
    let again = given
        .update(FINALIZATION, &done, &asked)
        .await
        .expect("nothing to do");
    assert_eq!(text(&again.outputs, "phase"), "finalized");
}

/// D48: after the end.
#[tokio::test]
async fn a_switch_leaves_alone_what_a_finalization_has_ended() {
    let (given, switch_of) = switched().await;
    let asked = inputs(
        &switch_of,
        json!({ "safetyPeriod": "0s", "removeControl": true }),
    );
    let done = given.created(FINALIZATION, &asked).await;
    assert_eq!(text(&done.outputs, "phase"), "finalized");
    assert!(
        text(&done.outputs, "journal[0]").contains("epoch"),
        "{done:?}"
    );

    let found = given.refreshed(SWITCH, &switch_of).await;
    assert_eq!(text(&found.outputs, "phase"), "switched");
    assert_eq!(given.drift(SWITCH, &found).await, [""; 0]);
    let changed = switch(json!({ "triggers": { "again": "1" } }));
    let again = given
        .update(SWITCH, &found, &changed)
        .await
        .expect("nothing to do");
    assert_eq!(text(&again.outputs, "phase"), "switched");
    assert_eq!(
        given.status(&text(&switch_of.outputs, "backTaskArn")).await,
        "stopped"
    );

    let refused = given
        .update(SWITCH, &found, &switch(json!({ "writer": "source" })))
        .await;
    let asked = switch(json!({ "writer": "source" }));
    let (_, reasons) = unfinished(refused.expect_err("there is no way back"), &asked);
    assert!(reasons.contains("CUT-317"), "{reasons}");
    given
        .resource(SWITCH)
        .delete(&found)
        .await
        .expect("it is forgotten");
    assert!(
        !given.writers.pay(Side::Source, 52),
        "the source stays closed"
    );
}

#[tokio::test]
async fn nothing_is_ended_while_the_source_writes() {
    let (given, there) = switched().await;
    let back = given
        .update(SWITCH, &there, &switch(json!({ "writer": "source" })))
        .await;
    back.expect("it goes back");

    let asked = inputs(&there, json!({ "safetyPeriod": "0s" }));
    let failure = given
        .create(FINALIZATION, &asked)
        .await
        .expect_err("it is refused");

    let message = failure.to_string();
    assert!(message.contains("CUT-351"), "{message}");
    assert!(message.contains("the writer is the source"), "{message}");
    assert!(given.writers.pay(Side::Source, 53), "the source goes on");
}

#[tokio::test]
async fn a_preview_says_what_would_be_done_and_when() {
    let (given, switch) = switched().await;
    let asked = inputs(&switch, json!({}));
    let checked = given
        .resource(FINALIZATION)
        .check(&map(&asked))
        .await
        .expect("an answer");

    let preview = given
        .resource(FINALIZATION)
        .preview_create(&checked.accepted())
        .await;

    assert!(at(&preview.expect("a preview"), "phase").is_unknown());
    given.said("waits until ");
    given.said("see that the target is the writer, by both databases");
}

#[tokio::test]
async fn inputs_that_cannot_be_kept_are_refused_in_their_places() {
    let given = given().await;
    let asked = with(
        place(),
        json!({ "since": "yesterday", "deleteInstance": true, "safetyPeriod": "soon" }),
    );

    let checked = given
        .resource(FINALIZATION)
        .check(&map(&asked))
        .await
        .expect("an answer");

    let places: Vec<_> = checked
        .failures
        .iter()
        .map(|(place, _)| place.as_str())
        .collect();
    assert_eq!(
        places,
        ["safetyPeriod", "since", "instanceArn", "deleteTasks"]
    );
    assert!(
        checked.failures[0].1.starts_with("CUT-350: "),
        "{:?}",
        checked.failures
    );
}
