//! The throw-away shift.

use cutover_sim::CloudFault;
use cutover_sim::cloud::{Rival, What, When};

use super::bench::{Bench, ZONE};
use crate::Exit;

const DRILL: &str = "drill --zone Z0AB --name drill.example.com --json";

fn is_gone(bench: &Bench) -> bool {
    let records = bench.sim.cloud().records(ZONE);
    !records.iter().any(|set| set.name.starts_with("drill."))
}

#[tokio::test]
async fn a_drill_shifts_forward_and_back_measures_and_leaves_nothing() {
    let bench = Bench::new();

    let typed = bench.types(DRILL).await;

    assert_eq!(typed.exit, Exit::Done, "{typed:?}");
    let json = typed.json();
    let moves = json["moves"].as_array().expect("is a list");
    assert_eq!(moves.len(), 3);
    for moved in moves {
        let insync = moved["insyncMillis"].as_u64().expect("is a number");
        assert!((30_000..40_000).contains(&insync), "{moved}");
        let expired = moved["expiredMillis"].as_u64().expect("is a number");
        assert!(expired >= insync + 60_000, "{moved}");
    }
    assert!(is_gone(&bench));
}

#[tokio::test]
async fn a_name_that_exists_is_refused_and_left_alone() {
    let bench = Bench::at(90, 10).await;
    let before = bench.changes();

    let typed = bench
        .types("drill --zone Z0AB --name pay.example.com")
        .await;

    assert_eq!(typed.exit, Exit::Usage);
    assert!(typed.err.contains("CUT-184"), "{}", typed.err);
    assert_eq!(bench.changes(), before);
}

#[tokio::test]
async fn a_name_of_another_zone_is_refused() {
    let bench = Bench::new();

    for name in ["drill.example.org", "drillexample.com", "example.com"] {
        let typed = bench
            .types(&format!("drill --zone Z0AB --name {name}"))
            .await;

        assert_eq!(typed.exit, Exit::Usage, "{name}");
        assert_eq!(bench.changes(), 0);
    }
}

#[tokio::test]
async fn an_interrupted_drill_leaves_nothing() {
    for call in 1..=12 {
        let bench = Bench::new();
        let stop = bench.here.stop.clone();
        let interrupts = Rival::new(move |_, _| stop.cancel());
        bench.sim.cloud().script([CloudFault::nth(
            "GetChange",
            call,
            1,
            What::Rival(interrupts),
        )]);

        let typed = bench.types(DRILL).await;

        assert_eq!(typed.exit, Exit::Failed, "{call}: {typed:?}");
        assert!(typed.err.contains("CUT-009"), "{}", typed.err);
        assert!(is_gone(&bench), "{call}");
    }
}

#[tokio::test]
async fn a_drill_whose_change_fails_or_is_in_doubt_leaves_nothing() {
    for what in [
        What::AnswerLost,
        What::LostBefore,
        What::Denied,
        What::Throttled,
    ] {
        for call in 1..=3 {
            let bench = Bench::new();
            let fault = CloudFault::nth("ChangeResourceRecordSets", call, 1, what.clone());
            bench.sim.cloud().script([fault]);

            bench.types(DRILL).await;

            assert!(is_gone(&bench), "{what:?} {call}");
        }
    }
}

#[tokio::test]
async fn records_that_cannot_be_removed_are_named() {
    let bench = Bench::new();
    let from = bench.sim.cloud().requests().len();
    assert_eq!(from, 0);
    let denied = CloudFault {
        operation: "ChangeResourceRecordSets",
        when: When::Occurrence {
            first: 2,
            times: usize::MAX - 2,
        },
        what: What::Denied,
    };
    bench.sim.cloud().script([denied]);

    let typed = bench.types(DRILL).await;

    assert_eq!(typed.exit, Exit::Failed);
    assert!(
        typed.err.contains("CUT-192") && typed.err.contains("drill-old-cli-"),
        "{}",
        typed.err
    );
}
