//! What goes wrong, and what is left of it.

use std::time::Duration;

use cutover_core::Timestamp;
use cutover_driver::Clock as _;
use cutover_sim::cloud::{
    AlarmState, Change, ChangeAction, CloudFault, DnsAnswer, PutParameter, ResourceRecordSet, What,
    When,
};
use pulumi_testkit::proto::UpdateRequest;
use pulumi_testkit::{Failure, Stored};
use pulumi_value::PropertyMap;
use serde_json::{Value as Json, json};

use crate::given::{Given, NAME, ZONE, checked, given, inputs, output, text};

/// Creates until the failure is there, and returns what the engine stores and what it is told.
async fn fails(given: &Given, inputs: &PropertyMap) -> (Stored, String) {
    let failure = given.shift().create(inputs).await.expect_err("it fails");
    stored_of(failure, inputs)
}

fn stored_of(failure: Failure, inputs: &PropertyMap) -> (Stored, String) {
    let found = failure.unfinished();
    let stored = Stored {
        id: found.id,
        inputs: inputs.clone(),
        outputs: found.outputs,
    };
    (stored, found.reasons.join("\n"))
}

/// Creates, and says so much later that the operator interrupts. Returns how long that takes, besides.
async fn interrupted(
    given: &Given,
    inputs: &PropertyMap,
    after: Duration,
) -> (Stored, String, Duration) {
    let creating = {
        let (shift, inputs) = (given.shift(), inputs.clone());
        tokio::spawn(async move { shift.create(&inputs).await })
    };
    given.pass(after).await;
    let before = given.clock_since_beginning();
    let client = given.harness.client.clone();
    client.cancel().await.expect("the engine says so");
    let failure = creating.await.expect("it ends").expect_err("it is stopped");
    let took = given.clock_since_beginning().saturating_sub(before);
    let (stored, reasons) = stored_of(failure, inputs);
    (stored, reasons, took)
}

fn set_by_others(given: &Given, at: Timestamp, old: u64, new: u64) {
    let member = |side: &str, value: &str, weight: u64| ResourceRecordSet {
        name: NAME.to_owned(),
        record_type: "A".to_owned(),
        set_identifier: Some(side.to_owned()),
        weight: Some(weight),
        ttl: Some(60),
        values: vec![value.to_owned()],
        ..ResourceRecordSet::default()
    };
    let changes = [
        member("old", "192.0.2.1", old),
        member("new", "198.51.100.1", new),
    ];
    let changes = changes.map(|set| Change {
        action: ChangeAction::Upsert,
        set,
    });
    let mut cloud = given.sim.cloud();
    cloud
        .by_others(|cloud| cloud.change_resource_record_sets(at, ZONE, &changes))
        .expect("somebody else may");
}

fn put_parameter(given: &Given, name: &str, kind: &str, value: &str) {
    let now = given.clock.now();
    let input = PutParameter {
        name: name.to_owned(),
        kind: Some(kind.to_owned()),
        value: value.to_owned(),
        overwrite: true,
    };
    let mut cloud = given.sim.cloud();
    cloud.put_parameter(now, &input).expect("it is set");
}

fn guarded(change: Json) -> Json {
    let mut inputs = inputs(change);
    inputs["guard"] = json!({ "healthCheck": { "alarmName": "payments" } });
    inputs
}

fn with_alarm(given: &Given) {
    let mut cloud = given.sim.cloud();
    cloud.put_alarm(given.began_at, "payments", None);
    cloud.set_alarm_data(given.began_at, "payments", AlarmState::Ok);
}

/// The health checks on old and new.
fn checks_of(given: &Given) -> [Option<String>; 2] {
    let records = given.sim.cloud().records(ZONE);
    ["old", "new"].map(|side| {
        let set = records
            .iter()
            .find(|set| set.set_identifier.as_deref() == Some(side));
        set.and_then(|set| set.health_check_id.clone())
    })
}

