//! A switch of the writer from its creation to its end, and back.

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::Side;
use pulumi_value::Value;
use serde_json::json;

use crate::given::{Given, PASSWORD, SWITCH, TASK, at, given, map, switch, text, unfinished};

/// A world in which everything is replicated.
async fn replicated() -> Given {
    let given = given().await;
    given.replicating().await;
    given
}

#[tokio::test]
async fn the_writer_moves_to_the_target_without_losing_a_payment() {
    let given = replicated().await;
    assert!(given.writers.pay(Side::Source, 11));

    let stored = given.created(SWITCH, &switch(json!({}))).await;

    let outputs = &stored.outputs;
    assert_eq!(text(outputs, "phase"), "switched");
    assert_eq!(text(outputs, "writer"), "target");
    assert_eq!(text(outputs, "writePolicy"), "newOnly");
    assert_eq!(text(outputs, "verdict"), "matched");
    assert_eq!(at(outputs, "epoch"), Value::Number(1.0));
    assert_eq!(at(outputs, "rollbackReady"), Value::Bool(true));
    assert!(
        at(outputs, "writePauseMs")
            .as_number()
            .is_some_and(|pause| pause < 30_000.0)
    );
    assert!(
        text(outputs, "position").contains("cutover_shop_1"),
        "{outputs:?}"
    );
    assert!(
        text(outputs, "backTaskArn").contains(":task:"),
        "{outputs:?}"
    );
    assert!(
        text(outputs, "guarantee").contains("nothing is lost"),
        "{outputs:?}"
    );
    assert!(
        text(outputs, "steps[0]").starts_with("preflight: "),
        "{outputs:?}"
    );
    assert!(!given.writers.pay(Side::Source, 12), "the source is closed");
    assert!(given.writers.pay(Side::Target, 13), "the target is open");
    given.writers.assert_nothing_lost();
    assert_eq!(given.drift(SWITCH, &stored).await, [""; 0]);
    assert!(!format!("{stored:?}").contains("unknown"), "{stored:?}");
}

#[tokio::test]
async fn a_rollback_brings_the_writer_back_with_everything_that_the_target_has_taken() {
    let given = replicated().await;
    let there = given.created(SWITCH, &switch(json!({}))).await;
    assert!(given.writers.pay(Side::Target, 20));
    let back_task = text(&there.outputs, "backTaskArn");

    let back = given
        .update(SWITCH, &there, &switch(json!({ "writer": "source" })))
        .await;

    let outputs = back.expect("it goes back").outputs;
    assert_eq!(text(&outputs, "phase"), "rolledBack");
    assert_eq!(text(&outputs, "writer"), "source");
    assert_eq!(text(&outputs, "writePolicy"), "oldOnly");
    assert_eq!(at(&outputs, "epoch"), Value::Number(2.0));
    assert_eq!(at(&outputs, "rollbackReady"), Value::Bool(false));
    assert!(
        given.writers.pay(Side::Source, 21),
        "the source is open again"
    );
    assert!(!given.writers.pay(Side::Target, 22), "the target is closed");
    given.writers.assert_nothing_lost();
    given.clock.pass(std::time::Duration::from_mins(1));
    assert_eq!(given.status(&back_task).await, "stopped");
}

#[tokio::test]
async fn a_preview_prints_the_plan_with_its_ways_back_and_reaches_neither_database() {
    let given = given().await;
    let checked = given.resource(SWITCH).check(&map(&switch(json!({})))).await;
    let inputs = checked.expect("an answer").accepted();

    given
        .resource(SWITCH)
        .preview_create(&inputs)
        .await
        .expect("a preview");

    given.said("commit: the target is opened and is the writer, in one transaction");
    given.said("back: it is opened again, and by itself after 30 s");
    given.said("neither database is reached before `pulumi up`");
    assert_eq!(given.writers.calls(), []);
}

