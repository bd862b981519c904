//! What a reviewer sees before anything is done.

use pulumi_testkit::map as properties;
use pulumi_value::{PropertyPath, Value};
use serde_json::json;

use crate::given::{checked, given, inputs, map};

#[tokio::test(start_paused = true)]
async fn a_preview_shows_the_timeline_and_writes_nothing() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({}))).await;

    let outputs = given
        .shift()
        .preview_create(&inputs)
        .await
        .expect("a preview");

    let said = given.said();
    let timeline = said.iter().find(|line| line.starts_with("3 steps"));
    insta::assert_snapshot!(timeline.expect("it is shown"), @"
    3 steps, at least 2 h 9 min, at most 5 h 57 min without waiting for people
     +0:00:00  weights 90/10 (old/new), step 1: 10 % to new
     +0:03:00  bake of 30 min begins, 2 min after INSYNC
     +0:33:00  bake ends: errorRate must have held
     +0:33:00  weights 50/50 (old/new), step 2: 50 % to new
     +0:36:00  bake of 1 h begins, 2 min after INSYNC
     +1:36:00  bake ends: errorRate must have held
     +1:36:00  weights 0/100 (old/new), step 3: 100 % to new
     +1:39:00  bake of 30 min begins, 2 min after INSYNC
     +2:09:00  bake ends: errorRate must have held
     +2:09:00  completed
    calls of AWS: about 429 in all, up to 192 in an hour of bake, 15 for each step
    step 1, errorRate: to tell 0.20 % from 0.40 % this bake needs 27,373 requests on new; 18,000 expected: make it 46 min
    step 2, errorRate: to tell 0.20 % from 0.40 % this bake needs 38,921 requests on new; 180,000 expected
    a rollback takes up to 5 min from the decision until traffic is back
    ");
    assert!(given.said_once("CUT-150: `guard`"), "{said:?}");
    assert_eq!(given.writes(), 0);
    let weight = PropertyPath::root().key("plan").index(1).key("newWeight");
    assert_eq!(weight.get(&outputs).and_then(Value::as_number), Some(50.0));
    assert_eq!(outputs.get("phase"), Some(&Value::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_preview_with_unknown_inputs_still_shows_the_timeline_and_looks_at_nothing() {
    let given = given(100, 0).await;
    let mut inputs = map(&inputs(json!({})));
    let route53 = PropertyPath::root().key("router").key("route53");
    let route53 = route53.get(&inputs).and_then(Value::as_map).cloned();
    let mut route53 = route53.expect("a router");
    route53.insert("zoneId".to_owned(), Value::Unknown);
    let router = properties([("route53", Value::Map(route53))]);
    inputs.insert("router".to_owned(), Value::Map(router));
    let checked = given.shift().check(&inputs).await.expect("an answer");
    assert_eq!(checked.failures, []);

    let outputs = given
        .shift()
        .preview_create(&checked.inputs)
        .await
        .expect("a preview");

    assert!(
        given.said_once("3 steps, at least 2 h 9 min"),
        "{:?}",
        given.said()
    );
    assert!(given.said_once("some inputs are not known yet"));
    assert_eq!(outputs.get("breakGlass"), Some(&Value::Unknown));
    assert!(given.sim.cloud().requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_preview_says_what_stands_against_it_and_from_where_a_shift_goes_on() {
    let given = given(100, 0).await;
    let staged = checked(&given, &inputs(json!({ "mode": "staged" }))).await;
    let mut unadopted = inputs(json!({}));
    unadopted["router"]["route53"]["adopt"] = json!("none");
    let unadopted = checked(&given, &unadopted).await;

    given
        .shift()
        .preview_create(&unadopted)
        .await
        .expect("a preview");
    let stored = given.shift().create(&staged).await.expect("one step");
    given
        .shift()
        .preview_update(&stored, &staged)
        .await
        .expect("a preview");

    assert!(
        given.said_once("`pulumi up` will refuse it as it is now: CUT-116"),
        "{:?}",
        given.said()
    );
    assert!(
        given.said_once("the shift is live: paused at step 1 of 3 (staged);"),
        "{:?}",
        given.said()
    );
}

#[tokio::test(start_paused = true)]
async fn a_preview_names_what_a_step_waits_for_and_where_the_way_back_ends() {
    let given = given(100, 0).await;
    let ready = json!({ "ssm": { "name": "/pay/ready", "equals": "yes" } });
    let task = json!({ "dmsTask": { "arn": "arn:aws:dms:eu-central-1:123456789012:task:T1" } });
    let steps = json!([
        { "share": 50, "bake": "30m", "entryGates": [ready, task], "name": "half" },
        { "share": 100, "pause": true, "entryGates": [ready] },
    ]);
    let change = json!({ "steps": steps, "commitAfter": 1, "rollback": null });
    let inputs = checked(&given, &inputs(change)).await;

    given
        .shift()
        .preview_create(&inputs)
        .await
        .expect("a preview");

    for line in [
        "step 1: 50 % to new, half, once open: ssm:/pay/ready, dmsTask:T1",
        "+0:33:00  point of no return",
        "+0:33:00  approval of step 2 by a person",
        "step 2: 100 % to new, once open: ssm:/pay/ready",
    ] {
        assert!(given.said_once(line), "{line}: {:?}", given.said());
    }
}
