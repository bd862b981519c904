//! What stands between a command and the account.

use std::time::Duration;

use cutover_core::shift::journal::Mark;
use cutover_local_aws::Options;
use cutover_sim::CloudFault;
use cutover_sim::cloud::{What, When};

use crate::world::{World, quick, typed};

const STATUS: &str = "status --zone Z0PAY --name pay.example.com";
const ROLLBACK: &str = "rollback --zone Z0PAY --name pay.example.com --yes";

async fn a_split() -> World {
    World::split(90, 10, Mark::Going, Duration::from_mins(2)).await
}

#[tokio::test]
async fn without_credentials_it_says_where_they_are_looked_for() {
    let world = a_split().await;
    let mut command = world.command(ROLLBACK);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env_remove("AWS_SESSION_TOKEN");

    let typed = typed(command).await.exits(3);

    typed.complains(&["CUT-001", "--profile"]);
    assert!(world.aws.cloud().requests().is_empty());
}

#[tokio::test]
async fn without_a_region_it_says_so() {
    let world = a_split().await;
    let mut command = world.command(STATUS);
    command.env_remove("AWS_REGION");

    typed(command)
        .await
        .exits(3)
        .complains(&["CUT-001", "no region", "--region"]);
}

#[tokio::test]
async fn keys_that_nobody_knows_are_told_with_advice() {
    let options = Options {
        access_keys: Some(["AKIAOFANOTHER".to_owned()].into()),
        ..Options::default()
    };
    let world = World::with(quick(), options, |_, _| ()).await;

    let typed = world.types(ROLLBACK).await.exits(3);

    typed.complains(&["CUT-001", "next:"]);
    assert_eq!(world.changes(), 0);
}

#[tokio::test]
async fn credentials_that_may_not_look_are_told_what_to_allow() {
    let world = a_split().await;
    let fault = CloudFault {
        operation: "ListResourceRecordSets",
        when: When::Always,
        what: What::Denied,
    };
    world.aws.cloud().script([fault]);

    let typed = world.types(ROLLBACK).await.exits(3);

    typed.complains(&["CUT-002", "allow `route53:ListResourceRecordSets`"]);
}

#[tokio::test]
async fn credentials_whose_time_is_over_are_told() {
    let world = a_split().await;
    world.aws.cloud().credentials_end = Some(world.clock.now());

    world
        .types(STATUS)
        .await
        .exits(3)
        .complains(&["CUT-001", "next:"]);
}

/// F23
#[tokio::test]
async fn a_zone_that_does_not_exist_is_named_by_every_command_that_needs_one() {
    let world = a_split().await;
    for command in [
        "status --name pay.example.com",
        "rollback --yes --name pay.example.com",
        "verify --name pay.example.com",
        "unlock --name pay.example.com",
        "drill --name drill.example.com",
    ] {
        let typed = world
            .types(&format!("{command} --zone Z0NOBODY"))
            .await
            .exits(3);

        typed.complains(&["CUT-181", "`Z0NOBODY`", "next:"]);
    }
    assert_eq!(world.changes(), 0);
}

#[tokio::test]
async fn a_name_without_records_is_told_apart_from_one_without_a_journal() {
    let world = a_split().await;

    let typed = world
        .types("rollback --yes --zone Z0PAY --name nobody.example.com")
        .await
        .exits(2);

    typed.complains(&["CUT-180", "check zone and name"]);
}