#[tokio::test(start_paused = true)]
async fn the_guard_is_on_new_alone_and_goes_at_the_end() {
    let given = given(100, 0).await;
    with_alarm(&given);
    let staged = checked(&given, &guarded(json!({ "mode": "staged" }))).await;

    let mut stored = given.shift().create(&staged).await.expect("one step");

    let made = given.sim.cloud().health_checks();
    let [check] = made.as_slice() else {
        panic!("{made:?}")
    };
    assert_eq!(check.check.alarm_name, "payments");
    assert_eq!(checks_of(&given), [None, Some(check.id.clone())]);

    for _ in 0..2 {
        stored = given
            .shift()
            .update(&stored, &staged)
            .await
            .expect("one step");
    }
    assert_eq!(text(&stored, "phase"), "Completed");
    assert_eq!(given.sim.cloud().health_checks(), []);
    assert_eq!(checks_of(&given), [None, None]);
}

/// F11
#[tokio::test(start_paused = true)]
async fn the_guard_sends_everybody_to_old_while_nobody_is_there_and_the_next_update_follows() {
    let given = given(100, 0).await;
    with_alarm(&given);
    let staged = checked(&given, &guarded(json!({ "mode": "staged" }))).await;
    let stored = given.shift().create(&staged).await.expect("one step");
    let before = given.writes();

    given.breaks_after(given.clock_since_beginning(), 0.3);
    given.pass(Duration::from_mins(10)).await;
    let now = given.clock.now();
    {
        let mut cloud = given.sim.cloud();
        cloud.set_alarm_data(now, "payments", AlarmState::Alarm);
    }
    given.pass(Duration::from_mins(10)).await;

    let now = given.clock.now();
    for draw in 0..40 {
        let answer = given.sim.cloud().answer(
            ZONE,
            NAME,
            "A",
            now,
            u64::wrapping_mul(draw, 0x9e37_79b9_7f4a_7c15),
        );
        let DnsAnswer::Values { values, .. } = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(values, ["192.0.2.1"]);
    }
    assert_eq!(given.writes(), before, "nobody has called anybody");

    let failure = given.shift().update(&stored, &staged).await;
    let (stored, reasons) = stored_of(failure.expect_err("it goes back"), &staged);
    assert!(
        reasons.starts_with("CUT-160: everything is on old: "),
        "{reasons}"
    );
    assert_eq!(text(&stored, "phase"), "RolledBack");
    assert_eq!(given.sim.cloud().health_checks(), []);
}

/// F12: in every phase before the way back.
#[tokio::test(start_paused = true)]
async fn an_interruption_goes_back_within_ten_seconds_in_every_phase() {
    let closed = json!({ "ssm": { "name": "/pay/ready", "equals": "yes" } });
    let waiting = json!([
        { "share": 10, "bake": "30m" },
        { "share": 50, "bake": "30m", "entryGates": [closed] },
        { "share": 100 },
    ]);
    for (phase, seconds) in [
        ("Shifting", 30),
        ("Settling", 100),
        ("Baking", 900),
        ("Waiting", 2_100),
    ] {
        let given = given(100, 0).await;
        put_parameter(&given, "/pay/ready", "String", "no");
        let inputs = checked(&given, &inputs(json!({ "steps": waiting }))).await;

        let (stored, reasons, took) =
            interrupted(&given, &inputs, Duration::from_secs(seconds)).await;

        assert!(
            given.said().iter().any(|line| line.starts_with(phase)),
            "{phase}: {:?}",
            given.said()
        );
        assert!(took <= Duration::from_secs(10), "{phase}: {took:?}");
        assert!(
            reasons.starts_with("CUT-162: the shift was interrupted by the operator; everything"),
            "{phase}: {reasons}"
        );
        assert_eq!(given.weights(), ["100/0", "90/10", "100/0"], "{phase}");

        // The next run finishes it, and fails once.
        let given = given.restarted().await;
        let failure = given.shift().update(&stored, &inputs).await;
        let (stored, _) = stored_of(failure.expect_err("it went back"), &inputs);
        assert_eq!(text(&stored, "phase"), "RolledBack", "{phase}");
    }
}

/// F12: before anything is written, nothing is stored.
#[tokio::test(start_paused = true)]
async fn an_interruption_before_the_first_change_leaves_nothing() {
    let given = given(100, 0).await;
    given.sim.cloud().script([CloudFault {
        operation: "ListResourceRecordSets",
        when: When::Always,
        what: What::Throttled,
    }]);
    let inputs = checked(&given, &inputs(json!({}))).await;
    let creating = {
        let (shift, inputs) = (given.shift(), inputs.clone());
        tokio::spawn(async move { shift.create(&inputs).await })
    };
    given.pass(Duration::from_secs(5)).await;
    let client = given.harness.client.clone();
    client.cancel().await.expect("the engine says so");

    let failure = creating.await.expect("it ends").expect_err("it is stopped");

    assert!(failure.init_failed.is_none(), "{failure:?}");
    assert_eq!(given.writes(), 0);
}

