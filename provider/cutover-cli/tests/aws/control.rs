//! Fence and kill switch: `unlock`, `hold`, `resume`, `approve` and `rollback --parameter`.

use std::time::Duration;

use cutover_core::shift::facts::JournalRead;
use cutover_core::shift::journal::Mark;
use cutover_local_aws::Options;

use crate::world::{World, put_parameter, put_text, quick};

const UNLOCK: &str = "unlock --zone Z0PAY --name pay.example.com";

#[tokio::test]
async fn a_fresh_fence_is_not_taken_away_without_force() {
    let world = World::split(90, 10, Mark::Going, Duration::from_mins(2)).await;

    let refused = world.types(UNLOCK).await.exits(1);
    refused.complains(&["CUT-183", "run `ci-42` of shift `pay-1`", "renewed 2 min"]);
    assert_eq!(world.changes(), 0);

    let typed = world.types(&format!("{UNLOCK} --force")).await.exits(0);

    assert!(typed.out.contains("ci-42"), "{}", typed.out);
    assert_eq!(world.journal(), JournalRead::Absent);
    assert_eq!(world.weights(), [(90, 10); 4]);
}

#[tokio::test]
async fn a_stale_fence_is_taken_away_and_the_second_time_says_so() {
    let world = World::split(90, 10, Mark::Going, Duration::from_mins(15)).await;

    world.types(UNLOCK).await.exits(0);
    assert_eq!(world.journal(), JournalRead::Absent);

    let typed = world.types(&format!("{UNLOCK} --json")).await.exits(0);
    assert_eq!(typed.json()["unlocked"], false);
    assert_eq!(world.changes(), 1);
}

#[tokio::test]
async fn the_age_that_makes_a_fence_stale_follows_the_heartbeat() {
    let world = World::split(90, 10, Mark::Going, Duration::from_mins(2)).await;

    world
        .types(&format!("{UNLOCK} --heartbeat 30s"))
        .await
        .exits(0);

    assert_eq!(world.journal(), JournalRead::Absent);
}

#[tokio::test]
async fn a_text_that_is_no_journal_is_deleted_only_by_force() {
    let world = World::with(quick(), Options::default(), |cloud, now| {
        put_text(cloud, now, vec!["\"v=spf1 -all\"".to_owned()]);
    })
    .await;

    world
        .types(UNLOCK)
        .await
        .exits(1)
        .complains(&["CUT-183", "--force"]);
    world.types(&format!("{UNLOCK} --force")).await.exits(0);

    assert_eq!(world.journal(), JournalRead::Absent);
}

#[tokio::test]
async fn the_kill_switch_says_what_was_typed() {
    let world = World::start().await;
    let lines = [
        (
            "hold --parameter /cutover/pay",
            "hold: asked for by the operator",
        ),
        ("resume --parameter /cutover/pay", "run"),
        ("approve --parameter /cutover/pay --step 2", "approve: 2"),
        (
            "rollback --parameter /cutover/pay --reason slow",
            "rollback: slow",
        ),
    ];
    for (line, said) in lines {
        let before = world.parameter();

        let typed = world.types(&format!("{line} --json")).await.exits(0);

        assert_eq!(world.parameter(), said);
        let json = typed.json();
        assert_eq!(json["before"], before);
        assert_eq!(json["after"], said);
        assert_eq!(json["changed"], true);
    }
    assert_eq!(
        world.changes(),
        0,
        "records are the running shift's business"
    );
}

#[tokio::test]
async fn what_the_switch_says_already_is_not_written_again() {
    let world = World::start().await;

    let typed = world
        .types("resume --parameter /cutover/pay")
        .await
        .exits(0);

    assert!(
        typed.out.contains("already run, nothing was written"),
        "{}",
        typed.out
    );
    assert!(world.calls("PutParameter").is_empty());
}

#[tokio::test]
async fn nobody_takes_a_rollback_back_by_accident() {
    let world = World::start().await;
    put_parameter(
        &mut world.aws.cloud(),
        world.clock.now(),
        "rollback: broken",
    );

    let refused = world
        .types("resume --parameter /cutover/pay")
        .await
        .exits(1);
    refused.complains(&["CUT-187", "rollback: broken", "--force"]);
    assert_eq!(world.parameter(), "rollback: broken");

    world
        .types("resume --parameter /cutover/pay --force")
        .await
        .exits(0);
    assert_eq!(world.parameter(), "run");
}

/// F59
#[tokio::test]
async fn a_switch_that_does_not_exist_is_told_with_the_line_that_makes_it() {
    let world = World::start().await;

    let typed = world
        .types("hold --parameter /cutover/nobody")
        .await
        .exits(3);

    typed.complains(&["CUT-186", "aws ssm put-parameter", "/cutover/nobody"]);
    assert!(world.calls("PutParameter").is_empty());
}
