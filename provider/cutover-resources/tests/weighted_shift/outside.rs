//! Refreshing, importing and deleting shifts.

use cutover_driver::Clock as _;
use serde_json::json;

use crate::given::{
    GROUP_NEW, GROUP_OLD, Given, RULE, ZONE, checked, given, given_rule, inputs, output, text,
};

#[tokio::test(start_paused = true)]
async fn a_paused_shift_is_refreshed_without_a_write_and_cannot_be_destroyed() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({ "mode": "staged" }))).await;
    let stored = given.shift().create(&inputs).await.expect("one step");
    let before = given.writes();

    let fresh = given
        .shift()
        .read(&stored)
        .await
        .expect("a look")
        .expect("it is there");
    let failure = given.shift().delete(&fresh).await.expect_err("it is live");

    assert_eq!(text(&fresh, "phase"), "Paused");
    assert_eq!(output(&fresh, "stepIndex").as_number(), Some(0.0));
    assert_eq!(output(&fresh, "observedShare").as_number(), Some(10.0));
    assert_eq!(fresh.inputs, stored.inputs);
    assert!(
        failure
            .message
            .starts_with("CUT-133: the shift is live: 10 % of traffic is on new"),
        "{failure:?}"
    );
    assert_eq!(given.writes(), before);
}

#[tokio::test(start_paused = true)]
async fn a_live_shift_is_sent_back_before_it_goes_when_the_program_says_so() {
    let given = given(100, 0).await;
    let inputs = checked(
        &given,
        &inputs(json!({ "mode": "staged", "onDestroy": "old" })),
    )
    .await;
    let stored = given.shift().create(&inputs).await.expect("one step");

    given.shift().delete(&stored).await.expect("it goes");

    assert_eq!(given.weights(), ["100/0", "90/10", "100/0"]);
    assert_eq!(given.journal(), None);
}

#[tokio::test(start_paused = true)]
async fn destroying_a_finished_shift_removes_the_journal_and_the_records_go_on_answering() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({}))).await;
    let stored = given.shift().create(&inputs).await.expect("it completes");
    assert!(given.journal().is_some());

    given.shift().delete(&stored).await.expect("it goes");

    assert_eq!(given.journal(), None);
    assert_eq!(given.weights().last().map(String::as_str), Some("0/100"));
    assert!(given.said_once("the records stay and go on answering, with 100 % on new"));
}

#[tokio::test(start_paused = true)]
async fn an_import_stands_where_the_weights_are() {
    for (old, new, phase, step) in [
        (100, 0, "Pending", None),
        (30, 70, "Paused", Some(0.0)),
        (0, 100, "Completed", Some(0.0)),
    ] {
        let given = given(old, new).await;

        let found = given.shift().import("Z0AB/pay.example.com/A/old/new").await;

        let stored = found.expect("a look").expect("it is there");
        assert_eq!(text(&stored, "phase"), phase);
        assert_eq!(output(&stored, "stepIndex").as_number(), step);
        assert_eq!(given.writes(), 0);
    }
}

/// F72
#[tokio::test(start_paused = true)]
async fn a_split_that_was_imported_goes_on_with_the_step_of_its_share() {
    let given = given(50, 50).await;
    let found = given.shift().import("Z0AB/pay.example.com/A/old/new").await;
    let imported = found.expect("a look").expect("it is there");
    let inputs = checked(&given, &inputs(json!({}))).await;
    assert_eq!(output(&imported, "adoptedShare").as_number(), Some(50.0));

    given
        .shift()
        .preview_update(&imported, &inputs)
        .await
        .expect("a preview");
    let done = given.shift().update(&imported, &inputs).await;

    let done = done.expect("it completes");
    assert_eq!(text(&done, "phase"), "Completed");
    assert_eq!(output(&done, "adoptedShare"), pulumi_value::Value::Null);
    assert_eq!(given.weights(), ["50/50", "0/100"]);
    assert!(given.clock_since_beginning() >= std::time::Duration::from_mins(90));
    assert!(given.said_once("50 % was on new when the shift was imported; `pulumi up` goes on"));
}

