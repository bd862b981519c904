//! The rehearsal on a throw-away name: `drill`.

use std::time::Duration;

use cutover_local_aws::Options;
use cutover_sim::CloudFault;
use cutover_sim::cloud::What;

use crate::world::{NAMES, World, ZONE, quick};

const DRILL: &str = "drill --zone Z0PAY --name drill.example.com";

/// Tells whether nothing of a drill is left.
fn is_clean(world: &World) -> bool {
    let records = world.aws.cloud().records(ZONE);
    records.iter().all(|set| !set.name.starts_with("drill."))
}

#[tokio::test]
async fn a_drill_measures_three_changes_and_leaves_nothing() {
    let mut config = quick();
    config.insync = Some(Duration::ZERO);
    let world = World::with(config, Options::default(), |_, _| ()).await;

    let typed = world
        .asks(&format!("{DRILL} --ttl 30 --json"))
        .await
        .exits(0);

    let json = typed.json();
    let moves = json["moves"].as_array().unwrap();
    let named: Vec<_> = moves
        .iter()
        .map(|moved| moved["change"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["make", "forward", "back"]);
    for moved in moves {
        let [answered, expired] =
            ["answeredMillis", "expiredMillis"].map(|key| moved[key].as_u64().unwrap());
        assert_eq!(expired - answered, 30_000);
    }
    assert_eq!(json["removed"], true);
    // Made, forward, back, removed.
    assert_eq!(world.calls("ChangeResourceRecordSets"), [None; 4]);
    assert!(is_clean(&world));
}

#[tokio::test]
async fn ctrl_c_in_a_drill_removes_what_it_made() {
    let mut config = quick();
    config.insync = None;
    let world = World::with(config, Options::default(), |_, _| ()).await;
    let mut running = world.begins(&world.asking(DRILL));
    running.says("pending").await;
    assert!(!is_clean(&world));
    let interrupted = std::time::Instant::now();

    running.interrupt().await;

    let typed = running.ended().await.exits(3);
    typed.complains(&["CUT-009", "removing the records"]);
    assert!(is_clean(&world));
    // Who presses Ctrl-C does not wait for a change that nobody needs any more.
    assert!(
        interrupted.elapsed() < Duration::from_secs(15),
        "{:?}",
        interrupted.elapsed()
    );
}

#[tokio::test]
async fn what_a_drill_made_is_removed_though_the_way_there_was_refused() {
    let mut config = quick();
    config.insync = Some(Duration::ZERO);
    let world = World::with(config, Options::default(), |_, _| ()).await;
    let fault = CloudFault::nth("ChangeResourceRecordSets", 2, 1, What::Denied);
    world.aws.cloud().script([fault]);

    let typed = world.asks(DRILL).await.exits(3);

    typed.complains(&["CUT-002", "route53:ChangeResourceRecordSets"]);
    assert!(is_clean(&world));
}

#[tokio::test]
async fn a_drill_does_not_touch_a_name_that_exists() {
    let world = World::start().await;

    let typed = world
        .asks(&format!("drill --zone Z0PAY --name {}", NAMES[0]))
        .await
        .exits(2);

    typed.complains(&["CUT-184", "a name that does not exist"]);
    let typed = world
        .asks("drill --zone Z0PAY --name drill.example.org")
        .await
        .exits(2);
    typed.complains(&["CUT-184", "`example.com`"]);
    assert_eq!(world.changes(), 0);
}
