//! Looking: `status` and `verify`.

use std::time::Duration;

use cutover_core::shift::journal::Mark;
use cutover_local_aws::Options;
use cutover_sim::cloud::{Change, ChangeAction};

use crate::world::{NAMES, World, ZONE, put_text, put_weights, quick};

const STATUS: &str = "status --zone Z0PAY --name pay.example.com";
const VERIFY: &str = "verify --zone Z0PAY --name pay.example.com";

#[tokio::test]
async fn status_shows_every_member_with_its_side_and_who_holds_the_fence() {
    let world = World::split(90, 10, Mark::Going, Duration::from_mins(2)).await;

    let typed = world.types(STATUS).await.exits(0);

    assert!(
        typed
            .out
            .starts_with("pay.example.com in Z0PAY: 10 % on new"),
        "{typed:?}"
    );
    for word in [
        "checkout.example.com",
        "AAAA",
        "old-system",
        "alias",
        "60 s",
        "held, renewed 2 min",
    ] {
        assert!(typed.out.contains(word), "{word}: {}", typed.out);
    }
    assert_eq!(typed.err, "");
    assert_eq!(world.changes(), 0);
}

#[tokio::test]
async fn status_is_one_json_object_when_that_is_asked_for() {
    let world = World::split(90, 10, Mark::Going, Duration::from_mins(2)).await;

    let json = world
        .types(&format!("{STATUS} --json"))
        .await
        .exits(0)
        .json();

    assert_eq!(json["share"], 10.0);
    assert_eq!(json["members"].as_array().map(Vec::len), Some(8));
    assert_eq!(json["journal"]["shift"], "pay-1");
    assert_eq!(json["journal"]["step"], 1);
    assert_eq!(json["fence"]["state"], "held");
    assert_eq!(json["findings"], serde_json::json!([]));
}

#[tokio::test]
async fn a_split_that_nobody_watches_is_a_finding() {
    let world = World::split(90, 10, Mark::Going, Duration::from_mins(16)).await;

    let typed = world.types(STATUS).await.exits(1);

    assert!(
        typed.out.contains("the run that should watch it is gone"),
        "{}",
        typed.out
    );
}

#[tokio::test]
async fn watching_ends_with_the_shift_and_prints_only_what_is_new() {
    let world = World::split(90, 10, Mark::Going, Duration::ZERO).await;
    let mut watching = world.command(&format!("{STATUS} --watch --every 1s --json"));
    let watching = tokio::spawn(async move { watching.output().await.unwrap() });
    // Two looks at the same thing are told once.
    world
        .until(|world| world.calls("ListResourceRecordSets").len() >= 8)
        .await;

    world
        .types("rollback --zone Z0PAY --name pay.example.com --yes")
        .await
        .exits(0);
    world.aws.cloud().by_others(|cloud| {
        let gone = cloud
            .records(ZONE)
            .into_iter()
            .find(|set| set.record_type == "TXT");
        let change = Change {
            action: ChangeAction::Delete,
            set: gone.unwrap(),
        };
        cloud
            .change_resource_record_sets(world.clock.now(), ZONE, &[change])
            .unwrap();
    });

    let output = watching.await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let shares: Vec<f64> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|status| status["share"].as_f64())
        .collect();
    assert!(
        shares == [10.0, 0.0] || shares == [10.0, 0.0, 0.0],
        "{shares:?}"
    );
}

#[tokio::test]
async fn a_text_that_is_no_journal_is_a_finding_and_not_an_error() {
    let world = World::with(quick(), Options::default(), |cloud, now| {
        put_text(cloud, now, vec!["\"v=spf1 -all\"".to_owned()]);
    })
    .await;

    let typed = world.types(STATUS).await.exits(1);

    assert!(
        typed.out.contains("the journal cannot be read"),
        "{}",
        typed.out
    );
}

#[tokio::test]
async fn verify_finds_every_name_server_answering_by_the_weights() {
    let world = World::split(70, 30, Mark::Going, Duration::ZERO).await;

    let typed = world
        .asks(&format!("{VERIFY} --times 200 --json"))
        .await
        .exits(0);

    let json = typed.json();
    assert_eq!(json["agrees"], true, "{json}");
    let servers = json["servers"].as_array().unwrap();
    // Four servers, two names, two types.
    assert_eq!(servers.len(), 16);
    assert!(servers.iter().all(|server| server["other"] == 0), "{json}");
    assert!(servers.iter().any(|server| server["name"] == NAMES[1]));
}

#[tokio::test]
async fn verify_sees_servers_that_have_not_got_the_change_yet() {
    let mut config = quick();
    config.propagation = Duration::from_mins(5);
    let world = World::with(config, Options::default(), |_, _| ()).await;
    // What was there from the beginning is answered only when that is long past, so the zone says nothing yet.
    put_weights(&mut world.aws.cloud(), world.clock.now(), 0, 100);

    let typed = world
        .asks(&format!(
            "{VERIFY} --old old-system --new new-system --times 20"
        ))
        .await
        .exits(1);

    assert!(
        typed.out.contains("strangers") || typed.out.contains("differs"),
        "{}",
        typed.out
    );
}

#[tokio::test]
async fn verify_does_not_wait_for_ever_for_a_server_that_is_not_there() {
    let world = World::split(70, 30, Mark::Going, Duration::ZERO).await;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let nobody = socket.local_addr().unwrap();
    drop(socket);

    let typed = world
        .types(&format!("{VERIFY} --name-server {nobody}"))
        .await;

    // An alias stands for addresses that nobody tells.
    typed.exits(3).complains(&["CUT-004", "`dns:Query`"]);
}
