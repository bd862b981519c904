//! Shifts from their beginning to their end.

use std::time::Duration;

use pulumi_testkit::{Failure, Stored};
use pulumi_value::{PropertyMap, PropertyPath, Value};
use serde_json::json;

use crate::given::{TOKEN, checked, given, inputs, output, text};

/// What the engine stores after an update or create that has come to a stop on its way.
fn unfinished(failure: Failure, inputs: &PropertyMap) -> (Stored, Vec<String>) {
    let found = failure.unfinished();
    let stored = Stored {
        id: found.id,
        inputs: inputs.clone(),
        outputs: found.outputs,
    };
    (stored, found.reasons)
}

#[tokio::test(start_paused = true)]
async fn walks_the_plan_to_the_end_and_leaves_nothing_to_do() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({}))).await;

    let stored = given.shift().create(&inputs).await.expect("it completes");

    assert_eq!(given.weights(), ["100/0", "90/10", "50/50", "0/100"]);
    assert_eq!(text(&stored, "phase"), "Completed");
    assert_eq!(stored.id, "Z0AB/pay.example.com/A/old/new");
    assert_eq!(output(&stored, "requestedShare").as_number(), Some(100.0));
    assert_eq!(output(&stored, "stepIndex").as_number(), Some(2.0));
    let diff = given.shift().diff(&stored, &inputs).await.expect("a diff");
    assert!(diff.is_none(), "{diff:?}");
    assert!(
        given.said_once("step 2 entered: 50/50"),
        "{:?}",
        given.said()
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_spike_goes_back_and_fails_once_and_a_new_attempt_begins_again() {
    let given = given(100, 0).await;
    let first = checked(&given, &inputs(json!({}))).await;
    given.breaks_after(Duration::from_mins(15), 0.09);

    let failure = given
        .shift()
        .create(&first)
        .await
        .expect_err("it goes back");

    let (stored, reasons) = unfinished(failure, &first);
    assert_eq!(given.weights(), ["100/0", "90/10", "100/0"]);
    let reason = &reasons[0];
    for part in [
        "CUT-160",
        "errorRate was 9",
        "allowed up to 5 %",
        "since 2026-01-01T00:15",
        "attempt: 2",
    ] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    assert_eq!(text(&stored, "phase"), "RolledBack");
    assert_eq!(text(&stored, "reason"), "GateBreached:errorRate");

    let again = given
        .shift()
        .update(&stored, &first)
        .await
        .expect("it fails once only");
    assert_eq!(text(&again, "phase"), "RolledBack");
    assert!(given.said_once("nothing happens until `attempt` is more than 1"));
    assert_eq!(given.weights().len(), 3);
    let diff = given.shift().diff(&again, &first).await.expect("a diff");
    assert!(diff.is_none(), "{diff:?}");

    given.pass(Duration::from_hours(2)).await;
    let second = checked(&given, &inputs(json!({ "attempt": 2 }))).await;
    let done = given
        .shift()
        .update(&again, &second)
        .await
        .expect("it completes");
    assert_eq!(text(&done, "phase"), "Completed");
    assert_eq!(given.weights().last().map(String::as_str), Some("0/100"));
}

#[tokio::test(start_paused = true)]
async fn a_strict_shift_fails_until_the_next_attempt() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({ "strictAfterRollback": true }))).await;
    given.breaks_after(Duration::from_mins(15), 0.09);
    let failure = given
        .shift()
        .create(&inputs)
        .await
        .expect_err("it goes back");
    let (stored, _) = unfinished(failure, &inputs);

    let diff = given.shift().diff(&stored, &inputs).await.expect("a diff");
    let failure = given
        .shift()
        .update(&stored, &inputs)
        .await
        .expect_err("it still fails");

    assert!(!diff.is_none(), "an update comes, so that it can fail");
    assert!(failure.unfinished().reasons[0].contains("CUT-160"));
}

#[tokio::test(start_paused = true)]
async fn a_staged_shift_takes_one_step_with_each_update() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({ "mode": "staged" }))).await;

    let first = given.shift().create(&inputs).await.expect("one step");
    assert_eq!(given.weights(), ["100/0", "90/10"]);
    assert_eq!(text(&first, "phase"), "Paused");
    assert_eq!(text(&first, "reason"), "Staged:1");
    let diff = given.shift().diff(&first, &inputs).await.expect("a diff");
    assert_eq!(diff.diffs, ["phase", "stepIndex"]);

    given.pass(Duration::from_hours(1)).await;
    let second = given
        .shift()
        .update(&first, &inputs)
        .await
        .expect("one step");
    assert_eq!(given.weights(), ["100/0", "90/10", "50/50"]);
    let third = given
        .shift()
        .update(&second, &inputs)
        .await
        .expect("the last step");
    assert_eq!(given.weights().last().map(String::as_str), Some("0/100"));
    assert_eq!(text(&third, "phase"), "Completed");
}

