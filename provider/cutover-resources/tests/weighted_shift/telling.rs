//! What a person reads, as it is read.

use std::time::Duration;

use serde_json::json;

use crate::given::{Given, checked, given, inputs};

async fn error_of(given: &Given, inputs: &pulumi_value::PropertyMap) -> String {
    let failure = given.shift().create(inputs).await.expect_err("it fails");
    failure.unfinished().reasons.join("\n")
}

#[tokio::test(start_paused = true)]
async fn a_rollback_says_why_what_is_safe_and_what_is_next() {
    let given = given(100, 0).await;
    let inputs = checked(&given, &inputs(json!({}))).await;
    given.breaks_after(Duration::from_mins(15), 0.09);

    insta::assert_snapshot!(error_of(&given, &inputs).await, @"
    CUT-160: everything is on old: errorRate was 9 %, allowed up to 5 %, since 2026-01-01T00:15:00Z, 600 samples
      next:  traffic is safe where it is; mend the cause and set `attempt: 2` to begin again; until then `pulumi up` only warns
    ");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_nobody_wished_for_says_what_to_look_at() {
    let given = given(100, 0).await;
    let ready = json!({ "ssm": { "name": "/pay/ready", "equals": "yes" } });
    let change = json!({ "entryGates": [ready], "gateTimeout": "5m" });
    let inputs = checked(&given, &inputs(change)).await;

    insta::assert_snapshot!(error_of(&given, &inputs).await, @r#"
    CUT-161: the shift has stopped at 0 % on new: closed for too long: ssm:/pay/ready
      next:  weights stay as they are; see what keeps the conditions from holding; the next `pulumi up` goes on from there, and `desired: "old"` sends everything back
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_shift_is_told_by_lines_that_stay_and_by_a_status_of_few_words() {
    let given = given(100, 0).await;
    let steps = json!([{ "share": 50, "bake": "5m" }, { "share": 100 }]);
    let change = json!({ "steps": steps, "soak": "10m" });
    let mut inputs = inputs(change);
    inputs["gates"][0]["for"] = json!("1m");
    let inputs = checked(&given, &inputs).await;

    given.shift().create(&inputs).await.expect("it completes");

    let logs = given.harness.engine.logs();
    let lines: Vec<_> = logs
        .iter()
        .map(|line| {
            let mark = if line.ephemeral { "~" } else { " " };
            assert!(line.message.chars().count() <= 100 || !line.ephemeral);
            format!("{mark} {}", line.message)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
      fence taken
      step 1 entered: 50/50
    ~ Shifting step 1 of 2, 50 % on new
    ~ Shifting step 1 of 2, 50 % on new, worst gate errorRate unknown yet
      step 1 is INSYNC
    ~ Settling step 1 of 2, 50 % on new, 2 min left, worst gate errorRate unknown yet
    ~ Settling step 1 of 2, 50 % on new, 1 min left, worst gate errorRate unknown yet
    ~ Settling step 1 of 2, 50 % on new, worst gate errorRate unknown yet
      bake of step 1 begins
    ~ Baking step 1 of 2, 50 % on new, 5 min left, worst gate errorRate unknown yet
    ~ Baking step 1 of 2, 50 % on new, 4 min left, worst gate errorRate unknown yet
    ~ Baking step 1 of 2, 50 % on new, 3 min left, worst gate errorRate unknown yet
    ~ Baking step 1 of 2, 50 % on new, 2 min left, worst gate errorRate unknown yet
    ~ Baking step 1 of 2, 50 % on new, 1 min left, worst gate errorRate unknown yet
    ~ Baking step 1 of 2, 50 % on new, 1 min left, worst gate errorRate 0.2 % of 5 %
      step 1 has baked
      step 2 entered: 0/100
    ~ Shifting step 2 of 2, 100 % on new, worst gate errorRate 0.2 % of 5 %
      step 2 is INSYNC
    ~ Settling step 2 of 2, 100 % on new, 2 min left, worst gate errorRate unknown yet
    ~ Settling step 2 of 2, 100 % on new, 1 min left, worst gate errorRate unknown yet
      bake of step 2 begins, 100 % seen on new
    ~ Soaking step 2 of 2, 100 % on new, 10 min left, worst gate errorRate unknown yet
    ~ Soaking step 2 of 2, 100 % on new, 9 min left, worst gate errorRate unknown yet
    ~ Soaking step 2 of 2, 100 % on new, 8 min left, worst gate errorRate unknown yet
    ~ Soaking step 2 of 2, 100 % on new, 7 min left, worst gate errorRate unknown yet
    ~ Soaking step 2 of 2, 100 % on new, 7 min left, worst gate errorRate 0.2 % of 5 %
    ~ Soaking step 2 of 2, 100 % on new, 6 min left, worst gate errorRate 0.2 % of 5 %
    ~ Soaking step 2 of 2, 100 % on new, 5 min left, worst gate errorRate 0.2 % of 5 %
    ~ Soaking step 2 of 2, 100 % on new, 4 min left, worst gate errorRate 0.2 % of 5 %
    ~ Soaking step 2 of 2, 100 % on new, 3 min left, worst gate errorRate 0.2 % of 5 %
    ~ Soaking step 2 of 2, 100 % on new, 2 min left, worst gate errorRate 0.2 % of 5 %
    ~ Soaking step 2 of 2, 100 % on new, 1 min left, worst gate errorRate 0.2 % of 5 %
      step 2 has baked
      completed
      everything is on new; a way back at any time: `cutover rollback`, which takes up to 5 min
    ");
}