/// F13
#[tokio::test(start_paused = true)]
async fn an_interruption_on_the_way_back_leaves_it_written() {
    let given = given(100, 0).await;
    let from = given.began_at.after(Duration::from_mins(15));
    given.sim.cloud().script([CloudFault::during(
        "ChangeResourceRecordSets",
        from,
        from.after(Duration::from_mins(10)),
        What::Throttled,
    )]);
    given.breaks_after(Duration::from_mins(14), 0.3);
    let inputs = checked(&given, &inputs(json!({}))).await;

    // It is decided after about 22 minutes, and accepted from minute 25 on.
    let (stored, reasons, _) = interrupted(&given, &inputs, Duration::from_mins(25)).await;

    assert_eq!(given.weights(), ["100/0", "90/10", "100/0"], "{reasons}");
    assert_eq!(text(&stored, "phase"), "Converging");
}

#[tokio::test(start_paused = true)]
async fn an_interruption_that_holds_leaves_the_weights_and_the_next_run_goes_on() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({ "interrupt": "hold" }))).await;

    let (stored, reasons, took) = interrupted(&given, &inputs, Duration::from_mins(20)).await;

    assert!(took <= Duration::from_secs(10), "{took:?}");
    assert_eq!(given.weights(), ["100/0", "90/10"]);
    assert!(
        reasons.contains("10 % of traffic is on new, and weights stay"),
        "{reasons}"
    );
    assert_eq!(text(&stored, "phase"), "Paused");
    assert_eq!(text(&stored, "reason"), "Interrupted");
    let given = given.restarted().await;
    let done = given.shift().update(&stored, &inputs).await;
    assert_eq!(text(&done.expect("it completes"), "phase"), "Completed");
}

/// F19
#[tokio::test(start_paused = true)]
async fn a_share_that_somebody_else_raises_pauses_the_shift_and_names_it() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({}))).await;
    let creating = {
        let (shift, inputs) = (given.shift(), inputs.clone());
        tokio::spawn(async move { shift.create(&inputs).await })
    };
    given.pass(Duration::from_mins(10)).await;
    set_by_others(&given, given.clock.now(), 60, 40);

    let failure = creating.await.expect("it ends").expect_err("it pauses");

    let (stored, reasons) = stored_of(failure, &inputs);
    assert!(
        reasons.contains("somebody else has changed the router: new gets more than planned"),
        "{reasons}"
    );
    assert_eq!(text(&stored, "reason"), "Drift:Raised");
    assert_eq!(given.weights(), ["100/0", "90/10", "60/40"]);
}

#[tokio::test(start_paused = true)]
async fn a_share_that_somebody_else_raises_is_put_back_where_the_program_says_so() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({ "driftPolicy": "revert" }))).await;
    let creating = {
        let (shift, inputs) = (given.shift(), inputs.clone());
        tokio::spawn(async move { shift.create(&inputs).await })
    };
    given.pass(Duration::from_mins(10)).await;
    set_by_others(&given, given.clock.now(), 60, 40);

    creating.await.expect("it ends").expect("it completes");

    assert_eq!(
        given.weights(),
        ["100/0", "90/10", "60/40", "90/10", "50/50", "0/100"]
    );
    assert!(given.said_once("put back what somebody has changed: new gets more than planned"));
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_cannot_be_written_ends_with_the_command_that_can() {
    let given = given(100, 0).await;
    let from = given.began_at.after(Duration::from_mins(15));
    given.sim.cloud().script([CloudFault::during(
        "ChangeResourceRecordSets",
        from,
        from.after(Duration::from_hours(24)),
        What::Denied,
    )]);
    given.breaks_after(Duration::from_mins(14), 0.3);
    let inputs = checked(&given, &inputs(json!({}))).await;

    let (stored, reasons) = fails(&given, &inputs).await;

    let break_glass = text(&stored, "breakGlass");
    assert!(break_glass.starts_with("aws route53 change-resource-record-sets"));
    assert!(reasons.starts_with("CUT-163"), "{reasons}");
    assert!(reasons.contains(&break_glass), "{reasons}");
    assert!(reasons.contains("10 % of traffic is on new"), "{reasons}");
    assert_eq!(text(&stored, "phase"), "Stuck");
    assert_eq!(given.weights(), ["100/0", "90/10"]);
}

