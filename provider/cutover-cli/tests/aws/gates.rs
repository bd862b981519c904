//! Replaying gates over metrics of the past: `simulate`.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::gates::Side;
use cutover_driver::{Clock as _, SystemClock};
use cutover_local_aws::Options;
use cutover_sim::Cloud;
use cutover_sim::cloud::{Incident, SideProfile};
use cutover_sim::shop::Site;

use crate::world::{Typed, World, put_weights, quick};

const SPEC: &str = r#"{
    "gates": [
        { "name": "paymentFailures", "kind": "ratio", "max": 0.02,
          "bad": [{ "namespace": "Shop", "name": "FailedPayments", "newDimensions": { "Side": "new" } }],
          "total": [{ "namespace": "Shop", "name": "Payments", "newDimensions": { "Side": "new" } }] },
        { "name": "errorRate", "kind": "ratio", "max": 0.5,
          "bad": [{ "namespace": "Shop", "name": "Errors", "newDimensions": { "Side": "new" } }],
          "total": [{ "namespace": "Shop", "name": "Requests", "newDimensions": { "Side": "new" } }] }
    ],
    "steps": [{ "share": 10, "bake": "30m" }]
}"#;

/// Three hours of traffic at half and half, and for half an hour one in five payments of new fails.
struct Past {
    world: World,
    opened: Timestamp,
}

impl Past {
    async fn new() -> Self {
        // What is read is a minute or more old.
        let minute = SystemClock.now().unix_millis() / 60_000 * 60_000;
        let opened = Timestamp::from_unix_millis(minute - 3 * 3_600_000);
        let mut cloud = Cloud::new(quick());
        Site::pay().open(&mut cloud, opened);
        put_weights(&mut cloud, opened, 50, 50);
        let incident = Incident {
            from: opened.after(Duration::from_hours(1)),
            until: opened.after(Duration::from_mins(90)),
            side: Side::New,
            profile: SideProfile {
                error_rate: 0.01,
                payment_failure_rate: 0.2,
                latency_p95: Duration::from_millis(180),
            },
        };
        cloud.add_incident(opened, incident);
        let world = World::of(cloud, Arc::new(SystemClock), Options::default()).await;
        Self { world, opened }
    }

    fn minute(&self, minute: u64) -> String {
        let at = self.opened.after(Duration::from_mins(minute)).unix_millis();
        let since = Duration::from_millis(u64::try_from(at).unwrap());
        humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string()
    }

    async fn simulates(&self, spec: &str, from: u64, until: u64, more: &str) -> Typed {
        let file = self.world.folder.path().join("shift.json");
        std::fs::write(&file, spec).unwrap();
        let line = format!(
            "simulate --spec {} --from {} --until {}{more}",
            file.display(),
            self.minute(from),
            self.minute(until)
        );
        self.world.types(&line).await
    }
}

#[tokio::test]
async fn an_incident_of_the_past_fires_the_gate_that_watches_for_it() {
    let past = Past::new().await;

    let json = past
        .simulates(SPEC, 10, 120, " --json")
        .await
        .exits(1)
        .json();

    let [failures, errors] = json["gates"].as_array().unwrap().as_slice() else {
        panic!("{json}")
    };
    assert_eq!(failures["gate"], "paymentFailures");
    let first = &failures["firings"][0];
    let (since, at) = (
        first["since"].as_str().unwrap(),
        first["at"].as_str().unwrap(),
    );
    assert_eq!(since, past.minute(60));
    assert!(
        at > past.minute(60).as_str() && at <= past.minute(63).as_str(),
        "{first}"
    );
    let value = first["value"].as_f64().unwrap();
    assert!((0.15..0.25).contains(&value), "{first}");
    assert_eq!(errors["firings"], serde_json::json!([]));
}

#[tokio::test]
async fn people_are_told_when_it_would_have_fired_and_what_for() {
    let past = Past::new().await;

    let typed = past.simulates(SPEC, 10, 120, "").await.exits(1);

    let said = format!("since {}", past.minute(60));
    let line = typed.out.lines().find(|line| line.contains(&said));
    assert!(
        line.is_some_and(|line| line.contains("paymentFailures fires")),
        "{}",
        typed.out
    );
}

#[tokio::test]
async fn a_quiet_past_fires_nothing() {
    let past = Past::new().await;

    let json = past
        .simulates(SPEC, 10, 50, " --json")
        .await
        .exits(0)
        .json();

    for gate in json["gates"].as_array().unwrap() {
        assert_eq!(gate["firings"], serde_json::json!([]));
        assert!(gate["healthyPercent"].as_f64().unwrap() > 80.0, "{gate}");
    }
}

#[tokio::test]
async fn a_metric_without_data_is_never_healthy() {
    let past = Past::new().await;
    let spec = SPEC.replace("\"Shop\"", "\"Nobody\"");

    let json = past
        .simulates(&spec, 10, 50, " --json")
        .await
        .exits(0)
        .json();

    for gate in json["gates"].as_array().unwrap() {
        assert_eq!(gate["healthyPercent"], 0.0, "{gate}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_file_is_named_by_its_path() {
    let past = Past::new().await;
    let spec = SPEC.replace("\"max\": 0.5", "\"maximum\": 0.5");

    let typed = past.simulates(&spec, 10, 50, "").await.exits(2);

    typed.complains(&["CUT-189", "gates[1]"]);
    assert_eq!(typed.out, "");
}
