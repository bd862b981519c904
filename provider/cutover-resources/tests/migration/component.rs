//! Which children a migration has, in which order, and with which inputs.

use pulumi_testkit::{Registration, Reply};
use pulumi_value::Value;
use serde_json::{Value as Json, json};

use crate::given::{Given, TASK, at, given, map, place, switch, text, with};

const TOKEN: &str = "cutover:index:MigrationCutover";

fn shift() -> Json {
    json!({
        "router": { "alb": {
            "listenerRuleArn": "arn:aws:elasticloadbalancing:eu-central-1:1:listener-rule/app/pay/1/2/3",
            "oldTargetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/old/1",
            "newTargetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/new/1",
        } },
        "steps": [{ "share": 100 }],
        "rollback": { "sharedDatabase": true },
    })
}

/// Inputs of a migration with everything.
fn inputs(goal: &str, change: Json) -> Json {
    let parts = json!({
        "goal": goal,
        "replication": { "taskArn": TASK },
        "switch": { "back": switch(json!({}))["back"] },
        "shift": shift(),
        "validation": { "excludeTables": ["public.audit_log"], "reportFile": "before.html" },
    });
    with(with(place(), parts), change)
}

/// What a child that came to its end gives back.
fn reply(registration: &Registration) -> Reply {
    let reply = Reply::made(registration);
    match registration.request.r#type.as_str() {
        "cutover:index:Replication" => reply
            .output("phase", "replicating")
            .output("lagSeconds", 0.5),
        "cutover:index:DataValidation" => reply
            .output("verdict", "matched")
            .output("reportDigest", "abc")
            .output("proofState", Value::secret("proof")),
        "cutover:index:WeightedShift" => reply.output("phase", "Completed"),
        "cutover:index:WriterSwitch" => reply
            .output("phase", "switched")
            .output("writer", "target")
            .output("writePolicy", "any")
            .output("epoch", 1.0)
            .output("rollbackReady", true)
            .output("guarantee", "nothing is lost")
            .output("committedAt", "2026-01-01T10:00:00Z")
            .output("backTaskArn", "arn:back"),
        "cutover:index:Finalization" => reply.output("phase", "waiting"),
        _ => reply,
    }
}

impl Given {
    fn answers(&self, change: impl Fn(&Registration, Reply) -> Reply + Send + Sync + 'static) {
        self.harness.engine.on_register(move |registration| {
            let reply = change(&registration, reply(&registration));
            async move { Ok(reply) }
        });
    }

    async fn construct(&self, inputs: &Json) -> pulumi_testkit::Constructed {
        let (client, engine) = (&self.harness.client, &self.harness.engine);
        let made = client
            .construct(engine, TOKEN, "shop", &map(inputs))
            .send()
            .await;
        made.expect("it is constructed")
    }

    /// The children in the order of their registration, without the component itself.
    fn children(&self) -> Vec<String> {
        let registrations = self.harness.engine.registrations();
        let names = registrations.iter().map(|made| made.request.name.clone());
        names.filter(|name| name != "shop").collect()
    }

    fn child(&self, role: &str) -> Registration {
        self.harness.engine.registration(&format!("shop-{role}"))
    }
}

#[tokio::test]
async fn a_goal_has_the_children_that_it_needs_in_the_order_in_which_they_follow() {
    for (goal, placement, expected) in [
        ("replicating", "sharedWriter", vec!["replication"]),
        ("validated", "sharedWriter", vec!["replication", "before"]),
        (
            "switched",
            "sharedWriter",
            vec!["replication", "before", "shift", "switch", "after"],
        ),
        (
            "switched",
            "sharedWriterFirst",
            vec!["replication", "before", "switch", "shift", "after"],
        ),
        (
            "switched",
            "drainAndSwitch",
            vec!["replication", "before", "switch", "shift", "after"],
        ),
        (
            "finalized",
            "sharedWriter",
            vec![
                "replication",
                "before",
                "shift",
                "switch",
                "after",
                "finalization",
            ],
        ),
        (
            "rolledBack",
            "drainAndSwitch",
            vec!["switch", "shift", "replication"],
        ),
    ] {
        let given = given().await;
        given.answers(|_, reply| reply);

        given
            .construct(&inputs(goal, json!({ "placement": placement })))
            .await;

        let expected: Vec<_> = expected.iter().map(|role| format!("shop-{role}")).collect();
        assert_eq!(given.children(), expected, "{goal} {placement}");
    }
}