/// F57
#[tokio::test(start_paused = true)]
async fn notifications_that_do_not_arrive_are_listed_and_hold_nothing_up() {
    let given = given(100, 0).await;
    let topic = given.sim.cloud().create_topic("payments");
    given.sim.cloud().script([CloudFault {
        operation: "Publish",
        when: When::Always,
        what: What::Broken,
    }]);
    let notify = json!({ "topicArn": topic, "severityMin": "critical" });
    let inputs = checked(&given, &inputs(json!({ "notify": notify }))).await;
    given.breaks_after(Duration::from_mins(15), 0.3);

    let (stored, _) = fails(&given, &inputs).await;

    let undelivered = output(&stored, "undelivered");
    let undelivered = undelivered.as_list().expect("a list");
    assert!(!undelivered.is_empty());
    assert!(given.said_once("did not arrive"), "{:?}", given.said());
    assert_eq!(given.weights(), ["100/0", "90/10", "100/0"]);
}

/// Values of parameters are read decrypted, and are nobody's business but of who compares them.
#[tokio::test(start_paused = true)]
async fn no_value_of_a_parameter_is_told_or_stored() {
    let given = given(100, 0).await;
    put_parameter(&given, "/pay/ready", "SecureString", "hunter2");
    put_parameter(&given, "/pay/switch", "SecureString", "hunter3");
    let ready = json!({ "ssm": { "name": "/pay/ready", "equals": "yes" } });
    let change = json!({
        "entryGates": [ready],
        "control": { "ssmParameter": "/pay/switch" },
        "gateTimeout": "5m",
    });
    let inputs = checked(&given, &inputs(change)).await;

    let (stored, reasons) = fails(&given, &inputs).await;

    assert!(reasons.contains("closed for too long"), "{reasons}");
    assert!(given.said_once("kill switch unclear"), "{:?}", given.said());
    let told = format!("{reasons}{:?}{:?}", stored.outputs, given.said());
    for secret in ["hunter2", "hunter3"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_change_whose_fate_nobody_knows_is_stored() {
    // How often the zone is read before the first change of it.
    let usual = given(100, 0).await;
    let staged = checked(&usual, &inputs(json!({ "mode": "staged" }))).await;
    usual.shift().create(&staged).await.expect("one step");
    let looks = {
        let cloud = usual.sim.cloud();
        let before = cloud
            .requests()
            .iter()
            .take_while(|request| request.operation != "ChangeResourceRecordSets");
        before
            .filter(|request| request.operation == "ListResourceRecordSets")
            .count()
    };
    // Its clock would keep that of the runtime still.
    drop(usual);
    let given = given(100, 0).await;
    given.sim.cloud().script([
        CloudFault::nth("ChangeResourceRecordSets", 1, 1, What::AnswerLost),
        CloudFault::nth("ListResourceRecordSets", looks + 1, 1_000, What::Broken),
    ]);
    let inputs = checked(&given, &inputs(json!({}))).await;

    let (stored, reasons) = fails(&given, &inputs).await;

    assert_eq!(stored.id, "Z0AB/pay.example.com/A/old/new", "{reasons}");
    assert!(given.journal().is_some(), "it was written after all");
}

/// A limit that is too short for going on is none for going back.
#[tokio::test(start_paused = true)]
async fn a_short_time_limit_does_not_keep_a_shift_from_going_back() {
    let given = given(100, 0).await;
    let staged = checked(&given, &inputs(json!({ "mode": "staged" }))).await;
    let stored = given.shift().create(&staged).await.expect("one step");
    let back = checked(&given, &inputs(json!({ "desired": "old" }))).await;

    let request = UpdateRequest {
        timeout: Duration::from_mins(20).as_secs_f64(),
        ..given.shift().update_request(&stored, &back)
    };
    let answer = given.harness.client.raw().update(request).await;

    let failure = Failure::from(answer.expect_err("it goes back"));
    let (stored, reasons) = stored_of(failure, &back);
    assert!(reasons.starts_with("CUT-160"), "{reasons}");
    assert_eq!(text(&stored, "phase"), "RolledBack");
}
