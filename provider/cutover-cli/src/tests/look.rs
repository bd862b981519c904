//! Commands that only look.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::journal::Mark;
use cutover_core::shift::sources::Metric;
use cutover_driver::{Clock as _, Published};

use super::bench::Bench;
use crate::Exit;
use crate::console::moment;

const STATUS: &str = "status --zone Z0AB --name pay.example.com";

#[tokio::test]
async fn shows_weights_journal_and_fence() {
    let bench = Bench::with_journal(90, 10, Mark::Going, 3).await;

    let typed = bench.types(STATUS).await;

    assert_eq!(typed.exit, Exit::Done);
    insta::assert_snapshot!(typed.out);
}

#[tokio::test]
async fn shows_the_same_as_json() {
    let bench = Bench::with_journal(90, 10, Mark::Going, 3).await;

    let json = bench.types(&format!("{STATUS} --json")).await.json();

    insta::assert_snapshot!(format!("{json:#}"));
}

#[tokio::test]
async fn a_split_that_nobody_watches_is_a_finding() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 20).await;

    let typed = bench.types(&format!("{STATUS} --json")).await;

    assert_eq!(typed.exit, Exit::Finding);
    let json = typed.json();
    assert_eq!(json["fence"]["state"], "stale");
    assert_eq!(json["findings"][0]["name"], "unattended");
}

#[tokio::test]
async fn weights_that_belong_to_another_mark_are_a_finding() {
    let bench = Bench::with_journal(100, 0, Mark::Going, 1).await;

    let typed = bench.types(STATUS).await;

    assert_eq!(typed.exit, Exit::Finding);
    assert!(
        typed
            .out
            .contains("finding: new gets less than the journal says it should"),
        "{}",
        typed.out
    );
}

#[tokio::test]
async fn without_a_journal_weights_are_shown_without_sides() {
    let bench = Bench::at(90, 10).await;

    let json = bench.types(&format!("{STATUS} --json")).await.json();

    assert_eq!(json["journal"], serde_json::Value::Null);
    assert_eq!(json["share"], serde_json::Value::Null);
    assert_eq!(json["members"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn watching_prints_what_changes_and_ends_with_the_shift() {
    let bench = Bench::with_journal(50, 50, Mark::Completed, 0).await;

    let typed = bench.types(&format!("{STATUS} --watch")).await;

    assert_eq!(typed.out.matches("% on new").count(), 1);
}

#[tokio::test]
async fn name_servers_that_answer_as_the_weights_say_are_verified() {
    let bench = Bench::with_journal(50, 50, Mark::Going, 3).await;

    let typed = bench
        .types("verify --zone Z0AB --name pay.example.com --json")
        .await;

    let json = typed.json();
    assert_eq!(typed.exit, Exit::Done, "{json:#}");
    // Four servers and two names.
    assert_eq!(json["servers"].as_array().map(Vec::len), Some(8));
}

#[tokio::test]
async fn name_servers_that_do_not_have_a_change_yet_are_a_finding() {
    let bench = Bench::with_journal(100, 0, Mark::Preparing, 3).await;
    bench.put(0, 100).await;

    let typed = bench
        .types("verify --zone Z0AB --name pay.example.com --times 10")
        .await;

    assert_eq!(typed.exit, Exit::Finding);
    assert!(typed.out.contains("differs"), "{}", typed.out);
}

#[tokio::test]
async fn a_zone_that_is_not_there_is_said_to_be_so() {
    let bench = Bench::new();

    let typed = bench
        .types("drill --zone Z0NONE --name drill.example.com")
        .await;

    assert_eq!(typed.exit, Exit::Failed);
    assert!(typed.err.contains("CUT-181"), "{}", typed.err);
}

#[tokio::test]
async fn a_simulation_says_when_a_gate_would_have_fired() {
    let bench = Bench::new();
    bench.clock.pass(Duration::from_hours(1));
    let end = bench.clock.now();
    let from = Timestamp::from_unix_millis(end.unix_millis() - 40 * 60_000);
    // Six failures a minute from the tenth on, where five are the limit.
    let values: Vec<Published> = (0..40)
        .map(|minute| Published {
            metric: Metric {
                namespace: "Pay".to_owned(),
                name: "Refused".to_owned(),
                dimensions: BTreeMap::new(),
                stat: "Sum".to_owned(),
            },
            at: from.after(Duration::from_mins(minute)),
            value: if minute >= 10 { 6.0 } else { 1.0 },
        })
        .collect();
    bench
        .here
        .traffic
        .metrics
        .publish(&values)
        .await
        .expect("is published");
    let folder = tempfile::tempdir().expect("makes a folder");
    let file = folder.path().join("shift.json");
    let gate = r#"{"gates": [{"name": "refused", "kind": "count", "max": 5, "for": "2m",
        "metric": {"namespace": "Pay", "name": "Refused"}}]}"#;
    std::fs::write(&file, gate).expect("is writable");

    let typed = bench
        .types(&format!(
            "simulate --json --spec {} --from {} --until {}",
            file.display(),
            moment(from),
            moment(end)
        ))
        .await;

    assert_eq!(typed.exit, Exit::Finding, "{typed:?}");
    let json = typed.json();
    let firing = &json["gates"][0]["firings"][0];
    assert_eq!(firing["since"], moment(from.after(Duration::from_mins(10))));
    // Two minutes, and one until it can be read.
    assert_eq!(firing["at"], moment(from.after(Duration::from_mins(13))));
    assert_eq!(firing["value"], 6.0);
}

#[tokio::test]
async fn codes_are_explained_and_unknown_ones_refused() {
    let bench = Bench::new();

    let known = bench.types("explain cut-185").await;
    let unknown = bench.types("explain 999").await;
    let list = bench.types("explain --json").await.json();

    assert!(
        known
            .out
            .starts_with("CUT-185: nobody confirmed the rollback\n\n"),
        "{}",
        known.out
    );
    assert_eq!(unknown.exit, Exit::Usage);
    assert!(
        list["codes"]
            .as_array()
            .is_some_and(|codes| codes.len() > 20)
    );
}