#[tokio::test]
async fn each_child_gets_what_the_migration_is_about() {
    let given = given().await;
    given.answers(|_, reply| reply);

    let made = given.construct(&inputs("finalized", json!({}))).await;

    let replication = given.child("replication").inputs;
    assert_eq!(text(&replication, "taskArn"), TASK);
    assert_eq!(text(&replication, "markers.migration"), "shop");
    assert!(at(&replication, "stopped").is_null());
    let before = given.child("before").inputs;
    assert_eq!(
        text(&before, "follow.markerTable"),
        "cutover_control.marker_forward"
    );
    assert_eq!(text(&before, "source.host"), "old.internal");
    assert_eq!(text(&before, "reportFile"), "before.html");
    let switch = given.child("switch");
    assert_eq!(text(&switch.inputs, "writer"), "target");
    assert_eq!(at(&switch.inputs, "sharedWriter"), Value::Bool(true));
    assert_eq!(text(&switch.inputs, "drain.taskArn"), TASK);
    assert_eq!(
        text(&switch.inputs, "check.excludeTables[0]"),
        "public.audit_log"
    );
    assert!(at(&switch.inputs, "check.since").contains_secret());
    assert_eq!(at(&switch.inputs, "approved").content(), &Value::Bool(true));
    let shift = given.child("shift").urn;
    assert!(
        switch
            .request
            .dependencies
            .contains(&shift.as_str().to_owned())
    );
    let after = given.child("after").inputs;
    assert_eq!(text(&after, "source.host"), "new.internal");
    assert_eq!(text(&after, "target.host"), "old.internal");
    assert_eq!(
        text(&after, "follow.markerTable"),
        "cutover_control.marker_reverse"
    );
    assert_eq!(text(&after, "mode"), "preMigration");
    assert!(at(&after, "reportFile").is_null());
    let last = given.child("finalization").inputs;
    assert_eq!(at(&last, "since").as_str(), Some("2026-01-01T10:00:00Z"));
    assert_eq!(at(&last, "backTaskArn").as_str(), Some("arn:back"));

    assert_eq!(text(&made.state, "phase"), "waiting");
    assert_eq!(text(&made.state, "verdictBefore"), "matched");
    assert_eq!(text(&made.state, "writer"), "target");
    assert_eq!(text(&made.state, "shiftPhase"), "Completed");
    assert!(at(&made.state, "dueAt").is_null());
}

#[tokio::test]
async fn the_writer_waits_until_all_of_the_traffic_is_on_new() {
    let given = given().await;
    given.answers(
        |registration, reply| match registration.request.r#type.as_str() {
            "cutover:index:WeightedShift" => reply.output("phase", "Paused"),
            "cutover:index:WriterSwitch" => {
                reply.output("phase", "held").output("writer", "source")
            }
            _ => reply,
        },
    );

    let made = given.construct(&inputs("switched", json!({}))).await;

    let switch = given.child("switch").inputs;
    assert_eq!(at(&switch, "approved").content(), &Value::Bool(false));
    assert_eq!(
        given.children().len(),
        4,
        "nothing comes after a switch that waits"
    );
    assert_eq!(text(&made.state, "phase"), "held");
}

#[tokio::test]
async fn traffic_that_follows_the_writer_heeds_whose_writes_are_accepted() {
    let given = given().await;
    given.answers(
        |registration, reply| match registration.request.r#type.as_str() {
            "cutover:index:WriterSwitch" => reply.output("writePolicy", "newOnly"),
            _ => reply,
        },
    );

    given
        .construct(&inputs(
            "switched",
            json!({ "placement": "drainAndSwitch" }),
        ))
        .await;

    let shift = given.child("shift").inputs;
    assert_eq!(at(&shift, "writePolicy").as_str(), Some("newOnly"));
    let switch = given.child("switch").inputs;
    assert_eq!(at(&switch, "sharedWriter"), Value::Bool(false));
    assert!(at(&switch, "approved").is_null());
}

#[tokio::test]
async fn going_back_turns_everything_round() {
    let given = given().await;
    given.answers(|_, reply| reply);

    given.construct(&inputs("rolledBack", json!({}))).await;

    assert_eq!(text(&given.child("switch").inputs, "writer"), "source");
    let shift = given.child("shift").inputs;
    assert_eq!(text(&shift, "desired"), "old");
    assert!(at(&shift, "writePolicy").is_null());
    assert_eq!(
        at(&given.child("replication").inputs, "stopped"),
        Value::Bool(true)
    );
    let mut children = given.children();
    children.sort();
    assert_eq!(children, ["shop-replication", "shop-shift", "shop-switch"]);
}

#[tokio::test]
async fn a_preview_shows_every_child_of_the_goal() {
    let given = given().await;
    let (client, engine) = (&given.harness.client, &given.harness.engine);

    let call = client.construct(engine, TOKEN, "shop", &map(&inputs("finalized", json!({}))));
    let made = call.preview(engine).send().await.expect("a preview");

    assert_eq!(given.children().len(), 6);
    assert!(at(&made.state, "epoch").contains_unknown());
}

#[tokio::test]
async fn two_writers_and_names_that_cannot_be_are_refused_before_anything_is_registered() {
    let given = given().await;
    let (client, engine) = (&given.harness.client, &given.harness.engine);
    let asked = inputs(
        "switched",
        json!({ "placement": "partitionedWriters", "tables": ["payments"] }),
    );

    let refused = client
        .construct(engine, TOKEN, "shop", &map(&asked))
        .send()
        .await;

    let message = format!("{:?}", refused.expect_err("it is refused"));
    assert!(message.contains("CUT-301"), "{message}");
    assert!(message.contains("CUT-340"), "{message}");
    assert_eq!(given.children(), [""; 0]);
}