#[tokio::test(start_paused = true)]
async fn a_step_waits_for_approval_and_is_entered_by_the_update_that_gives_it() {
    let given = given(100, 0).await;
    let steps = |approved: Option<u32>| {
        let steps = json!([
            { "share": 10, "bake": "30m" },
            { "share": 50, "bake": "30m", "pause": true },
            { "share": 100 },
        ]);
        inputs(json!({ "steps": steps, "approvedThrough": approved }))
    };
    let waiting = checked(&given, &steps(None)).await;

    let paused = given
        .shift()
        .create(&waiting)
        .await
        .expect("a wished pause is no failure");
    assert_eq!(text(&paused, "reason"), "Approval:2");
    assert!(
        given.said_once("set `approvedThrough: 2`"),
        "{:?}",
        given.said()
    );
    assert_eq!(given.weights(), ["100/0", "90/10"]);

    let approved = checked(&given, &steps(Some(2))).await;
    let done = given
        .shift()
        .update(&paused, &approved)
        .await
        .expect("it completes");
    assert_eq!(text(&done, "phase"), "Completed");
    assert_eq!(given.weights(), ["100/0", "90/10", "50/50", "0/100"]);
}

/// F12
#[tokio::test(start_paused = true)]
async fn an_interruption_in_a_bake_goes_back_at_once_and_says_what_is_safe() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({}))).await;
    let shift = given.shift();
    let creating = {
        let (shift, inputs) = (shift.clone(), inputs.clone());
        tokio::spawn(async move { shift.create(&inputs).await })
    };
    given.pass(Duration::from_mins(20)).await;
    assert_eq!(given.weights(), ["100/0", "90/10"], "it bakes");

    let client = given.harness.client.clone();
    client.cancel().await.expect("the engine says so");
    let failure = creating
        .await
        .expect("it ends")
        .expect_err("it was interrupted");

    let (stored, reasons) = unfinished(failure, &inputs);
    assert_eq!(given.weights(), ["100/0", "90/10", "100/0"]);
    assert!(
        reasons[0].starts_with(
            "CUT-162: the shift was interrupted by the operator; everything was sent back to old"
        ),
        "{reasons:?}"
    );
    assert!(given.clock_since_beginning() < Duration::from_mins(21));
    assert_eq!(text(&stored, "phase"), "Converging");
}

/// F15
#[tokio::test(start_paused = true)]
async fn a_second_run_over_the_same_records_is_refused_before_it_writes() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({ "mode": "staged" }))).await;
    given.shift().create(&inputs).await.expect("one step");
    let before = given.writes();

    let other = given.harness.resource(TOKEN, "other");
    let failure = other.create(&inputs).await.expect_err("the fence is held");

    assert!(
        failure.message.starts_with("CUT-153: held by shift `s"),
        "{failure:?}"
    );
    assert!(failure.init_failed.is_none(), "nothing is stored");
    assert_eq!(given.writes(), before);
}