/// F72
#[tokio::test(start_paused = true)]
async fn a_split_that_was_imported_and_fits_no_step_is_refused_with_advice() {
    let given = given(30, 70).await;
    let found = given.shift().import("Z0AB/pay.example.com/A/old/new").await;
    let imported = found.expect("a look").expect("it is there");
    let inputs = checked(&given, &inputs(json!({}))).await;

    let failure = given.shift().update(&imported, &inputs).await;

    let message = failure.expect_err("there is no such step").message;
    assert!(
        message.starts_with("CUT-116: new gets 70 %, which is the share of no step"),
        "{message}"
    );
    assert_eq!(given.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_finished_shift_that_was_imported_takes_changes_of_its_inputs() {
    let given = given(0, 100).await;
    let found = given.shift().import("Z0AB/pay.example.com/A/old/new").await;
    let imported = found.expect("a look").expect("it is there");
    let inputs = checked(&given, &inputs(json!({}))).await;

    let done = given.shift().update(&imported, &inputs).await;

    assert_eq!(text(&done.expect("nothing is left"), "phase"), "Completed");
    assert_eq!(given.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_import_without_records_finds_nothing_and_one_without_an_id_is_told_how() {
    let given = given(100, 0).await;

    let found = given
        .shift()
        .import("Z0AB/other.example.com/A/old/new")
        .await;
    let failure = given.shift().import("pay").await.expect_err("it is no id");

    assert_eq!(found.expect("a look"), None);
    assert!(failure.message.starts_with("CUT-008"), "{failure:?}");
    assert!(
        failure
            .message
            .contains("zoneId/name/type/oldSetIdentifier/newSetIdentifier")
    );
}

#[tokio::test(start_paused = true)]
async fn records_that_are_gone_are_found_gone() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({}))).await;
    let stored = given.shift().create(&inputs).await.expect("it completes");
    let now = given.began_at;
    {
        let mut cloud = given.sim.cloud();
        cloud.delete_hosted_zone(ZONE);
        cloud.put_hosted_zone(now, ZONE, "example.com", false);
    }

    assert_eq!(given.shift().read(&stored).await.expect("a look"), None);
}

#[tokio::test(start_paused = true)]
async fn a_listener_rule_is_walked_refreshed_and_imported_like_records() {
    let given = given_rule().await;
    let router = json!({ "alb": {
        "listenerRuleArn": RULE,
        "oldTargetGroupArn": GROUP_OLD,
        "newTargetGroupArn": GROUP_NEW,
    }});
    let inputs = checked(
        &given,
        &inputs(json!({ "router": router, "mode": "staged" })),
    )
    .await;

    let first = given.shift().create(&inputs).await.expect("one step");
    let fresh = given
        .shift()
        .read(&first)
        .await
        .expect("a look")
        .expect("it is there");
    let imported = given
        .shift()
        .import(&first.id)
        .await
        .expect("a look")
        .expect("it is there");
    let second = given
        .shift()
        .update(&fresh, &inputs)
        .await
        .expect("one step");
    let third = given
        .shift()
        .update(&second, &inputs)
        .await
        .expect("the last step");
    let journal = |given: &Given| {
        let now = given.clock.now();
        let tags = given.sim.cloud().describe_tags(now, &[RULE.to_owned()]);
        let tags = tags.expect("it is there").remove(0).1;
        tags.contains_key("cutover:journal")
    };
    assert!(journal(&given));
    given.shift().delete(&third).await.expect("it goes");

    assert!(!journal(&given), "nothing of ours is left behind");
    assert_eq!(first.id, format!("{RULE},{GROUP_OLD},{GROUP_NEW}"));
    assert_eq!(output(&fresh, "observedShare").as_number(), Some(10.0));
    assert_eq!(text(&imported, "phase"), "Paused");
    assert_eq!(text(&third, "phase"), "Completed");
    let over_time = given.sim.cloud().rule_weights_over_time(RULE);
    let new: Vec<_> = over_time
        .iter()
        .map(|(_, weights)| weights[GROUP_NEW])
        .collect();
    assert_eq!(new, [0, 10, 50, 100]);
}
