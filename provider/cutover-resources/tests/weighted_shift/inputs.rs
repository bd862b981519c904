//! What is refused before anything is looked at.

use pulumi_testkit::map as properties;
use pulumi_value::{Value, from_map};
use serde_json::{Value as Json, json};

use crate::given::{given, inputs, map};

/// The problems of inputs, each with its path.
async fn problems(inputs: &Json) -> Vec<(String, String)> {
    let given = given(100, 0).await;
    let checked = given.shift().check(&map(inputs)).await.expect("an answer");
    checked.failures
}

async fn check(change: Json, expected: &[(&str, &str)]) {
    let found = problems(&inputs(change)).await;

    let begins = |((path, reason), (path_expected, begin)): (&(String, String), &(&str, &str))| {
        path == path_expected && reason.starts_with(begin)
    };
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(begins),
        "{found:#?}"
    );
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let gate = json!({ "name": "slow", "kind": "ratio", "max": 5, "period": "7s" });
    let change = json!({
        "steps": [
            { "share": 50, "bake": "half an hour" },
            { "share": 40, "bake": "30m" },
            { "share": 90 },
        ],
        "gates": [gate],
        "rollback": {},
        "control": { "ssmParameter": "switch" },
        "desired": "new",
    });

    check(
        change,
        &[
            ("gates[0].period", "CUT-112: `7s` is not"),
            ("gates[0].max", "CUT-112: `5` is not a fraction"),
            ("gates[0].bad", "CUT-112: is required"),
            ("gates[0].total", "CUT-112: is required"),
            ("steps[0].bake", "CUT-100: `half an hour` is not a duration"),
            ("steps[1].share", "CUT-101: 40 % does not rise above 50 %"),
            ("steps", "CUT-101: the last share is not 100"),
            ("rollback", "CUT-111: say how rows"),
            ("control.ssmParameter", "CUT-113: `switch` is not a path"),
            ("desired", "CUT-132"),
        ],
    )
    .await;
}

/// F29
#[tokio::test]
async fn a_share_that_weights_cannot_express_is_refused() {
    check(
        json!({ "steps": [{ "share": 0.1, "bake": "30m" }, { "share": 100 }] }),
        &[("steps[0].share", "CUT-101")],
    )
    .await;
    check(
        json!({ "steps": [{ "share": 33.3, "bake": "30m" }, { "share": 100 }] }),
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_ttl_that_makes_a_rollback_too_slow_is_refused_with_the_one_that_would_do() {
    let mut inputs = inputs(json!({}));
    inputs["router"]["route53"]["ttl"] = json!(300);

    let found = problems(&inputs).await;

    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "router.route53.ttl");
    assert!(
        found[0].1.contains("a TTL of 140 s would keep it"),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_gate_that_could_never_fire_in_a_bake_is_refused() {
    check(
        json!({ "steps": [{ "share": 50, "bake": "5m" }, { "share": 100 }] }),
        &[("steps[0].bake", "CUT-107: gate `errorRate` can never fire")],
    )
    .await;
}

#[tokio::test]
async fn a_comparison_names_a_gate_that_tells_the_sides_apart() {
    check(
        json!({ "compare": [{ "gate": "errorRate", "factor": 1.5 }, { "gate": "latency" }] }),
        &[
            ("compare[0].factor", "CUT-112: says nothing about gate"),
            ("compare[1].gate", "CUT-112: there is no gate `latency`"),
        ],
    )
    .await;
}

#[tokio::test]
async fn gates_of_a_payment_system_are_ready_to_be_used() {
    let given = given(100, 0).await;
    let args = map(&json!({
        "oldLoadBalancer": "app/old/1",
        "newLoadBalancer": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/new/2",
        "payments": { "namespace": "Pay", "failed": "Failed", "total": "Attempted" },
    }));
    let invoked = given
        .harness
        .client
        .invoke("cutover:index:paymentGates", &args, false)
        .await;
    let returned = invoked.expect("an answer").answer.expect("it is known");

    let mut inputs = map(&inputs(json!({})));
    inputs.extend(returned.clone());
    let checked = given.shift().check(&inputs).await.expect("an answer");
    assert_eq!(checked.failures, []);
    let result: cutover_resources::PaymentGatesResult = from_map(&returned).expect("gates");
    let names: Vec<_> = result.gates.iter().map(|gate| gate.name.as_str()).collect();
    assert_eq!(
        names,
        ["errorRate", "latency", "paymentFailures", "availability"]
    );

    let wrong = properties([("oldLoadBalancer", Value::from("old"))]);
    let mut args = map(&json!({
        "newLoadBalancer": "app/new/2",
        "payments": { "namespace": "Pay", "failed": "Failed", "total": "Attempted" },
    }));
    args.extend(wrong);
    let invoked = given
        .harness
        .client
        .invoke("cutover:index:paymentGates", &args, false)
        .await;
    let failures = invoked.expect("an answer").failures;
    assert_eq!(failures[0].0, "oldLoadBalancer");
}
