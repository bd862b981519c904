//! The example that people copy, as it is, in the account that it brings along.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::gates::Side;
use cutover_driver::{Clock as _, SystemClock};
use cutover_local_aws::scene::Scene;
use cutover_sim::cloud::{Cloud, Counted, Measured, MetricKey, Routed, TrafficModel};

use super::super::pulumi::Stack;
use super::world::World;

const ZONE: &str = "Z0123456789EXAMPLE";
const NAME: &str = "pay.example.com";

/// What the example's README sets, besides endpoints and region.
const SETTINGS: [(&str, &str); 8] = [
    ("weighted-shift:zoneId", ZONE),
    ("weighted-shift:name", NAME),
    (
        "weighted-shift:oldAlias.dnsName",
        "pay-old.eu-central-1.elb.amazonaws.com",
    ),
    ("weighted-shift:oldAlias.zoneId", "Z215JYRZR1TBD5"),
    (
        "weighted-shift:newAlias.dnsName",
        "pay-new.eu-central-1.elb.amazonaws.com",
    ),
    ("weighted-shift:newAlias.zoneId", "Z215JYRZR1TBD5"),
    ("weighted-shift:oldLoadBalancer", BALANCERS[0]),
    ("weighted-shift:newLoadBalancer", BALANCERS[1]),
];

const BALANCERS: [&str; 2] = [
    "app/pay-old/50dc6c495c0c9188",
    "app/pay-new/60dc6c495c0c9188",
];

/// How long traffic has run: long enough for a preview to say what a bake can tell.
const BEFORE: Duration = Duration::from_mins(70);

/// The scene that lies beside the example, in which traffic runs.
fn account(stack: &Stack) -> Cloud {
    let before = i64::try_from(BEFORE.as_millis()).expect("it is minutes");
    let minute = (SystemClock.now().unix_millis() - before) / 60_000;
    let from = Timestamp::from_unix_millis(minute * 60_000);
    let scene = fs::read_to_string(stack.program().join("scene.json")).expect("it is there");
    let scene = Scene::parse(&scene).expect("it is a scene");
    let mut cloud = scene.into_cloud(from).expect("AWS would take all of it");
    let mut traffic = TrafficModel::new(
        from,
        Routed::Record {
            zone_id: ZONE.to_owned(),
            name: NAME.to_owned(),
            record_type: "A".to_owned(),
            old: "old".to_owned(),
            new: "new".to_owned(),
        },
    );
    let elb = |name: &str, counted| {
        let key = ("AWS/ApplicationELB", name, "LoadBalancer");
        measured(key, BALANCERS, counted)
    };
    let pay = |name: &str, counted| measured(("Payments", name, "System"), ["old", "new"], counted);
    traffic.measured = [
        elb("RequestCount", Counted::Requests),
        elb("HTTPCode_Target_5XX_Count", Counted::Errors),
        elb("TargetResponseTime", Counted::Latency),
        pay("Attempted", Counted::Payments),
        pay("Failed", Counted::FailedPayments),
    ]
    .concat();
    cloud.run_traffic(traffic);
    cloud
}

/// A metric of both sides: its namespace, its name, the name of its dimension, and that one's values.
fn measured(
    (namespace, name, dimension): (&str, &str, &str),
    [old, new]: [&str; 2],
    counted: Counted,
) -> Vec<Measured> {
    let of = |(side, value): (Side, &str)| Measured {
        key: MetricKey {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: BTreeMap::from([(dimension.to_owned(), value.to_owned())]),
        },
        side,
        counted,
        // As a load balancer does.
        sparse: counted == Counted::Errors,
    };
    [(Side::Old, old), (Side::New, new)].map(of).to_vec()
}

#[test]
fn the_example_shows_its_whole_plan_and_changes_nothing() {
    let stack = Stack::of_example("weighted-shift");
    let cloud = account(&stack);
    let world = World::around(stack, cloud).with_credentials();
    world.configure(&world.stack, &SETTINGS);

    let preview = world.stack.preview().succeeds();

    assert_eq!(preview.step("payments"), "create");
    let plan = preview.outputs("payments")["plan"].clone();
    let steps = plan.as_array().into_iter().flatten();
    let weights: Vec<_> = steps
        .map(|step| (step["oldWeight"].as_u64(), step["newWeight"].as_u64()))
        .collect();
    let expected = [(90, 10), (50, 50), (10, 90), (0, 100)];
    assert_eq!(weights, expected.map(|(old, new)| (Some(old), Some(new))));
    let said = [
        "4 steps, at least ",
        "approval of step 3 by a person",
        "step 1, errorRate: to tell ",
        "a rollback takes up to 5 min",
    ];
    said.into_iter()
        .fold(preview, |preview, part| preview.says(part));
    assert_eq!(world.writes(), (0, 0));
}