/// F72
#[tokio::test(start_paused = true)]
async fn the_router_of_a_live_shift_is_not_exchanged_and_that_of_a_finished_one_is_replaced() {
    let given = given(100, 0).await;
    let staged = checked(&given, &inputs(json!({ "mode": "staged" }))).await;
    let live = given.shift().create(&staged).await.expect("one step");
    let before = given.writes();
    let mut other = inputs(json!({ "mode": "staged" }));
    other["router"]["route53"]["zoneId"] = json!("Z0XY");
    let other = checked(&given, &other).await;

    let diff = given.shift().diff(&live, &other).await.expect("a diff");
    let failure = given
        .shift()
        .update(&live, &other)
        .await
        .expect_err("it is live");
    assert!(diff.replaces.is_empty(), "{diff:?}");
    assert!(failure.message.starts_with("CUT-130"), "{failure:?}");
    assert_eq!(given.writes(), before);

    let mut done = live.clone();
    for _ in 0..2 {
        done = given
            .shift()
            .update(&done, &staged)
            .await
            .expect("one step");
    }
    let diff = given.shift().diff(&done, &other).await.expect("a diff");
    assert_eq!(diff.replaces, ["router"]);
    assert!(diff.delete_before_replace);
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_that_the_plan_cannot_meet_is_refused_before_anything_is_written() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({}))).await;

    let limit = Duration::from_hours(1);
    let failure = given
        .shift()
        .create_within(&inputs, limit)
        .await
        .expect_err("it is too short");

    assert!(
        failure.message.starts_with(
            "CUT-140: what is left of the plan takes at least 2 h 9 min, and the timeout is 1 h\n"
        ),
        "{failure:?}"
    );
    assert_eq!(given.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn steps_that_were_carried_out_cannot_be_edited_and_later_ones_can() {
    let given = given(100, 0).await;
    let staged = |first: u32, second: u32| {
        let steps = json!([
            { "share": first, "bake": "30m" },
            { "share": second, "bake": "30m" },
            { "share": 100 },
        ]);
        inputs(json!({ "mode": "staged", "steps": steps }))
    };
    let before = checked(&given, &staged(10, 50)).await;
    let stored = given.shift().create(&before).await.expect("one step");

    let edited = checked(&given, &staged(20, 50)).await;
    let failure = given
        .shift()
        .update(&stored, &edited)
        .await
        .expect_err("it was carried out");
    let tail = checked(&given, &staged(10, 40)).await;
    given
        .shift()
        .update(&stored, &tail)
        .await
        .expect("one step");

    assert!(failure.message.starts_with("CUT-131"), "{failure:?}");
    assert_eq!(given.weights(), ["100/0", "90/10", "60/40"]);
}

/// F8: in the first create, where the engine has no id yet.
#[tokio::test(start_paused = true)]
async fn a_create_after_a_lost_create_goes_on_where_that_one_was() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({ "mode": "staged" }))).await;
    given.shift().create(&inputs).await.expect("one step");

    let stored = given.shift().create(&inputs).await.expect("the next step");

    assert_eq!(given.weights(), ["100/0", "90/10", "50/50"]);
    assert_eq!(output(&stored, "stepIndex").as_number(), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn what_happened_is_told_with_its_times_and_at_most_two_hundred_entries_of_it() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({}))).await;
    given.breaks_after(Duration::from_mins(15), 0.09);

    let failure = given
        .shift()
        .create(&inputs)
        .await
        .expect_err("it goes back");

    let (stored, _) = unfinished(failure, &inputs);
    let report = PropertyPath::root().key("lastRollback");
    let number = |key: &str| {
        report
            .key(key)
            .get(&stored.outputs)
            .and_then(Value::as_number)
    };
    let submitted = number("submitMs").expect("it was submitted");
    let insync = number("insyncMs").expect("it was INSYNC");
    let back = number("observedBackMs").expect("traffic was seen to be back");
    assert!(submitted <= 2_000.0, "{submitted}");
    assert!(
        submitted < insync && insync < back && back <= 300_000.0,
        "{insync} {back}"
    );
    let decided = number("decisionMs").expect("a gate has decided");
    // The breach lasts for five minutes, and is seen up to three minutes late.
    assert!((300_000.0..600_000.0).contains(&decided), "{decided}");
    let changes = output(&stored, "changeIds");
    assert_eq!(changes.as_list().map(<[_]>::len), Some(2), "{changes:?}");
    let history = output(&stored, "history");
    let history = history.as_list().expect("a list");
    assert!((5..=200).contains(&history.len()), "{history:?}");
    assert!(text(&stored, "startedAt").starts_with("2026-01-01T00:00"));
}

#[tokio::test(start_paused = true)]
async fn the_status_line_says_where_it_is_and_which_gate_is_worst() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({ "mode": "staged" }))).await;

    given.shift().create(&inputs).await.expect("one step");

    let logs = given.harness.engine.logs();
    let status: Vec<_> = logs.iter().filter(|line| line.ephemeral).collect();
    let baking = status
        .iter()
        .find(|line| line.message.contains("20 min left"))
        .expect("a line of the bake");
    // Few of the few requests on new fail in a minute, and in some none.
    let begin = "Baking step 1 of 3, 10 % on new, 20 min left, worst gate errorRate 0";
    assert!(baking.message.starts_with(begin), "{baking:?}");
    assert!(baking.message.ends_with(" % of 5 %"), "{baking:?}");
}