#[tokio::test]
async fn a_switch_that_is_not_approved_waits_with_everything_as_it_was() {
    let given = replicated().await;

    let held = given
        .created(SWITCH, &switch(json!({ "approved": false })))
        .await;

    assert_eq!(text(&held.outputs, "phase"), "held");
    assert_eq!(text(&held.outputs, "writer"), "source");
    assert!(given.writers.pay(Side::Source, 30), "the source is open");
    assert_eq!(given.drift(SWITCH, &held).await, ["phase"]);

    let done = given
        .update(SWITCH, &held, &switch(json!({ "approved": true })))
        .await;
    assert_eq!(
        text(&done.expect("it switches").outputs, "phase"),
        "switched"
    );
}

#[tokio::test]
async fn a_comparison_that_does_not_match_calls_it_off_and_the_source_goes_on() {
    let given = replicated().await;
    given.bank.with(|state| {
        let payments = cutover_core::validation::catalog::TableName {
            schema: "public".to_owned(),
            name: "payments".to_owned(),
        };
        state.put(Side::Target, &payments, 17, None);
    });

    let failure = given
        .create(SWITCH, &switch(json!({})))
        .await
        .expect_err("it is called off");

    let (stored, reasons) = unfinished(failure, &switch(json!({})));
    assert!(reasons.contains("CUT-311"), "{reasons}");
    assert_eq!(text(&stored.outputs, "phase"), "calledOff");
    assert_eq!(text(&stored.outputs, "writer"), "source");
    assert_eq!(text(&stored.outputs, "verdict"), "mismatched");
    assert!(given.writers.pay(Side::Source, 31), "the source is open");
    given.writers.assert_nothing_lost();
}

#[tokio::test]
async fn a_replication_that_does_not_run_is_in_the_way_and_nothing_is_kept() {
    let given = replicated().await;
    {
        use cutover_driver::Clock as _;
        let now = given.clock.now();
        given
            .sim
            .cloud()
            .stop_replication_task(now, TASK)
            .expect("it is stopped");
    }
    given.clock.pass(std::time::Duration::from_mins(1));

    let failure = given
        .create(SWITCH, &switch(json!({})))
        .await
        .expect_err("it is refused");

    let message = failure.to_string();
    assert!(message.contains("CUT-310"), "{message}");
    assert!(given.writers.pay(Side::Source, 32), "the source is open");
}

#[tokio::test]
async fn a_later_step_that_fails_leaves_the_writer_changed_and_the_next_run_goes_on() {
    let given = replicated().await;
    let inputs = switch(json!({ "back": {
        "identifier": "back",
        "instanceArn": "arn:aws:dms:eu-central-1:123456789012:rep:NONE",
        "sourceEndpointArn": crate::given::endpoint_arn("BACKSOURCE"),
        "targetEndpointArn": crate::given::endpoint_arn("BACKTARGET"),
    } }));

    let failure = given
        .create(SWITCH, &inputs)
        .await
        .expect_err("there is no such instance");
    let (stored, reasons) = unfinished(failure, &inputs);
    assert!(reasons.contains("CUT-312"), "{reasons}");
    assert_eq!(text(&stored.outputs, "phase"), "pending");
    assert_eq!(text(&stored.outputs, "writer"), "target");
    assert_eq!(at(&stored.outputs, "rollbackReady"), Value::Bool(false));
    assert!(given.writers.pay(Side::Target, 33), "the target is open");

    let done = given
        .update(SWITCH, &stored, &switch(json!({})))
        .await
        .expect("it goes on");
    assert_eq!(text(&done.outputs, "phase"), "switched");
    given.writers.assert_nothing_lost();
}

#[tokio::test]
async fn a_refresh_sees_who_is_still_connected_and_a_way_back_that_stands_still() {
    let given = replicated().await;
    let stored = given.created(SWITCH, &switch(json!({}))).await;
    given.writers.with(|state| {
        state.servers.get_mut(Side::Source).clients =
            vec![cutover_core::writer_switch::control::Client {
                user: "cron".to_owned(),
                host: None,
                connections: 2,
            }];
    });
    let back = text(&stored.outputs, "backTaskArn");
    {
        use cutover_driver::Clock as _;
        let now = given.clock.now();
        given
            .sim
            .cloud()
            .stop_replication_task(now, &back)
            .expect("it is stopped");
    }
    given.clock.pass(std::time::Duration::from_mins(1));

    let found = given.refreshed(SWITCH, &stored).await;

    assert_eq!(text(&found.outputs, "clients[0].user"), "cron");
    assert_eq!(text(&found.outputs, "phase"), "pending");
    assert_eq!(at(&found.outputs, "rollbackReady"), Value::Bool(false));
    assert_eq!(given.drift(SWITCH, &found).await, ["phase"]);
    let mended = given
        .update(SWITCH, &found, &switch(json!({})))
        .await
        .expect("it goes on");
    assert_eq!(at(&mended.outputs, "rollbackReady"), Value::Bool(true));
}

#[tokio::test]
async fn a_refresh_that_reaches_nothing_keeps_what_was_known() {
    let given = replicated().await;
    let stored = given.created(SWITCH, &switch(json!({}))).await;
    given.writers.with(|state| {
        state.servers.get_mut(Side::Source).down = Some(DbFailureClass::Unreachable);
    });

    let found = given.refreshed(SWITCH, &stored).await;

    assert_eq!(found.outputs, stored.outputs);
    given.said("what was known before is kept");
}

/// D48: before and during.
#[tokio::test]
async fn deleting_is_refused_after_a_switch_and_cleans_up_before_it() {
    let given = replicated().await;
    let held = given
        .created(SWITCH, &switch(json!({ "approved": false })))
        .await;
    let inputs = switch(json!({}));
    let there = given
        .update(SWITCH, &held, &inputs)
        .await
        .expect("it switches");

    let failure = given
        .resource(SWITCH)
        .delete(&there)
        .await
        .expect_err("it is refused");
    assert!(failure.to_string().contains("CUT-316"), "{failure}");
    let kept = given
        .update(SWITCH, &there, &switch(json!({ "onDelete": "keep" })))
        .await;
    given
        .resource(SWITCH)
        .delete(&kept.expect("nothing to do"))
        .await
        .expect("it is forgotten");
    assert!(
        !given.writers.pay(Side::Source, 40),
        "the source stays closed"
    );

    let fresh = replicated().await;
    let held = fresh
        .created(SWITCH, &switch(json!({ "approved": false })))
        .await;
    fresh
        .resource(SWITCH)
        .delete(&held)
        .await
        .expect("it is removed");
    assert!(
        fresh.writers.pay(Side::Target, 41),
        "nothing keeps the target closed any more"
    );
}

#[tokio::test]
async fn what_contradicts_itself_is_left_to_a_person() {
    let given = replicated().await;
    given.writers.with(|state| {
        let row = state.servers.get_mut(Side::Target).state.as_mut();
        row.expect("it was prepared").writer = Side::Target;
    });

    let failure = given
        .create(SWITCH, &switch(json!({})))
        .await
        .expect_err("it cannot be");

    let (stored, reasons) = unfinished(failure, &switch(json!({})));
    assert!(reasons.contains("CUT-399"), "{reasons}");
    assert!(
        reasons.contains("docs/runbooks/writer-conflict.md"),
        "{reasons}"
    );
    assert_eq!(text(&stored.outputs, "phase"), "held");
}

#[tokio::test]
async fn locks_that_are_not_to_be_had_call_it_off_and_name_who_is_in_the_way() {
    let given = replicated().await;
    given.writers.with(|state| {
        let blockers = &mut state.servers.get_mut(Side::Source).blockers;
        blockers.push((None, "report@10.0.3.9, process 12".to_owned()));
    });

    let failure = given
        .create(SWITCH, &switch(json!({})))
        .await
        .expect_err("no locks");

    let (_, message) = unfinished(failure, &switch(json!({})));
    assert!(message.contains("report@10.0.3.9, process 12"), "{message}");
    assert!(given.writers.pay(Side::Source, 42), "the source is open");
}

#[tokio::test]
async fn no_password_is_told_anywhere() {
    let given = replicated().await;
    given.writers.with(|state| {
        state.servers.get_mut(Side::Target).down = Some(DbFailureClass::Login);
    });

    let failure = given
        .create(SWITCH, &switch(json!({})))
        .await
        .expect_err("it fails");

    let said = format!("{failure} {:?}", given.harness.engine.logs());
    assert!(said.contains("CUT-213"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
}
